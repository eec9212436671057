package Torture;

# What torture.pl does to a server while it counts: mails, users and kinds; clients, each a process that never gives up;
# violent ends. A client tells what was acknowledged, line by line, in $folder/<name>.log.
use strict;
use warnings;
use POSIX qw(strftime);
use PostgreSQL::Test::Utils;
use Time::HiRes qw(time sleep);

our $connection;
our $folder;
my $parent = $$;

# The answer of a statement (or several, as one transaction), or undef where the server gave none.
sub ask
{
	my ($statement, $database) = @_;
	my $target = $connection . ' dbname=' . ($database // 'postgres');
	# Why there was none stands in a file, for insist().
	my $said = "$folder/said.$$";
	my $pid = open my $psql, '-|';
	die "fork: $!" unless defined $pid;
	if ($pid == 0)
	{
		open STDERR, '>', $said;
		exec 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $target, '-c', $statement or POSIX::_exit(127);
	}
	local $/;
	my $out = <$psql>;
	close $psql;
	return if $?;
	$out =~ s{\n\z}{};
	return $out;
}

# ---- mails ----

my @things = qw(invoice contract budget roadmap slides minutes quote draft agenda report offer plan);

sub day
{
	return strftime('%Y-%m-%d', gmtime(time + $_[0] * 86400));
}

# The n-th mail: a request, two of them, none, advertising, an invitation; or one for the model, which is asked what to do.
sub write_mail
{
	my ($n, $remote) = @_;
	my $thing = $things[ $n % @things ];
	my $head = "From: Max Muster <max\@example.com>\nTo: me\@example.org\nDate: "
	  . strftime('%a, %d %b %Y %H:%M:%S +0000', gmtime(time - 3600)) . "\nMessage-ID: <torture$n\@example.com>\nSubject: ";
	my $kind = $n % 7;
	return $head . "About $n\n\nREF-N$n/" . day(2 + $n % 20) . '/' . (15 + 15 * ($n % 3)) . " is yours.\n" if $remote;
	return $head . "Our $thing $n\n\nThe $thing number $n went well. Thanks to everybody.\n" if $kind == 3;
	return $head . "Offers of the week $n\nList-Unsubscribe: <https://example.com/u>\nPrecedence: bulk\n\nSave 50 % on everything.\n"
	  if $kind == 4;
	return $head . "The $thing $n\n\nPlease send me the $thing number $n by " . day(3 + $n % 17)
	  . " 15:00. Could you also review the $things[ ($n + 5) % @things ] number $n by " . day(4 + $n % 15) . " 11:00?\n" if $kind == 5;
	if ($kind == 6)
	{
		my $date = strftime('%Y%m%d', gmtime(time + (3 + $n % 25) * 86400));
		my $hour = 8 + $n % 9;
		return $head . "Meeting $n\nMIME-Version: 1.0\nContent-Type: text/calendar; method=REQUEST; charset=utf-8\n\n"
		  . join("\r\n", 'BEGIN:VCALENDAR', 'VERSION:2.0', 'METHOD:REQUEST', 'BEGIN:VEVENT', "UID:torture$n\@example.com",
			"SUMMARY:Meeting $n", sprintf("DTSTART:%sT%02d0000Z", $date, $hour), sprintf("DTEND:%sT%02d3000Z", $date, $hour),
			'ORGANIZER:mailto:max@example.com', 'END:VEVENT', 'END:VCALENDAR', '');
	}
	return $head . "The $thing $n\n\nPlease send me the $thing number $n by " . day(3 + $n % 17) . ' ' . (9 + $n % 8) . ":00.\n";
}

# ---- kinds ----

# $url: of the service. Each job writes its effect once; app.ghosts are writes that must be undone.
sub make_kinds
{
	my ($url) = @_;
	my $call = "ROW('PUT', '$url/answer', jsonb_build_object('Idempotency-Key', job.job_id), NULL, NULL, '20 s')::scheduler.http_request";
	my $calling = qq{
		IF response IS NULL OR (response).failure = 'lost' THEN
			RETURN scheduler.step_request($call);
		ELSIF (response).status IS DISTINCT FROM 200 THEN
			RETURN scheduler.step_retry(coalesce((response).error, 'HTTP ' || (response).status));
		END IF;
		PERFORM app.note(job, convert_from((response).body, 'UTF8')::bigint);
		RETURN scheduler.step_done();};
	my %bodies = (
		mark => 'PERFORM app.note(job); RETURN scheduler.step_done(job.payload);',
		child => 'PERFORM app.note(job); RETURN scheduler.step_done();',
		line => 'PERFORM app.note(job); RETURN scheduler.step_done();',
		slow => 'PERFORM pg_sleep(0.02 + random() * 0.1); PERFORM app.note(job); RETURN scheduler.step_done();',
		flaky => q{PERFORM app.note(job);
		IF job.attempts <= 1 THEN
			RAISE EXCEPTION 'not yet';
		END IF;
		RETURN scheduler.step_done();},
		nap => q{IF coalesce(job.state::integer, 0) < 2 THEN
			RETURN scheduler.step_sleep(clock_timestamp() + random() * interval '500 ms', to_jsonb(coalesce(job.state::integer, 0) + 1));
		END IF;
		PERFORM app.note(job);
		RETURN scheduler.step_done();},
		family => q{IF job.state IS NULL THEN
			PERFORM scheduler.enqueue('app.child', job.payload) FROM generate_series(1, 3);
			RETURN scheduler.step_wait_children('1');
		END IF;
		PERFORM app.note(job, (SELECT -count(*) FROM app.effects e WHERE e.parent_id = job.job_id));
		RETURN scheduler.step_done();},
		call => $calling,
		shared_call => $calling);
	return join("\n", q{
		CREATE ROLE app_runner; GRANT scheduler_user TO app_runner;
		CREATE SCHEMA app;
		CREATE TABLE app.wishes (job_id uuid, kind text, client text, n integer);
		CREATE TABLE app.cancels (job_id uuid, cancelled boolean);
		CREATE TABLE app.effects (effect_id bigserial, job_id uuid, kind text, parent_id uuid, payload jsonb, serial bigint);
		CREATE INDEX ON app.effects (parent_id);
		GRANT USAGE ON SCHEMA app TO PUBLIC;
		GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA app TO PUBLIC;
		GRANT USAGE ON ALL SEQUENCES IN SCHEMA app TO PUBLIC;
		CREATE FUNCTION app.note(job scheduler.job, serial bigint DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
			INSERT INTO app.effects (job_id, kind, parent_id, payload, serial)
			VALUES ((job).job_id, (job).kind, (job).parent_id, (job).payload, serial) $$;},
		map {
			"CREATE FUNCTION app.$_(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS"
			  . " \$body\$ BEGIN $bodies{$_} END \$body\$;"
			  . " SELECT scheduler.register_job_kind('app.$_', 'app.$_', enqueue_role => 'scheduler_user', announce => true, "
			  . ($_ eq 'shared_call' ? 'shared => true' : "run_as => 'app_runner'") . ');'
		} sort keys %bodies);
}

# ---- clients ----

# A process that runs $work->(log) again and again until the file "stop.<name>" is there, and once more at the end.
sub client
{
	my ($name, $pause, $work) = @_;
	my $pid = fork();
	die "fork: $!" unless defined $pid;
	return $pid if $pid;
	# Neither the parent's tidying up nor its temporary files are ours.
	$SIG{$_} = 'DEFAULT' foreach qw(INT TERM HUP);
	open STDOUT, '>', "$folder/$name.out";
	open STDERR, '>&', \*STDOUT;
	open my $log, '>>', "$folder/$name.log" or POSIX::_exit(1);
	$log->autoflush(1);
	eval {
		while (!-e "$folder/stop.$name" && getppid() == $parent)
		{
			$work->($log, 0);
			sleep $pause;
		}
		$work->($log, 1) if getppid() == $parent;
		1;
	} or do { print STDERR $@; POSIX::_exit(1) };
	POSIX::_exit(0);
}

# Until the server takes it; that it is down is no reason to give up, a mistake is.
sub insist
{
	my ($statement) = @_;
	my $until = time + 120;
	while (time < $until)
	{
		my $answer = ask($statement);
		return $answer if defined $answer;
		my $said = PostgreSQL::Test::Utils::slurp_file("$folder/said.$$");
		die "$said\nto: $statement\n" if $said =~ /^ERROR:/m;
		sleep 0.1;
	}
	die "no answer to: $statement\n";
}

# How many of a number may be there by now.
sub progress
{
	my ($total) = @_;
	open my $file, '<', "$folder/progress" or return 0;
	my $part = <$file> // 0;
	return int($total * $part);
}

sub publish_progress
{
	my ($part) = @_;
	open my $file, '>', "$folder/progress.new" or die $!;
	print $file $part > 1 ? 1 : $part;
	close $file;
	rename "$folder/progress.new", "$folder/progress" or die $!;
}

# Mails by three ways: handed in, put into a polled Maildir, imported in mboxes.
sub feed_mails
{
	my ($mails) = @_;
	my $next = 0;
	my %boxes;
	my $box = 0;
	return sub {
		my ($log, $last) = @_;
		my $target = $last ? @$mails : progress(scalar @$mails);
		my @direct;
		my @piece;
		my $role;
		for (; $next < $target && @direct < 20 || $last && $next < @$mails; $next++)
		{
			my ($owner, $text, $way) = @{ $mails->[$next] };
			if ($way == 0)
			{
				push @direct, "SET LOCAL ROLE $owner; SELECT scheduler.ingest_email('\\x" . unpack('H*', $text) . "');";
			}
			elsif ($way == 1)
			{
				my $name = "1700000000.$next.host";
				write_file("$folder/$owner/tmp/$name", $text);
				rename "$folder/$owner/tmp/$name", "$folder/$owner/new/$name" or die "rename: $!";
			}
			else
			{
				$text =~ s/^From />From /mg;
				push @{ $boxes{$owner} }, "From max\@example.com Thu Jan  1 00:00:00 2026\n$text\n";
			}
		}
		insist(join(' ', splice @direct, 0, 20)) while @direct;
		foreach my $owner (sort keys %boxes)
		{
			next if @{ $boxes{$owner} } < 10 && !$last;
			my $path = "$folder/box" . ++$box;
			write_file($path, join('', @{ delete $boxes{$owner} }));
			my $key = "box$box";
			my $job = insist("SET LOCAL ROLE $owner; SELECT scheduler.enqueue('mail.import', jsonb_build_object('path', '$path'), unique_key => '$key')"
				  . " WHERE NOT EXISTS (SELECT FROM scheduler.jobs WHERE kind = 'mail.import' AND unique_key = '$key')");
		}
		print $log "$next\n";
	};
}

sub write_file
{
	my ($path, $text) = @_;
	open my $file, '>', $path or die "$path: $!";
	print $file $text;
	close $file or die "$path: $!";
}

# A few jobs of each kind, with a note of each wish in the same transaction; what was acknowledged goes into the log.
sub wish_jobs
{
	my ($client, $roles, $url) = @_;
	my $n = 0;
	return sub {
		my ($log, $last) = @_;
		my $role = $roles->[ $n % @$roles ];
		$n++;
		my $wish = sub {
			my ($kind, $more) = @_;
			my $payload = $kind eq 'http' ? qq({"n": $n, "method": "PUT", "url": "$url/answer"}) : qq({"n": $n});
			return "INSERT INTO app.wishes SELECT scheduler.enqueue('$kind', '$payload'" . ($more // '') . "), '$kind', '$client', $n;";
		};
		my @kinds = qw(app.mark app.slow app.nap app.family app.call app.shared_call app.shared_call app.flaky);
		my $kind = $kinds[ $n % @kinds ];
		my $done = ask(join ' ', "SET LOCAL ROLE $role;", $wish->($kind), $wish->('app.mark'),
			$wish->('app.line', ", queue => 'line-$client'"), $wish->('noop'),
			$n % 3 == 0 ? $wish->('http') : ());
		print $log "$n\n" if defined $done;
	};
}

# Jobs that are called off while they run, or before, or after.
sub cancel_jobs
{
	my ($role) = @_;
	my $n = 0;
	return sub {
		my ($log, $last) = @_;
		my @kinds = qw(app.slow app.family app.nap app.shared_call app.call);
		my $kind = $kinds[ $n++ % @kinds ];
		my $id = ask("SET LOCAL ROLE $role; INSERT INTO app.wishes SELECT scheduler.enqueue('$kind', '{\"n\": $n}'), '$kind', 'cancels', $n RETURNING job_id");
		return unless $id;
		print $log "$n\n";
		sleep rand(0.2);
		ask("SET LOCAL ROLE $role; INSERT INTO app.cancels SELECT '$id', scheduler.cancel_job('$id')");
	};
}

# A reader of changes that goes on from the last number it saw; what it saw stands in its log, complaints too.
sub read_changes
{
	my $last_seen = 0;
	return sub {
		my ($log) = @_;
		my $rows = ask("SELECT change_seq, type, subject_id FROM scheduler.changes WHERE change_seq > $last_seen ORDER BY change_seq");
		foreach my $row (split /\n/, $rows // '')
		{
			my ($number) = split /\|/, $row;
			print $log "after $last_seen came $number\n" if $number != $last_seen + 1;
			print $log "$row\n";
			$last_seen = $number;
		}
	};
}

# ---- ends ----

# The processes of a server: [ pid, title ].
sub children
{
	my ($postmaster) = @_;
	my @found;
	foreach my $stat (glob '/proc/[0-9]*/stat')
	{
		open my $file, '<', $stat or next;
		my $line = <$file> // next;
		close $file;
		my ($pid, $rest) = $line =~ /^(\d+) \(.*\) (.*)$/ or next;
		next unless (split ' ', $rest)[1] == $postmaster;
		open my $command, '<', "/proc/$pid/cmdline" or next;
		my $title = <$command> // '';
		$title =~ tr/\0/ /;
		push @found, [ $pid, $title ];
	}
	return @found;
}

1;
