/*
 * egress.h - which names and addresses a call may reach. Pure.
 */
#ifndef SCHED_HTTP_EGRESS_H
#define SCHED_HTTP_EGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

typedef struct SchedEgress SchedEgress;

typedef enum SchedAddressClass
{
	SCHED_ADDRESS_PUBLIC,
	SCHED_ADDRESS_PRIVATE, /* loopback, link-local, RFC 1918, ...: only for listed names */
	SCHED_ADDRESS_NEVER    /* metadata services, multicast, 0.0.0.0/8, ...: for nobody */
} SchedAddressClass;

/*
 * Lists as in SchedHttpConfig; an entry that makes no sense matches nothing. NULL without memory.
 */
extern SchedEgress *sched_egress_create(const char *allowed_hosts, const char *private_hosts,
										bool allow_private_networks);
extern void sched_egress_destroy(SchedEgress *egress);

/*
 * For the settings' check hooks: is every entry of the list well formed? `private_list` entries
 * need a port and may have no wildcard. On false `problem` holds the entry and what is wrong with
 * it.
 */
extern bool sched_egress_check_list(const char *list, bool private_list, char *problem,
									size_t problem_size);

/* Before the name is looked up; `host` is normalised as in SchedTarget. */
extern bool sched_egress_allows_name(const SchedEgress *egress, const char *host, int port);

/* At each connect, for the address that the name resolved to just now. */
extern bool sched_egress_allows_address(const SchedEgress *egress, const char *host, int port,
										const struct sockaddr *address);

extern SchedAddressClass sched_egress_classify(const struct sockaddr *address);

#endif
