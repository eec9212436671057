/* jobs: arming, statistics, and what the workers do from time to time. */

CREATE FUNCTION scheduler.place_state(make boolean, OUT system_identifier text, OUT database_oid oid, OUT file text,
	OUT place text, OUT data_directory text, OUT bound boolean, OUT problem text, OUT hint text)
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_place_state';
COMMENT ON FUNCTION scheduler.place_state(boolean) IS
	'Where this server is: its identifier, this database, the contents of the place file, which is made where asked, and the data directory; bound: no other directory may act for this one, as scheduler.place_file is empty.';

CREATE FUNCTION scheduler.arm() RETURNS boolean
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	here record;
BEGIN
	IF NOT scheduler.caller_has_role('scheduler_admin') THEN
		RAISE EXCEPTION 'permission denied to arm this database' USING ERRCODE = '42501';
	END IF;
	SELECT * INTO here FROM scheduler.place_state(true);
	IF here.problem IS NOT NULL THEN
		RAISE EXCEPTION '%', here.problem USING ERRCODE = '58030', DETAIL = here.file, HINT = here.hint;
	END IF;
	INSERT INTO scheduler.armed_places AS a (system_identifier, database_oid, place, data_directory)
	VALUES (here.system_identifier, here.database_oid, here.place, here.data_directory)
	ON CONFLICT ON CONSTRAINT armed_places_pkey DO UPDATE SET system_identifier = excluded.system_identifier,
		database_oid = excluded.database_oid, place = excluded.place, data_directory = excluded.data_directory, armed_at = now();
	PERFORM scheduler.record_audit('database.armed'), scheduler.wake_workers('arming');
	RETURN true;
END
$body$;
COMMENT ON FUNCTION scheduler.arm() IS
	'Lets the workers run jobs of this database on this server and in this place; a copy of it stays still until armed itself.';

CREATE FUNCTION scheduler.disarm() RETURNS boolean
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	was_armed boolean;
BEGIN
	IF NOT scheduler.caller_has_role('scheduler_admin') THEN
		RAISE EXCEPTION 'permission denied to disarm this database' USING ERRCODE = '42501';
	END IF;
	DELETE FROM scheduler.armed_places;
	was_armed := FOUND;
	PERFORM scheduler.record_audit('database.disarmed'), scheduler.wake_workers('arming');
	RETURN was_armed;
END
$body$;
COMMENT ON FUNCTION scheduler.disarm() IS 'Stops claiming jobs; what runs is finished.';

CREATE FUNCTION scheduler.armed() RETURNS boolean
	LANGUAGE sql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT EXISTS (SELECT FROM scheduler.armed_places a, scheduler.place_state(false) AS here
		WHERE a.system_identifier = here.system_identifier AND a.database_oid = here.database_oid
			AND a.place = here.place AND (a.data_directory = here.data_directory OR NOT here.bound))
$body$;
COMMENT ON FUNCTION scheduler.armed() IS
	'Whether this very database, on this server and in this place, was armed: otherwise no job is claimed.';

/* NULL where a worker will run what is enqueued. */
CREATE FUNCTION scheduler.worker_problem(OUT cause text, OUT hint text, OUT failures integer,
	OUT no_runner boolean)
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_worker_problem';
COMMENT ON FUNCTION scheduler.worker_problem() IS
	'Why no worker runs this database''s jobs, and what to do; NULL where one does. failures: ends in error in a row.';
GRANT EXECUTE ON FUNCTION scheduler.arm(), scheduler.disarm(), scheduler.armed(), scheduler.worker_problem()
	TO scheduler_user;

CREATE VIEW scheduler.stat_jobs WITH (security_invoker = true) AS
	SELECT kind, status, count(*) AS jobs, min(run_at) FILTER (WHERE ready) AS oldest_due,
		max(attempts) AS most_attempts
	FROM scheduler.live_jobs
	GROUP BY kind, status;
COMMENT ON VIEW scheduler.stat_jobs IS 'Live jobs by kind and status; oldest_due is that of the one waiting longest.';

