-- identity: accounts of one's own, sessions, resets, and what administrators do to accounts
\set VERBOSITY terse
\set SHOW_CONTEXT never
CREATE ROLE regress_root LOGIN;
CREATE ROLE regress_mia LOGIN;
CREATE ROLE regress_tom LOGIN;
GRANT scheduler_admin TO regress_root;
SELECT problem FROM scheduler.create_master_key();
SELECT problem FROM scheduler.create_jwt_keys();

-- what strangers may call, and nothing else
SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'scheduler'::regnamespace AND p.proname IN ('login', 'signup', 'refresh',
	'request_password_reset', 'reset_password', 'create_user', 'me', 'current_user_id', 'enqueue', 'invite_user', 'revoke_all', 'logout',
	'password_reset_token', 'pending_resets', 'change_password', 'disable_user', 'panic', 'sign_token', 'check_password', 'take_attempt',
	'client_address', 'hash_address', 'start_session', 'store_password', 'end_sessions', 'expire_sign_ins')
	AND has_function_privilege('scheduler_anon', p.oid, 'EXECUTE') ORDER BY 1;
SELECT c.relname AS readable_by_strangers FROM pg_class c WHERE c.relnamespace = 'scheduler'::regnamespace
	AND c.relkind IN ('r', 'p', 'v') AND has_table_privilege('scheduler_anon', c.oid, 'SELECT');

-- an account with a password: the answer of login()
SELECT scheduler.create_user('Mia@Example.org', 'Mia', 'Europe/Berlin', 'correct horse', 'regress_mia') AS mia \gset
SELECT scheduler.create_user('tom@example.org', 'Tom', role_name => 'regress_tom') AS tom \gset
SELECT scheduler.create_user('lena@example.org', 'Lena', password => 'correct horse') IS NOT NULL AS lena;
SET ROLE scheduler_anon;
SELECT scheduler.login('mia@example.org', 'correct horse') AS answer \gset
RESET ROLE;
SELECT a.key, jsonb_typeof(a.value) FROM jsonb_each(:'answer'::jsonb) AS a ORDER BY 1;
SELECT :'answer'::jsonb->>'user_id' = :'mia' AS hers,
	(:'answer'::jsonb->>'expires_at')::timestamptz - now() BETWEEN '14 min' AND '16 min' AS short_lived,
	:'answer'::jsonb->>'refresh_token' ~ '^sr_[A-Za-z0-9_-]{86}$' AS token_shape,
	:'answer'::jsonb->>'token' ~ '^[\w-]+\.[\w-]+\.[\w-]+$' AS signed;

-- an address in other forms is the same account; everything that is wrong gets one answer, and its status
SET ROLE scheduler_anon;
SELECT scheduler.login('MIA@EXAMPLE.ORG', 'correct horse') ? 'token' AS other_case,
	scheduler.login(U&'\FF4D\FF49\FF41@example.org', 'correct horse') ? 'token' AS full_width,
	scheduler.login(U&'m\0456a@example.org', 'correct horse') ? 'token' AS cyrillic;
BEGIN;
SELECT scheduler.login('lena@example.org', 'wrong horse') AS refused \gset
SELECT current_setting('response.status');
COMMIT;
SELECT jsonb_pretty(:'refused');
SELECT a.what, scheduler.login(a.email, a.password) = :'refused' AS same
FROM (VALUES ('wrong', 'lena@example.org', 'Correct horse'), ('no password', 'tom@example.org', ''), ('none', 'tom@example.org', NULL),
	('nobody', 'nobody@example.org', 'correct horse'), ('nothing', NULL, NULL), ('system', '', 'x'), ('too long', 'lena@example.org', 'correct horse' || repeat('x', 60)),
	('very long', repeat('x', 1000000), repeat('y', 1000000))) AS a (what, email, password);
RESET ROLE;

-- eleven attempts at one account: the eleventh has to wait, also with the right password, and is told so
SELECT sum(scheduler.take_attempt('locked@example.org', scheduler.client_address(), false)) FROM generate_series(1, 8);
SET ROLE scheduler_anon;
SELECT scheduler.login('locked@example.org', 'guess ' || n)->>'code' AS code FROM generate_series(1, 3) AS n;
BEGIN;
SELECT l - 'retry_after' - 'hint', (l->>'retry_after')::integer BETWEEN 20 AND 30 AS some_time
FROM scheduler.login('locked@example.org', 'right') AS l;
SELECT current_setting('response.status'), current_setting('response.headers') ~ '^\[\{"Retry-After": "\d+"\}\]$' AS header;
COMMIT;
RESET ROLE;

