# act_as() and tokens through the real PgBouncer in transaction mode: one server connection, many clients, and none of
# them is ever somebody because of another.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;

my $s = Sched->start('pgbouncer', conf => "max_prepared_transactions = 5\n");
my $node = $s->node;
my $folder = $node->basedir . '/bouncer';
my $port = PostgreSQL::Test::Cluster::get_free_port();
$s->sql('SELECT scheduler.create_master_key(); SELECT scheduler.create_jwt_keys()');
$s->sql('CREATE ROLE app LOGIN; GRANT scheduler_service TO app; CREATE ROLE plain LOGIN; GRANT scheduler_user TO plain; CREATE ROLE mapped LOGIN');
my $anna = $s->sql("SELECT scheduler.create_user('anna\@example.org', 'Anna')");
my $ben = $s->sql("SELECT scheduler.create_user('ben\@example.org', 'Ben')");
my $mia = $s->sql("SELECT scheduler.create_user('mia\@example.org', 'Mia', role_name => 'mapped'); GRANT scheduler_service TO mapped");
my $token = $s->sql("SELECT scheduler.sign_token('$anna', '10 min', scheduler.uuid7())");

mkdir $folder or die "$folder: $!";
append_to_file("$folder/users", join('', map { "\"$_\" \"\"\n" } qw(app plain mapped)));
append_to_file("$folder/pgbouncer.ini", <<"INI");
[databases]
postgres = host=@{[ $node->host ]} port=@{[ $node->port ]}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir =
auth_type = trust
auth_file = $folder/users
pool_mode = transaction
default_pool_size = 1
max_client_conn = 50
logfile = $folder/log
INI
my $bouncer = fork();
die "fork: $!" unless defined $bouncer;
if ($bouncer == 0)
{
	open STDOUT, '>', "$folder/out";
	open STDERR, '>&', \*STDOUT;
	exec 'pgbouncer', "$folder/pgbouncer.ini";
	die "exec: $!";
}
END
{
	my $status = $?;
	if ($bouncer)
	{
		kill 'TERM', $bouncer;
		waitpid $bouncer, 0;
	}
	$? = $status;
}

package Through
{
	sub host { return '127.0.0.1' }
	sub port { return $port }
}

