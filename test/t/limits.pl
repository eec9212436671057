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

done_testing();
