/* planner: events on the calendar and blocks at a fixed time. */

/* The caller's event, behind the calendar lock. */
CREATE FUNCTION scheduler.lock_event(event_id uuid) RETURNS scheduler.calendar_events
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.open_calendar();
	event scheduler.calendar_events;
BEGIN
	SELECT e.* INTO event
	FROM scheduler.calendar_events AS e
	WHERE e.user_id = owner_id AND e.event_id = $1
	FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no such event'
			USING ERRCODE = 'PT404', DETAIL = format('There is no event %s.', coalesce($1::text, 'NULL')),
			HINT = 'Take an event_id from scheduler.calendar_events.';
	END IF;
	IF event.is_external AND NOT event.is_movable THEN
		RAISE EXCEPTION 'the event belongs to its organiser'
			USING ERRCODE = '55000', DETAIL = format('Event %s comes from outside and is not movable.', $1),
			HINT = 'Ask the organiser for another time, or ignore the conflict.';
	END IF;
	RETURN event;
END
$body$;
COMMENT ON FUNCTION scheduler.lock_event(uuid) IS
	'An event the caller may change, locked; error PT404 where there is none, 55000 where another organises it.';

/* After something was written at a fixed time: displaced tasks find another place, new overlaps are noted. */
CREATE FUNCTION scheduler.settle_span(user_id uuid, starts_at timestamptz, ends_at timestamptz, displaced uuid[])
	RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF cardinality($4) > 0 THEN
		PERFORM scheduler.replan_tasks($4);
	END IF;
	PERFORM scheduler.note_overlaps($1, $2, $3);
	PERFORM scheduler.settle_conflicts();
END
$body$;
COMMENT ON FUNCTION scheduler.settle_span(uuid, timestamptz, timestamptz, uuid[]) IS
	'Finds new places for displaced tasks and brings the conflicts of a span up to date.';

/* Gives a task its one block at this very time; movable blocks of others make room, and it is pinned. */
CREATE FUNCTION scheduler.fix_task(task_id uuid, start_at timestamptz) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	task scheduler.tasks := scheduler.lock_task($1);
	end_at timestamptz;
	displaced uuid[];
BEGIN
	IF NOT isfinite($2) OR $2 < now() THEN
		RAISE EXCEPTION 'a task cannot start in the past'
			USING ERRCODE = '22023', DETAIL = format('start_at is %s.', $2), HINT = 'Give a time that is to come.';
	END IF;
	end_at := $2 + make_interval(mins => greatest(task.duration_minutes - task.worked_minutes, 1));
	DELETE FROM scheduler.calendar_events AS e
	WHERE e.user_id = task.user_id AND e.task_id = $1 AND e.start_datetime > now() AND NOT e.is_external;
	displaced := scheduler.claim_span(task.user_id, $2, end_at, NULL, true);
	UPDATE scheduler.tasks AS t SET pinned = true WHERE t.user_id = task.user_id AND t.task_id = $1;
	INSERT INTO scheduler.calendar_events (user_id, task_id, summary, location, start_datetime, end_datetime)
	VALUES (task.user_id, $1, task.description, task.location, $2, end_at);
	PERFORM scheduler.settle_span(task.user_id, $2, end_at, displaced);
END
$body$;
COMMENT ON FUNCTION scheduler.fix_task(uuid, timestamptz) IS
	'Places a task at a fixed time and pins it; error PT409 where something fixed is there.';

/* Writes an event; one that a calendar outside has delivered before is the same row. */
CREATE FUNCTION scheduler.store_event(event scheduler.calendar_events) RETURNS uuid
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	stored_id uuid;
BEGIN
	INSERT INTO scheduler.calendar_events (user_id, summary, start_datetime, end_datetime, description, location,
		attendees, is_all_day, transparency, status, organizer, is_external, is_movable, calendar_id, external_id,
		sync_status)
	VALUES ($1.user_id, $1.summary, $1.start_datetime, $1.end_datetime, $1.description, $1.location, $1.attendees,
		$1.is_all_day, $1.transparency, $1.status, $1.organizer, $1.is_external, $1.is_movable, $1.calendar_id,
		$1.external_id, CASE WHEN $1.is_external THEN 'synced' ELSE 'pending' END)
	ON CONFLICT (user_id, calendar_id, external_id) WHERE external_id IS NOT NULL DO UPDATE
	SET summary = EXCLUDED.summary, start_datetime = EXCLUDED.start_datetime, end_datetime = EXCLUDED.end_datetime,
		description = EXCLUDED.description, location = EXCLUDED.location, attendees = EXCLUDED.attendees,
		is_all_day = EXCLUDED.is_all_day, transparency = EXCLUDED.transparency, status = EXCLUDED.status,
		organizer = EXCLUDED.organizer
	RETURNING event_id INTO stored_id;
	RETURN stored_id;
