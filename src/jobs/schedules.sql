/* jobs: schedules, which enqueue a job again and again. */

CREATE TABLE scheduler.schedules
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	schedule_id uuid NOT NULL DEFAULT scheduler.uuid7(),
	name text NOT NULL,
	kind text NOT NULL,
	payload jsonb NOT NULL DEFAULT '{}',
	cron_expression text,
	every interval,
	rrule text,
	timezone text NOT NULL,
	enabled boolean NOT NULL DEFAULT true,
	catch_up text NOT NULL DEFAULT 'once',
	overlap text NOT NULL DEFAULT 'skip',
	last_run_at timestamptz,
	next_run_at timestamptz NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT schedules_pkey PRIMARY KEY (user_id, schedule_id),
	CONSTRAINT schedules_name_key UNIQUE (user_id, name),
	CONSTRAINT schedules_one_rule CHECK (every IS NOT NULL AND cron_expression IS NULL AND rrule IS NULL),
	CONSTRAINT schedules_every_range CHECK (every >= '1 second' AND every <= '100 years'),
	CONSTRAINT schedules_timezone_known CHECK (scheduler.is_timezone(timezone)),
	CONSTRAINT schedules_catch_up_known CHECK (catch_up IN ('skip', 'once', 'all')),
	CONSTRAINT schedules_overlap_known CHECK (overlap IN ('skip', 'queue'))
);
COMMENT ON TABLE scheduler.schedules IS 'Jobs that are enqueued again and again.';
CREATE INDEX schedules_due_idx ON scheduler.schedules (next_run_at) WHERE enabled;
CREATE TRIGGER touch BEFORE UPDATE ON scheduler.schedules
	FOR EACH ROW EXECUTE FUNCTION scheduler.touch_updated_at();
SELECT scheduler.install_user_table('schedules');

CREATE TABLE scheduler.schedule_runs
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	schedule_run_id uuid NOT NULL DEFAULT scheduler.uuid7(),
	schedule_id uuid NOT NULL,
	due_at timestamptz NOT NULL,
	job_id uuid,
	outcome text NOT NULL,
	reason text,
	CONSTRAINT schedule_runs_pkey PRIMARY KEY (user_id, schedule_run_id),
	CONSTRAINT schedule_runs_schedule_fkey FOREIGN KEY (user_id, schedule_id)
		REFERENCES scheduler.schedules ON DELETE CASCADE,
	CONSTRAINT schedule_runs_outcome_known CHECK (outcome IN ('enqueued', 'skipped', 'refused'))
);
COMMENT ON TABLE scheduler.schedule_runs IS 'What became of each time a schedule was due, and why a job was not enqueued.';
CREATE INDEX schedule_runs_schedule_idx ON scheduler.schedule_runs (user_id, schedule_id, due_at);
SELECT scheduler.install_user_table('schedule_runs');

/* The first due time after this one; steps that name days or months keep the wall clock of the zone. */
CREATE FUNCTION scheduler.step_schedule(due timestamptz, every interval, timezone text, OUT next_due timestamptz)
	LANGUAGE sql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT greatest(($1 AT TIME ZONE $3 + $2) AT TIME ZONE $3, $1 + interval '1 second')
$body$;
COMMENT ON FUNCTION scheduler.step_schedule(timestamptz, interval, text) IS 'The due time that follows this one.';

/* No cron and no rrule argument: they come with what computes them. */
CREATE FUNCTION scheduler.save_schedule(name text, kind text, payload jsonb DEFAULT '{}', every interval DEFAULT NULL,
	timezone text DEFAULT NULL, catch_up text DEFAULT 'once', overlap text DEFAULT 'skip',
	enabled boolean DEFAULT true, starts_at timestamptz DEFAULT NULL) RETURNS uuid
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner uuid := scheduler.required_user_id();
	zone text;
	id uuid;
