/*
 * jwt.c - reading, verifying and signing compact tokens with OpenSSL.
 *
 * Pure: no server and no clock; runs in backends and unit tests; nothing throws and nothing is kept. The size is looked
 * at before the first byte. An algorithm is the key's own: the header must agree with it and decides nothing, so
 * that neither 'none' nor a public key used as a secret verifies.
 */
#include <math.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "identity/base64url.h"
#include "identity/jwt.h"

#define HMAC_BYTES 32
#define ES256_BYTES 64
#define MAX_DER_BYTES 80
#define MAX_SIGNATURE_BYTES 1024 /* RSA of 8192 bits */

/* One part of the token, decoded into the room that is left. */
static bool
decode_part(const char *text, size_t length, char **room, size_t *left, SchedJson *json)
{
	size_t used;
	bool fine = length > 0 && sched_identity_decode_base64url(text, length, (unsigned char *) *room,
															  *left, &used);

	if (fine)
		fine = sched_identity_read_json(*room, used, json) && json->type == SCHED_JSON_OBJECT;
	if (fine)
	{
		*room += used;
		*left -= used;
	}
	return fine;
}

/* A header says how the token is protected; what it does not need to say is not looked at. */
static SchedJwtStatus
read_header(const SchedJson *header, SchedJwt *token)
{
	SchedJson value;
	char name[16];

	if (sched_identity_find_json(header, "crit", &value))
		return SCHED_JWT_CRITICAL;
	if (!sched_identity_find_json(header, "alg", &value) || value.type != SCHED_JSON_STRING)
		return SCHED_JWT_MALFORMED;
	token->alg = sched_identity_copy_json(&value, name, sizeof(name))
					 ? sched_identity_name_alg(name)
					 : SCHED_JWT_NO_ALG;
	if (token->alg == SCHED_JWT_NO_ALG)
		return SCHED_JWT_UNKNOWN_ALG;
	if (sched_identity_find_json(header, "kid", &value) &&
		!sched_identity_copy_json(&value, token->kid, sizeof(token->kid)))
		return SCHED_JWT_MALFORMED;
	return SCHED_JWT_OK;
}

/* Seconds since 1970, whole; fractions go down. False where it is no number of this era. */
static bool
read_time(const SchedJson *value, int64_t *seconds)
{
	double number;

	if (!sched_identity_json_number(value, &number) || !(fabs(number) < 1e12))
		return false;
	*seconds = (int64_t) floor(number);
	return true;
}

/* One walk over the claims; one of ours that is of another type makes the token malformed. */
static bool
read_claims(SchedJwt *token)
{
	SchedJson name;
	SchedJson value;
	size_t position = 0;

	while (sched_identity_next_json(&token->claims, &position, &name, &value))
	{
		bool fine = true;

		if (sched_identity_json_is(&name, "iss"))
			fine = sched_identity_copy_json(&value, token->issuer, sizeof(token->issuer));
		else if (sched_identity_json_is(&name, "exp"))
			fine = token->has_expiry = read_time(&value, &token->expires_at);
		else if (sched_identity_json_is(&name, "nbf"))
			fine = read_time(&value, &token->not_before);
		else if (sched_identity_json_is(&name, "iat"))
			fine = token->has_issue = read_time(&value, &token->issued_at);
		if (!fine)
			return false;
	}
	return true;
}

SchedJwtStatus
sched_identity_parse_jwt(const char *text, size_t length, char *room, SchedJwt *token)
{
	const char *end = text + length;
	const char *first;
	const char *second;
	size_t left = SCHED_JWT_BYTES;
	SchedJson header;
	SchedJwtStatus status;

	memset(token, 0, sizeof(*token));
	if (length > SCHED_JWT_BYTES)
		return SCHED_JWT_TOO_LONG;
	first = memchr(text, '.', length);
	second = first != NULL ? memchr(first + 1, '.', end - first - 1) : NULL;
	if (second == NULL || memchr(second + 1, '.', end - second - 1) != NULL)
		return SCHED_JWT_MALFORMED;
	if (!decode_part(text, first - text, &room, &left, &header))
		return SCHED_JWT_MALFORMED;
	status = read_header(&header, token);
	if (status != SCHED_JWT_OK)
		return status;
	if (!decode_part(first + 1, second - first - 1, &room, &left, &token->claims) ||
		!read_claims(token))
		return SCHED_JWT_MALFORMED;
	token->signed_part = text;
	token->signed_length = second - text;
	token->signature = (unsigned char *) room;
	if (!sched_identity_decode_base64url(second + 1, end - second - 1, (unsigned char *) room, left,
										 &token->signature_length))
		return SCHED_JWT_MALFORMED;
	return SCHED_JWT_OK;
}

