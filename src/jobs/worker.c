/*
 * worker.c - the network loop: takes jobs, calls handlers, keeps calls in flight, and sleeps
 * when there is nothing.
 *
 * One process per database and scheduler.workers. It owns every transaction it opens; none is open while a call
 * flies or it waits. An expected failure is an outcome of a job; an error outside a subtransaction repeats the batch with
 * one for each job, an error at commit one job at a time; anything else ends the process, and the launcher starts it
 * again with back-off.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/pmsignal.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/bucket.h"
#include "core/fault.h"
#include "core/settings.h"
#include "core/steady.h"
#include "http/host_stats.h"
#include "jobs/batch.h"
#include "jobs/claim.h"
#include "jobs/clock.h"
#include "jobs/duties.h"
#include "jobs/flight_rows.h"
#include "jobs/mark.h"
#include "jobs/place.h"
#include "jobs/process.h"
#include "jobs/store.h"
#include "jobs/worker.h"

/* Numbers of changes are published at most five times a second. */
#define CHANGE_PAUSE (200 * 1000)
#define SEAL_PAUSE (10 * USECS_PER_SEC)
#define HOUSE_PAUSE (3600 * USECS_PER_SEC)
/* A part of it was done, or it could not be done. */
#define HOUSE_RETRY (2 * USECS_PER_SEC)
/* A duty that ran into somebody's lock. */
#define PAUSE_AFTER_REFUSAL (100 * 1000)
/* How long a worker that is asked to end waits for answers. */
#define ANSWER_PATIENCE_MS 1000

/* Has anybody signalled this since the worker looked last? */
static bool
was_signalled(SchedWorker *worker, SchedSignal signal)
{
	uint64 now = pg_atomic_read_u64(&worker->database->signals[signal]);
	bool news = now != worker->seen[signal];

	worker->seen[signal] = now;
	return news;
}

/*
 * A duty in a step of its own. False where it could not be done now; anything unexpected goes
 * up.
 */
static bool
do_duty(SchedWorker *worker, void (*duty)(SchedWorker *worker))
{
	volatile bool done = false;

	if (!sched_jobs_open_step(worker))
		return false;
	PG_TRY();
	{
		duty(worker);
		SCHED_FAULT("duty");
		sched_jobs_end_step();
		SCHED_FAULT("duty_done");
		done = true;
	}
	PG_CATCH();
	{
		sched_jobs_allow_interrupt(false);
		sched_jobs_stand_back(worker->memory);
	}
	PG_END_TRY();
	return done;
}

/* What is due already but could not be done now must not make a busy loop. */
static TimestampTz
not_at_once(TimestampTz next)
{
	return Max(next, GetCurrentTimestamp() + 1000);
}

/* Due rules enqueue their jobs. */
static void
fire_schedules(SchedWorker *worker)
{
	worker->schedules_at = not_at_once(sched_jobs_fire_schedules());
}

/* Delayed jobs become ready. */
static void
mark_due(SchedWorker *worker)
{
	worker->due_at = not_at_once(sched_jobs_mark_due());
}

/* Free queues get their next job. */
static void
advance_queues(SchedWorker *worker)
{
	worker->queues_at = not_at_once(sched_jobs_advance_queues());
}

/*
 * Asks the tables and the place file, and tells enqueuers and runners. Only its first look is one at
 * everything, whatever the answer: later ones follow what was signalled.
 */
static void
look_round(SchedWorker *worker)
{
	TimestampTz next_schedule;
	bool unsealed;

	worker->armed = sched_jobs_look_round(&worker->work, &unsealed, &next_schedule);
	worker->seals_wanted = unsealed && GetCurrentTimestamp() >= worker->seals_after;
	worker->schedules_at = Min(worker->schedules_at, next_schedule);
	worker->check_at = GetCurrentTimestamp() + (int64) sched_poll_interval * 1000;
	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	worker->database->armed = worker->process->armed = worker->armed;
	LWLockRelease(sched_jobs_shared->lock);
}

static void
ask_for_runner_work(SchedWorker *worker)
{
	worker->runner_work = sched_jobs_has_runner_work();
}

/*
 * More runners while there is more work than they take; they end by themselves when idle. Where no process is free, that
 * is told once, and tried again each second.
 */
