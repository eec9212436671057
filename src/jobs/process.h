/*
 * process.h - the life of a background process of this room: its place in the table, its start
 * and its end.
 */
#ifndef SCHED_JOBS_PROCESS_H
#define SCHED_JOBS_PROCESS_H

#include "core/compat.h"
#include "jobs/shmem.h"

/* Entry points that the postmaster calls. */
extern PGDLLEXPORT SCHED_NORETURN void sched_jobs_launcher_main(Datum argument);
extern PGDLLEXPORT SCHED_NORETURN void sched_jobs_worker_main(Datum argument);
extern PGDLLEXPORT SCHED_NORETURN void sched_jobs_runner_main(Datum argument);

/* Registers the launcher; from _PG_init of the postmaster. */
extern void sched_jobs_register_launcher(void);

/* Reserves a place and asks the postmaster for a process; false where there is no room for one. */
extern bool sched_jobs_start_process(SchedProcessType type, Oid database);

/* How many processes of this type the database has or is about to have. */
extern int sched_jobs_count_processes(SchedProcessType type, Oid database);

/* Which of its database's workers this process is, from 0 on, and how many there are. */
extern int sched_jobs_rank_worker(int *workers);

/*
 * First thing in a worker or runner: signals, the place, the connection, settings that no ALTER
 * DATABASE may change, and the exit callback. Returns this process' place.
 */
extern SchedProcess *sched_jobs_begin_process(int place);

/* This process' place; NULL in a backend. */
extern SchedProcess *sched_jobs_my_process(void);

/*
 * From here on the loop looks whether it was asked to end, saves what is on its way and ends within
 * a second or so; where it does not, the process is ended.
 */
extern void sched_jobs_end_by_itself(void);
extern bool sched_jobs_asked_to_end(void);
/* Between these two a request to end interrupts what runs with an error. */
extern void sched_jobs_allow_interrupt(bool may_be);

/* Gives the memory that a burst of work left free back to the system: what is held is what is used. */
extern void sched_jobs_return_memory(void);

/* The extension's oid, or InvalidOid; needs a transaction. */
extern Oid sched_jobs_extension_oid(void);

/*
 * Begins a transaction that holds the extension in place. False, and no transaction, where
 * somebody is about to drop it: try again later. Ends the process where the extension is gone.
 */
extern bool sched_jobs_begin_step(Oid extension);
/* The same for a job that a transaction before this one took: also while somebody waits for its end. */
extern bool sched_jobs_continue_step(Oid extension);
extern void sched_jobs_end_step(void);

/* The extension's lock of those who begin something: its number beside the extension's oid. */
#define SCHED_BEGIN_LOCK 1

#endif
