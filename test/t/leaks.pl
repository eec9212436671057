# What leaks without a row being read: writing, COPY and locks on every relation, cheap functions before a policy, EXPLAIN,
# statistics, notifications, shadowing, prepared statements, SQL in every text argument, kinds and secrets of the
# installation, and how long "not yours" takes beside "not there". All walks go over the catalog.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;
use Victim;

my $s = Sched->start('leaks', conf => "scheduler.poll_interval = 500\nshared_preload_libraries = 'scheduler,pg_stat_statements'\ntrack_functions = all\n");
my $node = $s->node;
my $mark = $Victim::mark;
$s->sql('CREATE EXTENSION pg_stat_statements');
my ($b, $known) = Victim::install($s);

sub as_role { my ($role, $sql) = @_; return $s->sql($sql, $role); }

# All that a client is told, errors and notices too.
sub told
{
	my ($role, $sql) = @_;
	my ($code, $out, $err) = $node->psql('postgres', $sql, extra_params => [ '-U', $role ], on_error_stop => 0);
	return "$out\n$err";
}

# What a client is told, statement by statement.
sub told_each
{
	my ($role, @statements) = @_;
	my ($code, $out, $err) = $node->psql('postgres', join("\n", map { "$_;\n\\echo =#=\n\\warn =#=" } @statements), extra_params => [ '-U', $role ], on_error_stop => 0);
	my @out = split /^=#=\n?/m, $out, -1;
	my @err = split /^.*=#=\n?/m, $err, -1;
	return map { "$out[$_]\n$err[$_]" } 0 .. $#statements;
}
my @relations = split /\n/,
  $s->sql("SELECT oid::regclass FROM pg_class WHERE relnamespace = 'scheduler'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') ORDER BY 1");
# A row of the audit log gets its number and seal a moment later.
sub rows_of_b { $s->sql('SELECT scheduler.seal_rows(NULL, true)'); return $s->sql("SELECT public.rows_of('$b')"); }
my $before = rows_of_b();

# ---- writing, copying and locking, whatever the relation ----

$s->sql(q{CREATE FUNCTION public.try_writes(attacker name) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE r record; statement text; state text; BEGIN
	FOR r IN SELECT c.oid::regclass AS name, a.attname AS col FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1
		WHERE c.relnamespace = 'scheduler'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') LOOP
		FOREACH statement IN ARRAY ARRAY['INSERT INTO %1$s DEFAULT VALUES', 'UPDATE %1$s SET %2$I = %2$I', 'DELETE FROM %1$s', 'TRUNCATE %1$s',
			'SELECT FROM %1$s FOR UPDATE', 'LOCK TABLE %1$s IN ROW EXCLUSIVE MODE', 'CREATE TRIGGER t AFTER INSERT ON %1$s EXECUTE FUNCTION suppress_redundant_updates_trigger()',
			'CREATE INDEX ON %1$s (%2$I)', 'ALTER TABLE %1$s DISABLE ROW LEVEL SECURITY', 'CREATE POLICY p ON %1$s USING (true)', 'COMMENT ON TABLE %1$s IS NULL',
			'CREATE TABLE of_a.child () INHERITS (%1$s)', 'CREATE TABLE of_a.child (x uuid REFERENCES %1$s (%2$I))', 'DROP TABLE %1$s', 'REINDEX TABLE %1$s', 'CLUSTER %1$s'] LOOP
			BEGIN
				EXECUTE format('SET LOCAL ROLE %I', attacker);
				EXECUTE format(statement, r.name, r.col);
				RAISE EXCEPTION USING ERRCODE = 'ZZ999';
			EXCEPTION WHEN OTHERS THEN
				GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE;
				/* A secret is typed in there: the trigger takes the line, no row of it is kept under that name; see below. */
				CONTINUE WHEN state = 'ZZ999' AND r.name = 'scheduler.secret_input'::regclass AND statement = 'INSERT INTO %1$s DEFAULT VALUES'
					AND pg_has_role(attacker, 'scheduler_user', 'MEMBER');
				/* 42809, 0A000, 55000: not with a view or a partitioned table, said before the rights are looked at. */
				IF state NOT IN ('42501', '42809', '0A000', '55000', '42830') THEN RETURN NEXT state || ' ' || format(statement, r.name, r.col); END IF;
			END;
		END LOOP;
	END LOOP; END $$;
	REVOKE ALL ON FUNCTION public.try_writes FROM PUBLIC});

