/*
 * reports: users' data keys change, by a job, while everything else goes on. Here, because it knows of every table whose
 * rows are sealed. In two rounds over all users:
 *
 *   seal    a new key for the user, then his rows are sealed anew under it, so many a call
 *   wait    until every transaction that may have sealed under an old key has ended
 *   retire  what such a transaction committed is sealed anew too; where nothing is left, the old keys are destroyed
 *
 * A key is destroyed in a later transaction than the one that has written the last row away from it. Killed at any point,
 * the job goes on: at worst a user gets one key more, and loses it in the second round.
 */

/* Who comes after this user; one alone where only he is meant. */
CREATE FUNCTION scheduler.next_key_owner(after_id uuid, only_id uuid) RETURNS uuid
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT u.user_id FROM scheduler.users u
	WHERE ($1 IS NULL OR u.user_id > $1) AND ($2 IS NULL OR u.user_id = $2)
	ORDER BY u.user_id LIMIT 1
	$body$;
/* Owned by scheduler_system: the job of the installation goes over all users. */
ALTER FUNCTION scheduler.next_key_owner(uuid, uuid) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.next_key_owner(uuid, uuid) IS 'The next user whose keys change.';

/*
 * Rows that other keys of the user have sealed, under this one: all his secrets, and mails from one id on, up to a limit
 * of bytes. A row that cannot be opened stays as it is. last_mail: the last one looked at, NULL where there are no more.
 */
CREATE FUNCTION scheduler.reseal_rows(user_id uuid, key_id text, after_mail uuid, max_bytes bigint, OUT secrets bigint,
	OUT mails bigint, OUT last_mail uuid)
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	WITH opened AS (
		SELECT s.name, r.key_id, r.sealed
		FROM scheduler.sealed_secrets s,
			LATERAL scheduler.reseal_secret(s.user_id, s.name, array_to_string(s.hosts, ' '), s.key_id, s.sealed) AS r
		WHERE s.user_id = $1 AND s.key_id <> $2
		FOR UPDATE OF s)
	UPDATE scheduler.sealed_secrets s
	SET key_id = o.key_id, sealed = o.sealed
	FROM opened o
	WHERE s.user_id = $1 AND s.name = o.name AND o.key_id IS NOT NULL;
	GET DIAGNOSTICS secrets = ROW_COUNT;
	WITH sized AS (
		SELECT b.email_id, b.key_id, b.raw, sum(length(b.raw)) OVER (ORDER BY b.email_id) - length(b.raw) AS before
		FROM (SELECT i.email_id, i.key_id, i.raw FROM scheduler.email_bodies i
			WHERE i.user_id = $1 AND i.key_id <> $2 AND ($3 IS NULL OR i.email_id > $3)
			ORDER BY i.email_id LIMIT 200) AS b),
	written AS (
		UPDATE scheduler.email_bodies b
		SET key_id = $2, raw = n.raw
		FROM (SELECT s.email_id, s.key_id,
				scheduler.reseal_body($1, s.email_id, s.key_id, s.raw, $2) AS raw
			FROM sized s WHERE s.before < $4) AS n
		WHERE b.user_id = $1 AND b.email_id = n.email_id AND b.key_id = n.key_id AND n.raw IS NOT NULL
		RETURNING b.email_id)
	SELECT (SELECT count(*) FROM written), (SELECT s.email_id FROM sized s WHERE s.before < $4 ORDER BY s.email_id DESC LIMIT 1)
	INTO reseal_rows.mails, reseal_rows.last_mail;
END
$body$;
/* Owned by scheduler_system: the job of the installation seals every user's rows. */
ALTER FUNCTION scheduler.reseal_rows(uuid, text, uuid, bigint) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.reseal_rows(uuid, text, uuid, bigint) IS
	'Seals rows of a user under this key of his: secrets, and mails after one, so many bytes of them.';

/*
 * Keys are per user, and users have ids of their own; only the installation's is shared by all databases of a server that
 * have the extension: roles own things in each of them.
 */
CREATE FUNCTION scheduler.shares_keys() RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT EXISTS (SELECT FROM pg_shdepend d JOIN pg_database b ON b.oid = d.dbid
		WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = 'scheduler_owner'::regrole
			AND b.datname <> current_database())
	$body$;
COMMENT ON FUNCTION scheduler.shares_keys() IS 'Whether another database of this server has the extension too.';

/* A piece of the first round: one user's new key, or some of his rows. */
CREATE FUNCTION scheduler.rotate_some(state jsonb, only_id uuid) RETURNS jsonb
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := ($1 ->> 'user')::uuid;
	key text := $1 ->> 'key';
	batch record;
