/*
 * jwt_test.c - base64url, strict JSON, key sets and tokens, without a server: the examples of RFC 7515 (appendix A), and
 * what forgers try.
 */
#include <stdlib.h>
#include <string.h>

#include "identity/base64url.h"
#include "identity/jwt.h"
#include "tap.h"

/* RFC 7515, A.1 and A.3 have the same claims; so has A.2. */
#define CLAIMS                                                                                     \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
	"fQ"
#define RFC_HS256                                      \
	"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." CLAIMS \
	".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define RFC_RS256                                                                           \
	"eyJhbGciOiJSUzI1NiJ9." CLAIMS                                                          \
	".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YK"  \
	"t_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArL" \
	"IARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noO" \
	"PqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe" \
	"77Rw"
#define RFC_ES256                  \
	"eyJhbGciOiJFUzI1NiJ9." CLAIMS \
	".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

#define OCT                                                                                  \
	"{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Y" \
	"j0iPS4hcgUuTwjAzZr1Z9CAow\"}"
#define RSA_NUMBERS                                                                         \
	"\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmf" \
	"HQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soM" \
	"Zo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtd" \
	"VMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91" \
	"kzk2PAcDTW9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\""
#define EC_POINT                                                                              \
	"\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define EC_PRIVATE "{" EC_POINT ",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}"

/* Made for this test; it signs nothing else. */
static const char rsa_private[] =
	"{\"kty\":\"RSA\",\"kid\":\"r1\",\"n\":\"u-IgNImtl4dJ7zj_6pofn7hC0dJHoHSxnACwAzUVyv_Z"
	"dNq2R_tKDe6yV4BpBNiP-t5EBACJgby4BIZ93onEwKs_MMX3pTR4A6HAPxpURVnD47uO7JbpVHlhgpbIlxx9"
	"sZr4NAx4spLx2ureK_JSCKQYZiegPJ2S7Iv5Y4mrJdCPdpOy7e3TywLEreid6sVLgxV4WZaCtuSqW8-kPkP2"
	"N-MVS_4k3KGsDZFyAJLt8F87cFfCO4N9d9rROJ1_PcmNjDGktgBHi27X7LqDMIXwrnqavJcNuocs4192Qd6k"
	"PrxcCJtV_EY6y0ziDTpgg6BEpEvL2z37-gmv3jbnJbJP2w\",\"e\":\"AQAB\",\"d\":\"Ref6hKHPeaho"
	"XX6PVfp3lsWH8yry5KRWq01kMCVR0QDGJ-Dy3rCEms98Auuv55IubDDEDNsoTqHptCFYdvM6xldRQTP_kzQF"
	"DZDjB3ej8FPYe4T_Rk9WTMyG-ABjbTo4GFupSzByvjrHi2VFOgPE-xsXSvcmezdEAgiIx7zi9cPTNAG9TLQN"
	"tLmHdO1FJ9ecSnTdi8AZYjFa-A3wt6VF1ujz-pel-E1Y47iuyIQ0xV_CrbiXVrhmMuSCEs1G9LuK5_9NigCF"
	"KAIJFzgh5LvraGVOERwKofEn3ynLCYfvecVhMm5rwuCj99Sj-FhE4DjxL_4vNDf5xUwE9KJO8OGJcQ\",\"p"
	"\":\"47DVB_6ZZIcTtVT3-aPQGDsZsTP0S16FV8up0oMo0eco9CfFF0F9quf4kBkUQ3-BLrZpBeKKZLR2F2U"
	"2QsvDr8ROWAqcmWmM9uCzRNF7T9k7frRIIBVN4POzGGCq-8khatL729RSgjbZCPEnGQsRbdFX2QTR4MIqxZf"
	"hNTr9WLE\",\"q\":\"0z5DOoyhRh5yUgjAEy02d8nLpHQeZAYNI4aO7q9M87dLSFJB4F-18RVe_RJ9y_DP2"
	"u__MluMQ-H2fK3vj7K8SqTxB_bbZdr2kLcak0zQGQgtePM4kxNECdxZYSLVUZZuI-ygNx1sUDcCfjAT4BJSD"
	"Hd3H_tmudjotnqalyYjlEs\",\"dp\":\"jXCAtUmj8f2y8XbJ4AqxrwuvhxOWEuexf3tlj_6n8dRd7WVzGm"
	"I1dWBKWQErRE7FacYocV5rx-kOXrQhw9aeReZ1IF3fL7GQvp-Q3RQgPNbeDXRiRYPWcAIS4_bQ4D3uA1Ty3X"
	"kElB0ML3DWb8kfV4-uuYIz-iHDviD95joxvNE\",\"dq\":\"ikCZp1wawNV0ZJQtgV954nRDv2Hv8e6z8qh"
	"CK5y3dFpl_vM3Ai4h2aLvBBpyEmOM5fFkyAR6jIL62ybLPvTvnrrMtTWu6b6g2J292uHO4FMlz57_S-K0CPA"
	"Z3yT5D-iwNPrM8MVk-irGiufUWjYjVN1rLZdP6Bo6VBNx0bK4Xnk\",\"qi\":\"OvfqrTzflJMssmdbew2g"
	"JnSFoHLj_phZeARh39HuQZ9pi3NXh55gxdmn9ZMWsoJAGj4DhStZoqf7wPs79TCvdh5lyZDoyajv9KAuW7fz"
	"_4azZerxg8z124obqUTQCCmlhC_xsvwzHEXyElSovYCTA3FJeosD5_-bduE-YcCS63U\"}";

