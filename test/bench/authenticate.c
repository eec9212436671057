/*
 * authenticate.c - microseconds for the bare verification of a signature, the floor of authenticate().
 *
 *   authenticate ALG KEY_SET < TOKENS     ALG is HS256, RS256 or ES256; one token a line
 *
 * OpenSSL as the extension uses it, the signed part and the signature taken apart before the clock starts. Prints the
 * microseconds a token.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "identity/jwt.h"

#define MAX_TOKENS 200000

typedef struct Parsed
{
	char *room;
	SchedJwt token;
} Parsed;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}

static SchedJwkSet *
read_keys(const char *path)
{
	static char text[SCHED_JWK_SET_BYTES];
	FILE *file = fopen(path, "r");
	const char *problem = "no file";
	SchedJwkSet *keys = NULL;

	if (file != NULL)
		keys = sched_identity_parse_keys(text, fread(text, 1, sizeof(text), file), SCHED_JWK_OWN,
										 &problem);
	if (keys == NULL)
	{
		fprintf(stderr, "%s: %s\n", path, problem);
		exit(1);
	}
	return keys;
}

int
main(int argc, char **argv)
{
	static Parsed tokens[MAX_TOKENS];
	SchedJwkSet *keys = read_keys(argv[1]);
	static char line[SCHED_JWT_BYTES];
	char *room = malloc(SCHED_JWT_BYTES);
	int count = 0;
	int wrong = 0;
	double start;

	while (count < MAX_TOKENS && fgets(line, sizeof(line), stdin) != NULL)
	{
		Parsed *parsed = &tokens[count];
		char *text = strdup(line);
		unsigned char *signature;

		text[strcspn(text, "\n")] = '\0';
		if (sched_identity_parse_jwt(text, strlen(text), room, &parsed->token) != SCHED_JWT_OK)
			exit(1);
		signature = malloc(parsed->token.signature_length);
		memcpy(signature, parsed->token.signature, parsed->token.signature_length);
		parsed->token.signature = signature;
		count++;
	}
	start = now();
	for (int i = 0; i < count; i++)
	{
		if (sched_identity_verify_jwt(&tokens[i].token, keys, "") != SCHED_JWT_OK)
			wrong++;
	}
	printf("%.2f\n", (now() - start) / count);
	return wrong > 0 || count == 0;
}
