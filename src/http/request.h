/*
 * request.h - between a handler's SQL values and the HTTP engine.
 *
 * Called by the worker only. Everything here uses palloc, syscaches and SPI, and may throw; the
 * engine never does. Order of calls for one network step, with no transaction open while the call
 * flies:
 *
 *     in the claiming transaction:  refusal = sched_http_build_call(request, user, tag, &call)
 *     signals blocked:              sched_http_submit(engine, &call); sched_http_scrub_call(&call)
 *     ... commit; wait; sched_http_drive(); answer = sched_http_next() ...
 *     in the answering transaction: sched_http_form_response(answer) -> scheduler.http_response
 *     afterwards, or in PG_FINALLY: sched_http_count_answer(answer); sched_http_free_answer(answer)
 *
 * A request that cannot be made (unknown secret, CR/LF in a header, ...) is not an error of the
 * worker: the refusal is an answer like any other, given to the handler as a response with an error
 * and no status.
 */
#ifndef SCHED_HTTP_REQUEST_H
#define SCHED_HTTP_REQUEST_H

#include "postgres.h"
#include "access/htup.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "http/engine.h"

/* The engine's configuration from the settings (strings point into them). Again after a reload. */
extern void sched_http_load_config(SchedHttpConfig *config);

/*
 * Unpacks a composite scheduler.http_request for the user whose job asks; opens the secret that
 * `auth` names. NULL: `call` is ready, palloc'ed in the current context, and holds a secret in the
 * clear: submit it and scrub it at once. Otherwise `call` is empty and the result is the refusal
 * (malloc'ed, free with sched_http_free_answer). Needs a transaction and a snapshot; throws only
 * for internal errors.
 */
extern SchedHttpAnswer *sched_http_build_call(Datum request, const pg_uuid_t *user_id, uint64_t tag,
											  SchedHttpCall *call);
extern void sched_http_scrub_call(SchedHttpCall *call);

/*
 * An answer made by the worker itself: SCHED_HTTP_LOST with `sent` for a call whose process died,
 * ... malloc'ed.
 */
extern SchedHttpAnswer *sched_http_make_failure(uint64_t tag, SchedHttpFailure failure, bool sent,
												const char *words);

/* An answer in place of one of a host that is left alone: come again in so many microseconds. malloc'ed. */
extern SchedHttpAnswer *sched_http_make_refusal(uint64_t tag, const char *words, int64 wait_us);

/* The composite scheduler.http_response for an answer, palloc'ed; the answer stays the caller's. */
extern Datum sched_http_form_response(const SchedHttpAnswer *answer);

/* How long the server asked to wait, at most a day; -1 where it did not. */
extern int64_t sched_http_asked_delay_ms(const SchedHttpAnswer *answer);

/* The same of a composite scheduler.http_response that came back from a row. */
extern int64_t sched_http_response_delay_ms(HeapTupleHeader response);

/* May the same call succeed later? */
extern bool sched_http_response_retryable(HeapTupleHeader response);

/* An answer as the jsonb that response_result() shows; the response has a status. */
extern Datum sched_http_response_result(HeapTupleHeader response);

/* The text of a string, number or boolean, palloc'ed; NULL for anything else. */
extern char *sched_http_scalar_text(const JsonbValue *value);

/* Counts the answer in the statistics of its host (shared memory; nothing without preload). */
extern void sched_http_count_answer(const SchedHttpAnswer *answer);

#endif
