#!/usr/bin/env bash
# Proves that the tests can fail: each patch under test/mutants is a one-line defect, its first line names the test
# that must catch it ("Test: regress planner"). Prints TAP; exit status 1 where a defect slips through.
#
#   test/mutants.sh [room | room/patch ..]   the patches of these rooms, these patches, or all
#   test/mutants.sh bodies [name ..]   empties the body of each SQL function (or of these) instead: a pg_regress test must
#                                      notice every one
set -u
cd "$(dirname "$0")/.."
top=$PWD
work=${TMPDIR:-/var/tmp}/scheduler-mutants-$$
trap 'rm -rf "$work" "$work-stage"' EXIT
mkdir -p "$work"
git ls-files -co --exclude-standard -z | xargs -0 cp --parents -t "$work"
export SCHED_STAGE="$work-stage"

if [ "${1:-}" = bodies ]; then
	shift
	cd "$work" || exit 1
	. test/lib/cluster.sh
	stage_server || exit 1
	start_cluster bodies "fsync = off" "scheduler.databases = 'none'" "timezone = 'UTC'" "datestyle = 'ISO, MDY'" \
		"intervalstyle = 'postgres'" || exit 1
	stage_psql bodies -c "CREATE DATABASE base"
	stage_psql bodies -d base -c "CREATE EXTENSION scheduler CASCADE" 2>/dev/null
	as_server python3 "$STAGE/tree/test/bodies.py" "$STAGE/clusters/bodies" "$(cluster_port bodies)" \
		"$SERVER$PG_LIBDIR/pgxs/src/test/regress/pg_regress" "$BIN" "$STAGE/tree" "$@"
	code=$?
	stop_cluster bodies
	exit $code
fi

number=0
slipped=0
patches=$(find test/mutants -name '*.patch' | sort)
for patch in $patches; do
	room=$(basename "$(dirname "$patch")")
	title="$room/$(basename "$patch" .patch)"
	[ $# = 0 ] || case " $* " in *" $room "* | *" $title "*) ;; *) continue ;; esac
	number=$((number + 1))
	test=$(sed -n '1s/^Test: //p' "$patch")
	if ! (cd "$work" && patch -p1 -s -f <"$top/$patch"); then
		echo "not ok $number - $title: the patch does not apply"
		slipped=$((slipped + 1))
		(cd "$work" && git -C "$top" ls-files -z | (cd "$top" && xargs -0 cp --parents -t "$work"))
		continue
	fi
	# shellcheck disable=SC2086
	if (cd "$work" && bash test/run.sh $test >"$work.log" 2>&1); then
		echo "not ok $number - $title: slips through '$test'"
		slipped=$((slipped + 1))
	elif grep -q 'error:' "$work.log" && grep -q 'make.*Error' "$work.log"; then
		echo "not ok $number - $title: does not compile"
		slipped=$((slipped + 1))
	else
		echo "ok $number - $title: caught by '$test'"
	fi
	(cd "$work" && patch -p1 -s -R -f <"$top/$patch")
done
rm -f "$work.log"
echo "1..$number"
[ "$slipped" = 0 ]
