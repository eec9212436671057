/*
 * transfer.c - one call on its way: options, callbacks, redirects, the meaning of its end.
 *
 * Runs in the worker, called by engine.c, and in unit tests. Everything is malloc'ed and belongs to
 * the transfer, except the answer once it is complete. Nothing throws: callbacks record and return
 * codes.
 *
 * Redirects are followed here and not by libcurl, so that each hop passes the same checks as the
 * first one and loses what was meant for another server.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/socket.h>

#include "transfer.h"

#define CONNECT_TIMEOUT_MS 10000L
#define DEFAULT_TIMEOUT_MS 30000L
#define IDLE_CONNECTION_SECONDS 60L
#define ENCODINGS "gzip, deflate"

int64_t
sched_transfer_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- what belongs to a call ---- */

/* Every line may hold a secret, so every line is wiped. */
static void
free_lines(struct curl_slist *lines)
{
	for (struct curl_slist *line = lines; line != NULL; line = line->next)
		explicit_bzero(line->data, strlen(line->data));
	curl_slist_free_all(lines);
}

/*
 * The list is replaced only when it has grown: on failure the caller still owns the old one.
 */
static bool
append_line(struct curl_slist **lines, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*lines, line);

	if (longer == NULL)
		return false;
	*lines = longer;
	return true;
}

/*
 * libcurl takes "Name:" as "leave this header out" and "Name;" as "send it empty": an empty value
 * that the caller asked for is given in the second form.
 */
static bool
append_header_line(struct curl_slist **lines, const char *line)
{
	const char *colon = strchr(line, ':');
	char *empty;
	bool done;

	if (colon[1 + strspn(colon + 1, " \t")] != '\0')
		return append_line(lines, line);
	empty = strndup(line, (size_t) (colon - line) + 1);
	if (empty == NULL)
		return false;
	empty[colon - line] = ';';
	done = append_line(lines, empty);
	free(empty);
	return done;
}

/* Checks and copies the lines of a call. NULL when fine, otherwise what is wrong. */
static const char *
copy_lines(SchedTransfer *transfer, const SchedHttpCall *call)
{
	if (call->n_headers + call->n_secret_headers > SCHED_ANSWER_MAX_HEADERS)
		return "too many headers";
	for (int i = 0; i < call->n_headers + call->n_secret_headers; i++)
	{
		const char *line =
			i < call->n_headers ? call->headers[i] : call->secret_headers[i - call->n_headers];
		const char *problem = sched_target_check_header(line);

		if (problem != NULL)
			return problem;
		if (!append_header_line(&transfer->headers, line))
			return "out of memory";
	}
	transfer->n_plain = call->n_headers;
	return NULL;
}

/* Everything that can be refused without asking the policy. */
static const char *
copy_call(SchedTransfer *transfer, const SchedHttpCall *call, const SchedTarget *known)
{
	const char *problem;

	if (known == NULL)
		problem = sched_target_parse(&transfer->target, NULL, call->url);
	else
		problem = sched_target_copy(&transfer->target, known) ? NULL : "out of memory";
	if (problem != NULL)
		return problem;
	transfer->answer->host = sched_target_name(&transfer->target);
	if (transfer->answer->host == NULL)
		return "out of memory";
	if ((problem = sched_target_check_method(call->method)) != NULL)
		return problem;
	if ((problem = copy_lines(transfer, call)) != NULL)
		return problem;
	if (call->body_length > 0 && strcmp(call->method, "HEAD") == 0)
		return "a HEAD request has no body";
	transfer->method = strdup(call->method);
	transfer->body = malloc(call->body_length + 1);
	if (transfer->method == NULL || transfer->body == NULL)
		return "out of memory";
	if (call->body_length > 0)
		memcpy(transfer->body, call->body, call->body_length);
	transfer->body_length = call->body_length;
	return NULL;
}

/*
 * The clock starts here, before the checks: a refused call has an elapsed time too, and a call that
 * waits for its name has its limit from the beginning.
 */
