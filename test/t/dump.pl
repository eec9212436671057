# A dump holds everything but the right to act: pg_dump after months of partitions, in each format, then pg_restore
# --exit-on-error into a fresh database of the same server and of another one; equal rows in every table and partition,
# nothing is claimed before arm(), everything works after it.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);
use Used;

my $folder = PostgreSQL::Test::Utils::tempdir();
my $s = Used->start('dump');
my $node = $s->node;
$s->fill($folder);
# Work that is ready and that no worker here may take.
$s->sql('SELECT scheduler.disarm()');
$s->sql("SELECT scheduler.enqueue_many('noop', array_fill('{}'::jsonb, ARRAY[3]))", 'anna');
$s->sql("SELECT scheduler.record_change('test.last', NULL)");
$s->comes_true('its change is numbered', 'SELECT count(*) FROM scheduler.new_changes', 0);

is(join(' ', $s->photograph), '', 'no table is empty');
is($s->sql("SELECT count(*) FROM pg_class WHERE relnamespace = 'scheduler'::regnamespace AND relkind = 'S'"), 0, 'no sequence has a state of its own');

my $dump = "$folder/dump.pgc";
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('postgres') ], 'pg_dump');
$node->command_ok([ 'pg_dump', '-Fd', '-j', 3, '-f', "$folder/dump.d", '-d', $node->connstr('postgres') ], 'pg_dump -Fd -j');
$node->command_ok([ 'pg_dump', '-f', "$folder/dump.sql", '-d', $node->connstr('postgres') ], 'pg_dump as text');

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
	$s->compare($server, $database, $where);
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
$s->compare($other, 'as_text', 'text');
{
	# The tables of an extension are loaded in any order by several jobs, whatever their foreign keys say.
	local $ENV{PGOPTIONS} = '-c session_replication_role=replica';
	$other->command_ok([ 'pg_restore', '--exit-on-error', '-j', 3, '-d', fresh("jobs_$_"), $_ eq 'directory' ? "$folder/dump.d" : $dump ], "pg_restore -j of the format $_") foreach qw(directory custom);
}
foreach my $format (qw(directory custom))
{
	$s->compare($other, "jobs_$format", "-j, $format");
	is($other->safe_psql("jobs_$format", "SELECT count(*) FROM pg_constraint WHERE connamespace = 'scheduler'::regnamespace AND contype = 'f' AND NOT convalidated"), 0, '... foreign keys hold');
}
like($other->safe_psql('copy', 'SELECT check_name, status FROM scheduler.doctor()'), qr/^secrets\|fail|^master key\|fail/m, 'another server cannot open the secrets without the key');
mkdir $other->basedir . '/keys';
unlink $other->basedir . '/keys/master.key';
system_or_bail('cp', '-p', $node->basedir . '/keys/master.key', $other->basedir . '/keys/master.key');
system_or_bail('cp', '-rp', $node->basedir . '/keys/users', $other->basedir . '/keys/users');
unlike($other->safe_psql('copy', 'SELECT check_name, status FROM scheduler.doctor()'), qr/^(secrets|master key)\|fail/m, 'with the key it can');

$other->stop;
$node->stop;
done_testing();