CREATE FUNCTION scheduler.worker_states() RETURNS TABLE (pid integer, type text, started_at timestamptz, idle boolean,
	job_id uuid, jobs bigint, failures bigint, batches bigint, calls bigint, in_flight integer, waiting_calls integer)
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_worker_states';
COMMENT ON FUNCTION scheduler.worker_states() IS 'The processes that work for this database.';
GRANT EXECUTE ON FUNCTION scheduler.worker_states() TO scheduler_viewer;
CREATE VIEW scheduler.stat_workers WITH (security_invoker = true) AS
	SELECT * FROM scheduler.worker_states();
COMMENT ON VIEW scheduler.stat_workers IS 'The processes that work for this database, and what they have done.';
GRANT SELECT ON scheduler.stat_jobs, scheduler.stat_workers TO scheduler_viewer;

/* The partition of one month of a parent, with the indexes of its default partition; true where it was made. */
CREATE FUNCTION scheduler.make_partition(parent text, month date) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	partition_name text := format('%s_%s', make_partition.parent, to_char(make_partition.month, 'YYYY_MM'));
BEGIN
	IF to_regclass(format('scheduler.%I', partition_name)) IS NOT NULL THEN
		RETURN false;
	END IF;
	EXECUTE format('CREATE TABLE scheduler.%I (LIKE scheduler.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS'
		' INCLUDING INDEXES INCLUDING COMPRESSION)', partition_name, make_partition.parent || '_default');
	EXECUTE format('ALTER TABLE scheduler.%I ENABLE ROW LEVEL SECURITY', partition_name);
	EXECUTE format('ALTER TABLE scheduler.%I FORCE ROW LEVEL SECURITY', partition_name);
	EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON scheduler.%I TO scheduler_system', partition_name);
	EXECUTE format('ALTER TABLE scheduler.%I OWNER TO scheduler_owner', partition_name);
	EXECUTE format('ALTER TABLE scheduler.%I ATTACH PARTITION scheduler.%I FOR VALUES FROM (%L) TO (%L)',
		make_partition.parent, partition_name, make_partition.month::timestamp AT TIME ZONE 'UTC',
		(make_partition.month + interval '1 month') AT TIME ZONE 'UTC');
	RETURN true;
END
$body$;
COMMENT ON FUNCTION scheduler.make_partition(text, date) IS
	'Makes the partition of a month where there is none; for the worker.';

/*
 * Partitions of the two months to come, of every table that goes by the month. The current month's is never made
 * here: its rows may be in the default partition already, where the first month of an installation stays. A table
 * that somebody else has locked, or whose default partition has rows of that month (a clock was wrong), is passed over.
 */
CREATE FUNCTION scheduler.make_partitions() RETURNS integer
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	wanted record;
	made integer := 0;
BEGIN
	FOR wanted IN
		SELECT c.relname AS parent, (date_trunc('month', now() AT TIME ZONE 'UTC')
			+ make_interval(months => ahead))::date AS month
		FROM pg_class c, generate_series(1, 2) AS ahead
		WHERE c.relnamespace = 'scheduler'::regnamespace AND c.relkind = 'p' ORDER BY c.relname, ahead
	LOOP
		BEGIN
			IF scheduler.make_partition(wanted.parent, wanted.month) THEN
				made := made + 1;
			END IF;
		EXCEPTION WHEN lock_not_available OR check_violation THEN
			RAISE LOG 'partition of % for % not made: %', wanted.parent, wanted.month, SQLERRM;
		END;
	END LOOP;
	RETURN made;
END
$body$;
COMMENT ON FUNCTION scheduler.make_partitions() IS
	'Makes the partitions of the coming two months and says how many; for the worker.';

/* Months that are over and have lost their last row. One that somebody reads just now waits for the next time. */
CREATE FUNCTION scheduler.drop_empty_partitions() RETURNS integer
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	partition_name text;
	has_rows boolean;
	dropped integer := 0;
