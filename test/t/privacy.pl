# What a person may ask for. Consent: nothing of a user goes to a model outside without it, and what is on its way when he
# withdraws does not arrive. Export: every row of his in every table of the catalog, mails opened, secrets never, in flat memory.
# Erasure: while workers and runners act for him; afterwards no table holds his id or a word of his, others have all of theirs.
use strict;
use warnings;
use JSON::PP;
use MIME::Base64;
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);

my $folder = PostgreSQL::Test::Utils::tempdir();
my $model = open(my $pipe, '-|', 'python3', "$ENV{TREE}/test/services/slow_model.py", $folder) or die $!;
END
{
	my $status = $?;
	kill 'TERM', $model if $model;
	close $pipe if $pipe;
	$? = $status;
}
chomp(my $port = <$pipe>);

my $s = Sched->start('privacy', conf => "scheduler.poll_interval = 500\nscheduler.http_allow_private_networks = on\nscheduler.runners = 2\n");
my $node = $s->node;
my $mark = 'canary9x';
sub requests { return scalar grep { /\/\d+$/ } glob "$folder/*"; }
sub as_role { my ($role, $sql) = @_; return $s->sql($sql, $role); }
sub wait_for { my ($what, $n) = @_; my $until = time + 20; sleep 0.05 while $what->() < $n && time < $until; return $what->(); }

$s->sql(q{SELECT scheduler.create_master_key();
	CREATE ROLE a LOGIN; CREATE ROLE b LOGIN; CREATE ROLE c LOGIN; CREATE ROLE boss LOGIN; GRANT scheduler_admin TO boss;
	SELECT scheduler.create_user(r || '@example.org', r, role_name => r) FROM unnest(ARRAY['a', 'b', 'c']) AS r});
my %id = map { $_ => $s->sql("SELECT user_id FROM scheduler.users WHERE role_name = '$_'") } qw(a b c);

# ---- consent ----

sub mail
{
	my ($role, $n) = @_;
	my $word = $role eq 'c' ? 'flowers' : $mark;
	return as_role($role, "SELECT scheduler.ingest_email(convert_to(E'From: x\@example.org\\nSubject: $word $n\\nMessage-ID: <$word.$role.$n\@example.org>\\n\\nPlease send $word by Friday.\\n', 'UTF8'))");
}
my $outside = "http://127.0.0.1:$port/v1";
$s->sql("SELECT scheduler.add_model('outside', 'openai', 'm', base_url => '$outside'); SELECT scheduler.set_model('extract', 'outside', scheduler.system_user_id()); SELECT scheduler.set_model('assist', 'outside', scheduler.system_user_id())");
is(as_role('a', "SELECT scheduler.model_for('extract')"), 'outside', 'the installation has chosen a model outside');
mail('a', 0);
$s->comes_true('without his consent a mail is read by the built-in rules', "SELECT count(*) FROM scheduler.email_tracking WHERE processed AND task_id IS NOT NULL", 1);
like($s->failure("SELECT scheduler.chat('hello')", 'a'), qr/no consent to models outside.*give_consent/s, '... and a question is not asked');
is(requests(), 0, '... nothing has left');
is($s->sql("SELECT count(*) FROM scheduler.agent_context WHERE context_type = 'input'"), 0, '... nor was it tried');
as_role('a', "SELECT scheduler.give_consent('remote_model')");
$s->sql("ALTER SYSTEM SET scheduler.max_in_flight = 2; SELECT pg_reload_conf()");
mail('a', $_) foreach 1 .. 5;
my $chat = as_role('a', "SELECT scheduler.chat('hello $mark')");
cmp_ok(my $sent = wait_for(\&requests, 1), '>', 0, 'with it mails go');
like(slurp_file("$folder/1"), qr/$mark/, '... as they are');
is(as_role('a', "SELECT scheduler.withdraw_consent('remote_model')"), 't', 'consent is withdrawn');
$sent = requests();
cmp_ok($sent, '<', 6, '... while others wait for their turn');
$s->comes_true('what was on its way is done by the built-in rules', 'SELECT count(*) FROM scheduler.email_tracking WHERE processed', 6);
$s->comes_true('... a question fails', "SELECT status || ' ' || error FROM scheduler.jobs WHERE job_id = '$chat'", 'failed no consent to models outside');
PostgreSQL::Test::Utils::append_to_file("$folder/answer", '');
sleep 1;
is(requests(), $sent, "... what waited has not left: $sent of 6 have");
is($s->sql('SELECT count(*) FROM scheduler.llm_calls'), 0, '... and late answers are dropped');
as_role('b', "SELECT scheduler.add_model('own', 'openai', 'm', base_url => '$outside'); SELECT scheduler.set_model('extract', 'own')");
is(as_role('b', "SELECT purpose FROM scheduler.consents WHERE withdrawn_at IS NULL"), 'remote_model', 'who chooses a model outside for himself has agreed');
is($s->sql("SELECT string_agg(action, ' ' ORDER BY audit_id) FROM scheduler.audit_log WHERE action LIKE 'consent%'"), 'consent.given consent.withdrawn consent.given', 'all of it is on record');
$s->sql("ALTER SYSTEM SET scheduler.http_private_hosts = '127.0.0.1:$port'; SELECT pg_reload_conf()");
$s->comes_true('a model of the house needs no consent', "SELECT scheduler.is_local_model('$outside')", 't');
mail('c', 1);
is(wait_for(\&requests, $sent + 1), $sent + 1, '... a mail goes there');
$s->comes_true('... and is read', 'SELECT count(*) FROM scheduler.email_tracking WHERE NOT processed', 0);

