#!/usr/bin/env bash
# What a stranger can measure: TRIES (300) attempts each at accounts that there are, with a wrong password, and at accounts
# that there are not, in turns. The medians of the server's processor time, and of the time that a client waits, as the
# difference in parts of a bcrypt; what signing in and refreshing cost beside it. Meanwhile nobody is slowed: each
# attempt comes from another address.
. "$(dirname "$0")/common.bash"
TRIES=${TRIES:-300}
bench_start signin "scheduler.trusted_proxies = 'local'"
q "SELECT scheduler.create_master_key(), scheduler.create_jwt_keys();
	SELECT count(scheduler.create_user('u' || n || '@example.org', 'u', 'UTC', 'correct horse')) FROM generate_series(1, 60) AS n" >/dev/null
# One session, as a server in between keeps it; its pid tells what it has used.
as_server env PGHOST="$PGHOST" PGPORT="$PGPORT" PGUSER=postgres PGDATABASE=postgres python3 - "$TRIES" >"$BENCH_TEMP/signin" <<'PYTHON'
import statistics, sys, time
import psycopg2
tries = int(sys.argv[1])
connection = psycopg2.connect("")
connection.autocommit = True
cursor = connection.cursor()
pid = connection.get_backend_pid()

def used():
    with open("/proc/%d/schedstat" % pid) as stat:
        return int(stat.read().split()[0]) / 1e6

number = 0
def measure(statement, *arguments):
    """Processor time of the server and time of the client, in ms, of one call from an address of its own."""
    global number
    number += 1
    cursor.execute("SELECT set_config('request.method', 'POST', false), set_config('request.headers', %s, false)",
                   ('{"x-forwarded-for": "198.18.%d.%d"}' % (number // 250, number % 250),))
    cpu, start = used(), time.perf_counter()
    cursor.execute("SELECT " + statement, arguments)
    answer = cursor.fetchone()[0]
    return used() - cpu, (time.perf_counter() - start) * 1e3, answer

known, unknown = [], []
for n in range(tries + 2):
    for who, times in (("u%d" % (n % 60 + 1), known), ("nobody%d" % n, unknown)):
        cpu, waited, answer = measure("scheduler.login(%s, 'wrong horse')", who + "@example.org")
        assert answer["code"] == "28P01", answer
        if n > 1:
            times.append((cpu, waited))
bcrypt = statistics.median(measure("scheduler.check_password('x', NULL)")[0] for _ in range(20))
good = [measure("scheduler.login(%s, 'correct horse')", "u%d@example.org" % n) for n in range(1, 21)]
refreshed = []
token = good[0][2]["refresh_token"]
for _ in range(200):
    cpu, waited, answer = measure("scheduler.refresh(%s)", token)
    token = answer["refresh_token"]
    refreshed.append(cpu)
for column in (0, 1):
    a, b = (statistics.median(t[column] for t in times) for times in (known, unknown))
    print("%.3f %.3f %.3f" % (a, b, abs(a - b) / bcrypt * 100))
print("%.3f %.3f %.3f" % (bcrypt, statistics.median(g[0] for g in good), statistics.median(refreshed)))
PYTHON
read -r cpu_known cpu_unknown cpu_apart < <(sed -n 1p "$BENCH_TEMP/signin")
read -r wait_known wait_unknown wait_apart < <(sed -n 2p "$BENCH_TEMP/signin")
read -r bcrypt good refresh < <(sed -n 3p "$BENCH_TEMP/signin")
figure "wrong password, processor time of the server" "$cpu_known" ms "nobody's account" "$cpu_unknown"
figure "medians of $TRIES tries differ by, in parts of a bcrypt" "$cpu_apart" %
figure "wrong password, time that the client waits" "$wait_known" ms "nobody's account" "$wait_unknown"
figure "medians of $TRIES tries differ by, in parts of a bcrypt (waiting)" "$wait_apart" %
figure "signing in, processor time" "$good" ms "bcrypt" "$bcrypt"
figure "refreshing, processor time" "$refresh" ms
awk -v d="$cpu_apart" 'BEGIN { exit d <= 5 ? 0 : 1 }' || { echo "who is there can be told from who is not"; exit 1; }
