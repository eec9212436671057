/*
 * fuzz.h - what the fuzz targets share: checks of what came out, a copy of what goes in, a context for dates.
 *
 * A target is one file NAME_fuzz.c with LLVMFuzzerTestOneInput(); run.sh links it once with clang's
 * libFuzzer and once with driver.c, which only feeds it files. A check that fails aborts, as a
 * sanitizer does.
 */
#ifndef TEST_FUZZ_FUZZ_H
#define TEST_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/fixed_zone.h"
#include "mail/charset.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern int LLVMFuzzerInitialize(int *argc, char ***argv);

#define CHECK(condition)                                                                  \
	do                                                                                    \
	{                                                                                     \
		if (!(condition))                                                                 \
		{                                                                                 \
			fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                      \
		}                                                                                 \
	} while (0)

/* A string of ours that goes into a text column. NULL where it may be missing. */
static inline void
check_text(const char *text)
{
	CHECK(text == NULL || sched_mail_valid_utf8(text, strlen(text)));
}

/* The same of bytes that are NULL where there are none. */
static inline bool
is_text(const char *bytes, size_t length)
{
	return length == 0 || (sched_mail_valid_utf8(bytes, length) && !memchr(bytes, '\0', length));
}

/*
 * A copy without a byte to spare, so that reading one too many is seen; with a NUL behind it for
 * parsers of strings. The caller frees it.
 */
static inline char *
copy_bytes(const uint8_t *data, size_t size)
{
	char *copy = calloc(size > 0 ? size : 1, 1);

	if (copy == NULL)
		abort();
	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

static inline char *
copy_string(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);

	if (copy == NULL)
		abort();
	if (size > 0)
		memcpy(copy, data, size);
	copy[size] = '\0';
	return copy;
}

/* The text in front of the first `separator`, as a string; the rest stays in data and size. */
static inline char *
cut_string(const uint8_t **data, size_t *size, char separator)
{
	const uint8_t *end = *size > 0 ? memchr(*data, separator, *size) : NULL;
	size_t length = end != NULL ? (size_t) (end - *data) : *size;
	char *part = copy_string(*data, length);

	*data += length + (end != NULL);
	*size -= length + (end != NULL);
	return part;
}

static inline bool
zone_find(const char *name, SchedZone *zone)
{
	static int offsets[] = {0, 3600, -18000, 50400, 20700};

	if (strchr(name, '/') == NULL && strcmp(name, "UTC") != 0)
		return false;
	zone->data = &offsets[strlen(name) % 5];
	zone->to_instant = fixed_to_instant;
	zone->to_civil = fixed_to_civil;
	return true;
}

/* The reference and the order of dates that a byte of the input asks for. */
static inline SchedWhenContext
make_context(uint8_t choice)
{
	static int offsets[] = {3600, 0, -39600, 50400};
	/* 2026, 2024-02-29, year 1, 9999, and both ends of the server's timestamps. */
	static const SchedInstant references[] = {INT64_C(825780600000000),
											  INT64_C(762523200000000),
											  INT64_C(-63082281600000000),
											  INT64_C(252455615999000000),
											  INT64_C(-211813488000000000) + 1,
											  INT64_C(9223371331199999999),
											  0,
											  INT64_C(846000000000000) - 1};

	return (SchedWhenContext){
		.reference = references[choice & 7],
		.zone = {&offsets[choice >> 3 & 3], fixed_to_instant, fixed_to_civil},
		.find_zone = choice & 0x20 ? zone_find : NULL,
		.date_order = (SchedDateOrder) ((choice >> 6) % 3),
	};
}

#endif
