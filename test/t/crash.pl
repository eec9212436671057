# Nothing is lost and nothing happens twice, wherever the processes die: kill -9 at the named points of a worker and a
# runner (src/core/fault.h), kill -9 of the postmaster, immediate stops, SIGTERM. Mails go through the built-in rules and through
# a model over HTTP meanwhile; afterwards everything is counted.
#
# The test runner starts it with a server whose library has those points.
use strict;
use warnings;
use Aimock;
use JSON::PP;
use POSIX qw(strftime);
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);

my $folder = PostgreSQL::Test::Utils::tempdir();
my $n_remote = 56;
my $begun = time;

# ---- mails ----

# [ role, bytes as hex ]
my @local;
my @remote;
system_or_bail('python3', "$ENV{TREE}/test/lib/render_mails.py", "$folder/demo");
foreach my $path (sort glob("$folder/demo/{anna,ben}/new/*"))
{
	push @local, [ $path =~ m{/anna/} ? 'anna' : 'ben', unpack('H*', slurp_file($path)) ];
}

sub write_mail
{
	my ($id, $subject, $body) = @_;
	my $date = strftime('%a, %d %b %Y %H:%M:%S +0000', gmtime(time - 3600));
	return unpack('H*', "From: Max Muster <max\@example.com>\nTo: me\@example.org\nDate: $date\nSubject: $subject\n"
		  . "Message-ID: <$id\@example.com>\n\n$body\n");
}

my @things = qw(invoice contract budget roadmap slides minutes quote draft);
for (my $i = 1; @local < 60; $i++)
{
	my $thing = $things[ $i % @things ];
	push @local, [ $i % 2 ? 'anna' : 'ben', write_mail("local$i", "The $thing", sprintf(
		'Please send me the %s number %d by %s 15:00.', $thing, $i, strftime('%Y-%m-%d', gmtime(time + (3 + $i % 9) * 86400)))) ];
}
my @fixtures;
foreach my $i (1 .. $n_remote + 1)
{
	my $mark = sprintf('REF-%03d', $i);
	push @remote, [ 'carl', write_mail("remote$i", "About $mark", "Would you see to $mark?") ];
	push @fixtures, [ $mark, { classification => 'actionable', confidence => 0.9, language => 'en', events => [], tasks => [
		{ description => "See to $mark", deadline => strftime('%Y-%m-%dT16:00:00', gmtime(time + (2 + $i % 10) * 86400)),
		  duration_minutes => 45, priority => 5, location => undef, attendees => [], category => 'work', confidence => 0.9 } ] } ];
}

my $late = pop @remote;

# ---- the server ----

my $service = Aimock->start("$folder/service", \@fixtures, 30);
my $s = Sched->start('crash', bare => 1, conf => qq{
restart_after_crash = on
include_if_exists = 'fault.conf'
scheduler.http_private_hosts = '@{[ $service->host ]}'
scheduler.workers = 2
max_worker_processes = 40
});
my $node = $s->node;
my $log = $node->logfile;
my $fault_conf = $node->data_dir . '/fault.conf';

sub make_users
{
	my ($database) = @_;
	$s->sql('CREATE EXTENSION scheduler CASCADE; SELECT scheduler.arm()', undef, $database);
	$s->sql("SELECT scheduler.create_user('$_->[0]\@example.org', '$_->[0]', '$_->[1]', role_name => '$_->[0]')", undef, $database)
		foreach [ 'anna', 'Europe/Berlin' ], [ 'ben', 'America/New_York' ], [ 'carl', 'Asia/Tokyo' ];
}

