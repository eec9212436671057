/*
 * fuzz.h - what the fuzz targets share: a time zone, checks of what came out, a copy of what goes in.
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

#include "mail/charset.h"
#include "time/when.h"

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

/* ---- a zone: a fixed offset in seconds, by counting (H. Hinnant's algorithms) ---- */

static inline SchedInstant
zone_to_instant(void *data, const SchedCivil *civil)
{
	int64_t year = (int64_t) civil->year - (civil->month <= 2);
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t of_era = year - era * 400;
	int64_t of_year = (153 * (civil->month + (civil->month > 2 ? -3 : 9)) + 2) / 5 + civil->day - 1;
	int64_t days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 730425;

	return (days * 86400 + civil->hour * 3600 + civil->minute * 60 + civil->second -
			*(const int *) data) *
		   SCHED_USECS_PER_SEC;
}

static inline void
zone_to_civil(void *data, SchedInstant instant, SchedCivil *civil)
{
	int64_t seconds =
		instant / SCHED_USECS_PER_SEC - (instant % SCHED_USECS_PER_SEC < 0) + *(const int *) data;
	int64_t day = seconds / 86400 - (seconds % 86400 < 0);
	int64_t rest = seconds - day * 86400;
	int64_t shifted = day + 730425;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t of_era = shifted - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;

	civil->day = (int) (of_year - (153 * month + 2) / 5 + 1);
	civil->month = (int) (month < 10 ? month + 3 : month - 9);
	civil->year = (int) (year + era * 400 + (civil->month <= 2));
	civil->hour = (int) (rest / 3600);
	civil->minute = (int) (rest / 60 % 60);
	civil->second = (int) (rest % 60);
}

static inline bool
zone_find(const char *name, SchedZone *zone)
{
	static int offsets[] = {0, 3600, -18000, 50400, 20700};

	if (strchr(name, '/') == NULL && strcmp(name, "UTC") != 0)
		return false;
	zone->data = &offsets[strlen(name) % 5];
	zone->to_instant = zone_to_instant;
	zone->to_civil = zone_to_civil;
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
		.zone = {&offsets[choice >> 3 & 3], zone_to_instant, zone_to_civil},
		.find_zone = choice & 0x20 ? zone_find : NULL,
		.date_order = (SchedDateOrder) ((choice >> 6) % 3),
	};
}

#endif
