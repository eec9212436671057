/*
 * binding.h - the hosts that a secret is bound to. Pure.
 */
#ifndef SCHED_IDENTITY_BINDING_H
#define SCHED_IDENTITY_BINDING_H

#include <stdbool.h>

/*
 * Whether one of the bindings, separated by blanks, names this host and port. 'api.openai.com' is port 443,
 * 'localhost:11434' any other; '*.example.org' is every name below example.org, not example.org itself.
 */
extern bool sched_identity_bindings_allow(const char *bindings, const char *host, int port);

#endif
