/* jobs: kinds, and how a job comes, goes and is waited for. */

CREATE FUNCTION scheduler.enqueue(kind text, payload jsonb DEFAULT '{}', run_at timestamptz DEFAULT now(),
	priority integer DEFAULT NULL, unique_key text DEFAULT NULL, queue text DEFAULT NULL,
	unique_mode text DEFAULT 'keep', user_id uuid DEFAULT NULL) RETURNS uuid
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_enqueue';
COMMENT ON FUNCTION scheduler.enqueue(text, jsonb, timestamptz, integer, text, text, text, uuid) IS
	'Adds a job, or returns the live one with the same unique_key; priority 0 goes first, NULL is the kind''s.';

CREATE FUNCTION scheduler.enqueue_many(kind text, payloads jsonb[], run_at timestamptz DEFAULT now(),
	priority integer DEFAULT NULL, queue text DEFAULT NULL, user_id uuid DEFAULT NULL) RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_enqueue_many';
COMMENT ON FUNCTION scheduler.enqueue_many(text, jsonb[], timestamptz, integer, text, uuid) IS
	'Adds a job for each payload, in their order, and returns how many.';
GRANT EXECUTE ON FUNCTION
	scheduler.enqueue(text, jsonb, timestamptz, integer, text, text, text, uuid),
	scheduler.enqueue_many(text, jsonb[], timestamptz, integer, text, uuid)
	TO scheduler_user;