# What the server says, or undef while it is down.
sub ask
{
	my ($statement, $database) = @_;
	my ($code, $out) = $node->psql($database // 'postgres', $statement, on_error_stop => 1);
	return defined $code && $code == 0 ? $out : undef;
}

# As a sender does: once more until somebody took it.
sub feed
{
	my ($database, @mails) = @_;
	return unless @mails;
	my $statement = join '', map { "SET ROLE $_->[0]; SELECT scheduler.ingest_email('\\x$_->[1]'); " } @mails;
	my $until = time + 30;
	while (time < $until)
	{
		return if defined ask($statement, $database);
		sleep 0.05;
	}
	die 'no mail could be handed in';
}

my $tasks_of_mails = q{
	SELECT coalesce(string_agg(concat_ws('|', u.role_name, t.description, t.deadline, t.status = 'cancelled', t.metadata ->> 'stale', m.message_key), E'\n'
		ORDER BY u.role_name, m.message_key, t.description, t.deadline), 'none')
	FROM scheduler.tasks AS t JOIN scheduler.users AS u USING (user_id)
		LEFT JOIN scheduler.email_tracking AS m ON m.email_id = t.source_email_id
	WHERE u.role_name <> 'carl'};
my $events_of_mails = q{
	SELECT coalesce(string_agg(concat_ws('|', u.role_name, e.summary, e.start_datetime, e.end_datetime, e.status), E'\n'
		ORDER BY u.role_name, e.summary, e.start_datetime), 'none')
	FROM scheduler.calendar_events AS e JOIN scheduler.users AS u USING (user_id) WHERE e.is_external};

# ---- undisturbed ----

$s->sql("CREATE ROLE $_ LOGIN") foreach qw(anna ben carl);
$s->sql('CREATE DATABASE calm');
make_users('calm');
feed('calm', @local);
ok($node->poll_query_until('calm', 'SELECT count(*) = 60 FROM scheduler.email_tracking WHERE processed'), 'an undisturbed run reads the 60 mails');
my $expected_tasks = $s->sql($tasks_of_mails, undef, 'calm');
my $expected_events = $s->sql($events_of_mails, undef, 'calm');
my $n_expected = () = $expected_tasks =~ /^/mg;
cmp_ok($n_expected, '>', 30, "and finds $n_expected tasks");
$s->sql('DROP DATABASE calm');

# ---- disturbed ----

make_users('postgres');
$s->sql("SET ROLE carl; SELECT scheduler.add_model('mock', 'openai', 'mock-1', NULL, '@{[ $service->url ]}');"
	  . " SELECT scheduler.set_model('extract', 'mock')");
# Every end of a mail's job is a change; jobs of a user's kind run in runners.
$s->sql(q{
	UPDATE scheduler.job_kinds SET announce = true WHERE kind = 'mail.process';
	CREATE ROLE dev LOGIN; GRANT scheduler_developer TO dev;
	SELECT scheduler.create_user('dev@example.org', 'dev', 'UTC', role_name => 'dev');
	CREATE SCHEMA app AUTHORIZATION dev;
	SET ROLE dev;
	CREATE TABLE app.marks (n integer, at timestamptz DEFAULT clock_timestamp());
	CREATE FUNCTION app.mark(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS
		$$ BEGIN INSERT INTO app.marks (n) VALUES ((job.payload ->> 'n')::integer); RETURN scheduler.step_done(job.payload); END $$;
	SELECT scheduler.register_job_kind('app.mark', 'app.mark')});

sub killed { return scalar(() = slurp_file($log) =~ /was terminated by signal 9/g) }

sub set_fault
{
	my ($value) = @_;
	open my $file, '>', $fault_conf or die "$fault_conf: $!";
	print $file "scheduler.fault_point = '$value'\n";
	close $file;
	$node->reload;
}

# A reader of changes that goes on from the last number it saw, across every crash.
my %seen;
my $last_seen = 0;
my @complaints;

sub read_changes
{
	my $rows = ask("SELECT change_seq, type, subject_id FROM scheduler.changes WHERE change_seq > $last_seen ORDER BY change_seq");
	foreach my $row (split /\n/, $rows // '')
	{
		my ($number, $rest) = split /\|/, $row, 2;
		push @complaints, "after $last_seen came $number" if $number != $last_seen + 1;
		$seen{$number} = $rest;
		$last_seen = $number;
	}
}

my %kills;
my $mark = 0;

sub feed_some
{
	my ($n_local, $n_remote_mails) = @_;
	feed('postgres', splice(@local, 0, $n_local), splice(@remote, 0, $n_remote_mails));
	$mark++;
	until (defined ask("SET ROLE dev; SELECT scheduler.enqueue('app.mark', '{\"n\": $mark}', unique_key => '$mark')"
			  . " WHERE NOT EXISTS (SELECT FROM scheduler.jobs WHERE kind = 'app.mark' AND unique_key = '$mark')"))
	{
		sleep 0.05;
	}
}

# A process that began with the setting may still strike; and a fast stop between a crash and the recovery would wait for
# ever (doc/operations.md).
sub settle
{
	my ($seen, $since) = (killed(), time);
	my $until = time + 30;
	while (time - $since < 0.4 && time < $until)
	{
		($seen, $since) = (killed(), time) if !defined ask('SELECT 1') || killed() != $seen;
		sleep 0.05;
	}
}

# The process that reaches the point for the n-th time dies; how many died until the setting was gone is counted. After a
# crash jobs are taken one at a time with a mark, after a clean restart in batches: both are disturbed.
my $restarts = 0;

sub kill_at
{
	my ($point, $nth, @mails) = @_;
	if ($restarts)
	{
		settle();
		$node->restart;
	}
	my $before = killed();
	set_fault("$point:$nth");
	feed_some(@mails);
	my $until = time + 10;
	sleep 0.01 while killed() == $before && time < $until;
	set_fault('');
	my $until_up = time + 30;
	sleep 0.02 while !defined ask('SELECT 1') && time < $until_up;
	$kills{$point} += killed() - $before;
	read_changes();
}

sub start_again
{
	# Its processes may not be gone yet; and the library takes the pid file that is left for a server.
	for (1 .. 100)
	{
		$node->{_pid} = undef;
		return if $node->start(fail_ok => 1);
		sleep 0.1;
	}
	die 'the server does not start';
}

foreach my $round (1 .. 4)
{
	$restarts = $round % 2 == 0;
	kill_at('claimed', 1, 2, 1);
	kill_at('before_commit', 1, 2, 1);
	kill_at('sent', 1, 1, 2);
	kill_at('answered', 1, 1, 2);
	kill_at('claimed', 2, 2, 0);
	kill_at('before_commit', 2, 2, 1);
	kill_at('sent', 2, 0, 2);
	kill_at('answered', 2, 1, 2);
	# One of two workers leaves without a crash; what it had in flight is looked after by the other.
	feed_some(1, 2);
	sleep 0.01 until (ask('SELECT sum(in_flight) > 0 OR NOT EXISTS (SELECT FROM scheduler.live_jobs WHERE ready OR lease IS NOT NULL) FROM scheduler.stat_workers') // '') eq 't';
	$kills{'ended by SIGTERM'} += ask("SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM (SELECT pid FROM scheduler.stat_workers"
		  . " WHERE type = 'worker' ORDER BY in_flight DESC LIMIT 1) AS w") // 0;
	if ($round == 1)
	{
		feed_some(1, 1);
		$node->kill9;
		$kills{postmaster}++;
		start_again();
	}
	elsif ($round == 3)
	{
		feed_some(1, 1);
		$node->stop('immediate');
		$kills{'immediate stop'}++;
		start_again();
	}
}
feed('postgres', @local, @remote);
my $total = 0;
$total += $_ foreach values %kills;
cmp_ok($total, '>=', 30, "$total violent ends: " . join(', ', map { "$_ $kills{$_}" } sort keys %kills));
cmp_ok($kills{$_}, '>=', 4, "of them enough at \"$_\"") foreach qw(claimed sent answered before_commit);

# What waits for its next attempt need not be waited for here.
my $deadline = time + 60;
my $left = '';
while (time < $deadline)
{
	ask("SELECT scheduler.retry_job(job_id) FROM scheduler.live_jobs WHERE status = 'pending' AND NOT ready");
	read_changes();
	$left = ask('SELECT count(*) FROM scheduler.live_jobs') // '';
	last if $left eq '0';
	sleep 0.1;
}
is($left, '0', 'no job is left over')
	or diag($s->sql('SELECT job_id, kind, status, attempts, ready, run_at - now(), lease, error FROM scheduler.live_jobs'));

# ---- counting ----

my $n = 60 + $n_remote;
is($s->sql('SELECT count(*), count(DISTINCT (user_id, message_key)), count(*) FILTER (WHERE processed) FROM scheduler.email_tracking'),
	"$n|$n|$n", 'each mail has one row, and is read');
is($s->sql('SELECT count(*) FROM scheduler.email_bodies'), $n, 'and one body');
is($s->sql($tasks_of_mails), $expected_tasks, 'the built-in rules made exactly the tasks of the undisturbed run');
is($s->sql($events_of_mails), $expected_events, 'and its events');
is($s->sql("SELECT count(*), count(DISTINCT t.description), count(DISTINCT t.source_email_id) FROM scheduler.tasks t JOIN scheduler.users u USING (user_id) WHERE u.role_name = 'carl'"),
	"$n_remote|$n_remote|$n_remote", 'the model\'s tasks are there once each');
is($s->sql("SELECT count(*), count(DISTINCT context_data ->> 'email_id') FROM scheduler.agent_context WHERE agent_name = 'mail' AND context_type = 'output'"),
	"$n|$n", 'each mail has one applied extraction');
is($s->sql("SELECT status, count(*), count(DISTINCT job_id), count(DISTINCT unique_key) FROM scheduler.finished_jobs WHERE kind = 'mail.process' GROUP BY status"),
	"succeeded|$n|$n|$n", 'each mail\'s job finished once');
is($s->sql("SELECT count(*), count(DISTINCT n) FROM app.marks"), "$mark|$mark", "what $mark jobs of runners wrote is there once each");
is($s->sql('SELECT count(*) FROM scheduler.finished_jobs'), $n + $mark, 'there are no other jobs');
is($s->sql('SELECT count(*) FROM scheduler.calendar_events a JOIN scheduler.calendar_events b ON a.user_id = b.user_id AND a.event_id < b.event_id
	AND a.blocks AND b.blocks AND a.during && b.during'), 0, 'no blocks overlap');
is($s->sql("SELECT count(*) FROM scheduler.tasks t WHERE t.status = 'scheduled' AND NOT EXISTS (SELECT FROM scheduler.calendar_events e WHERE e.task_id = t.task_id AND e.blocks)"), 0,
	'each scheduled task has its block');
cmp_ok($s->sql('SELECT count(*) FROM scheduler.calendar_events WHERE blocks'), '>=', 50, 'there are blocks');

# ---- the ledger ----

# How often the service was asked about each mail.
sub served
{
	my $journal = decode_json($service->journal);
	my %served;
	foreach my $entry (@{ ref $journal eq 'HASH' ? $journal->{entries} // $journal->{requests} // [] : $journal })
	{
		my ($ref) = encode_json($entry) =~ /(REF-\d+)/;
		$served{$ref}++ if $ref;
	}
	return %served;
}

is($s->sql("SELECT count(*) FILTER (WHERE outcome = 'ok'), count(DISTINCT job_id) FILTER (WHERE outcome = 'ok') FROM scheduler.llm_calls"),
	"$n_remote|$n_remote", 'each mail of the model has one call that counts');
my $lost = $s->sql("SELECT count(*) FROM scheduler.llm_calls WHERE outcome = 'lost'");
is($s->sql("SELECT count(*) FROM scheduler.llm_calls WHERE outcome NOT IN ('ok', 'lost')"), 0, 'the others were lost');
cmp_ok($lost, '>=', 8, "$lost calls were lost and repeated");
my %served = served();
my %recorded = map { split /\|/ } split /\n/, $s->sql(q{SELECT substring(subject FROM 'REF-\d+'), count(*) FROM scheduler.llm_calls GROUP BY 1});
is(scalar(keys %served), $n_remote, 'the service saw each mail');
is(join(' ', grep { ($recorded{$_} // 0) < $served{$_} } sort keys %served), '', 'the ledger has every call that the service saw');

# ---- changes ----

ok($s->poll('SELECT count(*) FROM scheduler.new_changes', 0), 'every change is numbered');
read_changes();
is(join('; ', @complaints), '', 'a reader that goes on from its last number saw no gap and no number twice');
is(join("\n", map { "$_|$seen{$_}" } sort { $a <=> $b } keys %seen),
	$s->sql('SELECT change_seq, type, subject_id FROM scheduler.changes ORDER BY change_seq'), 'what it read is what stayed');
is($s->sql('SELECT count(*), count(DISTINCT change_seq), min(change_seq), max(change_seq) FROM scheduler.changes'),
	"$last_seen|$last_seen|1|$last_seen", "it saw all $last_seen");
is($s->sql("SELECT count(*), count(DISTINCT subject_id) FROM scheduler.changes WHERE type = 'job.succeeded'"), "$n|$n", 'among them the end of each mail\'s job');

# ---- an answer that its handler could not use at once ----

my $session = $node->background_psql('postgres');
$session->query_safe("BEGIN; SELECT scheduler.lock_calendar(user_id) FROM scheduler.users WHERE role_name = 'carl'");
feed('postgres', $late);
$s->comes_true('a handler fails while the calendar is locked', "SELECT count(*) FROM scheduler.live_jobs WHERE error ~ '55P03'", 1);
$session->query_safe('COMMIT');
$session->quit;
$s->comes_true('and gets the answer again', 'SELECT count(*) FROM scheduler.live_jobs', 0);
%served = served();
is($served{ sprintf('REF-%03d', $n_remote + 1) }, 1, 'without another call');
is($s->sql("SELECT count(*) FROM scheduler.tasks WHERE description = 'See to " . sprintf('REF-%03d', $n_remote + 1) . "'"), 1, 'and its task is there');
note('most attempts of a job: ' . $s->sql('SELECT max(attempts) FROM scheduler.finished_jobs'));

$node->stop;
note(sprintf('%.0f s', time - $begun));
done_testing();
