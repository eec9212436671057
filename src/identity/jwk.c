/*
 * jwk.c - JSON Web Key Sets: oct, RSA and EC P-256 keys, and which algorithm each is for.
 *
 * Pure: no server; runs in backends, workers and unit tests. Sets and keys are malloc'ed and OpenSSL's; the caller
 * frees them with sched_identity_free_keys(). Nothing throws. A key has one algorithm, decided here and
 * never by a token: that is what keeps a public RSA key from being taken for a shared secret.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity/base64url.h"
#include "identity/json.h"
#include "identity/jwk.h"
#include "identity/seal.h"

/* RFC 7518 asks for 256 bits of secret and 2048 of modulus; the upper bounds keep one verification cheap. */
#define MIN_SECRET_BYTES 32
#define MAX_SECRET_BYTES 1024
#define MIN_RSA_BITS 2048
#define MAX_RSA_BITS 8192
#define MAX_EXPONENT_BITS 33
#define P256_BYTES 32

/* The numbers of an RSA key, in the order of OpenSSL's parameters. */
#define MAX_NUMBERS 8

typedef struct Numbers
{
	OSSL_PARAM_BLD *build;
	BIGNUM *numbers[MAX_NUMBERS];
	int count;
} Numbers;

SchedJwtAlg
sched_identity_name_alg(const char *name)
{
	for (SchedJwtAlg alg = SCHED_JWT_HS256; alg <= SCHED_JWT_ES256; alg++)
	{
		if (strcmp(name, sched_identity_alg_name(alg)) == 0)
			return alg;
	}
	return SCHED_JWT_NO_ALG;
}

const char *
sched_identity_alg_name(SchedJwtAlg alg)
{
	switch (alg)
	{
		case SCHED_JWT_HS256:
			return "HS256";
		case SCHED_JWT_RS256:
			return "RS256";
		case SCHED_JWT_ES256:
			return "ES256";
		case SCHED_JWT_NO_ALG:
			break;
	}
	return "";
}

/* Decodes a member's base64url into memory of the right size, which the caller wipes and frees; NULL where it is none. */
static unsigned char *
decode_member(const SchedJson *object, const char *name, size_t *length)
{
	SchedJson value;
	unsigned char *bytes;

	*length = 0;
	if (!sched_identity_find_json(object, name, &value) || value.type != SCHED_JSON_STRING)
		return NULL;
	bytes = malloc(SCHED_BASE64URL_BYTES(value.length));
	if (bytes == NULL)
		return NULL;
	if (!sched_identity_decode_base64url(value.text, value.length, bytes,
										 SCHED_BASE64URL_BYTES(value.length), length) ||
		*length == 0)
	{
		free(bytes);
		return NULL;
	}
	return bytes;
}

static void
free_numbers(Numbers *numbers)
{
	for (int i = 0; i < numbers->count; i++)
		BN_clear_free(numbers->numbers[i]);
	OSSL_PARAM_BLD_free(numbers->build);
}

/* One number of the key as a parameter; the builder refers to it until the parameters are made. */
static const BIGNUM *
push_number(Numbers *numbers, const SchedJson *object, const char *member, const char *parameter)
{
	size_t length;
	unsigned char *bytes = decode_member(object, member, &length);
	BIGNUM *number = NULL;

	if (bytes != NULL && length <= MAX_RSA_BITS / 8 && numbers->count < MAX_NUMBERS)
		number = BN_bin2bn(bytes, (int) length, NULL);
	sched_identity_wipe(bytes, length);
	free(bytes);
	if (number == NULL)
		return NULL;
	numbers->numbers[numbers->count++] = number;
	return OSSL_PARAM_BLD_push_BN(numbers->build, parameter, number) ? number : NULL;
}

