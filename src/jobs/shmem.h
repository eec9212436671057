/*
 * shmem.h - what launcher, workers, runners and backends know of each other.
 *
 * One fixed area made by the postmaster, zeroed after a crash: everything in it can be found out
 * again. Fields are read and written under `lock`; the atomic counters without it.
 */
#ifndef SCHED_JOBS_SHMEM_H
#define SCHED_JOBS_SHMEM_H

#include "datatype/timestamp.h"
#include "port/atomics.h"
#include "storage/lwlock.h"
#include "utils/uuid.h"

#define SCHED_MAX_DATABASES 128
#define SCHED_MAX_PROCESSES 256
/* The launcher starts with the server and is started again after 5 s. */
#define SCHED_LAUNCHER_PATIENCE (10 * USECS_PER_SEC)

/*
 * What somebody tells the workers of a database: a counter each, which a worker compares with
 * what it saw last.
 */
typedef enum SchedSignal
{
	SCHED_SIGNAL_JOBS,      /* something is ready, or will be by the clock */
	SCHED_SIGNAL_QUEUES,    /* a queue may move on */
	SCHED_SIGNAL_CANCELS,   /* a running job was cancelled */
	SCHED_SIGNAL_CHANGES,   /* there are changes to number */
	SCHED_SIGNAL_ARMING,    /* arm() or disarm() */
	SCHED_SIGNAL_RUNNERS,   /* something is ready for a runner */
	SCHED_SIGNAL_SCHEDULES, /* a schedule was saved */
	SCHED_SIGNAL_ENDED,     /* a process ended and may have left jobs */
	SCHED_SIGNAL_READY,     /* something is ready, and nothing else is to be looked at */
	SCHED_SIGNAL_COUNT
} SchedSignal;

typedef enum SchedProcessType
{
	SCHED_PROCESS_FREE,
	SCHED_PROCESS_WORKER,
	SCHED_PROCESS_RUNNER
} SchedProcessType;

/* How many pairs of user and kind a process counts. */
#define SCHED_MAX_GOING 32

/* What one process has going on of a user and kind; see limits.c. */
typedef struct SchedGoing
{
	pg_uuid_t user_id;
	uint32 kind; /* hash of its name */
	int n;
} SchedGoing;

/*
 * A place in the table of processes: reserved by who starts one (pid 0), filled by the process
 * itself.
 */
typedef struct SchedProcess
{
	SchedProcessType type;
	Oid database;
	pid_t pid;
	int procno;         /* index into the server's table of processes, for its latch */
	uint64 incarnation; /* names the leases of this process; never used twice */
	int64 reserved_at;  /* by the steady clock */
	TimestampTz started_at;
	bool busy;                  /* inside a batch: ending now is not a clean end */
	bool asked_to_end;          /* it was sent the signal */
	pg_uuid_t job_id;           /* what a runner runs */
	bool armed;                 /* a worker: takes jobs */
	bool holds_row;             /* ... with its row locked: whoever cancels it waits */
	TimestampTz interrupted_at; /* first interrupt of a cancelled job; 0: none */
	uint64 jobs;
	uint64 failures;
	uint64 batches;
	uint64 calls;
	int in_flight;
	int waiting_calls;
	int n_going;
	SchedGoing going[SCHED_MAX_GOING];
} SchedProcess;

typedef enum SchedDatabaseState
{
	SCHED_DATABASE_UNKNOWN, /* start a worker, which looks for the extension */
	SCHED_DATABASE_RUNNING,
	SCHED_DATABASE_WITHOUT /* no extension at the last look */
} SchedDatabaseState;

/* Whose jobs: of the worker, or of the runners. */
typedef enum SchedLane
{
	SCHED_LANE_WORKERS,
	SCHED_LANE_RUNNERS,
	SCHED_LANE_COUNT
} SchedLane;

/* After an unclean end: so many jobs are still to be taken with a committed mark. */
#define SCHED_SUSPECT_JOBS 256
typedef struct SchedSuspicion
{
	int jobs;
	TimestampTz until; /* 0: not begun */
} SchedSuspicion;

typedef struct SchedDatabase
{
	Oid database; /* InvalidOid: free place */
	SchedDatabaseState state;
	TimestampTz retry_at; /* no start before */
	int failures;         /* ends in error in a row */
	bool armed;           /* as its workers saw it last */
	bool no_runner;       /* there is work for one more, but no free background process */
	int64 followed_clock; /* when a worker did, by the steady clock */
	SchedSuspicion suspicions[SCHED_LANE_COUNT];
	pid_t barred_by; /* backend that is about to drop or rename it; 0 = nobody */
	pg_atomic_uint64 signals[SCHED_SIGNAL_COUNT];
} SchedDatabase;

typedef struct SchedShared
{
	LWLock *lock;
	pid_t launcher_pid;
	int launcher_procno;
	TimestampTz launcher_due; /* where it is not there by then, something is wrong */
	bool no_room;             /* its last round found no free background process */
	bool crashed;             /* the server was not shut down cleanly before this start */
	int n_places;             /* of processes: those behind were never used */
	SchedDatabase databases[SCHED_MAX_DATABASES];
	SchedProcess processes[SCHED_MAX_PROCESSES];
} SchedShared;

/* NULL where the library was not preloaded. */
extern SchedShared *sched_jobs_shared;

/* Hooks and requests; from _PG_init of the postmaster. */
extern void sched_jobs_request_shared(void);

/*
 * The entry of a database, made where asked and there is room; the caller holds the lock
 * (exclusively to make one).
 */
extern SchedDatabase *sched_jobs_find_database(Oid database, bool make);

/* The entry of this process' database, or NULL; without the lock, for fields that are read at once. */
extern SchedDatabase *sched_jobs_my_database(void);

/* An end was not clean: marks for the next jobs of this lane. The caller holds the lock exclusively. */
extern void sched_jobs_suspect(SchedDatabase *entry, SchedLane lane);

/*
 * At the commit of this transaction, tells the workers of this database. Cheap; once per signal
 * and transaction.
 */
extern void sched_jobs_signal_at_commit(SchedSignal signal);
/* At commit, has the launcher look at this database for the extension. */
extern void sched_jobs_probe_at_commit(void);

/* At once. */
extern void sched_jobs_signal_workers(Oid database, SchedSignal signal);
extern void sched_jobs_wake_launcher(void);
extern void sched_jobs_wake_runners(Oid database);
/* Interrupts the runner of this database that runs this job now, if one does. */
extern void sched_jobs_interrupt_runner(const pg_uuid_t *job_id);
/* A runner that still runs a cancelled job so long after its interrupt caught it: it is ended. */
#define SCHED_INTERRUPT_PATIENCE (5 * USECS_PER_SEC)

/* Is a process with this incarnation alive? */
extern bool sched_jobs_incarnation_lives(uint64 incarnation);

#endif
