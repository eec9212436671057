# Nobody reaches another's rows: a walk over the catalog, so that what is added later is walked too, and the known ways round
# row-level security. B's rows carry a mark; A, a developer, a viewer without a user and a user's role without a user look at
# every table, view and partition and call every function they may execute with B's ids.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);
use Victim;

my $s = Sched->start('isolation', conf => "scheduler.poll_interval = 500\n");
my $node = $s->node;
my $mark = $Victim::mark;

sub as_role { my ($role, $sql) = @_; return $s->sql($sql, $role); }
my ($b, $known) = Victim::install($s);

# ---- every table, view and partition ----

foreach my $role (@Victim::attackers)
{
	my @seen;
	foreach my $relation (split /\n/, $s->sql("SELECT oid::regclass FROM pg_class WHERE relnamespace = 'scheduler'::regnamespace AND relkind IN ('r', 'p', 'v')"))
	{
		my (undef, $out, $err) = $node->psql('postgres', "SELECT x FROM $relation x", extra_params => [ '-U', $role ]);
		push @seen, $relation if "$out$err" =~ /$mark|$known/;
	}
	is("@seen", '', "$role sees nothing of B's in any relation");
	my (undef, $rows, $problem) = $node->psql('postgres', 'SELECT count(*) FROM scheduler.finished_jobs_default', extra_params => [ '-U', $role ]);
	like($problem, qr/permission denied/, "... and partitions are not reached by name");
}

# ---- every function, with B's ids, names, and nothing ----

