/* jobs: what a change to somebody's account means for jobs. The identity room knows nothing of this. */

/* Few or none: whom to pass over when jobs are taken. */
CREATE INDEX users_inactive_idx ON scheduler.users (user_id) WHERE NOT is_active;

/*
 * Whoever takes jobs passes over those of a disabled user; this takes back what somebody has already, in the same
 * transaction. A call that is under way is answered as lost, because nobody knows any more what came of it: its handler
 * decides about that when the user is back. Anything else starts again, and the attempt does not count. A handler that
 * runs in a runner is interrupted at commit; what it wrote goes with it, as the job is no longer its own.
 */
CREATE FUNCTION scheduler.follow_account() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	lost scheduler.http_response := ROW(NULL, NULL, NULL, 'lost: the user was disabled while the call was under way', NULL,
		'lost', true)::scheduler.http_response;
BEGIN
	IF NEW.is_active THEN
		PERFORM scheduler.wake_workers('jobs'), scheduler.wake_workers('queues'), scheduler.wake_workers('runners');
		RETURN NULL;
	END IF;
	PERFORM scheduler.wait_patiently();
	/* As cancel_job() does, which locks rows of a family from above. */
	PERFORM scheduler.take_lock(1398362949, uuid_hash(NEW.user_id));
	UPDATE scheduler.live_jobs l SET lease = NULL, worker_pid = NULL, ready = true,
		status = CASE WHEN l.request IS DISTINCT FROM NULL THEN l.status ELSE 'pending' END,
		attempts = CASE WHEN l.request IS DISTINCT FROM NULL THEN l.attempts ELSE greatest(l.attempts - 1, 0) END,
		response = CASE WHEN l.request IS DISTINCT FROM NULL AND l.response IS NOT DISTINCT FROM NULL THEN lost
			ELSE l.response END,
		contested = l.contested OR l.lease_until IS NOT NULL, lease_until = NULL
	WHERE l.user_id = NEW.user_id AND l.lease IS NOT NULL;
	PERFORM scheduler.wake_workers('cancels');
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION scheduler.follow_account() IS
	'Trigger: the jobs of a user who was disabled wait, those of one who was enabled go on.';
CREATE TRIGGER follow_account AFTER UPDATE OF is_active ON scheduler.users
	FOR EACH ROW WHEN (OLD.is_active <> NEW.is_active) EXECUTE FUNCTION scheduler.follow_account();

/*
 * Who has registered the kind identity.reset hears of each request: its handler, or whoever claims its jobs, gets the
 * address, asks password_reset_token() and sends the answer to its owner. The same job for an address nobody has. The
 * kind's owner is an administrator: nobody else gets a token.
 */
CREATE FUNCTION scheduler.announce_reset() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $body$
#variable_conflict error
DECLARE
	owner uuid := (SELECT k.owner_id FROM scheduler.job_kinds k WHERE k.kind = 'identity.reset');
BEGIN
	IF owner IS NOT NULL THEN
		PERFORM scheduler.enqueue('identity.reset', jsonb_build_object('email', NEW.email), unique_key => NEW.email,
			user_id => owner);
	END IF;
	RETURN NULL;
END
$body$;
COMMENT ON FUNCTION scheduler.announce_reset() IS
	'Trigger: a job of kind identity.reset, where somebody has registered that, for each request for a new password.';
CREATE TRIGGER announce_reset AFTER INSERT OR UPDATE ON scheduler.reset_requests
	FOR EACH ROW EXECUTE FUNCTION scheduler.announce_reset();
