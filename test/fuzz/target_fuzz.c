/*
 * target_fuzz.c - lines: a url, a url relative to it, a method, a header, a list of allowed hosts, one of
 * private hosts, bindings of a secret; the last 16 bytes are an address. What is allowed must be what
 * was written.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>

#include "fuzz.h"
#include "http/egress.h"
#include "http/target.h"
#include "identity/binding.h"

#define LINES 7

/* A url that was taken can be taken again and is then the same: what is stored is what is called. */
static void
check_target(const SchedTarget *target)
{
	SchedTarget again;
	char *name = sched_target_name(target);

	CHECK(name != NULL && target->host[0] != '\0' && target->port > 0 && target->port < 65536);
	CHECK(strpbrk(target->url, "\r\n\t \x7f") == NULL && strchr(target->url, '#') == NULL);
	CHECK(sched_target_parse(&again, NULL, target->url) == NULL);
	CHECK(strcmp(again.url, target->url) == 0 && sched_target_same_origin(&again, target));
	CHECK(strcmp(again.host, target->host) == 0);
	sched_target_clear(&again);
	free(name);
}

static void
check_addresses(const SchedEgress *egress, const SchedTarget *target, const uint8_t *bytes)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct sockaddr_in four = {.sin_family = AF_INET};
	const struct sockaddr *const addresses[] = {(struct sockaddr *) &six,
												(struct sockaddr *) &four};

	memcpy(&six.sin6_addr, bytes, 16);
	memcpy(&four.sin_addr, bytes, 4);
	for (int i = 0; i < 2; i++)
	{
		bool allowed =
			sched_egress_allows_address(egress, target->host, target->port, addresses[i]);

		CHECK(!allowed || sched_egress_classify(addresses[i]) != SCHED_ADDRESS_NEVER);
	}
	/* An address inside another one is as forbidden as that one, and private at best. */
	six.sin6_addr = (struct in6_addr){0};
	six.sin6_addr.s6_addr[10] = six.sin6_addr.s6_addr[11] = 0xff;
	memcpy(&six.sin6_addr.s6_addr[12], bytes, 4);
	CHECK(sched_egress_classify(addresses[0]) >= sched_egress_classify(addresses[1]));
	CHECK(sched_egress_classify(addresses[0]) != SCHED_ADDRESS_PUBLIC);
}

static void
try_target(const SchedTarget *target, char **lines, const uint8_t *bytes)
{
	SchedEgress *egress = sched_egress_create(lines[4], lines[5], false);

	CHECK(egress != NULL);
	check_target(target);
	sched_egress_allows_name(egress, target->host, target->port);
	check_addresses(egress, target, bytes);
	if (sched_identity_bindings_allow(lines[6], target->host, target->port))
		CHECK(lines[6][0] != '\0');
	sched_egress_destroy(egress);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[16] = {0};
	char *lines[LINES];
	char problem[200];
	SchedTarget base;
	SchedTarget relative;

	if (size > 16)
	{
		size -= 16;
		memcpy(bytes, data + size, 16);
	}
	for (int i = 0; i < LINES; i++)
		lines[i] = cut_string(&data, &size, '\n');
	if (sched_target_parse(&base, NULL, lines[0]) == NULL)
	{
		try_target(&base, lines, bytes);
		if (sched_target_parse(&relative, base.url, lines[1]) == NULL)
			check_target(&relative);
		sched_target_clear(&relative);
	}
	sched_target_clear(&base);
	if (sched_target_check_method(lines[2]) == NULL)
		CHECK(strpbrk(lines[2], " \r\n\t:") == NULL);
	if (sched_target_check_header(lines[3]) == NULL)
		CHECK(strpbrk(lines[3], "\r\n") == NULL && strchr(lines[3], ':') != NULL);
	sched_target_header_is(lines[3], lines[2]);
	for (int i = 0; i < 2; i++)
		if (!sched_egress_check_list(lines[4 + i], i == 1, problem, sizeof(problem)))
			CHECK(memchr(problem, '\0', sizeof(problem)) != NULL);
	for (int i = 0; i < LINES; i++)
		free(lines[i]);
	return 0;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	return 0;
}
