package Victim;

# Somebody with a row in every table, and those who would like to see it: a (a user), dev (a developer), looker (a viewer who
# is no user) and nobody_yet (a user's role without a user). Whatever is B's carries a mark.
use strict;
use warnings;
use Test::More;

our $mark = 'canary7q';
our $claimed = '00000000-0000-7000-8000-00000000c1a1';
our @attackers = qw(a dev looker nobody_yet);

# Fills an armed server; disarms it. Returns B's user_id and a pattern of every id that is his. The superuser has
# public.rows_of(user), all that a user has in one text, and public.ids(name, id).
sub install
{
	my ($s) = @_;
	$s->sql(q{SELECT scheduler.create_master_key();
		CREATE ROLE a LOGIN; CREATE ROLE b LOGIN; CREATE ROLE dev LOGIN; CREATE ROLE looker LOGIN; CREATE ROLE nobody_yet LOGIN;
		SELECT scheduler.create_user(r || '@example.org', r, role_name => r) FROM unnest(ARRAY['a', 'b', 'dev']) AS r;
		GRANT scheduler_viewer TO looker; GRANT scheduler_developer TO dev; GRANT scheduler_user TO nobody_yet;
		CREATE SCHEMA of_a AUTHORIZATION a; CREATE SCHEMA of_dev AUTHORIZATION dev});
	my $b = $s->sql("SELECT user_id FROM scheduler.users WHERE role_name = 'b'");
	$s->sql(qq{
		SELECT scheduler.add_task('$mark one'), scheduler.add_task('$mark two');
		SELECT scheduler.add_event('$mark event', now() + interval '30 days', now() + interval '30 days 1 hour');
		SELECT scheduler.hold_slot(now() + interval '40 days', now() + interval '40 days 1 hour', '1 day');
		SELECT scheduler.protect_time('$mark lunch', now() + interval '50 days', now() + interval '50 days 1 hour');
		SELECT scheduler.set_day(current_date + 60);
		SELECT scheduler.set_secret('$mark', 'not-a-real-value', ARRAY['example.org']);
		INSERT INTO scheduler.secret_input (name, hosts, value) VALUES ('$mark refused', 'https://example.org', 'not-a-real-value');
		SELECT scheduler.add_model('$mark', 'openai', '$mark', '$mark', 'https://example.org/v1');
		SELECT scheduler.set_model('assist', '$mark');
		SELECT scheduler.save_schedule('$mark', 'noop', jsonb_build_object('m', '$mark'), every => '1 second');
		SELECT scheduler.enqueue('noop', jsonb_build_object('m', '$mark'), run_at => now() + interval '1 day', unique_key => '$mark');
		SELECT scheduler.ingest_email(convert_to(E'From: x\@example.org\\nSubject: $mark\\nMessage-ID: <$mark\@example.org>\\n\\nPlease send $mark by Friday.\\n', 'UTF8'));
		SELECT scheduler.recap()}, 'b');
	$s->comes_true('B has runs of a schedule', "SELECT count(*) > 0 FROM scheduler.schedule_runs", 't');
	$s->sql("SELECT scheduler.save_schedule('$mark', 'noop', jsonb_build_object('m', '$mark'), every => '1 year', enabled => false)", 'b');
	$s->comes_true('B\'s mail is read', 'SELECT count(*) FROM scheduler.email_tracking WHERE processed', 1);
	$s->comes_true('nothing is left to do', "SELECT count(*) FROM scheduler.live_jobs WHERE run_at < now()", 0);
	$s->sql('SELECT scheduler.disarm()');
	# What no function makes at once.
	$s->sql(qq{
		INSERT INTO scheduler.live_jobs (user_id, kind, payload, status, max_attempts, error, finished_at, ready, runner)
			VALUES ('$b', 'noop', '{"m": "$mark"}', 'dead', 1, '$mark', now(), false, false);
		CREATE ROLE outsiders; GRANT outsiders TO a, dev; SELECT scheduler.register_job_kind('outside', worker_role => 'outsiders');
		INSERT INTO scheduler.live_jobs (user_id, job_id, kind, payload, status, max_attempts, attempts, lease, lease_until, ready)
			VALUES ('$b', '$claimed', 'outside', '{"m": "$mark"}', 'running', 9, 1, 30, now() + interval '1 day', false);
		INSERT INTO scheduler.live_jobs (user_id, kind, payload, max_attempts, ready) VALUES ('$b', 'outside', '{"m": "$mark"}', 9, true);
		INSERT INTO scheduler.accounts (user_id, provider, address, settings) VALUES ('$b', 'maildir', '$mark', '{"path": "/$mark"}');
		INSERT INTO scheduler.connection_tests (user_id, what, ok, error) VALUES ('$b', 'model:$mark', false, '$mark');
		INSERT INTO scheduler.audit_log (user_id, actor_role, action, outcome, subject_user_id, details)
			VALUES ('$b', 'b', 'session.login', 'ok', '$b', '{"m": "$mark"}');
		INSERT INTO scheduler.sign_in_sessions (user_id, family_hash, token_hash, address, agent, expires_at)
			VALUES ('$b', '$mark', '$mark', '192.0.2.1', '$mark', now() + interval '1 day');
		INSERT INTO scheduler.known_addresses (user_id, address_hash) VALUES ('$b', '$mark');
		INSERT INTO scheduler.invitations (user_id, email, token_hash, expires_at)
			VALUES ('$b', '$mark\@example.org', '$mark', now() + interval '1 day');
		INSERT INTO scheduler.password_resets (user_id, token_hash, expires_at) VALUES ('$b', '$mark', now() + interval '1 day');
		INSERT INTO scheduler.llm_calls (user_id, model_id, model, purpose, outcome) VALUES ('$b', '$mark', '$mark', 'assist', 'ok');
		INSERT INTO scheduler.external_identities (user_id, issuer, subject) VALUES ('$b', 'https://$mark.example', '$mark');
		INSERT INTO scheduler.oauth_grants (user_id, provider, purposes, state_hash, token_hosts, api_hosts)
			VALUES ('$b', 'google', '{mail.read}', '$mark', '{$mark.example}', '{$mark.example}');
		INSERT INTO scheduler.task_dependencies (user_id, task_id, depends_on_id)
			SELECT '$b', min(task_id::text)::uuid, max(task_id::text)::uuid FROM scheduler.tasks WHERE user_id = '$b';
		INSERT INTO scheduler.scheduling_conflicts (user_id, conflict_type, task_id, detail)
			SELECT user_id, 'deadline_impossible', task_id, '$mark' FROM scheduler.tasks WHERE user_id = '$b' LIMIT 1});
	$s->comes_true('changes are numbered', 'SELECT count(*) FROM scheduler.new_changes', 0);
	$s->sql('SELECT scheduler.seal_rows(NULL, true)');

	# Only the superuser's own: what B has, in one number, and every id in it.
	$s->sql(q{
		CREATE FUNCTION public.rows_of(owner uuid) RETURNS text LANGUAGE plpgsql AS $$
		DECLARE t regclass; part text; whole text := ''; BEGIN
			FOR t IN SELECT c.oid FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'user_id'
				WHERE c.relnamespace = 'scheduler'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1 LOOP
				EXECUTE format('SELECT md5(string_agg(x::text, E''\n'' ORDER BY x::text)) FROM %s x WHERE user_id = $1', t) INTO part USING owner;
				whole := whole || t || ' ' || coalesce(part, '-') || E'\n';
			END LOOP; RETURN whole; END $$;
		CREATE TABLE public.ids (name text, id uuid);
		REVOKE ALL ON public.ids FROM PUBLIC; REVOKE ALL ON FUNCTION public.rows_of FROM PUBLIC});
	my $empty = join ', ', grep { /^\S+ -$/ } split /\n/, $s->sql("SELECT public.rows_of('$b')");
	# The system user's alone, and what is on its way to changes.
	$empty =~ s/(?:, )?scheduler\.(?:secret_endpoints|new_changes|reset_requests) -//g;
	is($empty, '', 'B has rows in every table with a user');
	$s->sql(qq{DO \$\$ DECLARE c record; BEGIN
		FOR c IN SELECT r.relname, a.attname FROM pg_class r JOIN pg_attribute a ON a.attrelid = r.oid AND a.atttypid = 'uuid'::regtype
			WHERE r.relnamespace = 'scheduler'::regnamespace AND r.relkind IN ('r', 'p') AND NOT r.relispartition
				AND EXISTS (SELECT FROM pg_attribute u WHERE u.attrelid = r.oid AND u.attname = 'user_id') LOOP
			EXECUTE format('INSERT INTO public.ids SELECT %L, %I FROM scheduler.%I WHERE user_id = %L AND %I IS NOT NULL LIMIT 1',
				c.attname, c.attname, c.relname, '$b', c.attname);
		END LOOP;
		INSERT INTO public.ids VALUES ('job_id', '$claimed');
		DELETE FROM public.ids x USING public.ids y WHERE x.ctid > y.ctid AND x.id = y.id;
		DELETE FROM public.ids WHERE id = scheduler.system_user_id(); END \$\$});
	my $known = $s->sql("SELECT string_agg(id::text, '|') FROM public.ids");
	return ($b, $known);
}

1;
