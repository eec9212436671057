# Whatever is killed, whenever: mails, jobs, calls, queues, families and cancels under violent ends at named points of worker
# and runner (src/core/fault.h) and at random moments; the counts at the end, and as far as they always hold on the way, must be
# those of an undisturbed run.
#
#   KILLS=30 MAILS=300 SEED=n      "make torture" runs it with 1,000 and 10,000; the seed is printed
#
# The test runner starts it with a server whose library has those points.
use strict;
use warnings;
use List::Util qw(shuffle);
use POSIX qw(WNOHANG);
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;
use Time::HiRes qw(time sleep);
use Torture;

my $n_kills = $ENV{KILLS} // 30;
my $n_mails = $ENV{MAILS} // 300;
my $seed = $ENV{SEED} // int(time * 1000) % 1000000;
my $n_users = $n_mails > 1000 ? 40 : 6;
my $begun = time;
srand($seed);
note("torture seed $seed: $n_kills kills, $n_mails mails, $n_users users");

my $folder = $Torture::folder = PostgreSQL::Test::Utils::tempdir();

# ---- the service and the server ----

my $service = open(my $pipe, '-|', 'python3', "$ENV{TREE}/test/services/model.py", "$folder/ledger") or die "service: $!";
my %clients;
my $self = $$;
END
{
	my $status = $?;
	if ($$ == $self)
	{
		kill 'TERM', grep { $_ } $service, values %clients;
		close $pipe if $pipe;
	}
	$? = $status;
}
my $port = <$pipe>;
chomp $port;
my $url = "http://127.0.0.1:$port";

my $s = Sched->start('torture', bare => 1, conf => qq{
restart_after_crash = on
include_if_exists = 'fault.conf'
scheduler.http_private_hosts = '127.0.0.1:$port'
scheduler.workers = 2
scheduler.runners = 3
max_worker_processes = 40
max_wal_size = 256MB
checkpoint_timeout = 30s
log_min_messages = warning
log_statement = none
log_connections = off
log_disconnections = off
});
my $node = $s->node;
my $log = $node->logfile;
my $data = $node->data_dir;
$Torture::connection = $node->connstr . ' connect_timeout=5';

# ---- mails and users ----

my @roles = map { "u$_" } 1 .. $n_users;
my %is_remote = map { $roles[$_] => $_ % 2 } 0 .. $#roles;
# [ role, text, way ]
my @mails = map { my $role = $roles[ $_ % @roles ]; [ $role, Torture::write_mail($_, $is_remote{$role}), int($_ / @roles) % 3 ] } 1 .. $n_mails;
my $n_remote = grep { $is_remote{ $_->[0] } } @mails;

sub make_users
{
	my ($database, $path) = @_;
	$s->sql('CREATE EXTENSION scheduler CASCADE; SELECT scheduler.arm();'
		  . " SELECT scheduler.create_user(r || '\@example.org', r, 'Europe/Berlin', role_name => r) FROM unnest('{@{[ join ',', @roles ]}}'::text[]) AS r;"
		  . join(' ', map { $is_remote{$_} ? "SET ROLE $_; SELECT scheduler.add_model('mock', 'openai', 'mock-1', NULL, '$url/$path/v1'); SELECT scheduler.set_model('extract', 'mock'); RESET ROLE;" : () } @roles),
		undef, $database);
}

my $tasks_of_mails = q{
	SELECT coalesce(string_agg(concat_ws('|', u.role_name, m.message_key, t.description, t.deadline, t.duration_minutes, t.status = 'cancelled', t.metadata ->> 'stale'), E'\n'
		ORDER BY u.role_name, m.message_key, t.description, t.deadline), 'none')
	FROM scheduler.tasks AS t JOIN scheduler.users AS u USING (user_id)
		LEFT JOIN scheduler.email_tracking AS m ON m.user_id = t.user_id AND m.email_id = t.source_email_id};
