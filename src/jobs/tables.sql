/* jobs: kinds, live and finished jobs, what has changed. README.md beside this file has the states. */

CREATE TABLE scheduler.job_kinds
(
	kind text NOT NULL,
	owner_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	handler text,
	run_as text,
	enqueue_role text,
	worker_role text,
	builtin boolean NOT NULL DEFAULT false,
	shared boolean NOT NULL DEFAULT false,
	max_attempts integer NOT NULL DEFAULT 10,
	timeout interval NOT NULL DEFAULT '30 seconds',
	priority smallint NOT NULL DEFAULT 5,
	per_user_limit integer,
	retention interval,
	announce boolean NOT NULL DEFAULT false,
	handler_many text,
	CONSTRAINT job_kinds_pkey PRIMARY KEY (kind),
	CONSTRAINT job_kinds_kind_shape CHECK (kind ~ '^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$' AND length(kind) <= 100),
	CONSTRAINT job_kinds_max_attempts_range CHECK (max_attempts BETWEEN 1 AND 1000),
	CONSTRAINT job_kinds_timeout_range CHECK (timeout >= '10 milliseconds' AND timeout <= '1 day'),
	CONSTRAINT job_kinds_per_user_limit_range CHECK (per_user_limit >= 1),
	CONSTRAINT job_kinds_retention_range CHECK (retention >= '0'),
	/* A runner needs to know as whom; the worker calls as scheduler_owner. Without a handler nobody here calls. */
	CONSTRAINT job_kinds_run_as_known CHECK (builtin OR shared OR run_as IS NOT NULL OR handler IS NULL),
	CONSTRAINT job_kinds_external CHECK (handler IS NOT NULL OR NOT builtin AND NOT shared AND run_as IS NULL),
	CONSTRAINT job_kinds_worker_role_external CHECK (worker_role IS NULL OR handler IS NULL),
	/* One error takes all of them: nobody's but our own, whose worker then repeats them one by one. */
	CONSTRAINT job_kinds_handler_many_builtin CHECK (builtin OR handler_many IS NULL)
);
COMMENT ON TABLE scheduler.job_kinds IS
	'What a job can be: its handler, who may enqueue it, and how often and how long it is tried.';
SELECT scheduler.install_shared_table('job_kinds', 'WHERE NOT builtin');
/* Functions owned by scheduler_owner write it; nobody else can become that role. */
CREATE POLICY kinds_written ON scheduler.job_kinds TO scheduler_owner USING (true);

CREATE FUNCTION scheduler.forget_job_kinds() RETURNS trigger
	LANGUAGE c
	AS 'MODULE_PATHNAME', 'sched_sql_forget_job_kinds';
COMMENT ON FUNCTION scheduler.forget_job_kinds() IS
	'Trigger: tells every process, at commit, that what it remembers of job_kinds is old.';
CREATE TRIGGER forget AFTER INSERT OR UPDATE OR DELETE ON scheduler.job_kinds
	FOR EACH STATEMENT EXECUTE FUNCTION scheduler.forget_job_kinds();

/*
 * A job until it has succeeded or was cancelled. ready: a worker (a runner where runner is set, who claims it where
 * runner is NULL) may take it now; whoever makes a row due sets it, so that taking jobs never reads rows that are not
 * due. lease: who has it, a process of ours or, with lease_until, the claim of somebody outside. contested: a claim of
 * it has lapsed, so that somebody may still believe to have it. crashed: a process was killed while it had the job, an
 * attempt that did not count; the next one does.
 */
