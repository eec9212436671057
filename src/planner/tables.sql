/* planner: what is to be done, what stands on the calendar, when somebody can be planned. */

/* Room in each page for tasks that move: their rows change without new entries in the indexes. */
CREATE TABLE scheduler.tasks
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	task_id uuid NOT NULL DEFAULT scheduler.uuid7(),
	description text NOT NULL,
	original_input text,
	task_type text NOT NULL DEFAULT 'user_requested',
	priority smallint NOT NULL DEFAULT 5,
	status text NOT NULL DEFAULT 'pending',
	category text NOT NULL DEFAULT 'work',
	scheduled_date date,
	start_time time,
	duration_minutes integer NOT NULL DEFAULT 30,
	earliest_start timestamptz,
	deadline timestamptz,
	min_chunk_minutes integer,
	location text,
	attendees jsonb NOT NULL DEFAULT '[]',
	tags text[] NOT NULL DEFAULT '{}',
	metadata jsonb NOT NULL DEFAULT '{}',
	parent_task_id uuid,
	pinned boolean NOT NULL DEFAULT false,
	recurrence_rule text,
	worked_minutes integer NOT NULL DEFAULT 0,
	postponed_count integer NOT NULL DEFAULT 0,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	completed_at timestamptz,
	CONSTRAINT tasks_pkey PRIMARY KEY (user_id, task_id),
	CONSTRAINT tasks_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE,
	CONSTRAINT tasks_parent_fkey FOREIGN KEY (user_id, parent_task_id)
		REFERENCES scheduler.tasks ON DELETE SET NULL (parent_task_id),
	CONSTRAINT tasks_description_given CHECK (description ~ '\S'),
	CONSTRAINT tasks_task_type_word CHECK (task_type IN ('user_requested', 'email_derived', 'decomposed', 'recurring')),
	CONSTRAINT tasks_priority_range CHECK (priority BETWEEN 1 AND 10),
	CONSTRAINT tasks_status_word CHECK (status IN ('pending', 'scheduled', 'in_progress', 'completed', 'cancelled',
		'blocked')),
	CONSTRAINT tasks_category_word CHECK (category IN ('work', 'personal', 'health', 'other')),
	CONSTRAINT tasks_duration_range CHECK (duration_minutes BETWEEN 1 AND 100000),
	CONSTRAINT tasks_min_chunk_range CHECK (min_chunk_minutes BETWEEN 1 AND 100000),
	CONSTRAINT tasks_worked_range CHECK (worked_minutes >= 0),
	CONSTRAINT tasks_times_finite CHECK (isfinite(earliest_start) AND isfinite(deadline)),
	CONSTRAINT tasks_parent_other CHECK (parent_task_id <> task_id)
) WITH (fillfactor = 70);
CREATE INDEX tasks_task_id_idx ON scheduler.tasks (task_id);
CREATE INDEX tasks_parent_idx ON scheduler.tasks (user_id, parent_task_id) WHERE parent_task_id IS NOT NULL;
/* What a plan looks at: the few that are open among many that are done. */
CREATE INDEX tasks_open_idx ON scheduler.tasks (user_id, deadline)
	WHERE status IN ('pending', 'scheduled', 'in_progress');
CREATE TRIGGER touch BEFORE UPDATE ON scheduler.tasks
	FOR EACH ROW EXECUTE FUNCTION scheduler.touch_updated_at();
COMMENT ON TABLE scheduler.tasks IS
	'What is to be done; its blocks are rows of calendar_events. scheduled_date and start_time follow the first block.';
SELECT scheduler.install_user_table('tasks');

CREATE TABLE scheduler.task_dependencies
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	task_id uuid NOT NULL,
	depends_on_id uuid NOT NULL,
	CONSTRAINT task_dependencies_pkey PRIMARY KEY (user_id, task_id, depends_on_id),
	CONSTRAINT task_dependencies_task_fkey FOREIGN KEY (user_id, task_id)
		REFERENCES scheduler.tasks ON DELETE CASCADE,
	CONSTRAINT task_dependencies_depends_on_fkey FOREIGN KEY (user_id, depends_on_id)
		REFERENCES scheduler.tasks ON DELETE CASCADE,
	CONSTRAINT task_dependencies_other CHECK (task_id <> depends_on_id)
);
CREATE INDEX task_dependencies_depends_on_idx ON scheduler.task_dependencies (user_id, depends_on_id);
COMMENT ON TABLE scheduler.task_dependencies IS 'task_id starts only after the last block of depends_on_id.';
SELECT scheduler.install_user_table('task_dependencies');

/*
 * calendar_id and recurring_event_id have no key: the first names a row of a room below this one, the second a
 * row that a provider may deliver later.
 */
