/*
 * http_test.c - the HTTP engine against servers of this test's own: misbehave.py for everything
 * that can go wrong, nghttpd for TLS and HTTP/2 with certificates made here. Run in the folder
 * test.
 *
 * getaddrinfo() is replaced, so that names can lead where they should not, or hang.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <curl/curl.h>
#include <sys/wait.h>

#include "http/engine.h"
#include "tap.h"

#define MAX_SERVERS 8

static pid_t servers[MAX_SERVERS];
static int n_servers;
static char scratch[] = "/tmp/http_test_XXXXXX";
static int port;       /* misbehave.py */
static int other_port; /* a second one: another origin */
static SchedHttpEngine *engine;
static SchedHttpConfig config = {.max_in_flight = 100,
								 .max_per_host = 50,
								 .max_answer_bytes = 1000000,
								 .allowed_hosts = "",
								 .private_hosts = "",
								 .ca_file = "",
								 .user_agent = "scheduler-test",
								 .stall_seconds = 1};

/* ---- names ---- */

/* Every name under .test leads to loopback, hang.test after a while, nowhere.test to nothing. */
int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
			struct addrinfo **result)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	size_t length = node != NULL ? strlen(node) : 0;

	if (real == NULL)
		*(void **) &real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (node != NULL && strcmp(node, "hang.test") == 0)
		sleep(3);
	if (node != NULL && strcmp(node, "nowhere.test") == 0)
		return EAI_NONAME;
	if (length > 5 && strcmp(node + length - 5, ".test") == 0)
		node = "127.0.0.1";
	return real(node, service, hints, result);
}

/* ---- servers ---- */

/* Starts a program; the first line it prints is its port where `port` is not NULL. */
static void
start_server(char *const arguments[], int *its_port)
{
	int ends[2];
	char line[16] = "";
	size_t length = 0;

	if (pipe(ends) != 0)
		exit(2);
	servers[n_servers] = fork();
	if (servers[n_servers] == 0)
	{
		dup2(ends[1], its_port != NULL ? 1 : ends[1]);
		close(ends[0]);
		execvp(arguments[0], arguments);
		_exit(127);
	}
	n_servers++;
	close(ends[1]);
	while (its_port != NULL && length < sizeof(line) - 1 && read(ends[0], line + length, 1) == 1 &&
		   line[length] != '\n')
		length++;
	if (its_port != NULL)
		*its_port = atoi(line);
	close(ends[0]);
}

/* Runs a command made of the scratch folder's name. */
static bool
shell(const char *format)
{
	char command[500];

	snprintf(command, sizeof(command), format, scratch);
	return system(command) == 0;
}

static void
stop_servers(void)
{
	for (int i = 0; i < n_servers; i++)
	{
		kill(servers[i], SIGTERM);
		waitpid(servers[i], NULL, 0);
	}
	if (!shell("rm -rf %s"))
		printf("# the scratch folder stays\n");
}

/* ---- calls ---- */

static double
now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double) now.tv_sec + now.tv_nsec / 1e9;
}

/* Drives until an answer comes. */
static SchedHttpAnswer *
wait_answer(void)
{
	SchedHttpAnswer *answer;
	double start = now_seconds();

	while ((answer = sched_http_next(engine)) == NULL && now_seconds() - start < 60)
	{
		long timeout_ms = sched_http_timeout_ms(engine);
		struct pollfd waiting = {.fd = sched_http_descriptor(engine), .events = POLLIN};

		poll(&waiting, 1, timeout_ms < 0 || timeout_ms > 1000 ? 1000 : (int) timeout_ms);
		sched_http_drive(engine);
	}
	if (answer == NULL)
	{
		printf("Bail out! no answer in 60 s\n");
		stop_servers();
		exit(2);
	}
	return answer;
}

static SchedHttpAnswer *
make_call(SchedHttpCall *call)
{
	if (call->method == NULL)
		call->method = "GET";
	if (call->timeout_ms == 0)
		call->timeout_ms = 5000;
	sched_http_submit(engine, call);
	sched_http_drive(engine);
	return wait_answer();
}

