/*
 * trust.h - the certificates that TLS servers are checked against. Pure.
 */
#ifndef SCHED_HTTP_TRUST_H
#define SCHED_HTTP_TRUST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct SchedTrust SchedTrust;

/* The system's authorities plus those of `ca_file` ('' = none). NULL without memory. */
extern SchedTrust *sched_trust_create(const char *ca_file);
extern void sched_trust_destroy(SchedTrust *trust);

/*
 * What is wrong with ca_file, or NULL: calls go on with what could be read, which trusts less,
 * never more.
 */
extern const char *sched_trust_problem(const SchedTrust *trust);

/* Gives a TLS context (SSL_CTX *) this trust. False without memory. */
extern bool sched_trust_apply(const SchedTrust *trust, void *ssl_context);

/* For the setting's check hook: can the file be read, and does it hold a certificate? */
extern bool sched_trust_check_file(const char *ca_file, char *problem, size_t problem_size);

#endif
