/* mail: what came, as rows. A mail is kept whatever is broken about it; what is, stands in its row. */

CREATE VIEW scheduler.email_accounts WITH (security_invoker = true) AS
	SELECT user_id, account_id, provider, address, settings, status, poll_interval, next_poll_at, last_sync_at,
		last_error, created_at, updated_at
	FROM scheduler.accounts
	WHERE purposes && '{mail.read,mail.send}'::text[];
COMMENT ON VIEW scheduler.email_accounts IS 'The accounts that mail comes from.';
GRANT SELECT ON scheduler.email_accounts TO scheduler_viewer;

/*
 * message_key is the Message-ID in its brackets, else a hash of the bytes. The second key is what "extracted once"
 * stands on: of one message a user has one row without duplicate_of, however many accounts it came through.
 * duplicate_of and task_id have no key: circular ones, also a table's own, are what a restore stumbles over.
 * A mail's row is written twice, stored and read: with room in each page the second time costs no entry in seven indexes.
 */
CREATE TABLE scheduler.email_tracking
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	email_id uuid NOT NULL DEFAULT scheduler.uuid7(),
	account_id uuid,
	gmail_message_id text,
	external_id text,
	gmail_thread_id text,
	message_id_header text,
	message_key text NOT NULL,
	subject text NOT NULL DEFAULT '',
	sender text NOT NULL DEFAULT '',
	sender_email text NOT NULL DEFAULT '',
	recipients jsonb NOT NULL DEFAULT '[]',
	received_at timestamptz NOT NULL,
	classification text,
	is_flagged boolean NOT NULL DEFAULT false,
	extracted_deadline timestamptz,
	extracted_task_description text,
	extracted_priority smallint,
	extracted_location text,
	extraction_confidence float8,
	processed boolean NOT NULL DEFAULT false,
	processed_at timestamptz,
	task_id uuid,
	auto_reply_sent boolean NOT NULL DEFAULT false,
	duplicate_of uuid,
	error text,
	metadata jsonb NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL DEFAULT now(),
	CONSTRAINT email_tracking_pkey PRIMARY KEY (user_id, email_id),
	CONSTRAINT email_tracking_message_key UNIQUE (user_id, message_key, account_id),
	CONSTRAINT email_tracking_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE,
	CONSTRAINT email_tracking_account_fkey FOREIGN KEY (user_id, account_id)
		REFERENCES scheduler.accounts ON DELETE SET NULL (account_id),
	CONSTRAINT email_tracking_classification_word CHECK (classification IN ('important', 'followup', 'actionable',
		'informational', 'promotional', 'spam')),
	CONSTRAINT email_tracking_confidence_range CHECK (extraction_confidence BETWEEN 0 AND 1),
	CONSTRAINT email_tracking_duplicate_other CHECK (duplicate_of <> email_id),
	CONSTRAINT email_tracking_metadata_object CHECK (jsonb_typeof(metadata) = 'object')
) WITH (fillfactor = 40);
CREATE UNIQUE INDEX email_tracking_original_key ON scheduler.email_tracking (user_id, message_key)
	WHERE duplicate_of IS NULL;
CREATE INDEX email_tracking_email_id_idx ON scheduler.email_tracking (email_id);
CREATE INDEX email_tracking_received_idx ON scheduler.email_tracking (user_id, received_at);
CREATE INDEX email_tracking_account_idx ON scheduler.email_tracking (user_id, account_id, external_id);
CREATE INDEX email_tracking_duplicate_idx ON scheduler.email_tracking (user_id, duplicate_of)
	WHERE duplicate_of IS NOT NULL;
COMMENT ON TABLE scheduler.email_tracking IS
	'One row a mail and account: what it is, what was read out of it, what is broken about it (error, metadata.problems).';
SELECT scheduler.install_user_table('email_tracking');

/*
 * No foreign key: bodies go by retention, and are restored in any order. Raw mail is not worth compressing twice. With key_id,
 * raw is sealed under that data key of its owner, and its text is in it only; without, both are plain.
 */
