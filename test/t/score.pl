# How well the built-in rules read mails that their authors have not seen (test/data/held-out), by extract_facts() and
# through ingest_email() and the worker. Prints counts and scores, never a mail.
use strict;
use warnings;
use Sched;
use Test::More;

my %least = (f1 => 0.70, deadline => 0.80, class => 0.70);
my $largest_gap = 0.03;

my $s = Sched->start('score');
my $node = $s->node;
$ENV{PSQL} = join ' ', 'psql', '-h', $node->host, '-p', $node->port, '-d', 'postgres';
my %score;
my $mode = '';
my $gap;
open my $run, '-|', 'python3', "$ENV{TREE}/test/score/score.py", '--mode', 'both', '--timeout', '120' or die $!;
while (my $line = <$run>)
{
	$mode = $1 if $line =~ /^-- (\w+)/;
	$gap = $1 if $line =~ /^gap=([\d.]+)/;
	$score{$mode} = { map { split /=/ } split ' ', $line } if $line =~ /^f1=/;
	diag("score $mode: $line") if $line =~ /^(\d+ mails:|f1=|gap=)/;
	fail("every mail is kept ($mode)") if $line =~ /^malformed mails without a row|were not processed|^ingest:|complaints/;
}
close $run;
foreach my $way (qw(direct pipeline))
{
	foreach my $measure (sort keys %least)
	{
		cmp_ok($score{$way}{$measure} // -1, '>=', $least{$measure}, "$way: $measure is at least $least{$measure}");
	}
}
cmp_ok($gap // 9, '<=', $largest_gap, "both ways agree within $largest_gap");
is($s->sql('SELECT count(*) FROM scheduler.dead_jobs'), 0, 'no job failed');
is($s->sql('SELECT count(*) FROM scheduler.email_tracking WHERE NOT processed'), 0, 'no mail is left over');
is($s->sql('SELECT count(*) FROM scheduler.calendar_events a JOIN scheduler.calendar_events b ON a.user_id = b.user_id AND a.event_id < b.event_id
	AND a.blocks AND b.blocks AND a.during && b.during'), 0, 'no blocks overlap');

$node->stop;
done_testing();
