# Mails of one user are read together: the same rows as one by one, one bad job takes nothing from its neighbours, and
# nobody waits for another's calendar.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Sched;

my $s = Sched->start('mail_groups', unarmed => 1);
my $node = $s->node;

foreach my $user (qw(anna ben))
{
	$s->sql("CREATE ROLE $user LOGIN; GRANT scheduler_user TO $user;"
		  . " SELECT scheduler.create_user('$user\@example.org', '$user', 'Europe/Berlin', role_name => '$user')");
}

# Mails with one task each, due in three weeks.
sub mails
{
	my ($user, $prefix, $count) = @_;
	$s->sql(qq{SELECT count(scheduler.ingest_email(convert_to(format(
		E'From: Max <max\@example.com>\\nTo: me\@example.org\\nDate: %s\\nSubject: %s\\nMessage-ID: <$prefix%s\@example.com>\\n\\n'
		'Could you please return the signed $prefix%s contract by %s, 15:00?\\n',
		to_char(now() AT TIME ZONE 'UTC', 'Dy, DD Mon YYYY HH24:MI:SS "+0000"'), '$prefix', n, n,
		to_char(now() + interval '21 days', 'FMDD FMMonth YYYY')), 'UTF8'))) FROM generate_series(1, $count) AS n}, $user);
}

my $unread = q{SELECT count(*) FROM scheduler.email_tracking WHERE NOT processed};
my $tasks = q{SELECT count(*), count(DISTINCT source_email_id), count(*) FILTER (WHERE status = 'scheduled') FROM scheduler.tasks
	WHERE original_input = '%s'};

# ---- together ----

mails('anna', 'first', 40);
mails('ben', 'first', 40);
$s->sql('SELECT scheduler.arm()');
$s->comes_true('80 mails of two users are read', $unread, 0, 60);
is($s->sql(sprintf $tasks, 'first'), '80|80|80', 'each gives one task, which has its place');
is($s->sql(q{SELECT count(*) FROM scheduler.tasks t JOIN scheduler.calendar_events e USING (user_id, task_id)
	JOIN scheduler.users u USING (user_id)
	WHERE t.scheduled_date + t.start_time = e.start_datetime AT TIME ZONE u.timezone AND e.end_datetime <= t.deadline
		AND e.end_datetime - e.start_datetime = make_interval(mins => t.duration_minutes)}), 80, '... which it knows');
is($s->sql(q{SELECT count(*) FROM scheduler.email_tracking m JOIN scheduler.tasks t USING (user_id, task_id)
	WHERE t.source_email_id = m.email_id AND m.extracted_deadline = t.deadline AND m.classification = 'actionable'}), 80,
	'... and stands in its mail');
is($s->sql(q{SELECT count(*), count(DISTINCT context_data ->> 'job_id'), count(DISTINCT c.context_data ->> 'email_id')
	FROM scheduler.agent_context c JOIN scheduler.finished_jobs j ON j.job_id = (c.context_data ->> 'job_id')::uuid
		AND j.result ->> 'email_id' = c.context_data ->> 'email_id' AND j.result -> 'tasks' = '1'}), '80|80|80', '... and in a record of its job');
$s->comes_true('each task is told of', q{SELECT string_agg(type || ' ' || n, ', ' ORDER BY type) FROM (SELECT type, count(DISTINCT subject_id) AS n
	FROM scheduler.changes WHERE type ~ '^(task|calendar_event)' GROUP BY type) AS c},
	'calendar_event.created 80, task.created 80, task.scheduled 80', 20);
# now() is the same for what one transaction wrote.
cmp_ok($s->sql(q{SELECT count(DISTINCT created_at) FROM scheduler.agent_context}), '<=', 20, 'few transactions did it');

# ---- one that throws ----

$s->sql('SELECT scheduler.disarm()');
mails('anna', 'second', 20);
$s->sql(q{UPDATE scheduler.live_jobs SET payload = '{"email_id": "none"}', max_attempts = 1
	WHERE job_id = (SELECT job_id FROM scheduler.live_jobs WHERE kind = 'mail.process' ORDER BY job_id OFFSET 10 LIMIT 1)});
$s->sql('SELECT scheduler.arm()');
$s->comes_true('a bad job among others costs them nothing', $unread, 1, 60);
is($s->sql(sprintf $tasks, 'second'), '19|19|19', '... each is read once');
is($s->sql(q{SELECT string_agg(status || ' ' || n, ', ' ORDER BY status) FROM (SELECT status, count(*) AS n FROM scheduler.jobs
	WHERE kind = 'mail.process' GROUP BY status) AS j}), 'dead 1, succeeded 99', '... and the bad one is dead');

# ---- a calendar that somebody holds ----

my $holder = $node->background_psql('postgres', on_error_stop => 1, extra_params => [ '-U', 'anna' ]);
$holder->query_safe('BEGIN');
$holder->query_safe(q{SELECT scheduler.add_task('mine')});
mails('anna', 'held', 20);
mails('ben', 'held', 20);
$s->comes_true('mails of others are read while one calendar is held', q{SELECT count(*) FROM scheduler.tasks t
	JOIN scheduler.users u USING (user_id) WHERE t.original_input = 'held' AND u.role_name = 'ben'}, 20, 30);
