# How processes end: at once when the postmaster is gone, whatever there is to do; and a job that an end from outside caught
# keeps its attempts, however often that is, while one that kills its process does not (jobs_faults.pl).
use strict;
use warnings;
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);
use Torture;

my $s = Sched->start('ends', conf => "scheduler.runners = 2\nscheduler.workers = 2\n");
my $node = $s->node;
$s->sql(q{
	CREATE TABLE public.effects (job_id uuid, n integer);
	CREATE TABLE public.gate (open boolean);
	GRANT INSERT ON public.effects TO scheduler_owner;
	GRANT SELECT ON public.gate TO scheduler_owner;
	CREATE FUNCTION public.nap(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS $$
	BEGIN
		LOOP
			PERFORM pg_sleep((job.payload ->> 'seconds')::float8);
			EXIT WHEN job.payload -> 'waits' IS NULL OR EXISTS (SELECT FROM public.gate);
		END LOOP;
		INSERT INTO public.effects VALUES (job.job_id, job.attempts);
		RETURN scheduler.step_done();
	END $$;
	GRANT EXECUTE ON FUNCTION public.nap TO scheduler_owner;
	SELECT scheduler.register_job_kind('nap', 'public.nap', max_attempts => 2, timeout => '5 minutes');
	SELECT scheduler.register_job_kind('shared_nap', 'public.nap', max_attempts => 2, timeout => '5 minutes', shared => true)});

# ---- the postmaster is gone ----

$s->sql(q{SELECT scheduler.enqueue_many(kind, array_fill('{"seconds": 0.002}'::jsonb, ARRAY[4000]))
	FROM unnest(ARRAY['nap', 'shared_nap']) AS kind});
$s->comes_true('workers and runners are at work', "SELECT count(DISTINCT kind) FROM scheduler.finished_jobs WHERE kind ~ 'nap'", 2);
my ($postmaster) = PostgreSQL::Test::Utils::slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
my @ours = map { $_->[0] } grep { $_->[1] =~ /scheduler (worker|runner)/ } Torture::children($postmaster);
cmp_ok(@ours, '>=', 3, 'some of each');
kill 'KILL', $postmaster;
my $from = time;
sleep 0.01 while time - $from < 10 && grep { kill 0, $_ } @ours;
cmp_ok(time - $from, '<', 5, 'they end with the postmaster though there is more to do');
for (1 .. 100)
{
	$node->{_pid} = undef;
	last if $node->start(fail_ok => 1);
	sleep 0.1;
}
cmp_ok($s->sql("SELECT count(*) FROM scheduler.live_jobs WHERE kind ~ 'nap'"), '>', 0, 'there was more to do');
$s->comes_true('which is done after the start', "SELECT count(*) FROM scheduler.live_jobs WHERE kind ~ 'nap'", 0, 60)
	or diag($s->sql('SELECT kind, status, attempts, ready, runner, lease, error, run_at - now() FROM scheduler.live_jobs'));
is($s->sql('SELECT count(*), count(DISTINCT job_id) FROM effects'), '8000|8000', 'once each');

# ---- innocent ----

sub crash
{
	ok($s->crash($s->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")), 'a crash');
}

# After a crash the worker's is marked before it runs, so that one that kills its process is found; after a clean end it is
# not, and nobody sees it running.
crash();
my @ids = split /\n/, $s->sql(q{SELECT scheduler.enqueue(kind, '{"seconds": 0.02, "waits": true}') FROM unnest(ARRAY['nap', 'shared_nap']) AS kind});
my $running = "SELECT count(*) FROM scheduler.live_jobs WHERE status = 'running' AND kind ~ 'nap'";
my %innocent;
foreach my $how (qw(crash immediate crash fast crash))
{
	$s->poll($running, 2, 15);
	$innocent{$_}++ foreach split /\n/, $s->sql("SELECT kind FROM scheduler.live_jobs WHERE status = 'running' AND kind ~ 'nap'");
	if ($how eq 'crash')
	{
		crash();
	}
	else
	{
		$node->stop($how);
		$node->start;
	}
}
cmp_ok($innocent{$_} // 0, '>=', 2, "$_ may be tried twice, and was caught by $innocent{$_} ends from outside") foreach qw(nap shared_nap);
$s->comes_true('which its row tells', "SELECT count(*) > 0 FROM scheduler.live_jobs WHERE kind ~ 'nap' AND error ~ 'ended from outside'", 't', 10);
$s->sql('INSERT INTO public.gate VALUES (true)');
$s->comes_true('they succeed', "SELECT count(*) FROM scheduler.finished_jobs WHERE job_id IN ('$ids[0]', '$ids[1]') AND status = 'succeeded'", 2, 40);
is($s->sql("SELECT max(attempts) FROM scheduler.finished_jobs WHERE job_id IN ('$ids[0]', '$ids[1]')"), 1, 'in their first attempt');

$node->stop;
done_testing();
