/*
 * http: grants of other providers (OAuth2, code flow with PKCE): the installation's clients, what was asked for, and the
 * page that a provider sends the browser back to. The jobs that fetch tokens are in src/jobs/oauth.sql.
 */
ALTER TABLE scheduler.providers ALTER COLUMN poll_kind DROP NOT NULL;
INSERT INTO scheduler.providers (provider, description, poll_kind, builtin) VALUES
	('google', 'Gmail and Google Calendar', NULL, true),
	('microsoft', 'Outlook and Microsoft 365', NULL, true);

/* Written by admins alone. The client's secret is one of the system user's, placed at token_url and revoke_url only. */
CREATE TABLE scheduler.oauth_clients
(
	provider text NOT NULL,
	client_id text NOT NULL,
	secret_name text NOT NULL,
	redirect_uri text NOT NULL,
	authorize_url text NOT NULL,
	token_url text NOT NULL,
	revoke_url text,
	api_hosts text[] NOT NULL,
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT oauth_clients_pkey PRIMARY KEY (provider),
	CONSTRAINT oauth_clients_provider_fkey FOREIGN KEY (provider) REFERENCES scheduler.providers
);
COMMENT ON TABLE scheduler.oauth_clients IS 'How this installation is registered at Google and Microsoft; see set_oauth_client().';
SELECT scheduler.install_shared_table('oauth_clients', '', readable => false);
CREATE POLICY clients_written ON scheduler.oauth_clients TO scheduler_owner USING (true);
CREATE POLICY clients_read ON scheduler.oauth_clients FOR SELECT TO scheduler_admin USING (true);
GRANT SELECT ON scheduler.oauth_clients TO scheduler_admin;

/*
 * From oauth_start() on. Of the state there is a hash only; verifier, code and tokens are secrets of the user, named
 * oauth.<grant_id>.* and bound to the hosts that stand here. token_number counts the tokens of this grant.
 */
CREATE TABLE scheduler.oauth_grants
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	grant_id uuid NOT NULL DEFAULT scheduler.uuid7(),
	provider text NOT NULL,
	purposes text[] NOT NULL,
	state_hash bytea NOT NULL,
	token_hosts text[] NOT NULL,
	api_hosts text[] NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz NOT NULL DEFAULT now() + interval '10 minutes',
	used_at timestamptz,
	granted text[],
	token_number bigint NOT NULL DEFAULT 0,
	token_expires_at timestamptz,
	refresh_at timestamptz,
	CONSTRAINT oauth_grants_pkey PRIMARY KEY (user_id, grant_id),
	CONSTRAINT oauth_grants_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE,
	CONSTRAINT oauth_grants_provider_fkey FOREIGN KEY (provider) REFERENCES scheduler.providers,
	CONSTRAINT oauth_grants_state_key UNIQUE (user_id, state_hash)
);
CREATE INDEX oauth_grants_provider_idx ON scheduler.oauth_grants (provider);
COMMENT ON TABLE scheduler.oauth_grants IS
	'What users asked a provider to grant, and when its tokens run out; the tokens are sealed secrets.';
SELECT scheduler.install_user_table('oauth_grants', readable => false);
GRANT SELECT (user_id, grant_id, provider, purposes, created_at, expires_at, used_at, granted, token_expires_at)
	ON scheduler.oauth_grants TO scheduler_viewer;

/* ---- small things ---- */

