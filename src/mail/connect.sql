/* mail: accounts come and go. */

/* What a Maildir's settings may say; 22023 for anything else. */
CREATE FUNCTION scheduler.check_maildir_settings(settings jsonb) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	unknown text;
BEGIN
	IF jsonb_typeof($1) IS DISTINCT FROM 'object' THEN
		RAISE EXCEPTION 'settings must be an object' USING ERRCODE = '22023',
			DETAIL = format('They are %s.', coalesce(jsonb_typeof($1), 'NULL')),
			HINT = 'Give {"path": "/home/me/Maildir"}.';
	END IF;
	SELECT k.name INTO unknown FROM jsonb_object_keys($1) AS k (name) WHERE k.name <> 'path' LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'unknown setting of a maildir account' USING ERRCODE = '22023',
			DETAIL = format('"%s"', unknown), HINT = 'Known: path.';
	END IF;
	PERFORM scheduler.check_mailbox_path($1 ->> 'path');
END
$body$;
COMMENT ON FUNCTION scheduler.check_maildir_settings(jsonb) IS 'Raises unless these are settings of a maildir account.';

CREATE FUNCTION scheduler.add_account(provider text, address text, secret text DEFAULT NULL,
	settings jsonb DEFAULT '{}', poll_interval interval DEFAULT '1 minute') RETURNS uuid
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.check_calendar_user();
	kind text;
	added uuid;
BEGIN
	SELECT p.poll_kind INTO kind FROM scheduler.providers AS p WHERE p.provider = $1;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'unknown provider' USING ERRCODE = '22023', DETAIL = format('"%s"', coalesce($1, 'NULL')),
			HINT = format('Known: %s.', (SELECT string_agg(p.provider, ', ') FROM scheduler.providers AS p));
	END IF;
	IF $1 IN ('google', 'microsoft') THEN
		RAISE EXCEPTION 'such an account is granted by its provider' USING ERRCODE = '22023', DETAIL = format('"%s"', $1),
			HINT = 'scheduler.oauth_start() returns the address where.';
	END IF;
	IF $2 IS NULL OR $2 !~ '\S' OR length($2) > 1000 OR $5 IS NULL OR $5 NOT BETWEEN '1 second' AND '7 days' THEN
		RAISE EXCEPTION 'not an account' USING ERRCODE = '22023',
			DETAIL = format('address %s, poll_interval %s', coalesce(quote_literal(left($2, 100)), 'NULL'), $5),
			HINT = 'Give the mail address, and an interval from 1 second to 7 days.';
	END IF;
	IF $3 IS NOT NULL THEN
		RAISE EXCEPTION 'a maildir account has no secret' USING ERRCODE = '22023', DETAIL = format('"%s"', $3),
			HINT = 'Leave it out.';
	END IF;
	PERFORM scheduler.check_maildir_settings($4);
	INSERT INTO scheduler.accounts AS a (user_id, provider, address, settings, poll_interval, next_poll_at)
	VALUES (owner_id, $1, $2, $4, $5, now())
	ON CONFLICT ON CONSTRAINT accounts_address_key DO NOTHING
	RETURNING a.account_id INTO added;
	IF added IS NULL THEN
		RAISE EXCEPTION 'there is such an account' USING ERRCODE = '22023', DETAIL = format('%s %s', $1, $2),
			HINT = 'disconnect_account() takes it away.';
	END IF;
	PERFORM scheduler.enqueue(kind, jsonb_build_object('account_id', added), unique_key => added::text);
	RETURN added;
END
$body$;
COMMENT ON FUNCTION scheduler.add_account(text, text, text, jsonb, interval) IS
	'Connects an account; for provider maildir settings is {"path": ...} and the caller needs pg_read_server_files.';

/* The caller's account, locked; 42501 where it is not his. */
CREATE FUNCTION scheduler.lock_account(account_id uuid) RETURNS scheduler.accounts
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	account scheduler.accounts;
BEGIN
	PERFORM scheduler.refuse_old_snapshot();
	SELECT a.* INTO account
	FROM scheduler.accounts AS a
	WHERE a.user_id = scheduler.check_calendar_user() AND a.account_id = $1
	FOR UPDATE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no such account' USING ERRCODE = '42501',
			DETAIL = format('There is no account %s of yours.', coalesce($1::text, 'NULL')),
			HINT = 'Take the id from scheduler.accounts.';
	END IF;
	RETURN account;
END
$body$;
COMMENT ON FUNCTION scheduler.lock_account(uuid) IS 'The caller''s account, locked for writing.';

CREATE FUNCTION scheduler.pause_account(account_id uuid, paused boolean DEFAULT true) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	account scheduler.accounts := scheduler.lock_account($1);
	kind text;
BEGIN
	UPDATE scheduler.accounts AS a
	SET status = CASE WHEN $2 THEN 'paused' ELSE 'active' END, next_poll_at = CASE WHEN NOT $2 THEN now() END
	WHERE a.user_id = account.user_id AND a.account_id = account.account_id;
	SELECT p.poll_kind INTO kind FROM scheduler.providers AS p WHERE p.provider = account.provider;
	IF NOT $2 AND kind IS NOT NULL THEN
		PERFORM scheduler.enqueue(kind, jsonb_build_object('account_id', account.account_id), unique_key => account.account_id::text,
			unique_mode => 'reschedule');
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.pause_account(uuid, boolean) IS
	'Stops looking for mail in an account; with paused => false goes on at once.';

/* The mails stay, without an account. The job that polls it finds no row and ends. */
CREATE FUNCTION scheduler.disconnect_account(account_id uuid) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	account scheduler.accounts := scheduler.lock_account($1);
BEGIN
	DELETE FROM scheduler.accounts AS a
	WHERE a.user_id = account.user_id AND a.account_id = account.account_id;
END
$body$;
COMMENT ON FUNCTION scheduler.disconnect_account(uuid) IS 'Forgets an account; its mails, tasks and events stay.';
GRANT EXECUTE ON FUNCTION scheduler.add_account(text, text, text, jsonb, interval),
	scheduler.pause_account(uuid, boolean), scheduler.disconnect_account(uuid) TO scheduler_user;