static char room[SCHED_JWT_BYTES];

static SchedJwkSet *
read_keys(const char *text, SchedJwkSource source)
{
	const char *problem;

	return sched_identity_parse_keys(text, strlen(text), source, &problem);
}

static SchedJwtStatus
parse(const char *text, SchedJwt *token)
{
	return sched_identity_parse_jwt(text, strlen(text), room, token);
}

/* Parses and verifies. */
static SchedJwtStatus
verify(const char *text, const SchedJwkSet *keys)
{
	SchedJwt token;
	SchedJwtStatus status = parse(text, &token);

	return status == SCHED_JWT_OK ? sched_identity_verify_jwt(&token, keys, "") : status;
}

/* A token of this header and these claims, signed as HS256 whatever the header says. */
static char *
forge(const char *header, const char *claims, const SchedJwk *key)
{
	static char text[SCHED_JWT_BYTES * 2];
	char signed_by_us[SCHED_JWT_BYTES * 2];
	size_t used = sched_identity_encode_base64url(header, strlen(header), text);

	text[used++] = '.';
	used += sched_identity_encode_base64url(claims, strlen(claims), text + used);
	if (key == NULL)
		strcpy(text + used, ".");
	else
	{
		sched_identity_sign_jwt(key, claims, strlen(claims), signed_by_us, sizeof(signed_by_us));
		strcpy(text + used, strrchr(signed_by_us, '.'));
	}
	return text;
}

static void
test_base64url(void)
{
	static const char *const refused[] = {"A",    "AAAAA", "AA==", "AB",  "AAB",
										  "A+AA", "A/AA",  "A A",  "AA\n"};
	unsigned char bytes[8];
	char text[8];
	size_t used;

	ok(sched_identity_decode_base64url("", 0, bytes, 0, &used) && used == 0, "nothing is nothing");
	ok(sched_identity_decode_base64url("-_8", 3, bytes, 8, &used) && used == 2 &&
		   memcmp(bytes, "\xfb\xff", 2) == 0,
	   "the url alphabet");
	ok(!sched_identity_decode_base64url("AAAA", 4, bytes, 2, &used), "no more than there is room");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		ok(!sched_identity_decode_base64url(refused[i], strlen(refused[i]), bytes, 8, &used),
		   "refused: %s", i == 8 ? "a line feed" : refused[i]);
	for (size_t length = 0; length <= 4; length++)
	{
		size_t chars = sched_identity_encode_base64url("\xff\x00\xfe\x81", length, text);

		ok(chars == SCHED_BASE64URL_CHARS(length) &&
			   sched_identity_decode_base64url(text, chars, bytes, 8, &used) && used == length &&
			   memcmp(bytes, "\xff\x00\xfe\x81", length) == 0,
		   "%zu bytes there and back", length);
	}
}

