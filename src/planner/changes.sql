/* planner: tasks and events tell what became of them, for readers of scheduler.changes. */

/*
 * Rows of the current user only: an administrator who writes for others announces nothing. A restore loads the changes
 * of these rows too.
 */
CREATE FUNCTION scheduler.announce_tasks() RETURNS trigger
	LANGUAGE c
	AS 'MODULE_PATHNAME', 'sched_sql_announce_tasks';
COMMENT ON FUNCTION scheduler.announce_tasks() IS 'Trigger of tasks: task.created, task.updated, task.<new status>.';
CREATE TRIGGER announce_created AFTER INSERT ON scheduler.tasks
	REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION scheduler.announce_tasks();
CREATE TRIGGER announce_updated AFTER UPDATE ON scheduler.tasks
	REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
	FOR EACH STATEMENT EXECUTE FUNCTION scheduler.announce_tasks();

CREATE FUNCTION scheduler.announce_events() RETURNS trigger
	LANGUAGE c
	AS 'MODULE_PATHNAME', 'sched_sql_announce_events';
COMMENT ON FUNCTION scheduler.announce_events() IS
	'Trigger of calendar_events: calendar_event.created, .updated, .cancelled, .deleted.';
CREATE TRIGGER announce_created AFTER INSERT ON scheduler.calendar_events
	REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION scheduler.announce_events();
CREATE TRIGGER announce_updated AFTER UPDATE ON scheduler.calendar_events
	REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION scheduler.announce_events();
CREATE TRIGGER announce_deleted AFTER DELETE ON scheduler.calendar_events
	REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION scheduler.announce_events();