/* A key of OpenSSL's of what was built; NULL where it is none. */
static EVP_PKEY *
finish_key(Numbers *numbers, const char *type, bool is_private)
{
	OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(numbers->build);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY_CTX *check = NULL;
	EVP_PKEY *key = NULL;
	bool fine =
		parameters != NULL && context != NULL && EVP_PKEY_fromdata_init(context) > 0 &&
		EVP_PKEY_fromdata(context, &key, is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
						  parameters) > 0;

	/* A point that is not on the curve, a private half that belongs to another public one. */
	fine = fine && (check = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL)) != NULL &&
		   (is_private ? EVP_PKEY_check(check) : EVP_PKEY_public_check(check)) > 0;
	EVP_PKEY_CTX_free(check);
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(parameters);
	if (!fine)
	{
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

/* RFC 7518 §6.3: n, e; private: d and, all or none, p, q, dp, dq, qi. */
static EVP_PKEY *
make_rsa_key(const SchedJson *object, bool is_private)
{
	static const char *const members[][2] = {
		{"d", OSSL_PKEY_PARAM_RSA_D},          {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
		{"q", OSSL_PKEY_PARAM_RSA_FACTOR2},    {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
		{"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2}, {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1}};
	Numbers numbers = {.build = OSSL_PARAM_BLD_new()};
	const BIGNUM *modulus = NULL;
	const BIGNUM *exponent = NULL;
	EVP_PKEY *key = NULL;
	bool fine = numbers.build != NULL;

	if (fine)
		modulus = push_number(&numbers, object, "n", OSSL_PKEY_PARAM_RSA_N);
	if (modulus != NULL)
		exponent = push_number(&numbers, object, "e", OSSL_PKEY_PARAM_RSA_E);
	fine = exponent != NULL && BN_num_bits(modulus) >= MIN_RSA_BITS &&
		   BN_num_bits(modulus) <= MAX_RSA_BITS && BN_is_odd(exponent) &&
		   BN_num_bits(exponent) >= 2 && BN_num_bits(exponent) <= MAX_EXPONENT_BITS;
	for (int i = 0; fine && is_private && i < 6; i++)
		fine = push_number(&numbers, object, members[i][0], members[i][1]) != NULL;
	if (fine)
		key = finish_key(&numbers, "RSA", is_private);
	free_numbers(&numbers);
	return key;
}

/* RFC 7518 §6.2: crv P-256, x and y of 32 bytes each; private: d. */
static EVP_PKEY *
make_ec_key(const SchedJson *object, bool is_private)
{
	Numbers numbers = {.build = OSSL_PARAM_BLD_new()};
	unsigned char point[1 + 2 * P256_BYTES] = {0x04};
	size_t x_length;
	size_t y_length;
	unsigned char *x = decode_member(object, "x", &x_length);
	unsigned char *y = decode_member(object, "y", &y_length);
	SchedJson curve;
	EVP_PKEY *key = NULL;
	bool fine = numbers.build != NULL && x != NULL && y != NULL && x_length == P256_BYTES &&
				y_length == P256_BYTES && sched_identity_find_json(object, "crv", &curve) &&
				sched_identity_json_is(&curve, "P-256");

	if (fine)
	{
		memcpy(point + 1, x, P256_BYTES);
		memcpy(point + 1 + P256_BYTES, y, P256_BYTES);
		fine = OSSL_PARAM_BLD_push_utf8_string(numbers.build, OSSL_PKEY_PARAM_GROUP_NAME,
											   "prime256v1", 0) &&
			   OSSL_PARAM_BLD_push_octet_string(numbers.build, OSSL_PKEY_PARAM_PUB_KEY, point,
												sizeof(point));
	}
	if (fine && is_private)
		fine = push_number(&numbers, object, "d", OSSL_PKEY_PARAM_PRIV_KEY) != NULL;
	if (fine)
		key = finish_key(&numbers, "EC", is_private);
	free(x);
	free(y);
	free_numbers(&numbers);
	return key;
}

/* The string of a member that may be missing; false where it is no string or too long. */
static bool
copy_name(const SchedJson *object, const char *name, char buffer[SCHED_JWK_NAME_BYTES + 1])
{
	SchedJson value;

	buffer[0] = '\0';
	return !sched_identity_find_json(object, name, &value) ||
		   sched_identity_copy_json(&value, buffer, SCHED_JWK_NAME_BYTES + 1);
}

/* "use" and "alg", where they stand there, must fit what the key is for. */
static bool
fits_purpose(const SchedJson *object, SchedJwtAlg alg)
{
	SchedJson value;

	if (sched_identity_find_json(object, "use", &value) && !sched_identity_json_is(&value, "sig"))
		return false;
	return !sched_identity_find_json(object, "alg", &value) ||
		   sched_identity_json_is(&value, sched_identity_alg_name(alg));
}

static void
clear_key(SchedJwk *key)
{
	if (key->secret != NULL)
		sched_identity_wipe(key->secret, key->secret_length);
	free(key->secret);
	EVP_PKEY_free(key->pkey);
	memset(key, 0, sizeof(*key));
}

/* NULL, or what is wrong with the key; the key is empty then. */
static const char *
read_key(const SchedJson *object, SchedJwk *key)
{
	SchedJson type;
	SchedJson d;

	memset(key, 0, sizeof(*key));
	if (!sched_identity_find_json(object, "kty", &type))
		return "a key has no kty";
	key->alg = sched_identity_json_is(&type, "oct")   ? SCHED_JWT_HS256
			   : sched_identity_json_is(&type, "RSA") ? SCHED_JWT_RS256
			   : sched_identity_json_is(&type, "EC")  ? SCHED_JWT_ES256
													  : SCHED_JWT_NO_ALG;
	if (key->alg == SCHED_JWT_NO_ALG)
		return "a key is neither oct, RSA nor EC";
	if (!fits_purpose(object, key->alg))
		return "a key is meant for something else than HS256, RS256 or ES256 signatures";
	if (!copy_name(object, "kid", key->kid) || !copy_name(object, "iss", key->issuer))
		return "a key's kid or iss is no short string";
	key->is_private = key->alg == SCHED_JWT_HS256 || sched_identity_find_json(object, "d", &d);
	if (key->alg == SCHED_JWT_HS256)
	{
		key->secret = decode_member(object, "k", &key->secret_length);
		if (key->secret == NULL)
			return "a key's k is not base64url";
		if (key->secret_length < MIN_SECRET_BYTES || key->secret_length > MAX_SECRET_BYTES)
			return "a secret key must have 32 to 1024 bytes";
		return NULL;
	}
	key->pkey = key->alg == SCHED_JWT_RS256 ? make_rsa_key(object, key->is_private)
											: make_ec_key(object, key->is_private);
	if (key->pkey == NULL)
		return "a key is neither an RSA key of 2048 to 8192 bits nor a point of P-256";
	return NULL;
}

/* Adds the key of an object to the set, or passes it over; NULL or what is wrong. */
static const char *
add_key(SchedJwkSet *set, const SchedJson *object, SchedJwkSource source)
{
	SchedJwk *key = &set->keys[set->count];
	const char *problem;

	if (set->count == SCHED_JWK_MAX_KEYS)
		return "there are more than 32 keys";
	problem = read_key(object, key);
	/* Who publishes a secret has none: it must not verify anything. */
	if (problem == NULL && source == SCHED_JWK_FOREIGN && key->alg == SCHED_JWT_HS256)
		problem = "a published key is a secret one";
	if (problem == NULL)
	{
		set->count++;
		return NULL;
	}
	clear_key(key);
	return source == SCHED_JWK_FOREIGN ? NULL : problem;
}

static const char *
add_keys(SchedJwkSet *set, const SchedJson *text, SchedJwkSource source)
{
	SchedJson list;
	SchedJson object;
	size_t position = 0;

	if (!sched_identity_find_json(text, "keys", &list))
		return add_key(set, text, source);
	if (list.type != SCHED_JSON_ARRAY)
		return "member keys is no array";
	while (sched_identity_next_json(&list, &position, NULL, &object))
	{
		const char *problem = add_key(set, &object, source);

		if (problem != NULL)
			return problem;
	}
	return NULL;
}

SchedJwkSet *
sched_identity_parse_keys(const char *text, size_t length, SchedJwkSource source,
						  const char **problem)
{
	SchedJwkSet *set = calloc(1, sizeof(SchedJwkSet));
	SchedJson json;

	*problem = NULL;
	if (set == NULL)
		*problem = "out of memory";
	else if (length > SCHED_JWK_SET_BYTES)
		*problem = "the key set is larger than 256 kB";
	else if (!sched_identity_read_json(text, length, &json) || json.type != SCHED_JSON_OBJECT)
		*problem = "this is no JSON object, or one with a name twice";
	else
		*problem = add_keys(set, &json, source);
	if (*problem == NULL && set->count == 0)
		*problem = "there is no key for HS256, RS256 or ES256 signatures";
	if (*problem == NULL && source == SCHED_JWK_OWN &&
		(!set->keys[0].is_private || set->keys[0].issuer[0] != '\0'))
		*problem = "the first key cannot sign our tokens";
	if (*problem != NULL)
	{
		sched_identity_free_keys(set);
		set = NULL;
	}
	return set;
}

SchedJwkSet *
sched_identity_make_secret_set(const void *secret, size_t length)
{
	SchedJwkSet *set;

	if (length < MIN_SECRET_BYTES || length > MAX_SECRET_BYTES)
		return NULL;
	set = calloc(1, sizeof(SchedJwkSet));
	if (set == NULL)
		return NULL;
	set->keys[0].secret = malloc(length);
	if (set->keys[0].secret == NULL)
	{
		free(set);
		return NULL;
	}
	memcpy(set->keys[0].secret, secret, length);
	set->keys[0].secret_length = length;
	set->keys[0].alg = SCHED_JWT_HS256;
	set->keys[0].is_private = true;
	set->count = 1;
	return set;
}

void
sched_identity_free_keys(SchedJwkSet *set)
{
	if (set == NULL)
		return;
	for (int i = 0; i < SCHED_JWK_MAX_KEYS; i++)
		clear_key(&set->keys[i]);
	free(set);
}

/* The kid is random too: nothing about the secret can be learned from it. */
bool
sched_identity_make_key_set(char text[SCHED_JWK_FILE_BYTES])
{
	unsigned char secret[MIN_SECRET_BYTES];
	unsigned char name[6];
	char secret_text[SCHED_BASE64URL_CHARS(MIN_SECRET_BYTES) + 1] = "";
	char name_text[SCHED_BASE64URL_CHARS(6) + 1] = "";
	bool made = RAND_priv_bytes(secret, sizeof(secret)) == 1 && RAND_bytes(name, sizeof(name)) == 1;

	memset(text, 0, SCHED_JWK_FILE_BYTES);
	if (made)
	{
		sched_identity_encode_base64url(secret, sizeof(secret), secret_text);
		sched_identity_encode_base64url(name, sizeof(name), name_text);
		snprintf(text, SCHED_JWK_FILE_BYTES,
				 "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"%s\",\"use\":\"sig\",\"alg\":\"HS256\","
				 "\"k\":\"%s\"}]}\n",
				 name_text, secret_text);
	}
	sched_identity_wipe(secret, sizeof(secret));
	sched_identity_wipe(secret_text, sizeof(secret_text));
	return made;
}
