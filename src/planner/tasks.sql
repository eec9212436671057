/* planner: writing tasks. Every function works on the caller's rows; the policies see to that. */

/*
 * The user a function acts for. Nobody may look at or write another's calendar, and the answer is the same for
 * a user that does not exist.
 */
CREATE FUNCTION scheduler.check_calendar_user(user_id uuid DEFAULT NULL) RETURNS uuid
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	caller uuid := scheduler.required_user_id();
BEGIN
	IF caller = scheduler.system_user_id() THEN
		RAISE EXCEPTION 'no current user'
			USING ERRCODE = '28000', DETAIL = 'The system user has no calendar.',
			HINT = 'SELECT scheduler.setup(''you@example.org'')';
	END IF;
	IF $1 <> caller THEN
		RAISE EXCEPTION 'not allowed to use the calendar of another user'
			USING ERRCODE = '42501', DETAIL = format('User %s was asked for.', $1),
			HINT = 'Leave user_id out: it defaults to the current user.';
	END IF;
	RETURN caller;
END
$body$;
COMMENT ON FUNCTION scheduler.check_calendar_user(uuid) IS
	'The current user; error 28000 where there is none, 42501 where another is asked for.';

/* What every writer of blocks does first. */
CREATE FUNCTION scheduler.open_calendar() RETURNS uuid
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.check_calendar_user();
BEGIN
	PERFORM scheduler.lock_calendar(owner_id);
	/* A DELETE that finds no row still runs the table's triggers. */
	IF EXISTS (SELECT FROM scheduler.calendar_events AS e
		WHERE e.user_id = owner_id AND e.hold_expires_at <= clock_timestamp()) THEN
		DELETE FROM scheduler.calendar_events AS e
		WHERE e.user_id = owner_id AND e.hold_expires_at <= clock_timestamp();
	END IF;
	RETURN owner_id;
END
$body$;
COMMENT ON FUNCTION scheduler.open_calendar() IS
	'Takes the calendar lock of the current user and removes expired holds.';

/* A start and an end somebody gave. */
CREATE FUNCTION scheduler.check_span(starts_at timestamptz, ends_at timestamptz) RETURNS void
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF $1 IS NULL OR $2 IS NULL OR NOT isfinite($1) OR NOT isfinite($2) OR $2 <= $1 THEN
		RAISE EXCEPTION 'not a span of time'
			USING ERRCODE = '22023', DETAIL = format('It starts at %s and ends at %s.',
				coalesce($1::text, 'NULL'), coalesce($2::text, 'NULL')),
			HINT = 'Give a start and a later end, both finite.';
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.check_span(timestamptz, timestamptz) IS
	'Error 22023 unless starts_at < ends_at, both finite.';

/* What a caller may have given wrongly, in words instead of a constraint's name. */
CREATE FUNCTION scheduler.check_task(task scheduler.tasks) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	problem text;
BEGIN
	problem := CASE
		WHEN $1.description IS NULL OR $1.description !~ '\S' THEN 'description is empty'
		WHEN $1.duration_minutes IS NULL OR $1.duration_minutes NOT BETWEEN 1 AND 100000
			THEN format('duration_minutes is %s', coalesce($1.duration_minutes::text, 'NULL'))
		WHEN $1.priority IS NULL OR $1.priority NOT BETWEEN 1 AND 10
			THEN format('priority is %s', coalesce($1.priority::text, 'NULL'))
		WHEN $1.min_chunk_minutes NOT BETWEEN 1 AND 100000 THEN format('min_chunk_minutes is %s', $1.min_chunk_minutes)
		WHEN $1.category IS NULL OR $1.category NOT IN ('work', 'personal', 'health', 'other')
			THEN format('category is "%s"', $1.category)
		WHEN $1.task_type IS NULL OR $1.task_type NOT IN ('user_requested', 'email_derived', 'decomposed', 'recurring')
			THEN format('task_type is "%s"', $1.task_type)
		WHEN $1.status IS NULL OR $1.status NOT IN ('pending', 'scheduled', 'in_progress', 'completed', 'cancelled',
			'blocked') THEN format('status is "%s"', $1.status)
		WHEN NOT isfinite($1.deadline) OR NOT isfinite($1.earliest_start) THEN 'deadline or earliest_start is infinite'
		WHEN $1.deadline <= $1.earliest_start
			THEN format('deadline %s is not after earliest_start %s', $1.deadline, $1.earliest_start)
		WHEN $1.parent_task_id IS NOT NULL AND NOT EXISTS (SELECT FROM scheduler.tasks AS t
			WHERE t.user_id = $1.user_id AND t.task_id = $1.parent_task_id)
			THEN format('parent_task_id %s is no task of yours', $1.parent_task_id)
		END;
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION 'task is not well-formed'
			USING ERRCODE = '22023', DETAIL = problem,
			HINT = 'Durations are 1 to 100000 minutes, priorities 1 to 10; categories are work, personal, health, other.';
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.check_task(scheduler.tasks) IS
	'Error 22023 with the problem where a task is not well-formed.';

