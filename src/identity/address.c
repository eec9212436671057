/*
 * address.c - network addresses as sign-in counts them, and who a request behind proxies comes from.
 *
 * Pure: no server, no name is looked up. Runs in backends and unit tests; nothing is allocated but by OpenSSL inside
 * HMAC(), nothing throws. X-Forwarded-For is hostile but for what trusted proxies have appended.
 */
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "identity/address.h"

static const unsigned char v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* What stands between two entries of a list. */
#define BETWEEN ", \t"

/* Without blanks around it. */
static void
trim(const char **text, size_t *length)
{
	while (*length > 0 && ((*text)[0] == ' ' || (*text)[0] == '\t'))
	{
		(*text)++;
		(*length)--;
	}
	while (*length > 0 && ((*text)[*length - 1] == ' ' || (*text)[*length - 1] == '\t'))
		(*length)--;
}

/* Are these characters the digits of a port? */
static bool
is_port(const char *text, size_t length)
{
	if (length == 0 || length > 5)
		return false;
	for (size_t i = 0; i < length; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return true;
}

/* Cuts brackets and port off: "[v6]:port" and "v4:port". */
static bool
cut_port(const char **text, size_t *length)
{
	const char *colon = memchr(*text, ':', *length);
	size_t before = colon != NULL ? (size_t) (colon - *text) : 0;

	if (*length > 0 && (*text)[0] == '[')
	{
		const char *end = memchr(*text, ']', *length);
		size_t rest;

		if (end == NULL)
			return false;
		rest = *length - (size_t) (end - *text) - 1;
		if (rest > 0 && (end[1] != ':' || !is_port(end + 2, rest - 1)))
			return false;
		*length = (size_t) (end - *text) - 1;
		(*text)++;
		return true;
	}
	/* One colon alone: an IPv6 address has two at least. */
	if (colon != NULL && memchr(colon + 1, ':', *length - before - 1) == NULL)
	{
		if (!is_port(colon + 1, *length - before - 1))
			return false;
		*length = before;
	}
	return true;
}

bool
sched_identity_parse_address(const char *text, size_t length, SchedAddress *address)
{
	char copy[SCHED_ADDRESS_CHARS];
	unsigned char bytes[SCHED_ADDRESS_BYTES];

	trim(&text, &length);
	if (!cut_port(&text, &length) || length == 0 || length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (inet_pton(AF_INET, copy, bytes + 12) == 1)
		memcpy(bytes, v4_prefix, sizeof(v4_prefix));
	else if (inet_pton(AF_INET6, copy, bytes) != 1)
		return false;
	memcpy(address->bytes, bytes, sizeof(bytes));
	return true;
}

bool
sched_identity_address_is_v4(const SchedAddress *address)
{
	return memcmp(address->bytes, v4_prefix, sizeof(v4_prefix)) == 0;
}

void
sched_identity_print_address(const SchedAddress *address, char text[SCHED_ADDRESS_CHARS])
{
	bool v4 = sched_identity_address_is_v4(address);

	if (inet_ntop(v4 ? AF_INET : AF_INET6, address->bytes + (v4 ? 12 : 0), text,
				  SCHED_ADDRESS_CHARS) == NULL)
		text[0] = '\0';
}

/* A provider gives each customer a /64 at least, and who has one has all of it. */
SchedAddress
sched_identity_mask_address(const SchedAddress *address)
{
	SchedAddress masked = *address;

	if (!sched_identity_address_is_v4(address))
		memset(masked.bytes + 8, 0, 8);
	return masked;
}

/* Do the first bits agree? */
static bool
agree(const SchedAddress *a, const SchedAddress *b, int bits)
{
	int whole = bits / 8;
	int rest = bits % 8;
	unsigned char mask = (unsigned char) (0xff << (8 - rest));

	if (memcmp(a->bytes, b->bytes, (size_t) whole) != 0)
		return false;
	return rest == 0 || ((a->bytes[whole] ^ b->bytes[whole]) & mask) == 0;
}

/* "10.0.0.0/8" or an address; bits counts from the beginning of the mapped form. */
static bool
parse_network(const char *text, size_t length, SchedAddress *network, int *bits)
{
	const char *slash = memchr(text, '/', length);
	size_t before = slash != NULL ? (size_t) (slash - text) : length;
	int most;

	/* A port makes no sense in a network. */
	if (before == 0 || text[0] == '[' || !sched_identity_parse_address(text, before, network))
		return false;
	if (sched_identity_address_is_v4(network) && memchr(text, '.', before) != NULL &&
		memchr(text, ':', before) != NULL)
		return false;
	most = sched_identity_address_is_v4(network) ? 32 : 128;
	*bits = most;
	if (slash != NULL)
	{
		if (!is_port(slash + 1, length - before - 1) || length - before - 1 > 3)
			return false;
		*bits = atoi(slash + 1);
	}
	if (*bits > most)
		return false;
	*bits += 128 - most;
	return true;
}

/* The next entry of a list, or NULL at its end. */
static const char *
next_entry(const char **list, size_t *length)
{
	const char *entry = *list + strspn(*list, BETWEEN);

	*length = strcspn(entry, BETWEEN);
	*list = entry + *length;
	return *length > 0 ? entry : NULL;
}

static bool
is_local(const char *entry, size_t length)
{
	return length == 5 && memcmp(entry, "local", 5) == 0;
}

bool
sched_identity_check_networks(const char *networks, char *wrong, size_t size)
{
	const char *entry;
	size_t length;

	while ((entry = next_entry(&networks, &length)) != NULL)
	{
		SchedAddress network;
		int bits;
		size_t kept = length < size ? length : size - 1;

		if (is_local(entry, length) || parse_network(entry, length, &network, &bits))
			continue;
		memcpy(wrong, entry, kept);
		wrong[kept] = '\0';
		return false;
	}
	return true;
}

bool
sched_identity_is_in_networks(const SchedAddress *address, const char *networks)
{
	const char *entry;
	size_t length;

	while ((entry = next_entry(&networks, &length)) != NULL)
	{
		SchedAddress network;
		int bits;

		if (address == NULL
				? is_local(entry, length)
				: parse_network(entry, length, &network, &bits) && agree(address, &network, bits))
			return true;
	}
	return false;
}

/*
 * From the end of the list: each proxy appends whom it was called by, so that everything left of the first address
 * which is no proxy of ours is what a stranger wrote. What cannot be read is a stranger's too.
 */
bool
sched_identity_find_client(const SchedAddress *peer, const char *forwarded, const char *trusted,
						   SchedAddress *client)
{
	size_t end = forwarded != NULL ? strlen(forwarded) : 0;
	bool found = false;

	if (!sched_identity_is_in_networks(peer, trusted))
	{
		if (peer != NULL)
			*client = *peer;
		return peer != NULL;
	}
	while (end > 0)
	{
		size_t start = end;

		while (start > 0 && forwarded[start - 1] != ',')
			start--;
		if (!sched_identity_parse_address(forwarded + start, end - start, client))
			return false;
		found = true;
		if (!sched_identity_is_in_networks(client, trusted))
			return true;
		end = start > 0 ? start - 1 : 0;
	}
	/* All of them are ours: the first one asked. */
	return found;
}

bool
sched_identity_hash_address(const void *key, size_t key_length, const void *user_id,
							size_t user_length, const SchedAddress *address,
							unsigned char hash[SCHED_ADDRESS_HASH_BYTES])
{
	static const char purpose[] = "known address";
	unsigned char about[sizeof(purpose) + 64 + SCHED_ADDRESS_BYTES];
	SchedAddress network = sched_identity_mask_address(address);
	size_t length = 0;
	unsigned int made = 0;

	if (user_length > 64)
		return false;
	memcpy(about, purpose, sizeof(purpose));
	length += sizeof(purpose);
	memcpy(about + length, user_id, user_length);
	length += user_length;
	memcpy(about + length, network.bytes, sizeof(network.bytes));
	length += sizeof(network.bytes);
	return HMAC(EVP_sha256(), key, (int) key_length, about, length, hash, &made) != NULL &&
		   made == SCHED_ADDRESS_HASH_BYTES;
}
