# Whatever comes from outside ends as a row with an error or as a clear ERROR; the worker goes on, as the same process,
# and the next mail is read.
use strict;
use warnings;
use Aimock;
use POSIX qw(mkfifo strftime);
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);

my $folder = PostgreSQL::Test::Utils::tempdir();
chmod 0755, $folder;

# ---- answers of a model that fit nothing; the second one, after being told, does not either ----

my $deep = '[' x 20000 . ']' x 20000;
my $good = '"classification": "actionable", "confidence": 0.9, "language": "en", "events": []';
my $task = '"description": "do it", "deadline": null, "duration_minutes": null, "priority": 5, "location": null, "attendees": [], "category": "work", "confidence": 0.9';
my %answers = (
	list => '[]', word => '"actionable"', nothing => 'null', number => '1e99999', cut => '{"tasks": [{"desc', prose => 'I would rather not.',
	deep => $deep, nul => '{"classification": "action\u0000able"}', surrogate => '{"classification": "\ud800"}',
	kinds => '{"classification": 5, "confidence": "high", "tasks": {"a": 1}, "events": 7}',
	texts => "{$good, \"tasks\": [\"do it\"]}",
	objects => "{$good, \"tasks\": [{\"description\": {\"a\": [1]}, \"deadline\": {}, \"attendees\": {\"x\": 1}}]}",
	day => "{$good, \"tasks\": [{" . $task =~ s/"deadline": null/"deadline": "2026-02-30T25:61:00"/r . '}]}',
	infinity => "{$good, \"tasks\": [{" . $task =~ s/"deadline": null/"deadline": "infinity"/r . '}]}',
	year => "{$good, \"tasks\": [{" . $task =~ s/"deadline": null/"deadline": "99999-01-01"/r . '}]}',
	offset => "{$good, \"tasks\": [{" . $task =~ s/"deadline": null/"deadline": "2200-12-31T23:59:59-99:99"/r . '}]}',
	huge => "{$good, \"tasks\": [{" . $task =~ s/"do it"/'"' . 'x' x 200000 . '"'/er . '}]}',
	blank => "{$good, \"tasks\": [{" . $task =~ s/"do it"/"  "/r . '}]}',
	# These are mended rather than refused: numbers are brought into their range.
	negative => "{$good, \"tasks\": [{" . $task =~ s/"duration_minutes": null/"duration_minutes": -90/r =~ s/"priority": 5/"priority": 4711/r . '}]}',
	exponent => "{$good, \"tasks\": [{" . $task =~ s/"duration_minutes": null/"duration_minutes": 1e300/r . '}]}',
	backwards => "{" . $good =~ s/"events": \[\]/"events": [{"summary": "x", "starts_at": "2099-01-02T10:00:00Z", "ends_at": "2099-01-01T10:00:00Z", "location": null}]/r . ', "tasks": []}');
my $service = Aimock->start("$folder/service",
	[ [ 'That answer cannot be used', 'Sure! Here it is.' ], map { [ "CASE-$_-", $answers{$_} ] } sort keys %answers ]);

my $s = Sched->start('badinput', bare => 1, conf => "scheduler.http_private_hosts = '@{[ $service->host ]}'\nscheduler.max_mail_bytes = '64MB'\n");
my $node = $s->node;
$s->sql('CREATE EXTENSION scheduler CASCADE');
$s->sql("SELECT scheduler.setup('me\@example.org', timezone => 'Europe/Berlin')");
$s->comes_true('a worker comes', "SELECT count(*) FROM scheduler.stat_workers WHERE type = 'worker'", 1);
my $pid = $s->worker_pid;
my $sent = 0;

