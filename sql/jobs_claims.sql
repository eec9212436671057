-- external workers: kinds without handler, claims, leases; no worker runs here
\set VERBOSITY terse
CREATE ROLE claims_dev LOGIN;
CREATE ROLE claims_other LOGIN;
CREATE ROLE claims_service LOGIN;
CREATE ROLE claims_nobody LOGIN;
GRANT scheduler_developer TO claims_dev;
GRANT scheduler_user TO claims_other, claims_service, claims_nobody;
INSERT INTO scheduler.users (user_id, email, role_name) VALUES
	('00000000-0000-7000-8000-00000000000a', 'claims-dev@example.org', 'claims_dev'),
	('00000000-0000-7000-8000-00000000000b', 'claims-other@example.org', 'claims_other');
CREATE SCHEMA claims_app AUTHORIZATION claims_dev;
-- what a lapsed lease or a pause does by the clock, at once
CREATE FUNCTION lapse(numeric DEFAULT NULL) RETURNS bigint LANGUAGE sql AS $$
	WITH u AS (UPDATE scheduler.live_jobs SET lease_until = now() - interval '1 hour' WHERE lease_until IS NOT NULL
		AND (payload = to_jsonb($1) OR $1 IS NULL) RETURNING 1) SELECT count(*) FROM u $$;
CREATE FUNCTION pause_over() RETURNS bigint LANGUAGE sql AS $$
	WITH u AS (UPDATE scheduler.live_jobs SET run_at = now() - interval '1 hour' WHERE status = 'pending' RETURNING 1)
	SELECT count(*) FROM u $$;

-- who registers what
SET SESSION AUTHORIZATION claims_other;
SELECT scheduler.register_job_kind('claims.other');
SET SESSION AUTHORIZATION claims_dev;
SELECT scheduler.register_job_kind('claims.own', max_attempts => 3);
SELECT scheduler.register_job_kind('claims.open', worker_role => 'claims_service');
SELECT scheduler.register_job_kind('claims.own', run_as => 'claims_dev');
SELECT scheduler.register_job_kind('claims.own', shared => true);
RESET SESSION AUTHORIZATION;
SELECT scheduler.register_job_kind('claims.open', worker_role => 'nosuch');
SELECT scheduler.register_job_kind('claims.open', worker_role => 'scheduler_user');
SELECT scheduler.register_job_kind('claims.open', 'scheduler.handle_noop', worker_role => 'claims_service');
SELECT scheduler.register_job_kind('claims.open', worker_role => 'claims_service', enqueue_role => 'scheduler_user', max_attempts => 2);
SELECT kind, handler, run_as, worker_role, enqueue_role, builtin, shared FROM scheduler.job_kinds WHERE kind ~ '^claims' ORDER BY kind;

-- arguments, rights, arming
SET SESSION AUTHORIZATION claims_dev;
SELECT * FROM scheduler.claim_jobs('{claims.own}');
RESET SESSION AUTHORIZATION;
SELECT scheduler.arm();
SET SESSION AUTHORIZATION claims_dev;
SELECT * FROM scheduler.claim_jobs(NULL);
SELECT * FROM scheduler.claim_jobs('{}');
SELECT * FROM scheduler.claim_jobs('{claims.own,NULL}');
SELECT * FROM scheduler.claim_jobs('{claims.own}', 0);
SELECT * FROM scheduler.claim_jobs('{claims.own}', 1001);
SELECT * FROM scheduler.claim_jobs('{claims.own}', 1, '0 s');
SELECT * FROM scheduler.claim_jobs('{claims.own}', 1, '8 days');
SELECT * FROM scheduler.claim_jobs('{claims.own}', 1, NULL);
SELECT * FROM scheduler.claim_jobs('{claims.own,nosuch}');
SELECT * FROM scheduler.claim_jobs('{claims.open}');
SELECT * FROM scheduler.claim_jobs('{noop}');
SELECT count(*) FROM scheduler.claim_jobs('{claims.own}');
SET SESSION AUTHORIZATION claims_nobody;
SELECT * FROM scheduler.claim_jobs('{claims.own}');
RESET SESSION AUTHORIZATION;
SELECT * FROM scheduler.claim_jobs('{noop}');

