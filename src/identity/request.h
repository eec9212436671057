/*
 * request.h - the HTTP request that PostgREST carries out in this transaction, as it says in its settings.
 */
#ifndef SCHED_IDENTITY_REQUEST_H
#define SCHED_IDENTITY_REQUEST_H

#include "core/compat.h"

/* Whether there is one: the caller is told by HTTP status. Anybody can set these settings: they prove nothing. */
extern bool sched_identity_is_request(void);

typedef enum SchedBearer
{
	SCHED_BEARER_NONE,
	SCHED_BEARER_FOUND,
	SCHED_BEARER_TOO_LONG,
	SCHED_BEARER_UNREADABLE /* the headers are not what PostgREST writes */
} SchedBearer;

/* The token of the header Authorization: Bearer, into `size` bytes. */
extern SchedBearer sched_identity_find_bearer(char *token, size_t size);

/* The function or table that the request names, as '/rpc/add_task' names add_task; '' where it names none. */
extern void sched_identity_find_called(char *name, size_t size);

typedef struct SchedRefusal
{
	int status;       /* of HTTP */
	const char *code; /* PT401 .. */
	int sqlstate;     /* what is raised where there is no request */
	const char *message;
	const char *detail; /* NULL: none */
	const char *hint;
	const char *header; /* NULL: none */
	const char *value;
} SchedRefusal;

/*
 * Raises it: over HTTP as PostgREST's PGRST, which alone can carry headers out of a transaction that ends in an error.
 */
extern SCHED_NORETURN void sched_identity_refuse(const SchedRefusal *refusal);

#endif
