/*
 * mail: a mail becomes facts, facts become tasks and events, these a place in the calendar. One job a mail; what its
 * last call writes commits together. README.md has the flow.
 */

/* Not what parse_mail() gives: of a mail that is read again only its text is wanted. */
CREATE FUNCTION scheduler.extraction_text(raw bytea) RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_extraction_text';
COMMENT ON FUNCTION scheduler.extraction_text(bytea) IS
	'The text of a mail that facts are read from: what is new in it, then what it quotes.';

CREATE TYPE scheduler.read_mail AS
(
	job_id uuid,
	email_id uuid,
	subject text,
	sender_email text,
	created_at timestamptz,
	metadata jsonb,
	facts jsonb,
	origin jsonb
);
COMMENT ON TYPE scheduler.read_mail IS 'A mail whose facts become rows; metadata only where it carries calendars.';

CREATE TYPE scheduler.mail_task AS
(
	email_id uuid,
	nth bigint,
	subject text,
	task_id uuid,
	description text,
	priority integer,
	status text,
	category text,
	duration_minutes integer,
	deadline timestamptz,
	location text,
	attendees jsonb,
	metadata jsonb
);
COMMENT ON TYPE scheduler.mail_task IS 'A task that was read out of a mail, the nth of it.';

/*
 * In the order that breaks ties between tasks. One whose deadline had passed when the mail reached us is kept,
 * cancelled and marked stale: no plan ever sees it. Columns are bounded here because a model wrote them.
 */
CREATE FUNCTION scheduler.find_mail_tasks(mails scheduler.read_mail[]) RETURNS scheduler.mail_task[]
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN ARRAY(
		SELECT ROW(f.email_id, row_number() OVER (PARTITION BY f.email_id ORDER BY f.place), left(f.subject, 1000),
			scheduler.uuid7(), left(f.description, 1000), f.priority, CASE WHEN f.stale THEN 'cancelled' ELSE 'pending' END,
			CASE WHEN f.category IN ('work', 'personal', 'health') THEN f.category ELSE 'other' END,
			least(greatest(coalesce(f.duration_minutes, 30), 1), 10080), f.deadline, left(f.location, 500),
			CASE WHEN jsonb_typeof(f.attendees) = 'array' THEN f.attendees ELSE '[]' END,
			jsonb_strip_nulls(jsonb_build_object('confidence', f.confidence, 'stale', nullif(f.stale, false)))
			)::scheduler.mail_task
		FROM (SELECT m.email_id, m.subject, t.place, t.description, t.category, t.duration_minutes, t.deadline, t.location,
				t.attendees, t.confidence, least(greatest(coalesce(t.priority, 5), 1), 10) AS priority,
				coalesce(t.deadline <= m.created_at, false) AS stale
			FROM unnest($1) AS m,
				LATERAL ROWS FROM (jsonb_to_recordset(m.facts -> 'tasks') AS (description text, deadline timestamptz,
					duration_minutes integer, priority integer, location text, attendees jsonb, category text,
					confidence float8)) WITH ORDINALITY AS t (description, deadline, duration_minutes, priority, location,
					attendees, category, confidence, place)
			WHERE t.description ~ '\S') AS f
		ORDER BY f.deadline NULLS LAST, f.priority DESC, f.email_id, f.place);
END
$body$;
COMMENT ON FUNCTION scheduler.find_mail_tasks(scheduler.read_mail[]) IS 'The tasks of mails as rows to be.';

/* In the next 14 days, around everything that stands; others make room only where a deadline would be missed. */
CREATE FUNCTION scheduler.place_mail_tasks(user_id uuid, tasks scheduler.mail_task[]) RETURNS scheduler.placement[]
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN ARRAY(
		SELECT p
		FROM (SELECT array_agg(n.task_id) AS ids,
				array_agg(CASE WHEN n.status = 'pending' THEN n.duration_minutes END) AS minutes,
				array_agg(n.deadline) AS deadlines, array_agg(n.priority) AS priorities,
				array_agg(n.category IN ('work', 'other')) AS work
			FROM unnest($2) AS n) AS a,
			LATERAL scheduler.place_new_tasks($1, now(), now() + interval '14 days', a.ids, a.minutes, a.deadlines, a.priorities,
				a.work) AS p);
