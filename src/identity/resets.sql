/*
 * identity: forgotten and changed passwords. Asking for a reset writes one row, the same for an address that nobody has;
 * the token is made when an administrator, or his handler of kind identity.reset, asks for it, and goes out of here once.
 */

/* Rows of the system user: who asked is not known. The jobs room attaches the kind identity.reset. */
CREATE TABLE scheduler.reset_requests
(
	user_id uuid NOT NULL DEFAULT scheduler.system_user_id(),
	email text NOT NULL,
	requested_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT reset_requests_pkey PRIMARY KEY (user_id, email),
	CONSTRAINT reset_requests_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE
);
COMMENT ON TABLE scheduler.reset_requests IS
	'Addresses for which a new password was asked for; pending_resets() shows them to administrators.';
/* What was asked for before a restore is asked for again. */
SELECT scheduler.install_user_table('reset_requests', 'WHERE false', readable => false);

/* One at a time of each user. */
CREATE TABLE scheduler.password_resets
(
	user_id uuid NOT NULL,
	token_hash bytea NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz NOT NULL,
	CONSTRAINT password_resets_pkey PRIMARY KEY (user_id),
	CONSTRAINT password_resets_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE
);
CREATE INDEX password_resets_token_idx ON scheduler.password_resets (token_hash);
COMMENT ON TABLE scheduler.password_resets IS 'Hashes of tokens with which a password may be set anew, once, within an hour.';
SELECT scheduler.install_user_table('password_resets', 'WHERE false', readable => false);

CREATE FUNCTION scheduler.request_password_reset(email text) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	address text := scheduler.checked_email($1);
	account text := scheduler.account_name($1);
	client inet := scheduler.client_address();
	seconds integer := scheduler.take_attempt(format('reset %s %s', account, client), client, false);
BEGIN
	PERFORM scheduler.refuse_old_snapshot();
	IF seconds > 0 THEN
		RETURN scheduler.wait_refusal(seconds, 'password.reset_requested', 'limit');
	END IF;
	/* Three at once and one in twenty minutes then, whoever asks: nobody's mailbox is filled. The answer is the same. */
	IF scheduler.take_bucket('signin', hashtextextended('reset ' || account, 4711), 1 / 1200.0, 3) = 0 THEN
		INSERT INTO scheduler.reset_requests AS r (email) VALUES (lower(address))
		ON CONFLICT ON CONSTRAINT reset_requests_pkey DO UPDATE SET requested_at = now();
	END IF;
	PERFORM scheduler.record_audit('password.reset_requested', 'ok',
		(SELECT u.user_id FROM scheduler.users u WHERE lower(u.email) = account), jsonb_build_object('client', client));
	RETURN '{"message": "if there is such an account, its owner gets a message"}';
END
$body$;
/* Owned by scheduler_system: nobody is signed in, and the row is the system user's. */
ALTER FUNCTION scheduler.request_password_reset(text) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.request_password_reset(text) IS
	'Asks for a new password; the same answer whether or not anybody has this address.';

CREATE FUNCTION scheduler.pending_resets() RETURNS TABLE (email text, requested_at timestamptz, has_account boolean)
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF NOT scheduler.caller_has_role('scheduler_admin') THEN
		RAISE EXCEPTION 'only an admin sees who has forgotten a password' USING ERRCODE = '42501';
	END IF;
	RETURN QUERY SELECT r.email, r.requested_at,
		EXISTS (SELECT FROM scheduler.users u WHERE lower(u.email) = r.email AND u.is_active)
	FROM scheduler.reset_requests r ORDER BY r.requested_at, r.email;
END
$body$;
/* Owned by scheduler_system: rows of the system user and everybody's addresses. */
ALTER FUNCTION scheduler.pending_resets() OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.pending_resets() IS
	'Who has asked for a new password and waits for password_reset_token() (admins only).';

CREATE FUNCTION scheduler.password_reset_token(email text) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	secret bytea := scheduler.random_secret();
	target uuid;
BEGIN
	PERFORM scheduler.refuse_old_snapshot();
	IF NOT scheduler.caller_has_role('scheduler_admin') THEN
		RAISE EXCEPTION 'only an admin lets somebody set a new password'
			USING ERRCODE = '42501', HINT = 'This needs membership of scheduler_admin.';
	END IF;
	DELETE FROM scheduler.reset_requests r WHERE r.email = scheduler.account_name($1);
	SELECT u.user_id INTO target FROM scheduler.users u
	WHERE lower(u.email) = scheduler.account_name($1) AND u.is_active AND u.user_id <> scheduler.system_user_id();
	IF target IS NULL THEN
		RETURN NULL;
	END IF;
	INSERT INTO scheduler.password_resets (user_id, token_hash, expires_at)
	VALUES (target, sha256(secret), now() + interval '1 hour')
	ON CONFLICT ON CONSTRAINT password_resets_pkey DO UPDATE
	SET token_hash = excluded.token_hash, created_at = excluded.created_at, expires_at = excluded.expires_at;
	PERFORM scheduler.record_audit('password.reset_token', 'ok', target);
	RETURN scheduler.encode_token('sp_', secret);
