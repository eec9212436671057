# make demo on the days that break calendars: a leap day, a week in which daylight saving changes, the last day of a
# year. libfaketime moves the clock; the product has no setting for "now".
use strict;
use warnings;
use Test::More;

my ($stage, $tree) = @ENV{qw(STAGE TREE)};

sub query
{
	my ($cluster, $sql) = @_;
	my $port = do { open my $f, '<', "$stage/clusters/$cluster/port" or die; local $/; <$f> };
	chomp $port;
	my $answer = qx{psql -X -At -h 127.0.0.1 -p $port -U postgres -d demo -c "$sql"};
	chomp $answer;
	return $answer;
}

my %days = (
	'leap day' => '2028-02-29 08:00 UTC',
	'daylight saving' => '2027-03-26 17:00 UTC',
	'last day of a year' => '2026-12-31 09:00 UTC');

foreach my $name (sort keys %days)
{
	(my $cluster = "demo $name") =~ s/\W+/_/g;
	local $ENV{SCHED_STAGE} = $stage;
	local $ENV{SCHED_NOW} = $days{$name};
	local $ENV{STAGED} = 1;
	local $ENV{KEEP} = 1;
	local $ENV{DEMO_CLUSTER} = $cluster;
	my $run = "bash $tree/test/demo.sh";

	my $output = qx{$run 2>&1};
	is($?, 0, "$name: the demo runs") or diag($output);
	my @report = split /\n/, ($output =~ s/.*?mails\.\s*\n//sr);
	pop @report while @report && $report[-1] !~ /\|/;
	cmp_ok(scalar(@report), '<=', 70, "$name: the report fits 70 lines");
	is((grep { length > 100 } @report), 0, "$name: ... of 100 columns");

	my $blocks = query($cluster,
		"SELECT count(*) FROM scheduler.calendar_events WHERE blocks AND start_datetime BETWEEN now() AND now() + interval '14 days'");
	cmp_ok($blocks, '>=', 15, "$name: $blocks blocks in the coming 14 days");
	is(query($cluster,
			"SELECT count(*) FROM scheduler.calendar_events a JOIN scheduler.calendar_events b USING (user_id) WHERE a.blocks AND b.blocks AND a.event_id < b.event_id AND a.during && b.during"),
		0, "$name: no block overlaps another");
	is(query($cluster,
			"SELECT count(*) FROM scheduler.calendar_events e JOIN scheduler.tasks t USING (user_id, task_id) WHERE e.end_datetime > t.deadline AND e.status <> 'cancelled'"),
		0, "$name: no block ends after its task's deadline");
	cmp_ok(query($cluster, "SELECT count(*) FROM scheduler.scheduling_conflicts"), '>', 0, "$name: conflicts are shown");
	cmp_ok(query($cluster, "SELECT count(*) FROM scheduler.tasks WHERE metadata ? 'stale' AND status = 'cancelled'"),
		'>', 0, "$name: a deadline that had passed is stale");

	my $counts = "SELECT (SELECT count(*) FROM scheduler.email_tracking), (SELECT count(*) FROM scheduler.tasks), (SELECT count(*) FROM scheduler.calendar_events)";
	my $before = query($cluster, $counts);
	$output = qx{$run 2>&1};
	is($?, 0, "$name: it runs a second time") or diag($output);
	is(query($cluster, $counts), $before, "$name: and adds nothing");

	delete $ENV{KEEP};
	qx{bash -c '. $tree/test/lib/cluster.sh; stop_cluster $cluster' 2>&1};
	ok(!-e "$stage/clusters/$cluster", "$name: nothing is left");
}

done_testing();