BEGIN
	IF NOT scheduler.may_enqueue(save_schedule.kind) THEN
		RAISE EXCEPTION 'permission denied to enqueue jobs of kind "%"', save_schedule.kind USING ERRCODE = '42501';
	END IF;
	IF save_schedule.every IS NULL OR save_schedule.every NOT BETWEEN '1 second' AND '100 years' THEN
		RAISE EXCEPTION 'a schedule needs its interval' USING ERRCODE = '22023',
			DETAIL = format('every is %s.', coalesce(save_schedule.every::text, 'NULL')),
			HINT = 'Give 1 second to 100 years: every => ''15 minutes''';
	END IF;
	/* Further away, steps from there run out of the calendar when the worker takes them. */
	IF save_schedule.starts_at NOT BETWEEN now() - interval '100 years' AND now() + interval '100 years' THEN
		RAISE EXCEPTION 'a schedule starts within a hundred years' USING ERRCODE = '22023',
			DETAIL = format('starts_at is %s.', save_schedule.starts_at);
	END IF;
	zone := coalesce(save_schedule.timezone,
		(SELECT u.timezone FROM scheduler.users u WHERE u.user_id = owner), 'UTC');
	IF NOT scheduler.is_timezone(zone) THEN
		RAISE EXCEPTION 'unknown time zone' USING ERRCODE = '22023', DETAIL = zone,
			HINT = 'Use a name like Europe/Berlin.';
	END IF;
	PERFORM scheduler.refuse_old_snapshot();
	INSERT INTO scheduler.schedules AS s (user_id, name, kind, payload, every, timezone, catch_up, overlap, enabled,
		next_run_at)
	VALUES (owner, save_schedule.name, save_schedule.kind, save_schedule.payload, save_schedule.every, zone,
		save_schedule.catch_up, save_schedule.overlap, save_schedule.enabled,
		coalesce(save_schedule.starts_at, scheduler.step_schedule(now(), save_schedule.every, zone)))
	ON CONFLICT ON CONSTRAINT schedules_name_key DO UPDATE SET kind = excluded.kind, payload = excluded.payload,
		every = excluded.every, timezone = excluded.timezone, catch_up = excluded.catch_up,
		overlap = excluded.overlap, enabled = excluded.enabled,
		/* Saving the same again does not put off what is due. */
		next_run_at = CASE WHEN s.every = excluded.every AND s.timezone = excluded.timezone
			AND save_schedule.starts_at IS NULL AND s.enabled THEN s.next_run_at ELSE excluded.next_run_at END
	RETURNING s.schedule_id INTO id;
	PERFORM scheduler.wake_workers('schedules');
	RETURN id;
END
$body$;
COMMENT ON FUNCTION scheduler.save_schedule(text, text, jsonb, interval, text, text, text, boolean, timestamptz) IS
	'Enqueues a job of this kind again and again; the same name replaces. catch_up skip|once|all: missed times; overlap skip|queue: the last one still runs.';
/* required_user_id() may be the system user, whom no policy shows to a superuser: owned by scheduler_system. */
ALTER FUNCTION scheduler.save_schedule(text, text, jsonb, interval, text, text, text, boolean, timestamptz)
	OWNER TO scheduler_system;

CREATE FUNCTION scheduler.drop_schedule(name text) RETURNS boolean
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
BEGIN
	PERFORM scheduler.refuse_old_snapshot();
	DELETE FROM scheduler.schedules s WHERE s.user_id = scheduler.required_user_id() AND s.name = $1;
	RETURN FOUND;
END
$body$;
COMMENT ON FUNCTION scheduler.drop_schedule(text) IS 'Ends a schedule; jobs that it has enqueued stay.';
ALTER FUNCTION scheduler.drop_schedule(text) OWNER TO scheduler_system;

CREATE FUNCTION scheduler.may_enqueue(kind text) RETURNS boolean
	LANGUAGE c STABLE STRICT PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_may_enqueue';
COMMENT ON FUNCTION scheduler.may_enqueue(text) IS 'Whether the caller may enqueue jobs of this kind.';
GRANT EXECUTE ON FUNCTION scheduler.may_enqueue(text), scheduler.drop_schedule(text),
	scheduler.save_schedule(text, text, jsonb, interval, text, text, text, boolean, timestamptz)
	TO scheduler_user;

