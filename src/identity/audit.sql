/*
 * identity: what was done, by whom, to whom. Writers append without a number and without a lock; the worker numbers what
 * is committed and seals it, in batches, into a chain. README.md beside this file has the way of a row.
 */

/*
 * user_id: who acted; the system user where nobody was signed in. subject_user_id: whose account or rows were touched.
 * audit_seq: NULL until the row is sealed. No key on the parent: rows come once and go by the month. No CHECK either: the
 * server reads it anew for every insert, which is a third of the insert's time; record_audit() checks.
 */
CREATE TABLE scheduler.audit_log
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	audit_id uuid NOT NULL DEFAULT scheduler.uuid7(),
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	actor_role text NOT NULL,
	action text NOT NULL,
	outcome text NOT NULL,
	subject_user_id uuid,
	details jsonb NOT NULL DEFAULT '{}',
	address inet,
	audit_seq bigint
) PARTITION BY RANGE (at);
COMMENT ON TABLE scheduler.audit_log IS
	'Who did what to whom: append-only, numbered and sealed by the worker; verify_audit_log() finds what was changed.';
SELECT scheduler.install_user_table('audit_log');
SELECT scheduler.install_default_partition('audit_log', 'user_id, audit_id', 'at');
/* make_partition() gives a month what the default partition has. Rows go by their numbers, not by their time. */
DROP INDEX scheduler.audit_log_default_at_idx;
CREATE INDEX audit_log_default_unsealed_idx ON scheduler.audit_log_default (audit_id) WHERE audit_seq IS NULL;
CREATE INDEX audit_log_default_seq_idx ON scheduler.audit_log_default (audit_seq) WHERE audit_seq IS NOT NULL;
CREATE INDEX audit_log_default_subject_idx ON scheduler.audit_log_default (subject_user_id)
	WHERE subject_user_id IS NOT NULL;
/* Whoever answers for the installation sees all of it. */
CREATE POLICY administrators ON scheduler.audit_log FOR SELECT TO scheduler_admin USING (true);

/* A fence, not the proof: who takes the trigger off is found by verify_audit_log(). */
CREATE FUNCTION scheduler.guard_audit_log() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF current_user = 'scheduler_system' AND TG_OP <> 'TRUNCATE' THEN
		RETURN NULL;
	END IF;
	RAISE EXCEPTION 'audit_log is append-only' USING ERRCODE = '42501',
		HINT = 'Rows go by retention (scheduler.set_retention()) and with the person they are about (scheduler.erase_user()).';
END
$body$;
COMMENT ON FUNCTION scheduler.guard_audit_log() IS
	'Trigger: only the extension''s own functions number rows of audit_log or let them go.';
CREATE TRIGGER guard BEFORE UPDATE OR DELETE OR TRUNCATE ON scheduler.audit_log
	FOR EACH STATEMENT EXECUTE FUNCTION scheduler.guard_audit_log();

CREATE FUNCTION scheduler.record_audit(action text, outcome text DEFAULT 'ok', user_id uuid DEFAULT NULL,
	details jsonb DEFAULT '{}') RETURNS void
	LANGUAGE c VOLATILE SECURITY DEFINER
	AS 'MODULE_PATHNAME', 'sched_sql_record_audit';
/* Owned by scheduler_system: what nobody signed in for, and what was done to somebody else, is written too. */
ALTER FUNCTION scheduler.record_audit(text, text, uuid, jsonb) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.record_audit(text, text, uuid, jsonb) IS
	'Appends to audit_log: an action "room.verb" of the current user and role; user_id: whose account or rows it touched.';

/*
 * The chain. digests: one for each row of the batch, in the order of their numbers; they stay when rows go. hash: over the
 * batch and the hash before it; signature: of the hash, under a key that is derived from the master key file.
 */
