# The first screen of the README, typed as printed on a fresh cluster: on a Monday morning, on a Friday evening and on a
# Sunday both blocks are there.
use strict;
use warnings;
use Test::More;

my ($stage, $tree) = @ENV{qw(STAGE TREE)};
open my $readme, '<', "$tree/README.md" or die "README.md: $!";
my $text = do { local $/; <$readme> };
my @lines = grep { /^\s*(CREATE EXTENSION|SELECT)\b/ } split /\n/, ($text =~ /```sh\n(.*?)```/s)[0];
is(scalar(@lines), 4, 'the first screen has four lines of SQL');
is($text =~ /```sh\n(.*?)```/s && $1 =~ /\A\s*make demo\b/ ? 1 : 0, 1, 'and begins with make demo');

my %days = (
	'Monday morning' => '2027-05-10 07:30 UTC',
	'Friday 18:00' => '2027-05-14 16:00 UTC',
	'Sunday' => '2027-05-16 11:00 UTC');

foreach my $name (sort keys %days)
{
	(my $cluster = "readme $name") =~ s/\W+/_/g;
	local $ENV{SCHED_STAGE} = $stage;
	local $ENV{SCHED_NOW} = $days{$name};
	my $script = join("\n", @lines);
	open my $file, '>', "$stage/tap/readme/$cluster.sql" or die $!;
	print $file "$script\n";
	close $file;
	my $output = qx{bash -c '. $tree/test/lib/cluster.sh; start_cluster $cluster && as_server createdb -h 127.0.0.1 -p \$(cluster_port $cluster) -U postgres first && stage_psql $cluster -d first -v ON_ERROR_STOP=1 -At -f $stage/tap/readme/$cluster.sql; stop_cluster $cluster' 2>&1};
	my @blocks = grep { /^\d{4}-\d\d-\d\d .*\|.*\|/ } split /\n/, $output;
	is(scalar(@blocks), 2, "$name: two blocks") or diag($output);
	like(join("\n", @blocks), qr/^\d{4}-\d\d-\d\d 0?[79]:00:00.*dentist/mi, "$name: the dentist at nine") or diag($output);
	like(join("\n", @blocks), qr/report/i, "$name: the report");
	unlike($output, qr/\|fail\|/, "$name: doctor() finds nothing broken");
}

done_testing();