static void
look_after_runners(SchedWorker *worker, TimestampTz now)
{
	int running = sched_jobs_count_processes(SCHED_PROCESS_RUNNER, MyDatabaseId);

	worker->runners_at = now + PAUSE_AFTER_REFUSAL;
	if (!do_duty(worker, ask_for_runner_work))
		return;
	worker->runners_at = DT_NOEND;
	worker->database->no_runner = false;
	if (!worker->runner_work)
		return;
	sched_jobs_wake_runners(MyDatabaseId);
	worker->runners_at = now + USECS_PER_SEC;
	if (running >= sched_runners)
		return;
	if (sched_jobs_start_process(SCHED_PROCESS_RUNNER, MyDatabaseId))
	{
		worker->runners_at = now + 100 * 1000;
		worker->told_no_room = false;
		return;
	}
	/* For doctor(), as long as it lasts. */
	worker->database->no_runner = true;
	if (!worker->told_no_room)
		ereport(LOG, (errmsg("no background process is free for a runner"),
					  errhint("Raise max_worker_processes.")));
	worker->told_no_room = true;
}

/* Whatever somebody signalled becomes due now. */
static void
read_signals(SchedWorker *worker, TimestampTz now)
{
	if (was_signalled(worker, SCHED_SIGNAL_ARMING))
		worker->check_at = 0;
	if (was_signalled(worker, SCHED_SIGNAL_JOBS))
	{
		sched_jobs_refresh_claimer(worker->claimer);
		worker->due_at = Min(worker->due_at, now);
	}
	if (was_signalled(worker, SCHED_SIGNAL_READY))
		sched_jobs_refresh_claimer(worker->claimer);
	if (was_signalled(worker, SCHED_SIGNAL_QUEUES))
		worker->queues_at = Min(worker->queues_at, Max(now, worker->queues_after));
	if (was_signalled(worker, SCHED_SIGNAL_RUNNERS))
		worker->runners_at = worker->due_at = now;
	if (was_signalled(worker, SCHED_SIGNAL_SCHEDULES))
		worker->schedules_at = now;
	if (was_signalled(worker, SCHED_SIGNAL_CHANGES))
		worker->changes_wanted = true;
	if (was_signalled(worker, SCHED_SIGNAL_ENDED))
		worker->orphans_wanted = true;
	if (was_signalled(worker, SCHED_SIGNAL_CANCELS))
		worker->cancels_wanted = true;
}

/*
 * Once per poll_interval everything is looked at: for what nobody could signal, as a prepared
 * transaction.
 */
static void
look_at_all(SchedWorker *worker, TimestampTz now)
{
	worker->check_at = now + PAUSE_AFTER_REFUSAL;
	sched_jobs_return_memory();
	worker->work = true;
	if (do_duty(worker, look_round) && !worker->work && worker->looked)
		return;
	worker->looked = true;
	sched_jobs_refresh_claimer(worker->claimer);
	worker->due_at = worker->queues_at = worker->schedules_at = worker->runners_at = now;
	worker->changes_wanted = worker->orphans_wanted = true;
}

/* The duty's part of work_on_cancels(). */
static void
interrupt_cancelled(SchedWorker *worker)
{
	/* A handler that catches the interrupt goes on: see again, until its process ends. */
	if (sched_jobs_interrupt_cancelled())
		worker->cancels_at = GetCurrentTimestamp() + USECS_PER_SEC;
}

static void
cancel_flights(SchedWorker *worker)
{
	sched_jobs_cancel_flights(worker->process->incarnation);
}

/* Calls in flight are given up, runners interrupted. */
static void
work_on_cancels(SchedWorker *worker)
{
	bool done = true;

	worker->cancels_at = DT_NOEND;
	if (sched_jobs_flights_waiting() + sched_jobs_flights_in_air() > 0)
		done = do_duty(worker, cancel_flights);
	if (done && sched_jobs_count_processes(SCHED_PROCESS_RUNNER, MyDatabaseId) > 0)
		done = do_duty(worker, interrupt_cancelled);
	worker->cancels_wanted = false;
	if (!done)
		worker->cancels_at = GetCurrentTimestamp() + PAUSE_AFTER_REFUSAL;
	sched_jobs_drive_flights();
}

