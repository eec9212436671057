# Signing up and in as strangers do, from addresses that a trusted proxy names: limits that slow the guesser and not his
# victim, the same work for who is not there, tokens that race and are stolen, resets, an account that is shut in the
# middle of its jobs, and everything stopped at once and started again.
use strict;
use warnings;
use JSON::PP;
use PostgreSQL::Test::Utils;
use PostgREST;
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);

my $s = Sched->start('signin', conf => "scheduler.poll_interval = 500\nscheduler.trusted_proxies = 'local, 10.0.0.0/8'\n"
	  . "scheduler.http_allow_private_networks = on\nmax_connections = 60\n");
my $node = $s->node;
my $secret = 'correct horse';
$s->sql(q{SELECT scheduler.create_master_key(), scheduler.create_jwt_keys();
	CREATE ROLE web LOGIN NOINHERIT; GRANT scheduler_anon, scheduler_user, scheduler_admin TO web;
	CREATE ROLE root LOGIN; GRANT scheduler_admin TO root});

# What a web server in between would send, in a session of its own or one that stays.
sub wrapped
{
	my ($address, $call) = @_;
	my $headers = defined $address ? encode_json({ 'x-forwarded-for' => $address, 'user-agent' => 'test' }) : '{}';
	return "BEGIN; SET LOCAL ROLE scheduler_anon; SELECT set_config('request.method', 'POST', true), set_config('request.headers', '$headers', true) \\g /dev/null\n"
	  . "SELECT scheduler.$call; SELECT current_setting('response.status', true); COMMIT";
}

# The answer as a hash, with its status.
sub understood
{
	my ($json, $status) = split /\n/, $_[0];
	my $answer = eval { decode_json($json) } // { error => $_[0] };
	$answer->{status} = $status || 200;
	return $answer;
}