/*
 * Asked at each firing, as enqueue() would ask the owner: rights may have been taken away since the schedule was saved.
 * Kinds without an enqueue_role that are the extension's own are scheduled by its functions only.
 */
CREATE FUNCTION scheduler.schedule_problem(user_id uuid, kind text) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT CASE WHEN r.oid IS NULL THEN 'the role of its owner no longer exists'
		ELSE 'its owner may no longer enqueue jobs of this kind' END
	FROM scheduler.users u
		JOIN scheduler.job_kinds k ON k.kind = $2
		LEFT JOIN pg_roles r ON r.rolname = u.role_name
		LEFT JOIN pg_roles e ON e.rolname = k.enqueue_role
	WHERE u.user_id = $1 AND u.role_name IS NOT NULL AND NOT coalesce(r.rolsuper
		OR k.owner_id = u.user_id OR k.builtin AND k.enqueue_role IS NULL
		OR pg_has_role(r.oid, e.oid, 'USAGE'), false)
$body$;
COMMENT ON FUNCTION scheduler.schedule_problem(uuid, text) IS
	'Why this user may not have jobs of this kind enqueued by a schedule any more; NULL where he may.';

/*
 * One schedule whose time has come: the times since then (all, or only as many as catch_up makes up for), a row for each in
 * schedule_runs, and the next time. Called by fire_schedules() for a row that it has locked.
 */
CREATE FUNCTION scheduler.fire_schedule(schedule scheduler.schedules) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	due timestamptz := schedule.next_run_at;
	next_due timestamptz;
	missed bigint := 0;
	fired integer := 0;
	job uuid;
	problem text := scheduler.schedule_problem(schedule.user_id, schedule.kind);
BEGIN
	IF problem IS NOT NULL THEN
		INSERT INTO scheduler.schedule_runs (user_id, schedule_id, due_at, outcome, reason)
		VALUES (schedule.user_id, schedule.schedule_id, due, 'refused', 'switched off: ' || problem);
		UPDATE scheduler.schedules s SET enabled = false
		WHERE s.user_id = schedule.user_id AND s.schedule_id = schedule.schedule_id;
		RETURN;
	END IF;
	LOOP
		next_due := scheduler.step_schedule(due, schedule.every, schedule.timezone);
		IF next_due <= now() AND schedule.catch_up <> 'all' THEN
			missed := missed + 1;
			/* After a long pause: as many whole steps as fit, at once. */
			IF missed = 100 AND now() - due > schedule.every * 2 THEN
				next_due := due + schedule.every * floor(extract(epoch FROM now() - due)
					/ extract(epoch FROM schedule.every) - 1);
			END IF;
			due := greatest(next_due, due + interval '1 second');
			CONTINUE;
		END IF;
		IF missed > 0 AND schedule.catch_up = 'skip' THEN
			INSERT INTO scheduler.schedule_runs (user_id, schedule_id, due_at, outcome, reason)
			VALUES (schedule.user_id, schedule.schedule_id, schedule.next_run_at, 'skipped',
				'no worker ran when this and later times were due');
			EXIT;
		END IF;
		IF schedule.overlap = 'skip' AND EXISTS (SELECT FROM scheduler.live_jobs l
			WHERE l.user_id = schedule.user_id AND l.schedule_id = schedule.schedule_id
				AND l.status NOT IN ('failed', 'dead')) THEN
			INSERT INTO scheduler.schedule_runs (user_id, schedule_id, due_at, outcome, reason)
			VALUES (schedule.user_id, schedule.schedule_id, due, 'skipped', 'the job before it still runs');
		ELSE
			job := scheduler.enqueue_scheduled(schedule.kind, schedule.payload, schedule.user_id,
				schedule.schedule_id, CASE WHEN schedule.overlap = 'queue' THEN 'schedule:' || schedule.schedule_id END);
			INSERT INTO scheduler.schedule_runs (user_id, schedule_id, due_at, job_id, outcome, reason)
			VALUES (schedule.user_id, schedule.schedule_id, due, job,
				CASE WHEN job IS NULL THEN 'refused' ELSE 'enqueued' END,
				CASE WHEN job IS NULL THEN 'the kind no longer exists' END);
		END IF;
		fired := fired + 1;
		/* all: at most a hundred in one go, the rest in the next transaction. */
		EXIT WHEN next_due > now() OR fired >= 100;
		due := next_due;
	END LOOP;
	UPDATE scheduler.schedules s SET last_run_at = now(), next_run_at = next_due
	WHERE s.user_id = schedule.user_id AND s.schedule_id = schedule.schedule_id;