/* There may be more than one transaction's worth: it asks to be done again. */
static void
number_changes(SchedWorker *worker)
{
	worker->changes_wanted = sched_jobs_number_changes();
}

/*
 * Once per poll_interval, portion by portion: who appends to the audit log signals nobody. Where nothing could be sealed
 * there is no key, or somebody else is at it: not at once again.
 */
static void
seal_audit_log(SchedWorker *worker)
{
	int64 sealed = sched_jobs_seal_audit_log();

	worker->seals_wanted = sealed >= SCHED_SEAL_PORTION;
	if (sealed == 0)
		worker->seals_after = GetCurrentTimestamp() + SEAL_PAUSE;
}

/* Jobs of processes that are no more. */
static void
free_orphans(SchedWorker *worker)
{
	sched_jobs_free_dead_leases(worker->process->incarnation);
	worker->orphans_wanted = false;
}

/* Once an hour, in small portions until nothing is left. */
static void
keep_house(SchedWorker *worker)
{
	bool done;

	/* It may make many tables; who waits for this process to end does not wait for them. */
	sched_jobs_allow_interrupt(true);
	done = sched_jobs_keep_house();
	sched_jobs_allow_interrupt(false);
	if (done)
		worker->house_at = GetCurrentTimestamp() + HOUSE_PAUSE;
}

/* A duty may have made jobs ready, for this worker or for runners. */
static void
look_for_new_work(SchedWorker *worker, TimestampTz now)
{
	sched_jobs_refresh_claimer(worker->claimer);
	worker->runners_at = now;
}

static void
move_waiting(SchedWorker *worker)
{
	sched_jobs_move_waiting();
	worker->due_at = worker->schedules_at = worker->queues_at = 0;
}

/* After the clock was set back every time that was noted lies too far away: all is due now. */
static void
follow_clock(SchedWorker *worker)
{
	if (sched_jobs_clock_was_set_back(worker->database))
	{
		sched_jobs_restart_claimer(worker->claimer);
		worker->check_at = worker->changes_after = worker->queues_after = worker->seals_after = 0;
		worker->orphans_after = worker->house_at = 0;
		worker->cancels_wanted = true;
	}
	if (sched_jobs_clock_work_at() <= sched_core_steady_now())
		do_duty(worker, move_waiting);
}

/* What was signalled, and whether this database is still armed where somebody says otherwise or it is time to ask. */
static void
look_for_news(SchedWorker *worker)
{
	TimestampTz now = GetCurrentTimestamp();

	follow_clock(worker);
	read_signals(worker, now);
	if (now >= worker->check_at)
		look_at_all(worker, now);
}

/* The duties that are due; those that move jobs only where the database is armed. */
static void
do_duties(SchedWorker *worker)
{
	TimestampTz now = GetCurrentTimestamp();

	if (worker->changes_wanted && now >= worker->changes_after)
	{
		worker->changes_after = now + CHANGE_PAUSE;
		do_duty(worker, number_changes);
	}
	if (worker->seals_wanted)
	{
		worker->seals_wanted = false;
		do_duty(worker, seal_audit_log);
	}
	if (worker->cancels_wanted || now >= worker->cancels_at)
		work_on_cancels(worker);
	if (!worker->armed)
		return;
	if (worker->orphans_wanted && now >= worker->orphans_after)
	{
		worker->orphans_after = now + PAUSE_AFTER_REFUSAL;
		do_duty(worker, free_orphans);
	}
	if (now >= worker->schedules_at)
	{
		worker->schedules_at = now + PAUSE_AFTER_REFUSAL;
		do_duty(worker, fire_schedules);
	}
	if (now >= worker->due_at)
	{
		worker->due_at = now + PAUSE_AFTER_REFUSAL;
		do_duty(worker, mark_due);
		look_for_new_work(worker, now);
	}
	if (now >= worker->queues_at)
	{
		worker->queues_at = now + PAUSE_AFTER_REFUSAL;
		do_duty(worker, advance_queues);
		/* At most a tenth of the time goes into looking through the queues. */
		worker->queues_after = GetCurrentTimestamp();
		worker->queues_after += 9 * (worker->queues_after - now);
		look_for_new_work(worker, now);
	}
	if (now >= worker->runners_at)
		look_after_runners(worker, now);
	if (now >= worker->house_at)
	{
		worker->house_at = now + HOUSE_RETRY;
		do_duty(worker, keep_house);
	}
}