END
$body$;
COMMENT ON FUNCTION scheduler.place_mail_tasks(uuid, scheduler.mail_task[]) IS
	'The places of new tasks, in their order, then those of others that change; nothing is written.';

/*
 * Rows and blocks of all tasks at once, so that what follows from them is done once. Those without a place whose deadline
 * is far, or that have none, look at the weeks behind. The calendar lock is held.
 */
CREATE FUNCTION scheduler.insert_mail_tasks(user_id uuid, timezone text, mails scheduler.read_mail[])
	RETURNS scheduler.mail_task[]
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	tasks scheduler.mail_task[] := scheduler.find_mail_tasks($3);
	horizon timestamptz := now() + interval '14 days';
	placements scheduler.placement[];
	others scheduler.placement[];
	waiting uuid[];
BEGIN
	IF tasks = '{}' THEN
		RETURN tasks;
	END IF;
	placements := scheduler.place_mail_tasks($1, tasks);
	others := placements[cardinality(tasks) + 1 :];
	placements := placements[: cardinality(tasks)];
	INSERT INTO scheduler.tasks (user_id, task_id, description, original_input, task_type, priority, status, category,
		duration_minutes, deadline, location, attendees, source_email_id, metadata, scheduled_date, start_time)
	SELECT $1, t.task_id, t.description, t.subject, 'email_derived', t.priority,
		CASE WHEN t.starts_at IS NULL THEN t.status ELSE 'scheduled' END, t.category, t.duration_minutes, t.deadline,
		t.location, t.attendees, t.email_id, t.metadata, (t.starts_at AT TIME ZONE $2)::date, (t.starts_at AT TIME ZONE $2)::time
	FROM ROWS FROM (unnest(tasks), unnest(placements)) AS t (email_id, nth, subject, task_id, description, priority, status,
		category, duration_minutes, deadline, location, attendees, metadata, same_id, event_id, starts_at, ends_at, outcome, why,
		reason);
	IF others <> '{}' THEN
		PERFORM scheduler.apply_placements($1, others);
	END IF;
	INSERT INTO scheduler.calendar_events (user_id, task_id, summary, location, start_datetime, end_datetime, is_movable)
	SELECT $1, t.task_id, t.description, t.location, t.starts_at, t.ends_at, true
	FROM ROWS FROM (unnest(tasks), unnest(placements)) AS t (email_id, nth, subject, task_id, description, priority, status,
		category, duration_minutes, deadline, location, attendees, metadata, same_id, event_id, starts_at, ends_at, outcome, why,
		reason)
	WHERE t.starts_at IS NOT NULL
	ORDER BY t.starts_at;
	waiting := ARRAY(SELECT p.task_id FROM ROWS FROM (unnest(tasks), unnest(placements)) AS p (email_id, nth, subject, task_id,
			description, priority, status, category, duration_minutes, deadline, location, attendees, metadata, same_id, event_id,
			starts_at, ends_at, outcome, why, reason)
		WHERE p.why = 'no_gap' AND (p.deadline > horizon) IS NOT FALSE);
	IF waiting <> '{}' THEN
		PERFORM scheduler.replan_tasks(waiting, crowded => true);
	END IF;
	PERFORM scheduler.note_impossible($1, horizon, placements || others);
	IF others <> '{}' THEN
		PERFORM scheduler.settle_conflicts();
	END IF;
	RETURN tasks;
END
$body$;
COMMENT ON FUNCTION scheduler.insert_mail_tasks(uuid, text, scheduler.read_mail[]) IS
	'Adds the tasks that were read out of mails, with their blocks, and returns them.';

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
CREATE FUNCTION scheduler.mail_invitations(metadata jsonb, timezone text)
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
	FROM jsonb_array_elements_text(coalesce($1 -> 'calendars', '[]')) AS c (calendar),
		LATERAL scheduler.read_invitation(c.calendar) AS i,
		LATERAL (SELECT scheduler.resolve_wall_time(i.starts, i.starts_zone, $2)) AS t (starts_at)
	WHERE i.uid <> '' AND i.method IN ('', 'PUBLISH', 'REQUEST', 'CANCEL', 'ADD')
		AND (t.starts_at IS NOT NULL OR i.method = 'CANCEL')
	ORDER BY i.uid, t.starts_at;
END
$body$;
COMMENT ON FUNCTION scheduler.mail_invitations(jsonb, text) IS
	'The events that a mail invites to or calls off.';

