/*
 * seal.c - AES-256-GCM over one value, and the text form of a key.
 *
 * Pure: libcrypto and memory of the caller only; runs in backends, workers and unit tests. Nothing throws and
 * nothing is kept between calls. Sealed bytes are: layout version (1), nonce (12, random: far fewer than 2^32
 * secrets are ever sealed with one key), cipher text, tag (16).
 */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "identity/seal.h"

#define LAYOUT_VERSION 1

/* Hashed together with the key, so that the key's id is of no use for anything else. */
static const char id_label[] = "scheduler master key id";

/*
 * explicit_bzero: a plain memset before free() is what compilers leave out. NULL is nothing to wipe.
 */
void
sched_identity_wipe(void *memory, size_t length)
{
	if (memory != NULL && length > 0)
		explicit_bzero(memory, length);
}

/*
 * Lower case, without a NUL at the end.
 */
void
sched_identity_write_hex(const unsigned char *bytes, size_t length, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < length; i++)
	{
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
}

/* The value of a hex digit, or -1. */
static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * `length` digits into half as many bytes; false for what is no digit, and the bytes up to there are written.
 */
bool
sched_identity_read_hex(const char *text, size_t length, unsigned char *bytes)
{
	if (length % 2 != 0)
		return false;
	for (size_t i = 0; i < length / 2; i++)
	{
		int high = digit_value(text[2 * i]);
		int low = digit_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (unsigned char) (high << 4 | low);
	}
	return true;
}

/*
 * What editors and shells leave around a key.
 */
static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The id is a hash, so that a row can say which key it needs without telling anything of it. */
static void
name_key(SchedKey *key)
{
	unsigned char input[sizeof(id_label) + SCHED_KEY_BYTES];
	unsigned char hash[SHA256_DIGEST_LENGTH];

	memcpy(input, id_label, sizeof(id_label));
	memcpy(input + sizeof(id_label), key->bytes, SCHED_KEY_BYTES);
	SHA256(input, sizeof(input), hash);
	sched_identity_write_hex(hash, SCHED_KEY_ID_CHARS / 2, key->id);
	key->id[SCHED_KEY_ID_CHARS] = '\0';
	sched_identity_wipe(input, sizeof(input));
	sched_identity_wipe(hash, sizeof(hash));
}

/*
 * Exactly 64 hex digits with blanks around them. On any other text the key is zeroed and false comes back, so a
 * caller that forgets to look seals with nothing that could ever be opened by chance.
 */
bool
sched_identity_parse_key(const char *text, size_t length, SchedKey *key)
{
	while (length > 0 && is_space(text[length - 1]))
		length--;
	while (length > 0 && is_space(text[0]))
	{
		text++;
		length--;
	}
	if (length != 2 * SCHED_KEY_BYTES || !sched_identity_read_hex(text, length, key->bytes))
	{
		sched_identity_wipe(key, sizeof(*key));
		return false;
	}
	name_key(key);
	return true;
}

void
sched_identity_set_key(SchedKey *key, const unsigned char *bytes)
{
	memcpy(key->bytes, bytes, SCHED_KEY_BYTES);
	name_key(key);
}

bool
sched_identity_fill_random(void *memory, size_t length)
{
	return RAND_bytes(memory, (int) length) == 1;
}

/*
 * 32 bytes from the system's generator, as the text that goes into the file.
 */
bool
sched_identity_make_key(char text[SCHED_KEY_FILE_CHARS + 1])
{
	unsigned char bytes[SCHED_KEY_BYTES];
	bool made = RAND_priv_bytes(bytes, sizeof(bytes)) == 1;

	if (made)
	{
		sched_identity_write_hex(bytes, sizeof(bytes), text);
		text[SCHED_KEY_FILE_CHARS - 1] = '\n';
		text[SCHED_KEY_FILE_CHARS] = '\0';
	}
	sched_identity_wipe(bytes, sizeof(bytes));
	return made;
}

/* Runs the cipher over data and the bound-in bytes; the tag is read or written by the callers. */
static bool
run_cipher(EVP_CIPHER_CTX *cipher, const void *about, size_t about_length, const void *input,
		   size_t length, unsigned char *output)
{
	int written;

	return EVP_CipherUpdate(cipher, NULL, &written, about, (int) about_length) == 1 &&
		   EVP_CipherUpdate(cipher, output, &written, input, (int) length) == 1 &&
		   (size_t) written == length;
}

/* A cipher with key and nonce in place, or NULL. The caller frees it, which also zeroes the key schedule. */
static EVP_CIPHER_CTX *
start_cipher(const SchedKey *key, const unsigned char *nonce, int encrypts)
{
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();

	if (cipher != NULL &&
		EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL, key->bytes, nonce, encrypts) != 1)
	{
		EVP_CIPHER_CTX_free(cipher);
		cipher = NULL;
	}
	return cipher;
}

/*
 * `owner` is authenticated but not encrypted: the seal opens only for the row it was made for. A new random nonce
 * each time, since the same key and nonce twice would give both texts away.
 */
bool
sched_identity_seal(const SchedKey *key, const void *about, size_t about_length, const void *plain,
					size_t length, unsigned char *sealed)
{
	unsigned char *nonce = sealed + 1;
	unsigned char *text = nonce + SCHED_NONCE_BYTES;
	unsigned char rest[SCHED_TAG_BYTES];
	int rest_length;
	EVP_CIPHER_CTX *cipher = NULL;
	bool done = false;

	sealed[0] = LAYOUT_VERSION;
	if (RAND_bytes(nonce, SCHED_NONCE_BYTES) == 1)
		cipher = start_cipher(key, nonce, 1);
	if (cipher != NULL)
		done =
			run_cipher(cipher, about, about_length, plain, length, text) &&
			EVP_CipherFinal_ex(cipher, rest, &rest_length) == 1 && rest_length == 0 &&
			EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, SCHED_TAG_BYTES, text + length) == 1;
	EVP_CIPHER_CTX_free(cipher);
	if (!done)
		sched_identity_wipe(sealed, length + SCHED_SEAL_OVERHEAD);
	return done;
}

/*
 * The tag decides: what was changed, cut, moved to another row or sealed with another key gives false, and the
 * output is wiped, because GCM hands out bytes before it has checked them.
 */
bool
sched_identity_unseal(const SchedKey *key, const void *about, size_t about_length,
					  const unsigned char *sealed, size_t length, unsigned char *plain)
{
	const unsigned char *nonce = sealed + 1;
	const unsigned char *text = nonce + SCHED_NONCE_BYTES;
	unsigned char tag[SCHED_TAG_BYTES];
	unsigned char rest[SCHED_TAG_BYTES];
	int rest_length;
	size_t plain_length;
	EVP_CIPHER_CTX *cipher;
	bool done = false;

	if (length < SCHED_SEAL_OVERHEAD || sealed[0] != LAYOUT_VERSION)
		return false;
	plain_length = length - SCHED_SEAL_OVERHEAD;
	memcpy(tag, text + plain_length, SCHED_TAG_BYTES);
	cipher = start_cipher(key, nonce, 0);
	if (cipher != NULL)
		done = EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, SCHED_TAG_BYTES, tag) == 1 &&
			   run_cipher(cipher, about, about_length, text, plain_length, plain) &&
			   EVP_CipherFinal_ex(cipher, rest, &rest_length) == 1;
	EVP_CIPHER_CTX_free(cipher);
	/* What was decrypted before the tag was found wrong must not stay. */
	if (!done)
		sched_identity_wipe(plain, plain_length);
	return done;
}
