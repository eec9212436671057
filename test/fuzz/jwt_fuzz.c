/*
 * jwt_fuzz.c - the first line is a token, or the claims of one; what follows is a key set. No input verifies with a key that
 * it does not know, and JSON that was taken reads the same as often as it is walked through.
 */
#include "fuzz.h"
#include "identity/base64url.h"
#include "identity/jwt.h"

static SchedJwkSet *own_keys;
static char room[SCHED_JWT_BYTES];

/* Every value lies inside what was read, and a walk ends. */
static void
walk(const SchedJson *value, int depth)
{
	SchedJson name;
	SchedJson inner;
	char text[64];
	double number;
	size_t position = 0;

	CHECK(depth <= SCHED_JSON_DEPTH);
	if (sched_identity_copy_json(value, text, sizeof(text)))
		check_text(text);
	if (value->type == SCHED_JSON_NUMBER)
		sched_identity_json_number(value, &number);
	while (sched_identity_next_json(value, &position, &name, &inner))
	{
		CHECK(inner.type != SCHED_JSON_NONE && position < value->length);
		CHECK(inner.text >= value->text &&
			  inner.text + inner.length <= value->text + value->length);
		walk(&inner, depth + 1);
	}
}

static void
try_json(const char *text, size_t length)
{
	SchedJson json;

	if (sched_identity_read_json(text, length, &json))
		walk(&json, 0);
	else
		CHECK(json.type == SCHED_JSON_NONE);
}

/* A token that is well-formed: verified by nobody who has not signed it. */
static void
try_token(const char *text, size_t length)
{
	SchedJwt token;

	if (sched_identity_parse_jwt(text, length, room, &token) != SCHED_JWT_OK)
		return;
	walk(&token.claims, 0);
	check_text(token.issuer);
	CHECK(sched_identity_verify_jwt(&token, own_keys, "") != SCHED_JWT_OK);
	sched_identity_check_jwt_times(&token, 1700000000, 30);
	sched_identity_jwt_is_for(&token, "app");
	if (sched_identity_jwt_text(&token, "sub", room, sizeof(room)))
		check_text(room);
}

/* Claims that we sign verify and are read back as they are. */
static void
try_claims(const char *text, size_t length)
{
	char token[SCHED_JWT_BYTES];
	SchedJwt read;
	size_t used;

	if (length > 2048)
		return;
	used = sched_identity_sign_jwt(&own_keys->keys[0], text, length, token, sizeof(token));
	CHECK(used > 0 && used == strlen(token));
	if (sched_identity_parse_jwt(token, used, room, &read) == SCHED_JWT_OK)
	{
		CHECK(read.claims.length <= length);
		CHECK(sched_identity_verify_jwt(&read, own_keys, "") == SCHED_JWT_OK);
	}
}

static void
try_keys(const char *text, size_t length)
{
	const char *problem;
	SchedJwkSet *keys = sched_identity_parse_keys(text, length, SCHED_JWK_FOREIGN, &problem);

	CHECK((keys == NULL) == (problem != NULL));
	for (int i = 0; keys != NULL && i < keys->count; i++)
		CHECK(keys->keys[i].alg != SCHED_JWT_HS256 && keys->keys[i].pkey != NULL);
	sched_identity_free_keys(keys);
	keys = sched_identity_parse_keys(text, length, SCHED_JWK_OWN, &problem);
	CHECK(keys == NULL || keys->keys[0].is_private);
	sched_identity_free_keys(keys);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = cut_string(&data, &size, '\n');
	size_t length = strlen(line);
	char *rest = copy_string(data, size);

	try_token(line, length);
	try_json(line, length);
	try_claims(line, length);
	try_keys(rest, size);
	free(line);
	free(rest);
	return 0;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char text[] = "{\"kty\":\"oct\",\"kid\":\"fuzz\",\"k\":"
							   "\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr8\"}";
	const char *problem;

	own_keys = sched_identity_parse_keys(text, strlen(text), SCHED_JWK_OWN, &problem);
	CHECK(own_keys != NULL);
	return 0;
}
