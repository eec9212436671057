/* planner: tasks and events tell what became of them, for readers of scheduler.changes. */

/*
 * Rows of the current user only: an administrator who writes for others announces nothing. A restore loads the changes
 * of these rows too.
 */
CREATE FUNCTION scheduler.announce_tasks() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.current_user_id();
BEGIN
	IF scheduler.is_restoring() THEN
		RETURN NULL;
	END IF;
	IF TG_OP = 'INSERT' THEN
		/* One that has its place from the beginning is told of like one that was given it later. */
		PERFORM scheduler.record_changes(array_agg(w.word ORDER BY n.task_id, w.word), array_agg(n.task_id ORDER BY n.task_id, w.word))
		FROM new_rows AS n
		JOIN (VALUES ('task.created'), ('task.scheduled')) AS w (word)
			ON w.word = 'task.created' OR n.status = 'scheduled'
		WHERE n.user_id = owner_id
		HAVING count(*) > 0;
	ELSE
		PERFORM scheduler.record_changes(
			array_agg('task.' || CASE WHEN n.status <> o.status THEN n.status ELSE 'updated' END ORDER BY n.task_id),
			array_agg(n.task_id ORDER BY n.task_id))
		FROM new_rows AS n
		JOIN old_rows AS o ON o.user_id = n.user_id AND o.task_id = n.task_id
		WHERE n.user_id = owner_id
		HAVING count(*) > 0;
	END IF;
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION scheduler.announce_tasks() IS 'Trigger of tasks: task.created, task.updated, task.<new status>.';
CREATE TRIGGER announce_created AFTER INSERT ON scheduler.tasks
	REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION scheduler.announce_tasks();
CREATE TRIGGER announce_updated AFTER UPDATE ON scheduler.tasks
	REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
	FOR EACH STATEMENT EXECUTE FUNCTION scheduler.announce_tasks();

CREATE FUNCTION scheduler.announce_events() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.current_user_id();
	word text := CASE TG_OP WHEN 'INSERT' THEN 'created' WHEN 'UPDATE' THEN 'updated' ELSE 'deleted' END;
BEGIN
	IF scheduler.is_restoring() THEN
		RETURN NULL;
	END IF;
	PERFORM scheduler.record_changes(
		array_agg('calendar_event.' || CASE WHEN word = 'updated' AND c.status = 'cancelled' THEN 'cancelled' ELSE word END
			ORDER BY c.event_id), array_agg(c.event_id ORDER BY c.event_id))
	FROM changed AS c
	WHERE c.user_id = owner_id
	HAVING count(*) > 0;
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION scheduler.announce_events() IS
	'Trigger of calendar_events: calendar_event.created, .updated, .cancelled, .deleted.';
CREATE TRIGGER announce_created AFTER INSERT ON scheduler.calendar_events
	REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION scheduler.announce_events();
CREATE TRIGGER announce_updated AFTER UPDATE ON scheduler.calendar_events
	REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION scheduler.announce_events();
CREATE TRIGGER announce_deleted AFTER DELETE ON scheduler.calendar_events
	REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION scheduler.announce_events();