static bool
hmac_matches(const SchedJwt *token, const SchedJwk *key)
{
	unsigned char made[EVP_MAX_MD_SIZE];
	unsigned int length = 0;

	return token->signature_length == HMAC_BYTES &&
		   HMAC(EVP_sha256(), key->secret, (int) key->secret_length,
				(const unsigned char *) token->signed_part, token->signed_length, made,
				&length) != NULL &&
		   length == HMAC_BYTES && CRYPTO_memcmp(made, token->signature, HMAC_BYTES) == 0;
}

/* A token writes r and s side by side, OpenSSL reads them as DER. Its length, 0 where it cannot be. */
static size_t
make_der(const unsigned char *signature, unsigned char der[MAX_DER_BYTES])
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature, ES256_BYTES / 2, NULL);
	BIGNUM *s = BN_bin2bn(signature + ES256_BYTES / 2, ES256_BYTES / 2, NULL);
	unsigned char *end = der;
	int length = 0;

	if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1)
	{
		/* They are the pair's now. */
		r = s = NULL;
		length = i2d_ECDSA_SIG(pair, &end);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(pair);
	return length > 0 ? (size_t) length : 0;
}

static bool
signature_matches(const SchedJwt *token, const SchedJwk *key)
{
	unsigned char der[MAX_DER_BYTES];
	const unsigned char *signature = token->signature;
	size_t length = token->signature_length;
	EVP_MD_CTX *context;
	bool matches;

	if (key->alg == SCHED_JWT_ES256)
	{
		if (length != ES256_BYTES || (length = make_der(signature, der)) == 0)
			return false;
		signature = der;
	}
	else if (length != (size_t) EVP_PKEY_get_size(key->pkey))
		return false;
	context = EVP_MD_CTX_new();
	matches =
		context != NULL &&
		EVP_DigestVerifyInit_ex(context, NULL, "SHA256", NULL, NULL, key->pkey, NULL) == 1 &&
		EVP_DigestVerify(context, signature, length, (const unsigned char *) token->signed_part,
						 token->signed_length) == 1;
	EVP_MD_CTX_free(context);
	/* Whoever else uses OpenSSL in this process must not find our failures in its queue. */
	ERR_clear_error();
	return matches;
}

SchedJwtStatus
sched_identity_verify_jwt(const SchedJwt *token, const SchedJwkSet *keys, const char *issuer)
{
	SchedJwtStatus status = SCHED_JWT_UNKNOWN_KEY;

	for (int i = 0; i < keys->count; i++)
	{
		const SchedJwk *key = &keys->keys[i];

		if (key->alg != token->alg || strcmp(key->issuer, issuer) != 0)
			continue;
		if (token->kid[0] != '\0' && key->kid[0] != '\0' && strcmp(token->kid, key->kid) != 0)
			continue;
		if (key->alg == SCHED_JWT_HS256 ? hmac_matches(token, key) : signature_matches(token, key))
			return SCHED_JWT_OK;
		status = SCHED_JWT_BAD_SIGNATURE;
	}
	return status;
}

SchedJwtStatus
sched_identity_check_jwt_times(const SchedJwt *token, int64_t now, int leeway)
{
	if (!token->has_expiry)
		return SCHED_JWT_MALFORMED;
	if (token->expires_at <= now - leeway)
		return SCHED_JWT_EXPIRED;
	if (token->not_before > now + leeway || token->issued_at > now + leeway)
		return SCHED_JWT_TOO_EARLY;
	return SCHED_JWT_OK;
}

bool
sched_identity_jwt_is_for(const SchedJwt *token, const char *audience)
{
	SchedJson value;
	SchedJson element;
	size_t position = 0;

	if (!sched_identity_find_json(&token->claims, "aud", &value))
		return false;
	if (value.type != SCHED_JSON_ARRAY)
		return sched_identity_json_is(&value, audience);
	while (sched_identity_next_json(&value, &position, NULL, &element))
	{
		if (sched_identity_json_is(&element, audience))
			return true;
	}
	return false;
}

bool
sched_identity_jwt_text(const SchedJwt *token, const char *claim, char *buffer, size_t size)
{
	SchedJson value;

	buffer[0] = '\0';
	return sched_identity_find_json(&token->claims, claim, &value) &&
		   sched_identity_copy_json(&value, buffer, size);
}

