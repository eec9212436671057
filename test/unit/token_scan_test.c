/* Tokens in the answer of a token endpoint: taken out, and overwritten wherever they stand. */
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#include "http/token_scan.h"

static SchedTokens tokens;
static char text[4096];

static bool
take(const char *json)
{
	sched_token_clear(&tokens);
	snprintf(text, sizeof(text), "%s", json);
	return sched_token_take(text, strlen(json), &tokens);
}

static bool
is(const char *token, const char *wanted)
{
	return wanted == NULL ? token == NULL : token != NULL && strcmp(token, wanted) == 0;
}

static bool
all_gone(size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] != '\0')
			return false;
	return true;
}

static void
good_answers(void)
{
	ok(take("{\"access_token\": \"ya29.a\", \"expires_in\": 3599, \"refresh_token\":\"1//0g\"}") &&
		   is(tokens.access, "ya29.a") && is(tokens.refresh, "1//0g"),
	   "both tokens are taken");
	ok(strcmp(
		   text,
		   "{\"access_token\": \"xxxxxx\", \"expires_in\": 3599, \"refresh_token\":\"xxxxx\"}") ==
		   0,
	   "the text has x in their places");
	ok(take(" {\"access_token\":\"a\\/b\"}\n") && is(tokens.access, "a/b"),
	   "an escaped slash is a slash");
	ok(take("{\"id_token\":\"head.middle.sign\"}") &&
		   strcmp(text, "{\"id_token\":\"xxxx.middle.xxxx\"}") == 0,
	   "of an id_token the claims stay");
	ok(take("{\"id_token\":\"opaque\"}") && strstr(text, "opaque") == NULL,
	   "... where it has claims");
	ok(take("{\"access_token\":\"one\",\"access_token\":\"two\"}") && is(tokens.access, "two") &&
		   strstr(text, "one") == NULL,
	   "of two the later counts, and neither stays");
	ok(take("{\"x\":[{\"access_token\":\"deep\"}],\"refresh_token\":[\"in\",\"array\"]}") &&
		   strstr(text, "deep") == NULL && strstr(text, "array") == NULL,
	   "they are overwritten at any depth");
	ok(take("{\"error\":\"invalid_grant\"}") && is(tokens.access, NULL) &&
		   strstr(text, "invalid_grant") != NULL,
	   "an error stays as it is");
	ok(take("{}") && take("{\"a\":{},\"b\":[],\"c\":null,\"d\":-1.5e3}"), "empty things are fine");
}

static void
bad_answers(void)
{
	static const char *const bad[] = {"",
									  "[]",
									  "\"access_token\"",
									  "{\"access_token\":\"secret",
									  "{\"access_token\":\"secret\"",
									  "{\"access_token\":\"sec\\u0072et\"}",
									  "{\"access\\u005ftoken\":\"secret\"}",
									  "{\"access_token\" \"secret\"}",
									  "{\"access_token\":\"secret\"} trailing",
									  "{\"access_token\":\"secret\\",
									  "{\"a\":,\"access_token\":\"secret\"}",
									  "{\"access_token\":\"sec\nret\"}"};
	char deep[600];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!take(bad[i]) && all_gone(strlen(bad[i])) && tokens.access == NULL,
		   "what cannot be read is overwritten whole: %zu", i);
	memset(deep, '[', sizeof(deep) - 1);
	memcpy(deep, "{\"a\":", 5);
	deep[sizeof(deep) - 1] = '\0';
	ok(!take(deep), "so is what goes too deep");
}

int
main(void)
{
	good_answers();
	bad_answers();
	sched_token_clear(&tokens);
	return done_testing();
}
