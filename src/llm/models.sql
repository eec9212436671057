/* llm: which models there are and which one is asked for what. */

CREATE TABLE scheduler.llm_models
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	model_id text NOT NULL,
	provider text NOT NULL,
	model text NOT NULL,
	secret text,
	base_url text NOT NULL,
	price_in numeric,
	price_out numeric,
	settings jsonb NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT llm_models_pkey PRIMARY KEY (user_id, model_id),
	CONSTRAINT llm_models_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE,
	CONSTRAINT llm_models_model_id_shape CHECK (model_id ~ '^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}$' AND model_id <> 'builtin'),
	CONSTRAINT llm_models_provider_known CHECK (provider = 'openai'),
	CONSTRAINT llm_models_model_named CHECK (model <> ''),
	CONSTRAINT llm_models_base_url_shape CHECK (base_url ~ '^https?://[^/?#@[:space:]]+(/[^?#[:space:]]*)?$' AND base_url !~ '/$'),
	CONSTRAINT llm_models_prices_positive CHECK (price_in >= 0 AND price_out >= 0),
	CONSTRAINT llm_models_settings_object CHECK (jsonb_typeof(settings) = 'object')
);
COMMENT ON TABLE scheduler.llm_models IS
	'Models that may be asked, besides "builtin". Prices are for a million tokens; settings are merged into each request, null removes.';
SELECT scheduler.install_user_table('llm_models', shared_rows => true);
CREATE TRIGGER touch BEFORE UPDATE ON scheduler.llm_models
	FOR EACH ROW EXECUTE FUNCTION scheduler.touch_updated_at();

/* No foreign key: a user may choose one of the installation's models, whose row is the system user's. */
CREATE TABLE scheduler.model_choices
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	purpose text NOT NULL,
	model_id text NOT NULL,
	CONSTRAINT model_choices_pkey PRIMARY KEY (user_id, purpose),
	CONSTRAINT model_choices_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE,
	CONSTRAINT model_choices_purpose_known CHECK
		(purpose IN ('extract', 'classify', 'assist', 'draft', 'recap', 'embed', 'transcribe'))
);
COMMENT ON TABLE scheduler.model_choices IS
	'Which model is asked for a purpose: the user''s choice, else the installation''s, else "builtin".';
SELECT scheduler.install_user_table('model_choices', shared_rows => true);

