-- identity: users and who is asking
SELECT scheduler.version() ~ '^\d+\.\d+\.\d+$' AS version;
SELECT scheduler.current_user_id() IS NULL AS nobody;
SELECT scheduler.required_user_id() = scheduler.system_user_id() AS superuser_is_system;
SELECT scheduler.is_timezone('Europe/Berlin') AS berlin, scheduler.is_timezone('Mars/Olympus') AS mars,
	scheduler.is_timezone('CET-1CEST') AS posix;
SELECT count(*) = 100000 AND count(DISTINCT u) = 100000 AS unique, bool_and(u > previous) AS rising
FROM (SELECT u, lag(u) OVER (ORDER BY n) AS previous
	FROM (SELECT n, scheduler.uuid7() AS u FROM generate_series(1, 100000) AS n) AS keys) AS pairs;

-- users: an admin makes them, addresses are unique without regard to case, zones are checked
CREATE ROLE regress_anna LOGIN;
CREATE ROLE regress_ben LOGIN;
CREATE ROLE regress_admin LOGIN;
CREATE ROLE regress_stranger LOGIN;
GRANT scheduler_admin TO regress_admin;
GRANT scheduler_user TO regress_stranger;
SET ROLE regress_admin;
SELECT scheduler.create_user('Anna@example.org', 'Anna', 'Europe/Berlin', role_name => 'regress_anna') IS NOT NULL AS anna;
SELECT scheduler.create_user('ben@example.net', 'Ben', password => 'correct horse', role_name => 'regress_ben') IS NOT NULL AS ben;
\set SHOW_CONTEXT never
SELECT scheduler.create_user('anna@EXAMPLE.org', 'Another');
\echo :LAST_ERROR_SQLSTATE
SELECT scheduler.create_user('carl@example.org', 'Carl', role_name => 'regress_ben');
SELECT scheduler.create_user('carl@example.org', 'Carl', 'Mars/Olympus');
\echo :LAST_ERROR_SQLSTATE
SELECT scheduler.create_user('carl', 'Carl');
SELECT scheduler.create_user('carl@example.org', 'Carl', role_name => 'scheduler_admin');
SELECT scheduler.create_user('carl@example.org', 'Carl', role_name => 'nobody_at_all');
SELECT scheduler.create_user('carl@example.org', 'Carl', password => 'short');
SELECT scheduler.create_user('carl@example.org', 'Carl', password => repeat('x', 73));
\set VERBOSITY terse
SELECT scheduler.me()->>'user_id' = scheduler.system_user_id()::text AS admin_without_row_is_system;
SELECT scheduler.session_timezone(), scheduler.checked_timezone('Asia/Tokyo');
SET timezone = '-08:00';
SELECT scheduler.session_timezone() AS offset_is_no_place;
RESET timezone;
RESET ROLE;
SELECT email, name, timezone, role_name, password_hash LIKE '$2b$12$%' AS hashed FROM scheduler.users ORDER BY email;
SELECT length(scheduler.hash_password('correct horse')) AS hash_length;
SELECT pg_has_role('regress_anna', 'scheduler_user', 'USAGE') AS admitted;
SELECT scheduler.admit_role('pg_monitor');

-- what a user sees and may do
SET ROLE regress_anna;
\x on
SELECT scheduler.me() - 'user_id' - 'created_at' AS me;
\x off
SELECT email FROM scheduler.users;
SELECT password_hash FROM scheduler.users;
SELECT scheduler.create_user('dora@example.org', 'Dora');
SELECT scheduler.hash_password('correct horse');
SELECT scheduler.writable_user_id(NULL);
RESET ROLE;
SELECT scheduler.writable_user_id(NULL) = scheduler.system_user_id() AS superuser_writes_for_system;
SET ROLE regress_stranger;
SELECT scheduler.me();
SELECT count(*) FROM scheduler.users;
RESET ROLE;

-- the key file: made once, outside the data directory, for its owner alone
SELECT problem FROM scheduler.create_master_key();
SELECT created, problem FROM scheduler.create_master_key();
SELECT created, problem, key_id ~ '^[0-9a-f]{16}$' AS named FROM scheduler.master_key_state();
SELECT (pg_stat_file(file)).size FROM scheduler.master_key_state();
SET ROLE regress_admin;
SELECT scheduler.create_master_key();
RESET ROLE;

