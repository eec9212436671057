# The clock is set forward and back by a day while all kinds of work are under way (libfaketime, which the running server reads
# anew from a file). No storm, no standstill, nothing twice.
# What is due in the table follows by follow_clock(), which the worker calls.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);

my $port = Sched::start_misbehave();
my $scratch = PostgreSQL::Test::Utils::tempdir;
my ($faketime) = glob('/usr/lib/*/faketime/libfaketime.so.1');

sub set_clock
{
	my ($offset) = @_;
	open my $file, '>', "$scratch/now" or die $!;
	print $file "$offset\n";
	close $file;
}

set_clock('+0');
my $s;
{
	local %ENV = (%ENV, LD_PRELOAD => "$ENV{STAGE}/plain_select.so $faketime", FAKETIME_TIMESTAMP_FILE => "$scratch/now",
		FAKETIME_NO_CACHE => 1, FAKETIME_DONT_FAKE_MONOTONIC => 1);
	$s = Sched->start('clock', conf => "scheduler.http_private_hosts = 'localhost:$port'\nscheduler.poll_interval = 500\nautovacuum = off\n");
}
my @figures;

$s->sql(q{
	CREATE ROLE dev LOGIN; GRANT scheduler_developer TO dev; CREATE SCHEMA app AUTHORIZATION dev;
	SELECT scheduler.create_user('dev@example.org', 'dev', role_name => 'dev')});
