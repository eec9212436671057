/*
 * transfer.h - one call on its way, with its redirects. Inside the HTTP room only: engine.c drives
 * transfers.
 */
#ifndef SCHED_HTTP_TRANSFER_H
#define SCHED_HTTP_TRANSFER_H

#include <curl/curl.h>

#include "answer.h"
#include "egress.h"
#include "engine.h"
#include "target.h"
#include "trust.h"

#define SCHED_TRANSFER_MAX_REDIRECTS 5

/* What all calls of one policy share; never changes after its creation. */
typedef struct SchedPolicy
{
	SchedEgress *egress;
	SchedTrust *trust;
	char *agent_line; /* "User-Agent: ..." */
	size_t max_answer_bytes;
	int stall_seconds;
	size_t max_total_bytes;
	size_t *total_room; /* counter of the engine */
} SchedPolicy;

typedef struct SchedTransfer
{
	struct SchedTransfer *previous; /* list of the engine */
	struct SchedTransfer *next;
	void *pool;       /* of the engine: where it flies */
	void *host_count; /* of the engine: as whose call it is counted */

	const SchedPolicy *policy;
	CURL *easy;
	SchedTarget target; /* of the present hop */
	char *method;
	struct curl_slist *headers; /* the caller's lines; from the n_plain-th on they are secret */
	int n_plain;
	struct curl_slist *sent_headers; /* what libcurl was given for this hop */
	unsigned char *body;
	size_t body_length;
	int n_hops;
	int64_t started_us;
	int64_t deadline_us;
	bool sent;                /* bytes of an earlier hop left */
	int n_attempts;           /* requests begun in this hop: libcurl repeats on a dead connection */
	int n_opened;             /* addresses tried in this hop */
	char refused_address[64]; /* the last address that the policy refused in this hop */
	bool repeat_refused;
	bool flowing; /* body bytes have come */
	SchedReceiver receiver;
	SchedHttpAnswer *answer; /* NULL once handed over */
	char curl_error[CURL_ERROR_SIZE];
} SchedTransfer;

extern int64_t sched_transfer_now_us(void);

/*
 * Copies the call. NULL without memory; otherwise answer->failure says whether it may start. `known`
 * is what the call's url was parsed to, NULL where nobody did; `easy` a handle to use, which is the
 * transfer's from here on, or NULL for a new one.
 */
extern SchedTransfer *sched_transfer_create(const SchedPolicy *policy, const SchedHttpCall *call,
											const SchedTarget *known, CURL *easy);
extern void sched_transfer_destroy(SchedTransfer *transfer);

/* The handle of a transfer that is over, with nothing of it left inside, for another one. */
extern CURL *sched_transfer_release_handle(SchedTransfer *transfer);

/* Makes `easy` ready for the present target. False: refused, the answer says why. */
extern bool sched_transfer_aim(SchedTransfer *transfer);

/*
 * libcurl is done with the present hop (the handle is out of its multi). True: a redirect was
 * followed, start again; false: the answer is complete.
 */
extern bool sched_transfer_conclude(SchedTransfer *transfer, CURLcode code);

/* Ends it with what libcurl's code means, or with a failure of the caller's choice. */
extern void sched_transfer_fail(SchedTransfer *transfer, CURLcode code);
extern void sched_transfer_abort(SchedTransfer *transfer, SchedHttpFailure failure,
								 const char *words);

#endif