-- nobody is warned: no worker has to run. A claim takes what is due, best first, and counts an attempt
SET SESSION AUTHORIZATION claims_dev;
SELECT count(scheduler.enqueue('claims.own', to_jsonb(i), priority => 5 - i)) FROM generate_series(1, 4) AS i;
SELECT scheduler.enqueue('claims.own', '9', run_at => now() + interval '1 day') IS NOT NULL AS later;
SELECT payload, status, attempts, max_attempts, claim IS NOT NULL AS claim, lease_until > now() + interval '50 s' AS leased,
	started_at IS NOT NULL AS started, worker_pid = pg_backend_pid() AS here, result
FROM scheduler.claim_jobs('{claims.own}', 2);
SELECT payload, status, claim IS NOT NULL AS claim FROM scheduler.jobs ORDER BY payload;
SELECT payload FROM scheduler.claim_jobs('{claims.own}', 10, '5 s');
SELECT count(*) AS nothing_left FROM scheduler.claim_jobs('{claims.own}');
SELECT count(DISTINCT claim) AS claims FROM scheduler.jobs;
SELECT scheduler.run_job_now(job_id) FROM scheduler.jobs WHERE payload = '9';
SELECT job_id AS one, claim AS claim_one FROM scheduler.jobs WHERE payload = '1' \gset
SELECT job_id AS two FROM scheduler.jobs WHERE payload = '2' \gset
SELECT job_id AS three FROM scheduler.jobs WHERE payload = '3' \gset
SELECT job_id AS four, claim AS claim_four FROM scheduler.jobs WHERE payload = '4' \gset

-- the ends, with the claim's number and without
SELECT scheduler.finish_job(:'one', '{"made": 1}', :claim_four);
SELECT scheduler.finish_job(:'one', '{"made": 1}', :claim_one);
SELECT scheduler.finish_job(:'one', '{"made": 1}', :claim_one);
SELECT scheduler.finish_job(:'two');
SELECT scheduler.fail_job(:'three', 'no such picture', retry => false);
SELECT scheduler.fail_job(:'three', 'no such picture');
SELECT scheduler.fail_job(:'four', NULL);
SELECT scheduler.extend_lease(:'four', '1 hour') > now() + interval '50 min' AS extended;
SELECT scheduler.extend_lease(:'four', '1 hour', 1);
SELECT scheduler.extend_lease(:'four', '1 year');
SELECT scheduler.fail_job(:'four', 'busy', claim => :claim_four);
SELECT scheduler.finish_job(NULL);
SELECT scheduler.finish_job(scheduler.uuid7());
SELECT scheduler.finish_job(job_id) FROM scheduler.jobs WHERE payload = '9';
SELECT payload, status, attempts, result, error, claim, run_at > created_at AS later, finished_at IS NOT NULL AS ended FROM scheduler.jobs ORDER BY payload;
RESET SESSION AUTHORIZATION;
SELECT type, subject_id = :'three' AS three FROM scheduler.new_changes WHERE user_id <> scheduler.system_user_id();
SELECT lease, lease_until, contested, runner, ready FROM scheduler.live_jobs ORDER BY payload;

-- another attempt after a pause; after the last the job is dead, and retry_job() starts it again
SELECT pause_over() AS waiting;
SET SESSION AUTHORIZATION claims_dev;
SELECT payload, attempts FROM scheduler.claim_jobs('{claims.own}') ORDER BY payload;
SELECT scheduler.fail_job(:'four', 'busy');
RESET SESSION AUTHORIZATION;
SELECT pause_over() AS waiting;
SET SESSION AUTHORIZATION claims_dev;
SELECT payload, attempts FROM scheduler.claim_jobs('{claims.own}');
SELECT scheduler.fail_job(:'four', 'busy for good');
SELECT payload, status, attempts, error FROM scheduler.dead_jobs ORDER BY payload;
SELECT scheduler.retry_job(:'four'), scheduler.cancel_job(:'three');
SELECT payload, attempts FROM scheduler.claim_jobs('{claims.own}');

