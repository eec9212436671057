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
my $tests = slurp(glob("$tree/sql/*.sql"), grep({ !/names\.pl$/ } glob("$tree/test/t/*.pl")), glob("$tree/test/specs/*.spec"));
my %functions = map { $_ => 1 } $source =~ /^CREATE (?:FUNCTION|PROCEDURE) scheduler\.(\w+)/mg;
delete @functions{ map { $_ } $source =~ /^DROP FUNCTION scheduler\.(\w+)/mg };
# A trigger function or a job's handler is named by what fires it; the row it writes is what a test looks at.
my %fired = map { $_ => 1 } $source =~ /EXECUTE FUNCTION scheduler\.(\w+)/g, $source =~ /'scheduler\.(\w+)\(scheduler\.job/g;
# No client can call these; a test names the function through which each runs. `make mutants bodies` empties their
# bodies too and shows that this is noticed.
my %through = (
	admit_subject => 'accept_token', admit_token => 'accept_token', handle_issuer_keys => 'add_issuer', jwks_problem => 'add_issuer', read_token => 'link_token',
	check_worker_role => 'register_job_kind', route_jobs => 'register_job_kind', handle_plan => 'plan_all', handle_recap => 'recap_all',
	add_mail_events => 'handle_mail', apply_placements => 'plan', builtin_facts => 'extraction_step',
	check_event_words => 'add_event', check_hours => 'set_availability',
	check_secret => 'set_secret', check_task => 'add_task', claim_span => 'add_event', completion_answer => 'handle_llm_chat',
	completion_json => 'handle_llm_chat', find_offers => 'detect_conflicts', follow_tasks => 'add_task', find_mail_tasks => 'insert_mail_tasks', find_overlaid_tasks => 'add_event', fix_task => 'add_task',
	list_alternatives => 'detect_conflicts', lock_account => 'pause_account', lock_conflict => 'resolve_conflict',
	lock_event => 'update_event', lock_task => 'update_task', note_impossible => 'plan', note_mail_error => 'handle_mail',
	note_overlaps => 'plan', number_alternatives => 'detect_conflicts', offer_for_event => 'detect_conflicts',
	offer_for_task => 'detect_conflicts', open_calendar => 'plan', open_mails => 'handle_mail', place_mail_tasks => 'insert_mail_tasks',
	place_new_tasks => 'insert_mail_tasks', place_system_secret => 'add_model',
	record_answers => 'extraction_steps', record_changes => 'record_change', record_context => 'extraction_step', record_contexts => 'handle_mail', record_llm_call => 'extraction_step', refuse_hold => 'book_slot', refuse_old_snapshot => 'set_day',
	interrupt_holder => 'cancel_job', refuse_slot => 'hold_slot', replan_tasks => 'update_task', save_dependencies => 'add_task', schedule_problem => 'save_schedule',
	accept_secret => 'secret_input', note_secret_refusal => 'secret_input', split_hosts => 'secret_input', body_key => 'ingest_email', seal_body => 'ingest_email',
	change_master_key => 'rotate_master_key', next_key_owner => 'rotate_data_keys', reseal_body => 'rotate_data_keys', retire_some => 'rotate_data_keys',
	rotate_some => 'rotate_data_keys', shares_keys => 'rotate_data_keys',
	seal_secret_file => 'set_secret_from_file', settle_conflicts => 'complete_task', settle_span => 'add_event',
	store_secret => 'set_secret', try_calendar => 'handle_mails', try_lock => 'handle_mails', wait_patiently => 'cancel_job',
	account_name => 'request_password_reset', account_state => 'oauth_start', attach_grant => 'oauth_finish', audit_refusal => 'refresh',
	check_audit_seal => 'verify_audit_log', check_purpose => 'give_consent', checked_email => 'request_password_reset',
	claimed_address => 'oauth_finish', decode_token => 'refresh', decode_url_part => 'oauth_finish_url',
	diagnose_hosts => 'doctor', drop_grant => 'oauth_start', encode_token => 'password_reset_token', encode_url_part => 'oauth_start',
	end_processes => 'panic', erase_mentions => 'erase_user', erase_rows => 'erase_user',
	excuse_erasure => 'erase_user', expire_rows => 'apply_retention', export_query => 'export_user_data',
	find_client_processes => 'panic', granted_purposes => 'oauth_finish', handle_oauth_connect => 'oauth_finish', handle_oauth_refresh => 'oauth_finish',
	handle_oauth_revoke => 'disconnect_account', has_consent => 'extraction_step', host_of_url => 'set_oauth_client', is_known_address => 'login',
	keep_grant_secret => 'oauth_start', keep_tokens => 'oauth_finish', lock_user => 'disable_user', may_ask => 'extraction_step',
	noted_audit_head => 'verify_audit_log', oauth_client => 'oauth_start', oauth_scope => 'oauth_start', oauth_scopes => 'oauth_start',
	random_secret => 'refresh', record_job_audit => 'cancel_job', refresh_account => 'oauth_finish', refuse_grant => 'oauth_finish',
	remember_address => 'login', repeat_with_new_token => 'oauth_finish',
	require_reauth => 'oauth_finish', return_attempt => 'login', seal_grant_token => 'oauth_start',
	seal_in_passing => 'seal_audit_log', session_answer => 'refresh', signup_refusal => 'signup', stop_user => 'erase_user', take_back_claims => 'panic',
	take_state => 'oauth_finish', token_answer => 'oauth_finish', token_request => 'oauth_finish', token_verdict => 'oauth_finish',
	verify_sealed_rows => 'verify_audit_log', wait_refusal => 'request_password_reset', wake_account_jobs => 'oauth_finish');
