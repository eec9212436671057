/*
 * engine.h - many HTTP calls in flight in one process.
 *
 * Runs inside the worker process (and unit tests); knows nothing of tables or of PostgreSQL. One
 * curl_multi in a private epoll set whose descriptor the caller waits for beside its latch. Nothing
 * here throws, logs or allocates with palloc: results are malloc'ed, capped and owned as said at
 * each function. The caller blocks signals around each call (libcurl's resolver threads must not
 * inherit an open mask).
 */
#ifndef SCHED_HTTP_ENGINE_H
#define SCHED_HTTP_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct SchedHttpEngine SchedHttpEngine;

/*
 * What an answer without a status means. Anything up to SCHED_HTTP_REFUSED never left this machine,
 * so a repeat is safe; from SCHED_HTTP_TIMEOUT on the server may have acted: the outcome is unknown
 * where `sent`.
 */
typedef enum SchedHttpFailure
{
	SCHED_HTTP_OK,          /* there is a status */
	SCHED_HTTP_BAD_REQUEST, /* url, method or header cannot be sent: permanent */
	SCHED_HTTP_FORBIDDEN,   /* egress policy refused the host or the address: permanent */
	SCHED_HTTP_RESOLVE,     /* the name did not resolve */
	SCHED_HTTP_CONNECT,     /* no connection */
	SCHED_HTTP_TLS,         /* certificate or handshake refused */
	SCHED_HTTP_UNAVAILABLE, /* the host is left alone for a while; never from the engine */
	SCHED_HTTP_TIMEOUT,     /* time limit of the call */
	SCHED_HTTP_BROKEN,      /* connection ended early, or bytes that are not HTTP */
	SCHED_HTTP_TOO_LARGE,   /* answer over max_answer_bytes: permanent */
	SCHED_HTTP_REDIRECTS,   /* too many redirects, or one to a forbidden place: permanent */
	SCHED_HTTP_CANCELLED,   /* sched_http_cancel() */
	SCHED_HTTP_LOST         /* the process that made the call is gone; never from the engine */
} SchedHttpFailure;

/* Settings of an engine; the strings are copied. Lists are comma separated. */
typedef struct SchedHttpConfig
{
	int max_in_flight; /* calls handed to curl at once; the others wait in the caller's queue */
	int max_per_host;  /* of these, to one host and port */
	size_t max_answer_bytes;   /* decoded body of one answer */
	const char *allowed_hosts; /* '' = every public host; else 'api.openai.com, *.example.org' */
	/* 'localhost:11434, imap.lan:993': the only private names reachable */
	const char *private_hosts;
	bool allow_private_networks; /* tests only */
	const char *ca_file;         /* PEM bundle added to the system's, '' = none */
	const char *user_agent;
	int stall_seconds;      /* how long an answer that has begun may pause; 0 = no limit */
	size_t max_total_bytes; /* bodies of all answers not yet fetched; 0 = no limit */
} SchedHttpConfig;

/* One call to make. All strings are copied by sched_http_submit(). */
typedef struct SchedHttpCall
{
	uint64_t tag; /* the caller's name for this call */
	const char *method;
	const char *url;
	const char *const *headers; /* "Name: value" lines */
	int n_headers;
	/* Secret header lines: zeroed here after use, dropped at a redirect to another host. */
	const char *const *secret_headers;
	int n_secret_headers;
	const void *body;
	size_t body_length;
	bool secret_body; /* the caller's: holds secrets; the engine wipes its copy of any body */
	long timeout_ms;  /* of the whole call */
} SchedHttpCall;

typedef struct SchedHttpHeader
{
	char *name; /* lower case */
	char *value;
} SchedHttpHeader;

/* One answer; owned by the caller, who frees it with sched_http_free_answer(). */
typedef struct SchedHttpAnswer
{
	uint64_t tag;
	SchedHttpFailure failure;
	int status;
	char *error; /* words for a failure, NULL otherwise; never contains a secret or a body */
	bool sent;   /* request bytes left this machine */
	SchedHttpHeader *headers;
	int n_headers;
	unsigned char *body;
	size_t body_length;
	int64_t elapsed_us;
	char *host;       /* host:port, for statistics; NULL where the url has none */
	int http_version; /* 10, 11, 20; 0 without a status */
	bool sealed;      /* the caller's: its tokens have been taken out */
} SchedHttpAnswer;

/* NULL when memory or descriptors are out. curl_global_init() is the caller's, once per process. */
extern SchedHttpEngine *sched_http_create(const SchedHttpConfig *config);
extern void sched_http_reconfigure(SchedHttpEngine *engine, const SchedHttpConfig *config);
extern void sched_http_destroy(SchedHttpEngine *engine);

/*
 * The descriptor to wait for (readable = call sched_http_drive), and how long at most (-1 = no
 * limit).
 */
extern int sched_http_descriptor(SchedHttpEngine *engine);
extern long sched_http_timeout_ms(SchedHttpEngine *engine);

/*
 * Room for one more call to this url's host now? Admission is the caller's: the queue stays outside
 * curl.
 */
extern bool sched_http_admits(SchedHttpEngine *engine, const char *url);

/* "host:port" of a url, until the next call of the engine; NULL where the url is bad. */
extern const char *sched_http_host_name(SchedHttpEngine *engine, const char *url);

/*
 * Takes a call. Every submitted tag gives exactly one answer from sched_http_next(), also when
 * refused. False only when memory is out and nothing was taken. Follow it with sched_http_drive().
 */
extern bool sched_http_submit(SchedHttpEngine *engine, const SchedHttpCall *call);

/* Moves all transfers on without blocking. */
extern void sched_http_drive(SchedHttpEngine *engine);

/* The next finished call, or NULL. */
extern SchedHttpAnswer *sched_http_next(SchedHttpEngine *engine);
extern void sched_http_free_answer(SchedHttpAnswer *answer);

/* "timeout", "forbidden", ...: stable words for a failure. */
extern const char *sched_http_failure_word(SchedHttpFailure failure);

/* Aborts a call in flight; its answer says SCHED_HTTP_CANCELLED. false where the tag is unknown. */
extern bool sched_http_cancel(SchedHttpEngine *engine, uint64_t tag);
extern int sched_http_in_flight(const SchedHttpEngine *engine);

#endif
