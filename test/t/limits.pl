# Token buckets that many processes take from, rates of calls, and hosts that are left alone while they are down.
use strict;
use warnings;
use Test::More;

use lib "$ENV{TREE}/test/lib";
use Sched;

my $s = Sched->start('limits', conf => "scheduler.shared_memory = 2MB\nscheduler.http_allow_private_networks = on\n");

# ---- buckets: many backends take from one, counted by the server's clock ----

# Takes as fast as it can for so many seconds; prints how many it got, and when the first and the last of these.
sub taker
{
	my ($seconds, $rate, $burst) = @_;
	return $s->session->send(qq{
		DO \$\$
		DECLARE
			until timestamptz := clock_timestamp() + interval '$seconds s';
			first timestamptz;
			last timestamptz;
			n bigint := 0;
		BEGIN
			WHILE clock_timestamp() < until LOOP
				first := coalesce(first, clock_timestamp());
				IF scheduler.take_bucket('calls', 1, $rate, $burst) = 0 THEN
					n := n + 1;
					last := clock_timestamp();
				END IF;
			END LOOP;
			PERFORM set_config('test.got', concat_ws(' ', n, extract(epoch FROM first), extract(epoch FROM last)), false);
		END \$\$; SELECT current_setting('test.got')});
}

my $rate = 10000;
my @takers = map { taker(4, $rate, $rate) } 1 .. 4;
my ($got, $first, $last) = (0);
foreach my $taker (@takers)
{
	my ($n, $began, $ended) = split / /, $taker->answer;
	$got += $n;
	$first = $began if !defined $first || $began < $first;
	$last = $ended if !defined $last || $ended > $last;
	$taker->close;
}
my $due = $rate + $rate * ($last - $first);
my $share = sprintf '%.4f', $got / $due;
note("$got taken by 4 backends, $due were due: $share");
cmp_ok(abs($share - 1), '<=', 0.01, 'at 10,000 a second 4 backends get what is due, within 1 %');

# ---- buckets: what they answer ----

my $take = 'SELECT scheduler.take_bucket';
is($s->sql("$take('api', 1, 0.001, 2); $take('api', 1, 0.001, 2)"), "0\n0", 'a burst is let through');
cmp_ok($s->sql("$take('api', 1, 0.001, 2)"), '>', 900_000_000, 'then it waits as long as a token takes');
is($s->sql("$take('api', 2, 0.001, 2)"), 0, 'another key has a bucket of its own');
is($s->sql("$take('signin', 1, 0.001, 2)"), 0, 'and so has another area');
is($s->sql("$take('api', 3, 10, 1, 5)"), 0, 'more than the burst is not refused for ever');
cmp_ok($s->sql("$take('api', 3, 10, 1, 5)"), '<=', 500_000, '... and is owed as many tokens as it took');
is($s->sql("$take('api', 4, 0, 5)"), 86_400_000_000, 'no rate: nothing is let through');
is($s->sql("$take('api', 4, 'NaN', 5)"), 86_400_000_000, 'nor at a rate that is no number');
like($s->failure("$take('doors', 1, 1, 1)"), qr/unknown area of buckets/, 'an unknown area is told');
$s->sql("$take('api', 5, 0.00001, 1)");
cmp_ok($s->sql("$take('api', 5, 1000000, 1)"), '<=', 10, 'a limit made wider is not held back by what was owed under the old one');

$s->sql('CREATE DATABASE second');
$s->sql('CREATE EXTENSION scheduler CASCADE', undef, 'second');
is($s->sql("$take('api', 1, 0.001, 2)", undef, 'second'), 0, 'another database has buckets of its own');

# ---- buckets: a flood of keys ----

my $room = $s->sql("SELECT room FROM scheduler.bucket_counts('signin')");
my $flood = $s->sql("SELECT count(*) FROM generate_series(1000, 1000 + 2 * $room) AS k"
	  . " WHERE scheduler.take_bucket('signin', k, 0.0001, 1) = 0");
cmp_ok($flood, '<=', $room + 1, 'more keys than there are places: none is let through twice');
cmp_ok($flood, '>=', $room * 0.9, '... and the places are used');
is($s->sql("SELECT count(*) FROM generate_series(1000, 1000 + 2 * $room) AS k"
		  . " WHERE scheduler.take_bucket('signin', k, 0.0001, 1) = 0"), 0, 'who was refused once stays refused');
cmp_ok($s->sql("$take('signin', 1, 0.001, 2); $take('signin', 1, 0.001, 2)"),
	'ne', "0\n0", 'a restricted key keeps its place in the flood');
cmp_ok($s->sql("SELECT shared FROM scheduler.bucket_counts('signin')"), '>', 0, 'that keys had to share is counted');
is($s->sql("$take('calls', 77, 0.0001, 1)"), 0, 'a flood in one area leaves the others alone');

