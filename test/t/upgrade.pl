# pg_upgrade from the server of PG_CONFIG to that of PG_CONFIG_NEW, as a copy and with --link: equal rows, rights and roles;
# nothing is sent before a human says arm(), everything goes on after it. Then the new version's pg_dump and pg_restore.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);
use Used;

if (!$ENV{SECOND_BIN})
{
	plan skip_all => 'no later server: make test-upgrade PG_CONFIG_NEW=/path/to/its/pg_config';
}
(my $second = $ENV{SECOND_BIN}) =~ s{/bin$}{};
my $new_version = `$ENV{SECOND_BIN}/postgres --version`;
note("to $new_version");

my $port = Sched::start_misbehave();

sub asked
{
	my ($path) = @_;
	return `curl -s 'http://127.0.0.1:$port/count?path=$path'` + 0;
}

# ---- the old server, in use and in the middle of work ----

my $folder = PostgreSQL::Test::Utils::tempdir();
my $s = Used->start('old', "scheduler.http_private_hosts = '127.0.0.1:9, 127.0.0.1:$port'\n");
my $node = $s->node;
$s->fill($folder);
my $open = "/authorized?sha256=" . sha256_hex('Bearer open sesame');
$s->sql("SELECT scheduler.set_secret('door', 'open sesame', ARRAY['127.0.0.1:$port'])");
$s->sql(qq{
	CREATE FUNCTION app.called(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS \$\$
	BEGIN
		IF response IS NULL OR (response).failure = 'lost' THEN
			RETURN scheduler.step_request(ROW('POST', 'http://127.0.0.1:$port' || CASE WHEN response IS NULL THEN job.payload->>'path' ELSE '$open' END,
				NULL, NULL, 'secret:door', '100 s'), to_jsonb(response IS NULL));
		END IF;
		RETURN scheduler.step_done(jsonb_build_object('body', convert_from((response).body, 'UTF8'), 'first', job.state));
	END \$\$;
	CREATE FUNCTION app.family(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS \$\$
	BEGIN
		IF job.payload ? 'child' THEN
			RETURN CASE WHEN job.state IS NULL THEN scheduler.step_sleep(now() + interval '5 seconds', '1') ELSE scheduler.step_done() END;
		ELSIF job.state IS NULL THEN
			PERFORM scheduler.enqueue('app.family', '{"child": 1}');
			RETURN scheduler.step_wait_children('1');
		END IF;
		RETURN scheduler.step_done();
	END \$\$;
	GRANT EXECUTE ON FUNCTION app.called, app.family TO scheduler_owner;
	SELECT scheduler.register_job_kind('app.called', 'app.called', shared => true);
	SELECT scheduler.register_job_kind('app.family', 'app.family', shared => true)});
$s->sql(qq{SELECT scheduler.enqueue_many('app.called', array_fill('{"path": "/silent"}'::jsonb, ARRAY[3]))});
$s->sql("SELECT scheduler.enqueue('app.family')");
$s->comes_true('a job waits for its child', "SELECT string_agg(status, ',' ORDER BY status) FROM scheduler.live_jobs WHERE kind = 'app.family'", 'sleeping,waiting');
my $deadline = time + 20;
sleep 0.05 while asked('/silent') < 3 && time < $deadline;
is(asked('/silent'), 3, 'calls are in flight');
$s->comes_true('every change has its number', 'SELECT count(*) FROM scheduler.new_changes', 0);
$node->stop;

# Work that is ready, and that no worker takes before the upgrade.
$node->append_conf('postgresql.conf', "scheduler.workers = 0\n");
$node->start;
$s->sql("SELECT scheduler.enqueue_many('noop', array_fill('{}'::jsonb, ARRAY[3]), queue => NULL)");
$s->sql("SELECT scheduler.enqueue('app.called', '{\"path\": \"$open\"}', run_at => now() + interval '3 seconds')");
$s->sql("SELECT scheduler.save_schedule('often', 'noop', every => '1 day', starts_at => now() + interval '3 seconds')");
is($s->sql('SELECT scheduler.armed()'), 't', 'the old server is armed');
my $statuses = "SELECT string_agg(DISTINCT status, ',' ORDER BY status) FROM scheduler.live_jobs";
like($s->sql($statuses), qr/pending.*running.*sleeping.*waiting/, 'jobs of each kind are alive: ' . $s->sql($statuses));
is(join(' ', grep { $_ ne 'new_changes' } $s->photograph), '', 'no table is empty');

# Whatever rights hang on: owners, grants (17 has MAINTAIN besides), policies, members of the extension and of roles. A table's
# row type is a member from 17 on.
my $rights = q{
	SELECT 'class', relname::text, pg_get_userbyid(relowner)::text, replace(relacl::text, 'Dxtm/', 'Dxt/'), relrowsecurity::text || relforcerowsecurity FROM pg_class
		WHERE relnamespace = 'scheduler'::regnamespace AND relkind IN ('r', 'p', 'v')
	UNION ALL SELECT 'function', p.oid::regprocedure::text, pg_get_userbyid(proowner), proacl::text, prosecdef::text || coalesce(proconfig::text, '') FROM pg_proc p
		WHERE pronamespace IN ('scheduler'::regnamespace, 'app'::regnamespace)
	UNION ALL SELECT 'policy', tablename, policyname, roles::text || cmd, coalesce(qual, '') || coalesce(with_check, '') FROM pg_policies WHERE schemaname = 'scheduler'
	UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, tgenabled::text, '' FROM pg_trigger WHERE NOT tgisinternal
	UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated::text FROM pg_constraint
		WHERE connamespace = 'scheduler'::regnamespace AND contype <> 'n'
	UNION ALL SELECT 'index', indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
		WHERE c.relnamespace = 'scheduler'::regnamespace
	UNION ALL SELECT 'member', pg_describe_object(classid, objid, 0), deptype::text, '', '' FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid AND extname = 'scheduler' AND deptype = 'e'
		WHERE refclassid = 'pg_extension'::regclass AND classid <> 'pg_type'::regclass
	UNION ALL SELECT 'type', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), pg_get_userbyid(c.relowner)::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = 'scheduler'::regnamespace AND c.relkind = 'c'
	UNION ALL SELECT 'dumped', t.oid::regclass::text, c, '', '' FROM (SELECT unnest(extconfig) AS oid, unnest(extcondition) AS c FROM pg_extension WHERE extname = 'scheduler') AS t
	UNION ALL SELECT 'role', roleid::regrole::text, member::regrole::text, admin_option::text, '' FROM pg_auth_members WHERE roleid >= 16384
	UNION ALL SELECT 'role', rolname, rolbypassrls::text, rolcanlogin::text, '' FROM pg_roles WHERE rolname ~ '^(scheduler_|anna|ben)'
	ORDER BY 1, 2, 3};
my $had_rights = $s->sql($rights);
my $seen = $s->sql('SELECT max(change_seq) FROM scheduler.changes');

# ---- the new version's tools on the running old one ----

my $dump = "$folder/new.d";
command_ok([ "$second/bin/pg_dump", '-Fd', '-j', 2, '-f', $dump, '-d', $node->connstr('postgres') ], 'the new pg_dump dumps the old server');
my $roles = "$folder/roles.sql";
command_ok([ "$second/bin/pg_dumpall", '-g', '-f', $roles, '-d', $node->connstr('postgres') ], '... and pg_dumpall its roles');
$node->stop;
my $identifier = identifier_of($node->data_dir);
my $spare = $node->basedir . '/spare';
system_or_bail('cp', '-a', $node->data_dir, $spare);

sub identifier_of
{
	my ($data) = @_;
	my ($line) = grep { /^Database system identifier/ } `pg_controldata '$data'`;
	return $line =~ /(\d+)/ ? $1 : '';
}

# A cluster of the new version, with the settings of the old.
sub new_server
{
	my ($name) = @_;
	my $server = PostgreSQL::Test::Cluster->new($name, install_path => $second);
	# 18 has checksums where nobody says otherwise; pg_upgrade wants both the same.
	$server->init(extra => $new_version =~ /PostgreSQL\) 1[5-7]/ ? [] : ['--no-data-checksums']);
	$server->append_conf('postgresql.conf', <<"CONF");
shared_preload_libraries = 'scheduler'
scheduler.master_key_file = '@{[ $node->basedir ]}/keys/master.key'
scheduler.http_private_hosts = '127.0.0.1:9, 127.0.0.1:$port'
scheduler.poll_interval = 500
timezone = 'UTC'
max_worker_processes = 30
CONF
	return $server;
}