my $events_of_mails = q{
	SELECT coalesce(string_agg(concat_ws('|', u.role_name, e.summary, e.start_datetime, e.end_datetime, e.status), E'\n'
		ORDER BY u.role_name, e.summary, e.start_datetime), 'none')
	FROM scheduler.calendar_events AS e JOIN scheduler.users AS u USING (user_id) WHERE e.is_external};

# ---- undisturbed ----

$s->sql('CREATE ROLE developers; ' . join ' ', map { "CREATE ROLE $_ LOGIN; GRANT pg_read_server_files TO $_;" } @roles);
$s->sql('CREATE DATABASE calm');
make_users('calm', 'calm');
my @all = map { "SET ROLE $_->[0]; SELECT scheduler.ingest_email('\\x" . unpack('H*', $_->[1]) . "');" } @mails;
while (my @some = splice @all, 0, 500)
{
	$s->sql(join("\n", @some), undef, 'calm');
}
is(wait_for('SELECT count(*) FROM scheduler.email_tracking WHERE NOT processed', 0, 60 + $n_mails / 10, 'calm'), 0, "an undisturbed run reads the $n_mails mails");
my @expected_tasks = split /\n/, $s->sql($tasks_of_mails, undef, 'calm');
my @expected_events = split /\n/, $s->sql($events_of_mails, undef, 'calm');
cmp_ok(@expected_tasks, '>', $n_mails / 2, 'and finds ' . @expected_tasks . ' tasks, ' . @expected_events . ' events');
$s->sql('DROP DATABASE calm');

# ---- what is to be disturbed ----

make_users('postgres', 'torture');
$s->sql("UPDATE scheduler.job_kinds SET announce = true WHERE kind = 'mail.process';" . Torture::make_kinds($url)
	  . join ' ', map { "GRANT scheduler_developer TO $_;" } @roles);
# What runs in a worker runs as the extension's owner.
$s->sql('GRANT USAGE ON SCHEMA app TO scheduler_owner; GRANT INSERT ON app.effects TO scheduler_owner');
foreach my $role (@roles)
{
	mkdir "$folder/$role" or die $!;
	mkdir "$folder/$role/$_" or die $! foreach qw(tmp new cur);
	$s->sql("SET ROLE $role; SELECT scheduler.add_account('maildir', '$role\@example.org', settings => '{\"path\": \"$folder/$role\"}', poll_interval => '1 second')");
}
$s->sql("SET ROLE u1; SELECT scheduler.save_schedule('tick', 'noop', every => '1 second')");

# Until the statement answers $wanted; what it answered last.
sub wait_for
{
	my ($statement, $wanted, $seconds, $database) = @_;
	my $until = time + $seconds;
	my $got = 'nothing';
	while (time < $until)
	{
		$got = Torture::ask($statement, $database) // 'nothing';
		last if $got eq $wanted;
		sleep 0.1;
	}
	return $got;
}

# ---- what always holds ----

