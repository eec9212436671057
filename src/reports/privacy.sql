/*
 * reports: what a person takes along, and what goes with him. Both walk the catalog, so that a table that comes later is in
 * them; the few exceptions are named here, and a test compares. Last of the rooms, so that it may know all of them.
 */

/* Tables whose rows name somebody in another column than user_id; erase_user() deals with them by name. */
CREATE FUNCTION scheduler.unexported() RETURNS TABLE (table_name text, column_name text, reason text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT c.relname::text, a.attname::text, 'a hash or proof: of use to nobody but who tries passwords and tokens'
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
	WHERE c.relnamespace = 'scheduler'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		AND a.attname ~ '(_hash|verifier)$' AND NOT a.attisdropped
	UNION ALL
	VALUES ('sealed_secrets', 'sealed', 'the value of a secret, which nobody can read'),
		('sealed_secrets', 'key_id', 'names a key, tells nothing of the person'),
		('email_bodies', 'body_text', 'is in raw, which is exported as it came'),
		('email_bodies', 'key_id', 'names a key, tells nothing of the person'),
		('live_jobs', 'lease', 'which process works on the job'),
		('new_changes', NULL, 'changes that get their number within a second; the same are in changes'),
		('secret_endpoints', NULL, 'addresses of the installation''s models')
	$body$;
COMMENT ON FUNCTION scheduler.unexported() IS
	'Tables and columns (NULL: the whole table) with rows of users that export_user_data() leaves out, and why.';

/* Tables with rows of users, those that others point to last. */
CREATE FUNCTION scheduler.user_tables() RETURNS TABLE (table_name text, depth integer)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	WITH RECURSIVE mine AS (
		SELECT c.oid, c.relname::text AS name
		FROM pg_class c
		WHERE c.relnamespace = 'scheduler'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
			AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'user_id' AND NOT a.attisdropped)),
	deeper AS (
		SELECT m.oid, 0 AS depth FROM mine m
		UNION
		SELECT k.confrelid, d.depth + 1
		FROM deeper d JOIN pg_constraint k ON k.conrelid = d.oid AND k.contype = 'f' AND k.confrelid <> k.conrelid
		WHERE d.depth < 20)
	SELECT m.name, max(d.depth) FROM mine m JOIN deeper d ON d.oid = m.oid GROUP BY m.name ORDER BY 2, 1
	$body$;
COMMENT ON FUNCTION scheduler.user_tables() IS 'Tables with rows of users; depth: above all that point to it.';

/* What one table has of a person, as a query with his id as $1. A mail is opened; bytes are base64. */
CREATE FUNCTION scheduler.export_query(table_name text) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT format('SELECT %L::text, to_jsonb(r) FROM (SELECT %s FROM scheduler.%I t WHERE t.user_id = $1) AS r', $1,
		string_agg(CASE
			WHEN $1 = 'email_bodies' AND a.attname = 'raw' THEN
				'encode(scheduler.open_body(t.user_id, t.email_id, t.key_id, t.raw), ''base64'') AS raw'
			WHEN a.atttypid = 'bytea'::regtype THEN format('encode(t.%I, ''base64'') AS %1$I', a.attname)
			ELSE format('t.%I', a.attname) END, ', ' ORDER BY a.attnum), $1)
	FROM pg_attribute a
	WHERE a.attrelid = format('scheduler.%I', $1)::regclass AND a.attnum > 0 AND NOT a.attisdropped
		AND NOT EXISTS (SELECT FROM scheduler.unexported() AS u WHERE u.table_name = $1 AND u.column_name = a.attname)
	$body$;
COMMENT ON FUNCTION scheduler.export_query(text) IS 'The query that export_user_data() makes of a table.';

CREATE FUNCTION scheduler.export_user_data(user_id uuid DEFAULT NULL) RETURNS TABLE (table_name text, content jsonb)
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	person uuid := scheduler.writable_user_id($1);
	wanted text;
