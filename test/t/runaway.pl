# A developer's handlers that run away: without end, asleep, with a lock, with a gigabyte, in deep recursion, with files, catching
# what should stop them. Another user's jobs are picked up as before; p50 and p99 of that are printed, with and without.
# And a user's open transactions: whose jobs they hold up comes again without losing an attempt.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);

my $s = Sched->start('runaway', conf => <<'CONF');
scheduler.poll_interval = 1000
scheduler.runners = 4
deadlock_timeout = '250ms'
temp_file_limit = '200MB'
max_stack_depth = '1MB'
log_min_messages = warning
log_min_error_statement = panic
CONF
my $node = $s->node;
my @figures;

foreach my $name ('wild', 'calm')
{
	$s->sql(qq{CREATE ROLE $name LOGIN; GRANT scheduler_developer TO $name; CREATE SCHEMA $name AUTHORIZATION $name;
		GRANT USAGE ON SCHEMA $name TO PUBLIC; SELECT scheduler.create_user('$name\@example.org', '$name', role_name => '$name')});
}
$s->sql(q{
	CREATE TABLE calm.log (job_id uuid, at timestamptz DEFAULT clock_timestamp());
	CREATE FUNCTION calm.quick(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql
		AS $$ BEGIN INSERT INTO calm.log VALUES (job.job_id); RETURN scheduler.step_done(); END $$;
	SELECT scheduler.register_job_kind('calm.quick', 'calm.quick');
	GRANT SELECT ON calm.log TO wild}, 'calm');
$s->sql(q{
	CREATE FUNCTION wild.deep(n integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RETURN wild.deep(n + 1) + 1; END $$;
	CREATE FUNCTION wild.run(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS $$
	DECLARE
		way text := job.payload #>> '{}';
		big text;
	BEGIN
		IF way = 'loop' THEN
			LOOP END LOOP;
		ELSIF way = 'sleep' THEN
			PERFORM pg_sleep(3600);
		ELSIF way = 'lock' THEN
			LOCK TABLE wild.shared;
			PERFORM pg_sleep(3600);
		ELSIF way = 'gigabyte' THEN
			RETURN scheduler.step_done(to_jsonb(repeat('x', 1000000000)));
		ELSIF way = 'half' THEN
			RETURN scheduler.step_done(to_jsonb(repeat('x', 250000000)));
		ELSIF way = 'deep' THEN
			PERFORM wild.deep(1);
		ELSIF way = 'memory' THEN
			SELECT string_agg(repeat('x', 10000000), '') INTO big FROM generate_series(1, 1000);
		ELSIF way = 'files' THEN
			PERFORM count(*) FROM (SELECT i, repeat(i::text, 100) FROM generate_series(1, 3000000) AS i ORDER BY 2 DESC, 1) AS s;
		ELSIF way = 'catch' THEN
			LOOP
				BEGIN
					PERFORM pg_sleep(3600);
				EXCEPTION WHEN query_canceled THEN
					NULL;
				END;
			END LOOP;
		ELSIF way = 'many' THEN
			PERFORM scheduler.enqueue(job.kind, '"quick"') FROM generate_series(1, 2000);
		END IF;
		RETURN scheduler.step_done();
	END $$;
	CREATE TABLE wild.shared (i integer); GRANT INSERT ON wild.shared TO calm;
	SELECT scheduler.register_job_kind('wild.run', 'wild.run', max_attempts => 1, timeout => '3 s');
	SELECT scheduler.register_job_kind('wild.long', 'wild.run', max_attempts => 1, timeout => '1 hour')}, 'wild');

# Milliseconds from commit to the handler's first statement, for the calm user's jobs one after another.
sub pick_ups
{
	my ($name, $seconds) = @_;
	my $until = time + $seconds;
	my @waits;
	my $session = $s->session('calm');
	while (time < $until || @waits < 20)
	{
		push @waits, $session->sql(q{WITH job AS MATERIALIZED (SELECT scheduler.enqueue('calm.quick') AS id) SELECT id FROM job})
		  =~ s/(\S+)/$session->sql("SELECT round(extract(epoch FROM j.started_at - j.created_at) * 1000, 1) FROM scheduler.wait_for_job('$1', '60 s') AS j")/er;
		sleep 0.02;
	}
	$session->close;
	@waits = sort { $a <=> $b } @waits;
	my ($p50, $p99) = ($waits[ @waits / 2 ], $waits[ int(@waits * 0.99) ]);
	push @figures, sprintf('pick-up of another\'s jobs, %s: p50 %.1f ms, p99 %.1f ms (%d jobs)', $name, $p50, $p99, scalar @waits);
	return ($p50, $p99);
}

pick_ups('warming up', 1);
my ($calm50, $calm99) = pick_ups('alone', 3);

# ---- all ways at once, many of each ----

my @ways = qw(loop sleep lock gigabyte half deep memory files catch);
$s->sql("SELECT scheduler.enqueue('wild.run', to_jsonb(w)) FROM unnest(ARRAY['" . join("', '", @ways) . "']) AS w, generate_series(1, 3)", 'wild');
my ($p50, $p99) = pick_ups('beside 27 jobs that run away', 8);
cmp_ok($p99, '<', 3000, "another user's jobs do not wait for them (p99 $p99 ms; alone $calm99 ms)");
$s->comes_true('all of them come to an end', "SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'wild.run' AND status <> 'dead'", 0, 120);
my %errors;
foreach (split /\n/, $s->sql("SELECT DISTINCT payload #>> '{}' || '|' || coalesce(error, '') FROM scheduler.dead_jobs WHERE kind = 'wild.run'"))
{
	my ($way, $error) = split /\|/, $_, 2;
	$errors{$way} = $error;
}
my %expected = (
	loop => qr/^timeout: /, sleep => qr/^timeout: /, lock => qr/^timeout: /, gigabyte => qr/\(54000\)|\(53200\)|\(22023\)|timeout/,
	deep => qr/stack depth/, memory => qr/\(54000\)|\(53200\)|timeout/, files => qr/temporary file size|timeout/,
	catch => qr/^timeout|ended while/);
like($errors{$_} // 'no error', $expected{$_}, "$_: $errors{$_}") foreach sort keys %expected;
ok(($errors{half} // '') eq '' || $errors{half} =~ /\(\w{5}\)|timeout/, 'half: ' . ($errors{half} // 'kept'));
is(scalar($s->logged(qr/terminated by signal|PANIC/)), 0, 'no process of the server has crashed');
$s->sql("DELETE FROM scheduler.live_jobs WHERE kind = 'wild.run'");

# ---- one user has more that never ends than there are runners ----

$s->sql(q{SELECT scheduler.enqueue('wild.long', '"sleep"') FROM generate_series(1, 40)}, 'wild');
$s->comes_true('one user fills the runners with what does not end', "SELECT count(*) FROM scheduler.stat_workers WHERE job_id IS NOT NULL", 3);
($p50, $p99) = pick_ups('beside 40 jobs that sleep for an hour', 4);
cmp_ok($p99, '<', 3000, "... but one: another user's jobs are picked up (p99 $p99 ms)");
my $second = $s->sql(q{SELECT scheduler.enqueue('wild.run', '"quick"', priority => 0)}, 'wild');
sleep 1;
is($s->sql("SELECT status FROM scheduler.jobs WHERE job_id = '$second'"), 'pending', '... his own wait for his own');
is($s->sql("SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'wild.long' AND status = 'running'"), 3, '... of which as many run as may');
$s->sql("SELECT count(scheduler.cancel_job(job_id)) FROM scheduler.live_jobs WHERE kind = 'wild.long'", 'wild');
$s->comes_true('... and run when those are cancelled', "SELECT status FROM scheduler.jobs WHERE job_id = '$second'", 'succeeded', 30);

# ---- the limit of a kind: over all workers and runners ----

$s->sql(q{SELECT scheduler.register_job_kind('wild.two', 'wild.run', max_attempts => 1, timeout => '1 hour', per_user_limit => 2);
	SELECT scheduler.enqueue('wild.two', '"sleep"') FROM generate_series(1, 6)}, 'wild');
$s->comes_true('per_user_limit 2: two run', "SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'wild.two' AND status = 'running'", 2);
my $beside = $s->sql(q{SELECT scheduler.enqueue('wild.run', '"quick"')}, 'wild');
$s->comes_true('... and jobs of another kind of the same user run beside them', "SELECT status FROM scheduler.jobs WHERE job_id = '$beside'", 'succeeded');
sleep 1;
is($s->sql("SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'wild.two' AND status = 'running'"), 2, '... never more than two');
$s->sql("SELECT count(scheduler.cancel_job(job_id)) FROM scheduler.live_jobs WHERE kind = 'wild.two' AND status = 'running'", 'wild');
$s->comes_true('... the next two when those are gone', "SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'wild.two' AND status = 'running'", 2, 30);
$s->sql("SELECT count(scheduler.cancel_job(job_id)) FROM scheduler.live_jobs WHERE kind = 'wild.two'", 'wild');

# ---- locks that somebody holds cost no attempt ----

$s->sql(q{
	CREATE TABLE public.held (i integer); INSERT INTO public.held VALUES (1);
	CREATE FUNCTION public.touch(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql
		AS $$ BEGIN UPDATE public.held SET i = i + 1; RETURN scheduler.step_done(to_jsonb(job.attempts)); END $$;
	CREATE FUNCTION public.nap(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql
		AS $$ BEGIN
			IF job.parent_id IS NOT NULL THEN
				PERFORM pg_sleep((job.payload #>> '{}')::float8);
				RETURN scheduler.step_done(to_jsonb(job.attempts));
			ELSIF job.state IS NULL THEN
				PERFORM scheduler.enqueue(job.kind, job.payload -> 0);
				PERFORM scheduler.enqueue(job.kind, '0', run_at => now() + interval '1 hour');
				RETURN scheduler.step_wait_children('{}');
			END IF;
			RETURN scheduler.step_done();
		END $$;
	GRANT SELECT, UPDATE ON public.held TO scheduler_owner;
	GRANT EXECUTE ON FUNCTION public.touch, public.nap TO scheduler_owner;
	SELECT scheduler.register_job_kind('touch', 'public.touch', shared => true, max_attempts => 1);
	SELECT scheduler.register_job_kind('nap', 'public.nap', shared => true, max_attempts => 1, enqueue_role => 'scheduler_user')});
my $worker = $s->worker_pid;
my $holder = $s->session;
$holder->sql('BEGIN; UPDATE public.held SET i = i');
my $touch = $s->sql(q{SELECT scheduler.enqueue('touch')});
$s->comes_true('a row that somebody holds: the job stands back', "SELECT error ~ '^held up \\([2-9] tries in \\d+ ms\\): ' AND status = 'pending' AND attempts = 0 FROM scheduler.jobs WHERE job_id = '$touch'", 't');
$holder->sql('COMMIT');
$s->comes_true('... and succeeds in its only attempt', "SELECT status || ' ' || result FROM scheduler.jobs WHERE job_id = '$touch'", 'succeeded 1');

# A child ends while somebody holds its parent's row: by cancelling the other child in a transaction that stays open.
my $parent = $s->sql(q{SELECT scheduler.enqueue('nap', '[0.5]')}, 'calm');
$s->comes_true('a family', "SELECT count(*) FROM scheduler.live_jobs WHERE parent_id = '$parent'", 2);
$holder->sql("BEGIN; SELECT scheduler.cancel_job(job_id) FROM scheduler.live_jobs WHERE parent_id = '$parent' AND run_at > now()");
$s->comes_true('a child whose parent is held stands back', "SELECT error ~ '^held up' AND attempts = 0 FROM scheduler.live_jobs WHERE parent_id = '$parent' AND run_at < now() + interval '10 min'", 't');
$holder->sql('ROLLBACK');
$s->comes_true('... and succeeds in its only attempt', "SELECT status || ' ' || result FROM scheduler.jobs WHERE parent_id = '$parent' AND status = 'succeeded'", 'succeeded 1');
is($s->worker_pid, $worker, '... all in the same worker');

# Patience has an end: the words of the error say how long it was.
$s->sql('UPDATE public.held SET i = 0');
$holder->sql('BEGIN; UPDATE public.held SET i = i');
$touch = $s->sql(q{SELECT scheduler.enqueue('touch', run_at => now() + interval '1 hour')});
$s->sql("UPDATE scheduler.live_jobs SET error = 'held up (200 tries in 600000 ms): x', run_at = now() WHERE job_id = '$touch'; SELECT scheduler.wake_workers('jobs')");
$s->comes_true('after ten minutes it costs an attempt', "SELECT status || ' ' || attempts FROM scheduler.jobs WHERE job_id = '$touch'", 'dead 1');
$holder->sql('ROLLBACK');

# Who cancels a family while a worker ends a child of it meets the worker from the other side.
my $errors = '';
for my $round (1 .. 8)
{
	my $family = $s->sql(q{SELECT scheduler.enqueue('nap', '[0.4]')}, 'calm');
	$s->poll("SELECT count(*) FROM scheduler.live_jobs WHERE parent_id = '$family'", 2);
	sleep 0.05 * $round;
	$errors .= $s->failure("SELECT scheduler.cancel_job('$family')", 'calm');
}
is($errors, '', 'whoever cancels a family is not told of a deadlock');
is(scalar($s->logged(qr/deadlock detected/)), 0, '... nor does the log tell of one');
$s->comes_true('... nor is anything left', "SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'nap' AND parent_id <> '$parent'", 0);

note($_) foreach @figures;
$holder->close;
$node->stop;
done_testing();