END
$body$;
COMMENT ON FUNCTION scheduler.fire_schedule(scheduler.schedules) IS 'Enqueues what this due schedule asks for; for the worker.';

CREATE FUNCTION scheduler.enqueue_scheduled(kind text, payload jsonb, user_id uuid, schedule_id uuid, queue text)
	RETURNS uuid
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_enqueue_scheduled';
COMMENT ON FUNCTION scheduler.enqueue_scheduled(text, jsonb, uuid, uuid, text) IS
	'Enqueues a job of a schedule without asking for rights; NULL where the kind is gone. For the worker.';

CREATE FUNCTION scheduler.fire_schedules() RETURNS timestamptz
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	due scheduler.schedules;
BEGIN
	FOR due IN
		SELECT s.* FROM scheduler.schedules s WHERE s.enabled AND s.next_run_at <= now()
		ORDER BY s.next_run_at LIMIT 50 FOR UPDATE SKIP LOCKED
	LOOP
		/* One user's row must not end the worker of all, again and again. */
		BEGIN
			PERFORM scheduler.fire_schedule(due);
		EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded
			OR invalid_parameter_value THEN
			UPDATE scheduler.schedules s SET enabled = false
			WHERE s.user_id = due.user_id AND s.schedule_id = due.schedule_id;
			INSERT INTO scheduler.schedule_runs (user_id, schedule_id, due_at, outcome, reason)
			VALUES (due.user_id, due.schedule_id, due.next_run_at, 'refused', 'switched off: ' || SQLERRM);
		END;
	END LOOP;
	RETURN (SELECT min(s.next_run_at) FROM scheduler.schedules s WHERE s.enabled);
END
$body$;
COMMENT ON FUNCTION scheduler.fire_schedules() IS
	'Enqueues what is due and returns when something is due next; for the worker.';

/*
 * The clock was set back by so much: what waits by times that the clock before it gave would stand still as long. Times
 * that somebody named stay: a job for tomorrow at nine, a sleep of more than an hour. A schedule keeps its time of day.
 * Called more than once: a handler that was running may write such a time a little later.
 */
CREATE FUNCTION scheduler.follow_clock(set_back interval) RETURNS void
	LANGUAGE sql
	SET search_path = pg_catalog, pg_temp
	AS $body$
	UPDATE scheduler.schedules s
	SET next_run_at = (s.next_run_at AT TIME ZONE s.timezone - s.every * floor(extract(epoch FROM s.next_run_at - now())
			/ extract(epoch FROM s.every))) AT TIME ZONE s.timezone
	WHERE s.enabled AND s.next_run_at > now() AND (s.last_run_at > now()
		OR s.last_run_at IS NULL AND s.created_at > now() AND s.next_run_at <= s.created_at + s.every);
	UPDATE scheduler.live_jobs l
	SET run_at = CASE WHEN l.run_at <= l.created_at THEN now() ELSE l.run_at - $1 END
	WHERE NOT l.ready AND l.run_at > now() AND l.status IN ('pending', 'sleeping')
		AND (l.run_at <= l.created_at
			OR l.run_at > now() + $1 - interval '1 minute'
				AND (l.status = 'pending' AND greatest(l.started_at, l.created_at) > now()
						AND (l.attempts > 0 OR l.error IS NOT NULL)
					OR l.status = 'sleeping' AND l.run_at < now() + $1 + interval '1 hour'))
$body$;
COMMENT ON FUNCTION scheduler.follow_clock(interval) IS
	'After the clock was set back: schedules, retries, short sleeps and what was to run at once go on; for the worker.';
