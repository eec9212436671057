/*
 * identity: sessions, what refreshes them and what ends them. README.md beside this file has the way of a refresh token.
 *
 * Whoever changes how somebody signs in (his password, whether he may, his tokens) locks his row of users first and his
 * sessions after it: each of these is complete before the next one begins.
 */

/* One sign-in and all that was refreshed from it. Hashes only: who reads the table can refresh nothing. */
CREATE TABLE scheduler.sign_in_sessions
(
	user_id uuid NOT NULL,
	session_id uuid NOT NULL DEFAULT scheduler.uuid7(),
	family_hash bytea NOT NULL,
	token_hash bytea NOT NULL,
	previous_hash bytea,
	salt bytea,
	generation integer NOT NULL DEFAULT 0,
	address inet,
	agent text,
	created_at timestamptz NOT NULL DEFAULT now(),
	refreshed_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz NOT NULL,
	ended_at timestamptz,
	end_reason text,
	CONSTRAINT sign_in_sessions_pkey PRIMARY KEY (user_id, session_id),
	CONSTRAINT sign_in_sessions_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE,
	CONSTRAINT sign_in_sessions_end_known CHECK ((ended_at IS NULL) = (end_reason IS NULL)
		AND end_reason IN ('logout', 'reused', 'revoked', 'password', 'disabled', 'panic', 'crowded'))
);
CREATE INDEX sign_in_sessions_session_idx ON scheduler.sign_in_sessions (session_id);
COMMENT ON TABLE scheduler.sign_in_sessions IS
	'Where users are signed in, with hashes of what refreshes them; see the view my_sessions.';
/* Not dumped: a restored dump must not bring back what was ended after it. */
SELECT scheduler.install_user_table('sign_in_sessions', 'WHERE false', readable => false);
GRANT SELECT (user_id, session_id, generation, address, agent, created_at, refreshed_at, expires_at, ended_at, end_reason)
	ON scheduler.sign_in_sessions TO scheduler_viewer;

/* Networks from which somebody has signed in, as HMACs under the master key. */
CREATE TABLE scheduler.known_addresses
(
	user_id uuid NOT NULL,
	address_hash bytea NOT NULL,
	first_seen_at timestamptz NOT NULL DEFAULT now(),
	last_seen_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT known_addresses_pkey PRIMARY KEY (user_id, address_hash),
	CONSTRAINT known_addresses_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE
);
COMMENT ON TABLE scheduler.known_addresses IS
	'Keyed hashes of networks from which somebody has signed in: attacks from elsewhere do not slow him down there.';
SELECT scheduler.install_user_table('known_addresses', readable => false);

/* ---- what a request says of itself ---- */

CREATE FUNCTION scheduler.request_header(name text) RETURNS text
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT nullif(current_setting('request.headers', true), '')::json->>$1
	$body$;
COMMENT ON FUNCTION scheduler.request_header(text) IS
	'A header of the HTTP request that this runs for, as the client or the server in between says; NULL where there is none.';

CREATE FUNCTION scheduler.client_address(forwarded text DEFAULT scheduler.request_header('x-forwarded-for')) RETURNS inet
	LANGUAGE c STABLE PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'sched_sql_client_address';
COMMENT ON FUNCTION scheduler.client_address(text) IS
	'Where the caller is: the peer of the connection, or whom a trusted proxy (scheduler.trusted_proxies) names; else NULL.';

/* Whoever sets this setting himself can only say which of his own sessions he means. */
CREATE FUNCTION scheduler.current_session_id() RETURNS uuid
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT CASE WHEN c.jti ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN c.jti::uuid END
	FROM (SELECT nullif(current_setting('request.jwt.claims', true), '')::json->>'jti' AS jti) AS c
	$body$;
COMMENT ON FUNCTION scheduler.current_session_id() IS 'The session that the present token was made for; NULL without one.';
GRANT EXECUTE ON FUNCTION scheduler.request_header(text), scheduler.current_session_id() TO scheduler_viewer;

CREATE VIEW scheduler.my_sessions WITH (security_invoker = true) AS
	SELECT s.session_id, s.address, s.agent, s.created_at, s.refreshed_at, s.expires_at, s.ended_at, s.end_reason,
		s.session_id = (SELECT scheduler.current_session_id()) IS TRUE AS this_one
	FROM scheduler.sign_in_sessions s
	WHERE s.user_id = (SELECT scheduler.current_user_id());
