# A standby, its promotion in the middle of work, and copies of a cluster: one server acts, the others send nothing.
use strict;
use warnings;
use File::Copy qw(move);
use File::Path qw(rmtree);
use PostgreSQL::Test::Utils qw(slurp_file system_or_bail);
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);

my $port = Sched::start_misbehave();

# How often the service was asked for a path.
sub asked
{
	my ($path) = @_;
	my $count = `curl -s 'http://127.0.0.1:$port/count?path=$path'`;
	return $count + 0;
}

sub doctor_says
{
	my ($server, $check) = @_;
	return $server->sql("SELECT status, detail, hint FROM scheduler.doctor() WHERE check_name = '$check'");
}

my $ours = "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'scheduler%'";

# ---- a primary at work ----

my $s = Sched->start('primary', bare => 1, init => { allows_streaming => 1 },
	conf => "scheduler.http_private_hosts = '127.0.0.1:$port'\nscheduler.poll_interval = 500\n");
my $node = $s->node;
my $base = $node->basedir;
$node->append_conf('postgresql.conf', "scheduler.place_file = '$base/shared/place'\n");
$node->reload;
$s->sql(q{
	CREATE ROLE anna LOGIN;
	CREATE EXTENSION scheduler CASCADE;
	SELECT scheduler.setup('me@example.org', timezone => 'Europe/Berlin');
	SELECT scheduler.create_user('anna@example.org', 'Anna', 'Europe/Berlin', role_name => 'anna');
	CREATE TABLE effects (job_id uuid, lost int);
	GRANT INSERT ON effects TO scheduler_owner});