-- secrets: names and hosts are checked, values never shown
SET ROLE regress_anna;
SELECT scheduler.set_secret('openai', 'sk-canary-4711', ARRAY['API.openai.com ', 'localhost:8080']);
SELECT name, hosts, rotated_at IS NULL AS never_rotated, last_used_at FROM scheduler.secrets;
SELECT scheduler.set_secret('openai', md5('another value'), ARRAY['api.openai.com']);
SELECT name, hosts, rotated_at IS NOT NULL AS rotated FROM scheduler.secrets;
SELECT sealed FROM scheduler.sealed_secrets;
SELECT * FROM scheduler.sealed_secrets;
SELECT count(*) FROM scheduler.secret_endpoints;
SELECT scheduler.seal_secret(scheduler.current_user_id(), 'x', 'h', 'y');
SELECT scheduler.set_secret('Open AI', md5('x'), '{api.openai.com}');
SELECT scheduler.set_secret('openai', md5('x'), '{}');
SELECT scheduler.set_secret('openai', md5('x'), '{https://api.openai.com}');
SELECT scheduler.set_secret('openai', md5('x'), '{*}');
SELECT scheduler.set_secret('openai', NULL, '{api.openai.com}');
SELECT scheduler.set_secret('openai', '', '{api.openai.com}');
SELECT scheduler.set_secret('openai', repeat('x', 65537), '{api.openai.com}');
SELECT scheduler.set_secret('openai', md5('x'), '{api.openai.com}', scheduler.system_user_id());
SELECT scheduler.set_secret_from_file('openai', '/etc/hostname', '{api.openai.com}');
RESET ROLE;
SET ROLE regress_ben;
SELECT count(*) AS of_others FROM scheduler.secrets;
SELECT scheduler.drop_secret('openai');
RESET ROLE;
SELECT scheduler.set_secret('shared', md5('for all'), '{*.example.org}', scheduler.system_user_id());
SELECT u.email, s.name, s.hosts, octet_length(s.sealed) AS bytes, length(s.key_id) AS key_id
FROM scheduler.sealed_secrets s JOIN scheduler.users u USING (user_id) ORDER BY 1;
SELECT count(*) AS same_text_same_bytes FROM scheduler.sealed_secrets a, scheduler.sealed_secrets b
WHERE a.name < b.name AND a.sealed = b.sealed;

-- from a file: for those who may read the server's files
SELECT current_setting('data_directory') || '/regress_identity_secret' AS secret_file \gset
COPY (SELECT 'from-a-file') TO :'secret_file';
SELECT scheduler.set_secret_from_file('filed', :'secret_file', '{api.example.org}');
SELECT octet_length(sealed) - 29 AS bytes_without_line_feed FROM scheduler.sealed_secrets WHERE name = 'filed';
SELECT scheduler.set_secret_from_file('filed', '/nowhere/at/all', '{api.example.org}');
SELECT scheduler.drop_secret('filed'), scheduler.drop_secret('filed') AS twice;
SET ROLE regress_anna;
SELECT scheduler.drop_secret('openai');
SELECT count(*) AS left_over FROM scheduler.secrets;
RESET ROLE;

-- copied in: what is refused is told without its value, and never raises
SET ROLE regress_anna;
\copy scheduler.secret_input (name, hosts, value) FROM pstdin
copied	api.example.org, localhost:8080	sk-canary-copied
No Name	api.example.org	sk-canary-misnamed
wrongly-bound	https://api.example.org	sk-canary-unbound
sk-canary-first	https://the-hosts	the-name
empty	api.example.org	
nothing	api.example.org	\N
\.
SELECT name, hosts FROM scheduler.secrets;
SELECT name, hosts, value, reason FROM scheduler.secret_input ORDER BY reason, name;
SELECT count(*) FILTER (WHERE r::text ~ 'canary') AS values_kept FROM scheduler.secret_refusals r;
INSERT INTO scheduler.secret_input (name, hosts, value) VALUES ('empty', '{api.example.org}', md5('not empty')) RETURNING name, value;
SELECT count(*) AS refused_before FROM scheduler.secret_input WHERE name = 'empty';
\copy scheduler.secret_input FROM pstdin
sk-canary-alone
\.
SET client_min_messages = error;
INSERT INTO scheduler.secret_input (name, value) SELECT 'n', 'x' FROM generate_series(1, 200);
RESET client_min_messages;
SELECT count(*) AS at_most_100 FROM scheduler.secret_input;
UPDATE scheduler.secret_input SET value = 'x';
DELETE FROM scheduler.secret_refusals;
RESET ROLE;
SET ROLE regress_ben;
SELECT count(*) AS of_others FROM scheduler.secret_input;
RESET ROLE;

