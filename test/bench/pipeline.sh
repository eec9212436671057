#!/usr/bin/env bash
# Mails a second from the stored mail to task, block and context: by the built-in rules, and by a model that answers after
# 200 ms with 500 calls in flight. 20 users, mails of about 2 kB, one task each. Storing them (ingest) is measured apart.
# The built-in rules once more with the same number of mails spread over 500 users, whose mails are handled by user.
#
# Floors: for the built-in rules the writes of the same rows by a procedure, 32 mails a commit; for the model calls in
# flight / latency.
. "$(dirname "$0")/common.bash"
MAILS=${MAILS:-2000}
USERS=${USERS:-20}
MANY_USERS=${MANY_USERS:-500}
WORKERS=${WORKERS:-1}
# BODIES=off keeps the mails plain.
bench_start pipeline "scheduler.max_in_flight = 625" "scheduler.workers = $WORKERS" "scheduler.encrypt_bodies = ${BODIES:-on}"
q "SELECT problem FROM scheduler.create_master_key()" >/dev/null
server=$(build_helper http_server)
answer=$BENCH_TEMP/pipeline.answer
python3 - >"$answer" <<'PY'
import datetime, json
due = (datetime.datetime.now() + datetime.timedelta(days=12)).strftime("%Y-%m-%dT17:00:00+00:00")
facts = {"classification": "actionable", "confidence": 0.9, "language": "en", "events": [], "tasks": [{"description":
	"Send the report", "deadline": due, "duration_minutes": 30, "priority": 5, "location": None, "attendees": [],
	"category": "work", "confidence": 0.9}]}
print(json.dumps({"id": "x", "object": "chat.completion", "model": "m", "choices": [{"index": 0, "finish_reason": "stop",
	"message": {"role": "assistant", "content": json.dumps(facts)}}], "usage": {"prompt_tokens": 900,
	"completion_tokens": 90, "total_tokens": 990}}), end="")
PY
port=$(free_port)
"$server" "$port" 200 "$answer" &
BENCH_CHILDREN="$BENCH_CHILDREN $!"
q "SELECT scheduler.add_model('bench', 'openai', 'm', NULL, 'http://127.0.0.1:$port/v1')" >/dev/null

# $2 users with all their mails stored, none extracted, to be read by model $1; sets $stored to mails a second of storing,
# $mails to how many there are.
store() {
	local start users=$2 box=$BENCH_TEMP/pipeline-$MAILS-$2.mbox
	mails=$((MAILS / users * users))
	python3 "$BENCH_DIR/make_mbox.py" "$box" 0 "$((MAILS / users))"
	own "$box"
	q "SELECT scheduler.disarm()" >/dev/null
	q "TRUNCATE scheduler.live_jobs, scheduler.finished_jobs, scheduler.email_tracking, scheduler.email_bodies, scheduler.tasks,
		scheduler.calendar_events, scheduler.agent_context, scheduler.llm_calls, scheduler.new_changes CASCADE;
		DELETE FROM scheduler.users WHERE email LIKE 'u%@example.org'" >/dev/null
	q "SELECT count(scheduler.create_user(format('u%s@example.org', n), 'U', 'Europe/Berlin'))
		FROM generate_series(1, $users) AS n" >/dev/null
	q "SELECT scheduler.set_model('extract', '$1', user_id) FROM scheduler.users WHERE email LIKE 'u%@example.org'" >/dev/null
	start=$(date +%s.%N)
	q "SELECT scheduler.import_mailbox('$box', user_id) FROM scheduler.users WHERE email LIKE 'u%@example.org'" >/dev/null
	stored=$(calc "$mails / ($(date +%s.%N) - $start)")
	q "VACUUM ANALYZE" && q CHECKPOINT
}

