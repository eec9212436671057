# DDL under work: 500 calls in flight and handlers that run, while the extension is dropped, updated and created (also in
# transactions that stay open or are undone), while databases are dropped, renamed, moved and copied, and while roles go.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);

my $port = Sched::start_misbehave();
my $s = Sched->start('ddl', conf => <<"CONF");
scheduler.http_private_hosts = 'localhost:$port'
scheduler.max_in_flight = 640
scheduler.poll_interval = 1000
scheduler.runners = 3
allow_in_place_tablespaces = on
checkpoint_timeout = 1h
log_lock_waits = on
CONF
my $node = $s->node;
my $flights = 500;

# ---- work ----

$s->sql(q{CREATE ROLE dev LOGIN; CREATE SCHEMA app AUTHORIZATION dev; CREATE TABLE public.gate (open boolean);
	INSERT INTO public.gate VALUES (false); GRANT SELECT ON public.gate TO dev});

# What CREATE EXTENSION has to be followed by. The handler runs until somebody opens the gate; one attempt is all it has.
my $equip = q{GRANT scheduler_developer TO dev; SELECT scheduler.create_user('dev@example.org', 'dev', role_name => 'dev');
	SELECT scheduler.arm()};
my $register = q{CREATE FUNCTION app.stay(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS $$
		BEGIN
			WHILE NOT (SELECT open FROM public.gate) LOOP PERFORM pg_sleep(0.02); END LOOP;
			RETURN scheduler.step_done(to_jsonb(job.attempts));
		END $$;
	SELECT scheduler.register_job_kind('app.stay', 'app.stay', timeout => '1 hour', max_attempts => 1)};

sub fly
{
	my ($ms, $database) = @_;
	$s->sql("SELECT scheduler.enqueue_many('http', array_agg(jsonb_build_object('url',"
		. " 'http://localhost:$port/slow?ms=$ms&round=' || i, 'timeout', '60 s'))) FROM generate_series(1, $flights) AS i", undef, $database);
	ok($node->poll_query_until($database // 'postgres', 'SELECT in_flight FROM scheduler.stat_workers WHERE type = $$worker$$', $flights),
		"$flights calls are in flight");
}

sub stay
{
	$s->sql('UPDATE public.gate SET open = false');
	$s->sql("SELECT scheduler.enqueue('app.stay') FROM generate_series(1, 2)", 'dev');
	$s->comes_true('two handlers run', "SELECT count(*) FROM scheduler.stat_workers WHERE job_id IS NOT NULL", 2);
}

sub timed
{
	my ($code) = @_;
	my $start = time;
	$code->();
	return time - $start;
}

my @figures;

sub figure
{
	my ($name, $seconds, $most) = @_;
	push @figures, sprintf('%s %.0f ms', $name, $seconds * 1000);
	cmp_ok($seconds, '<', $most, sprintf('%s (%.0f ms)', $name, $seconds * 1000));
}

# No crash, no restart of a worker in an error, few lines of errors.
my $mark = $s->mark;

sub quiet
{
	my ($name, $most) = @_;
	my @errors = grep { !/FATAL: .*due to administrator command/ } $s->logged(qr/ (ERROR|FATAL|PANIC): /, $mark);
	cmp_ok(scalar(@errors), '<=', $most, "$name: errors in the log: " . scalar(@errors)) or diag(join "\n", @errors);
	is(scalar($s->logged(qr/signal \d+|PANIC/, $mark)), 0, '... and no crash');
	$mark = $s->mark;
}

$s->sql($equip);
$s->sql($register, 'dev');

# ---- DROP EXTENSION and ALTER EXTENSION UPDATE that stay open, then are undone ----

my $version = $s->sql("SELECT default_version FROM pg_available_extensions WHERE name = 'scheduler'");
my $other = $s->session;
foreach my $statement ('DROP EXTENSION scheduler CASCADE', "ALTER EXTENSION scheduler UPDATE TO '$version.test'")
{
	my ($what) = $statement =~ /^(\w+ \w+)/;
	my $worker = $s->worker_pid;
	$s->sql('DELETE FROM scheduler.finished_jobs');
	fly(3000);
	stay();
	figure("$what with $flights calls and two handlers in the way", timed(sub { $other->sql('BEGIN'); $other->sql($statement) }), 5);
	sleep 2.5;    # all answers come while nobody may take them
	$s->sql('UPDATE public.gate SET open = true');
	$other->sql('ROLLBACK');
	$s->comes_true("$what undone: all ends by itself", 'SELECT count(*) FROM scheduler.live_jobs', 0, 30);
	is($s->statuses('http'), "succeeded $flights", '... with every answer');
	is($s->sql("SELECT string_agg(result::text, ' ') FROM scheduler.jobs WHERE kind = 'app.stay'"), '1 1', '... the handlers in their first attempt');
	is($s->worker_pid, $worker, '... in the same worker');
	quiet($what, 0);
}

# ---- the update that is committed ----

my $worker = $s->worker_pid;
fly(4000);
stay();
$s->sql('UPDATE public.gate SET open = true');
figure('ALTER EXTENSION, committed', timed(sub { $other->sql("ALTER EXTENSION scheduler UPDATE TO '$version.test'") }), 5);
$s->comes_true('updated: all ends by itself', 'SELECT count(*) FROM scheduler.live_jobs', 0, 30);
is($s->sql("SELECT count(*) FROM scheduler.finished_jobs WHERE result = '\"next version\"'"), $flights, '... by the handler of the next version');
is($s->worker_pid, $worker, '... in the same worker');
quiet('updated', 0);

# ---- a table that somebody locks ----

$worker = $s->worker_pid;
$s->sql('DELETE FROM scheduler.finished_jobs');
fly(4000);
$other->sql('BEGIN');
$other->sql('LOCK TABLE scheduler.live_jobs');
sleep 2;
$other->sql('COMMIT');
$s->comes_true('a lock on the table of jobs: all ends afterwards', 'SELECT count(*) FROM scheduler.live_jobs', 0, 30);
is($s->statuses('http'), "succeeded $flights", '... with every answer');
is($s->worker_pid, $worker, '... in the same worker');
cmp_ok(scalar($s->logged(qr/the worker was kept from its work/, $mark)), '<=', 2, '... with few words');

# ---- a session that outlives the extension ----

my $old = $s->session('dev');
my $run_now = "SELECT status FROM scheduler.jobs WHERE job_id = scheduler.run_job_now(scheduler.enqueue('http', '{\"url\": \"http://localhost:$port/slow?ms=1\"}', run_at => now() + interval '1 hour'))";
like($old->sql("SELECT count(*) FROM (SELECT scheduler.enqueue('noop')) AS s"), qr/^1$/, 'a session enqueues');
my $was = $old->sql("SELECT scheduler.run_job_now(scheduler.enqueue('http', jsonb_build_object('url', 'http://localhost:$port/status?code=503'), run_at => now() + interval '1 hour'))");
unlike($was, qr/ERROR/, '... and runs a job itself');

# ---- dropped and created, in one transaction and in two ----

fly(60000);
stay();
$mark = $s->mark;
figure('DROP and CREATE EXTENSION in one transaction', timed(sub {
	$other->sql("BEGIN; DROP EXTENSION scheduler CASCADE; CREATE EXTENSION scheduler; $equip; COMMIT") }), 20);
my $start = time;
$s->sql("SELECT scheduler.enqueue('noop')");
$s->comes_true('a worker comes with the new one', 'SELECT count(*) FROM scheduler.finished_jobs', 1);
figure('from commit to its first job', time - $start, 10);
quiet('dropped and created', 0);
unlike($old->sql("SELECT count(*) FROM (SELECT scheduler.enqueue('noop')) AS s"), qr/ERROR/, 'the old session enqueues again');
my $now = $old->sql("SELECT scheduler.run_job_now(scheduler.enqueue('http', jsonb_build_object('url', 'http://localhost:$port/status?code=503'), run_at => now() + interval '1 hour'))");
unlike($now, qr/ERROR/, '... and runs a job itself');
$old->close;

$s->sql('DROP EXTENSION scheduler CASCADE');
$s->comes_true('dropped: nobody is left', "SELECT count(*) FROM pg_stat_activity WHERE backend_type IN ('scheduler worker', 'scheduler runner')", 0, 5);
$other->sql("BEGIN; CREATE EXTENSION scheduler; $equip; SELECT scheduler.enqueue('noop')");
sleep 1.5;
is($s->sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type IN ('scheduler worker', 'scheduler runner')"), 0, 'created, not committed: nobody comes');
$other->sql('ROLLBACK');
sleep 0.5;
is($s->sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type IN ('scheduler worker', 'scheduler runner')"), 0, '... nor where it is undone');
$other->sql("BEGIN; CREATE EXTENSION scheduler; $equip; SELECT scheduler.enqueue('noop')");
$start = time;
$other->sql('COMMIT');
$s->comes_true('committed: the job runs', 'SELECT count(*) FROM scheduler.finished_jobs', 1);
figure('from the commit of CREATE EXTENSION to its first job', time - $start, 10);
quiet('created', 0);
$s->sql('DROP FUNCTION IF EXISTS app.stay');
$s->sql($register, 'dev');

# ---- databases ----

sub drop_of
{
	my ($name, $extension) = @_;
	$s->sql("CREATE DATABASE $name");
	$s->sql('CREATE EXTENSION scheduler CASCADE', undef, $name) if $extension;
	if ($extension)
	{
		$s->sql('SELECT scheduler.arm()', undef, $name);
		$node->poll_query_until($name, "SELECT count(*) FROM scheduler.stat_workers", '1') or die;
	}
	return timed(sub { $s->sql("DROP DATABASE $name") });
}

# Without us in the way: no library in a server of its own.
my $bare = PostgreSQL::Test::Cluster->new('bare');
$bare->init;
$bare->start;
my @floors;
for (1 .. 3)
{
	$bare->safe_psql('postgres', 'CREATE DATABASE away');
	push @floors, timed(sub { $bare->safe_psql('postgres', 'DROP DATABASE away') });
}
$bare->stop;
@floors = sort { $a <=> $b } @floors;
my $floor = $floors[1];
push @figures, sprintf('DROP DATABASE without us %.0f ms', $floor * 1000);

fly(30000);
my @others = sort { $a <=> $b } map { drop_of('another', 0) - $floor } 1 .. 3;
figure('DROP DATABASE of another: beyond that', $others[1], 2);
figure('DROP DATABASE of another with a worker of its own: beyond that', drop_of('another', 1) - $floor, 4);
is($s->sql('SELECT in_flight FROM scheduler.stat_workers WHERE type = $$worker$$'), $flights, '... and the calls in flight stay there');
$s->sql("SELECT scheduler.cancel_job(job_id) FROM scheduler.live_jobs WHERE kind = 'http'");

sub make_own
{
	my ($name) = @_;
	$s->sql("CREATE DATABASE $name");
	$s->sql('CREATE EXTENSION scheduler CASCADE; SELECT scheduler.arm()', undef, $name);
	fly(3000, $name);
}

$mark = $s->mark;
make_own('own');
figure('DROP DATABASE of its own: beyond that', timed(sub { $s->sql('DROP DATABASE own') }) - $floor, 5);
make_own('own');
figure('ALTER DATABASE RENAME of its own', timed(sub { $s->sql('ALTER DATABASE own RENAME TO mine') }), 5);
ok($node->poll_query_until('mine', 'SELECT count(*) FROM scheduler.live_jobs', '0'), '... and all ends under the new name');
is($s->sql("SELECT string_agg(DISTINCT status || ' in attempt ' || attempts, ', ') FROM scheduler.jobs", undef, 'mine'), 'succeeded in attempt 1', '... with no attempt lost');
$s->sql("CREATE TABLESPACE beside LOCATION ''");
fly(4000, 'mine');
figure('ALTER DATABASE SET TABLESPACE of its own', timed(sub { $s->sql('ALTER DATABASE mine SET TABLESPACE beside') }), 10);
figure('CREATE DATABASE TEMPLATE of its own', timed(sub { $s->sql('CREATE DATABASE copy TEMPLATE mine') }), 10);
ok($node->poll_query_until('mine', 'SELECT count(*) FROM scheduler.live_jobs', '0'), '... and all ends where it was');
sleep 0.5;
isnt($s->sql('SELECT count(*) FROM scheduler.live_jobs', undef, 'copy'), 0, 'the copy is not armed: nothing is called twice');
$s->sql('DROP DATABASE copy');
$s->sql('DROP DATABASE mine');
quiet('databases', 0);

# ---- roles ----

$s->sql(q{CREATE ROLE worker_role; CREATE ROLE other_role; GRANT worker_role TO dev; GRANT scheduler_user TO worker_role; GRANT USAGE ON SCHEMA app TO worker_role});
$s->sql(q{
	CREATE FUNCTION app.who(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql
		AS $$ BEGIN RETURN scheduler.step_done(to_jsonb(current_user)); END $$;
	SELECT scheduler.register_job_kind('app.who', 'app.who', run_as => 'worker_role');
	SELECT scheduler.register_job_kind('app.own', 'app.who')}, 'dev');
sub outcome
{
	my ($kind) = @_;
	my $id = $s->sql("SELECT scheduler.enqueue('$kind')", 'dev');
	return $s->sql("SELECT status || ': ' || coalesce(error, result #>> '{}') FROM scheduler.wait_for_job('$id')", 'dev');
}
is(outcome('app.who'), 'succeeded: worker_role', 'a kind runs as a role');
my $session = $s->session;
$session->sql('BEGIN; REVOKE USAGE ON SCHEMA app FROM worker_role; SELECT pg_sleep(0)');
is(outcome('app.who'), 'succeeded: worker_role', 'a right that is being taken away counts until then');
$session->sql('COMMIT');
is(outcome('app.who'), "failed: permission denied for the schema of the handler's function", '... and not afterwards: the job fails and says so');
is(outcome('app.own'), 'succeeded: dev', '... others run');
$s->sql('GRANT USAGE ON SCHEMA app TO worker_role');
is(outcome('app.who'), 'succeeded: worker_role', '... and it too when the right is back');
$s->sql('ALTER ROLE worker_role RENAME TO renamed_role');
is(outcome('app.who'), 'failed: the role that the kind runs as no longer exists', 'a role with another name');
is(outcome('app.own'), 'succeeded: dev', '... others run');
$s->sql('DROP OWNED BY renamed_role; DROP ROLE renamed_role');
is(outcome('app.who'), 'failed: the role that the kind runs as no longer exists', 'a role that is gone');

# Dropped while its handlers run: they end as what they were, the next ones fail.
stay();
$s->sql("SELECT scheduler.enqueue('app.own') FROM generate_series(1, 5)", 'dev');
$s->sql(q{SELECT scheduler.create_user('new@example.org', 'new')});
$s->sql('CREATE ROLE newer LOGIN; REVOKE scheduler_developer FROM dev; ALTER SCHEMA app OWNER TO postgres; REASSIGN OWNED BY dev TO postgres; DROP OWNED BY dev; DROP ROLE dev');
$s->sql('UPDATE public.gate SET open = true');
$s->comes_true('a role dropped while its handlers run: all come to an end', "SELECT count(*) FROM scheduler.live_jobs WHERE status NOT IN ('failed', 'dead')", 0, 60);
my %ends = map { $_ => 1 } split /\n/, $s->sql("SELECT kind || ' ' || status || ': ' || coalesce(error, '') FROM scheduler.live_jobs WHERE finished_at > now() - interval '20 s' AND kind IN ('app.own', 'app.stay')");
is(join('; ', grep { !/: the role that the kind runs as no longer exists$|permission denied/ } sort keys %ends), '', '... with its reason');
$s->sql("SELECT scheduler.enqueue('noop')");
$s->comes_true('... and others run', "SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'noop'", 0);

# ---- the rights of a schedule's owner ----

$s->sql(q{CREATE ROLE planner LOGIN; CREATE ROLE guests; GRANT scheduler_developer, guests TO planner; CREATE SCHEMA IF NOT EXISTS app;
	SELECT scheduler.create_user('planner@example.org', 'planner', role_name => 'planner');
	CREATE ROLE executor; GRANT USAGE ON SCHEMA app TO executor; GRANT scheduler_user TO executor;
	SELECT scheduler.register_job_kind('app.opened', 'app.who', run_as => 'executor', enqueue_role => 'guests')});
$s->sql(q{SELECT scheduler.save_schedule('tick', 'app.opened', every => '1 second')}, 'planner');
$s->comes_true('a schedule of a kind that is open to a role', "SELECT count(*) > 0 FROM scheduler.schedule_runs WHERE outcome = 'enqueued'", 't');
$s->sql('REVOKE guests FROM planner');
$s->comes_true('... stops when its owner has lost that role', "SELECT string_agg(DISTINCT r.reason, '; ') FROM scheduler.schedule_runs r WHERE r.outcome = 'refused'",
	'switched off: its owner may no longer enqueue jobs of this kind');
$s->comes_true('... is tried no more', 'SELECT enabled FROM scheduler.schedules', 'f');
my $runs = $s->sql('SELECT count(*) FROM scheduler.schedule_runs');
sleep 2.2;
is($s->sql('SELECT count(*) FROM scheduler.schedule_runs'), $runs, '... at all');
$s->sql('GRANT guests TO planner');
$s->sql(q{SELECT scheduler.save_schedule('tick', 'app.opened', every => '1 second')}, 'planner');
$s->comes_true('saved again with the right it goes on', 'SELECT enabled AND next_run_at > now() - interval $$5 s$$ FROM scheduler.schedules', 't');
$s->sql('ALTER ROLE planner RENAME TO elsewhere');
$s->comes_true('a schedule whose owner has no role any more stops', "SELECT count(*) FROM scheduler.schedule_runs r WHERE r.outcome = 'refused' AND r.reason ~ 'role'", 1);
quiet('roles', 1);
is(scalar($s->logged(qr/still waiting for/)), 0, 'nobody has waited for a lock for a second');

note($_) foreach @figures;
$other->close;
$session->close;
$node->stop;
done_testing();
