/*
 * token_scan.h - the tokens in the answer of an OAuth2 token endpoint. Pure.
 */
#ifndef SCHED_HTTP_TOKEN_SCAN_H
#define SCHED_HTTP_TOKEN_SCAN_H

#include <stdbool.h>
#include <stddef.h>

typedef struct SchedTokens
{
	char *access; /* malloc'ed, with a NUL; NULL where there is none */
	char *refresh;
} SchedTokens;

/*
 * Takes the tokens out of a JSON text, which is changed in place: wherever it holds one, at any depth, the value is
 * overwritten; of an id_token only its claims stay, without which it proves nothing to anybody. False where the text is
 * no JSON object as far as it was read, or without memory: then all of it is overwritten.
 */
extern bool sched_token_take(char *json, size_t length, SchedTokens *tokens);

/* Wipes and frees. */
extern void sched_token_clear(SchedTokens *tokens);

#endif
