/*
 * target.h - where a call goes, and what may stand in its request line and headers. Pure.
 */
#ifndef SCHED_HTTP_TARGET_H
#define SCHED_HTTP_TARGET_H

#include <stdbool.h>

/* A url taken apart; all strings malloc'ed, freed by sched_target_clear(). */
typedef struct SchedTarget
{
	char *url;  /* normalised, without fragment */
	char *host; /* lower case, no trailing dot, no brackets */
	char *path; /* without query */
	int port;
	bool https;
	bool address; /* the host is an IPv6 literal: needs brackets when shown */
} SchedTarget;

/*
 * Parses `url`, relative to `base` where base is not NULL (a redirect). NULL when fine, otherwise
 * words saying what is wrong (static) and an empty target.
 */
extern const char *sched_target_parse(SchedTarget *target, const char *base, const char *url);
extern void sched_target_clear(SchedTarget *target);
/* False without memory; then `target` is empty. */
extern bool sched_target_copy(SchedTarget *target, const SchedTarget *from);

/* "host:port", "[::1]:443" (malloc'ed; NULL without memory). */
extern char *sched_target_name(const SchedTarget *target);
extern bool sched_target_same_origin(const SchedTarget *a, const SchedTarget *b);

/* NULL when fine, otherwise what is wrong. */
extern const char *sched_target_check_method(const char *method);
extern const char *sched_target_check_header(const char *line);

/* Is `name` the name of this "Name: value" line? Case does not matter. */
extern bool sched_target_header_is(const char *line, const char *name);

#endif
