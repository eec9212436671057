# What models, servers and mails send, mutated and given to the SQL functions that read it: no mutation ends as an error
# other than those listed here. The same mutations every time; FUZZ_ROUNDS (300 of each kind) makes more of them,
# FUZZ_SEED others.
use strict;
use warnings;
use MIME::Base64;
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;

my $rounds = $ENV{FUZZ_ROUNDS} // 300;
my $seed = $ENV{FUZZ_SEED} // 1;
my $data = "$ENV{TREE}/test/data";

# ---- seeds ----

my $task = '{"description": "send the report", "deadline": "2026-03-06T17:00:00+01:00", "duration_minutes": 45, "priority": 7, "location": "Room 1", "attendees": ["Ann", "Bob"], "category": "work", "confidence": 0.9}';
my $event = '{"summary": "review", "starts_at": "2026-03-05T10:00:00", "ends_at": "2026-03-05T11:00:00Z", "location": null}';
my @facts = map { qq({"classification": "actionable", "confidence": 0.8, "language": "en", "tasks": [$$_[0]], "events": [$$_[1]]}) }
	([ $task, $event ], [ "$task, $task", '' ], [ '', "$event, $event" ], [ '', '' ]);

# A chat completion around a content; quotes as JSON has them.
sub completion
{
	my $content = shift =~ s/(["\\])/\\$1/gr;
	return qq({"id": "x", "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "$content"}}], "usage": {"prompt_tokens": 12, "completion_tokens": 34, "prompt_tokens_details": {"cached_tokens": 5}}});
}

sub mails { return map { slurp_file($_) } @_ }

my @phrases = map { /"phrase": "((?:[^"\\]|\\.)*)"/ ? $1 =~ s/\\n/\n/gr =~ s/\\(.)/$1/gr : () } split /\n/, slurp_file("$data/when.jsonl");
my @eml = mails(glob("$data/demo/*/*.eml"));
my %seeds = (
	facts => [ map({ completion($_) } @facts), completion("```json\n$facts[0]\n```" =~ s/\n/\\n/gr), '{"choices": []}', '{"choices": [{"message": {"content": null, "refusal": "no"}, "finish_reason": "length"}]}' ],
	# Mutated inside, so that more of them are still JSON outside.
	content => \@facts,
	error => [ '{"error": {"code": "rate_limit", "type": "x", "message": "slow down"}}', '{"error": "text"}', "\xff\xfe", '{"error": {"code": null, "type": "insufficient_quota"}}' ],
	headers => [ '{"retry-after": "120", "content-type": "application/json", "set-cookie": ["a", "b"], "x-should-retry": "true"}', '{"retry-after-ms": "1500", "retry-after": "Wed, 04 Mar 2026 09:00:00 GMT"}' ],
	schema => [ '{"type": "object", "required": ["a"], "properties": {"a": {"type": ["string", "null"], "maxLength": 5, "enum": ["x", "y"]}, "b": {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 9}, "maxItems": 2}}, "additionalProperties": false}' ],
	mail => [ @eml[ grep { $_ % 3 == 0 } 0 .. $#eml ] ],
	calendar => [ map { /(BEGIN:VCALENDAR.*END:VCALENDAR)/s ? $1 : () } @eml ],
	phrase => \@phrases,
	mailbox => [ map { "From a\@example.org Mon Mar  2 09:00:00 2026\n$_" } @eml[ 0 .. 2 ] ]);
$_ = "$_\n" x 2 for @{ $seeds{mailbox} };

# ---- mutations ----

my @bits = ('"', '{', '}', '[', ']', ',', ':', '\\u0000', '\\ud800', '\\', "\0", "\xff", "\xc3", 'null', 'true', '{}', '[]', '""', '-1', '0', '1e400', '1e-400',
	'1e308', '99999999999999999999', '0.1', '-0', 'NaN', 'infinity', '0000-00-00', '2026-02-30T25:61:00', '2200-12-31T23:59:59-99:99', '9999-12-31',
	'1970-01-01', '4714-01-01 BC', '[' x 7000, '{"a":' x 5000, 'x' x 3000, "\n", "\r\n", ' ', "\xe2\x80\xae", "\xf0\x9f\x98\x80", '%s', '%', "'", '$1',
	'in 9999999 years', 'every day', '31.12.9999', '12:60', 'tomorrow', 'Date: Fri, 31 Dec 9999 23:59:59 -9999', 'DTSTART:99991231T235959Z', 'DURATION:P99999999W',
	'RRULE:FREQ=SECONDLY', 'Content-Type: multipart/mixed; boundary=""', '=?utf-8?B?/////w==?=', 'charset=utf-7', 'Europe/Berlin', 'http://');

# One change; the bytes stay below 60 kB.
sub mutate
{
	my ($text, $others) = @_;
	my $length = length $text;
	my $at = int rand($length + 1);
	my $n = 1 + int rand(rand() < 0.7 ? 4 : 60);
	my $way = int rand 7;
	return substr($text, 0, $at) . $bits[ rand @bits ] . substr($text, $at) if $way == 0;
	return substr($text, 0, $at) . (substr($text, $at + $n) // '') if $way == 1 && $at + $n < $length;
	return substr($text, 0, $at) . chr(int rand 256) . substr($text, $at + 1) if $way == 2 && $at < $length;
	return substr($text, 0, $at) . substr($text, $at, $n) x (2 + int rand 9) . substr($text, $at) if $way == 3;
	# A value for another: a quoted text, or a number.
	my $bit = $bits[ rand @bits ];
	my $place = 0;
	my @values;
	push @values, [ $-[0], $+[0] ] while $text =~ /"[^"]*"|-?\d[\d.]*/g;
	if ($way <= 5 && @values)
	{
		my ($from, $to) = @{ $values[ rand @values ] };
		return substr($text, 0, $from) . (rand() < 0.5 ? $bit : qq("$bit")) . substr($text, $to);
	}
	my $other = $$others[ rand @$others ];
	return substr($text, 0, $at) . substr($other, int rand(length($other) + 1));
}

my @rows;
for my $kind (sort keys %seeds)
{
	srand($seed);
	for my $n (1 .. $rounds)
	{
		my $text = $seeds{$kind}[ ($n - 1) % @{ $seeds{$kind} } ];
		$text = mutate($text, $seeds{$kind}) for 1 .. ($n <= @{ $seeds{$kind} } ? 0 : 1 + int rand 4);
		$text = completion($text) if $kind eq 'content';
		push @rows, join("\t", $kind eq 'content' ? 'facts' : $kind, $n, '\\\\x' . unpack('H*', substr($text, 0, 60000)));
	}
}

# ---- what reads them; `bytes` is the input, `words` the same as text where it is UTF-8 ----

my $response = sub { my ($status, $headers) = @_; return "ROW($status, " . ($headers // q('{}')) . ", bytes, NULL, '1 s', NULL, true)::scheduler.http_response" };
my $job = "ROW(gen_random_uuid(), owner, 'mail.process', %s, NULL, 1, 5, now(), NULL, now())::scheduler.job";
my $handle = 'PERFORM scheduler.handle_mail(' . sprintf($job, "jsonb_build_object('email_id', scheduler.ingest_email(%s))") . ', NULL)';
my %readers = (
	facts => "SELECT * INTO read FROM scheduler.extraction_answer(@{[ $response->(200) ]}, zone);
		IF read.verdict = 'ok' THEN
			PERFORM scheduler.apply_facts(owner, zone, ARRAY[ROW(gen_random_uuid(), email.email_id, email.subject, email.sender_email,
				email.created_at, email.metadata, read.facts, '{}')::scheduler.read_mail]);
			used := used + 1;
		ELSIF read.verdict NOT IN ('repair', 'retry', 'fail') OR read.facts IS NOT NULL OR coalesce(read.reason, '') = '' THEN
			RAISE 'a verdict without a sense';
		END IF;",
	error => "PERFORM scheduler.completion_error(r), scheduler.completion_is_retryable(r), scheduler.extraction_answer(r, zone), scheduler.response_result(r)
		FROM (VALUES (@{[ $response->(400) ]}), (@{[ $response->(429) ]}), (@{[ $response->(503) ]})) AS a (r); used := used + 1;",
	headers => "IF jsonb_typeof(document) = 'object' THEN
		PERFORM scheduler.retry_after(r), scheduler.response_retryable(r), scheduler.response_result(r), scheduler.handle_http(" . sprintf($job, q('{"url": "https://example.org/"}')) . ", r)
		FROM (SELECT @{[ $response->(503, 'document') ]}) AS a (r); used := used + 1; END IF;",
	schema => "PERFORM scheduler.schema_problems(d, document), scheduler.strict_schema(document)
		FROM (VALUES ('{\"a\": \"x\", \"b\": [1, 2, 3]}'::jsonb), ('[]'), ('7')) AS v (d) WHERE document IS NOT NULL;
		PERFORM scheduler.check_schema(document) WHERE document IS NOT NULL; used := used + 1;",
	mail => sprintf($handle, 'bytes') . '; used := used + 1;',
	calendar => "PERFORM scheduler.read_invitation(words); " . sprintf($handle,
		"E'From: max\@example.com\\nSubject: x\\nContent-Type: text/calendar; method=REQUEST\\n\\n'::bytea || bytes") . '; used := used + 1;',
	phrase => "PERFORM scheduler.read_when(words, t, z, o), scheduler.split_text(words, t, z, o), scheduler.parse_duration(words),
			scheduler.read_builtin(words, words, words, t, z, o, '{}')
		FROM (VALUES ('2026-03-02 09:00+00'::timestamptz, 'Europe/Berlin', 'DMY'), ('4713-01-01 00:00+00 BC', 'UTC', 'MDY'), ('294276-12-31 23:00+00', 'Asia/Kathmandu', 'YMD'),
			('0001-01-01 00:00+00', 'America/St_Johns', 'MDY'), ('9999-12-31 23:59+00', 'Pacific/Kiritimati', 'DMY')) AS v (t, z, o) WHERE words IS NOT NULL;
		PERFORM scheduler.schedule_text(words) WHERE words ~ '\\S' AND octet_length(words) <= 20000; used := used + 1;",
	mailbox => "PERFORM scheduler.ingest_email(bytes); used := used + 1;");

# A schema is the user's own: one that says "maxLength": "many" is told so. 54001: it nests deeper than the stack.
my %expected = (schema => '22023|54001');

# ---- the run ----

my $s = Sched->start('fuzz', bare => 1, conf => "fsync = off\nscheduler.databases = 'none'\n");
$s->sql('CREATE EXTENSION scheduler CASCADE');
$s->sql("SELECT scheduler.setup('me\@example.org', timezone => 'Europe/Berlin')");
my $folder = PostgreSQL::Test::Utils::tempdir();
append_to_file("$folder/rows", join("\n", @rows) . "\n");
$s->sql("CREATE TABLE inputs (kind text, n int, bytes bytea);
	CREATE TABLE failures (kind text, n int, state text, message text, context text);
	CREATE TABLE readings (kind text, used int)");
$s->sql("\\copy inputs FROM '$folder/rows'");
$s->sql("SELECT scheduler.ingest_email('From: max\@example.com\nSubject: any\n\nHello\n'::bytea)");

for my $kind (sort keys %readers)
{
	$s->sql(<<"SQL");
DO \$do\$
DECLARE
	input inputs;
	email scheduler.email_tracking;
	owner uuid := scheduler.current_user_id();
	zone text := 'Europe/Berlin';
	bytes bytea; words text; document jsonb; read record; used int := 0; detail text; context text;
BEGIN
	SELECT * INTO email FROM scheduler.email_tracking LIMIT 1;
	FOR input IN SELECT * FROM inputs WHERE kind = '$kind' ORDER BY n LOOP
		BEGIN
			bytes := input.bytes; words := scheduler.utf8_or_null(bytes); document := scheduler.json_or_null(words);
			$readers{$kind}
			RAISE 'taken back' USING ERRCODE = 'UNDO0';
		EXCEPTION WHEN SQLSTATE 'UNDO0' THEN NULL;
		WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, context = PG_EXCEPTION_CONTEXT;
			INSERT INTO failures VALUES (input.kind, input.n, SQLSTATE, SQLERRM || ' ' || detail, context);
		END;
	END LOOP;
	INSERT INTO readings VALUES ('$kind', used);
END \$do\$;
SQL
	my $failed = $s->sql("SELECT count(*), min(n), state, min(message), min(regexp_replace(left(context, 300), '\\s+', ' ', 'g')) FROM failures WHERE kind = '$kind' GROUP BY state");
	my $used = $s->sql("SELECT used FROM readings WHERE kind = '$kind'");
	$failed =~ s/^\d+\|\d+\|(?:$expected{$kind})\|.*\n?//mg if $expected{$kind};
	is($failed, '', "$kind: no mutation raises an error" . ($expected{$kind} ? ' of another state' : ''));
	cmp_ok($used, '>=', 1, "$kind: $used were read to the end");
}
is($s->sql('SELECT count(*) FROM scheduler.tasks'), 0, 'what mutations wrote was taken back');
done_testing();