sub ask { my ($address, $call) = @_; return understood($s->sql(wrapped($address, $call), 'web')); }
sub login { my ($address, $email, $password) = @_; return ask($address, "login('$email', '" . ($password // $secret) . "')"); }

# Whom authenticate() takes the bearer of a token for; '' where it refuses him.
sub bearer
{
	my ($token) = @_;
	my ($code, $out) = $node->psql('postgres', "BEGIN; SET LOCAL ROLE scheduler_anon; SELECT set_config('request.method', 'POST', true),"
		  . " set_config('request.headers', '{\"authorization\": \"Bearer $token\"}', true) \\g /dev/null\nSELECT scheduler.authenticate(); COMMIT",
		extra_params => [ '-U', 'web' ]);
	return $code == 0 ? $out : '';
}

# Uses up what an account, or an address, may try, without the work of a password each time.
sub attack
{
	my ($n, $account, $address) = @_;
	return $s->sql("SELECT count(*) FROM generate_series(1, $n) AS n WHERE scheduler.take_attempt($account, $address, false) > 0");
}

# ---- who may sign up ----

sub mode
{
	my ($mode) = @_;
	$s->sql("ALTER SYSTEM SET scheduler.signup = '$mode'");
	$node->reload;
	$s->poll('SHOW scheduler.signup', $mode);
}
my $invitation = $s->sql("SELECT scheduler.invite_user('ida\@example.org')", 'root');
is(ask('192.0.2.1', "signup('ida\@example.org', '$secret', 'Ida', 'UTC', '$invitation')")->{status}, 403, 'closed: nobody signs up, with an invitation or without');
mode('invite');
is(ask('192.0.2.1', "signup('ida\@example.org', '$secret', 'Ida', 'UTC')")->{status}, 403, 'invite: not without an invitation');
is(ask('192.0.2.1', "signup('eve\@example.org', '$secret', 'Eve', 'UTC', '$invitation')")->{status}, 403, '... nor with one for another address');
my $ida = ask('192.0.2.1', "signup('IDA\@Example.org', '$secret', 'Ida', 'Europe/Berlin', '$invitation')");
ok($ida->{token} && $ida->{refresh_token}, '... its own address may, and is signed in');
is($s->sql('SELECT email, name, timezone FROM scheduler.users WHERE name = $$Ida$$'), 'IDA@Example.org|Ida|Europe/Berlin', '... with what was said');
is(ask('192.0.2.1', "signup('ida\@example.org', '$secret', 'Ida', 'UTC', '$invitation')")->{status}, 403, '... once');
my $late = $s->sql("SELECT scheduler.invite_user('late\@example.org')", 'root');
$s->sql('UPDATE scheduler.invitations SET expires_at = now() WHERE used_at IS NULL');
is(ask('192.0.2.1', "signup('late\@example.org', '$secret', 'Late', 'UTC', '$late')")->{status}, 403, '... and in time');
mode('open');
ok(ask('192.0.2.2', "signup('vic\@example.org', '$secret', 'Vic')")->{token}, 'open: everybody signs up');
my $taken = ask('192.0.2.2', "signup('VIC\@example.org', 'another horse', 'Eve')");
is("$taken->{status} $taken->{code}", '409 23505', '... for an address that nobody has');
like($s->failure(wrapped('192.0.2.2', "signup('long\@example.org', repeat('x', 73), 'Long')"), 'web'), qr/a password has 8 to 72 bytes/,
	'a password that bcrypt would cut is refused');
like($s->failure(wrapped('192.0.2.2', "signup('nul\@example.org', ('{\"p\": \"correct\\u0000horse\"}'::jsonb)->>'p', 'Nul')"), 'web'),
	qr/unsupported Unicode escape sequence/, '... and a NUL does not come so far');
like($s->failure(wrapped('192.0.2.2', "signup(repeat('x', 5000000) || '\@example.org', '$secret', 'Long')"), 'web'), qr/this is no email address/, 'nor does an address of 5 MB');
my @racers = map { $s->session('web') } 1 .. 6;
$_->send(wrapped('192.0.2.3', "signup('race\@example.org', '$secret', 'Race')")) foreach @racers;
my @raced = map { understood($_->answer) } @racers;
is(scalar(grep { $_->{token} } @raced), 1, 'of six who sign up with one address at once one gets it');
is(scalar(grep { $_->{status} == 409 } @raced), 5, '... and the others an answer');

# ---- where a request comes from ----

sub seen { my ($headers, $method) = @_; return $s->sql("BEGIN; SELECT set_config('request.headers', '$headers', true), set_config('request.method', '$method', true) \\g /dev/null\nSELECT scheduler.client_address(); COMMIT"); }
is(seen('{"x-forwarded-for": "6.6.6.6, 203.0.113.9, 10.1.2.3"}', 'POST'), '203.0.113.9', 'the last address that is no proxy of ours counts, not what a stranger wrote before it');
is(seen('{"x-forwarded-for": "6.6.6.6, lies"}', 'POST'), '', '... and none where that cannot be read');
is(seen('{"x-forwarded-for": "[2001:db8::7]:4711"}', 'POST'), '2001:db8::7', '... also with a port');
is(seen('{"x-forwarded-for": "203.0.113.9"}', ''), '', 'who is connected himself does not say where he is');
my ($code, undef, $error) = $node->psql('postgres', "ALTER SYSTEM SET scheduler.trusted_proxies = '10.0.0.0/33'");
like($error, qr/"10.0.0.0\/33" is no address or network/, 'a list that makes no sense is refused');
$s->sql("ALTER SYSTEM SET scheduler.trusted_proxies = ''");
$node->reload;
$s->poll('SHOW scheduler.trusted_proxies', '');
is(seen('{"x-forwarded-for": "203.0.113.9"}', 'POST'), '', 'nobody is trusted: nothing is believed');
$s->sql('ALTER SYSTEM RESET scheduler.trusted_proxies');
$node->reload;
$s->poll('SHOW scheduler.trusted_proxies', 'local, 10.0.0.0/8');

# ---- limits that are not for use against others ----

my $home = '198.51.100.7';
ok(login($home, 'vic@example.org')->{token}, 'Vic signs in at home');
cmp_ok(attack(200, "'vic\@example.org'", "('203.0.113.' || n)::inet"), '>=', 150, 'all the world guesses at his password, and has to wait soon');
my $refused = login('203.0.114.1', 'vic@example.org');
is($refused->{status}, 429, '... also with the right one, from an address he has never been at');
cmp_ok($refused->{retry_after}, '>', 60, '... and is told how long');
ok(login($home, 'vic@example.org')->{token}, '... while Vic himself signs in at home');
is(login($home, 'vic@example.org', 'wrong horse')->{status}, 401, '... where a wrong password is wrong');
attack(200, "'nobody\@example.org'", "('203.0.113.' || n)::inet");
my $unknown = login('203.0.114.1', 'nobody@example.org');
delete @{$_}{qw(retry_after hint)} foreach $refused, $unknown;
is_deeply($unknown, $refused, '... and an account that nobody has answers the same');
attack(60, "n::text", "'198.51.100.7'");
is(login($home, 'race@example.org')->{status}, 429, 'an address that tries everybody waits');
ok(login($home, 'vic@example.org')->{token}, '... but not he who is known there');
ok(login('192.0.2.44', 'race@example.org')->{token}, '... and others elsewhere neither');
cmp_ok(attack(40, "'ipv6\@example.org'", "('2001:db8:1:2::' || n)::inet"), '>=', 25, 'a /64 is one address');
is(attack(1, "'ipv6\@example.org'", "'2001:db8:1:3::1'"), 0, '... and another one another');
cmp_ok(attack(14, "'ever\@example.org'", "'192.0.2.99'"), '==', 4, 'ten tries at one account from one address');
cmp_ok($s->sql("SELECT scheduler.take_attempt('ever\@example.org', '192.0.2.99', false)"), '<=', 30, '... then one in half a minute');
is($s->sql('SELECT count(*) FROM scheduler.known_addresses k WHERE k::text LIKE $$%198.51%$$ OR encode(k.address_hash, $$escape$$) LIKE $$%198.51%$$'), 0, 'where he lives is not written anywhere');
my $mark = $s->sql('SELECT count(*) FROM scheduler.audit_log');
login('203.0.114.1', 'vic@example.org') foreach 1 .. 45;
cmp_ok($s->sql('SELECT count(*) FROM scheduler.audit_log') - $mark, '<=', 36, 'a flood of attempts does not fill the log');

# ---- the same work for everybody ----

$s->sql(qq{SELECT count(scheduler.create_user('t' || n || '\@example.org', 't', 'UTC', '$secret')) FROM generate_series(1, 3) AS n});
my $worker_session = $s->session('web');
my $pid = $worker_session->sql('SELECT pg_backend_pid()');
sub used_ms { my ($used) = slurp_file("/proc/$pid/schedstat") =~ /^(\d+)/; return $used / 1e6; }
my %used;
foreach my $round (0 .. 9)
{
	foreach my $who ('t' . ($round % 3 + 1), "u$round")
	{
		my $before = used_ms();
		my $answer = understood($worker_session->sql(wrapped("198.18.0.$round", "login('$who\@example.org', 'wrong horse')")));
		push @{ $used{ substr $who, 0, 1 } }, used_ms() - $before if $round > 0;
		die 'not 401' unless $answer->{status} == 401;
	}
}
$worker_session->close;
my %median = map { my @sorted = sort { $a <=> $b } @{ $used{$_} }; $_ => $sorted[ @sorted / 2 ] } keys %used;
note(sprintf 'processor time of a wrong password: %.1f ms for a user, %.1f ms for nobody', @median{qw(t u)});
cmp_ok(abs($median{t} - $median{u}), '<', 0.25 * $median{t}, 'a wrong password costs as much as an account that nobody has');
cmp_ok($median{u}, '>', 50, '... and that is a bcrypt');

# ---- many at once ----

my @clients = map { $s->session('web') } 1 .. 16;
my $start = time;
$clients[$_]->send(wrapped($home, "login('vic\@example.org', '$secret')")) foreach 0 .. 15;
my @answers = map { understood($_->answer) } @clients;
is(scalar(grep { $_->{token} } @answers), 16, '16 clients of one user sign in at once where he is known');
is(scalar(keys %{ { map { $_->{refresh_token} => 1 } @answers } }), 16, '... each into a session of its own');
my $held = $s->session('web');
$held->sql('BEGIN');
my $race = $answers[0];
$held->sql("SET LOCAL ROLE scheduler_anon; SELECT scheduler.refresh('$race->{refresh_token}')");
$clients[$_]->send(wrapped($home, "refresh('$race->{refresh_token}')")) foreach 0 .. 7;
$s->poll("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'", 8);
$held->sql('COMMIT');
$held->close;
my %successors = map { my $answer = understood($clients[$_]->answer); ($answer->{refresh_token} // $answer->{error}) => 1 } 0 .. 7;
is(scalar(keys %successors), 1, 'nine who refresh with one token at once get one successor');
is($s->sql('SELECT string_agg(DISTINCT generation::text, $$ $$), count(ended_at) FROM scheduler.sign_in_sessions WHERE generation > 0'), '1|0', '... which is the first, and nothing ended');
my ($successor) = keys %successors;
my $owner = ask($home, "refresh('$successor')");
ok($owner->{token}, '... and it refreshes');

# ---- a stolen token ----

is(bearer($owner->{token}), $owner->{user_id}, 'a token is its user\'s');
my $thief = ask('203.0.113.200', "refresh('$race->{refresh_token}')");
is($thief->{status}, 401, 'an old token that comes again is refused');
is(ask($home, "refresh('$owner->{refresh_token}')")->{status}, 401, '... and ends the session of who has the new one');
is(bearer($owner->{token}), '', '... and its tokens');
my $other = ask($home, "refresh('$answers[1]{refresh_token}')");
is(bearer($other->{token}), $other->{user_id}, '... while his other sessions go on');
is(bearer($answers[1]{token}), $answers[1]{user_id}, '... with the tokens that they have');
is($s->sql(q{SELECT outcome, subject_user_id = (SELECT user_id FROM scheduler.users WHERE email = 'vic@example.org') FROM scheduler.audit_log WHERE action = 'session.reused'}),
	'refused|t', '... which is on record');
$_->close foreach @clients, @racers;

# ---- a forgotten password, sent by an administrator's handler ----

$s->sql(q{CREATE SCHEMA app; CREATE TABLE app.sent (email text, token text); GRANT USAGE ON SCHEMA app TO root; GRANT ALL ON app.sent TO root});
$s->sql(q{CREATE FUNCTION pg_temp.x() RETURNS void LANGUAGE sql AS ''; SELECT 1});
$s->sql(q{CREATE FUNCTION app.send_reset(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO app.sent VALUES (job.payload->>'email', scheduler.password_reset_token(job.payload->>'email'));
	RETURN scheduler.step_done(); END $$; GRANT EXECUTE ON FUNCTION app.send_reset TO root});
$s->sql(q{SELECT scheduler.register_job_kind('identity.reset', 'app.send_reset')}, 'root');
is(ask('192.0.2.9', "request_password_reset('ida\@example.org')")->{message}, ask('192.0.2.9', "request_password_reset('nobody\@example.org')")->{message}, 'the same words for who is there and who is not');
$s->comes_true('a job of an administrator sees to both', 'SELECT count(*) FROM app.sent', 2);
is($s->sql(q{SELECT email FROM app.sent WHERE token IS NOT NULL}), 'ida@example.org', '... and has a token for one');
my $reset = $s->sql('SELECT token FROM app.sent WHERE token IS NOT NULL');
is($s->sql("SELECT count(*) FROM scheduler.jobs j WHERE j::text LIKE '%$reset%'"), 0, '... which is in no row of a job');
my @two = map { $s->session('web') } 1 .. 2;
$_->send(wrapped('192.0.2.9', "reset_password('$reset', 'battery staple')")) foreach @two;
is(join(' ', sort map { understood($_->answer)->{status} } @two), '200 401', 'of two who use it at once one does');
$_->close foreach @two;
is(ask('192.0.2.1', "refresh('$ida->{refresh_token}')")->{status}, 401, 'the sessions of before are over');
ok(login('192.0.2.1', 'ida@example.org', 'battery staple')->{token}, 'the new password signs in');

# ---- through the real PostgREST ----

$s->sql('CREATE ROLE authenticator LOGIN NOINHERIT; GRANT scheduler_anon, scheduler_user TO authenticator');
my $rest = PostgREST->start($node->basedir . '/rest', $node, $node->basedir . '/keys/jwt.jwks');
sub over_http { my ($from, $function, $content, $token) = @_; return $rest->rpc($function, $content, $token, { 'X-Forwarded-For' => $from }); }
my $web = over_http('192.0.2.50', 'login', { email => 'ida@example.org', password => 'battery staple' });
is($web->{status}, 200, 'PostgREST: she signs in');
my $bearer = $web->{json}{token};
is(over_http('192.0.2.50', 'login', { email => 'ida@example.org', password => 'wrong horse' })->{status}, 401, '... not with another password');
cmp_ok(attack(60, "n::text", "'192.0.2.51'"), '>', 0, '... an address has tried everybody');
my $limited = over_http('192.0.2.51', 'login', { email => 'race@example.org', password => $secret });
is($limited->{status}, 429, '... and waits');
like($limited->{headers}{'retry-after'} // '', qr/^\d+$/, '... as long as a header says');
is($limited->{json}{code}, 'PT429', '... in the shape of an error');
is($s->sql(q{SELECT count(*) FROM scheduler.audit_log WHERE action = 'session.refused' AND details->>'client' IN ('192.0.2.50', '192.0.2.51')}), 2, '... both are on record, with their addresses');
is_deeply([ map { $_->{this_one} ? 1 : () } @{ $rest->get('/my_sessions?ended_at=is.null', $bearer)->{json} } ], [1], 'she sees where she is signed in');
my $next = over_http('192.0.2.50', 'refresh', { refresh_token => $web->{json}{refresh_token} });
is($next->{status}, 200, '... refreshes');
is(over_http('192.0.2.50', 'change_password', { old_password => 'wrong horse', new_password => $secret }, $next->{json}{token})->{status}, 403, '... sets no other password without the old one');
my $changed = over_http('192.0.2.50', 'change_password', { old_password => 'battery staple', new_password => $secret }, $next->{json}{token});
is($changed->{status}, 200, '... with it she does');
is($rest->get('/tasks', $next->{json}{token})->{status}, 401, '... which makes older tokens void');
$next = over_http('192.0.2.50', 'refresh', { refresh_token => $next->{json}{refresh_token} });
is($rest->get('/tasks', $next->{json}{token})->{status}, 200, '... but not the session that she is in');
is(over_http('192.0.2.50', 'logout', {}, $next->{json}{token})->{json}, JSON::PP::true, '... and leaves');
is($rest->get('/tasks', $next->{json}{token})->{status}, 401, '... with a token that is over');
is(over_http('192.0.2.50', 'refresh', { refresh_token => $next->{json}{refresh_token} })->{status}, 401, '... and cannot be refreshed');
foreach my $function (qw(panic disable_user invite_user password_reset_token pending_resets set_admin))
{
	like(over_http('192.0.2.50', $function, {})->{status}, qr/^40[134]$/, "a stranger cannot call $function");
}
undef $rest;

# ---- shut out in the middle of jobs ----

my $port = Sched->start_misbehave;
$s->sql(q{CREATE ROLE joe LOGIN; CREATE ROLE ann LOGIN; GRANT scheduler_developer TO joe, ann;
	SELECT scheduler.create_user(r || '@example.org', r, role_name => r) FROM unnest(ARRAY['joe', 'ann']) AS r;
	CREATE TABLE app.slept (who text); GRANT USAGE ON SCHEMA app TO joe; GRANT ALL ON app.slept TO joe;
	CREATE FUNCTION app.snore(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS $$ BEGIN
		INSERT INTO app.slept VALUES (job.payload->>'n');
		PERFORM pg_sleep(2);
		RETURN scheduler.step_done(); END $$; GRANT EXECUTE ON FUNCTION app.snore TO joe});
$s->sql(q{SELECT scheduler.register_job_kind('joe.snore', 'app.snore'); SELECT scheduler.enqueue('joe.snore', '{"n": 1}'), scheduler.enqueue('joe.snore', '{"n": 2}')}, 'joe');
my $call = $s->sql("SELECT scheduler.http_call('GET', 'http://localhost:$port/slow?ms=3000')", 'joe');
$s->comes_true('joe has jobs that run and a call in the air', q{SELECT (SELECT sum(in_flight) FROM scheduler.stat_workers) = 1 AND count(*) = 3 FROM scheduler.live_jobs WHERE status = 'running'});
my $joe = $s->sql(q{SELECT user_id FROM scheduler.users WHERE role_name = 'joe'});
my $of_joe = $s->sql("SELECT scheduler.sign_token('$joe', '1 hour', scheduler.uuid7())");
is(bearer($of_joe), $joe, '... and a token');
$s->sql("SELECT scheduler.disable_user('$joe')", 'root');
is(bearer($of_joe), '', 'disabled: his token is nobody\'s');
is($s->sql("SELECT count(*) FROM scheduler.live_jobs WHERE lease IS NOT NULL"), 0, '... nobody has a job of his at once');
$s->comes_true('... the call is given up', 'SELECT sum(in_flight) FROM scheduler.stat_workers', 0, 2);
$s->sql(q{SELECT scheduler.enqueue_many('noop', array_fill('{}'::jsonb, ARRAY[500]), user_id => u.user_id) FROM scheduler.users u WHERE u.role_name IN ('joe', 'ann')});
$s->comes_true('... the jobs of others run', q{SELECT count(*) FROM scheduler.finished_jobs f JOIN scheduler.users u USING (user_id) WHERE u.role_name = 'ann'}, 500);
sleep 2.2;
is($s->sql("SELECT count(*), count(*) FILTER (WHERE ready), count(lease) FROM scheduler.live_jobs WHERE user_id = '$joe'"), '503|503|0', '... all of his wait');
is($s->sql('SELECT count(*) FROM app.slept'), 0, '... and what his handlers wrote went with them');
like($s->failure("SELECT scheduler.enqueue('noop')", 'joe'), qr/no current user/, '... and he himself is nobody');
$s->sql("SELECT scheduler.enable_user('$joe')", 'root');
is(bearer($of_joe), '', 'enabled: tokens of before stay void');
$s->comes_true('enabled: all of them end', "SELECT count(*) FROM scheduler.live_jobs WHERE user_id = '$joe'", 0, 30);
is($s->sql("SELECT status, count(*) FROM scheduler.finished_jobs WHERE user_id = '$joe' GROUP BY 1"), 'succeeded|503', '... well, the lost call by a second one');
is($s->sql("SELECT max(attempts) FROM scheduler.finished_jobs WHERE kind = 'joe.snore'"), 1, '... without an attempt lost');

# ---- everything stops ----

$s->sql("SELECT scheduler.http_call('GET', 'http://localhost:$port/slow?ms=6000') FROM generate_series(1, 3)", 'joe');
$s->sql("SELECT scheduler.enqueue('joe.snore', '{\"n\": 3}')", 'joe');
$s->comes_true('calls in the air again', q{SELECT sum(in_flight) FROM scheduler.stat_workers}, 3);
my $pooled = $s->session('web');
$pooled->sql('SELECT 1');
my $victim = login($home, 'vic@example.org');
$s->sql('BEGIN; SELECT count(*) FROM scheduler.panic(); ROLLBACK', 'root');
is($s->sql('SELECT scheduler.armed(), (SELECT sum(in_flight) FROM scheduler.stat_workers)'), 't|3', 'a panic that is rolled back does nothing');
my %did = map { split /\|/, $_, 2 } split /\n/, $s->sql('SELECT step, affected FROM scheduler.panic()', 'root');
note(join ', ', map { "$_ $did{$_}" } sort keys %did);
is($did{disarm}, 1, 'panic says what it stopped');
cmp_ok($did{connections}, '>=', 1, '... connections of web servers');
$s->comes_true('... they are gone', q{SELECT count(*) FROM pg_stat_activity WHERE usename = 'web'}, 0, 5);
$s->comes_true('... a new worker is there, and does nothing', q{SELECT count(*) = 1 AND sum(calls) = 0 AND sum(in_flight) = 0 FROM scheduler.stat_workers WHERE type = 'worker' AND started_at > now() - interval '20 s'});
is($s->sql("SELECT count(*) FROM scheduler.jobs WHERE user_id = '$joe'"), 507, '... no job is lost');
is(ask($home, "refresh('$victim->{refresh_token}')")->{status} . bearer($victim->{token}), 401, '... no session goes on, no token counts');
my $calls = $s->sql('SELECT sum(calls) FROM scheduler.stat_http');
$s->sql("SELECT scheduler.enqueue('noop')", 'joe');
%did = map { split /\|/, $_, 2 } split /\n/, $s->sql('SELECT step, affected FROM scheduler.panic()', 'root');
is("$did{disarm} $did{claims} $did{sessions}", '0 0 0', 'a second time there is nothing left to stop');
sleep 1;
is($s->sql('SELECT count(*) FROM scheduler.live_jobs WHERE ready AND kind = $$noop$$'), 1, '... and nothing is begun');
$s->sql('SELECT scheduler.arm()', 'root');
ok(login($home, 'vic@example.org')->{token}, 'back: sign in again');
$s->comes_true('... and jobs go on to their end', "SELECT count(*) FROM scheduler.live_jobs WHERE user_id = '$joe'", 0, 40)
	or diag($s->sql("SELECT kind, status, attempts, error, run_at FROM scheduler.live_jobs WHERE user_id = '$joe'"));
is($s->sql("SELECT count(*) FROM scheduler.finished_jobs WHERE user_id = '$joe' AND status = 'succeeded'"), 508, '... all of them');
unlike(slurp_file($node->logfile), qr/deadlock detected|PANIC:|signal 11|TRAP:/, 'the log tells of nothing worse');

$node->stop;
done_testing();
