/*
 * gate.h - whether a call may go now: rate limits of its user, account and host, and the host's breaker.
 *
 * Called by workers, in the transaction that launches calls. What is decided lies in shared memory, so it holds over
 * all workers of a database.
 */
#ifndef SCHED_HTTP_GATE_H
#define SCHED_HTTP_GATE_H

#include "postgres.h"
#include "utils/uuid.h"

#include "http/engine.h"

/* Of a call that wants to go. */
typedef struct SchedGateCall
{
	const pg_uuid_t *user_id;
	const char *host;  /* host:port, as the engine has it */
	const char *auth;  /* as the request has it, or NULL */
	int64 patience_us; /* longest that it can take */
} SchedGateCall;

typedef enum SchedGateWord
{
	SCHED_GATE_PASS,
	SCHED_GATE_WAIT,  /* its limit, or its host's wish */
	SCHED_GATE_REFUSE /* its host is down */
} SchedGateWord;

typedef struct SchedGateVerdict
{
	SchedGateWord word;
	bool probe;       /* passed as the one call that finds out whether the host is back */
	int64 wait_us;    /* until it may be asked again */
	int64 spacing_us; /* between two calls under this limit; 0: they may all go then */
	char reason[240]; /* where it does not pass */
} SchedGateVerdict;

/* Reads rate_limits where they have changed; throws what the statement throws. */
extern void sched_http_refresh_limits(void);

/* Takes a token of each limit that applies; all or none. */
extern void sched_http_pass_gate(const SchedGateCall *call, SchedGateVerdict *verdict);

/* It passed, and was not made. */
extern void sched_http_return_pass(const SchedGateCall *call, bool probe);

/* Its end, at once: the breaker learns from it, and a wish to be left alone is kept. NULL: it has none. */
extern void sched_http_note_answer(const SchedGateCall *call, const SchedHttpAnswer *answer,
								   bool probe);

#endif
