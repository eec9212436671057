/*
 * target.c - urls, methods and header lines, checked before libcurl sees them.
 *
 * Pure: runs in the worker, in SQL backends and in unit tests; malloc'ed results belong to the
 * caller; nothing throws. Refusing CR, LF and NUL here is what makes header injection impossible:
 * libcurl sends a header line as it is given.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <stdio.h>
#include <curl/curl.h>

#include "target.h"

#define MAX_URL 65536
static const char too_long[] = "the url is longer than 65536 bytes";

/* RFC 9110 token characters: what a method or a header name is made of. */
static bool
is_token_char(unsigned char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-')
		return true;
	return c != '\0' && strchr("!#$%&'*+.^_`|~", c) != NULL;
}

/* Lower case, without the root's dot and without brackets: the form that lists are compared in. */
static char *
normalise_host(const char *host, bool *address)
{
	size_t length = strlen(host);
	char *result;

	*address = host[0] == '[';
	if (*address && length > 2)
	{
		host++;
		length -= 2;
	}
	while (length > 0 && host[length - 1] == '.')
		length--;
	result = malloc(length + 1);
	if (result == NULL)
		return NULL;
	for (size_t i = 0; i < length; i++)
		result[i] = (host[i] >= 'A' && host[i] <= 'Z') ? (char) (host[i] + 32) : host[i];
	result[length] = '\0';
	return result;
}

/* Bytes that nothing we send or log may contain. */
static bool
has_control(const char *text)
{
	for (const unsigned char *c = (const unsigned char *) text; *c != '\0'; c++)
	{
		if (*c <= ' ' || *c == 0x7f)
			return true;
	}
	return false;
}

/* One part of a parsed url, malloc'ed, or NULL. */
static char *
copy_part(CURLU *handle, CURLUPart part, unsigned int flags)
{
	char *value = NULL;
	char *copy;

	if (curl_url_get(handle, part, &value, flags) != CURLUE_OK)
		return NULL;
	copy = strdup(value);
	curl_free(value);
	return copy;
}