sub head
{
	my ($id, $more) = @_;
	return "From: Max <max\@example.com>\nTo: me\@example.org\nDate: " . strftime('%a, %d %b %Y %H:%M:%S +0000', gmtime)
		. "\nSubject: $id\nMessage-ID: <$id\@example.com>\n" . ($more // '');
}

# A mail as an expression of type bytea.
sub bytes { return "'\\x" . unpack('H*', $_[0]) . "'::bytea" }

sub ingest { return $s->sql('SELECT scheduler.ingest_email(' . join(' || ', @_) . ')') }

# What was handed in before is done, and a mail that is quite normal is read by the same worker.
sub goes_on
{
	my ($name, $seconds) = @_;
	$sent++;
	my $id = ingest(bytes(head("normal$sent") . "\nPlease send me report number $sent by " . strftime('%Y-%m-%d', gmtime(time + 7 * 86400)) . " 15:00.\n"));
	ok($s->poll("SELECT processed AND task_id IS NOT NULL FROM scheduler.email_tracking WHERE email_id = '$id'", 't', $seconds // 30)
		  && $s->poll("SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'mail.process' AND status NOT IN ('failed', 'dead')", 0, $seconds // 30)
		  && $s->worker_pid eq $pid, "$name: the same worker reads the next mail")
		or diag($s->sql('SELECT kind, status, attempts, error FROM scheduler.live_jobs') . "\nworker " . $s->worker_pid . " was $pid");
}

# Handed in, kept, read; its error says what was wrong where something is to be said.
sub is_kept
{
	my ($name, $error, @mail) = @_;
	my $id = ingest(@mail);
	$s->poll("SELECT processed FROM scheduler.email_tracking WHERE email_id = '$id'", 't', 30);
	my $got = $s->sql("SELECT m.processed, length(b.raw) > 0 OR m.error IS NOT NULL, m.error FROM scheduler.email_tracking m JOIN scheduler.email_bodies b USING (user_id, email_id) WHERE m.email_id = '$id'");
	like($got, $error ? qr/^t\|t\|.*$error/s : qr/^t\|t\|/, $name);
	return $id;
}

# ---- mails ----

is_kept('a mail that ends inside its parts', undef, bytes(head('cut', "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n") . "\n--b\nContent-Type: text/plain\n\nPlease send"));
is_kept('parts without a boundary', undef, bytes(head('noboundary', "Content-Type: multipart/mixed\n") . "\nwhere are they?\n"));
is_kept('base64 that is none', undef, bytes(head('base64', "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n") . "\n\$\$\$ not base64 === \xff\xfe\n"));
is_kept('an unknown charset and encoding', undef, bytes(head('charset', "Content-Type: text/plain; charset=klingon-8859\nContent-Transfer-Encoding: smoke\n") . "\nqapla'\n"));
is_kept('no header at all', undef, bytes("just some words\nand no mail\n"));
is_kept('a header that begins with its continuation', undef, bytes("  continued: yes\nFrom\nSubject : odd\n\tand longer\n:\n\nbody\n"));
is_kept('one byte', undef, bytes("\n"));
is_kept('invalid UTF-8', undef, bytes(head("utf8", "X-Odd: \xff\xfe\xc3(\nContent-Type: text/plain; charset=utf-8\n") . "\nPlease \xc3( send \xf5\xff \xed\xa0\x80 it by Friday.\n"));
is_kept('NUL bytes', undef, bytes(head("nul", "X-Odd: a\0b\nContent-Type: text/plain\n") . "\nPlease\0 send it\0\n\0\n"));
is_kept('NUL bytes in HTML', undef, bytes(head('nulhtml', "Content-Type: text/html\n") . "\n<p>Please\0 send <b\0>it</b> \x01\x02 &#0; &#xd800; &#99999999;</p>\n"));
foreach my $date ('Fri, 99 Foo 99999 99:99:99 +9999', 'Mon, 01 Jan 0001 00:00:00 +0000', 'Sat, 31 Dec 9999 23:59:59 -9999', '-1', "\xff\xff", 'Thu, 01 Jan 1970 00:00:00')
{
	my $mail = head("date" . ++$sent) =~ s/^Date: .*$/Date: $date/mr;
	is_kept('sent on ' . ($date =~ /[^ -~]/ ? 'no date' : $date), undef, bytes("$mail\nPlease send it by tomorrow.\n"));
}
foreach my $phrase ('31 February 2026', '99/99/9999', 'in 99999999999999 days', 'in -5 hours', '0000-00-00', '2026-13-45T99:99', 'the 400th of May', 'Friday 25:61', 'year 300000')
{
	my $id = is_kept("asked by \"$phrase\"", undef, bytes(head("phrase" . ++$sent) . "\nPlease send me the figures by $phrase. It takes -3 hours or 999999999999 days.\n"));
}
is_kept('an invitation with absurd times', undef, bytes(head('ics', "Content-Type: text/calendar; method=REQUEST\n") . "\nBEGIN:VCALENDAR\nMETHOD:REQUEST\n"
	  . join('', map { "BEGIN:VEVENT\nUID:odd$_->[0]\nSUMMARY:odd\n$_->[1]\nEND:VEVENT\n" }
		[ 1, "DTSTART;TZID=Mars/Phobos:20990101T100000\nDTEND;TZID=Mars/Phobos:20990101T090000" ], [ 2, "DTSTART:99999999T999999Z" ],
		[ 3, "DTSTART:20990101T100000Z\nDURATION:-PT90M" ], [ 4, "DTSTART:20990101T100000Z\nDURATION:P99999999999W" ], [ 5, "DTSTART;VALUE=DATE:20990231" ],
		[ 6, "DTSTART:00000000T000000" ], [ 7, "DTEND:20990101T100000Z" ], [ 8, "DTSTART:-29990101T100000Z\nRRULE:FREQ=SECONDLY;COUNT=-1" ])
	  . "BEGIN:VEVENT\nUID:open\n"));
is($s->sql("SELECT count(*) FROM scheduler.calendar_events WHERE end_datetime <= start_datetime OR start_datetime < '2000-01-01'"), 0, 'none of it became a span that ends before it begins');
my $nested = head('nested', 'Content-Type: multipart/mixed; boundary=b0') . "\n\n";
$nested .= "--b$_\nContent-Type: multipart/mixed; boundary=b" . ($_ + 1) . "\n\n" for 0 .. 9999;
is_kept('10,000 nested parts', 'too_deep', bytes("$nested--b10000\n\nPlease send it.\n"));
is_kept('10,000 nested mails', 'too_deep', bytes(head('rfc822', "Content-Type: message/rfc822\n") . "\n" . "Content-Type: message/rfc822\n\n" x 10000 . "Please send it.\n"));
is_kept('10,000 parts beside each other', 'too_many_parts', bytes(head('parts', "Content-Type: multipart/mixed; boundary=b\n") . "\n" . "--b\n\nword\n" x 10000 . "--b--\n"));
is_kept('a header of 2 MB', 'headers_cut', bytes(head('header')) . " || convert_to(repeat(E'X-Long: yes\\n', 170000) || E'\\nPlease send it.\\n', 'UTF8')");
goes_on('after broken mails');

# ---- sizes ----

is_kept('a mail of 50 MB', 'text_cut', bytes(head('fifty') . "\nPlease send me the large report by tomorrow.\n"), "convert_to(repeat(E'A quiet line of a long letter that asks for nothing.\\n', 950000), 'UTF8')");
my $large = is_kept('a mail of 70 MB', 'too_large', bytes(head('seventy') . "\n"), "convert_to(repeat(E'A quiet line of a long letter that asks for nothing.\\n', 1350000), 'UTF8')");
cmp_ok($s->sql("SELECT length(raw) FROM scheduler.email_bodies WHERE email_id = '$large'"), '<', 300000, 'keeps its headers only');
goes_on('after large mails');

# The middle mail is a hole of 2 GB in a file.
my $mbox = "$folder/sparse.mbox";
my $from = "From max\@example.com Tue Mar  3 09:59:00 2026\n";
open my $file, '>', $mbox or die $!;
print $file $from . head('before') . "\nPlease send me the first figures by tomorrow.\n\n" . $from . head('hole') . "\nhere it comes:\n";
seek $file, 2 * 1024**3, 1 or die $!;
print $file "\n\n" . $from . head('behind') . "\nPlease send me the last figures by tomorrow.\n";
close $file;
chmod 0644, $mbox;
my $started = time;
my $peak = 0;
my $job = $s->sql("SELECT scheduler.enqueue('mail.import', '{\"path\": \"$mbox\"}')");
my $status = '';
while ($status !~ /succeeded|failed|dead/ && time < $started + 60)
{
	my ($kilobytes) = slurp_file("/proc/$pid/status") =~ /^RssAnon:\s+(\d+)/m;
	$peak = $kilobytes if $kilobytes > $peak;
	$status = $s->sql("SELECT status, result FROM scheduler.jobs WHERE job_id = '$job'");
	sleep 0.05;
}
like($status, qr/^succeeded\|.*"mails": 3/, sprintf('an mbox with a mail of 2 GB is imported (%.0f s)', time - $started)) or diag($status);
$s->comes_true('the mails before and behind it are read', "SELECT count(*) FROM scheduler.email_tracking WHERE subject IN ('before', 'behind') AND processed AND task_id IS NOT NULL", 2);
is($s->sql("SELECT error ~ 'too_large' FROM scheduler.email_tracking WHERE subject = 'hole'"), 't', 'it keeps its headers, and says so');
diag("peak of the worker's memory: $peak kB") if $peak >= 400 * 1024;
goes_on('after 2 GB');
unlink $mbox;

# ---- folders ----

SKIP:
{
	skip 'root reads everything', 5 if $> == 0;
	mkdir "$folder/locked" or die $!;
	mkdir "$folder/locked/$_" or die $! foreach qw(box box/new box/cur box/tmp);
	chmod 0, "$folder/locked";
	mkfifo("$folder/fifo", 0600);
	my %path = (locked => "$folder/locked/box", gone => "$folder/nowhere", fifo => "$folder/fifo");
	$s->sql("SELECT scheduler.add_account('maildir', '$_\@example.org', settings => '{\"path\": \"$path{$_}\"}', poll_interval => '1 second')") foreach sort keys %path;
	$s->comes_true('folders that cannot be read become errors of their accounts', "SELECT count(*) FROM scheduler.accounts WHERE status = 'error' AND last_error <> ''", 3);
	my $user = getpwuid $>;
	like($s->sql("SELECT last_error FROM scheduler.accounts WHERE address ~ 'locked'"), qr/OS user "$user" lacks permission x on folder "\Q$folder\E\/locked"/, 'which tell the OS user and what he lacks');
	like($s->sql("SELECT last_error FROM scheduler.accounts WHERE address ~ 'gone'"), qr/No such file/, 'or that there is none');
	my $doctor = $s->sql("SELECT check_name, status, detail, hint FROM scheduler.doctor() WHERE check_name ~ '^account'");
	is(scalar(() = $doctor =~ /^account \w+\@example\.org\|fail\|could not [^|]+\|[^|]*(?:chmod|path)[^|]*$/mg), 3, 'doctor() has a line with a hint for each') or diag($doctor);
	chmod 0755, "$folder/locked";
	$s->comes_true('one that can be read again heals', "SELECT count(*) FROM scheduler.accounts WHERE status = 'active' AND last_error IS NULL", 1);
	$s->sql('SELECT scheduler.disconnect_account(account_id) FROM scheduler.accounts');
	goes_on('after folders');
}

# ---- answers of a model ----

$s->sql("SELECT scheduler.add_model('mock', 'openai', 'mock-1', NULL, '@{[ $service->url ]}')");
$s->sql("SELECT scheduler.set_model('extract', 'mock')");
my %case;
$case{$_} = ingest(bytes(head("answer$_") . "\nCASE-$_-: please send me the figures by tomorrow 15:00.\n")) foreach sort keys %answers;
$s->comes_true('mails with answers that fit nothing are all read', "SELECT count(*) FROM scheduler.email_tracking WHERE subject ~ '^answer' AND NOT processed", 0, 60)
	or diag($s->sql("SELECT m.subject, j.status, j.attempts, j.error FROM scheduler.email_tracking m LEFT JOIN scheduler.live_jobs j ON j.unique_key = m.email_id::text WHERE m.subject ~ '^answer' AND NOT m.processed"));
foreach my $name (sort keys %answers)
{
	my $mended = $name =~ /^(negative|exponent|backwards|huge|offset)$/;
	like($s->sql("SELECT metadata #>> '{extraction,model}', metadata #>> '{extraction,fallback}', error FROM scheduler.email_tracking WHERE email_id = '$case{$name}'"),
		$mended ? qr/^(mock-1\||builtin\|true)/ : qr/^builtin\|true\|/, "answer \"$name\": " . ($mended ? 'mended or replaced by the built-in rules' : 'the built-in rules, marked'));
}
is($s->sql("SELECT count(*) FROM scheduler.tasks WHERE duration_minutes NOT BETWEEN 1 AND 10080 OR priority NOT BETWEEN 1 AND 10 OR NOT isfinite(deadline) OR length(description) > 1000"), 0, 'no task has an absurd value');
is($s->sql("SELECT max(n) FROM (SELECT count(*) AS n FROM scheduler.llm_calls GROUP BY job_id) AS c"), 2, 'nobody was asked more than twice');
$s->sql("SELECT scheduler.set_model('extract', 'builtin')");
goes_on('after such answers');

# ---- arguments ----

my @calls = (
	[ 'scheduler.parse_when(\'tomorrow\', timezone => \'Mars/Phobos\')', '22023' ],
	[ 'scheduler.parse_when(\'tomorrow\', \'infinity\')', '22023' ],
	[ 'scheduler.extract_facts(\'Send it.\', timezone => \'Mars/Phobos\')', '22023' ],
	[ 'scheduler.extract_later(\'Send it.\', timezone => \'Mars/Phobos\')', '22023' ],
	[ 'scheduler.create_user(\'x@example.org\', \'X\', \'Mars/Phobos\')', '22023' ],
	[ 'scheduler.setup(\'me@example.org\', timezone => \'Mars/Phobos\')', '22023' ],
	[ 'scheduler.save_schedule(\'x\', \'noop\', every => \'1 day\', timezone => \'Mars/Phobos\')', '22023' ],
	[ 'scheduler.save_schedule(\'x\', \'noop\', every => \'-1 day\')', '22023' ],
	[ 'scheduler.add_task(\'x\', -30)', '22023' ], [ 'scheduler.add_task(\'x\', 0)', '22023' ], [ 'scheduler.add_task(\' \')', '22023' ],
	[ 'scheduler.add_task(\'x\', deadline => \'infinity\')', '22023' ],
	[ 'scheduler.add_task(\'x\', priority => 4711)', '22023' ],
	[ 'scheduler.add_event(\'x\', now() + interval \'1 day\', now())', '22023' ],
	[ 'scheduler.add_event(\'x\', \'-infinity\', \'infinity\')', '22023' ],
	[ 'scheduler.hold_slot(now() + interval \'2 day\', now() + interval \'1 day\')', '22023' ],
	[ 'scheduler.hold_slot(now() + interval \'1 day\', now() + interval \'2 day\', \'-5 minutes\')', '22023' ],
	[ 'scheduler.find_slots(\'-1 hour\')', '22023' ],
	[ 'scheduler.protect_time(\'x\', now(), now() - interval \'1 hour\')', '22023' ],
	[ 'scheduler.set_availability(9, \'09:00\', \'17:00\')', '22023' ], [ 'scheduler.set_availability(1, \'17:00\', \'09:00\')', '22023' ],
	[ 'scheduler.set_preference(\'buffer_minutes\', \'-10\')', '22023' ],
	[ 'scheduler.postpone_task(task_id, \'infinity\') FROM scheduler.tasks LIMIT 1', '22023' ],
	[ 'scheduler.log_work(task_id, -5) FROM scheduler.tasks LIMIT 1', '22023' ],
	[ 'scheduler.ingest_email(NULL)', '22023' ],
	[ 'scheduler.ingest_email(\'x\', scheduler.uuid7())', '42501' ],
	[ 'scheduler.import_mailbox(\'relative/path\')', '22023' ], [ "scheduler.import_mailbox('$folder/nowhere')", '58030' ],
	[ 'scheduler.add_account(\'maildir\', \'x@example.org\', settings => \'{"path": "x"}\')', '22023' ],
	[ 'scheduler.add_account(\'maildir\', \'x@example.org\', settings => \'[1]\')', '22023' ],
	[ 'scheduler.add_account(\'pigeon\', \'x@example.org\')', '22023' ],
	[ 'scheduler.enqueue(\'nothing.known\')', '.....' ],
	[ 'scheduler.schedule_text(NULL)', '22023' ], [ 'scheduler.schedule_text(repeat(\'two hours of x, \', 100000))', '22023' ]);
foreach my $call (@calls)
{
	my ($code, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT $call->[0]");
	like($err, qr/ERROR:  $call->[1]: .*^HINT:  \S/ms, $call->[0] =~ s/\Q$folder//r) or diag("out: " . ($out // ''));
}
is($s->sql("SELECT count(*) FROM scheduler.parse_when('in 99999999999999 years'), scheduler.parse_duration('-5 minutes') AS d WHERE d < '0'"), 0, 'no negative length is read');
like($s->sql("SELECT scheduler.schedule_text('-5 hours of x on 31 February')"), qr/^\{/, 'an absurd sentence is answered');
goes_on('after bad arguments');
is($s->sql('SELECT count(*) FROM scheduler.dead_jobs'), 0, 'no job failed') or diag($s->sql('SELECT kind, payload, error FROM scheduler.dead_jobs'));
is($s->sql('SELECT count(*) FROM scheduler.email_tracking WHERE NOT processed'), 0, 'no mail is left over');
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP/, 'nothing crashed');

$node->stop;
done_testing();