/* The caller's task, locked for writing; the calendar lock is taken before, so that both are always in this order. */
CREATE FUNCTION scheduler.lock_task(task_id uuid) RETURNS scheduler.tasks
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.open_calendar();
	task scheduler.tasks;
BEGIN
	SELECT t.* INTO task FROM scheduler.tasks AS t WHERE t.user_id = owner_id AND t.task_id = $1 FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no such task'
			USING ERRCODE = 'PT404', DETAIL = format('There is no task %s.', coalesce($1::text, 'NULL')),
			HINT = 'Take a task_id from scheduler.tasks.';
	END IF;
	RETURN task;
END
$body$;
COMMENT ON FUNCTION scheduler.lock_task(uuid) IS 'The caller''s task, locked; error PT404 where there is none.';

/* Writes what a task waits for. A task that would wait for itself, by whatever way round, is refused. */
CREATE FUNCTION scheduler.save_dependencies(task_id uuid, depends_on uuid[]) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.check_calendar_user();
	missing uuid;
BEGIN
	SELECT d.id INTO missing
	FROM unnest($2) AS d (id)
	WHERE NOT EXISTS (SELECT FROM scheduler.tasks AS t WHERE t.user_id = owner_id AND t.task_id = d.id)
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'a task cannot wait for one that does not exist'
			USING ERRCODE = '22023', DETAIL = format('There is no task %s.', coalesce(missing::text, 'NULL')),
			HINT = 'Take the ids from scheduler.tasks.';
	END IF;
	DELETE FROM scheduler.task_dependencies AS d
	WHERE d.user_id = owner_id AND d.task_id = $1 AND d.depends_on_id <> ALL ($2);
	IF EXISTS (
		WITH RECURSIVE before (id) AS (
			SELECT unnest($2)
			UNION
			SELECT d.depends_on_id
			FROM before JOIN scheduler.task_dependencies AS d ON d.user_id = owner_id AND d.task_id = before.id)
		SELECT FROM before WHERE before.id = $1) THEN
		RAISE EXCEPTION 'tasks would wait for each other'
			USING ERRCODE = '22023', DETAIL = format('Task %s would come before itself.', $1),
			HINT = 'Take one of the dependencies away.';
	END IF;
	INSERT INTO scheduler.task_dependencies (user_id, task_id, depends_on_id)
	SELECT DISTINCT owner_id, $1, d.id FROM unnest($2) AS d (id)
	ON CONFLICT DO NOTHING;
END
$body$;
COMMENT ON FUNCTION scheduler.save_dependencies(uuid, uuid[]) IS
	'Replaces what a task waits for; error 22023 for a cycle or an unknown task.';

CREATE FUNCTION scheduler.add_task(description text, duration_minutes integer DEFAULT 30,
	deadline timestamptz DEFAULT NULL, priority integer DEFAULT 5, category text DEFAULT 'work',
	earliest_start timestamptz DEFAULT NULL, min_chunk_minutes integer DEFAULT NULL, location text DEFAULT NULL,
	attendees jsonb DEFAULT '[]', tags text[] DEFAULT '{}', parent_task_id uuid DEFAULT NULL,
	depends_on uuid[] DEFAULT '{}', start_at timestamptz DEFAULT NULL, task_type text DEFAULT 'user_requested',
	original_input text DEFAULT NULL, metadata jsonb DEFAULT '{}', place boolean DEFAULT true) RETURNS uuid
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	task scheduler.tasks;
BEGIN
	task.user_id := scheduler.open_calendar();
	task.task_id := scheduler.uuid7();
	task.description := $1;
	task.duration_minutes := $2;
	task.deadline := $3;
	task.priority := least(greatest($4, 0), 11);
	task.category := $5;
	task.earliest_start := $6;
	task.min_chunk_minutes := $7;
	task.parent_task_id := $11;
	task.task_type := $14;
	task.status := 'pending';
	PERFORM scheduler.check_task(task);
	INSERT INTO scheduler.tasks (user_id, task_id, description, duration_minutes, deadline, priority, category,
		earliest_start, min_chunk_minutes, location, attendees, tags, parent_task_id, task_type, original_input,
		metadata)
	VALUES (task.user_id, task.task_id, $1, $2, $3, $4, $5, $6, $7, $8, coalesce($9, '[]'), coalesce($10, '{}'),
		$11, $14, $15, coalesce($16, '{}'));
	PERFORM scheduler.save_dependencies(task.task_id, coalesce($12, '{}'));
	IF $13 IS NOT NULL THEN
		PERFORM scheduler.fix_task(task.task_id, $13);
	ELSIF $17 THEN
		PERFORM scheduler.replan_tasks(ARRAY[task.task_id]);
	END IF;
	RETURN task.task_id;