SchedTransfer *
sched_transfer_create(const SchedPolicy *policy, const SchedHttpCall *call,
					  const SchedTarget *known, CURL *easy)
{
	SchedTransfer *transfer = calloc(1, sizeof(SchedTransfer));
	long timeout_ms = call->timeout_ms > 0 ? call->timeout_ms : DEFAULT_TIMEOUT_MS;
	const char *problem;

	if (transfer == NULL)
	{
		curl_easy_cleanup(easy);
		return NULL;
	}
	transfer->policy = policy;
	transfer->answer = calloc(1, sizeof(SchedHttpAnswer));
	transfer->easy = easy != NULL ? easy : curl_easy_init();
	if (transfer->answer == NULL || transfer->easy == NULL)
	{
		sched_transfer_destroy(transfer);
		return NULL;
	}
	transfer->answer->tag = call->tag;
	transfer->receiver.answer = transfer->answer;
	transfer->receiver.max_body = policy->max_answer_bytes;
	transfer->receiver.max_total = policy->max_total_bytes;
	transfer->receiver.total_room = policy->total_room;
	transfer->started_us = sched_transfer_now_us();
	transfer->deadline_us = transfer->started_us + (int64_t) timeout_ms * 1000;
	problem = copy_call(transfer, call, known);
	if (problem != NULL)
		sched_transfer_abort(transfer, SCHED_HTTP_BAD_REQUEST, problem);
	return transfer;
}

/* The body may carry credentials too (an OAuth form), so it is wiped like the headers. */
static void
drop_body(SchedTransfer *transfer)
{
	if (transfer->body != NULL)
		explicit_bzero(transfer->body, transfer->body_length);
	free(transfer->body);
	transfer->body = NULL;
	transfer->body_length = 0;
}

void
sched_transfer_destroy(SchedTransfer *transfer)
{
	/* libcurl may look at the lists and the error buffer until its handle is gone. */
	curl_easy_cleanup(transfer->easy);
	sched_answer_release(&transfer->receiver);
	free_lines(transfer->sent_headers);
	free_lines(transfer->headers);
	drop_body(transfer);
	sched_target_clear(&transfer->target);
	free(transfer->method);
	sched_http_free_answer(transfer->answer);
	free(transfer);
}

/*
 * libcurl forgets every option, and with them where our headers and the body lie. What a handle keeps
 * besides is for other calls under the same policy: sessions of TLS.
 */
CURL *
sched_transfer_release_handle(SchedTransfer *transfer)
{
	CURL *easy = transfer->easy;

	curl_easy_reset(easy);
	transfer->easy = NULL;
	return easy;
}

void
sched_transfer_abort(SchedTransfer *transfer, SchedHttpFailure failure, const char *words)
{
	long request_bytes = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
	sched_answer_fail(transfer->answer, failure, words);
	transfer->answer->http_version = 0;
	transfer->answer->sent = transfer->sent || request_bytes > 0;
	transfer->answer->elapsed_us = sched_transfer_now_us() - transfer->started_us;
}

/* ---- libcurl's callbacks: record, never throw ---- */

/* Returning less than was given ends the transfer; why is in the receiver. */
static size_t
take_header(char *bytes, size_t size, size_t count, void *context)
{
	SchedTransfer *transfer = context;

	return sched_answer_take_header(&transfer->receiver, bytes, size * count) ? size * count : 0;
}

