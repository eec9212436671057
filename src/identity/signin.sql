/*
 * identity: signing up and in with a password of one's own. Whatever is wrong with an attempt is answered, not raised, so
 * that it is counted and recorded; the same answer, after the same work, for an account that nobody has and a password
 * that is wrong. bcrypt runs before anything is locked. README.md has the limits and why they are what they are.
 */

CREATE FUNCTION scheduler.check_password(password text, hash text) RETURNS boolean
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'sched_sql_check_password';
COMMENT ON FUNCTION scheduler.check_password(text, text) IS
	'Whether this is the password of the hash; one bcrypt also where there is no hash or no such password can be.';

CREATE FUNCTION scheduler.take_attempt(subject text, address inet, known boolean) RETURNS integer
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'sched_sql_take_attempt';
COMMENT ON FUNCTION scheduler.take_attempt(text, inet, boolean) IS
	'Counts an attempt at this account from this address: 0, or the seconds to wait; known: the account knows the address.';

CREATE FUNCTION scheduler.return_attempt(subject text, address inet, known boolean) RETURNS void
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'sched_sql_return_attempt';
COMMENT ON FUNCTION scheduler.return_attempt(text, inet, boolean) IS 'An attempt that succeeded is not counted.';

/*
 * The name under which attempts are counted and accounts looked for: as addresses are compared. Compatibility forms of
 * letters (full-width, ligatures) are their plain ones.
 */
CREATE FUNCTION scheduler.account_name(email text) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT lower(normalize(left(coalesce($1, ''), 400), NFKC))
	$body$;
COMMENT ON FUNCTION scheduler.account_name(text) IS 'An email address as accounts are compared by it.';

CREATE FUNCTION scheduler.is_known_address(user_id uuid, address inet) RETURNS boolean
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT EXISTS (SELECT FROM scheduler.known_addresses k WHERE k.user_id = $1
		AND k.address_hash = scheduler.hash_address($1, $2) AND k.last_seen_at > now() - interval '90 days')
	$body$;
COMMENT ON FUNCTION scheduler.is_known_address(uuid, inet) IS
	'Whether this user has signed in from this network within 90 days.';

CREATE FUNCTION scheduler.wait_refusal(seconds integer, action text, reason text, user_id uuid DEFAULT NULL) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	PERFORM scheduler.audit_refusal($2, $4, jsonb_build_object('reason', $3, 'limited', true));
	RETURN scheduler.refusal(429, 'PT429', 'too many attempts', format('Try again in %s seconds.', $1), $1);
END
$body$;
COMMENT ON FUNCTION scheduler.wait_refusal(integer, text, text, uuid) IS 'The answer to one who has to wait.';

CREATE FUNCTION scheduler.login(email text, password text) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	address inet := scheduler.client_address();
	account text := scheduler.account_name($1);
	person record;
	known boolean;
	seconds integer;
	is_right boolean;
BEGIN
	PERFORM scheduler.refuse_old_snapshot();
	SELECT u.user_id, CASE WHEN u.is_active THEN u.password_hash END AS hash INTO person
	FROM scheduler.users u WHERE lower(u.email) = account AND u.user_id <> scheduler.system_user_id();
	/* The same work for somebody who is not there. */
	known := scheduler.is_known_address(coalesce(person.user_id, scheduler.system_user_id()), address);
	seconds := scheduler.take_attempt(account, address, known);
	IF seconds > 0 THEN
		RETURN scheduler.wait_refusal(seconds, 'session.refused', 'login', person.user_id);
	END IF;
	is_right := scheduler.check_password($2, person.hash);
	IF is_right THEN
		/* What was read before the quarter of a second that this took is looked at again. */
		UPDATE scheduler.users u SET last_login_at = now()
		WHERE u.user_id = person.user_id AND u.is_active AND u.password_hash = person.hash;
		is_right := FOUND;
	END IF;
	IF NOT is_right THEN
		PERFORM scheduler.audit_refusal('session.refused', person.user_id, '{"reason": "login"}');
		RETURN scheduler.refusal(401, '28P01', 'email address or password is wrong',
			'scheduler.request_password_reset() helps who has forgotten it.');
	END IF;
	PERFORM scheduler.return_attempt(account, address, known);
	PERFORM scheduler.record_audit('session.login', 'ok', person.user_id, jsonb_build_object('client', address));
	RETURN scheduler.start_session(person.user_id, address);