foreach my $name (sort keys %functions)
{
	next if $fired{$name};
	my $named = $through{$name} // $name;
	ok($tests =~ /\b$named\b/, $named eq $name ? "$name is named by a test" : "$named, which runs $name, is named by a test");
}
my $grants = join("\n", $source =~ /^GRANT EXECUTE[^;]*;/mg);
foreach my $name (sort keys %through)
{
	unlike($grants, qr/scheduler\.$name\(/, "$name is granted to nobody");
	ok($functions{$name} && $tests !~ /\b$name\b/ && $source =~ /scheduler\.$name\s*\((?!.*RETURNS)/,
		"$name stands rightly in the list of functions that others run");
}

my $c_source = slurp(glob("$tree/src/*/*.c"));
my %named = (
	ERRCODE_INVALID_PARAMETER_VALUE => '22023', ERRCODE_INSUFFICIENT_PRIVILEGE => '42501',
	ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION => '28000', ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE => '55000',
	ERRCODE_FEATURE_NOT_SUPPORTED => '0A000', ERRCODE_UNDEFINED_OBJECT => '42704', ERRCODE_UNDEFINED_FUNCTION => '42883',
	ERRCODE_INTERNAL_ERROR => 'XX000', ERRCODE_PROGRAM_LIMIT_EXCEEDED => '54000', ERRCODE_UNIQUE_VIOLATION => '23505',
	ERRCODE_NO_DATA_FOUND => 'P0002', ERRCODE_DUPLICATE_OBJECT => '42710', ERRCODE_QUERY_CANCELED => '57014',
	ERRCODE_DATATYPE_MISMATCH => '42804', ERRCODE_CONFIG_FILE_ERROR => 'F0000', ERRCODE_IO_ERROR => '58030', ERRCODE_INSUFFICIENT_RESOURCES => '53000', ERRCODE_OUT_OF_MEMORY => '53200',
	ERRCODE_NULL_VALUE_NOT_ALLOWED => '22004', ERRCODE_OBJECT_IN_USE => '55006', ERRCODE_LOCK_NOT_AVAILABLE => '55P03', ERRCODE_DATA_CORRUPTED => 'XX001', ERRCODE_INVALID_FUNCTION_DEFINITION => '42P13');
my %states = map { $_ => 1 } $source =~ /ERRCODE = '(\w{5})'/g;
foreach my $word ($c_source =~ /errcode\((ERRCODE_\w+)\)/g)
{
	ok(exists $named{$word}, "$word is known to this test");
	$states{ $named{$word} // '' } = 1;
}
$states{ join '', $1 =~ /'(.)'/g } = 1 while $c_source =~ /MAKE_SQLSTATE\(([^)]*)\)/g;
# Over HTTP authenticate() writes them as the code of what PostgREST answers; what is raised is PGRST.
$states{$1} = 1 while $c_source =~ /"(PT\d{3})"/g;
my $listed = slurp("$tree/doc/errors.md");
foreach my $state (sort keys %states)
{
	like($listed, qr/^\| `$state`/m, "doc/errors.md lists $state");
}
foreach my $state ($listed =~ /^\| `(\w{5})`/mg)
{
	ok($states{$state}, "$state of doc/errors.md is raised somewhere");
}

# The status that PostgREST's documentation gives for a state.
sub http_status
{
	my ($state) = @_;
	return $1 if $state =~ /^PT(\d{3})$/;
	return 401 if $state eq 'PGRST';
	return { 23503 => 409, 23505 => 409, 42501 => 403, 42883 => 404, '42P01' => 404, P0001 => 400 }->{$state}
		// { 28 => 403, 53 => 503, 55 => 500, 57 => 500, 58 => 500, P0 => 500, XX => 500, F0 => 500, 54 => 413 }
		->{ substr $state, 0, 2 } // 400;
}
my %status = $listed =~ /^\| `(\w{5})` \| (\d+) \|/mg;
is($status{$_}, http_status($_), "$_ has its HTTP status") foreach sort keys %states;

done_testing();
