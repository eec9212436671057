/*
 * address.h - network addresses as sign-in counts them, and who a request behind proxies comes from. Pure.
 */
#ifndef SCHED_IDENTITY_ADDRESS_H
#define SCHED_IDENTITY_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#define SCHED_ADDRESS_BYTES 16
/* Enough for any address in words, and its NUL. */
#define SCHED_ADDRESS_CHARS 46

/* IPv6; an IPv4 address is the one that is mapped into it. */
typedef struct SchedAddress
{
	unsigned char bytes[SCHED_ADDRESS_BYTES];
} SchedAddress;

/* "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]:4711"; false, and nothing written, for all else. */
extern bool sched_identity_parse_address(const char *text, size_t length, SchedAddress *address);

extern bool sched_identity_address_is_v4(const SchedAddress *address);

/* In words, for inet and for people. */
extern void sched_identity_print_address(const SchedAddress *address,
										 char text[SCHED_ADDRESS_CHARS]);

/* What one client may be assumed to have: an IPv4 address, or the /64 of an IPv6 one. */
extern SchedAddress sched_identity_mask_address(const SchedAddress *address);

/* Is this a list such as '10.0.0.0/8, ::1, local'? Copies the first entry that is wrong. */
extern bool sched_identity_check_networks(const char *networks, char *wrong, size_t size);

/* NULL: a connection through a local socket, which the word `local` stands for. */
extern bool sched_identity_is_in_networks(const SchedAddress *address, const char *networks);

/*
 * Where a request comes from: the peer of the connection, unless that is a trusted proxy; then the last address of
 * X-Forwarded-For that is not one. False where nobody trustworthy says.
 */
extern bool sched_identity_find_client(const SchedAddress *peer, const char *forwarded,
									   const char *trusted, SchedAddress *client);

/* HMAC-SHA256 of the client's network under a key, for this user: 32 bytes. */
#define SCHED_ADDRESS_HASH_BYTES 32
extern bool sched_identity_hash_address(const void *key, size_t key_length, const void *user_id,
										size_t user_length, const SchedAddress *address,
										unsigned char hash[SCHED_ADDRESS_HASH_BYTES]);

#endif
