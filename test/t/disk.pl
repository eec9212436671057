# A disk that is really full: a filesystem of 64 MB for the tables, one of 24 MB for the write-ahead log (exhaustion.pl does the
# same with a shim, wherever mounting is not allowed). Nothing is lost, nothing happens twice, all goes on when there is room.
use strict;
use warnings;
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);

my $small = $ENV{SMALL};
if ((stat "$small/space")[0] == (stat $small)[0])
{
	note('disk not run on a small filesystem: this machine allows no mount namespace; exhaustion does it with a shim');
	plan skip_all => 'no mount namespace';
}

# What is left of a filesystem is used up by a file.
sub fill
{
	my ($place) = @_;
	open my $file, '>', "$small/$place/ballast" or die $!;
	my $total = 0;
	foreach my $piece (65536, 4096)
	{
		while (my $n = syswrite $file, "\0" x $piece)
		{
			$total += $n;
		}
	}
	close $file;
	return $total;
}

sub free { unlink "$small/$_[0]/ballast" or die $! }

my $port = Sched::start_misbehave();
mkdir "$small/space/files" or die $!;
my $s = Sched->start('disk', bare => 1, init => { extra => [ '--waldir', "$small/wal/files", '--wal-segsize', '1' ] }, conf => <<"CONF");
scheduler.http_private_hosts = 'localhost:$port'
scheduler.poll_interval = 1000
autovacuum = off
min_wal_size = 2MB
max_wal_size = 8MB
CONF
$s->sql("CREATE TABLESPACE small LOCATION '$small/space/files'");
$s->sql('CREATE DATABASE small TABLESPACE small');
$s->{database} = 'small';
$s->sql('CREATE EXTENSION scheduler CASCADE; SELECT scheduler.arm()');
$s->sql(qq{
	CREATE TABLE effects (job_id uuid);
	GRANT INSERT ON effects TO scheduler_owner;
	CREATE FUNCTION called(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS \$\$
	BEGIN
		IF response IS NULL OR (response).failure = 'lost' THEN
			RETURN scheduler.step_request(ROW('GET', 'http://localhost:$port/slow?ms=200', NULL, NULL, NULL, '20 s'));
		ELSIF (response).status IS NULL THEN
			RETURN scheduler.step_retry((response).error, '100 ms');
		END IF;
		INSERT INTO public.effects VALUES (job.job_id);
		RETURN scheduler.step_done(to_jsonb(repeat(md5(job.job_id::text), 60)));
	END \$\$;
	GRANT EXECUTE ON FUNCTION called TO scheduler_owner;
	SELECT scheduler.register_job_kind('called', 'public.called', shared => true, max_attempts => 1);
	CREATE FUNCTION written(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS \$\$
	BEGIN
		INSERT INTO public.effects VALUES (job.job_id);
		RETURN scheduler.step_done(to_jsonb(repeat(md5(job.job_id::text), 60)));
	END \$\$;
	SELECT scheduler.register_job_kind('written', 'public.written', max_attempts => 1)});

sub crashes
{
	return scalar($s->logged(qr/was terminated by signal|PANIC/));
}

# Each has one attempt, and a result that needs room.
sub enqueue
{
	my ($n) = @_;
	$s->sql("SELECT scheduler.enqueue_many(kind, array_fill('{}'::jsonb, ARRAY[$n])) FROM unnest(ARRAY['called', 'written']) AS kind");
}

my $live = "SELECT count(*) FROM scheduler.live_jobs WHERE kind IN ('called', 'written')";

# ---- the tables' disk ----

enqueue(300);
my $filled = fill('space');
sleep 4;
my $left = $s->sql($live);
cmp_ok($left, '>', 0, sprintf('a full disk (%.0f MB of ballast): %d of 600 jobs cannot end', $filled / 1048576, $left));
cmp_ok(scalar($s->logged(qr/No space left on device/)), '>', 0, '... as the system says itself');
is($s->sql('SELECT count(*) FROM scheduler.dead_jobs'), 0, '... none is dead');
like($s->failure("SELECT scheduler.enqueue_many('called', array_fill(to_jsonb(repeat(md5(random()::text), 200)), ARRAY[2000]))"), qr/No space left on device/, '... who enqueues is told');
free('space');
$s->comes_true('... all end when there is room', $live, 0, 60);
is($s->sql('SELECT count(*), count(DISTINCT job_id) FROM effects'), '600|600', '... every effect happened once');
is($s->sql('SELECT count(*) FROM scheduler.dead_jobs'), 0, '... and no job is dead');
is(crashes(), 0, '... without a crash');
$s->sql('TRUNCATE effects');

# ---- the disk of the write-ahead log: the server itself gives up ----

enqueue(300);
fill('wal');
my $until = time + 60;
while (crashes() == 0 && time < $until)
{
	$s->node->psql('postgres', 'CREATE TABLE IF NOT EXISTS much (line text); INSERT INTO much SELECT repeat($$x$$, 100) FROM generate_series(1, 20000)');
	sleep 0.2;
}
cmp_ok(crashes(), '>', 0, 'no room for the write-ahead log: the server gives up');
sleep 2;
free('wal');
$until = time + 30;
while ((($s->node->psql('postgres', 'SELECT 1'))[0] // 1) != 0 && time < $until)
{
	# A recovery that found no room ends the server.
	if (!kill 0, $s->node->{_pid})
	{
		$s->node->{_pid} = undef;
		$s->node->start(fail_ok => 1);
	}
	sleep 0.3;
}
$s->comes_true('... and afterwards all jobs end', "$live AND status <> 'dead'", 0, 60);
is($s->sql('SELECT count(*) FROM (SELECT job_id FROM effects GROUP BY 1 HAVING count(*) > 1) AS twice'), 0, '... none twice');
my ($dead, $done) = split /\|/, $s->sql('SELECT (SELECT count(*) FROM scheduler.dead_jobs), (SELECT count(*) FROM effects)');
is($dead + $done, 600, "... none is lost ($done done, $dead whose only call was in the air)");
is($s->sql("SELECT count(*) FROM scheduler.dead_jobs WHERE error !~ 'lost|process ended'"), 0, '... and no other reason for those') if $dead;
note("disk really full: $left jobs stopped and went on; without room for the write-ahead log $done of 600 done after the server's end, $dead lost their only call");

$s->node->stop;
done_testing();
