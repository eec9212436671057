/*
 * http_parts_test.c - the computing parts of the HTTP room: urls, headers, egress, answers,
 * Retry-After.
 */
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>

#include "http/answer.h"
#include "http/egress.h"
#include "http/retry_after.h"
#include "http/target.h"
#include "tap.h"

/* ---- targets ---- */

static void
expect_target(const char *base, const char *url, const char *name, const char *shown)
{
	SchedTarget target;
	const char *problem = sched_target_parse(&target, base, url);
	char *target_name = problem == NULL ? sched_target_name(&target) : NULL;

	ok(problem == NULL && strcmp(target_name, name) == 0 && strcmp(target.url, shown) == 0,
	   "%s is %s at %s (%s)", url, shown, name, problem != NULL ? problem : target.url);
	free(target_name);
	sched_target_clear(&target);
}

static void
expect_bad_url(const char *url, const char *words)
{
	SchedTarget target;
	const char *problem = sched_target_parse(&target, NULL, url);

	ok(problem != NULL && strstr(problem, words) != NULL && target.url == NULL, "a url refused: %s",
	   problem != NULL ? problem : "none");
	sched_target_clear(&target);
}

static void
test_targets(void)
{
	SchedTarget a;
	SchedTarget b;

	expect_target(NULL, "https://Api.Example.ORG./v1?x=1#part", "api.example.org:443",
				  "https://Api.Example.ORG./v1?x=1");
	expect_target(NULL, "http://[::1]:8080/", "[::1]:8080", "http://[::1]:8080/");
	expect_target(NULL, "http://0x7f.1/", "127.0.0.1:80", "http://127.0.0.1/");
	expect_target("https://a.example/b/c", "../d?e", "a.example:443", "https://a.example/d?e");
	expect_target("https://a.example/b/c", "//other.example/", "other.example:443",
				  "https://other.example/");
	expect_bad_url("", "empty");
	expect_bad_url("ftp://example.org/", "http and https");
	expect_bad_url("file:///etc/passwd", "http and https");
	expect_bad_url("gopher://example.org/", "http and https");
	expect_bad_url("http://example.org/\r\nX: y", "control character");
	expect_bad_url("http://example.org/a b", "space");
	expect_bad_url("http://exa%7fmple.org/", "control character");
	expect_bad_url("http://127%2e1/", "encoded form");
	expect_target(NULL, "https://example%2eorg/a%2eb", "example.org:443",
				  "https://example.org/a%2eb");
	expect_bad_url("http://user:secret@example.org/", "user name or password");
	expect_bad_url("http://user@example.org/", "user name or password");
	expect_bad_url("http://example.org:99999/", "parsed");
	expect_bad_url("http://./", "no host");

	sched_target_parse(&a, NULL, "https://example.org/a");
	sched_target_parse(&b, NULL, "https://EXAMPLE.org:443/b");
	ok(sched_target_same_origin(&a, &b), "the default port written out is the same origin");
	ok(strcmp(b.path, "/b") == 0, "the path stands alone");
	sched_target_clear(&b);
	sched_target_parse(&b, NULL, "http://example.org:443/b");
	ok(!sched_target_same_origin(&a, &b), "another scheme is another origin");
	sched_target_clear(&b);
	sched_target_clear(&a);
}

