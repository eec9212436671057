# Memory of a worker: 10,000 jobs of several kinds, then 20,000 more, after which it has no more than before. The long run is
# test/bench/memory.sh.
use strict;
use warnings;
use Sched;
use Test::More;
use Time::HiRes qw(sleep);

my $s = Sched->start('memory', conf => "fsync = off\nscheduler.poll_interval = 1s\n");
$s->sql(q{
	CREATE FUNCTION public.nothing(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
		LANGUAGE plpgsql AS $$ BEGIN RETURN scheduler.step_done(jsonb_build_object('seen', job.payload)); END $$;
	CREATE FUNCTION public.broken(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
		LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no luck with %', job.payload USING DETAIL = repeat('x', 500); END $$;
	CREATE FUNCTION public.parent(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
		LANGUAGE plpgsql AS $$ BEGIN
			IF job.state IS NOT NULL THEN RETURN scheduler.step_done(); END IF;
			PERFORM scheduler.enqueue_many('noop', array_fill('{}'::jsonb, ARRAY[4]));
			RETURN scheduler.step_wait_children('{"waited": true}');
		END $$;
	SELECT scheduler.register_job_kind('test.shared', 'public.nothing', shared => true),
		scheduler.register_job_kind('test.broken', 'public.broken', shared => true, max_attempts => 1),
		scheduler.register_job_kind('test.parent', 'public.parent', shared => true)});
$s->comes_true('a worker comes', "SELECT count(*) FROM scheduler.stat_workers WHERE type = 'worker'", 1);
my $pid = $s->worker_pid;

# Memory in kB when so many thousand jobs are done and the worker has had its look around, which gives back what is not used.
sub memory_after
{
	my $thousands = shift;
	for (1 .. $thousands / 5)
	{
		$s->sql(q{SELECT scheduler.enqueue_many(kind, array_fill('{"a": [1, 2, 3]}'::jsonb, ARRAY[n]))
			FROM (VALUES ('noop', 2500), ('test.shared', 1500), ('test.broken', 250), ('test.parent', 150)) AS v (kind, n)});
		$s->comes_true('5,000 jobs are done', "SELECT count(*) FROM scheduler.live_jobs WHERE status NOT IN ('failed', 'dead')", 0, 60);
	}
	sleep 2.5;
	open(my $status, '<', "/proc/$pid/status") or die "no worker $pid: $!";
	my ($now) = map { /^RssAnon:\s*(\d+)/ } <$status>;
	return $now;
}

my $before = memory_after(10);
my $after = memory_after(20);
is($s->statuses('test.parent'), 'succeeded 900', 'parents and what they waited for are done');
is($s->statuses('test.broken'), 'dead 1500', 'what fails is dead');
is($s->worker_pid, $pid, 'the worker is the same');
# 1 MB over 20,000 jobs: 50 bytes lost a job show.
cmp_ok($after, '<=', $before + 1024, "memory after 10,000 jobs $before kB, after 30,000 $after kB");
done_testing();