# ---- buckets: a database's go with it ----

my $before = $s->sql("SELECT used FROM scheduler.bucket_counts('signin')");
$s->sql('DROP EXTENSION scheduler', undef, 'second');
$s->sql('DROP DATABASE second');
$s->sql("SELECT scheduler.take_bucket('api', k, 0.0001, 1) FROM generate_series(1, 100) AS k");
$s->sql('DROP EXTENSION scheduler CASCADE');
$s->sql('CREATE EXTENSION scheduler CASCADE');
cmp_ok($before, '>', 0, 'there were buckets');
$s->comes_true('they are gone with the extension', "SELECT used = 0 FROM scheduler.bucket_counts('signin')");

# ---- rates of calls ----

$s->sql(q{SELECT scheduler.setup('root@example.org'); SELECT scheduler.create_user('other@example.org', 'Other')});
my $other = $s->sql(q{SELECT user_id FROM scheduler.users WHERE email = 'other@example.org'});
my @ports = map { Sched::start_misbehave() } 1 .. 5;
my ($limited, $free, $flaky, $busy, $fussy) = map { "127.0.0.1:$_" } @ports;

# Enqueues a GET; for another user where one is given. Its id.
sub get
{
	my ($url, $user) = @_;
	return $s->sql("SELECT scheduler.enqueue('http', jsonb_build_object('url', 'http://$url')"
		  . ($user ? ", user_id => '$user')" : ')'));
}

sub job
{
	my ($id, $what) = @_;
	return $s->sql("SELECT $what FROM scheduler.jobs WHERE job_id = '$id'");
}

sub done
{
	my ($name, $id, $seconds) = @_;
	return $s->comes_true($name, "SELECT status = 'succeeded' FROM scheduler.jobs WHERE job_id = '$id'", 't', $seconds);
}

like($s->failure("SELECT scheduler.set_rate_limit('planet', '*', 1)"), qr/unknown scope/, 'an unknown scope is told');
like($s->failure("SELECT scheduler.set_rate_limit('host', 'a b', 1)"), qr/no subject/, 'so is what is no host');
like($s->failure("SELECT scheduler.set_rate_limit('user', 'NaN', 1)"), qr/no subject/, '... or no user');
like($s->failure("SELECT scheduler.set_rate_limit('host', '*', 'NaN')"), qr/no rate/, '... or no rate');
$s->sql('CREATE ROLE plain LOGIN; GRANT scheduler_user TO plain');
like($s->failure("SELECT scheduler.set_rate_limit('host', '*', 1)", 'plain'), qr/permission denied/, 'it is for admins');
is($s->sql("SELECT scheduler.set_rate_limit('host', 'API.example.org', 7); SELECT subject, burst FROM scheduler.rate_limits"),
	"\napi.example.org:443|7", 'a host without a port is the one of https');

$s->sql("SELECT scheduler.set_rate_limit('host', '$limited', 20, 5)");
$s->sql("SELECT scheduler.enqueue_many('http', array_agg(jsonb_build_object('url', 'http://$limited/echo', 'n', n)))"
	  . ' FROM generate_series(1, 100) AS n');
my $elsewhere = get("$free/echo");
my $others = get("$free/echo", $other);
done('a call elsewhere does not wait behind the crowd', $elsewhere);
done('nor does another user', $others);
cmp_ok($s->sql("SELECT count(*) FROM scheduler.jobs WHERE payload ->> 'url' LIKE '%$limited%' AND status = 'succeeded'"),
	'<', 100, '... which has not gone all yet');
$s->comes_true('who waits long does so in the row, with the time and the reason',
	"SELECT count(*) > 0 FROM scheduler.live_jobs WHERE status = 'sleeping' AND run_at > now()"
	  . " AND error LIKE 'waits: rate limit of host $limited is 20 a second'");
$s->comes_true('all of them go in the end',
	"SELECT count(*) = 100 FROM scheduler.finished_jobs WHERE payload ->> 'url' LIKE '%$limited%' AND status = 'succeeded'", 't', 60);
is($s->sql("SELECT max(attempts) FROM scheduler.finished_jobs WHERE payload ->> 'url' LIKE '%$limited%'"), 1,
	'none lost an attempt');
cmp_ok($s->sql("SELECT extract(epoch FROM max(finished_at) - min(started_at)) FROM scheduler.finished_jobs"
		  . " WHERE payload ->> 'url' LIKE '%$limited%'"), '>=', 95 / 20 - 0.1, 'and not faster than the limit lets them');