static void
test_methods_and_headers(void)
{
	static const char *const good[] = {"Accept: text/plain", "X-Empty:", "x: a\tb",
									   "X-Utf8: Grüße"};
	static const char *const bad[] = {"X: a\r\nY: b",
									  "X: a\nY",
									  "X a: b",
									  ": b",
									  "no colon",
									  "X: a\x01",
									  "Host: other",
									  "host: x",
									  "Content-Length: 5",
									  "Expect: 100",
									  "Transfer-Encoding: chunked",
									  "Connection: close"};
	char huge[70000];

	ok(sched_target_check_method("PROPFIND") == NULL, "PROPFIND is a method");
	ok(sched_target_check_method("GET /x HTTP/1.1\r\nA: b") != NULL, "a request line is not");
	ok(sched_target_check_method("") != NULL && sched_target_check_method(NULL) != NULL,
	   "nothing is not");
	ok(sched_target_check_method("CONNECT") != NULL && sched_target_check_method("trace") != NULL,
	   "CONNECT and TRACE are refused");
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(sched_target_check_header(good[i]) == NULL, "header %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(sched_target_check_header(bad[i]) != NULL, "bad header %zu is refused", i);
	memset(huge, 'x', sizeof(huge));
	memcpy(huge, "X: ", 3);
	huge[sizeof(huge) - 1] = '\0';
	ok(sched_target_check_header(huge) != NULL, "an endless header is refused");
}

/* ---- egress ---- */

static SchedAddressClass
classify(const char *text)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return sched_egress_classify((struct sockaddr *) &v4);
	inet_pton(AF_INET6, text, &v6.sin6_addr);
	return sched_egress_classify((struct sockaddr *) &v6);
}

static void
test_addresses(void)
{
	static const char *const public[] = {"8.8.8.8",         "172.15.255.255",      "172.32.0.1",
										 "100.63.255.255",  "100.128.0.1",         "192.167.0.1",
										 "2606:4700::1111", "2001:4860:4860::8888"};
	static const char *const private[] = {
		"127.0.0.1",       "127.255.255.255", "10.1.2.3",      "172.16.0.1",      "172.31.255.255",
		"192.168.1.1",     "100.64.0.1",      "169.254.1.1",   "198.18.0.1",      "::1",
		"fe80::1",         "fc00::1",         "fdff::1",       "::ffff:10.0.0.1", "::ffff:8.8.8.8",
		"64:ff9b::7f00:1", "64:ff9b:1::1",    "2002:7f00:1::", "2001::1"};
	static const char *const never[] = {"0.0.0.0",
										"0.1.2.3",
										"169.254.169.254",
										"100.100.100.200",
										"224.0.0.1",
										"239.255.255.255",
										"255.255.255.255",
										"240.0.0.1",
										"::",
										"ff02::1",
										"fd00:ec2::254",
										"::ffff:169.254.169.254",
										"64:ff9b::a9fe:a9fe",
										"::ffff:0.0.0.0"};
	struct sockaddr unix_socket = {.sa_family = AF_UNIX};

	for (size_t i = 0; i < sizeof(public) / sizeof(public[0]); i++)
		ok(classify(public[i]) == SCHED_ADDRESS_PUBLIC, "%s is public", public[i]);
	for (size_t i = 0; i < sizeof(private) / sizeof(private[0]); i++)
		ok(classify(private[i]) == SCHED_ADDRESS_PRIVATE, "%s is private", private[i]);
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		ok(classify(never[i]) == SCHED_ADDRESS_NEVER, "%s is never reached", never[i]);
	ok(sched_egress_classify(&unix_socket) == SCHED_ADDRESS_NEVER,
	   "a unix socket is never reached");
}

static bool
allows(const SchedEgress *egress, const char *host, int port, const char *address)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};

	inet_pton(AF_INET, address, &v4.sin_addr);
	return sched_egress_allows_name(egress, host, port) &&
		   sched_egress_allows_address(egress, host, port, (struct sockaddr *) &v4);
}