/* A url on a server of ours, in one of a few static buffers. */
static const char *
at(const char *host, int at_port, const char *path)
{
	static char buffers[8][400];
	static int next;
	char *buffer = buffers[next++ % 8];

	snprintf(buffer, sizeof(buffers[0]), "http://%s:%d%s", host, at_port, path);
	return buffer;
}

static SchedHttpAnswer *
get(const char *path)
{
	SchedHttpCall call = {.url = at("127.0.0.1", port, path)};

	return make_call(&call);
}

static bool
has_body(const SchedHttpAnswer *answer, const char *part)
{
	return answer->body != NULL &&
		   memmem(answer->body, answer->body_length, part, strlen(part)) != NULL;
}

static const char *
header(const SchedHttpAnswer *answer, const char *name)
{
	for (int i = 0; i < answer->n_headers; i++)
	{
		if (strcmp(answer->headers[i].name, name) == 0)
			return answer->headers[i].value;
	}
	return "";
}

static int
requests_at(int at_port, const char *path)
{
	char query[100];
	SchedHttpCall call = {0};
	SchedHttpAnswer *answer;
	int count;

	snprintf(query, sizeof(query), "/count?path=%s", path);
	call.url = at("127.0.0.1", at_port, query);
	answer = make_call(&call);
	count = answer->body != NULL ? atoi((char *) answer->body) : -1;
	sched_http_free_answer(answer);
	return count;
}

/* The answer's failure, words and `sent`; frees it. */
static void
expect_failure(SchedHttpAnswer *answer, SchedHttpFailure failure, bool sent, const char *words,
			   const char *name)
{
	ok(answer->failure == failure && answer->status == 0 && answer->sent == sent &&
		   answer->error != NULL && strstr(answer->error, words) != NULL,
	   "%s: %s%s, %s", name, sched_http_failure_word(answer->failure),
	   answer->sent ? " (sent)" : "", answer->error != NULL ? answer->error : "no words");
	sched_http_free_answer(answer);
}

static void
expect_status(SchedHttpAnswer *answer, int status, const char *part, const char *name)
{
	ok(answer->failure == SCHED_HTTP_OK && answer->status == status && answer->error == NULL &&
		   answer->sent && (part == NULL || has_body(answer, part)),
	   "%s: %d %s %.60s", name, answer->status, answer->error != NULL ? answer->error : "",
	   answer->body != NULL ? (char *) answer->body : "");
	sched_http_free_answer(answer);
}

static void
reconfigure(const char *private_hosts, bool allow_private_networks)
{
	config.private_hosts = private_hosts;
	config.allow_private_networks = allow_private_networks;
	sched_http_reconfigure(engine, &config);
}

/* ---- requests ---- */

