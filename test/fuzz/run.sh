#!/usr/bin/env bash
# Fuzzes the parsers of outside bytes.
#
#   test/fuzz/run.sh [name ..]          each target with libFuzzer (clang) for FUZZ_SECONDS (60) of processor time, from its
#                                       seeds; then everything it found interesting, grown: no work may be quadratic
#   test/fuzz/run.sh grow [name ..]     only the second half of that, of the corpora in FUZZ_CORPUS
#   test/fuzz/run.sh check [name ..]    the seeds only, with the system's compiler; prints TAP
#
# Address and undefined-behaviour sanitizers, at most 5 s and 512 MB an input. FUZZ_JOBS (1) targets at a time; a corpus
# is kept in FUZZ_CORPUS (a temporary folder). A finding is a file crash-*, timeout-*, oom-* or leak-* in .build/fuzz; what
# was mended goes to seeds/NAME.
set -u
cd "$(dirname "$0")/../.."
built=.build/fuzz
seconds=${FUZZ_SECONDS:-60}
jobs=${FUZZ_JOBS:-1}
# GLib would take small objects out of pages of its own, where no sanitizer sees their ends.
export G_SLICE=always-malloc
export UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS:-}
export LSAN_OPTIONS=suppressions=$PWD/test/fuzz/lsan.supp:print_suppressions=0

mode=fuzz
case ${1:-} in check | grow) mode=$1; shift ;; esac
# Looking for leaks needs ptrace, which not every container allows; the unit tests look for them with valgrind.
export ASAN_OPTIONS=detect_leaks=$([ $mode = check ] && echo 0 || echo 1):${ASAN_OPTIONS:-}
names=$*
[ -n "$names" ] || names=$(cd test/fuzz && ls ./*_fuzz.c | sed 's|./\(.*\)_fuzz\.c|\1|')
seeds=$(mktemp -d)
trap 'rm -rf "$seeds"' EXIT
python3 test/fuzz/seeds.py "$seeds" || exit 1

check() {
	local name number=0 failed=0
	make -s -j"$(nproc)" $(printf "$built/%s_check " $names) >&2 || return 1
	for name in $names; do
		number=$((number + 1))
		if "$built/${name}_check" "$seeds/$name"/* >"$seeds/log" 2>&1; then
			echo "ok $number - $name: $(ls "$seeds/$name" | wc -l) seeds"
		else
			tail -n 40 "$seeds/log" | sed 's/^/# /'
			echo "not ok $number - $name"
			failed=1
		fi
	done
	echo "1..$number"
	return $failed
}

# The shortest inputs of a target's corpus grown, those first: what is repeated is one thing then.
grow() {
	local name=$1 log="$built/$1.log" corpus="${FUZZ_CORPUS:-$seeds/corpus}/$1"
	if ! find "$corpus" "$seeds/$name" -type f -size -8 -printf '%s %p\n' | sort -n | head -n 3000 | cut -d' ' -f2 |
		xargs -x "$built/${name}_grow" --grow $((seconds / 4)) >"$log.grow" 2>"$log.grow.files"; then
		cat "$log.grow"
		echo "not ok - $name: work grows faster than its input, or ends badly ($log.grow, $log.grow.files)"
		return 1
	fi
	[ $mode != grow ] || echo "ok - $name: $(wc -l <"$log.grow.files") inputs grown"
}

# One target: libFuzzer until its processor time is used up, then its corpus grown.
fuzz() {
	local name=$1 log="$built/$1.log" corpus="${FUZZ_CORPUS:-$seeds/corpus}/$1" code
	mkdir -p "$corpus"
	(
		# Beyond the soft limit the kernel sends SIGXCPU, which libFuzzer leaves alone.
		ulimit -S -t "$seconds"
		exec "$built/${name}_fuzz" -dict="$seeds/$name.dict" -timeout=5 -rss_limit_mb=512 -malloc_limit_mb=256 \
			-artifact_prefix="$built/$name-" -print_final_stats=1 "$corpus" "$seeds/$name"
	) >"$log" 2>&1
	code=$? # 152: ended by SIGXCPU
	if [ $code != 152 ]; then
		grep -vE '^(#|INFO|Use -|NOTE)' "$log" | cut -c1-160 | tail -n 40
		echo "not ok - $name: $(grep -oE 'SUMMARY: .*|check failed: .*' "$log" | tail -n 1) (exit $code, $log)"
		return 1
	fi
	grow "$name" || return 1
	echo "ok - $name: $(awk '/^#[0-9]/ { n = substr($1, 2) } END { print n }' "$log") inputs," \
		"$(awk '/cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") n = $(i + 1) } END { print n }' "$log") edges," \
		"$(ls "$corpus" | wc -l) inputs kept, in $seconds s of processor time"
}

if [ $mode = check ]; then
	check
	exit
fi
make -s -j"$(nproc)" $(printf "$built/%s_fuzz $built/%s_grow " $(for name in $names; do echo $name $name; done)) || exit 1
export -f fuzz grow
export built mode seconds seeds
printf '%s\n' $names | xargs -P "$jobs" -I{} bash -c "$mode {}"
