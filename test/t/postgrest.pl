# The extension behind the real PostgREST, configured as doc/postgrest.md prints it: three ways in, what a user may, what
# forgers and strangers get, and the statuses of doc/errors.md.
use strict;
use warnings;
use Jwt;
use PostgREST;
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;

my $s = Sched->start('postgrest', conf => "scheduler.http_allow_private_networks = on\nlog_statement = 'none'\n");
my $node = $s->node;
my $folder = $node->basedir;
my $keys = "$folder/keys/jwt.jwks";
my $now = time;

$s->sql('SELECT scheduler.create_master_key(); SELECT scheduler.create_jwt_keys()');
$s->sql('CREATE ROLE authenticator LOGIN NOINHERIT; GRANT scheduler_anon, scheduler_user, scheduler_admin TO authenticator');
my $anna = $s->sql("SELECT scheduler.create_user('anna\@example.org', 'Anna', 'Europe/Berlin', 'correct horse battery')");
my $ben = $s->sql("SELECT scheduler.create_user('ben\@example.org', 'Ben', 'Europe/Berlin')");
my $chief = $s->sql("SELECT scheduler.create_user('chief\@example.org', 'Chief')");
$s->sql("UPDATE scheduler.users SET is_admin = true WHERE user_id = '$chief'");

# The keys of three issuers stand in the same file, marked as theirs; theirs alone are their subjects.
my $own = Jwt::own_key($keys);
my %issuers = (shop => Jwt::secret('0123456789abcdef0123456789abcdef', 'shop'), login => Jwt::rsa($folder, 'login'),
	mobile => Jwt::ec($folder, 'mobile'));
Jwt::write_set($keys, $own->{jwk}, map { { %{ $issuers{$_}{jwk} }, iss => "https://$_.example" } } sort keys %issuers);
$s->sql("SELECT scheduler.set_secret('shop', '$issuers{shop}{secret}', '{jwt-issuer.invalid}')");
$s->sql("SELECT scheduler.add_issuer('https://shop.example', 'shop', 'HS256', secret_name => 'shop')");
$s->sql("SELECT scheduler.add_issuer('https://login.example', 'app', 'RS256', jwks => '"
	  . JSON::PP->new->encode({ keys => [ $issuers{login}{jwk} ] }) . "', email_claim => 'email', create_users => true)");
$s->sql("SELECT scheduler.add_issuer('https://mobile.example', 'app', 'ES256', jwks => '"
	  . JSON::PP->new->encode({ keys => [ $issuers{mobile}{jwk} ] }) . "', subject_claim => 'uid')");
$s->sql("SELECT scheduler.link_identity('https://shop.example', 'customer 7', '$ben'); SELECT scheduler.link_identity('https://mobile.example', 'm1', '$ben')");
my $rest = PostgREST->start("$folder/rest", $node, $keys);

sub claims
{
	return { iss => 'scheduler', aud => 'postgres', sub => $anna, scheduler_role => 'scheduler_user', iat => $now, exp => $now + 600, @_ };
}

# The status of a GET with this token.
sub status { return $rest->get('/tasks', $_[0])->{status} }

# ---- without a token ----
is($rest->rpc('version')->{status}, 401, 'a stranger may not even ask for the version');
foreach my $table (split /\n/, $s->sql("SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'scheduler'::regnamespace AND c.relkind IN ('r', 'p', 'v')"))
{
	my $answer = $rest->get("/$table");
	isnt($answer->{status}, 200, "a stranger cannot read $table ($answer->{status})");
}
is($rest->rpc('add_task', { description => 'x' })->{status}, 401, 'nor write');

