# Canaries: values handed in by each of the three ways, used in calls, sealed anew under other keys, made to fail in every
# way, and then looked for wherever the server writes anything. Then: what a destroyed key leaves readable.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use POSIX ();
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;
use Time::HiRes qw(sleep time);

my $folder = PostgreSQL::Test::Utils::tempdir();
my $port = Sched::start_misbehave();
my $other = Sched::start_misbehave();
# Not TLS: what comes is answered with words.
my $deaf = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 10) or die $!;
my $deaf_port = $deaf->sockport;
my $deaf_pid = fork() // die $!;
if ($deaf_pid == 0)
{
	while (my $client = $deaf->accept) { print $client "what?\n"; close $client; }
	POSIX::_exit(0);
}
END { my $status = $?; kill 'TERM', $deaf_pid if $deaf_pid; $? = $status }

my $s = Sched->start('secrets', conf => <<"CONF");
shared_preload_libraries = 'pg_stat_statements, auto_explain, scheduler'
scheduler.http_private_hosts = 'localhost:$port, localhost:$other, localhost:$deaf_port'
logging_collector = on
log_destination = 'stderr,csvlog@{[ $ENV{SCHED_NO_JSONLOG} ? '' : ',jsonlog' ]}'
log_min_messages = debug5
log_min_error_statement = debug5
log_statement = all
log_duration = on
log_min_duration_statement = 0
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1
log_error_verbosity = verbose
debug_print_parse = on
debug_print_rewritten = on
debug_print_plan = on
pg_stat_statements.track = all
auto_explain.log_min_duration = 0
auto_explain.log_verbose = on
auto_explain.log_nested_statements = on
max_prepared_transactions = 5
CONF
my $node = $s->node;
$s->sql("CREATE EXTENSION pg_stat_statements; CREATE ROLE a LOGIN");
my $made = $s->sql("SELECT problem IS NULL FROM scheduler.create_master_key()");
is($made, 't', 'a master key');
my $a = $s->sql("SELECT scheduler.create_user('a\@example.org', 'A', role_name => 'a')");
$s->sql('GRANT scheduler_developer, pg_read_server_files TO a');
my @connection = ('-h', $node->host, '-p', $node->port, '-U', 'a', '-d', 'postgres');

my $n = 0;
my %canaries;

# A value nobody has ever seen.
sub canary
{
	my ($what) = @_;
	my $value = sprintf 'kx%02d', ++$n;
	$value .= chr(97 + int rand 26) foreach 1 .. 28;
	$canaries{$value} = $what;
	return $value;
}

# psql as A with this on its standard input; what it wrote.
sub psql_input
{
	my ($input, @more) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'psql', '-XAtq', @connection, @more, '-f', '-' ], '<', \$input, '>', \$out, '2>', \$err);
	return $out . $err;
}

# ---- three ways in ----

my $bound = canary('a bound parameter');
append_to_file("$folder/bound.sql", "SELECT scheduler.set_secret('bound', :v, ARRAY['localhost:$port', 'localhost:$deaf_port']);\n");
foreach my $mode (qw(extended prepared))
{
	is(system('pgbench', '-n', '-M', $mode, '-t', 1, '-f', "$folder/bound.sql", '-D', "v=$bound", @connection[0 .. 5], 'postgres'), 0, "a bound parameter ($mode)");
}
my $filed = canary('a file');
append_to_file("$folder/filed", "$filed\n");
$s->sql("SELECT scheduler.set_secret_from_file('filed', '$folder/filed', ARRAY['localhost:$port', 'localhost:$deaf_port'])", 'a');
unlink "$folder/filed";
my $copied = canary('a copied line');
is(psql_input("\\copy scheduler.secret_input (name, hosts, value) FROM pstdin\ncopied\tlocalhost:$port, localhost:$deaf_port\t$copied\n\\.\n"), '', 'a copied line');
is($s->sql('SELECT string_agg(name, \',\' ORDER BY name) FROM scheduler.secrets', 'a'), 'bound,copied,filed', 'three secrets');

# ---- what is refused ----