static void
test_requests(void)
{
	const char *lines[] = {"X-One: 1", "X-Empty:", "Content-Type: text/x-test"};
	const char *secret[] = {"Authorization: Bearer KX-SECRET"};
	SchedHttpCall call = {.tag = 42,
						  .method = "PUT",
						  .url = at("127.0.0.1", port, "/echo?a=b"),
						  .headers = lines,
						  .n_headers = 3,
						  .secret_headers = secret,
						  .n_secret_headers = 1,
						  .body = "a\0b",
						  .body_length = 3};
	SchedHttpAnswer *answer = make_call(&call);
	char host[40];

	snprintf(host, sizeof(host), "127.0.0.1:%d", port);
	ok(answer->tag == 42 && answer->status == 200 && strcmp(answer->host, host) == 0 &&
		   answer->http_version == 11 && answer->elapsed_us > 0,
	   "the answer names the call, its host and its time");
	ok(has_body(answer, "\"method\": \"PUT\"") && has_body(answer, "\"path\": \"/echo\""),
	   "method and path");
	ok(has_body(answer, "[\"X-One\", \"1\"]") && has_body(answer, "[\"X-Empty\", \"\"]") &&
		   has_body(answer, "[\"Content-Type\", \"text/x-test\"]"),
	   "headers arrive, an empty one too");
	ok(has_body(answer, "Bearer KX-SECRET"), "the secret header arrives");
	ok(has_body(answer, "\"YQBi\""), "a body with a NUL arrives whole");
	ok(!has_body(answer, "Expect") && has_body(answer, "scheduler-test"),
	   "no Expect; our user agent");
	sched_http_free_answer(answer);

	call = (SchedHttpCall){.method = "POST", .url = at("127.0.0.1", port, "/echo")};
	answer = make_call(&call);
	ok(has_body(answer, "[\"Content-Length\", \"0\"]") && !has_body(answer, "Content-Type"),
	   "a POST without body has a length and no invented type");
	sched_http_free_answer(answer);
	call.method = "HEAD";
	answer = make_call(&call);
	ok(answer->status == 200 && answer->body_length == 0, "HEAD has no body");
	sched_http_free_answer(answer);
	call.method = "REPORT";
	expect_status(make_call(&call), 200, "\"REPORT\"", "a method of no fame");

	answer = get("/headers");
	ok(answer->n_headers == 6 && strcmp(header(answer, "x-mixed"), "spaces inside") == 0,
	   "header names in lower case, values trimmed, repeated ones kept");
	sched_http_free_answer(answer);
	answer = get("/early");
	ok(answer->status == 200 && strcmp(header(answer, "x-final"), "yes") == 0 &&
		   strcmp(header(answer, "link"), "") == 0,
	   "informational answers are passed over");
	sched_http_free_answer(answer);
	answer = get("/nul");
	ok(answer->body_length == 6 && memcmp(answer->body, "a\0b\0\0c", 6) == 0,
	   "NUL bytes in a body");
	sched_http_free_answer(answer);
	answer = get("/status?code=429&after=7");
	ok(answer->status == 429 && strcmp(header(answer, "retry-after"), "7") == 0,
	   "429 is an answer");
	sched_http_free_answer(answer);
	expect_status(get("/status?code=500"), 500, "{}", "500 is an answer");
}

static void
test_bad_requests(void)
{
	const char *injected[] = {"X: a\r\nY: b"};
	SchedHttpCall call = {.url = "http://example.org/\r\nX: y"};

	expect_failure(make_call(&call), SCHED_HTTP_BAD_REQUEST, false, "control character",
				   "CR LF in a url");
	call = (SchedHttpCall){.url = "http://u:p@example.org/"};
	expect_failure(make_call(&call), SCHED_HTTP_BAD_REQUEST, false, "user name",
				   "credentials in a url");
	call = (SchedHttpCall){.url = "file:///etc/passwd"};
	expect_failure(make_call(&call), SCHED_HTTP_BAD_REQUEST, false, "http and https", "a file url");
	call = (SchedHttpCall){.url = at("127.0.0.1", port, "/echo"), .method = "GET /x"};
	expect_failure(make_call(&call), SCHED_HTTP_BAD_REQUEST, false, "method",
				   "a space in the method");
	call =
		(SchedHttpCall){.url = at("127.0.0.1", port, "/echo"), .headers = injected, .n_headers = 1};
	expect_failure(make_call(&call), SCHED_HTTP_BAD_REQUEST, false, "line break",
				   "CR LF in a header");
	call = (SchedHttpCall){
		.url = at("127.0.0.1", port, "/echo"), .secret_headers = injected, .n_secret_headers = 1};
	expect_failure(make_call(&call), SCHED_HTTP_BAD_REQUEST, false, "line break",
				   "CR LF in a secret header");
	call = (SchedHttpCall){
		.url = at("127.0.0.1", port, "/echo"), .method = "HEAD", .body = "x", .body_length = 1};
	expect_failure(make_call(&call), SCHED_HTTP_BAD_REQUEST, false, "no body", "HEAD with a body");
}

/* ---- faults ---- */