static size_t
take_body(char *bytes, size_t size, size_t count, void *context)
{
	SchedTransfer *transfer = context;

	/*
	 * A server may think for minutes before its first byte (a language model does), so only an
	 * answer that has begun can stall.
	 */
	if (!transfer->flowing && transfer->policy->stall_seconds > 0)
	{
		curl_easy_setopt(transfer->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(transfer->easy, CURLOPT_LOW_SPEED_TIME,
						 (long) transfer->policy->stall_seconds);
	}
	transfer->flowing = true;
	if (size * count == 0)
		return 0;
	return sched_answer_take_body(&transfer->receiver, bytes, size * count) ? size * count : 0;
}

/* Remembers which address the policy refused, for the words of the failure. */
static bool
check_address(SchedTransfer *transfer, const struct sockaddr *address)
{
	const void *bytes = address->sa_family == AF_INET6
							? (const void *) &((const struct sockaddr_in6 *) address)->sin6_addr
							: (const void *) &((const struct sockaddr_in *) address)->sin_addr;

	if (sched_egress_allows_address(transfer->policy->egress, transfer->target.host,
									transfer->target.port, address))
		return true;
	if ((address->sa_family != AF_INET && address->sa_family != AF_INET6) ||
		inet_ntop(address->sa_family, bytes, transfer->refused_address,
				  sizeof(transfer->refused_address)) == NULL)
		snprintf(transfer->refused_address, sizeof(transfer->refused_address), "its address");
	return false;
}

/* A new connection: judged by the address that the name resolved to just now. */
static curl_socket_t
open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	SchedTransfer *transfer = context;

	/*
	 * Refusing here makes libcurl try the name's next address. A host that has a public and a
	 * private one is reached by the public one.
	 */
	if (purpose != CURLSOCKTYPE_IPCXN || !check_address(transfer, &address->addr))
		return CURL_SOCKET_BAD;
	transfer->n_opened++;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Is a request of this method harmless when made twice? (RFC 9110 9.2.2) */
static bool
is_idempotent(const char *method)
{
	static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
	{
		if (strcmp(method, methods[i]) == 0)
			return true;
	}
	return false;
}

/*
 * The connection stands and the request is about to be sent. Here a connection kept from an earlier
 * call is judged too; and here ends libcurl's habit of silently repeating a request whose kept
 * connection died without an answer, unless repeating is harmless: the server may have acted, and
 * that is for the job to decide.
 */
static int
begin_request(void *context, char *remote, char *local, int remote_port, int local_port)
{
	SchedTransfer *transfer = context;
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	bool allowed = false;

	(void) local;
	(void) local_port;
	(void) remote_port;
	if (inet_pton(AF_INET, remote, &v4.sin_addr) == 1)
		allowed = check_address(transfer, (const struct sockaddr *) &v4);
	else if (inet_pton(AF_INET6, remote, &v6.sin6_addr) == 1)
		allowed = check_address(transfer, (const struct sockaddr *) &v6);
	if (!allowed)
		return CURL_PREREQFUNC_ABORT;
	transfer->n_attempts++;
	/* The first attempt did send something: libcurl only repeats after that. */
	if (transfer->n_attempts > 1 && !is_idempotent(transfer->method))
	{
		transfer->repeat_refused = true;
		return CURL_PREREQFUNC_ABORT;
	}
	return CURL_PREREQFUNC_OK;
}

/*
 * libcurl has made the context and loaded no authorities; verification itself is on and stays on.
 */
static CURLcode
place_trust(CURL *easy, void *ssl_context, void *context)
{
	SchedTransfer *transfer = context;

	(void) easy;
	return sched_trust_apply(transfer->policy->trust, ssl_context) ? CURLE_OK : CURLE_OUT_OF_MEMORY;
}

/* ---- options ---- */

/* What is the same for each hop of each call: what may be spoken, what is never used. */
static bool
set_common_options(SchedTransfer *transfer)
{
	CURL *easy = transfer->easy;
	bool ok = true;

	ok &= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https") == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
	/* An empty proxy also switches off http_proxy and its like in the environment. */
	ok &= curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED) == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
	/* Without it the end of a call waits for a resolver thread that hangs. */
	ok &= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_2TLS) == CURLE_OK;
	/*
	 * Over TLS it is worth waiting whether HTTP/2 comes out: many calls then share one connection.
	 */
	ok &= curl_easy_setopt(easy, CURLOPT_PIPEWAIT, transfer->target.https ? 1L : 0L) == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_CONNECTION_SECONDS) == CURLE_OK;
	/*
	 * Not everything libcurl can unpack: fewer decoders between a hostile server and us. This makes it
	 * decode; the header itself is among ours.
	 */
	ok &= curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, ENCODINGS) == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
	/* Authorities come from place_trust() alone. */
	ok &= curl_easy_setopt(easy, CURLOPT_CAINFO, NULL) == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, place_trust) == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, transfer) == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer) == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, begin_request) == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer) == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer) == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_error) == CURLE_OK;
	ok &= curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer) == CURLE_OK;
	return ok;
}

/*
 * Method and body: libcurl has its own notions for some methods, the rest is a name over one of
 * them.
 */
static bool
set_method(SchedTransfer *transfer)
{
	CURL *easy = transfer->easy;
	const char *method = transfer->method;
	bool ok = true;

	if (strcmp(method, "HEAD") == 0)
		return curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) == CURLE_OK;
	/* Announced sizes; what really comes is counted in take_body(). */
	ok &= curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE,
						   (curl_off_t) transfer->policy->max_answer_bytes) == CURLE_OK;
	if (transfer->body_length > 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
		strcmp(method, "PATCH") == 0)
	{
		ok &= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
							   (curl_off_t) transfer->body_length) == CURLE_OK;
		ok &= curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
							   transfer->body_length > 0 ? (const char *) transfer->body : "") ==
			  CURLE_OK;
	}
	if (strcmp(method, "GET") != 0 || transfer->body_length > 0)
		ok &= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
	return ok;
}

