# A dump holds everything but the right to act: pg_dump after months of partitions, in each format, then pg_restore
# --exit-on-error into a fresh database of the same server and of another one; equal rows in every table and partition,
# nothing is claimed before arm(), everything works after it.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);

my $folder = PostgreSQL::Test::Utils::tempdir();
mkdir "$folder/$_" or die $! foreach qw(box box/tmp box/new box/cur);
my $node;

# What runs in here believes that it is so many days ago, from its start on.
sub days_ago
{
	my ($days, $what) = @_;
	local $ENV{FAKETIME} = (-86400 * $days) . 's';
	local $ENV{FAKETIME_DONT_FAKE_MONOTONIC} = 1;
	local $ENV{LD_PRELOAD} = join ' ', "$ENV{STAGE}/plain_select.so", glob '/usr/lib/*/faketime/libfaketime.so.1';
	$what->();
}

# ---- eleven weeks of use, the upkeep of a worker in each ----

my @partitioned = qw(agent_context changes finished_jobs llm_calls);
my $s;
days_ago(75, sub {
	$s = Sched->start('dump', bare => 1, conf => "scheduler.http_private_hosts = '127.0.0.1:9'\nscheduler.poll_interval = 500\n");
	$node = $s->node;
	$s->sql("CREATE ROLE $_ LOGIN") foreach qw(anna ben);
	$s->sql('CREATE EXTENSION scheduler CASCADE');
	# The role that restores is a user itself, as setup() makes it.
	$s->sql("SELECT scheduler.setup('me\@example.org', timezone => 'Europe/Berlin')");
	$s->sql(q{
		CREATE SCHEMA app;
		CREATE FUNCTION app.kept(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE sql AS $$ SELECT scheduler.step_done() $$;
		GRANT USAGE ON SCHEMA app TO scheduler_owner;
		SELECT scheduler.register_job_kind('app.kept', 'app.kept', shared => true, retention => '50 days')});
	$node->stop});
my %partitions_seen;
foreach my $days (75, 66, 57, 48, 39, 30, 21, 12, 5)
{
	days_ago($days, sub {
		$node->start;
		$s->sql("SELECT scheduler.enqueue_many('app.kept', array_fill('{}'::jsonb, ARRAY[4])); SELECT scheduler.record_change('test.week', NULL) FROM generate_series(1, 4);"
			  . " INSERT INTO scheduler.llm_calls (model_id, model, purpose, outcome, cost) SELECT 'far', 'far-1', 'extract', 'ok', 0.5 FROM generate_series(1, 4);"
			  . " INSERT INTO scheduler.agent_context (agent_name, context_type) SELECT 'agent', 'debug' FROM generate_series(1, 4)");
		$s->poll('SELECT (SELECT count(*) FROM scheduler.live_jobs) + (SELECT count(*) FROM scheduler.new_changes)', 0) or die;
		# As the worker does every hour; its own round may be under way.
		$s->poll('SELECT scheduler.keep_house(100000)', 't') or die;
		$partitions_seen{$_} = 1 foreach split /\n/, $s->sql("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'");
		$node->stop});
}
$node->start;
$s->poll('SELECT scheduler.keep_house(100000)', 't') or die;
my @dropped = grep { $s->sql("SELECT to_regclass('scheduler.$_') IS NULL") eq 't' } sort keys %partitions_seen;
foreach my $parent (@partitioned)
{
	cmp_ok($s->sql("SELECT count(DISTINCT tableoid) FROM scheduler.$parent"), '>=', $parent eq 'changes' ? 1 : 2, "$parent has rows in its partitions");
	cmp_ok($s->sql("SELECT count(*) FROM pg_inherits WHERE inhparent = 'scheduler.$parent'::regclass"), '>=', 4, '... and one for each month to come');
}
cmp_ok($s->sql("SELECT count(*) FROM scheduler.${_}_default"), '>', 0, "the default partition of $_ has its first month") foreach qw(agent_context llm_calls);
cmp_ok(scalar(@dropped), '>=', 1, 'retention has dropped partitions of months: ' . join ', ', @dropped);
is($s->sql("SELECT count(*) FROM scheduler.changes WHERE at < now() - interval '8 days'"), 0, 'and rows');

# ---- a database in use ----

$s->sql(q{
	SELECT scheduler.create_user('anna@example.org', 'Anna', 'Asia/Tokyo', role_name => 'anna');
	SELECT scheduler.create_user('ben@example.org', 'Ben', 'America/New_York', password => 'a long password', role_name => 'ben');
	GRANT scheduler_developer, pg_read_server_files TO ben;
	ALTER SCHEMA app OWNER TO ben;
	GRANT CREATE ON DATABASE postgres TO ben});
foreach my $role ('postgres', 'anna')
{
	$s->sql(q{
		SELECT scheduler.set_availability(6, '10:00', '12:00');
		SELECT scheduler.set_day(current_date + 3, '10:00', '15:00', 'work');
		SELECT scheduler.set_preference('buffer_minutes', '10');
		SELECT scheduler.protect_time('nap', now() + interval '1 day', now() + interval '25 hours');
		SELECT scheduler.add_event('Holiday', now() + interval '2 days', now() + interval '3 days', is_external => true, is_all_day => true);
		SELECT scheduler.add_task('write report', 120, now() + interval '8 days', depends_on => ARRAY[scheduler.add_task('collect figures', 60)]);
		SELECT scheduler.complete_task(scheduler.add_task('done already'));
		SELECT scheduler.cancel_task(scheduler.add_task('not any more'));
		SELECT scheduler.hold_slot(date_trunc('hour', now()) + interval '20 days', date_trunc('hour', now()) + interval '20 days 1 hour', '1 hour');
		SELECT scheduler.plan();
		SELECT scheduler.pin_task(task_id) FROM scheduler.tasks WHERE description = 'collect figures';
		SELECT scheduler.add_event('Trip', start_datetime, end_datetime, is_external => true) FROM scheduler.calendar_events
			WHERE task_id = (SELECT task_id FROM scheduler.tasks WHERE description = 'collect figures');
		SELECT scheduler.recap();
		SELECT scheduler.save_schedule('nightly', 'noop', every => '1 day', starts_at => now() - interval '1 minute');
		SELECT scheduler.set_secret('key', 'value-of-the-secret', ARRAY['127.0.0.1:9']);
		SELECT scheduler.add_model('far', 'openai', 'far-1', 'key', 'https://127.0.0.1:9/v1', 1, 2)}, $role);
	foreach my $i (1 .. 5)
	{
		$s->sql("SELECT scheduler.ingest_email(convert_to(E'From: Max <max\@example.com>\\nDate: ' || to_char(now(), 'Dy, DD Mon YYYY HH24:MI:SS +0000')"
			  . " || E'\\nSubject: no $i\\nMessage-ID: <$role$i\@example.com>\\n\\nPlease send me the invoice number $i by tomorrow 15:00.\\n', 'UTF8'))", $role);
	}
}
$s->sql("SELECT scheduler.add_account('maildir', 'ben\@example.org', settings => '{\"path\": \"$folder/box\"}', poll_interval => '7 days')", 'ben');
$s->sql("SELECT scheduler.set_secret('house', 'value-of-the-secret', ARRAY['127.0.0.1:9'], scheduler.system_user_id());"
	  . " SELECT scheduler.add_model('house', 'openai', 'h', 'house', 'https://127.0.0.1:9/v1', user_id => scheduler.system_user_id());"
	  . " SELECT scheduler.set_model('assist', 'house', scheduler.system_user_id())");
$s->sql(q{
	CREATE FUNCTION app.step(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE sql
		AS $$ SELECT CASE WHEN job.payload ? 'fail' THEN scheduler.step_fail('as asked') WHEN job.payload ? 'later' THEN scheduler.step_sleep(now() + interval '1 day')
			ELSE scheduler.step_done(job.payload) END $$;
	SELECT scheduler.register_job_kind('app.step', 'app.step', announce => true);
	SELECT scheduler.enqueue('app.step', p) FROM unnest('{"{\"fail\": 1}","{\"later\": 1}","{\"n\": 1}"}'::jsonb[]) AS p;
	SELECT scheduler.cancel_job(scheduler.enqueue('noop', run_at => now() + interval '1 day'))}, 'ben');
# One that is called with an address where nobody listens: rows of llm_calls and connection_tests.
$s->sql("SELECT scheduler.test_connection('model:far')", 'anna');
$s->comes_true('the jobs end', "SELECT count(*) FROM scheduler.live_jobs WHERE status NOT IN ('failed', 'sleeping')", 0, 60)
	or diag($s->sql('SELECT kind, status, attempts, error FROM scheduler.live_jobs'));
$s->comes_true('every change has its number', 'SELECT count(*) FROM scheduler.new_changes', 0);
$s->sql(q{
	INSERT INTO scheduler.llm_calls (user_id, model_id, model, purpose, outcome, cost)
		SELECT user_id, 'far', 'far-1', 'extract', 'ok', 0.001 FROM scheduler.users;
	INSERT INTO scheduler.secret_endpoints (user_id, name, endpoint) VALUES (scheduler.system_user_id(), 'house', '127.0.0.1:9/v2') ON CONFLICT DO NOTHING;
	SELECT scheduler.make_partitions()});
is($s->sql("SELECT count(*) > 0 FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'scheduler.finished_jobs'::regclass AND c.relname !~ 'default'"), 't', 'there are partitions of months');
# Work that is ready and that no worker here may take.
$s->sql('SELECT scheduler.disarm()');
$s->sql("SELECT scheduler.enqueue_many('noop', array_fill('{}'::jsonb, ARRAY[3]))", 'anna');
$s->sql("SELECT scheduler.record_change('test.last', NULL)");
$s->comes_true('its change is numbered', 'SELECT count(*) FROM scheduler.new_changes', 0);

my @tables = split /\n/, $s->sql(q{SELECT relname FROM pg_class WHERE relnamespace = 'scheduler'::regnamespace AND relkind IN ('r', 'p')
	AND NOT relispartition AND relname <> 'armed_places' ORDER BY relname});
my @empty;

sub fingerprint
{
	my ($server, $database, $table) = @_;
	return $server->safe_psql($database, "SET timezone = 'UTC'; SELECT count(*), md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) FROM scheduler.$table AS t"
		  . ($table eq 'users' ? ' WHERE user_id <> scheduler.system_user_id()' : ''));
}
my %wanted = map { $_ => fingerprint($node, 'postgres', $_) } @tables;
@empty = grep { $wanted{$_} =~ /^0\|/ && $_ !~ /^(new_changes)$/ } @tables;
is("@empty", '', 'no table is empty');
my $partitions = q{SELECT string_agg(c.relname || ' ' || c.relrowsecurity || c.relforcerowsecurity || ' ' || pg_get_userbyid(c.relowner) || ' ' || pg_get_expr(c.relpartbound, c.oid)
	|| ' ' || (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(c.relacl) AS a), E'\n' ORDER BY c.relname)
	FROM pg_class c WHERE c.relispartition AND c.relkind = 'r' AND c.relnamespace = 'scheduler'::regnamespace};

is($s->sql("SELECT count(*) FROM pg_class WHERE relnamespace = 'scheduler'::regnamespace AND relkind = 'S'"), 0, 'no sequence has a state of its own');

my $dump = "$folder/dump.pgc";
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('postgres') ], 'pg_dump');
$node->command_ok([ 'pg_dump', '-Fd', '-j', 3, '-f', "$folder/dump.d", '-d', $node->connstr('postgres') ], 'pg_dump -Fd -j');
$node->command_ok([ 'pg_dump', '-f', "$folder/dump.sql", '-d', $node->connstr('postgres') ], 'pg_dump as text');