END
$body$;
/* Owned by scheduler_system: nobody is signed in yet. */
ALTER FUNCTION scheduler.login(text, text) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.login(text, text) IS
	'Signs in: {token, refresh_token, expires_at, user_id}, or a refusal {code, message, hint} with an HTTP status.';

/* ---- accounts of one's own ---- */

CREATE TABLE scheduler.invitations
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	invitation_id uuid NOT NULL DEFAULT scheduler.uuid7(),
	email text NOT NULL,
	token_hash bytea NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz NOT NULL,
	used_at timestamptz,
	CONSTRAINT invitations_pkey PRIMARY KEY (user_id, invitation_id),
	CONSTRAINT invitations_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE
);
CREATE INDEX invitations_token_idx ON scheduler.invitations (token_hash);
COMMENT ON TABLE scheduler.invitations IS 'Who was invited by whom (user_id), with the hash of the token he was given.';
SELECT scheduler.install_user_table('invitations', readable => false);
GRANT SELECT (user_id, invitation_id, email, created_at, expires_at, used_at) ON scheduler.invitations TO scheduler_viewer;

CREATE FUNCTION scheduler.invite_user(email text) RETURNS text
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	address text := scheduler.checked_email($1);
	secret bytea := scheduler.random_secret();
	invitation uuid := scheduler.uuid7();
BEGIN
	PERFORM scheduler.refuse_old_snapshot();
	IF NOT scheduler.caller_has_role('scheduler_admin') THEN
		RAISE EXCEPTION 'only an admin invites users'
			USING ERRCODE = '42501', HINT = 'This needs membership of scheduler_admin.';
	END IF;
	PERFORM FROM scheduler.users u WHERE lower(u.email) = lower(address);
	IF FOUND THEN
		RAISE EXCEPTION 'a user with this email address exists already'
			USING ERRCODE = '23505', DETAIL = format('The address is "%s".', left(address, 100)),
			HINT = 'Addresses are compared without regard to case.';
	END IF;
	/* The last one counts. */
	DELETE FROM scheduler.invitations i WHERE lower(i.email) = lower(address) AND i.used_at IS NULL;
	INSERT INTO scheduler.invitations (user_id, invitation_id, email, token_hash, expires_at)
	VALUES (scheduler.required_user_id(), invitation, address, sha256(secret), now() + interval '7 days');
	PERFORM scheduler.record_audit('user.invited', 'ok', NULL, jsonb_build_object('invitation_id', invitation));
	RETURN scheduler.encode_token('si_', secret);
END
$body$;
/* Owned by scheduler_system: it looks at everybody's addresses and at other admins' invitations. */
ALTER FUNCTION scheduler.invite_user(text) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.invite_user(text) IS
	'A token with which the person of this address signs up once within 7 days (admins only); kept as a hash.';

/* The invitation that this token is for, where it still counts for this address. */
CREATE FUNCTION scheduler.find_invitation(token text, email text) RETURNS uuid
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT i.invitation_id FROM scheduler.invitations i
	WHERE i.token_hash = sha256(scheduler.decode_token('si_', 32, $1)) AND lower(i.email) = lower($2)
		AND i.used_at IS NULL AND i.expires_at > now()
	$body$;
COMMENT ON FUNCTION scheduler.find_invitation(text, text) IS 'The open invitation of this token and address, or NULL.';

