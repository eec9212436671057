# mail.import of 50 MB with a real worker that is killed in the middle: every mail once, and little memory. Then the same by
# import_mailbox in one transaction.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $folder = PostgreSQL::Test::Utils::tempdir();
my $mbox = "$folder/large.mbox";
my $mails = 0;

# 50 MB: letters, some with an attachment, and one mail over the limit.
{
	open my $file, '>', $mbox or die "$mbox: $!";
	my $line = ('A quiet line of a long letter that asks for nothing at all. ') x 1 . "\n";
	my $attachment = ('QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5eg==' . "\n") x 2500;
	while (tell($file) < 50_000_000)
	{
		$mails++;
		print $file "From a\@example.org Tue Mar  3 09:59:00 2026\nFrom: Person $mails <p$mails\@example.org>\n",
			"Date: Tue, 3 Mar 2026 09:59:00 +0100\nSubject: letter $mails\nMessage-ID: <$mails\@example.org>\n";
		if ($mails % 10 == 0)
		{
			print $file "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n$line--b\nContent-Type: application/zip; name=x.zip\n",
				"Content-Transfer-Encoding: base64\n\n$attachment--b--\n\n";
		}
		else
		{
			print $file "\n", $line x ($mails == 501 ? 50_000 : 200), "\n";
		}
	}
	close $file;
}

my $node = PostgreSQL::Test::Cluster->new('mail_import');
$node->init;
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'scheduler'
scheduler.master_key_file = '$folder/keys/master.key'
scheduler.max_mail_bytes = '1MB'
restart_after_crash = on
max_wal_size = '4GB'
fsync = off
});
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION scheduler CASCADE');
$node->safe_psql('postgres', "SELECT scheduler.setup('me\@example.org', timezone => 'Europe/Berlin')");
$node->safe_psql('postgres', "CREATE ROLE ben LOGIN; GRANT pg_read_server_files TO ben;
	SELECT scheduler.create_user('ben\@example.net', 'Ben', 'UTC', role_name => 'ben')");

sub anonymous_memory
{
	my ($pid) = @_;
	open my $status, '<', "/proc/$pid/status" or return 0;
	my ($kilobytes) = join('', <$status>) =~ /^RssAnon:\s+(\d+)/m;
	return $kilobytes // 0;
}

# What the server says, or '' while it is recovering.
sub ask
{
	my ($query) = @_;
	my ($code, $out) = $node->psql('postgres', $query, on_error_stop => 0);
	return defined $code && $code == 0 ? $out : '';
}

my $job = $node->safe_psql('postgres', "SELECT scheduler.enqueue('mail.import', '{\"path\": \"$mbox\"}')");
my ($peak, $kills, $deadline) = (0, 0, time() + 180);
my %seen_at_kill;
while (time() < $deadline)
{
	my $pid = ask("SELECT pid FROM pg_stat_activity WHERE backend_type = 'scheduler worker' LIMIT 1");
	my $now = $pid ? anonymous_memory($pid) : 0;
	$peak = $now if $now > $peak;
	my $stored = ask('SELECT count(*) FROM scheduler.email_tracking');
	if ($pid && $stored ne '' && $kills < 2 && $stored > $mails * ($kills + 1) / 4 && $stored < $mails)
	{
		$seen_at_kill{$kills} = $stored;
		kill 'KILL', $pid;
		$kills++;
	}
	my $status = ask("SELECT status FROM scheduler.jobs WHERE job_id = '$job'");
	last if $status =~ /succeeded|failed|dead/;
	sleep 0.05;
}
is($kills, 2, 'the worker was killed twice, after ' . join(' and ', map { $seen_at_kill{$_} // '?' } 0, 1) . " of $mails mails");
is($node->safe_psql('postgres', "SELECT status FROM scheduler.jobs WHERE job_id = '$job'"), 'succeeded', 'mail.import went on to its end')
	or diag($node->safe_psql('postgres', "SELECT * FROM scheduler.jobs WHERE job_id = '$job'"));
is($node->safe_psql('postgres', "SELECT result ->> 'mails', result ->> 'added' FROM scheduler.jobs WHERE job_id = '$job'"),
	"$mails|$mails", 'it counted every mail once');
is($node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT subject) FROM scheduler.email_tracking'), "$mails|$mails", 'every mail is there once');
is($node->safe_psql('postgres', 'SELECT count(*) FROM scheduler.email_bodies'), $mails, 'every mail has its body');
is($node->safe_psql('postgres', "SELECT count(*), count(DISTINCT unique_key) FROM scheduler.jobs WHERE kind = 'mail.process'"), "$mails|$mails",
	'every mail has one job');
is($node->safe_psql('postgres', "SELECT error FROM scheduler.email_tracking WHERE error IS NOT NULL"),
	'too_large: more than 1048576 bytes: only the headers were kept', 'the one mail over the limit kept its headers');
cmp_ok($peak, '<', 150 * 1024, "the worker's memory stayed below 150 MB (RssAnon $peak kB)");

# Once more by enqueueing it again: nothing new.
$job = $node->safe_psql('postgres', "SELECT scheduler.enqueue('mail.import', '{\"path\": \"$mbox\"}')");
is($node->safe_psql('postgres', "SELECT result ->> 'added' FROM scheduler.wait_for_job('$job', '120 s')"), '0', 'a second import adds nothing');

# In one transaction, by a session whose memory is watched.
my $session = $node->background_psql('postgres');
$session->query_safe('SET ROLE ben');
my $pid = $session->query_safe('SELECT pg_backend_pid()');
$peak = 0;
$session->{stdin} .= "SELECT 'imported ' || scheduler.import_mailbox('$mbox');\n\\echo import_done\n";
$deadline = time() + 120;
while (time() < $deadline && $session->{stdout} !~ /import_done/)
{
	$session->{run}->pump_nb();
	my $now = anonymous_memory($pid);
	$peak = $now if $now > $peak;
	sleep 0.02;
}
like($session->{stdout}, qr/imported $mails\n/, 'import_mailbox stored them all in one transaction');
cmp_ok($peak, '<', 150 * 1024, "the session's memory stayed below 150 MB (RssAnon $peak kB)");
cmp_ok($peak, '>', 0, 'it was watched');
$session->quit;

# An admin imports for somebody else: rows and jobs are that user's.
open my $small, '>', "$folder/small.mbox" or die $!;
print $small "From a\@example.org Tue Mar  3 09:59:00 2026\nFrom: a\@example.org\nSubject: for Ben\nMessage-ID: <ben\@example.org>\n\nHello\n";
close $small;
is($node->safe_psql('postgres', "SELECT scheduler.import_mailbox('$folder/small.mbox', u.user_id) FROM scheduler.users u WHERE u.role_name = 'ben'"),
	'1', 'an admin imports for another user');
is($node->safe_psql('postgres', "SELECT u.role_name, j.user_id = m.user_id FROM scheduler.email_tracking m JOIN scheduler.users u USING (user_id)
	JOIN scheduler.jobs j ON j.unique_key = m.email_id::text WHERE m.subject = 'for Ben'"), 'ben|t', 'whose rows and job they are');

$node->stop;
done_testing();