$s->sql(q{CREATE FUNCTION public.attack(attacker name, mark text, owner uuid) RETURNS TABLE (what text, finding text) LANGUAGE plpgsql AS $attack$
DECLARE
	f record; i record; arguments text; unknown text; answer text; state text; words text; twin text; before text := public.rows_of(owner);
	known text := (SELECT string_agg(id::text, '|') FROM public.ids); variant integer; calls integer := 0;
BEGIN
	FOR f IN SELECT p.oid, p.proname, p.proargnames AS names, ARRAY(SELECT format_type(t, NULL) FROM unnest(p.proargtypes) WITH ORDINALITY AS u (t, n) ORDER BY n) AS types
		FROM pg_proc p WHERE p.pronamespace = 'scheduler'::regnamespace AND p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype
			AND has_function_privilege(attacker, p.oid, 'EXECUTE') LOOP
		FOR i IN SELECT * FROM public.ids UNION ALL SELECT 'nothing', NULL ORDER BY 1 LOOP
			/* Without an id among the arguments it is called with names, and with nothing. */
			CONTINUE WHEN i.id IS NOT NULL AND i.name <> 'user_id' AND NOT f.types && ARRAY['uuid', 'uuid[]', 'jsonb'];
			FOR variant IN 0 .. CASE WHEN i.id IS NULL THEN 0 ELSE 1 END LOOP
				SELECT coalesce(string_agg(CASE
					WHEN i.id IS NULL THEN 'NULL'
					WHEN t = 'uuid' AND variant = 1 AND n.name = 'user_id' THEN 'NULL'
					WHEN t = 'uuid' THEN quote_literal(i.id) WHEN t = 'uuid[]' THEN format('ARRAY[%L]', i.id)
					WHEN t = 'jsonb' THEN quote_literal(jsonb_build_object(i.name, i.id, 'parent_task_id', i.id))
					WHEN t = 'jsonb[]' THEN format('ARRAY[%L::jsonb]', jsonb_build_object(i.name, i.id))
					WHEN n.name = 'kinds' THEN $$ARRAY['outside']$$
					WHEN n.name = 'kind' THEN quote_literal('noop') WHEN n.name = 'what' THEN quote_literal('model:' || mark)
					WHEN n.name = 'purpose' THEN quote_literal('assist')
					WHEN n.name IN ('from_time', 'starts_at', 'start_at', 'received_at') THEN $$now() + interval '20 days'$$
					WHEN t = 'timestamp with time zone' THEN $$now() + interval '60 days'$$ WHEN t = 'interval' THEN $$'1 hour'$$
					WHEN n.name = 'within' THEN $$tstzrange(now(), now() + interval '60 days')$$
					WHEN t = 'boolean' THEN 'true' WHEN t IN ('integer', 'bigint', 'numeric') THEN '30'
					WHEN t = 'date' THEN 'current_date' WHEN n.name IN ('timezone', 'zone') THEN $$'UTC'$$
					WHEN n.name = 'path' THEN $$'/'$$ WHEN n.name = 'hosts' THEN $$ARRAY['evil.example']$$
					WHEN t = 'text' THEN quote_literal(mark) ELSE 'NULL' END || '::' || t, ', ' ORDER BY n.place), '')
				INTO arguments
				FROM unnest(f.types) WITH ORDINALITY AS a (t, place) LEFT JOIN unnest(f.names) WITH ORDINALITY AS n (name, place) USING (place)
				CROSS JOIN LATERAL (SELECT n.name, a.place) AS unused (name2, place2);
				calls := calls + 1;
				what := format('%s(%s)', f.proname, arguments);
				answer := ''; words := ''; state := '00000';
				BEGIN
					EXECUTE format('SET LOCAL ROLE %I', attacker);
					EXECUTE format('SELECT string_agg(x::text, '' '') FROM scheduler.%I(%s) AS x', f.proname, arguments) INTO answer;
					RESET ROLE;
					IF public.rows_of(owner) <> before THEN words := 'CHANGED'; END IF;
					RAISE EXCEPTION USING ERRCODE = 'ZZ999', MESSAGE = words;
				EXCEPTION WHEN OTHERS THEN
					GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, words = MESSAGE_TEXT, twin = PG_EXCEPTION_DETAIL;
					IF state = 'ZZ999' AND words = 'CHANGED' THEN finding := 'changes the rows of another'; RETURN NEXT; END IF;
					words := concat_ws(' ', words, twin);
				END;
				/* What went in may come out. */
				answer := replace(coalesce(answer, '') || ' ' || words, coalesce(i.id::text, 'x'), '');
				IF answer ~ known OR (answer ~ mark AND arguments !~ mark) THEN finding := 'shows ' || left(answer, 200); RETURN NEXT; END IF;
				IF state ~ '^(XX|40|23P01)' THEN finding := state || ' ' || left(words, 200); RETURN NEXT; END IF;
				/* The same words for an id that nobody has. */
				IF i.id IS NOT NULL AND state <> 'ZZ999' THEN
					unknown := 'ffffffff-ffff-7fff-8fff-ffffffffffff';
					BEGIN
						EXECUTE format('SET LOCAL ROLE %I', attacker);
						EXECUTE format('SELECT string_agg(x::text, '' '') FROM scheduler.%I(%s) AS x', f.proname, replace(arguments, i.id::text, unknown)) INTO answer;
						RAISE EXCEPTION USING ERRCODE = 'ZZ999', MESSAGE = '';
					EXCEPTION WHEN OTHERS THEN
						GET STACKED DIAGNOSTICS answer = MESSAGE_TEXT, twin = PG_EXCEPTION_DETAIL;
						answer := concat_ws(' ', answer, twin);
						IF regexp_replace(replace(answer, unknown, ''), '\d{2,}\S*', '', 'g')
							<> regexp_replace(replace(words, i.id::text, ''), '\d{2,}\S*', '', 'g') THEN
							finding := format('tells %s from an unknown id: "%s" and "%s"', i.name, left(words, 150), left(answer, 150)); RETURN NEXT;
						END IF;
					END;
				END IF;
			END LOOP;
		END LOOP;
	END LOOP;
	what := 'calls'; finding := calls; RETURN NEXT;
END $attack$; REVOKE ALL ON FUNCTION public.attack FROM PUBLIC});

foreach my $role (@Victim::attackers)
{
	my @lines = split /\n/, $s->sql("SET client_min_messages = error; SELECT what || ': ' || finding FROM public.attack('$role', '$mark', '$b')");
	my $calls = pop @lines;
	is(join("\n", @lines), '', "$role gets nothing of B's from any function and changes nothing ($calls)");
}

# ---- work from outside, which wants an armed database ----

my $before = $s->sql("SELECT public.rows_of('$b')");
$s->sql('SELECT scheduler.arm()');
is(as_role($_, "SELECT count(*) FROM scheduler.claim_jobs('{outside}')"), 0, "$_ may claim jobs of this kind, but none of B's") foreach ('a', 'dev');
like($s->failure("SELECT scheduler.claim_jobs('{outside}')", $_), qr/permission denied/, "$_ may claim nothing") foreach ('looker', 'nobody_yet');
is($s->sql("SELECT public.rows_of('$b')"), $before, '... and B has what he had');
$s->sql('SELECT scheduler.disarm()');

# ---- operators and functions of one's own before pg_catalog ----

