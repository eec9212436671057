# A Maildir polled by the real worker: unreadable, then read; mail that comes, moves, comes twice, is old; pause and end.
use strict;
use warnings;
use POSIX qw(strftime);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $folder = PostgreSQL::Test::Utils::tempdir();
my $count = 0;

sub deliver
{
	my ($box, $id, $body, $time) = @_;
	my $name = sprintf('%d.%d.host', 1700000000 + ++$count, $$);
	open my $file, '>', "$folder/$box/tmp/$name" or die "$folder/$box/tmp/$name: $!";
	print $file "From: Max <max\@example.com>\nTo: me\@example.org\nDate: ", strftime('%a, %d %b %Y %H:%M:%S +0000', gmtime($time // time())),
		"\nSubject: about $id\nMessage-ID: <$id\@example.com>\n\n$body\n";
	close $file;
	rename "$folder/$box/tmp/$name", "$folder/$box/new/$name" or die "rename: $!";
	return $name;
}

foreach my $box (qw(one two))
{
	mkdir "$folder/$box" or die $!;
	mkdir "$folder/$box/$_" or die $! for qw(tmp new cur);
}
mkdir "$folder/locked";
rename "$folder/one", "$folder/locked/one";
symlink "$folder/locked/one", "$folder/one";
deliver('one', 'first', 'Please send me the quarterly figures by next Thursday 15:00.');
deliver('one', 'old', 'Please send me the old figures by next Thursday 15:00.', time() - 40 * 86400);
chmod 0, "$folder/locked";

my $node = PostgreSQL::Test::Cluster->new('mail_poll');
$node->init;
$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'scheduler'
scheduler.master_key_file = '$folder/keys/master.key'
});
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION scheduler CASCADE');
$node->safe_psql('postgres', "SELECT scheduler.setup('me\@example.org', timezone => 'Europe/Berlin')");

sub wait_until
{
	my ($query, $name) = @_;
	ok($node->poll_query_until('postgres', "SELECT $query"), $name)
		or diag($node->safe_psql('postgres', 'SELECT * FROM scheduler.accounts; SELECT subject, processed, error FROM scheduler.email_tracking; SELECT kind, status, error FROM scheduler.jobs'));
}

my $one = $node->safe_psql('postgres', "SELECT scheduler.add_account('maildir', 'me\@example.org',
	settings => '{\"path\": \"$folder/locked/one\"}', poll_interval => '1 second')");

SKIP:
{
	skip 'root reads everything', 2 if $> == 0;
	wait_until("last_error IS NOT NULL FROM scheduler.accounts", 'a path that cannot be read is noted');
	my $user = getpwuid($>);
	like($node->safe_psql('postgres', "SELECT status || ' ' || last_error FROM scheduler.accounts"),
		qr/^error could not read ".*": OS user "$user" lacks permission x on folder "\Q$folder\E\/locked"$/, 'with the OS user and the folder in its way');
}
chmod 0755, "$folder/locked";
wait_until("status = 'active' AND last_error IS NULL AND last_sync_at IS NOT NULL FROM scheduler.accounts", 'it heals by itself');
wait_until("count(*) FILTER (WHERE processed) = 2 FROM scheduler.email_tracking", 'both mails are read');
is($node->safe_psql('postgres', "SELECT count(*) FROM scheduler.tasks t JOIN scheduler.email_tracking m ON m.email_id = t.source_email_id
	WHERE m.subject = 'about first' AND EXISTS (SELECT FROM scheduler.calendar_events e WHERE e.task_id = t.task_id)"), '1', 'the new one has a task with a block');
is($node->safe_psql('postgres', "SELECT processed, classification IS NULL, task_id IS NULL FROM scheduler.email_tracking WHERE subject = 'about old'"),
	't|t|t', 'the one older than look_back is kept and not extracted');

# A mail program moves what was read and marks it.
opendir my $new, "$folder/one/new" or die $!;
rename "$folder/one/new/$_", "$folder/one/cur/$_:2,S" for grep { /^\d/ } readdir $new;
closedir $new;
deliver('one', 'second', 'Could you call the plumber tomorrow at 10:00?');
wait_until("count(*) FILTER (WHERE processed) = 3 FROM scheduler.email_tracking", 'a mail that comes later is read');
is($node->safe_psql('postgres', 'SELECT count(*) FROM scheduler.email_tracking'), '3', 'moved files are no new mails');

# The same message in a second account, and twice in one.
deliver('two', 'second', 'Could you call the plumber tomorrow at 10:00?');
deliver('two', 'second', 'Could you call the plumber tomorrow at 10:00?');
my $two = $node->safe_psql('postgres', "SELECT scheduler.add_account('maildir', 'me\@example.com',
	settings => '{\"path\": \"$folder/two\"}', poll_interval => '1 second')");
wait_until("count(*) = 4 FROM scheduler.email_tracking", 'it is a row of its own in the second account');
wait_until("last_sync_at IS NOT NULL AND cursor ->> 'stamp' IS NOT NULL FROM scheduler.accounts WHERE account_id = '$two'", 'the folder is read to its end');
is($node->safe_psql('postgres', "SELECT count(*), count(duplicate_of), count(DISTINCT task_id) FROM scheduler.email_tracking WHERE subject = 'about second'"),
	'2|1|1', 'two rows, one task');
is($node->safe_psql('postgres', "SELECT count(*) FROM scheduler.tasks WHERE original_input = 'about second'"), '1', 'extracted once');
is($node->safe_psql('postgres', "SELECT jsonb_array_length(cursor -> 'copies') FROM scheduler.accounts WHERE account_id = '$two'"), '1', 'the second copy is remembered');

$node->safe_psql('postgres', "SELECT scheduler.pause_account('$one')");
wait_until("NOT EXISTS (SELECT FROM scheduler.live_jobs WHERE unique_key = '$one')", 'a paused account is polled no more');
deliver('one', 'third', 'Please water the plants tomorrow at 18:00.');
$node->safe_psql('postgres', "SELECT scheduler.pause_account('$one', false)");
wait_until("count(*) = 1 FROM scheduler.email_tracking WHERE subject = 'about third' AND processed", 'and goes on');
$node->safe_psql('postgres', "SELECT scheduler.disconnect_account('$two')");
wait_until("NOT EXISTS (SELECT FROM scheduler.live_jobs WHERE unique_key = '$two')", 'the job of an account that went ends');
is($node->safe_psql('postgres', 'SELECT count(*) FROM scheduler.email_tracking'), '5', 'its mails stay');
is($node->safe_psql('postgres', 'SELECT count(*) FROM scheduler.dead_jobs'), '0', 'no job failed');

$node->stop;
done_testing();
