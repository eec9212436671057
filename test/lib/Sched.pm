package Sched;

# What TAP tests of workers share: a server with the library preloaded, the extension, arming, and waiting for things to
# happen instead of sleeping.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);

# A psql that finds no server may end before its statement has been written to it: as where it could not connect.
my $psql = \&PostgreSQL::Test::Cluster::psql;
{
	no warnings 'redefine';
	*PostgreSQL::Test::Cluster::psql = sub {
		my ($node, $database, $statement, %params) = @_;
		my @answer = eval { wantarray ? $psql->(@_) : scalar $psql->(@_) };
		return wantarray ? @answer : $answer[0] unless $@;
		die $@ if $@ !~ /Broken pipe/ || $params{on_error_die};
		return wantarray ? (2, '', $@) : 2;
	};
}

# A started server with the extension in database postgres; conf => text adds to its configuration.
sub start
{
	my ($class, $name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	my $base = $node->basedir;
	$node->init(%{ $options{init} // {} });
	$node->append_conf('postgresql.conf', <<"CONF");
shared_preload_libraries = 'scheduler'
scheduler.master_key_file = '$base/keys/master.key'
timezone = 'UTC'
max_worker_processes = 30
restart_after_crash = on
CONF
	$node->append_conf('postgresql.conf', $options{conf}) if $options{conf};
	$node->start;
	my $self = bless { node => $node, database => 'postgres' }, $class;
	if (!$options{bare})
	{
		$self->sql('CREATE EXTENSION scheduler CASCADE');
		$self->sql('SELECT scheduler.arm()') unless $options{unarmed};
	}
	return $self;
}

sub node { return $_[0]{node} }

# The answer of a statement, as role $role where one is given; dies where it fails.
sub sql
{
	my ($self, $statement, $role, $database) = @_;
	return $self->{node}->safe_psql($database // $self->{database}, $statement,
		$role ? (extra_params => [ '-U', $role ]) : ());
}

# What it wrote to standard error.
sub failure
{
	my ($self, $statement, $role) = @_;
	my ($code, $out, $err) = $self->{node}->psql($self->{database}, $statement,
		$role ? (extra_params => [ '-U', $role ]) : ());
	return $err;
}

# Waits until the statement answers $wanted (default t); false after $seconds. A server that cannot be asked at the
# moment is asked again.
sub poll
{
	my ($self, $statement, $wanted, $seconds) = @_;
	$wanted = 't' unless defined $wanted;
	my $until = time + ($seconds // 20);
	my $got;
	do
	{
		my ($code, $out) = $self->{node}->psql($self->{database}, $statement);
		$got = defined $code && $code == 0 ? $out : 'no answer';
		return 1 if $got eq $wanted;
		sleep 0.03;
	} while (time < $until);
	diag("waited for \"$wanted\", got \"$got\" from: $statement");
	return 0;
}

# Kills a process of the server as a crash would, and waits until the server has recovered.
sub crash
{
	my ($self, $pid) = @_;
	my $started = 'SELECT min(backend_start) FROM pg_stat_activity WHERE backend_type = $$walwriter$$';
	my $before = $self->sql($started);
	kill 'KILL', $pid;
	my $until = time + 30;
	while (time < $until)
	{
		my ($code, $out) = $self->{node}->psql($self->{database}, $started);
		return 1 if defined $code && $code == 0 && $out ne $before;
		sleep 0.05;
	}
	return 0;
}

# A test that something comes to be so.
sub comes_true
{
	my ($self, $name, $statement, $wanted, $seconds) = @_;
	return ok($self->poll($statement, $wanted, $seconds), $name);
}

# The statuses of a kind's jobs, as "dead 1, succeeded 3".
sub statuses
{
	my ($self, $kind) = @_;
	return $self->sql("SELECT coalesce(string_agg(status || ' ' || n, ', ' ORDER BY status), '') FROM"
		  . " (SELECT status, count(*) AS n FROM scheduler.jobs WHERE kind = '$kind' GROUP BY status) AS s");
}

# A session that stays open between statements: a transaction of its own, locks that it holds.
sub session
{
	my ($self, $role, $database) = @_;
	return Sched::Session->new($self->{node}, $database // $self->{database}, $role // 'postgres');
}

# A service of test/services/misbehave.py; ends with the test. Returns its port.
my @services;

sub start_misbehave
{
	my $pid = open(my $pipe, '-|', 'python3', "$ENV{TREE}/test/services/misbehave.py") or die $!;
	push @services, [ $pid, $pipe ];
	my $port = <$pipe>;
	chomp $port;
	return $port;
}

END
{
	my $status = $?;
	foreach my $service (@services)
	{
		kill 'TERM', $service->[0];
		waitpid $service->[0], 0;
	}
	$? = $status;
}

# What the log has said since a mark (0: from its beginning): lines that match. mark() is where it ends now.
sub mark
{
	return -s $_[0]{node}->logfile;
}

sub logged
{
	my ($self, $pattern, $mark) = @_;
	my $text = substr(slurp_file($self->{node}->logfile), $mark // 0);
	return grep { $_ =~ $pattern } split /\n/, $text;
}

sub worker_pid
{
	my ($self) = @_;
	return $self->sql("SELECT pid FROM scheduler.stat_workers WHERE type = 'worker'");
}

package Sched::Session;

sub new
{
	my ($class, $node, $database, $role) = @_;
	my $self = bless { in => '', out => '', err => '', n => 0 }, $class;
	$self->{limit} = IPC::Run::timeout(90);
	$self->{run} = IPC::Run::start(
		[ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, '-U', $role, '-d', $database, '-f', '-' ],
		'<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err}, $self->{limit});
	$self->{limit}->reset;
	return $self;
}

# Sends a statement and does not wait.
sub send
{
	my ($self, $statement) = @_;
	$self->{n}++;
	$self->{in} .= "$statement;\n\\echo done $self->{n}\n";
	$self->{run}->pump_nb;
	return $self;
}

# Waits for what was sent; its answer. What it wrote to standard error is added where it did.
sub answer
{
	my ($self) = @_;
	$self->{limit}->start;
	$self->{run}->pump until $self->{out} =~ /^done $self->{n}$/m;
	$self->{limit}->reset;
	my ($answer) = $self->{out} =~ /\A(.*?)\n?^done $self->{n}$/ms;
	$answer .= $self->{err};
	$self->{out} = $self->{err} = '';
	return $answer;
}

sub sql
{
	my ($self, $statement) = @_;
	return $self->send($statement)->answer;
}

sub close
{
	my ($self) = @_;
	$self->{in} .= "\\q\n";
	$self->{run}->finish;
}

1;
