/*
 * kinds.h - what a process remembers of job_kinds.
 */
#ifndef SCHED_JOBS_KINDS_H
#define SCHED_JOBS_KINDS_H

#include "fmgr.h"
#include "utils/uuid.h"

#define SCHED_KIND_LENGTH 101

/*
 * One row of job_kinds. Belongs to the cache and stays at its address; its contents follow the
 * table.
 */
typedef struct SchedKind
{
	char name[SCHED_KIND_LENGTH]; /* key */
	uint64 generation;            /* of the cache when it was read */
	bool exists;
	pg_uuid_t owner;
	bool builtin;
	bool runner;                       /* neither the extension's nor shared: runs in a runner */
	bool external;                     /* no handler: somebody outside claims its jobs */
	char handler[2 * NAMEDATALEN + 8]; /* "" = none */
	char handler_many[2 * NAMEDATALEN + 8];
	char run_as[NAMEDATALEN];       /* "" = none */
	char enqueue_role[NAMEDATALEN]; /* "" = none */
	char worker_role[NAMEDATALEN];  /* may claim; "" = none */
	int max_attempts;
	int64 timeout_ms;
	int16 priority;
	int per_user_limit; /* 0 = none */
	bool announce;
	bool quick; /* for runners: its last call in this process was, and it is the same handler */

	/* Filled by sched_jobs_resolve_handler(). */
	uint64 resolved; /* generation of `function`; 0 = never */
	FmgrInfo function;
	FmgrInfo function_many; /* where handler_many is given */
	MemoryContext function_context;
	bool plain; /* a C function of ours: called without a subtransaction */
} SchedKind;

/* NULL where there is no such kind. Needs an SPI connection with rights on job_kinds. */
extern SchedKind *sched_jobs_find_kind(const char *name);

/* The same where it is remembered and not out of date: without SPI and rights. NULL where it has to be looked for. */
extern SchedKind *sched_jobs_recall_kind(const char *name);

/*
 * Looks the handler up for the role that will run it. NULL, or in words why it cannot be called.
 * Not inside a call of the same kind's handler: it may replace `function`.
 */
extern const char *sched_jobs_resolve_handler(SchedKind *kind, Oid role);

#endif
