/*
 * binding.c - compares the host of a call with those a secret is bound to.
 *
 * Pure; runs wherever a secret is opened; no memory kept, nothing throws. A binding without a port means 443,
 * so that nothing is sent in the clear unless somebody wrote the port down.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "identity/binding.h"

#define DEFAULT_PORT 443

/* The length of a binding's host; its port is stored. The colons of an IPv6 address stand in brackets. */
static size_t
split_port(const char *binding, size_t length, int *port)
{
	*port = DEFAULT_PORT;
	for (size_t i = length; i > 0 && binding[i - 1] != ']'; i--)
	{
		if (binding[i - 1] == ':')
		{
			*port = atoi(binding + i);
			return i - 1;
		}
	}
	return length;
}

static bool
binding_allows(const char *binding, size_t length, const char *host, size_t host_length, int port)
{
	int bound_port;
	size_t bound_length = split_port(binding, length, &bound_port);

	if (bound_port != port || bound_length == 0)
		return false;
	if (bound_length > 2 && binding[0] == '*' && binding[1] == '.')
	{
		/* The dot takes part, so that "*.example.org" does not cover "badexample.org". */
		size_t suffix = bound_length - 1;

		return host_length > suffix &&
			   strncasecmp(host + host_length - suffix, binding + 1, suffix) == 0;
	}
	return host_length == bound_length && strncasecmp(host, binding, bound_length) == 0;
}

bool
sched_identity_bindings_allow(const char *bindings, const char *host, int port)
{
	size_t host_length = strlen(host);

	/* A name may end with the dot of the root. */
	if (host_length > 1 && host[host_length - 1] == '.')
		host_length--;
	while (*bindings != '\0')
	{
		size_t length = strcspn(bindings, " ");

		if (binding_allows(bindings, length, host, host_length, port))
			return true;
		bindings += length + strspn(bindings + length, " ");
	}
	return false;
}
