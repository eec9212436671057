/*
 * base64url.c - base64url without padding. Pure: no server; any process; owns no memory, nothing throws.
 */
#include <string.h>

#include "identity/base64url.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int
find_digit(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool
sched_identity_decode_base64url(const char *text, size_t length, unsigned char *bytes, size_t size,
								size_t *used)
{
	unsigned int bits = 0;
	int n_bits = 0;
	size_t n = 0;

	*used = 0;
	if (length % 4 == 1)
		return false;
	for (size_t i = 0; i < length; i++)
	{
		int digit = find_digit((unsigned char) text[i]);

		if (digit < 0)
			return false;
		bits = (bits << 6 | (unsigned int) digit) & 0xFFFF;
		n_bits += 6;
		if (n_bits >= 8)
		{
			n_bits -= 8;
			if (n == size)
				return false;
			bytes[n++] = (unsigned char) (bits >> n_bits);
		}
	}
	/* Bits beyond the last byte: were they free, a signature could be written in several ways. */
	if ((bits & ((1U << n_bits) - 1)) != 0)
		return false;
	*used = n;
	return true;
}

size_t
sched_identity_encode_base64url(const void *bytes, size_t length, char *text)
{
	const unsigned char *in = bytes;
	unsigned int bits = 0;
	int n_bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < length; i++)
	{
		bits = (bits << 8 | in[i]) & 0xFFFF;
		for (n_bits += 8; n_bits >= 6; n_bits -= 6)
			text[n++] = alphabet[bits >> (n_bits - 6) & 63];
	}
	if (n_bits > 0)
		text[n++] = alphabet[bits << (6 - n_bits) & 63];
	return n;
}
