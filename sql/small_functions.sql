-- small functions that clients may call because views, defaults and other functions do
\set VERBOSITY terse
\set SHOW_CONTEXT never
CREATE ROLE regress_ada LOGIN;
SELECT count(*) FROM scheduler.create_user('ada@example.org', 'Ada', 'UTC', role_name => 'regress_ada');
SET ROLE regress_ada;

-- a header of the request, by its name in lower case; none outside a request
SELECT scheduler.request_header('user-agent');
SET request.headers = '{"user-agent": "curl/8", "x-empty": ""}';
SELECT scheduler.request_header('user-agent'), scheduler.request_header('accept') IS NULL AS is_absent;

-- the session of the present token: a jti that is no session's id is none
SELECT scheduler.current_session_id();
SET request.jwt.claims = '{"jti": "00000000-0000-7000-8000-00000000000a"}';
SELECT scheduler.current_session_id();
SET request.jwt.claims = '{"jti": "of another issuer"}';
SELECT scheduler.current_session_id();

-- nothing that a provider says becomes markup
SELECT scheduler.escape_html($$<a href="x" title='y'>&amp;</a>$$), scheduler.escape_html(NULL) = '' AS is_empty;

-- who is no administrator neither audits nor deletes; how long things are kept he may know
SELECT scheduler.require_auditor();
SELECT scheduler.expire_audit();
SELECT scheduler.retention_of('audit_log'), scheduler.retention_of('no such thing') IS NULL AS is_unknown;
RESET ROLE;
SELECT scheduler.set_retention('audit_log', '500 days') IS NOT NULL AS is_set;
SELECT scheduler.retention_of('audit_log');
SELECT scheduler.require_auditor();
SELECT scheduler.expire_audit() AS nothing_is_old_enough;
