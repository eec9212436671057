-- identity: the audit log, retention policies, export and erasure, as far as they need neither worker nor key
\set SHOW_CONTEXT never
CREATE ROLE regress_audit_anna LOGIN;
CREATE ROLE regress_audit_ben LOGIN;
CREATE ROLE regress_audit_admin LOGIN;
GRANT scheduler_admin TO regress_audit_admin;
SELECT scheduler.create_user('anna@example.org', 'Anna', 'Europe/Berlin', role_name => 'regress_audit_anna') AS anna,
	scheduler.create_user('ben@example.net', 'Ben', 'America/New_York', role_name => 'regress_audit_ben') AS ben \gset

-- what is recorded
SELECT scheduler.record_audit('test.deed');
SELECT scheduler.record_audit('test.deed', 'refused', :'anna', '{"why": "because"}');
SELECT user_id = scheduler.system_user_id() AS system, actor_role = session_user AS role, action, outcome, subject_user_id = :'anna' AS about_anna, details, audit_seq
FROM scheduler.audit_log WHERE action = 'test.deed' ORDER BY audit_id;
SELECT scheduler.record_audit('deed');
SELECT scheduler.record_audit('test.');
SELECT scheduler.record_audit('Test.deed');
SELECT scheduler.record_audit('test.deed', 'fine');
SELECT scheduler.record_audit(NULL);
SELECT scheduler.record_audit('test.deed', details => NULL);
BEGIN;
SELECT scheduler.record_audit('test.undone');
ROLLBACK;
SELECT count(*) FROM scheduler.audit_log WHERE action = 'test.undone';

-- what the admin does to the installation and to others is; what somebody does to his own jobs is not
SET ROLE regress_audit_admin;
SELECT scheduler.disarm();
SELECT scheduler.add_model('house', 'openai', 'm', 'openai');
SELECT scheduler.set_model('extract', 'house', scheduler.system_user_id());
SELECT scheduler.set_model('extract', NULL, scheduler.system_user_id());
SELECT scheduler.register_job_kind('audit_kind');
RESET ROLE;
SET client_min_messages = error;
SET ROLE regress_audit_anna;
SELECT scheduler.enqueue('noop', unique_key => 'a') AS first, scheduler.enqueue('noop', unique_key => 'b') AS second \gset
SELECT scheduler.cancel_job(:'first');
RESET ROLE;
SET ROLE regress_audit_admin;
SELECT scheduler.cancel_job(:'second');
RESET ROLE;
RESET client_min_messages;
SELECT action, actor_role, subject_user_id = :'anna' AS annas, details - 'job_id' AS details
FROM scheduler.audit_log WHERE actor_role <> session_user ORDER BY audit_id;

-- who sees it
SET ROLE regress_audit_anna;
SELECT count(*) FROM scheduler.audit_log;
SELECT scheduler.give_consent('analytics');
SELECT action FROM scheduler.audit_log;
SELECT scheduler.record_audit('test.lie');
SELECT * FROM scheduler.audit_seals;
SELECT scheduler.verify_audit_log();
SELECT scheduler.set_retention('changes', '1 day');
RESET ROLE;
SET ROLE regress_audit_admin;
SELECT count(*) > 5 AS all_of_it FROM scheduler.audit_log;
RESET ROLE;
DELETE FROM scheduler.audit_log;
UPDATE scheduler.audit_log SET details = '{}';
TRUNCATE scheduler.audit_log;

-- digests depend on every column, and on where it ends
SELECT count(DISTINCT scheduler.audit_digest(:'anna', :'ben', '2030-01-01', r, a, 'ok', NULL, d, x)) AS different
FROM (VALUES ('a', 'bc', '{}', NULL), ('ab', 'c', '{}', NULL), ('a', 'bc', '{}', ''), ('a', 'bc', '{ }', NULL)) AS v (r, a, d, x);
SELECT length(scheduler.audit_digest(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)) AS of_nothing;
SELECT scheduler.excused_audit_rows() AS nothing_excused;

