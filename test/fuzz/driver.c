/*
 * driver.c - feeds a fuzz target the files that are named, without libFuzzer.
 *
 *   NAME_check FILE ..           every file once
 *   NAME_grow --grow SECONDS FILE ..    each file grown by repeating its tail, 4, 16 and 64 times as long as
 *                                a base size: fails where four times the bytes cost more than eight times
 *                                the processor time, twice in a row (quadratic work); takes no new file
 *                                after so many seconds of processor time
 *
 * A sanitizer, or a check that fails, ends the process: the name of the file was printed before.
 */
#include <stdlib.h>
#include <time.h>

#include "fuzz.h"

#define BASE 65536
#define TOO_SHORT_TO_TELL 0.02 /* seconds */

static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static uint8_t *
read_whole(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = NULL;
	size_t room = 0;

	*size = 0;
	if (file == NULL)
	{
		perror(path);
		exit(2);
	}
	do
	{
		room += 65536;
		bytes = realloc(bytes, room);
		if (bytes == NULL)
			abort();
		*size += fread(bytes + *size, 1, room - *size, file);
	} while (*size == room);
	fclose(file);
	return bytes;
}

/* The bytes with those from `from` on repeated up to `length`. */
static uint8_t *
grow(const uint8_t *bytes, size_t size, size_t from, size_t length)
{
	uint8_t *grown = malloc(length);

	if (grown == NULL)
		abort();
	for (size_t i = 0; i < length; i++)
		grown[i] = i < size ? bytes[i] : bytes[from + (i - from) % (size - from)];
	return grown;
}

/* Processor time of one call; the better of two. */
static double
measure(const uint8_t *bytes, size_t size, size_t from, size_t length)
{
	uint8_t *grown = grow(bytes, size, from, length);
	double best = 1e9;

	for (int i = 0; i < 2; i++)
	{
		double start = cpu_seconds();
		double used;

		LLVMFuzzerTestOneInput(grown, length);
		used = cpu_seconds() - start;
		best = used < best ? used : best;
	}
	free(grown);
	return best;
}

/* Does the work grow faster than the input, from 4 to 16 and again from 16 to 64 times the base? */
static bool
grows_too_fast(const char *path, const uint8_t *bytes, size_t size, size_t from)
{
	double times[3];

	for (int i = 0; i < 2; i++)
		times[i] = measure(bytes, size, from, (size_t) BASE << (2 * i + 2));
	if (times[1] < TOO_SHORT_TO_TELL || times[1] < 8 * times[0])
		return false;
	/* Once may be a limit that was passed: what lies behind it is read in another way. */
	times[2] = measure(bytes, size, from, (size_t) BASE << 6);
	if (times[2] < 8 * times[1])
		return false;
	printf("%s: repeated from byte %zu on: %.4f s for %d kB, %.4f s for %d kB, %.4f s for %d kB\n",
		   path, from, times[0], BASE / 256, times[1], BASE / 64, times[2], BASE / 16);
	return true;
}

static bool
grow_file(const char *path, const uint8_t *bytes, size_t size)
{
	const uint8_t *line;
	size_t length = size;

	if (size == 0 || size > BASE / 4)
		return false;
	if (grows_too_fast(path, bytes, size, 0) || grows_too_fast(path, bytes, size, size / 2) ||
		grows_too_fast(path, bytes, size, size - 1))
		return true;
	while (length > 0 && bytes[length - 1] == '\n')
		length--;
	line = length > 0 ? memrchr(bytes, '\n', length) : NULL;
	return line != NULL && grows_too_fast(path, bytes, size, (size_t) (line + 1 - bytes));
}

int
main(int argc, char **argv)
{
	bool growing = argc > 2 && strcmp(argv[1], "--grow") == 0;
	double until = growing ? atof(argv[2]) : 1e9;
	bool slow = false;

	LLVMFuzzerInitialize(&argc, &argv);
	for (int i = growing ? 3 : 1; i < argc && cpu_seconds() < until; i++)
	{
		size_t size;
		uint8_t *bytes = read_whole(argv[i], &size);

		fprintf(stderr, "%s\n", argv[i]);
		if (growing)
			slow = grow_file(argv[i], bytes, size) || slow;
		else
			LLVMFuzzerTestOneInput(bytes, size);
		free(bytes);
	}
	return slow ? 1 : 0;
}
