# Accounts that a provider grants: the whole way against an independent emulator of Google, tokens that run out, are refused,
# rotate and are revoked; what stands nowhere; and whoever tries to come in from the side.
use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(sleep);

use lib "$ENV{TREE}/test/lib";
use Sched;

my $services = $ENV{STAGE} . '/services';
our $pid = open(our $pipe, '-|', "$services/node", "$ENV{TREE}/test/services/google.mjs", $services) or die $!;
my $port = <$pipe>;
chomp $port;
END { my $status = $?; kill 'KILL', $pid if $pid; $? = $status; }

my $json = JSON::PP->new->canonical->allow_nonref;
my $browser = HTTP::Tiny->new(max_redirect => 0);
my $google = "http://127.0.0.1:$port";
my $redirect = 'https://calendar.example.org/rpc/oauth_callback';

sub control
{
	my ($what, $body) = @_;
	return $json->decode($browser->post("$google/_ctl/$what", { content => $json->encode($body // {}) })->{content});
}

sub requests
{
	my ($path) = @_;
	my $log = $json->decode($browser->get("$google/_ctl/log")->{content});
	return grep { $_->{path} =~ $path } @$log;
}

my $s = Sched->start('oauth', conf => "scheduler.http_allow_private_networks = on\nlog_statement = all\n"
	  . "log_parameter_max_length = 0\nscheduler.http_breaker_failures = 0\n");
$s->sql(q{SELECT scheduler.setup('root@example.org')});
foreach my $name (qw(ada bob))
{
	$s->sql("CREATE ROLE $name LOGIN; GRANT scheduler_developer TO $name;"
		  . " SELECT scheduler.create_user('$name\@example.org', '$name', 'UTC', NULL, '$name')");
}
my $ada = $s->sql(q{SELECT user_id FROM scheduler.users WHERE role_name = 'ada'});

# ---- the client ----

like($s->failure(q{SELECT scheduler.oauth_start('google')}, 'ada'), qr/no OAuth client for this provider/, 'nobody registered one');
my $set_client = "SELECT scheduler.set_oauth_client('google', 'client-1', 'google-client', '$redirect',"
  . " '$google/o/oauth2/v2/auth', '$google/token', '$google/revoke', ARRAY['127.0.0.1:$port'])";
like($s->failure($set_client), qr/no secret "google-client"/, 'a client needs its secret');
$s->sql("SET log_statement = 'none'; SELECT scheduler.set_secret('google-client', 'GOCSPX-test', ARRAY['127.0.0.1:$port'],"
	  . ' user_id => scheduler.system_user_id())');
like($s->failure($set_client, 'ada'), qr/permission denied/, 'it is for admins');
like($s->failure("SELECT scheduler.set_oauth_client('google', 'client-1', 'google-client', 'javascript:alert(1)')"),
	qr/The trouble is: redirect_uri/, 'the redirect uri is a web address');
$s->sql($set_client);

# ---- the way there and back ----

sub start
{
	my ($role, $purposes) = @_;
	return $s->sql("SELECT scheduler.oauth_start('google', '$purposes')", $role);
}

sub decode { my ($text) = @_; $text =~ s/%([0-9A-F]{2})/chr hex $1/ge; return $text; }

# What the browser does: the consent page, its button, and where it is sent back to.
sub consent
{
	my ($url, $email) = @_;
	my %query = map { my ($k, $v) = split /=/, $_, 2; $k => decode($v) } split /&/, ($url =~ /\?(.*)/)[0];
	my $page = $browser->get($url);
	die "no consent page: $page->{status}" unless $page->{status} == 200;
	my $back = $browser->post_form("$google/o/oauth2/v2/auth/callback", { email => $email,
		map { $_ => $query{$_} // '' } qw(redirect_uri scope state nonce client_id code_challenge code_challenge_method) });
	return ($back->{headers}{location}, \%query);
}

sub parts
{
	my ($location) = @_;
	my %back = map { my ($k, $v) = split /=/, $_, 2; $k => decode($v) } split /&/, ($location =~ /\?(.*)/)[0];
	return @back{qw(state code)};
}

sub job
{
	my ($id, $what) = @_;
	return $s->sql("SELECT $what FROM scheduler.jobs WHERE job_id = '$id'");
}

sub ended
{
	my ($id) = @_;
	$s->poll("SELECT status IN ('succeeded', 'failed', 'dead', 'cancelled') FROM scheduler.jobs WHERE job_id = '$id'", 't', 30);
	return job($id, 'status');
}

sub connect_account
{
	my ($role, $email, $purposes) = @_;
	my ($location) = consent(start($role, $purposes // '{mail.read,calendar.read}'), $email);
	my $id = $s->sql("SELECT scheduler.oauth_finish_url('$location')", $role);
	ended($id);
	return $id;
}

my $url = start('ada', '{mail.read,calendar.read}');
my ($location, $query) = consent($url, 'anna@example.com');
is($query->{code_challenge_method}, 'S256', 'the challenge is of the verifier\'s hash');
like($query->{code_challenge}, qr/^[A-Za-z0-9_-]{43}$/, '... of 256 bits');
like($query->{state}, qr/^[0-9a-f]{64}$/, 'the state is random');
like($query->{scope}, qr/^openid email \S+gmail.readonly \S+calendar.readonly$/, 'no more is asked for than needed');
is("$query->{access_type} $query->{prompt} $query->{redirect_uri}", "offline consent $redirect", 'and a refresh token');
is($s->sql("SELECT count(*) FROM scheduler.oauth_grants g WHERE g::text LIKE '%$query->{state}%'"), 0, 'the state is kept as hash only');

my ($state, $code) = parts($location);
my $page = $s->sql("SELECT scheduler.oauth_callback(state => '$state', code => '$code', scope => 'x', authuser => '0',"
	  . " prompt => 'consent', hd => 'example.com', iss => 'https://accounts.google.com')", 'ada');
like($page, qr/<form method="post" action="oauth_finish">.*name="state" value="$state".*name="code" value="\Q$code\E"/,
	'the page posts both to oauth_finish');
is($s->sql('SELECT used_at IS NULL FROM scheduler.oauth_grants'), 't', '... and has written nothing');

# ---- coming in from the side ----

like($s->failure("SELECT scheduler.oauth_finish('$state', '$code')", 'bob'), qr/not begun by you/, 'the state of another user is refused');
like($s->failure("SELECT scheduler.oauth_finish('$state', NULL)", 'ada'), qr/this is no code/, 'so is no code');
like($s->failure("SELECT scheduler.oauth_finish('$state', E'a\\nb')", 'ada'), qr/this is no code/, '... or one with a line break');
like($s->failure("SELECT scheduler.oauth_finish('$state', repeat('x', 1000000))", 'ada'), qr/this is no code/, '... or one of a megabyte');
like($s->failure("SELECT scheduler.oauth_finish(repeat('x', 1000000), 'x')", 'ada'), qr/not begun by you/, 'or a state of a megabyte');
like($s->failure("SELECT scheduler.oauth_finish_url('https://evil.example.org/rpc/oauth_callback?state=$state&code=$code')", 'ada'),
	qr/no address that a provider sent you back to/, 'an address at a foreign host is refused');
like($s->failure("SELECT scheduler.oauth_finish_url('$redirect.evil.example.org/?state=$state&code=$code')", 'ada'),
	qr/no address that a provider sent you back to/, '... also one that begins alike');
like($s->failure("SELECT scheduler.oauth_finish_url('$redirect?' || repeat('a=b&', 300000) || 'state=$state')", 'ada'),
	qr/no address/, '... or of a megabyte');
like($s->failure("SELECT scheduler.oauth_finish_url('$redirect?error=access_denied&state=$state')", 'ada'), qr/says "access_denied"/,
	'what the provider refused is told');
my $evil = '"><script>alert(1)</script><form action="https://evil.example.org">';
$page = $s->sql("SELECT scheduler.oauth_callback(error => 'x', error_description => '$evil', state => '$state')", 'ada');
unlike($page, qr/<script|<form/, 'a hostile error is text in the page');
like($page, qr/&quot;&gt;&lt;script&gt;/, '... and shown as such');
$page = $s->sql("SELECT scheduler.oauth_callback(code => '$evil', state => '$state')", 'ada');
unlike($page, qr/<script|action="http/, 'so is a hostile code');
$page = $s->sql("SELECT scheduler.oauth_callback(code => 'x', state => '$evil')", 'ada');
unlike($page, qr/<script|evil/, '... and a hostile state');
cmp_ok(length($s->sql("SELECT scheduler.oauth_callback(error => repeat('<', 1000000), error_description => repeat('x', 1000000))", 'ada')),
	'<', 10000, 'a megabyte of error makes a short page');
is($s->sql("SELECT provolatile FROM pg_proc WHERE proname = 'oauth_callback'"), 's', 'the page is STABLE');

# ---- tokens ----

my $connect = $s->sql("SELECT scheduler.oauth_finish('$state', '$code')", 'ada');
is(ended($connect), 'succeeded', 'the code becomes an account') or die(job($connect, "status || ' ' || coalesce(error, '')"));
my ($account) = $s->sql("SELECT account_id FROM scheduler.accounts", 'ada');
is($s->sql("SELECT address, status, purposes, secret LIKE 'oauth.%' FROM scheduler.accounts", 'ada'),
	'anna@example.com|active|{calendar.read,mail.read}|t', 'with address and purposes');
like($s->failure("SELECT scheduler.oauth_finish('$state', '$code')", 'ada'), qr/not begun by you, or not lately/, 'a state is good for one use');
is_deeply([ (requests(qr{^/token}))[0]{form} ], [ [qw(grant_type client_id client_secret redirect_uri code code_verifier)] ],
	'the code went with verifier and client secret');
is($s->sql('SELECT string_agg(regexp_replace(name, \'^oauth\.[0-9a-f-]+\.\', \'\'), \' \' ORDER BY name) FROM scheduler.secrets', 'ada'),
	'access refresh', 'verifier and code are gone, the tokens are sealed');
like(start('ada', '{mail.read}'), qr/^http/, 'another connection is begun');
$s->sql("UPDATE scheduler.oauth_grants SET expires_at = now() WHERE used_at IS NULL");
($location) = consent(start('ada', '{mail.read}'), 'anna@example.com');
$s->sql("UPDATE scheduler.oauth_grants SET expires_at = now() WHERE used_at IS NULL");
like($s->failure("SELECT scheduler.oauth_finish_url('$location')", 'ada'), qr/not lately/, 'a state that has expired is refused');
my ($bob_location) = consent(start('bob', '{mail.read}'), 'bela@example.com');
my $injected = $s->sql("SELECT scheduler.oauth_finish('" . (parts((consent(start('ada', '{mail.read}'), 'anna@example.com'))[0]))[0] . "', '"
	  . (parts($bob_location))[1] . "')", 'ada');
is(ended($injected), 'failed', 'a code of somebody else\'s sign-in, injected');
like(job($injected, 'error'), qr/invalid_grant; begin anew/, '... fails at the verifier');

sub call_api
{
	my ($user) = @_;
	return $s->sql("SELECT scheduler.http_call('GET', '$google/gmail/v1/users/me/labels', auth => 'account:$account')", $user // 'ada');
}

my $call = call_api();
is(ended($call), 'succeeded', 'a call is sent with the account\'s token') or diag(job($call, 'error'));
$call = call_api('bob');
is(ended($call), 'failed', 'nobody else\'s call is');
like(job($call, 'error'), qr/there is no such account/, '... for him there is none');
$call = $s->sql("SELECT scheduler.http_call('GET', 'http://localhost:$port/gmail/v1/users/me/labels', auth => 'account:$account')", 'ada');
is(ended($call), 'failed', 'a token does not go to another host');
like(job($call, 'error'), qr/^forbidden: .*not bound to this host/, '... to which it is not bound');

# ---- refresh: early, once, with 50 jobs waiting ----

sub age { $s->sql("UPDATE scheduler.oauth_grants SET $_[0] WHERE granted IS NOT NULL"); }

sub refreshes { return scalar grep { grep { $_ eq 'refresh_token' } @{ $_->{form} } } requests(qr{^/token$}); }

sub number { return $s->sql("SELECT max(token_number) FROM scheduler.oauth_grants WHERE user_id = '$ada' AND granted IS NOT NULL"); }

age("refresh_at = now()");
$call = call_api();
is(ended($call), 'succeeded', 'a token that is about to run out is still sent');
$s->comes_true('... and renewed before it does', "SELECT token_number = 2 FROM scheduler.oauth_grants WHERE granted IS NOT NULL");
my $before = refreshes();
age("token_expires_at = now()");
control('fault', { match => '^POST /token', delay_ms => 1500 });
$s->sql("SELECT count(scheduler.http_call('GET', '$google/gmail/v1/users/me/labels', auth => 'account:$account'))"
	  . ' FROM generate_series(1, 50)', 'ada');
$s->comes_true('while it is fetched calls wait, and say for what',
	"SELECT count(*) = 50 FROM scheduler.jobs WHERE status = 'sleeping' AND error = 'waits: for a new token of its account'");
my $all_fine = "SELECT count(*) = 0 FROM scheduler.live_jobs WHERE kind = 'http' AND status NOT IN ('failed', 'dead')";
$s->comes_true('then all go', $all_fine, 't', 40);
is(refreshes() - $before, 1, 'one refresh for fifty calls');
is($s->sql("SELECT max(attempts) FROM scheduler.finished_jobs WHERE kind = 'http'"), 1, 'no attempt was lost');

$before = refreshes();
control('revoke_access');
$s->sql("SELECT count(scheduler.http_call('GET', '$google/gmail/v1/users/me/labels', auth => 'account:$account'))"
	  . ' FROM generate_series(1, 50)', 'ada');
$s->comes_true('a token that the provider took back: fifty calls are made once more', $all_fine, 't', 40);
is(refreshes() - $before, 1, '... after one refresh');
is($s->sql("SELECT max(attempts) || ' ' || count(*) FILTER (WHERE (result ->> 'status')::int <> 200) FROM scheduler.finished_jobs"
		  . " WHERE kind = 'http'"), '1 0', '... and no handler saw the 401');
$before = refreshes();
control('fault', { match => '^GET /gmail', status => 401, times => 2 });
$call = call_api();
is(ended($call), 'failed', 'a second 401 is the answer');
is(refreshes() - $before, 1, '... after one refresh, not two');

# ---- temporary trouble disconnects nobody ----

age("token_expires_at = now()");
control('fault', { match => '^POST /token', status => 503, times => 2 });
$call = call_api();
is(ended($call), 'succeeded', 'a token endpoint that is down twice is asked again');
is($s->sql('SELECT status FROM scheduler.accounts', 'ada'), 'active', 'the account stays');
control('fault', { match => '^POST /token', status => 401, body => { error => 'invalid_client', error_description => $evil } });
age("token_expires_at = now()");
$call = call_api();
$s->comes_true('a client that the provider does not know is told to the account',
	"SELECT status = 'active' AND last_error = 'the provider did not give a token: invalid_client' FROM scheduler.accounts");
$s->sql("UPDATE scheduler.live_jobs SET run_at = now() WHERE status = 'sleeping'; SELECT scheduler.wake_workers('jobs')");
is(ended($call), 'succeeded', '... and the next try mends it');

# ---- as Microsoft does: each refresh token once ----

control('behave', { rotate => JSON::PP::true, expires_in => 3599 });
foreach my $n (1 .. 3)
{
	age("token_expires_at = now()");
	is(ended(call_api()), 'succeeded', "rotation $n: the new refresh token replaced the old one");
}
is($s->sql('SELECT status FROM scheduler.accounts', 'ada'), 'active', 'none of the old ones was sent again');
control('behave', {});

# ---- revoked, and connected again ----

control('revoke_all');
my $changes = "SELECT count(*) FROM scheduler.changes WHERE type = 'account.reauth_required'";
my @parked = map { call_api() } 1 .. 5;
$s->comes_true('invalid_grant: only the user can help', "SELECT status = 'reauth_required' FROM scheduler.accounts", 't', 40);
$s->comes_true('... which is a change', $changes, 1);
$s->comes_true('calls are parked, not failed', "SELECT count(*) = 5 FROM scheduler.jobs WHERE status = 'sleeping'"
	  . " AND error = 'waits: its account has to be connected again'", 't', 60);
is($s->sql("SELECT max(attempts) FROM scheduler.live_jobs WHERE status = 'sleeping'"), 1, '... without losing an attempt');
like($s->sql("SELECT detail FROM scheduler.doctor() WHERE check_name = 'account anna\@example.com'"), qr/invalid_grant/, 'doctor() tells');
like($s->sql("SELECT error FROM scheduler.connections WHERE what = 'account:$account'", 'ada'), qr/connected again/, 'so does connections');
my $again = connect_account('ada', 'anna@example.com');
is(job($again, "status || ' ' || (result ->> 'account_id')"), "succeeded $account", 'connected again it is the same account');
is(scalar(grep { ended($_) eq 'succeeded' } @parked), 5, '... and the parked calls go');

# ---- less was granted than asked for ----

control('behave', { scope => 'openid email https://www.googleapis.com/auth/gmail.readonly' });
my $narrow = connect_account('bob', 'bela@example.com');
is(job($narrow, "(result ->> 'purposes') || (result ->> 'missing')"), '["mail.read"]["calendar.read"]', 'what was not granted is told');
is($s->sql('SELECT purposes FROM scheduler.accounts', 'bob'), '{mail.read}', '... and not noted as granted');
like($s->sql("SELECT error FROM scheduler.connections WHERE what LIKE 'account:%'", 'bob'), qr/not granted: calendar\.read/, 'connections tells, too');
control('behave', { scope => 'openid email' });
is(job(connect_account('ada', 'bela@example.com'), 'error'), 'none of what was asked for was granted', 'nothing granted is no account');
control('behave', { no_refresh => JSON::PP::true });
like(job(connect_account('ada', 'bela@example.com'), 'error'), qr/no refresh token came/, 'nor is one that would end within the hour');
control('behave', {});

# ---- letting go ----

my $secret = $s->sql('SELECT secret FROM scheduler.accounts', 'ada');
$s->sql("SELECT scheduler.disconnect_account('$account')", 'ada');
$s->comes_true('disconnecting revokes at the provider', "SELECT status = 'succeeded' AND (result ->> 'revoked')::boolean"
	  . " FROM scheduler.jobs WHERE kind = 'oauth.revoke'");
is(scalar(requests(qr{^/revoke})), 1, '... once');
is($s->sql("SELECT count(*) FROM scheduler.secrets WHERE name LIKE '$secret%'", 'ada'), 0, '... and forgets the tokens');
$s->sql("DELETE FROM scheduler.users WHERE role_name = 'bob'");
is($s->sql("SELECT count(*) FROM scheduler.oauth_grants WHERE user_id <> '$ada'"), 0, 'a user who goes takes his grants along');

# ---- what stands nowhere ----

# A token as it was given out, and what lies on disk after a checkpoint.
$s->sql('CHECKPOINT');
my $dump = $s->node->basedir . '/dump.sql';
$s->node->command_ok([ 'pg_dump', '-h', $s->node->host, '-p', $s->node->port, '-d', 'postgres', '-f', $dump ], 'dumped');
my $text = PostgreSQL::Test::Utils::slurp_file($dump) . PostgreSQL::Test::Utils::slurp_file($s->node->logfile);
unlike($text, qr/google_[A-Za-z0-9_-]{20}|rotated_[a-z0-9]{10}|GOCSPX-test(?!')/, 'no token stands in the dump or the log');

done_testing();