# Sets $rate to mails a second from arm() to the last mail's end, $cpu to microseconds of the workers a mail.
work_off() {
	local start before
	before=$(workers_cpu)
	start=$(q "SELECT scheduler.arm(); SELECT extract(epoch FROM clock_timestamp())" | tail -n 1)
	wait_until "SELECT NOT EXISTS (SELECT FROM scheduler.live_jobs WHERE kind = 'mail.process' AND status NOT IN ('failed', 'dead'))" 600
	rate=$(q "SELECT round(count(*) / (extract(epoch FROM max(finished_at)) - $start), 1) FROM scheduler.finished_jobs
		WHERE kind = 'mail.process' AND status = 'succeeded'")
	cpu=$(calc "($(workers_cpu) - $before) * 1e6 / $mails")
}

# Mails a second of writing the same rows into tables with the same indexes.
floor() {
	local table start
	for table in email_tracking tasks calendar_events agent_context finished_jobs; do
		q "DROP TABLE IF EXISTS floor_$table; CREATE TABLE floor_$table (LIKE scheduler.$table INCLUDING ALL EXCLUDING GENERATED)"
	done
	q "DROP TABLE IF EXISTS floor_jobs; CREATE TABLE floor_jobs AS SELECT user_id, job_id, (payload ->> 'email_id')::uuid AS email_id
			FROM scheduler.finished_jobs WHERE kind = 'mail.process';
		ALTER TABLE floor_jobs ADD PRIMARY KEY (user_id, job_id);
		INSERT INTO floor_email_tracking SELECT * FROM scheduler.email_tracking;
		DROP TABLE IF EXISTS floor_contexts; CREATE TABLE floor_contexts AS SELECT (context_data ->> 'email_id')::uuid AS email_id, c.*
			FROM scheduler.agent_context c WHERE context_data ? 'email_id';
		CREATE INDEX ON floor_contexts (email_id);
		ANALYZE;
		DROP PROCEDURE IF EXISTS write_floor;
		CREATE PROCEDURE write_floor() LANGUAGE plpgsql AS \$\$
		DECLARE j record; n integer := 0;
		BEGIN
			FOR j IN SELECT * FROM floor_jobs LOOP
				INSERT INTO floor_tasks SELECT t.* FROM scheduler.tasks t WHERE t.user_id = j.user_id AND t.source_email_id = j.email_id;
				INSERT INTO floor_calendar_events SELECT e.* FROM scheduler.tasks t JOIN scheduler.calendar_events e
					ON e.user_id = t.user_id AND e.task_id = t.task_id WHERE t.user_id = j.user_id AND t.source_email_id = j.email_id;
				INSERT INTO floor_agent_context (user_id, agent_name, context_type, context_data)
					SELECT c.user_id, c.agent_name, c.context_type, c.context_data FROM floor_contexts c WHERE c.email_id = j.email_id;
				UPDATE floor_email_tracking SET processed_at = clock_timestamp() WHERE user_id = j.user_id AND email_id = j.email_id;
				DELETE FROM floor_jobs WHERE user_id = j.user_id AND job_id = j.job_id;
				INSERT INTO floor_finished_jobs SELECT f.* FROM scheduler.finished_jobs f WHERE f.job_id = j.job_id;
				n := n + 1;
				IF n % 32 = 0 THEN COMMIT; END IF;
			END LOOP;
		END \$\$" >/dev/null
	start=$(date +%s.%N)
	q "CALL write_floor()"
	calc "$mails / ($(date +%s.%N) - $start)"
}

for run in $(seq "$RUNS"); do
	store builtin "$USERS"
	ingests="${ingests:-} $stored"
	work_off
	builtin="${builtin:-} $rate"
	builtin_cpu="${builtin_cpu:-} $cpu"
	blocks=$(q "SELECT count(*) FROM scheduler.calendar_events WHERE blocks")
	floors="${floors:-} $(floor)"
	store bench "$USERS"
	work_off
	remote="${remote:-} $rate"
	remote_cpu="${remote_cpu:-} $cpu"
	store builtin "$MANY_USERS"
	work_off
	many="${many:-} $rate"
	many_cpu="${many_cpu:-} $cpu"
done
figure "storing mails (import_mailbox() of 2 kB mails)" "$(middle "$ingests")" mails/s
figure "pipeline, built-in rules, $WORKERS worker(s), $blocks blocks" "$(middle "$builtin")" mails/s "the row writes alone" \
	"$(middle "$floors")"
figure "pipeline, built-in rules, processor time of workers a mail" "$(middle "$builtin_cpu")" us
figure "pipeline, built-in rules, $MANY_USERS users with $((MAILS / MANY_USERS)) mails each" "$(middle "$many")" mails/s "the row writes alone" \
	"$(middle "$floors")"
figure "the same, processor time of workers a mail" "$(middle "$many_cpu")" us
figure "pipeline, model answers after 200 ms, 500 in flight, $WORKERS worker(s)" "$(middle "$remote")" mails/s "calls in flight / latency" 2500
figure "pipeline, model, processor time of workers a mail" "$(middle "$remote_cpu")" us