CREATE TABLE scheduler.email_bodies
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	email_id uuid NOT NULL,
	raw bytea NOT NULL,
	body_text text,
	key_id text,
	CONSTRAINT email_bodies_pkey PRIMARY KEY (user_id, email_id),
	CONSTRAINT email_bodies_text_where_plain CHECK ((key_id IS NULL) = (body_text IS NOT NULL))
);
ALTER TABLE scheduler.email_bodies ALTER COLUMN raw SET STORAGE EXTERNAL;
COMMENT ON TABLE scheduler.email_bodies IS
	'The mails as they came, sealed under their owner''s data key unless key_id is NULL; see email_text() and email_raw().';
SELECT scheduler.install_user_table('email_bodies');

CREATE FUNCTION scheduler.body_key(user_id uuid) RETURNS text
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_body_key';
COMMENT ON FUNCTION scheduler.body_key(uuid) IS
	'The data key that the next mail of this user is sealed under; NULL where scheduler.encrypt_bodies leaves mails plain.';

CREATE FUNCTION scheduler.seal_body(user_id uuid, email_id uuid, key_id text, raw bytea) RETURNS bytea
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'sched_sql_seal_body';
COMMENT ON FUNCTION scheduler.seal_body(uuid, uuid, text, bytea) IS
	'A mail sealed for its row of email_bodies; raw itself where key_id is NULL.';

CREATE FUNCTION scheduler.reseal_body(user_id uuid, email_id uuid, key_id text, raw bytea, new_key_id text)
	RETURNS bytea
	LANGUAGE c VOLATILE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_reseal_body';
COMMENT ON FUNCTION scheduler.reseal_body(uuid, uuid, text, bytea, text) IS
	'A sealed mail under another key of its owner; NULL where it cannot be opened.';

CREATE FUNCTION scheduler.open_body(user_id uuid, email_id uuid, key_id text, raw bytea) RETURNS bytea
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_open_body';
COMMENT ON FUNCTION scheduler.open_body(uuid, uuid, text, bytea) IS
	'The mail of a row of email_bodies as it came; an error where its key is gone.';

ALTER TABLE scheduler.tasks
	ADD COLUMN source_email_id uuid,
	ADD CONSTRAINT tasks_source_email_fkey FOREIGN KEY (user_id, source_email_id)
		REFERENCES scheduler.email_tracking ON DELETE SET NULL (source_email_id);
CREATE INDEX tasks_source_email_idx ON scheduler.tasks (user_id, source_email_id)
	WHERE source_email_id IS NOT NULL;

/* A mail taken apart. body_new is the text without quoted replies and signature; calendars are text/calendar parts. */
CREATE TYPE scheduler.parsed_mail AS
(
	subject text,
	sender text,
	sender_email text,
	recipients jsonb,
	sent_at timestamptz,
	arrived_at timestamptz,
	message_id text,
	in_reply_to text,
	reference_ids text[],
	headers jsonb,
	body_text text,
	body_new text,
	quoted text,
	signature text,
	forwarded boolean,
	attachments jsonb,
	calendars text[],
	problems jsonb
);
COMMENT ON TYPE scheduler.parsed_mail IS 'What parse_mail() finds in a mail.';

/* full_length: the true size where raw is only the head of a mail that was too large to read. */
CREATE FUNCTION scheduler.parse_mail(raw bytea, full_length bigint DEFAULT NULL) RETURNS scheduler.parsed_mail
	LANGUAGE c STABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_parse_mail';
COMMENT ON FUNCTION scheduler.parse_mail(bytea, bigint) IS
	'Takes an RFC 5322 mail apart; whatever is broken is listed in problems, nothing raises.';

CREATE FUNCTION scheduler.read_invitation(calendar text)
	RETURNS TABLE (method text, uid text, summary text, location text, description text, organizer text,
		status text, rrule text, transparent boolean, all_day boolean, starts timestamp, starts_zone text,
		ends timestamp, ends_zone text, seconds integer)
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'sched_sql_read_invitation';
COMMENT ON FUNCTION scheduler.read_invitation(text) IS
	'The events of a text/calendar part: times as wall clock beside the name of their zone, NULL where they do not exist.';
GRANT EXECUTE ON FUNCTION scheduler.parse_mail(bytea, bigint), scheduler.read_invitation(text) TO scheduler_user;

/*
 * When a mail counts as received: its Date, which its own relative dates were written by. Not where that lies ahead of us
 * and of what our own server noted on arrival; then that note, and where there is none or both are absurd, now.
 */
