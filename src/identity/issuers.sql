/*
 * identity: tokens of others. An application's own tokens, or Google's, stand for a user here once their subject has
 * been admitted; authenticate() only looks that up. Keys that lie at an address are fetched by a job (jobs/issuer_keys.sql).
 */
CREATE TABLE scheduler.jwt_issuers
(
	issuer text NOT NULL,
	audience text NOT NULL,
	alg text NOT NULL,
	secret_name text,
	jwks jsonb,
	jwks_url text,
	subject_claim text NOT NULL DEFAULT 'sub',
	email_claim text,
	create_users boolean NOT NULL DEFAULT false,
	keys_fetched_at timestamptz,
	keys_wanted_at timestamptz,
	keys_problem text,
	CONSTRAINT jwt_issuers_pkey PRIMARY KEY (issuer),
	CONSTRAINT jwt_issuers_issuer_length CHECK (octet_length(issuer) BETWEEN 1 AND 512 AND issuer <> 'scheduler'),
	CONSTRAINT jwt_issuers_audience_length CHECK (octet_length(audience) BETWEEN 1 AND 512),
	CONSTRAINT jwt_issuers_alg_known CHECK (alg IN ('HS256', 'RS256', 'ES256')),
	CONSTRAINT jwt_issuers_keys CHECK (CASE alg WHEN 'HS256' THEN secret_name IS NOT NULL AND jwks IS NULL AND jwks_url IS NULL
		ELSE secret_name IS NULL AND (jwks IS NOT NULL OR jwks_url IS NOT NULL) END),
	CONSTRAINT jwt_issuers_claims CHECK (octet_length(subject_claim) BETWEEN 1 AND 100
		AND octet_length(email_claim) BETWEEN 1 AND 100)
);
COMMENT ON TABLE scheduler.jwt_issuers IS
	'Whose tokens count besides our own, with public keys or the name of a shared secret; see add_issuer().';
SELECT scheduler.install_shared_table('jwt_issuers', readable => false);
CREATE POLICY readable ON scheduler.jwt_issuers FOR SELECT USING (true);
GRANT SELECT ON scheduler.jwt_issuers TO scheduler_admin;
CREATE TRIGGER forget_kept_rows AFTER INSERT OR DELETE OR TRUNCATE
	OR UPDATE OF issuer, audience, alg, secret_name, jwks, subject_claim, email_claim ON scheduler.jwt_issuers
	FOR EACH STATEMENT EXECUTE FUNCTION scheduler.forget_kept_rows('jwt_issuers');
/* A shared secret is kept with its issuer. */
CREATE TRIGGER forget_issuers AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF hosts, key_id, sealed ON scheduler.sealed_secrets
	FOR EACH STATEMENT EXECUTE FUNCTION scheduler.forget_kept_rows('jwt_issuers');

CREATE TABLE scheduler.external_identities
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	issuer text NOT NULL,
	subject text NOT NULL,
	email text,
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT external_identities_pkey PRIMARY KEY (user_id, issuer, subject),
	/* authenticate() looks a token's subject up here. */
	CONSTRAINT external_identities_subject_key UNIQUE (issuer, subject),
	CONSTRAINT external_identities_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE,
	CONSTRAINT external_identities_length CHECK (octet_length(issuer) BETWEEN 1 AND 512
		AND octet_length(subject) BETWEEN 1 AND 255)
);
COMMENT ON TABLE scheduler.external_identities IS 'Which subject of which issuer of tokens stands for which user.';
SELECT scheduler.install_user_table('external_identities');

