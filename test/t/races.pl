# Many at once on the same jobs: enqueue with keys and queues, cancel, retry, handlers that sleep, fail and have children, in
# workers and runners. Nobody is told of a deadlock, and nothing is left lying.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;

my $s = Sched->start('races', conf => "scheduler.workers = 2\nscheduler.poll_interval = 1000\ndeadlock_timeout = 200ms\nmax_connections = 60\n");
my $node = $s->node;
$s->comes_true('as many workers come as were asked for', "SELECT count(*) FROM scheduler.stat_workers WHERE type = 'worker'", 2, 10);
$s->sql(q{CREATE ROLE dev LOGIN; GRANT scheduler_developer TO dev; CREATE SCHEMA app AUTHORIZATION dev;
	SELECT scheduler.create_user('dev@example.org', 'dev', role_name => 'dev')});
my $body = q{DECLARE dice float8 := random(); BEGIN
	IF dice < 0.1 THEN RAISE EXCEPTION 'unlucky'; END IF;
	IF dice < 0.2 THEN RETURN scheduler.step_sleep(clock_timestamp() + interval '5 ms'); END IF;
	IF dice < 0.25 THEN RETURN scheduler.step_retry('again', '5 ms'); END IF;
	IF dice < 0.3 AND job.state IS NULL THEN
		PERFORM scheduler.enqueue(job.kind) FROM generate_series(1, 3);
		RETURN scheduler.step_wait_children('{}');
	END IF;
	IF dice < 0.31 THEN PERFORM scheduler.cancel_job(j.job_id) FROM scheduler.jobs j WHERE j.status = 'pending' LIMIT 2; END IF;
	RETURN scheduler.step_done('1');
END};
$s->sql(qq{CREATE FUNCTION app.dice(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS \$\$ $body \$\$;
	SELECT scheduler.register_job_kind('dev.dice', 'app.dice', max_attempts => 2, timeout => '5 s')}, 'dev');
$s->sql(qq{CREATE FUNCTION public.dice(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS \$\$ $body \$\$;
	GRANT EXECUTE ON FUNCTION public.dice TO scheduler_owner;
	SELECT scheduler.register_job_kind('dice', 'public.dice', shared => true, enqueue_role => 'scheduler_user', max_attempts => 3)});
append_to_file($node->basedir . '/mix.sql', q{\set k random(1, 20)
\set r random(1, 100)
SELECT scheduler.enqueue(CASE WHEN :r < 40 THEN 'dev.dice' ELSE 'dice' END, unique_key => CASE WHEN :r % 3 = 0 THEN 'k' || :k END,
	queue => CASE WHEN :r % 4 = 0 THEN 'q' || :k % 5 END, unique_mode => (ARRAY['keep', 'replace', 'reschedule'])[1 + :r % 3]);
\if :r < 15
SELECT count(scheduler.cancel_job(j.job_id)) FROM (SELECT job_id FROM scheduler.live_jobs ORDER BY random() LIMIT 2) AS j;
\endif
\if :r > 85
SELECT count(scheduler.retry_job(j.job_id)) FROM (SELECT job_id FROM scheduler.live_jobs WHERE status IN ('failed', 'dead') OR attempts > 0 LIMIT 3) AS j;
\endif
});
my ($out, $err) = run_command([ 'pgbench', '-n', '-c', 6, '-j', 2, '-T', 8, '-f', $node->basedir . '/mix.sql', '-h', $node->host, '-p', $node->port, '-U', 'dev', 'postgres' ]);
like($out, qr/number of failed transactions: 0 /, 'no caller sees an error') or diag($err);
my ($done) = $out =~ /actually processed: (\d+)/;
cmp_ok($done, '>', 300, "... of $done transactions");
$s->comes_true('all jobs come to an end', "SELECT count(*) FROM scheduler.live_jobs WHERE status NOT IN ('failed', 'dead')", 0, 60);
is($s->sql("SELECT count(*) FROM scheduler.jobs WHERE error LIKE '%40P01%'"), 0, 'no job died of a deadlock');
unlike(slurp_file($node->logfile), qr/deadlock detected|PANIC|signal 11/, 'nor does the log tell of one');
is($s->sql('SELECT count(*) FROM (SELECT job_id FROM scheduler.jobs GROUP BY 1 HAVING count(*) > 1) AS twice'), 0, 'no job is there twice');
$node->stop;
done_testing();
