package Aimock;

# aimock, an independent stand-in for OpenAI's API, on a free port until the object goes.
use strict;
use warnings;
use JSON::PP;
use Time::HiRes qw(sleep);

# start(folder, [ [ text in the mail => answer (a hash: the facts) or { a whole fixture } ] .. ], latency in ms)
sub start
{
	my ($class, $folder, $fixtures, $latency) = @_;
	my $json = JSON::PP->new->canonical;
	mkdir $folder or die "$folder: $!";
	write_file("$folder/aimock.json", $json->encode({
		host => '127.0.0.1', port => 0, strict => JSON::PP::false,
		llm => { fixtures => './fixtures.json', latency => $latency // 0, logLevel => 'warn' } }));
	write_file("$folder/fixtures.json", $json->encode({ fixtures => [ map { make_fixture($json, @$_) } @$fixtures ] }));
	my $parent = $$;
	my $pid = fork();
	die "fork: $!" unless defined $pid;
	if ($pid == 0)
	{
		chdir $folder or die "$folder: $!";
		open STDOUT, '>', 'log';
		open STDERR, '>&', \*STDOUT;
		exec "$ENV{STAGE}/services/node", "$ENV{STAGE}/services/node_modules/\@copilotkit/aimock/dist/aimock-cli.js",
			'--config', 'aimock.json';
		die "exec: $!";
	}
	my $self = bless { pid => $pid, parent => $parent, json => $json }, $class;
	for (1 .. 200)
	{
		my $log = -e "$folder/log" ? PostgreSQL::Test::Utils::slurp_file("$folder/log") : '';
		($self->{port}) = $log =~ /listening on http:\/\/127\.0\.0\.1:(\d+)/;
		return $self if $self->{port};
		sleep 0.1;
	}
	die 'aimock does not listen';
}

sub write_file
{
	my ($path, $text) = @_;
	open my $file, '>', $path or die "$path: $!";
	print $file $text;
	close $file;
}

sub make_fixture
{
	my ($json, $match, $answer) = @_;
	my $response = ref $answer eq 'HASH' ? $json->encode($answer) : $answer;
	return { match => { userMessage => $match }, response => { content => $response,
		usage => { prompt_tokens => 1000, completion_tokens => 100, total_tokens => 1100 } } };
}

sub url { return "http://127.0.0.1:$_[0]{port}/v1" }

sub host { return "127.0.0.1:$_[0]{port}" }

# The calls it saw, as text.
sub journal
{
	my ($self) = @_;
	return scalar `curl -s -m 10 http://127.0.0.1:$self->{port}/__aimock/journal`;
}

sub DESTROY
{
	my ($self) = @_;
	kill 'TERM', $self->{pid} if $$ == $self->{parent};
}

1;