foreach my $way ('copy', 'link')
{
	my $server = new_server("by_$way");
	if ($way eq 'link')
	{
		# What the first upgrade left behind is the old server as it was.
		system_or_bail('rm', '-rf', $node->data_dir);
		system_or_bail('mv', $spare, $node->data_dir);
	}
	my $answered = asked('/echo') + asked('/silent') + asked('/authorized');
	my $sockets = PostgreSQL::Test::Utils::tempdir_short();
	(my $old_bin = `pg_config --bindir`) =~ s/\n//;
	{
		local $ENV{PATH} = "$second/bin:$ENV{PATH}";
		command_ok([ "$second/bin/pg_upgrade", '-b', $old_bin, '-B', "$second/bin", '-d', $node->data_dir, '-D', $server->data_dir, '-s', $sockets, '-p', $node->port, '-P', $server->port,
			($way eq 'link' ? '--link' : ()) ], "pg_upgrade, $way")
			or diag(join "\n", map { slurp_file($_) } glob $server->data_dir . '/pg_upgrade_output.d/*/*.txt');
	}
	is(asked('/echo') + asked('/silent') + asked('/authorized'), $answered, "$way: nothing was sent while it ran");
	$server->start;
	my $n = bless { node => $server, database => 'postgres' }, 'Sched';
	$n->comes_true("$way: a worker comes", "SELECT count(*) FROM scheduler.stat_workers WHERE type = 'worker'", 1, 30);
	my $looked = $n->sql('SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()');
	$n->comes_true("$way: it looks around", "SELECT xact_commit > $looked + 6 FROM pg_stat_database WHERE datname = current_database()", 't');
	$s->compare($server, 'postgres', $way);
	is($n->sql($rights), $had_rights, "$way: owners, grants, policies, members and roles are the same");
	is($n->sql("SELECT extversion = scheduler.version() FROM pg_extension WHERE extname = 'scheduler'"), 't', "$way: script and library fit");
	is($n->sql('SELECT scheduler.armed()'), 'f', "$way: not armed, though the row came along");
	is($n->sql('SELECT system_identifier FROM scheduler.armed_places'), $identifier, "$way: ... which names the old server");
	is(asked('/echo') + asked('/silent') + asked('/authorized'), $answered, "$way: nothing was sent");
	my $says = sub { $n->sql("SELECT status, detail, hint FROM scheduler.doctor() WHERE check_name = '$_[0]'") };
	like($says->('workers'), qr/^fail\|This database was armed on a server with another system identifier\.\|After pg_upgrade, once the old server is gone for good: SELECT scheduler\.arm\(\);/,
		"$way: doctor() says what to do");
	$server->append_conf('postgresql.conf', "scheduler.master_key_file = ''\n");
	$server->reload;
	$n->comes_true("$way: ... and which key to bring, where its path is the default", "SELECT hint LIKE '%copy the folder \"$identifier\" of the old server''s key to \"" . identifier_of($server->data_dir)
		. "\" beside it, then SELECT scheduler.arm();' FROM scheduler.doctor() WHERE check_name = 'workers'", 't');
	$server->append_conf('postgresql.conf', "scheduler.master_key_file = '" . $node->basedir . "/keys/master.key'\n");
	$server->reload;
	$n->comes_true("$way: the key opens the secrets", "SELECT count(*) FROM scheduler.doctor() WHERE check_name IN ('master key', 'secrets') AND status <> 'ok'", 0);
	$n->sql('SELECT scheduler.arm()');
	$n->comes_true("$way: after arm() the work is done", "SELECT count(*) FROM scheduler.live_jobs WHERE NOT (status = 'failed' OR status = 'sleeping' AND run_at > now() + interval '1 hour')", 0, 60)
		or diag($n->sql('SELECT kind, status, ready, run_at, error FROM scheduler.live_jobs'));
	is($n->sql("SELECT string_agg(result::text, E'\n' ORDER BY result::text) FROM scheduler.jobs WHERE kind = 'app.called'"),
		join("\n", (qq({"body": "true", "first": false})) x 3, qq({"body": "true", "first": true})), "$way: calls in flight were found lost and repeated, with the secret");
	is(asked('/silent'), 3, "$way: ... and not by themselves");
	is($n->statuses('app.family'), 'succeeded 2', "$way: the one that slept and the one that waited for it");
	$n->comes_true("$way: the schedule fires", "SELECT count(*) FROM scheduler.schedule_runs r JOIN scheduler.schedules USING (user_id, schedule_id) WHERE name = 'often'", 1, 30);
	my $job = $n->sql("SELECT scheduler.enqueue('app.step', '{\"n\": 3}')", 'ben');
	is($n->sql("SELECT status FROM scheduler.wait_for_job('$job')", 'ben'), 'succeeded', "$way: a user's own kind runs");
	$n->comes_true("$way: changes are numbered on", "SELECT min(change_seq) = $seen + 1 AND count(*) = max(change_seq) - $seen FROM scheduler.changes WHERE change_seq > $seen", 't');
	is($n->sql('SELECT scheduler.keep_house(100000)'), 't', "$way: upkeep");
	$n->comes_true("$way: doctor() is content", "SELECT string_agg(check_name, ',') FROM scheduler.doctor() WHERE status = 'fail'", '');
	$server->stop;
}

# ---- the dump of the new version's tools, in a fresh cluster of its own ----

my $fresh = new_server('fresh');
$fresh->start;
my $text = slurp_file($roles);
$text =~ s/^CREATE ROLE (?!anna|ben|scheduler_).*\n//mg;
open my $file, '>', $roles or die $!;
print $file $text;
close $file;
$fresh->command_ok([ "$second/bin/psql", '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $fresh->connstr('postgres'), '-f', $roles ], 'roles of the old server');
foreach my $jobs (1, 3)
{
	$fresh->safe_psql('postgres', "CREATE DATABASE restored_$jobs TEMPLATE template0");
	local $ENV{PGOPTIONS} = $jobs > 1 ? '-c session_replication_role=replica' : '';
	$fresh->command_ok([ "$second/bin/pg_restore", '--exit-on-error', '-j', $jobs, '-d', $fresh->connstr("restored_$jobs"), $dump ], "the new pg_restore -j $jobs");
}
$s->compare($fresh, "restored_$_", "restored, -j $_") foreach 1, 3;
$fresh->stop;
done_testing();
