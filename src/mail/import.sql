/* mail: mailboxes on the server's disk: imported once, or polled as an account. */

CREATE FUNCTION scheduler.import_batch(path text, user_id uuid, account_id uuid, since timestamptz,
	from_position bigint, skipping boolean, last_name text, max_mails integer, max_ms integer, notices boolean,
	OUT next_position bigint, OUT next_skipping boolean, OUT next_name text, OUT done boolean, OUT mails bigint,
	OUT added bigint, OUT problem text, OUT failed boolean)
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'sched_sql_import_batch';
COMMENT ON FUNCTION scheduler.import_batch(text, uuid, uuid, timestamptz, bigint, boolean, text, integer, integer,
	boolean) IS 'Stores the mails of a mailbox from a position on, within limits.';

CREATE FUNCTION scheduler.maildir_stamp(path text) RETURNS text
	LANGUAGE c VOLATILE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_maildir_stamp';
COMMENT ON FUNCTION scheduler.maildir_stamp(text) IS 'Changes when a file of a Maildir comes or goes; NULL while it may yet.';

CREATE FUNCTION scheduler.explain_path(path text) RETURNS text
	LANGUAGE c VOLATILE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_explain_path';
COMMENT ON FUNCTION scheduler.explain_path(text) IS
	'Why the server cannot read this path: the OS user and the folder in its way; NULL where it can.';

/* Reading the server's files is a right of its own; 42501 without it. */
CREATE FUNCTION scheduler.check_mailbox_path(path text) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF NOT scheduler.caller_has_role('pg_read_server_files') THEN
		RAISE EXCEPTION 'permission denied to read mailboxes on the server'
			USING ERRCODE = '42501', HINT = 'GRANT pg_read_server_files to the role.';
	END IF;
	IF $1 IS NULL OR $1 !~ '^/' THEN
		RAISE EXCEPTION 'not the path of a mailbox' USING ERRCODE = '22023',
			DETAIL = format('The path is %s.', coalesce(quote_literal($1), 'NULL')),
			HINT = 'Give the absolute path of an mbox file, a Maildir or a folder of .eml files on the server.';
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.check_mailbox_path(text) IS
	'Raises unless the caller may read server files and the path is absolute.';

