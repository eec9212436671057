/*
 * request.h - between a handler's SQL values and the HTTP engine.
 *
 * Called by the worker only. Everything here uses palloc, syscaches and SPI, and may throw; the engine never
 * does. Order of calls for one network step, with no transaction open while the call flies:
 *
 *     in the claiming transaction:  refusal = sched_http_build_call(request, user, tag, &call)
 *     signals blocked:              sched_http_submit(engine, &call); sched_http_scrub_call(&call)
 *     ... commit; wait; sched_http_drive(); answer = sched_http_next() ...
 *     in the answering transaction: sched_http_form_response(answer) -> scheduler.http_response
 *     afterwards, or in PG_FINALLY: sched_http_count_answer(answer); sched_http_free_answer(answer)
 *
 * A request that cannot be made (unknown secret, CR/LF in a header, ...) is not an error of the worker: the
 * refusal is an answer like any other, given to the handler as a response with an error and no status.
 */
#ifndef SCHED_HTTP_REQUEST_H
#define SCHED_HTTP_REQUEST_H

#include "postgres.h"
#include "utils/uuid.h"

#include "http/engine.h"

/* The engine's configuration from the settings (strings point into them). Call again after a reload. */
extern void sched_http_load_config(SchedHttpConfig *config);

/*
 * Unpacks a composite scheduler.http_request for the user whose job asks; opens the secret that `auth` names.
 * NULL: `call` is ready, palloc'ed in the current context, and holds a secret in the clear: submit it and scrub
 * it at once. Otherwise `call` is empty and the result is the refusal (malloc'ed, free with
 * sched_http_free_answer). Needs a transaction and a snapshot; throws only for internal errors.
 */
extern SchedHttpAnswer *sched_http_build_call(Datum request, const pg_uuid_t *user_id, uint64_t tag,
											  SchedHttpCall *call);
extern void sched_http_scrub_call(SchedHttpCall *call);

/*
 * The composite scheduler.http_response for an answer, palloc'ed. `error` of a call without a status starts with
 * a word of sched_http_failure_word(), and "(sent)" where the server may have acted: 'timeout (sent): ...'.
 */
extern Datum sched_http_form_response(const SchedHttpAnswer *answer);

/* Counts the answer in the statistics of its host (shared memory; does nothing without a library preload). */
extern void sched_http_count_answer(const SchedHttpAnswer *answer);

#endif