my %refused = map { $_ => canary("refused: $_") } qw(name hosts column quote literal cast execute create function);
append_to_file("$folder/refused.sql", "SELECT scheduler.set_secret('No Name', :v, ARRAY['localhost:$port']);\n");
system('pgbench', '-n', '-M', 'extended', '-t', 1, '-f', "$folder/refused.sql", '-D', "v=$refused{name}", @connection[0 .. 5], 'postgres');
like(psql_input("\\copy scheduler.secret_input (name, hosts, value) FROM pstdin\nx\thttps://h\t$refused{hosts}\n\\.\n"), qr/WARNING:  a line of secret_input was refused/, 'a refused line is told');
my $raised = psql_input("\\copy scheduler.secret_input (name, hosts, value) FROM pstdin\nx\t$refused{column}\n\\.\n");
like($raised, qr/missing data for column "value"/, 'a line that cannot be parsed is an error');
# What a client is told of its own statement is its own. Literals: the server has logged them before any function runs.
psql_input("SELECT scheduler.set_secret('x', '$refused{literal}', ARRAY['localhost:1']);\nSELECT scheduler.set_secret('x', '$refused{quote});\n");
psql_input("SELECT scheduler.set_secret('x', \"$refused{cast}\", '$refused{cast}'::uuid);\n");
psql_input("PREPARE p AS SELECT scheduler.set_secret(\$1, \$2, \$3);\nEXECUTE p('x', '$refused{execute}', '{no host}');\nEXECUTE p('x', '$refused{execute}', '{h}');\n");
psql_input("SELECT scheduler.no_such_function(scheduler.set_secret('x', '$refused{function}', '{h}'));\nDO \$\$ BEGIN PERFORM scheduler.set_secret('x', '$refused{function}', '{h h}'); END \$\$;\n");
psql_input("SELECT scheduler.create_user('b\@example.org', 'B', password => '$refused{create}');\n", '-U', 'postgres');

# ---- use ----

