/*
 * password.h - bcrypt through libxcrypt. Pure.
 */
#ifndef SCHED_IDENTITY_PASSWORD_H
#define SCHED_IDENTITY_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#define SCHED_PASSWORD_HASH_BYTES 64
/* bcrypt reads no more than 72 bytes: a longer password would be cut silently. */
#define SCHED_PASSWORD_MIN_BYTES 8
#define SCHED_PASSWORD_MAX_BYTES 72

/* A fresh hash ($2b$12$...) into the caller's buffer; false where the system gives no salt. */
extern bool sched_identity_hash_password(const char *password,
										 char hash[SCHED_PASSWORD_HASH_BYTES]);

/*
 * Whether this is the password of the hash. One bcrypt at the same cost whatever comes: a hash that is NULL or of
 * another sort, and a password that is too long, are wrong after the same time.
 */
extern bool sched_identity_check_password(const char *password, size_t length, const char *hash);

#endif