static void
test_lists(void)
{
	SchedEgress *egress = sched_egress_create("api.openai.com, *.Example.org , x.test:8443",
											  "LocalHost:11434,imap.lan:993, [::1]:80", false);
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};

	ok(allows(egress, "api.openai.com", 443, "8.8.8.8"), "a listed name");
	ok(!allows(egress, "api.openai.com", 443, "10.0.0.1"),
	   "not when it leads to a private address");
	ok(!allows(egress, "api.openai.com.evil.test", 443, "8.8.8.8"), "no suffix trick");
	ok(allows(egress, "a.b.example.org", 443, "8.8.8.8"), "a wildcard covers names below");
	ok(!allows(egress, "example.org", 443, "8.8.8.8"), "but not the name itself");
	ok(!allows(egress, "badexample.org", 443, "8.8.8.8"), "nor a name that ends alike");
	ok(allows(egress, "x.test", 8443, "8.8.8.8") && !allows(egress, "x.test", 443, "8.8.8.8"),
	   "a port in the list binds");
	ok(allows(egress, "localhost", 11434, "127.0.0.1"), "a private name is allowed too");
	ok(!allows(egress, "localhost", 5432, "127.0.0.1"), "only at its port");
	ok(!allows(egress, "imap.lan", 993, "169.254.169.254"), "and never leads to metadata");
	ok(sched_egress_allows_address(egress, "0:0:0:0:0:0:0:1", 80, (struct sockaddr *) &v6),
	   "spellings of an address are one");
	sched_egress_destroy(egress);

	egress = sched_egress_create("", "", false);
	ok(allows(egress, "any.test", 80, "8.8.8.8") && !allows(egress, "any.test", 80, "127.0.0.1"),
	   "no list: every public host");
	sched_egress_destroy(egress);
	egress = sched_egress_create("", "", true);
	ok(allows(egress, "any.test", 80, "127.0.0.1") && !allows(egress, "a", 80, "169.254.169.254"),
	   "private networks allowed: still no metadata");
	sched_egress_destroy(egress);
	egress = sched_egress_create("http://bad/", "", false);
	ok(!allows(egress, "any.test", 80, "8.8.8.8"), "a list of nonsense allows nothing");
	sched_egress_destroy(egress);
}

static void
expect_list(const char *list, bool private_list, const char *words)
{
	char problem[300] = "";
	bool fine = sched_egress_check_list(list, private_list, problem, sizeof(problem));

	ok(words == NULL ? fine : (!fine && strstr(problem, words) != NULL), "list '%s': %s", list,
	   fine ? "fine" : problem);
}

static void
test_list_checks(void)
{
	expect_list("", true, NULL);
	expect_list(" , a.b:1 ,", true, NULL);
	expect_list("*.example.org, api.x", false, NULL);
	expect_list("[::1]:80", true, NULL);
	expect_list("localhost", true, "has no port");
	expect_list("*.lan:80", true, "wildcard");
	expect_list("https://example.org", false, "port");
	expect_list("a b.example", false, "host name");
	expect_list("x:0", true, "port");
	expect_list("x:65536", true, "port");
	expect_list("::1", true, "port");
	expect_list("[zz]:80", true, "IPv6");
	expect_list("*.", false, "host name");
	expect_list("a*.example", false, "host name");
}

/* ---- answers ---- */

static bool
take(SchedReceiver *receiver, const char *line)
{
	return sched_answer_take_header(receiver, line, strlen(line));
}