END
$body$;
COMMENT ON FUNCTION scheduler.add_task(text, integer, timestamptz, integer, text, timestamptz, integer, text, jsonb,
	text[], uuid, uuid[], timestamptz, text, text, jsonb, boolean) IS
	'Adds a task and, unless place is false, gives it blocks; start_at fixes its one block at that time.';

/* The fields a user may change; NULL where a task need not have one. */
CREATE FUNCTION scheduler.update_task(task_id uuid, changes jsonb) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	known CONSTANT text[] := '{description,duration_minutes,deadline,priority,category,earliest_start,'
		'min_chunk_minutes,location,attendees,tags,metadata,parent_task_id,depends_on,status}';
	task scheduler.tasks := scheduler.lock_task($1);
	unknown text;
	predecessors uuid[];
BEGIN
	IF $2 IS NULL OR jsonb_typeof($2) <> 'object' THEN
		RAISE EXCEPTION 'changes are not an object'
			USING ERRCODE = '22023', DETAIL = format('They are %s.', coalesce(jsonb_typeof($2), 'NULL')),
			HINT = 'For example {"priority": 8}.';
	END IF;
	SELECT k.key INTO unknown FROM jsonb_object_keys($2) AS k (key) WHERE k.key <> ALL (known) LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'unknown field of a task'
			USING ERRCODE = '22023', DETAIL = format('"%s" cannot be changed.', unknown),
			HINT = format('Known are %s.', array_to_string(known, ', '));
	END IF;
	BEGIN
		task := jsonb_populate_record(task, $2 - 'depends_on');
	EXCEPTION WHEN data_exception THEN
		RAISE EXCEPTION 'a field of a task has a value that does not fit'
			USING ERRCODE = '22023', DETAIL = SQLERRM, HINT = 'Times are ISO 8601, durations whole minutes.';
	END;
	PERFORM scheduler.check_task(task);
	UPDATE scheduler.tasks AS t
	SET description = task.description, duration_minutes = task.duration_minutes, deadline = task.deadline,
		priority = task.priority, category = task.category, earliest_start = task.earliest_start,
		min_chunk_minutes = task.min_chunk_minutes, location = task.location,
		attendees = coalesce(task.attendees, '[]'), tags = coalesce(task.tags, '{}'),
		metadata = coalesce(task.metadata, '{}'), parent_task_id = task.parent_task_id, status = task.status,
		completed_at = CASE WHEN task.status = 'completed' THEN coalesce(t.completed_at, now()) END
	WHERE t.user_id = task.user_id AND t.task_id = task.task_id;
	UPDATE scheduler.calendar_events AS e
	SET summary = task.description, location = task.location, sync_status = 'pending'
	WHERE e.user_id = task.user_id AND e.task_id = task.task_id AND NOT e.is_external AND e.end_datetime > now()
		AND (e.summary, e.location) IS DISTINCT FROM (task.description, task.location);
	IF $2 ? 'depends_on' THEN
		predecessors := ARRAY(SELECT jsonb_array_elements_text(nullif($2 -> 'depends_on', 'null'))::uuid);
		PERFORM scheduler.save_dependencies(task.task_id, predecessors);
	END IF;
	PERFORM scheduler.replan_tasks(ARRAY[task.task_id]);
END
$body$;
COMMENT ON FUNCTION scheduler.update_task(uuid, jsonb) IS
	'Changes fields of a task ({"priority": 8, "deadline": "..."}) and places it anew where that is needed.';

CREATE FUNCTION scheduler.complete_task(task_id uuid) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	task scheduler.tasks := scheduler.lock_task($1);
BEGIN
	IF task.status NOT IN ('completed', 'cancelled') THEN
		UPDATE scheduler.tasks AS t
		SET status = 'completed', completed_at = now()
		WHERE t.user_id = task.user_id AND t.task_id = task.task_id;
		PERFORM scheduler.settle_conflicts();
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.complete_task(uuid) IS 'The task is done; blocks that have not begun go.';

