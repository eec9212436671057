# What runs out: background processes, descriptors, memory, name servers, the disk. Nothing is lost, nothing happens twice,
# others go on, and all goes on by itself when there is enough again. Counts of what was refused are printed.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);

my $port = Sched::start_misbehave();
my $scratch = PostgreSQL::Test::Utils::tempdir;
my @figures;

# ---- the shim: test/lib/faulty.c reads these words ----

my %word = (names_hang => 0, disk_full => 1, memory_pid => 2, memory_one_in => 3, no_accept => 4, hung => 5, writes => 6,
	requests => 7, accepts => 8);
append_to_file("$scratch/control", "\0" x 64);
open my $control, '+<', "$scratch/control" or die $!;

sub set
{
	my (%values) = @_;
	while (my ($name, $value) = each %values)
	{
		sysseek $control, 4 * $word{$name}, 0;
		syswrite $control, pack('l', $value);
	}
}

sub counted
{
	my ($name) = @_;
	sysseek $control, 4 * $word{$name}, 0;
	sysread $control, my $bytes, 4;
	return unpack 'l', $bytes;
}

sub under_shim
{
	my ($code) = @_;
	local $ENV{LD_PRELOAD} = "$ENV{STAGE}/faulty.so";
	local $ENV{FAULTY_CONTROL} = "$scratch/control";
	return $code->();
}

my $url = "http://localhost:$port";
my $conf = <<"CONF";
scheduler.http_private_hosts = 'localhost:$port'
scheduler.poll_interval = 1000
CONF

