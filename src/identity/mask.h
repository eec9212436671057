/*
 * mask.h - which statements hand over a secret, and blanking what they hand over in a text for the log. Pure.
 *
 * Texts are changed in place, byte for byte: nothing is allocated and no text grows.
 */
#ifndef SCHED_IDENTITY_MASK_H
#define SCHED_IDENTITY_MASK_H

#include <stdbool.h>

/* Does this text name a function or view that takes a secret, a password or a token? */
extern bool sched_identity_names_secret(const char *text);

/* Are there literals in this statement? */
extern bool sched_identity_has_literals(const char *statement);

/* Blanks what stands in quotes in a text with SQL in it; one that is not closed to its end. */
extern void sched_identity_mask_literals(char *text);

/* Blanks in a message about a statement whatever stands in quotes in the statement. */
extern void sched_identity_mask_quoted(char *text, const char *statement);

#endif
