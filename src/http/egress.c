/*
 * egress.c - the egress policy: names by list, addresses by range.
 *
 * Pure: runs in the worker, in the check hooks of settings and in unit tests; a policy is
 * malloc'ed, immutable, and belongs to whoever created it; nothing throws.
 *
 * Two questions are asked of each hop of each call. The name is compared with the lists before it
 * is looked up. The address is judged when the socket is opened, so it is the one really used: a
 * redirect, a name that resolves to something private, or one that resolves differently the second
 * time change nothing.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include "egress.h"

typedef struct Entry
{
	char *host;    /* normalised; for a wildcard the part after "*", with its dot */
	int port;      /* 0 = any */
	bool wildcard; /* any name below, not the name itself */
} Entry;

typedef struct EntryList
{
	Entry *entries;
	int n_entries;
	bool given; /* the list is not blank, even if no entry of it makes sense */
} EntryList;

struct SchedEgress
{
	EntryList allowed;
	EntryList private_names;
	bool allow_private_networks;
};

/* One line of a table of address ranges. */
typedef struct Range
{
	const char *network;
	int bits;
	SchedAddressClass class;
} Range;

/*
 * Everything of IPv4 that is not the public internet (IANA special-purpose registry), first match
 * wins.
 */
static const Range ranges4[] = {
	{"0.0.0.0", 8, SCHED_ADDRESS_NEVER},          /* "this host": the kernel takes it as loopback */
	{"169.254.169.254", 32, SCHED_ADDRESS_NEVER}, /* metadata of AWS, Azure, Google and others */
	{"169.254.170.2", 32, SCHED_ADDRESS_NEVER},   /* AWS task credentials */
	{"169.254.170.23", 32, SCHED_ADDRESS_NEVER},  /* AWS pod identity */
	{"100.100.100.200", 32, SCHED_ADDRESS_NEVER}, /* Alibaba metadata */
	{"192.0.0.192", 32, SCHED_ADDRESS_NEVER},     /* Oracle metadata */
	{"168.63.129.16", 32, SCHED_ADDRESS_NEVER},   /* Azure wire server */
	{"10.0.0.0", 8, SCHED_ADDRESS_PRIVATE},       {"100.64.0.0", 10, SCHED_ADDRESS_PRIVATE},
	{"127.0.0.0", 8, SCHED_ADDRESS_PRIVATE},      {"169.254.0.0", 16, SCHED_ADDRESS_PRIVATE},
	{"172.16.0.0", 12, SCHED_ADDRESS_PRIVATE},    {"192.0.0.0", 24, SCHED_ADDRESS_PRIVATE},
	{"192.0.2.0", 24, SCHED_ADDRESS_PRIVATE},     {"192.88.99.0", 24, SCHED_ADDRESS_PRIVATE},
	{"192.168.0.0", 16, SCHED_ADDRESS_PRIVATE},   {"198.18.0.0", 15, SCHED_ADDRESS_PRIVATE},
	{"198.51.100.0", 24, SCHED_ADDRESS_PRIVATE},  {"203.0.113.0", 24, SCHED_ADDRESS_PRIVATE},
	{"224.0.0.0", 4, SCHED_ADDRESS_NEVER}, /* multicast */
	{"240.0.0.0", 4, SCHED_ADDRESS_NEVER}, /* reserved and broadcast */
};

static const Range ranges6[] = {
	{"::", 128, SCHED_ADDRESS_NEVER},
	{"fd00:ec2::254", 128, SCHED_ADDRESS_NEVER}, /* AWS metadata */
	{"fd20:ce::254", 128, SCHED_ADDRESS_NEVER},  /* Google metadata */
	{"ff00::", 8, SCHED_ADDRESS_NEVER},          /* multicast */
	{"64:ff9b:1::", 48, SCHED_ADDRESS_PRIVATE},  /* local NAT64: leads to whatever the site maps */
	{"100::", 64, SCHED_ADDRESS_PRIVATE},
	{"2001::", 23, SCHED_ADDRESS_PRIVATE}, /* Teredo, ORCHID and other protocol assignments */
	{"2001:db8::", 32, SCHED_ADDRESS_PRIVATE},
	{"fc00::", 7, SCHED_ADDRESS_PRIVATE},
	{"fe80::", 10, SCHED_ADDRESS_PRIVATE},
	{"fec0::", 10, SCHED_ADDRESS_PRIVATE},
};

