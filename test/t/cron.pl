# The real pg_cron beside us: it calls recap_all(), which reaches every user in his own right; install_cron_jobs() and
# remove_cron_jobs(); either extension comes and goes while the other works; no free process for one of them.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);

chomp(my $share = `pg_config --sharedir`);
plan skip_all => 'the server that PG_CONFIG names has no pg_cron' unless -e "$share/extension/pg_cron.control";

# The server believes that it is seconds before the full minute, at which pg_cron starts its jobs.
my ($faketime) = glob('/usr/lib/*/faketime/libfaketime.so.1');
$ENV{LD_PRELOAD} = "$ENV{STAGE}/plain_select.so $faketime";
$ENV{FAKETIME_DONT_FAKE_MONOTONIC} = 1;

sub come_close
{
	my ($seconds) = @_;
	$ENV{FAKETIME} = sprintf('+%ds', 120 - time % 60 - $seconds);
}

come_close(12);
my $s = Sched->start('cron', conf => <<'CONF');
shared_preload_libraries = 'scheduler, pg_cron'
cron.database_name = 'postgres'
cron.use_background_workers = on
scheduler.poll_interval = 1000
CONF
my $node = $s->node;

like($s->failure('SELECT scheduler.install_cron_jobs()'), qr/pg_cron is not installed.*CREATE EXTENSION pg_cron/s, 'pg_cron has to be installed first');
$s->sql(q{CREATE EXTENSION pg_cron; CREATE ROLE boss LOGIN; GRANT scheduler_admin TO boss; GRANT USAGE ON SCHEMA cron TO boss;
	CREATE ROLE a LOGIN; CREATE ROLE b LOGIN; CREATE ROLE c LOGIN;
	SELECT scheduler.create_user(r || '@example.org', r, role_name => r) FROM unnest(ARRAY['a', 'b', 'c']) AS r;
	CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $$not for b$$; END'});
my $b = $s->sql("SELECT user_id FROM scheduler.users WHERE role_name = 'b'");
$s->sql(qq{CREATE TRIGGER refuse BEFORE INSERT ON scheduler.weekly_recaps FOR EACH ROW WHEN (new.user_id = '$b') EXECUTE FUNCTION public.refuse()});
$s->sql("SELECT scheduler.add_task('write it', 60)", $_) foreach ('a', 'c');
$s->sql("SELECT scheduler.complete_task(task_id) FROM scheduler.tasks", 'a');

# ---- it calls us ----

my $job = $s->sql("SELECT cron.schedule('* * * * *', 'select scheduler.recap_all()')");
my $other = $s->sql("SELECT cron.schedule('boss', '* * * * *', 'select scheduler.plan_all()')", 'boss');
$s->comes_true('pg_cron ran select scheduler.recap_all()',
	"SELECT status || ' ' || return_message FROM cron.job_run_details WHERE jobid = $job ORDER BY runid LIMIT 1", 'succeeded SELECT 1', 70);
$s->comes_true('... as an administrator, too', "SELECT status FROM cron.job_run_details WHERE jobid = $other ORDER BY runid LIMIT 1", 'succeeded');
$s->comes_true('every user has his recap', 'SELECT string_agg(u.role_name || r.total_tasks_completed, $$ $$ ORDER BY u.role_name)'
	. ' FROM scheduler.weekly_recaps r JOIN scheduler.users u USING (user_id)', 'a1 c0');
$s->comes_true('... but the one whose recap failed, whose job says why',
	"SELECT min(error) FROM scheduler.jobs WHERE kind = 'reports.recap' AND user_id = '$b'", 'not for b (P0001)');
is($s->sql("SELECT count(*) FROM scheduler.jobs WHERE user_id = '$b'", 'a'), 0, '... not to others');
$s->comes_true('plan_all() has placed the tasks', "SELECT count(*) > 0 FROM scheduler.jobs WHERE kind = 'planner.plan' AND status = 'succeeded'");
$s->sql("SELECT cron.unschedule($job)");

# ---- what we register ----

like($s->failure('SELECT scheduler.require_cron()', 'boss'), qr/^$/, 'an administrator may not see where pg_cron works, and need not');
like($s->failure('SELECT scheduler.install_cron_jobs()', 'a'), qr/permission denied/, 'a user cannot register anything');
is($s->sql('SELECT count(*) FROM scheduler.install_cron_jobs()', 'boss'), 5, 'an administrator registers five jobs');
$s->sql("SELECT cron.schedule('scheduler_plan_all', '0 0 * * *', 'SELECT 1')", 'boss');
is($s->sql('SELECT count(*) FROM scheduler.install_cron_jobs()', 'boss'), 5, '... again');
my $ours = "SELECT count(*) FROM cron.job WHERE jobname LIKE 'scheduler%'";
is($s->sql($ours), 5, '... which makes no more of them');
is($s->sql("SELECT schedule || ' ' || command || ' ' || username || ' ' || database FROM cron.job WHERE jobname = 'scheduler_plan_all'"),
	'40 2 * * * SELECT scheduler.plan_all() boss postgres', '... and sets them back');
foreach my $command (split /\n/, $s->sql('SELECT command FROM scheduler.cron_jobs()'))
{
	like($s->sql($command, 'boss'), qr/^\d+$/, "$command works");
}
is($s->sql('SELECT scheduler.remove_cron_jobs()'), 0, 'nobody takes back what another registered');
is($s->sql('SELECT scheduler.remove_cron_jobs()', 'boss'), 5, 'they are taken back');
is($s->sql($ours), 0, '... all of them');
is($s->sql('SELECT count(*) FROM cron.job'), 1, '... and no other');

# In a database that is not pg_cron's the lines to type are told, and work.
$s->sql('CREATE DATABASE other');
$s->sql('CREATE EXTENSION scheduler CASCADE', undef, 'other');
my (undef, undef, $advice) = $node->psql('other', 'SELECT scheduler.install_cron_jobs()');
like($advice, qr/It works in database "postgres"/, 'another database has no pg_cron');
my ($line) = $advice =~ /(SELECT cron\.schedule_in_database\(.*\))/;
$line =~ s/job_name, schedule, command/'scheduler_plan_all', '40 2 * * *', 'SELECT scheduler.plan_all()'/;
$s->sql($line);
is($s->sql("SELECT database FROM cron.job WHERE jobname = 'scheduler_plan_all'"), 'other', '... but is told how to be called by it');
$s->sql("SELECT cron.unschedule('scheduler_plan_all')");

# ---- each without the other ----

my $cron_pid = $s->sql("SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'pg_cron%'");
my $worker = $s->worker_pid;
$s->sql('SELECT scheduler.install_cron_jobs()');
$s->sql('DROP EXTENSION pg_cron');
is($s->sql("SELECT status FROM scheduler.wait_for_job('" . $s->sql("SELECT scheduler.enqueue('noop')") . "')"), 'succeeded', 'without pg_cron jobs are done');
is($s->worker_pid, $worker, '... by the same worker');
$s->sql('CREATE EXTENSION pg_cron; GRANT USAGE ON SCHEMA cron TO boss');
is($s->sql('SELECT count(*) FROM scheduler.install_cron_jobs()', 'boss'), 5, 'pg_cron is there again');
$s->sql('DROP EXTENSION scheduler CASCADE');
is($s->sql($ours), 5, 'without us its jobs stay');
is($s->sql("SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'pg_cron%'"), $cron_pid, '... and so does its process');
$s->sql('CREATE EXTENSION scheduler CASCADE; SELECT scheduler.arm(); GRANT scheduler_admin TO boss');
$s->comes_true('we are there again', "SELECT count(*) FROM scheduler.stat_workers", 1);
is($s->sql('SELECT scheduler.remove_cron_jobs()', 'boss'), 5, '... and take back what was registered before');

# ---- too few processes: launcher, pg_cron's own, the server's for replication, and one worker ----

$node->append_conf('postgresql.conf', "max_worker_processes = 4\n");
come_close(8);
$node->restart;
$s->comes_true('our worker has the last free process', "SELECT count(*) FROM scheduler.stat_workers", 1);
$job = $s->sql("SELECT cron.schedule('* * * * *', 'select scheduler.recap_all()')");
$s->comes_true('pg_cron says that it found none', "SELECT status FROM cron.job_run_details WHERE jobid = $job ORDER BY runid LIMIT 1", 'failed', 70);
is($s->sql("SELECT status FROM scheduler.wait_for_job('" . $s->sql("SELECT scheduler.enqueue('noop')") . "')"), 'succeeded', '... and jobs are done');
unlike(slurp_file($node->logfile), qr/PANIC|was terminated by signal/, 'no crash');

$node->stop;
done_testing();