# A client of PgBouncer that stays connected.
sub client { return Sched::Session->new('Through', 'postgres', $_[0] // 'app') }

my $up = 0;
for (1 .. 100)
{
	last if ($up = system("psql -XAtq -h 127.0.0.1 -p $port -U app -d postgres -c 'SELECT 1' >/dev/null 2>&1") == 0);
	Time::HiRes::sleep(0.1);
}
ok($up, 'PgBouncer answers') or BAIL_OUT(slurp_file("$folder/out"));
my $who = 'SELECT scheduler.current_user_id()';
my ($one, $two) = (client(), client());
my $backend = $one->sql('SELECT pg_backend_pid()');
is($two->sql('SELECT pg_backend_pid()'), $backend, 'two clients share one connection');

# ---- act_as() ends with its transaction, however that ends ----
$one->sql('BEGIN');
$one->sql("SELECT scheduler.act_as('$anna')");
is($one->sql($who), $anna, 'the back end acts as Anna');
like($one->sql("SELECT scheduler.add_task('write the report')"), qr/^[0-9a-f-]{36}$/, '... and for her');
is($one->sql('SELECT count(*) FROM scheduler.tasks'), 1, '... and sees hers');
$one->sql('COMMIT');
is($two->sql($who), '', 'after COMMIT the next client is nobody');
is($two->sql('SELECT count(*) FROM scheduler.tasks'), 0, '... and sees nothing');
foreach my $end ('ROLLBACK', 'SELECT 1/0; ROLLBACK', "PREPARE TRANSACTION 'p1'")
{
	$one->sql("BEGIN; SELECT scheduler.act_as('$anna')");
	$one->sql($end);
	is($two->sql("SELECT coalesce(scheduler.current_user_id()::text, 'nobody'), pg_backend_pid()"), "nobody|$backend", "nobody after $end");
}
$s->sql("ROLLBACK PREPARED 'p1'");
is($one->sql("SELECT scheduler.act_as('$anna')"), '', 'outside a transaction it lasts one statement');
is($one->sql($who), '', '... and is over');

# ---- subtransactions ----
$one->sql("BEGIN; SELECT scheduler.act_as('$anna')");
$one->sql("SAVEPOINT a; SELECT scheduler.act_as('$ben')");
is($one->sql($who), $ben, 'another one inside a savepoint');
$one->sql('ROLLBACK TO a');
is($one->sql($who), $anna, 'taken back with it');
$one->sql("SELECT scheduler.act_as('$ben'); RELEASE a");
is($one->sql($who), $ben, 'kept where it is released');
$one->sql('SELECT scheduler.act_as(NULL)');
is($one->sql($who), '', 'NULL: nobody again');
$one->sql('COMMIT');

# ---- who may ----
my $unknown = '0190aaaa-0000-7000-8000-000000000000';
$s->sql("UPDATE scheduler.users SET is_active = false WHERE user_id = '$ben'");
my @refused = map { $one->sql("SELECT scheduler.act_as('$_')") =~ s/^psql:<stdin>:\d+: //r } $ben, $unknown, '00000000-0000-0000-0000-000000000000';
like($refused[0], qr/there is no such user to act as/, 'not as a disabled user');
is($refused[1], $refused[0], 'the same error for an unknown one');
is($refused[2], $refused[0], 'and for the system user');
like(client('plain')->sql("SELECT scheduler.act_as('$anna')"), qr/permission denied/, 'only for scheduler_service');
my $own = client('mapped');
is($own->sql($who), $mia, 'a login that is a user is that user');
like($own->sql("SELECT scheduler.act_as('$anna')"), qr/keeps its own identity/, '... and acts as nobody else');
my $headers = "SELECT set_config('request.headers', '{\"authorization\": \"Bearer $token\"}', true)";
like($own->sql("BEGIN; $headers; SELECT scheduler.authenticate()"), qr/keeps its own identity/, '... not with a token either');
$own->sql('ROLLBACK');
$s->sql("UPDATE scheduler.users SET is_active = false WHERE user_id = '$mia'");
like($own->sql("SELECT scheduler.act_as('$anna')"), qr/keeps its own identity|permission denied to act as a user/, '... nor once it is disabled');
is($own->sql($who), '', 'which makes it nobody');

# ---- settings prove nothing ----
my $plain = client('plain');
$plain->sql("BEGIN; SELECT set_config('request.jwt.claims', '{\"sub\": \"$anna\", \"role\": \"scheduler_admin\"}', true)");
is($plain->sql($who), '', 'claims that a client sets are nobody\'s');
$plain->sql($headers);
is($plain->sql($who), '', 'nor are headers before authenticate()');
$plain->sql("SELECT set_config('request.headers', '{\"authorization\": \"Bearer ' || replace('$token', '.', '.A') || '\"}', true)");
like($plain->sql('SELECT scheduler.authenticate()'), qr/the token is refused/, 'a token has to be a good one');
$plain->sql('ROLLBACK');
$plain->sql('BEGIN READ ONLY');
$plain->sql($headers);
is($plain->sql('SELECT scheduler.authenticate()'), $anna, 'a good one is its bearer, in a read-only transaction');
$plain->sql("SELECT set_config('request.headers', '{}', true), set_config('request.jwt.claims', '{\"sub\": \"$ben\"}', true)");
is($plain->sql($who), $anna, 'what is set afterwards changes nothing');
is($plain->sql('SELECT scheduler.authenticate()'), '', 'asked again without one: nobody');
is($plain->sql($who), '', '... and nobody it is');
$plain->sql('COMMIT');
like($plain->sql('SET ROLE scheduler_admin'), qr/permission denied/, 'SET ROLE needs membership');

# ---- many at once ----
my @clients = map { client() } 1 .. 8;
my $wrong = 0;
foreach my $round (1 .. 20)
{
	foreach my $i (0 .. $#clients)
	{
		if (($round + $i) % 2)
		{
			my $got = $clients[$i]->sql("BEGIN; SELECT scheduler.act_as('$anna'); $who; COMMIT");
			$wrong++ unless $got =~ /^\Q$anna\E$/m;
		}
		else
		{
			$wrong++ unless $clients[$i]->sql($who) eq '';
		}
	}
}
is($wrong, 0, 'eight clients on one connection, 160 transactions: each is who it says, or nobody');
$_->close foreach @clients, $one, $two, $plain, $own;
$node->stop;
done_testing();