CREATE FUNCTION scheduler.cancel_task(task_id uuid) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	task scheduler.tasks := scheduler.lock_task($1);
BEGIN
	IF task.status NOT IN ('completed', 'cancelled') THEN
		UPDATE scheduler.tasks AS t
		SET status = 'cancelled'
		WHERE t.user_id = task.user_id AND t.task_id = task.task_id;
		PERFORM scheduler.settle_conflicts();
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.cancel_task(uuid) IS 'The task is not to be done; blocks that have not begun go.';

CREATE FUNCTION scheduler.postpone_task(task_id uuid, until timestamptz) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	task scheduler.tasks := scheduler.lock_task($1);
BEGIN
	IF $2 IS NULL OR NOT isfinite($2) THEN
		RAISE EXCEPTION 'a task cannot be postponed without a time'
			USING ERRCODE = '22023', DETAIL = format('until is %s.', coalesce($2::text, 'NULL')),
			HINT = 'Give the time before which it shall not start.';
	END IF;
	IF task.deadline <= $2 THEN
		RAISE EXCEPTION 'a task cannot be postponed beyond its deadline'
			USING ERRCODE = '22023', DETAIL = format('Its deadline is %s.', task.deadline),
			HINT = 'Change the deadline first: update_task(task_id, ''{"deadline": "..."}'').';
	END IF;
	UPDATE scheduler.tasks AS t
	SET earliest_start = $2, postponed_count = t.postponed_count + 1, pinned = false
	WHERE t.user_id = task.user_id AND t.task_id = task.task_id;
	UPDATE scheduler.calendar_events AS e
	SET is_movable = true
	WHERE e.user_id = task.user_id AND e.task_id = task.task_id AND NOT e.is_movable AND NOT e.is_external;
	PERFORM scheduler.replan_tasks(ARRAY[task.task_id]);
END
$body$;
COMMENT ON FUNCTION scheduler.postpone_task(uuid, timestamptz) IS
	'The task shall not start before this time; counted in postponed_count.';

CREATE FUNCTION scheduler.pin_task(task_id uuid, pinned boolean DEFAULT true) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	task scheduler.tasks := scheduler.lock_task($1);
BEGIN
	UPDATE scheduler.tasks AS t
	SET pinned = coalesce($2, true)
	WHERE t.user_id = task.user_id AND t.task_id = task.task_id;
	UPDATE scheduler.calendar_events AS e
	SET is_movable = NOT coalesce($2, true)
	WHERE e.user_id = task.user_id AND e.task_id = task.task_id AND NOT e.is_external;
END
$body$;
COMMENT ON FUNCTION scheduler.pin_task(uuid, boolean) IS 'The blocks of a pinned task are never moved by a plan.';

CREATE FUNCTION scheduler.log_work(task_id uuid, minutes integer) RETURNS integer
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	task scheduler.tasks := scheduler.lock_task($1);
BEGIN
	IF $2 IS NULL OR $2 NOT BETWEEN 1 AND 100000 THEN
		RAISE EXCEPTION 'not a number of minutes worked'
			USING ERRCODE = '22023', DETAIL = format('minutes is %s.', coalesce($2::text, 'NULL')),
			HINT = 'Give 1 to 100000.';
	END IF;
	UPDATE scheduler.tasks AS t
	SET worked_minutes = t.worked_minutes + $2,
		status = CASE WHEN t.status IN ('pending', 'scheduled') THEN 'in_progress' ELSE t.status END
	WHERE t.user_id = task.user_id AND t.task_id = task.task_id;
	PERFORM scheduler.replan_tasks(ARRAY[task.task_id]);
	RETURN greatest(task.duration_minutes - task.worked_minutes - $2, 0);
END
$body$;
COMMENT ON FUNCTION scheduler.log_work(uuid, integer) IS
	'Counts minutes as worked; only the rest is planned from now on. Returns the rest in minutes.';

GRANT EXECUTE ON FUNCTION
	scheduler.add_task(text, integer, timestamptz, integer, text, timestamptz, integer, text, jsonb, text[], uuid,
		uuid[], timestamptz, text, text, jsonb, boolean),
	scheduler.update_task(uuid, jsonb), scheduler.complete_task(uuid), scheduler.cancel_task(uuid),
	scheduler.postpone_task(uuid, timestamptz), scheduler.pin_task(uuid, boolean), scheduler.log_work(uuid, integer)
	TO scheduler_user;