CREATE TABLE scheduler.live_jobs
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	job_id uuid NOT NULL DEFAULT scheduler.uuid7(),
	kind text NOT NULL,
	payload jsonb NOT NULL DEFAULT '{}',
	state jsonb,
	status text NOT NULL DEFAULT 'pending',
	priority smallint NOT NULL DEFAULT 5,
	run_at timestamptz NOT NULL DEFAULT now(),
	attempts integer NOT NULL DEFAULT 0,
	max_attempts integer NOT NULL,
	unique_key text,
	queue text,
	parent_id uuid,
	error text,
	worker_pid integer,
	created_at timestamptz NOT NULL DEFAULT now(),
	started_at timestamptz,
	finished_at timestamptz,
	request scheduler.http_request,
	response scheduler.http_response,
	lease bigint,
	again jsonb,
	schedule_id uuid,
	children integer NOT NULL DEFAULT 0,
	ready boolean NOT NULL,
	runner boolean,
	holds_queue boolean NOT NULL DEFAULT false,
	lease_until timestamptz,
	contested boolean,
	crashed boolean,
	CONSTRAINT live_jobs_pkey PRIMARY KEY (user_id, job_id),
	CONSTRAINT live_jobs_status_known CHECK
		(status IN ('pending', 'running', 'sleeping', 'waiting', 'failed', 'dead')),
	CONSTRAINT live_jobs_priority_range CHECK (priority BETWEEN 0 AND 99)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE scheduler.live_jobs IS 'Jobs that are to run, run, or ended without success.';
SELECT scheduler.install_user_table('live_jobs');
/* Taking: the users with work, then each one''s jobs in order, from where the last look ended. */
CREATE INDEX live_jobs_ready_idx ON scheduler.live_jobs (user_id, priority, run_at, job_id)
	WHERE ready AND NOT runner;
CREATE INDEX live_jobs_runner_idx ON scheduler.live_jobs (user_id, priority, run_at, job_id)
	WHERE ready AND runner;
/* What becomes due by the clock. */
CREATE INDEX live_jobs_delayed_idx ON scheduler.live_jobs (run_at)
	WHERE NOT ready AND status IN ('pending', 'sleeping') AND (queue IS NULL OR holds_queue);
CREATE INDEX live_jobs_queue_idx ON scheduler.live_jobs (user_id, queue, run_at, job_id)
	WHERE queue IS NOT NULL AND status = 'pending' AND NOT holds_queue;
CREATE UNIQUE INDEX live_jobs_queue_key ON scheduler.live_jobs (user_id, queue) WHERE holds_queue;
CREATE UNIQUE INDEX live_jobs_unique_key ON scheduler.live_jobs (user_id, kind, unique_key)
	WHERE unique_key IS NOT NULL AND status NOT IN ('failed', 'dead');
CREATE INDEX live_jobs_parent_idx ON scheduler.live_jobs (user_id, parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX live_jobs_schedule_idx ON scheduler.live_jobs (user_id, schedule_id) WHERE schedule_id IS NOT NULL;
CREATE INDEX live_jobs_lease_idx ON scheduler.live_jobs (lease) WHERE lease IS NOT NULL;
CREATE INDEX live_jobs_ended_idx ON scheduler.live_jobs (finished_at) WHERE status IN ('failed', 'dead');

/* No key on the parent: rows come once, from live_jobs, and go by the month. */
CREATE TABLE scheduler.finished_jobs
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	job_id uuid NOT NULL,
	kind text NOT NULL,
	payload jsonb NOT NULL,
	state jsonb,
	status text NOT NULL,
	priority smallint NOT NULL,
	run_at timestamptz NOT NULL,
	attempts integer NOT NULL,
	max_attempts integer NOT NULL,
	unique_key text,
	queue text,
	parent_id uuid,
	result jsonb,
	error text,
	worker_pid integer,
	created_at timestamptz NOT NULL,
	started_at timestamptz,
	finished_at timestamptz NOT NULL,
	schedule_id uuid,
	CONSTRAINT finished_jobs_status_known CHECK (status IN ('succeeded', 'cancelled'))
) PARTITION BY RANGE (finished_at);
COMMENT ON TABLE scheduler.finished_jobs IS 'Jobs that succeeded or were cancelled, until their kind''s retention is over.';
SELECT scheduler.install_user_table('finished_jobs');
/* Compressing takes lz4 a fraction of the time; a server may have been built without it. Before there are partitions. */
DO $do$
BEGIN
	ALTER TABLE scheduler.live_jobs ALTER payload SET COMPRESSION lz4, ALTER state SET COMPRESSION lz4,
		ALTER request SET COMPRESSION lz4, ALTER response SET COMPRESSION lz4;
	ALTER TABLE scheduler.finished_jobs ALTER payload SET COMPRESSION lz4, ALTER state SET COMPRESSION lz4,
		ALTER result SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
	NULL;