-- refreshing: another token each time, the same one for who asks twice, the end for an old one
SET ROLE scheduler_anon;
SELECT scheduler.refresh(:'answer'::jsonb->>'refresh_token') AS second \gset
SELECT scheduler.refresh(:'answer'::jsonb->>'refresh_token') AS again \gset
SELECT scheduler.refresh(:'second'::jsonb->>'refresh_token') AS third \gset
SELECT :'second'::jsonb->>'refresh_token' <> :'answer'::jsonb->>'refresh_token' AS another,
	:'again'::jsonb->>'refresh_token' = :'second'::jsonb->>'refresh_token' AS one_successor,
	:'third'::jsonb ? 'token' AS goes_on;
RESET ROLE;
SELECT generation, ended_at FROM scheduler.sign_in_sessions WHERE generation > 0;
SET ROLE scheduler_anon;
BEGIN;
SELECT scheduler.refresh(:'answer'::jsonb->>'refresh_token');
SELECT current_setting('response.status');
COMMIT;
SELECT scheduler.refresh(:'third'::jsonb->>'refresh_token') ? 'token' AS goes_on;
RESET ROLE;
SELECT generation, end_reason FROM scheduler.sign_in_sessions WHERE generation > 0;
-- the last one but one counts a few seconds only
SELECT scheduler.login('mia@example.org', 'correct horse') AS answer \gset
SELECT scheduler.refresh(:'answer'::jsonb->>'refresh_token') AS second \gset
UPDATE scheduler.sign_in_sessions SET refreshed_at = refreshed_at - interval '11 s' WHERE ended_at IS NULL;
SELECT scheduler.refresh(:'answer'::jsonb->>'refresh_token')->>'code' AS code;
SELECT scheduler.refresh(:'second'::jsonb->>'refresh_token')->>'code' AS code;
-- what is no token ends nothing: right session, wrong family; other lengths; nothing
SELECT scheduler.login('mia@example.org', 'correct horse') AS answer \gset
SELECT scheduler.refresh(t)->>'message' FROM unnest(ARRAY['', 'sr_', 'sr_' || repeat('A', 86), 'sr_' || repeat('!', 86), repeat('x', 100000), NULL,
	overlay(:'answer'::jsonb->>'refresh_token' PLACING 'AAAA' FROM 30)]) AS t;
SELECT scheduler.refresh(:'answer'::jsonb->>'refresh_token') ? 'token' AS goes_on;
-- thirty days without a refresh
UPDATE scheduler.sign_in_sessions SET expires_at = now() WHERE ended_at IS NULL;
SELECT scheduler.refresh(:'answer'::jsonb->>'refresh_token')->>'message' AS expired;

-- nothing in the tables refreshes anything
SELECT count(*) AS tokens_at_rest FROM scheduler.sign_in_sessions s
WHERE s::text LIKE '%' || substr(:'answer'::jsonb->>'refresh_token', 40) || '%';

-- her sessions are hers
DELETE FROM scheduler.sign_in_sessions;
SELECT scheduler.login('mia@example.org', 'correct horse') AS answer \gset
SELECT session_id AS session FROM scheduler.sign_in_sessions \gset
SET ROLE regress_tom;
SELECT count(*) FROM scheduler.my_sessions;
SELECT scheduler.end_session(:'session');
SELECT scheduler.revoke_all(:'mia');
RESET ROLE;
SET ROLE regress_mia;
SELECT count(*), bool_or(this_one) FROM scheduler.my_sessions;
SELECT token_hash FROM scheduler.sign_in_sessions;
SELECT scheduler.logout() AS without_a_session;
BEGIN;
SELECT set_config('request.jwt.claims', jsonb_build_object('jti', :'session')::text, true) IS NOT NULL AS with_a_token;
SELECT count(*), bool_or(this_one) FROM scheduler.my_sessions;
SELECT scheduler.logout(), scheduler.logout() AS twice;
COMMIT;
SELECT end_reason FROM scheduler.my_sessions;
RESET ROLE;
SELECT scheduler.refresh(:'answer'::jsonb->>'refresh_token')->>'message' AS over;
SELECT scheduler.login('mia@example.org', 'correct horse') ? 'token', scheduler.login('mia@example.org', 'correct horse') ? 'token';
SET ROLE regress_mia;
SELECT scheduler.revoke_all() AS ended;
RESET ROLE;

-- another password: it needs the old one
SELECT scheduler.login('mia@example.org', 'correct horse') AS answer \gset
SET ROLE regress_mia;
SELECT scheduler.change_password('wrong horse', 'battery staple')->>'message' AS wrong;
SELECT scheduler.change_password('correct horse', 'short');
SELECT scheduler.change_password('correct horse', repeat('x', 73));
SELECT scheduler.change_password('correct horse', repeat(U&'\00E4', 37));
SELECT scheduler.change_password('correct horse', 'battery staple')->>'message' AS changed;
RESET ROLE;
SET ROLE regress_tom;
SELECT scheduler.change_password(NULL, 'battery staple')->>'message' AS without_a_password;
RESET ROLE;
SELECT scheduler.refresh(:'answer'::jsonb->>'refresh_token')->>'message' AS over;
SELECT scheduler.login('mia@example.org', 'correct horse')->>'message' AS old, scheduler.login('mia@example.org', 'battery staple') ? 'token' AS new;

