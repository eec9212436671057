/* identity: what administrators do to accounts, and what goes in time. */

/* Whether somebody was there to be changed; the row stays locked. */
CREATE FUNCTION scheduler.lock_user(user_id uuid, what text) RETURNS scheduler.users
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	person scheduler.users;
BEGIN
	PERFORM scheduler.refuse_old_snapshot();
	IF NOT scheduler.caller_has_role('scheduler_admin') THEN
		RAISE EXCEPTION 'only an admin %', $2
			USING ERRCODE = '42501', HINT = 'This needs membership of scheduler_admin.';
	END IF;
	SELECT u.* INTO person FROM scheduler.users u
	WHERE u.user_id = $1 AND u.user_id <> scheduler.system_user_id() FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'there is no such user' USING ERRCODE = 'PT404', DETAIL = coalesce($1::text, 'NULL');
	END IF;
	RETURN person;
END
$body$;
COMMENT ON FUNCTION scheduler.lock_user(uuid, text) IS 'The user that an administrator is about to change; 42501, PT404.';

CREATE FUNCTION scheduler.disable_user(user_id uuid) RETURNS boolean
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	person scheduler.users := scheduler.lock_user($1, 'disables users');
	ended integer;
BEGIN
	IF $1 = scheduler.current_user_id() THEN
		RAISE EXCEPTION 'nobody disables himself' USING ERRCODE = '22023',
			HINT = 'Another administrator does it; scheduler.revoke_all() ends your sessions.';
	END IF;
	/* The jobs room hears of it by its trigger. */
	UPDATE scheduler.users u SET is_active = false WHERE u.user_id = $1 AND u.is_active;
	ended := scheduler.end_sessions($1, 'disabled');
	DELETE FROM scheduler.password_resets r WHERE r.user_id = $1;
	IF person.is_active THEN
		PERFORM scheduler.record_audit('user.disabled', 'ok', $1, jsonb_build_object('sessions', ended));
	END IF;
	RETURN person.is_active;
END
$body$;
/* Owned by scheduler_system: an admin changes somebody else's account. */
ALTER FUNCTION scheduler.disable_user(uuid) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.disable_user(uuid) IS
	'Shuts a user out (admins only): no sign-in, token, role or act_as, and his jobs wait; whether he was in.';

CREATE FUNCTION scheduler.enable_user(user_id uuid) RETURNS boolean
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	person scheduler.users := scheduler.lock_user($1, 'enables users');
BEGIN
	IF person.is_active THEN
		RETURN false;
	END IF;
	UPDATE scheduler.users u SET is_active = true WHERE u.user_id = $1;
	PERFORM scheduler.record_audit('user.enabled', 'ok', $1);
	RETURN true;
END
$body$;
/* Owned by scheduler_system: an admin changes somebody else's account. */
ALTER FUNCTION scheduler.enable_user(uuid) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.enable_user(uuid) IS
	'Lets a user in again (admins only): he signs in anew, and his jobs go on; whether he was shut out.';

CREATE FUNCTION scheduler.set_admin(user_id uuid, is_admin boolean) RETURNS boolean
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	person scheduler.users := scheduler.lock_user($1, 'makes administrators');
BEGIN
	IF $2 IS NULL THEN
		RAISE EXCEPTION 'is_admin must not be NULL' USING ERRCODE = '22004';
	END IF;
	IF person.is_admin = $2 THEN
		RETURN false;
	END IF;
	/* Tokens carry the role: older ones end, sessions go on with new ones. */
	UPDATE scheduler.users u SET is_admin = $2, tokens_valid_from = clock_timestamp() WHERE u.user_id = $1;
	PERFORM scheduler.record_audit('user.admin_set', 'ok', $1, jsonb_build_object('is_admin', $2));
	RETURN true;
END
$body$;
/* Owned by scheduler_system: an admin changes somebody else's account. */
ALTER FUNCTION scheduler.set_admin(uuid, boolean) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.set_admin(uuid, boolean) IS
	'Whether a user''s tokens are those of an administrator (admins only); database roles are granted beside it. True where that is new.';

GRANT EXECUTE ON FUNCTION scheduler.disable_user(uuid), scheduler.enable_user(uuid), scheduler.set_admin(uuid, boolean)
	TO scheduler_admin;

/* Sessions and invitations 30 days after their end, addresses not seen for 90, requests after a day. */
CREATE FUNCTION scheduler.expire_sign_ins(max_rows bigint DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	deleted bigint := 0;
	part bigint;
BEGIN
	IF NOT scheduler.caller_has_role('scheduler_admin') THEN
		RAISE EXCEPTION 'permission denied to apply retention' USING ERRCODE = '42501';
	END IF;
	DELETE FROM scheduler.sign_in_sessions s WHERE s.ctid = ANY (ARRAY(SELECT o.ctid FROM scheduler.sign_in_sessions o
		WHERE least(o.ended_at, o.expires_at) < now() - interval '30 days' LIMIT expire_sign_ins.max_rows));
	GET DIAGNOSTICS part = ROW_COUNT;
	deleted := deleted + part;
	DELETE FROM scheduler.known_addresses k WHERE k.ctid = ANY (ARRAY(SELECT o.ctid FROM scheduler.known_addresses o
		WHERE o.last_seen_at < now() - interval '90 days' LIMIT expire_sign_ins.max_rows));
	GET DIAGNOSTICS part = ROW_COUNT;
	deleted := deleted + part;
	DELETE FROM scheduler.invitations i WHERE i.ctid = ANY (ARRAY(SELECT o.ctid FROM scheduler.invitations o
		WHERE least(o.used_at, o.expires_at) < now() - interval '30 days' LIMIT expire_sign_ins.max_rows));
	GET DIAGNOSTICS part = ROW_COUNT;
	deleted := deleted + part;
	DELETE FROM scheduler.reset_requests r WHERE r.ctid = ANY (ARRAY(SELECT o.ctid FROM scheduler.reset_requests o
		WHERE o.requested_at < now() - interval '1 day' LIMIT expire_sign_ins.max_rows));
	GET DIAGNOSTICS part = ROW_COUNT;
	deleted := deleted + part;
	DELETE FROM scheduler.password_resets r WHERE r.expires_at < now();
	GET DIAGNOSTICS part = ROW_COUNT;
	RETURN deleted + part;
END
$body$;
/* Owned by scheduler_system: for all users. */
ALTER FUNCTION scheduler.expire_sign_ins(bigint) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.expire_sign_ins(bigint) IS
	'Deletes sessions, addresses, invitations and resets that are over; for all users.';
GRANT EXECUTE ON FUNCTION scheduler.expire_sign_ins(bigint) TO scheduler_admin;
