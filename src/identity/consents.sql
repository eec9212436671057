/*
 * identity: what a user has agreed to. The rooms that send something ask has_consent() where it leaves.
 */
CREATE TABLE scheduler.consents
(
	user_id uuid NOT NULL DEFAULT scheduler.required_user_id(),
	purpose text NOT NULL,
	given_at timestamptz NOT NULL DEFAULT now(),
	withdrawn_at timestamptz,
	CONSTRAINT consents_pkey PRIMARY KEY (user_id, purpose),
	CONSTRAINT consents_user_fkey FOREIGN KEY (user_id) REFERENCES scheduler.users ON DELETE CASCADE,
	CONSTRAINT consents_purpose_known CHECK (purpose IN ('remote_model', 'analytics'))
);
COMMENT ON TABLE scheduler.consents IS
	'What a user has agreed to, and until when: remote_model (mails and questions may go to models outside), analytics.';
SELECT scheduler.install_user_table('consents');

CREATE FUNCTION scheduler.check_purpose(purpose text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	IF $1 IS NULL OR $1 <> ALL (ARRAY['remote_model', 'analytics']) THEN
		RAISE EXCEPTION 'unknown purpose'
			USING ERRCODE = '22023', DETAIL = format('The value is "%s".', left($1, 100)),
			HINT = 'Known are remote_model and analytics.';
	END IF;
END
$body$;
COMMENT ON FUNCTION scheduler.check_purpose(text) IS 'Raises 22023 unless consent can be given for this.';

/* Only for oneself: nobody agrees for another. */
CREATE FUNCTION scheduler.give_consent(purpose text) RETURNS boolean
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	giver uuid := scheduler.required_user_id();
BEGIN
	PERFORM scheduler.check_purpose($1);
	INSERT INTO scheduler.consents AS c (user_id, purpose) VALUES (giver, $1)
	ON CONFLICT ON CONSTRAINT consents_pkey DO UPDATE SET given_at = now(), withdrawn_at = NULL
	WHERE c.withdrawn_at IS NOT NULL;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	PERFORM scheduler.record_audit('consent.given', 'ok', giver, jsonb_build_object('purpose', $1));
	RETURN true;
END
$body$;
COMMENT ON FUNCTION scheduler.give_consent(text) IS
	'The current user agrees to a purpose, remote_model or analytics; false where he had already.';

/* Waits for a worker that is about to send because of it; what is on its way is stopped by a trigger of the room that sends. */
CREATE FUNCTION scheduler.withdraw_consent(purpose text) RETURNS boolean
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	giver uuid := scheduler.required_user_id();
BEGIN
	PERFORM scheduler.check_purpose($1);
	PERFORM scheduler.wait_patiently();
	UPDATE scheduler.consents c SET withdrawn_at = now()
	WHERE c.user_id = giver AND c.purpose = $1 AND c.withdrawn_at IS NULL;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	PERFORM scheduler.record_audit('consent.withdrawn', 'ok', giver, jsonb_build_object('purpose', $1));
	RETURN true;
END
$body$;
COMMENT ON FUNCTION scheduler.withdraw_consent(text) IS
	'The current user takes his consent back: from its commit on nothing leaves for that purpose. False where there was none.';

/* Locks the row until the end of the transaction: a withdrawal comes before what is sent because of it, or after and stops it. */
CREATE FUNCTION scheduler.has_consent(purpose text) RETURNS boolean
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
BEGIN
	PERFORM FROM scheduler.consents c
	WHERE c.user_id = scheduler.current_user_id() AND c.purpose = $1 AND c.withdrawn_at IS NULL
	FOR SHARE;
	RETURN FOUND;
END
$body$;
COMMENT ON FUNCTION scheduler.has_consent(text) IS
	'Whether the current user has agreed to a purpose, and will have until the end of the transaction.';
GRANT EXECUTE ON FUNCTION scheduler.give_consent(text), scheduler.withdraw_consent(text) TO scheduler_user;