is($s->sql(q{SELECT count(*) FROM scheduler.live_jobs WHERE attempts = 0 AND status = 'pending'}) > 0, 1,
	'... whose own jobs are mostly left as they are');
$holder->query_safe('COMMIT');
$holder->quit;
$s->comes_true('... then his', "SELECT count(*) FROM scheduler.tasks WHERE original_input = 'held'", 40, 60);
is($s->sql(q{SELECT count(*) FROM scheduler.jobs WHERE status IN ('failed', 'dead')}), 1, 'no job is lost by waiting');

# ---- a full calendar: others make room, once a group ----

$s->sql(q{SELECT scheduler.disarm(); CREATE ROLE cleo LOGIN; GRANT scheduler_user TO cleo;
	SELECT scheduler.create_user('cleo@example.org', 'cleo', 'UTC', role_name => 'cleo')});
# Two hours a day from tomorrow on, of which the first are taken by what could wait, after an offer that nobody took.
$s->sql(q{SELECT scheduler.set_availability(d, '09:00', '11:00') FROM generate_series(1, 7) AS d;
	SELECT scheduler.add_event('today', now(), date_trunc('day', now()) + interval '1 day');
	SELECT scheduler.add_task('loose', 120)}, 'cleo');
$s->sql(q{INSERT INTO scheduler.calendar_events (user_id, summary, start_datetime, end_datetime, status, hold_expires_at)
	SELECT user_id, 'lapsed', date_trunc('day', now()) + interval '2 days 9 hours', date_trunc('day', now()) + interval '2 days 10 hours',
		'tentative', now() - interval '1 minute' FROM scheduler.users WHERE role_name = 'cleo'});

sub urgent_mails
{
	my ($prefix, $count) = @_;
	$s->sql(qq{SELECT count(scheduler.ingest_email(convert_to(format(
		E'From: Max <max\@example.com>\\nTo: me\@example.org\\nDate: %s\\nSubject: %s\\nMessage-ID: <$prefix%s\@example.com>\\n\\n'
		'Could you please review the $prefix%s contract by %s, 23:00?\\n',
		to_char(now() AT TIME ZONE 'UTC', 'Dy, DD Mon YYYY HH24:MI:SS "+0000"'), '$prefix', n, n,
		to_char(now() + interval '3 days', 'FMDD FMMonth YYYY')), 'UTF8'))) FROM generate_series(1, $count) AS n}, 'cleo');
}

my $missed = q{SELECT count(*), count(DISTINCT c.task_id), count(*) FILTER (WHERE jsonb_array_length(c.alternatives_offered) > 0)
	FROM scheduler.scheduling_conflicts c JOIN scheduler.tasks t USING (user_id, task_id)
	WHERE c.resolution_status = 'pending' AND c.conflict_type = 'deadline_impossible' AND t.status = 'pending' AND t.deadline < now() + interval '4 days'};
# Half an hour each.
urgent_mails('urgent', 12);
$s->sql('SELECT scheduler.arm()');
$s->comes_true('mails for a full calendar are read', $unread, 1, 60);
my $fit = q{SELECT count(*), count(*) FILTER (WHERE t.status = 'scheduled' AND e.end_datetime <= t.deadline
		AND t.scheduled_date + t.start_time = e.start_datetime AT TIME ZONE 'UTC')
	FROM scheduler.tasks t LEFT JOIN scheduler.calendar_events e USING (user_id, task_id) WHERE t.original_input = 'urgent'};
is($s->sql($fit), '12|12', '... all six hours before the deadline are theirs');
is($s->sql(q{SELECT count(*), bool_and(t.status = 'scheduled' AND e.start_datetime > now() + interval '3 days')
	FROM scheduler.tasks t JOIN scheduler.calendar_events e USING (user_id, task_id) WHERE t.description = 'loose'}), '1|t', '... what could wait made room');
is($s->sql(q{SELECT count(*) FROM scheduler.calendar_events WHERE summary = 'lapsed'}), 0, '... as did a lapsed hold');
is($s->sql($missed), '0|0|0', '... and nothing is in conflict');
urgent_mails('late', 3);
$s->comes_true('further mails are read', $unread, 1, 60);
is($s->sql($missed), '3|3|3', '... each has an alarm with free times: there is no time left');
$s->comes_true('... and each move is told of', q{SELECT count(DISTINCT c.type) FROM scheduler.changes c JOIN scheduler.tasks t USING (user_id)
	WHERE t.description = 'loose' AND (c.subject_id = t.task_id AND c.type = 'task.updated'
		OR c.type = 'calendar_event.updated' AND c.subject_id IN (SELECT e.event_id FROM scheduler.calendar_events e WHERE e.task_id = t.task_id))}, 2, 20);
is($s->sql(q{SELECT count(*) FROM scheduler.calendar_events a JOIN scheduler.calendar_events b USING (user_id)
	WHERE a.blocks AND b.blocks AND a.event_id < b.event_id AND a.during && b.during}), 0, 'no two blocks overlap');
is($s->sql(q{SELECT count(*) FROM scheduler.jobs WHERE status IN ('failed', 'dead')}), 1, 'no job failed');

$node->stop;
done_testing();
