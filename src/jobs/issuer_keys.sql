/*
 * jobs: the published keys of issuers of tokens, every hour and whenever a token named a key that is not known. identity
 * keeps the rows; this attaches the fetching.
 */

/* One call; what came is kept where it is a set of keys, else the keys that were there go on to count. */
CREATE FUNCTION scheduler.handle_issuer_keys(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
	LANGUAGE plpgsql VOLATILE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	wanted text := ($1).payload->>'issuer';
	address text;
	keys text;
	problem text;
BEGIN
	SELECT i.jwks_url INTO address FROM scheduler.jwt_issuers i WHERE i.issuer = wanted;
	IF address IS NULL THEN
		RETURN scheduler.step_done('{"keys": "not fetched any more"}');
	ELSIF ($2).status IS NULL AND ($2).failure IS NULL THEN
		RETURN scheduler.step_request(ROW('GET', address, '{"accept": "application/json"}', NULL, NULL,
			interval '20 seconds')::scheduler.http_request, '{}');
	END IF;
	IF ($2).status IS DISTINCT FROM 200 THEN
		problem := coalesce(($2).error, format('HTTP %s', ($2).status));
	ELSE
		BEGIN
			keys := convert_from(($2).body, 'UTF8');
			problem := scheduler.jwks_problem(keys);
			/* In a second step: what C takes for JSON the server reads too, or the keys stay what they were. */
			IF problem IS NULL THEN
				UPDATE scheduler.jwt_issuers i SET jwks = keys::jsonb
				WHERE i.issuer = wanted AND i.jwks IS DISTINCT FROM keys::jsonb;
			END IF;
		EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character OR invalid_text_representation THEN
			problem := 'the answer is no JSON in UTF-8';
		END;
	END IF;
	UPDATE scheduler.jwt_issuers i SET keys_problem = problem,
		keys_fetched_at = CASE WHEN problem IS NULL THEN now() ELSE i.keys_fetched_at END
	WHERE i.issuer = wanted;
	IF problem IS NOT NULL THEN
		RETURN scheduler.step_retry(problem);
	END IF;
	RETURN scheduler.step_done();
END
$body$;
/* Owned by scheduler_system: the table of issuers belongs to nobody. */
ALTER FUNCTION scheduler.handle_issuer_keys(scheduler.job, scheduler.http_response) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.handle_issuer_keys(scheduler.job, scheduler.http_response) IS
	'Handler of kind identity.keys: fetches the published keys of an issuer of tokens.';
SELECT scheduler.install_job_kind('identity.keys', 'scheduler.handle_issuer_keys', max_attempts => 5);

/* An issuer with an address has a schedule, and one fetch at once where its keys are wanted. */
CREATE FUNCTION scheduler.schedule_issuer_keys() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	gone text;
BEGIN
	IF TG_OP = 'DELETE' OR NEW.jwks_url IS NULL THEN
		gone := CASE TG_OP WHEN 'DELETE' THEN OLD.issuer ELSE NEW.issuer END;
		DELETE FROM scheduler.schedules s
		WHERE s.user_id = scheduler.system_user_id() AND s.kind = 'identity.keys' AND s.payload->>'issuer' = gone;
		RETURN NULL;
	END IF;
	/* Only what is wanted at this moment: the rows of a dump come with their schedules. */
	IF NEW.keys_wanted_at = now() THEN
		INSERT INTO scheduler.schedules (user_id, name, kind, payload, every, timezone, next_run_at)
		VALUES (scheduler.system_user_id(), 'keys of ' || md5(NEW.issuer), 'identity.keys',
			jsonb_build_object('issuer', NEW.issuer), interval '1 hour', 'UTC', now() + interval '1 hour')
		ON CONFLICT ON CONSTRAINT schedules_name_key DO NOTHING;
		PERFORM scheduler.enqueue('identity.keys', jsonb_build_object('issuer', NEW.issuer),
			unique_key => 'identity.keys ' || md5(NEW.issuer), user_id => scheduler.system_user_id());
	END IF;
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION scheduler.schedule_issuer_keys() IS
	'Trigger: fetches an issuer''s keys every hour, and now where they are wanted.';
CREATE TRIGGER schedule_keys AFTER INSERT OR DELETE OR UPDATE OF jwks_url, keys_wanted_at ON scheduler.jwt_issuers
	FOR EACH ROW EXECUTE FUNCTION scheduler.schedule_issuer_keys();