/*
 * Invitations become outside events: tentative until somebody accepts. A later mail changes or cancels an event only where
 * it names the same organizer and comes from him: a UID alone is no right.
 */
CREATE FUNCTION scheduler.apply_invitations(owner_id uuid, mail scheduler.read_mail, timezone text) RETURNS SETOF uuid
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN QUERY
	WITH invited AS MATERIALIZED (
		SELECT i.*, coalesce(nullif(lower(i.organizer), ''), lower(($2).sender_email)) AS host
		FROM scheduler.mail_invitations(($2).metadata, $3) AS i
	), called_off AS (
		UPDATE scheduler.calendar_events AS e
		SET status = 'cancelled'
		FROM invited AS i
		WHERE (i.method = 'CANCEL' OR i.status = 'cancelled') AND e.user_id = $1 AND e.calendar_id IS NULL
			AND e.external_id = i.uid AND e.is_external AND e.organizer = i.host AND lower(($2).sender_email) = i.host
		RETURNING e.event_id
	), kept AS (
		INSERT INTO scheduler.calendar_events AS e (user_id, external_id, summary, description, location,
			start_datetime, end_datetime, organizer, is_external, is_all_day, transparency, status, sync_status)
		SELECT $1, i.uid, left(i.summary, 1000), nullif(i.description, ''), nullif(i.location, ''),
			i.starts_at, coalesce(i.ends_at, i.starts_at), i.host, true, i.all_day,
			CASE WHEN i.transparent THEN 'transparent' ELSE 'opaque' END,
			CASE WHEN i.status = 'confirmed' THEN 'confirmed' ELSE 'tentative' END, 'synced'
		FROM invited AS i
		WHERE i.method <> 'CANCEL' AND i.status <> 'cancelled'
		ON CONFLICT (user_id, calendar_id, external_id) WHERE external_id IS NOT NULL DO UPDATE
		SET summary = excluded.summary, description = excluded.description, location = excluded.location,
			start_datetime = excluded.start_datetime, end_datetime = excluded.end_datetime,
			is_all_day = excluded.is_all_day, transparency = excluded.transparency, status = excluded.status
		WHERE e.is_external AND e.organizer = excluded.organizer AND excluded.organizer = lower(($2).sender_email)
		RETURNING e.event_id
	)
	SELECT event_id FROM called_off UNION ALL SELECT event_id FROM kept;
END
$body$;
COMMENT ON FUNCTION scheduler.apply_invitations(uuid, scheduler.read_mail, text) IS
	'Adds, changes or cancels the outside events of a mail''s invitations and returns them.';

/* Events that the text of a mail speaks of; an hour where no end is told. Advertising makes nobody busy. */
CREATE FUNCTION scheduler.insert_mail_events(owner_id uuid, mails scheduler.read_mail[]) RETURNS SETOF uuid
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN QUERY
	INSERT INTO scheduler.calendar_events AS e (user_id, external_id, summary, location, start_datetime, end_datetime,
		organizer, is_external, status, sync_status)
	SELECT $1, format('mail:%s:%s', m.email_id, f.place), left(f.summary, 1000), left(f.location, 500),
		f.starts_at, coalesce(f.ends_at, f.starts_at + interval '1 hour'), lower(m.sender_email), true, 'tentative',
		'synced'
	FROM unnest($2) AS m,
		LATERAL ROWS FROM (jsonb_to_recordset(m.facts -> 'events') AS (summary text, starts_at timestamptz,
			ends_at timestamptz, location text)) WITH ORDINALITY AS f (summary, starts_at, ends_at, location, place)
	WHERE f.summary ~ '\S' AND f.starts_at IS NOT NULL AND m.facts ->> 'classification' NOT IN ('promotional', 'spam')
	ON CONFLICT (user_id, calendar_id, external_id) WHERE external_id IS NOT NULL DO NOTHING
	RETURNING split_part(e.external_id, ':', 2)::uuid;
END
$body$;
COMMENT ON FUNCTION scheduler.insert_mail_events(uuid, scheduler.read_mail[]) IS
	'Adds the events that were read out of the texts of mails; the mail of each comes back.';

