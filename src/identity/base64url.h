/*
 * base64url.h - base64url without padding (RFC 7515, appendix C). Pure.
 */
#ifndef SCHED_IDENTITY_BASE64URL_H
#define SCHED_IDENTITY_BASE64URL_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes that `length` characters stand for at most, and characters that `length` bytes make (no NUL). */
#define SCHED_BASE64URL_BYTES(length) ((length) / 4 * 3 + 2)
#define SCHED_BASE64URL_CHARS(length) (((length) *4 + 2) / 3)

/*
 * Strict: only the alphabet, no padding, unused bits zero, so that no two texts stand for the same bytes. False
 * where it is not so or needs more than `size` bytes.
 */
extern bool sched_identity_decode_base64url(const char *text, size_t length, unsigned char *bytes,
											size_t size, size_t *used);

/* Writes SCHED_BASE64URL_CHARS(length) characters. */
extern size_t sched_identity_encode_base64url(const void *bytes, size_t length, char *text);

#endif