CREATE FUNCTION scheduler.choose_received_at(mail scheduler.parsed_mail) RETURNS timestamptz
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN CASE
		WHEN ($1).sent_at <= coalesce(($1).arrived_at + interval '7 days', now() + interval '1 year')
			OR ($1).sent_at <= now() + interval '1 day' THEN ($1).sent_at
		WHEN ($1).arrived_at <= now() + interval '1 year' THEN ($1).arrived_at
		ELSE now() END;
END
$body$;
COMMENT ON FUNCTION scheduler.choose_received_at(scheduler.parsed_mail) IS
	'The instant that relative dates of a mail start from.';

/* What is worth keeping of a mail besides its columns. */
CREATE FUNCTION scheduler.describe_mail(mail scheduler.parsed_mail, flags text) RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN jsonb_strip_nulls(jsonb_build_object('headers', ($1).headers, 'sent_at', ($1).sent_at,
		'in_reply_to', nullif(($1).in_reply_to, ''),
		'references', nullif(to_jsonb(($1).reference_ids), '[]'),
		'attachments', nullif(($1).attachments, '[]'),
		'calendars', nullif(to_jsonb(($1).calendars), '[]'),
		'problems', nullif(($1).problems, '[]'),
		'forwarded', nullif(($1).forwarded, false), 'flags', nullif($2, '')));
END
$body$;
COMMENT ON FUNCTION scheduler.describe_mail(scheduler.parsed_mail, text) IS 'The metadata of a row of email_tracking.';

/*
 * The row of a message, made where there is none. Unique indexes find the old one, not the planner: inside one large import
 * it has no statistics to choose an index by. A row that was there is locked and comes back as it is, so two
 * transactions with the same message meet here. duplicate_of: the original, whose facts a new row takes over.
 */
CREATE FUNCTION scheduler.upsert_mail(new_id uuid, owner_id uuid, mail scheduler.parsed_mail, account_id uuid,
	external_id text, key text, wanted boolean, flags text) RETURNS scheduler.email_tracking
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	stored scheduler.email_tracking;
BEGIN
	PERFORM scheduler.refuse_old_snapshot();
	INSERT INTO scheduler.email_tracking AS m (email_id, user_id, account_id, external_id, message_id_header,
		message_key, subject, sender, sender_email, recipients, received_at, is_flagged, metadata, error, processed,
		processed_at)
	SELECT $1, $2, $4, $5, nullif(($3).message_id, ''), $6, ($3).subject, ($3).sender, ($3).sender_email,
		($3).recipients, scheduler.choose_received_at($3), coalesce($8, '') ~ 'F', scheduler.describe_mail($3, $8),
		(SELECT string_agg(format('%s: %s', p ->> 'code', p ->> 'detail'), '; ')
			FROM jsonb_array_elements(($3).problems) AS p),
		NOT $7, CASE WHEN NOT $7 THEN now() END
	ON CONFLICT (user_id, message_key) WHERE duplicate_of IS NULL
	DO UPDATE SET account_id = coalesce(m.account_id, excluded.account_id),
		external_id = CASE WHEN m.account_id IS NULL THEN excluded.external_id ELSE m.external_id END
	RETURNING m.* INTO stored;
	RETURN stored;
END
$body$;
COMMENT ON FUNCTION scheduler.upsert_mail(uuid, uuid, scheduler.parsed_mail, uuid, text, text, boolean, text) IS
	'The row of a message, made where there is none; one that belonged to no account is taken over by this one.';

/* The same message in another account: a row of its own that is never extracted. */
CREATE FUNCTION scheduler.upsert_duplicate(email_id uuid, original scheduler.email_tracking,
	mail scheduler.parsed_mail, account_id uuid, external_id text, flags text) RETURNS scheduler.email_tracking
	LANGUAGE sql
	SET search_path = pg_catalog, pg_temp
	AS $body$
	INSERT INTO scheduler.email_tracking AS m (email_id, user_id, account_id, external_id, message_id_header,
		message_key, subject, sender, sender_email, recipients, received_at, is_flagged, metadata, error, duplicate_of,
		classification, extracted_deadline, extracted_task_description, extracted_priority, extracted_location,
		extraction_confidence, task_id, processed, processed_at)
	SELECT $1, ($2).user_id, $4, $5, ($2).message_id_header, ($2).message_key, ($3).subject, ($3).sender,
		($3).sender_email, ($3).recipients, scheduler.choose_received_at($3), coalesce($6, '') ~ 'F',
		scheduler.describe_mail($3, $6), ($2).error, ($2).email_id, ($2).classification, ($2).extracted_deadline,
		($2).extracted_task_description, ($2).extracted_priority, ($2).extracted_location,
		($2).extraction_confidence, ($2).task_id, true, now()
	ON CONFLICT ON CONSTRAINT email_tracking_message_key DO UPDATE SET external_id = m.external_id
	RETURNING *