/* An invitation tells exactly what its text tells roughly; one that is spam fills no calendar. */
CREATE FUNCTION scheduler.add_mail_events(user_id uuid, mails scheduler.read_mail[], timezone text) RETURNS uuid[]
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	told scheduler.read_mail[] := ARRAY(SELECT m FROM unnest($2) AS m
		WHERE m.metadata -> 'calendars' IS NULL AND m.facts -> 'events' <> '[]');
	events uuid[] := '{}';
	mail scheduler.read_mail;
BEGIN
	IF told <> '{}' THEN
		events := ARRAY(SELECT scheduler.insert_mail_events($1, told));
	END IF;
	FOR mail IN SELECT m.* FROM unnest($2) AS m
		WHERE m.metadata -> 'calendars' IS NOT NULL AND m.facts ->> 'classification' <> 'spam'
	LOOP
		events := events || ARRAY(SELECT mail.email_id FROM scheduler.apply_invitations($1, mail, $3));
	END LOOP;
	RETURN events;
END
$body$;
COMMENT ON FUNCTION scheduler.add_mail_events(uuid, scheduler.read_mail[], text) IS
	'Adds or changes the events of mails; the mail of each comes back.';

/* The rows of mails, and of their duplicates, after the one extraction they ever have. */
CREATE FUNCTION scheduler.finish_mails(user_id uuid, mails scheduler.read_mail[], tasks scheduler.mail_task[])
	RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	ids uuid[] := ARRAY(SELECT m.email_id FROM unnest($2) AS m);
BEGIN
	UPDATE scheduler.email_tracking AS m
	SET classification = r.facts ->> 'classification',
		extraction_confidence = least(greatest((r.facts ->> 'confidence')::float8, 0), 1),
		extracted_deadline = t.deadline, extracted_task_description = t.description,
		extracted_priority = t.priority, extracted_location = t.location, task_id = t.task_id,
		processed = true, processed_at = clock_timestamp(),
		metadata = m.metadata || jsonb_build_object('extraction',
			r.origin || jsonb_build_object('language', r.facts -> 'language'))
	FROM unnest($2) AS r
	LEFT JOIN unnest($3) AS t ON t.email_id = r.email_id AND t.nth = 1
	WHERE m.user_id = $1 AND m.email_id = r.email_id;
	IF EXISTS (SELECT FROM scheduler.email_tracking AS d WHERE d.user_id = $1 AND d.duplicate_of = ANY (ids)) THEN
		UPDATE scheduler.email_tracking AS m
		SET classification = o.classification, extraction_confidence = o.extraction_confidence,
			extracted_deadline = o.extracted_deadline, extracted_task_description = o.extracted_task_description,
			extracted_priority = o.extracted_priority, extracted_location = o.extracted_location, task_id = o.task_id,
			processed = true, processed_at = o.processed_at,
			metadata = m.metadata || jsonb_build_object('extraction', o.metadata -> 'extraction')
		FROM scheduler.email_tracking AS o
		WHERE o.user_id = $1 AND o.email_id = ANY (ids) AND m.user_id = $1 AND m.duplicate_of = o.email_id;
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.finish_mails(uuid, scheduler.read_mail[], scheduler.mail_task[]) IS
	'Writes what was read out of mails into their rows and those of their duplicates.';

/*
 * Facts of a user's mails into rows: tasks, events, their places, conflicts, the mails' rows, a record of it. Returns what
 * was made of each. By set: statements and triggers run once, however many mails there are.
 */
CREATE FUNCTION scheduler.apply_facts(user_id uuid, timezone text, mails scheduler.read_mail[]) RETURNS jsonb[]
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	started timestamptz := clock_timestamp();
	tasks scheduler.mail_task[];
	events uuid[];
	made jsonb[];
BEGIN
	/* Before any row of tasks: whoever writes both takes them in this order. */
	PERFORM scheduler.open_calendar();
	tasks := scheduler.insert_mail_tasks($1, $2, $3);
	events := scheduler.add_mail_events($1, $3, $2);
	PERFORM scheduler.finish_mails($1, $3, tasks);
	IF events <> '{}' THEN
		PERFORM FROM scheduler.plan();
	END IF;
	made := ARRAY(
		SELECT jsonb_build_object('email_id', m.email_id, 'classification', m.facts -> 'classification',
			'tasks', (SELECT count(*) FROM unnest(tasks) AS t WHERE t.email_id = m.email_id),
			'events', (SELECT count(*) FROM unnest(events) AS e (email_id) WHERE e.email_id = m.email_id))
		FROM unnest($3) AS m);
	PERFORM scheduler.record_contexts($1, 'mail', 'output',
		ARRAY(SELECT m.made || jsonb_build_object('origin', m.origin, 'facts', m.facts, 'job_id', m.job_id)
			FROM ROWS FROM (unnest($3), unnest(made)) AS m (job_id, email_id, subject, sender_email, created_at, metadata, facts,
				origin, made)),
		(clock_timestamp() - started) / cardinality($3));
	RETURN made;
