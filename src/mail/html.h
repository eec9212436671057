/*
 * html.h - the readable text of an HTML mail.
 *
 * Pure: libxml2's HTML parser as a stream of events, no tree, no network, no entities from files.
 * Blocks and <br> become line breaks, list items "- " or "1. ", table cells are set apart by a
 * space, <blockquote> becomes "> " lines, links leave their text, images their alternative text.
 * What a reader does not see (style, script, hidden elements) is dropped.
 */
#ifndef SCHED_MAIL_HTML_H
#define SCHED_MAIL_HTML_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"

/*
 * html is UTF-8. Appends the text to out; false where the markup was nested deeper than any
 * reader's (then the tags are only stripped).
 */
extern bool sched_mail_html_to_text(const char *html, size_t length, SchedMailBuffer *out);

/* The charset an HTML text declares of itself in a <meta>, copied into name; false if none. */
extern bool sched_mail_html_charset(const char *html, size_t length, char *name, size_t size);

#endif