# ---- somebody with a row in every table ----

$s->sql('GRANT scheduler_developer TO a, b');
my $fill = qq{
	SELECT scheduler.add_task('$mark one'), scheduler.add_task('$mark two');
	SELECT scheduler.add_event('$mark event', now() + interval '30 days', now() + interval '30 days 1 hour');
	SELECT scheduler.hold_slot(now() + interval '40 days', now() + interval '40 days 1 hour', '1 day');
	SELECT scheduler.protect_time('$mark lunch', now() + interval '50 days', now() + interval '50 days 1 hour');
	SELECT scheduler.set_day(current_date + 60);
	SELECT scheduler.set_secret('$mark', 'not-a-real-$mark-value', ARRAY['example.org']);
	SELECT scheduler.add_model('$mark', 'openai', '$mark', '$mark', 'https://example.org/v1');
	SELECT scheduler.set_model('assist', '$mark');
	SELECT scheduler.save_schedule('$mark', 'noop', jsonb_build_object('m', '$mark'), every => '1 second');
	SELECT scheduler.enqueue('noop', jsonb_build_object('m', '$mark'), run_at => now() + interval '1 day', unique_key => '$mark');
	INSERT INTO scheduler.secret_input (name, hosts, value) VALUES ('No Name', 'example.org', 'not-a-real-$mark-value');
	SELECT scheduler.oauth_start('google');
	SELECT scheduler.recap()};
$s->sql(q{SELECT scheduler.set_secret('google', 'not-a-real-value', ARRAY['oauth2.googleapis.com'], scheduler.system_user_id());
	SELECT scheduler.set_oauth_client('google', 'client', 'google', 'https://app.example/rpc/oauth_callback')});