CREATE TABLE scheduler.audit_seals
(
	seal_seq bigint NOT NULL,
	first_seq bigint NOT NULL,
	last_seq bigint NOT NULL,
	sealed_at timestamptz NOT NULL,
	previous bytea NOT NULL,
	digests bytea NOT NULL,
	hash bytea NOT NULL,
	key_id text NOT NULL,
	signature bytea NOT NULL,
	CONSTRAINT audit_seals_pkey PRIMARY KEY (seal_seq),
	CONSTRAINT audit_seals_last_seq_key UNIQUE (last_seq)
);
COMMENT ON TABLE scheduler.audit_seals IS
	'Seals of audit_log: each covers the rows first_seq to last_seq and everything sealed before.';
SELECT scheduler.install_shared_table('audit_seals', readable => false);
CREATE POLICY administrators ON scheduler.audit_seals FOR SELECT TO scheduler_admin USING (true);
GRANT SELECT ON scheduler.audit_seals TO scheduler_admin;
/* Random bytes: nothing to compress. */
ALTER TABLE scheduler.audit_seals ALTER digests SET STORAGE EXTERNAL;
CREATE TRIGGER guard BEFORE UPDATE OR DELETE OR TRUNCATE ON scheduler.audit_seals
	FOR EACH STATEMENT EXECUTE FUNCTION scheduler.guard_audit_log();

CREATE FUNCTION scheduler.audit_digest(user_id uuid, audit_id uuid, at timestamptz, actor_role text, action text,
	outcome text, subject_user_id uuid, details text, address text) RETURNS bytea
	LANGUAGE c IMMUTABLE
	AS 'MODULE_PATHNAME', 'sched_sql_audit_digest';
COMMENT ON FUNCTION scheduler.audit_digest(uuid, uuid, timestamptz, text, text, text, uuid, text, text) IS
	'SHA-256 over the columns of a row of audit_log.';

/* One door for both callers: the worker does not wait, and is not told where there is no key. */
CREATE FUNCTION scheduler.seal_rows(max_rows bigint, patient boolean) RETURNS bigint
	LANGUAGE c VOLATILE SECURITY DEFINER
	AS 'MODULE_PATHNAME', 'sched_sql_seal_audit_log';
/* Owned by scheduler_system: it seals everybody's rows. */
ALTER FUNCTION scheduler.seal_rows(bigint, boolean) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.seal_rows(bigint, boolean) IS 'Numbers and seals rows of audit_log; how many.';

/* Nothing about the log may keep the worker from its other work. */
CREATE FUNCTION scheduler.seal_in_passing(max_rows bigint) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	RETURN scheduler.seal_rows($1, false);
EXCEPTION WHEN OTHERS THEN
	RAISE LOG 'audit log not sealed: %', SQLERRM;
	RETURN 0;
END
$body$;
COMMENT ON FUNCTION scheduler.seal_in_passing(bigint) IS 'seal_rows() for the worker: without waiting, and without an error.';

CREATE FUNCTION scheduler.require_auditor() RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF NOT scheduler.caller_has_role('scheduler_admin') THEN
		RAISE EXCEPTION 'only an admin handles the audit log'
			USING ERRCODE = '42501', HINT = 'This needs membership of scheduler_admin.';
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.require_auditor() IS 'Raises 42501 unless the caller is an administrator.';

CREATE FUNCTION scheduler.seal_audit_log() RETURNS bigint
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	PERFORM scheduler.require_auditor();
	RETURN scheduler.seal_rows(NULL, true);
END
$body$;
COMMENT ON FUNCTION scheduler.seal_audit_log() IS
	'Seals what is in audit_log and not sealed yet, as the worker does by itself; returns how many rows (admins only).';

CREATE FUNCTION scheduler.noted_audit_head(OUT file text, OUT seal_seq bigint, OUT hash bytea)
	LANGUAGE c VOLATILE
	AS 'MODULE_PATHNAME', 'sched_sql_noted_audit_head';
COMMENT ON FUNCTION scheduler.noted_audit_head() IS
	'The last seal as the file beside the master key has it; seal_seq NULL without a file, hash NULL where it cannot be read.';

