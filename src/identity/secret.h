/*
 * secret.h - what the HTTP layer needs of the secret store: one value, opened for one call.
 *
 * Called in a worker or backend inside a transaction with a snapshot. The value is malloc'ed and belongs to the
 * caller, who gives it back with sched_identity_close_secret() (zeroes and frees) before anything can throw.
 * No status, no error and no log line ever contains a value.
 */
#ifndef SCHED_IDENTITY_SECRET_H
#define SCHED_IDENTITY_SECRET_H

#include <stddef.h>

#include "utils/uuid.h"

typedef enum SchedSecretStatus
{
	SCHED_SECRET_OK,
	SCHED_SECRET_UNKNOWN, /* neither the user's own nor one of the installation's that he may use here */
	SCHED_SECRET_WRONG_HOST,  /* the secret is not bound to this host and port */
	SCHED_SECRET_NO_KEY,      /* the master key file is missing, unreadable or has the wrong mode */
	SCHED_SECRET_NO_DATA_KEY, /* the file of the owner's data key is missing or refused */
	SCHED_SECRET_WRONG_KEY,   /* sealed with a key that is not here */
	SCHED_SECRET_DAMAGED,     /* the sealed bytes do not belong to this row */
	SCHED_SECRET_NO_MEMORY
} SchedSecretStatus;

typedef struct SchedSecretValue
{
	char *bytes; /* malloc'ed, length bytes and a NUL */
	size_t length;
	bool shared; /* the system user's, opened for somebody else's job */
} SchedSecretValue;

/* Where the value would be sent, as the library that sends it has parsed the URL. */
typedef struct SchedSecretTarget
{
	const char *host; /* without port; an IPv6 address in brackets */
	int port;
	const char *path; /* '/v1/chat/completions', without query */
} SchedSecretTarget;

/*
 * The user's own secret of this name; else the system user's, but only for a URL that an admin registered (a
 * model's endpoint). A secret's hosts are 'api.openai.com' (port 443), 'localhost:11434', '*.example.org'.
 * Throws only for internal errors.
 */
extern SchedSecretStatus sched_identity_open_secret(const pg_uuid_t *user_id, const char *name,
													const SchedSecretTarget *target,
													SchedSecretValue *value);
extern void sched_identity_close_secret(SchedSecretValue *value);

/* What a status means, in words: a constant string. */
extern const char *sched_identity_secret_problem(SchedSecretStatus status);

/* Where the master key file is, or would be; the place file lies beside it by default. palloc'ed. */
extern char *sched_identity_find_key_file(void);

#endif