/* Do the first `bits` bits agree? */
static bool
same_prefix(const unsigned char *a, const unsigned char *b, int bits)
{
	if (memcmp(a, b, (size_t) (bits / 8)) != 0)
		return false;
	if (bits % 8 == 0)
		return true;
	return ((a[bits / 8] ^ b[bits / 8]) & (0xff << (8 - bits % 8)) & 0xff) == 0;
}

/*
 * The tables are text, so that a reader can check them against the registry, and are parsed at first
 * use: each call of a kept connection is judged too.
 */
static SchedAddressClass
classify_v4(const unsigned char *bytes)
{
	static unsigned char networks[sizeof(ranges4) / sizeof(ranges4[0])][4];
	static bool parsed = false;

	for (size_t i = 0; !parsed && i < sizeof(ranges4) / sizeof(ranges4[0]); i++)
		inet_pton(AF_INET, ranges4[i].network, networks[i]);
	parsed = true;
	for (size_t i = 0; i < sizeof(ranges4) / sizeof(ranges4[0]); i++)
	{
		if (same_prefix(bytes, networks[i], ranges4[i].bits))
			return ranges4[i].class;
	}
	return SCHED_ADDRESS_PUBLIC;
}

/* The stricter of two: forms that wrap an IPv4 address are never better than that address. */
static SchedAddressClass
stricter_of(SchedAddressClass a, SchedAddressClass b)
{
	return a > b ? a : b;
}

/*
 * First what has a range of its own, then the forms that carry an IPv4 address inside: judged by
 * that address, and private at best, because nobody who means a public host writes it that way.
 */
static SchedAddressClass
classify_v6(const unsigned char *bytes)
{
	static const unsigned char zeros[12] = {0};
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const unsigned char nat64[12] = {0x00, 0x64, 0xff, 0x9b};
	static unsigned char networks[sizeof(ranges6) / sizeof(ranges6[0])][16];
	static bool parsed = false;

	for (size_t i = 0; !parsed && i < sizeof(ranges6) / sizeof(ranges6[0]); i++)
		inet_pton(AF_INET6, ranges6[i].network, networks[i]);
	parsed = true;
	for (size_t i = 0; i < sizeof(ranges6) / sizeof(ranges6[0]); i++)
	{
		if (same_prefix(bytes, networks[i], ranges6[i].bits))
			return ranges6[i].class;
	}
	if (memcmp(bytes, mapped, 12) == 0 || memcmp(bytes, nat64, 12) == 0)
		return stricter_of(classify_v4(bytes + 12), SCHED_ADDRESS_PRIVATE);
	/* ::1 and the long dead IPv4-compatible form */
	if (memcmp(bytes, zeros, 12) == 0)
		return bytes[12] == 0 ? SCHED_ADDRESS_PRIVATE
							  : stricter_of(classify_v4(bytes + 12), SCHED_ADDRESS_PRIVATE);
	/* 6to4 */
	if (bytes[0] == 0x20 && bytes[1] == 0x02)
		return stricter_of(classify_v4(bytes + 2), SCHED_ADDRESS_PRIVATE);
	/* Only 2000::/3 is handed out as public. */
	return (bytes[0] & 0xe0) == 0x20 ? SCHED_ADDRESS_PUBLIC : SCHED_ADDRESS_NEVER;
}

SchedAddressClass
sched_egress_classify(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return classify_v4(
			(const unsigned char *) &((const struct sockaddr_in *) address)->sin_addr);
	if (address->sa_family == AF_INET6)
		return classify_v6(
			(const unsigned char *) &((const struct sockaddr_in6 *) address)->sin6_addr);
	return SCHED_ADDRESS_NEVER;
}