$s->sql(q{
	CREATE TABLE app.log (n serial, job_id uuid, what text, attempt integer);
	CREATE FUNCTION app.run(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS $$
	DECLARE
		what text := job.payload ->> 'what';
	BEGIN
		IF what = 'endless' THEN
			LOOP END LOOP;
		ELSIF what = 'sleeps' AND job.state IS NULL THEN
			RETURN scheduler.step_sleep(clock_timestamp() + interval '2 s', '1');
		ELSIF what = 'retries' AND job.attempts = 1 THEN
			RETURN scheduler.step_retry('again', '2 s');
		ELSIF what = 'works' THEN
			/* pg_sleep() goes by the time of day, and would last a day. */
			PERFORM count(*) FROM generate_series(1, 4000000);
		END IF;
		INSERT INTO app.log (job_id, what, attempt) VALUES (job.job_id, what, job.attempts);
		RETURN scheduler.step_done();
	END $$;
	SELECT scheduler.register_job_kind('app.run', 'app.run', max_attempts => 2, announce => true);
	SELECT scheduler.register_job_kind('app.short', 'app.run', max_attempts => 1, timeout => '3 s');
	SELECT scheduler.save_schedule('tick', 'noop', every => '1 second');
	SELECT scheduler.save_schedule('daily', 'noop', every => '1 day');
	SELECT scheduler.save_schedule('each', 'noop', every => '6 hours', catch_up => 'all', overlap => 'queue')}, 'dev');
my $ids = $s->session;
my $last_id = $ids->sql('SELECT scheduler.uuid7()');

sub ticks
{
	return $s->sql("SELECT count(*) FROM scheduler.schedule_runs r JOIN scheduler.schedules s USING (user_id, schedule_id) WHERE s.name = '" . ($_[0] // 'tick') . "'");
}

# Work that is under way when the clock is set.
sub begin_work
{
	$s->sql('TRUNCATE app.log');
	$s->sql(qq{SELECT scheduler.enqueue_many('http', array_agg(jsonb_build_object('url', 'http://localhost:$port/slow?ms=2000', 'timeout', '20 s'))) FROM generate_series(1, 20)});
	$s->sql(q{SELECT scheduler.enqueue('app.short', '{"what": "endless"}');
		SELECT scheduler.enqueue('app.run', jsonb_build_object('what', w)) FROM unnest(ARRAY['sleeps', 'retries', 'works']) AS w;
		SELECT scheduler.enqueue('app.run', '{"what": "line"}', queue => 'line') FROM generate_series(1, 3)}, 'dev');
	$s->comes_true('work is under way', "SELECT count(*) FROM scheduler.live_jobs WHERE status = 'running' AND kind = 'http'", 20);
	$s->comes_true('... and handlers run', "SELECT count(*) >= 1 FROM scheduler.stat_workers WHERE job_id IS NOT NULL", 't');
}

sub goes_on
{
	my ($name, $offset, $most_ticks) = @_;
	my $worker = $s->worker_pid;
	begin_work();
	my $before = ticks();
	my $start = time;
	set_clock($offset);
	$s->comes_true("$name: the server sees it", "SELECT abs(extract(epoch FROM clock_timestamp()) - " . time . " - ($offset)) < 100", 't');
	$s->comes_true('... a schedule goes on', "SELECT (SELECT count(*) FROM scheduler.schedule_runs r JOIN scheduler.schedules s USING (user_id, schedule_id) WHERE s.name = 'tick') >= $before + 3", 't', 15);
	$s->comes_true('... calls and handlers end', "SELECT count(*) FROM scheduler.live_jobs WHERE kind IN ('http', 'app.run') AND payload ->> 'what' IS DISTINCT FROM 'later'", 0, 25);
	$s->comes_true('... the endless one at its time limit', "SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'app.short' AND status = 'dead'", 1, 15);
	like($s->sql("SELECT error FROM scheduler.live_jobs WHERE kind = 'app.short'"), qr/^timeout: /, '... and says so');
	$s->sql("DELETE FROM scheduler.live_jobs WHERE kind = 'app.short'");
	is($s->sql("SELECT count(*), count(DISTINCT job_id) FROM app.log"), '6|6', '... each effect once');
	is($s->sql("SELECT string_agg(what, ' ' ORDER BY n) FROM app.log WHERE what = 'line'"), 'line line line', '... a queue too');
	is($s->sql("SELECT max(attempt) FROM app.log WHERE what <> 'retries'"), 1, '... no attempt lost');
	my $ran = ticks() - $before;
	my $most = int(time - $start) + $most_ticks;
	cmp_ok($ran, '<=', $most, "... and no storm: $ran runs of a schedule of one second in " . int(time - $start) . ' s');
	push @figures, "$name: $ran runs in " . int(time - $start) . ' s';
	$start = time;
	my $id = $s->sql("SELECT scheduler.enqueue('noop')");
	$s->comes_true('... a new job is picked up', "SELECT status FROM scheduler.jobs WHERE job_id = '$id'", 'succeeded');
	cmp_ok(time - $start, '<', 5, '... at once');
	$s->comes_true('... changes are numbered', 'SELECT count(*) FROM scheduler.new_changes', 0);
	is($s->worker_pid, $worker, '... the same worker does it all');
	my $new_id = $ids->sql('SELECT scheduler.uuid7()');
	cmp_ok($new_id, 'gt', $last_id, '... and the keys of a session rise');
	$last_id = $new_id;
}

$s->comes_true('a schedule runs', 'SELECT count(*) >= 2 FROM scheduler.schedule_runs', 't');
my $later = $s->sql(q{SELECT scheduler.enqueue('app.run', '{"what": "later"}', run_at => now() + interval '40 days')}, 'dev');
goes_on('a day forward', '+86400', 4);
is(ticks('each'), 4, '... a schedule that makes up for what it missed does that, and no more');
is(ticks('daily'), 1, '... one of a day runs once');
goes_on('back again', '+0', 4);
goes_on('a day back', '-86400', 4);
is(ticks('daily'), 1, '... the schedule of a day has not run again');
is($s->sql("SELECT next_run_at > now() AND next_run_at <= now() + interval '1 day' FROM scheduler.schedules WHERE name = 'daily'"), 't', '... and will, within a day');
is($s->sql("SELECT status || ' ' || (run_at > now() + interval '40 days') FROM scheduler.jobs WHERE job_id = '$later'"), 'pending true', '... a job for a day that somebody named stays there');
my $pid = $s->worker_pid;
$s->sql("SELECT pg_terminate_backend($pid)");
$s->comes_true('a worker that ends is replaced', "SELECT count(*) FROM scheduler.stat_workers WHERE type = 'worker' AND pid <> $pid", 1, 10);
goes_on('forward again', '+0', 4);
is(scalar($s->logged(qr/ (ERROR|FATAL|PANIC): (?!.*administrator command)/)), 0, 'no errors in the log') or diag(join "\n", $s->logged(qr/ (ERROR|FATAL|PANIC): /));

note($_) foreach @figures;
$ids->close;
$s->node->stop;
done_testing();