BEGIN
	PERFORM scheduler.record_audit('user.exported', 'ok', person);
	FOR wanted IN
		SELECT t.table_name FROM scheduler.user_tables() AS t
		WHERE NOT EXISTS (SELECT FROM scheduler.unexported() AS u WHERE u.table_name = t.table_name AND u.column_name IS NULL)
		ORDER BY t.depth DESC, t.table_name
	LOOP
		RETURN QUERY EXECUTE scheduler.export_query(wanted) USING person;
	END LOOP;
	/* What others did to him: what and when, not from where. */
	RETURN QUERY SELECT 'audit_log'::text, to_jsonb(a) - 'address' - 'user_id'
		FROM scheduler.audit_log a WHERE a.subject_user_id = person AND a.user_id <> person;
	RETURN QUERY SELECT 'job_kinds'::text, to_jsonb(k) FROM scheduler.job_kinds k WHERE k.owner_id = person;
END
$body$;
/* Owned by scheduler_system: an admin exports for somebody else. */
ALTER FUNCTION scheduler.export_user_data(uuid) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.export_user_data(uuid) IS
	'Every row of a person as JSON, mails opened; secrets and hashes never. For oneself; an admin for others, which is on record.';

/*
 * The rows of a person in one table. Rows of the audit log are excused first: their numbers stand in the row about the
 * erasure.
 */
CREATE FUNCTION scheduler.erase_rows(table_name text, user_id uuid) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	erased bigint;
BEGIN
	EXECUTE format('DELETE FROM scheduler.%I t WHERE t.user_id = $1%s', $1,
		CASE WHEN $1 = 'audit_log' THEN ' OR t.subject_user_id = $1' ELSE '' END) USING $2;
	GET DIAGNOSTICS erased = ROW_COUNT;
	RETURN erased;
END
$body$;
COMMENT ON FUNCTION scheduler.erase_rows(text, uuid) IS 'Deletes the rows of a person in one table; how many.';

/* Jobs first: after this no worker or runner acts for him any more. */
CREATE FUNCTION scheduler.stop_user(user_id uuid) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	mapped text;
	locked uuid[];
	held uuid;
BEGIN
	/* As cancel_job(), one at a time of each user. */
	PERFORM scheduler.take_lock(1398362949, uuid_hash($1));
	UPDATE scheduler.users u SET is_active = false WHERE u.user_id = $1 RETURNING u.role_name INTO mapped;
	IF mapped IS NOT NULL AND EXISTS (SELECT FROM pg_roles r, pg_auth_members m
		WHERE r.rolname = mapped AND m.member = r.oid AND m.roleid = 'scheduler_user'::regrole) THEN
		EXECUTE format('REVOKE scheduler_user FROM %I', mapped);
	END IF;
	/* Whom a runner holds is interrupted; the worker is waited for, its batches are short. */
	LOOP
		locked := ARRAY(SELECT l.job_id FROM scheduler.live_jobs l WHERE l.user_id = $1 FOR UPDATE SKIP LOCKED);
		held := (SELECT l.job_id FROM scheduler.live_jobs l
			WHERE l.user_id = $1 AND l.lease IS NOT NULL AND l.runner AND l.job_id <> ALL (locked) LIMIT 1);
		EXIT WHEN held IS NULL OR NOT scheduler.interrupt_holder(held);
		PERFORM pg_sleep(0.02);
	END LOOP;
	PERFORM scheduler.wake_workers('cancels'), scheduler.wake_workers('queues'), scheduler.wake_workers('jobs');
END
$body$;
COMMENT ON FUNCTION scheduler.stop_user(uuid) IS 'Lets nobody in as this user, and ends what runs for him.';

/*
 * The row that says which numbers of the audit log are gone, sealed before they go. Where nothing was ever sealed nothing
 * has to be excused.
 */
CREATE FUNCTION scheduler.excuse_erasure(user_id uuid, by_himself boolean) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	has_seals boolean;
	numbers int8multirange;
	details jsonb := jsonb_build_object('person', encode(sha256(uuid_send($1)), 'hex'));
BEGIN
	BEGIN
		PERFORM scheduler.seal_rows(NULL, true);
	EXCEPTION WHEN object_not_in_prerequisite_state THEN
		IF EXISTS (SELECT FROM scheduler.audit_seals) THEN
			RAISE;
		END IF;
	END;
	has_seals := EXISTS (SELECT FROM scheduler.audit_seals);
	SELECT range_agg(int8range(a.audit_seq, a.audit_seq, '[]')) INTO numbers
	FROM scheduler.audit_log a
	WHERE (a.user_id = $1 OR a.subject_user_id = $1) AND a.audit_seq IS NOT NULL;
	details := details || jsonb_build_object('rows', coalesce(numbers, '{}')::text);
	IF $2 THEN
		/* He is gone: not even his address stays. */
		INSERT INTO scheduler.audit_log (user_id, actor_role, action, outcome, details)
		VALUES (scheduler.system_user_id(), 'the person himself', 'user.erased', 'ok', details);
	ELSE
		PERFORM scheduler.record_audit('user.erased', details => details);
	END IF;
	IF has_seals THEN
		PERFORM scheduler.seal_rows(NULL, true);
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.excuse_erasure(uuid, boolean) IS
	'Records the erasure of a person with the numbers of the rows of audit_log that go with him.';