# A kind whose every run is counted, after a call; each job's effect is one row.
my $kinds = qq{
	CREATE TABLE effects (job_id uuid);
	GRANT INSERT ON effects TO scheduler_owner;
	CREATE FUNCTION called(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS \$\$
	BEGIN
		IF response IS NULL OR (response).failure = 'lost' THEN
			RETURN scheduler.step_request(ROW('GET', '$url/slow?ms=' || (job.payload #>> '{}'), NULL, NULL, NULL, '20 s'));
		ELSIF (response).status IS NULL THEN
			RETURN scheduler.step_retry((response).error, '100 ms');
		END IF;
		INSERT INTO public.effects VALUES (job.job_id);
		RETURN scheduler.step_done(to_jsonb((response).status));
	END \$\$;
	GRANT EXECUTE ON FUNCTION called TO scheduler_owner;
	SELECT scheduler.register_job_kind('called', 'public.called', shared => true, max_attempts => 30);
	CREATE FUNCTION written(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS \$\$
	BEGIN
		INSERT INTO public.effects VALUES (job.job_id);
		RETURN scheduler.step_done(to_jsonb(repeat('x', 1000)));
	END \$\$;
	SELECT scheduler.register_job_kind('written', 'public.written', max_attempts => 1)};

sub each_once
{
	my ($s, $name, $n, $database) = @_;
	is($s->sql('SELECT count(*), count(DISTINCT job_id) FROM effects', undef, $database), "$n|$n", "$name: every effect happened once");
	is($s->sql('SELECT count(*) FROM scheduler.dead_jobs', undef, $database), 0, '... and no job is dead');
	$s->sql('TRUNCATE effects', undef, $database);
}

sub crashes
{
	my ($s) = @_;
	return scalar($s->logged(qr/was terminated by signal|PANIC/));
}

# ---- background processes ----

my $s = Sched->start('processes', conf => "${conf}max_worker_processes = 4\nmax_parallel_workers = 4\nmax_parallel_workers_per_gather = 4\n", bare => 1);
# A page for each process that scans: one that finds none left ends at once.
$s->sql(q{CREATE TABLE rows (i integer, filler text) WITH (parallel_workers = 4); ALTER TABLE rows ALTER filler SET STORAGE plain;
	INSERT INTO rows SELECT i, repeat('x', 7000) FROM generate_series(1, 4) AS i;
	CREATE FUNCTION stay(integer) RETURNS integer LANGUAGE plpgsql PARALLEL SAFE AS $$ BEGIN PERFORM pg_sleep(60); RETURN 1; END $$});
my $greedy = $s->session;
$greedy->sql('SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET parallel_leader_participation = off');

# A query takes the processes that are free when it starts: again, until it has as many.
sub take_processes
{
	my ($wanted) = @_;
	for (1 .. 20)
	{
		$greedy->send('SELECT count(stay(i)) FROM rows');
		for (1 .. 15)
		{
			sleep 0.2;
			return pass("somebody takes all background processes that are left: $wanted")
			  if $s->sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'") == $wanted;
		}
		give_back_processes();
		sleep 0.5;
	}
	fail('somebody takes all background processes');
}

sub give_back_processes
{
	$s->sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT count(stay%' AND backend_type = 'client backend'");
	$greedy->answer;
}

take_processes(2);
$s->sql(q{CREATE EXTENSION scheduler CASCADE; SELECT scheduler.arm(); SELECT scheduler.enqueue('noop')});
$s->comes_true('doctor() says so', "SELECT detail FROM scheduler.doctor() WHERE check_name = 'workers'", 'max_worker_processes (4) leaves no process for a worker.');
sleep 2;
my @told = $s->logged(qr/no background process is free for a scheduler worker/);
is(scalar(@told), 1, 'the log says so once');
give_back_processes();
my $start = time;
$s->comes_true('a process is free: the job runs', 'SELECT count(*) FROM scheduler.finished_jobs', 1, 30);
push @figures, sprintf('first job after a process became free: %.1f s', time - $start);
$s->sql($kinds);
take_processes(1);
my $mark = $s->mark;
$s->sql("SELECT scheduler.enqueue('written'), scheduler.enqueue('noop')");
$s->comes_true('a worker needs no runner', 'SELECT count(*) FROM scheduler.finished_jobs', 2);
sleep 2.5;
is(scalar($s->logged(qr/no background process is free for a runner/, $mark)), 1, 'no process for a runner: the log says so once');
$s->comes_true('... and doctor() as long as it lasts', "SELECT status, detail, hint FROM scheduler.doctor() WHERE check_name = 'runners'",
	q{fail|max_worker_processes (4) leaves no process for a runner: jobs of users' kinds wait|ALTER SYSTEM SET max_worker_processes = 8; then restart the server.});
give_back_processes();
$s->comes_true('... and then it comes', "SELECT count(*) FROM scheduler.finished_jobs WHERE kind = 'written'", 1);
$s->comes_true('... and doctor() has nothing more to say of it', "SELECT count(*) FROM scheduler.doctor() WHERE check_name = 'runners'", 0);
$greedy->close;
$s->node->stop;

# ---- descriptors ----

{
	my $limits = "$scratch/bin";
	mkdir $limits;
	my ($pg_ctl) = grep { -x } map { "$_/pg_ctl" } split /:/, $ENV{PATH};
	append_to_file("$limits/pg_ctl", "#!/bin/sh\nulimit -n 250\nexec '$pg_ctl' \"\$@\"\n");
	chmod 0755, "$limits/pg_ctl";
	local $ENV{PATH} = "$limits:$ENV{PATH}";
	$s = Sched->start('descriptors', conf => "${conf}scheduler.max_in_flight = 500\n");
}
$s->sql($kinds);
$s->sql("SELECT scheduler.enqueue_many('called', array_agg(to_jsonb(300))) FROM generate_series(1, 400)");
$s->comes_true('few descriptors, many calls: all end', "SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'called'", 0, 60);
is($s->sql("SELECT max(attempts) FROM scheduler.finished_jobs WHERE kind = 'called'"), 1, '... in the first attempt');
is(scalar($s->logged(qr/75 calls at most are made at the same time/)), 1, '... and the log says what the limit allows');
each_once($s, 'descriptors', 400);
is(crashes($s), 0, '... without a crash');
$s->node->stop;

# ---- memory, name servers, connections, the disk ----

$s = under_shim(sub { Sched->start('short', conf => "${conf}restart_after_crash = on\nscheduler.http_timeout = '5 s'\nautovacuum = off\n") });
$s->sql($kinds);

# Every so many requests for memory fails in the worker, in the HTTP client as in the server's own code.
# There is work for as long as it takes: a slow machine asks for memory less often.
my $jobs = 0;
my $rounds = 0;
my $until = time + 30;
my ($seen, $workers) = ('', 0);
while (time < $until && ($rounds < 30 || counted('requests') <= 20))
{
	my ($code, $pid) = $s->node->psql('postgres', "SELECT pid FROM scheduler.stat_workers WHERE type = 'worker'");
	if ($rounds % 10 == 0)
	{
		$s->sql("SELECT scheduler.enqueue_many('called', array_agg(to_jsonb(100))) FROM generate_series(1, 100)");
		$jobs += 100;
	}
	if (defined $code && $code == 0 && $pid =~ /^\d+$/)
	{
		set(memory_one_in => (1500, 400, 120, 40)[ $rounds % 4 ], memory_pid => $pid);
		$workers++ if $pid ne $seen;
		$seen = $pid;
	}
	$rounds++;
	sleep 0.2;
}
set(memory_pid => 0);
cmp_ok(counted('requests'), '>', 10, 'memory was not to be had ' . counted('requests') . " times, by $workers workers, " . crashes($s) . ' crashes');
$s->comes_true('memory: every job ends', "SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'called'", 0, 60);
each_once($s, 'memory', $jobs);

# Names that never resolve: 20 calls hang in the resolver.
my $stay_up = crashes($s);
set(names_hang => 1);
$s->sql("SELECT scheduler.enqueue_many('http', array_agg(jsonb_build_object('url', 'http://hang' || i || '.example.org/', 'timeout', '2 s'))) FROM generate_series(1, 20) AS i");
$s->comes_true('the resolver hangs with 20 names', 'SELECT in_flight >= 15 FROM scheduler.stat_workers WHERE type = $$worker$$', 't');
$start = time;
$s->sql("SELECT scheduler.enqueue_many('called', array_agg(to_jsonb(1))) FROM generate_series(1, 100)");
$s->comes_true('... calls to others end', "SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'called'", 0);
push @figures, sprintf('100 calls beside 20 names that hang: %.1f s', time - $start);
each_once($s, 'names', 100);
$s->comes_true('... their time limit holds', "SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'http' AND (attempts > 1 OR error IS NOT NULL)", 20);
my $words = $s->sql("SELECT string_agg(DISTINCT error, '; ') FROM scheduler.live_jobs WHERE kind = 'http'");
like($words, qr/timeout|resolve/, "... and says so: $words");
$s->sql('CREATE DATABASE hung');
$s->sql('CREATE EXTENSION scheduler CASCADE; SELECT scheduler.arm()', undef, 'hung');
$s->sql("SELECT scheduler.enqueue_many('http', array_agg(jsonb_build_object('url', 'http://hang' || i || '.example.org/', 'timeout', '60 s'))) FROM generate_series(1, 20) AS i", undef, 'hung');
ok($s->node->poll_query_until('hung', 'SELECT in_flight >= 15 FROM scheduler.stat_workers WHERE type = $$worker$$'), '... in another database too');
$start = time;
$s->sql('DROP DATABASE hung');
cmp_ok(time - $start, '<', 8, sprintf('... which can be dropped at once (%.1f s)', time - $start));
$s->sql("SELECT scheduler.retry_job(job_id) FROM scheduler.live_jobs WHERE kind = 'http'");
sleep 0.3;
$start = time;
$s->node->stop('fast');
cmp_ok(time - $start, '<', 12, sprintf('... and so can the server be stopped (%.1f s)', time - $start));
push @figures, 'names that hung: ' . counted('hung');
set(names_hang => 0);
under_shim(sub { $s->node->start });
$s->sql("SELECT scheduler.cancel_job(job_id) FROM scheduler.live_jobs WHERE kind = 'http'");

# The server can take no connection: what is queued goes on.
my $open = $s->session;
$open->sql("SELECT scheduler.enqueue_many('called', array_agg(to_jsonb(500))) FROM generate_series(1, 50)");
set(no_accept => 1);
my $knock = fork() // die $!;
if ($knock == 0)
{
	open STDERR, '>', '/dev/null';
	exec 'timeout', '3', 'psql', '-X', '-h', $s->node->host, '-p', $s->node->port, '-U', 'postgres', '-c', 'SELECT 1', 'postgres';
}
waitpid $knock, 0;
cmp_ok(counted('accepts'), '>', 0, 'no connection was accepted, ' . counted('accepts') . ' times');
is($open->sql("SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'called'"), 0, '... and all jobs are done meanwhile');
set(no_accept => 0);
$open->close;
each_once($s, 'connections', 50);

# The files of tables cannot grow. Each handler has one attempt.
sub disk
{
	my ($name, $fill, $free, $database) = @_;
	$s->sql("SELECT scheduler.enqueue_many('written', array_agg('{}'::jsonb)) FROM generate_series(1, 200)", undef, $database);
	$s->sql("SELECT scheduler.enqueue_many('called', array_agg(to_jsonb(200))) FROM generate_series(1, 200)", undef, $database);
	$fill->();
	sleep 4;
	my $left = $s->sql("SELECT count(*) FROM scheduler.live_jobs WHERE kind IN ('called', 'written')", undef, $database);
	cmp_ok($left, '>', 0, "$name: $left jobs cannot end");
	is($s->sql("SELECT count(*) FROM scheduler.dead_jobs", undef, $database), 0, '... none is dead');
	$free->();
	ok($s->node->poll_query_until($database // 'postgres', "SELECT count(*) FROM scheduler.live_jobs WHERE kind IN ('called', 'written')", '0'), '... all end when there is room');
	each_once($s, $name, 400, $database);
	is(crashes($s), $stay_up, '... without a crash');
}
my $from = $s->mark;
disk('a full disk', sub { set(disk_full => 1) }, sub { set(disk_full => 0) });
push @figures, 'writes refused: ' . counted('writes') . ', lines of errors: ' . scalar($s->logged(qr/ERROR|FATAL|LOG:  the worker was kept/, $from));
cmp_ok(scalar($s->logged(qr/ERROR|FATAL|LOG:  the worker was kept/, $from)), '<', 60, '... and without a flood in the log');

# The write-ahead log finds no room: the server itself gives up, and comes back when there is some.
$s->sql("SELECT scheduler.enqueue_many('called', array_agg(to_jsonb(50))) FROM generate_series(1, 300)");
$s->sql("SELECT scheduler.enqueue_many('written', array_agg('{}'::jsonb)) FROM generate_series(1, 100)");
set(disk_full => 2);
# Segments that lie ready have to be used up first.
$s->node->psql('postgres', 'CREATE TABLE much (line text)');
$until = time + 60;
while (crashes($s) == $stay_up && time < $until)
{
	$s->node->psql('postgres', 'INSERT INTO much SELECT repeat($$x$$, 100) FROM generate_series(1, 100000)');
	sleep 0.2;
}
cmp_ok(crashes($s), '>', $stay_up, 'no room for the write-ahead log: the server gives up');
sleep 1;
set(disk_full => 0);
sleep 1;
if (($s->node->psql('postgres', 'SELECT 1'))[0] // 1)
{
	$s->node->{_pid} = undef;
	under_shim(sub { $s->node->start(fail_ok => 1) });
}
$s->comes_true('... and afterwards all jobs end', "SELECT count(*) FROM scheduler.live_jobs WHERE kind IN ('called', 'written') AND status <> 'dead'", 0, 60);
is($s->sql("SELECT count(*) FROM (SELECT job_id FROM effects GROUP BY 1 HAVING count(*) > 1) AS twice"), 0, '... none twice');
my ($dead, $done) = split /\|/, $s->sql("SELECT (SELECT count(*) FROM scheduler.dead_jobs), (SELECT count(*) FROM effects)");
is($dead + $done, 400, "... none is lost ($done done, $dead whose only attempt the crash took)");
cmp_ok($dead, '<=', 4, '... no more than ran');

note($_) foreach @figures;
$s->node->stop;
done_testing();
