# The audit log: rows are sealed by the worker, and whatever a superuser does to sealed rows and seals, with triggers off, is
# found: changed, removed, inserted, re-ordered, a seal taken out or forged, the end cut off, all of it sealed anew. Writers
# wait for nobody. A dump takes the chain along. Violent ends while sealing leave it whole.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);

my $s = Sched->start('audit', conf => "scheduler.poll_interval = 200\n");
my $node = $s->node;
my $folder = PostgreSQL::Test::Utils::tempdir();

sub record { my ($n, $action) = @_; $s->sql("SELECT scheduler.record_audit('" . ($action // 'test.deed') . "', 'ok', NULL, jsonb_build_object('n', i)) FROM generate_series(1, $n) AS i"); }
sub problems { my ($head) = @_; return $s->sql('SELECT problem FROM scheduler.verify_audit_log(' . ($head // '') . ')'); }
sub all_sealed { my ($name) = @_; $s->comes_true($name, 'SELECT count(*) FROM scheduler.audit_log WHERE audit_seq IS NULL', 0); }

is($s->sql("SELECT string_agg(action, ' ') FROM scheduler.audit_log"), 'database.armed', 'arming is on record');

# ---- sealing ----

record(10);
sleep 0.7;
is($s->sql('SELECT count(*) FROM scheduler.audit_seals'), 0, 'without a master key nothing is sealed');
like($s->failure('SELECT scheduler.seal_audit_log()'), qr/the master key file is missing.*HINT/s, '... and a human is told');
is(scalar(grep { /not sealed|terminated/ } $s->logged(qr/audit|worker/)), 0, '... the worker goes on about its work');
$s->sql('SELECT scheduler.create_master_key()');
all_sealed('with one the worker seals them');
record(2500);
all_sealed('many rows are sealed');
record(1), all_sealed('and one') foreach 1 .. 3;
is($s->sql('SELECT min(first_seq) = 1 AND max(last_seq) = 2514 AND count(*) = max(seal_seq) AND max(last_seq - first_seq) < 1000 FROM scheduler.audit_seals'), 't',
	'numbers have no gaps, seals have at most 1,000 rows');
is(problems(), '', 'nothing is found where nothing was done');
my $head = $s->sql('SELECT scheduler.audit_head()');
like($head, qr/^\d+:[0-9a-f]{64}$/, 'the head can be kept elsewhere');
my ($file) = glob $node->basedir . '/keys/audit_head.*';
(my $noted = slurp_file($file)) =~ s/ /:/;
is($noted, "$head\n", '... and is noted beside the key');
is((stat $file)[2] & 0777, 0600, '... where nobody else reads it');

# ---- nobody waits ----

{
	my $first = $s->session;
	$first->sql("BEGIN; SELECT scheduler.record_audit('test.slow')");
	is($s->failure("SET lock_timeout = '1ms'; SET statement_timeout = '2s'; SELECT scheduler.record_audit('test.quick')"), '', 'a writer does not wait for another');
	all_sealed('... nor does the sealer: what is committed is sealed');
	my $sealer = $s->session;
	record(1);
	$sealer->sql('BEGIN; SELECT scheduler.seal_audit_log()');
	is($s->failure("SET lock_timeout = '1ms'; SET statement_timeout = '2s'; SELECT scheduler.record_audit('test.quick')"), '', 'a writer does not wait for the sealer');
	$first->sql('COMMIT');
	$sealer->sql('COMMIT');
	all_sealed('what is committed later is sealed later');
	$sealer->sql('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
	record(1);
	like($sealer->sql('SELECT scheduler.seal_audit_log()'), qr/^$|^0$|READ COMMITTED/m, 'an old snapshot seals nothing');
	$sealer->sql('ROLLBACK');
	all_sealed('all the same all is sealed');
	$_->close foreach $first, $sealer;
}
# What is taken back was never sealed, and the file does not say so.
$s->sql("BEGIN; SELECT scheduler.record_audit('test.gone'); SELECT scheduler.seal_audit_log(); ROLLBACK");
$s->sql("BEGIN; SAVEPOINT a; SELECT scheduler.record_audit('test.gone'); SELECT scheduler.seal_audit_log(); ROLLBACK TO a; COMMIT");
is(problems(), '', 'a seal that was taken back leaves no trace');

# ---- tampering ----

# As a superuser with triggers off, and taken back.
sub found
{
	my ($name, $deed, $wanted) = @_;
	my $got = $s->sql("BEGIN; SET LOCAL session_replication_role = replica; LOCK TABLE scheduler.audit_seals; DO \$\$ BEGIN $deed; END \$\$; SELECT problem FROM scheduler.verify_audit_log(); ROLLBACK");
	like($got, $wanted, $name);
	return $got;
}
my $log = 'scheduler.audit_log';
my $one = qr/\Arow 1500 is not the one that was sealed\z/;
$s->sql("SELECT scheduler.create_user('a\@example.org', 'a')");
all_sealed('sealed');
foreach my $column (
	[ 'user_id', "'00000000-0000-0000-0000-000000000001'" ], [ 'audit_id', 'scheduler.uuid7()' ], [ 'at', "at + interval '1 microsecond'" ],
	[ 'at', "at - interval '400 days'" ], [ 'actor_role', "'somebody'" ], [ 'action', "'test.need'" ], [ 'outcome', "'refused'" ],
	[ 'subject_user_id', 'user_id' ], [ 'details', "details || '{\"n\": 0}'" ], [ 'address', "'10.0.0.1'" ])
{
	found("changed: $column->[0]", "UPDATE $log SET $column->[0] = $column->[1] WHERE audit_seq = 1500", $one);
}
found('a value moved to the next column', "UPDATE $log SET actor_role = actor_role || left(action, 1), action = substr(action, 2) WHERE audit_seq = 1500", $one);
found('removed', "DELETE FROM $log WHERE audit_seq IN (3, 1500)", qr/\Arow 3 was removed\nrow 1500 was removed\z/);
found('removed from the log and put back into the queue', "UPDATE $log SET audit_seq = NULL WHERE audit_seq = 3", qr/\Arow 3 was removed\z/);
found('inserted behind the end', "INSERT INTO $log (user_id, actor_role, action, outcome, audit_seq) SELECT user_id, actor_role, action, outcome, 99999 FROM $log WHERE audit_seq = 3", qr/\Arow 99999 was never sealed\z/);
found('inserted beside another', "INSERT INTO $log (user_id, actor_role, action, outcome, audit_seq) SELECT user_id, actor_role, action, outcome, 3 FROM $log WHERE audit_seq = 3", qr/row 3 is not the one that was sealed/);
found('the same row twice', "INSERT INTO $log SELECT * FROM $log WHERE audit_seq = 3", qr/row 3 is there more than once/);
found('re-ordered', "UPDATE $log SET audit_seq = 7 - audit_seq WHERE audit_seq IN (3, 4)", qr/\Arow 3 is not the one that was sealed\nrow 4 is not the one that was sealed\z/);
found('emptied', "DELETE FROM $log", qr/row 1 was removed/);
found('a seal taken out', 'DELETE FROM scheduler.audit_seals WHERE seal_seq = 2', qr/\Aseal 3 does not continue seal 1/);
found('the first seal taken out', 'DELETE FROM scheduler.audit_seals WHERE seal_seq = 1', qr/\Aseal 2 does not continue seal 0/);
found('a seal taken out and the others moved up', 'DELETE FROM scheduler.audit_seals WHERE seal_seq = 2; UPDATE scheduler.audit_seals SET seal_seq = seal_seq - 1 WHERE seal_seq > 2', qr/seal 2 does not continue seal 1/);
found('the time of a seal', "UPDATE scheduler.audit_seals SET sealed_at = sealed_at - interval '1 hour' WHERE seal_seq = 2", qr/\Aseal 2 was changed\z/);
found('digests', "UPDATE scheduler.audit_seals SET digests = set_byte(digests, 5, 255 - get_byte(digests, 5)) WHERE seal_seq = 2", qr/seal 2 was changed/);
found('fewer rows in a seal', 'UPDATE scheduler.audit_seals SET last_seq = last_seq - 1 WHERE seal_seq = 2', qr/seal 2 was changed/);
found('more rows than there can be', 'UPDATE scheduler.audit_seals SET last_seq = 9000000000 WHERE seal_seq = 2', qr/seal 2 was changed/);
found('a signature', "UPDATE scheduler.audit_seals SET signature = set_byte(signature, 5, 255 - get_byte(signature, 5)) WHERE seal_seq = 2", qr/\Aseal 2 was forged\z/);
found('a key that nobody has', "UPDATE scheduler.audit_seals SET key_id = 'x', hash = sha256(hash) WHERE seal_seq = (SELECT max(seal_seq) FROM scheduler.audit_seals)", qr/seal \d+ was changed/);
found('the name of the last key', "UPDATE scheduler.audit_seals SET key_id = 'x'", qr/the last one, was made with another master key/);

# Everything that can be computed without the key: the row, its digest, the hash, and the same of all later seals.
$s->sql(q{CREATE FUNCTION public.forge(n bigint) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE s scheduler.audit_seals; hash bytea; BEGIN
		FOR s IN SELECT * FROM scheduler.audit_seals WHERE last_seq >= n ORDER BY seal_seq LOOP
			s.previous := coalesce(hash, s.previous);
			s.digests := (SELECT string_agg(scheduler.audit_digest(a.user_id, a.audit_id, a.at, a.actor_role, a.action, a.outcome, a.subject_user_id, a.details::text, a.address::text), '' ORDER BY a.audit_seq)
				FROM scheduler.audit_log a WHERE a.audit_seq BETWEEN s.first_seq AND s.last_seq);
			hash := sha256(convert_to('scheduler audit seal 1', 'UTF8') || '\x00' || s.previous || int8send(s.seal_seq) || int8send(s.first_seq) || int8send(s.last_seq)
				|| int8send((extract(epoch FROM s.sealed_at - '2000-01-01 00:00+00') * 1000000)::bigint) || s.digests);
			UPDATE scheduler.audit_seals x SET previous = s.previous, digests = s.digests, hash = forge.hash WHERE x.seal_seq = s.seal_seq;
		END LOOP;
	END $$} =~ s/hash = forge\.hash/hash = (SELECT forge_hash.h FROM (SELECT hash AS h) AS forge_hash)/r =~ s/DECLARE s scheduler/#variable_conflict use_variable\n\tDECLARE s scheduler/r);
found('a chain computed anew from a row on', "UPDATE $log SET details = '{}' WHERE audit_seq = 1500; PERFORM public.forge(1500)", qr/\Aseal \d+ was forged\nseal \d+ was forged/);
my $same = found('... and the same without a change is the same', 'PERFORM public.forge(1500)', qr/\A\z/);

# The end.
my $last = $s->sql('SELECT max(seal_seq) FROM scheduler.audit_seals');
found('the end cut off', "DELETE FROM $log WHERE audit_seq > 2511; DELETE FROM scheduler.audit_seals WHERE last_seq > 2511", qr/\Aseal $last, noted in file ".*", is missing\z/);
found('the end cut off, and sealed on', "DELETE FROM $log WHERE audit_seq > 2511; DELETE FROM scheduler.audit_seals WHERE last_seq > 2511; PERFORM scheduler.record_audit('test.deed'); PERFORM scheduler.seal_audit_log()",
	qr/the end of the log was lost: seal $last.*\nseal $last, noted/s);
found('all of it sealed anew, with the right key', "DELETE FROM scheduler.audit_seals; UPDATE $log SET audit_seq = NULL, details = '{}'; PERFORM scheduler.seal_audit_log()",
	qr/the end of the log was lost: seal $last.*\nseal $last, noted/s);
is(problems("'$head'"), '', 'a head that was kept is still there');
like(problems("'" . ($last + 7) . ':' . ('0' x 64) . "'"), qr/\Aseal \d+, kept elsewhere, is missing\z/, 'one that is not is found');

# For good: sealing on would overwrite the file, so what it said is sealed.
$s->sql('SELECT scheduler.disarm()');
all_sealed('that the database was disarmed is sealed');
$last = $s->sql('SELECT max(seal_seq) FROM scheduler.audit_seals');
$s->sql("BEGIN; LOCK TABLE scheduler.audit_seals; SET LOCAL session_replication_role = replica; DELETE FROM $log WHERE audit_seq > 2511; DELETE FROM scheduler.audit_seals WHERE last_seq > 2511; COMMIT");
record(2);
all_sealed('after the end was cut off sealing goes on');
like(problems(), qr/\Abefore .* the end of the log was lost: seal $last\z/, '... and the loss is in the chain for good');
found('... also when that row goes', "DELETE FROM $log WHERE action = 'audit.end_lost'", qr/\Arow \d+ was removed\z/);
unlink $file;
record(1);
all_sealed('without the file sealing goes on');
ok(-e $file, '... and makes it anew');

# ---- who may ----

$s->sql(q{CREATE ROLE anna LOGIN; CREATE ROLE boss LOGIN; GRANT scheduler_admin TO boss;
	SELECT scheduler.create_user('anna@example.org', 'Anna', role_name => 'anna');
	INSERT INTO scheduler.audit_log (user_id, actor_role, action, outcome) SELECT user_id, 'anna', 'session.login', 'ok' FROM scheduler.users WHERE role_name = 'anna'});
is($s->sql('SELECT count(*) FROM scheduler.audit_log', 'anna'), 1, 'a user sees what he did');
is($s->sql("SELECT count(*) > 2500 FROM scheduler.audit_log", 'boss'), 't', 'an admin sees all of it');
like($s->failure($_, 'anna'), qr/permission denied|only an admin/, "a user may not: $_")
  foreach "SELECT scheduler.record_audit('test.lie')", 'SELECT scheduler.seal_audit_log()', 'SELECT * FROM scheduler.verify_audit_log()', 'SELECT scheduler.audit_head()',
  'SELECT * FROM scheduler.audit_seals', "INSERT INTO scheduler.audit_log (actor_role, action, outcome) VALUES ('x', 'x.y', 'ok')", 'DELETE FROM scheduler.audit_log';
like($s->failure($_), qr/audit_log is append-only/, "not even a superuser by mistake: $_")
  foreach 'DELETE FROM scheduler.audit_log', "UPDATE scheduler.audit_log SET details = '{}'", 'TRUNCATE scheduler.audit_log', 'DELETE FROM scheduler.audit_seals', 'SET ROLE scheduler_owner; TRUNCATE scheduler.audit_seals';
like($s->sql('SELECT problem FROM scheduler.verify_audit_log()', 'boss'), qr/end of the log was lost/, 'an admin verifies');

# ---- a dump takes the chain along ----

all_sealed('sealed before the dump');
my $before = $s->sql('SELECT scheduler.audit_head()');
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$folder/dump", '-d', $node->connstr('postgres') ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE template0');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('copy'), "$folder/dump" ], 'pg_restore');
is($node->safe_psql('copy', "SELECT problem !~ 'end of the log was lost' FROM scheduler.verify_audit_log('$before')"), 'f', 'the restored chain is the same');
$node->safe_psql('copy', "SELECT scheduler.record_audit('test.copy')");
ok($node->poll_query_until('copy', 'SELECT count(*) = 0 FROM scheduler.audit_log WHERE audit_seq IS NULL'), '... and goes on');
is($node->safe_psql('copy', "SELECT count(*) FROM scheduler.verify_audit_log('$before')"), 1, '... with nothing found but what there was');
is($node->safe_psql('copy', "BEGIN; SET LOCAL session_replication_role = replica; UPDATE scheduler.audit_log SET details = '{}' WHERE audit_seq = 1500; SELECT count(*) FROM scheduler.verify_audit_log(); ROLLBACK"), 2, '... and a change is found');

# Another master key: the chain can be compared, not proven.
rename $node->basedir . '/keys/master.key', $node->basedir . '/keys/former.key';
like(problems(), qr/the last one, was made with another master key/, 'without the key it cannot be verified');
$s->sql('SELECT scheduler.create_master_key()');
record(1);
all_sealed('with another key sealing goes on');
unlike(problems(), qr/master key/, '... and its first seal covers the former ones');
found('... whose rows are checked as before', "UPDATE $log SET details = '{}' WHERE audit_seq = 1500", qr/row 1500 is not the one that was sealed/);

$node->stop;
done_testing();
