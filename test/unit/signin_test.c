/*
 * signin_test.c - addresses of requests behind proxies, and checking passwords, without a server.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "identity/address.h"
#include "identity/password.h"
#include "tap.h"

static void
is(const char *got, const char *wanted, const char *name)
{
	if (!ok(strcmp(got, wanted) == 0, "%s", name))
		printf("# got %s, wanted %s\n", got, wanted);
}

/* What an address is read as, or "-". */
static const char *
reads_as(const char *text)
{
	static char words[SCHED_ADDRESS_CHARS];
	SchedAddress address;

	if (!sched_identity_parse_address(text, strlen(text), &address))
		return "-";
	sched_identity_print_address(&address, words);
	return words;
}

static void
test_reading(void)
{
	static const char *const refused[] = {
		"",
		" ",
		"lies",
		"1.2.3",
		"1.2.3.4.5",
		"256.1.1.1",
		"1.2.3.4:",
		"1.2.3.4:port",
		"1.2.3.4:123456",
		"[::1",
		"[::1]x",
		"[::1]:",
		"::1%eth0",
		"1:2:3",
		"unknown",
		"_hidden",
		"1.2.3.4/8",
		"\"1.2.3.4\"",
		"2001:db8:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001"};

	is(reads_as("192.0.2.1"), "192.0.2.1", "an address");
	is(reads_as(" 192.0.2.1\t"), "192.0.2.1", "blanks around it");
	is(reads_as("192.0.2.1:4711"), "192.0.2.1", "with a port");
	is(reads_as("2001:DB8::1"), "2001:db8::1", "of version 6");
	is(reads_as("[2001:db8::1]"), "2001:db8::1", "in brackets");
	is(reads_as("[2001:db8::1]:443"), "2001:db8::1", "in brackets, with a port");
	is(reads_as("::ffff:192.0.2.1"), "192.0.2.1", "a mapped one is the one that is mapped");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		is(reads_as(refused[i]), "-", refused[i]);
}

static bool
in_networks(const char *text, const char *networks)
{
	SchedAddress address;

	return sched_identity_parse_address(text, strlen(text), &address) &&
		   sched_identity_is_in_networks(&address, networks);
}

static void
test_networks(void)
{
	char wrong[8];

	ok(in_networks("10.255.0.1", "10.0.0.0/8"), "inside");
	ok(!in_networks("11.0.0.0", "10.0.0.0/8"), "outside");
	ok(in_networks("192.0.2.130", "192.0.2.128/25"), "a network of half a byte, inside");
	ok(!in_networks("192.0.2.127", "192.0.2.128/25"), "and outside");
	ok(in_networks("8.8.8.8", "0.0.0.0/0"), "everybody of version 4");
	ok(!in_networks("2001:db8::1", "0.0.0.0/0"), "but nobody of version 6");
	ok(in_networks("2001:db8::1", "1.1.1.1 2001:db8::/32"), "the second of a list");
	ok(in_networks("1.1.1.1", "::/0"), "everybody");
	ok(!in_networks("1.1.1.1", ""), "an empty list");
	ok(sched_identity_is_in_networks(NULL, "10.0.0.0/8, local"), "a local socket");
	ok(!sched_identity_is_in_networks(NULL, "10.0.0.0/8"), "which is meant by its word only");
	ok(sched_identity_check_networks("10.0.0.0/8, ::1,local 192.0.2.1", wrong, sizeof(wrong)),
	   "a list");
	ok(sched_identity_check_networks("", wrong, sizeof(wrong)), "none");
	ok(!sched_identity_check_networks("10.0.0.0/33", wrong, sizeof(wrong)), "too many bits");
	is(wrong, "10.0.0.", "is named, as far as there is room");
	ok(!sched_identity_check_networks("::1/129", wrong, sizeof(wrong)), "also of version 6");
	ok(!sched_identity_check_networks("10.0.0.0/", wrong, sizeof(wrong)), "no bits");
	ok(!sched_identity_check_networks("10.0.0.0/-1", wrong, sizeof(wrong)), "less than none");
	ok(!sched_identity_check_networks("10.0.0.1:80", wrong, sizeof(wrong)), "a port");
	ok(!sched_identity_check_networks("locally", wrong, sizeof(wrong)), "another word");
}

/* Whom a request from `peer` (NULL: a local socket) comes from, "-" where nobody knows. */
static const char *
client_of(const char *peer, const char *forwarded, const char *trusted)
{
	static char words[SCHED_ADDRESS_CHARS];
	SchedAddress address;
	SchedAddress client;

	if (peer != NULL && !sched_identity_parse_address(peer, strlen(peer), &address))
		return "?";
	if (!sched_identity_find_client(peer != NULL ? &address : NULL, forwarded, trusted, &client))
		return "-";
	sched_identity_print_address(&client, words);
	return words;
}

