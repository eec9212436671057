# What README and doc say, against a server: settings and their defaults, names of functions, and every statement of the
# examples, which must parse and find what it names (its data may be missing).
use strict;
use warnings;
use Sched;
use Test::More;

my $tree = $ENV{TREE};
my $s = Sched->start('docs');
$s->sql("SELECT count(*) FROM scheduler.setup('me\@example.org')");
$s->sql('CREATE SCHEMA app; CREATE TABLE app.answers (job_id uuid, body bytea);'
	. ' CREATE ROLE me');

sub slurp
{
	open my $file, '<', $_[0] or die "$_[0]: $!";
	local $/;
	return scalar <$file>;
}

# ---- settings ----

my $readme = slurp("$tree/README.md");
my %listed = $readme =~ /^\| `(scheduler\.\w+)` \| `?([^|`]+?)`? \|/mg;
my %actual;
foreach my $row (split /\n/, $s->sql("SELECT name, CASE WHEN boot_val = '' THEN 'empty' WHEN unit IS NULL THEN boot_val"
	. " ELSE current_setting(name) END FROM pg_settings WHERE name LIKE 'scheduler.%'"))
{
	my ($name, $value) = split /\|/, $row;
	$actual{$name} = $value;
}
is_deeply(\%listed, \%actual, 'the README lists every setting with its default, and no other');
my @mentioned = map { slurp($_) =~ /`(scheduler\.[a-z_]+)(?: = [^`]*)?`/g } glob("$tree/doc/*.md"), "$tree/README.md";
my %settings_or_tables = map { $_ => 1 } keys %actual, split /\n/, $s->sql(
	"SELECT 'scheduler.' || relname FROM pg_class WHERE relnamespace = 'scheduler'::regnamespace UNION"
	. " SELECT 'scheduler.' || typname FROM pg_type WHERE typnamespace = 'scheduler'::regnamespace");
is(join(' ', grep { !$settings_or_tables{$_} } @mentioned), '', 'no other setting, table or type is named');

# ---- functions ----

my %functions = map { $_ => 1 } split /\n/, $s->sql("SELECT proname FROM pg_proc WHERE pronamespace = 'scheduler'::regnamespace");
foreach my $page ("$tree/README.md", glob("$tree/doc/*.md"), glob("$tree/src/*/README.md"))
{
	my @named = (slurp($page) =~ /scheduler\.(\w+)\(/g, slurp($page) =~ /`(\w+)\(\)`/g);
	(my $short = $page) =~ s/^\Q$tree\E\///;
	is(join(' ', grep { !$functions{$_} && !/^(ereport|now|_PG_init|palloc|malloc)$/ } @named), '', "$short names functions that are there")
		unless $short =~ m{^src/};
}
my ($table) = $readme =~ /^## Functions\n(.*?)^A job is/ms;
my @words = $table =~ /`([a-z_]+)`/g;
my %relations = map { $_ => 1 } split /\n/, $s->sql("SELECT relname FROM pg_class WHERE relnamespace = 'scheduler'::regnamespace");
is(join(' ', grep { !$functions{$_} && !$relations{$_} } @words), '', 'the README\'s table of functions names what is there');
foreach my $page ($table =~ /\((doc\/\w+\.md)\)/g)
{
	ok(-e "$tree/$page", "$page is there");
}

# ---- examples ----

# The statements of indented or fenced blocks that begin with an SQL word; $1 and <words> stand for a value of the reader's.
sub statements
{
	my ($text) = @_;
	my @blocks = $text =~ /^```sql\n(.*?)^```/msg;
	push @blocks, $text =~ /(?:^|\n\n)((?:    \S.*\n(?:(?:    .*)?\n(?=    ))*)+)/g;
	my @found;
	foreach my $block (@blocks)
	{
		$block =~ s/^    //mg;
		next unless $block =~ /^(?:--|SELECT|CREATE|CALL|GRANT|ALTER|INSERT)\b/m;
		$block =~ s/'<[^>]*>'/'00000000-0000-7000-8000-000000000000'/g;
		$block =~ s/\$\d/NULL/g unless $block =~ /LANGUAGE/;
		$block =~ s/^\s*(?:sudo|make|#|shared_preload).*\n//mg;
		$block =~ s/^CREATE EXTENSION.*\n//mg;
		push @found, $block;
	}
	return @found;
}

my $n = 0;
foreach my $page ("$tree/README.md", glob("$tree/doc/*.md"))
{
	(my $short = $page) =~ s/^\Q$tree\E\///;
	foreach my $block (statements(slurp($page)))
	{
		next if $block =~ /^\s*RETURN /;
		my ($code, $out, $err) = $s->node->psql('postgres', "\\set VERBOSITY verbose\n$block", on_error_stop => 0);
		my @wrong = grep { /ERROR:  (42[^5]|0A|XX|22P02)/ && !/ERROR:  42501/ } split /\n/, $err;
		is(join("\n", @wrong), '', "$short: example " . ++$n) or diag($block);
	}
}
cmp_ok($n, '>=', 24, "$n blocks of examples");

# The README's handler against a server of ours.
my $folder = $s->node->basedir . '/rates';
mkdir $folder;
open my $rate, '>', "$folder/rate" or die $!;
print $rate '{"eur": 1.1}';
close $rate;
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $server = fork() // die "fork: $!";
if ($server == 0)
{
	open STDERR, '>', '/dev/null';
	open STDOUT, '>', '/dev/null';
	exec 'python3', '-m', 'http.server', '--bind', '127.0.0.1', '--directory', $folder, $port;
}
# An example has set it by ALTER SYSTEM, which goes before the configuration file.
$s->sql("ALTER SYSTEM SET scheduler.http_private_hosts = 'localhost:$port'");
$s->node->reload;
$s->sql(qq{SELECT scheduler.enqueue('fetch_rate', '{"url": "http://localhost:$port/rate"}')});
$s->comes_true('the handler of the README works', 'SELECT rate FROM public.rates', '{"eur": 1.1}', 30)
	or diag($s->sql('SELECT status, attempts, error FROM scheduler.jobs WHERE kind = $$fetch_rate$$'));
kill 'TERM', $server;
waitpid $server, 0;

$s->node->stop;
done_testing();
