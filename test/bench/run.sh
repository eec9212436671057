#!/usr/bin/env bash
# Runs the benchmarks beside this file, or those named; each prints its figures with the ratio to a floor or peer that was
# measured in the same run. RUNS=1 makes it short; the scripts' heads name their other settings.
# doc/benchmarks.md explains them.
set -u
cd "$(dirname "$0")"
[ $# -gt 0 ] || set -- drain pickup enqueue claims http planner pipeline import idle isolation buckets signin authenticate secrets audit
failed=0
for name in "$@"; do
	started=$SECONDS
	bash "$name.sh" || { echo "$name failed"; failed=1; }
	echo "# $name took $((SECONDS - started)) s"
done
exit "$failed"