$body$;
COMMENT ON FUNCTION scheduler.upsert_duplicate(uuid, scheduler.email_tracking, scheduler.parsed_mail, uuid, text, text) IS
	'The row of a message in a further account, made where there is none.';

CREATE FUNCTION scheduler.knows_mail(user_id uuid, account_id uuid, external_id text) RETURNS boolean
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN EXISTS (SELECT FROM scheduler.email_tracking AS m
			WHERE m.user_id = $1 AND m.account_id = $2 AND m.external_id = $3)
		OR EXISTS (SELECT FROM scheduler.accounts AS a
			WHERE a.user_id = $1 AND a.account_id = $2 AND a.cursor -> 'copies' ? $3);
END
$body$;
COMMENT ON FUNCTION scheduler.knows_mail(uuid, uuid, text) IS
	'Whether this file of an account was stored, or is a copy of one that was.';

/*
 * The one door for mail: row, body and job in the caller's transaction. since: older mail is kept, not extracted.
 * too_large: raw is the head only. The caller has made sure that user_id and account_id are his. Generic plans
 * only: a plan made for one mail copies its bytes several times.
 */
CREATE FUNCTION scheduler.store_mail(user_id uuid, raw bytea, account_id uuid, external_id text, too_large boolean,
	since timestamptz, flags text, OUT email_id uuid, OUT is_new boolean)
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	AS $body$
#variable_conflict error
DECLARE
	mail scheduler.parsed_mail := scheduler.parse_mail($2, CASE WHEN $5 THEN 9223372036854775807 END);
	key text := coalesce('<' || nullif(mail.message_id, '') || '>', 'sha256:' || encode(sha256($2), 'hex'));
	wanted boolean := $6 IS NULL OR scheduler.choose_received_at(mail) >= $6;
	fresh_id uuid := scheduler.uuid7();
	row scheduler.email_tracking;
	body_key text;
BEGIN
	row := scheduler.upsert_mail(fresh_id, $1, mail, $3, $4, key, wanted, $7);
	IF row.account_id <> $3 THEN
		row := scheduler.upsert_duplicate(fresh_id, row, mail, $3, $4, $7);
	END IF;
	email_id := row.email_id;
	is_new := row.email_id = fresh_id;
	IF NOT is_new THEN
		/* another file of the account with the same message is not read again and again */
		UPDATE scheduler.accounts AS a
		SET cursor = jsonb_set(a.cursor, '{copies}', coalesce(a.cursor -> 'copies', '[]') || to_jsonb($4))
		WHERE a.user_id = $1 AND a.account_id = $3 AND $4 IS NOT NULL AND NOT scheduler.knows_mail($1, $3, $4);
		RETURN;
	END IF;
	body_key := scheduler.body_key($1);
	INSERT INTO scheduler.email_bodies (user_id, email_id, raw, body_text, key_id)
	VALUES ($1, row.email_id, scheduler.seal_body($1, row.email_id, body_key, $2),
		CASE WHEN body_key IS NULL THEN mail.body_text END, body_key);
	IF NOT row.processed THEN
		PERFORM scheduler.enqueue('mail.process', jsonb_build_object('email_id', row.email_id),
			unique_key => row.email_id::text, user_id => $1);
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.store_mail(uuid, bytea, uuid, text, boolean, timestamptz, text) IS
	'Stores a mail once per account and enqueues its extraction once per user.';

/* What is kept of a mail over the limit: its header, at most 256 kB. */
CREATE FUNCTION scheduler.mail_head(raw bytea) RETURNS bytea
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT substr(h.head, 1, coalesce(least(nullif(position('\x0a0a'::bytea IN h.head), 0),
		nullif(position('\x0a0d0a'::bytea IN h.head), 0)), length(h.head)))
	FROM (SELECT substr($1, 1, 262144)) AS h (head)
