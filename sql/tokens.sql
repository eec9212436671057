-- Tokens: the file of keys and our own tokens. What PostgREST makes of them is test/t/postgrest.pl.
\set VERBOSITY terse
SELECT created IS NOT NULL AS asked, problem FROM scheduler.create_jwt_keys();
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
-- whom a transaction is for: tokens, act_as(), and what a client can set
CREATE ROLE regress_pool LOGIN;
GRANT scheduler_service TO regress_pool;
UPDATE scheduler.users SET tokens_valid_from = '-infinity' WHERE user_id = :'anna';
SELECT scheduler.sign_token(:'anna', '15 min', scheduler.uuid7()) AS token \gset
SET SESSION AUTHORIZATION regress_pool;
SELECT scheduler.current_user_id() IS NULL AS nobody;
SELECT scheduler.authenticate() IS NULL AS no_token;
SELECT set_config('request.headers', '{"authorization": "Basic YTpi"}', false) IS NOT NULL AS other_scheme, scheduler.authenticate() IS NULL AS nobody;
SELECT set_config('request.headers', 'no json', false);
SELECT scheduler.authenticate();
SELECT set_config('request.headers', '{"authorization": "bearer  ' || :'token' || '"}', false) IS NOT NULL AS bearer;
BEGIN READ ONLY;
SELECT scheduler.authenticate() = :'anna' AS anna, current_user;
SELECT scheduler.current_user_id() = :'anna' AS anna, scheduler.me() ->> 'email' AS email;
SAVEPOINT a;
SELECT scheduler.act_as(NULL);
SELECT scheduler.current_user_id() IS NULL AS nobody;
ROLLBACK TO a;
SELECT scheduler.current_user_id() = :'anna' AS anna_again;
COMMIT;
SELECT scheduler.current_user_id() IS NULL AS nobody;
-- over HTTP the error carries what PostgREST answers
\set VERBOSITY default
SET request.method = 'GET';
SET request.path = '/rpc/me';
SELECT set_config('request.headers', '{"authorization": "Bearer e30.e30.e30"}', false) IS NOT NULL AS bad;
SELECT scheduler.authenticate();
RESET request.method;
SELECT scheduler.authenticate();
\set VERBOSITY terse
SELECT scheduler.add_issuer('x', 'x', 'HS256');
RESET SESSION AUTHORIZATION;
-- issuers
SELECT scheduler.add_issuer('scheduler', 'x', 'RS256', jwks_url => 'https://x.example/');
SELECT scheduler.add_issuer('https://x.example', 'x', 'none', jwks_url => 'https://x.example/');
SELECT scheduler.add_issuer('https://x.example', 'x', 'HS256', secret_name => 'missing');
SELECT scheduler.add_issuer('https://x.example', 'x', 'RS256', jwks => '{"keys": []}');
SELECT scheduler.add_issuer('https://x.example', 'x', 'ES256', jwks => '{"kty": "EC", "crv": "P-256",
	"x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}');
SELECT issuer, audience, alg, subject_claim, create_users FROM scheduler.jwt_issuers;
SELECT scheduler.accept_token('e30.e30.e30') - 'hint' AS refused, current_setting('response.status') AS status;
SELECT scheduler.accept_token(NULL) ->> 'code' AS code;
SELECT scheduler.link_identity('https://x.example', 's', scheduler.uuid7());
SELECT scheduler.link_identity('https://x.example', 's', :'anna');
SELECT issuer, subject, user_id = :'anna' AS anna FROM scheduler.external_identities;
BEGIN;
SELECT scheduler.act_as(:'anna');
SELECT scheduler.unlink_token('https://x.example', 's'), scheduler.unlink_token('https://x.example', 's') AS twice;
SELECT scheduler.link_token('e30.e30.e30');
ROLLBACK;
SELECT scheduler.drop_issuer('https://x.example'), scheduler.drop_issuer('https://x.example') AS twice;
SELECT scheduler.login_google('x');
-- limits of calls
SELECT scheduler.set_api_limit('add_task', -1);
SELECT scheduler.set_api_limit('add_task', 30, 'postgres');
SELECT scheduler.set_api_limit('add_task', 30), scheduler.set_api_limit('*', 600, 'scheduler_user');
SELECT scheduler.set_api_limit('add_task', NULL);
SELECT * FROM scheduler.api_limits;
SELECT problem IS NULL AS fine FROM scheduler.jwt_key_state();
DROP OWNED BY regress_pool;
DROP ROLE regress_pool;