# ---- our own tokens ----
my $login = $rest->rpc('login', { email => 'anna@example.org', password => 'correct horse battery' });
is($login->{status}, 200, 'Anna signs in');
my $token = $login->{json}{token};
is($rest->rpc('login', { email => 'anna@example.org', password => 'wrong' })->{status}, 401, 'not with a wrong password');
is($rest->get('/rpc/me', $token)->{json}{email}, 'anna@example.org', 'her token is she, in a read-only transaction');
my $added = $rest->rpc('add_task', { description => 'write the report', duration_minutes => 120 }, $token);
is($added->{status}, 200, 'she adds a task');
my $tasks = $rest->get('/tasks?select=description,user_id', $token);
is_deeply($tasks->{json}, [ { description => 'write the report', user_id => $anna } ], 'and reads it');
is($rest->get('/rpc/current_user_id', $token)->{json}, $anna, 'current_user_id()');
my $bens = $s->sql("SELECT scheduler.sign_token('$ben', '10 min', scheduler.uuid7())");
is_deeply($rest->get('/tasks', $bens)->{json}, [], 'Ben sees none of it');
is($rest->get('/tasks')->{status}, 401, 'and after him nobody is signed in');
my $chiefs = $s->sql("SELECT scheduler.sign_token('$chief', '10 min', scheduler.uuid7())");
is($rest->rpc('create_user', { email => 'dora@example.org', name => 'Dora' }, $chiefs)->{status}, 200, 'an admin is one behind PostgREST too');
$s->sql("UPDATE scheduler.users SET is_admin = false WHERE user_id = '$chief'");
is($rest->rpc('create_user', { email => 'emil@example.org', name => 'Emil' }, $chiefs)->{status}, 403, 'until he is none: the claim of his token decides nothing');

# ---- tokens of others ----
my %tokens = (
	HS256 => Jwt::make($issuers{shop}, { iss => 'https://shop.example', aud => [ 'x', 'shop' ], sub => 'customer 7', exp => $now + 600 }),
	RS256 => Jwt::make($issuers{login}, { iss => 'https://login.example', aud => 'app', sub => 'l1', exp => $now + 600, role => 'postgres',
		email => 'carol@example.org', email_verified => JSON::PP::true, name => 'Carol' }),
	ES256 => Jwt::make($issuers{mobile}, { iss => 'https://mobile.example', aud => 'app', sub => 'ignored', uid => 'm1', exp => $now + 600 }));
is($rest->get('/rpc/current_user_id', $tokens{HS256})->{json}, $ben, 'a token of the shop (HS256) is Ben');
is($rest->get('/rpc/current_user_id', $tokens{ES256})->{json}, $ben, 'one of the mobile app (ES256) too, by another claim');
my $unknown = $rest->get('/rpc/me', $tokens{RS256});
is($unknown->{status}, 401, 'a subject that stands for nobody is refused');
is($unknown->{json}{details}, 'the subject stands for no user here', '... and told why');
my $accepted = $rest->rpc('accept_token', { token => $tokens{RS256} });
is($accepted->{status}, 200, 'the issuer that may make users has its subject accepted');
is($rest->get('/rpc/me', $tokens{RS256})->{json}{email}, 'carol@example.org', '... whose token (RS256) is from then on taken as it is');
is($rest->rpc('accept_token', { token => $tokens{RS256} })->{json}{user_id}, $accepted->{json}{user_id}, 'a second time: the same user');
my $thief = Jwt::make($issuers{login}, { iss => 'https://login.example', aud => 'app', sub => 'l2', exp => $now + 600,
	email => 'anna@example.org', email_verified => JSON::PP::true });
is($rest->rpc('accept_token', { token => $thief })->{status}, 401, 'an account with a password is not handed out for its address');
$rest->rpc('link_token', { token => $thief }, $token);
is($rest->get('/rpc/current_user_id', $thief)->{json}, $anna, '... but its owner links it');
my $unproven = Jwt::make($issuers{login}, { iss => 'https://login.example', aud => 'app', sub => 'l3', exp => $now + 600, email => 'ben@example.org' });
my $made = $rest->rpc('accept_token', { token => $unproven })->{json}{user_id};
ok($made ne $ben && $s->sql("SELECT email LIKE '%\@jwt-issuer.invalid' FROM scheduler.users WHERE user_id = '$made'") eq 't',
	'an address that the issuer does not vouch for is not believed');

