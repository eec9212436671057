/*
 * jobs: external workers. A kind without handler belongs to whoever may claim its jobs: each claim is an attempt under a
 * lease, and one that lapses is an attempt that failed. claims.c says whose jobs a caller gets.
 */

/* Claimable jobs: a ring of users by hash for each kind, then each one's in order. */
CREATE INDEX live_jobs_claimable_idx ON scheduler.live_jobs (kind, uuid_hash(user_id), user_id, priority, run_at, job_id)
	WHERE ready AND runner IS NULL;
CREATE INDEX live_jobs_claimed_idx ON scheduler.live_jobs (lease_until) WHERE lease_until IS NOT NULL;

/* A role that everybody has would give everybody's jobs to whoever comes without a user of his own. */
CREATE FUNCTION scheduler.check_worker_role(role_name text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF $1 IS NULL THEN
		RETURN;
	END IF;
	PERFORM FROM pg_roles r WHERE r.rolname = $1;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'role "%" does not exist', $1 USING ERRCODE = '42704';
	ELSIF $1 ~ '^scheduler_(owner|system|viewer|user)$' THEN
		RAISE EXCEPTION 'role "%" cannot be a worker_role', $1 USING ERRCODE = '22023',
			HINT = 'Make a role for these workers: CREATE ROLE ... LOGIN; GRANT scheduler_user TO ...';
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.check_worker_role(text) IS 'Raises unless this role may be named as a kind''s worker_role.';

/* For a kind that got a handler or lost it. Sees all users' jobs: owned by scheduler_system. */
CREATE FUNCTION scheduler.route_jobs(kind text) RETURNS bigint
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	moved bigint;
BEGIN
	UPDATE scheduler.live_jobs l
	SET runner = CASE WHEN k.handler IS NOT NULL THEN NOT k.builtin AND NOT k.shared END
	FROM scheduler.job_kinds k
	WHERE k.kind = $1 AND l.kind = k.kind AND (l.runner IS NULL) <> (k.handler IS NULL);
	GET DIAGNOSTICS moved = ROW_COUNT;
	IF moved > 0 THEN
		PERFORM scheduler.wake_workers('jobs'), scheduler.wake_workers('runners');
	END IF;
	RETURN moved;
END
$body$;
COMMENT ON FUNCTION scheduler.route_jobs(text) IS
	'Has a kind''s live jobs worked on by whom the kind now says: its handler, or whoever claims them. How many changed.';
ALTER FUNCTION scheduler.route_jobs(text) OWNER TO scheduler_system;

/*
 * A job that was enqueued while its kind got a handler and committed afterwards lies in no lane: the worker's hourly duty
 * finds it. The other way round the worker sees it by itself.
 */
CREATE FUNCTION scheduler.route_strays() RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	moved bigint;
BEGIN
	SELECT coalesce(sum(scheduler.route_jobs(s.kind)), 0) INTO moved
	FROM (SELECT k.kind FROM scheduler.job_kinds k WHERE k.handler IS NOT NULL AND EXISTS (
		SELECT FROM scheduler.live_jobs l WHERE l.kind = k.kind AND l.ready AND l.runner IS NULL)) AS s;
	RETURN moved;
END
$body$;
COMMENT ON FUNCTION scheduler.route_strays() IS
	'Finds jobs to be claimed whose kind has a handler; for the worker. How many there were.';

CREATE FUNCTION scheduler.claim_jobs(kinds text[], max integer DEFAULT 10, lease interval DEFAULT '1 minute')
	RETURNS SETOF scheduler.jobs
	LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
	AS 'MODULE_PATHNAME', 'sched_sql_claim_jobs';
COMMENT ON FUNCTION scheduler.claim_jobs(text[], integer, interval) IS
	'Takes due jobs of kinds without handler for as long as the lease says; the column claim of the rows is the proof.';

CREATE FUNCTION scheduler.extend_lease(job_id uuid, lease interval DEFAULT '1 minute', claim bigint DEFAULT NULL)
	RETURNS timestamptz
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_extend_lease';
COMMENT ON FUNCTION scheduler.extend_lease(uuid, interval, bigint) IS
	'Keeps a claimed job for so long from now on, and returns until when.';

CREATE FUNCTION scheduler.finish_job(job_id uuid, result jsonb DEFAULT NULL, claim bigint DEFAULT NULL) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_finish_job';
COMMENT ON FUNCTION scheduler.finish_job(uuid, jsonb, bigint) IS
	'A claimed job has succeeded; returns its status (pending where it is to run again). PT409 where the claim is over.';

CREATE FUNCTION scheduler.finish_jobs(job_ids uuid[], results jsonb[] DEFAULT NULL, claim bigint DEFAULT NULL)
	RETURNS uuid[]
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_finish_jobs';
COMMENT ON FUNCTION scheduler.finish_jobs(uuid[], jsonb[], bigint) IS
	'Claimed jobs have succeeded; returns the ids of those that were still the caller''s.';

CREATE FUNCTION scheduler.fail_job(job_id uuid, reason text, retry boolean DEFAULT true, claim bigint DEFAULT NULL)
	RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_fail_job';
COMMENT ON FUNCTION scheduler.fail_job(uuid, text, boolean, bigint) IS
	'The attempt at a claimed job failed: pending again after a pause, dead after the last; without retry failed for good.';
GRANT EXECUTE ON FUNCTION scheduler.claim_jobs(text[], integer, interval),
	scheduler.extend_lease(uuid, interval, bigint), scheduler.finish_job(uuid, jsonb, bigint),
	scheduler.finish_jobs(uuid[], jsonb[], bigint), scheduler.fail_job(uuid, text, boolean, bigint) TO scheduler_user;
