# Two workers of a database: they divide the users among themselves, nobody waits for the other, and who has none of his own
# left helps.
use strict;
use warnings;
use Sched;
use Test::More;

my $s = Sched->start('workers', conf => "scheduler.workers = 2\nscheduler.poll_interval = 1000\n");
$s->comes_true('two workers come', "SELECT count(*) FROM scheduler.stat_workers WHERE type = 'worker'", 2, 10);
$s->sql(q{CREATE TABLE public.done (user_id uuid, pid integer, n serial);
	GRANT INSERT ON public.done TO scheduler_owner; GRANT USAGE ON SEQUENCE public.done_n_seq TO scheduler_owner;
	CREATE FUNCTION public.note(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS $$
	BEGIN
		INSERT INTO public.done (user_id, pid) VALUES (job.user_id, pg_catalog.pg_backend_pid());
		PERFORM pg_catalog.pg_sleep(0.001);
		RETURN scheduler.step_done();
	END $$;
	GRANT EXECUTE ON FUNCTION public.note TO scheduler_owner;
	SELECT scheduler.register_job_kind('note', 'public.note', shared => true)});

# Jobs of so many users, enqueued while nobody takes any; then until all are done.
sub work_off
{
	my ($name, $users, $jobs) = @_;
	$s->sql("TRUNCATE public.done; SELECT scheduler.disarm();
		SELECT count(scheduler.create_user(format('$name%s\@example.org', u), 'U')) FROM generate_series(1, $users) AS u;
		SELECT count(scheduler.enqueue('note', user_id => u.user_id)) FROM scheduler.users AS u, generate_series(1, $jobs)
		WHERE u.email LIKE '$name%'");
	$s->sql('SELECT scheduler.arm()');
	$s->comes_true("$name: all jobs are done", 'SELECT count(*) FROM public.done', $users * $jobs, 60);
}

work_off('many', 16, 100);
is($s->sql('SELECT count(DISTINCT pid) FROM public.done'), 2, 'both workers work');
# One claim of eight is for all; and who ends first helps the other.
my $share = $s->sql(q{SELECT round(avg(most), 2) FROM (SELECT user_id, max(jobs)::numeric / sum(jobs) AS most
	FROM (SELECT user_id, pid, count(*) AS jobs FROM public.done WHERE n <= (SELECT min(n) + 800 FROM public.done) GROUP BY 1, 2) AS p
	GROUP BY 1) AS u});
cmp_ok($share, '>', 0.8, "one worker takes most of a user's jobs ($share)");
is($s->sql('SELECT count(*) FROM scheduler.jobs WHERE kind = \'note\' AND status <> \'succeeded\''), 0, 'none is left or failed');

work_off('one', 1, 1500);
is($s->sql('SELECT count(DISTINCT pid) FROM public.done'), 2, 'a worker without users of its own helps');
is($s->sql('SELECT count(*) FROM scheduler.finished_jobs WHERE kind = \'note\''), 3100, 'each job ran once');
$s->node->stop;
done_testing();