END
$body$;
COMMENT ON FUNCTION scheduler.store_event(scheduler.calendar_events) IS
	'Inserts an event, or updates the one with the same calendar_id and external_id.';

CREATE FUNCTION scheduler.add_event(summary text, starts_at timestamptz, ends_at timestamptz,
	description text DEFAULT NULL, location text DEFAULT NULL, attendees jsonb DEFAULT '[]',
	is_all_day boolean DEFAULT false, transparency text DEFAULT 'opaque', status text DEFAULT 'confirmed',
	organizer text DEFAULT NULL, is_external boolean DEFAULT false, is_movable boolean DEFAULT false,
	calendar_id uuid DEFAULT NULL, external_id text DEFAULT NULL) RETURNS uuid
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.open_calendar();
	displaced uuid[] := '{}';
	event scheduler.calendar_events;
BEGIN
	/* From outside even a span without length is kept. */
	PERFORM scheduler.check_span($2, CASE WHEN $11 AND $3 <= $2 THEN $2 + interval '1 minute' ELSE $3 END);
	PERFORM scheduler.check_event_words($8, $9);
	event.user_id := owner_id;
	event.summary := coalesce($1, '');
	event.start_datetime := $2;
	event.end_datetime := $3;
	event.description := $4;
	event.location := $5;
	event.attendees := coalesce($6, '[]');
	event.is_all_day := coalesce($7, false);
	event.transparency := $8;
	event.status := $9;
	event.organizer := $10;
	event.is_external := coalesce($11, false);
	event.is_movable := coalesce($12, false);
	event.calendar_id := $13;
	event.external_id := $14;
	IF NOT event.is_external AND NOT event.is_all_day AND $8 = 'opaque' AND $9 <> 'cancelled' THEN
		displaced := scheduler.claim_span(owner_id, $2, $3, NULL, true);
	END IF;
	event.event_id := scheduler.store_event(event);
	IF event.is_external THEN
		displaced := scheduler.find_overlaid_tasks(owner_id, event.event_id);
	END IF;
	PERFORM scheduler.settle_span(owner_id, $2, greatest($3, $2 + interval '1 minute'), displaced);
	RETURN event.event_id;
END
$body$;
COMMENT ON FUNCTION scheduler.add_event(text, timestamptz, timestamptz, text, text, jsonb, boolean, text, text, text,
	boolean, boolean, uuid, text) IS
	'Puts an event on the calendar; planned blocks make room, what is fixed refuses it (PT409). From outside anything goes in.';

