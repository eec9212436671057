/*
 * mail: a mail becomes facts, facts become tasks and events, these a place in the calendar. One job a mail; what its
 * last call writes commits together. README.md has the flow.
 */

/*
 * What is read of a mail: the new text first, then what it quotes, marked as quoted by the rules that set it apart.
 * The signature says nothing about what is to be done.
 */
CREATE FUNCTION scheduler.extraction_text(mail scheduler.parsed_mail) RETURNS text
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN concat_ws(E'\n\n', nullif(($1).body_new, ''), nullif(($1).quoted, ''));
END
$body$;
COMMENT ON FUNCTION scheduler.extraction_text(scheduler.parsed_mail) IS 'The text of a mail that facts are read from.';

/*
 * The tasks of a mail's facts, in their order. One whose deadline had passed when the mail reached us is kept,
 * cancelled and marked stale: no plan ever sees it. Columns are bounded here because a model wrote them.
 */
CREATE FUNCTION scheduler.insert_mail_tasks(email scheduler.email_tracking, facts jsonb) RETURNS SETOF scheduler.tasks
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN QUERY
	INSERT INTO scheduler.tasks (user_id, task_id, description, original_input, task_type, priority, status, category,
		duration_minutes, deadline, location, attendees, source_email_id, metadata)
	SELECT ($1).user_id, scheduler.uuid7(), left(f.description, 1000), left(($1).subject, 1000), 'email_derived',
		least(greatest(coalesce(f.priority, 5), 1), 10), CASE WHEN s.stale THEN 'cancelled' ELSE 'pending' END,
		CASE WHEN f.category IN ('work', 'personal', 'health') THEN f.category ELSE 'other' END,
		least(greatest(coalesce(f.duration_minutes, 30), 1), 10080), f.deadline, left(f.location, 500),
		CASE WHEN jsonb_typeof(f.attendees) = 'array' THEN f.attendees ELSE '[]' END, ($1).email_id,
		jsonb_strip_nulls(jsonb_build_object('confidence', f.confidence, 'stale', nullif(s.stale, false)))
	FROM ROWS FROM (jsonb_to_recordset($2 -> 'tasks') AS (description text, deadline timestamptz,
			duration_minutes integer, priority integer, location text, attendees jsonb, category text,
			confidence float8)) WITH ORDINALITY AS f (description, deadline, duration_minutes, priority, location,
			attendees, category, confidence, place),
		LATERAL (SELECT coalesce(f.deadline <= ($1).created_at, false)) AS s (stale)
	WHERE f.description ~ '\S'
	ORDER BY f.place
	RETURNING *;
END
$body$;
COMMENT ON FUNCTION scheduler.insert_mail_tasks(scheduler.email_tracking, jsonb) IS
	'Adds the tasks that were read out of a mail and returns them in their order.';

/* A wall-clock time of an invitation in the zone it names, where the server knows that; else in the reader's. */
CREATE FUNCTION scheduler.resolve_wall_time(wall timestamp, zone text, reader_zone text) RETURNS timestamptz
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN $1 AT TIME ZONE CASE WHEN $2 = 'UTC' OR scheduler.is_timezone($2) THEN $2 ELSE $3 END;
END
$body$;
COMMENT ON FUNCTION scheduler.resolve_wall_time(timestamp, text, text) IS
	'The instant of a wall-clock time in its zone, or in the reader''s where its zone is none.';

