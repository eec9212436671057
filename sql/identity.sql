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
SELECT scheduler.seal_secret(scheduler.current_user_id(), 'x', 'y');
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