sub call
{
	my ($path, $name, $to) = @_;
	my $url = ($to // "http://localhost:$port") . $path;
	my $id = $s->sql("SELECT scheduler.http_call('GET', '$url', '{}', NULL, 'secret:$name')", 'a');
	$s->poll("SELECT status IN ('succeeded', 'failed', 'dead') FROM scheduler.jobs WHERE job_id = '$id'", 't', 60);
	return $s->sql("SELECT status || ' ' || coalesce(result ->> 'body', error, '') FROM scheduler.jobs WHERE job_id = '$id'");
}

my %value = (bound => $bound, filed => $filed, copied => $copied);

# One that fails is tried again later: its first failure is enough.
sub first_failure
{
	my ($path, $name, $to) = @_;
	my $id = $s->sql("SELECT scheduler.http_call('GET', '" . ($to // "http://localhost:$port") . "$path', '{}', NULL, 'secret:$name')", 'a');
	$s->poll("SELECT error IS NOT NULL OR status IN ('succeeded', 'failed', 'dead') FROM scheduler.jobs WHERE job_id = '$id'", 't', 30);
	my $got = $s->sql("SELECT coalesce(error, 'no error') FROM scheduler.jobs WHERE job_id = '$id'");
	$s->sql("SELECT scheduler.cancel_job('$id')", 'a');
	return $got;
}

sub check_use
{
	my ($when) = @_;
	foreach my $name (sort keys %value)
	{
		is(call('/authorized?sha256=' . sha256_hex("Bearer $value{$name}"), $name), 'succeeded true', "$name arrives $when");
	}
}
check_use('at first');
is($s->sql("SELECT count(*) FROM scheduler.secrets WHERE last_used_at IS NOT NULL", 'a'), 3, 'their use is noted');
foreach my $name (sort keys %value)
{
	like(first_failure('/status?code=401', $name), qr/401/, "$name: the other side says 401");
	like(first_failure('/echo', $name, "http://localhost:$other"), qr/^forbidden: .*not bound/, 'a host it is not bound to');
	like(first_failure('/echo', $name, "https://localhost:$deaf_port"), qr/^tls/, 'TLS fails');
	first_failure($_, $name) foreach qw(/reset /nothttp);
}
my $job = $s->sql("SELECT scheduler.http_call('GET', 'http://localhost:$port/slow?ms=1500', '{}', NULL, 'secret:bound')", 'a');
$s->poll("SELECT status = 'running' FROM scheduler.jobs WHERE job_id = '$job'");
ok($s->crash($s->worker_pid), 'a worker is killed while it is out with a secret');
$s->comes_true('and another one comes', "SELECT count(*) > 0 FROM scheduler.stat_workers WHERE type = 'worker'");

# ---- other keys, while the worker places secrets ----

# A second round of everything, and mails: rows of both kinds are sealed anew.
$s->sql("SELECT count(scheduler.ingest_email(convert_to(E'From: m\@example.com\\nSubject: no ' || i || E'\\nMessage-ID: <' || i || E'\@example.com>\\n\\nmarmalade ' || repeat('bread ', 300), 'UTF8')))"
	  . " FROM generate_series(1, 100) AS i", 'a');
my $before = $s->sql("SELECT string_agg(DISTINCT key_id, ',' ORDER BY key_id) FROM (SELECT key_id FROM scheduler.sealed_secrets UNION SELECT key_id FROM scheduler.email_bodies) AS k");
unlike($before, qr/,/, 'one key so far');
$s->sql("SELECT scheduler.enqueue_many('http', array_agg(jsonb_build_object('method', 'GET', 'url', 'http://localhost:$port/authorized?sha256=" . sha256_hex("Bearer $bound") . "', 'auth', 'secret:bound')))"
	  . ' FROM generate_series(1, 60)', 'a');
# One who seals under the key of before and commits late.
my $late = $s->session('a');
$late->sql('BEGIN');
$late->sql("SELECT scheduler.ingest_email('From: x\@example.com\\012Message-ID: <late\@example.com>\\012\\012late marmalade')");
my $rotation = $s->sql('SELECT scheduler.rotate_data_keys()');
is($s->sql('SELECT scheduler.rotate_data_keys()'), $rotation, 'a change of the keys is one job');
is($s->sql("SELECT done FROM scheduler.rotate_master_key()"), 't', 'the master key changes meanwhile');
$s->sql("SELECT scheduler.set_secret('more', md5('x'), ARRAY['localhost:$port'])", 'a');
sleep 0.5;
like($s->sql("SELECT string_agg(detail, '') FROM scheduler.doctor() WHERE check_name = 'data key change'"), qr/^phase "\w+": \d users, \d+ secrets, \d+ mails/, 'doctor() shows how far it is');
$late->sql('COMMIT');
$s->comes_true('the keys are changed', "SELECT status FROM scheduler.jobs WHERE job_id = '$rotation'", 'succeeded', 60);
is($s->sql("SELECT result FROM scheduler.jobs WHERE job_id = '$rotation'"), '{"mails": 101, "users": 1, "secrets": 4}', 'it says what it did');
is($s->sql("SELECT count(DISTINCT key_id), bool_and(key_id <> '$before') FROM (SELECT key_id FROM scheduler.sealed_secrets UNION SELECT key_id FROM scheduler.email_bodies) AS k"), '1|t', 'one other key for all rows');
is($s->sql("SELECT scheduler.data_key_problem('$a', '$before')"), 'the user\'s file has no such data key any more', 'the old one is gone');
is($s->sql("SELECT count(*) FROM scheduler.email_bodies WHERE scheduler.email_text(email_id) ~ 'marmalade'", 'a'), 101, 'all mails open, also the one that came late');
$s->comes_true('every call is made', "SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'http'", 0, 60);
is($s->sql("SELECT count(*) FROM scheduler.finished_jobs WHERE kind = 'http' AND result ->> 'body' = 'true'"), 63, 'and had its secret');
check_use('under other keys');
is($s->sql("SELECT string_agg(check_name || ' ' || status, ', ') FROM scheduler.doctor() WHERE check_name ~ 'key|secret|mails'"), 'master key ok', 'doctor() is content');

# ---- where they are looked for ----

$s->sql("SELECT scheduler.drop_secret('filed')", 'a');
my $seen = $s->sql("SELECT string_agg(query, ' ') FROM pg_stat_activity") . $s->sql("SELECT string_agg(query, ' ') FROM pg_stat_statements");
$seen .= $s->sql("SELECT string_agg(xmltext, '') FROM (SELECT query_to_xml(format('SELECT x::text AS x FROM %s x', c.oid::regclass), true, false, '')::text AS xmltext FROM pg_class c WHERE c.relnamespace = 'scheduler'::regnamespace AND c.relkind IN ('r', 'v', 'p')) AS t");
my $dump = qx{pg_dumpall -h @{[ $node->host ]} -p @{[ $node->port ]} -U postgres};
ok(length($dump) > 100000 && length($seen) > 100000, 'dump, statistics, every column of every table and view');
my %exception = ($refused{literal} => 1, $refused{quote} => 1, $refused{cast} => 1, $refused{execute} => 1, $refused{function} => 1, $refused{create} => 1);
$s->sql('CHECKPOINT');
my %forms = map { my $value = $_; map { $_ => $value } $value, unpack('H*', $value), encode_base64($value, ''), scalar reverse($value) } keys %canaries;
append_to_file("$folder/forms", join("\n", sort keys %forms) . "\n");
my %found;
foreach my $line (split /\n/, qx{grep -raoF -f '$folder/forms' '@{[ $node->basedir ]}' '@{[ $node->logfile ]}' | sort -u})
{
	my ($file, $form) = $line =~ /^(.*):(.*)$/;
	my $value = $forms{$form};
	# Of literals pg_stat_statements keeps some in its file of texts; see doc/security.md.
	$found{$value} .= "$file " unless $exception{$value} && $file =~ /pgss_query_texts|pg_stat_statements/;
}
foreach my $value (sort keys %canaries)
{
	my $what = $canaries{$value};
	ok(index($dump, $value) < 0, "$what: not in a dump");
	ok(index($seen, $value) < 0, "$what: not in any table, view or statistic") if !$exception{$value};
	is($found{$value} // '', '', "$what: in no file of the cluster, its log or its keys");
}
is(join('', grep { index($raised, $_) >= 0 && $_ ne $refused{column} } keys %canaries), '', 'what one client was told is his own');
my @logs = glob($node->data_dir . '/log/*');
my $log = join '', map { slurp_file($_) } @logs;
like($log, qr/set_secret\('\*+', '\*+'/, 'the log has the statements, blanked');
like($log, qr/missing data for column/, 'and the errors');
cmp_ok(scalar(grep { /\.(log|csv|json)$/ } @logs), '>=', 3, 'as text, CSV and JSON');

# ---- a key that is destroyed ----

my $copy = "$folder/before.dump";
$node->command_ok([ 'pg_dump', '-Fc', '-f', $copy, '-d', $node->connstr('postgres') ], 'a dump');
is($s->sql("SELECT scheduler.drop_data_key('$a')"), 't', 'the key of a user is destroyed');
like($s->failure("SELECT scheduler.email_text(email_id) FROM scheduler.email_bodies", 'a'), qr/data key is missing/, 'his mails do not open');
like(call('/echo', 'bound'), qr/^failed bad_request: .*data key is missing/, 'his secrets are placed nowhere');
like($s->sql("SELECT detail FROM scheduler.doctor() WHERE check_name = 'secrets'"), qr/data key is missing/, 'doctor() tells of it');
$s->sql("CREATE DATABASE restored");
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $copy ], 'the dump is restored');
is($node->safe_psql('restored', "SELECT count(*) FROM scheduler.sealed_secrets s WHERE s.user_id = '$a' AND scheduler.data_key_problem(s.user_id, s.key_id) IS NULL"), 0, 'nothing of it opens there either');
is($s->sql("SELECT scheduler.set_secret('bound', '" . canary('new') . "', ARRAY['localhost:$port'])", 'a'), '', 'a new secret makes a new key');
is((split / /, call('/echo', 'bound'))[0], 'succeeded', 'and is placed');

$node->stop;
done_testing();