CREATE FUNCTION scheduler.check_event_words(transparency text, status text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF $1 IS NULL OR $1 NOT IN ('opaque', 'transparent')
		OR $2 IS NULL OR $2 NOT IN ('confirmed', 'tentative', 'cancelled') THEN
		RAISE EXCEPTION 'event is not well-formed'
			USING ERRCODE = '22023', DETAIL = format('transparency is "%s", status is "%s".', $1, $2),
			HINT = 'Take opaque or transparent, and confirmed, tentative or cancelled.';
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.check_event_words(text, text) IS 'Error 22023 for an unknown transparency or status.';

/* Tasks with blocks that may move and that this event lies over. */
CREATE FUNCTION scheduler.find_overlaid_tasks(user_id uuid, event_id uuid) RETURNS uuid[]
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN ARRAY(
		SELECT DISTINCT b.task_id
		FROM scheduler.calendar_events AS e,
			LATERAL scheduler.events_within($1, e.start_datetime, e.end_datetime) AS b
		WHERE e.user_id = $1 AND e.event_id = $2 AND e.transparency = 'opaque' AND e.status <> 'cancelled'
			AND b.event_id <> e.event_id AND b.task_id IS NOT NULL AND b.is_movable AND b.start_datetime > now());
END
$body$;
COMMENT ON FUNCTION scheduler.find_overlaid_tasks(uuid, uuid) IS 'Tasks whose movable blocks an event lies over.';

CREATE FUNCTION scheduler.update_event(event_id uuid, changes jsonb) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	known CONSTANT text[] := '{summary,description,location,attendees,organizer,starts_at,ends_at,is_all_day,'
		'transparency,status,is_movable}';
	event scheduler.calendar_events := scheduler.lock_event($1);
	displaced uuid[] := '{}';
	unknown text;
BEGIN
	SELECT k.key INTO unknown
	FROM jsonb_object_keys(CASE WHEN jsonb_typeof($2) = 'object' THEN $2 ELSE '{"changes": null}' END) AS k (key)
	WHERE k.key <> ALL (known)
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'unknown field of an event'
			USING ERRCODE = '22023', DETAIL = format('"%s" cannot be changed.', unknown),
			HINT = format('Give an object of %s.', array_to_string(known, ', '));
	END IF;
	BEGIN
		event := jsonb_populate_record(event, $2 - 'starts_at' - 'ends_at'
			|| jsonb_strip_nulls(jsonb_build_object('start_datetime', $2 -> 'starts_at', 'end_datetime', $2 -> 'ends_at')));
	EXCEPTION WHEN data_exception THEN
		RAISE EXCEPTION 'a field of an event has a value that does not fit'
			USING ERRCODE = '22023', DETAIL = SQLERRM, HINT = 'Times are ISO 8601.';
	END;
	PERFORM scheduler.check_span(event.start_datetime, event.end_datetime);
	PERFORM scheduler.check_event_words(event.transparency, event.status);
	IF NOT event.is_external AND NOT event.is_all_day AND event.transparency = 'opaque'
		AND event.status <> 'cancelled' THEN
		displaced := scheduler.claim_span(event.user_id, event.start_datetime, event.end_datetime, $1, true);
	END IF;
	UPDATE scheduler.calendar_events AS e
	SET summary = coalesce(event.summary, ''), description = event.description, location = event.location,
		attendees = coalesce(event.attendees, '[]'), organizer = event.organizer,
		start_datetime = event.start_datetime, end_datetime = event.end_datetime,
		is_all_day = coalesce(event.is_all_day, false), transparency = event.transparency, status = event.status,
		is_movable = coalesce(event.is_movable, false), sync_status = 'pending'
	WHERE e.user_id = event.user_id AND e.event_id = $1;
	PERFORM scheduler.settle_span(event.user_id, event.start_datetime, event.end_datetime,
		displaced || scheduler.find_overlaid_tasks(event.user_id, $1));
END
$body$;
COMMENT ON FUNCTION scheduler.update_event(uuid, jsonb) IS
	'Changes fields of an own event ({"summary": "...", "starts_at": "..."}).';

CREATE FUNCTION scheduler.cancel_event(event_id uuid) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	event scheduler.calendar_events := scheduler.lock_event($1);
BEGIN
	UPDATE scheduler.calendar_events AS e
	SET status = 'cancelled', sync_status = 'pending'
	WHERE e.user_id = event.user_id AND e.event_id = $1 AND e.status <> 'cancelled';
	PERFORM scheduler.settle_conflicts();
END
$body$;
COMMENT ON FUNCTION scheduler.cancel_event(uuid) IS
	'Takes an own event or block off the calendar; the row stays, cancelled.';

CREATE FUNCTION scheduler.move_event(event_id uuid, new_start timestamptz) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	event scheduler.calendar_events := scheduler.lock_event($1);
	new_end timestamptz;
	displaced uuid[] := '{}';
BEGIN
	IF $2 IS NULL OR NOT isfinite($2) OR $2 < now() THEN
		RAISE EXCEPTION 'an event cannot be moved there'
			USING ERRCODE = '22023', DETAIL = format('new_start is %s.', coalesce($2::text, 'NULL')),
			HINT = 'Give a time that is to come.';
	END IF;
	new_end := $2 + (event.end_datetime - event.start_datetime);
	IF event.blocks THEN
		displaced := scheduler.claim_span(event.user_id, $2, new_end, $1, true);
	END IF;
	UPDATE scheduler.calendar_events AS e
	SET start_datetime = $2, end_datetime = new_end, sync_status = 'pending',
		is_movable = e.is_movable AND e.task_id IS NULL
	WHERE e.user_id = event.user_id AND e.event_id = $1;
	UPDATE scheduler.tasks AS t
	SET pinned = true
	WHERE t.user_id = event.user_id AND t.task_id = event.task_id;
	PERFORM scheduler.settle_span(event.user_id, $2, new_end,
		displaced || scheduler.find_overlaid_tasks(event.user_id, $1));
END
$body$;
COMMENT ON FUNCTION scheduler.move_event(uuid, timestamptz) IS
	'Moves an own event; a block of a task that somebody moved by hand stays there, pinned.';

GRANT EXECUTE ON FUNCTION
	scheduler.add_event(text, timestamptz, timestamptz, text, text, jsonb, boolean, text, text, text, boolean, boolean,
		uuid, text),
	scheduler.update_event(uuid, jsonb), scheduler.cancel_event(uuid), scheduler.move_event(uuid, timestamptz)
	TO scheduler_user;