static void
test_faults(void)
{
	SchedHttpCall call = {.url = at("127.0.0.1", 1, "/")};
	SchedHttpAnswer *answer;
	double start = now_seconds();

	expect_failure(make_call(&call), SCHED_HTTP_CONNECT, false, "", "nobody listens");
	call = (SchedHttpCall){.url = at("nowhere.test", port, "/")};
	expect_failure(make_call(&call), SCHED_HTTP_RESOLVE, false, "nowhere.test",
				   "a name without address");
	call = (SchedHttpCall){.url = at("127.0.0.1", port, "/slow?ms=3000"), .timeout_ms = 300};
	expect_failure(make_call(&call), SCHED_HTTP_TIMEOUT, true, "in time", "too slow");
	call = (SchedHttpCall){.url = at("127.0.0.1", port, "/silent"), .timeout_ms = 300};
	expect_failure(make_call(&call), SCHED_HTTP_TIMEOUT, true, "in time", "no answer at all");
	call = (SchedHttpCall){.url = at("hang.test", port, "/echo"), .timeout_ms = 300};
	expect_failure(make_call(&call), SCHED_HTTP_TIMEOUT, false, "no connection",
				   "the resolver hangs");
	ok(now_seconds() - start < 2.5, "no time limit waits for what it limits");
	call = (SchedHttpCall){.url = at("127.0.0.1", port, "/never"), .timeout_ms = 20000};
	expect_failure(make_call(&call), SCHED_HTTP_TIMEOUT, true, "stopped",
				   "an answer that stops in the middle");
	expect_failure(get("/close"), SCHED_HTTP_BROKEN, true, "", "closed without a byte");
	expect_failure(get("/reset"), SCHED_HTTP_BROKEN, true, "", "reset");
	expect_failure(get("/cut"), SCHED_HTTP_BROKEN, true, "", "cut short");
	expect_failure(get("/garbage"), SCHED_HTTP_BROKEN, true, "", "garbage for chunks");
	expect_failure(get("/nothttp"), SCHED_HTTP_BROKEN, true, "", "not HTTP");

	expect_status(get("/bytes?n=1000000"), 200, NULL, "exactly the limit");
	expect_failure(get("/bytes?n=1000001"), SCHED_HTTP_TOO_LARGE, true, "body",
				   "one byte more, announced");
	expect_status(get("/chunked?n=1000000"), 200, NULL, "the limit in chunks");
	expect_failure(get("/chunked?n=1000001"), SCHED_HTTP_TOO_LARGE, true, "body",
				   "one byte more, in chunks");
	expect_failure(get("/endless"), SCHED_HTTP_TOO_LARGE, true, "body", "without end");
	expect_failure(get("/bomb?mb=50"), SCHED_HTTP_TOO_LARGE, true, "body", "a gzip bomb");
	expect_failure(get("/flood?n=1000"), SCHED_HTTP_TOO_LARGE, true, "headers",
				   "a flood of headers");
	expect_status(get("/bigheader?n=90000"), 200, "ok", "a big header");
	expect_failure(get("/bigheader?n=150000"), SCHED_HTTP_TOO_LARGE, true, "header",
				   "an absurd header");
	answer = get("/status?code=204");
	ok(answer->status == 204 && answer->body_length == 0, "the engine goes on");
	sched_http_free_answer(answer);
}

/* ---- redirects ---- */

static void
redirect_to(char *path, size_t size, int status, const char *url)
{
	char *escaped = curl_easy_escape(NULL, url, 0);

	snprintf(path, size, "/redirect?status=%d&to=%s", status, escaped);
	curl_free(escaped);
}

