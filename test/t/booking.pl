# 32 clients want the same slots of the same users, by holding, booking, fixing tasks and planning: no two blocks overlap,
# nothing deadlocks, and nobody hears anything but "slot taken".
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $clients = 32;
my $rounds = 40;
my $node = PostgreSQL::Test::Cluster->new('booking');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'scheduler'\nscheduler.databases = 'none'\n"
	. "max_connections = 60\nfsync = off\ndeadlock_timeout = '100ms'\ntimezone = 'UTC'\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION scheduler CASCADE;
	CREATE ROLE anna LOGIN IN ROLE scheduler_user;
	CREATE ROLE ben LOGIN IN ROLE scheduler_user;
	INSERT INTO scheduler.users (email, role_name) VALUES ('anna@example.org', 'anna'), ('ben@example.org', 'ben');
});

# One session per client: what each call came to is counted by SQLSTATE on its own output.
my $script = q{
SET timezone = 'UTC';
SELECT setseed(%s);
DO $$
DECLARE
	slot timestamptz;
	hold uuid;
	state text;
BEGIN
	FOR round IN 1 .. %d LOOP
		slot := timestamptz '2031-01-06 09:00Z' + floor(random() * 40) * interval '15 min';
		state := 'done';
		BEGIN
			CASE floor(random() * 5)::int
			WHEN 0 THEN
				PERFORM scheduler.hold_slot(slot, slot + interval '45 min', '20 ms');
			WHEN 1 THEN
				hold := scheduler.hold_slot(slot, slot + interval '30 min');
				PERFORM scheduler.book_slot(hold, 'booked');
			WHEN 2 THEN
				PERFORM scheduler.add_task('fixed', 30, start_at => slot);
			WHEN 3 THEN
				PERFORM scheduler.add_task('planned', 30, earliest_start => '2031-01-06 09:00Z');
			ELSE
				PERFORM scheduler.plan('[2031-01-06 00:00Z, 2031-01-20 00:00Z)');
			END CASE;
		EXCEPTION WHEN OTHERS THEN
			state := SQLSTATE || ' ' || SQLERRM;
		END;
		COMMIT;
		RAISE NOTICE 'outcome: %%', state;
		IF random() < 0.2 THEN
			/* Room for the others: somebody changes his mind. */
			BEGIN
				PERFORM scheduler.cancel_event(e.event_id)
				FROM (SELECT event_id FROM scheduler.calendar_events WHERE summary = 'booked' AND blocks LIMIT 1) AS e;
			EXCEPTION WHEN SQLSTATE 'PT404' THEN
				NULL;
			END;
			COMMIT;
		END IF;
	END LOOP;
END $$;
};

# Scripts and outputs are files: a pipe would only be served while its own client is waited for.
my @handles;
my $folder = PostgreSQL::Test::Utils::tempdir;
foreach my $client (0 .. $clients - 1)
{
	append_to_file("$folder/$client.sql", sprintf($script, $client / 40, $rounds));
	push @handles, IPC::Run::start(
		[ 'psql', '-X', '-q', '-d', $node->connstr('postgres') . ' user=' . ($client % 2 ? 'anna' : 'ben'), '-f', "$folder/$client.sql" ],
		'<', '/dev/null', '>&', "$folder/$client.out");
}
$_->finish foreach @handles;

my %outcomes;
my $said = join('', map { slurp_file("$folder/$_.out") } 0 .. $clients - 1);
$outcomes{$1}++ while $said =~ /outcome: (.*)/g;
my @strange = grep { $_ ne 'done' && $_ !~ /^PT409 slot taken$/ } keys %outcomes;
is_deeply(\@strange, [], 'nothing but done and "slot taken"') or diag(explain(\%outcomes));
my $total = 0;
$total += $_ foreach values %outcomes;
is($total, $clients * $rounds, 'every attempt was answered') or diag(substr($said, 0, 2000));
cmp_ok($outcomes{done} // 0, '>', $clients, "many succeeded: $outcomes{done}");
cmp_ok($outcomes{'PT409 slot taken'} // 0, '>', $clients, "many came second: " . ($outcomes{'PT409 slot taken'} // 0));

is($node->safe_psql('postgres', q{
	SELECT count(*) FROM scheduler.calendar_events a JOIN scheduler.calendar_events b
		ON a.user_id = b.user_id AND a.event_id < b.event_id AND a.during && b.during AND a.blocks AND b.blocks}), '0', 'no two blocks overlap');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM scheduler.calendar_events WHERE blocks'), '>', 20, 'and there are many');
is($node->safe_psql('postgres', "SELECT deadlocks FROM pg_stat_database WHERE datname = 'postgres'"), '0', 'no deadlock');

# The proof that the constraint is there, whatever the functions do.
my ($code, $out, $error) = $node->psql('postgres', q{
	INSERT INTO scheduler.calendar_events (user_id, start_datetime, end_datetime)
	SELECT user_id, '2031-02-03 10:00Z', '2031-02-03 11:00Z' FROM scheduler.users, generate_series(1, 2) WHERE role_name = 'anna'});
like($error, qr/calendar_events_no_overlap/, 'a superuser cannot write an overlap either');

# A dump and its restore: rows are equal, and no trigger adds what is in the dump already.
my $dump = PostgreSQL::Test::Utils::tempdir . '/booking.dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('postgres') ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $dump ], 'pg_restore');
foreach my $table (qw(users tasks task_dependencies calendar_events availability availability_overrides protected_time scheduling_conflicts))
{
	my $query = "SELECT count(*), md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM scheduler.$table AS t"
		. ' WHERE user_id <> scheduler.system_user_id()';
	is($node->safe_psql('restored', $query), $node->safe_psql('postgres', $query), "$table is the same");
}
$node->stop;
done_testing();
