-- keys: the change of data keys, step by step as the worker calls it
SET client_min_messages = error;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT problem IS NULL AS ready FROM scheduler.create_master_key();
CREATE ROLE regress_keys_anna LOGIN;
CREATE ROLE regress_keys_ben LOGIN;
SELECT scheduler.create_user('anna@example.org', 'Anna', role_name => 'regress_keys_anna') AS anna \gset
SELECT scheduler.create_user('ben@example.org', 'Ben', role_name => 'regress_keys_ben') AS ben \gset
SET ROLE regress_keys_anna;
SELECT scheduler.set_secret('one', md5('1'), ARRAY['a.example.org']), scheduler.set_secret('two', md5('2'), ARRAY['b.example.org', 'c.example.org']);
SELECT count(scheduler.ingest_email(convert_to(E'From: m@example.com\nMessage-ID: <' || i || E'@example.com>\n\nmail ' || i, 'UTF8'))) FROM generate_series(1, 250) AS i;
RESET ROLE;
CREATE TEMP TABLE old_keys AS SELECT DISTINCT user_id, key_id FROM scheduler.email_bodies;
CREATE TEMP TABLE turns (n integer GENERATED ALWAYS AS IDENTITY, step scheduler.step);
-- a call of the handler, which the worker commits before the next
CREATE FUNCTION pg_temp.turn(payload jsonb) RETURNS text LANGUAGE sql AS $$
	INSERT INTO turns (step) SELECT scheduler.handle_rotation(ROW(scheduler.uuid7(), scheduler.system_user_id(), 'keys.rotate', $1,
		(SELECT (t.step).state FROM turns t ORDER BY n DESC LIMIT 1), 1, 10, now(), NULL, now())::scheduler.job, NULL)
	RETURNING (step).action || ' ' || coalesce((step).state ->> 'phase', '') $$;
CREATE FUNCTION pg_temp.totals() RETURNS jsonb LANGUAGE sql AS $$
	SELECT coalesce((t.step).result, (t.step).state) - '{after,user,key,mail,fence,phase}'::text[] FROM turns t ORDER BY n DESC LIMIT 1 $$;

-- a mail that was changed is passed by; one under a key that is gone too
UPDATE scheduler.email_bodies SET raw = substr(raw, 1, 20) || '\x00' || substr(raw, 22) WHERE email_id = (SELECT email_id FROM scheduler.email_bodies ORDER BY email_id OFFSET 100 LIMIT 1);
UPDATE scheduler.email_bodies SET key_id = repeat('0', 16) WHERE email_id = (SELECT email_id FROM scheduler.email_bodies ORDER BY email_id OFFSET 120 LIMIT 1);
SELECT jsonb_build_object('user_id', :'anna'::uuid) AS only_anna \gset
SELECT pg_temp.turn(:'only_anna') IN ('sleep seal', 'sleep wait') AS begun;
SELECT count(*) AS first_key_opens FROM old_keys k WHERE scheduler.data_key_problem(k.user_id, k.key_id) IS NULL;
SELECT set_config('regress.payload', :'only_anna', false) IS NOT NULL AS kept;
DO $$
BEGIN
	FOR i IN 1 .. 3000 LOOP
		COMMIT;
		EXIT WHEN pg_temp.turn(current_setting('regress.payload')::jsonb) LIKE 'done%';
		PERFORM pg_sleep(0.01) WHERE (SELECT (t.step).state ->> 'phase' FROM turns t ORDER BY n DESC LIMIT 1) = 'wait';
	END LOOP;
END $$;
SELECT pg_temp.totals();
SELECT string_agg(phase, ' ' ORDER BY n) AS phases FROM (SELECT min(n) AS n, coalesce((step).state ->> 'phase', 'end') AS phase FROM turns GROUP BY 2) AS t
WHERE phase <> 'seal';
SELECT count(*) FILTER (WHERE key_id = scheduler.current_data_key(user_id)) AS new_key, count(DISTINCT key_id) AS keys FROM scheduler.email_bodies WHERE user_id = :'anna';
SELECT bool_and(key_id = scheduler.current_data_key(user_id)) AS new_key FROM scheduler.sealed_secrets WHERE user_id = :'anna';
SELECT bool_and(rotated_at IS NULL) AS values_are_the_same FROM scheduler.sealed_secrets WHERE user_id = :'anna';
SELECT count(*) FILTER (WHERE scheduler.data_key_problem(k.user_id, k.key_id) IS NOT NULL) AS gone FROM old_keys k WHERE key_id <> repeat('0', 16);
SELECT count(r.sealed) AS secrets_open FROM scheduler.sealed_secrets s,
	scheduler.reseal_secret(s.user_id, s.name, array_to_string(s.hosts, ' '), s.key_id, s.sealed) AS r WHERE s.user_id = :'anna';
SELECT count(*) AS mails_open FROM scheduler.email_bodies b
WHERE b.user_id = :'anna' AND b.key_id = scheduler.current_data_key(b.user_id)
	AND convert_from(scheduler.open_body(b.user_id, b.email_id, b.key_id, b.raw), 'UTF8') ~ 'mail \d';

-- nobody else's keys changed; who may
SELECT scheduler.current_data_key(:'ben') IS NULL AS none_made_for_ben;
SET ROLE regress_keys_anna;
SELECT scheduler.rotate_data_keys();
SELECT scheduler.reseal_rows(scheduler.current_user_id(), 'x', NULL, 1);
RESET ROLE;
SELECT scheduler.rotate_data_keys() = scheduler.rotate_data_keys() AS one_job, scheduler.rotate_data_keys(:'ben') <> scheduler.rotate_data_keys() AS another;
SELECT kind, payload ? 'user_id' AS of_one, user_id = scheduler.system_user_id() AS of_all FROM scheduler.live_jobs WHERE kind = 'keys.rotate' ORDER BY 2;
SELECT check_name, status, detail FROM scheduler.doctor() WHERE check_name = 'data key change';
DELETE FROM scheduler.live_jobs WHERE kind = 'keys.rotate';
SELECT action, user_id = scheduler.system_user_id() AS by_system, subject_user_id = :'anna' AS of_anna, details FROM scheduler.audit_log WHERE action = 'secret.data_keys_rotated';
SELECT scheduler.drop_data_key(:'anna') AS dropped;
SET ROLE regress_keys_anna;
SELECT scheduler.email_text(email_id) FROM scheduler.email_bodies LIMIT 1;
RESET ROLE;
DROP OWNED BY regress_keys_anna, regress_keys_ben;
DROP ROLE regress_keys_anna, regress_keys_ben;