# Equal rows in every table, equal partitions.
sub compare
{
	my ($server, $database, $where) = @_;
	my @different = grep { fingerprint($server, $database, $_) ne $wanted{$_} } @tables;
	is("@different", '', "$where: equal rows in all " . @tables . ' tables')
		or diag(join "\n", map { "$_: " . fingerprint($server, $database, $_) . " for $wanted{$_}" } @different);
	is($server->safe_psql($database, "SET timezone = 'UTC'; $partitions"), $s->sql("SET timezone = 'UTC'; $partitions"), "$where: the same partitions, owned, granted and guarded as before");
	my $by_partition = join ' UNION ALL ', map { "SELECT tableoid::regclass, count(*) FROM scheduler.$_ GROUP BY 1" } @partitioned;
	$by_partition = "SELECT string_agg(t::text, E'\n' ORDER BY t::text) FROM ($by_partition) AS t";
	is($server->safe_psql($database, $by_partition), $s->sql($by_partition), "$where: rows lie in the partitions they lay in");
}

# ---- restored ----

sub judge
{
	my ($server, $database, $where) = @_;
	$server->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0");
	$server->command_ok([ 'pg_restore', '--exit-on-error', '-d', $server->connstr($database), $dump ], "pg_restore into $where");
	my $looks = sub { $server->safe_psql($database, 'SELECT count(*) FROM scheduler.live_jobs WHERE ready') };
	# The worker comes and finds that it may do nothing: it looks around twice a second.
	ok($server->poll_query_until($database, 'SELECT count(*) > 0 FROM scheduler.stat_workers'), "$where: a worker comes");
	my $looked = $server->safe_psql($database, 'SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()');
	ok($server->poll_query_until($database, "SELECT xact_commit > $looked + 6 FROM pg_stat_database WHERE datname = current_database()"), "$where: it looks around");
	compare($server, $database, $where);
	is($server->safe_psql($database, 'SELECT scheduler.armed()'), 'f', "$where: unarmed");
	is($looks->(), 3, "$where: nothing was claimed");
	like($server->safe_psql($database, 'SELECT check_name, status, hint FROM scheduler.doctor()'), qr/^armed\|fail\|.*arm\(\)/m, "$where: doctor() says what to do");
	my $seen = $server->safe_psql($database, "SELECT max(change_seq) FROM scheduler.changes");
	$server->safe_psql($database, 'SELECT scheduler.arm()');
	ok($server->poll_query_until($database, 'SELECT count(*) = 0 FROM scheduler.live_jobs WHERE ready'), "$where: after arm() the work is done");
	my $mail = $server->safe_psql($database, "SET ROLE anna; SELECT scheduler.ingest_email(convert_to(E'From: Max <max\@example.com>\\nDate: ' || to_char(now(), 'Dy, DD Mon YYYY HH24:MI:SS +0000')"
		  . " || E'\\nSubject: new\\nMessage-ID: <new\@example.com>\\n\\nPlease send me the contract by ' || (current_date + 12)::text || ' 15:00.\\n', 'UTF8'))");
	ok($server->poll_query_until($database, "SELECT processed AND task_id IS NOT NULL FROM scheduler.email_tracking WHERE email_id = '$mail'"), "$where: a mail is read");
	is($server->safe_psql($database, "SELECT count(*) FROM scheduler.calendar_events e JOIN scheduler.tasks t USING (user_id, task_id) WHERE t.source_email_id = '$mail' AND e.blocks"),
		1, "$where: and planned");
	my $job = $server->safe_psql($database, "SET ROLE ben; SELECT scheduler.enqueue('app.step', '{\"n\": 2}')");
	is($server->safe_psql($database, "SET ROLE ben; SELECT status FROM scheduler.wait_for_job('$job')"), 'succeeded', "$where: a user's own kind runs");
	ok($server->poll_query_until($database, "SELECT min(change_seq) = $seen + 1 AND count(*) = max(change_seq) - $seen FROM scheduler.changes WHERE change_seq > $seen"),
		"$where: changes are numbered on");
}