-- forgotten: the same answer for everybody; an administrator makes the token, once
SET ROLE scheduler_anon;
SELECT scheduler.request_password_reset('Mia@example.org') = scheduler.request_password_reset('nobody@example.org') AS same;
SELECT scheduler.request_password_reset('not an address');
SELECT scheduler.password_reset_token('mia@example.org');
RESET ROLE;
SET ROLE regress_mia;
SELECT scheduler.password_reset_token('mia@example.org');
SELECT * FROM scheduler.pending_resets();
SELECT * FROM scheduler.password_resets;
RESET ROLE;
SET ROLE regress_root;
SELECT email, has_account FROM scheduler.pending_resets();
SELECT scheduler.password_reset_token('nobody@example.org') AS nobody, scheduler.password_reset_token('mia@example.org') AS void,
	scheduler.password_reset_token('MIA@example.org') AS token \gset
SELECT count(*) FROM scheduler.pending_resets();
RESET ROLE;
SELECT :'token' ~ '^sp_[A-Za-z0-9_-]{43}$' AS token_shape;
SET ROLE scheduler_anon;
SELECT scheduler.reset_password(:'void', 'tamarind seed') AS only_the_last;
SELECT scheduler.reset_password(:'token', 'short');
SELECT scheduler.reset_password(:'token', 'tamarind seed')->>'message' AS done;
SELECT scheduler.reset_password(:'token', 'pomegranate')->>'message' AS twice;
SELECT scheduler.reset_password(NULL, NULL)->>'message' AS nothing;
SELECT scheduler.login('mia@example.org', 'tamarind seed') ? 'token' AS new;
RESET ROLE;
SELECT DISTINCT end_reason FROM scheduler.sign_in_sessions WHERE ended_at IS NOT NULL ORDER BY 1;
SELECT scheduler.password_reset_token('mia@example.org') AS token \gset
UPDATE scheduler.password_resets SET expires_at = now();
SELECT scheduler.reset_password(:'token', 'pomegranate')->>'message' AS late;

-- closed: nobody signs up; addresses are written plainly
SET ROLE scheduler_anon;
SELECT scheduler.signup('new@example.org', 'correct horse', 'New', 'UTC');
SELECT scheduler.signup('new', 'correct horse', 'New', 'UTC');
SELECT scheduler.signup(U&'n\200Bew@example.org', 'correct horse', 'New', 'UTC');
SELECT scheduler.signup(U&'\FF4Eew@example.org', 'correct horse', 'New', 'UTC');
SELECT scheduler.signup('new@example.org', 'correct horse', 'New', 'Mars/Olympus');
SELECT scheduler.invite_user('new@example.org');
RESET ROLE;
SET ROLE regress_root;
SELECT scheduler.invite_user('mia@EXAMPLE.org');
SELECT scheduler.invite_user('new@example.org') AS void, scheduler.invite_user('New@example.org') AS invitation \gset
RESET ROLE;
SELECT email, expires_at - created_at AS counts, length(token_hash) AS hash FROM scheduler.invitations;
SELECT scheduler.find_invitation(:'invitation', 'NEW@example.org') IS NOT NULL AS hers,
	scheduler.find_invitation(:'invitation', 'other@example.org') AS of_another, scheduler.find_invitation(:'void', 'new@example.org') AS replaced;

-- administrators and accounts
SET ROLE regress_mia;
SELECT scheduler.disable_user(:'tom');
SELECT scheduler.set_admin(:'mia', true);
SELECT scheduler.panic();
RESET ROLE;
SET ROLE regress_root;
SELECT scheduler.disable_user(:'mia'), scheduler.disable_user(:'mia') AS twice;
SELECT scheduler.disable_user('00000000-0000-7000-8000-000000000000');
SELECT scheduler.disable_user(scheduler.system_user_id());
SELECT scheduler.disable_user(NULL);
RESET ROLE;
SET ROLE regress_mia;
SELECT scheduler.current_user_id() IS NULL AS nobody;
SELECT count(*) FROM scheduler.my_sessions;
RESET ROLE;
GRANT scheduler_admin TO regress_mia;
SET ROLE regress_mia;
SELECT scheduler.required_user_id();
SELECT scheduler.enable_user(:'mia');
RESET ROLE;
REVOKE scheduler_admin FROM regress_mia;
SET ROLE scheduler_anon;
SELECT scheduler.login('mia@example.org', 'tamarind seed')->>'code' AS code;
RESET ROLE;
SELECT scheduler.password_reset_token('mia@example.org') IS NULL AS no_token;
SELECT scheduler.sign_token(:'mia', '1 min', scheduler.uuid7());
SET ROLE regress_root;
SELECT scheduler.enable_user(:'mia'), scheduler.enable_user(:'mia') AS twice;
SELECT scheduler.set_admin(:'mia', true), scheduler.set_admin(:'mia', true) AS twice;
SELECT scheduler.set_admin(:'mia', NULL);
SELECT scheduler.set_admin(:'mia', false);
RESET ROLE;
SELECT scheduler.login('mia@example.org', 'tamarind seed') ? 'token' AS in_again;
UPDATE scheduler.users SET role_name = 'regress_root' WHERE user_id = :'tom';
SET ROLE regress_root;
SELECT scheduler.disable_user(:'tom');
RESET ROLE;

