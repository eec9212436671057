#!/usr/bin/env bash
# Proves that the tests can fail: each patch under test/mutants is a one-line defect, its first line names the test
# that must catch it ("Test: regress planner"). Prints TAP; exit status 1 where a defect slips through.
#
#   test/mutants.sh [room ..]
set -u
cd "$(dirname "$0")/.."
top=$PWD
work=${TMPDIR:-/var/tmp}/scheduler-mutants-$$
trap 'rm -rf "$work" "$work-stage"' EXIT
mkdir -p "$work"
git ls-files -co --exclude-standard -z | xargs -0 cp --parents -t "$work"
export SCHED_STAGE="$work-stage"

number=0
slipped=0
patches=$(find test/mutants -name '*.patch' | sort)
for patch in $patches; do
	room=$(basename "$(dirname "$patch")")
	[ $# = 0 ] || case " $* " in *" $room "*) ;; *) continue ;; esac
	number=$((number + 1))
	title="$room/$(basename "$patch" .patch)"
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