CREATE FUNCTION scheduler.check_audit_seal(seal_seq bigint, first_seq bigint, last_seq bigint, sealed_at timestamptz,
	previous bytea, digests bytea, hash bytea, key_id text, signature bytea) RETURNS text
	LANGUAGE c STABLE STRICT
	AS 'MODULE_PATHNAME', 'sched_sql_check_audit_seal';
COMMENT ON FUNCTION scheduler.check_audit_seal(bigint, bigint, bigint, timestamptz, bytea, bytea, bytea, text, bytea) IS
	'NULL for a seal that is in order; "changed", "forged", or "key" where the master key is not the one it was made with.';

CREATE FUNCTION scheduler.audit_head() RETURNS text
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	PERFORM scheduler.require_auditor();
	RETURN (SELECT s.seal_seq || ':' || encode(s.hash, 'hex') FROM scheduler.audit_seals s
		ORDER BY s.seal_seq DESC LIMIT 1);
END
$body$;
COMMENT ON FUNCTION scheduler.audit_head() IS
	'The last seal, to be kept elsewhere and given to verify_audit_log(head): what was sealed until then cannot be made undone unseen.';

/*
 * Numbers whose rows are gone rightly, as sealed rows say: by retention up to a number, by the erasure of a person one by
 * one. A row excuses only what was sealed before it.
 */
CREATE FUNCTION scheduler.excused_audit_rows() RETURNS int8multirange
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT coalesce(range_agg(e.part), '{}')
	FROM (
		SELECT int8range(1, least((a.details ->> 'through')::bigint, a.audit_seq - 1), '[]') AS part
		FROM scheduler.audit_log a
		WHERE a.action = 'audit.expired' AND a.audit_seq > 1 AND a.details ->> 'through' ~ '^[1-9][0-9]{0,17}$'
		UNION ALL
		SELECT r.part * int8range(1, a.audit_seq)
		FROM scheduler.audit_log a, unnest((a.details ->> 'rows')::int8multirange) AS r (part)
		WHERE a.action = 'user.erased' AND a.audit_seq IS NOT NULL
			AND a.details ->> 'rows' ~ '^\{(\[\d{1,18},\d{1,18}\),?)*\}$') AS e
	$body$;
COMMENT ON FUNCTION scheduler.excused_audit_rows() IS 'Numbers of rows that went by retention or with the person they were about.';

/* What is wrong with the rows of one seal. */
CREATE FUNCTION scheduler.verify_sealed_rows(seal scheduler.audit_seals, excused int8multirange)
	RETURNS TABLE (audit_id uuid, problem text)
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT f.audit_id, CASE
		WHEN f.audit_seq IS NULL THEN format('row %s was removed', f.n)
		WHEN f.digest <> substr(($1).digests, ((f.n - ($1).first_seq) * 32 + 1)::integer, 32)
			THEN format('row %s is not the one that was sealed', f.n)
		ELSE format('row %s is there more than once', f.n) END
	FROM (SELECT n, a.audit_id, a.audit_seq, count(*) OVER (PARTITION BY n) AS times,
			scheduler.audit_digest(a.user_id, a.audit_id, a.at, a.actor_role, a.action, a.outcome, a.subject_user_id,
				a.details::text, a.address::text) AS digest
		FROM generate_series(($1).first_seq, ($1).last_seq) AS n
		LEFT JOIN (SELECT * FROM scheduler.audit_log l WHERE l.audit_seq BETWEEN ($1).first_seq AND ($1).last_seq) AS a
			ON a.audit_seq = n) AS f
	WHERE f.audit_seq IS NULL AND NOT $2 @> f.n
		OR f.audit_seq IS NOT NULL AND (f.times > 1
			OR f.digest <> substr(($1).digests, ((f.n - ($1).first_seq) * 32 + 1)::integer, 32))
	$body$;
COMMENT ON FUNCTION scheduler.verify_sealed_rows(scheduler.audit_seals, int8multirange) IS
	'Rows of a seal that are missing, changed or there twice.';