static void
test_redirects(void)
{
	const char *lines[] = {"X-Api-Key: KX-KEY", "Authorization: Basic KX-PLAIN",
						   "Accept: text/x-a"};
	const char *secret[] = {"X-Hidden: KX-SECRET"};
	char path[500];
	SchedHttpCall call = {
		.headers = lines, .n_headers = 3, .secret_headers = secret, .n_secret_headers = 1};
	SchedHttpAnswer *answer;
	int before;

	expect_status(get("/hops?n=5"), 200, "\"/echo\"", "five redirects");
	expect_failure(get("/hops?n=6"), SCHED_HTTP_REDIRECTS, true, "more than 5", "six redirects");
	expect_failure(get("/loop"), SCHED_HTTP_REDIRECTS, true, "more than 5", "a loop");

	call.url = at("127.0.0.1", port, "/hops?n=2");
	expect_status(make_call(&call), 200, "KX-SECRET", "a secret stays with its origin");
	redirect_to(path, sizeof(path), 302, at("127.0.0.1", other_port, "/echo"));
	call.url = at("127.0.0.1", port, path);
	answer = make_call(&call);
	ok(answer->status == 200 && !has_body(answer, "KX-") && has_body(answer, "text/x-a"),
	   "another port gets no secret, no key, no credentials: %s", (char *) answer->body);
	sched_http_free_answer(answer);
	redirect_to(path, sizeof(path), 302, at("local.test", port, "/echo"));
	call.url = at("127.0.0.1", port, path);
	answer = make_call(&call);
	ok(answer->status == 200 && !has_body(answer, "KX-"), "nor does another name");
	sched_http_free_answer(answer);

	call.method = "POST";
	call.body = "KX-BODY";
	call.body_length = 7;
	redirect_to(path, sizeof(path), 303, "/echo");
	call.url = at("127.0.0.1", port, path);
	answer = make_call(&call);
	ok(has_body(answer, "\"GET\"") && has_body(answer, "\"body\": \"\""),
	   "303 turns POST into GET");
	sched_http_free_answer(answer);
	redirect_to(path, sizeof(path), 307, "/echo");
	call.url = at("127.0.0.1", port, path);
	answer = make_call(&call);
	ok(has_body(answer, "\"POST\"") && has_body(answer, "S1gtQk9EWQ=="),
	   "307 repeats POST and body");
	sched_http_free_answer(answer);
	before = requests_at(other_port, "/echo");
	redirect_to(path, sizeof(path), 307, at("127.0.0.1", other_port, "/echo"));
	call.url = at("127.0.0.1", port, path);
	expect_failure(make_call(&call), SCHED_HTTP_REDIRECTS, true, "body",
				   "307 to another host with a body");
	ok(requests_at(other_port, "/echo") == before, "which saw nothing of it");
	redirect_to(path, sizeof(path), 302, "file:///etc/passwd");
	expect_failure(get(path), SCHED_HTTP_REDIRECTS, true, "http and https", "a redirect to a file");
	redirect_to(path, sizeof(path), 302, "http://u:p@127.0.0.1/");
	expect_failure(get(path), SCHED_HTTP_REDIRECTS, true, "user name",
				   "a redirect with credentials");
	redirect_to(path, sizeof(path), 302, "http://169.254.169.254/latest/meta-data/");
	expect_failure(get(path), SCHED_HTTP_REDIRECTS, true, "169.254.169.254",
				   "a redirect to the metadata service, private networks allowed");
}

/* ---- egress ---- */

static void
test_egress(void)
{
	char list[100];
	char path[300];
	SchedHttpCall call = {.url = at("127.0.0.1", port, "/echo")};
	int before = requests_at(port, "/echo");
	int elsewhere = requests_at(other_port, "/echo");

	reconfigure("", false);
	expect_failure(make_call(&call), SCHED_HTTP_FORBIDDEN, false, "127.0.0.1", "loopback");
	call.url = at("localhost", port, "/echo");
	expect_failure(make_call(&call), SCHED_HTTP_FORBIDDEN, false, "http_private_hosts",
				   "localhost");
	call.url = at("[::ffff:127.0.0.1]", port, "/echo");
	expect_failure(make_call(&call), SCHED_HTTP_FORBIDDEN, false, "", "a mapped address");
	call.url = at("rebound.test", port, "/echo");
	expect_failure(make_call(&call), SCHED_HTTP_FORBIDDEN, false, "127.0.0.1",
				   "a name that leads to loopback");
	call.url = at("0.0.0.0", port, "/echo");
	expect_failure(make_call(&call), SCHED_HTTP_FORBIDDEN, false, "0.0.0.0", "0.0.0.0");
	call.url = at("2130706433", port, "/echo");
	expect_failure(make_call(&call), SCHED_HTTP_FORBIDDEN, false, "127.0.0.1",
				   "loopback as one number");

	snprintf(list, sizeof(list), "local.test:%d, 127.0.0.1:%d", port, port);
	reconfigure(list, false);
	ok(requests_at(port, "/echo") == before, "nothing of this reached the server");
	call.url = at("local.test", port, "/echo");
	expect_status(make_call(&call), 200, NULL, "a listed private name");
	call.url = at("rebound.test", port, "/echo");
	expect_failure(make_call(&call), SCHED_HTTP_FORBIDDEN, false, "127.0.0.1",
				   "another name for the same");
	redirect_to(path, sizeof(path), 302, at("127.0.0.1", other_port, "/echo"));
	expect_failure(get(path), SCHED_HTTP_REDIRECTS, true, "redirected",
				   "a redirect to a port not listed");
	redirect_to(path, sizeof(path), 302, at("rebound.test", other_port, "/echo"));
	expect_failure(get(path), SCHED_HTTP_REDIRECTS, true, "redirected",
				   "a redirect to a name not listed");

	config.allowed_hosts = "*.example.org";
	reconfigure("", true);
	call.url = at("local.test", port, "/echo");
	expect_failure(make_call(&call), SCHED_HTTP_FORBIDDEN, false, "http_allowed_hosts",
				   "a name not allowed");
	config.allowed_hosts = "127.0.0.1";
	reconfigure("", true);
	redirect_to(path, sizeof(path), 302, at("local.test", other_port, "/echo"));
	expect_failure(get(path), SCHED_HTTP_REDIRECTS, true, "http_allowed_hosts",
				   "a redirect to one");
	config.allowed_hosts = "";
	reconfigure("", true);
	ok(requests_at(other_port, "/echo") == elsewhere, "nothing of this reached the other server");
}