as_role('a', q{
	CREATE TABLE of_a.loot (x text); GRANT ALL ON of_a.loot TO PUBLIC; GRANT USAGE ON SCHEMA of_a TO PUBLIC;
	CREATE FUNCTION of_a.same(a uuid, b uuid) RETURNS boolean LANGUAGE plpgsql AS
		$$ BEGIN INSERT INTO of_a.loot VALUES (current_user); RETURN uuid_eq(a, b); END $$;
	CREATE FUNCTION of_a.same(a text, b text) RETURNS boolean LANGUAGE plpgsql AS
		$$ BEGIN INSERT INTO of_a.loot VALUES (current_user); RETURN texteq(a, b); END $$;
	CREATE OPERATOR of_a.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = of_a.same);
	CREATE OPERATOR of_a.= (LEFTARG = text, RIGHTARG = text, FUNCTION = of_a.same)});
as_role('a', q{SET search_path = of_a, pg_catalog; SET client_min_messages = error;
	SELECT scheduler.enqueue('noop', run_at => now() + '1 day', unique_key => 'k');
	SELECT scheduler.enqueue('noop', run_at => now() + '1 day', unique_key => 'k', unique_mode => 'replace');
	SELECT scheduler.enqueue_many('noop', ARRAY['{}']::jsonb[], run_at => now() + '1 day');
	SELECT scheduler.may_enqueue('noop'), scheduler.created_here(scheduler.uuid7()), scheduler.armed(), scheduler.worker_problem();
	SELECT scheduler.cancel_job(j.job_id) FROM scheduler.jobs j;
	SELECT scheduler.add_task('mine'), scheduler.me()});
as_role('dev', q{SET search_path = of_a, pg_catalog; SET client_min_messages = error;
	SELECT scheduler.step_job_now(scheduler.enqueue('noop'))});
is($s->sql("SELECT count(*) FROM of_a.loot WHERE x LIKE 'scheduler%'"), 0, "a caller's operators never run with the extension's rights");

# ---- code that the server runs for a table's owner while somebody else is outside ----