/* r and s side by side, each 32 bytes, from DER. */
static bool
split_der(const unsigned char *der, size_t length, unsigned char signature[ES256_BYTES])
{
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long) length);
	bool done =
		pair != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, ES256_BYTES / 2) > 0 &&
		BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + ES256_BYTES / 2, ES256_BYTES / 2) > 0;

	ECDSA_SIG_free(pair);
	return done;
}

/* The signature's length, 0 where it could not be made. */
static size_t
sign_bytes(const SchedJwk *key, const char *text, size_t length,
		   unsigned char signature[MAX_SIGNATURE_BYTES])
{
	unsigned char made[MAX_SIGNATURE_BYTES];
	size_t made_length = sizeof(made);
	unsigned int hmac_length = 0;
	EVP_MD_CTX *context;
	bool done;

	if (key->alg == SCHED_JWT_HS256)
		return HMAC(EVP_sha256(), key->secret, (int) key->secret_length,
					(const unsigned char *) text, length, signature, &hmac_length) != NULL
				   ? hmac_length
				   : 0;
	context = EVP_MD_CTX_new();
	done = context != NULL &&
		   EVP_DigestSignInit_ex(context, NULL, "SHA256", NULL, NULL, key->pkey, NULL) == 1 &&
		   EVP_DigestSign(context, made, &made_length, (const unsigned char *) text, length) == 1;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	if (!done)
		return 0;
	if (key->alg == SCHED_JWT_ES256)
		return split_der(made, made_length, signature) ? ES256_BYTES : 0;
	memcpy(signature, made, made_length);
	return made_length;
}

/* A kid is written as it is: one that JSON would have to escape is left out. */
static bool
is_plain(const char *kid)
{
	for (const char *c = kid; *c != '\0'; c++)
	{
		if (*c < 0x20 || *c > 0x7E || *c == '"' || *c == '\\')
			return false;
	}
	return kid[0] != '\0';
}

size_t
sched_identity_sign_jwt(const SchedJwk *key, const char *claims, size_t length, char *text,
						size_t size)
{
	char header[SCHED_JWK_NAME_BYTES + 64];
	unsigned char signature[MAX_SIGNATURE_BYTES];
	size_t signature_length;
	size_t header_length;
	size_t used;

	if (!key->is_private)
		return 0;
	snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"typ\":\"JWT\"%s%s%s}",
			 sched_identity_alg_name(key->alg), is_plain(key->kid) ? ",\"kid\":\"" : "",
			 is_plain(key->kid) ? key->kid : "", is_plain(key->kid) ? "\"" : "");
	header_length = strlen(header);
	if (SCHED_BASE64URL_CHARS(header_length) + SCHED_BASE64URL_CHARS(length) +
			SCHED_BASE64URL_CHARS(MAX_SIGNATURE_BYTES) + 3 >
		size)
		return 0;
	used = sched_identity_encode_base64url(header, header_length, text);
	text[used++] = '.';
	used += sched_identity_encode_base64url(claims, length, text + used);
	signature_length = sign_bytes(key, text, used, signature);
	if (signature_length == 0)
		return 0;
	text[used++] = '.';
	used += sched_identity_encode_base64url(signature, signature_length, text + used);
	text[used] = '\0';
	return used;
}

const char *
sched_identity_jwt_problem(SchedJwtStatus status)
{
	switch (status)
	{
		case SCHED_JWT_OK:
			return "the token is in order";
		case SCHED_JWT_TOO_LONG:
			return "the token is longer than 16 kB";
		case SCHED_JWT_MALFORMED:
			return "this is no token, or one with a claim missing, twice or of the wrong type";
		case SCHED_JWT_UNKNOWN_ALG:
			return "the token is not signed with HS256, RS256 or ES256";
		case SCHED_JWT_CRITICAL:
			return "the token asks for an extension that is not understood";
		case SCHED_JWT_UNKNOWN_KEY:
			return "no key of this kid and algorithm is known";
		case SCHED_JWT_BAD_SIGNATURE:
			return "the signature is wrong";
		case SCHED_JWT_EXPIRED:
			return "the token has expired";
		case SCHED_JWT_TOO_EARLY:
			return "the token is not valid yet";
		case SCHED_JWT_WRONG_ISSUER:
			return "the issuer is not known";
		case SCHED_JWT_WRONG_AUDIENCE:
			return "the token is for another audience";
	}
	return "the token has an unknown problem";
}
