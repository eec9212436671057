# The kind http with a real worker: a server that misbehaves in every way, TLS, egress, and a secret that must turn
# up nowhere.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);

my $tree = $ENV{TREE};
my $scratch = PostgreSQL::Test::Utils::tempdir;
my @services;

# ---- servers ----

sub start_nghttpd
{
	my ($certificate) = @_;
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $pid = fork();
	if ($pid == 0)
	{
		open STDOUT, '>', "$scratch/nghttpd.log";
		open STDERR, '>&', \*STDOUT;
		exec 'nghttpd', '-a', '127.0.0.1', '-d', "$scratch/www", $port, "$scratch/$certificate.key",
			"$scratch/$certificate.pem";
	}
	push @services, $pid;
	return $port;
}

END
{
	my $status = $?;
	foreach my $pid (@services)
	{
		kill 'TERM', $pid;
		waitpid $pid, 0;
	}
	$? = $status;
}

is(system('sh', "$tree/test/services/certificates.sh", $scratch, 'localhost'), 0, 'certificates are made');
mkdir "$scratch/www";
append_to_file("$scratch/www/page", 'secret garden');
my $port = Sched::start_misbehave();
my $other_port = Sched::start_misbehave();
my $private_port = Sched::start_misbehave();
my %tls = map { $_ => start_nghttpd($_) } qw(good expired future misnamed foreign);

my $node = PostgreSQL::Test::Cluster->new('http');
my $base = $node->basedir;
$node->init;
my $private = join ', ', map { "localhost:$_" } $port, $other_port, values %tls;
$node->append_conf('postgresql.conf', <<"CONF");
shared_preload_libraries = 'scheduler'
scheduler.master_key_file = '$base/keys/master.key'
scheduler.http_private_hosts = '$private'
scheduler.http_max_answer_bytes = 1048576
log_statement = 'none'
CONF
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION scheduler CASCADE');
$node->safe_psql('postgres', q{
	CREATE ROLE dev LOGIN;
	GRANT scheduler_developer TO dev;
	SELECT scheduler.setup('root@example.org');
	SELECT scheduler.create_user('dev@example.org', 'Dev', 'UTC', NULL, 'dev')});

# ---- jobs ----

my $json = JSON::PP->new->canonical->allow_nonref;

sub sql
{
	return $node->safe_psql('postgres', $_[0], extra_params => [ '-U', 'dev' ]);
}

sub literal
{
	my ($value) = @_;
	$value =~ s/'/''/g;
	return "'$value'";
}

sub enqueue
{
	my ($url, %payload) = @_;
	$url = "http://localhost:$port$url" if $url =~ m{^/};
	return sql('SELECT scheduler.enqueue(\'http\', ' . literal($json->encode({ url => $url, %payload })) . ')');
}

# The job as hash once it has ended.
sub finish
{
	my ($job_id) = @_;
	my $row = sql("SELECT to_jsonb(j) FROM scheduler.wait_for_job('$job_id', '60 s') AS j");
	return $json->decode($row);
}

sub call
{
	return finish(enqueue(@_));
}

sub requests
{
	my ($path) = @_;
	return call("/count?path=$path")->{result}{body};
}

sub expect_done
{
	my ($name, $job, $body) = @_;
	my $good = $job->{status} eq 'succeeded' && $job->{result}{body} =~ $body;
	ok($good, $name) or diag($json->encode($job));
}

