/* planner: what holds for every row, whoever writes it. */

/* One writer of blocks per user at a time. */
CREATE FUNCTION scheduler.try_calendar(user_id uuid) RETURNS boolean
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_try_calendar';
COMMENT ON FUNCTION scheduler.try_calendar(uuid) IS 'lock_calendar() without waiting: false where somebody else holds it.';

CREATE FUNCTION scheduler.lock_calendar(user_id uuid) RETURNS void
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_lock_calendar';
COMMENT ON FUNCTION scheduler.lock_calendar(uuid) IS
	'Takes the lock that every writer of blocks holds until the end of the transaction; several users in user_id order.';

/* A pg_restore loads rows that are whole already; pg_dump's scripts start with row_security = off. */
CREATE FUNCTION scheduler.is_restoring() RETURNS boolean
	LANGUAGE c STABLE
	AS 'MODULE_PATHNAME', 'sched_sql_is_restoring';
COMMENT ON FUNCTION scheduler.is_restoring() IS 'Whether a superuser loads a dump: triggers that add rows stay still.';

/*
 * An event as it is stored: what came from outside with no length is kept as one minute with the problem beside
 * it, blocks follows from what the event is, and a row that blocks is written under the calendar lock.
 */
CREATE FUNCTION scheduler.prepare_event() RETURNS trigger
	LANGUAGE c
	AS 'MODULE_PATHNAME', 'sched_sql_prepare_event';
COMMENT ON FUNCTION scheduler.prepare_event() IS
	'Trigger of calendar_events: sets blocks, mends lengths, takes the calendar lock.';
CREATE TRIGGER prepare BEFORE INSERT OR UPDATE ON scheduler.calendar_events
	FOR EACH ROW EXECUTE FUNCTION scheduler.prepare_event();

CREATE FUNCTION scheduler.prepare_protected_time() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	PERFORM scheduler.lock_calendar(NEW.user_id);
	RETURN NEW;
END
$body$;
COMMENT ON FUNCTION scheduler.prepare_protected_time() IS 'Trigger of protected_time: takes the calendar lock.';
CREATE TRIGGER prepare BEFORE INSERT OR UPDATE ON scheduler.protected_time
	FOR EACH ROW EXECUTE FUNCTION scheduler.prepare_protected_time();

/*
 * scheduled_date, start_time and the words pending and scheduled follow the blocks. One statement for all tasks;
 * nothing is written where nothing differs.
 */
CREATE FUNCTION scheduler.follow_tasks(user_ids uuid[], task_ids uuid[]) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	UPDATE scheduler.tasks AS t
	SET scheduled_date = f.local_start::date,
		start_time = f.local_start::time,
		status = CASE
			WHEN t.status = 'pending' AND f.local_start IS NOT NULL THEN 'scheduled'
			WHEN t.status = 'scheduled' AND f.local_start IS NULL THEN 'pending'
			ELSE t.status END
	FROM (SELECT c.user_id, c.task_id, b.first_start AT TIME ZONE u.timezone AS local_start
		FROM (SELECT DISTINCT a.user_id, a.task_id FROM ROWS FROM (unnest($1), unnest($2)) AS a (user_id, task_id)) AS c
		JOIN scheduler.users AS u ON u.user_id = c.user_id
		CROSS JOIN LATERAL (
			SELECT min(e.start_datetime) AS first_start
			FROM scheduler.calendar_events AS e
			WHERE e.user_id = c.user_id AND e.task_id = c.task_id AND e.status <> 'cancelled') AS b) AS f
	WHERE t.user_id = f.user_id AND t.task_id = f.task_id
		AND (t.scheduled_date, t.start_time, t.status = 'scheduled')
			IS DISTINCT FROM (f.local_start::date, f.local_start::time,
				t.status IN ('pending', 'scheduled') AND f.local_start IS NOT NULL);
END
$body$;
COMMENT ON FUNCTION scheduler.follow_tasks(uuid[], uuid[]) IS 'Gives tasks the date, time and status of their blocks.';

CREATE FUNCTION scheduler.follow_blocks() RETURNS trigger
	LANGUAGE c
	AS 'MODULE_PATHNAME', 'sched_sql_follow_blocks';
COMMENT ON FUNCTION scheduler.follow_blocks() IS
	'Trigger of calendar_events: tasks take date, time and status from their blocks, where they do not have them.';
CREATE TRIGGER follow_inserted AFTER INSERT ON scheduler.calendar_events
	REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION scheduler.follow_blocks();
CREATE TRIGGER follow_updated AFTER UPDATE ON scheduler.calendar_events
	REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION scheduler.follow_blocks();
CREATE TRIGGER follow_deleted AFTER DELETE ON scheduler.calendar_events
	REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION scheduler.follow_blocks();

/* A task that is over, or that nothing can be done about, needs no time: its blocks that have not begun go. */
CREATE FUNCTION scheduler.drop_future_blocks() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	DELETE FROM scheduler.calendar_events AS e
	WHERE e.user_id = NEW.user_id AND e.task_id = NEW.task_id AND e.start_datetime > now() AND NOT e.is_external;
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION scheduler.drop_future_blocks() IS
	'Trigger of tasks: a completed, cancelled or blocked task gives its future blocks back.';
CREATE TRIGGER drop_future_blocks AFTER UPDATE OF status ON scheduler.tasks
	FOR EACH ROW WHEN (NEW.status IN ('completed', 'cancelled', 'blocked') AND OLD.status <> NEW.status)
	EXECUTE FUNCTION scheduler.drop_future_blocks();

/* The hours everybody starts with. Written for a user other than the caller: hence the owner without policies. */
CREATE FUNCTION scheduler.seed_availability() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF NOT scheduler.is_restoring() THEN
		INSERT INTO scheduler.availability (user_id, weekday, starts, ends, kind)
		SELECT NEW.user_id, d.weekday, h.starts, h.ends, h.kind
		FROM (VALUES ('work', 5, time '09:00', time '17:00'), ('personal', 7, time '08:00', time '21:00'))
				AS h (kind, days, starts, ends),
			LATERAL generate_series(1, h.days) AS d (weekday);
	END IF;
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION scheduler.seed_availability() IS
	'Trigger of users: work Mon-Fri 09:00-17:00, personal daily 08:00-21:00.';
ALTER FUNCTION scheduler.seed_availability() OWNER TO scheduler_system;
CREATE TRIGGER seed_availability AFTER INSERT ON scheduler.users
	FOR EACH ROW EXECUTE FUNCTION scheduler.seed_availability();
