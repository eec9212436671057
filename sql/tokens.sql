-- Tokens: the file of keys and our own tokens. What PostgREST makes of them is test/t/postgrest.pl.
\set VERBOSITY terse
-- somebody may have made the file before: it is one for the whole server
SELECT problem FROM scheduler.create_jwt_keys();
SELECT created, problem FROM scheduler.create_jwt_keys();
SELECT scheduler.create_user('anna@example.org', 'Anna') AS anna \gset
SELECT scheduler.sign_token(:'anna', '15 min', scheduler.uuid7()) AS token \gset
SELECT convert_from(decode(rpad(translate(split_part(:'token', '.', 2), '-_', '+/'),
	(length(split_part(:'token', '.', 2)) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb AS claims \gset
SELECT c ->> 'iss' AS iss, c ->> 'aud' = current_database() AS aud, c ->> 'sub' = :'anna' AS sub, c ->> 'role' AS role,
	(c ->> 'exp')::bigint - (c ->> 'iat')::bigint AS seconds, abs((c ->> 'iat')::bigint - extract(epoch FROM now())) < 60 AS iat,
	(c ->> 'jti')::uuid IS NOT NULL AS jti FROM (SELECT :'claims'::jsonb AS c) AS s;
SELECT scheduler.sign_token(:'anna', '0 s', scheduler.uuid7());
SELECT scheduler.sign_token(:'anna', '2 years', scheduler.uuid7());
SELECT scheduler.sign_token(scheduler.system_user_id(), '15 min', scheduler.uuid7());
SELECT scheduler.sign_token(scheduler.uuid7(), '15 min', scheduler.uuid7());
-- each change of tokens_valid_from is a whole second, later than the one before
UPDATE scheduler.users SET tokens_valid_from = now() WHERE user_id = :'anna'
	RETURNING tokens_valid_from > now() AND tokens_valid_from = date_trunc('second', now()) + interval '1 s' AS next_second;
UPDATE scheduler.users SET tokens_valid_from = now() WHERE user_id = :'anna'
	RETURNING tokens_valid_from - date_trunc('second', now()) >= interval '1 s' AS later;
