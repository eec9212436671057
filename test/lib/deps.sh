#!/usr/bin/env bash
# Installs the Debian packages that building and testing need and that are missing. Names them first; does
# nothing, also without a network, where all are there. A server package is installed so that no service starts.
set -eu

PACKAGES="gcc make pkg-config postgresql-15 postgresql-server-dev-15 postgresql-client-15
	libcurl4-openssl-dev libssl-dev libcrypt-dev libgmime-3.0-dev libxml2-dev"
TEST_PACKAGES="clang-format-14 cppcheck valgrind python3 perl libipc-run-perl faketime nghttp2-server openssl gcovr
	nodejs npm patch procps util-linux"
[ "${1:-all}" = demo ] && WANTED="$PACKAGES python3 procps util-linux" || WANTED="$PACKAGES $TEST_PACKAGES"

missing=""
for package in $WANTED; do
	case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
		installed) ;;
		*) missing="$missing $package" ;;
	esac
done
# A node or python that did not come as a package serves as well.
for pair in nodejs:node npm:npm python3:python3; do
	command -v "${pair#*:}" >/dev/null 2>&1 && missing=" $(echo "$missing " | sed "s/ ${pair%%:*} / /g")"
done
missing=$(echo $missing)
[ -n "$missing" ] || exit 0

echo "Debian packages to install: $missing"
run=""
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null 2>&1 || {
		echo "these need root: run 'apt-get install $missing' as root, or install sudo" >&2
		exit 1
	}
	run="sudo"
fi
policy=/usr/sbin/policy-rc.d
ours=""
cleanup() {
	[ -z "$ours" ] || $run rm -f "$policy"
}
trap cleanup EXIT
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' | $run tee "$policy" >/dev/null
	$run chmod +x "$policy"
	ours=yes
fi
if ! [ -e /etc/postgresql-common/createcluster.conf ]; then
	$run mkdir -p /etc/postgresql-common
	echo "create_main_cluster = false" | $run tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
$run apt-get update -q >/dev/null || echo "no package registry could be reached; trying with what is known" >&2
$run env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >/dev/null || {
	echo "could not install: $missing" >&2
	exit 1
}