COMMENT ON VIEW scheduler.my_sessions IS 'Where the current user is or was signed in; end_session() ends one.';
GRANT SELECT ON scheduler.my_sessions TO scheduler_viewer;

/* ---- answers ---- */

/*
 * An attempt that is refused is returned, never raised: a raise would roll its own record back. The shape is that of
 * PostgREST's errors.
 */
CREATE FUNCTION scheduler.refusal(status integer, code text, message text, hint text DEFAULT NULL,
	retry_after integer DEFAULT NULL) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	PERFORM set_config('response.status', $1::text, true);
	IF $5 IS NOT NULL THEN
		PERFORM set_config('response.headers', format('[{"Retry-After": "%s"}]', $5), true);
	END IF;
	RETURN jsonb_build_object('code', $2, 'message', $3, 'details', NULL, 'hint', $4)
		|| CASE WHEN $5 IS NULL THEN '{}' ELSE jsonb_build_object('retry_after', $5) END;
END
$body$;
COMMENT ON FUNCTION scheduler.refusal(integer, text, text, text, integer) IS
	'The answer to an attempt that is refused, and its HTTP status.';

/* So many of a sort from one address within a minute are recorded: a flood does not fill the log. */
CREATE FUNCTION scheduler.audit_refusal(action text, user_id uuid, details jsonb DEFAULT '{}') RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	address inet := scheduler.client_address();
BEGIN
	IF scheduler.take_bucket('signin', hashtextextended(format('%s %s %s', $1, $3->>'reason', address), 4711),
		0.2, 30) > 0 THEN
		RETURN;
	END IF;
	PERFORM scheduler.record_audit($1, 'refused', $2, $3 || jsonb_build_object('client', address));
END
$body$;
COMMENT ON FUNCTION scheduler.audit_refusal(text, uuid, jsonb) IS
	'record_audit() of something refused, 30 of a sort from one address at once and one every five seconds then.';

/* ---- tokens ---- */

CREATE FUNCTION scheduler.encode_token(prefix text, content bytea) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT $1 || translate(encode($2, 'base64'), E'+/=\n', '-_')
	$body$;
COMMENT ON FUNCTION scheduler.encode_token(text, bytea) IS 'Bytes as they may stand in a URL, behind a word that says what they are.';

/* NULL for what is no token of this sort and length. */
CREATE FUNCTION scheduler.decode_token(prefix text, length integer, token text) RETURNS bytea
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT CASE WHEN length($3) = length($1) + ceil($2 * 4 / 3.0)::integer AND starts_with($3, $1)
		AND right($3, -length($1)) ~ '^[A-Za-z0-9_-]+$'
		THEN decode(translate(right($3, -length($1)), '-_', '+/') || repeat('=', (3 - $2 % 3) % 3), 'base64') END
	$body$;
COMMENT ON FUNCTION scheduler.decode_token(text, integer, text) IS 'The bytes of a token; NULL where it is none of this sort.';

/* 32 bytes that nobody can guess: gen_random_uuid() takes them from the system's random source. */
CREATE FUNCTION scheduler.random_secret() RETURNS bytea
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
	$body$;
COMMENT ON FUNCTION scheduler.random_secret() IS '32 random bytes.';

/*
 * A refresh token: session, family (the same in all of them: who has it had one once), secret (another one each time).
 */
CREATE FUNCTION scheduler.session_answer(user_id uuid, session_id uuid, family bytea, secret bytea,
	expires_at timestamptz) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	lifetime interval := current_setting('scheduler.token_lifetime')::interval;
BEGIN
	RETURN jsonb_build_object('token', scheduler.sign_token($1, lifetime, $2), 'token_type', 'bearer',
		'expires_at', date_trunc('second', clock_timestamp()) + lifetime,
		'refresh_token', scheduler.encode_token('sr_', uuid_send($2) || $3 || $4),
		'refresh_expires_at', $5, 'user_id', $1);
END
$body$;
COMMENT ON FUNCTION scheduler.session_answer(uuid, uuid, bytea, bytea, timestamptz) IS
	'What signing in and refreshing give: a token and what refreshes it.';

