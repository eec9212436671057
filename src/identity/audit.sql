/*
 * identity: what was done, by whom, to whom. Writers append without a number and without a lock; the worker numbers what
 * is committed and seals it, in batches, into a chain. README.md beside this file has the way of a row.
 */

/*
 * user_id: who acted; the system user where nobody was signed in. subject_user_id: whose account or rows were touched.
 * audit_seq: NULL until the row is sealed. No key on the parent: rows come once and go by the month.
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
	audit_seq bigint,
	CONSTRAINT audit_log_action_shape CHECK (action ~ '^[a-z_]+\.[a-z_]+$' AND length(action) <= 100),
	CONSTRAINT audit_log_outcome_known CHECK (outcome IN ('ok', 'refused', 'failed'))
) PARTITION BY RANGE (at);
COMMENT ON TABLE scheduler.audit_log IS
	'Who did what to whom: append-only, numbered and sealed by the worker; verify_audit_log() finds what was changed.';
SELECT scheduler.install_user_table('audit_log');
SELECT scheduler.install_default_partition('audit_log', 'user_id, audit_id', 'at');
/* make_partition() gives a month what the default partition has. */
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
	IF current_user = 'scheduler_system' AND TG_LEVEL = 'ROW' THEN
		RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
	END IF;
	RAISE EXCEPTION 'audit_log is append-only' USING ERRCODE = '42501',
		HINT = 'Rows go by retention (scheduler.set_retention()) and with the person they are about (scheduler.erase_user()).';
END
$body$;
COMMENT ON FUNCTION scheduler.guard_audit_log() IS
	'Trigger: only the extension''s own functions number rows of audit_log or let them go.';
CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON scheduler.audit_log
	FOR EACH ROW EXECUTE FUNCTION scheduler.guard_audit_log();
CREATE TRIGGER guard_whole BEFORE TRUNCATE ON scheduler.audit_log
	FOR EACH STATEMENT EXECUTE FUNCTION scheduler.guard_audit_log();

CREATE FUNCTION scheduler.record_audit(action text, outcome text DEFAULT 'ok', user_id uuid DEFAULT NULL,
	details jsonb DEFAULT '{}') RETURNS void
	LANGUAGE c VOLATILE SECURITY DEFINER
	AS 'MODULE_PATHNAME', 'sched_sql_record_audit';
/* Owned by scheduler_system: what nobody signed in for, and what was done to somebody else, is written too. */
ALTER FUNCTION scheduler.record_audit(text, text, uuid, jsonb) OWNER TO scheduler_system;
COMMENT ON FUNCTION scheduler.record_audit(text, text, uuid, jsonb) IS
	'Appends to audit_log: an action "room.verb" of the current user and role; user_id: whose account or rows it touched.';