# A handler that calls, and calls again where nobody knows what became of the call.
$s->sql(qq{
	CREATE FUNCTION called(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS \$\$
	BEGIN
		IF response IS NULL OR (response).failure = 'lost' THEN
			RETURN scheduler.step_request(ROW('POST', 'http://127.0.0.1:$port' || CASE WHEN response IS NULL THEN job.payload->>'path' ELSE '/echo' END,
				NULL, NULL, NULL, '60 s'), to_jsonb(coalesce((job.state)::int, -1) + 1));
		ELSIF (response).status IS NULL THEN
			RETURN scheduler.step_retry((response).error);
		END IF;
		INSERT INTO public.effects VALUES (job.job_id, (job.state)::int);
		RETURN scheduler.step_done(to_jsonb((response).status));
	END \$\$;
	GRANT EXECUTE ON FUNCTION called TO scheduler_owner;
	SELECT scheduler.register_job_kind('called', 'public.called', shared => true, max_attempts => 20)});
$s->sql("SELECT scheduler.enqueue('noop')");
$s->comes_true('the primary works', 'SELECT count(*) FROM scheduler.live_jobs', 0);

# ---- its standby ----

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
my $second = bless { node => $standby, database => 'postgres' }, 'Sched';
$node->append_conf('postgresql.conf', "synchronous_standby_names = '*'\n");
$node->reload;
$s->comes_true('it follows at once', "SELECT sync_state FROM pg_stat_replication", 'sync');

# Ready at once, and taken over there: a standby that acted would have to try.
$s->sql("SELECT scheduler.enqueue_many('called', array_fill('{\"path\": \"/echo\"}'::jsonb, ARRAY[20]))");
$s->comes_true('jobs run on the primary', 'SELECT count(*) FROM effects', 20);
is(asked('/echo'), 20, '... each once');
$node->wait_for_catchup($standby, 'replay', $node->lsn('write'));
is($second->sql($ours), 0, 'a standby has no process of ours');
is($second->sql('SELECT count(*) FROM scheduler.stat_workers'), 0, '... and says so');
is($second->sql('SELECT count(*) FROM effects'), 20, '... and sees what was done');
like(doctor_says($second, 'workers'), qr/^warn\|This server is a standby\.\|Jobs run on the primary\./, 'doctor() there names the cause');
like(doctor_says($second, $_), qr/^ok/, "... and finds it prepared: $_") foreach 'place file', 'armed', 'master key';

my $job = $s->sql("SELECT scheduler.enqueue('called', '{\"path\": \"/never-run\"}', run_at => now() + interval '1 day')");
my $task = $s->sql("SELECT scheduler.add_task('write report', 60, now() + interval '4 days')");
$s->sql('SELECT scheduler.plan()');
$s->comes_true('its changes are numbered', 'SELECT count(*) FROM scheduler.new_changes', 0);
$node->wait_for_catchup($standby, 'replay', $node->lsn('write'));
foreach my $view (split /\n/, $s->sql("SELECT relname FROM pg_class WHERE relnamespace = 'scheduler'::regnamespace AND relkind = 'v' ORDER BY 1"))
{
	is($second->sql("SELECT count(*) >= 0 FROM scheduler.$view"), 't', "view $view can be read there");
}
foreach my $call ("find_slots('1 hour')", 'doctor()', "parse_when('tomorrow 15:00', now(), 'UTC')", 'host_statistics()',
	"extract_facts('Please send the invoice by tomorrow 15:00.')", 'current_user_id()', 'me()', 'armed()')
{
	my ($name) = $call =~ /^(\w+)/;
	is($second->failure("SELECT count(*) FROM scheduler.$call"), '', "$name() works there");
}
$standby->append_conf('postgresql.conf', "scheduler.place_file = '$base/other/place'\nscheduler.master_key_file = '$base/other/key'\n");
$standby->reload;
$second->comes_true('without its files it is not armed', 'SELECT scheduler.armed()', 'f');
foreach my $call ("enqueue('noop')", "enqueue_many('noop', '{}')", "cancel_job('$job')", "run_job_now('$job')", 'arm()', 'disarm()', "setup('me\@example.org')",
	'create_master_key()', "add_task('more')", "complete_task('$task')", 'plan()', 'recap()', "set_preference('buffer_minutes', '5')", "save_schedule('x', 'noop', every => '1 day')",
	"ingest_email('From: x')", "record_change('x', NULL)", 'apply_retention()', "http_call('GET', 'http://127.0.0.1:$port/sent')")
{
	my ($name) = $call =~ /^(\w+)/;
	like($second->failure("SELECT scheduler.$call"), qr/^[^\n]*ERROR:  cannot execute [^\n]* (in a read-only transaction|during recovery)$/m,
		"$name() says that it cannot be done there");
}
ok(!-e "$base/other", '... and nothing of it left a file behind');
is(asked('/sent') + asked('/never-run'), 0, '... or called anybody');
$standby->append_conf('postgresql.conf', "scheduler.place_file = '$base/shared/place'\nscheduler.master_key_file = '$base/keys/master.key'\n");
$standby->reload;
$second->comes_true('with them it is', 'SELECT scheduler.armed()', 't');
like($second->failure("SELECT scheduler.set_secret('key', 'value', ARRAY['127.0.0.1:9'])"), qr/cannot execute INSERT in a read-only transaction/, '... and still sets no secret');

# ---- promoted in the middle of work ----

$s->sql("SELECT scheduler.cancel_job('$job')");
$s->sql('TRUNCATE effects');
my $flying = 10;
$s->sql("SELECT scheduler.enqueue_many('called', array_fill('{\"path\": \"/silent\"}'::jsonb, ARRAY[$flying]))");
$s->sql("SELECT scheduler.enqueue('called', '{\"path\": \"/echo\"}', run_at => now() + interval '4 seconds')");
$s->sql("SELECT scheduler.save_schedule('often', 'noop', every => '1 hour', starts_at => now() + interval '5 seconds')");
my $deadline = time + 20;
sleep 0.05 while asked('/silent') < $flying && time < $deadline;
is(asked('/silent'), $flying, "$flying calls are in flight");
# What runs at this moment, besides: jobs that finish and change numbers all the time.
$s->sql("SELECT scheduler.enqueue_many('noop', array_fill('{}'::jsonb, ARRAY[300]))");
$s->sql("SELECT scheduler.record_change('test.before', NULL) FROM generate_series(1, 200)");
$s->comes_true('some changes are numbered', "SELECT count(*) > 0 FROM scheduler.changes WHERE type = 'test.before'", 't');
my $seen = $s->sql('SELECT max(change_seq) FROM scheduler.changes');
my $before = asked('/echo');
is(asked('/silent'), $flying, 'nobody has called again');
kill 'KILL', slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
$standby->append_conf('postgresql.conf', "synchronous_standby_names = ''\n");
$standby->promote;
my $takeover = time;
ok($second->poll("SELECT count(*) = 1 FROM scheduler.stat_workers WHERE type = 'worker'", 't', 30), 'the promoted server has a worker');
note(sprintf('a worker %.1f s after the promotion', time - $takeover));
$second->comes_true('all jobs end without a human', "SELECT count(*) FROM scheduler.live_jobs WHERE status <> 'failed'", 0, 60);
is($second->sql("SELECT count(*), count(DISTINCT job_id) FROM effects WHERE lost = 1"), "$flying|$flying", 'each call in flight was found lost, and was repeated once');
is($second->sql('SELECT count(*), max(lost) FROM effects'), ($flying + 1) . '|1', '... and nothing happened twice');
is(asked('/echo') - $before, $flying + 1, '... nor was asked twice');
is(asked('/silent'), $flying, '... nor the first call sent again by itself');
is($second->statuses('noop') =~ /^succeeded \d+$/ ? 'all' : $second->statuses('noop'), 'all', 'the others are done');
$second->comes_true('a schedule fires', "SELECT count(*) FROM scheduler.schedule_runs WHERE outcome = 'enqueued'", 1, 30);
$second->sql("SELECT scheduler.record_change('test.after', NULL)");
$second->comes_true('changes go on', "SELECT count(*) > 0 FROM scheduler.changes WHERE type = 'test.after'", 't');
is($second->sql("SELECT min(change_seq) = $seen + 1, count(*) = max(change_seq) - $seen FROM scheduler.changes WHERE change_seq > $seen"), 't|t',
	'... after what a reader saw on the old server, without a gap');
is($second->sql('SELECT count(*) = max(change_seq), count(*) = count(DISTINCT change_seq) FROM scheduler.changes'), 't|t', '... and without a repeat');
is($second->sql("SELECT count(*) FROM scheduler.changes WHERE type = 'test.before'"), 200, '... and none is missing');
like(doctor_says($second, 'workers'), qr/^ok/, 'doctor() is content');

# The old one was killed for good: its processes ended with their postmaster, its calls with them.
unlink $node->data_dir . '/postmaster.pid';
$node->_update_pid(0);

# ---- copies on the same machine, under the same OS user, with the original's settings ----

# Who names no place file has the default one, beside the key, as has every copy.
$standby->append_conf('postgresql.conf', "scheduler.place_file = ''\n");
$standby->restart;
like(doctor_says($second, 'place file'), qr/No such file/, 'no place file at the default place yet');
$second->sql('SELECT scheduler.arm()');
$second->sql("SELECT scheduler.drop_schedule('often')");
$second->sql("SELECT scheduler.enqueue('noop')");
$second->comes_true('armed there, it works', "SELECT count(*) FROM scheduler.live_jobs", 0, 30);
$second->sql("SELECT scheduler.enqueue('called', '{\"path\": \"/copied\"}', run_at => now() + interval '1 hour')");
my $due = "UPDATE scheduler.live_jobs SET run_at = now(), ready = true";

# It has due work, a worker, and looks around: sends nothing.
sub stays_still
{
	my ($server, $name) = @_;
	$server->comes_true("$name: a worker comes", "SELECT count(*) FROM scheduler.stat_workers WHERE type = 'worker'", 1, 30);
	$server->sql($due);
	my $looked = $server->sql('SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()');
	$server->comes_true("$name: it looks around", "SELECT xact_commit > $looked + 6 FROM pg_stat_database WHERE datname = current_database()", 't');
	is($server->sql('SELECT scheduler.armed()'), 'f', "$name: not armed");
	is($server->sql('SELECT count(*) FROM scheduler.live_jobs WHERE ready'), 1, "$name: the job is still there");
	is(asked('/copied'), 0, "$name: nothing was sent");
	like(doctor_says($server, 'workers'), qr/^fail\|This database was armed in another data directory, [^|]*\/pgdata \(inode \d+\): it seems to be a copy\.\|[^|]*scheduler\.arm\(\)/,
		"$name: doctor() says why");
}

$standby->backup('copy');
my $clone = PostgreSQL::Test::Cluster->new('clone');
$clone->init_from_backup($standby, 'copy');
$clone->start;
my $copy = bless { node => $clone, database => 'postgres' }, 'Sched';
is($copy->sql('SELECT place FROM scheduler.place_state(false)'), $second->sql('SELECT place FROM scheduler.place_state(false)'), 'a copy finds the same place file');
stays_still($copy, 'a copy beside its original');
like($copy->failure("SELECT scheduler.enqueue('noop', run_at => now() + interval '1 day')"), qr/WARNING:  job queued, but no worker will run it\nDETAIL:  This database was armed in another data directory/,
	'... and who enqueues there is told');
$clone->stop;
like(doctor_says($second, 'armed'), qr/^ok/, 'the original is not bothered');

# In its place: the same path and another inode.
$standby->stop;
my $data = $standby->data_dir;
move($data, "$data.kept") or die $!;
system_or_bail('cp', '-a', "$data.kept", $data);
$standby->start;
stays_still($second, 'a copy in the place of its original');
$standby->stop;
rmtree($data);

# Moved: it takes a human, as nobody can tell it from a copy.
move("$data.kept", "$data.elsewhere") or die $!;
symlink("$data.elsewhere", $data) or die $!;
$standby->start;
stays_still($second, 'the original in another place');
$standby->stop;
unlink $data;
move("$data.elsewhere", $data) or die $!;
$standby->start;
is($second->sql('SELECT scheduler.armed()'), 't', 'the original is armed when it is back');
$second->sql($due);
$second->comes_true('... and sends', 'SELECT count(*) FROM scheduler.live_jobs', 0, 30);
is(asked('/copied'), 1, '... once');

# A copy that is to act after all.
$clone->start;
is(asked('/copied'), 1, 'nothing from the copy so far');
$copy->sql('SELECT scheduler.arm()');
$copy->comes_true('arm() makes it one that acts', "SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'called'", 0, 30);
is(asked('/copied'), 2, '... and sends');
$clone->stop;
$standby->stop;
done_testing();