$s->sql("SELECT scheduler.set_rate_limit('user', '$other', 0.01, 1)");
done('a burst of one', get("$free/echo", $other));
my $second = get("$free/echo", $other);
$s->comes_true('then this user waits', "SELECT status = 'sleeping' FROM scheduler.jobs WHERE job_id = '$second'");
cmp_ok(job($second, 'extract(epoch FROM run_at - now())'), '>', 60, '... until the time that the row tells');
done('nobody else does', get("$free/echo"));
$s->sql("SELECT scheduler.cancel_job('$second'); SELECT scheduler.set_rate_limit('user', '$other', NULL)");
done('a limit that is lifted holds nobody back', get("$free/echo", $other));

# ---- a host that is down ----

$s->sql("ALTER SYSTEM SET scheduler.http_breaker_failures = 3; SELECT pg_reload_conf()");
$s->sql("UPDATE scheduler.job_kinds SET max_attempts = 1 WHERE kind = 'http'");
foreach my $n (1 .. 3)
{
	my $id = get("$flaky/flaky?n=3&key=a");
	$s->comes_true("call $n to a failing host fails", "SELECT status = 'dead' AND error = 'HTTP 503' FROM scheduler.jobs"
		  . " WHERE job_id = '$id'");
}
is($s->sql("SELECT state, open_until BETWEEN now() AND now() + interval '5 s' FROM scheduler.stat_http WHERE host = '$flaky'"),
	'open|t', 'stat_http says that it is left alone, and until when');
like($s->sql("SELECT status, detail, hint FROM scheduler.doctor() WHERE check_name = 'host $flaky'"),
	qr/^warn\|open since its last calls failed; the next is tried at /, 'so does doctor()');
my $refused = get("$flaky/flaky?n=3&key=a");
$s->comes_true('the next call is refused at once', "SELECT status = 'dead' FROM scheduler.jobs WHERE job_id = '$refused'");
like(job($refused, 'error'), qr/^unavailable: \Q$flaky\E is down: its last calls failed \(3 in a row\); the next one is tried in \d s/,
	'... with the reason and the time of the next one');
$s->sql("UPDATE scheduler.job_kinds SET max_attempts = 10 WHERE kind = 'http'");
my @crowd = map { get("$flaky/flaky?n=3&key=a&ms=1500") } 1 .. 20;
$s->comes_true('after the pause one call finds out', "SELECT state = 'half_open' AND open_until IS NULL FROM scheduler.stat_http"
	  . " WHERE host = '$flaky'");
my $probes = 'SELECT sum(in_flight) FROM scheduler.stat_workers';
$s->comes_true('... exactly one', $probes, 1);
$s->comes_true('it is answered: the host is back', "SELECT state = 'closed' FROM scheduler.stat_http WHERE host = '$flaky'");
$s->comes_true('and all go', "SELECT count(*) = 20 FROM scheduler.jobs WHERE payload ->> 'url' LIKE '%$flaky%' AND status = 'succeeded'",
	't', 40);
$s->sql("UPDATE scheduler.job_kinds SET max_attempts = 1 WHERE kind = 'http'");
foreach my $path ('status?code=404', 'close', 'status?code=501', 'status?code=429', 'close', 'bytes?n=1')
{
	my $id = get("$flaky/$path");
	$s->poll("SELECT status IN ('succeeded', 'failed', 'dead') FROM scheduler.jobs WHERE job_id = '$id'");
}
is($s->sql("SELECT state FROM scheduler.stat_http WHERE host = '$flaky'"), 'closed', 'single failures open nothing');

# ---- hosts that ask to be left alone ----

$s->poll("SELECT status = 'dead' FROM scheduler.jobs WHERE job_id = '" . get("$busy/status?code=503&after=3") . "'");
is($s->sql("SELECT state, open_until > now() FROM scheduler.stat_http WHERE host = '$busy'"), 'paused|t', '503 with Retry-After');
my $waits = get("$busy/echo", $other);
$s->comes_true('whoever calls that host waits', "SELECT status = 'sleeping' AND error LIKE 'waits: $busy asked to be left alone'"
	  . " FROM scheduler.jobs WHERE job_id = '$waits'");
done('... as long as it asked', $waits);
cmp_ok(job($waits, 'extract(epoch FROM finished_at - created_at)'), '>', 1.5, '... and not less');
is(job($waits, 'attempts'), 1, 'without losing an attempt');
$s->poll("SELECT status = 'dead' FROM scheduler.jobs WHERE job_id = '" . get("$fussy/status?code=429&after=4") . "'");
$waits = get("$fussy/echo");
done('429 with Retry-After is about the caller: others go', get("$fussy/echo", $other));
cmp_ok(job($waits, 'status'), 'ne', 'succeeded', '... he waits');
done('... as long as it asked', $waits);

done_testing();