/* Has the caller said this himself, be it with an empty value ("Name;")? */
static bool
has_header(const struct curl_slist *lines, const char *name)
{
	size_t length = strlen(name);

	for (; lines != NULL; lines = lines->next)
	{
		if (strncasecmp(lines->data, name, length) == 0 &&
			(lines->data[length] == ':' || lines->data[length] == ';'))
			return true;
	}
	return false;
}

/*
 * The caller's lines, less those that libcurl would add of its own accord, and what we say where he
 * does not. As lines, since libcurl writes each header that it makes from an option twice.
 */
static bool
set_headers(SchedTransfer *transfer)
{
	const struct curl_slist *given = transfer->headers;
	/* Waiting for "100 Continue" costs a second at servers that do not know it. */
	struct curl_slist *lines = curl_slist_append(NULL, "Expect:");
	bool ok = lines != NULL;

	if (!has_header(given, "User-Agent"))
		ok = ok && append_line(&lines, transfer->policy->agent_line);
	if (!has_header(given, "Accept-Encoding"))
		ok = ok && append_line(&lines, "Accept-Encoding: " ENCODINGS);
	/* libcurl would call any body a form. */
	if (!has_header(given, "Content-Type"))
		ok = ok && append_line(&lines, "Content-Type:");
	for (; ok && given != NULL; given = given->next)
		ok = append_line(&lines, given->data);
	free_lines(transfer->sent_headers);
	transfer->sent_headers = lines;
	return ok && curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, lines) == CURLE_OK;
}

/* The rest of the call's time, and of it at most ten seconds for a connection. */
static bool
set_time_limits(SchedTransfer *transfer, int64_t left_us)
{
	long left_ms = (long) ((left_us + 999) / 1000);

	return curl_easy_setopt(transfer->easy, CURLOPT_TIMEOUT_MS, left_ms) == CURLE_OK &&
		   curl_easy_setopt(transfer->easy, CURLOPT_CONNECTTIMEOUT_MS,
							left_ms < CONNECT_TIMEOUT_MS ? left_ms : CONNECT_TIMEOUT_MS) ==
			   CURLE_OK;
}

/*
 * Everything is set anew for each hop: a handle that kept an option of the last one (a method, a
 * body, a list of headers) would be the way for a secret to follow a redirect.
 */
bool
sched_transfer_aim(SchedTransfer *transfer)
{
	int64_t left_us = transfer->deadline_us - sched_transfer_now_us();
	char words[400];

	if (!sched_egress_allows_name(transfer->policy->egress, transfer->target.host,
								  transfer->target.port))
	{
		snprintf(words, sizeof(words), "%s%.200s:%d is not in scheduler.http_allowed_hosts",
				 transfer->n_hops > 0 ? "redirected, and " : "", transfer->target.host,
				 transfer->target.port);
		sched_transfer_abort(
			transfer, transfer->n_hops > 0 ? SCHED_HTTP_REDIRECTS : SCHED_HTTP_FORBIDDEN, words);
		return false;
	}
	if (left_us <= 0)
	{
		sched_transfer_abort(transfer, SCHED_HTTP_TIMEOUT, "the time of the call is over");
		return false;
	}
	transfer->n_attempts = 0;
	transfer->n_opened = 0;
	transfer->refused_address[0] = '\0';
	transfer->curl_error[0] = '\0';
	transfer->flowing = false;
	/* Kept connections and resolved names survive this: they belong to the multi. */
	curl_easy_reset(transfer->easy);
	if (set_common_options(transfer) && set_method(transfer) && set_headers(transfer) &&
		set_time_limits(transfer, left_us) &&
		curl_easy_setopt(transfer->easy, CURLOPT_URL, transfer->target.url) == CURLE_OK)
		return true;
	sched_transfer_abort(transfer, SCHED_HTTP_CONNECT, "libcurl refused an option: out of memory?");
	return false;
}

/* ---- redirects ---- */

/*
 * Another server gets no header of the caller's but those that only describe the request: neither
 * secrets nor cookies nor keys that travel under a name of their own.
 */