/* Owned by scheduler_system: an admin imports for somebody else, whose rows no policy shows him. */
CREATE FUNCTION scheduler.import_mailbox(path text, user_id uuid DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.writable_user_id($2);
	batch record;
BEGIN
	IF owner_id = scheduler.system_user_id() THEN
		RAISE EXCEPTION 'no current user' USING ERRCODE = '28000', DETAIL = 'The system user has no mail.',
			HINT = 'SELECT scheduler.setup(''you@example.org'')';
	END IF;
	PERFORM scheduler.check_mailbox_path($1);
	SELECT * INTO batch
	FROM scheduler.import_batch($1, owner_id, NULL, NULL, 0, false, '', NULL, NULL, true);
	IF batch.failed THEN
		RAISE EXCEPTION 'could not import the mailbox' USING ERRCODE = '58030', DETAIL = batch.problem,
			HINT = 'Check the path, and what the OS user of the server may read.';
	ELSIF batch.problem IS NOT NULL THEN
		RAISE WARNING 'some files were left out' USING DETAIL = batch.problem;
	END IF;
	PERFORM scheduler.record_audit('mail.imported', 'ok', owner_id, jsonb_build_object('mails', batch.added));
	RETURN batch.added;
END
$body$;
COMMENT ON FUNCTION scheduler.import_mailbox(text, uuid) IS
	'Stores all mails of an mbox file, a Maildir or a folder of .eml files and returns how many were new; one transaction.';
ALTER FUNCTION scheduler.import_mailbox(text, uuid) OWNER TO scheduler_system;
GRANT EXECUTE ON FUNCTION scheduler.import_mailbox(text, uuid) TO scheduler_user;

/*
 * mail.import, payload {"path": ...}: a piece of the mailbox each call; its rows and the new position commit
 * together. state {position, skipping, name, mails, added, problem}.
 */
CREATE FUNCTION scheduler.handle_import(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	path text := ($1).payload ->> 'path';
	state jsonb := coalesce(($1).state, '{}');
	batch record;
BEGIN
	IF path IS NULL OR path !~ '^/' THEN
		RETURN scheduler.step_fail('the payload names no absolute path');
	END IF;
	SELECT * INTO batch
	FROM scheduler.import_batch(path, ($1).user_id, NULL, NULL, (state ->> 'position')::bigint,
		(state ->> 'skipping')::boolean, state ->> 'name', 1000, 300, false);
	state := jsonb_build_object('position', batch.next_position, 'skipping', batch.next_skipping,
		'name', batch.next_name, 'mails', coalesce((state ->> 'mails')::bigint, 0) + batch.mails,
		'added', coalesce((state ->> 'added')::bigint, 0) + batch.added,
		'problem', coalesce(state ->> 'problem', batch.problem));
	IF batch.done THEN
		RETURN scheduler.step_done(jsonb_strip_nulls(state - ARRAY['position', 'skipping', 'name']));
	ELSIF batch.failed THEN
		RETURN scheduler.step_fail(batch.problem);
	END IF;
	RETURN scheduler.step_sleep(now(), state);
END
$body$;
COMMENT ON FUNCTION scheduler.handle_import(scheduler.job, scheduler.http_response) IS 'Handler of kind mail.import.';
/* Whoever may read the server's files may have them imported. */
SELECT scheduler.install_job_kind('mail.import', 'scheduler.handle_import', timeout => '5 minutes', priority => 6,
	enqueue_role => 'pg_read_server_files');

/* The row of an account after a look at it. */
CREATE FUNCTION scheduler.finish_poll(user_id uuid, account_id uuid, problem text, stamp text, OUT next_poll timestamptz)
	LANGUAGE sql
	SET search_path = pg_catalog, pg_temp
	AS $body$
	UPDATE scheduler.accounts AS a
	SET last_sync_at = CASE WHEN $3 IS NULL THEN clock_timestamp() ELSE a.last_sync_at END,
		last_error = $3,
		status = CASE WHEN a.status = 'paused' THEN a.status WHEN $3 IS NULL THEN 'active' ELSE 'error' END,
		next_poll_at = clock_timestamp() + a.poll_interval,
		cursor = a.cursor || jsonb_build_object('stamp', CASE WHEN $3 IS NULL THEN $4 END)
	WHERE a.user_id = $1 AND a.account_id = $2
	RETURNING a.next_poll_at
$body$;
COMMENT ON FUNCTION scheduler.finish_poll(uuid, uuid, text, text) IS
	'Notes how a look into an account ended and when the next is due.';

/*
 * mail.poll of a Maildir, payload {"account_id": ...}: stores the files not seen before, some each call, then sleeps
 * until the next look. A folder that did not change is not listed. What cannot be read becomes last_error, not a
 * failed job, so that it heals by itself.
 */
CREATE FUNCTION scheduler.handle_poll(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	account scheduler.accounts;
	state jsonb := coalesce(($1).state, '{}');
	stamp text;
	batch record;
BEGIN
	SELECT a.* INTO account
	FROM scheduler.accounts AS a
	WHERE a.user_id = ($1).user_id AND a.account_id = (($1).payload ->> 'account_id')::uuid;
	IF account.account_id IS NULL OR account.status = 'paused' THEN
		RETURN scheduler.step_done();
	END IF;
	/* Taken before the folder is read: what comes meanwhile shows next time. */
	stamp := CASE WHEN state ? 'name' THEN state ->> 'stamp'
		ELSE scheduler.maildir_stamp(account.settings ->> 'path') END;
	IF stamp = account.cursor ->> 'stamp' AND NOT state ? 'name' THEN
		RETURN scheduler.step_sleep(scheduler.finish_poll(account.user_id, account.account_id, NULL, stamp));
	END IF;
	SELECT * INTO batch
	FROM scheduler.import_batch(account.settings ->> 'path', account.user_id, account.account_id,
		account.created_at - current_setting('scheduler.look_back')::interval, NULL, NULL, state ->> 'name', 200, 300,
		false);
	IF batch.done OR batch.failed THEN
		RETURN scheduler.step_sleep(scheduler.finish_poll(account.user_id, account.account_id,
			coalesce(state ->> 'problem', batch.problem), stamp));
	END IF;
	RETURN scheduler.step_sleep(now(), jsonb_build_object('name', batch.next_name, 'stamp', stamp,
		'problem', coalesce(state ->> 'problem', batch.problem)));
END
$body$;
COMMENT ON FUNCTION scheduler.handle_poll(scheduler.job, scheduler.http_response) IS 'Handler of kind mail.poll.';
SELECT scheduler.install_job_kind('mail.poll', 'scheduler.handle_poll', timeout => '5 minutes');