-- a lease that lapsed while nobody looked still counts; once somebody has looked, it is an attempt that failed
RESET SESSION AUTHORIZATION;
SELECT lapse();
SET SESSION AUTHORIZATION claims_dev;
SELECT scheduler.finish_job(:'four', '"late"');
SELECT scheduler.enqueue('claims.own', '5') AS five \gset
SELECT claim AS claim_five FROM scheduler.claim_jobs('{claims.own}') \gset
RESET SESSION AUTHORIZATION;
SELECT lapse(5);
SET SESSION AUTHORIZATION claims_dev;
SELECT count(*) FROM scheduler.claim_jobs('{claims.own}');
SELECT status, attempts, error, claim FROM scheduler.jobs WHERE job_id = :'five';
\set VERBOSITY default
SELECT scheduler.finish_job(:'five', claim => :claim_five);
\set VERBOSITY terse
RESET SESSION AUTHORIZATION;
SELECT pause_over() > 0 AS waiting;
SET SESSION AUTHORIZATION claims_dev;
SELECT payload, attempts, claim AS claim_again FROM scheduler.claim_jobs('{claims.own}') WHERE payload = '5' \gset
-- the first claimer comes back: his number is refused, none is as good as his where the session is another
\set VERBOSITY default
SELECT scheduler.finish_job(:'five', '"first"', :claim_five);
\c - postgres
SET SESSION AUTHORIZATION claims_dev;
SELECT scheduler.finish_job(:'five', '"whose"');
\set VERBOSITY terse
SELECT scheduler.extend_lease(:'five', claim => :claim_five);
SELECT scheduler.fail_job(:'five', 'first', claim => :claim_five);
SELECT scheduler.finish_jobs(ARRAY[:'five']::uuid[]), scheduler.finish_jobs(ARRAY[:'five']::uuid[], claim => :claim_five);
SELECT status, attempts FROM scheduler.jobs WHERE job_id = :'five';
SELECT scheduler.finish_job(:'five', '"second"', :claim_again);
SELECT status, attempts, result FROM scheduler.jobs WHERE job_id = :'five';
-- where the same session made the claim it may leave the number out
SELECT scheduler.enqueue('claims.own', '6') AS six \gset
SELECT count(*) FROM scheduler.claim_jobs('{claims.own}');
RESET SESSION AUTHORIZATION;
SELECT lapse(6);
SET SESSION AUTHORIZATION claims_dev;
SELECT count(*) FROM scheduler.claim_jobs('{claims.own}');
RESET SESSION AUTHORIZATION;
SELECT pause_over() > 0 AS waiting;
SET SESSION AUTHORIZATION claims_dev;
SELECT payload FROM scheduler.claim_jobs('{claims.own}') WHERE payload = '6';
SELECT scheduler.finish_job(:'six');

-- cancelled while it is held
SELECT scheduler.enqueue('claims.own', '7') AS seven \gset
SELECT claim AS claim_seven FROM scheduler.claim_jobs('{claims.own}') WHERE payload = '7' \gset
SELECT scheduler.cancel_job(:'seven');
\set VERBOSITY default
SELECT scheduler.finish_job(:'seven', claim => :claim_seven);
\set VERBOSITY terse
SELECT scheduler.extend_lease(:'seven', claim => :claim_seven);
SELECT status, result FROM scheduler.jobs WHERE job_id = :'seven';

-- a key: a held job is marked to run again
SELECT scheduler.enqueue('claims.own', '8', unique_key => 'k') AS eight \gset
SELECT payload FROM scheduler.claim_jobs('{claims.own}') WHERE payload = '8';
SELECT scheduler.enqueue('claims.own', '"8 again"', unique_key => 'k', unique_mode => 'replace') = :'eight' AS same;
SELECT scheduler.finish_job(:'eight', '"lost"');
SELECT payload, status, attempts, claim FROM scheduler.jobs WHERE job_id = :'eight';
SELECT payload, attempts FROM scheduler.claim_jobs('{claims.own}') WHERE job_id = :'eight';
SELECT scheduler.finish_job(:'eight');