static bool
keep_harmless_lines(SchedTransfer *transfer)
{
	static const char *const harmless[] = {"Accept", "Accept-Language", "Content-Type",
										   "Content-Language", "User-Agent"};
	struct curl_slist *kept = NULL;
	bool ok = true;
	int position = 0;

	for (struct curl_slist *line = transfer->headers; line != NULL; line = line->next)
	{
		if (position++ >= transfer->n_plain)
			break;
		for (size_t i = 0; ok && i < sizeof(harmless) / sizeof(harmless[0]); i++)
		{
			if (sched_target_header_is(line->data, harmless[i]))
				ok = append_line(&kept, line->data);
		}
	}
	free_lines(transfer->headers);
	transfer->headers = kept;
	transfer->n_plain = position;
	return ok;
}

/* After 301, 302 (of a POST) and 303 the next request is a GET without a body, as everywhere. */
static bool
change_method(SchedTransfer *transfer, int status)
{
	bool becomes_get = (status == 303 && strcmp(transfer->method, "HEAD") != 0) ||
					   ((status == 301 || status == 302) && strcmp(transfer->method, "POST") == 0);
	char *method;

	if (!becomes_get)
		return true;
	method = strdup("GET");
	if (method == NULL)
		return false;
	free(transfer->method);
	transfer->method = method;
	drop_body(transfer);
	return true;
}

/* Where the answer sends us, or NULL where it is an answer like any other. */
static const char *
redirect_location(const SchedHttpAnswer *answer)
{
	switch (answer->status)
	{
		case 301:
		case 302:
		case 303:
		case 307:
		case 308:
			return sched_answer_header(answer, "location");
		default:
			return NULL;
	}
}

/* Turns the transfer to `next`. NULL when it may go there, otherwise why not. */
static const char *
turn_to(SchedTransfer *transfer, SchedTarget *next)
{
	bool same_origin = sched_target_same_origin(&transfer->target, next);

	if (transfer->target.https && !next->https)
		return "redirected from https to http";
	if (!change_method(transfer, transfer->answer->status))
		return "out of memory";
	if (!same_origin)
	{
		/*
		 * What was meant for one server is not handed to another; http to https of one host is no
		 * other.
		 */
		if (transfer->body_length > 0 &&
			!(next->https && strcmp(next->host, transfer->target.host) == 0))
			return "redirected to another host, which must not get the body";
		if (!keep_harmless_lines(transfer))
			return "out of memory";
	}
	sched_target_clear(&transfer->target);
	transfer->target = *next;
	memset(next, 0, sizeof(*next));
	return NULL;
}

/* Follows the redirect, or fails the call. */
static bool
follow_redirect(SchedTransfer *transfer, const char *location)
{
	SchedTarget next;
	const char *problem;

	if (transfer->n_hops >= SCHED_TRANSFER_MAX_REDIRECTS)
	{
		sched_transfer_abort(transfer, SCHED_HTTP_REDIRECTS, "more than 5 redirects");
		return false;
	}
	/* Relative to where we are now, not to where the call began. */
	problem = sched_target_parse(&next, transfer->target.url, location);
	if (problem == NULL)
		problem = turn_to(transfer, &next);
	sched_target_clear(&next);
	if (problem != NULL)
	{
		sched_transfer_abort(transfer, SCHED_HTTP_REDIRECTS, problem);
		return false;
	}
	/* Whatever becomes of the next hop, the server before it has seen a request. */
	transfer->n_hops++;
	transfer->sent = true;
	transfer->answer->status = 0;
	sched_answer_reset(&transfer->receiver);
	return sched_transfer_aim(transfer);
}

/* ---- the end of a hop ---- */

static int
version_number(long version)
{
	switch (version)
	{
		case CURL_HTTP_VERSION_1_0:
			return 10;
		case CURL_HTTP_VERSION_1_1:
			return 11;
		case CURL_HTTP_VERSION_2_0:
			return 20;
		default:
			return 0;
	}
}

bool
sched_transfer_conclude(SchedTransfer *transfer, CURLcode code)
{
	SchedHttpAnswer *answer = transfer->answer;
	const char *location;
	long status = 0;
	long version = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_VERSION, &version);
	/* HTTP/0.9 and other oddities: an answer without a status is none. */
	if (code == CURLE_OK && status < 100)
		code = CURLE_WEIRD_SERVER_REPLY;
	if (code != CURLE_OK)
	{
		sched_transfer_fail(transfer, code);
		return false;
	}
	answer->status = (int) status;
	answer->http_version = version_number(version);
	answer->sent = true;
	answer->elapsed_us = sched_transfer_now_us() - transfer->started_us;
	location = redirect_location(answer);
	return location != NULL && follow_redirect(transfer, location);
}
