#!/usr/bin/env bash
# Runs a command that sees two small filesystems: FOLDER/space (64 MB) and FOLDER/wal (24 MB).
#
#   small_disks.sh FOLDER COMMAND ..
#
# They live in a mount namespace of their own and go with it. Root may make one; anybody else only where the system has
# user namespaces. Where neither is to be had the command runs without, and finds two plain folders.
set -u
folder=$1
shift
mkdir -p "$folder/space" "$folder/wal"
mounts="mount -t tmpfs -o size=64m,mode=1777 small '$folder/space' && mount -t tmpfs -o size=24m,mode=1777 small '$folder/wal'"
if [ "$(id -u)" = 0 ]; then
	if unshare -m sh -c "$mounts" 2>/dev/null; then
		exec unshare -m sh -c "$mounts && exec \"\$@\"" sh "$@"
	fi
elif unshare -rm sh -c "$mounts && unshare -U --map-user=$(id -u) --map-group=$(id -g) true" 2>/dev/null; then
	# Root of the first namespace mounts; in the second it is again who it was, as a server does not run as root.
	exec unshare -rm sh -c "$mounts && exec unshare -U --map-user=$(id -u) --map-group=$(id -g) \"\$@\"" sh "$@"
fi
exec "$@"