/* In a step of its own: the requests and their secrets are read. */
static void
launch_flights(SchedWorker *worker)
{
	sched_jobs_launch_flights(worker->process->incarnation);
}

/* Calls whose requests are durable go before anything that waits for the disk. */
static void
move_flights(SchedWorker *worker)
{
	bool launched;

	sched_jobs_drive_flights();
	if (!worker->armed || !sched_jobs_flights_wait_for_launch())
		return;
	launched = do_duty(worker, launch_flights);
	sched_jobs_end_launch(launched);
	if (!launched)
		return;
	if (sched_jobs_flights_in_air() > 0)
		SCHED_FAULT("sent");
	sched_jobs_drive_flights();
}

/* Answers, then new jobs, then calls; sets `more` where another round will find something. */
static void
do_jobs(SchedWorker *worker)
{
	int taken;

	worker->more = false;
	move_flights(worker);
	if (sched_jobs_work_on_answers(worker) > 0)
	{
		worker->more = sched_jobs_flights_answered();
		move_flights(worker);
	}
	MemoryContextReset(worker->memory);
	if (worker->held || (worker->armed && !sched_jobs_claimer_is_idle(worker->claimer)))
	{
		if (worker->held || sched_jobs_is_suspect(SCHED_LANE_WORKERS))
			taken = sched_jobs_work_on_marked(worker);
		else
			taken = sched_jobs_work_on_claims(worker);
		worker->more |= taken > 0 || !sched_jobs_claimer_is_idle(worker->claimer);
	}
	move_flights(worker);
	worker->process->in_flight = sched_jobs_flights_in_air();
	worker->process->waiting_calls = sched_jobs_flights_waiting();
	worker->more |= sched_jobs_flights_answered();
	MemoryContextReset(worker->memory);
}

/*
 * Has anybody signalled anything since the worker looked last? Its latch does not tell: a handler or a duty that waited
 * for a lock has reset it.
 */
static bool
has_news(const SchedWorker *worker)
{
	for (int s = 0; s < SCHED_SIGNAL_COUNT; s++)
		if (pg_atomic_read_u64(&worker->database->signals[s]) != worker->seen[s])
			return true;
	return false;
}

/* Milliseconds until something is due; -1 = nothing is. */
static long
find_pause(SchedWorker *worker)
{
	TimestampTz next = worker->check_at;
	TimestampTz now = GetCurrentTimestamp();
	long flight = sched_jobs_flight_timeout_ms();
	long held = sched_jobs_flights_held_ms();
	long pause;

	if (worker->blocked)
	{
		worker->blocked = false;
		return 50;
	}
	if (has_news(worker) || worker->more || worker->seals_wanted ||
		(worker->armed && !sched_jobs_claimer_is_idle(worker->claimer)))
		return 0;
	if (worker->changes_wanted)
		next = Min(next, worker->changes_after);
	if (sched_jobs_clock_work_at() != PG_INT64_MAX)
		next = Min(next, now + USECS_PER_SEC);
	next = Min(next, worker->cancels_at);
	/* Unarmed it does none of these: they would be due for ever. */
	if (worker->armed)
	{
		if (worker->orphans_wanted)
			next = Min(next, worker->orphans_after);
		next = Min(next, sched_jobs_claimer_returns_at(worker->claimer));
		next = Min(next, Min(worker->due_at, worker->queues_at));
		next = Min(next, Min(worker->schedules_at, worker->runners_at));
		next = Min(next, worker->house_at);
	}
	pause = TimestampDifferenceMilliseconds(now, next);
	if (worker->armed && held >= 0)
		pause = Min(pause, held);
	return flight >= 0 ? Min(pause, flight) : pause;
}

