#!/usr/bin/env bash
# The main job on a sample mailbox: a private server, two users in different zones, the worker at work, then a few
# SELECTs. Needs no account, key or network.
#
#   DEMO_MAIL=path your own mail (Maildir, mbox file or folder of .eml) instead of the sample: what "make demo MAIL=path"
#                  hands over; a MAIL in the environment is the login's and names the system's mail box
#   LLM_URL= LLM_KEY= LLM_MODEL=   an OpenAI-compatible endpoint instead of the built-in rules
#   KEEP=1         leaves the server up and prints the psql line
set -eu
cd "$(dirname "$0")/.."
[ -n "${STAGED:-}" ] || bash test/lib/deps.sh demo
. test/lib/cluster.sh
CLUSTER=${DEMO_CLUSTER:-demo}
BASE=$STAGE/clusters/$CLUSTER

say() {
	printf '%s\n' "$*"
}

sql() {
	stage_psql "$CLUSTER" -At -v ON_ERROR_STOP=1 -d demo "$@"
}

# A demo that failed leaves no server, also with KEEP=1.
finish() {
	[ $? = 0 ] && [ -n "${KEEP:-}" ] || stop_cluster "$CLUSTER"
}

# Where the server's OS user cannot read all of the mail, a copy beside the server is read instead: nobody else sees it.
readable_mail() {
	local path=$1
	if [ -z "$(as_server find -L "$path" ! -readable -print -quit 2>&1)" ]; then
		echo "$path"
	else
		rm -rf "$BASE/own-mail"
		(umask 077 && cp -rL "$path" "$BASE/own-mail") || return 1
		own "$BASE/own-mail"
		echo "$BASE/own-mail"
	fi
}

add_user() {
	local name=$1 address=$2 zone=$3
	sql <<SQL >/dev/null
SET client_min_messages = warning;
SELECT format('CREATE ROLE %I LOGIN', 'demo_$name')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'demo_$name') \\gexec
GRANT scheduler_user, pg_read_server_files TO demo_$name;
ALTER ROLE demo_$name SET timezone = '$zone';
SELECT scheduler.create_user('$address', initcap('$name'), '$zone', role_name => 'demo_$name')
WHERE NOT EXISTS (SELECT FROM scheduler.users WHERE role_name = 'demo_$name');
SQL
}

add_mailbox() {
	local name=$1 address=$2 path=$3
	sql <<SQL >/dev/null
SET ROLE demo_$name;
SELECT scheduler.add_account('maildir', '$address', settings => jsonb_build_object('path', '$path'))
WHERE NOT EXISTS (SELECT FROM scheduler.accounts WHERE address = '$address');
SQL
}

# For every user of the demo. The key goes through a file, so that it stands in no statement and no log.
use_model() {
	local host secret="NULL"
	say "Using the model ${LLM_MODEL:?LLM_MODEL is not set} at $LLM_URL"
	host=$(printf '%s' "$LLM_URL" | sed -E 's#^[a-z]+://([^/]+).*#\1#')
	case $LLM_URL in http://*) case $host in *:*) ;; *) host=$host:80 ;; esac ;; esac
	if [ -n "${LLM_KEY:-}" ]; then
		printf '%s' "$LLM_KEY" | as_server sh -c "umask 077; cat > '$BASE/llm-key'"
		sql -v host="$host" <<SQL >/dev/null
SELECT scheduler.set_secret_from_file('llm', '$BASE/llm-key', ARRAY[:'host'], scheduler.system_user_id());
SQL
		rm -f "$BASE/llm-key"
		secret="'llm'"
	fi
	sql -v url="$LLM_URL" -v model="$LLM_MODEL" <<SQL >/dev/null
SELECT scheduler.add_model('demo', 'openai', :'model', $secret, :'url', user_id => scheduler.system_user_id());
SELECT scheduler.set_model('extract', 'demo', scheduler.system_user_id());
SQL
}