/* Those of one user that go on: the row of users is locked. */
CREATE FUNCTION scheduler.end_sessions(user_id uuid, reason text, except_id uuid DEFAULT NULL) RETURNS integer
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	ended integer;
BEGIN
	UPDATE scheduler.sign_in_sessions s SET ended_at = now(), end_reason = $2
	WHERE s.user_id = $1 AND s.ended_at IS NULL AND s.session_id IS DISTINCT FROM $3;
	GET DIAGNOSTICS ended = ROW_COUNT;
	/* Tokens are not kept anywhere: those made until now are refused by their age. */
	UPDATE scheduler.users u SET tokens_valid_from = clock_timestamp() WHERE u.user_id = $1;
	RETURN ended;
END
$body$;
COMMENT ON FUNCTION scheduler.end_sessions(uuid, text, uuid) IS
	'Ends a user''s sessions and makes every token of his invalid that there is; how many sessions.';

CREATE FUNCTION scheduler.hash_address(user_id uuid, address inet) RETURNS bytea
	LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
	AS 'MODULE_PATHNAME', 'sched_sql_hash_address';
COMMENT ON FUNCTION scheduler.hash_address(uuid, inet) IS
	'HMAC of an address''s network for this user under the master key; NULL without the key file.';

/* The twenty last networks of a user. */
CREATE FUNCTION scheduler.remember_address(user_id uuid, address inet) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	hash bytea := scheduler.hash_address($1, $2);
BEGIN
	IF hash IS NULL THEN
		RETURN;
	END IF;
	INSERT INTO scheduler.known_addresses AS k (user_id, address_hash) VALUES ($1, hash)
	ON CONFLICT ON CONSTRAINT known_addresses_pkey DO UPDATE SET last_seen_at = now();
	DELETE FROM scheduler.known_addresses k WHERE k.user_id = $1 AND k.address_hash IN (
		SELECT o.address_hash FROM scheduler.known_addresses o WHERE o.user_id = $1
		ORDER BY o.last_seen_at DESC, o.address_hash OFFSET 20);
END
$body$;
COMMENT ON FUNCTION scheduler.remember_address(uuid, inet) IS 'Notes that this user has signed in from there.';

/* From whom the caller holds the row of users locked. */
CREATE FUNCTION scheduler.start_session(user_id uuid, address inet) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	session uuid := scheduler.uuid7();
	family bytea := substr(scheduler.random_secret(), 1, 16);
	secret bytea := scheduler.random_secret();
	until timestamptz := now() + interval '30 days';
BEGIN
	INSERT INTO scheduler.sign_in_sessions (user_id, session_id, family_hash, token_hash, address, agent, expires_at)
	VALUES ($1, session, sha256(family), sha256(secret), $2, left(scheduler.request_header('user-agent'), 200), until);
	/* Nobody has a hundred devices: the oldest go. */
	UPDATE scheduler.sign_in_sessions s SET ended_at = now(), end_reason = 'crowded'
	WHERE s.user_id = $1 AND s.session_id IN (SELECT o.session_id FROM scheduler.sign_in_sessions o
		WHERE o.user_id = $1 AND o.ended_at IS NULL ORDER BY o.refreshed_at DESC, o.session_id DESC OFFSET 100);
	PERFORM scheduler.remember_address($1, $2);
	RETURN scheduler.session_answer($1, session, family, secret, until);
END
$body$;
COMMENT ON FUNCTION scheduler.start_session(uuid, inet) IS 'A new session of this user: its tokens.';

/*
 * The secret of the next token follows from the present one and a salt that is made at that moment: whoever asks again
 * with the same token within a few seconds, because the answer was lost or two windows asked at once, gets the same
 * successor; who has only the table cannot make it, nor who has only the old token.
 */
CREATE FUNCTION scheduler.refresh(refresh_token text) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	content bytea := scheduler.decode_token('sr_', 64, $1);
	family bytea := substr(content, 17, 16);
	secret bytea := substr(content, 33, 32);
	session scheduler.sign_in_sessions;
	active boolean;
	renewed timestamptz := clock_timestamp();
	fresh_salt bytea := scheduler.random_secret();