static void
test_answers(void)
{
	SchedReceiver receiver = {.answer = calloc(1, sizeof(SchedHttpAnswer)), .max_body = 10000};
	SchedHttpAnswer *answer = receiver.answer;
	bool went_on = true;
	char body[6000] = {0};

	take(&receiver, "HTTP/1.1 103 Early Hints\r\n");
	take(&receiver, "Link: </a>\r\n");
	take(&receiver, "HTTP/1.1 200 OK\r\n");
	take(&receiver, "Set-Cookie:  a=1 \r\n");
	take(&receiver, "X-Folded: one\r\n");
	take(&receiver, "\t two\r\n");
	take(&receiver, "X-Empty:\r\n");
	take(&receiver, "\r\n");
	ok(answer->n_headers == 3, "an informational answer's headers are gone");
	ok(strcmp(sched_answer_header(answer, "set-cookie"), "a=1") == 0,
	   "lower-case name, trimmed value");
	ok(strcmp(sched_answer_header(answer, "x-folded"), "one two") == 0, "a folded value is one");
	ok(strcmp(sched_answer_header(answer, "x-empty"), "") == 0, "an empty value is empty");
	ok(sched_answer_header(answer, "link") == NULL, "no header of before");

	ok(sched_answer_take_body(&receiver, body, sizeof(body)), "6000 of 10000 bytes");
	ok(take(&receiver, "HTTP/1.1 500 forged\r\n") && answer->body_length == 6000,
	   "a forged status among trailers wipes nothing");
	ok(!sched_answer_take_body(&receiver, body, sizeof(body)) &&
		   receiver.stop == SCHED_ANSWER_BODY_TOO_LARGE,
	   "12000 bytes are too many");

	sched_answer_reset(&receiver);
	receiver.stop = SCHED_ANSWER_GOES_ON;
	for (int i = 0; i < 300 && went_on; i++)
		went_on = take(&receiver, "X: y\r\n");
	ok(!went_on && answer->n_headers == SCHED_ANSWER_MAX_HEADERS &&
		   receiver.stop == SCHED_ANSWER_HEADERS_TOO_LARGE,
	   "a flood of headers ends");
	sched_answer_fail(answer, SCHED_HTTP_BROKEN, "bad\x01\xffwords");
	ok(answer->n_headers == 0 && answer->body == NULL && strcmp(answer->error, "bad??words") == 0,
	   "a failure has printable words and nothing else");
	sched_http_free_answer(answer);
	ok(strcmp(sched_http_failure_word(SCHED_HTTP_TOO_LARGE), "too_large") == 0 &&
		   strcmp(sched_http_failure_word(SCHED_HTTP_CANCELLED), "cancelled") == 0,
	   "words of failures");
}

/* ---- Retry-After ---- */

static void
expect_delay(const char *milliseconds, const char *retry_after, int64_t expected)
{
	/* 1994-11-06 08:49:37 UTC, RFC 9110's example, less ten seconds */
	int64_t delay = sched_retry_after_ms(milliseconds, retry_after, 784111777 - 10);

	ok(delay == expected, "retry-after-ms %s, retry-after %s: %lld",
	   milliseconds ? milliseconds : "-", retry_after ? retry_after : "-", (long long) delay);
}

static void
test_retry_after(void)
{
	expect_delay(NULL, "120", 120000);
	expect_delay(NULL, "0", 0);
	expect_delay(NULL, "1.5", 1500);
	expect_delay("250", "120", 250);
	expect_delay("rubbish", "3", 3000);
	expect_delay(NULL, "Sun, 06 Nov 1994 08:49:37 GMT", 10000);
	expect_delay(NULL, "Sunday, 06-Nov-94 08:49:37 GMT", 10000);
	expect_delay(NULL, "Sun Nov  6 08:49:37 1994", 10000);
	expect_delay(NULL, "Sun, 06 Nov 1994 08:49:00 GMT", 0);
	expect_delay(NULL, "Thu, 01 Jan 2099 00:00:00 GMT", SCHED_RETRY_AFTER_MAX_MS);
	expect_delay(NULL, "99999999999999999999", SCHED_RETRY_AFTER_MAX_MS);
	expect_delay(NULL, "-5", -1);
	expect_delay(NULL, "soon", -1);
	expect_delay(NULL, "", -1);
	expect_delay(NULL, "5 apples", -1);
	expect_delay(NULL, "Sun, 06 Foo 1994 08:49:37 GMT", -1);
	expect_delay(NULL, "Sun, 06 Nov 1994 28:49:37 GMT", -1);
	expect_delay(NULL, NULL, -1);
}

int
main(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	test_targets();
	test_methods_and_headers();
	test_addresses();
	test_lists();
	test_list_checks();
	test_answers();
	test_retry_after();
	curl_global_cleanup();
	return done_testing();
}