$body$;
COMMENT ON FUNCTION scheduler.mail_head(bytea) IS 'The header of a mail without its body.';

CREATE FUNCTION scheduler.ingest_email(raw bytea, account_id uuid DEFAULT NULL) RETURNS uuid
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_generic_plan
	AS $body$
#variable_conflict error
DECLARE
	owner_id uuid := scheduler.check_calendar_user();
	is_large boolean := length($1) > pg_size_bytes(current_setting('scheduler.max_mail_bytes'));
BEGIN
	IF $1 IS NULL THEN
		RAISE EXCEPTION 'no mail given' USING ERRCODE = '22023', DETAIL = 'raw is NULL.',
			HINT = 'Give the bytes of an RFC 5322 message.';
	END IF;
	IF $2 IS NOT NULL AND NOT EXISTS (SELECT FROM scheduler.accounts AS a
		WHERE a.user_id = owner_id AND a.account_id = $2) THEN
		RAISE EXCEPTION 'no such account' USING ERRCODE = '42501',
			DETAIL = format('There is no account %s of yours.', $2),
			HINT = 'Take the id from scheduler.accounts, or leave it out.';
	END IF;
	RETURN (SELECT s.email_id FROM scheduler.store_mail(owner_id,
		CASE WHEN is_large THEN scheduler.mail_head($1) ELSE $1 END, $2, NULL, is_large, NULL, NULL) AS s);
END
$body$;
COMMENT ON FUNCTION scheduler.ingest_email(bytea, uuid) IS
	'Stores an RFC 5322 mail and enqueues its extraction; the same one again gives the same id and nothing new.';
GRANT EXECUTE ON FUNCTION scheduler.ingest_email(bytea, uuid) TO scheduler_user;

/* The policies of email_bodies bind the owner of both: nobody reads another's mail here. */
CREATE FUNCTION scheduler.email_raw(email_id uuid) RETURNS bytea
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT scheduler.open_body(b.user_id, b.email_id, b.key_id, b.raw)
	FROM scheduler.email_bodies AS b
	WHERE b.user_id = (SELECT scheduler.current_user_id()) AND b.email_id = $1
	$body$;
COMMENT ON FUNCTION scheduler.email_raw(uuid) IS 'A mail of the current user as it came, opened where it is sealed.';

CREATE FUNCTION scheduler.email_text(email_id uuid) RETURNS text
	LANGUAGE sql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT coalesce(b.body_text,
		(scheduler.parse_mail(scheduler.open_body(b.user_id, b.email_id, b.key_id, b.raw))).body_text)
	FROM scheduler.email_bodies AS b
	WHERE b.user_id = (SELECT scheduler.current_user_id()) AND b.email_id = $1
	$body$;
COMMENT ON FUNCTION scheduler.email_text(uuid) IS 'The text of a mail of the current user, attached mails included.';
GRANT EXECUTE ON FUNCTION scheduler.email_raw(uuid), scheduler.email_text(uuid) TO scheduler_viewer;

/* By the time the mail reached us, which its key begins with. */
CREATE FUNCTION scheduler.expire_bodies(max_rows bigint DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	first_kept uuid := (lpad(to_hex(greatest(0, extract(epoch FROM now() - scheduler.retention_of('email_bodies')) * 1000)::bigint),
		12, '0') || repeat('0', 20))::uuid;
BEGIN
	PERFORM scheduler.require_auditor();
	RETURN scheduler.expire_rows('email_bodies', format('o.email_id < %L AND NOT EXISTS (SELECT FROM scheduler.email_tracking m'
		' WHERE m.user_id = o.user_id AND m.email_id = o.email_id AND NOT m.processed)', first_kept), $1);
END
$body$;
COMMENT ON FUNCTION scheduler.expire_bodies(bigint) IS
	'Deletes mails that are over their time, but not what was read out of them, and none that is still to be read; for all users.';
ALTER FUNCTION scheduler.expire_bodies(bigint) OWNER TO scheduler_system;
GRANT EXECUTE ON FUNCTION scheduler.expire_bodies(bigint) TO scheduler_admin;
