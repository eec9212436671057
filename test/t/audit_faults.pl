# kill -9 while the audit log is sealed: before the commit, and after it, before the head is noted. No row is lost or numbered
# twice, no alarm is false, sealing goes on.
use strict;
use warnings;
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);

my $s = Sched->start('audit_faults', conf => "scheduler.poll_interval = 100\n");
my $node = $s->node;
$s->sql('SELECT scheduler.create_master_key()');
sub crashes { return scalar $s->logged(qr/was terminated by signal 9/); }
my $written = 0;

foreach my $point (qw(sealing sealed))
{
	my $before = crashes();
	$node->safe_psql('postgres', "ALTER SYSTEM SET scheduler.fault_point = '$point'");
	$node->safe_psql('postgres', 'SELECT pg_reload_conf()');
	my $until = time + 40;
	while (crashes() < $before + 3 && time < $until)
	{
		my ($code) = $node->psql('postgres', "SELECT scheduler.record_audit('test.deed', 'ok', NULL, jsonb_build_object('n', i)) FROM generate_series(1, 5) AS i");
		$written += 5 if defined $code && $code == 0;
		sleep 0.05;
	}
	cmp_ok(crashes(), '>=', $before + 3, "$point: the worker was killed");
	$until = time + 40;
	while (time < $until)
	{
		my ($code) = $node->psql('postgres', 'ALTER SYSTEM RESET scheduler.fault_point');
		last if defined $code && $code == 0 && ($node->psql('postgres', 'SELECT pg_reload_conf()'))[0] == 0;
		sleep 0.05;
	}
	$s->comes_true("$point: all is sealed", 'SELECT count(*) FROM scheduler.audit_log WHERE audit_seq IS NULL', 0, 60);
	$s->comes_true("$point: the chain is whole", 'SELECT count(*) FROM scheduler.verify_audit_log()', 0);
	is($s->sql('SELECT count(*) = max(audit_seq) AND count(DISTINCT audit_seq) = count(*) FROM scheduler.audit_log'), 't', "$point: numbered without gaps");
	is($s->sql("SELECT count(*) >= $written FROM scheduler.audit_log WHERE action = 'test.deed'"), 't', "$point: no row is lost");
}
$node->stop;
done_testing();
