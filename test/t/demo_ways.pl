# The other ways into the demo: one's own mail in its three forms, and a model behind HTTP instead of the built-in rules.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Aimock;

my ($stage, $tree) = @ENV{qw(STAGE TREE)};
my $cluster = 'demo_ways';
local $ENV{SCHED_STAGE} = $stage;
local $ENV{STAGED} = 1;
local $ENV{KEEP} = 1;
local $ENV{DEMO_CLUSTER} = $cluster;

sub query
{
	my ($sql) = @_;
	my $port = slurp_file("$stage/clusters/$cluster/port");
	chomp $port;
	my $answer = qx{psql -X -At -h 127.0.0.1 -p $port -U postgres -d demo -c "$sql"};
	chomp $answer;
	return $answer;
}

sub run_demo
{
	my ($name) = @_;
	my $output = qx{bash $tree/test/demo.sh 2>&1};
	is($?, 0, "$name: the demo runs") or diag($output);
	return $output;
}

sub end_demo
{
	delete local $ENV{KEEP};
	qx{bash -c '. $tree/test/lib/cluster.sh; stop_cluster $cluster' 2>&1};
}

# Ten mails as mbox, as Maildir and as a folder of .eml: the same ten rows, whatever their form.
my $own = "$ENV{TESTDATADIR}/own";
mkdir $own or die $!;
my @mails = (sort glob("$tree/test/data/held-out/*.eml"))[0 .. 9];
mkdir "$own/$_" or die $! foreach ('eml', 'Maildir', 'Maildir/new', 'Maildir/cur', 'Maildir/tmp');
my $mbox = '';
foreach my $mail (@mails)
{
	my $text = slurp_file($mail);
	my ($name) = $mail =~ m{([^/]+)\.eml$};
	Aimock::write_file("$own/eml/$name.eml", $text);
	Aimock::write_file("$own/Maildir/new/$name.host", $text);
	$text =~ s/^(>*From )/>$1/mg;
	$mbox .= "From MAILER-DAEMON Thu Jan  1 00:00:00 2026\n$text\n";
}
Aimock::write_file("$own/mbox", $mbox);
foreach my $form ('mbox', 'Maildir', 'eml')
{
	local $ENV{DEMO_MAIL} = "$own/$form";
	like(run_demo($form), qr/The worker has read 10 of 10 mails/, "$form: ten mails");
	is(query('SELECT count(*), count(classification) FROM scheduler.email_tracking'), '10|10', "$form: ten rows with a class");
}
end_demo();

# A model: every mail is asked about once, and its answer is what stands in the tables.
my $model = Aimock->start("$ENV{TESTDATADIR}/aimock", [ [ 'Subject:', {
	classification => 'actionable', confidence => 0.5, language => 'en', events => [],
	tasks => [ { description => 'Do what the model says', deadline => undef, duration_minutes => 45, priority => 6,
		location => undef, attendees => [], category => 'work', confidence => 0.5 } ] } ] ]);
$ENV{LLM_URL} = $model->url;
$ENV{LLM_KEY} = 'canary-key-4711';
$ENV{LLM_MODEL} = 'mock-1';
my $output = run_demo('endpoint');
unlike($output, qr/canary-key-4711/, 'endpoint: the key is not printed');
unlike(slurp_file("$stage/clusters/$cluster/log"), qr/canary-key-4711/, 'nor logged');
my $asked = query('SELECT count(*) FROM scheduler.email_tracking WHERE duplicate_of IS NULL');
is(query("SELECT count(*) FROM scheduler.llm_calls WHERE purpose = 'extract'"), $asked, "endpoint: one call for each of $asked mails");
is(query("SELECT count(*) FROM scheduler.tasks WHERE source_email_id IS NOT NULL AND description = 'Do what the model says'"),
	$asked, 'endpoint: the tasks are the model\'s');
end_demo();
ok(!-e "$stage/clusters/$cluster", 'nothing is left');

done_testing();
