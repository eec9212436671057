/*
 * json.h - reading small JSON of strangers: headers and claims of tokens, key sets. Pure.
 *
 * Strict (RFC 8259): one value and white space around it, valid UTF-8, no NUL, no name twice in an object, a
 * bounded depth. A value points into the text that was read, which the caller keeps; nothing is allocated.
 */
#ifndef SCHED_IDENTITY_JSON_H
#define SCHED_IDENTITY_JSON_H

#include <stdbool.h>
#include <stddef.h>

#define SCHED_JSON_DEPTH 16
#define SCHED_JSON_MEMBERS 128 /* of one object */
#define SCHED_JSON_NAME 256    /* bytes of a member's name, as written */

typedef enum SchedJsonType
{
	SCHED_JSON_NONE,
	SCHED_JSON_NULL,
	SCHED_JSON_FALSE,
	SCHED_JSON_TRUE,
	SCHED_JSON_NUMBER,
	SCHED_JSON_STRING, /* text: what stands between the quotes, escapes and all */
	SCHED_JSON_ARRAY,
	SCHED_JSON_OBJECT
} SchedJsonType;

typedef struct SchedJson
{
	SchedJsonType type;
	const char *text;
	size_t length;
} SchedJson;

/* Checks the whole text; false leaves SCHED_JSON_NONE. The functions below take what was checked here. */
extern bool sched_identity_read_json(const char *text, size_t length, SchedJson *value);

/* The next element of an array or member of an object (its name where `name` is not NULL); *position begins at 0. */
extern bool sched_identity_next_json(const SchedJson *container, size_t *position, SchedJson *name,
									 SchedJson *value);

/* The member of that name; false, and SCHED_JSON_NONE, where it is no object or has none. */
extern bool sched_identity_find_json(const SchedJson *object, const char *name, SchedJson *value);

/* The string without its escapes, NUL-terminated; false where it is no string or does not fit. */
extern bool sched_identity_copy_json(const SchedJson *value, char *buffer, size_t size);

/* Whether it is a string that reads so. */
extern bool sched_identity_json_is(const SchedJson *value, const char *text);

extern bool sched_identity_json_number(const SchedJson *value, double *number);

#endif