-- many at once; what is not held is left out
SELECT scheduler.enqueue_many('claims.own', ARRAY['11', '12', '13']::jsonb[]);
SELECT array_agg(job_id ORDER BY payload) AS ids, max(claim) AS claim FROM scheduler.claim_jobs('{claims.own}') WHERE payload IN ('11', '12', '13') \gset
SELECT scheduler.finish_jobs(:'ids', ARRAY['1', '2']::jsonb[]);
SELECT scheduler.finish_jobs(ARRAY[NULL]::uuid[]);
SELECT scheduler.finish_jobs(NULL);
SELECT scheduler.finish_jobs('{}');
SELECT scheduler.finish_jobs(array_fill(:'one'::uuid, ARRAY[1001]));
SELECT scheduler.fail_job((:'ids'::uuid[])[2], 'out', false, :claim);
SELECT cardinality(scheduler.finish_jobs(:'ids', ARRAY['1', '2', NULL]::jsonb[], :claim));
SELECT payload, status, result FROM scheduler.jobs WHERE job_id = ANY (:'ids') ORDER BY payload;

-- children outside: the parent is told
CREATE FUNCTION claims_app.parent(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
	LANGUAGE plpgsql AS $$
BEGIN
	IF job.state IS NULL THEN
		PERFORM scheduler.enqueue('claims.own', '"child"'), scheduler.enqueue('claims.own', '"sick child"');
		RETURN scheduler.step_wait_children('{}');
	END IF;
	RETURN scheduler.step_done('"all final"');
END $$;
SELECT scheduler.register_job_kind('claims.parent', 'claims_app.parent');
SELECT scheduler.enqueue('claims.parent') AS parent \gset
SELECT status FROM scheduler.run_job_now(:'parent');
SELECT payload, parent_id = :'parent' AS child FROM scheduler.claim_jobs('{claims.own}') ORDER BY payload::text;
SELECT scheduler.finish_job(job_id) FROM scheduler.jobs WHERE payload = '"child"';
RESET SESSION AUTHORIZATION;
SELECT status, children, ready FROM scheduler.live_jobs WHERE job_id = :'parent';
SET SESSION AUTHORIZATION claims_dev;
SELECT scheduler.fail_job(job_id, 'ill', false) FROM scheduler.jobs WHERE payload = '"sick child"';
SELECT status, result FROM scheduler.run_job_now(:'parent');

-- a kind gets a handler, and loses it
SELECT scheduler.enqueue('claims.own', '"routed"') AS routed \gset
SELECT scheduler.register_job_kind('claims.own', 'claims_app.parent', max_attempts => 3);
RESET SESSION AUTHORIZATION;
SELECT runner FROM scheduler.live_jobs WHERE job_id = :'routed';
SET SESSION AUTHORIZATION claims_dev;
SELECT count(*) FROM scheduler.claim_jobs('{claims.own}');
SELECT scheduler.register_job_kind('claims.own', max_attempts => 3);
SELECT payload FROM scheduler.claim_jobs('{claims.own}') WHERE job_id = :'routed';
SELECT scheduler.finish_job(:'routed');

-- ... while a job of it was about to be committed
RESET SESSION AUTHORIZATION;
INSERT INTO scheduler.live_jobs (user_id, kind, payload, max_attempts, ready) VALUES ('00000000-0000-7000-8000-00000000000a', 'claims.parent', '"stray"', 1, true);
SELECT scheduler.route_strays(), scheduler.route_strays() AS again;
SELECT runner FROM scheduler.live_jobs WHERE payload = '"stray"';
-- and where nobody claims, the doctor says so
UPDATE scheduler.live_jobs SET run_at = now() - interval '1 day' WHERE payload = '"stray"';
SELECT scheduler.enqueue('claims.own', '"unclaimed"', run_at => now() - interval '1 day') AS unclaimed \gset
SELECT check_name, substring(detail FROM '.*, ') AS detail, hint FROM scheduler.doctor() WHERE check_name ~ 'unclaimed|overdue';
DELETE FROM scheduler.live_jobs WHERE payload IN ('"stray"', '"unclaimed"');
SET SESSION AUTHORIZATION claims_dev;

-- a user has his own jobs only, whatever he names; a service's role has everybody's, in turn
SELECT count(scheduler.enqueue('claims.open', to_jsonb(i))) FROM generate_series(1, 20) AS i;
SELECT scheduler.enqueue('claims.own', '"secret"') AS secret \gset
SELECT claim AS claim_secret FROM scheduler.claim_jobs('{claims.own}') WHERE job_id = :'secret' \gset
SET SESSION AUTHORIZATION claims_other;
SELECT count(scheduler.enqueue('claims.open', to_jsonb(i))) FROM generate_series(1, 3) AS i;
SELECT * FROM scheduler.claim_jobs('{claims.open}');
SELECT * FROM scheduler.claim_jobs('{claims.own}');
SELECT scheduler.finish_job(:'secret', claim => :claim_secret);
SELECT scheduler.extend_lease(:'secret', claim => :claim_secret);
SELECT scheduler.fail_job(:'secret', 'x', claim => :claim_secret);
SELECT scheduler.finish_jobs(ARRAY[:'secret']::uuid[], claim => :claim_secret);
SET SESSION AUTHORIZATION claims_service;
SELECT scheduler.finish_job(:'secret', claim => :claim_secret);
SELECT scheduler.finish_jobs(ARRAY[:'secret']::uuid[], claim => :claim_secret);
CREATE TEMP TABLE taken AS SELECT * FROM scheduler.claim_jobs('{claims.open}', 10);
SELECT right(user_id::text, 1) AS user, count(*) FROM taken GROUP BY 1 ORDER BY 1;
SELECT scheduler.finish_job(job_id) FROM taken WHERE right(user_id::text, 1) = 'b' LIMIT 1;
SELECT scheduler.finish_job(job_id, claim => claim) FROM taken WHERE right(user_id::text, 1) = 'a' LIMIT 1;
SELECT cardinality(scheduler.finish_jobs(array_agg(job_id), claim => max(claim))) FROM taken;
SELECT count(*) AS not_shown FROM scheduler.jobs;
-- a user who is a member of the role claims his own of the kind
RESET SESSION AUTHORIZATION;
GRANT claims_service TO claims_other;
SET SESSION AUTHORIZATION claims_other;
SELECT scheduler.enqueue('claims.open', '"own"') IS NOT NULL AS enqueued;
SELECT payload, user_id = scheduler.current_user_id() AS own FROM scheduler.claim_jobs('{claims.open}', 100);
-- an administrator claims everybody's
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM scheduler.claim_jobs('{claims.open,claims.own}', 1000);
SELECT scheduler.finish_job(:'secret', '"by the administrator"', :claim_secret);
SELECT right(user_id::text, 1) AS user, kind, status, count(*) FROM scheduler.jobs WHERE kind IN ('claims.own', 'claims.open') GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- each of many users has his turn, wherever the ring begins
SELECT lapse() > 0 AS given_back;
DELETE FROM scheduler.live_jobs;
INSERT INTO scheduler.users (user_id, email) SELECT ('01900000-0000-7000-8000-' || lpad(i::text, 12, '0'))::uuid, i || '@claims.example.org' FROM generate_series(1, 50) AS i;
SELECT count(scheduler.enqueue('claims.open', to_jsonb(i), user_id => u.user_id)) FROM generate_series(1, 10) AS i, scheduler.users u WHERE u.email ~ '@claims.example';
CREATE TEMP TABLE round AS SELECT * FROM scheduler.claim_jobs('{claims.open}', 100);
SELECT count(DISTINCT user_id) AS users, min(n), max(n) FROM (SELECT user_id, count(*) AS n FROM round GROUP BY user_id) AS r;
CREATE TEMP TABLE few AS SELECT i, c.* FROM generate_series(1, 40) AS i, LATERAL (SELECT * FROM scheduler.claim_jobs('{claims.open}', 5 + 0 * i)) AS c;
SELECT count(DISTINCT user_id) > 35 AS nearly_everybody, count(DISTINCT job_id) AS jobs, max(n) AS most_of_one_user FROM (SELECT user_id, i, job_id, count(*) OVER (PARTITION BY i, user_id) AS n FROM few) AS f;

-- plans that go by the indexes, whatever statistics say
SET enable_seqscan = off;
SET enable_sort = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT l.ctid FROM scheduler.live_jobs l WHERE l.kind = 'claims.open' AND uuid_hash(l.user_id) = uuid_hash('00000000-0000-7000-8000-00000000000a')
	AND l.user_id = '00000000-0000-7000-8000-00000000000a' AND l.ready AND l.runner IS NULL ORDER BY l.priority, l.run_at, l.job_id LIMIT 10 FOR UPDATE SKIP LOCKED;
RESET enable_seqscan;
RESET enable_sort;
RESET enable_bitmapscan;
SELECT scheduler.disarm();
