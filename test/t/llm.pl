# Extraction over HTTP: the real worker against aimock, an independent stand-in for OpenAI's API, with every fault it has.
use strict;
use warnings;
use IO::Handle;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my ($stage, $tree) = @ENV{qw(STAGE TREE)};
my $key = 'test-key-4711';

# aimock, on a free port; it ends with this test.
my $folder = "$tree/test/services/llm";
my $log = "$ENV{TESTDATADIR}/aimock.log";
my $service = fork();
die "fork: $!" unless defined $service;
if ($service == 0)
{
	chdir $folder or die "$folder: $!";
	open STDOUT, '>', $log;
	open STDERR, '>&', \*STDOUT;
	exec "$stage/services/node", "$stage/services/node_modules/\@copilotkit/aimock/dist/aimock-cli.js", '--config', 'aimock.json';
	die "exec: $!";
}
END { kill 'TERM', $service if $service; }
my $port;
for (1 .. 100)
{
	($port) = (-e $log ? slurp_file($log) : '') =~ /listening on http:\/\/127\.0\.0\.1:(\d+)/;
	last if $port;
	sleep 0.1;
}
ok($port, 'aimock listens') or do { diag(-e $log ? slurp_file($log) : 'no log'); done_testing(); exit 1; };

my $node = PostgreSQL::Test::Cluster->new('llm');
$node->init;
my $key_folder = "$ENV{TESTDATADIR}/secret";
mkdir $key_folder or die "$key_folder: $!";
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'scheduler'
scheduler.master_key_file = '$key_folder/keys/master.key'
scheduler.http_private_hosts = '127.0.0.1:$port, 127.0.0.1:9'
log_statement = 'none'
log_min_messages = debug1
});
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION scheduler CASCADE');
my $setup = $node->safe_psql('postgres', "SELECT * FROM scheduler.setup('me\@example.org', timezone => 'Europe/Berlin')");
unlike($setup, qr/\|fail\|/, 'setup() finds nothing broken') or diag($setup);
is($node->safe_psql('postgres', "SELECT count(*) FILTER (WHERE status = 'already') FROM scheduler.setup('me\@example.org')"), 4,
	'a second setup() changes nothing');

# The key comes from a file: its value stands in no statement.
open my $file, '>', "$key_folder/api_key" or die $!;
print $file "$key\n";
close $file;
$node->safe_psql('postgres', "SELECT scheduler.set_secret_from_file('llm', '$key_folder/api_key', '{127.0.0.1:$port}')");
$node->safe_psql('postgres', "SELECT scheduler.add_model('mock', 'openai', 'mock-1', 'llm', 'http://127.0.0.1:$port/v1', 0.5, 2)");
$node->safe_psql('postgres', "SELECT scheduler.add_model('stubborn', 'openai', 'stubborn', 'llm', 'http://127.0.0.1:$port/v1')");
$node->safe_psql('postgres', "SELECT scheduler.add_model('absent', 'openai', 'm', NULL, 'http://127.0.0.1:9/v1')");
$node->safe_psql('postgres', "SELECT scheduler.add_model('elsewhere', 'openai', 'm', 'llm', 'http://127.0.0.1:9/v1')");

# Runs one statement that returns a job, waits for it, and returns a field of its row.
sub job
{
	my ($call, $field, $timeout) = @_;
	$timeout //= 60;
	my $id = $node->safe_psql('postgres', "SELECT scheduler.$call");
	return ($id, $node->safe_psql('postgres', "SELECT $field FROM scheduler.wait_for_job('$id', '$timeout s') AS j"));
}

sub extract
{
	my ($body, $field, $model) = @_;
	$model //= 'mock';
	return job("extract_later('$body', 'The report', 'Carl <carl\@example.com>', '2026-11-20 10:00+00', model => '$model')", $field);
}

sub calls
{
	my ($id, $what) = @_;
	return $node->safe_psql('postgres', "SELECT $what FROM scheduler.llm_calls WHERE job_id = '$id'");
}

