#!/usr/bin/env bash
# A generated mbox of $SIZE megabytes (1000) through import_mailbox(), one transaction, and through mail.import jobs, in
# batches: megabytes and mails a second, and the peak of the private memory of the process that does it. mail.process jobs
# are held back meanwhile; pipeline.sh measures them.
#
# Floor: reading the file, and INSERT ... SELECT of the same rows of mails, bodies and jobs into tables with the same indexes.
. "$(dirname "$0")/common.bash"
SIZE=${SIZE:-1000}
RUNS=1
bench_start import
box=$BENCH_TEMP/import-$SIZE.mbox
[ -e "$box" ] || python3 "$BENCH_DIR/make_mbox.py" "$box" "$SIZE"
own "$box"
bytes=$(stat -c %s "$box")
for name in one two; do
	q "SELECT scheduler.create_user('$name@example.org', '$name', 'Europe/Berlin')" >/dev/null
done
user() { q "SELECT user_id FROM scheduler.users WHERE email = '$1@example.org'"; }
stop=$BENCH_TEMP/import.stop
rm -f "$stop"

q "SELECT scheduler.disarm()" >/dev/null
start=$(date +%s.%N)
q "SET application_name = 'bench_import'; SELECT scheduler.import_mailbox('$box', '$(user one)')" >"$BENCH_TEMP/import.count" &
importer=$!
wait_until "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'bench_import'"
watch_memory "$(q "SELECT pid FROM pg_stat_activity WHERE application_name = 'bench_import'")" "$stop" >"$BENCH_TEMP/import.peak" &
watcher=$!
wait "$importer"
seconds=$(calc "$(date +%s.%N) - $start")
touch "$stop"
wait "$watcher"
mails=$(tail -n 1 "$BENCH_TEMP/import.count")

for table in email_tracking email_bodies live_jobs; do
	q "CREATE TABLE public.floor_$table (LIKE scheduler.$table INCLUDING ALL)"
done
q CHECKPOINT
start=$(date +%s.%N)
cat "$box" >/dev/null
q "BEGIN; INSERT INTO floor_email_tracking SELECT * FROM scheduler.email_tracking;
	INSERT INTO floor_email_bodies SELECT * FROM scheduler.email_bodies;
	INSERT INTO floor_live_jobs SELECT * FROM scheduler.live_jobs; COMMIT"
floor=$(calc "$(date +%s.%N) - $start")
q "DROP TABLE floor_email_tracking, floor_email_bodies, floor_live_jobs; TRUNCATE scheduler.live_jobs"

figure "import_mailbox() of $(calc "$bytes / 1e6" %.0f) MB, $(pretty "$mails") mails" "$(calc "$bytes / 1e6 / $seconds")" MB/s \
	"reading and INSERT of the same rows" "$(calc "$bytes / 1e6 / $floor")"
figure "import_mailbox(), mails" "$(calc "$mails / $seconds")" mails/s "the same" "$(calc "$mails / $floor")"
figure "import_mailbox(), peak of private memory (RssAnon)" "$(cat "$BENCH_TEMP/import.peak")" MB

# The extraction of what comes in waits: its jobs are taken from the queue's front by a handler that puts them off.
q "UPDATE scheduler.job_kinds SET priority = 9 WHERE kind = 'mail.process'"
rm -f "$stop"
watch_memory "$(worker_pid)" "$stop" >"$BENCH_TEMP/import.peak" &
watcher=$!
start=$(date +%s.%N)
before=$(workers_cpu)
id=$(q "SELECT scheduler.enqueue('mail.import', jsonb_build_object('path', '$box'), priority => 0, user_id => '$(user two)');
	SELECT scheduler.arm()" | head -n 1)
wait_until "SELECT EXISTS (SELECT FROM scheduler.finished_jobs WHERE job_id = '$id')" 1800
seconds=$(calc "$(date +%s.%N) - $start")
cpu=$(calc "$(workers_cpu) - $before")
q "SELECT scheduler.disarm()" >/dev/null
touch "$stop"
wait "$watcher"
done_too=$(q "SELECT count(*) FROM scheduler.finished_jobs WHERE kind = 'mail.process'")
figure "mail.import, $(pretty "$done_too") mails extracted meanwhile" "$(calc "$bytes / 1e6 / $seconds")" MB/s \
	"reading and INSERT of the same rows" "$(calc "$bytes / 1e6 / $floor")"
figure "mail.import, processor time of the worker a mail" "$(calc "$cpu * 1e6 / $mails")" us
figure "mail.import, peak of private memory (RssAnon)" "$(cat "$BENCH_TEMP/import.peak")" MB
