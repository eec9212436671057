/*
 * issuer.h - the issuers of jwt_issuers: whose tokens count besides our own, and their keys.
 */
#ifndef SCHED_IDENTITY_ISSUER_H
#define SCHED_IDENTITY_ISSUER_H

#include "identity/jwk.h"

typedef struct SchedIssuer
{
	char *name; /* claim iss */
	char *audience;
	SchedJwtAlg alg; /* the only one its tokens may have */
	char *secret_name;
	char *jwks;
	char *subject_claim;
	char *email_claim; /* NULL: its word about addresses is not taken */
	SchedJwkSet *keys; /* NULL where it has none */
} SchedIssuer;

/* NULL where there is none of that name. Belongs to the process until the next call. */
extern const SchedIssuer *sched_identity_find_issuer(const char *name);

/* Another number whenever the issuers have been read again. */
extern uint64 sched_identity_issuer_generation(void);

#endif
