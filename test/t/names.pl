# Two promises that grow stale unseen: every function is named by a test, and doc/errors.md lists every SQLSTATE
# that the source raises.
use strict;
use warnings;
use Test::More;

my $tree = $ENV{TREE};

sub slurp
{
	my @texts;
	foreach my $name (@_)
	{
		open my $file, '<', $name or die "$name: $!";
		local $/;
		push @texts, <$file>;
	}
	return join("\n", @texts);
}

my $source = slurp(glob("$tree/src/*/*.sql"));
my $tests = slurp(glob("$tree/sql/*.sql"), glob("$tree/test/t/*.pl"), glob("$tree/test/specs/*.spec"));
my %functions = map { $_ => 1 } $source =~ /^CREATE (?:FUNCTION|PROCEDURE) scheduler\.(\w+)/mg;
delete @functions{ map { $_ } $source =~ /^DROP FUNCTION scheduler\.(\w+)/mg };
# A trigger function or a job's handler is named by what fires it; the row it writes is what a test looks at.
my %indirect = map { $_ => 1 } $source =~ /EXECUTE FUNCTION scheduler\.(\w+)/g, $source =~ /'scheduler\.(\w+)\(scheduler\.job/g;
foreach my $name (sort keys %functions)
{
	next if $indirect{$name};
	my $called_inside = () = $source =~ /scheduler\.$name\b/g;
	ok($tests =~ /\b$name\b/ || $called_inside > 3 && $source !~ /GRANT EXECUTE[^;]*scheduler\.$name\(/,
		"$name is named by a test");
}

my $c_source = slurp(glob("$tree/src/*/*.c"));
my %named = (
	ERRCODE_INVALID_PARAMETER_VALUE => '22023', ERRCODE_INSUFFICIENT_PRIVILEGE => '42501',
	ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION => '28000', ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE => '55000',
	ERRCODE_FEATURE_NOT_SUPPORTED => '0A000', ERRCODE_UNDEFINED_OBJECT => '42704', ERRCODE_UNDEFINED_FUNCTION => '42883',
	ERRCODE_INTERNAL_ERROR => 'XX000', ERRCODE_PROGRAM_LIMIT_EXCEEDED => '54000', ERRCODE_UNIQUE_VIOLATION => '23505',
	ERRCODE_NO_DATA_FOUND => 'P0002', ERRCODE_DUPLICATE_OBJECT => '42710', ERRCODE_QUERY_CANCELED => '57014',
	ERRCODE_DATATYPE_MISMATCH => '42804', ERRCODE_CONFIG_FILE_ERROR => 'F0000', ERRCODE_IO_ERROR => '58030', ERRCODE_OUT_OF_MEMORY => '53200',
	ERRCODE_NULL_VALUE_NOT_ALLOWED => '22004', ERRCODE_OBJECT_IN_USE => '55006', ERRCODE_INVALID_FUNCTION_DEFINITION => '42P13');
my %states = map { $_ => 1 } $source =~ /ERRCODE = '(\w{5})'/g;
foreach my $word ($c_source =~ /errcode\((ERRCODE_\w+)\)/g)
{
	ok(exists $named{$word}, "$word is known to this test");
	$states{ $named{$word} // '' } = 1;
}
my $listed = slurp("$tree/doc/errors.md");
foreach my $state (sort keys %states)
{
	like($listed, qr/^\| `$state`/m, "doc/errors.md lists $state");
}
foreach my $state ($listed =~ /^\| `(\w{5})`/mg)
{
	ok($states{$state}, "$state of doc/errors.md is raised somewhere");
}

done_testing();
