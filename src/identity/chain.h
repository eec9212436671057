/*
 * chain.h - what ties the audit log together: a digest for each row, a hash for each batch of them that includes the
 * batch before, a signature of that hash. Pure: no server, no clock, no files.
 *
 * Every buffer belongs to the caller; nothing throws. README.md has what the chain proves and what it does not.
 */
#ifndef SCHED_IDENTITY_CHAIN_H
#define SCHED_IDENTITY_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "identity/seal.h"

#define SCHED_DIGEST_BYTES 32

/* One column of a row; bytes is NULL where the column is. */
typedef struct SchedChainField
{
	const void *bytes;
	size_t length;
} SchedChainField;

/* A batch of rows with the numbers first to last; digests holds theirs, one after the other. */
typedef struct SchedChainSeal
{
	int64_t number;
	int64_t first;
	int64_t last;
	int64_t sealed_at; /* microseconds, as the server counts them */
	const unsigned char *previous;
	const unsigned char *digests;
} SchedChainSeal;

/* SHA-256 over the columns, each with its length, so that no two rows have the same form. */
extern bool sched_identity_digest_row(const SchedChainField *fields, int n_fields,
									  unsigned char digest[SCHED_DIGEST_BYTES]);

/* SHA-256 over everything in a seal. */
extern bool sched_identity_hash_seal(const SchedChainSeal *seal,
									 unsigned char hash[SCHED_DIGEST_BYTES]);

/* HMAC-SHA-256 of a seal's hash, under a key that is derived from the master key for this alone. */
extern bool sched_identity_sign_seal(const SchedKey *key,
									 const unsigned char hash[SCHED_DIGEST_BYTES],
									 unsigned char signature[SCHED_DIGEST_BYTES]);

/* Compares without telling by its duration how much was right. */
extern bool sched_identity_same_digest(const unsigned char *one, const unsigned char *other);

#endif