foreach my $role (qw(a b))
{
	mail($role, 9);
	as_role($role, $fill);
}
$s->comes_true('schedules have run', "SELECT count(DISTINCT user_id) FROM scheduler.schedule_runs", 2);
as_role($_, "SELECT scheduler.save_schedule('$mark', 'noop', jsonb_build_object('m', '$mark'), every => '1 year', enabled => false)") foreach qw(a b);
foreach my $role (qw(a b))
{
	my $u = $id{$role};
	$s->sql(qq{
		INSERT INTO scheduler.live_jobs (user_id, kind, payload, status, max_attempts, error, finished_at, ready, runner)
			VALUES ('$u', 'noop', '{"m": "$mark"}', 'dead', 1, '$mark', now(), false, false);
		INSERT INTO scheduler.accounts (user_id, provider, address, settings) VALUES ('$u', 'maildir', '$mark', '{"path": "/$mark"}');
		INSERT INTO scheduler.connection_tests (user_id, what, ok, error) VALUES ('$u', 'model:$mark', false, '$mark');
		INSERT INTO scheduler.llm_calls (user_id, model_id, model, purpose, outcome) VALUES ('$u', '$mark', '$mark', 'assist', 'ok');
		INSERT INTO scheduler.sign_in_sessions (user_id, family_hash, token_hash, address, agent, expires_at)
			VALUES ('$u', '$mark', '$mark', '192.0.2.1', '$mark', now() + interval '1 day');
		INSERT INTO scheduler.known_addresses (user_id, address_hash) VALUES ('$u', '$mark');
		INSERT INTO scheduler.invitations (user_id, email, token_hash, expires_at)
			VALUES ('$u', '$mark\@example.org', '$mark', now() + interval '1 day');
		INSERT INTO scheduler.password_resets (user_id, token_hash, expires_at) VALUES ('$u', '$mark', now() + interval '1 day');
		INSERT INTO scheduler.external_identities (user_id, issuer, subject) VALUES ('$u', 'https://login.example', '$mark.$role');
		/* Where others' rows, and the installation's, name him. */
		INSERT INTO scheduler.invitations (user_id, email, token_hash, expires_at, used_at)
			VALUES ('$id{c}', upper('$role') || '\@example.org', 'x', now() + interval '1 day', now());
		SELECT scheduler.request_password_reset('$role\@example.org');
		SELECT scheduler.set_rate_limit('user', '$u', 5), scheduler.set_rate_limit('account', account_id::text, 5) FROM scheduler.accounts WHERE user_id = '$u';
		INSERT INTO scheduler.task_dependencies (user_id, task_id, depends_on_id)
			SELECT '$u', min(task_id::text)::uuid, max(task_id::text)::uuid FROM scheduler.tasks WHERE user_id = '$u';
		INSERT INTO scheduler.scheduling_conflicts (user_id, conflict_type, task_id, detail)
			SELECT user_id, 'deadline_impossible', task_id, '$mark' FROM scheduler.tasks WHERE user_id = '$u' LIMIT 1});
}
$s->sql(qq{CREATE FUNCTION public.rows_of(owner uuid) RETURNS TABLE (t text, n bigint, h text) LANGUAGE plpgsql AS \$\$ BEGIN
	FOR t IN SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'user_id'
		WHERE c.relnamespace = 'scheduler'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1 LOOP
		EXECUTE format('SELECT count(*), md5(string_agg(x::text, E''\\n'' ORDER BY x::text)) FROM scheduler.%I x WHERE user_id = \$1', t) INTO n, h USING owner;
		RETURN NEXT;
	END LOOP; END \$\$;
	/* Every place of the catalog where a text stands. */
	CREATE FUNCTION public.places_of(word text) RETURNS text LANGUAGE plpgsql AS \$\$ DECLARE t regclass; found boolean; places text := ''; BEGIN
	FOR t IN SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'scheduler'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition LOOP
		EXECUTE format('SELECT EXISTS (SELECT FROM %s x WHERE x::text ILIKE ''%%'' || \$1 || ''%%'')', t) INTO found USING word;
		IF found THEN places := places || ' ' || t; END IF;
	END LOOP; RETURN places; END \$\$});
sub rows_of { my ($u) = @_; my %n = map { split /\|/, $_ } split /\n/, $s->sql("SELECT t, n FROM public.rows_of('$u')"); return %n; }
$s->comes_true('all is done', "SELECT (SELECT count(*) FROM scheduler.new_changes) + (SELECT count(*) FROM scheduler.live_jobs WHERE run_at < now() AND status NOT IN ('dead', 'failed'))", 0);
my %rows = rows_of($id{b});
my @empty = grep { $rows{$_} == 0 } sort keys %rows;
is("@empty", 'new_changes reset_requests secret_endpoints', 'B has rows in every table but those of the installation and of what is on its way');

# ---- export ----

my %left_out;
foreach (split /\n/, $s->sql("SELECT table_name, coalesce(column_name, ''), reason FROM scheduler.unexported()"))
{
	my ($table, $column, $reason) = split /\|/, $_;
	$left_out{$table}{$column} = 1;
	ok($reason, "$table $column is left out for a reason");
}
my %exported;
foreach (split /\n/, as_role('b', 'SELECT table_name, content FROM scheduler.export_user_data()'))
{
	my ($table, $content) = split /\|/, $_, 2;
	push @{ $exported{$table} }, decode_json($content);
}
%rows = rows_of($id{b});
# Besides his own deeds, what others did to him, without whose deed it was.
my @deeds = @{ $exported{audit_log} };
$exported{audit_log} = [ grep { exists $_->{user_id} } @deeds ];
is(scalar(grep { !exists $_->{user_id} } @deeds), $s->sql("SELECT count(*) FROM scheduler.audit_log WHERE subject_user_id = '$id{b}' AND user_id <> '$id{b}'"),
	"exported: what others did to him (" . (@deeds - @{ $exported{audit_log} }) . ')');
