/*
 * tap.h - the few lines of TAP that the unit tests need.
 */
#ifndef TEST_UNIT_TAP_H
#define TEST_UNIT_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static int tap_count = 0;
static int tap_failures = 0;

/* Prints one result line; the name is a printf format. Returns the condition. */
static bool
ok(bool condition, const char *format, ...)
{
	va_list arguments;

	tap_count++;
	if (!condition)
		tap_failures++;
	printf("%s %d - ", condition ? "ok" : "not ok", tap_count);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	return condition;
}

/* Prints the plan; the exit status of main(). */
static int
done_testing(void)
{
	printf("1..%d\n", tap_count);
	return tap_failures == 0 ? 0 : 1;
}

#endif