-- jobs of a disabled user wait; what was claimed is taken back
UPDATE scheduler.users SET role_name = 'regress_tom' WHERE user_id = :'tom';
SELECT scheduler.arm();
SELECT scheduler.register_job_kind('outside', enqueue_role => 'scheduler_user', worker_role => 'regress_root');
SET ROLE regress_mia;
SELECT count(scheduler.enqueue('outside', jsonb_build_object('n', n))) FROM generate_series(1, 3) AS n;
RESET ROLE;
SET ROLE regress_root;
SELECT count(*) AS of_mia FROM scheduler.claim_jobs('{outside}', 1);
SELECT job_id AS claimed, claim AS number FROM scheduler.claim_jobs('{outside}', 1) \gset
SELECT scheduler.disable_user(:'mia');
SELECT count(*) AS while_disabled FROM scheduler.claim_jobs('{outside}', 9);
SELECT scheduler.finish_job(:'claimed', claim => :'number');
RESET ROLE;
SELECT status, attempts, ready, lease FROM scheduler.live_jobs WHERE user_id = :'mia';
SET ROLE regress_tom;
SELECT scheduler.enqueue('outside') IS NOT NULL AS enqueued;
RESET ROLE;
SET ROLE regress_root;
SELECT count(*) AS of_tom FROM scheduler.claim_jobs('{outside}', 9);
SELECT scheduler.enable_user(:'mia');
SELECT count(*) AS goes_on FROM scheduler.claim_jobs('{outside}', 9);
RESET ROLE;
-- a call that was under way is lost
UPDATE scheduler.live_jobs SET lease = 7, lease_until = NULL, request = ROW('GET', 'http://localhost/', NULL, NULL, NULL, NULL)
WHERE job_id = :'claimed';
SELECT scheduler.disable_user(:'mia');
SELECT status, ready, lease, (response).failure, (response).sent FROM scheduler.live_jobs WHERE job_id = :'claimed';
SELECT scheduler.enable_user(:'mia');

-- forgotten passwords reach whom an administrator has registered for them
SELECT scheduler.register_job_kind('identity.reset');
SET ROLE scheduler_anon;
SELECT count(scheduler.request_password_reset(e)) FROM unnest(ARRAY['mia@example.org', 'nobody@example.org', 'MIA@example.org']) AS e;
RESET ROLE;
SELECT payload FROM scheduler.claim_jobs('{identity.reset}', 9) ORDER BY payload;

-- everything stops, also twice
SELECT scheduler.login('mia@example.org', 'tamarind seed') AS answer \gset
SET ROLE regress_root;
SELECT * FROM scheduler.panic();
SELECT * FROM scheduler.panic();
RESET ROLE;
SELECT scheduler.armed();
SELECT scheduler.refresh(:'answer'::jsonb->>'refresh_token')->>'message' AS over;
SELECT scheduler.login('mia@example.org', 'tamarind seed') ? 'token' AS in_again;

-- what goes in time
UPDATE scheduler.sign_in_sessions SET expires_at = now() - interval '31 days', ended_at = NULL, end_reason = NULL;
SET ROLE regress_mia;
SELECT scheduler.expire_sign_ins();
RESET ROLE;
SELECT scheduler.expire_sign_ins(1) AS one, scheduler.expire_sign_ins() > 0 AS others;
SELECT count(*) FROM scheduler.sign_in_sessions;

-- all of it is on record
SELECT action, outcome, details->>'reason' AS reason, count(*), count(subject_user_id) AS about_somebody
FROM scheduler.audit_log WHERE action ~ '^(session|user|password|admin)' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

SELECT scheduler.disarm();
DROP OWNED BY regress_root, regress_mia, regress_tom;
DROP ROLE regress_root, regress_mia, regress_tom;
