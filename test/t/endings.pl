# How processes end. Asked to end, they save what is on its way; a job that crashes its process is found and given up.
use strict;
use warnings;
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);

my $port = Sched::start_misbehave();
my $s = Sched->start('endings', conf => "scheduler.http_private_hosts = 'localhost:$port'\nscheduler.max_in_flight = 30\nscheduler.poll_interval = 1000\n");

# A clean end: what may be sent twice, or was not sent, is sent by the next worker; other answers are waited for a second.
my %calls = (quick => [ 'POST', '/slow?ms=500', 8 ], slow => [ 'POST', '/slow?ms=6000', 4 ], read => [ 'GET', '/slow?ms=3000', 16 ], wait => [ 'POST', '/slow?ms=300', 20 ]);
foreach my $name (qw(slow read wait quick))
{
	my ($method, $path, $n) = @{ $calls{$name} };
	$s->sql(qq{SELECT scheduler.enqueue_many('http', array_agg(jsonb_build_object('method', '$method', 'url', 'http://localhost:$port$path&$name', 'body', 'x'))) FROM generate_series(1, $n)});
	$s->comes_true("$name calls are asked for", qq{SELECT count(*) FROM scheduler.live_jobs WHERE payload ->> 'url' LIKE '%&$name' AND lease IS NOT NULL}, $n) unless $name eq 'wait';
}
my $old = $s->worker_pid;
$s->sql("SELECT pg_terminate_backend($old)");
$s->comes_true('a worker is asked to end, and another comes', "SELECT count(*) FROM scheduler.stat_workers WHERE type = 'worker' AND pid <> $old", 1);
$s->comes_true('all calls come to an end', "SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'http' AND status NOT IN ('failed', 'dead')", 0, 40);
foreach my $name (qw(quick read wait))
{
	is($s->sql("SELECT concat(status, ' in attempt ', attempts, ': ', count(*), min(error)) FROM scheduler.jobs WHERE payload ->> 'url' LIKE '%&$name' GROUP BY status, attempts"),
		"succeeded in attempt 1: $calls{$name}[2]", "$name: all succeed, none in another attempt");
}
like($s->sql("SELECT status || ' ' || count(*) || ' ' || min(error) FROM scheduler.jobs WHERE payload ->> 'url' LIKE '%&slow' GROUP BY status"),
	qr/^failed 4 lost: .*may have acted/, 'slow: an answer that came too late is lost, and the call not repeated');

# A runner gives its job back, and the attempt with it.
$s->sql(q{
	CREATE ROLE dev LOGIN; GRANT scheduler_developer TO dev; CREATE SCHEMA app AUTHORIZATION dev;
	SELECT scheduler.create_user('dev@example.org', 'dev', role_name => 'dev')});
