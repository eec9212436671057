/*
 * lookup.h - rows read directly: one by a unique index, or a small table as a whole that is kept while it stays as it is.
 */
#ifndef SCHED_IDENTITY_LOOKUP_H
#define SCHED_IDENTITY_LOOKUP_H

#include "access/skey.h"
#include "executor/tuptable.h"

/* Called with the row found; the table's oid is for sched_identity_read_column(). */
typedef bool (*SchedReadRow)(TupleTableSlot *slot, Oid table, void *result);

/*
 * The one row that a unique index of a table of the extension has for these keys, whose attribute numbers count the
 * index's columns; false where there is none, no such table, or `read` says so.
 */
extern bool sched_identity_look_up(const char *table, const char *index, ScanKey keys, int n_keys,
								   SchedReadRow read, void *result);

/* A column by its name; false where it is NULL or not there. */
extern bool sched_identity_read_column(TupleTableSlot *slot, Oid table, const char *column,
									   Datum *value);

/* A table whose rows a process keeps. `is_fresh` and `generation` are the only fields to be read. */
typedef struct SchedKeptTable
{
	const char *name;
	Oid oid;
	bool is_fresh;
	bool is_known;
} SchedKeptTable;

/*
 * Reads every row where something has changed since the last time, also by a transaction that this one's snapshot does
 * not see; `is_fresh` stays false where the rows could not all be read. A statement trigger that calls
 * forget_kept_rows() must stand on the table.
 */
extern void sched_identity_read_kept(SchedKeptTable *table, SchedReadRow read, void *result);

/* Whether it has to be read again; also where it has never been read. */
extern bool sched_identity_kept_is_stale(SchedKeptTable *table);

#endif