static void
test_json(void)
{
	static const char *const fine[] = {"{}",
									   " [1, -0.5e+3, true,false , null,\"\"] ",
									   "{\"a\":{\"a\":[]},\"b\":\"\\u00e9\\ud83d\\ude00\\\"\"}",
									   "\"\xc3\xa9\"",
									   "0",
									   "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]"};
	static const char *const refused[] = {"",
										  "{",
										  "[1,]",
										  "{\"a\":1,}",
										  "{\"a\":1 \"b\":2}",
										  "{\"a\":1}x",
										  "{a:1}",
										  "01",
										  "1.",
										  ".5",
										  "+1",
										  "NaN",
										  "tru",
										  "\"\\x\"",
										  "\"\\u12\"",
										  "\"\\ud800\"",
										  "\"\\udc00\"",
										  "\"\\u0000\"",
										  "\"\n\"",
										  "\"\xc3\"",
										  "\"\xc0\x80\"",
										  "\"\xed\xa0\x80\"",
										  "{\"a\":1,\"a\":2}",
										  "{\"a\":1,\"\\u0061\":2}",
										  "{\"x\":{\"a\":1,\"a\":2}}",
										  "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]",
										  "/**/1"};
	SchedJson json;
	SchedJson value;
	char text[16];
	double number;
	size_t position = 0;

	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		ok(sched_identity_read_json(fine[i], strlen(fine[i]), &json), "json: %s", fine[i]);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		ok(!sched_identity_read_json(refused[i], strlen(refused[i]), &json) &&
			   json.type == SCHED_JSON_NONE,
		   "refused json %zu", i);
	sched_identity_read_json(fine[2], strlen(fine[2]), &json);
	ok(sched_identity_find_json(&json, "b", &value) &&
		   sched_identity_copy_json(&value, text, sizeof(text)) &&
		   strcmp(text, "\xc3\xa9\xf0\x9f\x98\x80\"") == 0,
	   "a string without its escapes");
	ok(!sched_identity_copy_json(&value, text, 7), "not into less room than it needs");
	ok(sched_identity_find_json(&json, "a", &value) && value.type == SCHED_JSON_OBJECT &&
		   value.length == 8,
	   "an object inside");
	ok(!sched_identity_find_json(&json, "c", &value) && value.type == SCHED_JSON_NONE,
	   "what is not there");
	sched_identity_read_json(fine[1], strlen(fine[1]), &json);
	ok(sched_identity_next_json(&json, &position, NULL, &value) &&
		   sched_identity_next_json(&json, &position, NULL, &value) &&
		   sched_identity_json_number(&value, &number) && number == -500,
	   "elements in their order");
	for (int i = 0; i < 4; i++)
		sched_identity_next_json(&json, &position, NULL, &value);
	ok(value.type == SCHED_JSON_STRING && value.length == 0 &&
		   !sched_identity_next_json(&json, &position, NULL, &value),
	   "and then no more");
}