# Until no mail waits; the line is overwritten where somebody watches.
wait_for_worker() {
	local total done=-1 waiting round=0
	while [ $round -lt ${WAIT_ROUNDS:-1200} ]; do
		IFS='|' read -r total done waiting <<<"$(sql -c "SELECT count(*), count(*) FILTER (WHERE processed), (SELECT count(*) FROM scheduler.live_jobs WHERE kind IN ('mail.process', 'mail.import') OR kind = 'mail.poll' AND attempts = 0 AND started_at IS NULL) FROM scheduler.email_tracking")"
		[ -t 1 ] && printf '\rThe worker has read %s of %s mails ' "$done" "$total"
		[ "$total" -ge "${1:-1}" ] && [ "$done" = "$total" ] && [ "$waiting" = 0 ] && break
		sleep 0.25
		round=$((round + 1))
	done
	[ -t 1 ] && printf '\r'
	say "The worker has read $done of $total mails.        "
}

# No shell has expanded a "~" that came through make from every shell but bash.
case ${DEMO_MAIL:-} in "~/"*) DEMO_MAIL=$HOME/${DEMO_MAIL#\~/} ;; esac
if [ -n "${DEMO_MAIL:-}" ]; then
	[ -r "$DEMO_MAIL" ] || { say "$DEMO_MAIL is not there or not readable" >&2; exit 1; }
	DEMO_MAIL=$(readlink -f "$DEMO_MAIL")
fi

# STAGED=1: the server beside the system's is there already (the tests' own).
if [ -z "${STAGED:-}" ]; then
	say "Building and preparing a private server (nothing is installed into the system's)"
	make -s
	stage_server
fi
trap finish EXIT
private=""
[ -z "${LLM_URL:-}" ] || private=$(printf '%s' "$LLM_URL" | sed -nE 's#^https?://((localhost|127[.][0-9.]+|\[::1\])(:[0-9]+)?).*#\1#p')
start_cluster "$CLUSTER" "scheduler.http_private_hosts = '$private'" "scheduler.poll_interval = '2s'"
stage_psql "$CLUSTER" -d postgres -Atc "SELECT 1 FROM pg_database WHERE datname = 'demo'" | grep -q 1 ||
	stage_psql "$CLUSTER" -d postgres -c 'CREATE DATABASE demo'
sql -c 'SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS scheduler CASCADE' >/dev/null
sql -c "SELECT scheduler.setup('admin@example.org')" >/dev/null
add_user anna anna@example.org Europe/Berlin
add_user ben ben@example.net America/New_York
# Whoever names the model in this call lets it read the two users' invented, or his own, mails.
[ -z "${LLM_URL:-}" ] || { use_model; for name in anna ben; do sql -c "SET ROLE demo_$name; SELECT scheduler.give_consent('remote_model')" >/dev/null; done; }

if [ -n "${DEMO_MAIL:-}" ]; then
	path=$(readable_mail "$DEMO_MAIL")
	say "Reading $DEMO_MAIL"
	sql -v path="$path" <<<"SET ROLE demo_anna; SELECT scheduler.import_mailbox(:'path') || ' mails found'"
	wait_for_worker 0
else
	say "Reading the sample mailbox: invented mails, written for this demonstration"
	[ -d "$BASE/mail" ] || as_server python3 "$STAGE/tree/test/lib/render_mails.py" "$BASE/mail"
	add_mailbox anna anna@example.org "$BASE/mail/anna"
	add_mailbox anna anna.berger@kiezchor.example "$BASE/mail/anna-choir"
	add_mailbox ben ben@example.net "$BASE/mail/ben"
	wait_for_worker "$(find "$BASE/mail" -path '*/new/*' -type f -o -path '*/cur/*' -type f | wc -l)"
fi

# What an earlier run's sentence planned goes before the sentence is said again.
sentence=$(sed -n "s/.*'\(dentist [^']*\)'.*/\1/p" "$STAGE/tree/test/demo.sql")
sql -v sentence="$sentence" >/dev/null <<'SQL'
DELETE FROM scheduler.tasks WHERE metadata ->> 'source' = 'schedule_text' AND strpos(:'sentence', original_input) > 0;
SQL
PGOPTIONS="-c role=demo_anna -c timezone=Europe/Berlin" stage_psql "$CLUSTER" -e -d demo -P pager=off -P footer=off -f "$STAGE/tree/test/demo.sql"

if [ -n "${KEEP:-}" ]; then
	say "The server stays up. Look around with:"
	say "  PGOPTIONS='-c role=demo_anna' $BIN/psql -h 127.0.0.1 -p $(cluster_port "$CLUSTER") -U postgres demo"
	say "and stop it with: ${AS_SERVER_USER:+$AS_SERVER_USER }$BIN/pg_ctl -D $BASE/data stop"
fi