-- retention
SELECT * FROM scheduler.retention_policies ORDER BY subject;
SET ROLE regress_audit_admin;
SELECT scheduler.set_retention('completed_jobs', '10 days');
SELECT scheduler.set_retention('completed_jobs', '20 days');
SELECT scheduler.set_retention('nothing', '1 day');
SELECT scheduler.set_retention('changes', '1 minute');
SELECT scheduler.apply_retention();
RESET ROLE;
INSERT INTO scheduler.finished_jobs (user_id, job_id, kind, payload, status, priority, run_at, attempts, max_attempts, created_at, finished_at)
SELECT :'anna', scheduler.uuid7(), k, '{}', 'succeeded', 5, now(), 1, 1, now(), now() - make_interval(days => d)
FROM unnest(ARRAY['noop', 'mail.process', 'gone']) AS k, unnest(ARRAY[2, 19, 21, 91]) AS d;
SELECT scheduler.expire_jobs() AS expired;
SELECT kind, array_agg((now()::date - finished_at::date) ORDER BY finished_at DESC) AS kept FROM scheduler.finished_jobs
WHERE status = 'succeeded' GROUP BY kind ORDER BY kind;
SELECT scheduler.set_retention('completed_jobs') AS as_shipped;
INSERT INTO scheduler.changes (user_id, change_seq, type, at) SELECT :'anna', n, 'task.created', now() - interval '8 days' FROM generate_series(1, 10) AS n;
SELECT scheduler.expire_jobs(4) AS portion, scheduler.expire_jobs(4) AS next, scheduler.expire_jobs() AS rest, scheduler.expire_jobs() AS nothing_left;
SELECT scheduler.make_partition('changes', '2020-01-01'), scheduler.make_partition('finished_jobs', '2020-01-01'), scheduler.make_partition('audit_log', '2020-01-01');
INSERT INTO scheduler.changes (user_id, change_seq, type, at) VALUES (:'anna', 99, 'task.created', '2020-01-15');
INSERT INTO scheduler.audit_log (user_id, at, actor_role, action, outcome) VALUES (:'anna', '2020-01-15', 'x', 'test.old', 'ok');
SELECT scheduler.drop_expired_partitions() AS dropped, to_regclass('scheduler.audit_log_2020_01') AS unsealed_stays;
INSERT INTO scheduler.email_bodies (user_id, email_id, raw, body_text) VALUES (:'anna', '01800000-0000-7000-8000-000000000001', 'x', 'x');
SELECT scheduler.expire_bodies() AS kept;
SELECT scheduler.set_retention('email_bodies', '1 year');
SELECT scheduler.expire_bodies() AS gone;

-- export and erasure: refusals
SET ROLE regress_audit_anna;
SELECT table_name, count(*) FROM scheduler.export_user_data() WHERE table_name IN ('users', 'consents') GROUP BY 1 ORDER BY 1;
SELECT * FROM scheduler.export_user_data(:'ben');
SELECT * FROM scheduler.erase_user(:'ben');
SELECT * FROM scheduler.erase_user(NULL);
RESET ROLE;
SELECT * FROM scheduler.erase_user(scheduler.system_user_id());
-- every table with users' rows is exported, or left out for a reason
SELECT t.table_name, u.reason FROM scheduler.user_tables() AS t JOIN scheduler.unexported() AS u ON u.table_name = t.table_name AND u.column_name IS NULL ORDER BY 1;
SELECT u.* FROM scheduler.unexported() AS u WHERE u.column_name IS NOT NULL
	AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = to_regclass('scheduler.' || u.table_name) AND a.attname = u.column_name);
-- what rows of others and of the installation say of her goes, too; what they say of others stays
INSERT INTO scheduler.reset_requests (email) VALUES ('anna@example.org'), ('ben@example.net');
INSERT INTO scheduler.invitations (user_id, email, token_hash, expires_at)
SELECT :'ben', e, 'x', now() FROM unnest(ARRAY['Anna@example.org', 'carl@example.org']) AS e;
INSERT INTO scheduler.accounts (user_id, provider, address, settings)
SELECT u, 'maildir', 'a', '{"path": "/a"}' FROM unnest(ARRAY[:'anna', :'ben']::uuid[]) AS u;
SELECT scheduler.set_rate_limit('user', u, 5) FROM unnest(ARRAY[:'anna', :'ben', '*']) AS u;
SELECT scheduler.set_rate_limit('account', account_id::text, 5) FROM scheduler.accounts WHERE user_id IN (:'anna', :'ben');
SELECT table_name FROM scheduler.erase_user(:'anna') ORDER BY 1;
SELECT email FROM scheduler.reset_requests UNION ALL SELECT email FROM scheduler.invitations ORDER BY 1;
SELECT scope, CASE WHEN subject = :'ben' THEN 'ben' WHEN subject = '*' THEN '*' WHEN subject IN (SELECT account_id::text FROM scheduler.accounts WHERE user_id = :'ben') THEN 'his account' END AS whose
FROM scheduler.rate_limits ORDER BY 1, 2;
SELECT table_name FROM scheduler.erase_user(:'anna');
SELECT details ? 'person' AS person, details ->> 'rows' AS rows FROM scheduler.audit_log WHERE action = 'user.erased';
SELECT pg_has_role('regress_audit_anna', 'scheduler_user', 'MEMBER') AS let_in, count(*) FROM scheduler.users WHERE user_id = :'anna';
SELECT * FROM scheduler.erase_user(:'ben') WHERE false;

DROP OWNED BY regress_audit_anna, regress_audit_ben, regress_audit_admin;
DROP ROLE regress_audit_anna, regress_audit_ben, regress_audit_admin;