/* NULL where this one may sign up. */
CREATE FUNCTION scheduler.signup_refusal(email text, invitation text) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	mode text := current_setting('scheduler.signup');
	seconds integer;
BEGIN
	IF mode = 'closed' THEN
		PERFORM scheduler.audit_refusal('user.signup', NULL, '{"reason": "closed"}');
		RETURN scheduler.refusal(403, '42501', 'nobody can sign up here', 'An administrator makes accounts.');
	END IF;
	/* Not by the account alone: others could keep somebody from signing up. */
	seconds := scheduler.take_attempt(format('signup %s %s', scheduler.account_name($1), scheduler.client_address()),
		scheduler.client_address(), false);
	IF seconds > 0 THEN
		RETURN scheduler.wait_refusal(seconds, 'user.signup', 'limit');
	END IF;
	IF mode = 'invite' AND scheduler.find_invitation($2, $1) IS NULL THEN
		PERFORM scheduler.audit_refusal('user.signup', NULL, '{"reason": "invitation"}');
		RETURN scheduler.refusal(403, '42501', 'signing up needs an invitation for this email address',
			'An invitation serves once, within 7 days, for the address it was made for.');
	END IF;
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION scheduler.signup_refusal(text, text) IS
	'Why this one may not sign up: closed, too many attempts, no invitation; NULL where he may.';

CREATE FUNCTION scheduler.signup(email text, password text, name text, timezone text DEFAULT NULL,
	invitation text DEFAULT NULL) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	address text := scheduler.checked_email($1);
	zone text := scheduler.checked_timezone($4);
	client inet := scheduler.client_address();
	refused jsonb := scheduler.signup_refusal($1, $5);
	hash text;
	invited uuid;
	made uuid;
BEGIN
	PERFORM scheduler.refuse_old_snapshot();
	IF refused IS NOT NULL THEN
		RETURN refused;
	END IF;
	IF length($3) > 200 THEN
		RAISE EXCEPTION 'a name has at most 200 characters' USING ERRCODE = '22023',
			DETAIL = format('This one has %s.', length($3));
	END IF;
	hash := scheduler.hash_password(coalesce($2, ''));
	IF current_setting('scheduler.signup') = 'invite' THEN
		UPDATE scheduler.invitations i SET used_at = now()
		WHERE i.invitation_id = scheduler.find_invitation($5, address) AND i.used_at IS NULL
		RETURNING i.invitation_id INTO invited;
		IF invited IS NULL THEN
			RETURN scheduler.refusal(403, '42501', 'signing up needs an invitation for this email address',
				'An invitation serves once, within 7 days, for the address it was made for.');
		END IF;
	END IF;
	INSERT INTO scheduler.users (email, name, timezone, password_hash)
	VALUES (address, $3, zone, hash) ON CONFLICT DO NOTHING
	RETURNING users.user_id INTO made;
	IF made IS NULL THEN
		PERFORM scheduler.audit_refusal('user.signup', NULL, '{"reason": "taken"}');
		RETURN scheduler.refusal(409, '23505', 'a user with this email address exists already',
			'Sign in, or ask for a new password.');
	END IF;
	PERFORM scheduler.record_audit('user.signup', 'ok', made, jsonb_build_object('client', client, 'invitation_id', invited));
	UPDATE scheduler.users u SET last_login_at = now() WHERE u.user_id = made;
	RETURN scheduler.start_session(made, client);
END
$body$;
/* Owned by scheduler_system: nobody is signed in yet, and it writes a row of somebody new. */
ALTER FUNCTION scheduler.signup(text, text, text, text, text) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.signup(text, text, text, text, text) IS
	'Makes an account where scheduler.signup allows it and signs in: the answer of login(), or a refusal.';

GRANT EXECUTE ON FUNCTION scheduler.login(text, text), scheduler.signup(text, text, text, text, text)
	TO scheduler_anon, scheduler_viewer;
GRANT EXECUTE ON FUNCTION scheduler.invite_user(text) TO scheduler_admin;