BEGIN
	FOR partition_name IN
		SELECT c.relname FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_class c ON c.oid = i.inhrelid
		WHERE p.relnamespace = 'scheduler'::regnamespace AND p.relkind = 'p'
			AND c.relname ~ '_[0-9]{4}_[0-9]{2}$'
			AND to_date(right(c.relname, 7), 'YYYY_MM') < date_trunc('month', now() AT TIME ZONE 'UTC')
		ORDER BY c.relname
	LOOP
		BEGIN
			EXECUTE format('SELECT EXISTS (SELECT FROM scheduler.%I)', partition_name) INTO has_rows;
			IF NOT has_rows THEN
				EXECUTE format('DROP TABLE scheduler.%I', partition_name);
				dropped := dropped + 1;
			END IF;
		EXCEPTION WHEN lock_not_available THEN
			RAISE LOG 'empty partition % not dropped: %', partition_name, SQLERRM;
		END;
	END LOOP;
	RETURN dropped;
END
$body$;
COMMENT ON FUNCTION scheduler.drop_empty_partitions() IS
	'Drops the partitions of past months that are empty and says how many; for the worker.';

/*
 * Deletes what is over its time: finished jobs by their kind's retention, else by the policy; failed and dead ones by the
 * policy, or their kind's where that is longer; changes, runs of schedules. max_rows of each at a time, so that the
 * worker is not held up. For all users: owned by scheduler_system.
 */
CREATE FUNCTION scheduler.expire_jobs(max_rows bigint DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	deleted bigint;
	completed interval;
BEGIN
	IF NOT scheduler.caller_has_role('scheduler_admin') THEN
		RAISE EXCEPTION 'permission denied to apply retention' USING ERRCODE = '42501';
	END IF;
	completed := scheduler.retention_of('completed_jobs');
	/* The first condition lets the index on finished_at serve. */
	deleted := scheduler.expire_rows('finished_jobs', format('o.finished_at < %L AND o.finished_at < now() - coalesce('
		'(SELECT k.retention FROM scheduler.job_kinds k WHERE k.kind = o.kind), %L::interval)',
		now() - (SELECT least(completed, min(k.retention)) FROM scheduler.job_kinds k), completed), $1);
	deleted := deleted + scheduler.expire_rows('live_jobs', format('o.status IN (''failed'', ''dead'') AND o.finished_at'
		' < now() - greatest(%L::interval, (SELECT k.retention FROM scheduler.job_kinds k WHERE k.kind = o.kind))',
		scheduler.retention_of('failed_jobs')), $1);
	deleted := deleted + scheduler.expire_rows('changes',
		format('o.at < %L', now() - scheduler.retention_of('changes')), $1);
	deleted := deleted + scheduler.expire_rows('schedule_runs',
		format('o.due_at < %L', now() - scheduler.retention_of('schedule_runs')), $1);
	RETURN deleted;
END
$body$;
COMMENT ON FUNCTION scheduler.expire_jobs(bigint) IS
	'Deletes finished jobs, changes and runs of schedules that are over their retention; for all users.';
ALTER FUNCTION scheduler.expire_jobs(bigint) OWNER TO scheduler_system;
GRANT EXECUTE ON FUNCTION scheduler.expire_jobs(bigint) TO scheduler_admin;

CREATE FUNCTION scheduler.step_job_now(job_id uuid) RETURNS boolean
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_step_job_now';
COMMENT ON FUNCTION scheduler.step_job_now(uuid) IS
	'Runs a job in this session until it ends, sleeps or waits; calls are made with the transaction open. False where there is nothing to run.';

CREATE FUNCTION scheduler.run_job_now(job_id uuid) RETURNS scheduler.jobs
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	job scheduler.jobs;
BEGIN
	IF NOT scheduler.step_job_now(run_job_now.job_id) THEN
		RAISE EXCEPTION 'this job cannot be run now' USING ERRCODE = '55000',
			DETAIL = coalesce((SELECT 'It is ' || j.status || '.' FROM scheduler.jobs j
				WHERE j.job_id = run_job_now.job_id), 'There is no such job.');
	END IF;
	SELECT j.* INTO job FROM scheduler.jobs j WHERE j.job_id = run_job_now.job_id;
	RETURN job;
END
$body$;
COMMENT ON FUNCTION scheduler.run_job_now(uuid) IS
	'Runs one of the caller''s jobs in this session, without a worker, and returns it as it is then; for trying handlers out.';
GRANT EXECUTE ON FUNCTION scheduler.step_job_now(uuid), scheduler.run_job_now(uuid) TO scheduler_developer;