judge($node, 'copy', 'the same server');

my $other = Sched->start('other', bare => 1, conf => "scheduler.poll_interval = 500\n")->node;
my $roles = "$folder/roles.sql";
$node->command_ok([ 'pg_dumpall', '-g', '-f', $roles, '-d', $node->connstr('postgres') ], 'pg_dumpall -g');
# The one role that is there already is the first.
my $text = slurp_file($roles);
$text =~ s/^CREATE ROLE (?!anna|ben|scheduler_).*\n//mg;
open my $file, '>', $roles or die $!;
print $file $text;
close $file;
$other->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $other->connstr('postgres'), '-f', $roles ], 'its roles on another server');
judge($other, 'copy', 'another server');

# ---- the other formats ----

sub fresh
{
	my ($database) = @_;
	$other->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0");
	return $other->connstr($database);
}
$other->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-d', fresh('as_text'), '-f', "$folder/dump.sql" ], 'a dump as text is read back');
compare($other, 'as_text', 'text');
{
	# The tables of an extension are loaded in any order by several jobs, whatever their foreign keys say.
	local $ENV{PGOPTIONS} = '-c session_replication_role=replica';
	$other->command_ok([ 'pg_restore', '--exit-on-error', '-j', 3, '-d', fresh("jobs_$_"), $_ eq 'directory' ? "$folder/dump.d" : $dump ], "pg_restore -j of the format $_") foreach qw(directory custom);
}
foreach my $format (qw(directory custom))
{
	compare($other, "jobs_$format", "-j, $format");
	is($other->safe_psql("jobs_$format", "SELECT count(*) FROM pg_constraint WHERE connamespace = 'scheduler'::regnamespace AND contype = 'f' AND NOT convalidated"), 0, '... foreign keys hold');
}
like($other->safe_psql('copy', 'SELECT check_name, status FROM scheduler.doctor()'), qr/^secrets\|fail|^master key\|fail/m, 'another server cannot open the secrets without the key');
mkdir $other->basedir . '/keys';
unlink $other->basedir . '/keys/master.key';
system_or_bail('cp', '-p', $node->basedir . '/keys/master.key', $other->basedir . '/keys/master.key');
unlike($other->safe_psql('copy', 'SELECT check_name, status FROM scheduler.doctor()'), qr/^(secrets|master key)\|fail/m, 'with the key it can');

$other->stop;
$node->stop;
done_testing();