/* The address of a model's calls as secrets are bound to it: host:port/path. */
CREATE FUNCTION scheduler.model_endpoint(base_url text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT lower(m[2] || coalesce(m[3], CASE m[1] WHEN 'https' THEN ':443' ELSE ':80' END) || coalesce(m[4], '')
		|| '/chat/completions')
	FROM regexp_match($1, '^(https?)://(\[[^]]+\]|[^/:]+)(:[0-9]+)?(/.*)?$') AS m
	$body$;
COMMENT ON FUNCTION scheduler.model_endpoint(text) IS 'host:port/path that a model with this base URL is asked at.';

CREATE FUNCTION scheduler.add_model(model_id text, provider text, model text, secret text DEFAULT NULL,
	base_url text DEFAULT NULL, price_in numeric DEFAULT NULL, price_out numeric DEFAULT NULL,
	settings jsonb DEFAULT '{}', user_id uuid DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.writable_user_id($9);
	address text := rtrim(coalesce($5, 'https://api.openai.com/v1'), '/');
	former record;
BEGIN
	IF $2 IS DISTINCT FROM 'openai' THEN
		RAISE EXCEPTION 'unknown provider'
			USING ERRCODE = '22023', DETAIL = format('The value is "%s".', left($2, 100)),
			HINT = 'Known is openai: every endpoint that speaks its chat completions.';
	END IF;
	IF address !~ '^https?://[^/?#@[:space:]]+(/[^?#[:space:]]*)?$' OR scheduler.model_endpoint(address) IS NULL THEN
		RAISE EXCEPTION 'this is no base URL'
			USING ERRCODE = '22023', DETAIL = format('The value is "%s".',
				left(regexp_replace(address, '//[^/@]*@', '//...@'), 200)),
			HINT = 'For example https://api.openai.com/v1 or http://localhost:11434/v1.';
	END IF;
	IF $1 IS NULL OR $1 !~ '^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}$' OR $1 = 'builtin' OR coalesce($3, '') = '' THEN
		RAISE EXCEPTION 'a model needs a name of its own and the provider''s name for it'
			USING ERRCODE = '22023', DETAIL = format('The values are "%s" and "%s".', left($1, 100), left($3, 100)),
			HINT = 'The name "builtin" is taken by the built-in rules.';
	END IF;
	SELECT m.secret, m.base_url INTO former FROM scheduler.llm_models m
	WHERE m.user_id = owner_id AND m.model_id = $1;
	INSERT INTO scheduler.llm_models AS m (user_id, model_id, provider, model, secret, base_url, price_in, price_out,
		settings)
	VALUES (owner_id, $1, $2, $3, $4, address, $6, $7, $8)
	ON CONFLICT ON CONSTRAINT llm_models_pkey DO UPDATE
	SET provider = excluded.provider, model = excluded.model, secret = excluded.secret,
		base_url = excluded.base_url, price_in = excluded.price_in, price_out = excluded.price_out,
		settings = excluded.settings;
	IF owner_id = scheduler.system_user_id() THEN
		PERFORM scheduler.place_system_secret(former.secret, former.base_url);
		PERFORM scheduler.place_system_secret($4, address);
	END IF;
	PERFORM scheduler.record_audit('model.added', 'ok', owner_id, jsonb_build_object('model_id', $1, 'base_url', address, 'secret', $4));
	RETURN $1;
END
$body$;
/* Owned by scheduler_system: an admin registers the installation's models. */
ALTER FUNCTION scheduler.add_model(text, text, text, text, text, numeric, numeric, jsonb, uuid)
	OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.add_model(text, text, text, text, text, numeric, numeric, jsonb, uuid) IS
	'Registers a model under a name, or replaces it; an admin without a user of his own, or with user_id of the system user, for all.';

/* A secret of the system user is placed at exactly the addresses of the installation's models that name it. */
CREATE FUNCTION scheduler.place_system_secret(secret text, base_url text) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	address text := scheduler.model_endpoint($2);
BEGIN
	IF $1 IS NULL OR address IS NULL THEN
		RETURN;
	END IF;
	IF EXISTS (SELECT FROM scheduler.llm_models m WHERE m.user_id = scheduler.system_user_id()
		AND m.secret = $1 AND scheduler.model_endpoint(m.base_url) = address) THEN
		INSERT INTO scheduler.secret_endpoints (user_id, name, endpoint)
		VALUES (scheduler.system_user_id(), $1, address)
		ON CONFLICT ON CONSTRAINT secret_endpoints_pkey DO NOTHING;
	ELSE
		DELETE FROM scheduler.secret_endpoints e
		WHERE e.user_id = scheduler.system_user_id() AND e.name = $1 AND e.endpoint = address;
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.place_system_secret(text, text) IS
	'Opens or closes an address to a secret of the system user, as the installation''s models say.';

/* The model of this name that the current user may ask: his own, else the installation's. */
CREATE FUNCTION scheduler.find_model(model_id text) RETURNS scheduler.llm_models
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN (
		SELECT m FROM scheduler.llm_models m
		WHERE m.model_id = $1 AND m.user_id IN (scheduler.required_user_id(), scheduler.system_user_id())
		ORDER BY m.user_id = scheduler.system_user_id()
		LIMIT 1);
END
$body$;
COMMENT ON FUNCTION scheduler.find_model(text) IS
	'The current user''s model of this name, else the installation''s; NULL where there is none.';

CREATE FUNCTION scheduler.set_model(purpose text, model_id text, user_id uuid DEFAULT NULL) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.writable_user_id($3);
BEGIN
	IF $1 IS NULL OR $1 <> ALL (ARRAY['extract', 'classify', 'assist', 'draft', 'recap', 'embed', 'transcribe']) THEN
		RAISE EXCEPTION 'unknown purpose'
			USING ERRCODE = '22023', DETAIL = format('The value is "%s".', left($1, 100)),
			HINT = 'Known are extract, classify, assist, draft, recap, embed and transcribe.';
	END IF;
	IF $2 IS NULL THEN
		DELETE FROM scheduler.model_choices c WHERE c.user_id = owner_id AND c.purpose = $1;
		PERFORM scheduler.record_audit('model.chosen', 'ok', owner_id, jsonb_build_object('purpose', $1, 'model_id', NULL));
		RETURN;
	END IF;
	IF $2 <> 'builtin' AND NOT EXISTS (SELECT FROM scheduler.llm_models m WHERE m.model_id = $2
		AND m.user_id IN (owner_id, scheduler.system_user_id())) THEN
		RAISE EXCEPTION 'no such model'
			USING ERRCODE = '22023', DETAIL = format('The name is "%s".', left($2, 100)),
			HINT = 'scheduler.add_model() registers one; "builtin" is always there.';
	END IF;
	INSERT INTO scheduler.model_choices AS c (user_id, purpose, model_id) VALUES (owner_id, $1, $2)
	ON CONFLICT ON CONSTRAINT model_choices_pkey DO UPDATE SET model_id = excluded.model_id;
	PERFORM scheduler.record_audit('model.chosen', 'ok', owner_id, jsonb_build_object('purpose', $1, 'model_id', $2));
	/* Who chooses a model for himself wants his mails to go there. An admin's choice for others is not theirs. */
	IF owner_id IS NOT DISTINCT FROM scheduler.current_user_id() AND owner_id <> scheduler.system_user_id() AND EXISTS (
		SELECT FROM scheduler.llm_models m WHERE m.model_id = $2 AND m.user_id IN (owner_id, scheduler.system_user_id())
			AND NOT scheduler.is_local_model(m.base_url)) THEN
		PERFORM scheduler.give_consent('remote_model');
	END IF;
END
$body$;
/* Owned by scheduler_system: an admin chooses for the installation. */
ALTER FUNCTION scheduler.set_model(text, text, uuid) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.set_model(text, text, uuid) IS
	'Which model is asked for a purpose; NULL takes the choice back. With user_id of the system user: for all who chose none.';

CREATE FUNCTION scheduler.model_for(purpose text) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN coalesce(
		(SELECT c.model_id FROM scheduler.model_choices c
			WHERE c.purpose = $1 AND c.user_id IN (scheduler.required_user_id(), scheduler.system_user_id())
			ORDER BY c.user_id = scheduler.system_user_id() LIMIT 1),
		'builtin');
END
$body$;
COMMENT ON FUNCTION scheduler.model_for(text) IS
	'The model that is asked for a purpose: the user''s choice, else the installation''s, else builtin.';

/* Of the house's own network: the operator named the address in scheduler.http_private_hosts. */
CREATE FUNCTION scheduler.is_local_model(base_url text) RETURNS boolean
	LANGUAGE sql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT coalesce(split_part(scheduler.model_endpoint($1), '/', 1) = ANY (regexp_split_to_array(
		lower(btrim(current_setting('scheduler.http_private_hosts', true))), '\s*,\s*')), false)
	$body$;
COMMENT ON FUNCTION scheduler.is_local_model(text) IS
	'Whether a model is one of the house, by scheduler.http_private_hosts; what is sent to any other leaves it.';

/* For handlers, where something leaves. The system user is nobody who could agree. */
CREATE FUNCTION scheduler.may_ask(model scheduler.llm_models) RETURNS boolean
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN scheduler.is_local_model(($1).base_url)
		OR coalesce(scheduler.current_user_id(), scheduler.system_user_id()) = scheduler.system_user_id()
		OR scheduler.has_consent('remote_model');
END
$body$;
COMMENT ON FUNCTION scheduler.may_ask(scheduler.llm_models) IS
	'Whether what belongs to the current user may go to this model: it is one of the house, or he has agreed.';

/*
 * Requests that wait or are on their way to a model outside are taken back when their user withdraws: the handler is called
 * again as if it had not asked, the worker aborts the call and drops a late answer.
 */
CREATE FUNCTION scheduler.stop_remote_calls() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	UPDATE scheduler.live_jobs l
	SET request = NULL, lease = NULL, worker_pid = NULL, status = 'pending', ready = true
	WHERE l.user_id = NEW.user_id AND l.request IS DISTINCT FROM NULL AND l.response IS NOT DISTINCT FROM NULL
		AND l.status NOT IN ('failed', 'dead')
		AND EXISTS (SELECT FROM scheduler.llm_models m
			WHERE m.user_id IN (NEW.user_id, scheduler.system_user_id())
				AND (l.request).url = m.base_url || '/chat/completions' AND NOT scheduler.is_local_model(m.base_url));
	PERFORM scheduler.wake_workers('cancels'), scheduler.wake_workers('jobs');
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION scheduler.stop_remote_calls() IS
	'Trigger: takes back what is on its way to models outside when consent is withdrawn.';
CREATE TRIGGER stop_remote_calls AFTER UPDATE ON scheduler.consents
	FOR EACH ROW WHEN (OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL AND NEW.purpose = 'remote_model')
	EXECUTE FUNCTION scheduler.stop_remote_calls();

GRANT EXECUTE ON FUNCTION
	scheduler.add_model(text, text, text, text, text, numeric, numeric, jsonb, uuid),
	scheduler.set_model(text, text, uuid), scheduler.model_for(text), scheduler.find_model(text)
	TO scheduler_user;
