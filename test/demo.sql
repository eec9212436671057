-- What became of the mails: every answer below is a plain SELECT.
SELECT classification, count(*) AS mails, count(task_id) AS with_task
FROM scheduler.email_tracking WHERE duplicate_of IS NULL GROUP BY 1 ORDER BY 2 DESC;

SELECT left(t.description, 40) AS task, to_char(t.deadline, 'Dy DD Mon HH24:MI') AS deadline,
       round(m.extraction_confidence::numeric, 2) AS sure, left(m.subject, 26) AS source_mail
FROM scheduler.tasks t JOIN scheduler.email_tracking m ON m.email_id = t.source_email_id
WHERE t.status <> 'cancelled' ORDER BY t.deadline LIMIT 10;

SELECT to_char(start_datetime::date, 'Dy DD Mon') AS day, array_to_string((array_agg(
           to_char(start_datetime, 'HH24:MI ') || left(summary, 19) ORDER BY start_datetime
       ))[1:3], ' | ')
       || CASE WHEN count(*) > 3 THEN ' +' || count(*) - 3 ELSE '' END AS timetable
FROM scheduler.calendar_events WHERE status <> 'cancelled' AND start_datetime > now()
GROUP BY start_datetime::date ORDER BY start_datetime::date LIMIT 7;

SELECT c.conflict_type, left(coalesce(t.description, e.summary), 36) AS about,
       to_char((alternatives_offered->0->>'starts_at')::timestamptz, 'Dy DD Mon HH24:MI') AS free
FROM scheduler.scheduling_conflicts c LEFT JOIN scheduler.tasks t USING (user_id, task_id)
LEFT JOIN scheduler.calendar_events e USING (user_id, event_id)
WHERE c.resolution_status = 'pending' LIMIT 4;

SELECT r.summary, r.total_tasks_planned AS planned, r.work_life_balance_score AS balance
FROM scheduler.recap() r;

SELECT x->>'description' AS task, x->>'duration_minutes' AS minutes,
       to_char((x->>'starts_at')::timestamptz, 'Dy DD Mon HH24:MI') AS starts
FROM jsonb_array_elements(scheduler.schedule_text(
       'dentist tomorrow 9, then two hours for the report before Friday noon')->'tasks') AS x;