/* ---- many at once, connections, cancelling ---- */

static void
test_many(void)
{
	SchedHttpCall call = {
		.method = "GET", .url = at("127.0.0.1", port, "/slow?ms=300"), .timeout_ms = 5000};
	SchedHttpAnswer *answer;
	double start = now_seconds();
	int n_good = 0;
	int n_submitted = 0;
	uint64_t seen = 0;

	while (sched_http_admits(engine, call.url))
	{
		call.tag = (uint64_t) n_submitted++;
		sched_http_submit(engine, &call);
	}
	ok(n_submitted == 50, "%d calls to one host are admitted", n_submitted);
	ok(sched_http_admits(engine, at("127.0.0.1", other_port, "/")), "another host has room");
	ok(sched_http_in_flight(engine) == 50, "all are in flight");
	for (int i = 0; i < n_submitted; i++)
	{
		answer = wait_answer();
		n_good += answer->status == 200;
		seen |= UINT64_C(1) << answer->tag;
		sched_http_free_answer(answer);
	}
	ok(n_good == 50 && seen == (UINT64_C(1) << 50) - 1, "each tag has its answer");
	ok(now_seconds() - start < 3, "at the same time");
	ok(sched_http_in_flight(engine) == 0 && sched_http_next(engine) == NULL, "none is left");

	call.url = at("127.0.0.1", port, "/silent");
	call.tag = 7;
	sched_http_submit(engine, &call);
	sched_http_drive(engine);
	ok(!sched_http_cancel(engine, 8) && sched_http_cancel(engine, 7), "cancelled by tag");
	answer = wait_answer();
	ok(answer->failure == SCHED_HTTP_CANCELLED && answer->tag == 7, "its answer says so");
	sched_http_free_answer(answer);
	ok(!sched_http_cancel(engine, 7), "once");
}

/* /echo ends with the number of its connection. */
static bool
same_connection(const SchedHttpAnswer *a, const SchedHttpAnswer *b)
{
	const char *one = a->body != NULL ? strstr((char *) a->body, "\"connection\"") : NULL;
	const char *other = b->body != NULL ? strstr((char *) b->body, "\"connection\"") : NULL;

	return one != NULL && other != NULL && strcmp(one, other) == 0;
}

