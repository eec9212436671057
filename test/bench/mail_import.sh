#!/usr/bin/env bash
# A mailbox of 1 GB (SIZE= in MB), with a mail over the limit inside: import_mailbox in one transaction, then mail.import by the
# worker. Prints mails and MB per second, the peak of RssAnon, and the ratio to the same bytes as rows of a bare table.
set -u
cd "$(dirname "$0")/../.."
. test/lib/cluster.sh
stage_server
size=${SIZE:-1000}
base="$STAGE/bench-mail"
mbox="$base/large.mbox"
mkdir -p "$base"
chmod 755 "$base"
trap 'stop_cluster bench_mail; rm -rf "$base"' EXIT

python3 - "$mbox" "$size" <<'PY'
import random, sys
path, size = sys.argv[1], int(sys.argv[2]) * 1000000
random.seed(1)
words = 'the quiet river ran past old mills while people talked about their week and nobody asked for anything'.split()
lines = [' '.join(random.choice(words) for _ in range(13)) for _ in range(400)]
attachment = 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5eg==\n' * 4000
done = number = 0
with open(path, 'w') as box:
    while done < size:
        number += 1
        head = ('From a@example.org Tue Mar  3 09:59:00 2026\nFrom: Person %d <p%d@example.org>\nTo: me@example.org\nSubject: letter %d\n'
                'Date: Tue, 3 Mar 2026 09:59:00 +0100\nMessage-ID: <%d@example.org>\n' % (number, number, number, number))
        body = '\n'.join(random.choices(lines, k=random.randint(5, 60)))
        if number % 20 == 0:
            mail = (head + 'Content-Type: multipart/mixed; boundary=b\n\n--b\n\n' + body + '\n--b\nContent-Type: application/zip; name=x.zip\n'
                    'Content-Transfer-Encoding: base64\n\n' + attachment + '--b--\n\n')
        elif number == 1000:
            mail = head + '\n' + (lines[0] + '\n') * (80000000 // len(lines[0])) + '\n'
        else:
            mail = head + '\n' + body + '\n\n'
        box.write(mail)
        done += len(mail)
PY
own "$base"
mails=$(grep -c '^From a@example.org' "$mbox")
megabytes=$(($(stat -c %s "$mbox") / 1000000))
start_cluster bench_mail "max_wal_size = '8GB'" "scheduler.databases = 'none'"
stage_psql bench_mail -c "CREATE EXTENSION scheduler CASCADE" 2>/dev/null
stage_psql bench_mail -At -c "SELECT count(*) FROM scheduler.setup('me@example.org')" >/dev/null

# Prints the seconds a statement took and the highest RssAnon (kB) of the process that ran it.
watch_session() {
	local pid peak=0 now started
	: >"$base/out"
	chmod 666 "$base/out"
	started=$(date +%s.%N)
	printf 'SELECT pg_backend_pid();\n%s;\n' "$1" | stage_psql bench_mail -At -o "$base/out" -f - 2>/dev/null &
	while [ ! -s "$base/out" ]; do sleep 0.05; done
	pid=$(head -n 1 "$base/out")
	while [ -d "/proc/$pid" ]; do
		now=$(awk '/^RssAnon/ { print $2 }' "/proc/$pid/status" 2>/dev/null)
		[ "${now:-0}" -gt "$peak" ] && peak=$now
		sleep 0.1
	done
	wait
	echo "$(echo "$(date +%s.%N) - $started" | bc) $peak"
}

report() {
	printf '%-16s %6d mails %5d MB %7.1f s %7.0f mails/s %6.1f MB/s  RssAnon %4d MB  %5.2f of the floor\n' "$1" "$mails" "$megabytes" "$2" \
		"$(echo "$mails / $2" | bc -l)" "$(echo "$megabytes / $2" | bc -l)" "$(($3 / 1024))" "$(echo "$floor / $2" | bc -l)"
}

# The floor: the bytes as rows of 16 kB, which is what storing them costs anybody.
floor=$(watch_session "CREATE TABLE floor (raw bytea); ALTER TABLE floor ALTER raw SET STORAGE EXTERNAL; INSERT INTO floor
	SELECT pg_read_binary_file('$mbox', n * 16000::bigint, 16000) FROM generate_series(0, $megabytes * 1000000::bigint / 16000) AS n" | cut -d' ' -f1)
stage_psql bench_mail -c "DROP TABLE floor"
read -r seconds peak <<<"$(watch_session "SELECT scheduler.import_mailbox('$mbox')")"
report import_mailbox "$seconds" "$peak"
imported=$(stage_psql bench_mail -Atc 'SELECT count(*) FROM scheduler.email_tracking')
[ "$imported" = "$mails" ] || echo "import_mailbox stored $imported of $mails mails"

# mail.import: with the mails of the first run gone, so that all are new; mail.process has to wait.
stage_psql bench_mail -c "TRUNCATE scheduler.email_tracking, scheduler.email_bodies, scheduler.live_jobs, scheduler.tasks CASCADE" 2>/dev/null
stage_psql bench_mail -c "UPDATE scheduler.job_kinds SET priority = 99 WHERE kind = 'mail.process'" \
	-c "ALTER SYSTEM SET scheduler.databases = 'postgres'" -c "SELECT pg_reload_conf()" >/dev/null
started=$(date +%s.%N)
job=$(stage_psql bench_mail -Atc "SELECT scheduler.enqueue('mail.import', '{\"path\": \"$mbox\"}', priority => 0)" 2>/dev/null)
peak=0
while :; do
	status=$(stage_psql bench_mail -Atc "SELECT status FROM scheduler.jobs WHERE job_id = '$job'")
	pid=$(stage_psql bench_mail -Atc "SELECT pid FROM pg_stat_activity WHERE backend_type = 'scheduler worker' LIMIT 1")
	now=$(awk '/^RssAnon/ { print $2 }' "/proc/${pid:-none}/status" 2>/dev/null)
	[ "${now:-0}" -gt "$peak" ] && peak=$now
	case $status in succeeded | failed | dead) break ;; esac
	sleep 0.2
done
report mail.import "$(echo "$(date +%s.%N) - $started" | bc)" "$peak"
[ "$status" = succeeded ] || echo "mail.import ended as $status"