/* The events of a mail's text/calendar parts as instants; ends_at NULL where none is told. */
CREATE FUNCTION scheduler.mail_invitations(email scheduler.email_tracking, timezone text)
	RETURNS TABLE (method text, uid text, summary text, location text, description text, organizer text,
		status text, transparent boolean, all_day boolean, starts_at timestamptz, ends_at timestamptz)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN QUERY
	SELECT DISTINCT ON (i.uid) i.method, i.uid, i.summary, i.location, i.description, i.organizer, lower(i.status),
		i.transparent, i.all_day, t.starts_at,
		coalesce(scheduler.resolve_wall_time(i.ends, i.ends_zone, $2),
			t.starts_at + make_interval(secs => nullif(i.seconds, 0)),
			CASE WHEN i.all_day THEN scheduler.resolve_wall_time(i.starts + interval '1 day', NULL, $2) END)
	FROM jsonb_array_elements_text(coalesce(($1).metadata -> 'calendars', '[]')) AS c (calendar),
		LATERAL scheduler.read_invitation(c.calendar) AS i,
		LATERAL (SELECT scheduler.resolve_wall_time(i.starts, i.starts_zone, $2)) AS t (starts_at)
	WHERE i.uid <> '' AND i.method IN ('', 'PUBLISH', 'REQUEST', 'CANCEL', 'ADD')
		AND (t.starts_at IS NOT NULL OR i.method = 'CANCEL')
	ORDER BY i.uid, t.starts_at;
END
$body$;
COMMENT ON FUNCTION scheduler.mail_invitations(scheduler.email_tracking, text) IS
	'The events that a mail invites to or calls off.';

/*
 * Invitations become outside events: tentative until somebody accepts. A later mail changes or cancels an event only where
 * it names the same organizer and comes from him: a UID alone is no right.
 */
CREATE FUNCTION scheduler.apply_invitations(email scheduler.email_tracking, timezone text) RETURNS SETOF uuid
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN QUERY
	WITH invited AS MATERIALIZED (
		SELECT i.*, coalesce(nullif(lower(i.organizer), ''), lower(($1).sender_email)) AS host
		FROM scheduler.mail_invitations($1, $2) AS i
	), called_off AS (
		UPDATE scheduler.calendar_events AS e
		SET status = 'cancelled'
		FROM invited AS i
		WHERE (i.method = 'CANCEL' OR i.status = 'cancelled') AND e.user_id = ($1).user_id AND e.calendar_id IS NULL
			AND e.external_id = i.uid AND e.is_external AND e.organizer = i.host AND lower(($1).sender_email) = i.host
		RETURNING e.event_id
	), kept AS (
		INSERT INTO scheduler.calendar_events AS e (user_id, external_id, summary, description, location,
			start_datetime, end_datetime, organizer, is_external, is_all_day, transparency, status, sync_status)
		SELECT ($1).user_id, i.uid, left(i.summary, 1000), nullif(i.description, ''), nullif(i.location, ''),
			i.starts_at, coalesce(i.ends_at, i.starts_at), i.host, true, i.all_day,
			CASE WHEN i.transparent THEN 'transparent' ELSE 'opaque' END,
			CASE WHEN i.status = 'confirmed' THEN 'confirmed' ELSE 'tentative' END, 'synced'
		FROM invited AS i
		WHERE i.method <> 'CANCEL' AND i.status <> 'cancelled'
		ON CONFLICT (user_id, calendar_id, external_id) WHERE external_id IS NOT NULL DO UPDATE
		SET summary = excluded.summary, description = excluded.description, location = excluded.location,
			start_datetime = excluded.start_datetime, end_datetime = excluded.end_datetime,
			is_all_day = excluded.is_all_day, transparency = excluded.transparency, status = excluded.status
		WHERE e.is_external AND e.organizer = excluded.organizer AND excluded.organizer = lower(($1).sender_email)
		RETURNING e.event_id
	)
	SELECT event_id FROM called_off UNION ALL SELECT event_id FROM kept;
END
$body$;
COMMENT ON FUNCTION scheduler.apply_invitations(scheduler.email_tracking, text) IS
	'Adds, changes or cancels the outside events of a mail''s invitations and returns them.';

