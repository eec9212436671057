#!/usr/bin/env bash
# Runs every benchmark beside this file; each prints its figure and the ratio to its floor or peer of the same run.
set -u
cd "$(dirname "$0")"
for script in *.sh; do
	[ "$script" = run.sh ] || bash "$script" || echo "$script failed"
done