END
$do$;
SELECT scheduler.install_default_partition('finished_jobs', 'job_id', 'finished_at');

/*
 * What happened, for readers who ask "since number N". Writers append to new_changes without a number and
 * without a lock; the worker moves committed rows to changes and numbers them.
 */
CREATE TABLE scheduler.new_changes
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	new_change_id uuid NOT NULL DEFAULT scheduler.uuid7(),
	type text NOT NULL,
	subject_id uuid,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	CONSTRAINT new_changes_pkey PRIMARY KEY (user_id, new_change_id)
);
COMMENT ON TABLE scheduler.new_changes IS 'Changes that have no number yet.';
SELECT scheduler.install_user_table('new_changes', readable => false);

CREATE TABLE scheduler.changes
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	change_seq bigint NOT NULL,
	type text NOT NULL,
	subject_id uuid,
	at timestamptz NOT NULL
) PARTITION BY RANGE (at);
COMMENT ON TABLE scheduler.changes IS
	'What changed, numbered without gaps in the order of becoming visible: ask for change_seq > the last one seen.';
SELECT scheduler.install_user_table('changes');
SELECT scheduler.install_default_partition('changes', 'change_seq', 'at');

/* One row, written by the first numbering: the highest number given. */
CREATE TABLE scheduler.change_counters
(
	counter_id boolean NOT NULL DEFAULT true,
	last_change_seq bigint NOT NULL,
	CONSTRAINT change_counters_pkey PRIMARY KEY (counter_id),
	CONSTRAINT change_counters_single CHECK (counter_id)
);
COMMENT ON TABLE scheduler.change_counters IS 'The highest number given to a change.';
SELECT scheduler.install_shared_table('change_counters', readable => false);

CREATE VIEW scheduler.jobs WITH (security_invoker = true) AS
	SELECT job_id, user_id, kind, payload, state, status, priority, run_at, attempts, max_attempts, unique_key,
		queue, parent_id, NULL::jsonb AS result, error, worker_pid, created_at, started_at, finished_at,
		CASE WHEN lease_until IS NOT NULL THEN lease END AS claim, lease_until
	FROM scheduler.live_jobs
	UNION ALL
	SELECT job_id, user_id, kind, payload, state, status, priority, run_at, attempts, max_attempts, unique_key,
		queue, parent_id, result, error, worker_pid, created_at, started_at, finished_at, NULL, NULL
	FROM scheduler.finished_jobs;
COMMENT ON VIEW scheduler.jobs IS 'Every job, live or finished; claim and lease_until of those that somebody outside has.';

CREATE VIEW scheduler.dead_jobs WITH (security_invoker = true) AS
	SELECT job_id, user_id, kind, payload, state, status, priority, run_at, attempts, max_attempts, unique_key,
		queue, parent_id, error, created_at, started_at, finished_at
	FROM scheduler.live_jobs
	WHERE status IN ('failed', 'dead');
COMMENT ON VIEW scheduler.dead_jobs IS
	'Jobs that failed for good or used up their attempts; retry_job() starts them again.';
GRANT SELECT ON scheduler.jobs, scheduler.dead_jobs TO scheduler_viewer;

/* One row where this database was allowed to act; never dumped, so that a copy starts unarmed. */
CREATE TABLE scheduler.armed_places
(
	armed_place_id boolean NOT NULL DEFAULT true,
	system_identifier text NOT NULL,
	database_oid oid NOT NULL,
	place text NOT NULL,
	data_directory text NOT NULL,
	armed_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT armed_places_pkey PRIMARY KEY (armed_place_id),
	CONSTRAINT armed_places_single CHECK (armed_place_id)
);
COMMENT ON TABLE scheduler.armed_places IS
	'The server, place and data directory in which this database was armed; the last counts where no place file is named.';
SELECT scheduler.install_shared_table('armed_places', 'WHERE false', readable => false);
CREATE POLICY armed_written ON scheduler.armed_places TO scheduler_owner USING (true);