/*
 * What rows of others and of the installation say of a person: his address where he was invited or asked for a new password,
 * his id and those of his accounts where a limit was set. Before his own rows go, which tell both.
 */
CREATE FUNCTION scheduler.erase_mentions(user_id uuid) RETURNS void
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	DELETE FROM scheduler.reset_requests r USING scheduler.users u WHERE u.user_id = $1 AND lower(r.email) = lower(u.email);
	DELETE FROM scheduler.invitations i USING scheduler.users u WHERE u.user_id = $1 AND lower(i.email) = lower(u.email);
	DELETE FROM scheduler.rate_limits l WHERE l.scope = 'user' AND l.subject = $1::text
		OR l.scope = 'account' AND l.subject IN (SELECT a.account_id::text FROM scheduler.accounts a WHERE a.user_id = $1)
	$body$;
COMMENT ON FUNCTION scheduler.erase_mentions(uuid) IS 'Deletes rows that are not a person''s and name him.';

CREATE FUNCTION scheduler.erase_user(user_id uuid) RETURNS TABLE (table_name text, rows bigint)
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	person uuid := scheduler.writable_user_id($1);
	by_himself boolean := scheduler.current_user_id() IS NOT DISTINCT FROM $1;
	counted jsonb := '{}';
	one record;
	part bigint;
	again boolean;
BEGIN
	IF $1 IS NULL OR $1 = scheduler.system_user_id() THEN
		RAISE EXCEPTION 'erase_user() needs the user who is to go'
			USING ERRCODE = '22023', HINT = 'SELECT scheduler.erase_user((scheduler.me() ->> ''user_id'')::uuid)';
	END IF;
	PERFORM scheduler.wait_patiently();
	PERFORM scheduler.stop_user(person);
	PERFORM scheduler.erase_mentions(person);
	/* Deleting a row may write another one, such as a change; the second round takes it. */
	FOR round IN 1 .. 3 LOOP
		again := false;
		FOR one IN SELECT t.table_name FROM scheduler.user_tables() AS t WHERE t.table_name <> 'audit_log'
			ORDER BY t.table_name <> 'live_jobs', t.depth, t.table_name
		LOOP
			part := scheduler.erase_rows(one.table_name, person);
			CONTINUE WHEN part = 0;
			again := true;
			counted := jsonb_set(counted, ARRAY[one.table_name], to_jsonb(coalesce((counted ->> one.table_name)::bigint, 0) + part));
		END LOOP;
		EXIT WHEN NOT again;
	END LOOP;
	/* A kind that is open to others goes on; nobody acts as its owner. */
	UPDATE scheduler.job_kinds k SET owner_id = scheduler.system_user_id() WHERE k.owner_id = person;
	IF EXISTS (SELECT FROM scheduler.audit_log a WHERE a.user_id = person OR a.subject_user_id = person) OR counted <> '{}' THEN
		PERFORM scheduler.excuse_erasure(person, by_himself);
		part := scheduler.erase_rows('audit_log', person);
		counted := counted || jsonb_build_object('audit_log', part);
	END IF;
	/* Last, as it cannot be taken back. */
	PERFORM scheduler.drop_data_key(person);
	RETURN QUERY SELECT c.key, c.value::bigint FROM jsonb_each_text(counted) AS c ORDER BY c.key;
END
$body$;
/* Owned by scheduler_system: an admin erases somebody else. */
ALTER FUNCTION scheduler.erase_user(uuid) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.erase_user(uuid) IS
	'Deletes every row of a person and destroys his keys; of the audit log digests stay. For oneself; an admin for others. Said again, removes what came meanwhile.';
GRANT EXECUTE ON FUNCTION scheduler.export_user_data(uuid), scheduler.erase_user(uuid) TO scheduler_user;
