/* identity: tokens. Verified and signed in C (jwt.c) with the keys of scheduler.jwt_key_file. */

/* Granted to nobody: functions that have found out who somebody is call it. */
CREATE FUNCTION scheduler.sign_token(user_id uuid, lifetime interval, jti uuid) RETURNS text
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_sign_token';
COMMENT ON FUNCTION scheduler.sign_token(uuid, interval, uuid) IS
	'A token of this user, signed with the first key of scheduler.jwt_key_file; 28000 for one who cannot sign in.';

/*
 * Tokens say in whole seconds when they were issued. Whoever sets tokens_valid_from to a moment means the next second,
 * and each change a later one than before, so that what was issued up to now is out whatever the fractions are.
 */
CREATE FUNCTION scheduler.round_tokens_valid_from() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
BEGIN
	NEW.tokens_valid_from := greatest(date_trunc('second', NEW.tokens_valid_from),
		date_trunc('second', OLD.tokens_valid_from)) + interval '1 s';
	RETURN NEW;
END
$body$;
COMMENT ON FUNCTION scheduler.round_tokens_valid_from() IS
	'Trigger: a change of tokens_valid_from goes to the next whole second, and never back.';
CREATE TRIGGER round_tokens_valid_from BEFORE UPDATE OF tokens_valid_from ON scheduler.users
	FOR EACH ROW EXECUTE FUNCTION scheduler.round_tokens_valid_from();

/* The file outside the cluster. setup() makes it. */
CREATE FUNCTION scheduler.create_jwt_keys(OUT file text, OUT created boolean, OUT problem text, OUT hint text)
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'sched_sql_create_jwt_keys';
COMMENT ON FUNCTION scheduler.create_jwt_keys() IS
	'Makes the file with the keys of tokens where it is missing (superuser); problem is NULL where it can be used.';

CREATE FUNCTION scheduler.jwt_key_state(OUT file text, OUT created boolean, OUT problem text, OUT hint text)
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'sched_sql_jwt_key_state';
COMMENT ON FUNCTION scheduler.jwt_key_state() IS 'What is wrong with the file with the keys of tokens; changes nothing.';