static void
test_key_sets(void)
{
	static const char *const refused[] = {
		"",
		"[]",
		"{\"keys\":[]}",
		"{\"keys\":{}}",
		"{\"kty\":\"oct\",\"k\":\"c2hvcnQ\"}",
		"{\"kty\":\"oct\"}",
		"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}",
		"{" RSA_NUMBERS "}",
		"{\"kty\":\"RSA\",\"n\":\"u1W-Y2FSkQ\",\"e\":\"AQAB\",\"d\":\"AQAB\"}",
		"{" EC_POINT ",\"d\":\"AQ\"}",
		"{" EC_POINT ",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\",\"use\":\"enc\"}",
		"{" EC_POINT ",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\",\"alg\":\"ES384\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\",\"y\":\"AA\"}",
	};
	SchedJwkSet *keys;
	char made[SCHED_JWK_FILE_BYTES];
	char again[SCHED_JWK_FILE_BYTES];

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		ok(read_keys(refused[i], SCHED_JWK_OWN) == NULL, "no key file of ours: %zu", i);
	keys = read_keys("{\"keys\":[" EC_PRIVATE ",{\"kid\":\"k\"," RSA_NUMBERS "}]}", SCHED_JWK_OWN);
	ok(keys != NULL && keys->count == 2 && keys->keys[0].is_private && !keys->keys[1].is_private &&
		   keys->keys[1].alg == SCHED_JWT_RS256 && strcmp(keys->keys[1].kid, "k") == 0,
	   "a private and a public key");
	sched_identity_free_keys(keys);
	ok(read_keys("{\"keys\":[{\"kid\":\"k\"," RSA_NUMBERS "}," EC_PRIVATE "]}", SCHED_JWK_OWN) ==
		   NULL,
	   "the first must sign");
	keys = read_keys("{\"keys\":[{\"kty\":\"OKP\"}," OCT ",{" EC_POINT "}]}", SCHED_JWK_FOREIGN);
	ok(keys != NULL && keys->count == 1 && keys->keys[0].alg == SCHED_JWT_ES256,
	   "of a published set only the public keys that are understood");
	sched_identity_free_keys(keys);
	ok(read_keys("{\"keys\":[" OCT "]}", SCHED_JWK_FOREIGN) == NULL,
	   "a published secret verifies nothing");
	/* The last digit of y changed: not on the curve. */
	ok(read_keys("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
				 "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"
				 "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5aw\"}",
				 SCHED_JWK_FOREIGN) == NULL,
	   "a point off the curve is no key");
	ok(sched_identity_make_key_set(made) && sched_identity_make_key_set(again) &&
		   strcmp(made, again) != 0,
	   "new key files differ");
	keys = read_keys(made, SCHED_JWK_OWN);
	ok(keys != NULL && keys->keys[0].secret_length == 32 && strlen(keys->keys[0].kid) == 8,
	   "and can be read");
	sched_identity_free_keys(keys);
	ok(sched_identity_make_secret_set("short", 5) == NULL, "a short secret is no key");
}

/* The examples verify, and nothing that differs from them in one character of any part. */
static void
test_example(const char *name, const char *text, const SchedJwkSet *keys)
{
	char *changed = strdup(text);
	int taken = 0;

	ok(verify(text, keys) == SCHED_JWT_OK, "RFC 7515 %s verifies", name);
	for (size_t i = 0; i < strlen(text); i++)
	{
		changed[i] = text[i] == 'A' ? 'B' : 'A';
		if (verify(changed, keys) == SCHED_JWT_OK)
			taken++;
		changed[i] = text[i];
	}
	ok(taken == 0, "... and with none of its characters changed");
	for (size_t i = 0; i < strlen(text); i++)
	{
		changed[i] = '\0';
		if (verify(changed, keys) == SCHED_JWT_OK)
			taken++;
		changed[i] = text[i];
	}
	ok(taken == 0, "... nor cut off anywhere");
	free(changed);
}

static void
test_examples(const SchedJwkSet *oct, const SchedJwkSet *rsa, const SchedJwkSet *ec)
{
	SchedJwt token;

	test_example("A.1 (HS256)", RFC_HS256, oct);
	test_example("A.2 (RS256)", RFC_RS256, rsa);
	test_example("A.3 (ES256)", RFC_ES256, ec);
	ok(verify(RFC_HS256, ec) == SCHED_JWT_UNKNOWN_KEY, "not with a key of another kind");
	ok(parse(RFC_HS256, &token) == SCHED_JWT_OK && strcmp(token.issuer, "joe") == 0 &&
		   token.expires_at == 1300819380 && !token.has_issue,
	   "what its claims say");
	ok(sched_identity_verify_jwt(&token, oct, "joe") == SCHED_JWT_UNKNOWN_KEY,
	   "a key of ours verifies no issuer's token");
	ok(sched_identity_check_jwt_times(&token, 1300819379, 0) == SCHED_JWT_OK &&
		   sched_identity_check_jwt_times(&token, 1300819380, 0) == SCHED_JWT_EXPIRED &&
		   sched_identity_check_jwt_times(&token, 1300819409, 30) == SCHED_JWT_OK &&
		   sched_identity_check_jwt_times(&token, 1300819410, 30) == SCHED_JWT_EXPIRED,
	   "it ends with the second of exp, and the leeway");
}