/* The only place where the worker sleeps; interrupts and reloads are taken here. */
static void
wait_for_something(SchedWorker *worker)
{
	int events = WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH | WL_SOCKET_READABLE;
	long pause = find_pause(worker);

	if (pause > 0)
		WaitLatchOrSocket(MyLatch, events, sched_jobs_flight_descriptor(), pause,
						  PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	/* With a backlog it never waits, which is where the end of the postmaster is noticed otherwise. */
	if (!PostmasterIsAlive())
		proc_exit(1);
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
		sched_jobs_reconfigure_flights();
		worker->check_at = 0;
	}
}

/*
 * The entry of this database, told that a worker of it lives; ends the process where there is no
 * extension.
 */
static void
join_database(SchedWorker *worker)
{
	StartTransactionCommand();
	worker->extension = sched_jobs_extension_oid();
	CommitTransactionCommand();
	LWLockAcquire(sched_jobs_shared->lock, LW_EXCLUSIVE);
	worker->database = sched_jobs_find_database(MyDatabaseId, true);
	if (worker->database != NULL)
		worker->database->state =
			OidIsValid(worker->extension) ? SCHED_DATABASE_RUNNING : SCHED_DATABASE_WITHOUT;
	LWLockRelease(sched_jobs_shared->lock);
	if (!OidIsValid(worker->extension))
	{
		sched_core_forget_buckets(MyDatabaseId);
		sched_http_forget_hosts(MyDatabaseId);
	}
	if (worker->database == NULL || !OidIsValid(worker->extension))
		proc_exit(0);
	/* It looked when this process started and knew not yet what it would find. */
	if (sched_workers > 1)
		sched_jobs_wake_launcher();
}

/* In a step of its own: what another worker may send, or send again. */
static void
return_flights(SchedWorker *worker)
{
	sched_jobs_return_flights(worker->process->incarnation);
}

/*
 * Asked to end: the answers of calls that nobody may repeat are waited for a little, then all other calls are given back.
 * What was sent, may not be repeated and is not answered by then will be answered as lost.
 */
static void
end_cleanly(SchedWorker *worker)
{
	TimestampTz start = GetCurrentTimestamp();
	long left = ANSWER_PATIENCE_MS;

	while (worker->armed && left > 0 &&
		   (sched_jobs_flights_unrepeatable() > 0 || sched_jobs_flights_answered()))
	{
		long pause = Min(left, 50);

		if (!sched_jobs_flights_answered())
			WaitLatchOrSocket(MyLatch, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH | WL_SOCKET_READABLE,
							  sched_jobs_flight_descriptor(), pause, PG_WAIT_EXTENSION);
		CHECK_FOR_INTERRUPTS();
		sched_jobs_drive_flights();
		sched_jobs_work_on_answers(worker);
		MemoryContextReset(worker->memory);
		left = ANSWER_PATIENCE_MS - (GetCurrentTimestamp() - start) / 1000;
		left = Min(left, ANSWER_PATIENCE_MS);
	}
	do_duty(worker, return_flights);
	worker->process->busy = false;
	proc_exit(0);
}

/* Never returns: ends by signal, by error, or in sched_jobs_open_step() when the extension is gone. */
void
sched_jobs_worker_main(Datum argument)
{
	SchedWorker *worker = MemoryContextAllocZero(TopMemoryContext, sizeof(SchedWorker));

	worker->process = sched_jobs_begin_process(DatumGetInt32(argument));
	join_database(worker);
	worker->memory =
		AllocSetContextCreate(TopMemoryContext, "scheduler batch", ALLOCSET_DEFAULT_SIZES);
	worker->claimer = sched_jobs_make_claimer(false);
	worker->batch_size = SCHED_BATCH_SIZE;
	worker->answer_size = SCHED_ANSWER_BATCH;
	worker->queues_at = worker->schedules_at = worker->runners_at = DT_NOEND;
	worker->due_at = worker->cancels_at = DT_NOEND;
	sched_jobs_prepare_deadline();
	sched_jobs_open_flights();
	sched_jobs_end_by_itself();
	for (;;)
	{
		/* An error in either ends the process, and the next one comes with back-off. */
		worker->process->busy = true;
		if (sched_jobs_asked_to_end())
			end_cleanly(worker);
		look_for_news(worker);
		/* First: whoever has just enqueued waits for nothing but this. */
		do_jobs(worker);
		do_duties(worker);
		worker->process->busy = false;
		wait_for_something(worker);
	}
}