BEGIN
	IF owner_id IS NULL THEN
		owner_id := scheduler.next_key_owner(($1 ->> 'after')::uuid, $2);
		IF owner_id IS NULL THEN
			RETURN $1 - '{after}'::text[] || '{"phase": "wait"}';
		END IF;
		key := scheduler.renew_data_key(owner_id);
		IF key IS NULL THEN
			RETURN $1 || jsonb_build_object('after', owner_id);
		END IF;
	END IF;
	SELECT * INTO batch FROM scheduler.reseal_rows(owner_id, key, ($1 ->> 'mail')::uuid, 4000000);
	RETURN ($1 - '{user,key,mail}'::text[])
		|| jsonb_build_object('secrets', ($1 ->> 'secrets')::bigint + batch.secrets, 'mails', ($1 ->> 'mails')::bigint + batch.mails)
		|| CASE WHEN batch.last_mail IS NULL
			THEN jsonb_build_object('after', owner_id, 'users', ($1 ->> 'users')::bigint + 1)
			ELSE jsonb_build_object('user', owner_id, 'key', key, 'mail', batch.last_mail) END;
END
$body$;
COMMENT ON FUNCTION scheduler.rotate_some(jsonb, uuid) IS 'A step of the first round over users'' keys; the state after it.';

/* A piece of the second round: one user's old keys go, or rows that still need them are sealed anew. */
CREATE FUNCTION scheduler.retire_some(state jsonb, only_id uuid) RETURNS jsonb
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.next_key_owner(($1 ->> 'after')::uuid, $2);
	key text;
	batch record;
BEGIN
	IF owner_id IS NULL THEN
		RETURN $1 || '{"phase": "done"}';
	END IF;
	key := scheduler.current_data_key(owner_id);
	IF key IS NOT NULL THEN
		SELECT * INTO batch FROM scheduler.reseal_rows(owner_id, key, ($1 ->> 'mail')::uuid, 4000000);
		IF batch.secrets + batch.mails > 0 OR batch.last_mail IS NOT NULL THEN
			/* Once more from the first mail when this is committed. */
			RETURN $1 || jsonb_build_object('mail', CASE WHEN batch.mails = 0 THEN batch.last_mail END,
				'secrets', ($1 ->> 'secrets')::bigint + batch.secrets, 'mails', ($1 ->> 'mails')::bigint + batch.mails);
		ELSIF owner_id = scheduler.system_user_id() AND scheduler.shares_keys() THEN
			RETURN $1 - '{mail}'::text[] || jsonb_build_object('after', owner_id, 'kept', true);
		END IF;
		PERFORM scheduler.retire_data_keys(owner_id, key);
	END IF;
	RETURN $1 - '{mail}'::text[] || jsonb_build_object('after', owner_id);
END
$body$;
COMMENT ON FUNCTION scheduler.retire_some(jsonb, uuid) IS 'A step of the second round over users'' keys; the state after it.';

/* keys.rotate, payload {"user_id": ...} or {}: at most a tenth of a second a call. */
CREATE FUNCTION scheduler.handle_rotation(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	state jsonb := coalesce(($1).state, '{"phase": "seal", "users": 0, "secrets": 0, "mails": 0}');
	only_id uuid := (($1).payload ->> 'user_id')::uuid;
	started timestamptz := clock_timestamp();
BEGIN
	IF state ->> 'phase' = 'wait' THEN
		IF NOT state ? 'fence' THEN
			RETURN scheduler.step_sleep(now(), state || jsonb_build_object('fence', pg_current_xact_id()::text));
		ELSIF pg_snapshot_xmin(pg_current_snapshot()) <= (state ->> 'fence')::xid8 THEN
			RETURN scheduler.step_sleep(now() + interval '1 second', state);
		END IF;
		state := state - '{fence}'::text[] || '{"phase": "retire"}';
	END IF;
	WHILE state ->> 'phase' = 'seal' AND clock_timestamp() < started + interval '50 milliseconds' LOOP
		state := scheduler.rotate_some(state, only_id);
	END LOOP;
	IF state ->> 'phase' = 'retire' THEN
		state := scheduler.retire_some(state, only_id);
	END IF;
	IF state ->> 'phase' = 'done' THEN
		PERFORM scheduler.record_audit('secret.data_keys_rotated', user_id => only_id, details => state - '{phase,after}'::text[]);
		RETURN scheduler.step_done(state - '{phase,after}'::text[]);
	END IF;
	RETURN scheduler.step_sleep(now(), state);
END
$body$;
COMMENT ON FUNCTION scheduler.handle_rotation(scheduler.job, scheduler.http_response) IS 'Handler of kind keys.rotate.';
SELECT scheduler.install_job_kind('keys.rotate', 'scheduler.handle_rotation', max_attempts => 100, priority => 7);

CREATE FUNCTION scheduler.rotate_data_keys(user_id uuid DEFAULT NULL) RETURNS uuid
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	PERFORM scheduler.require_admin('change data keys');
	RETURN scheduler.enqueue('keys.rotate', jsonb_strip_nulls(jsonb_build_object('user_id', $1)),
		unique_key => coalesce($1::text, 'all'), user_id => scheduler.system_user_id());
END
$body$;
/* Owned by scheduler_system: the job is the installation's. */
ALTER FUNCTION scheduler.rotate_data_keys(uuid) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.rotate_data_keys(uuid) IS
	'New data keys for a user, or all, by a job that seals their rows anew (admins only); doctor() shows how far it is.';
GRANT EXECUTE ON FUNCTION scheduler.rotate_data_keys(uuid) TO scheduler_admin;