-- a user's key: what it sealed is gone with it
SELECT user_id AS anna FROM scheduler.users WHERE email = 'Anna@example.org' \gset
SELECT count(*), bool_and(scheduler.data_key_problem(user_id, key_id) IS NULL) AS opens FROM scheduler.sealed_secrets WHERE user_id = :'anna';
SELECT key_id AS first_key FROM scheduler.sealed_secrets WHERE user_id = :'anna' AND name = 'copied' \gset
SELECT scheduler.renew_data_key(:'anna') = scheduler.current_data_key(:'anna') AS renewed, scheduler.current_data_key(:'anna') <> :'first_key' AS is_new;
SELECT scheduler.data_key_problem(:'anna', :'first_key') IS NULL AS old_one_opens, scheduler.retire_data_keys(:'anna', :'first_key') AS not_the_newest;
UPDATE scheduler.sealed_secrets s SET (key_id, sealed) = (SELECT r.key_id, r.sealed
	FROM scheduler.reseal_secret(s.user_id, s.name, array_to_string(s.hosts, ' '), s.key_id, s.sealed) AS r) WHERE s.user_id = :'anna';
SELECT bool_and(key_id = scheduler.current_data_key(user_id)) AS all_new FROM scheduler.sealed_secrets WHERE user_id = :'anna';
SELECT r.key_id IS NULL AS other_name, o.key_id IS NULL AS other_hosts, u.key_id IS NULL AS other_user
FROM scheduler.sealed_secrets s, scheduler.reseal_secret(user_id, name || 'x', array_to_string(hosts, ' '), s.key_id, s.sealed) AS r,
	scheduler.reseal_secret(user_id, name, 'evil.example.org', s.key_id, s.sealed) AS o,
	scheduler.reseal_secret(scheduler.system_user_id(), name, array_to_string(hosts, ' '), s.key_id, s.sealed) AS u
WHERE s.user_id = :'anna' AND name = 'copied';
SELECT scheduler.retire_data_keys(:'anna', scheduler.current_data_key(:'anna')) AS retired, scheduler.data_key_problem(:'anna', :'first_key') AS old_one;
SELECT done, failed FROM scheduler.rotate_master_key();
SELECT changing, problem FROM scheduler.master_key_state();
SELECT scheduler.data_key_problem(:'anna', key_id) IS NULL AS still_opens FROM scheduler.sealed_secrets WHERE user_id = :'anna' AND name = 'copied';
SELECT scheduler.drop_data_key(:'anna') AS dropped, scheduler.drop_data_key(:'anna') AS twice;
SELECT scheduler.data_key_problem(:'anna', key_id) FROM scheduler.sealed_secrets WHERE user_id = :'anna' AND name = 'copied';
SELECT scheduler.drop_data_key(scheduler.system_user_id());
SET ROLE regress_anna;
SELECT scheduler.drop_data_key(:'anna');
SELECT scheduler.rotate_master_key();
SELECT scheduler.set_secret('copied', md5('again'), ARRAY['api.example.org']);
SELECT scheduler.drop_secret(name) FROM scheduler.secrets;
RESET ROLE;
SET ROLE regress_admin;
SELECT done FROM scheduler.rotate_master_key();
RESET ROLE;
SELECT action, outcome, count(*) FROM scheduler.audit_log WHERE action LIKE 'secret.%' GROUP BY 1, 2 ORDER BY 1, 2;

-- a user who is not active is nobody
UPDATE scheduler.users SET is_active = false WHERE email = 'ben@example.net';
SET ROLE regress_ben;
SELECT scheduler.current_user_id() IS NULL AS nobody;
RESET ROLE;

DROP OWNED BY regress_anna, regress_ben, regress_admin, regress_stranger;
DROP ROLE regress_anna, regress_ben, regress_admin, regress_stranger;
-- the extension's own locks: held to the end of the transaction, not to be had by pg_advisory_lock()
BEGIN;
SELECT scheduler.take_lock(4711, 42);
SELECT mode, granted FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory' AND classid = 4711 AND objid = 42;
SELECT count(DISTINCT objsubid) AS two_locks FROM (SELECT pg_advisory_xact_lock(4711, 42)) AS taken, pg_locks
WHERE pid = pg_backend_pid() AND locktype = 'advisory' AND classid = 4711 AND objid = 42;
COMMIT;
SELECT count(*) AS left_over FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory';
SET ROLE scheduler_user;
SELECT scheduler.take_lock(4711, 42);
RESET ROLE;