/* Takes over what the parser found; the words of the first thing that is not acceptable. */
static const char *
fill_target(SchedTarget *target, CURLU *handle)
{
	const char *problem = NULL;
	char *scheme = copy_part(handle, CURLUPART_SCHEME, 0);
	char *host = copy_part(handle, CURLUPART_HOST, 0);
	char *port = copy_part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	char *user = copy_part(handle, CURLUPART_USER, 0);
	char *password = copy_part(handle, CURLUPART_PASSWORD, 0);

	if (scheme == NULL || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
		problem = "only http and https urls can be called";
	else if (host == NULL || port == NULL || host[0] == '\0' || strcmp(host, ".") == 0)
		problem = "the url has no host";
	else if (has_control(host)) /* "%7f" is decoded in a host, and "%20" may be one day */
		problem = "the url contains a space or a control character";
	/*
	 * A url is stored in rows, shown in errors and sent to the server's log; libcurl would also
	 * make Basic authentication of it, past the host binding of secrets.
	 */
	else if (user != NULL || password != NULL)
		problem = "a url must not carry a user name or password; name a secret in auth";
	else
	{
		target->https = strcmp(scheme, "https") == 0;
		target->port = atoi(port);
		target->host = normalise_host(host, &target->address);
		curl_url_set(handle, CURLUPART_FRAGMENT, NULL, 0);
		target->url = copy_part(handle, CURLUPART_URL, 0);
		target->path = copy_part(handle, CURLUPART_PATH, 0);
		if (target->host == NULL || target->url == NULL || target->path == NULL ||
			target->host[0] == '\0')
			problem = "the url has no host";
		else if (target->port == 0)
			problem = "the url has no valid port";
	}
	/* Somebody wrote it here by mistake; it need not stay in our memory. */
	if (password != NULL)
		explicit_bzero(password, strlen(password));
	free(scheme);
	free(host);
	free(port);
	free(user);
	free(password);
	return problem;
}

/*
 * libcurl decodes "127%2e1" to "127.1" and makes 127.0.0.1 of that only when it reads it once more, at
 * the call: then the host that was checked is not the one that is called.
 */
static bool
reads_the_same(const char *url)
{
	CURLU *handle = curl_url();
	char *again = NULL;
	bool same;

	if (handle != NULL && curl_url_set(handle, CURLUPART_URL, url, 0) == CURLUE_OK)
		again = copy_part(handle, CURLUPART_URL, 0);
	curl_url_cleanup(handle);
	same = again != NULL && strcmp(again, url) == 0;
	free(again);
	return same;
}

/*
 * libcurl's own parser decides, since it is libcurl that will connect: a second parser that
 * disagreed with it would be a hole in the egress policy. "0x7f.1" and "2130706433" come out as
 * 127.0.0.1 here.
 */
const char *
sched_target_parse(SchedTarget *target, const char *base, const char *url)
{
	const char *problem = NULL;
	CURLU *handle;

	memset(target, 0, sizeof(*target));
	if (url == NULL || url[0] == '\0')
		return "the url is empty";
	/* Longer than any server takes; the row it came from may hold a gigabyte. */
	if (strlen(url) > MAX_URL)
		return too_long;
	/*
	 * libcurl refuses most of these too; the words of this refusal are better, and it is certain.
	 */
	if (has_control(url))
		return "the url contains a space or a control character";
	handle = curl_url();
	if (handle == NULL)
		return "out of memory";
	if (base != NULL && curl_url_set(handle, CURLUPART_URL, base, 0) != CURLUE_OK)
		problem = "the url cannot be parsed";
	else
	{
		CURLUcode code = curl_url_set(handle, CURLUPART_URL, url, 0);

		if (code == CURLUE_UNSUPPORTED_SCHEME)
			problem = "only http and https urls can be called";
		else if (code != CURLUE_OK)
			problem = "the url cannot be parsed";
		else
			problem = fill_target(target, handle);
		/* The base's part, or characters that were encoded, make it longer than it came in. */
		if (problem == NULL && strlen(target->url) > MAX_URL)
			problem = too_long;
		if (problem == NULL && strchr(url, '%') != NULL && !reads_the_same(target->url))
			problem = "the host of the url is written in an encoded form";
	}
	curl_url_cleanup(handle);
	if (problem != NULL)
		sched_target_clear(target);
	return problem;
}

void
sched_target_clear(SchedTarget *target)
{
	free(target->url);
	free(target->host);
	free(target->path);
	memset(target, 0, sizeof(*target));
}

bool
sched_target_copy(SchedTarget *target, const SchedTarget *from)
{
	*target = *from;
	target->url = strdup(from->url);
	target->host = strdup(from->host);
	target->path = strdup(from->path);
	if (target->url != NULL && target->host != NULL && target->path != NULL)
		return true;
	sched_target_clear(target);
	return false;
}

/* The name under which calls are counted and admitted. */
char *
sched_target_name(const SchedTarget *target)
{
	size_t size = strlen(target->host) + 16;
	char *name = malloc(size);

	if (name != NULL)
		snprintf(name, size, target->address ? "[%s]:%d" : "%s:%d", target->host, target->port);
	return name;
}

/* Origin as browsers have it: scheme, host and port; what a secret is meant for. */
bool
sched_target_same_origin(const SchedTarget *a, const SchedTarget *b)
{
	return a->https == b->https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

/*
 * Any word may be a method (WebDAV has dozens); only characters that would end the word are
 * refused.
 */
const char *
sched_target_check_method(const char *method)
{
	size_t length = 0;

	if (method == NULL || method[0] == '\0')
		return "the method is empty";
	for (; method[length] != '\0'; length++)
	{
		if (!is_token_char((unsigned char) method[length]))
			return "the method contains a character that methods do not have";
	}
	if (length > 32)
		return "the method is longer than 32 characters";
	/* CONNECT opens a tunnel past the egress policy; TRACE echoes the secret headers. */
	if (strcasecmp(method, "CONNECT") == 0 || strcasecmp(method, "TRACE") == 0)
		return "this method cannot be called";
	return NULL;
}

bool
sched_target_header_is(const char *line, const char *name)
{
	size_t length = strlen(name);

	return strncasecmp(line, name, length) == 0 && line[length] == ':';
}

/*
 * Bytes from 0x80 on may stand in a value (UTF-8 file names), everything below a blank but the tab
 * may not: with CR LF one header becomes two, or the beginning of a body.
 */
const char *
sched_target_check_header(const char *line)
{
	/*
	 * These belong to the transport: setting them by hand breaks framing or reaches another virtual
	 * host.
	 */
	static const char *const reserved[] = {"Host",
										   "Content-Length",
										   "Transfer-Encoding",
										   "Connection",
										   "Keep-Alive",
										   "Upgrade",
										   "TE",
										   "Trailer",
										   "Expect",
										   "Proxy-Authorization",
										   "Proxy-Connection"};
	const char *c = line;

	if (line == NULL)
		return "a header is null";
	/*
	 * An empty name, or one with a blank before the colon, is read differently by different
	 * servers.
	 */
	while (is_token_char((unsigned char) *c))
		c++;
	if (c == line || *c != ':')
		return "a header name is empty or contains a character that names do not have";
	for (c++; *c != '\0'; c++)
	{
		if (((unsigned char) *c < ' ' && *c != '\t') || *c == 0x7f)
			return "a header value contains a line break or another control character";
	}
	if (c - line > 65536)
		return "a header is longer than 65536 bytes";
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
	{
		if (sched_target_header_is(line, reserved[i]))
			return "Host, Content-Length, Connection and other headers of the transport are set by "
				   "the HTTP layer";
	}
	return NULL;
}