static void
test_clients(void)
{
	is(client_of("192.0.2.1", "6.6.6.6", ""), "192.0.2.1", "nobody is trusted");
	is(client_of("192.0.2.1", "6.6.6.6", "10.0.0.0/8"), "192.0.2.1", "another is trusted");
	is(client_of("10.0.0.1", "6.6.6.6", "10.0.0.0/8"), "6.6.6.6", "whom a proxy names");
	is(client_of("10.0.0.1", "1.1.1.1, 6.6.6.6", "10.0.0.0/8"), "6.6.6.6", "the last one");
	is(client_of("10.0.0.1", "1.1.1.1,6.6.6.6,10.2.2.2 ,10.3.3.3", "10.0.0.0/8"), "6.6.6.6",
	   "the last one that is no proxy");
	is(client_of("10.0.0.1", "6.6.6.6, lies, 10.3.3.3", "10.0.0.0/8"), "-",
	   "what cannot be read ends it");
	is(client_of("10.0.0.1", "6.6.6.6, ", "10.0.0.0/8"), "-", "also nothing");
	is(client_of("10.0.0.1", "10.9.9.9, 10.3.3.3", "10.0.0.0/8"), "10.9.9.9",
	   "all are ours: the first one");
	is(client_of("10.0.0.1", NULL, "10.0.0.0/8"), "-", "a proxy that names nobody");
	is(client_of("10.0.0.1", "", "10.0.0.0/8"), "-", "or nothing");
	is(client_of(NULL, "6.6.6.6", "local"), "6.6.6.6", "a proxy on a local socket");
	is(client_of(NULL, "6.6.6.6", ""), "-", "one that is not trusted");
}

static void
test_hashes(void)
{
	SchedAddress a;
	SchedAddress b;
	SchedAddress c;
	unsigned char first[SCHED_ADDRESS_HASH_BYTES];
	unsigned char second[SCHED_ADDRESS_HASH_BYTES];

	ok(sched_identity_parse_address("2001:db8:1:2::1", 15, &a) &&
		   sched_identity_parse_address("2001:db8:1:2:ffff::9", 20, &b) &&
		   sched_identity_parse_address("2001:db8:1:3::1", 15, &c),
	   "three addresses");
	ok(sched_identity_hash_address("key", 3, "me", 2, &a, first), "one has a hash");
	ok(sched_identity_hash_address("key", 3, "me", 2, &b, second) &&
		   memcmp(first, second, sizeof(first)) == 0,
	   "its network the same");
	ok(sched_identity_hash_address("key", 3, "me", 2, &c, second) &&
		   memcmp(first, second, sizeof(first)) != 0,
	   "another network another");
	ok(sched_identity_hash_address("kex", 3, "me", 2, &a, second) &&
		   memcmp(first, second, sizeof(first)) != 0,
	   "under another key another");
	ok(sched_identity_hash_address("key", 3, "mo", 2, &a, second) &&
		   memcmp(first, second, sizeof(first)) != 0,
	   "for somebody else another");
	a = sched_identity_mask_address(&a);
	b = sched_identity_mask_address(&b);
	ok(memcmp(&a, &b, sizeof(a)) == 0, "a /64 is one client");
}

/* Tests a check; the seconds of processor time that it takes. */
static double
time_check(const char *password, const char *hash, bool wanted, const char *name)
{
	clock_t start = clock();
	bool got = sched_identity_check_password(password, strlen(password), hash);
	double used = (double) (clock() - start) / CLOCKS_PER_SEC;

	ok(got == wanted, "%s", name);
	return used;
}

static void
test_passwords(void)
{
	char hash[SCHED_PASSWORD_HASH_BYTES];
	char full[SCHED_PASSWORD_HASH_BYTES];
	char longest[SCHED_PASSWORD_MAX_BYTES + 2];
	double right;

	memset(longest, 'x', sizeof(longest));
	longest[SCHED_PASSWORD_MAX_BYTES + 1] = '\0';
	/* A bcrypt takes seconds under valgrind: few of them. */
	ok(sched_identity_hash_password("correct horse", hash), "a password is hashed");
	right = time_check("correct horse", hash, true, "it is right");
	/* What takes no time tells who is there: a tenth of a bcrypt would be much. */
	ok(time_check("correct hors", hash, false, "another is wrong") > right / 3, "after as long");
	ok(time_check("correct horse", NULL, false, "no hash: wrong") > right / 3, "after as long");
	ok(time_check("", "$1$abcdefgh$0000000000000000000000", false, "one of another sort: wrong") >
		   right / 3,
	   "after as long");
	longest[SCHED_PASSWORD_MAX_BYTES] = '\0';
	ok(sched_identity_hash_password(longest, full), "72 bytes are hashed");
	longest[SCHED_PASSWORD_MAX_BYTES] = 'y';
	ok(time_check(longest, full, false, "one more is wrong, though bcrypt would not see it") >
		   right / 3,
	   "after as long");
}

int
main(void)
{
	test_reading();
	test_networks();
	test_clients();
	test_hashes();
	test_passwords();
	return done_testing();
}