END
$body$;
/* Owned by scheduler_system: somebody else's account. */
ALTER FUNCTION scheduler.password_reset_token(text) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.password_reset_token(text) IS
	'A token with which the person of this address sets a new password within an hour (admins only); NULL where there is none.';

/* The row of users is locked; whoever sets a password has shown that he is the one. */
CREATE FUNCTION scheduler.store_password(user_id uuid, hash text, except_id uuid DEFAULT NULL) RETURNS integer
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	UPDATE scheduler.users u SET password_hash = $2 WHERE u.user_id = $1;
	DELETE FROM scheduler.password_resets r WHERE r.user_id = $1;
	RETURN scheduler.end_sessions($1, 'password', $3);
END
$body$;
COMMENT ON FUNCTION scheduler.store_password(uuid, text, uuid) IS
	'Another password: open resets go and sessions end, but for one; how many.';

CREATE FUNCTION scheduler.reset_password(token text, password text) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	sought bytea := sha256(scheduler.decode_token('sp_', 32, $1));
	client inet := scheduler.client_address();
	target uuid;
	hash text;
	ended integer;
BEGIN
	PERFORM scheduler.refuse_old_snapshot();
	/* Nobody guesses 32 bytes, and only who has them costs a bcrypt: no attempts are counted, which others could use up. */
	SELECT r.user_id INTO target FROM scheduler.password_resets r
	WHERE r.token_hash = sought AND r.expires_at > now();
	IF target IS NOT NULL THEN
		hash := scheduler.hash_password(coalesce($2, ''));
		PERFORM FROM scheduler.users u WHERE u.user_id = target AND u.is_active FOR NO KEY UPDATE;
		/* It may have been used while bcrypt ran. */
		IF NOT FOUND OR NOT EXISTS (SELECT FROM scheduler.password_resets r
			WHERE r.user_id = target AND r.token_hash = sought AND r.expires_at > now()) THEN
			target := NULL;
		END IF;
	END IF;
	IF target IS NULL THEN
		PERFORM scheduler.audit_refusal('password.reset', NULL, '{"reason": "token"}');
		RETURN scheduler.refusal(401, '28P01', 'this token does not count any more',
			'It serves once, within an hour, and only the last one that was asked for.');
	END IF;
	ended := scheduler.store_password(target, hash);
	PERFORM scheduler.record_audit('password.reset', 'ok', target,
		jsonb_build_object('sessions', ended, 'client', client));
	RETURN jsonb_build_object('message', 'the password is changed', 'user_id', target);
END
$body$;
/* Owned by scheduler_system: whose password it is says the token alone. */
ALTER FUNCTION scheduler.reset_password(text, text) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.reset_password(text, text) IS
	'Sets a new password by a token of password_reset_token() and ends all sessions; or a refusal.';

CREATE FUNCTION scheduler.change_password(old_password text, new_password text) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	target uuid := scheduler.required_user_id();
	client inet := scheduler.client_address();
	seconds integer := scheduler.take_attempt('change ' || target, client, true);
	old_hash text := (SELECT u.password_hash FROM scheduler.users u WHERE u.user_id = target);
	new_hash text;
	ended integer;
BEGIN
	PERFORM scheduler.refuse_old_snapshot();
	IF seconds > 0 THEN
		RETURN scheduler.wait_refusal(seconds, 'password.changed', 'limit', target);
	END IF;
	IF NOT scheduler.check_password($1, old_hash) THEN
		PERFORM scheduler.audit_refusal('password.changed', target, '{"reason": "password"}');
		RETURN scheduler.refusal(403, '28P01', 'the old password is wrong',
			'scheduler.request_password_reset() helps who has forgotten it.');
	END IF;
	new_hash := scheduler.hash_password(coalesce($2, ''));
	PERFORM FROM scheduler.users u
	WHERE u.user_id = target AND u.password_hash = old_hash AND u.is_active FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN scheduler.refusal(403, '28P01', 'the old password is wrong', 'It was changed at this moment.');
	END IF;
	ended := scheduler.store_password(target, new_hash, scheduler.current_session_id());
	PERFORM scheduler.return_attempt('change ' || target, client, true);
	PERFORM scheduler.record_audit('password.changed', 'ok', target, jsonb_build_object('sessions', ended));
	RETURN jsonb_build_object('message', 'the password is changed', 'user_id', target);
END
$body$;
COMMENT ON FUNCTION scheduler.change_password(text, text) IS
	'Another password for the current user; his other sessions end, and this one needs refresh(). Or a refusal.';

GRANT EXECUTE ON FUNCTION scheduler.request_password_reset(text), scheduler.reset_password(text, text)
	TO scheduler_anon, scheduler_viewer;
GRANT EXECUTE ON FUNCTION scheduler.change_password(text, text) TO scheduler_user;
GRANT EXECUTE ON FUNCTION scheduler.pending_resets(), scheduler.password_reset_token(text) TO scheduler_admin;