CREATE TABLE scheduler.calendar_events
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	event_id uuid NOT NULL DEFAULT scheduler.uuid7(),
	calendar_id uuid,
	google_event_id text,
	external_id text,
	task_id uuid,
	summary text NOT NULL DEFAULT '',
	description text,
	location text,
	start_datetime timestamptz NOT NULL,
	end_datetime timestamptz NOT NULL,
	during tstzrange GENERATED ALWAYS AS (tstzrange(start_datetime, end_datetime, '[)')) STORED,
	attendees jsonb NOT NULL DEFAULT '[]',
	organizer text,
	is_external boolean NOT NULL DEFAULT false,
	is_movable boolean NOT NULL DEFAULT false,
	is_all_day boolean NOT NULL DEFAULT false,
	blocks boolean NOT NULL DEFAULT true,
	hold_expires_at timestamptz,
	transparency text NOT NULL DEFAULT 'opaque',
	status text NOT NULL DEFAULT 'confirmed',
	recurrence_rule text,
	exdates timestamptz[] NOT NULL DEFAULT '{}',
	recurring_event_id uuid,
	original_start timestamptz,
	sync_status text NOT NULL DEFAULT 'pending',
	etag text,
	last_synced_at timestamptz,
	problem text,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT calendar_events_pkey PRIMARY KEY (user_id, event_id),
	CONSTRAINT calendar_events_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE,
	CONSTRAINT calendar_events_task_fkey FOREIGN KEY (user_id, task_id)
		REFERENCES scheduler.tasks ON DELETE CASCADE,
	CONSTRAINT calendar_events_times_finite CHECK (isfinite(start_datetime) AND isfinite(end_datetime)),
	CONSTRAINT calendar_events_ends_later CHECK (end_datetime > start_datetime),
	CONSTRAINT calendar_events_transparency_word CHECK (transparency IN ('opaque', 'transparent')),
	CONSTRAINT calendar_events_status_word CHECK (status IN ('confirmed', 'tentative', 'cancelled')),
	CONSTRAINT calendar_events_sync_status_word CHECK (sync_status IN ('synced', 'pending', 'failed', 'conflict')),
	/* Two blocks of one user never overlap; deferrable so that two of them can change places. */
	CONSTRAINT calendar_events_no_overlap EXCLUDE USING gist (user_id WITH =, during WITH &&) WHERE (blocks)
		DEFERRABLE INITIALLY IMMEDIATE
);
/*
 * Every other question about time compares start and end over B-trees: "during &&" is not leakproof and could not
 * use an index behind a policy. An event of at most a day that touches a window starts within a day before it; the few
 * longer ones are found in an index of their own.
 */
CREATE INDEX calendar_events_start_idx ON scheduler.calendar_events (user_id, start_datetime, end_datetime);
CREATE INDEX calendar_events_long_idx ON scheduler.calendar_events (user_id, end_datetime)
	WHERE end_datetime - start_datetime > interval '1 day';
CREATE INDEX calendar_events_event_id_idx ON scheduler.calendar_events (event_id);
CREATE INDEX calendar_events_task_idx ON scheduler.calendar_events (user_id, task_id, start_datetime)
	WHERE task_id IS NOT NULL;
CREATE INDEX calendar_events_hold_idx ON scheduler.calendar_events (user_id, hold_expires_at)
	WHERE hold_expires_at IS NOT NULL;
CREATE UNIQUE INDEX calendar_events_external_key
	ON scheduler.calendar_events (user_id, calendar_id, external_id) NULLS NOT DISTINCT WHERE external_id IS NOT NULL;
CREATE TRIGGER touch BEFORE UPDATE ON scheduler.calendar_events
	FOR EACH ROW EXECUTE FUNCTION scheduler.touch_updated_at();
COMMENT ON TABLE scheduler.calendar_events IS
	'Events, blocks of tasks and holds. No two rows of a user that block overlap; a hold counts until hold_expires_at.';
SELECT scheduler.install_user_table('calendar_events');

CREATE TABLE scheduler.availability
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	weekday smallint NOT NULL,
	starts time NOT NULL,
	ends time NOT NULL,
	kind text NOT NULL DEFAULT 'work',
	CONSTRAINT availability_pkey PRIMARY KEY (user_id, kind, weekday, starts),
	CONSTRAINT availability_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE,
	CONSTRAINT availability_weekday_range CHECK (weekday BETWEEN 1 AND 7),
	CONSTRAINT availability_ends_later CHECK (ends > starts),
	CONSTRAINT availability_kind_word CHECK (kind IN ('work', 'personal'))
);
COMMENT ON TABLE scheduler.availability IS
	'Hours of the week for placing tasks, wall-clock time in the user''s zone; weekday 1 is Monday, 7 Sunday.';
SELECT scheduler.install_user_table('availability');