$s->sql("UPDATE scheduler.users SET role_name = 'postgres' WHERE role_name = 'b'");
as_role('dev', q{
	CREATE TABLE of_dev.loot (x text); CREATE TABLE of_dev.bait (i int); INSERT INTO of_dev.bait SELECT generate_series(1, 10);
	CREATE FUNCTION of_dev.handler(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE sql AS $$ SELECT scheduler.step_done() $$;
	CREATE FUNCTION of_dev.deed() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
		INSERT INTO of_dev.loot SELECT description FROM scheduler.tasks;
		IF scheduler.caller_has_role('scheduler_admin') THEN INSERT INTO of_dev.loot VALUES ('admin'); END IF;
		BEGIN PERFORM scheduler.register_job_kind('evil.root', 'of_dev.handler', run_as => 'postgres'); INSERT INTO of_dev.loot VALUES ('kind'); EXCEPTION WHEN OTHERS THEN NULL; END;
		BEGIN PERFORM scheduler.add_task('planted'); INSERT INTO of_dev.loot VALUES ('task'); EXCEPTION WHEN OTHERS THEN NULL; END;
	END $$;
	CREATE FUNCTION of_dev.f(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
		IF current_setting('application_name') <> 'quiet' THEN PERFORM of_dev.deed(); END IF; RETURN i; END $$;
	SET application_name = 'quiet';
	CREATE INDEX ON of_dev.bait (of_dev.f(i));
	GRANT USAGE ON SCHEMA of_dev TO PUBLIC});
$s->sql("SET client_min_messages = error; ANALYZE of_dev.bait; REINDEX TABLE of_dev.bait");
is($s->sql("SELECT string_agg(DISTINCT x, ', ') FROM of_dev.loot"), '', 'an index expression does not act as whoever maintains the table');
is($s->sql("SELECT count(*) FROM scheduler.job_kinds WHERE kind = 'evil.root'"), 0, '... and registers nothing');
$s->sql("UPDATE scheduler.users SET role_name = 'b' WHERE role_name = 'postgres'");
as_role('a', q{CREATE MATERIALIZED VIEW of_a.mine AS SELECT description FROM scheduler.tasks; REFRESH MATERIALIZED VIEW of_a.mine});
is(as_role('a', 'SELECT count(*) FROM of_a.mine'), 1, 'a materialized view of one\'s own still sees one\'s own rows');

# ---- handlers that try to get out ----

as_role('dev', q{
	CREATE FUNCTION of_dev.escape(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS $$ BEGIN
		IF job.payload ? 'sql' THEN EXECUTE job.payload ->> 'sql'; END IF;
		IF job.payload ? 'hold_on' THEN
			LOOP BEGIN PERFORM pg_sleep(100); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP;
		END IF;
		IF job.payload ? 'hollow' AND (response).failure IS NULL THEN RETURN scheduler.step_request(ROW(NULL, NULL, NULL, NULL, NULL, NULL)::scheduler.http_request); END IF;
		IF job.payload ? 'late' THEN RETURN scheduler.step_retry('later', '178000000 years'); END IF;
		RETURN scheduler.step_done(to_jsonb(coalesce((response).failure, current_user)));
	END $$;
	SELECT scheduler.register_job_kind('dev.escape', 'of_dev.escape', max_attempts => 1, timeout => '1 s');
	SELECT scheduler.register_job_kind('dev.late', 'of_dev.escape', max_attempts => 3, timeout => '10 s')});
$s->sql('SELECT scheduler.arm()');

sub outcome
{
	my ($payload, $kind, $seconds) = @_;
	$payload =~ s/'/''/g;
	my $id = as_role('dev', "SELECT scheduler.enqueue('" . ($kind // 'dev.escape') . "', '$payload')");
	return as_role('dev', "SELECT status, coalesce(error, result::text) FROM scheduler.wait_for_job('$id', '" . ($seconds // 15) . " s')");
}

foreach my $try ('RESET ROLE', 'SET ROLE postgres', 'SET ROLE scheduler_system', 'RESET SESSION AUTHORIZATION', 'SET SESSION AUTHORIZATION postgres',
	'DISCARD ALL', 'CREATE TEMP TABLE users (i int)', 'LISTEN scheduler', 'PREPARE p AS SELECT 1', 'DECLARE c CURSOR WITH HOLD FOR SELECT 1',
	"SELECT set_config('role', 'postgres', false)", "SELECT set_config('session_authorization', 'postgres', true)",
	"SELECT scheduler.enqueue('noop', user_id => '$b')", "SELECT scheduler.set_secret('x', 'some value', ARRAY['example.org'], '$b')",
	'SELECT * FROM scheduler.sealed_secrets', "INSERT INTO scheduler.tasks (description) VALUES ('x')")
{
	like(outcome("{\"sql\": \"$try\"}"), qr/^dead\|.*\(42501\)$/, "a handler cannot: $try");
}
as_role('dev', 'CREATE TABLE of_dev.parents (id int PRIMARY KEY); CREATE TABLE of_dev.children (id int REFERENCES of_dev.parents DEFERRABLE INITIALLY DEFERRED)');
is(outcome('{"sql": "WITH p AS (INSERT INTO of_dev.parents VALUES (1) RETURNING id) INSERT INTO of_dev.children SELECT id FROM p"}'), 'succeeded|"dev"',
	'tables with deferred constraints can be written');
like(outcome('{"sql": "INSERT INTO of_dev.children VALUES (2)"}'), qr/^dead\|.*\(23503\)$/, '... and whoever breaks one is to blame');
is(outcome('{"sql": "RESET ALL"}'), 'succeeded|"dev"', 'RESET ALL changes nothing about who it is');
is(outcome('{"hollow": 1}'), 'succeeded|"bad_request"', 'a request of nothing but NULLs is refused, not forgotten');
my $start = time;
like(outcome('{"hold_on": 1}', 'dev.escape', 30), qr/^dead\|/, 'a handler that catches its time-out is ended');
cmp_ok(time - $start, '<', 20, '... within seconds');
my $held = as_role('dev', q{SELECT scheduler.register_job_kind('dev.hold', 'of_dev.escape', timeout => '1 hour'); SELECT scheduler.enqueue('dev.hold', '{"hold_on": 1}')});
$held =~ s/\s//g;
$s->comes_true('a handler runs that catches every interrupt', "SELECT count(*) FROM scheduler.stat_workers WHERE job_id = '$held'", 1);
is(as_role('a', 'SELECT count(*) FROM scheduler.stat_workers WHERE job_id IS NOT NULL'), 0, '... of which others are not told');
is(as_role('dev', "SELECT scheduler.cancel_job('$held')"), 't', '... it is cancelled');
$s->comes_true('... and gives its process back', "SELECT count(*) FROM scheduler.stat_workers WHERE job_id = '$held'", 0, 20);
as_role('dev', q{SELECT scheduler.enqueue('dev.late', '{"late": 1}')});
$s->comes_true('a retry beyond the calendar stays within it', "SELECT run_at < now() + interval '101 years' FROM scheduler.jobs WHERE kind = 'dev.late' AND attempts = 1", 't');

# ---- whoever can connect can take advisory locks ----

my $a = $s->sql("SELECT user_id FROM scheduler.users WHERE role_name = 'a'");
my $holder = $node->background_psql('postgres', extra_params => [ '-U', 'looker' ]);
$holder->query_safe("SELECT pg_advisory_lock(1398362948, n) FROM generate_series(1, 3) AS n; SELECT pg_advisory_lock(c, uuid_hash('$a')) FROM unnest(ARRAY[1396919116, 1398362949]) AS c");
is($s->failure("SET lock_timeout = '3 s'; SELECT scheduler.add_task('not held up'); SELECT scheduler.cancel_job(job_id) FROM scheduler.jobs", 'a'), '',
	'nobody holds up a calendar with an advisory lock');
as_role('a', "SELECT scheduler.enqueue('noop', queue => 'line')");
$s->comes_true('... nor the queues', "SELECT count(*) FROM scheduler.live_jobs WHERE queue = 'line'", 0, 10);
$holder->quit;

# ---- one user's schedule does not stop everybody's ----

my $pid = $s->worker_pid;
foreach my $when ("'-infinity'", "'infinity'", "'4000-01-01 BC'", "'294000-01-01'")
{
	like($s->failure("SELECT scheduler.save_schedule('s', 'noop', every => '1 s', starts_at => $when)", 'a'), qr/within a hundred years/, "no schedule from $when");
}
$s->sql("INSERT INTO scheduler.schedules (user_id, name, kind, every, timezone, next_run_at)"
	  . " SELECT user_id, 'poison', 'noop', '1 s', 'UTC', '-infinity' FROM scheduler.users WHERE role_name = 'a'; SELECT scheduler.wake_workers('schedules')");
$s->comes_true('one that cannot be reckoned is switched off', "SELECT NOT enabled FROM scheduler.schedules WHERE name = 'poison'", 't');
is($s->worker_pid, $pid, '... and the worker lives');

# ---- secrets of the installation, and what is handed over ----

$s->sql(q{SELECT scheduler.set_secret('shared', 'no real value', ARRAY['localhost:9'], scheduler.system_user_id());
	SELECT scheduler.add_model('shared', 'openai', 'm', 'shared', 'http://localhost:9/v1', user_id => scheduler.system_user_id())});
as_role('dev', q{SELECT scheduler.set_secret('own', 'no real value', ARRAY['example.org'])});

sub refusal
{
	my ($url, $headers, $auth) = @_;
	my $id = as_role('dev', "SELECT scheduler.http_call('POST', '$url', '$headers', auth => '$auth')");
	return as_role('dev', "SELECT error FROM scheduler.wait_for_job('$id')");
}
like(refusal('http://localhost:9/v1/chat/completions', '{"X-Organization": "{{auth}}"}', 'secret:shared'),
	qr/installation is sent as Authorization only/, 'the installation\'s secret goes into no header of a user\'s choice');
like(refusal('http://localhost:9/v1/other', '{}', 'secret:shared'), qr/no such secret/, '... and to no other path');
like(refusal('http://example.org:443/', '{}', 'secret:own'), qr/without TLS/, 'nor is any sent in clear to the port of TLS');

$node->append_conf('postgresql.conf', "log_statement = 'all'\nlog_min_duration_statement = 0\nlog_parameter_max_length_on_error = -1\n");
$node->reload;
my $value = '90' . join '', map { int rand 10 } 1 .. 24;
foreach my $name ('bound', 'no name!')
{
	append_to_file($node->basedir . '/bound.sql', "SELECT scheduler.set_secret('$name', :v, ARRAY['example.org']);\n");
	system('pgbench', '-n', '-M', 'extended', '-t', 1, '-f', $node->basedir . '/bound.sql', '-D', "v=$value", '-h', $node->host, '-p', $node->port, '-U', 'a', 'postgres');
}
is(as_role('a', "SELECT count(*) FROM scheduler.secrets WHERE name = 'bound'"), 1, 'a secret comes as a bound parameter');
my $log = slurp_file($node->logfile);
ok($log =~ /set_secret\('bound', \$1/ && index($log, $value) < 0, '... which no log shows, not even where it logs everything');
is(system('grep', '-rqaF', $value, $node->data_dir) >> 8, 1, '... and no file of the cluster');

is($s->sql("SELECT count(*) FROM scheduler.tasks WHERE user_id = '$b' AND description LIKE '$mark%'"), 2, 'B has what he had');
$node->stop;
done_testing();