static void
test_signing(const char *name, const char *text)
{
	SchedJwkSet *keys = read_keys(text, SCHED_JWK_OWN);
	char token[SCHED_JWT_BYTES];
	SchedJwt parsed;

	ok(keys != NULL && sched_identity_sign_jwt(&keys->keys[0], "{\"sub\":\"1\"}", 11, token,
											   sizeof(token)) == strlen(token),
	   "%s signs", name);
	ok(verify(token, keys) == SCHED_JWT_OK && parse(token, &parsed) == SCHED_JWT_OK &&
		   strcmp(parsed.kid, keys->keys[0].kid) == 0,
	   "%s verifies what it signed", name);
	ok(sched_identity_sign_jwt(&keys->keys[0], "{\"sub\":\"1\"}", 11, token, 100) == 0,
	   "%s: not into too little room", name);
	sched_identity_free_keys(keys);
}

/* What is tried on every verifier sooner or later. */
static void
test_forgeries(const SchedJwkSet *oct, const SchedJwkSet *rsa)
{
	static const char claims[] = "{\"exp\":2000000000}";
	char huge[1024];
	char *megabyte = malloc(1000001);
	SchedJwk public_as_secret = {.alg = SCHED_JWT_HS256, .is_private = true};
	unsigned char modulus[256];
	size_t used;

	ok(verify(forge("{\"alg\":\"none\"}", claims, NULL), oct) == SCHED_JWT_UNKNOWN_ALG, "none");
	ok(verify(forge("{\"alg\":\"NonE\"}", claims, NULL), oct) == SCHED_JWT_UNKNOWN_ALG, "NonE");
	ok(verify(forge("{\"alg\":\"HS512\"}", claims, &oct->keys[0]), oct) == SCHED_JWT_UNKNOWN_ALG,
	   "an algorithm that is not ours");
	ok(verify(forge("{\"alg\":\"HS256\"}", claims, NULL), oct) == SCHED_JWT_BAD_SIGNATURE,
	   "no signature");
	ok(verify(forge("{}", claims, &oct->keys[0]), oct) == SCHED_JWT_MALFORMED, "no alg");
	ok(verify(forge("{\"alg\":\"HS256\",\"alg\":\"none\"}", claims, &oct->keys[0]), oct) ==
		   SCHED_JWT_MALFORMED,
	   "alg twice");
	ok(verify(forge("{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", claims, &oct->keys[0]),
			  oct) == SCHED_JWT_CRITICAL,
	   "crit");
	ok(verify(forge("{\"alg\":\"HS256\"}", "{\"exp\":1,\"exp\":2000000000}", &oct->keys[0]), oct) ==
		   SCHED_JWT_MALFORMED,
	   "a claim twice");
	ok(verify(forge("{\"alg\":\"HS256\"}", "{\"exp\":\"2000000000\"}", &oct->keys[0]), oct) ==
		   SCHED_JWT_MALFORMED,
	   "a time that is text");
	ok(verify(forge("{\"alg\":\"HS256\"}", "{\"exp\":1e300}", &oct->keys[0]), oct) ==
		   SCHED_JWT_MALFORMED,
	   "a time beyond all calendars");
	ok(verify(forge("{\"alg\":\"HS256\"}", "[1]", &oct->keys[0]), oct) == SCHED_JWT_MALFORMED,
	   "claims that are no object");
	memset(huge, '[', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	ok(verify(forge("{\"alg\":\"HS256\"}", huge, &oct->keys[0]), oct) == SCHED_JWT_MALFORMED,
	   "a thousand brackets");
	memset(megabyte, 'A', 1000000);
	megabyte[1000000] = '\0';
	ok(verify(megabyte, oct) == SCHED_JWT_TOO_LONG, "a megabyte");
	free(megabyte);
	/* The public key of RS256, known to everybody, used as a secret. */
	sched_identity_decode_base64url(strstr(RSA_NUMBERS, "ofgW"), 342, modulus, 256, &used);
	public_as_secret.secret = modulus;
	public_as_secret.secret_length = used;
	ok(used == 256 && verify(forge("{\"alg\":\"HS256\"}", claims, &public_as_secret), rsa) ==
						  SCHED_JWT_UNKNOWN_KEY,
	   "HS256 with the public key of RS256");
	ok(verify("..", oct) == SCHED_JWT_MALFORMED && verify("a.b", oct) == SCHED_JWT_MALFORMED &&
		   verify(RFC_HS256 ".x", oct) == SCHED_JWT_MALFORMED &&
		   verify("", oct) == SCHED_JWT_MALFORMED,
	   "not three parts");
}

static void
test_claims(const SchedJwkSet *oct)
{
	SchedJwt token;
	char text[8];

	parse(forge("{\"alg\":\"HS256\"}",
				"{\"aud\":[\"x\",\"\\u0061pp\"],\"exp\":9.9,\"nbf\":5,\"iat\":6,\"sub\":\"long "
				"enough\"}",
				&oct->keys[0]),
		  &token);
	ok(sched_identity_jwt_is_for(&token, "app") && !sched_identity_jwt_is_for(&token, "ap"),
	   "an audience among several");
	ok(token.expires_at == 9 &&
		   sched_identity_check_jwt_times(&token, 4, 0) == SCHED_JWT_TOO_EARLY &&
		   sched_identity_check_jwt_times(&token, 5, 0) == SCHED_JWT_TOO_EARLY &&
		   sched_identity_check_jwt_times(&token, 6, 0) == SCHED_JWT_OK &&
		   sched_identity_check_jwt_times(&token, 4, 2) == SCHED_JWT_OK,
	   "not before nbf and iat");
	ok(!sched_identity_jwt_text(&token, "sub", text, sizeof(text)), "a claim that is too long");
	ok(!sched_identity_jwt_text(&token, "exp", text, sizeof(text)), "a claim that is no text");
	parse(forge("{\"alg\":\"HS256\"}", "{\"aud\":\"app\"}", &oct->keys[0]), &token);
	ok(sched_identity_jwt_is_for(&token, "app") && !sched_identity_jwt_is_for(&token, "other"),
	   "one audience");
	ok(sched_identity_check_jwt_times(&token, 0, 0) == SCHED_JWT_MALFORMED, "a token without exp");
	parse(forge("{\"alg\":\"HS256\",\"kid\":\"other\"}", "{}", &oct->keys[0]), &token);
	ok(!sched_identity_jwt_is_for(&token, "app"), "no audience");
}

static void
test_key_choice(void)
{
	SchedJwkSet *keys = read_keys(
		"{\"keys\":[{\"kid\":\"new\"," EC_POINT
		",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"},"
		"{\"kid\":\"old\",\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr8\"},"
		"{\"kid\":\"shop\",\"iss\":\"shop\",\"kty\":\"oct\","
		"\"k\":\"ByM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr8\"}]}",
		SCHED_JWK_OWN);
	char token[SCHED_JWT_BYTES];

	ok(keys != NULL && keys->count == 3, "three keys");
	sched_identity_sign_jwt(&keys->keys[1], "{}", 2, token, sizeof(token));
	ok(verify(token, keys) == SCHED_JWT_OK, "an older key verifies still");
	strcpy(keys->keys[1].kid, "gone");
	ok(verify(token, keys) == SCHED_JWT_UNKNOWN_KEY, "not one of another kid");
	sched_identity_sign_jwt(&keys->keys[2], "{}", 2, token, sizeof(token));
	ok(verify(token, keys) == SCHED_JWT_UNKNOWN_KEY, "an issuer's key verifies nothing of ours");
	sched_identity_free_keys(keys);
}

int
main(void)
{
	SchedJwkSet *oct = read_keys(OCT, SCHED_JWK_OWN);
	SchedJwkSet *rsa = read_keys("{" RSA_NUMBERS "}", SCHED_JWK_FOREIGN);
	SchedJwkSet *ec = read_keys("{" EC_POINT "}", SCHED_JWK_FOREIGN);

	test_base64url();
	test_json();
	test_key_sets();
	ok(oct != NULL && rsa != NULL && ec != NULL, "the keys of RFC 7515");
	test_examples(oct, rsa, ec);
	test_signing("HS256", OCT);
	test_signing("RS256", rsa_private);
	test_signing("ES256", EC_PRIVATE);
	test_forgeries(oct, rsa);
	test_claims(oct);
	test_key_choice();
	sched_identity_free_keys(oct);
	sched_identity_free_keys(rsa);
	sched_identity_free_keys(ec);
	return done_testing();
}