/* Together answers are limited too, until they are fetched. */
static void
test_total(void)
{
	SchedHttpCall call = {.method = "GET", .url = at("127.0.0.1", port, "/bytes?n=900000")};
	SchedHttpAnswer *answer;
	int n_good = 0;
	int n_full = 0;

	config.max_total_bytes = 1500000;
	sched_http_reconfigure(engine, &config);
	for (int i = 0; i < 3; i++)
		sched_http_submit(engine, &call);
	for (int i = 0; i < 5000 && sched_http_in_flight(engine) > 0; i++)
	{
		sched_http_drive(engine);
		usleep(1000);
	}
	while ((answer = sched_http_next(engine)) != NULL)
	{
		n_good += answer->status == 200;
		n_full += answer->failure == SCHED_HTTP_BROKEN && strstr(answer->error, "memory") != NULL;
		sched_http_free_answer(answer);
	}
	ok(n_good + n_full == 3 && n_full >= 2, "three answers do not fit: %d did", n_good);
	expect_status(get("/bytes?n=900000"), 200, NULL, "fetched ones make room again");
	config.max_total_bytes = 0;
	sched_http_reconfigure(engine, &config);
}

/* A kept connection that dies under a POST must not make libcurl send it twice. */
static void
test_connections(void)
{
	SchedHttpCall call = {.url = at("127.0.0.1", port, "/echo"), .method = "POST"};
	SchedHttpAnswer *first;
	SchedHttpAnswer *second;
	int before;

	sched_http_reconfigure(engine, &config);
	first = get("/echo");
	second = get("/echo");
	ok(same_connection(first, second), "the connection is kept");
	sched_http_free_answer(second);
	sched_http_reconfigure(engine, &config);
	second = get("/echo");
	ok(second->status == 200 && !same_connection(first, second), "but not past new settings");
	sched_http_free_answer(first);
	sched_http_free_answer(second);

	sched_http_reconfigure(engine, &config);
	before = requests_at(port, "/echo");
	sched_http_reconfigure(engine, &config);
	expect_status(get("/stale"), 200, "fresh", "a connection that will die");
	expect_failure(make_call(&call), SCHED_HTTP_BROKEN, true, "", "a POST on it");
	sched_http_reconfigure(engine, &config);
	expect_status(get("/stale"), 200, "fresh", "another one");
	call.method = "GET";
	expect_status(make_call(&call), 200, NULL, "a GET on it is repeated");
	ok(requests_at(port, "/echo") == before + 1, "the server saw the GET, the POST not again");
}

/* ---- TLS ---- */

static int
free_port(void)
{
	FILE *pipe = popen("python3 -c \"import socket; s = socket.socket(); s.bind(('127.0.0.1', 0));"
					   " print(s.getsockname()[1])\"",
					   "r");
	int found = 0;

	if (pipe != NULL)
	{
		if (fscanf(pipe, "%d", &found) != 1)
			found = 0;
		pclose(pipe);
	}
	return found;
}

/* An independent HTTP/2 server with this certificate. */
static int
start_nghttpd(const char *certificate)
{
	char key[100], chain[100], folder[100], number[10];
	int its_port = free_port();
	char *const arguments[] = {"nghttpd", "-a", "127.0.0.1", "-d", folder,
							   number,    key,  chain,       NULL};

	snprintf(key, sizeof(key), "%s/%s.key", scratch, certificate);
	snprintf(chain, sizeof(chain), "%s/%s.pem", scratch, certificate);
	snprintf(folder, sizeof(folder), "%s/www", scratch);
	snprintf(number, sizeof(number), "%d", its_port);
	start_server(arguments, NULL);
	return its_port;
}

static SchedHttpAnswer *
get_secure(const char *host, int at_port)
{
	char url[100];
	SchedHttpCall call = {.url = url, .timeout_ms = 10000};
	SchedHttpAnswer *answer = NULL;

	snprintf(url, sizeof(url), "https://%s:%d/page", host, at_port);
	/* nghttpd does not say when it listens. */
	for (int i = 0; i < 100 && (answer == NULL || answer->failure == SCHED_HTTP_CONNECT); i++)
	{
		sched_http_free_answer(answer);
		answer = make_call(&call);
		if (answer->failure == SCHED_HTTP_CONNECT)
			usleep(50000);
	}
	return answer;
}

static void
use_ca_file(const char *name)
{
	static char path[100];

	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	config.ca_file = name[0] != '\0' ? path : "";
	sched_http_reconfigure(engine, &config);
}

