# kill -9 in the middle of a change of keys, the master's and users': whatever the moment, every secret and mail opens
# afterwards, and saying it again ends the change.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;
use Time::HiRes qw(sleep time);

my $s = Sched->start('secrets_faults');
my $keys = $s->node->basedir . '/keys';
$s->sql('SELECT problem FROM scheduler.create_master_key()');
foreach my $i (1 .. 4)
{
	$s->sql("CREATE ROLE u$i LOGIN; SELECT scheduler.create_user('u$i\@example.org', 'U$i', role_name => 'u$i')");
	$s->sql("SELECT scheduler.set_secret('own', md5('$i'), ARRAY['example.org']);"
		  . " SELECT count(scheduler.ingest_email(convert_to(E'From: m\@example.com\\nMessage-ID: <' || i || '.$i\@example.com>' || E'\\n\\nmarmalade ' || repeat('x', 3000), 'UTF8'))) FROM generate_series(1, 40) AS i", "u$i");
}

sub set_fault
{
	my ($point) = @_;
	$s->sql($point ? "ALTER SYSTEM SET scheduler.fault_point = '$point'" : 'ALTER SYSTEM RESET scheduler.fault_point');
	$s->node->reload;
}

# The setting goes as soon as the server can be asked again; it may have struck more than once.
sub reset_fault
{
	my $until = time + 60;
	while (time < $until)
	{
		my ($code) = $s->node->psql('postgres', 'ALTER SYSTEM RESET scheduler.fault_point');
		if (defined $code && $code == 0)
		{
			$s->node->psql('postgres', 'SELECT pg_reload_conf()');
			last;
		}
		sleep 0.05;
	}
	$s->poll("SELECT current_setting('scheduler.fault_point')", '');
}

sub all_opens
{
	my ($when) = @_;
	is($s->sql('SELECT count(*), count(scheduler.data_key_problem(user_id, key_id)) FROM scheduler.sealed_secrets'), '4|0', "$when: every secret's key is there");
	# By what opens them: sealing them anew gives NULL for those that do not.
	is($s->sql("SELECT count(r.sealed) FROM scheduler.sealed_secrets s, scheduler.reseal_secret(s.user_id, s.name, array_to_string(s.hosts, ' '), s.key_id, s.sealed) AS r"), 4, '... each opens');
	is($s->sql("SELECT count(*) FROM scheduler.email_bodies AS b WHERE convert_from(scheduler.open_body(b.user_id, b.email_id, b.key_id, b.raw), 'UTF8') ~ 'marmalade'"), 160, '... and every mail');
}

foreach my $point (qw(next_made rewrapped rewrapped:3 all_rewrapped switched))
{
	my $old = slurp_file("$keys/master.key");
	set_fault($point);
	my $err = $s->failure('SELECT scheduler.rotate_master_key()');
	reset_fault();
	like($err, qr/terminat|closed|crash|connection/i, "killed at $point");
	is(slurp_file("$keys/master.key") eq $old ? 'old' : 'new', $point eq 'switched' ? 'new' : 'old', "the master key is the one to expect");
	is($s->sql("SELECT count(*) FROM scheduler.doctor() WHERE check_name = 'master key change'"), $point eq 'switched' ? 0 : 1, 'doctor() tells of it');
	all_opens("after $point");
	is($s->sql('SELECT done, failed, foreign_files FROM scheduler.rotate_master_key()'), 't|0|0', 'said again, it ends');
	ok(!-e "$keys/master.key.next" && slurp_file("$keys/master.key") ne $old, 'with another key and nothing left beside it');
	all_opens('at the end');
}

foreach my $point (qw(key_renewed key_renewed:3 applied:3))
{
	my $old = $s->sql("SELECT string_agg(DISTINCT key_id, ',') FROM scheduler.sealed_secrets");
	set_fault($point);
	my $job = $s->sql('SELECT scheduler.rotate_data_keys()');
	sleep 2;
	reset_fault();
	$s->comes_true("killed at $point, the change of data keys ends", "SELECT status FROM scheduler.jobs WHERE job_id = '$job'", 'succeeded', 90)
		or diag($s->sql("SELECT status, attempts, error, state FROM scheduler.live_jobs WHERE job_id = '$job'"));
	all_opens('then');
	is($s->sql("SELECT count(*) FROM scheduler.sealed_secrets WHERE key_id = ANY (string_to_array('$old', ','))"), 0, '... under other keys');
	is($s->sql('SELECT count(*) FROM (SELECT user_id, key_id FROM scheduler.sealed_secrets UNION SELECT user_id, key_id FROM scheduler.email_bodies) AS k'), 4, '... one for each user');
	is($s->sql("SELECT bool_and(scheduler.data_key_problem(s.user_id, o.id) ~ 'no such data key') FROM scheduler.sealed_secrets AS s, string_to_table('$old', ',') AS o (id)"), 't', '... and the old ones are gone');
}

$s->node->stop;
done_testing();