# Each names what it counts and must be 0 in every snapshot.
my %never = (
	'blocks that overlap' => q{SELECT count(*) FROM scheduler.calendar_events a JOIN scheduler.calendar_events b ON a.user_id = b.user_id
		AND a.event_id < b.event_id AND a.blocks AND b.blocks AND a.during && b.during},
	'jobs finished twice' => 'SELECT count(*) - count(DISTINCT job_id) FROM scheduler.finished_jobs',
	'jobs finished and live' => 'SELECT count(*) FROM scheduler.live_jobs JOIN scheduler.finished_jobs USING (job_id)',
	'dead or failed jobs' => q{SELECT count(*) FROM scheduler.live_jobs WHERE status IN ('dead', 'failed')},
	'effects twice' => 'SELECT count(*) - count(DISTINCT job_id) FROM app.effects',
	'answers applied twice' => 'SELECT count(serial) - count(DISTINCT serial) FROM app.effects WHERE serial > 0',
	'effects without a success' => q{SELECT count(*) FROM app.effects e WHERE NOT EXISTS (SELECT FROM scheduler.finished_jobs f
		WHERE f.job_id = e.job_id AND f.status = 'succeeded')},
	'successes without an effect' => q{SELECT count(*) FROM scheduler.finished_jobs f WHERE f.kind ~ '^app' AND f.status = 'succeeded'
		AND NOT EXISTS (SELECT FROM app.effects e WHERE f.job_id = e.job_id)},
	'wishes without a job' => 'SELECT count(*) FROM app.wishes w WHERE NOT EXISTS (SELECT FROM scheduler.jobs j WHERE j.job_id = w.job_id)',
	'cancelled jobs that went on' => q{SELECT count(*) FROM app.cancels c WHERE c.cancelled AND NOT EXISTS (SELECT FROM scheduler.finished_jobs f
		WHERE f.job_id = c.job_id AND f.status = 'cancelled')},
	'mails twice' => 'SELECT count(*) - count(DISTINCT (user_id, message_key)) FROM scheduler.email_tracking',
	'extractions applied twice' => q{SELECT count(*) - count(DISTINCT context_data ->> 'email_id') FROM scheduler.agent_context
		WHERE agent_name = 'mail' AND context_type = 'output'},
	'model answers counted twice' => q{SELECT count(*) - count(DISTINCT job_id) FROM scheduler.llm_calls WHERE outcome = 'ok'},
	'numbers of changes with gaps or twice' => 'SELECT coalesce(max(change_seq), 0) - count(DISTINCT change_seq) + count(*) - count(DISTINCT change_seq) FROM scheduler.changes',
	'scheduled tasks without their block' => q{SELECT count(*) FROM scheduler.tasks t WHERE t.status = 'scheduled'
		AND NOT EXISTS (SELECT FROM scheduler.calendar_events e WHERE e.user_id = t.user_id AND e.task_id = t.task_id AND e.blocks)},
	'families counted wrong' => q{SELECT count(*) FROM app.effects WHERE kind = 'app.family' AND serial <> -3},
	'queues out of order' => q{SELECT count(*) FROM (SELECT (e.payload ->> 'n')::integer AS n, lag((e.payload ->> 'n')::integer)
		OVER (PARTITION BY f.user_id, f.queue ORDER BY e.effect_id) AS before FROM app.effects e JOIN scheduler.finished_jobs f USING (job_id)
		WHERE e.kind = 'app.line') AS o WHERE o.n < o.before},
	'queues with two at once' => 'SELECT count(*) - count(DISTINCT (user_id, queue)) FROM scheduler.live_jobs WHERE holds_queue',
	'schedule runs without their job' => q{SELECT count(*) FROM scheduler.schedule_runs r WHERE r.outcome = 'enqueued'
		AND NOT EXISTS (SELECT FROM scheduler.jobs j WHERE j.job_id = r.job_id)});
my @names = sort keys %never;
my %violated;

