-- identity: accounts of one's own, sessions, resets, and what administrators do to accounts
\set VERBOSITY terse
\set SHOW_CONTEXT never
CREATE ROLE regress_root LOGIN;
CREATE ROLE regress_mia LOGIN;
GRANT scheduler_admin TO regress_root;
SELECT problem FROM scheduler.create_master_key();

-- an account of ours: the answer of login() and what it leaves
SELECT scheduler.create_user('Mia@Example.org', 'Mia', 'Europe/Berlin', 'correct horse', 'regress_mia') AS mia \gset
SET ROLE scheduler_anon;
SELECT scheduler.login('mia@example.org', 'correct horse') AS answer \gset
RESET ROLE;
SELECT a.key, jsonb_typeof(a.value) FROM jsonb_each(:'answer'::jsonb) AS a ORDER BY 1;
SELECT :'answer'::jsonb->>'user_id' = :'mia' AS hers, (:'answer'::jsonb->>'expires_at')::timestamptz - now() BETWEEN '14 min' AND '16 min' AS short_lived,
	:'answer'::jsonb->>'refresh_token' ~ '^sr_[A-Za-z0-9_-]{86}$' AS token_shape;