$s->sql(q{
	CREATE FUNCTION app.nap(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql
		AS $$ BEGIN PERFORM pg_sleep(1.5); RETURN scheduler.step_done(to_jsonb(job.attempts)); END $$;
	SELECT scheduler.register_job_kind('app.nap', 'app.nap', max_attempts => 1)}, 'dev');
my $nap = $s->sql(q{SELECT scheduler.enqueue('app.nap')}, 'dev');
$s->comes_true('a handler runs', "SELECT count(*) FROM scheduler.stat_workers WHERE job_id = '$nap'", 1);
$s->sql("SELECT pg_terminate_backend(pid) FROM scheduler.stat_workers WHERE job_id = '$nap'");
$s->comes_true('its runner is asked to end: another one takes the job', "SELECT status || ' ' || result FROM scheduler.jobs WHERE job_id = '$nap'", 'succeeded 1');
my $over = $s->sql(q{SELECT scheduler.enqueue('app.nap')}, 'dev');
$s->comes_true('a handler runs', "SELECT count(*) FROM scheduler.stat_workers WHERE job_id = '$over'", 1);
my $start = time;
$s->node->restart;
cmp_ok(time - $start, '<', 20, sprintf('a restart of the server does not wait for it (%.1f s)', time - $start));
$s->comes_true('... and the job runs afterwards, in its only attempt', "SELECT status || ' ' || result FROM scheduler.jobs WHERE job_id = '$over'", 'succeeded 1');

# Somebody else kills a process (the system does where memory is short): the job that it had keeps its only attempt, once.
$s->sql(q{
	CREATE TABLE public.gate (open boolean); GRANT SELECT ON public.gate TO scheduler_owner;
	CREATE FUNCTION public.wait(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS $$
	BEGIN
		WHILE job.payload ? 'stays' OR NOT EXISTS (SELECT FROM public.gate) LOOP
			PERFORM pg_sleep(0.05);
		END LOOP;
		RETURN scheduler.step_done(to_jsonb(job.attempts));
	END $$;
	GRANT EXECUTE ON FUNCTION public.wait TO scheduler_owner;
	SELECT scheduler.register_job_kind('wait', 'public.wait', max_attempts => 1, timeout => '5 minutes');
	SELECT scheduler.register_job_kind('shared_wait', 'public.wait', max_attempts => 1, timeout => '5 minutes', shared => true)});
# The process that has the job; waited for, as the row of a dead one says "running" until it is judged.
sub holder
{
	my ($name, $kind) = @_;
	my $pid = "SELECT l.worker_pid FROM scheduler.live_jobs AS l JOIN pg_stat_activity AS a ON a.pid = l.worker_pid"
	  . " WHERE l.kind = '$kind' AND l.status = 'running'";
	my $found;
	my $until = time + 30;
	while (!$found && time < $until)
	{
		my ($code, $out) = $s->node->psql('postgres', $pid);
		$found = $out if defined $code && $code == 0 && $out =~ /^\d+$/;
		sleep 0.05;
	}
	ok($found, "$kind: $name");
	return $found;
}

# A worker's job is taken with a mark after a crash only.
ok($s->crash($s->worker_pid), 'a worker is killed');
foreach my $kind (qw(wait shared_wait))
{
	my $chance = $s->sql("SELECT scheduler.enqueue('$kind')");
	ok($s->crash(holder('a handler runs in its only attempt', $kind)), '... and its process is killed');
	holder('that does not count, it runs again', $kind);
	is($s->sql("SELECT attempts FROM scheduler.live_jobs WHERE kind = '$kind'"), 1, '... in its first attempt');
	ok($s->crash($s->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")), '... another process is killed');
	holder('it runs once more', $kind);
	$s->sql('INSERT INTO gate VALUES (true)');
	$s->comes_true('... and ends in that attempt', "SELECT status || ' ' || result FROM scheduler.jobs WHERE job_id = '$chance'", 'succeeded 1');
	$s->sql('TRUNCATE gate');
	# An end from outside between two kills does not make the first one forgotten.
	my $twice = $s->sql("SELECT scheduler.enqueue('$kind', '{\"stays\": true}')");
	ok($s->crash(holder('a handler runs', $kind)), '... and its process is killed');
	holder('it runs again', $kind);
	ok($s->crash($s->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")), '... another process is killed');
	ok($s->crash(holder('it runs once more', $kind)), '... and its process is killed a second time');
	$s->comes_true('... which counts', "SELECT status || ' ' || attempts || ' ' || error FROM scheduler.jobs WHERE job_id = '$twice'",
		'dead 1 the process ended while the handler ran');
}
$s->sql("SELECT scheduler.cancel_job(job_id) FROM scheduler.live_jobs");

# A job that crashes its runner, as a fault in somebody's C function would.
$s->sql(q{
	CREATE ROLE dangerous; GRANT scheduler_user, pg_execute_server_program TO dangerous;
	CREATE FUNCTION poison(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS $$
	BEGIN
		IF job.payload = '7' THEN
			COPY (SELECT pg_backend_pid()) TO PROGRAM 'xargs kill -SEGV';
			PERFORM pg_sleep(10);
		END IF;
		RETURN scheduler.step_done();
	END $$;
	SELECT scheduler.register_job_kind('poison', 'public.poison', run_as => 'dangerous', max_attempts => 2);
	SELECT scheduler.enqueue_many('poison', array_agg(to_jsonb(i))) FROM generate_series(1, 30) AS i});
my $until = time + 90;
my $left = -1;
while (time < $until && $left ne '0')
{
	my ($code, $out) = $s->node->psql('postgres', "SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'poison' AND status <> 'dead'");
	$left = $out if defined $code && $code == 0;
	sleep 0.2;
}
is($left, '0', 'a job that crashes its runner does not stop the others');
is($s->sql("SELECT payload, attempts, error FROM scheduler.live_jobs WHERE kind = 'poison'"),
	'7|2|the process ended while the handler ran', '... and is given up, with the reason');
is($s->statuses('poison'), 'dead 1, succeeded 29', '... alone');

$s->node->stop;
done_testing();
