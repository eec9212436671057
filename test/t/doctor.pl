# doctor() and the warning of enqueue(): every cause of "nothing runs" is made, named with its hint, and mended.
use strict;
use warnings;
use File::Path qw(make_path);
use PostgreSQL::Test::Utils qw(slurp_file);
use Sched;
use Test::More;
use Time::HiRes qw(sleep);

my $s = Sched->start('doctor', bare => 1, init => { allows_streaming => 1 }, conf => "shared_preload_libraries = ''\n");
my $node = $s->node;
my $keys = $node->basedir . '/keys';
my $line = 'SELECT status, detail, hint FROM scheduler.doctor() WHERE check_name =';

sub configure
{
	my ($text, $restart) = @_;
	$node->append_conf('postgresql.conf', "$text\n");
	$restart ? $node->restart : $node->reload;
}

# One line of doctor(), waited for.
sub says
{
	my ($name, $check, $pattern, $seconds) = @_;
	my $answer = '';
	for my $round (1 .. 10 * ($seconds // 15))
	{
		$answer = $s->sql("$line '$check'");
		last if $answer =~ $pattern;
		sleep 0.1;
	}
	like($answer, $pattern, $name);
}

# What a session that enqueues twice is told.
sub warned
{
	return $s->failure("SELECT scheduler.enqueue('noop'); SELECT scheduler.enqueue('noop')");
}

sub warns
{
	my ($name, $pattern) = @_;
	my $told = warned();
	like($told, qr/WARNING:  job queued, but no worker will run it\nDETAIL:  $pattern/, $name);
	is(scalar(() = $told =~ /WARNING/g), 1, '... once in a session');
}

sub runs
{
	my ($name) = @_;
	my $id = $s->sql("SELECT scheduler.enqueue('noop')");
	$s->comes_true($name, "SELECT status FROM scheduler.jobs WHERE job_id = '$id'", 'succeeded', 30);
	is(warned(), '', '... and nobody is warned');
	is($s->sql("SELECT string_agg(check_name || ': ' || coalesce(detail, ''), ', ') FROM scheduler.doctor()"
		. " WHERE status <> 'ok'"), '', '... doctor() has nothing to say');
}

sub spill
{
	my ($name, $text) = @_;
	open my $file, '>', $name or die "$name: $!";
	print $file $text;
	close $file;
	chmod 0600, $name;
}

# ---- from a library that is not loaded to work ----

$s->sql('CREATE EXTENSION scheduler CASCADE');
says('not preloaded', 'workers', qr/^fail\|The library is not preloaded\.\|ALTER SYSTEM SET shared_preload_libraries = 'scheduler'; then restart/);
warns('who enqueues is told', qr/The library is not preloaded\.\nHINT:  ALTER SYSTEM SET shared_preload_libraries/);

configure("shared_preload_libraries = 'scheduler'\nscheduler.databases = 'elsewhere'", 1);
says('not listed', 'workers', qr/^fail\|Database "postgres" is not listed in scheduler\.databases\.\|ALTER SYSTEM SET scheduler\.databases = 'postgres'/);
warns('who enqueues is told', qr/Database "postgres" is not listed.*\nHINT:  ALTER SYSTEM/);

configure("scheduler.databases = 'elsewhere, postgres'");
says('not armed', 'workers', qr/^fail\|This database is not armed\.\|SELECT scheduler\.arm\(\);/);
says('... in a line of its own too', 'armed', qr/^fail\|this database is not armed in this place/);
says('no place file yet', 'place file', qr/^fail\|the place file cannot be read: No such file.*\|SELECT scheduler\.arm\(\) makes one/);
says('no key file yet', 'master key', qr/^fail\|the master key file is missing: \Q$keys\E\/master\.key\|scheduler\.setup\(\) creates it/);
warns('who enqueues is told', qr/This database is not armed\.\nHINT:  SELECT scheduler\.arm\(\);/);
$s->sql("SELECT count(*) FROM scheduler.setup('me\@example.org')");
runs('setup() mends the rest');

configure('scheduler.workers = 0');
says('no workers wanted', 'workers', qr/^fail\|scheduler\.workers is 0\.\|ALTER SYSTEM SET scheduler\.workers = 1/);
warns('who enqueues is told', qr/scheduler\.workers is 0\./);
configure('scheduler.workers = 2');
runs('workers come without a restart');
configure('scheduler.workers = 1');
$s->comes_true('one too many leaves', 'SELECT count(*) FROM scheduler.stat_workers WHERE type = $$worker$$', 1);

# ---- no process left: the server's own launcher of replication takes the first ----

configure('max_worker_processes = 2', 1);
says('no room for a worker', 'workers', qr/^fail\|max_worker_processes \(2\) leaves no process for a worker\.\|ALTER SYSTEM SET max_worker_processes = \d+; then restart/);
warns('who enqueues is told', qr/max_worker_processes \(2\) leaves no process for a worker/);
configure('max_worker_processes = 1', 1);
says('no room for the launcher', 'workers', qr/^fail\|max_worker_processes \(1\) leaves no process for a launcher\./, 20);
warns('who enqueues is told', qr/max_worker_processes \(1\) leaves no process for a launcher/);
configure('max_worker_processes = 30', 1);
runs('room again');

# ---- files ----

rename "$keys/master.key", "$keys/kept";
says('key file gone', 'master key', qr/^fail\|the master key file is missing/);
rename "$keys/kept", "$keys/master.key";
chmod 0644, "$keys/master.key";
says('key file open to others', 'master key', qr/^fail\|the master key file is open to others: .*\|chmod 600/);
chmod 0600, "$keys/master.key";
says('mended', 'master key', qr/^ok/);

my $place = slurp_file("$keys/place");
unlink "$keys/place";
says('place file gone', 'place file', qr/^fail\|the place file cannot be read: No such file/);
$node->restart;
says('... and so not armed', 'armed', qr/^fail/);
says('... with the way back', 'workers', qr/^fail\|This database was armed, but the place file is not there.*\|Put back "\Q$keys\E\/place"/);
warns('who enqueues is told', qr/This database was armed, but the place file is not there or not readable\.\nHINT:  Put back/);
spill("$keys/place", "another\n");
says('another place', 'workers', qr/^fail\|This database was armed in another place: it seems to be a copy\./);
spill("$keys/place", $place);
$node->reload;
runs('the place file is back');

configure("scheduler.place_file = '" . $node->data_dir . "/place'");
says('a place file in the data directory is refused', 'place file', qr/^fail\|the place file lies in the data directory: .*\|Name another place in scheduler\.place_file/);
like($s->failure('SELECT scheduler.arm()'), qr/ERROR:  the place file lies in the data directory/, '... also by arm()');
ok(!-e $node->data_dir . '/place', '... and not made');
configure("scheduler.place_file = 'place'");
says('... also by a relative path', 'place file', qr/^fail\|the place file lies in the data directory/);
configure("scheduler.place_file = ''");
runs('back beside the key');

# ---- a clone: the data directory in another place ----

$s->sql("SELECT scheduler.disarm()");
$s->sql("SELECT scheduler.enqueue('noop', run_at => now() + interval '1 hour')");
$s->sql('SELECT scheduler.arm()');
$node->backup('copy');
my $clone = PostgreSQL::Test::Cluster->new('clone');
$clone->init_from_backup($node, 'copy');
my $clone_keys = $clone->basedir . '/keys';
$clone->append_conf('postgresql.conf', "scheduler.master_key_file = '$clone_keys/master.key'\nscheduler.poll_interval = '200ms'\n");
$clone->start;
my $copy = bless { node => $clone, database => 'postgres' }, 'Sched';
foreach my $server ($s, $copy)
{
	$server->sql("UPDATE scheduler.live_jobs SET run_at = now() - interval '1 second'");
}
$s->sql("SELECT scheduler.enqueue('noop')");
$s->comes_true('the job of the original runs there', 'SELECT count(*) FROM scheduler.live_jobs', 0, 90);
sleep 1;
is($copy->sql('SELECT count(*) FROM scheduler.live_jobs WHERE run_at < now()'), 1, '... and not in a copy of the cluster');
like($copy->sql("$line 'armed'"), qr/^fail\|this database is not armed in this place\|If this is the one/, '... which says that it is not armed');
make_path($clone_keys);
spill("$clone_keys/place", "a place of its own\n");
like($copy->sql("$line 'workers'"), qr/^fail\|This database was armed in another place: it seems to be a copy\.\|If it is this one/, '... and why');
$copy->sql('SELECT scheduler.arm()');
$copy->comes_true('arm() makes it one that acts', 'SELECT count(*) FROM scheduler.live_jobs', 0);
$clone->stop;

# ---- a standby ----

my $standby = PostgreSQL::Test::Cluster->new('standby');
$node->backup('base');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
my $second = bless { node => $standby, database => 'postgres' }, 'Sched';
like($second->sql("$line 'workers'"), qr/^warn\|This server is a standby\.\|Jobs run on the primary\./, 'a standby says so');
is($second->sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'scheduler%'"), 0, '... and has no process of ours');
like($second->sql("$line 'place file'"), qr/^ok/, '... but the place file of its cluster');
$standby->append_conf('postgresql.conf', "scheduler.place_file = '$clone_keys/none'\n");
$standby->reload;
sleep 0.2;
like($second->sql("$line 'place file'"), qr/^warn\|the place file cannot be read.*\|Copy the file of the primary here/, '... and misses it where it is not there');
$standby->append_conf('postgresql.conf', "scheduler.place_file = ''\n");
$standby->reload;
like($second->sql("$line 'armed'"), qr/^warn\|this database is not armed in this place\|Name one place file in scheduler\.place_file here and on the primary/,
	'... and that it would not go on by itself: nobody named a file that the two share');
foreach my $member ($node, $standby)
{
	$member->append_conf('postgresql.conf', "scheduler.place_file = '$keys/place'\n");
	$member->reload;
}
$second->comes_true('... which it does where one is named', "SELECT scheduler.armed()", 't');
my $waiting = $s->sql("SELECT scheduler.enqueue('noop', run_at => now() + interval '3 seconds')");
$node->wait_for_catchup($standby, 'replay', $node->lsn('write'));
$node->stop('immediate');
$standby->promote;
$second->comes_true('after its promotion it goes on', "SELECT status FROM scheduler.jobs WHERE job_id = '$waiting'", 'succeeded', 30);
$standby->stop;
$node->start;

# ---- workers that die ----

$s->comes_true('a worker is there', 'SELECT count(*) FROM scheduler.stat_workers', 1);
ok($s->crash($s->worker_pid), 'a worker is killed');
runs('the server recovers and a worker comes back');
$s->sql('ALTER FUNCTION scheduler.fire_schedules() RENAME TO gone');
$node->restart;
says('a worker that fails again and again', 'workers', qr/^(warn|fail)\|a worker ended in an error \d+ times in a row\|The server's log says why/, 20);
says('... is a failure in the end', 'workers', qr/^fail\|a worker ended in an error [3-6] times in a row/, 30);
cmp_ok(scalar(() = slurp_file($node->logfile) =~ /function scheduler\.fire_schedules\(\) does not exist/g), '<', 12, '... and pauses between the starts');
$s->sql('ALTER FUNCTION scheduler.gone() RENAME TO fire_schedules');
$s->comes_true('mended', "SELECT count(*) > 0 FROM scheduler.jobs WHERE status = 'succeeded' AND finished_at > now() - interval '5 s'"
	. " OR scheduler.enqueue('noop') IS NULL", 't', 40);

configure('scheduler.http_allow_private_networks = on');
says('private networks are open', 'private networks', qr/^warn\|scheduler\.http_allow_private_networks is on\|It is for tests/);
configure('scheduler.http_allow_private_networks = off');

# ---- a mailbox that cannot be read ----

my $mail = $node->basedir . '/mail';
$s->sql(qq{SELECT scheduler.add_account('maildir', 'me\@example.org', settings => '{"path": "$mail"}')});
says('a folder that is not there', 'account me@example.org', qr/^(warn|fail)\|[^|]*\Q$mail\E[^|]*No such file[^|]*\|\S/, 20);

$node->stop;
done_testing();