# All in one statement, that is, in one snapshot.
sub check_invariants
{
	my ($when) = @_;
	my $answer = Torture::insist('SELECT ' . join(', ', map { "($never{$_})" } @names));
	my @counts = split /\|/, $answer;
	foreach my $i (0 .. $#names)
	{
		next if $counts[$i] eq '0' || $violated{ $names[$i] };
		$violated{ $names[$i] } = "$counts[$i] $when";
		diag("seed $seed, $when: $counts[$i] $names[$i]");
	}
}

# ---- violent ends ----

my %ends;
my %points;
my $log_position = 0;

# What the server's log tells since the last look: strikes at fault points.
sub read_log
{
	open my $file, '<', $log or return 0;
	seek $file, $log_position, 0;
	my $n = 0;
	while (my $line = <$file>)
	{
		last unless $line =~ /\n\z/;
		$log_position += length $line;
		next unless $line =~ /scheduler fault: (\S+) (\w+)/;
		$points{$1}++;
		$ends{ $2 eq 'kill' ? 'kill -9 at a point' : $2 eq 'postmaster' ? 'kill -9 of the postmaster at a point'
			: $2 eq 'stop' ? 'immediate stop at a point' : 'SIGTERM at a point' }++;
		$n++;
	}
	return $n;
}

sub count_ends
{
	my $n = 0;
	$n += $ends{$_} foreach grep { !/SIGTERM|fast/ } keys %ends;
	return $n;
}

sub postmaster_pid
{
	open my $file, '<', "$data/postmaster.pid" or return;
	my $pid = <$file> // return;
	chomp $pid;
	return kill(0, $pid) ? $pid : undef;
}

my $slowest_start = 0;

# The postmaster up and answering, whatever state it was left in.
sub bring_up
{
	my $from = time;
	my @left;
	until (defined Torture::ask('SELECT 1'))
	{
		die "seed $seed: the server does not come up" if time - $from > 180;
		if (!postmaster_pid())
		{
			# What the dead one left behind holds its shared memory.
			@left = map { $_->[1] } Torture::children(1) if time - $from > 3 && !@left;
			$node->{_pid} = undef;
			$node->start(fail_ok => 1);
		}
		sleep 0.05;
	}
	my $took = time - $from;
	note(sprintf("torture start took %.1f s; left were: %s", $took, join('; ', grep { /torture/ } @left))) if $took > 5;
	$slowest_start = $took if $took > $slowest_start;
}

sub set_fault
{
	my ($value) = @_;
	Torture::write_file("$data/fault.conf", "scheduler.fault_point = '$value'\n");
	my $pid = postmaster_pid();
	kill 'HUP', $pid if $pid;
}

my @all_points = ((map { "$_ worker" } qw(before_claim marked claimed applied before_commit committed departing sent flying answered duty duty_done)),
	map { "$_ runner" } qw(before_claim claimed applied before_commit committed));
my @line_of_points;

# A process dies at a point, or takes the postmaster with it.
sub strike_at_point
{
	@line_of_points = shuffle(@all_points) unless @line_of_points;
	my $word = shift @line_of_points;
	my ($point, $process) = split / /, $word;
	my $chance = rand;
	my $how = $chance < 0.86 ? '' : $chance < 0.92 ? ' postmaster' : $chance < 0.96 ? ' stop' : ' end';
	my $times = $point =~ /duty|flying/ ? 1 + int(rand 12) : 1 + int(rand 3);
	read_log();
	set_fault("$point:$times $process$how");
	my $until = time + 2.5;
	sleep 0.01 until read_log() || time > $until;
	push @line_of_points, $word if time > $until;
	set_fault('');
}

# [ how often, what ]
my @victims = ([ 30, 'worker' ], [ 25, 'runner' ], [ 8, 'client backend' ], [ 4, 'launcher' ], [ 5, 'server process' ],
	[ 5, 'postmaster' ], [ 5, 'immediate stop' ], [ 4, 'twice' ], [ 2, 'SIGTERM' ], [ 3, 'fast' ]);

sub pick_victim
{
	my $sum = 0;
	$sum += $_->[0] foreach @victims;
	my $place = rand $sum;
	foreach (@victims)
	{
		return $_->[1] if ($place -= $_->[0]) < 0;
	}
}

# One of the server's processes whose title has this.
sub pick_process
{
	my ($pattern) = @_;
	my $postmaster = postmaster_pid() or return;
	my @found = grep { $_->[1] =~ $pattern } Torture::children($postmaster);
	return @found ? $found[ int rand @found ][0] : undef;
}

my %patterns = (worker => qr/scheduler worker/, runner => qr/scheduler runner/, launcher => qr/scheduler launcher/,
	'client backend' => qr/\[local\]/, 'server process' => qr/checkpointer|background writer|walwriter|autovacuum|startup/);
my $slowest_stop = 0;

sub strike_at_random
{
	my $victim = pick_victim();
	my $postmaster = postmaster_pid() or return;
	if ($patterns{$victim})
	{
		my $pid = pick_process($patterns{$victim}) or return;
		$ends{"kill -9 of a $victim"}++ if kill 'KILL', $pid;
	}
	elsif ($victim eq 'postmaster')
	{
		$ends{'kill -9 of the postmaster'}++ if kill 'KILL', $postmaster;
	}
	elsif ($victim eq 'immediate stop')
	{
		$ends{'immediate stop'}++ if kill 'QUIT', $postmaster;
	}
	elsif ($victim eq 'twice')
	{
		# Again while it recovers.
		my $pid = pick_process($patterns{worker}) or return;
		$ends{'kill -9 of a worker'}++ if kill 'KILL', $pid;
		sleep rand(0.3);
		$pid = pick_process(qr/postgres/) or return;
		$ends{'kill -9 during recovery'}++ if kill 'KILL', $pid;
	}
	elsif ($victim eq 'SIGTERM')
	{
		my $pid = pick_process($patterns{worker}) or return;
		$ends{'SIGTERM of a worker'}++ if kill 'TERM', $pid;
	}
	else
	{
		stop_while_recovering($postmaster);
	}
}

# A fast shutdown that comes while the server recovers from a crash must not hang.
sub stop_while_recovering
{
	my ($postmaster) = @_;
	my $pid = pick_process($patterns{worker}) or return;
	$ends{'kill -9 of a worker'}++ if kill 'KILL', $pid;
	sleep rand(0.6);
	my $from = time;
	kill 'INT', $postmaster;
	sleep 0.01 while kill(0, $postmaster) && time - $from < 15;
	$ends{'fast stop after a crash'}++;
	if (!kill 0, $postmaster)
	{
		$slowest_stop = time - $from if time - $from > $slowest_stop;
		return;
	}
	# PostgreSQL 15 waits for its checkpointer for ever where the stop comes just before the redo begins (doc/operations.md).
	my @left = map { $_->[1] } Torture::children($postmaster);
	$ends{'fast stop that the server itself hung in'}++;
	$slowest_stop = 15 if grep { !/checkpointer/ } @left;
	diag("seed $seed: a fast stop was waited for: @left") if grep { !/checkpointer/ } @left;
	kill 'QUIT', $postmaster;
}

# It goes on until it has done what it has to.
sub end_client
{
	my ($name) = @_;
	Torture::write_file("$folder/stop.$name", '');
	waitpid delete $clients{$name}, 0;
	is($?, 0, "client $name came to its end") or diag(slurp_file("$folder/$name.out"));
}

# ---- disturbed ----

Torture::publish_progress(0);
%clients = (
	mails => Torture::client('mails', 0.1, Torture::feed_mails(\@mails)),
	one => Torture::client('one', 0.2, Torture::wish_jobs('one', \@roles, $url)),
	two => Torture::client('two', 0.3, Torture::wish_jobs('two', \@roles, $url)),
	cancels => Torture::client('cancels', 0.1, Torture::cancel_jobs($roles[1])),
	reader => Torture::client('reader', 0.1, Torture::read_changes()));
my $last_check = 0;
my $started = time;
# Each point at least once, however few ends there are to be.
until (count_ends() >= $n_kills && keys %points == @all_points || count_ends() > $n_kills + 50)
{
	sleep rand(0.4);
	rand() < 0.6 || count_ends() >= $n_kills ? strike_at_point() : strike_at_random();
	bring_up();
	read_log();
	foreach my $name (keys %clients)
	{
		die "seed $seed: client $name gave up: " . slurp_file("$folder/$name.out") if waitpid($clients{$name}, WNOHANG) != 0;
	}
	Torture::publish_progress((count_ends() + 1) / $n_kills);
	if (count_ends() - $last_check >= 50)
	{
		$last_check = count_ends();
		check_invariants("after $last_check ends");
		note(sprintf('torture %d ends, %d mails, %.0f s', $last_check, Torture::insist('SELECT count(*) FROM scheduler.email_tracking WHERE processed'), time - $started));
	}
}
set_fault('');
end_client($_) foreach qw(mails one two cancels);

# What waits for its next attempt may wait for a minute.
my $last_end = time;
my $live = "SELECT count(*) FROM scheduler.live_jobs WHERE kind <> 'mail.poll' AND schedule_id IS NULL";
is(wait_for("SELECT count(*) - $n_mails FROM scheduler.email_tracking", 0, 60), 0, 'every mail came in');
is(wait_for($live, 0, 120), 0, 'no job is left over')
	or diag($s->sql('SELECT job_id, kind, status, attempts, ready, run_at - now(), lease, children, error FROM scheduler.live_jobs'));
my $settled = time - $last_end;
$s->sql("SET ROLE u1; SELECT scheduler.drop_schedule('tick')");
is(wait_for('SELECT count(*) FROM scheduler.new_changes', 0, 20), 0, 'every change is numbered');
end_client('reader');

# ---- counting ----

check_invariants('at the end');
ok(!$violated{$_}, "never: $_") foreach @names;
my $n = count_ends();
cmp_ok($n, '>=', $n_kills, "$n violent ends: " . join(', ', map { "$_ $ends{$_}" } sort keys %ends));
is(scalar(keys %points), scalar(@all_points), 'each point was struck');
note('torture at points: ' . join(', ', map { "$_ $points{$_}" } sort keys %points));

# Lines of one that the other lacks.
sub lacking
{
	my ($from, $in) = @_;
	my %count;
	$count{$_}++ foreach @$in;
	return grep { --$count{$_} < 0 } @$from;
}

# Enough of them to see what they are.
sub few
{
	return join "\n", map { substr $_, 0, 200 } @_ > 5 ? @_[ 0 .. 4 ] : @_;
}

my @tasks = split /\n/, $s->sql($tasks_of_mails);
my @events = split /\n/, $s->sql($events_of_mails);
my @lost = lacking(\@expected_tasks, \@tasks);
my @twice = lacking(\@tasks, \@expected_tasks);
is(few(@lost), '', 'no task of the undisturbed run is missing');
is(few(@twice), '', 'and none is there besides');
is(few(lacking(\@expected_events, \@events), lacking(\@events, \@expected_events)), '', 'events are those of the undisturbed run');
is($s->sql('SELECT count(*), count(*) FILTER (WHERE processed) FROM scheduler.email_tracking'), "$n_mails|$n_mails", 'each mail is read');
is($s->sql("SELECT status, count(*), count(DISTINCT unique_key) FROM scheduler.finished_jobs WHERE kind = 'mail.process' GROUP BY status"),
	"succeeded|$n_mails|$n_mails", 'each mail\'s job succeeded once');
is($s->sql("SELECT count(*) FROM scheduler.live_jobs WHERE kind = 'mail.poll'"), scalar(@roles), 'each mailbox has its one poll');

# Acknowledged is there.
foreach my $client (qw(one two cancels))
{
	my @told = split /\n/, slurp_file("$folder/$client.log");
	my %wished = map { $_ => 1 } split /\n/, $s->sql("SELECT DISTINCT n FROM app.wishes WHERE client = '$client'");
	is(join(' ', grep { !$wished{$_} } @told), '', 'what client ' . $client . ' was promised (' . @told . ') is there');
}
my $n_wishes = $s->sql('SELECT count(*) FROM app.wishes');
is($s->sql(q{SELECT string_agg(DISTINCT status, ' ' ORDER BY status) FROM scheduler.finished_jobs}), 'cancelled succeeded', "all $n_wishes wishes succeeded or were cancelled");
is($s->sql(q{SELECT count(*) FROM scheduler.finished_jobs f WHERE status = 'cancelled' AND parent_id IS NULL AND NOT EXISTS (SELECT FROM app.wishes w
	WHERE w.job_id = f.job_id AND w.client = 'cancels')}), 0, 'nothing was cancelled that nobody asked for');

# ---- the ledger of the service ----

my %served;
my %serials;
foreach (split /\n/, slurp_file("$folder/ledger"))
{
	my ($what, $a, $b) = split / /;
	$served{$b}++ if $what eq 'ref' && $a =~ m{^/torture/};
	$serials{$b} = $a if $what eq 'call';
}
is(scalar(keys %served), $n_remote, 'the service saw each mail of the model');
is($s->sql("SELECT count(DISTINCT job_id) FROM scheduler.llm_calls WHERE outcome = 'ok'"), $n_remote, 'each has one call that counts');
is($s->sql("SELECT count(*) FROM scheduler.llm_calls WHERE outcome NOT IN ('ok', 'lost')"), 0, 'the others were lost');
my $lost_calls = $s->sql("SELECT count(*) FROM scheduler.llm_calls WHERE outcome = 'lost'");
my %recorded = map { split /\|/ } split /\n/, $s->sql(q{SELECT 'N' || substring(subject FROM '\d+'), count(*) FROM scheduler.llm_calls GROUP BY 1});
is(join(' ', grep { ($recorded{$_} // 0) < $served{$_} } sort keys %served), '', "the ledger has every call that the service saw, $lost_calls of them lost");
my @applied = split /\n/, $s->sql(q{SELECT serial, job_id FROM app.effects WHERE serial > 0
	UNION ALL SELECT (result ->> 'body')::bigint, job_id FROM scheduler.finished_jobs WHERE kind = 'http'});
is(join(' ', grep { my ($serial, $job) = split /\|/; ($serials{$serial} // '') ne $job } @applied), '',
	'each of ' . @applied . ' answers belongs to the job that it was given to');
my %times;
$times{$_}++ foreach map { (split /\|/)[0] } @applied;
is(join(' ', grep { $times{$_} > 1 } sort keys %times), '', 'no answer was applied twice');

# ---- changes ----

my @seen = split /\n/, slurp_file("$folder/reader.log");
is(join('; ', grep { /^after/ } @seen), '', 'a reader that goes on from its last number saw no gap and no number twice');
@seen = grep { !/^after/ } @seen;
my @history = split /\n/, $s->sql('SELECT change_seq, type, subject_id FROM scheduler.changes ORDER BY change_seq');
is(few(lacking(\@seen, \@history), lacking(\@history, \@seen)), '', 'what it read is what stayed');
is($s->sql("SELECT count(*), count(DISTINCT subject_id) FROM scheduler.changes c JOIN scheduler.finished_jobs f ON f.job_id = c.subject_id
	WHERE c.type = 'job.succeeded'"), join('|', ($s->sql(q{SELECT count(*) FROM scheduler.finished_jobs WHERE status = 'succeeded' AND (kind ~ '^app' OR kind = 'mail.process')})) x 2),
	'each success was told once, of ' . @history . ' changes');

my $attempts = $s->sql(q{SELECT string_agg(attempts || ': ' || n, ', ' ORDER BY attempts) FROM (SELECT attempts, count(*) AS n FROM scheduler.finished_jobs
	WHERE status = 'succeeded' AND kind <> 'app.flaky' GROUP BY attempts) AS a});
note("torture jobs by attempts: $attempts");
cmp_ok($slowest_stop, '<', 15, sprintf('a fast stop after a crash took at most %.1f s', $slowest_stop));
$node->stop;
note(sprintf('torture %d kills, %d mails, %d lost, %d twice, %d other jobs, %d violations, seed %d; all final %.1f s after the last end, '
	  . 'slowest start %.1f s, %.0f s in all', $n, $n_mails, scalar @lost, scalar @twice, $n_wishes, scalar(keys %violated), $seed, $settled,
	$slowest_start, time - $begun));
done_testing();
