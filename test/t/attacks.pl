# A normal user does his worst: jobs without end, children without end, huge payloads, deep JSON, a host that never
# answers. He is told clearly where it ends, and the other user's work goes on meanwhile.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Sched;
use Test::More;

my @ports = map { Sched::start_misbehave() } 0 .. 2;
my $s = Sched->start('attacks', conf => <<"CONF");
scheduler.max_user_jobs = 20000
scheduler.max_in_flight = 32
scheduler.http_timeout = 60s
scheduler.http_private_hosts = 'localhost:$ports[0], localhost:$ports[1], localhost:$ports[2]'
scheduler.poll_interval = 1000
CONF
foreach my $name (qw(alice bob))
{
	$s->sql(qq{CREATE ROLE $name LOGIN; GRANT scheduler_user TO $name;
		SELECT scheduler.create_user('$name\@example.org', '$name', role_name => '$name')});
}
$s->sql(q{CREATE FUNCTION public.family(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step
	LANGUAGE plpgsql AS $$ BEGIN
		IF job.state IS NULL AND job.payload ? 'children' THEN
			PERFORM scheduler.enqueue_many('family', array_fill('{}'::jsonb, ARRAY[(job.payload ->> 'children')::integer]));
			RETURN scheduler.step_wait_children('{"waits": true}');
		END IF;
		RETURN scheduler.step_done();
	END $$;
	GRANT EXECUTE ON FUNCTION public.family TO scheduler_owner;
	SELECT scheduler.register_job_kind('family', 'public.family', shared => true, enqueue_role => 'scheduler_user', timeout => '20 s')});

my $live = "SELECT count(*) FROM scheduler.live_jobs l JOIN scheduler.users u USING (user_id) WHERE u.name = 'alice'";

# A job of bob's is done while alice's crowd is still there.
sub others_go_on
{
	my ($what) = @_;
	my $left = 'SELECT count(*) FROM scheduler.live_jobs';
	my $job = $s->sql(q{SELECT scheduler.enqueue('family')}, 'bob');
	$s->comes_true("another's job is done behind $what", "SELECT status FROM scheduler.jobs WHERE job_id = '$job'", 'succeeded', 20);
}

# ---- jobs without end ----
my $later = "run_at => now() + interval '1 day'";
like($s->failure("SELECT scheduler.enqueue_many('family', array_fill('{}'::jsonb, ARRAY[20001]), $later)", 'alice'),
	qr/too many jobs/, 'more jobs at once than a user may have are refused');
is($s->sql($live), 0, '... all of them');
is($s->sql("SELECT scheduler.enqueue_many('family', array_fill('{}'::jsonb, ARRAY[20000]), $later)", 'alice'), 20000, 'as many as he may have are not');
my $error = $s->failure("DO \$\$ BEGIN FOR n IN 1 .. 200 LOOP PERFORM scheduler.enqueue('family', $later); END LOOP; END \$\$", 'alice');
like($error, qr/too many jobs/, 'one by one it ends too');
like($error, qr/live jobs and asks for 1 more; at most 20000/, '... and he is told how many there are');
my ($state) = $s->failure("\\set VERBOSITY verbose\nSELECT scheduler.enqueue('family', $later)", 'alice') =~ /ERROR:\s+(\w+)/;
is($state, 'PT429', '... with the SQLSTATE of too many requests');
is($s->sql($live), 20000, '... and no more have come');
others_go_on('20,000 jobs');
is($s->sql(q{SELECT count(scheduler.cancel_job(job_id)) > 0 FROM (SELECT job_id FROM scheduler.jobs WHERE status = 'pending' LIMIT 100) AS j}, 'alice'), 't', 'he can cancel some');
like($s->sql("SELECT scheduler.enqueue('family', $later)", 'alice'), qr/^[0-9a-f-]{36}$/, '... and go on');
$s->sql("DELETE FROM scheduler.live_jobs WHERE status = 'pending'");

# ---- children without end ----
my $parent = $s->sql(q{SELECT scheduler.enqueue('family', '{"children": 15000}')}, 'alice');
others_go_on('15,000 children');
$s->comes_true('a parent of 15,000 ends', "SELECT status FROM scheduler.jobs WHERE job_id = '$parent'", 'succeeded', 60);
is($s->sql("SELECT count(*) FROM scheduler.finished_jobs WHERE parent_id = '$parent' AND status = 'succeeded'"), 15000, '... after all of them');
my $greedy = $s->sql(q{SELECT scheduler.enqueue('family', '{"children": 30000}')}, 'alice');
$s->comes_true('one that wants more than the user may have hears of it in its error',
	"SELECT error LIKE '%too many jobs%' FROM scheduler.live_jobs WHERE job_id = '$greedy'");
is($s->sql("SELECT count(*) FROM scheduler.jobs WHERE parent_id = '$greedy'"), 0, '... and has no child');
$s->sql("SELECT scheduler.cancel_job('$greedy')", 'alice');

# ---- large and deep ----
like($s->failure(q{SELECT scheduler.enqueue('family', jsonb_build_object('x', repeat('x', 17 * 1024 * 1024)))}, 'alice'),
	qr/payload is too large/, 'a payload of 17 MB is refused');
like($s->failure(q{SELECT scheduler.enqueue_many('family', ARRAY['{}', to_jsonb(repeat('x', 17 * 1024 * 1024))])}, 'alice'),
	qr/payload is too large/, '... also among others');
like($s->failure(q{SELECT scheduler.enqueue('family', repeat('[', 100000)::jsonb)}, 'alice'), qr/stack depth limit/, 'JSON 100,000 deep is refused');
my $deep = $s->sql(q{SELECT scheduler.enqueue('family', (repeat('[', 3000) || repeat(']', 3000))::jsonb)}, 'alice');
my $large = $s->sql(q{SELECT scheduler.enqueue('family', jsonb_build_object('x', repeat('x', 15 * 1024 * 1024)))}, 'alice');
$s->comes_true('what is allowed is done', "SELECT bool_and(status = 'succeeded') FROM scheduler.jobs WHERE job_id IN ('$deep', '$large')");

# ---- hosts that never answer ----
$s->sql(qq{CREATE FUNCTION public.call(job scheduler.job, response scheduler.http_response) RETURNS scheduler.step LANGUAGE plpgsql AS \$\$ BEGIN
		IF response.status IS NULL AND response.failure IS NULL THEN
			RETURN scheduler.step_request(ROW('GET', 'http://localhost:' || (job.payload ->> 'place'), NULL, NULL, NULL, NULL));
		END IF;
		RETURN scheduler.step_done();
	END \$\$;
	GRANT EXECUTE ON FUNCTION public.call TO scheduler_owner;
	SELECT scheduler.register_job_kind('call', 'public.call', shared => true, enqueue_role => 'scheduler_user')});
$s->sql(qq{SELECT scheduler.enqueue_many('call', array_fill('{"place": "$_/silent"}'::jsonb, ARRAY[250]))}, 'alice') foreach @ports[0, 1];
$s->comes_true('500 calls to hosts that never answer', "SELECT count(*) >= 28 FROM scheduler.live_jobs WHERE status = 'running'");
my $call = $s->sql(qq{SELECT scheduler.enqueue('call', '{"place": "$ports[2]/echo"}')}, 'bob');
$s->comes_true("... let another's call through before any of them has timed out", "SELECT status FROM scheduler.jobs WHERE job_id = '$call'", 'succeeded', 20);
is($s->sql("SELECT count(*) FROM scheduler.finished_jobs JOIN scheduler.users u USING (user_id) WHERE kind = 'call' AND u.name = 'alice'"), 0, '... of which none has ended');
others_go_on('them');
is($s->sql("SELECT count(scheduler.cancel_job(job_id)) FROM scheduler.jobs WHERE kind = 'call'", 'alice') > 490, 1, 'he can take them back');
$s->comes_true('... and nothing of his is left', $live, 0);
$s->node->stop;
done_testing();