/* Events that the text of a mail speaks of; an hour where no end is told. Advertising makes nobody busy. */
CREATE FUNCTION scheduler.insert_mail_events(email scheduler.email_tracking, facts jsonb) RETURNS SETOF uuid
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN QUERY
	INSERT INTO scheduler.calendar_events (user_id, external_id, summary, location, start_datetime, end_datetime,
		organizer, is_external, status, sync_status)
	SELECT ($1).user_id, format('mail:%s:%s', ($1).email_id, f.place), left(f.summary, 1000), left(f.location, 500),
		f.starts_at, coalesce(f.ends_at, f.starts_at + interval '1 hour'), lower(($1).sender_email), true, 'tentative',
		'synced'
	FROM ROWS FROM (jsonb_to_recordset($2 -> 'events') AS (summary text, starts_at timestamptz, ends_at timestamptz,
			location text)) WITH ORDINALITY AS f (summary, starts_at, ends_at, location, place)
	WHERE f.summary ~ '\S' AND f.starts_at IS NOT NULL AND $2 ->> 'classification' NOT IN ('promotional', 'spam')
	ON CONFLICT (user_id, calendar_id, external_id) WHERE external_id IS NOT NULL DO NOTHING
	RETURNING event_id;
END
$body$;
COMMENT ON FUNCTION scheduler.insert_mail_events(scheduler.email_tracking, jsonb) IS
	'Adds the events that were read out of a mail''s text and returns them.';

/* The mail's row, and those of its duplicates, after the one extraction it ever has. */
CREATE FUNCTION scheduler.finish_mail(email scheduler.email_tracking, facts jsonb, origin jsonb, first_task scheduler.tasks)
	RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	UPDATE scheduler.email_tracking AS m
	SET classification = $2 ->> 'classification',
		extraction_confidence = least(greatest(($2 ->> 'confidence')::float8, 0), 1),
		extracted_deadline = ($4).deadline, extracted_task_description = ($4).description,
		extracted_priority = ($4).priority, extracted_location = ($4).location, task_id = ($4).task_id,
		processed = true, processed_at = clock_timestamp(),
		metadata = m.metadata || jsonb_build_object('extraction', $3 || jsonb_build_object('language', $2 -> 'language'))
	WHERE m.user_id = ($1).user_id AND (m.email_id = ($1).email_id OR m.duplicate_of = ($1).email_id);
END
$body$;
COMMENT ON FUNCTION scheduler.finish_mail(scheduler.email_tracking, jsonb, jsonb, scheduler.tasks) IS
	'Writes what was read out of a mail into its row and those of its duplicates.';

/* Facts into rows: tasks, events, their places, conflicts, the mail's row, a record of it. Returns what was made. */
CREATE FUNCTION scheduler.apply_facts(job scheduler.job, email scheduler.email_tracking, facts jsonb, origin jsonb,
	timezone text) RETURNS jsonb
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	started timestamptz := clock_timestamp();
	tasks scheduler.tasks[];
	events uuid[];
	plannable uuid[];
	made jsonb;
BEGIN
	/* Before any row of tasks: whoever writes both takes them in this order. */
	PERFORM scheduler.lock_calendar(($2).user_id);
	SELECT array_agg(t) INTO tasks FROM scheduler.insert_mail_tasks($2, $3) AS t;
	/* An invitation tells exactly what its text tells roughly; one that is spam fills no calendar. */
	IF ($2).metadata -> 'calendars' IS NULL THEN
		SELECT array_agg(e.id) INTO events FROM scheduler.insert_mail_events($2, $3) AS e (id);
	ELSIF $3 ->> 'classification' <> 'spam' THEN
		SELECT array_agg(e.id) INTO events FROM scheduler.apply_invitations($2, $5) AS e (id);
	END IF;
	PERFORM scheduler.finish_mail($2, $3, $4, tasks[1]);
	SELECT array_agg(t.task_id) INTO plannable FROM unnest(tasks) AS t WHERE t.status = 'pending';
	IF plannable IS NOT NULL THEN
		PERFORM scheduler.replan_tasks(plannable);
	END IF;
	IF events IS NOT NULL THEN
		PERFORM FROM scheduler.plan();
	END IF;
	made := jsonb_build_object('email_id', ($2).email_id, 'classification', $3 -> 'classification',
		'tasks', coalesce(cardinality(tasks), 0), 'events', coalesce(cardinality(events), 0));
	PERFORM scheduler.record_context($1, 'mail', 'output', made || jsonb_build_object('origin', $4, 'facts', $3),
		clock_timestamp() - started);
	RETURN made;
