/* planner: what users look at first. Both ask for the current user themselves, so that a superuser sees his own. */

CREATE VIEW scheduler.upcoming_tasks WITH (security_invoker = true) AS
SELECT t.user_id, t.task_id, t.description, t.status, t.priority, t.category, t.deadline, t.duration_minutes,
	t.location, t.pinned, b.event_id, b.start_datetime AS starts_at, b.end_datetime AS ends_at
FROM scheduler.tasks AS t
LEFT JOIN LATERAL (
	SELECT e.event_id, e.start_datetime, e.end_datetime
	FROM scheduler.calendar_events AS e
	WHERE e.user_id = t.user_id AND e.task_id = t.task_id AND e.status <> 'cancelled' AND e.end_datetime > now()
	ORDER BY e.start_datetime
	LIMIT 1) AS b ON true
WHERE t.user_id = (SELECT scheduler.current_user_id())
	AND t.status IN ('pending', 'scheduled', 'in_progress', 'blocked')
ORDER BY b.start_datetime NULLS LAST, t.deadline NULLS LAST, t.priority DESC, t.task_id;
COMMENT ON VIEW scheduler.upcoming_tasks IS
	'Open tasks of the current user with their next block, in the order of the blocks; those without one last.';

/*
 * The day's bounds are columns of a subquery that is not pulled up: behind a policy only comparisons with values, not with
 * functions that might leak, reach an index. Both sides are bounded, so long events are looked for apart.
 */
CREATE VIEW scheduler.todays_schedule WITH (security_invoker = true) AS
SELECT e.user_id, e.event_id, e.task_id, e.start_datetime AS starts_at, e.end_datetime AS ends_at,
	CASE WHEN e.task_id IS NOT NULL THEN 'task' WHEN e.hold_expires_at IS NOT NULL THEN 'hold' ELSE 'event' END AS kind,
	coalesce(t.description, e.summary) AS description, coalesce(e.location, t.location) AS location, e.status,
	e.is_all_day, e.is_external, t.deadline, t.priority
FROM (
	SELECT u.user_id, day.starts AT TIME ZONE u.timezone AS starts,
		(day.starts + interval '1 day') AT TIME ZONE u.timezone AS ends,
		(day.starts AT TIME ZONE u.timezone) - interval '1 day' AS earliest
	FROM scheduler.users AS u
	CROSS JOIN LATERAL (SELECT date_trunc('day', now() AT TIME ZONE u.timezone)) AS day (starts)
	WHERE u.user_id = (SELECT scheduler.current_user_id())
	OFFSET 0
) AS d
CROSS JOIN LATERAL (
	SELECT short.user_id, short.event_id, short.task_id, short.start_datetime, short.end_datetime, short.summary,
		short.location, short.status, short.hold_expires_at, short.is_all_day, short.is_external
	FROM scheduler.calendar_events AS short
	WHERE short.user_id = d.user_id AND short.start_datetime < d.ends AND short.end_datetime > d.starts
		AND short.start_datetime >= d.earliest AND short.end_datetime - short.start_datetime <= interval '1 day'
	UNION ALL
	SELECT long.user_id, long.event_id, long.task_id, long.start_datetime, long.end_datetime, long.summary,
		long.location, long.status, long.hold_expires_at, long.is_all_day, long.is_external
	FROM scheduler.calendar_events AS long
	WHERE long.user_id = d.user_id AND long.start_datetime < d.ends AND long.end_datetime > d.starts
		AND long.end_datetime - long.start_datetime > interval '1 day'
) AS e
LEFT JOIN scheduler.tasks AS t ON t.user_id = e.user_id AND t.task_id = e.task_id
WHERE e.status <> 'cancelled'
	AND (e.hold_expires_at IS NULL OR e.hold_expires_at > now())
ORDER BY e.start_datetime, e.end_datetime, e.event_id;
COMMENT ON VIEW scheduler.todays_schedule IS
	'Blocks, events and holds of the current user that touch today, in the user''s time zone.';
GRANT SELECT ON scheduler.upcoming_tasks, scheduler.todays_schedule TO scheduler_viewer;