CREATE FUNCTION scheduler.jwks_problem(jwks text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_jwks_problem';
COMMENT ON FUNCTION scheduler.jwks_problem(text) IS
	'What is wrong with a published set of keys; NULL where it has a public key for RS256 or ES256.';

CREATE FUNCTION scheduler.add_issuer(issuer text, audience text, alg text, secret_name text DEFAULT NULL,
	jwks jsonb DEFAULT NULL, jwks_url text DEFAULT NULL, subject_claim text DEFAULT 'sub', email_claim text DEFAULT NULL,
	create_users boolean DEFAULT false) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	problem text;
BEGIN
	IF NOT scheduler.caller_has_role('scheduler_admin') THEN
		RAISE EXCEPTION 'only an admin adds issuers of tokens'
			USING ERRCODE = '42501', HINT = 'This needs membership of scheduler_admin.';
	END IF;
	problem := CASE
		WHEN $1 IS NULL OR octet_length($1) NOT BETWEEN 1 AND 512 OR $1 = 'scheduler' THEN 'issuer must be what claim iss says'
		WHEN $2 IS NULL OR octet_length($2) NOT BETWEEN 1 AND 512 THEN 'audience must be what claim aud says'
		WHEN $3 IS NULL OR $3 <> ALL (ARRAY['HS256', 'RS256', 'ES256']) THEN 'alg must be HS256, RS256 or ES256'
		WHEN $3 = 'HS256' AND ($4 IS NULL OR $5 IS NOT NULL OR $6 IS NOT NULL) THEN 'HS256 takes secret_name alone'
		WHEN $3 <> 'HS256' AND ($4 IS NOT NULL OR $5 IS NULL AND $6 IS NULL) THEN 'it takes jwks or jwks_url'
		WHEN $3 = 'HS256' AND NOT EXISTS (SELECT FROM scheduler.sealed_secrets s WHERE s.user_id = scheduler.system_user_id()
			AND s.name = $4 AND s.hosts @> ARRAY['jwt-issuer.invalid']) THEN
			'the secret is not one of the installation''s that is bound to jwt-issuer.invalid'
		WHEN $6 !~ '^https?://[^[:space:]]+$' OR length($6) > 2000 THEN 'jwks_url must be an address'
		WHEN $7 IS NULL OR octet_length($7) NOT BETWEEN 1 AND 100 OR octet_length($8) NOT BETWEEN 1 AND 100 THEN
			'a claim has 1 to 100 bytes'
		ELSE scheduler.jwks_problem($5::text) END;
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION 'this issuer of tokens cannot be added'
			USING ERRCODE = '22023', DETAIL = format('Issuer "%s": %s.', left($1, 100), problem),
			HINT = 'See doc/identity.md for the arguments of add_issuer().';
	END IF;
	INSERT INTO scheduler.jwt_issuers AS i (issuer, audience, alg, secret_name, jwks, jwks_url, subject_claim, email_claim,
		create_users, keys_wanted_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, coalesce($9, false), CASE WHEN $6 IS NOT NULL THEN now() END)
	ON CONFLICT ON CONSTRAINT jwt_issuers_pkey DO UPDATE SET audience = excluded.audience, alg = excluded.alg,
		secret_name = excluded.secret_name,
		jwks = CASE WHEN excluded.jwks_url = i.jwks_url THEN coalesce(excluded.jwks, i.jwks) ELSE excluded.jwks END,
		jwks_url = excluded.jwks_url, subject_claim = excluded.subject_claim, email_claim = excluded.email_claim,
		create_users = excluded.create_users, keys_wanted_at = excluded.keys_wanted_at;
	PERFORM scheduler.record_audit('issuer.added', 'ok', NULL,
		jsonb_build_object('issuer', $1, 'audience', $2, 'alg', $3, 'jwks_url', $6, 'create_users', $9));
END
$body$;
/* Owned by scheduler_system: the table belongs to nobody, so no policy lets scheduler_owner write it. */
ALTER FUNCTION scheduler.add_issuer(text, text, text, text, jsonb, text, text, text, boolean) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.add_issuer(text, text, text, text, jsonb, text, text, text, boolean) IS
	'Lets tokens of this issuer in (admins); a second time: replaces. email_claim: its word on addresses is taken where it says email_verified.';

CREATE FUNCTION scheduler.drop_issuer(issuer text) RETURNS boolean
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF NOT scheduler.caller_has_role('scheduler_admin') THEN
		RAISE EXCEPTION 'only an admin drops issuers of tokens'
			USING ERRCODE = '42501', HINT = 'This needs membership of scheduler_admin.';
	END IF;
	DELETE FROM scheduler.jwt_issuers i WHERE i.issuer = $1;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	PERFORM scheduler.record_audit('issuer.dropped', 'ok', NULL, jsonb_build_object('issuer', $1));
	RETURN true;
END
$body$;
/* Owned by scheduler_system: the table belongs to nobody. */
ALTER FUNCTION scheduler.drop_issuer(text) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.drop_issuer(text) IS
	'Tokens of this issuer count no longer (admins); whether they did. Which subjects stood for whom stays.';
GRANT EXECUTE ON FUNCTION scheduler.drop_issuer(text),
	scheduler.add_issuer(text, text, text, text, jsonb, text, text, text, boolean) TO scheduler_admin;

/* ---- admitting a subject ---- */

/* Verifies all that the token itself says; the claims are NULL where it is refused. Granted to nobody. */
CREATE FUNCTION scheduler.read_token(token text, OUT problem text, OUT unknown_key boolean, OUT issuer text,
	OUT subject text, OUT claims jsonb)
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_read_token';
COMMENT ON FUNCTION scheduler.read_token(text) IS 'What an issuer''s token says once it is verified, or why it is refused.';

/*
 * The user for whom a subject stands, made or found where it is a new one. An address is believed where the row of the issuer
 * names the claim and the token says email_verified. An account with a password may have been made by somebody who does
 * not own the address: it is not handed to its owner together with that somebody; link_token() does it for who is signed in.
 */
CREATE FUNCTION scheduler.admit_subject(issuer text, subject text, claims jsonb, OUT user_id uuid, OUT problem text)
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	source scheduler.jwt_issuers;
	address text;
	known record;
BEGIN
	SELECT e.user_id INTO admit_subject.user_id FROM scheduler.external_identities e WHERE e.issuer = $1 AND e.subject = $2;
	IF FOUND THEN
		RETURN;
	END IF;
	SELECT i.* INTO source FROM scheduler.jwt_issuers i WHERE i.issuer = $1;
	IF $3->'email_verified' IN ('true', '"true"') AND $3->>source.email_claim ~ '^[^@[:space:]]+@[^@[:space:]]+$'
		AND length($3->>source.email_claim) <= 320 THEN
		address := $3->>source.email_claim;
	END IF;
	SELECT u.user_id, u.password_hash IS NOT NULL AS has_password INTO known FROM scheduler.users u WHERE lower(u.email) = lower(address);
	IF known.has_password THEN
		problem := 'an account with this address and a password exists';
		RETURN;
	ELSIF known.user_id IS NULL AND source.create_users IS NOT TRUE THEN
		problem := 'the subject stands for no user here';
		RETURN;
	ELSIF known.user_id IS NULL THEN
		/* Nobody can be reached at an address nobody has vouched for: a name that leads nowhere stands in its place. */
		INSERT INTO scheduler.users AS u (email, name)
		VALUES (coalesce(address, left(encode(sha256(convert_to($1 || ' ' || $2, 'UTF8')), 'hex'), 32) || '@jwt-issuer.invalid'),
			left($3->>'name', 200))
		ON CONFLICT DO NOTHING RETURNING u.user_id INTO known;
		IF NOT FOUND THEN
			problem := 'the same subject is being admitted at this moment';
			RETURN;
		END IF;
		PERFORM scheduler.record_audit('user.signup', 'ok', known.user_id, jsonb_build_object('issuer', $1));
	END IF;
	INSERT INTO scheduler.external_identities (user_id, issuer, subject, email) VALUES (known.user_id, $1, $2, address)
	ON CONFLICT DO NOTHING;
	PERFORM scheduler.record_audit('identity.linked', 'ok', known.user_id, jsonb_build_object('issuer', $1));
	SELECT e.user_id INTO admit_subject.user_id FROM scheduler.external_identities e WHERE e.issuer = $1 AND e.subject = $2;
END
$body$;
COMMENT ON FUNCTION scheduler.admit_subject(text, text, jsonb) IS
	'The user whom a verified token of another issuer stands for, or why there is none.';

/* The user of a token of another issuer and what it was refused for. An unknown key asks for the issuer's keys once more. */
CREATE FUNCTION scheduler.admit_token(token text, OUT user_id uuid, OUT problem text)
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	read record;
	found_id uuid;
BEGIN
	SELECT * INTO read FROM scheduler.read_token(coalesce($1, ''));
	IF read.unknown_key THEN
		UPDATE scheduler.jwt_issuers i SET keys_wanted_at = now()
		WHERE i.issuer = read.issuer AND i.jwks_url IS NOT NULL
			AND (i.keys_wanted_at < now() - interval '5 minutes') IS NOT FALSE;
	END IF;
	problem := read.problem;
	IF problem IS NULL THEN
		SELECT a.user_id, a.problem INTO found_id, admit_token.problem
		FROM scheduler.admit_subject(read.issuer, read.subject, read.claims) AS a;
		IF problem IS NULL AND NOT EXISTS (SELECT FROM scheduler.users u WHERE u.user_id = found_id AND u.is_active) THEN
			problem := 'the account was disabled';
		END IF;
	END IF;
	IF problem IS NULL THEN
		admit_token.user_id := found_id;
	ELSE
		PERFORM scheduler.audit_refusal('session.refused', found_id,
			jsonb_build_object('reason', 'token', 'problem', problem, 'issuer', read.issuer));
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.admit_token(text) IS 'The user of a token of another issuer, admitted where it is a new one; or why not.';

CREATE FUNCTION scheduler.accept_token(token text) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	admitted record;
BEGIN
	SELECT * INTO admitted FROM scheduler.admit_token($1);
	IF admitted.problem IS NOT NULL THEN
		RETURN scheduler.refusal(401, 'PT401', 'the token is refused', admitted.problem);
	END IF;
	RETURN jsonb_build_object('user_id', admitted.user_id);
END
$body$;
/* Owned by scheduler_system: nobody is signed in yet, and it may write a row of somebody new. */
ALTER FUNCTION scheduler.accept_token(text) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.accept_token(text) IS
	'Admits the subject of another issuer''s token, once: from then on its tokens are taken as they are. {user_id}, or a refusal.';

CREATE FUNCTION scheduler.login_google(id_token text) RETURNS jsonb
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	admitted record;
BEGIN
	IF NOT EXISTS (SELECT FROM scheduler.jwt_issuers i WHERE i.issuer = 'https://accounts.google.com') THEN
		RAISE EXCEPTION 'signing in with Google is not set up'
			USING ERRCODE = '55000', HINT = 'An admin calls scheduler.add_issuer(); see doc/identity.md.';
	END IF;
	SELECT * INTO admitted FROM scheduler.admit_token($1);
	IF admitted.problem IS NOT NULL THEN
		RETURN scheduler.refusal(401, 'PT401', 'the token is refused', admitted.problem);
	END IF;
	PERFORM FROM scheduler.users u WHERE u.user_id = admitted.user_id FOR NO KEY UPDATE;
	UPDATE scheduler.users u SET last_login_at = now() WHERE u.user_id = admitted.user_id;
	PERFORM scheduler.record_audit('session.login', 'ok', admitted.user_id,
		jsonb_build_object('way', 'google', 'client', scheduler.client_address()));
	RETURN scheduler.start_session(admitted.user_id, scheduler.client_address());
END
$body$;
/* Owned by scheduler_system: nobody is signed in yet. */
ALTER FUNCTION scheduler.login_google(text) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.login_google(text) IS
	'Signs in with an id token of Google''s: the answer of login(), or a refusal.';
GRANT EXECUTE ON FUNCTION scheduler.accept_token(text), scheduler.login_google(text) TO scheduler_anon, scheduler_viewer;

CREATE FUNCTION scheduler.link_token(token text) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.required_user_id();
	read record;
BEGIN
	SELECT * INTO read FROM scheduler.read_token(coalesce($1, ''));
	IF read.problem IS NOT NULL THEN
		RAISE EXCEPTION 'the token is refused'
			USING ERRCODE = '22023', DETAIL = read.problem || '.', HINT = 'Give a fresh token of the account to link.';
	END IF;
	INSERT INTO scheduler.external_identities (user_id, issuer, subject) VALUES (owner_id, read.issuer, read.subject)
	ON CONFLICT DO NOTHING;
	PERFORM FROM scheduler.external_identities e
	WHERE e.user_id = owner_id AND e.issuer = read.issuer AND e.subject = read.subject;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'this account is linked to another user'
			USING ERRCODE = '23505', DETAIL = format('Issuer "%s".', read.issuer),
			HINT = 'unlink_token() there frees it.';
	END IF;
	PERFORM scheduler.record_audit('identity.linked', 'ok', owner_id, jsonb_build_object('issuer', read.issuer));
END
$body$;
/* Owned by scheduler_system: it tells a subject of somebody else's from one that is free. */
ALTER FUNCTION scheduler.link_token(text) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.link_token(text) IS
	'The subject of this token of another issuer stands for the current user from now on.';

CREATE FUNCTION scheduler.unlink_token(issuer text, subject text) RETURNS boolean
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	DELETE FROM scheduler.external_identities e
	WHERE e.user_id = scheduler.required_user_id() AND e.issuer = $1 AND e.subject = $2;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	PERFORM scheduler.record_audit('identity.unlinked', 'ok', scheduler.current_user_id(), jsonb_build_object('issuer', $1));
	RETURN true;
END
$body$;
COMMENT ON FUNCTION scheduler.unlink_token(text, text) IS
	'Tokens of this subject stand for the current user no longer; whether they did.';
GRANT EXECUTE ON FUNCTION scheduler.link_token(text), scheduler.unlink_token(text, text) TO scheduler_user;

CREATE FUNCTION scheduler.link_identity(issuer text, subject text, user_id uuid) RETURNS void
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF NOT scheduler.caller_has_role('scheduler_admin') THEN
		RAISE EXCEPTION 'only an admin links subjects to users'
			USING ERRCODE = '42501', HINT = 'A user links his own with scheduler.link_token().';
	END IF;
	IF octet_length($1) BETWEEN 1 AND 512 IS NOT TRUE OR octet_length($2) BETWEEN 1 AND 255 IS NOT TRUE
		OR $3 = scheduler.system_user_id() OR NOT EXISTS (SELECT FROM scheduler.users u WHERE u.user_id = $3) THEN
		RAISE EXCEPTION 'this subject cannot be linked'
			USING ERRCODE = '22023', DETAIL = format('Subject "%s" of "%s", user %s.', left($2, 100), left($1, 100), $3),
			HINT = 'Give claims iss and sub as the tokens have them, and a user.';
	END IF;
	INSERT INTO scheduler.external_identities AS e (user_id, issuer, subject) VALUES ($3, $1, $2)
	ON CONFLICT ON CONSTRAINT external_identities_subject_key DO UPDATE SET user_id = excluded.user_id, email = NULL;
	PERFORM scheduler.record_audit('identity.linked', 'ok', $3, jsonb_build_object('issuer', $1));
END
$body$;
/* Owned by scheduler_system: an admin writes a row of somebody else. */
ALTER FUNCTION scheduler.link_identity(text, text, uuid) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.link_identity(text, text, uuid) IS
	'This subject''s tokens stand for this user (admins); a second time: for another one.';
GRANT EXECUTE ON FUNCTION scheduler.link_identity(text, text, uuid) TO scheduler_admin;