END
$body$;
COMMENT ON FUNCTION scheduler.apply_facts(uuid, text, scheduler.read_mail[]) IS
	'Turns the facts of mails into tasks, events and their places, once.';

/* The mail stays; what went wrong with reading it is added to its row. */
CREATE FUNCTION scheduler.note_mail_error(user_id uuid, email_id uuid, problem text) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	UPDATE scheduler.email_tracking AS m
	SET error = concat_ws('; ', m.error, 'extraction: ' || $3)
	WHERE m.user_id = $1 AND m.email_id = $2;
END
$body$;
COMMENT ON FUNCTION scheduler.note_mail_error(uuid, uuid, text) IS 'Adds a problem to a mail''s row.';

/*
 * apply_facts(), but facts that no row can hold become an error of the mail instead of one of the job. Only a
 * repeated job pays for the subtransaction.
 */
CREATE FUNCTION scheduler.apply_facts_guarded(user_id uuid, timezone text, mail scheduler.read_mail)
	RETURNS scheduler.step
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN scheduler.step_done((scheduler.apply_facts($1, $2, ARRAY[$3]))[1]);
EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN
	PERFORM scheduler.note_mail_error($1, ($3).email_id, SQLERRM);
	RETURN scheduler.step_fail(SQLERRM);
END
$body$;
COMMENT ON FUNCTION scheduler.apply_facts_guarded(uuid, text, scheduler.read_mail) IS
	'apply_facts() for a job that failed before.';

/* A mail whose row is locked now, and what a model is to be shown of it. */
CREATE TYPE scheduler.open_mail AS
(
	place bigint,
	input scheduler.extraction_input,
	email_id uuid,
	sender_email text,
	created_at timestamptz,
	metadata jsonb
);
COMMENT ON TYPE scheduler.open_mail IS 'A mail that is to be read, with its job and the answer that came for it.';

/* Locks the rows of mails that have not been read yet; the others are done already, or gone. */
CREATE FUNCTION scheduler.open_mails(user_id uuid, jobs scheduler.job[], responses scheduler.http_response[])
	RETURNS scheduler.open_mail[]
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN ARRAY(
		SELECT ROW(o.place, ROW(o.job, o.response, scheduler.extraction_text(scheduler.open_body($1, o.email_id, b.key_id, b.raw)),
			o.subject,
			format('%s <%s>', o.sender, o.sender_email), o.received_at, o.metadata -> 'headers')::scheduler.extraction_input,
			o.email_id, o.sender_email, o.created_at,
			CASE WHEN o.metadata ? 'calendars' THEN o.metadata END)::scheduler.open_mail
		FROM (SELECT n AS place, $2[n] AS job, $3[n] AS response, m.email_id, m.subject, m.sender, m.sender_email,
				m.received_at, m.created_at, m.metadata
			FROM generate_series(1, cardinality($2)) AS n
			JOIN scheduler.email_tracking AS m ON m.user_id = $1 AND m.email_id = (($2[n]).payload ->> 'email_id')::uuid
			WHERE NOT m.processed
			ORDER BY n
			FOR NO KEY UPDATE OF m) AS o
		LEFT JOIN scheduler.email_bodies AS b ON b.user_id = $1 AND b.email_id = o.email_id
		ORDER BY o.place);
END
$body$;
COMMENT ON FUNCTION scheduler.open_mails(uuid, scheduler.job[], scheduler.http_response[]) IS
	'The mails of jobs that are still to be read, locked.';

/*
 * mail.process, payload {"email_id": ...}: asks for the facts of a mail and applies them; here for several mails of one user.
 * NULL where another process holds his calendar: nobody waits for it with other calendars in his hands. Tables
 * are small when their plans are made and large soon after, so only indexes are used.
 */
