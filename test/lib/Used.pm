package Used;

# A server that has been in use for eleven weeks, whose worker made and dropped partitions as they came and went, with rows in
# every table; and whether another server holds the same. For the tests of dumps and of pg_upgrade.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Sched;
use Test::More;

our @ISA = ('Sched');
my @partitioned = qw(agent_context audit_log changes finished_jobs llm_calls);

# What runs in here believes that it is so many days ago, from its start on.
sub days_ago
{
	my ($days, $what) = @_;
	local $ENV{FAKETIME} = (-86400 * $days) . 's';
	local $ENV{FAKETIME_DONT_FAKE_MONOTONIC} = 1;
	local $ENV{LD_PRELOAD} = join ' ', "$ENV{STAGE}/plain_select.so", glob '/usr/lib/*/faketime/libfaketime.so.1';
	$what->();
}

# A server with the extension and three users, made and used day by day since then; $conf adds to its configuration.
sub start
{
	my ($class, $name, $conf) = @_;
	my $s;
	my %seen;
	days_ago(75, sub {
		$s = $class->SUPER::start($name, bare => 1, conf => "scheduler.http_private_hosts = '127.0.0.1:9'\nscheduler.poll_interval = 500\n" . ($conf // ''));
		$s->sql("CREATE ROLE $_ LOGIN") foreach qw(anna ben);
		$s->sql('CREATE EXTENSION scheduler CASCADE');
		# The role that restores is a user itself, as setup() makes it.
		$s->sql("SELECT scheduler.setup('me\@example.org', timezone => 'Europe/Berlin')");
		$s->sql("SELECT scheduler.set_retention('completed_jobs', '7 days')");
		$s->sql(q{
			CREATE SCHEMA app;
			CREATE FUNCTION app.kept(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE sql AS $$ SELECT scheduler.step_done() $$;
			GRANT USAGE ON SCHEMA app TO scheduler_owner;
			SELECT scheduler.register_job_kind('app.kept', 'app.kept', shared => true, retention => '50 days')});
		$s->node->stop});
	foreach my $days (75, 55, 35, 20, 5)
	{
		days_ago($days, sub { $s->node->start; $s->work_a_day; $seen{$_} = 1 foreach split /\n/, $s->sql("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'"); $s->node->stop });
	}
	$s->node->start;
	$s->keep_house;
	$s->{dropped} = [ grep { $s->sql("SELECT to_regclass('scheduler.$_') IS NULL") eq 't' } sort keys %seen ];
	$s->check_weeks;
	return $s;
}

# As the worker does every hour; its own round may be under way.
sub keep_house
{
	my ($s) = @_;
	$s->poll('SELECT scheduler.keep_house(100000)', 't') or die;
}

sub work_a_day
{
	my ($s) = @_;
	$s->sql("SELECT scheduler.enqueue_many('app.kept', array_fill('{}'::jsonb, ARRAY[4])); SELECT scheduler.record_change('test.week', NULL) FROM generate_series(1, 4);"
		  . " INSERT INTO scheduler.llm_calls (model_id, model, purpose, outcome, cost) SELECT 'far', 'far-1', 'extract', 'ok', 0.5 FROM generate_series(1, 4);"
		  . " INSERT INTO scheduler.agent_context (agent_name, context_type) SELECT 'agent', 'debug' FROM generate_series(1, 4);"
		  . " SELECT scheduler.record_audit('test.week') FROM generate_series(1, 4)");
	$s->poll('SELECT (SELECT count(*) FROM scheduler.live_jobs) + (SELECT count(*) FROM scheduler.new_changes)', 0) or die;
	$s->keep_house;
}

# That the weeks have left what they should.
sub check_weeks
{
	my ($s) = @_;
	foreach my $parent (@partitioned)
	{
		cmp_ok($s->sql("SELECT count(DISTINCT tableoid) FROM scheduler.$parent"), '>=', $parent eq 'changes' ? 1 : 2, "$parent has rows in its partitions");
		cmp_ok($s->sql("SELECT count(*) FROM pg_inherits WHERE inhparent = 'scheduler.$parent'::regclass"), '>=', 4, '... and one for each month to come');
	}
	cmp_ok($s->sql("SELECT count(*) FROM scheduler.${_}_default"), '>', 0, "the default partition of $_ has its first month") foreach qw(agent_context llm_calls);
	cmp_ok(scalar(@{ $s->{dropped} }), '>=', 1, "retention has dropped partitions of months: @{ $s->{dropped} }");
	is($s->sql("SELECT count(*) FROM scheduler.changes WHERE at < now() - interval '8 days'"), 0, 'and rows');
}

# Rows in every table, by two users and a third who writes handlers; $folder serves as a mailbox.
sub fill
{
	my ($s, $folder) = @_;
	mkdir "$folder/$_" or die $! foreach qw(box box/tmp box/new box/cur);
	$s->sql(q{
		SELECT scheduler.create_user('anna@example.org', 'Anna', 'Asia/Tokyo', role_name => 'anna');
		SELECT scheduler.create_user('ben@example.org', 'Ben', 'America/New_York', password => 'a long password', role_name => 'ben');
		GRANT scheduler_developer, pg_read_server_files TO ben;
		ALTER SCHEMA app OWNER TO ben;
		GRANT CREATE ON DATABASE postgres TO ben});
	foreach my $role ('postgres', 'anna')
	{
		$s->sql(q{
			SELECT scheduler.set_availability(6, '10:00', '12:00');
			SELECT scheduler.set_day(current_date + 3, '10:00', '15:00', 'work');
			SELECT scheduler.set_preference('buffer_minutes', '10');
			SELECT scheduler.protect_time('nap', now() + interval '1 day', now() + interval '25 hours');
			SELECT scheduler.add_event('Holiday', now() + interval '2 days', now() + interval '3 days', is_external => true, is_all_day => true);
			SELECT scheduler.add_task('write report', 120, now() + interval '8 days', depends_on => ARRAY[scheduler.add_task('collect figures', 60)]);
			SELECT scheduler.complete_task(scheduler.add_task('done already'));
			SELECT scheduler.cancel_task(scheduler.add_task('not any more'));
			SELECT scheduler.hold_slot(date_trunc('hour', now()) + interval '20 days', date_trunc('hour', now()) + interval '20 days 1 hour', '1 hour');
			SELECT scheduler.plan();
			SELECT scheduler.pin_task(task_id) FROM scheduler.tasks WHERE description = 'collect figures';
			SELECT scheduler.add_event('Trip', start_datetime, end_datetime, is_external => true) FROM scheduler.calendar_events
				WHERE task_id = (SELECT task_id FROM scheduler.tasks WHERE description = 'collect figures');
			SELECT scheduler.give_consent('analytics');
			SELECT scheduler.recap();
			SELECT scheduler.save_schedule('nightly', 'noop', every => '1 day', starts_at => now() - interval '1 minute');
			SELECT scheduler.set_secret('key', 'value-of-the-secret', ARRAY['127.0.0.1:9']);
			INSERT INTO scheduler.secret_input (name, hosts, value) VALUES ('No Name', '127.0.0.1:9', 'value-of-the-secret');
			SELECT scheduler.add_model('far', 'openai', 'far-1', 'key', 'https://127.0.0.1:9/v1', 1, 2)}, $role);
		foreach my $i (1 .. 5)
		{
			$s->sql("SELECT scheduler.ingest_email(convert_to(E'From: Max <max\@example.com>\\nDate: ' || to_char(now(), 'Dy, DD Mon YYYY HH24:MI:SS +0000')"
				  . " || E'\\nSubject: no $i\\nMessage-ID: <$role$i\@example.com>\\n\\nPlease send me the invoice number $i by tomorrow 15:00.\\n', 'UTF8'))", $role);
		}
	}
	$s->sql("SELECT scheduler.add_account('maildir', 'ben\@example.org', settings => '{\"path\": \"$folder/box\"}', poll_interval => '7 days')", 'ben');
	$s->sql(q{SELECT scheduler.add_issuer('https://login.example', 'app', 'ES256', jwks => '{"kty": "EC", "crv": "P-256",
			"x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}');
		SELECT scheduler.link_identity('https://login.example', 's1', u.user_id) FROM scheduler.users u WHERE u.email = 'anna@example.org';
		SELECT scheduler.set_api_limit('add_task', 60)});
	$s->sql("SELECT scheduler.set_secret('house', 'value-of-the-secret', ARRAY['127.0.0.1:9'], scheduler.system_user_id());"
		  . " SELECT scheduler.add_model('house', 'openai', 'h', 'house', 'https://127.0.0.1:9/v1', user_id => scheduler.system_user_id());"
		  . " SELECT scheduler.set_model('assist', 'house', scheduler.system_user_id())");
	$s->sql(q{SELECT scheduler.set_secret('google', 'value-of-the-secret', ARRAY['oauth2.googleapis.com'], scheduler.system_user_id());
		SELECT scheduler.set_oauth_client('google', 'client', 'google', 'https://app.example/rpc/oauth_callback');
		SELECT scheduler.set_rate_limit('host', 'api.example.org', 5, 10), scheduler.set_rate_limit('user', '*', 100)});
	$s->sql("SELECT scheduler.oauth_start('google')", 'anna');
	$s->sql(q{
		CREATE FUNCTION app.step(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE sql
			AS $$ SELECT CASE WHEN job.payload ? 'fail' THEN scheduler.step_fail('as asked') WHEN job.payload ? 'later' THEN scheduler.step_sleep(now() + interval '1 day')
				ELSE scheduler.step_done(job.payload) END $$;
		SELECT scheduler.register_job_kind('app.step', 'app.step', announce => true);
		SELECT scheduler.enqueue('app.step', p) FROM unnest('{"{\"fail\": 1}","{\"later\": 1}","{\"n\": 1}"}'::jsonb[]) AS p;
		SELECT scheduler.cancel_job(scheduler.enqueue('noop', run_at => now() + interval '1 day'))}, 'ben');
	# One that is called with an address where nobody listens: rows of llm_calls and connection_tests.
	$s->sql("SELECT scheduler.test_connection('model:far')", 'anna');
	$s->comes_true('the jobs end', "SELECT count(*) FROM scheduler.live_jobs WHERE status NOT IN ('failed', 'sleeping')", 0, 60)
		or diag($s->sql('SELECT kind, status, attempts, error FROM scheduler.live_jobs'));
	$s->comes_true('every change has its number', 'SELECT count(*) FROM scheduler.new_changes', 0);
	$s->sql(q{
		INSERT INTO scheduler.llm_calls (user_id, model_id, model, purpose, outcome, cost)
			SELECT user_id, 'far', 'far-1', 'extract', 'ok', 0.001 FROM scheduler.users;
		SELECT scheduler.invite_user('carl@example.org');
		INSERT INTO scheduler.known_addresses (user_id, address_hash) SELECT user_id, 'a hash' FROM scheduler.users WHERE role_name = 'ben';
		INSERT INTO scheduler.secret_endpoints (user_id, name, endpoint) VALUES (scheduler.system_user_id(), 'house', '127.0.0.1:9/v2') ON CONFLICT DO NOTHING;
		SELECT scheduler.make_partitions()});
}

# Keeps what every table and partition holds now, for compare(); the names of those that are empty.
sub photograph
{
	my ($s) = @_;
	my @tables = split /\n/, $s->sql(q{SELECT relname FROM pg_class WHERE relnamespace = 'scheduler'::regnamespace AND relkind IN ('r', 'p')
		AND NOT relispartition AND relname NOT IN ('armed_places', 'password_resets', 'reset_requests', 'sign_in_sessions') ORDER BY relname});
	$s->{rows} = { map { $_ => fingerprint($s->node, $s->{database}, $_) } @tables };
	$s->{partitions} = partitions($s->node, $s->{database});
	return grep { $s->{rows}{$_} =~ /^0\|/ && $_ ne 'new_changes' } @tables;
}

# The system user comes with the extension.
sub fingerprint
{
	my ($server, $database, $table) = @_;
	return $server->safe_psql($database, "SET timezone = 'UTC'; SELECT count(*), md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')) FROM scheduler.$table AS t"
		  . ($table eq 'users' ? ' WHERE user_id <> scheduler.system_user_id()' : ''));
}

# Each partition with its guards, owner, bounds, grants (17 has MAINTAIN besides), and how many rows lie in it.
sub partitions
{
	my ($server, $database) = @_;
	my $counts = join ' UNION ALL ', map { "SELECT tableoid, count(*) FROM scheduler.$_ GROUP BY 1" } @partitioned;
	return $server->safe_psql($database, qq{SET timezone = 'UTC';
		SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, pg_get_userbyid(c.relowner), pg_get_expr(c.relpartbound, c.oid),
			(SELECT string_agg(replace(a::text, 'Dxtm/', 'Dxt/'), ',' ORDER BY a::text) FROM unnest(c.relacl) AS a), n.count
		FROM pg_class c LEFT JOIN ($counts) AS n ON n.tableoid = c.oid
		WHERE c.relispartition AND c.relkind = 'r' AND c.relnamespace = 'scheduler'::regnamespace ORDER BY 1});
}

# Whether a database holds what was photographed.
sub compare
{
	my ($s, $server, $database, $where) = @_;
	my @tables = sort keys %{ $s->{rows} };
	my @different = grep { fingerprint($server, $database, $_) ne $s->{rows}{$_} } @tables;
	is("@different", '', "$where: equal rows in all " . @tables . ' tables')
		or diag(join "\n", map { "$_: " . fingerprint($server, $database, $_) . " for $s->{rows}{$_}" } @different);
	is(partitions($server, $database), $s->{partitions}, "$where: the same partitions, owned, granted, guarded and filled as before");
}

1;