CREATE FUNCTION scheduler.verify_audit_log(head text DEFAULT NULL) RETURNS TABLE (audit_id uuid, problem text)
	LANGUAGE plpgsql STABLE SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	seal scheduler.audit_seals;
	number bigint := 0;
	last bigint := 0;
	hash bytea := decode(repeat('00', 32), 'hex');
	verdict text;
	excused int8multirange;
	noted record;
BEGIN
	PERFORM scheduler.require_auditor();
	excused := scheduler.excused_audit_rows();
	FOR seal IN SELECT s.* FROM scheduler.audit_seals s ORDER BY s.seal_seq LOOP
		IF seal.seal_seq <> number + 1 OR seal.first_seq <> last + 1 OR seal.previous <> hash THEN
			RETURN QUERY SELECT NULL::uuid, format('seal %s does not continue seal %s', seal.seal_seq, number);
		END IF;
		verdict := scheduler.check_audit_seal(seal.seal_seq, seal.first_seq, seal.last_seq, seal.sealed_at,
			seal.previous, seal.digests, seal.hash, seal.key_id, seal.signature);
		IF verdict <> 'key' THEN
			RETURN QUERY SELECT NULL::uuid, format('seal %s was %s', seal.seal_seq, verdict);
		END IF;
		/* A seal that was tampered with may claim any range. */
		IF seal.last_seq - seal.first_seq < 100000 THEN
			RETURN QUERY SELECT v.audit_id, v.problem FROM scheduler.verify_sealed_rows(seal, excused) AS v;
		END IF;
		number := seal.seal_seq;
		last := greatest(last, seal.last_seq);
		hash := seal.hash;
	END LOOP;
	/* A later signature covers the earlier ones, also those made with a former key. */
	IF verdict = 'key' THEN
		RETURN QUERY SELECT NULL::uuid, format('seal %s, the last one, was made with another master key', number);
	END IF;
	RETURN QUERY
		SELECT a.audit_id, format('row %s was never sealed', a.audit_seq) FROM scheduler.audit_log a
		WHERE a.audit_seq > last OR a.audit_seq < 1
		UNION ALL
		SELECT a.audit_id, format('before %s the end of the log was lost: seal %s', a.at, a.details ->> 'seal')
		FROM scheduler.audit_log a WHERE a.action = 'audit.end_lost' AND a.audit_seq IS NOT NULL;
	SELECT * INTO noted FROM scheduler.noted_audit_head();
	IF noted.seal_seq IS NOT NULL AND noted.hash IS NULL THEN
		RETURN QUERY SELECT NULL::uuid, format('file "%s" cannot be read', noted.file);
	ELSIF noted.seal_seq IS NOT NULL AND NOT EXISTS (SELECT FROM scheduler.audit_seals s
		WHERE s.seal_seq = noted.seal_seq AND s.hash = noted.hash) THEN
		RETURN QUERY SELECT NULL::uuid, format('seal %s, noted in file "%s", is missing', noted.seal_seq, noted.file);
	END IF;
	IF $1 IS NOT NULL AND NOT EXISTS (SELECT FROM scheduler.audit_seals s
		WHERE s.seal_seq || ':' || encode(s.hash, 'hex') = $1) THEN
		RETURN QUERY SELECT NULL::uuid, format('seal %s, kept elsewhere, is missing', split_part($1, ':', 1));
	END IF;
END
$body$;
/* Owned by scheduler_system: it reads everybody's rows, and says of each only its id. */
ALTER FUNCTION scheduler.verify_audit_log(text) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.verify_audit_log(text) IS
	'Rows of audit_log and seals that were changed, removed, inserted or re-ordered since they were sealed; none where all is well (admins only).';
ALTER FUNCTION scheduler.audit_head() OWNER TO scheduler_system;
ALTER FUNCTION scheduler.seal_audit_log() OWNER TO scheduler_system;
GRANT EXECUTE ON FUNCTION scheduler.seal_audit_log(), scheduler.audit_head(), scheduler.verify_audit_log(text),
	scheduler.require_auditor() TO scheduler_admin;