BEGIN
	PERFORM scheduler.refuse_old_snapshot();
	PERFORM scheduler.client_address();
	SELECT s.* INTO session FROM scheduler.sign_in_sessions s
	WHERE s.session_id = encode(substr(content, 1, 16), 'hex')::uuid AND s.family_hash = sha256(family);
	IF FOUND THEN
		SELECT u.is_active INTO active FROM scheduler.users u WHERE u.user_id = session.user_id FOR NO KEY UPDATE;
		SELECT s.* INTO session FROM scheduler.sign_in_sessions s
		WHERE s.user_id = session.user_id AND s.session_id = session.session_id FOR NO KEY UPDATE;
	END IF;
	IF session.session_id IS NULL OR session.ended_at IS NOT NULL OR session.expires_at <= now() OR active IS NOT TRUE THEN
		PERFORM scheduler.audit_refusal('session.refused', session.user_id,
			jsonb_build_object('reason', 'refresh', 'session_id', session.session_id));
		RETURN scheduler.refusal(401, 'PT401', 'this session is over', 'Sign in again.');
	END IF;
	IF session.token_hash = sha256(secret) THEN
		session.salt := fresh_salt;
		session.expires_at := now() + interval '30 days';
		UPDATE scheduler.sign_in_sessions s SET token_hash = sha256(sha256(fresh_salt || family || secret)),
			previous_hash = session.token_hash, salt = fresh_salt, generation = s.generation + 1,
			refreshed_at = renewed, expires_at = session.expires_at
		WHERE s.user_id = session.user_id AND s.session_id = session.session_id;
	ELSIF session.previous_hash IS DISTINCT FROM sha256(secret) OR session.refreshed_at < renewed - interval '10 seconds' THEN
		/* Two have had this token: one of them stole it. Nobody knows which, so both sign in again; its tokens end with it. */
		UPDATE scheduler.sign_in_sessions s SET ended_at = now(), end_reason = 'reused'
		WHERE s.user_id = session.user_id AND s.session_id = session.session_id;
		PERFORM scheduler.record_audit('session.reused', 'refused', session.user_id, jsonb_build_object(
			'session_id', session.session_id, 'generation', session.generation, 'client', scheduler.client_address()));
		RETURN scheduler.refusal(401, 'PT401', 'this session is over', 'Sign in again.');
	END IF;
	RETURN scheduler.session_answer(session.user_id, session.session_id, family,
		sha256(session.salt || family || secret), session.expires_at);
END
$body$;
/* Owned by scheduler_system: whose session it is says the token alone. */
ALTER FUNCTION scheduler.refresh(text) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.refresh(text) IS
	'A new token and a new refresh token for this one; an old one that comes again ends the session.';

/* ---- ending ---- */

CREATE FUNCTION scheduler.end_session(session_id uuid) RETURNS boolean
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	PERFORM scheduler.refuse_old_snapshot();
	UPDATE scheduler.sign_in_sessions s SET ended_at = now(), end_reason = 'logout'
	WHERE s.user_id = scheduler.required_user_id() AND s.session_id = $1 AND s.ended_at IS NULL;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	PERFORM scheduler.record_audit('session.ended', 'ok', scheduler.current_user_id(),
		jsonb_build_object('session_id', $1));
	RETURN true;
END
$body$;
COMMENT ON FUNCTION scheduler.end_session(uuid) IS 'Ends one of the caller''s sessions (my_sessions); whether it went on.';

CREATE FUNCTION scheduler.logout() RETURNS boolean
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT scheduler.end_session(scheduler.current_session_id())
	$body$;
COMMENT ON FUNCTION scheduler.logout() IS
	'Ends the session of the present token, and with it that token; false without a session.';

CREATE FUNCTION scheduler.revoke_all(user_id uuid DEFAULT NULL) RETURNS integer
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	target uuid := scheduler.writable_user_id($1);
	ended integer;
BEGIN
	PERFORM scheduler.refuse_old_snapshot();
	PERFORM FROM scheduler.users u WHERE u.user_id = target FOR NO KEY UPDATE;
	ended := scheduler.end_sessions(target, 'revoked');
	PERFORM scheduler.record_audit('session.revoked_all', 'ok', target, jsonb_build_object('sessions', ended));
	RETURN ended;
END
$body$;
/* Owned by scheduler_system: an admin ends other people's sessions. */
ALTER FUNCTION scheduler.revoke_all(uuid) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.revoke_all(uuid) IS
	'Ends all sessions of a user and refuses every token made until now; how many sessions.';

GRANT EXECUTE ON FUNCTION scheduler.refresh(text) TO scheduler_anon, scheduler_viewer;
GRANT EXECUTE ON FUNCTION scheduler.end_session(uuid), scheduler.logout(), scheduler.revoke_all(uuid) TO scheduler_viewer;
