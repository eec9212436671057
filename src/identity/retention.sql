/*
 * identity: how long things are kept. What is shipped and what somebody set are rows of their own, so that a dump carries
 * the one and an upgrade may change the other.
 */
CREATE TABLE scheduler.retention_policies
(
	subject text NOT NULL,
	builtin boolean NOT NULL DEFAULT false,
	keep interval NOT NULL,
	CONSTRAINT retention_policies_pkey PRIMARY KEY (subject, builtin),
	CONSTRAINT retention_policies_keep_range CHECK (keep >= '1 hour')
);
COMMENT ON TABLE scheduler.retention_policies IS
	'How long rows are kept: shipped values (builtin), and those of set_retention(), which count before them.';
SELECT scheduler.install_shared_table('retention_policies', 'WHERE NOT builtin');
/* activities: what automatic steps were given and made of it. Mails are kept until somebody says otherwise. */
INSERT INTO scheduler.retention_policies (subject, builtin, keep) VALUES
	('activities', true, '90 days'),
	('failed_jobs', true, '30 days'),
	('completed_jobs', true, '90 days'),
	('changes', true, '7 days'),
	('schedule_runs', true, '30 days'),
	('llm_calls', true, '400 days'),
	('audit_log', true, '400 days'),
	('email_bodies', true, '100 years');

CREATE FUNCTION scheduler.retention_of(subject text) RETURNS interval
	LANGUAGE sql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
	SELECT p.keep FROM scheduler.retention_policies p WHERE p.subject = $1 ORDER BY p.builtin LIMIT 1
	$body$;
COMMENT ON FUNCTION scheduler.retention_of(text) IS 'How long rows of a kind are kept.';

CREATE FUNCTION scheduler.set_retention(subject text, keep interval DEFAULT NULL) RETURNS interval
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	PERFORM scheduler.require_auditor();
	IF NOT EXISTS (SELECT FROM scheduler.retention_policies p WHERE p.subject = $1 AND p.builtin) THEN
		RAISE EXCEPTION 'nothing is kept by this name'
			USING ERRCODE = '22023', DETAIL = format('The value is "%s".', left($1, 100)),
			HINT = 'SELECT subject FROM scheduler.retention_policies';
	ELSIF $2 < interval '1 hour' THEN
		RAISE EXCEPTION 'rows are kept for an hour at least'
			USING ERRCODE = '22023', DETAIL = format('The value is %s.', $2);
	END IF;
	IF $2 IS NULL THEN
		DELETE FROM scheduler.retention_policies p WHERE p.subject = $1 AND NOT p.builtin;
	ELSE
		INSERT INTO scheduler.retention_policies AS p (subject, keep) VALUES ($1, $2)
		ON CONFLICT ON CONSTRAINT retention_policies_pkey DO UPDATE SET keep = excluded.keep;
	END IF;
	PERFORM scheduler.record_audit('retention.set', details => jsonb_build_object('subject', $1, 'keep', $2));
	RETURN scheduler.retention_of($1);
END
$body$;
/* Owned by scheduler_system: nobody's rows, which no policy lets scheduler_owner write. */
ALTER FUNCTION scheduler.set_retention(text, interval) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.set_retention(text, interval) IS
	'How long rows are kept from now on, for the whole installation (admins only); NULL: as shipped. Returns what holds.';
GRANT EXECUTE ON FUNCTION scheduler.retention_of(text) TO scheduler_viewer;
GRANT EXECUTE ON FUNCTION scheduler.set_retention(text, interval) TO scheduler_admin;

/*
 * Deletes rows of a table, partition by partition and by their addresses, so that no index is needed and a portion costs a
 * portion. condition: of a row "o". Its callers are functions of the extension.
 */
CREATE FUNCTION scheduler.expire_rows(table_name text, condition text, max_rows bigint) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	leaf regclass;
	deleted bigint := 0;
	part bigint;
BEGIN
	FOR leaf IN
		SELECT t.relid FROM pg_partition_tree(format('scheduler.%I', $1)::regclass) AS t WHERE t.isleaf
		UNION ALL
		SELECT c.oid FROM pg_class c WHERE c.oid = format('scheduler.%I', $1)::regclass AND c.relkind = 'r'
		ORDER BY 1
	LOOP
		EXIT WHEN deleted >= $3;
		EXECUTE format('DELETE FROM %s d WHERE d.ctid = ANY (ARRAY(SELECT o.ctid FROM %1$s o WHERE %2$s LIMIT $1))', leaf, $2)
			USING $3 - deleted;
		GET DIAGNOSTICS part = ROW_COUNT;
		deleted := deleted + part;
	END LOOP;
	RETURN deleted;
END
$body$;
COMMENT ON FUNCTION scheduler.expire_rows(text, text, bigint) IS
	'Deletes at most so many rows of a table that a condition holds for; NULL: all of them.';

/*
 * Rows of the audit log go from its beginning, whole seals at a time. First a row says up to which number; when that is
 * sealed, verify_audit_log() no longer misses them.
 */
CREATE FUNCTION scheduler.expire_audit(max_rows bigint DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	wanted bigint;
	known bigint;
	said_at timestamptz;
BEGIN
	PERFORM scheduler.require_auditor();
	SELECT max(s.last_seq) INTO wanted FROM scheduler.audit_seals s
	WHERE s.sealed_at < now() - scheduler.retention_of('audit_log');
	IF wanted IS NULL THEN
		RETURN 0;
	END IF;
	SELECT max((a.details ->> 'through')::bigint), max(a.at) INTO known, said_at
	FROM scheduler.audit_log a WHERE a.action = 'audit.expired';
	IF wanted > coalesce(known, 0) AND coalesce(said_at < now() - interval '1 day', true) THEN
		PERFORM scheduler.record_audit('audit.expired', details => jsonb_build_object('through', wanted)),
			scheduler.seal_rows(NULL, false);
	END IF;
	SELECT max((a.details ->> 'through')::bigint) INTO known
	FROM scheduler.audit_log a WHERE a.action = 'audit.expired' AND a.audit_seq IS NOT NULL;
	RETURN CASE WHEN known IS NULL THEN 0
		ELSE scheduler.expire_rows('audit_log', format('o.audit_seq <= %s', known), $1) END;
END
$body$;
/* Owned by scheduler_system: it deletes everybody's rows. */
ALTER FUNCTION scheduler.expire_audit(bigint) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.expire_audit(bigint) IS
	'Deletes rows of audit_log that are over their time; their digests stay in audit_seals.';
GRANT EXECUTE ON FUNCTION scheduler.expire_audit(bigint) TO scheduler_admin;