foreach my $table (sort keys %rows)
{
	next if $left_out{$table}{''};
	is(scalar(@{ $exported{$table} // [] }), $rows{$table}, "exported: $table, all its rows");
	next if !$rows{$table};
	my $columns = join ' ', sort grep { !$left_out{$table}{$_} } split /\n/,
	  $s->sql("SELECT attname FROM pg_attribute WHERE attrelid = 'scheduler.$table'::regclass AND attnum > 0 AND NOT attisdropped");
	is(join(' ', sort keys %{ $exported{$table}[0] }), $columns, '... and columns');
}
my $everything = encode_json([ \%exported, \@deeds ]);
unlike($everything, qr/not-a-real|password_hash|"sealed"/, 'no secret, no hash');
unlike($everything, qr/$id{a}|$id{c}/, 'nobody else');
like(decode_base64($exported{email_bodies}[0]{raw}), qr/^From: x.*Please send $mark/s, 'a mail is as it came');
like($s->failure("SELECT * FROM scheduler.export_user_data('$id{b}')", 'a'), qr/only an admin does this for others/, 'not by another user');
cmp_ok(as_role('boss', "SELECT count(*) FROM scheduler.export_user_data('$id{b}')"), '>', 50, 'an admin may');
is($s->sql("SELECT string_agg(actor_role, ' ' ORDER BY audit_id) FROM scheduler.audit_log WHERE action = 'user.exported' AND subject_user_id = '$id{b}'"), 'b boss', '... and both are on record');

# 300 MB of mail.
$s->sql("INSERT INTO scheduler.email_bodies (user_id, email_id, raw, body_text) SELECT '$id{c}', scheduler.uuid7(), convert_to(repeat(md5(n::text), 327680), 'UTF8'), '' FROM generate_series(1, 30) AS n");
{
	my $session = $s->session('c');
	my $pid = $session->sql('SELECT pg_backend_pid()');
	my $anonymous = sub { slurp_file("/proc/$pid/status") =~ /^RssAnon:\s+(\d+)/m ? $1 / 1024 : 0 };
	my ($peak, $until) = (0, time + 100);
	$session->send("SELECT count(*), sum(length(content ->> 'raw')) > 400000000 FROM scheduler.export_user_data() WHERE table_name = 'email_bodies'");
	while ($session->{out} !~ /^done 2$/m && time < $until)
	{
		my $now = $anonymous->();
		$peak = $now if $now > $peak;
		$session->{run}->pump_nb;
		sleep 0.02;
	}
	is($session->answer, '31|t', '300 MB of mail are exported');
	cmp_ok($peak, '<', 150, '... in ' . int($peak) . ' MB of memory');
	$session->close;
	$s->sql("DELETE FROM scheduler.email_bodies WHERE user_id = '$id{c}' AND body_text = ''");
}

# ---- erasure ----

# While a runner and the worker act for B, again and again.
unlink "$folder/answer";
$s->sql(q{CREATE SCHEMA app; GRANT CREATE, USAGE ON SCHEMA app TO a, b});
as_role('b', q{CREATE FUNCTION app.dawdle(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN scheduler.step_done(); END $$;
	CREATE FUNCTION app.again(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS $$ BEGIN PERFORM scheduler.add_task('canary9x again'); RETURN scheduler.step_sleep(now(), '{}'); END $$;
	SELECT scheduler.register_job_kind('app.dawdle', 'app.dawdle', timeout => '2 minutes');
	SELECT scheduler.register_job_kind('app.again', 'app.again');
	SELECT scheduler.enqueue('app.dawdle'), scheduler.enqueue('app.again')});
mail('b', $_) foreach 20 .. 30;
as_role('b', "SELECT scheduler.enqueue_many('noop', array_fill('{\"m\": \"$mark\"}'::jsonb, ARRAY[3000]))");
wait_for(\&requests, $sent + 3);
$s->comes_true('a runner dawdles for him', "SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'app.dawdle' AND status = 'running'", 1);
my $accounts = $s->sql("SELECT string_agg(account_id::text, '|') FROM scheduler.accounts WHERE user_id = '$id{b}'");
$s->sql('SELECT scheduler.seal_rows(NULL, true)');
my $mine = $s->sql("SELECT string_agg(t || h, ',' ORDER BY t) FROM public.rows_of('$id{a}') WHERE t NOT IN ('changes', 'new_changes')");
ok(glob($node->basedir . '/keys/users/*'), 'there are key files');
my $mark_log = $s->mark;
like($s->failure("SELECT * FROM scheduler.erase_user('$id{b}')", 'a'), qr/only an admin does this for others/, 'not by another user');
like($s->failure('SELECT * FROM scheduler.erase_user(NULL)', 'a'), qr/needs the user/, 'nor by mistake');
like($s->failure('SELECT * FROM scheduler.erase_user(scheduler.system_user_id())', 'boss'), qr/needs the user/, 'nor the system user');

# A violent end in its middle leaves all as it was; said again, it is done.
{
	my $session = $s->session('boss');
	my $pid = $session->sql('SELECT pg_backend_pid()');
	$session->sql('BEGIN');
	$session->sql("SELECT count(*) FROM scheduler.erase_user('$id{b}')");
	kill 'KILL', $pid;
	my $until = time + 30;
	sleep 0.1 while time < $until && !(($node->psql('postgres', 'SELECT 1'))[0] == 0);
	my %after = rows_of($id{b});
	cmp_ok($after{tasks}, '>=', 2, 'after a crash nothing is half done');
}
my $erased = as_role('boss', "SELECT table_name, rows FROM scheduler.erase_user('$id{b}')");
like($erased, qr/^email_bodies\|\d+$/m, 'it says what went');
like($erased, qr/^users\|1$/m, '... the person himself');
is($s->sql("SELECT public.places_of('$id{b}')"), '', 'no table holds his id');
sleep 1;
is($s->sql("SELECT public.places_of('$id{b}')"), '', '... for good');
is($s->sql("SELECT string_agg(t, ' ') FROM public.rows_of('$id{b}') WHERE n > 0") // '', '', '... under his key');
is($s->sql("SELECT public.places_of('b\@example.org')"), '', '... nor his address');
is($s->sql("SELECT count(*) FROM scheduler.rate_limits WHERE subject ~ '$id{b}|$accounts'"), 0, '... nor a limit of his');
is($s->sql("SELECT count(*) FROM scheduler.rate_limits"), 2, '... others keep theirs');
is($s->sql("SELECT string_agg(t || h, ',' ORDER BY t) FROM public.rows_of('$id{a}') WHERE t NOT IN ('changes', 'new_changes')"), $mine, 'others have all of theirs');
is(as_role('a', "SELECT count(*) FROM scheduler.email_bodies b WHERE scheduler.email_text(b.email_id) IS NULL"), 0, '... and can read it');
is(scalar(grep { index(slurp_file($_), $id{b}) >= 0 || index($_, $id{b}) >= 0 } glob $node->basedir . '/keys/users/*'), 0, 'his keys are destroyed');
is($s->sql("SELECT pg_has_role('b', 'scheduler_user', 'USAGE') AND NOT pg_has_role('b', 'scheduler_developer', 'MEMBER')"), 'f', 'his role is let in no more');
like($s->failure('SELECT scheduler.me()', 'b'), qr/no current user|permission denied/, '... and is nobody');
is(scalar($s->logged(qr/deadlock detected/, $mark_log)), 0, 'no deadlock');
is($s->sql("SELECT owner_id = scheduler.system_user_id() FROM scheduler.job_kinds WHERE kind = 'app.dawdle'"), 't', 'his kinds belong to nobody');
is(as_role('boss', "SELECT count(*) FROM scheduler.erase_user('$id{b}')"), 0, 'a second time there is nothing left');
is($s->sql("SELECT count(*), max(details ->> 'person') = encode(sha256(uuid_send('$id{b}')), 'hex') FROM scheduler.audit_log WHERE action = 'user.erased'"), '1|t', 'the erasure is on record, with a digest of his id');
$s->comes_true('all is sealed', 'SELECT count(*) FROM scheduler.audit_log WHERE audit_seq IS NULL', 0);
is($s->sql('SELECT string_agg(problem, E\'\n\') FROM scheduler.verify_audit_log()'), '', 'the audit log misses nothing: digests stayed');
like($s->sql("BEGIN; SET LOCAL session_replication_role = replica; DELETE FROM scheduler.audit_log WHERE action = 'user.erased'; SELECT string_agg(problem, ' ') FROM scheduler.verify_audit_log(); ROLLBACK"), qr/row \d+ was removed/, '... thanks to that record');

# By himself.
like(as_role('a', "SELECT string_agg(table_name, ' ') FROM scheduler.erase_user('$id{a}')"), qr/email_bodies.*tasks.*users/, 'a person erases himself');
is($s->sql("SELECT public.places_of('$id{a}') || public.places_of('$mark')"), '', '... and nothing of him is left, not a word');
is($s->sql("SELECT user_id = scheduler.system_user_id(), actor_role, address IS NULL FROM scheduler.audit_log WHERE action = 'user.erased' ORDER BY audit_id DESC LIMIT 1"), 't|the person himself|t', '... not in the record of it either');
$s->comes_true('all is sealed', 'SELECT count(*) FROM scheduler.audit_log WHERE audit_seq IS NULL', 0);
is($s->sql('SELECT string_agg(problem, E\'\n\') FROM scheduler.verify_audit_log()'), '', 'the audit log misses nothing');
is($s->sql("SELECT count(*) FROM scheduler.email_bodies WHERE user_id = '$id{c}'"), 1, 'a third one has all of his');

$node->stop;
done_testing();
