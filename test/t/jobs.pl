# Jobs with a real worker and real runners: handlers in C, SQL and PL/pgSQL, every step, order, fairness, faults.
use strict;
use warnings;
use IPC::Run;
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);

my $s = Sched->start('jobs', unarmed => 1);
my $node = $s->node;

# ---- unarmed ----

$s->comes_true('a worker comes without a restart', 'SELECT count(*) FROM scheduler.stat_workers', 1);
like($s->failure("SELECT scheduler.enqueue('noop')"), qr/no worker will run it.*not armed.*SELECT scheduler\.arm/s,
	'who enqueues is told that nothing will run, and why');
sleep 0.5;
is($s->statuses('noop'), 'pending 1', 'an unarmed database runs nothing');
$s->sql('SELECT scheduler.arm()');
$s->comes_true('arm() starts the work', 'SELECT status FROM scheduler.jobs', 'succeeded', 5);
is($s->failure("SELECT scheduler.enqueue('noop')"), '', 'no warning when armed');

# ---- many ----

my $start = time;
$s->sql("SELECT scheduler.enqueue_many('noop', array_fill('{}'::jsonb, ARRAY[20000]))");
$s->comes_true('20,000 jobs are done', 'SELECT count(*) FROM scheduler.live_jobs', 0, 60);
is($s->statuses('noop'), 'succeeded 20002', '... each once');
is($s->sql('SELECT count(*), count(DISTINCT job_id) FROM scheduler.finished_jobs'), '20002|20002', '... and kept');

# ---- handlers of users ----

$s->sql(q{
	CREATE ROLE dev LOGIN; CREATE ROLE other LOGIN;
	GRANT scheduler_developer TO dev; GRANT scheduler_user TO other;
	INSERT INTO scheduler.users (email, role_name) VALUES ('dev@example.org', 'dev'), ('other@example.org', 'other');
	CREATE SCHEMA app AUTHORIZATION dev;
	CREATE TABLE public.secret (x int)});
