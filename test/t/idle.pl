# An idle database costs one statement of ours per poll_interval, and that one finds what nobody could signal.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);
use Sched;

my $s = Sched->start('idle', conf => "shared_preload_libraries = 'scheduler, pg_stat_statements'\n"
	  . "pg_stat_statements.track = all\nscheduler.poll_interval = '1s'\n");
$s->sql('CREATE EXTENSION pg_stat_statements');
$s->sql(q{SELECT scheduler.create_master_key(); SELECT scheduler.create_user('me@example.org', 'Me', 'UTC'); SELECT scheduler.enqueue('noop')});
$s->comes_true('a job is done', q{SELECT count(*) FROM scheduler.live_jobs}, 0, 30);
$s->comes_true('its change, if any, is numbered', q{SELECT count(*) FROM scheduler.new_changes}, 0, 30);
$s->comes_true('what is on record is sealed', q{SELECT count(*) FROM scheduler.audit_log WHERE audit_seq IS NULL}, 0, 30);
sleep 3;
$s->sql('SELECT pg_stat_statements_reset()');
sleep 6;
my $calls = $s->sql(q{SELECT sum(calls) FROM pg_stat_statements WHERE query !~ 'pg_stat_statements'});
# A machine that is busy may hold up a look, none comes early.
cmp_ok($calls, '<=', 8, "at most one statement a second in some six ($calls)");
cmp_ok($calls, '>=', 1, 'and the worker does look');

# As if a prepared transaction had ended: its commit wakes nobody.
$s->sql(q{INSERT INTO scheduler.live_jobs (user_id, kind, payload, max_attempts, ready, runner)
	VALUES (scheduler.system_user_id(), 'noop', '{}', 3, true, false)});
$s->comes_true('a job that was not signalled is found', q{SELECT count(*) FROM scheduler.live_jobs}, 0, 30);
$s->sql(q{INSERT INTO scheduler.new_changes (user_id, type, subject_id)
	VALUES (scheduler.system_user_id(), 'test.unheard', scheduler.uuid7())});
$s->comes_true('... and a change', q{SELECT count(*) FROM scheduler.changes WHERE type = 'test.unheard'}, 1, 30);
$s->sql(q{SELECT scheduler.save_schedule('now', 'noop', every => '1 hour');
	SELECT scheduler.disarm()});
$s->sql(q{UPDATE scheduler.schedules SET next_run_at = now()});
my $done = $s->sql(q{SELECT count(*) FROM scheduler.finished_jobs});
$s->sql('SELECT scheduler.arm()');
$s->comes_true('... and a schedule', "SELECT count(*) > $done FROM scheduler.finished_jobs", 't', 30);
$s->node->stop;
done_testing();