/* IPv6 has many spellings of one address; lists are compared in the shortest. */
static char *
normalise_name(const char *host, size_t length)
{
	unsigned char bytes[16];
	char shortest[INET6_ADDRSTRLEN];
	char *name;

	while (length > 0 && host[length - 1] == '.')
		length--;
	name = strndup(host, length);
	if (name == NULL)
		return NULL;
	for (char *c = name; *c != '\0'; c++)
	{
		if (*c >= 'A' && *c <= 'Z')
			*c = (char) (*c + 32);
	}
	if (inet_pton(AF_INET6, name, bytes) == 1 &&
		inet_ntop(AF_INET6, bytes, shortest, sizeof(shortest)) != NULL)
	{
		free(name);
		name = strdup(shortest);
	}
	return name;
}

/* A port of 1 to 65535 in the bytes up to `end`; -1 otherwise. */
static int
parse_port(const char *text, const char *end)
{
	int port = 0;

	if (text == end || end - text > 5)
		return -1;
	for (; text < end; text++)
	{
		if (*text < '0' || *text > '9')
			return -1;
		port = port * 10 + (*text - '0');
	}
	return port >= 1 && port <= 65535 ? port : -1;
}

/* Reads one trimmed entry. NULL when fine, otherwise what is wrong with it. */
static const char *
parse_entry(const char *text, size_t length, Entry *entry)
{
	static const char name_chars[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	const char *end = text + length;
	const char *host_end = end;

	memset(entry, 0, sizeof(*entry));
	/*
	 * An address of IPv6 needs its brackets; otherwise its last group would be taken for a port.
	 */
	if (text[0] == '[')
	{
		host_end = memchr(text, ']', length);
		if (host_end == NULL || (host_end + 1 < end && host_end[1] != ':'))
			return "is not [address]:port";
		if (host_end + 1 < end && (entry->port = parse_port(host_end + 2, end)) < 0)
			return "has no valid port";
		text++;
		if (strspn(text, "0123456789abcdefABCDEF:.") < (size_t) (host_end - text))
			return "is not an IPv6 address";
	}
	else
	{
		const char *colon = memchr(text, ':', length);

		if (colon != NULL)
		{
			if ((entry->port = parse_port(colon + 1, end)) < 0)
				return "has no valid port";
			host_end = colon;
		}
		/* The star stands for whole labels at the front, nowhere else. */
		if (host_end - text > 2 && text[0] == '*' && text[1] == '.')
		{
			entry->wildcard = true;
			text++;
		}
		if (strspn(text, name_chars) < (size_t) (host_end - text))
			return "is not a host name";
	}
	if (host_end == text || strspn(text, ".") >= (size_t) (host_end - text))
		return "has no host";
	entry->host = normalise_name(text, (size_t) (host_end - text));
	return entry->host == NULL ? "does not fit into memory" : NULL;
}

/* The next trimmed, non-empty piece between commas; false at the end. */
static bool
next_piece(const char **cursor, const char **piece, size_t *length)
{
	while (**cursor != '\0')
	{
		const char *start = *cursor;
		size_t size = strcspn(start, ",");

		*cursor = start[size] == ',' ? start + size + 1 : start + size;
		while (size > 0 && strchr(" \t\r\n", start[0]) != NULL)
		{
			start++;
			size--;
		}
		while (size > 0 && strchr(" \t\r\n", start[size - 1]) != NULL)
			size--;
		if (size > 0)
		{
			*piece = start;
			*length = size;
			return true;
		}
	}
	return false;
}

bool
sched_egress_check_list(const char *list, bool private_list, char *problem, size_t problem_size)
{
	const char *piece;
	size_t length;

	while (next_piece(&list, &piece, &length))
	{
		Entry entry;
		const char *wrong = parse_entry(piece, length, &entry);

		if (wrong == NULL && private_list && entry.port == 0)
			wrong = "has no port: a private host is listed as name:port";
		if (wrong == NULL && private_list && entry.wildcard)
			wrong = "has a wildcard: private hosts are listed one by one";
		free(entry.host);
		if (wrong != NULL)
		{
			snprintf(problem, problem_size, "\"%.*s\" %s", (int) (length > 200 ? 200 : length),
					 piece, wrong);
			return false;
		}
	}
	return true;
}

/* Reads a list; entries that make no sense are left out. */
static bool
read_list(EntryList *into, const char *list, bool private_list)
{
	const char *piece;
	size_t length;
	size_t room = 0;

	if (list == NULL)
		return true;
	while (next_piece(&list, &piece, &length))
	{
		Entry entry;

		into->given = true;
		if (parse_entry(piece, length, &entry) != NULL)
			continue;
		if (private_list && (entry.port == 0 || entry.wildcard))
		{
			free(entry.host);
			continue;
		}
		if ((size_t) into->n_entries == room)
		{
			Entry *larger = realloc(into->entries, (room * 2 + 8) * sizeof(Entry));

			if (larger == NULL)
			{
				free(entry.host);
				return false;
			}
			into->entries = larger;
			room = room * 2 + 8;
		}
		into->entries[into->n_entries++] = entry;
	}
	return true;
}

/* Lists are checked when they are set; here what makes no sense only matches nothing. */
SchedEgress *
sched_egress_create(const char *allowed_hosts, const char *private_hosts,
					bool allow_private_networks)
{
	SchedEgress *egress = calloc(1, sizeof(SchedEgress));

	if (egress == NULL)
		return NULL;
	egress->allow_private_networks = allow_private_networks;
	if (!read_list(&egress->allowed, allowed_hosts, false) ||
		!read_list(&egress->private_names, private_hosts, true))
	{
		sched_egress_destroy(egress);
		return NULL;
	}
	return egress;
}

static void
free_list(EntryList *list)
{
	for (int i = 0; i < list->n_entries; i++)
		free(list->entries[i].host);
	free(list->entries);
}

void
sched_egress_destroy(SchedEgress *egress)
{
	if (egress == NULL)
		return;
	free_list(&egress->allowed);
	free_list(&egress->private_names);
	free(egress);
}

/* "*.example.org" is kept as ".example.org": a suffix of every name below it. */
static bool
matches_entry(const Entry *entry, const char *host, int port)
{
	size_t host_length = strlen(host);
	size_t entry_length = strlen(entry->host);

	if (entry->port != 0 && entry->port != port)
		return false;
	if (!entry->wildcard)
		return strcmp(entry->host, host) == 0;
	return host_length > entry_length &&
		   strcmp(host + host_length - entry_length, entry->host) == 0;
}

static bool
in_list(const EntryList *list, const char *host, int port)
{
	char *name = normalise_name(host, strlen(host));
	bool found = false;

	for (int i = 0; name != NULL && !found && i < list->n_entries; i++)
		found = matches_entry(&list->entries[i], name, port);
	free(name);
	return found;
}

/* A private name that is listed needs no second entry in the list of allowed ones. */
bool
sched_egress_allows_name(const SchedEgress *egress, const char *host, int port)
{
	return !egress->allowed.given || in_list(&egress->allowed, host, port) ||
		   in_list(&egress->private_names, host, port);
}

/*
 * A public address is fine for any name: the name passed its list before. A private one needs the
 * name and port that were listed for it, whatever other names lead there.
 */
bool
sched_egress_allows_address(const SchedEgress *egress, const char *host, int port,
							const struct sockaddr *address)
{
	switch (sched_egress_classify(address))
	{
		case SCHED_ADDRESS_PUBLIC:
			return true;
		case SCHED_ADDRESS_PRIVATE:
			return egress->allow_private_networks || in_list(&egress->private_names, host, port);
		default:
			return false;
	}
}