CREATE FUNCTION scheduler.handle_mails(jobs scheduler.job[], responses scheduler.http_response[])
	RETURNS scheduler.step[]
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	SET enable_seqscan = off
	SET enable_hashjoin = off
	SET enable_mergejoin = off
	SET plan_cache_mode = force_generic_plan
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := ($1[1]).user_id;
	zone text;
	steps scheduler.step[] := array_fill(scheduler.step_done(), ARRAY[cardinality($1)]);
	mails scheduler.open_mail[];
	read scheduler.read_mail[];
	places bigint[];
	made jsonb[];
	line record;
BEGIN
	IF (array_remove($2, NULL) <> '{}' OR scheduler.model_for('extract') = 'builtin')
		AND NOT scheduler.try_calendar(owner_id) THEN
		RETURN NULL;
	END IF;
	SELECT u.timezone INTO zone FROM scheduler.users AS u WHERE u.user_id = owner_id;
	mails := scheduler.open_mails(owner_id, $1, $2);
	FOR line IN
		SELECT m.place, m.email_id, m.sender_email, m.created_at, m.metadata, (m.input).job, (m.input).subject, e.step, e.facts,
			e.origin
		FROM ROWS FROM (unnest(mails), scheduler.extraction_steps(ARRAY(SELECT m.input FROM unnest(mails) AS m), zone))
			AS m (place, input, email_id, sender_email, created_at, metadata, step, facts, origin),
			LATERAL (SELECT m.step, m.facts, m.origin) AS e
	LOOP
		IF line.facts IS NULL THEN
			steps[line.place] := line.step;
			CONTINUE WHEN (line.step).action <> 'fail';
			PERFORM scheduler.note_mail_error(owner_id, line.email_id, (line.step).reason);
		ELSE
			places := places || line.place;
			read := read || ROW((line.job).job_id, line.email_id, line.subject, line.sender_email, line.created_at, line.metadata,
				line.facts, line.origin)::scheduler.read_mail;
		END IF;
	END LOOP;
	IF read IS NOT NULL THEN
		made := scheduler.apply_facts(owner_id, zone, read);
		FOR n IN 1 .. cardinality(places) LOOP
			steps[places[n]] := scheduler.step_done(made[n]);
		END LOOP;
	END IF;
	RETURN steps;
END
$body$;
COMMENT ON FUNCTION scheduler.handle_mails(scheduler.job[], scheduler.http_response[]) IS
	'Handler of kind mail.process for several jobs of one user.';

/* A single one, also one that failed before or among others. */
CREATE FUNCTION scheduler.handle_mail(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	SET enable_seqscan = off
	SET enable_hashjoin = off
	SET enable_mergejoin = off
	SET plan_cache_mode = force_generic_plan
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := ($1).user_id;
	zone text := (SELECT u.timezone FROM scheduler.users AS u WHERE u.user_id = ($1).user_id);
	opened scheduler.open_mail[] := scheduler.open_mails(owner_id, ARRAY[$1], ARRAY[$2]);
	found record;
	mail scheduler.read_mail;
BEGIN
	IF opened = '{}' THEN
		RETURN scheduler.step_done();
	END IF;
	SELECT e.* INTO found FROM scheduler.extraction_steps(ARRAY[(opened[1]).input], zone) AS e;
	IF found.facts IS NOT NULL THEN
		mail := ROW(($1).job_id, (opened[1]).email_id, ((opened[1]).input).subject, (opened[1]).sender_email,
			(opened[1]).created_at, (opened[1]).metadata, found.facts, found.origin);
		IF ($1).attempts > 1 THEN
			RETURN scheduler.apply_facts_guarded(owner_id, zone, mail);
		END IF;
		RETURN scheduler.step_done((scheduler.apply_facts(owner_id, zone, ARRAY[mail]))[1]);
	END IF;
	IF (found.step).action = 'fail' THEN
		PERFORM scheduler.note_mail_error(owner_id, (opened[1]).email_id, (found.step).reason);
	END IF;
	RETURN found.step;
END
$body$;
COMMENT ON FUNCTION scheduler.handle_mail(scheduler.job, scheduler.http_response) IS 'Handler of kind mail.process.';
SELECT scheduler.install_job_kind('mail.process', 'scheduler.handle_mail', handler_many => 'scheduler.handle_mails');