foreach my $role (@Victim::attackers)
{
	is($s->sql("SET client_min_messages = error; SELECT public.try_writes('$role')"), '', "$role writes, locks and alters nothing");
	my @copies = told_each($role, map { /stat_|^scheduler\.\w+s$|secret_input/ ? "COPY (SELECT * FROM $_) TO STDOUT" : "COPY $_ TO STDOUT" } @relations);
	is(join(' ', map { $relations[$_] } grep { $copies[$_] =~ /$mark|$known/ } 0 .. $#relations), '', "... and copies nothing of B's out");
	my $into = join '', map { told($role, "COPY $_ FROM STDIN;\n\\.\n") =~ /denied|not supported|cannot copy/ ? '' : "$_ " } @relations;
	is($into, $role eq 'looker' ? '' : 'scheduler.secret_input ', '... nor anything in, but secrets of his own');
}

# What the one write-only place takes: secrets of one's own. A refused line leaves its reason, where its writer sees it.
foreach my $role (grep { $_ ne 'looker' } @Victim::attackers)
{
	told($role, "COPY scheduler.secret_input (name, hosts, value) FROM STDIN;\nfrom.copy\texample.org\tunseen-of-$role\nNo Name\texample.org\tunseen-of-$role\n\\.\n");
	told($role, "INSERT INTO scheduler.secret_input (name, hosts, value) VALUES ('from.insert', 'example.org', 'unseen-of-$role')");
	unlike(told($role, 'SELECT * FROM scheduler.secret_input'), qr/unseen|$mark|$known/, "what $role types into secret_input is not to be read");
}
is($s->sql(q{SELECT string_agg(DISTINCT u.role_name || ' ' || s.name, ', ' ORDER BY u.role_name || ' ' || s.name) FROM scheduler.sealed_secrets s JOIN scheduler.users u USING (user_id)}),
	"a from.copy, a from.insert, b $mark, dev from.copy, dev from.insert", '... each keeps his own');
is(rows_of_b(), $before, '... and B has what he had');

# ---- a function that costs nothing is not asked before the policy ----

as_role('a', q{
	CREATE FUNCTION of_a.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'seen %', $1; RETURN true; END $$;
	CREATE FUNCTION of_a.tell(text, text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'seen %', $1; RETURN true; END $$;
	CREATE OPERATOR of_a.<<< (LEFTARG = text, RIGHTARG = text, FUNCTION = of_a.tell, RESTRICT = scalarltsel)});
my @told = told_each('a', map { ("SELECT FROM $_ x WHERE of_a.tell(x::text)", "SELECT FROM $_ x WHERE x::text OPERATOR(of_a.<<<) ''") } @relations);
is(join(' ', map { $relations[$_ / 2] } grep { $told[$_] =~ /$mark|$known/ } 0 .. $#told), '', 'no policy is asked after a function or operator of the reader');
my $seen = grep { /seen/ } @told;
cmp_ok($seen, '>', 5, "... which does see the reader's own rows ($seen)");
@told = told_each('a', map { "SELECT 1 / (strpos(x::text, '$mark') - strpos(x::text, '$mark')) FROM $_ x WHERE x::text ~ '$mark'" } @relations);
is(join(' ', map { $relations[$_] } grep { $told[$_] =~ /division by zero/ } 0 .. $#relations), '', '... nor is an error made of another\'s row');

# ---- plans, statistics, what runs and what is sent ----

$s->sql("ANALYZE");
my @plans = told_each('a', map { "EXPLAIN (ANALYZE, VERBOSE, BUFFERS) SELECT * FROM $_ x WHERE x::text <> ''" } @relations);
is(join(' ', map { $relations[$_] } grep { $plans[$_] =~ /$mark|$known/ } 0 .. $#relations), '', 'no plan shows a value of B\'s');
foreach my $role (@Victim::attackers)
{
	my $statistics = told($role, 'SELECT s FROM pg_stats s; SELECT s FROM pg_stats_ext s; SELECT s FROM pg_stats_ext_exprs s; SELECT s FROM pg_statistic s;'
		  . ' SELECT a FROM pg_stat_activity a; SELECT s FROM pg_stat_statements s; SELECT l FROM pg_locks l; SELECT p FROM pg_prepared_xacts p; SELECT c FROM pg_cursors c');
	is(join(' ', $statistics =~ /($mark|$known)/g), '', "$role learns nothing from statistics, activity, statements and locks");
}
my $listener = $s->session('a');
$listener->sql('LISTEN scheduler');
as_role('b', "SELECT scheduler.complete_task(task_id) FROM scheduler.tasks WHERE description = '$mark two'");
as_role('b', "SELECT scheduler.add_task('$mark two')");
$s->sql('SELECT scheduler.arm()');
$s->comes_true('changes of B\'s are numbered', 'SELECT count(*) FROM scheduler.new_changes', 0);
$s->sql('SELECT scheduler.disarm()');
$before = rows_of_b();
my $heard = told('a', "LISTEN scheduler; SELECT change_seq FROM scheduler.changes WHERE user_id <> scheduler.current_user_id()");
unlike($heard, qr/$mark|$known/, 'a notification carries a number only');
$listener->close;

# ---- names of one's own before ours ----

my $catalog = q{pg_class pg_proc pg_attribute pg_namespace pg_roles pg_authid pg_auth_members pg_type pg_database pg_timezone_names};
as_role('a', 'SELECT scheduler.add_task($$of a$$)');
my $shadows = join '; ', map { "CREATE TEMP TABLE $_ AS SELECT 'shadow'::text AS x" } split(/ /, $catalog), map { s/^scheduler\.//r } @relations;
my $honest = as_role('a', q{SELECT scheduler.me() ->> 'email', (SELECT count(*) FROM scheduler.jobs), (SELECT string_agg(description, ',') FROM scheduler.tasks)});
is(as_role('a', "$shadows; SET search_path = pg_temp, of_a, scheduler, pg_catalog; SELECT scheduler.me() ->> 'email', (SELECT count(*) FROM scheduler.jobs),"
	  . " (SELECT string_agg(description, ',') FROM scheduler.tasks)"), $honest, 'temporary tables with our names change no answer');
like(told('a', "$shadows; SET search_path = pg_temp, pg_catalog; SELECT scheduler.add_task('under shadows') IS NOT NULL, scheduler.plan() IS NOT NULL;"
	  . " SELECT scheduler.enqueue('noop', run_at => now() + '1 day') IS NOT NULL"), qr/^t\|t\n(.*\n)*t$/m, '... and tasks are added and planned in spite of them');

# Every operator of the common types, and functions that bodies use, in a schema before pg_catalog; a sequence remembers
# also what was rolled back.
as_role('a', q{
	CREATE SEQUENCE of_a.alarm; GRANT USAGE ON SCHEMA of_a TO PUBLIC; GRANT ALL ON SEQUENCE of_a.alarm TO PUBLIC;
	DO $do$ DECLARE o record; BEGIN
		FOR o IN SELECT oprname, oprleft::regtype AS l, oprright::regtype AS r, oprresult::regtype AS result, row_number() OVER () AS n FROM pg_operator
			WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprkind = 'b' AND oprcode <> 0::oid AND oprleft = ANY ('{text,uuid,int4,int8,timestamptz,jsonb,bool,interval,name,oid,tstzrange}'::regtype[])
				AND oprright = ANY ('{text,uuid,int4,int8,timestamptz,jsonb,bool,interval,name,oid,tstzrange}'::regtype[]) LOOP
			EXECUTE format($f$CREATE FUNCTION of_a.op%s(%s, %s) RETURNS %s LANGUAGE plpgsql AS $b$ BEGIN
				IF current_user::text LIKE 'scheduler%%' THEN PERFORM nextval('of_a.alarm'); END IF; RETURN $1 OPERATOR(pg_catalog.%s) $2; END $b$ $f$, o.n, o.l, o.r, o.result, o.oprname);
			EXECUTE format('CREATE OPERATOR of_a.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = of_a.op%s)', o.oprname, o.l, o.r, o.n);
		END LOOP;
		FOR o IN SELECT f, t FROM (VALUES ('lower', 'text'), ('upper', 'text'), ('length', 'text'), ('to_jsonb', 'text'), ('jsonb_typeof', 'jsonb'), ('md5', 'text')) AS v (f, t) LOOP
			EXECUTE format($f$CREATE FUNCTION of_a.%1$s(%2$s) RETURNS text LANGUAGE plpgsql AS $b$ BEGIN
				IF current_user::text LIKE 'scheduler%%' THEN PERFORM nextval('of_a.alarm'); END IF; RETURN pg_catalog.%1$s($1); END $b$ $f$, o.f, o.t);
		END LOOP;
		CREATE FUNCTION of_a.now() RETURNS timestamptz LANGUAGE plpgsql AS $b$ BEGIN
			IF current_user::text LIKE 'scheduler%' THEN PERFORM nextval('of_a.alarm'); END IF; RETURN pg_catalog.now(); END $b$;
	END $do$});
is(as_role('a', 'SET search_path = of_a, pg_catalog; SELECT is_called FROM of_a.alarm'), 'f', 'the alarm is set');
my $callable = q{SELECT format('SELECT count(*) FROM scheduler.%I(%s)', p.proname, (SELECT string_agg(CASE
		WHEN t = 'uuid' THEN $$'ffffffff-ffff-7fff-8fff-ffffffffffff'$$ WHEN t = 'text' THEN 'LITERAL' WHEN t = 'text[]' THEN 'ARRAY[LITERAL]' WHEN t = 'boolean' THEN 'true'
		WHEN t IN ('integer', 'bigint', 'numeric') THEN '30' WHEN t = 'date' THEN 'current_date' WHEN t = 'interval' THEN $$'1 hour'$$
		WHEN t = 'jsonb' THEN '(JSON)' WHEN t = 'jsonb[]' THEN 'ARRAY[(JSON)]' WHEN t = 'timestamp with time zone' THEN $$pg_catalog.now()$$
		WHEN t = 'tstzrange' THEN $$tstzrange(pg_catalog.now(), NULL)$$ WHEN t = 'bytea' THEN 'convert_to(LITERAL, $$UTF8$$)' ELSE 'NULL' END || '::' || t, ', ' ORDER BY n)
	FROM (SELECT format_type(x, NULL) AS t, n FROM unnest(p.proargtypes) WITH ORDINALITY AS u (x, n)) AS a))
	FROM pg_proc p WHERE p.pronamespace = 'scheduler'::regnamespace AND p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype
		AND has_function_privilege('ROLE', p.oid, 'EXECUTE') AND p.proname <> 'wait_for_job'};

sub every_call
{
	my ($role, $text) = @_;
	my $json = "jsonb_build_object('url', $text, 'm', $text)";
	return map { s/LITERAL/$text/gr =~ s/\(JSON\)/$json/gr } split /\n/, $s->sql($callable =~ s/'ROLE'/'$role'/r);
}
foreach my $role ('a', 'dev')
{
	my @calls = every_call($role, "'noop'::text");
	my @answers = told_each($role, 'SET client_min_messages = error', 'SET search_path = of_a, pg_catalog', @calls);
	cmp_ok(scalar(grep { !/ERROR/ } @answers), '>', 40, "$role calls functions under a search_path of his own (" . @calls . ')');
	is($s->sql('SELECT is_called FROM of_a.alarm'), 'f', '... and no operator or function of it runs with the extension\'s rights');
}

# ---- prepared statements keep no policy of who prepared them ----

is($s->sql(q{SET ROLE b; PREPARE mine AS SELECT count(*) FROM scheduler.tasks; SET ROLE a; PREPARE ours AS SELECT count(*) FROM scheduler.tasks;
	EXECUTE ours; EXECUTE ours; EXECUTE ours; EXECUTE ours; EXECUTE ours; EXECUTE ours; EXECUTE mine; SET ROLE looker; EXECUTE mine; EXECUTE ours}),
	join("\n", (as_role('a', 'SELECT count(*) FROM scheduler.tasks')) x 7, 0, 0), 'a prepared statement shows the rows of who executes it');

# ---- SQL in every text argument ----

$s->sql('CREATE SEQUENCE public.struck; GRANT ALL ON SEQUENCE public.struck TO PUBLIC');
foreach my $role ('a', 'dev')
{
	my (@odd, $calls);
	foreach my $text (q{x'); SELECT nextval('public.struck'); --}, q{x" || nextval('public.struck') || "}, q{' || nextval('public.struck') || '}, q{$$; SELECT nextval('public.struck'); $$},
		q{%s %I %L %1$s \\' {{auth}} ${jndi}}, q{nextval('public.struck')})
	{
		my @calls = every_call($role, "'" . ($text =~ s/'/''/gr) . "'::text");
		$calls += @calls;
		my @answers = told_each($role, 'SET client_min_messages = error', @calls);
		foreach my $i (0 .. $#calls)
		{
			my $answer = $answers[ $i + 1 ] // '';
			push @odd, "$calls[$i]: $answer" if $answer =~ /syntax error|Failing row|unterminated|column ".*" does not exist|XX000|unrecognized format|too few arguments for format/;
		}
	}
	is(join("\n", @odd), '', "$role puts SQL into every text argument ($calls calls): no statement is made of it, no error shows a row");
}
is($s->sql('SELECT is_called FROM public.struck'), 'f', '... and none of it was executed');
is(rows_of_b(), $before, '... and B has what he had');

# ---- the installation's kinds and secrets ----

$s->sql(q{SELECT scheduler.set_secret('installation', 'no real value', ARRAY['localhost:9'], scheduler.system_user_id());
	SELECT scheduler.add_model('installation', 'openai', 'm', 'installation', 'http://localhost:9/v1', user_id => scheduler.system_user_id())});
foreach my $role ('a', 'looker', 'nobody_yet')
{
	my @open = grep { told($role, "SELECT scheduler.enqueue('$_', run_at => now() + '1 day')") !~ /42501|not enqueue|permission denied|may not|no current user/ }
	  split /\n/, $s->sql('SELECT kind FROM scheduler.job_kinds WHERE builtin ORDER BY 1');
	is("@open", $role eq 'a' ? 'noop' : '', "$role enqueues no kind of the installation's own" . ($role eq 'a' ? ' but the one for measuring' : ''));
	like(told($role, "SELECT scheduler.http_call('GET', 'http://localhost:9/', auth => 'secret:installation')"), qr/permission denied|not allowed|may not/, '... and calls nothing with its secrets');
}
as_role('a', "SELECT scheduler.add_model('mine', 'openai', 'm', 'installation', 'http://localhost:9/v2'); SELECT scheduler.set_model('assist', 'mine')");
$s->sql('SELECT scheduler.arm()');
my $asked = as_role('a', "SELECT scheduler.chat('hello')");
like(as_role('a', "SELECT error FROM scheduler.wait_for_job('$asked')"), qr/no such secret/, '... and a model of his own that names one of them is not given it');
$s->sql('SELECT scheduler.disarm()');

# ---- somebody who has signed up: no login of his own, a token or act_as() in a pooled one ----

$s->sql(q{CREATE ROLE pool LOGIN; GRANT scheduler_service, scheduler_user TO pool});
my $signed_up = $s->sql("SELECT scheduler.create_user('up\@example.org', 'Up')");
my $as_him = "BEGIN; SELECT scheduler.act_as('$signed_up')";
is(told('pool', "$as_him; SELECT scheduler.me() ->> 'email'") =~ s/\s//gr, 'up@example.org', 'one login stands for whoever signed up');
@told = told_each('pool', $as_him, map { ('SAVEPOINT s', "SELECT x FROM $_ x", 'ROLLBACK TO s') } @relations);
is(join(' ', map { $relations[$_] } grep { $told[ 3 * $_ + 2 ] =~ /$mark|$known/ } 0 .. $#relations), '', '... who sees nothing of B\'s in any relation');
is(join(' ', grep { told('pool', "$as_him; SELECT scheduler.enqueue('$_', run_at => now() + '1 day')") !~ /permission denied|may not|not enqueue/ }
	  split /\n/, $s->sql("SELECT kind FROM scheduler.job_kinds WHERE kind <> 'noop' ORDER BY 1")), '', '... to whom every kind is refused but the one for measuring');
like(told('pool', "$as_him; SELECT scheduler.http_call('GET', 'http://localhost:9/', auth => 'secret:installation')"), qr/permission denied/, '... and every call with the installation\'s secrets');
foreach my $try ("SET ROLE b", "SET SESSION AUTHORIZATION b", "SELECT scheduler.set_secret('x', 'some value', ARRAY['example.org'], '$b')", "SELECT scheduler.export_user_data('$b')",
	"SELECT scheduler.erase_user('$b')", "SELECT scheduler.disable_user('$b')", "SELECT scheduler.panic()", "SELECT scheduler.record_audit('x')", "SELECT scheduler.sign_token('$b', '1 h', gen_random_uuid())")
{
	like(told('pool', "$as_him; $try"), qr/permission denied|only an admin|needs membership/, "... nor can he: $try");
}
is(told('pool', "$as_him; COMMIT; SELECT scheduler.current_user_id() IS NULL") =~ s/\s//gr, 't', '... and at the end of the transaction nobody is there');

# ---- how long a refusal takes: another's id and one that nobody has ----

$s->sql(q{CREATE FUNCTION public.time_refusals(attacker name, function name, known uuid) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE own double precision[] := '{}'; other double precision[] := '{}'; start timestamptz; i integer; id uuid; BEGIN
	FOR i IN 1 .. 300 LOOP
		id := CASE WHEN i % 2 = 0 THEN known ELSE gen_random_uuid() END;
		start := clock_timestamp();
		BEGIN
			EXECUTE format('SET LOCAL ROLE %I', attacker);
			start := clock_timestamp();
			EXECUTE format('SELECT scheduler.%I(%L)', function, id);
			RAISE EXCEPTION 'done';
		EXCEPTION WHEN OTHERS THEN
			IF i % 2 = 0 THEN own := own || extract(epoch FROM clock_timestamp() - start)::double precision; ELSE other := other || extract(epoch FROM clock_timestamp() - start)::double precision; END IF;
		END;
	END LOOP;
	RETURN (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM unnest(own) AS x) / (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM unnest(other) AS x);
END $$; REVOKE ALL ON FUNCTION public.time_refusals FROM PUBLIC});
my @ratios = split /\n/, $s->sql(q{SET client_min_messages = error;
	SELECT round(public.time_refusals('a', p.proname, x.id)::numeric, 2) || ' ' || p.proname FROM pg_proc p JOIN public.ids x ON x.name = p.proargnames[1]
	WHERE p.pronamespace = 'scheduler'::regnamespace AND p.prokind = 'f' AND p.pronargs - p.pronargdefaults = 1 AND p.proargtypes[0] = 'uuid'::regtype AND has_function_privilege('a', p.oid, 'EXECUTE')
		AND p.proname <> 'wait_for_job' AND x.name <> 'user_id'
		AND x.id = (SELECT y.id FROM public.ids y WHERE y.name = x.name LIMIT 1)});
note("time for another's id as against an unknown one: @ratios");
cmp_ok(scalar(@ratios), '>', 8, 'functions timed: ' . @ratios);
is(join(', ', grep { my ($ratio) = split / /; $ratio > 1.5 || $ratio < 0.67 } @ratios), '', 'nobody tells another\'s id from an unknown one by the clock');

$node->stop;
done_testing();
