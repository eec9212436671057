/*
 * failure.c - what the failure of a call means, in the words of engine.h.
 *
 * Runs in the worker, called at the end of a hop, and in unit tests; nothing throws. Two things
 * matter to whoever reads the answer: may the call be repeated (did bytes leave, is the reason
 * permanent), and what should a person do about it. Words never quote what the server sent, nor a
 * header of ours.
 */
#include <stdio.h>

#include "transfer.h"

/* libcurl's codes in our words; `sent` tells a broken call from one that never began. */
static SchedHttpFailure
classify_code(CURLcode code, bool sent)
{
	switch (code)
	{
		case CURLE_URL_MALFORMAT:
			return SCHED_HTTP_BAD_REQUEST;
		case CURLE_COULDNT_RESOLVE_HOST:
			return SCHED_HTTP_RESOLVE;
		case CURLE_COULDNT_CONNECT:
			return SCHED_HTTP_CONNECT;
		case CURLE_SSL_CONNECT_ERROR:
		case CURLE_SSL_CERTPROBLEM:
		case CURLE_SSL_CIPHER:
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_ISSUER_ERROR:
		case CURLE_SSL_INVALIDCERTSTATUS:
			return SCHED_HTTP_TLS;
		case CURLE_FILESIZE_EXCEEDED:
			return SCHED_HTTP_TOO_LARGE;
		case CURLE_OUT_OF_MEMORY:
			/* libcurl before 8.6 says so of a header line over 100 kB, too. */
			return sent ? SCHED_HTTP_TOO_LARGE : SCHED_HTTP_CONNECT;
		default:
			return sent ? SCHED_HTTP_BROKEN : SCHED_HTTP_CONNECT;
	}
}

/* A policy's refusal reaches us as a failed connection: say what really happened. */
static void
fail_forbidden(SchedTransfer *transfer)
{
	bool redirected = transfer->n_hops > 0;
	char words[400];

	snprintf(words, sizeof(words),
			 "%s%.200s:%d leads to %s, which is not a public address (scheduler.http_private_hosts "
			 "lists the exceptions)",
			 redirected ? "redirected, and " : "", transfer->target.host, transfer->target.port,
			 transfer->refused_address);
	sched_transfer_abort(transfer, redirected ? SCHED_HTTP_REDIRECTS : SCHED_HTTP_FORBIDDEN, words);
}

/* Time ran out: of the whole call, of connecting, or of an answer that stopped coming. */
static void
fail_timeout(SchedTransfer *transfer, bool sent)
{
	/* libcurl has one code for all three; which limit it was, the clock tells. */
	bool all_time = sched_transfer_now_us() + 1000 >= transfer->deadline_us;

	if (!sent && !all_time)
		sched_transfer_abort(transfer, SCHED_HTTP_CONNECT, "no connection in time");
	else if (all_time)
		sched_transfer_abort(transfer, SCHED_HTTP_TIMEOUT,
							 sent ? "no complete answer in time" : "no connection in time");
	else
		sched_transfer_abort(transfer, SCHED_HTTP_TIMEOUT, "the answer began and then stopped");
}

/* We ended it ourselves from a callback: the reason was written down there. */
static bool
fail_by_receiver(SchedTransfer *transfer)
{
	switch (transfer->receiver.stop)
	{
		case SCHED_ANSWER_BODY_TOO_LARGE:
			sched_transfer_abort(transfer, SCHED_HTTP_TOO_LARGE, "the answer's body is too large");
			return true;
		case SCHED_ANSWER_HEADERS_TOO_LARGE:
			sched_transfer_abort(transfer, SCHED_HTTP_TOO_LARGE,
								 "the answer's headers are too large");
			return true;
		case SCHED_ANSWER_NO_MEMORY:
			sched_transfer_abort(transfer, SCHED_HTTP_BROKEN, "no memory for the answer");
			return true;
		default:
			return false;
	}
}

/*
 * Words for a failure. libcurl's own detail only where it speaks of names, addresses and
 * certificates; after that it may quote what the server sent.
 */
static void
fail_by_code(SchedTransfer *transfer, CURLcode code, bool sent)
{
	SchedHttpFailure failure = classify_code(code, sent);
	const char *trust_problem = sched_trust_problem(transfer->policy->trust);
	const char *detail = curl_easy_strerror(code);
	char words[400];

	if (failure == SCHED_HTTP_TOO_LARGE)
		detail = code == CURLE_FILESIZE_EXCEEDED ? "the answer's body is too large"
												 : "a header of the answer is too large";
	else if (failure <= SCHED_HTTP_TLS && transfer->curl_error[0] != '\0')
		detail = transfer->curl_error;
	if (failure == SCHED_HTTP_TLS && trust_problem != NULL)
		snprintf(words, sizeof(words), "%.180s (scheduler.http_ca_file %.200s)", detail,
				 trust_problem);
	else
		snprintf(words, sizeof(words), "%.380s", detail);
	sched_transfer_abort(transfer, failure, words);
}

/*
 * Our own reasons come first: libcurl reports each of them as something else (a write error, a
 * refused connection, a callback that aborted).
 */
void
sched_transfer_fail(SchedTransfer *transfer, CURLcode code)
{
	long request_bytes = 0;
	bool sent;

	curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
	sent = transfer->sent || request_bytes > 0;
	if (fail_by_receiver(transfer))
		return;
	if (transfer->refused_address[0] != '\0' && transfer->n_opened == 0)
		fail_forbidden(transfer);
	else if (transfer->repeat_refused)
		sched_transfer_abort(transfer, SCHED_HTTP_BROKEN, "the connection ended before an answer");
	else if (code == CURLE_OPERATION_TIMEDOUT)
		fail_timeout(transfer, sent);
	else
		fail_by_code(transfer, code, sent);
}