END
$body$;
COMMENT ON FUNCTION scheduler.apply_facts(scheduler.job, scheduler.email_tracking, jsonb, jsonb, text) IS
	'Turns the facts of a mail into tasks, events and their places, once.';

/* The mail stays; what went wrong with reading it is added to its row. */
CREATE FUNCTION scheduler.note_mail_error(email scheduler.email_tracking, problem text) RETURNS void
	LANGUAGE sql
	SET search_path = pg_catalog, pg_temp
	AS $body$
	UPDATE scheduler.email_tracking AS m
	SET error = concat_ws('; ', m.error, 'extraction: ' || $2)
	WHERE m.user_id = ($1).user_id AND m.email_id = ($1).email_id
$body$;
COMMENT ON FUNCTION scheduler.note_mail_error(scheduler.email_tracking, text) IS 'Adds a problem to a mail''s row.';

/*
 * apply_facts(), but facts that no row can hold become an error of the mail instead of one of the job. Only a
 * repeated job pays for the subtransaction.
 */
CREATE FUNCTION scheduler.apply_facts_guarded(job scheduler.job, email scheduler.email_tracking, facts jsonb,
	origin jsonb, timezone text) RETURNS scheduler.step
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN scheduler.step_done(scheduler.apply_facts($1, $2, $3, $4, $5));
EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN
	PERFORM scheduler.note_mail_error($2, SQLERRM);
	RETURN scheduler.step_fail(SQLERRM);
END
$body$;
COMMENT ON FUNCTION scheduler.apply_facts_guarded(scheduler.job, scheduler.email_tracking, jsonb, jsonb, text) IS
	'apply_facts() for a job that failed before.';

/* mail.process, payload {"email_id": ...}: asks for the facts of a mail and applies them. */
CREATE FUNCTION scheduler.handle_mail(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	email scheduler.email_tracking;
	mail scheduler.parsed_mail;
	zone text;
	read record;
BEGIN
	SELECT m.* INTO email
	FROM scheduler.email_tracking AS m
	WHERE m.user_id = ($1).user_id AND m.email_id = (($1).payload ->> 'email_id')::uuid
	FOR NO KEY UPDATE;
	IF email.email_id IS NULL OR email.processed THEN
		RETURN scheduler.step_done();
	END IF;
	SELECT u.timezone INTO zone FROM scheduler.users AS u WHERE u.user_id = email.user_id;
	SELECT p.* INTO mail
	FROM scheduler.email_bodies AS b, LATERAL scheduler.parse_mail(b.raw) AS p
	WHERE b.user_id = email.user_id AND b.email_id = email.email_id;
	SELECT * INTO read
	FROM scheduler.extraction_step($1, $2, scheduler.extraction_text(mail), email.subject,
		format('%s <%s>', email.sender, email.sender_email), email.received_at, zone, email.metadata -> 'headers');
	IF read.facts IS NOT NULL AND ($1).attempts <= 1 THEN
		RETURN scheduler.step_done(scheduler.apply_facts($1, email, read.facts, read.origin, zone));
	ELSIF read.facts IS NOT NULL THEN
		RETURN scheduler.apply_facts_guarded($1, email, read.facts, read.origin, zone);
	END IF;
	IF (read.step).action = 'fail' THEN
		PERFORM scheduler.note_mail_error(email, (read.step).reason);
	END IF;
	RETURN read.step;
END
$body$;
COMMENT ON FUNCTION scheduler.handle_mail(scheduler.job, scheduler.http_response) IS 'Handler of kind mail.process.';
SELECT scheduler.install_job_kind('mail.process', 'scheduler.handle_mail');
