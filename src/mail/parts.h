/*
 * parts.h - the structure of a mail: header lines and leaf parts, as slices of the raw bytes.
 *
 * Pure. The walk is ours and not GMime's parser because that one builds an object for every part
 * and header a hostile mail declares; here depth, parts and header lines are counted while walking
 * and nothing is copied. GMime decodes what is found (parameters, encoded words, transfer
 * encodings, addresses, dates).
 */
#ifndef SCHED_MAIL_PARTS_H
#define SCHED_MAIL_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"

#define SCHED_MAIL_MAX_DEPTH 50
#define SCHED_MAIL_MAX_PARTS 1000
#define SCHED_MAIL_MAX_HEADERS 500
#define SCHED_MAIL_MAX_HEADER_BYTES 262144 /* of all headers of a mail */
#define SCHED_MAIL_MAX_PART_HEADERS 40

/* One header field, still folded and encoded; points into the raw bytes. */
typedef struct SchedMailField
{
	const char *name;
	size_t name_length;
	const char *value;
	size_t value_length;
} SchedMailField;

/* A header block. */
typedef struct SchedMailFields
{
	SchedMailField *fields; /* array of the caller */
	int count;
	int max;
	bool only_content; /* keep Content-* alone: all that a nested part needs */
	bool cut;          /* there were more, or they were too long */
	bool malformed;    /* a line that is no header, or no empty line before the body */
	const char *body;
} SchedMailFields;

typedef enum SchedMailEncoding
{
	SCHED_MAIL_PLAIN, /* 7bit, 8bit, binary */
	SCHED_MAIL_BASE64,
	SCHED_MAIL_QUOTED,
	SCHED_MAIL_UU
} SchedMailEncoding;

/*
 * A part without parts of its own. Strings are malloc'ed UTF-8 and go with sched_mail_tree_free().
 */
typedef struct SchedMailLeaf
{
	char *type; /* "text/plain", lower case */
	char *charset;
	char *name;      /* file name, NULL if none */
	bool attachment; /* Content-Disposition says so */
	bool flowed;     /* format=flowed */
	bool delsp;
	int alternative;    /* leaves of one multipart/alternative share a number > 0 */
	int enclosing;      /* message/rfc822 parts around this leaf */
	bool opens_message; /* no content: an attached message begins, its header is `content` */
	SchedMailEncoding encoding;
	const char *content;
	size_t length;
} SchedMailLeaf;

typedef struct SchedMailTree
{
	SchedMailLeaf *leaves;
	int count;
	int capacity;
	int alternatives;
	bool too_deep;
	bool too_many;
	bool no_boundary;      /* multipart without a usable boundary: taken as text */
	bool no_end;           /* the closing boundary is missing: cut off in transfer */
	bool unknown_encoding; /* taken as it stands */
	bool malformed_header;
	bool encrypted;
	bool failed; /* out of memory */
} SchedMailTree;

/* Cuts a header block; leaves `body` behind the empty line. */
extern void sched_mail_cut_fields(const char *text, const char *end, SchedMailFields *fields);

/* First field of that name (any case), or NULL. */
extern const SchedMailField *sched_mail_find_field(const SchedMailFields *fields, const char *name);

/* A field's value on one line, malloc'ed, at most `limit` bytes; not decoded. */
extern char *sched_mail_field_line(const SchedMailField *field, size_t limit);

/* Finds the leaves of a mail whose header is already cut. */
extern void sched_mail_walk(const SchedMailFields *header, const char *end, SchedMailTree *tree);
extern void sched_mail_tree_free(SchedMailTree *tree);

/*
 * Undoes the transfer encoding into out (up to its limit); false where bytes are not of the
 * encoding.
 */
extern bool sched_mail_decode_leaf(const SchedMailLeaf *leaf, SchedMailBuffer *out);

/* How many bytes a leaf has when decoded, without keeping them. */
extern size_t sched_mail_measure_leaf(const SchedMailLeaf *leaf);

#endif