$s->sql(q{
	CREATE TABLE app.log (n serial, who text, session text, kind text, payload jsonb, state jsonb, at timestamptz DEFAULT clock_timestamp());
	CREATE FUNCTION app.plain(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE sql
		AS $$ SELECT scheduler.step_done(jsonb_build_object('payload', (job).payload, 'user', scheduler.current_user_id() = (job).user_id)) $$;
	CREATE FUNCTION app.logged(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql
		AS $$ BEGIN
			INSERT INTO app.log (who, session, kind, payload, state) VALUES (current_user, session_user, job.kind, job.payload, job.state);
			IF job.payload ? 'fail' THEN RAISE EXCEPTION 'no luck %', job.attempts; END IF;
			IF job.payload ? 'retry' AND job.attempts < 3 THEN RETURN scheduler.step_retry('not yet', '10 ms'); END IF;
			IF job.payload ? 'give_up' THEN RETURN scheduler.step_fail('never'); END IF;
			IF job.payload ? 'sleep' AND job.state IS NULL THEN RETURN scheduler.step_sleep(clock_timestamp() + (job.payload ->> 'sleep')::float8 * interval '300 ms', '{"slept": true}'); END IF;
			IF job.payload ? 'nap' THEN PERFORM pg_sleep((job.payload ->> 'nap')::float8); END IF;
			IF job.payload ? 'children' AND job.state IS NULL THEN
				PERFORM scheduler.enqueue('app.logged', jsonb_build_object('child', i, 'sleep', coalesce((job.payload ->> 'rest')::int, 1))) FROM generate_series(1, (job.payload ->> 'children')::int) AS i;
				BEGIN
					PERFORM scheduler.enqueue('app.logged', '{"child": "undone"}');
					RAISE EXCEPTION 'undo';
				EXCEPTION WHEN raise_exception THEN NULL;
				END;
				RETURN scheduler.step_wait_children('{"waited": true}');
			END IF;
			IF job.payload ? 'steal' THEN PERFORM FROM public.secret; END IF;
			IF job.payload ? 'become' THEN EXECUTE 'SET ROLE postgres'; END IF;
			IF job.payload ? 'setting' THEN PERFORM set_config('work_mem', '77MB', false), pg_advisory_lock(77); END IF;
			RETURN scheduler.step_done(to_jsonb(current_setting('work_mem')));
		END $$;
	SELECT scheduler.register_job_kind('app.plain', 'app.plain');
	SELECT scheduler.register_job_kind('app.logged', 'app.logged', max_attempts => 3, timeout => '1 s', announce => true)},
	'dev');

sub run_job
{
	my ($payload, $kind) = @_;
	my $id = $s->sql(qq{SELECT scheduler.enqueue('} . ($kind // 'app.logged') . qq{', '$payload')}, 'dev');
	return $s->sql("SELECT status, attempts, result, error FROM scheduler.wait_for_job('$id')", 'dev');
}

is(run_job('{"a": 1}', 'app.plain'), 'succeeded|1|{"user": true, "payload": {"a": 1}}|', 'an SQL handler, with the job\'s identity');
is(run_job('{"a": 1}'), 'succeeded|1|"4MB"|', 'a PL/pgSQL handler');
is($s->sql('SELECT who, session FROM app.log'), 'dev|dev', '... runs as the role that registered it');
like(run_job('{"steal": 1}'), qr/^dead\|3\|\|permission denied for table secret/, '... with its rights only');
like(run_job('{"become": 1}'), qr/^dead\|3\|\|(cannot|permission)/, '... and cannot become another');
is(run_job('{"setting": 1}'), 'succeeded|1|"77MB"|', 'a handler changes a setting and takes a session lock');
is(run_job('{}'), 'succeeded|1|"4MB"|', '... which are gone at the next');
is($s->sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 77"), 0, '... both');
is(run_job('{"retry": 1}'), 'succeeded|3|"4MB"|', 'a retry until it works');
like(run_job('{"fail": 1}'), qr/^dead\|3\|\|no luck 3 \(P0001\)$/, 'dead after its last attempt');
is(run_job('{"give_up": 1}'), 'failed|1||never', 'step_fail ends it at once');
is($s->sql("SELECT count(*) FROM app.log WHERE payload ? 'fail'"), 0, 'what a failing handler wrote is gone');
$start = time;
like(run_job('{"nap": 30}'), qr/^dead\|3\|\|timeout: /, 'a handler that takes too long is stopped');
is(run_job('{"sleep": 1}'), 'succeeded|1|"4MB"|', 'a job sleeps and goes on');
is($s->sql("SELECT state FROM app.log WHERE payload ? 'sleep' ORDER BY n DESC LIMIT 1"), '{"slept": true}', '... with its state');
is(run_job('{"children": 5}'), 'succeeded|1|"4MB"|', 'a parent waits for its children');
is($s->sql("SELECT max(n) < (SELECT max(n) FROM app.log WHERE payload ? 'children') AND count(*) = 10 FROM app.log WHERE payload ? 'child'"),
	't', '... all of them, but not for one that was undone');
my $dead = $s->sql('SELECT job_id FROM scheduler.dead_jobs WHERE kind = \'app.logged\' LIMIT 1', 'dev');
is($s->sql('SELECT count(*) FROM scheduler.dead_jobs', 'other'), 0, 'another user sees none of the dead');
is($s->sql("SELECT scheduler.retry_job('$dead')", 'other'), 'f', '... and starts none again');
is($s->sql("SELECT scheduler.retry_job('$dead')", 'dev'), 't', 'their owner does');
$s->comes_true('... and it dies again', "SELECT status FROM scheduler.jobs WHERE job_id = '$dead'", 'dead');
$s->sql("SELECT scheduler.cancel_job('$dead')", 'dev');
is($s->sql("SELECT status FROM scheduler.jobs WHERE job_id = '$dead'"), 'cancelled', 'or puts it away');
like($s->failure("SELECT scheduler.enqueue('app.logged')", 'other'), qr/permission denied to enqueue/, 'a kind is its owner\'s');
like($s->failure("SELECT scheduler.enqueue('mail.process')", 'dev'), qr/permission denied to enqueue/, 'built-in ones are the extension\'s');
is($s->sql("CALL scheduler.run('app.plain', '{\"b\": 2}')", 'dev'), '{"user": true, "payload": {"b": 2}}', 'run() waits for the result');
like($s->failure("CALL scheduler.run('app.logged', '{\"give_up\": 2}')", 'dev'), qr/job failed.*never/s, '... or raises what went wrong');

# A call of a user's kind goes through the worker: here it is refused before it leaves.
$s->sql(q{
	CREATE FUNCTION app.calls(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql
		AS $$ BEGIN
			IF response IS NULL THEN RETURN scheduler.step_request(ROW('GET', 'http://127.0.0.1:1/', NULL, NULL, NULL, NULL), '"asked"'); END IF;
			RETURN scheduler.step_done(jsonb_build_object('state', job.state, 'failure', (response).failure, 'sent', (response).sent, 'who', current_user));
		END $$;
	SELECT scheduler.register_job_kind('app.calls', 'app.calls')}, 'dev');
is(run_job('{}', 'app.calls'), 'succeeded|1|{"who": "dev", "sent": false, "state": "asked", "failure": "forbidden"}|',
	'a runner\'s job makes its call through the worker');

# ---- cancel ----

my $long = $s->sql(q{SELECT scheduler.register_job_kind('app.long', 'app.logged', max_attempts => 3, timeout => '60 s');
	SELECT scheduler.enqueue('app.long', '{"nap": 50}')}, 'dev');
$long =~ s/\s//g;
$s->comes_true('a long job runs', "SELECT status FROM scheduler.jobs WHERE job_id = '$long'", 'running');
$start = time;
is($s->sql("SELECT scheduler.cancel_job('$long')", 'other'), 'f', 'not everybody cancels it');
is($s->sql("SELECT scheduler.cancel_job('$long')", 'dev'), 't', 'its owner does');
$s->comes_true('its runner is interrupted', "SELECT count(*) FROM scheduler.stat_workers WHERE job_id = '$long'", 0);
cmp_ok(time - $start, '<', 20, '... at once');
is($s->sql("SELECT status FROM scheduler.jobs WHERE job_id = '$long'"), 'cancelled', '... and it stays cancelled');
is($s->sql("SELECT count(*) FROM app.log WHERE payload ->> 'nap' = '50'"), 0, '... without effects');

# Of a kind that was quick so far the row is locked while the handler runs, and nothing says "running".
my $of_job = 'FROM scheduler.stat_workers WHERE job_id';
my $napping;
$s->sql(q{SELECT scheduler.register_job_kind('app.quick', 'app.logged', max_attempts => 3, timeout => '60 s')}, 'dev');

sub hold_row
{
	foreach (1 .. 20)
	{
		$s->sql(q{SELECT scheduler.enqueue_many('app.quick', array_fill('{}'::jsonb, ARRAY[100]))}, 'dev');
		$s->comes_true('quick jobs are done', q{SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'app.quick'}, 0);
		$napping = $s->sql(q{SELECT scheduler.enqueue('app.quick', '{"nap": 51}')}, 'dev');
		$s->comes_true('a slow one runs', "SELECT count(*) $of_job = '$napping'", 1);
		return if $s->sql("SELECT status FROM scheduler.jobs WHERE job_id = '$napping'") eq 'pending';
		$s->sql("SELECT scheduler.cancel_job('$napping')", 'dev');
		$s->comes_true('... marked, as its runner was new', "SELECT count(*) $of_job = '$napping'", 0);
	}
	fail('a slow job of a quick kind runs without a mark');
}
hold_row();
$start = time;
is($s->sql("SELECT scheduler.cancel_job('$napping')", 'dev'), 't', 'cancelled while its row is locked');
cmp_ok(time - $start, '<', 20, '... without waiting for its handler');
$s->comes_true('... and it is gone', "SELECT count(*) $of_job = '$napping'", 0);
is($s->sql("SELECT status FROM scheduler.jobs WHERE job_id = '$napping'"), 'cancelled', '... for good');
hold_row();
my $killed = $s->sql("SELECT pid $of_job = '$napping'");
$start = time;
$s->sql("SELECT pg_terminate_backend($killed)");
$s->comes_true('a runner that is ended gives its job back', "SELECT count(*) $of_job = '$napping' AND pid <> $killed", 1);
cmp_ok(time - $start, '<', 20, '... at once');
$s->sql("SELECT scheduler.cancel_job('$napping')", 'dev');
is($s->sql("SELECT count(*) FROM app.log WHERE payload ->> 'nap' = '51'"), 0, '... and none of them left an effect');

my $family = $s->sql(q{SELECT scheduler.enqueue('app.logged', '{"children": 3, "rest": 200}')}, 'dev');
$s->comes_true('a family waits', "SELECT count(*) FROM scheduler.live_jobs WHERE parent_id = '$family'", 3);
$s->sql("SELECT scheduler.cancel_job('$family')", 'dev');
is($s->sql("SELECT count(*) FROM scheduler.jobs WHERE '$family' IN (job_id, parent_id) AND status = 'cancelled'"), 4, 'cancelling takes the children along');

# ---- order ----

$s->sql('SELECT scheduler.disarm()');
$s->comes_true('disarmed', 'SELECT scheduler.armed()', 'f');
sleep 0.3;
$s->sql(q{TRUNCATE app.log;
	SELECT scheduler.enqueue('app.logged', jsonb_build_object('p', p), priority => p) FROM unnest(ARRAY[5, 1, 9, 0]) AS p}, 'dev');
sleep 0.3;
is($s->sql('SELECT count(*) FROM app.log'), 0, 'disarm() stops the work');
$node->append_conf('postgresql.conf', 'scheduler.runners = 1');
$node->reload;
$s->sql("SELECT pg_terminate_backend(pid) FROM scheduler.stat_workers WHERE type = 'runner'");
$s->sql('SELECT scheduler.arm()');
$s->comes_true('all ran', 'SELECT count(*) FROM app.log', 4);
is($s->sql("SELECT string_agg(payload ->> 'p', ' ' ORDER BY n) FROM app.log"), '0 1 5 9', 'priorities: 0 first');
$node->append_conf('postgresql.conf', 'scheduler.runners = 4');
$node->reload;
$s->sql(q{TRUNCATE app.log;
	SELECT scheduler.enqueue('app.logged', jsonb_build_object('q', i, CASE WHEN i IN (2, 4) THEN 'retry' ELSE 'nap' END, 0.02), queue => 'line')
	FROM generate_series(1, 6) AS i}, 'dev');
$s->comes_true('a queue is worked off', "SELECT count(*) FROM scheduler.live_jobs WHERE queue = 'line'", 0);
is($s->sql("SELECT string_agg(payload ->> 'q', ' ' ORDER BY n) FROM app.log"), '1 2 2 2 3 4 4 4 5 6', 'a queue keeps its order, also while one is tried again');
$s->sql(q{SELECT scheduler.enqueue('app.logged', '{"later": 1}', queue => 'line', run_at => now() + interval '1 hour');
	SELECT scheduler.enqueue('app.logged', '{"now": 1}', queue => 'line')}, 'dev');
$s->comes_true('a job for later does not hold its queue up', "SELECT count(*) FROM app.log WHERE payload ? 'now'", 1);
$s->sql("SELECT scheduler.cancel_job(job_id) FROM scheduler.jobs WHERE queue = 'line' AND status = 'pending'", 'dev');

# A user's open transaction that holds the next job of a queue delays that job, and nothing else.
my $calm = $s->worker_pid;
$s->sql(q{SELECT scheduler.enqueue('app.logged', '{"nap": 0.5}', queue => 'held');
	SELECT scheduler.enqueue('app.logged', '{"held": 1}', queue => 'held', unique_key => 'held')}, 'dev');
my $holder = IPC::Run::start(
	[ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, '-U', 'dev', '-d', 'postgres', '-c',
		q{BEGIN; SELECT scheduler.enqueue('app.logged', unique_key => 'held'); SELECT pg_sleep(2); COMMIT} ],
	'>', \my $held);
is(run_job('{}', 'app.plain'), 'succeeded|1|{"user": true, "payload": {}}|', 'while a row is held others run');
$holder->finish;
$s->comes_true('... and then the one that was held', "SELECT count(*) FROM app.log WHERE payload ? 'held'", 1);
is($s->worker_pid, $calm, '... without a restart of the worker');

# ---- unique keys ----

is($s->sql(q{SELECT count(DISTINCT id) FROM (SELECT scheduler.enqueue('app.logged', '{"u": 1}', run_at => now() + interval '1 hour', unique_key => 'k') AS id
	FROM generate_series(1, 3)) AS s}, 'dev'), 1, 'the same key is the same job');
$s->sql(q{SELECT scheduler.enqueue('app.logged', '{"u": 2}', unique_key => 'k', unique_mode => 'replace')}, 'dev');
$s->comes_true('replaced, it runs with the new payload', "SELECT string_agg(payload ->> 'u', ' ') FROM app.log WHERE payload ? 'u'", 2);
# Registered again it is not known as quick: it is marked as running.
my $busy = $s->sql(q{DO $$ BEGIN PERFORM scheduler.register_job_kind('app.logged', 'app.logged', max_attempts => 3, timeout => '20 s', announce => true); END $$; SELECT scheduler.enqueue('app.logged', '{"busy": 1, "nap": 3}', unique_key => 'k')}, 'dev');
$s->comes_true('it runs', "SELECT status FROM scheduler.jobs WHERE job_id = '$busy'", 'running');
is($s->sql(q{SELECT scheduler.enqueue('app.logged', '{"busy": 2}', unique_key => 'k', unique_mode => 'replace')}, 'dev'), $busy, 'while it runs it is the same job');
$s->comes_true('... which runs again afterwards', "SELECT string_agg(payload ->> 'busy', ' ' ORDER BY n) FROM app.log WHERE payload ? 'busy'", '1 2');
$s->comes_true('... once', "SELECT status FROM scheduler.jobs WHERE job_id = '$busy'", 'succeeded');

# ---- schedules ----

$s->sql(q{SELECT scheduler.save_schedule('tick', 'app.plain', every => '1 second')}, 'dev');
$s->comes_true('a schedule runs again and again', "SELECT count(*) >= 3 FROM scheduler.schedule_runs WHERE outcome = 'enqueued'", 't');
cmp_ok($s->sql("SELECT count(*) FROM scheduler.schedule_runs WHERE outcome = 'enqueued'"), '<=', 5, '... not more often than asked');
is($s->sql('SELECT count(*) FROM scheduler.schedules', 'other'), 0, 'others do not see it');
is($s->sql(q{SELECT scheduler.drop_schedule('tick')}, 'dev'), 't', 'it can be dropped');

# ---- the worker's own transactions ----

$s->sql(q{
	CREATE FUNCTION public.mixed(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql
		AS $$ BEGIN
			INSERT INTO public.mixed_log VALUES (current_user, (job.payload ->> 'i')::int);
			IF (job.payload ->> 'i')::int % 10 = 0 AND job.attempts = 1 THEN RAISE EXCEPTION 'unlucky'; END IF;
			RETURN scheduler.step_done();
		END $$;
	CREATE TABLE public.mixed_log (who text, i int UNIQUE DEFERRABLE INITIALLY DEFERRED);
	GRANT INSERT ON public.mixed_log TO scheduler_owner; GRANT EXECUTE ON FUNCTION public.mixed TO scheduler_owner;
	SELECT scheduler.register_job_kind('mixed', 'public.mixed', shared => true);
	SELECT scheduler.enqueue_many('mixed', array_agg(jsonb_build_object('i', i))) FROM generate_series(1, 300) AS i});
$s->comes_true('a shared kind runs in the worker', "SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'mixed'", 0);
is($s->sql('SELECT count(*), count(DISTINCT i), min(who), max(who) FROM public.mixed_log'), '300|300|scheduler_owner|scheduler_owner',
	'... as scheduler_owner; failing neighbours undo nobody\'s work');
$s->sql(q{SELECT scheduler.enqueue_many('mixed', array_agg(jsonb_build_object('i', i))) FROM generate_series(299, 301) AS i});
$s->comes_true('a deferred constraint hits who broke it', "SELECT count(*) FROM public.mixed_log", 301);

# ---- fair shares, latency ----

$s->sql("SELECT scheduler.enqueue_many('noop', array_fill('{}'::jsonb, ARRAY[150000]))", 'dev');
my @waits;
for (1 .. 20)
{
	my $id = $s->sql("SELECT scheduler.enqueue('noop')", 'other');
	push @waits, $s->sql("SELECT round(extract(epoch FROM finished_at - created_at) * 1000) FROM scheduler.wait_for_job('$id')", 'other');
}
my $left = $s->sql('SELECT count(*) FROM scheduler.live_jobs');
@waits = sort { $a <=> $b } @waits;
cmp_ok($waits[18], '<', 2000, "one user's many jobs do not hold up another's ($left left; waits of $waits[0] to $waits[19] ms)");
$s->comes_true('and all are done', 'SELECT count(*) FROM scheduler.live_jobs WHERE kind = \'noop\'', 0, 60);
@waits = ();
for (1 .. 20)
{
	my $id = $s->sql("SELECT scheduler.enqueue('noop')", 'other');
	push @waits, $s->sql("SELECT round(extract(epoch FROM finished_at - created_at) * 1000) FROM scheduler.wait_for_job('$id')", 'other');
}
@waits = sort { $a <=> $b } @waits;
cmp_ok($waits[10], '<', 1000, "an idle worker wakes at once ($waits[10] ms, at most $waits[19])");

# ---- changes ----

$s->comes_true('changes are numbered', 'SELECT count(*) FROM scheduler.new_changes', 0);
is($s->sql('SELECT count(*) > 0 AND max(change_seq) = count(*) AND min(change_seq) = 1 FROM scheduler.changes'), 't', '... without gaps');
is($s->sql("SELECT count(*) FROM scheduler.changes WHERE type IN ('job.dead', 'job.failed', 'job.succeeded')", 'dev') > 0, 1, '... of what jobs announce');
is($s->sql('SELECT count(*) FROM scheduler.changes', 'other'), 0, '... to their owner');

# ---- processes ----

my $pid = $s->worker_pid;
$node->append_conf('postgresql.conf', 'scheduler.poll_interval = 500');
$node->reload;
is(run_job('{}', 'app.plain'), 'succeeded|1|{"user": true, "payload": {}}|', 'the worker survives SIGHUP');
is($s->worker_pid, $pid, '... as the same process');
$start = time;
$s->sql("SELECT pg_terminate_backend($pid)");
$s->comes_true('SIGTERM ends it', "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid", 0);
cmp_ok(time - $start, '<', 5, "... at once");
$s->comes_true('and another comes', "SELECT count(*) FROM scheduler.stat_workers WHERE pid <> $pid", 1);

$node->safe_psql('postgres', 'CREATE DATABASE second');
$node->safe_psql('second', 'CREATE EXTENSION scheduler CASCADE');
$node->safe_psql('second', 'SELECT scheduler.arm()');
$node->safe_psql('second', "SELECT scheduler.enqueue('noop')");
ok($node->poll_query_until('second', 'SELECT count(*) FROM scheduler.finished_jobs', '1'), 'a second database has its worker');
$start = time;
$node->safe_psql('postgres', 'DROP DATABASE second');
cmp_ok(time - $start, '<', 15, 'its database can be dropped');
$node->safe_psql('postgres', 'CREATE DATABASE third');
$start = time;
$node->safe_psql('postgres', 'DROP DATABASE third');
cmp_ok(time - $start, '<', 15, 'so can one without the extension');

$s->sql('DROP EXTENSION scheduler CASCADE');
$s->comes_true('workers leave when the extension is dropped', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'scheduler worker'", 0);
$s->sql('CREATE EXTENSION scheduler; SELECT scheduler.arm()');
$s->sql("SELECT scheduler.enqueue('noop')");
$s->comes_true('and come back with it', 'SELECT count(*) FROM scheduler.finished_jobs', 1);

# ---- a worker that dies ----

$pid = $s->worker_pid;
ok($s->crash($pid), 'kill -9: the server recovers');
$s->sql("SELECT scheduler.enqueue('noop')");
$s->comes_true('after kill -9 the server recovers and a worker works', 'SELECT count(*) FROM scheduler.finished_jobs', 2);

$node->stop;
done_testing();