# The plain way.
my ($id, $got) = job("test_connection('model:mock')", 'result');
is($got, '{"ok": true, "error": null}', 'the connection test succeeds');
is($node->safe_psql('postgres', "SELECT ok, error FROM scheduler.connections WHERE what = 'model:mock'"), 't|', 'and connections shows it');
($id, $got) = extract('Please send the KX-4711 figures by next Friday 15:00.',
	q{concat_ws('|', status, result #>> '{facts,tasks,0,description}', result #>> '{facts,tasks,0,deadline}', result #>> '{origin,model}')});
is($got, 'succeeded|Send the KX-4711 figures|2026-11-27T15:00:00+01:00|mock-1', 'facts by the model, the deadline in the zone of its reader');
is(calls($id, "outcome, tokens_in, tokens_out, cost, purpose, subject, ms >= 0"), 'ok|1000|100|0.0007|extract|The report|t', 'and one row in the ledger');
is($node->safe_psql('postgres', "SELECT string_agg(context_type, ',' ORDER BY context_id) FROM scheduler.agent_context WHERE context_data->>'job_id' = '$id'"),
	'input,output', 'what was asked and answered is kept');
($id, $got) = job("chat('hello', 'mock')", "result->>'text'");
is($got, 'Hi there, this is a deterministic answer.', 'chat');

# Faults that pass.
my $begun = time;
($id, $got) = extract('FAULT:rate', q{concat_ws('|', status, result #>> '{facts,tasks,0,description}')});
is($got, 'succeeded|After the rate limit', '429: repeated');
cmp_ok(time - $begun, '>=', 1.9, '429: not before its Retry-After');
is(calls($id, "string_agg(outcome || ' ' || http_status, ', ' ORDER BY call_id)"), 'retry 429, ok 200', '429: both calls are in the ledger');
($id, $got) = extract('FAULT:500', q{concat_ws('|', status, result #>> '{facts,tasks,0,description}')});
is($got, 'succeeded|After the server error', '500: repeated');
($id, $got) = extract('FAULT:malformed', q{concat_ws('|', status, result #>> '{facts,tasks,0,description}')});
is($got, 'succeeded|After bytes that were no answer', 'an answer that is no JSON: repeated');
($id, $got) = extract('FAULT:disconnect', q{concat_ws('|', status, result #>> '{facts,tasks,0,description}')});
is($got, 'succeeded|After a broken connection', 'connection lost: repeated');
is(calls($id, "string_agg(outcome, ', ' ORDER BY call_id)"), 'lost, ok', 'connection lost: the lost call is counted');
$begun = time;
($id, $got) = extract('FAULT:slow', q{concat_ws('|', status, result #>> '{facts,tasks,0,description}')});
is($got, 'succeeded|After a while', 'latency: waited for');
cmp_ok(time - $begun, '>=', 1.4, 'latency: it was slow');

# Answers that do not fit: exactly one more call.
for my $fault (qw(FAULT:wrong-shape FAULT:cut))
{
	($id, $got) = extract($fault, q{concat_ws('|', status, result #>> '{facts,tasks,0,description}', result #>> '{origin,rounds}')});
	is($got, 'succeeded|Repaired answer|2', "$fault: repaired");
	is(calls($id, "string_agg(outcome || round, ', ' ORDER BY call_id), sum(tokens_in)"), 'repair1, ok2|2000', "$fault: both rounds are paid");
}
($id, $got) = extract('Please send the report by Friday.', q{concat_ws('|', status, result #>> '{origin,model}', result #>> '{origin,fallback}', result #>> '{origin,wanted}')}, 'stubborn');
is($got, 'succeeded|builtin|true|stubborn', 'two answers that do not fit: built-in rules, marked');
is(calls($id, "string_agg(outcome || round, ', ' ORDER BY call_id)"), 'repair1, fail2', 'after exactly two calls');

# Faults that stay.
($id, $got) = extract('FAULT:quota', q{concat_ws('|', status, attempts <= 1, result #>> '{origin,model}', result #>> '{origin,reason}')});
is($got, 'succeeded|t|builtin|HTTP 429 insufficient_quota', 'no credit: not repeated, built-in rules');
$node->safe_psql('postgres', "UPDATE scheduler.job_kinds SET max_attempts = 2 WHERE kind = 'llm.extract'");
($id, $got) = extract('FAULT:always-down', q{concat_ws('|', status, result #>> '{origin,model}', result #>> '{origin,reason}')});
is($got, 'succeeded|builtin|HTTP 503 overloaded', 'unreachable to the last attempt: built-in rules, marked');
is(calls($id, 'count(*)'), 2, 'after every attempt');
($id, $got) = extract('Please send it.', q{concat_ws('|', status, result #>> '{origin,model}')}, 'absent');
is($got, 'succeeded|builtin', 'nobody listens: built-in rules');
$node->safe_psql('postgres', "ALTER SYSTEM SET scheduler.llm_fallback = off; SELECT pg_reload_conf()");
$node->poll_query_until('postgres', "SELECT current_setting('scheduler.llm_fallback') = 'off'");
sleep 0.5;
($id, $got) = extract('FAULT:always-down', q{concat_ws('|', status, error ~ '503')});
is($got, 'dead|t', 'without the fall-back the job is dead');
($id, $got) = extract('FAULT:quota', 'status');
is($got, 'failed', 'or failed where a repeat is of no use');

# A model of the installation, asked for a user who has none: its secret goes to that model's address, and to no other.
$node->safe_psql('postgres', qq{
SELECT scheduler.set_secret_from_file('house', '$key_folder/api_key', '{127.0.0.1:$port}', scheduler.system_user_id());
SELECT scheduler.add_model('house', 'openai', 'mock-1', 'house', 'http://127.0.0.1:$port/v1', user_id => scheduler.system_user_id());
SELECT scheduler.set_model('extract', 'house', scheduler.system_user_id());
CREATE ROLE ben LOGIN;
SELECT scheduler.create_user('ben\@example.net', 'Ben', 'America/New_York', role_name => 'ben');
});
my $ben = $node->safe_psql('postgres', "SET ROLE ben; SELECT scheduler.extract_later('Please send the KX-4711 figures.', received_at => '2026-11-20 10:00+00')");
is($node->safe_psql('postgres', "SELECT concat_ws('|', status, result #>> '{origin,model_id}', result #>> '{facts,tasks,0,deadline}') FROM scheduler.wait_for_job('$ben')"),
	'succeeded|house|2026-11-27T15:00:00-05:00', 'a user without a model asks the installation\'s, in his zone');
is($node->safe_psql('postgres', "SET ROLE ben; SELECT count(*) FROM scheduler.llm_calls"), 1, 'and sees his own call only');
$node->safe_psql('postgres', "SET ROLE ben; SELECT scheduler.add_model('thief', 'openai', 'm', 'house', 'http://127.0.0.1:$port/v2')");
$ben = $node->safe_psql('postgres', "SET ROLE ben; SELECT scheduler.test_connection('model:thief')");
like($node->safe_psql('postgres', "SELECT result FROM scheduler.wait_for_job('$ben')"), qr/"ok": false.*no such secret/, 'a user cannot send that secret anywhere else');

# The key goes where it is bound to, and is seen nowhere.
($id, $got) = extract('Please send it.', q{concat_ws('|', status, error)}, 'elsewhere');
like($got, qr/^(failed|dead)\|/, 'a secret is not sent to a host it is not bound to');
my $journal = `curl -s -m 5 -H 'Authorization: Bearer $key' http://127.0.0.1:$port/__aimock/journal`;
like($journal, qr/chat.completions/, 'the service saw the calls');
my $logged = slurp_file($node->logfile);
unlike($logged, qr/\Q$key\E/, 'the key is not in the log');
unlike($logged, qr/sk-canary/, 'nor is what a provider says of it');
my $dump = `pg_dump -h @{[$node->host]} -p @{[$node->port]} postgres`;
like($dump, qr/COPY scheduler\.sealed_secrets/, 'the dump has the sealed secrets');
unlike($dump, qr/\Q$key\E/, 'but not the key');
is($node->safe_psql('postgres', "SELECT count(*) FROM scheduler.live_jobs j WHERE j::text ~ '$key' OR j::text ~ 'sk-canary'"), 0, 'no job shows it');
is($node->safe_psql('postgres', "SELECT string_agg(name, ',' ORDER BY name) FROM scheduler.secrets WHERE last_used_at IS NOT NULL"), 'house,llm', 'their use is noted');

# doctor() names what is wrong.
like($node->safe_psql('postgres', "SELECT check_name, status FROM scheduler.doctor()"), qr/^dead jobs\|warn$/m, 'doctor() tells of dead jobs');
rename "$key_folder/keys/master.key", "$key_folder/keys/hidden" or die $!;
like($node->safe_psql('postgres', "SELECT check_name, status FROM scheduler.doctor()"), qr/^master key\|fail$/m, 'doctor() misses the key file');
($id, $got) = job("test_connection('model:mock')", 'result');
like($got, qr/"ok": false.*master key/, 'and the connection test says so');
rename "$key_folder/keys/hidden", "$key_folder/keys/master.key" or die $!;
chmod 0644, "$key_folder/keys/master.key";
like($node->safe_psql('postgres', "SELECT detail FROM scheduler.doctor() WHERE check_name = 'master key'"), qr/open to others/, 'doctor() sees a key file open to others');
chmod 0600, "$key_folder/keys/master.key";
$node->safe_psql('postgres', 'SELECT scheduler.disarm()');
like($node->safe_psql('postgres', "SELECT check_name, status FROM scheduler.doctor()"), qr/^armed\|fail$/m, 'doctor() sees that the database is not armed');
$node->safe_psql('postgres', 'SELECT scheduler.arm()');

$node->stop;
done_testing();
