/*
 * seal.h - sealing with AES-256-GCM. Pure: no server, no files but the random source of OpenSSL.
 *
 * Every buffer belongs to the caller. Nothing throws; a failure leaves the output buffer zeroed.
 */
#ifndef SCHED_IDENTITY_SEAL_H
#define SCHED_IDENTITY_SEAL_H

#include <stdbool.h>
#include <stddef.h>

#define SCHED_KEY_BYTES 32
#define SCHED_KEY_ID_CHARS 16
#define SCHED_KEY_FILE_CHARS (2 * SCHED_KEY_BYTES + 1) /* hex digits and a line feed */
/* Layout version, nonce, cipher text, tag. */
#define SCHED_NONCE_BYTES 12
#define SCHED_TAG_BYTES 16
#define SCHED_SEAL_OVERHEAD (1 + SCHED_NONCE_BYTES + SCHED_TAG_BYTES)

typedef struct SchedKey
{
	unsigned char bytes[SCHED_KEY_BYTES];
	char id[SCHED_KEY_ID_CHARS + 1]; /* names the key without telling it: a hash of it, in hex */
} SchedKey;

/* From the text of a key file: 64 hex digits, white space around them ignored. */
extern bool sched_identity_parse_key(const char *text, size_t length, SchedKey *key);

/* The text of a file with a new random key: SCHED_KEY_FILE_CHARS characters and a NUL. */
extern bool sched_identity_make_key(char text[SCHED_KEY_FILE_CHARS + 1]);

/* A key from its 32 bytes, with its id. */
extern void sched_identity_set_key(SchedKey *key, const unsigned char *bytes);

/* Bytes that nobody can guess. */
extern bool sched_identity_fill_random(void *memory, size_t length);

/* Lower case hex digits and back; `text` takes 2 * length characters, and no NUL is written. */
extern void sched_identity_write_hex(const unsigned char *bytes, size_t length, char *text);
extern bool sched_identity_read_hex(const char *text, size_t length, unsigned char *bytes);

/* `sealed` takes length + SCHED_SEAL_OVERHEAD bytes. `about` is bound in, not stored: whose secret it is. */
extern bool sched_identity_seal(const SchedKey *key, const void *about, size_t about_length,
								const void *plain, size_t length, unsigned char *sealed);

/* `plain` takes length - SCHED_SEAL_OVERHEAD bytes; false where key, `about` or bytes are not the sealed ones. */
extern bool sched_identity_unseal(const SchedKey *key, const void *about, size_t about_length,
								  const unsigned char *sealed, size_t length, unsigned char *plain);

/* Zeroes memory in a way that no compiler leaves out. */
extern void sched_identity_wipe(void *memory, size_t length);

#endif