sub expect_error
{
	my ($name, $job, $status, $error) = @_;
	my $good = $job->{status} eq $status && ($job->{error} // '') =~ $error;
	ok($good, "$name: $status, " . ($job->{error} // '')) or diag($json->encode($job));
}

sub set_attempts
{
	my ($n) = @_;
	$node->safe_psql('postgres', "UPDATE scheduler.job_kinds SET max_attempts = $n WHERE kind = 'http'");
}

# ---- calls that succeed ----

my $job = call('/echo?x=1', method => 'PUT', headers => { 'X-A' => [ 'b', 'c' ] }, body => { d => 1 });
my $echo = $json->decode($job->{result}{body});
is("$echo->{method} $echo->{path}", 'PUT /echo', 'a call arrives');
my %headers = map { $_->[0] => $_->[1] } @{ $echo->{headers} };
is($headers{'Idempotency-Key'}, $job->{job_id}, 'its idempotency key is the id of the job');
is($headers{'Content-Type'}, 'application/json', 'JSON says that it is JSON');
is($echo->{body}, 'eyJkIjogMX0=', 'the body arrives');
$job = call('/nul');
is($job->{result}{encoding} . $job->{result}{body}, 'base64YQBiAABj', 'NUL bytes come back as base64');
is(call('/latin1')->{result}{encoding}, 'base64', 'so does what is not UTF-8');
is_deeply(call('/headers')->{result}{headers}{'set-cookie'}, [ 'a=1', 'b=2' ], 'repeated headers are an array');
$job = call('/bytes?n=1048576');
ok(!$job->{result}{truncated} && length($job->{result}{body}) == 1048576, 'a megabyte comes whole');

my $http_call = sql("SELECT scheduler.http_call('GET', 'http://localhost:$port/echo')");
expect_done('http_call()', finish($http_call), qr/"GET"/);

my $started = time;
my @ids = split /\n/, sql(
	"SELECT scheduler.http_call('GET', 'http://localhost:$port/slow?ms=1000') FROM generate_series(1, 100)");
is(scalar(grep { finish($_)->{status} eq 'succeeded' } @ids), 100, 'a hundred slow calls succeed');
cmp_ok(time - $started, '<', 30, 'side by side');

# ---- what is tried again ----

$job = call('/flaky?n=2&key=a', method => 'POST');
is("$job->{status} $job->{attempts}", 'succeeded 3', '503 twice: the third attempt succeeds');
$started = time;
$job = call('/flaky?n=1&key=b&code=429');
is($job->{status}, 'succeeded', '429 is tried again');
set_attempts(2);
$started = time;
$job = call('/status?code=429&after=2');
expect_error('429 with Retry-After', $job, 'dead', qr/HTTP 429/);
cmp_ok(time - $started, '>=', 2, 'the second attempt waited as long as asked');

# ---- faults, one attempt each ----

set_attempts(1);
my %dead = (
	'/silent' => qr/^timeout: /, '/never' => qr/^timeout: /, '/slow?ms=5000' => qr/^timeout: /,
	'/close' => qr/^broken: /, '/reset' => qr/^broken: /, '/cut' => qr/^broken: /, '/garbage' => qr/^broken: /,
	'/nothttp' => qr/^broken: /, '/status?code=500' => qr/HTTP 500/, '/status?code=408' => qr/HTTP 408/);
foreach my $path (sort keys %dead)
{
	expect_error($path, call($path, timeout => 1), 'dead', $dead{$path});
}
my %failed = (
	'/bytes?n=1048577' => qr/^too_large: /, '/chunked?n=1048577' => qr/^too_large: /, '/endless' => qr/^too_large: /,
	'/bomb?mb=20' => qr/^too_large: /, '/flood?n=500' => qr/^too_large: /, '/loop' => qr/^redirects: /,
	'/status?code=404' => qr/HTTP 404/, '/status?code=401' => qr/HTTP 401/, '/status?code=501' => qr/HTTP 501/);
foreach my $path (sort keys %failed)
{
	expect_error($path, call($path, timeout => 20), 'failed', $failed{$path});
}
expect_error('a name that does not exist', call('http://nowhere.invalid/', timeout => 5), 'dead', qr/^(resolve|connect|timeout): /);
expect_error('CR LF in a url', call("/echo\r\nX: y"), 'failed', qr/^bad_request: /);
expect_error('CR LF in a header', call('/echo', headers => { X => "a\r\nY: b" }), 'failed', qr/^bad_request: /);
expect_error('a file', call('file:///etc/passwd'), 'failed', qr/^bad_request: /);
expect_error('a bad payload', call('/echo', timeout => 'soon'), 'failed', qr/timeout is neither/);

# ---- an unknown outcome ----

set_attempts(3);
my $before = requests('/close');
expect_error('a POST whose answer is lost', call('/close', method => 'POST'), 'failed', qr/not repeated/);
is(requests('/close') - $before, 1, 'was sent once');
expect_error('the same with repeat_unsafe', call('/close', method => 'POST', repeat_unsafe => JSON::PP::true), 'dead', qr/^broken/);
is(requests('/close') - $before, 4, 'was sent three times more');
set_attempts(1);

# ---- where calls may not go ----

my $count = qx{python3 -c "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:$private_port/count').read().decode())"};
foreach my $url ("http://localhost:$private_port/echo", "http://127.0.0.1:$private_port/echo", "http://[::1]:$private_port/echo",
	"http://2130706433:$private_port/echo", "http://0.0.0.0:$private_port/echo", 'http://169.254.169.254/latest/')
{
	expect_error($url, call($url), 'failed', qr/^forbidden: /);
	(my $escaped = $url) =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ge;
	expect_error("redirected there", call("/redirect?to=$escaped"), 'failed', qr/^redirects: /);
}
is(qx{python3 -c "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:$private_port/count').read().decode())"},
	$count, 'nothing reached the private server');

# ---- a secret ----

my $canary = 'KX-4711-' . join '', map { chr(97 + int rand 26) } 1 .. 24;
my $hash = sha256_hex("Bearer $canary");
append_to_file("$scratch/secret", $canary);
chmod 0600, "$scratch/secret";
$node->safe_psql('postgres', "SELECT scheduler.set_secret_from_file('canary', '$scratch/secret', ARRAY['localhost:$port'],
	(SELECT user_id FROM scheduler.users WHERE role_name = 'dev'))");
unlink "$scratch/secret";
is(call("/authorized?sha256=$hash", auth => 'secret:canary')->{result}{body}, 'true', 'a secret arrives');
is(call("/authorized?sha256=" . sha256_hex($canary), auth => 'secret:canary',
		headers => { Authorization => '{{auth}}' })->{result}{body}, 'true', 'in the header that asks for it');
my $elsewhere = "http://localhost:$other_port/authorized?sha256=$hash";
expect_error('a secret for another host', call($elsewhere, auth => 'secret:canary'), 'failed', qr/^forbidden: .*not bound/);
(my $escaped = $elsewhere) =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ge;
is(call("/redirect?to=$escaped", auth => 'secret:canary')->{result}{body}, 'false', 'a redirect does not take it along');
expect_error('an unknown secret', call('/echo', auth => 'secret:nothing'), 'failed', qr/^bad_request: /);
expect_error('auth of another form', call('/echo', auth => 'nothing'), 'failed', qr/^bad_request: /);
foreach my $path (qw(/reset /cut /nothttp /garbage /loop /status?code=500))
{
	call($path, auth => 'secret:canary');
}
my $dump = qx{pg_dumpall -h @{[ $node->host ]} -p @{[ $node->port ]}};
ok(length($dump) > 10000 && index($dump, $canary) < 0, 'the secret is not in a dump');
ok(index(slurp_file($node->logfile), $canary) < 0, 'nor in the log');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'KX-4711-' AND pid <> pg_backend_pid()"),
	0, 'nor in pg_stat_activity');
is(system('grep', '-rqaF', $canary, $node->data_dir) >> 8, 1, 'nor in any file of the cluster');

# ---- TLS ----

my %url = map { $_ => "https://localhost:$tls{$_}/page" } keys %tls;

sub use_ca_file
{
	my ($file) = @_;
	$node->safe_psql('postgres', "ALTER SYSTEM SET scheduler.http_ca_file = '$file'");
	$node->reload;
	# The worker reads it at its next turn.
	$node->poll_query_until('postgres', "SELECT current_setting('scheduler.http_ca_file') = '$file'");
	sleep 0.5;
}

expect_error('an unknown authority', call($url{good}), 'dead', qr/^tls: .*certificate/);
use_ca_file("$scratch/ours.pem");
expect_done('http_ca_file makes it known', call($url{good}), qr/secret garden/);
expect_error('an expired certificate', call($url{expired}), 'dead', qr/^tls: .*expired/);
expect_error('one of tomorrow', call($url{future}), 'dead', qr/^tls: .*not yet valid/);
expect_error('one of another name', call($url{misnamed}), 'dead', qr/^tls: /);
expect_error('one of another authority', call($url{foreign}), 'dead', qr/^tls: /);
use_ca_file("$scratch/theirs.pem");
expect_error('a removed authority is trusted no longer', call($url{good}), 'dead', qr/^tls: /);
expect_done('the new one is', call($url{foreign}), qr/secret garden/);

# ---- statistics ----

my ($calls, $errors, $plausible) = split /\|/, $node->safe_psql('postgres',
	"SELECT calls, errors, p50 > '0' AND p50 <= p95 AND p95 <= p99 AND p99 > '0.9 s' FROM scheduler.stat_http WHERE host = 'localhost:$port'");
cmp_ok($calls, '>', 130, "stat_http counts calls ($calls)");
cmp_ok($errors, '>', 15, "and errors ($errors)");
is($plausible, 't', 'percentiles rise, and the slow calls are seen');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ \'scheduler worker\''), 1,
	'the worker has lived through all of it');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal/, 'and nothing crashed');

done_testing();