# ---- forged and stale tokens ----
my $stranger = Jwt::secret('ffffffffffffffffffffffffffffffff', 'x');
my %forged = (
	'alg none' => Jwt::make({ alg => 'none', kid => $own->{kid} }, claims()),
	'alg None' => Jwt::make({ alg => 'None', kid => $own->{kid} }, claims()),
	'another key' => Jwt::make($stranger, claims(), { kid => $own->{kid} }),
	'expired' => Jwt::make($own, claims(iat => $now - 900, exp => $now - 100)),
	'no exp' => Jwt::make($own, { %{ claims() }, exp => undef }),
	'nbf ahead' => Jwt::make($own, claims(nbf => $now + 300)),
	'iat ahead' => Jwt::make($own, claims(iat => $now + 300, exp => $now + 900)),
	'another audience' => Jwt::make($own, claims(aud => 'template1')),
	'no audience' => Jwt::make($own, { map { $_ eq 'aud' ? () : ($_ => claims()->{$_}) } keys %{ claims() } }),
	'another issuer' => Jwt::make($own, claims(iss => 'https://evil.example')),
	'the shop\'s key as ours' => Jwt::make($issuers{shop}, claims()),
	'the login\'s key as ours' => Jwt::make($issuers{login}, claims()),
	'our key as the shop\'s' => Jwt::make($own, { iss => 'https://shop.example', aud => 'shop', sub => 'customer 7', exp => $now + 600 }),
	'one issuer\'s key as another\'s' => Jwt::make($issuers{login}, { iss => 'https://mobile.example', aud => 'app', uid => 'm1', exp => $now + 600 }),
	'HS256 with the public RSA key' => Jwt::make({ %$stranger, secret => $issuers{login}{pem}, kid => 'login' },
		{ iss => 'https://login.example', aud => 'app', sub => 'l1', exp => $now + 600 }),
	'crit' => Jwt::make($own, claims(), { crit => ['exp'] }),
	'the system user' => Jwt::make($own, claims(sub => '00000000-0000-0000-0000-000000000000')),
	'an unknown user' => Jwt::make($own, claims(sub => '0190aaaa-0000-7000-8000-000000000000')),
	'a subject that is no uuid' => Jwt::make($own, claims(sub => "$anna' OR true")),
	'not a token' => 'abc', 'two parts' => 'e30.e30', 'padding' => Jwt::make($own, claims()) . '=');