CREATE FUNCTION scheduler.encode_url_part(value text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT coalesce(string_agg(CASE WHEN c.byte BETWEEN 48 AND 57 OR c.byte BETWEEN 65 AND 90 OR c.byte BETWEEN 97 AND 122
			OR c.byte IN (45, 46, 95, 126) THEN chr(c.byte) ELSE '%' || upper(lpad(to_hex(c.byte), 2, '0')) END,
		'' ORDER BY c.n), '')
	FROM (SELECT g.n, get_byte(convert_to($1, 'UTF8'), g.n) AS byte
		FROM generate_series(0, octet_length(convert_to($1, 'UTF8')) - 1) AS g (n)) AS c
	$body$;
COMMENT ON FUNCTION scheduler.encode_url_part(text) IS 'Percent-encodes a value for a url or a form.';

/* What is no percent-encoded UTF-8 without NUL is NULL. */
CREATE FUNCTION scheduler.decode_url_part(value text) RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN convert_from(decode(regexp_replace(string_agg(CASE WHEN left(p.piece, 1) = '%' AND length(p.piece) > 1
			THEN substr(p.piece, 2) ELSE encode(convert_to(p.piece, 'UTF8'), 'hex') END, '' ORDER BY p.n), '\s', '', 'g'), 'hex'), 'UTF8')
	FROM (SELECT m.found[1] AS piece, m.n
		FROM regexp_matches(replace($1, '+', ' '), '%[0-9A-Fa-f]{2}|[^%]+|%', 'g') WITH ORDINALITY AS m (found, n)) AS p;
EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character OR invalid_parameter_value THEN
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION scheduler.decode_url_part(text) IS 'The value of a percent-encoded one; NULL where it is none.';

CREATE FUNCTION scheduler.escape_html(value text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	RETURN replace(replace(replace(replace(replace(coalesce($1, ''),
		'&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;');
COMMENT ON FUNCTION scheduler.escape_html(text) IS 'Text as it stands in a page or an attribute.';

/* "host" or "host:port" of an https url (http for tests), as secrets are bound; NULL for anything else. */
CREATE FUNCTION scheduler.host_of_url(url text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	RETURN regexp_replace(lower(substring($1 FROM '^https?://([A-Za-z0-9_.-]+(?::[0-9]{1,5})?)(?:/[^\s#]*)?$')), ':443$', '');
COMMENT ON FUNCTION scheduler.host_of_url(text) IS 'The host of a url as a secret is bound to it.';

/* What a provider calls each purpose; NULL for one that it does not have. */
CREATE FUNCTION scheduler.oauth_scope(provider text, purpose text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	RETURN CASE $1 || ' ' || $2
		WHEN 'google mail.read' THEN 'https://www.googleapis.com/auth/gmail.readonly'
		WHEN 'google mail.modify' THEN 'https://www.googleapis.com/auth/gmail.modify'
		WHEN 'google mail.send' THEN 'https://www.googleapis.com/auth/gmail.send'
		WHEN 'google calendar.read' THEN 'https://www.googleapis.com/auth/calendar.readonly'
		WHEN 'google calendar.write' THEN 'https://www.googleapis.com/auth/calendar'
		WHEN 'microsoft mail.read' THEN 'Mail.Read'
		WHEN 'microsoft mail.modify' THEN 'Mail.ReadWrite'
		WHEN 'microsoft mail.send' THEN 'Mail.Send'
		WHEN 'microsoft calendar.read' THEN 'Calendars.Read'
		WHEN 'microsoft calendar.write' THEN 'Calendars.ReadWrite' END;
COMMENT ON FUNCTION scheduler.oauth_scope(text, text) IS 'The scope of a provider for a purpose.';

/* Openid and email tell the address; offline_access is what makes Microsoft send a refresh token. */
CREATE FUNCTION scheduler.oauth_scopes(provider text, purposes text[]) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	RETURN (SELECT concat_ws(' ', 'openid email', CASE WHEN oauth_scopes.provider = 'microsoft' THEN 'profile offline_access' END,
			string_agg(scheduler.oauth_scope(oauth_scopes.provider, p.purpose), ' ' ORDER BY p.n))
		FROM unnest(oauth_scopes.purposes) WITH ORDINALITY AS p (purpose, n));
COMMENT ON FUNCTION scheduler.oauth_scopes(text, text[]) IS 'All scopes to ask for.';

/* ---- the installation's clients ---- */

/*
 * Owned by scheduler_system: where the system user's secret may be placed is written for everybody's jobs. The role of the
 * caller is asked for by writable_user_id().
 */
CREATE FUNCTION scheduler.set_oauth_client(provider text, client_id text, secret_name text, redirect_uri text,
	authorize_url text DEFAULT NULL, token_url text DEFAULT NULL, revoke_url text DEFAULT NULL,
	api_hosts text[] DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.writable_user_id(scheduler.system_user_id());
	authorize text := coalesce($5, CASE $1 WHEN 'google' THEN 'https://accounts.google.com/o/oauth2/v2/auth'
		WHEN 'microsoft' THEN 'https://login.microsoftonline.com/common/oauth2/v2.0/authorize' END);
	tokens text := coalesce($6, CASE $1 WHEN 'google' THEN 'https://oauth2.googleapis.com/token'
		WHEN 'microsoft' THEN 'https://login.microsoftonline.com/common/oauth2/v2.0/token' END);
	revoke text := coalesce($7, CASE WHEN $1 = 'google' AND $6 IS NULL THEN 'https://oauth2.googleapis.com/revoke' END);
	hosts text[] := coalesce($8, CASE $1
		WHEN 'google' THEN ARRAY['gmail.googleapis.com', 'www.googleapis.com']
		WHEN 'microsoft' THEN ARRAY['graph.microsoft.com'] END);
	problem text;
BEGIN
	problem := CASE
		WHEN $1 IS NULL OR $1 NOT IN ('google', 'microsoft') THEN format('provider "%s"', left($1, 100))
		WHEN $2 IS NULL OR length($2) > 500 OR $2 !~ '^[!-~]+$' THEN 'client_id'
		WHEN $3 IS NULL OR NOT EXISTS (SELECT FROM scheduler.sealed_secrets s WHERE s.user_id = owner_id AND s.name = $3)
			THEN format('the system user has no secret "%s"', left($3, 100))
		WHEN $4 IS NULL OR scheduler.host_of_url($4) IS NULL OR $4 ~ '[?]' THEN 'redirect_uri'
		WHEN scheduler.host_of_url(authorize) IS NULL THEN 'authorize_url'
		WHEN scheduler.host_of_url(tokens) IS NULL OR tokens ~ '[?]' THEN 'token_url'
		WHEN revoke IS NOT NULL AND (scheduler.host_of_url(revoke) IS NULL OR revoke ~ '[?]') THEN 'revoke_url' END;
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION 'this is no OAuth client' USING ERRCODE = '22023', DETAIL = format('The trouble is: %s.', problem),
			HINT = 'Providers are google and microsoft; secret_name is a secret set with user_id => scheduler.system_user_id(); redirect_uri is the exact https url registered there.';
	END IF;
	hosts := scheduler.check_secret($3, hosts);
	INSERT INTO scheduler.oauth_clients AS c
		(provider, client_id, secret_name, redirect_uri, authorize_url, token_url, revoke_url, api_hosts)
	VALUES ($1, $2, $3, $4, authorize, tokens, revoke, hosts)
	ON CONFLICT ON CONSTRAINT oauth_clients_pkey DO UPDATE
	SET client_id = excluded.client_id, secret_name = excluded.secret_name, redirect_uri = excluded.redirect_uri,
		authorize_url = excluded.authorize_url, token_url = excluded.token_url, revoke_url = excluded.revoke_url,
		api_hosts = excluded.api_hosts, updated_at = now();
	INSERT INTO scheduler.secret_endpoints (user_id, name, endpoint)
	SELECT owner_id, $3, lower(scheduler.host_of_url(u.url) || CASE WHEN scheduler.host_of_url(u.url) ~ ':' THEN '' ELSE ':443' END
		|| coalesce(nullif(substring(u.url FROM '^https?://[^/]+(/.*)$'), ''), '/'))
	FROM unnest(ARRAY[tokens, revoke]) AS u (url) WHERE u.url IS NOT NULL
	ON CONFLICT DO NOTHING;
	PERFORM scheduler.record_audit('oauth.client_set', user_id => owner_id,
		details => jsonb_build_object('provider', $1, 'client_id', $2, 'redirect_uri', $4, 'token_url', tokens));
END
$body$;
ALTER FUNCTION scheduler.set_oauth_client(text, text, text, text, text, text, text, text[]) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.set_oauth_client(text, text, text, text, text, text, text, text[]) IS
	'Says how this installation is registered at google or microsoft; the urls are theirs unless given (for tests).';
GRANT EXECUTE ON FUNCTION scheduler.set_oauth_client(text, text, text, text, text, text, text, text[]) TO scheduler_admin;

/* ---- the way out ---- */

/* Seals a secret of a grant under its name. */
CREATE FUNCTION scheduler.keep_grant_secret(user_id uuid, grant_id uuid, word text, value text, hosts text[]) RETURNS void
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	name text := format('oauth.%s.%s', $2, $3);
	made record;
BEGIN
	SELECT * INTO made FROM scheduler.seal_secret($1, name, array_to_string($5, ' '), $4);
	PERFORM scheduler.store_secret($1, name, $5, made.key_id, made.sealed);
END
$body$;
COMMENT ON FUNCTION scheduler.keep_grant_secret(uuid, uuid, text, text, text[]) IS
	'Keeps a value as the secret oauth.<grant>.<word>.';

/* What the HTTP layer calls for a token in an answer: an access token goes to the API, a refresh token back. */
CREATE FUNCTION scheduler.seal_grant_token(user_id uuid, grant_id uuid, word text, value text, OUT key_id text, OUT sealed bytea)
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT s.key_id, s.sealed
	FROM scheduler.oauth_grants g, scheduler.seal_secret(g.user_id, format('oauth.%s.%s', g.grant_id, $3),
		array_to_string(CASE $3 WHEN 'access' THEN g.api_hosts ELSE g.token_hosts END, ' '), $4) AS s
	WHERE g.user_id = $1 AND g.grant_id = $2
	$body$;
COMMENT ON FUNCTION scheduler.seal_grant_token(uuid, uuid, text, text) IS 'Seals a token for its grant and the hosts that may get it.';

CREATE FUNCTION scheduler.drop_grant(user_id uuid, grant_id uuid) RETURNS void
	LANGUAGE sql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	DELETE FROM scheduler.sealed_secrets s
	WHERE s.user_id = $1 AND s.name IN (SELECT format('oauth.%s.%s', $2, w.word)
		FROM unnest(ARRAY['verifier', 'code', 'access', 'refresh']) AS w (word));
	DELETE FROM scheduler.oauth_grants g WHERE g.user_id = $1 AND g.grant_id = $2
	$body$;
COMMENT ON FUNCTION scheduler.drop_grant(uuid, uuid) IS 'Forgets a grant and its secrets.';

CREATE FUNCTION scheduler.oauth_client(provider text) RETURNS scheduler.oauth_clients
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	client scheduler.oauth_clients;
BEGIN
	SELECT c.* INTO client FROM scheduler.oauth_clients c WHERE c.provider = $1;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no OAuth client for this provider' USING ERRCODE = '22023',
			DETAIL = format('The provider is "%s".', left($1, 100)),
			HINT = 'An administrator registers one with scheduler.set_oauth_client(); providers are google and microsoft.';
	END IF;
	RETURN client;
END
$body$;
COMMENT ON FUNCTION scheduler.oauth_client(text) IS 'The installation''s client at a provider; 22023 where there is none.';

CREATE FUNCTION scheduler.oauth_start(provider text, purposes text[] DEFAULT '{mail.read,calendar.read}') RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.required_user_id();
	client scheduler.oauth_clients := scheduler.oauth_client($1);
	/* 244 random bits each, in letters that PKCE allows. */
	state text := replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
	verifier text := replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
	unknown text;
	made uuid;
BEGIN
	SELECT p.purpose INTO unknown FROM unnest($2) AS p (purpose) WHERE scheduler.oauth_scope($1, p.purpose) IS NULL LIMIT 1;
	IF FOUND OR coalesce(cardinality($2), 0) = 0 THEN
		RAISE EXCEPTION 'unknown purpose' USING ERRCODE = '22023', DETAIL = format('The value is "%s".', left(unknown, 100)),
			HINT = 'Known: mail.read, mail.modify, mail.send, calendar.read, calendar.write.';
	END IF;
	/* What was begun and never finished goes; nobody needs many at once. */
	PERFORM scheduler.drop_grant(old.user_id, old.grant_id)
	FROM (SELECT g.user_id, g.grant_id, g.expires_at, row_number() OVER (ORDER BY g.created_at DESC) AS n
		FROM scheduler.oauth_grants g WHERE g.user_id = owner_id AND g.used_at IS NULL) AS old
	WHERE old.expires_at < now() OR old.n >= 10;
	INSERT INTO scheduler.oauth_grants AS g (user_id, provider, purposes, state_hash, token_hosts, api_hosts)
	VALUES (owner_id, $1, ARRAY(SELECT DISTINCT p.purpose FROM unnest($2) AS p (purpose) ORDER BY 1),
		sha256(convert_to(state, 'UTF8')),
		ARRAY(SELECT DISTINCT scheduler.host_of_url(u.url) FROM unnest(ARRAY[client.token_url, client.revoke_url]) AS u (url)
			WHERE u.url IS NOT NULL ORDER BY 1), client.api_hosts)
	RETURNING g.grant_id INTO made;
	PERFORM scheduler.keep_grant_secret(owner_id, made, 'verifier', verifier, g.token_hosts)
	FROM scheduler.oauth_grants g WHERE g.user_id = owner_id AND g.grant_id = made;
	RETURN client.authorize_url || CASE WHEN client.authorize_url ~ '[?]' THEN '&' ELSE '?' END
		|| (SELECT string_agg(p.name || '=' || scheduler.encode_url_part(p.value), '&')
			FROM (VALUES ('response_type', 'code'), ('client_id', client.client_id), ('redirect_uri', client.redirect_uri),
				('scope', scheduler.oauth_scopes($1, $2)), ('state', state),
				('code_challenge', rtrim(translate(encode(sha256(convert_to(verifier, 'UTF8')), 'base64'), '+/', '-_'), '=')),
				('code_challenge_method', 'S256'),
				('access_type', CASE $1 WHEN 'google' THEN 'offline' END), ('prompt', CASE $1 WHEN 'google' THEN 'consent' ELSE 'select_account' END),
				('response_mode', CASE $1 WHEN 'microsoft' THEN 'query' END)) AS p (name, value)
			WHERE p.value IS NOT NULL);
END
$body$;
COMMENT ON FUNCTION scheduler.oauth_start(text, text[]) IS
	'The url at which the current user grants google or microsoft access for these purposes; good for ten minutes and one use.';

/* ---- the way back ---- */

CREATE DOMAIN scheduler."text/html" AS text;
COMMENT ON DOMAIN scheduler."text/html" IS 'A page, for PostgREST.';

/*
 * Whatever the browser brings is hostile: nothing is written, everything is escaped, the only place that the form leads
 * to is oauth_finish beside this function. Whose sign-in it is, and whether it still is one, oauth_finish() finds out.
 * The arguments are all that Google and Microsoft are known to send: PostgREST answers 404 where one is not among them.
 * The usual directive about conflicts is left out: one of the arguments is named like its value.
 */
CREATE FUNCTION scheduler.oauth_callback(state text DEFAULT NULL, code text DEFAULT NULL, error text DEFAULT NULL,
	error_description text DEFAULT NULL, error_uri text DEFAULT NULL, error_subtype text DEFAULT NULL,
	error_codes text DEFAULT NULL, suberror text DEFAULT NULL, "timestamp" text DEFAULT NULL, trace_id text DEFAULT NULL,
	correlation_id text DEFAULT NULL, scope text DEFAULT NULL,
	authuser text DEFAULT NULL, prompt text DEFAULT NULL, hd text DEFAULT NULL, iss text DEFAULT NULL,
	session_state text DEFAULT NULL, client_info text DEFAULT NULL, admin_consent text DEFAULT NULL, tenant text DEFAULT NULL,
	cloud_instance_name text DEFAULT NULL, cloud_instance_host_name text DEFAULT NULL,
	cloud_graph_host_name text DEFAULT NULL, msgraph_host text DEFAULT NULL) RETURNS scheduler."text/html"
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
DECLARE
	said text := left(concat_ws(': ', nullif(oauth_callback.error, ''), nullif(oauth_callback.error_description, '')), 500);
	whole boolean := oauth_callback.state ~ '^[0-9a-f]{64}$' AND length(oauth_callback.code) BETWEEN 1 AND 4096;
BEGIN
	IF current_setting('request.method', true) <> '' THEN
		PERFORM set_config('response.headers', '[{"Content-Security-Policy": "default-src ''none''; style-src ''unsafe-inline''; form-action ''self''; frame-ancestors ''none''; base-uri ''none''"},'
			' {"Referrer-Policy": "no-referrer"}, {"Cache-Control": "no-store"}, {"X-Content-Type-Options": "nosniff"}]', true);
	END IF;
	RETURN '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
		'<title>Connect an account</title><style>body{font:1rem/1.5 sans-serif;max-width:36rem;margin:3rem auto;padding:0 1rem}</style>'
		'</head><body>'
		|| CASE
			WHEN said <> '' THEN '<h1>Not connected</h1><p>The provider says: ' || scheduler.escape_html(said) || '</p><p>Begin anew in your application.</p>'
			WHEN whole IS NOT TRUE THEN '<h1>Not connected</h1><p>This address is incomplete. Begin anew in your application.</p>'
			ELSE '<h1>Connect this account?</h1><p>Go on only if you have just asked your application to connect an account.</p>'
				'<form method="post" action="oauth_finish"><input type="hidden" name="state" value="' || scheduler.escape_html(oauth_callback.state)
				|| '"><input type="hidden" name="code" value="' || scheduler.escape_html(oauth_callback.code)
				|| '"><button type="submit">Connect</button></form>'
				'<p>Where the button asks you to sign in, copy the address of this page into your application (<code>oauth_finish_url</code>).</p>' END
		|| '</body></html>';
END
$body$;
COMMENT ON FUNCTION scheduler.oauth_callback IS
	'The page that the provider sends the browser back to; writes nothing, its button posts to oauth_finish().';
GRANT EXECUTE ON FUNCTION scheduler.oauth_callback, scheduler.escape_html(text) TO scheduler_anon, scheduler_viewer;
GRANT EXECUTE ON FUNCTION scheduler.oauth_start(text, text[]) TO scheduler_user;

/* ---- what an account's calls are sent with ---- */

/* For the worker, before a call with auth account:<uuid>: state ready, soon, expired or reauth, and which secret. */
CREATE FUNCTION scheduler.account_state(user_id uuid, account_id uuid, OUT state text, OUT secret text, OUT number bigint)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT CASE
			WHEN a.status = 'reauth_required' THEN 'reauth'
			WHEN g.grant_id IS NULL THEN 'ready'
			WHEN g.token_expires_at <= clock_timestamp() + interval '5 seconds' THEN 'expired'
			WHEN g.refresh_at <= clock_timestamp() THEN 'soon'
			ELSE 'ready' END,
		CASE WHEN g.grant_id IS NULL THEN a.secret ELSE a.secret || '.access' END, coalesce(g.token_number, 0)
	FROM scheduler.accounts a
	LEFT JOIN scheduler.oauth_grants g ON g.user_id = a.user_id AND a.secret = 'oauth.' || g.grant_id
	WHERE a.user_id = $1 AND a.account_id = $2
	$body$;
COMMENT ON FUNCTION scheduler.account_state(uuid, uuid) IS 'Whether an account''s token can be sent now, and its name.';
