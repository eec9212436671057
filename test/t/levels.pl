# Under REPEATABLE READ and SERIALIZABLE a row that somebody else has written meanwhile ends a transaction with 40001, which
# clients in front repeat for ever. So what writes such rows is refused there at once, with the way out; what reads works.
use strict;
use warnings;
use Sched;
use Test::More;

my $s = Sched->start('levels', conf => "fsync = off\n");
$s->sql(q{
	CREATE ROLE anna LOGIN; GRANT scheduler_developer TO anna;
	SELECT scheduler.create_user('anna@example.org', 'Anna', 'Europe/Berlin', role_name => 'anna')});
$s->sql(q{
	SELECT scheduler.register_job_kind('outside');
	SELECT scheduler.save_schedule('often', 'outside', every => '1 hour');
	SELECT scheduler.enqueue('outside', unique_key => 'k');
	SELECT scheduler.ingest_email(E'From: max@example.com\nSubject: x\n\nHello\n'::bytea)}, 'anna');
my $task = $s->sql(q{SELECT scheduler.add_task('write')}, 'anna');
my $job = $s->sql(q{SELECT job_id FROM scheduler.claim_jobs('{outside}', 1, '10 minutes')}, 'anna');
my $event = $s->sql(q{SELECT scheduler.add_event('talk', now() + interval '3 days', now() + interval '73 hours')}, 'anna');

my %writes = (
	plan => q{SELECT scheduler.plan()}, add_task => q{SELECT scheduler.add_task('x')}, update_task => qq{SELECT scheduler.update_task('$task', '{"priority": 7}')},
	complete_task => qq{SELECT scheduler.complete_task('$task')}, cancel_task => qq{SELECT scheduler.cancel_task('$task')},
	postpone_task => qq{SELECT scheduler.postpone_task('$task', now() + interval '1 day')}, pin_task => qq{SELECT scheduler.pin_task('$task')},
	log_work => qq{SELECT scheduler.log_work('$task', 5)}, detect_conflicts => q{SELECT scheduler.detect_conflicts()},
	hold_slot => q{SELECT scheduler.hold_slot('2031-01-06 10:00Z', '2031-01-06 11:00Z')}, book_slot => qq{SELECT scheduler.book_slot('$event')},
	release_slot => qq{SELECT scheduler.release_slot('$event')}, add_event => q{SELECT scheduler.add_event('x', '2031-01-06 10:00Z', '2031-01-06 11:00Z')},
	move_event => qq{SELECT scheduler.move_event('$event', '2031-01-06 10:00Z')}, cancel_event => qq{SELECT scheduler.cancel_event('$event')},
	set_availability => q{SELECT scheduler.set_availability(1, '09:00', '17:00')}, set_day => q{SELECT scheduler.set_day('2031-01-06')},
	protect_time => q{SELECT scheduler.protect_time('x', '2031-01-06 10:00Z', '2031-01-06 11:00Z')}, set_preference => q{SELECT scheduler.set_preference('buffer_minutes', '5')},
	schedule_text => q{SELECT scheduler.schedule_text('dentist tomorrow 9')}, claim_jobs => q{SELECT scheduler.claim_jobs('{outside}')},
	finish_job => qq{SELECT scheduler.finish_job('$job')}, finish_jobs => qq{SELECT scheduler.finish_jobs('{$job}')}, fail_job => qq{SELECT scheduler.fail_job('$job', 'x')},
	extend_lease => qq{SELECT scheduler.extend_lease('$job', '1 minute')}, cancel_job => qq{SELECT scheduler.cancel_job('$job')}, retry_job => qq{SELECT scheduler.retry_job('$job')},
	'enqueue with a key' => q{SELECT scheduler.enqueue('outside', unique_key => 'k')}, save_schedule => q{SELECT scheduler.save_schedule('often', 'outside', every => '2 hours')},
	drop_schedule => q{SELECT scheduler.drop_schedule('often')}, register_job_kind => q{SELECT scheduler.register_job_kind('outside')},
	ingest_email => q{SELECT scheduler.ingest_email(E'From: max@example.com\nSubject: y\n\nHello\n'::bytea)}, set_model => q{SELECT scheduler.set_model('extract', 'builtin')},
	add_model => q{SELECT scheduler.add_model('m', 'openai', 'm')}, recap => q{SELECT scheduler.recap()},
	login => q{SELECT scheduler.login('anna@example.org', 'a password')}, refresh => q{SELECT scheduler.refresh('x')}, signup => q{SELECT scheduler.signup('b@example.org', 'a password', 'B')},
	logout => q{SELECT scheduler.logout()}, revoke_all => q{SELECT scheduler.revoke_all()}, change_password => q{SELECT scheduler.change_password('x', 'y')},
	reset_password => q{SELECT scheduler.reset_password('x', 'y')}, request_password_reset => q{SELECT scheduler.request_password_reset('anna@example.org')});
my %reads = (
	tasks => q{SELECT count(*) FROM scheduler.upcoming_tasks}, find_slots => q{SELECT count(*) FROM scheduler.find_slots('30 minutes')}, free_busy => q{SELECT count(*) FROM scheduler.free_busy('[2031-01-06, 2031-01-07)')},
	explain_placement => qq{SELECT scheduler.explain_placement('$task') IS NULL}, parse_when => q{SELECT scheduler.parse_when('tomorrow')}, jobs => q{SELECT count(*) FROM scheduler.jobs},
	'enqueue without a key' => q{SELECT scheduler.enqueue('outside')}, doctor => q{SELECT count(*) > 0 FROM scheduler.doctor()});

foreach my $level ('REPEATABLE READ', 'SERIALIZABLE')
{
	foreach my $name (sort keys %writes)
	{
		like($s->failure("\\set VERBOSITY verbose\nBEGIN ISOLATION LEVEL $level; $writes{$name}; ROLLBACK", 'anna'),
			qr/ERROR:  55000: this cannot be done at the isolation level of this transaction\nDETAIL:  It is $level: .*\nHINT:  Use BEGIN ISOLATION LEVEL READ COMMITTED/,
			"$name is refused under $level");
	}
	foreach my $name (sort keys %reads)
	{
		is($s->failure("BEGIN ISOLATION LEVEL $level; $reads{$name}; COMMIT", 'anna'), '', "$name works under $level");
	}
}

# A database whose default it is: sessions are told, the worker goes on.
$s->sql(q{ALTER DATABASE postgres SET default_transaction_isolation = 'repeatable read'});
like($s->failure(q{SELECT scheduler.add_task('x')}, 'anna'), qr/It is REPEATABLE READ/, 'where it is the default of the database, too');
$s->sql(q{SET default_transaction_isolation = 'read committed'; SELECT scheduler.ingest_email(E'From: max@example.com\nSubject: Report\n\nPlease send me the report by Friday.\n'::bytea)}, 'anna');
$s->sql(q{SELECT pg_terminate_backend(pid) FROM scheduler.stat_workers});
$s->comes_true('the worker reads mails there', 'SELECT count(*) FROM scheduler.email_tracking WHERE processed', 2, 30);
$s->node->stop;
done_testing();