is(status(Jwt::make($own, claims())), 200, 'a token that the test makes with our key is taken');
foreach my $name (sort keys %forged)
{
	my $answer = $rest->get('/tasks', $forged{$name});
	is($answer->{status}, 401, "refused: $name");
	like($answer->{headers}{'www-authenticate'} // '', qr/^Bearer/, '... with WWW-Authenticate') if $answer->{json}{code} eq 'PT401';
}
like($rest->get('/tasks', 'A' x 1_000_000)->{status}, qr/^(401|413|431|400|599)$/, 'refused: a token of a megabyte, by closing the connection at the latest');
is(status(Jwt::make($own, claims(pad => 'x' x 20_000))), 401, 'refused: one of 27 kB, however well signed');

# ---- what takes a token back ----
is(status($bens), 200, 'Ben\'s token is good');
$s->sql("UPDATE scheduler.users SET tokens_valid_from = now() WHERE user_id = '$ben'");
is(status($bens), 401, 'until his tokens are revoked');
$bens = $s->sql("SELECT scheduler.sign_token('$ben', '10 min', scheduler.uuid7())");
is(status($bens), 200, 'a newer one counts at once');
$s->sql("SELECT scheduler.disable_user('$ben')");
is(status($bens), 401, 'a disabled user\'s does not');
is(status($tokens{HS256}), 401, '... whoever issued it');
$s->sql("UPDATE scheduler.users SET is_active = false WHERE user_id = '$chief'");
is(status($chiefs), 401, 'that an account is not active is enough');
$s->sql("UPDATE scheduler.users SET is_active = true WHERE user_id = '$chief'");
is(status($chiefs), 200, '... as long as it is not');
is($rest->rpc('logout', {}, $token)->{json}, JSON::PP::true, 'Anna signs out');
is(status($token), 401, 'her token is over with its session');
$token = Jwt::make($own, claims());

# ---- statuses of errors ----
is($rest->rpc('add_event', { summary => 'x', starts_at => '2031-03-04 10:00Z', ends_at => '2031-03-04 11:00Z' }, $token)->{status}, 200, 'an event');
my @cases = (
	[ 'PT404', 404, 'update_task', { task_id => '0190aaaa-0000-7000-8000-000000000000', changes => { description => 'y' } } ],
	[ '22023', 400, 'find_slots', { duration => '-1 hour' } ],
	[ 'PT409', 409, 'add_event', { summary => 'x', starts_at => '2031-03-04 10:30Z', ends_at => '2031-03-04 11:30Z' } ],
	[ '42501', 403, 'create_user', { email => 'f@example.org', name => 'F' } ],
	[ '42501', 403, 'act_as', { user_id => $ben } ],
	[ '42501', 403, 'add_issuer', { issuer => 'x', audience => 'x', alg => 'HS256' } ]);
foreach my $case (@cases)
{
	my ($code, $status, $function, $arguments) = @$case;
	my $answer = $rest->rpc($function, $arguments, $token);
	is("$answer->{json}{code} $answer->{status}", "$code $status", "$function: $code is $status") or diag($answer->{body});
}

# ---- limits ----
$s->sql("SELECT scheduler.set_api_limit('find_slots', 2)");
my @statuses = map { $rest->rpc('find_slots', { duration => '1 hour' }, $token)->{status} } 1 .. 3;
is("@statuses", '200 200 429', 'two calls a minute, not three');
my $over = $rest->rpc('find_slots', { duration => '1 hour' }, $token);
is($over->{json}{code}, 'PT429', 'code PT429');
like($over->{headers}{'retry-after'} // '', qr/^([1-9]|[12][0-9]|30)$/, 'Retry-After is at most the time for one call');
is($rest->get('/tasks', $token)->{status}, 200, 'other calls go on');
is($rest->rpc('find_slots', { duration => '1 hour' }, $chiefs)->{status}, 200, 'and so do other users');
$s->sql("SELECT scheduler.set_api_limit('find_slots', NULL)");
is($rest->rpc('find_slots', { duration => '1 hour' }, $token)->{status}, 200, 'a limit taken away counts no longer');

# ---- Google's tokens, keys fetched by a job ----
my $google = Jwt::rsa($folder, 'g1');
my $site = "$folder/site";
mkdir $site;
Jwt::write_set("$site/certs", $google->{jwk});
my $pid = open(my $server, '-|', 'python3', '-u', '-m', 'http.server', '0', '--bind', '127.0.0.1', '--directory', $site) or die $!;
my ($port) = <$server> =~ /port (\d+)/;
my %id = (iss => 'https://accounts.google.com', aud => 'client.apps.example', sub => '1158', exp => $now + 600, iat => $now,
	email => 'greta@example.org', email_verified => JSON::PP::true, name => 'Greta');
is($rest->rpc('login_google', { id_token => Jwt::make($google, \%id) })->{status}, 500, 'Google has to be set up first');
$s->sql("SELECT scheduler.add_issuer('https://accounts.google.com', 'client.apps.example', 'RS256', jwks_url => 'http://127.0.0.1:$port/certs', email_claim => 'email', create_users => true)");
$s->comes_true('the keys are fetched by a job', "SELECT keys_fetched_at IS NOT NULL FROM scheduler.jwt_issuers WHERE issuer = 'https://accounts.google.com'");
my $greta = $rest->rpc('login_google', { id_token => Jwt::make($google, \%id) });
is($greta->{status}, 200, 'Greta signs in with Google') or diag($greta->{body});
is($rest->get('/rpc/me', $greta->{json}{token})->{json}{email}, 'greta@example.org', '... and has a token of ours');
is($rest->rpc('refresh', { refresh_token => $greta->{json}{refresh_token} })->{status}, 200, '... that can be refreshed');
is($rest->rpc('login_google', { id_token => Jwt::make($google, { %id, iss => 'accounts.google.com' }) })->{status}, 200, 'Google\'s other name for itself');
foreach my $bad ([ 'for another client' => { aud => 'other' } ], [ 'that has expired' => { exp => $now - 100 } ],
	[ 'of an unverified address' => { sub => '9', email => 'dora@example.org', email_verified => JSON::PP::false, aud => 'x' } ])
{
	is($rest->rpc('login_google', { id_token => Jwt::make($google, { %id, %{ $bad->[1] } }) })->{status}, 401, "not with one $bad->[0]");
}
my $next = Jwt::rsa($folder, 'g2');
Jwt::write_set("$site/certs", $google->{jwk}, $next->{jwk});
$s->sql("UPDATE scheduler.jwt_issuers SET keys_wanted_at = now() - interval '6 minutes'");
is($rest->rpc('login_google', { id_token => Jwt::make($next, \%id) })->{status}, 401, 'a key that is not known');
$s->comes_true('... is fetched', "SELECT jwks::text LIKE '%g2%' FROM scheduler.jwt_issuers WHERE issuer = 'https://accounts.google.com'");
is($rest->rpc('login_google', { id_token => Jwt::make($next, \%id) })->{status}, 200, '... and then known');
my $fetches = "SELECT count(*) FROM scheduler.jobs WHERE kind = 'identity.keys'";
my $before = $s->sql($fetches);
$rest->rpc('login_google', { id_token => Jwt::make(Jwt::rsa($folder, 'g3'), \%id) }) for 1 .. 3;
is($s->sql($fetches), $before, 'once in five minutes, however many keys are made up');
is($s->sql("SELECT every FROM scheduler.schedules WHERE kind = 'identity.keys'"), '01:00:00', 'and every hour');
Jwt::write_set("$site/certs", Jwt::secret('published secrets verify nothing', 'g4')->{jwk});
$s->sql("UPDATE scheduler.jwt_issuers SET keys_wanted_at = now() WHERE issuer = 'https://accounts.google.com'");
$s->comes_true('a set without a public key is refused', "SELECT keys_problem IS NOT NULL FROM scheduler.jwt_issuers WHERE issuer = 'https://accounts.google.com'");
is($s->sql("SELECT jwks::text LIKE '%g2%' FROM scheduler.jwt_issuers WHERE issuer = 'https://accounts.google.com'"), 't', '... and the keys stay');
kill 'TERM', $pid;
close $server;

# ---- keys that change ----
my $second = Jwt::secret('fedcba9876543210fedcba9876543210', 'second');
Jwt::write_set($keys, $second->{jwk}, $own->{jwk});
my $signed = $s->sql("SELECT scheduler.sign_token('$anna', '10 min', scheduler.uuid7())");
like(MIME::Base64::decode_base64url((split /\./, $signed)[0]), qr/"kid":"second"/, 'the first key of the file signs');
is(status(Jwt::make($own, claims())), 200, 'the one before it still verifies');
kill 'USR2', $rest->{pid};
ok(eventually(sub { status($signed) == 200 }), 'PostgREST takes the new key after SIGUSR2');
Jwt::write_set($keys, $second->{jwk});
is(status($token), 401, 'a key that was taken away verifies nothing any more, whatever was verified with it before');
chmod 0644, $keys;
is($rest->get('/tasks', $signed)->{status}, 500, 'nor does a file that is open to others');
chmod 0600, $keys;
unlike($rest->log . slurp_file($node->logfile), qr/\Q$own->{jwk}{k}\E|\Q$signed\E/, 'no key and no token stands in a log');

sub eventually
{
	my ($test) = @_;
	for (1 .. 100)
	{
		return 1 if $test->();
		Time::HiRes::sleep(0.1);
	}
	return 0;
}

undef $rest;
$node->stop;
done_testing();
