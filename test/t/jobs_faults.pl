# kill -9 at each named point: every job ends, every effect happens once, a call is repeated only where its answer was lost,
# and a job that kills its process is found and given up.
use strict;
use warnings;
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);

my $port = Sched::start_misbehave();

my $s = Sched->start('faults', conf => "scheduler.http_private_hosts = 'localhost:$port'\n");
$s->sql(qq{
	CREATE TABLE effects (job_id uuid, lost int);
	GRANT INSERT ON effects TO scheduler_owner;
	CREATE FUNCTION called(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS \$\$
	BEGIN
		IF response IS NULL THEN
			RETURN scheduler.step_request(ROW('GET', 'http://localhost:$port/echo', NULL, NULL, NULL, '5 s'), '0');
		ELSIF (response).failure = 'lost' THEN
			RETURN scheduler.step_request(ROW('GET', 'http://localhost:$port/echo', NULL, NULL, NULL, '5 s'), to_jsonb((job.state)::int + 1));
		ELSIF (response).status IS NULL THEN
			RETURN scheduler.step_retry((response).error);
		END IF;
		INSERT INTO public.effects VALUES (job.job_id, (job.state)::int);
		RETURN scheduler.step_done(to_jsonb((response).status));
	END \$\$;
	GRANT EXECUTE ON FUNCTION called TO scheduler_owner;
	SELECT scheduler.register_job_kind('called', 'public.called', shared => true, max_attempts => 20)});

# The setting goes as soon as the server can be asked again; until then it may strike more than once.
sub disarm_fault
{
	my $until = time + 40;
	while (time < $until)
	{
		my ($code) = $s->node->psql('postgres', 'ALTER SYSTEM RESET scheduler.fault_point');
		return if defined $code && $code == 0
		  && ($s->node->psql('postgres', 'SELECT pg_reload_conf()'))[0] == 0;
		sleep 0.05;
	}
}

# A worker that started with the setting may still strike once: waits for two seconds without a crash.
sub settle
{
	my $until = time + 30;
	my ($seen, $since) = (-1, 0);
	while (time < $until)
	{
		my ($code) = $s->node->psql('postgres', 'SELECT 1');
		if (!defined $code || $code != 0 || crashes() != $seen)
		{
			($seen, $since) = (crashes(), time);
		}
		return if time - $since > 2;
		sleep 0.1;
	}
}

sub crashes
{
	my $log = PostgreSQL::Test::Utils::slurp_file($s->node->logfile);
	my $n = () = $log =~ /terminated by signal 9/g;
	return $n;
}

foreach my $point ('claimed:2', 'sent', 'answered:3', 'before_commit', 'before_commit:3')
{
	my $before = crashes();
	$s->sql('TRUNCATE effects');
	$s->sql("ALTER SYSTEM SET scheduler.fault_point = '$point'");
	$s->sql('SELECT pg_reload_conf()');
	$s->sql("SELECT scheduler.enqueue_many('called', array_agg(to_jsonb(i))) FROM generate_series(1, 40) AS i");
	my $until = time + 10;
	sleep 0.02 while crashes() == $before && time < $until;
	cmp_ok(crashes(), '>', $before, "$point: a process was killed");
	disarm_fault();
	settle();
	$s->comes_true("$point: every job ends", "SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'called'", 0, 60);
	is($s->sql('SELECT count(*), count(DISTINCT job_id) FROM effects'), '40|40', "$point: every effect happened once");
	is($s->sql("SELECT count(*) FROM scheduler.dead_jobs"), 0, "$point: nothing died");
	$s->sql("DELETE FROM scheduler.finished_jobs");
}

# Handlers that change each other's rows make their batch fail: its answers go into the rows before anything else happens,
# so that no call is made again, whatever becomes of the process.
my $before = crashes();
$s->sql('TRUNCATE effects');
$s->sql(qq{
	CREATE FUNCTION mover(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS \$\$
	BEGIN
		IF response IS NULL THEN
			RETURN scheduler.step_request(ROW('POST', 'http://localhost:$port/slow?ms=500', NULL, NULL, NULL, '20 s'));
		END IF;
		UPDATE scheduler.live_jobs SET worker_pid = worker_pid WHERE kind = 'mover' AND job_id <> job.job_id;
		INSERT INTO public.effects VALUES (job.job_id, ((response).failure IS NOT NULL)::int);
		RETURN scheduler.step_done();
	END \$\$;
	GRANT EXECUTE ON FUNCTION mover TO scheduler_owner;
	SELECT scheduler.register_job_kind('mover', 'public.mover', shared => true, max_attempts => 20);
	ALTER SYSTEM SET scheduler.fault_point = 'kept'});
$s->sql('SELECT pg_reload_conf()');
$s->sql("SELECT scheduler.enqueue_many('mover', array_agg(to_jsonb(i))) FROM generate_series(1, 20) AS i");
my $limit = time + 30;
sleep 0.02 while crashes() == $before && time < $limit;
cmp_ok(crashes(), '>', $before, 'a batch failed, and its process was killed once the answers were kept');
disarm_fault();
settle();
$s->comes_true('... every job ends', "SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'mover'", 0, 60);
is($s->sql('SELECT count(*), count(DISTINCT job_id) FROM effects'), '20|20', '... once');
# Those that were in the air still are lost; a batch that fails has two at least.
cmp_ok($s->sql('SELECT sum(lost) FROM effects'), '<=', 18, '... those of the batch with the answers they had');
is(qx{python3 -c "import urllib.request; print(urllib.request.urlopen('http://localhost:$port/count?path=/slow').read().decode())"},
	"20\n", '... and no call was made again');
$s->sql('DELETE FROM scheduler.finished_jobs');

# ---- races, made wide by a pause at a point ----

$s->sql(q{
	CREATE SEQUENCE naps;
	CREATE FUNCTION nap(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS $$
	BEGIN
		/* What no rollback takes back. */
		PERFORM nextval('public.naps');
		PERFORM pg_sleep((job.payload)::float8);
		RETURN scheduler.step_done();
	END $$;
	SELECT scheduler.register_job_kind('nap', 'public.nap', timeout => '1 minute')});

sub pause_at
{
	my ($point) = @_;
	$s->sql("ALTER SYSTEM SET scheduler.fault_point = '$point'");
	$s->sql('SELECT pg_reload_conf()');
}

# A worker lists the living and pauses; a runner starts, takes a job, and is not on its list.
$s->sql("ALTER SYSTEM SET scheduler.workers = 2");
pause_at('judging pause worker');
$s->comes_true('a second worker', "SELECT count(*) FROM scheduler.stat_workers WHERE type = 'worker'", 2);
sleep 2;
$s->comes_true('no runner', "SELECT count(*) FROM scheduler.stat_workers WHERE type = 'runner'", 0, 20);
my $job = $s->sql("SELECT pg_terminate_backend(pid) FROM (SELECT max(pid) AS pid FROM scheduler.stat_workers WHERE type = 'worker') AS w;"
	  . " SELECT pg_sleep(0.5); SELECT scheduler.enqueue('nap', '5')");
$job =~ s/.*\n//s;
$s->comes_true('a job that a runner took while a worker looked for the dead runs once',
	"SELECT status || ' ' || attempts FROM scheduler.jobs WHERE job_id = '$job'", 'succeeded 1', 30);
is($s->sql('SELECT last_value FROM naps'), 1, '... as its handler does');

$s->comes_true('and the worker that ended has its successor', "SELECT count(*) FROM scheduler.stat_workers WHERE type = 'worker'", 2, 10);

# After a crash: between the mark of a job and its run somebody locks its row.
$s->sql("ALTER SYSTEM RESET scheduler.workers");
pause_at('marked pause');
$s->crash($s->sql("SELECT max(pid) FROM scheduler.stat_workers WHERE type = 'worker'"));
$job = $s->sql(q{SELECT scheduler.enqueue('noop');
	DO $$
	BEGIN
		LOOP
			PERFORM FROM scheduler.live_jobs WHERE kind = 'noop' AND lease IS NOT NULL FOR UPDATE;
			EXIT WHEN FOUND OR NOT EXISTS (SELECT FROM scheduler.live_jobs WHERE kind = 'noop');
			PERFORM pg_sleep(0.01);
		END LOOP;
		PERFORM pg_sleep(2.5);
	END $$});
$s->comes_true('a marked job whose row was locked runs later', "SELECT status FROM scheduler.jobs WHERE job_id = '$job'", 'succeeded', 10);
pause_at('');

# After a crash: somebody has locked the row of a dead process' job when a worker looks for such.
$job = $s->sql("SELECT scheduler.enqueue('nap', '3')");
$s->poll("SELECT status FROM scheduler.live_jobs WHERE job_id = '$job'", 'running');
pause_at('judging pause');
$s->crash($s->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'"));
$s->sql("BEGIN; SELECT FROM scheduler.live_jobs WHERE job_id = '$job' FOR UPDATE; SELECT pg_sleep(3); COMMIT");
$s->comes_true('a dead process\' job whose row was locked is taken back later, long before the next look at everything',
	"SELECT status || ' ' || attempts FROM scheduler.jobs WHERE job_id = '$job'", 'succeeded 1', 25);
pause_at('');

# A job whose handler takes the server down: its neighbours go on, it is dead after its attempts. In the worker and in a
# runner, which has taken it without a mark at first: quick ones of its kind came before it.
$s->sql(q{
	CREATE FUNCTION killer(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS $$
	BEGIN
		IF job.payload = '13' THEN
			COPY (SELECT pg_backend_pid()) TO PROGRAM 'xargs kill -9';
			PERFORM pg_sleep(10);
		END IF;
		RETURN scheduler.step_done();
	END $$;
	CREATE ROLE breaker LOGIN; GRANT scheduler_developer, pg_execute_server_program TO breaker;
	INSERT INTO scheduler.users (email, role_name) VALUES ('breaker@example.org', 'breaker');
	GRANT EXECUTE ON FUNCTION killer TO scheduler_owner, breaker;
	GRANT pg_execute_server_program TO scheduler_owner;
	SELECT scheduler.register_job_kind('killer', 'public.killer', shared => true, max_attempts => 2)});
$s->sql("SELECT scheduler.register_job_kind('breaker', 'public.killer', max_attempts => 2)", 'breaker');
foreach (['killer', 'postgres'], ['breaker', 'breaker'])
{
	my ($kind, $role) = @$_;
	$s->sql("SELECT scheduler.enqueue_many('$kind', array_agg(to_jsonb(i))) FROM generate_series(1, 30) AS i", $role);
	my $until = time + 90;
	my $left = -1;
	while (time < $until && $left ne '0')
	{
		my ($code, $out) = $s->node->psql('postgres', "SELECT count(*) FROM scheduler.live_jobs WHERE kind = '$kind' AND status <> 'dead'");
		$left = $out if defined $code && $code == 0;
		sleep 0.2;
	}
	is($left, '0', "$kind: a job that kills its process does not stop the others");
	is($s->sql("SELECT payload, attempts, error FROM scheduler.live_jobs WHERE kind = '$kind'"),
		'13|2|the process ended while the handler ran', '... and is given up, with the reason');
	is($s->statuses($kind), 'dead 1, succeeded 29', '... alone');
}

$s->node->stop;
done_testing();
