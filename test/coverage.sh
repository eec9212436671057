#!/usr/bin/env bash
# Line coverage of src by every test: a build with --coverage in a folder of its own, then gcovr.
set -u
cd "$(dirname "$0")/.."
work=${TMPDIR:-/var/tmp}/scheduler-coverage-$(id -un)
rm -rf "$work" "$work-stage"
mkdir -p "$work"
trap 'rm -rf "$work" "$work-stage"' EXIT
git ls-files -co --exclude-standard -z | xargs -0 cp --parents -t "$work"
# The server's OS user writes the counters beside the objects.
[ "$(id -u)" != 0 ] || chown -R postgres: "$work"
chmod -R a+rwX "$work"
export SCHED_STAGE="$work-stage" SCHED_CFLAGS="--coverage -O0" SCHED_LDFLAGS="--coverage"
(cd "$work" && make -s && chmod -R a+rwX . && umask 000 && bash test/run.sh "${1:-test}")
(cd "$work" && chmod -R a+rwX . && gcovr --root . --filter 'src/' --sort-percentage)