CREATE TABLE scheduler.availability_overrides
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	day date NOT NULL,
	kind text NOT NULL,
	is_off boolean NOT NULL,
	starts time,
	ends time,
	CONSTRAINT availability_overrides_pkey PRIMARY KEY (user_id, day, kind),
	CONSTRAINT availability_overrides_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE,
	CONSTRAINT availability_overrides_day_finite CHECK (isfinite(day)),
	CONSTRAINT availability_overrides_kind_word CHECK (kind IN ('work', 'personal')),
	CONSTRAINT availability_overrides_hours_or_off CHECK (
		CASE WHEN is_off THEN starts IS NULL AND ends IS NULL
			ELSE starts IS NOT NULL AND ends IS NOT NULL AND ends > starts END)
);
COMMENT ON TABLE scheduler.availability_overrides IS 'One day whose hours differ from the week''s, or that is off.';
SELECT scheduler.install_user_table('availability_overrides');

CREATE TABLE scheduler.protected_time
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	protected_id uuid NOT NULL DEFAULT scheduler.uuid7(),
	label text NOT NULL,
	rrule text,
	dtstart timestamptz,
	duration interval,
	during tstzrange,
	strict boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT protected_time_pkey PRIMARY KEY (user_id, protected_id),
	CONSTRAINT protected_time_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE,
	CONSTRAINT protected_time_once_or_repeated CHECK (
		CASE WHEN during IS NULL THEN rrule IS NOT NULL AND dtstart IS NOT NULL AND duration IS NOT NULL
			AND duration > interval '0' AND duration <= interval '1 day'
			ELSE rrule IS NULL AND dtstart IS NULL AND duration IS NULL
				AND NOT isempty(during) AND NOT lower_inf(during) AND NOT upper_inf(during) END)
);
COMMENT ON TABLE scheduler.protected_time IS
	'Time that tasks stay out of: never inside where strict, else only where nothing better is left.';
SELECT scheduler.install_user_table('protected_time');

/* session_id has no key: sessions go by retention, conflicts stay. */
CREATE TABLE scheduler.scheduling_conflicts
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	conflict_id uuid NOT NULL DEFAULT scheduler.uuid7(),
	session_id uuid,
	conflict_type text NOT NULL,
	task_id uuid,
	event_id uuid,
	conflicting_event_id uuid,
	resolution_status text NOT NULL DEFAULT 'pending',
	resolution_chosen jsonb,
	alternatives_offered jsonb NOT NULL DEFAULT '[]',
	detail text,
	created_at timestamptz NOT NULL DEFAULT now(),
	resolved_at timestamptz,
	CONSTRAINT scheduling_conflicts_pkey PRIMARY KEY (user_id, conflict_id),
	CONSTRAINT scheduling_conflicts_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE,
	CONSTRAINT scheduling_conflicts_task_fkey FOREIGN KEY (user_id, task_id)
		REFERENCES scheduler.tasks ON DELETE CASCADE,
	CONSTRAINT scheduling_conflicts_event_fkey FOREIGN KEY (user_id, event_id)
		REFERENCES scheduler.calendar_events ON DELETE CASCADE,
	CONSTRAINT scheduling_conflicts_conflicting_event_fkey FOREIGN KEY (user_id, conflicting_event_id)
		REFERENCES scheduler.calendar_events ON DELETE CASCADE,
	CONSTRAINT scheduling_conflicts_type_word CHECK (conflict_type IN ('time_overlap',
		'travel_time_insufficient', 'preference_violation', 'double_booking', 'deadline_impossible')),
	CONSTRAINT scheduling_conflicts_status_word CHECK (resolution_status IN ('pending', 'resolved', 'ignored',
		'auto_resolved')),
	CONSTRAINT scheduling_conflicts_alternatives_list CHECK (jsonb_typeof(alternatives_offered) = 'array')
);
/* The same trouble is written down once, and not again after somebody chose to live with it. */
CREATE UNIQUE INDEX scheduling_conflicts_open_key ON scheduler.scheduling_conflicts
	(user_id, conflict_type, task_id, event_id, conflicting_event_id) NULLS NOT DISTINCT
	WHERE resolution_status IN ('pending', 'ignored');
CREATE INDEX scheduling_conflicts_conflict_id_idx ON scheduler.scheduling_conflicts (conflict_id);
CREATE INDEX scheduling_conflicts_task_idx ON scheduler.scheduling_conflicts (user_id, task_id);
CREATE INDEX scheduling_conflicts_event_idx ON scheduler.scheduling_conflicts (user_id, event_id);
CREATE INDEX scheduling_conflicts_conflicting_event_idx
	ON scheduler.scheduling_conflicts (user_id, conflicting_event_id);
COMMENT ON TABLE scheduler.scheduling_conflicts IS
	'What the planner cannot settle alone, with alternatives that were free when they were offered.';
SELECT scheduler.install_user_table('scheduling_conflicts');