static void
test_tls(void)
{
	int good, expired, future, misnamed, foreign;
	SchedHttpAnswer *answer;
	SchedHttpCall call = {.method = "POST", .timeout_ms = 5000};
	char path[300], url[100];
	int n_good = 0;

	if (!ok(shell("sh services/certificates.sh %s secure.test") &&
				shell("mkdir %1$s/www && echo secret garden > %1$s/www/page"),
			"certificates are made"))
		return;
	good = start_nghttpd("good");
	expired = start_nghttpd("expired");
	future = start_nghttpd("future");
	misnamed = start_nghttpd("misnamed");
	foreign = start_nghttpd("foreign");

	use_ca_file("");
	expect_failure(get_secure("secure.test", good), SCHED_HTTP_TLS, false, "certificate",
				   "our authority is unknown to the system");
	use_ca_file("ours.pem");
	answer = get_secure("secure.test", good);
	ok(answer->status == 200 && answer->http_version == 20 && has_body(answer, "secret garden"),
	   "with http_ca_file it is known, and HTTP/2 is spoken: %s",
	   answer->error ? answer->error : "");
	sched_http_free_answer(answer);
	expect_failure(get_secure("secure.test", expired), SCHED_HTTP_TLS, false, "expired", "expired");
	expect_failure(get_secure("secure.test", future), SCHED_HTTP_TLS, false, "not yet valid",
				   "not yet valid");
	expect_failure(get_secure("secure.test", misnamed), SCHED_HTTP_TLS, false, "secure.test",
				   "another name");
	expect_failure(get_secure("127.0.0.1", good), SCHED_HTTP_TLS, false, "",
				   "the address is no name of it");
	expect_failure(get_secure("secure.test", foreign), SCHED_HTTP_TLS, false, "certificate",
				   "another authority");
	snprintf(url, sizeof(url), "https://secure.test:%d/echo", port);
	call = (SchedHttpCall){.url = url, .timeout_ms = 500};
	expect_failure(make_call(&call), SCHED_HTTP_TIMEOUT, false, "no connection",
				   "a handshake that hangs");

	for (int i = 0; i < 40; i++)
	{
		snprintf(url, sizeof(url), "https://secure.test:%d/page", good);
		call.url = url;
		call.method = "GET";
		call.timeout_ms = 20000;
		sched_http_submit(engine, &call);
	}
	for (int i = 0; i < 40; i++)
	{
		answer = wait_answer();
		n_good += answer->status == 200 && answer->http_version == 20;
		sched_http_free_answer(answer);
	}
	ok(n_good == 40, "forty calls at once over HTTP/2");

	redirect_to(path, sizeof(path), 302, url);
	expect_status(get(path), 200, "secret garden", "http may be redirected to https");
	use_ca_file("");
	expect_failure(get_secure("secure.test", good), SCHED_HTTP_TLS, false, "certificate",
				   "a removed http_ca_file is trusted no longer, kept connections included");
	use_ca_file("nowhere.pem");
	expect_failure(get_secure("secure.test", good), SCHED_HTTP_TLS, false, "http_ca_file",
				   "a missing http_ca_file is named");
	use_ca_file("theirs.pem");
	expect_failure(get_secure("secure.test", good), SCHED_HTTP_TLS, false, "certificate",
				   "the wrong authority");
	use_ca_file("");
}

int
main(void)
{
	char *const misbehave[] = {"python3", "services/misbehave.py", NULL};

	/* Nothing of the environment may lead a call elsewhere. */
	setenv("http_proxy", "http://127.0.0.1:1/", 1);
	setenv("https_proxy", "http://127.0.0.1:1/", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1/", 1);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (mkdtemp(scratch) == NULL)
		return 2;
	start_server(misbehave, &port);
	start_server(misbehave, &other_port);
	config.allow_private_networks = true;
	engine = sched_http_create(&config);
	if (!ok(engine != NULL && port > 0 && other_port > 0, "engine and servers stand"))
		return 2;
	test_requests();
	test_bad_requests();
	test_faults();
	test_redirects();
	test_egress();
	test_many();
	test_total();
	test_connections();
	test_tls();
	sched_http_destroy(engine);
	stop_servers();
	curl_global_cleanup();
	return done_testing();
}