/* The built-in kind that does nothing, for measuring. */
CREATE FUNCTION scheduler.handle_noop(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_handle_noop';
COMMENT ON FUNCTION scheduler.handle_noop(scheduler.job, scheduler.http_response) IS
	'Handler of kind noop: succeeds without a result.';

/*
 * How a room of the extension declares a kind of its own; dropped by finish.sql. enqueue_role NULL: only functions of
 * the extension enqueue it.
 */
CREATE FUNCTION scheduler.install_job_kind(kind text, handler text, max_attempts integer DEFAULT 10,
	timeout interval DEFAULT '30 seconds', priority integer DEFAULT 5, enqueue_role text DEFAULT NULL,
	per_user_limit integer DEFAULT NULL, retention interval DEFAULT NULL, announce boolean DEFAULT false,
	handler_many text DEFAULT NULL) RETURNS void
	LANGUAGE sql
	SET search_path = pg_catalog, pg_temp
	AS $body$
	INSERT INTO scheduler.job_kinds (kind, owner_id, handler, builtin, max_attempts, timeout, priority,
		enqueue_role, per_user_limit, retention, announce, handler_many)
	VALUES ($1, scheduler.system_user_id(), $2, true, $3, $4, $5, $6, $7, $8, $9, $10)
$body$;
SELECT scheduler.install_job_kind('noop', 'scheduler.handle_noop', enqueue_role => 'scheduler_user',
	retention => '1 day');

/* Looks with the eyes of that role: the function may lie in a schema that scheduler_owner cannot use. */
CREATE FUNCTION scheduler.checked_handler(handler text, role_name text) RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_checked_handler';
COMMENT ON FUNCTION scheduler.checked_handler(text, text) IS
	'The qualified name of a function that this role may use as a handler.';

/* Name of the role outside definer functions: who registers. */
CREATE FUNCTION scheduler.outer_role() RETURNS text
	LANGUAGE c STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'sched_sql_outer_role';
COMMENT ON FUNCTION scheduler.outer_role() IS 'The role that called, seen from inside a function that runs with other rights.';

/* Without a handler: whoever may claim its jobs (claims.sql) works on them. */
CREATE FUNCTION scheduler.register_job_kind(kind text, handler text DEFAULT NULL, max_attempts integer DEFAULT 10,
	timeout interval DEFAULT '30 seconds', priority integer DEFAULT 5, run_as text DEFAULT NULL,
	enqueue_role text DEFAULT NULL, per_user_limit integer DEFAULT NULL, retention interval DEFAULT NULL,
	announce boolean DEFAULT false, shared boolean DEFAULT false, worker_role text DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	caller text := scheduler.outer_role();
	owner uuid := scheduler.required_user_id();
	is_admin boolean := scheduler.caller_has_role('scheduler_admin');
	is_superuser boolean := (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = scheduler.outer_role());
	external boolean := register_job_kind.handler IS NULL;
	executor text := coalesce(register_job_kind.run_as, scheduler.outer_role());
	existing scheduler.job_kinds;
BEGIN
	IF NOT scheduler.caller_has_role('scheduler_developer') AND NOT is_admin THEN
		RAISE EXCEPTION 'permission denied to register a job kind' USING ERRCODE = '42501',
			HINT = format('GRANT scheduler_developer TO %I', caller);
	END IF;
	PERFORM scheduler.refuse_old_snapshot();
	SELECT * INTO existing FROM scheduler.job_kinds k WHERE k.kind = register_job_kind.kind FOR UPDATE;
	IF existing.builtin THEN
		RAISE EXCEPTION 'kind "%" belongs to the extension', existing.kind USING ERRCODE = '42501';
	ELSIF existing.owner_id <> owner AND NOT is_admin THEN
		RAISE EXCEPTION 'kind "%" belongs to another user', existing.kind USING ERRCODE = '42501';
	END IF;
	IF (register_job_kind.enqueue_role IS NOT NULL OR register_job_kind.worker_role IS NOT NULL) AND NOT is_admin THEN
		RAISE EXCEPTION 'only an administrator opens a kind to others' USING ERRCODE = '42501',
			HINT = 'Leave enqueue_role and worker_role out; you can enqueue and claim your own kind.';
	END IF;
	IF register_job_kind.shared AND NOT is_superuser THEN
		RAISE EXCEPTION 'only a superuser marks a kind as shared' USING ERRCODE = '42501',
			DETAIL = 'A shared kind runs inside the worker like one of the extension''s own.';
	END IF;
	IF external AND (register_job_kind.run_as IS NOT NULL OR register_job_kind.shared)
		OR NOT external AND register_job_kind.worker_role IS NOT NULL THEN
		RAISE EXCEPTION 'a kind has either a handler or a worker_role' USING ERRCODE = '22023',
			HINT = 'run_as and shared say how a handler runs, worker_role who claims jobs that have none.';
	END IF;
	IF external THEN
		PERFORM scheduler.check_worker_role(register_job_kind.worker_role);
	END IF;
	PERFORM FROM pg_roles r WHERE r.rolname = executor;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'role "%" does not exist', executor USING ERRCODE = '42704';
	END IF;
	IF NOT pg_has_role(caller, executor, 'MEMBER') THEN
		RAISE EXCEPTION 'permission denied to run jobs as role "%"', executor USING ERRCODE = '42501';
	END IF;
	IF executor ~ '^scheduler_(owner|system)$' THEN
		RAISE EXCEPTION 'jobs cannot run as role "%"', executor USING ERRCODE = '42501';
	END IF;
	/* An opened kind works for several users, a mapped role for one. */
	IF register_job_kind.enqueue_role IS NOT NULL AND NOT register_job_kind.shared AND NOT external
		AND scheduler.is_mapped_role(executor) THEN
		RAISE EXCEPTION 'an opened kind cannot run as a role that is a user''s own' USING ERRCODE = '22023',
			DETAIL = format('Role "%s" is mapped in scheduler.users.', executor),
			HINT = 'Name another role as run_as.';
	END IF;
	INSERT INTO scheduler.job_kinds AS k (kind, owner_id, handler, run_as, enqueue_role, worker_role, shared,
		max_attempts, timeout, priority, per_user_limit, retention, announce)
	VALUES (register_job_kind.kind, owner,
		scheduler.checked_handler(register_job_kind.handler, executor), CASE WHEN NOT external THEN executor END,
		register_job_kind.enqueue_role, register_job_kind.worker_role, register_job_kind.shared,
		register_job_kind.max_attempts,
		register_job_kind.timeout, register_job_kind.priority, register_job_kind.per_user_limit,
		register_job_kind.retention, register_job_kind.announce)
	ON CONFLICT ON CONSTRAINT job_kinds_pkey DO UPDATE SET handler = excluded.handler, run_as = excluded.run_as,
		enqueue_role = excluded.enqueue_role, worker_role = excluded.worker_role, shared = excluded.shared, max_attempts = excluded.max_attempts,
		timeout = excluded.timeout, priority = excluded.priority, per_user_limit = excluded.per_user_limit,
		retention = excluded.retention, announce = excluded.announce;
	IF (existing.handler IS NULL) IS DISTINCT FROM external AND existing.kind IS NOT NULL THEN
		PERFORM scheduler.route_jobs(existing.kind);
	END IF;
	PERFORM scheduler.record_audit('kind.registered', details => jsonb_build_object('kind', register_job_kind.kind,
		'handler', register_job_kind.handler, 'run_as', executor, 'shared', register_job_kind.shared,
		'enqueue_role', register_job_kind.enqueue_role, 'worker_role', register_job_kind.worker_role));
END
$body$;
COMMENT ON FUNCTION scheduler.register_job_kind(text, text, integer, interval, integer, text, text, integer,
	interval, boolean, boolean, text) IS
	'Declares a kind of one''s own; its handler runs as run_as (default: the caller), without one its jobs are claimed. Its owner enqueues it until an administrator opens it.';
GRANT EXECUTE ON FUNCTION scheduler.register_job_kind(text, text, integer, interval, integer, text, text, integer,
	interval, boolean, boolean, text) TO scheduler_user;

/* Looks at all users: owned by scheduler_system. */
CREATE FUNCTION scheduler.is_mapped_role(role_name text) RETURNS boolean
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT EXISTS (SELECT FROM scheduler.users u WHERE u.role_name = $1)
$body$;
COMMENT ON FUNCTION scheduler.is_mapped_role(text) IS 'Whether a user of this installation has this role.';
ALTER FUNCTION scheduler.is_mapped_role(text) OWNER TO scheduler_system;

/* Tells the workers at commit; what: jobs, queues, cancels, changes, arming, runners. */
CREATE FUNCTION scheduler.wake_workers(what text) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_wake_workers';
COMMENT ON FUNCTION scheduler.wake_workers(text) IS 'Wakes the workers of this database when the transaction commits.';

/* Whatever policies say: required_user_id() may be the system user, whom none shows to a superuser. Granted to nobody. */
CREATE FUNCTION scheduler.record_changes(types text[], subject_ids uuid[]) RETURNS void
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_record_changes';
COMMENT ON FUNCTION scheduler.record_changes(text[], uuid[]) IS
	'Appends to changes for the current user, for functions of the extension; the worker numbers it after commit.';

CREATE FUNCTION scheduler.record_change(type text, subject_id uuid) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	PERFORM scheduler.record_changes(ARRAY[$1], ARRAY[$2]);
END
$body$;
COMMENT ON FUNCTION scheduler.record_change(text, uuid) IS 'record_changes() for one.';

/*
 * The user whose job this caller may touch: his own; any for an administrator. NULL where there is none. Owned by
 * scheduler_system, as are those below: an administrator touches other users'' jobs.
 */
CREATE FUNCTION scheduler.owner_of_job(job_id uuid) RETURNS uuid
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT l.user_id FROM scheduler.live_jobs l
	WHERE l.user_id = scheduler.required_user_id() AND l.job_id = $1
	UNION ALL
	SELECT l.user_id FROM scheduler.live_jobs l
	WHERE scheduler.caller_has_role('scheduler_admin') AND l.job_id = $1
	LIMIT 1
$body$;
COMMENT ON FUNCTION scheduler.owner_of_job(uuid) IS 'Whose live job this is, where the caller may touch it.';
ALTER FUNCTION scheduler.owner_of_job(uuid) OWNER TO scheduler_system;

/* What somebody does to his own jobs is his alone. */
CREATE FUNCTION scheduler.record_job_audit(action text, owner uuid, job_id uuid) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF $2 IS DISTINCT FROM scheduler.current_user_id() AND $2 <> scheduler.system_user_id() THEN
		PERFORM scheduler.record_audit($1, 'ok', $2, jsonb_build_object('job_id', $3));
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.record_job_audit(text, uuid, uuid) IS 'Records what an administrator does to somebody''s job.';

CREATE FUNCTION scheduler.interrupt_holder(job_id uuid) RETURNS boolean
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_interrupt_holder';
COMMENT ON FUNCTION scheduler.interrupt_holder(uuid) IS
	'Interrupts the runner that keeps the row of this job locked while its handler runs; false where none does.';

CREATE FUNCTION scheduler.cancel_job(job_id uuid) RETURNS boolean
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner uuid := scheduler.owner_of_job(cancel_job.job_id);
	family uuid[];
	parent uuid;
	runner_pid integer;
BEGIN
	IF owner IS NULL THEN
		RETURN false;
	END IF;
	PERFORM scheduler.wait_patiently();
	/* One at a time of each user: several calls in a transaction would take the same rows in another order. */
	PERFORM scheduler.take_lock(1398362949, uuid_hash(owner));
	/* Its own parent before it, as a runner does that ends it. */
	PERFORM FROM scheduler.live_jobs p WHERE p.user_id = owner AND p.job_id = (SELECT l.parent_id
		FROM scheduler.live_jobs l WHERE l.user_id = owner AND l.job_id = cancel_job.job_id) FOR NO KEY UPDATE;
	/* Locks from the parent down, so that nobody adds a child to a parent that is about to go. */
	WITH RECURSIVE tree AS (
		SELECT l.job_id FROM scheduler.live_jobs l WHERE l.user_id = owner AND l.job_id = cancel_job.job_id
		UNION
		SELECT l.job_id FROM scheduler.live_jobs l JOIN tree t ON l.parent_id = t.job_id WHERE l.user_id = owner)
	SELECT array_agg(tree.job_id) INTO family FROM tree;
	/* Another runner may take it while the first one is interrupted. */
	LOOP
		PERFORM FROM scheduler.live_jobs l WHERE l.user_id = owner AND l.job_id = cancel_job.job_id
			FOR UPDATE SKIP LOCKED;
		EXIT WHEN FOUND OR NOT scheduler.interrupt_holder(cancel_job.job_id);
		PERFORM pg_sleep(0.02);
	END LOOP;
	PERFORM FROM scheduler.live_jobs l WHERE l.user_id = owner AND l.job_id = ANY (family)
		ORDER BY l.job_id FOR UPDATE;
	SELECT l.parent_id INTO parent FROM scheduler.live_jobs l
		WHERE l.user_id = owner AND l.job_id = cancel_job.job_id AND l.status NOT IN ('failed', 'dead');
	WITH gone AS (
		DELETE FROM scheduler.live_jobs l WHERE l.user_id = owner AND l.job_id = ANY (family) RETURNING *)
	INSERT INTO scheduler.finished_jobs (user_id, job_id, kind, payload, state, status, priority, run_at, attempts,
		max_attempts, unique_key, queue, parent_id, error, worker_pid, created_at, started_at, finished_at,
		schedule_id)
	SELECT g.user_id, g.job_id, g.kind, g.payload, g.state, 'cancelled', g.priority, g.run_at, g.attempts,
		g.max_attempts, g.unique_key, g.queue, g.parent_id, g.error, g.worker_pid, g.created_at, g.started_at,
		clock_timestamp(), g.schedule_id
	FROM gone g;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	IF parent IS NOT NULL THEN
		UPDATE scheduler.live_jobs l SET children = l.children - 1,
			ready = l.ready OR l.status = 'waiting' AND l.children <= 1
		WHERE l.user_id = owner AND l.job_id = parent;
	END IF;
	PERFORM scheduler.wake_workers('cancels'), scheduler.wake_workers('queues'), scheduler.wake_workers('jobs');
	PERFORM scheduler.record_job_audit('job.cancelled', owner, cancel_job.job_id);
	RETURN true;
END
$body$;
COMMENT ON FUNCTION scheduler.cancel_job(uuid) IS
	'Cancels a job and its children; a call in flight is aborted, a late answer dropped. False where it is already final.';
ALTER FUNCTION scheduler.cancel_job(uuid) OWNER TO scheduler_system;

CREATE FUNCTION scheduler.retry_job(job_id uuid) RETURNS boolean
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner uuid := scheduler.owner_of_job(retry_job.job_id);
	parent uuid;
BEGIN
	IF owner IS NULL THEN
		RETURN false;
	END IF;
	PERFORM scheduler.wait_patiently();
	/* Takes a child before its parent, cancel_job() the other way round. */
	PERFORM scheduler.take_lock(1398362949, uuid_hash(owner));
	UPDATE scheduler.live_jobs l
	SET status = 'pending', attempts = CASE WHEN l.status = 'pending' THEN l.attempts ELSE 0 END, run_at = now(),
		ready = l.queue IS NULL OR l.holds_queue, finished_at = NULL, request = NULL,
		/* an answer that a failed attempt left is still to be handled */
		response = CASE WHEN l.status = 'pending' THEN l.response END
	WHERE l.user_id = owner AND l.job_id = retry_job.job_id
		AND (l.status IN ('failed', 'dead') OR l.status = 'pending' AND l.attempts > 0)
		AND NOT (l.status IN ('failed', 'dead') AND EXISTS (SELECT FROM scheduler.live_jobs o
			WHERE o.user_id = l.user_id AND o.kind = l.kind AND o.unique_key = l.unique_key
				AND o.status NOT IN ('failed', 'dead')))
	RETURNING CASE WHEN l.attempts = 0 THEN l.parent_id END INTO parent;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	UPDATE scheduler.live_jobs l SET children = l.children + 1
		WHERE l.user_id = owner AND l.job_id = parent AND l.status = 'waiting';
	PERFORM scheduler.wake_workers('queues'), scheduler.wake_workers('jobs');
	PERFORM scheduler.record_job_audit('job.retried', owner, retry_job.job_id);
	RETURN true;
END
$body$;
COMMENT ON FUNCTION scheduler.retry_job(uuid) IS
	'Starts a failed or dead job again with all its attempts, or one that waits for its next attempt at once.';
ALTER FUNCTION scheduler.retry_job(uuid) OWNER TO scheduler_system;

CREATE FUNCTION scheduler.created_here(job_id uuid) RETURNS boolean
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_created_here';
COMMENT ON FUNCTION scheduler.created_here(uuid) IS 'Whether the caller''s transaction enqueued this job.';

CREATE FUNCTION scheduler.wait_for_job(job_id uuid, timeout interval DEFAULT '30 seconds') RETURNS scheduler.jobs
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	until timestamptz := clock_timestamp() + wait_for_job.timeout;
	pause float8 := 0.002;
	waited float8 := 0;
	job scheduler.jobs;
BEGIN
	IF scheduler.created_here(wait_for_job.job_id) THEN
		RAISE EXCEPTION 'the job was enqueued in this transaction and cannot run before it commits'
			USING ERRCODE = '55000', HINT = 'COMMIT, then wait; or CALL scheduler.run(kind, payload).';
	END IF;
	LOOP
		SELECT j.* INTO job FROM scheduler.jobs j WHERE j.job_id = wait_for_job.job_id;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'no such job' USING ERRCODE = 'P0002', DETAIL = coalesce(wait_for_job.job_id::text, 'NULL');
		END IF;
		EXIT WHEN job.status IN ('succeeded', 'failed', 'cancelled', 'dead') OR clock_timestamp() >= until
			/* the clock may be set back meanwhile */
			OR waited >= extract(epoch FROM wait_for_job.timeout);
		PERFORM pg_sleep(pause);
		waited := waited + pause;
		pause := least(pause * 1.5, 0.1);
	END LOOP;
	RETURN job;
END
$body$;
COMMENT ON FUNCTION scheduler.wait_for_job(uuid, interval) IS
	'Waits until the job is final or the time is over, and returns it as it is then.';
GRANT EXECUTE ON FUNCTION scheduler.cancel_job(uuid), scheduler.retry_job(uuid), scheduler.created_here(uuid),
	scheduler.wait_for_job(uuid, interval) TO scheduler_user;

/* Commits, so it can have no SET clause: every name is qualified, and operators are the built-in ones. */
CREATE PROCEDURE scheduler.run(kind text, payload jsonb DEFAULT '{}', INOUT result jsonb DEFAULT NULL)
	LANGUAGE plpgsql
	AS $body$
#variable_conflict error
DECLARE
	job_id uuid := scheduler.enqueue(run.kind, run.payload);
	job scheduler.jobs;
BEGIN
	COMMIT;
	LOOP
		job := scheduler.wait_for_job(job_id, '10 seconds');
		EXIT WHEN job.finished_at IS NOT NULL;
		/* The snapshot that waited is given back. */
		COMMIT;
	END LOOP;
	IF job.status OPERATOR(pg_catalog.<>) 'succeeded' THEN
		RAISE EXCEPTION 'job %', job.status USING ERRCODE = 'P0001', DETAIL = job.error,
			HINT = pg_catalog.format('SELECT * FROM scheduler.jobs WHERE job_id = %L', job_id);
	END IF;
	run.result := job.result;
END
$body$;
COMMENT ON PROCEDURE scheduler.run(text, jsonb, jsonb) IS 'Enqueues, commits, waits for the end and returns the result.';
GRANT EXECUTE ON PROCEDURE scheduler.run(text, jsonb, jsonb) TO scheduler_user;
