# Sourced by every benchmark: a private cluster with the extension, armed; figures and their floors.
#
#   bench_start NAME [conf ..]    a fresh cluster, durable (fsync and synchronous_commit on), 1 GB shared buffers
#   bench_stop                    stops and removes it; also at exit
#   q SQL                         one statement's answer; q_timed prints the milliseconds that the server took instead
#   median, percentile P          of the numbers on standard input
#   figure NAME VALUE UNIT [FLOOR_NAME FLOOR]     the line of a measure; with a floor the ratio of value to floor
#
# Each figure is the median of $RUNS runs (3), floors measured between them: on a machine that does other work too, the
# ratios say more than the figures.
set -eu
BENCH_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$BENCH_DIR/../lib/cluster.sh"
RUNS=${RUNS:-3}
BENCH_CLUSTER=""
BENCH_CHILDREN=""
BENCH_TEMP=$STAGE/bench
mkdir -p "$BENCH_TEMP"

bench_stop() {
	local child
	for child in $BENCH_CHILDREN; do
		kill "$child" 2>/dev/null || true
	done
	BENCH_CHILDREN=""
	[ -z "$BENCH_CLUSTER" ] || stop_cluster "$BENCH_CLUSTER"
	BENCH_CLUSTER=""
}
trap bench_stop EXIT

bench_start() {
	local name=bench-$1
	shift
	stage_server
	own "$BENCH_TEMP"
	rm -rf "$STAGE/clusters/$name"
	start_cluster "$name" "shared_buffers = 1GB" "max_wal_size = 4GB" "max_worker_processes = 30" "timezone = UTC" \
		"log_min_messages = warning" "scheduler.http_allow_private_networks = on" "$@"
	BENCH_CLUSTER=$name
	export PGHOST=$STAGE/clusters/$name PGPORT PGUSER=postgres PGDATABASE=postgres
	PGPORT=$(cluster_port "$name")
	q "CREATE EXTENSION scheduler CASCADE" >/dev/null
	q "SELECT scheduler.arm()" >/dev/null
	wait_until "SELECT count(*) > 0 FROM scheduler.stat_workers"
}

q() {
	as_server env PGOPTIONS="-c client_min_messages=error" "$BIN/psql" -qAtX -v ON_ERROR_STOP=1 -c "$1"
}

# wait_until SQL [SECONDS]: until it answers t.
wait_until() {
	local end=$(($(date +%s) + ${2:-120}))
	while [ "$(q "$1")" != t ]; do
		[ "$(date +%s)" -lt "$end" ] || { echo "waited in vain for: $1" >&2; return 1; }
		sleep 0.1
	done
}

# Seconds of processor time that a process has used.
cpu_seconds() {
	awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) / hz }' "/proc/$1/stat"
}

worker_pid() {
	q "SELECT min(pid) FROM scheduler.stat_workers WHERE type = 'worker'"
}

# Processor time of all workers together.
workers_cpu() {
	local pid sum=0
	for pid in $(q "SELECT pid FROM scheduler.stat_workers WHERE type = 'worker'"); do
		sum=$(calc "$sum + $(cpu_seconds "$pid")" %.2f)
	done
	echo "$sum"
}

# The largest private memory of a process in MB, sampled until the file $2 is there.
watch_memory() {
	local peak=0 now
	while [ ! -e "$2" ]; do
		now=$(awk '/RssAnon/ { print $2 }' "/proc/$1/status" 2>/dev/null || true)
		[ "${now:-0}" -le "$peak" ] || peak=$now
		sleep 0.05
	done
	calc "$peak / 1024" %.1f
}

middle() {
	printf '%s\n' $1 | median
}

# Compiles a helper of this folder once it changed: build_helper NAME [LIBS ..]; prints its path.
build_helper() {
	local name=$1 target=$BENCH_TEMP/$1
	shift
	[ "$target" -nt "$BENCH_DIR/$name.c" ] ||
		"${CC:-gcc}" -O2 -Wall -o "$target" "$BENCH_DIR/$name.c" -I"$($PG_CONFIG --includedir)" "$@"
	echo "$target"
}

calc() {
	awk "BEGIN { printf \"${2:-%.4g}\", $1 }"
}

median() {
	sort -g | awk '{ a[NR] = $1 } END { if (NR % 2) print a[(NR + 1) / 2]; else print (a[NR / 2] + a[NR / 2 + 1]) / 2 }'
}

percentile() {
	sort -g | awk -v p="$1" '{ a[NR] = $1 } END { i = int(NR * p / 100 + 0.999999); print a[i < 1 ? 1 : i] }'
}

# Whole numbers with commas, small ones with two digits.
pretty() {
	awk -v x="$1" 'BEGIN {
		if (x < 100) { printf "%.2f", x; exit }
		s = sprintf("%.0f", x)
		while (s ~ /[0-9][0-9][0-9][0-9]($|,)/) sub(/[0-9][0-9][0-9]($|,)/, ",&", s)
		print s }'
}

figure() {
	if [ $# -gt 3 ]; then
		echo "$1: $(pretty "$2") $3 ($(calc "$2 / $5" %.2f) of $4 $(pretty "$5"))"
	else
		echo "$1: $(pretty "$2") $3"
	fi
}
