#!/usr/bin/env bash
# Installs the Debian packages that building and testing need and that are missing. Names them first; does
# nothing, also without a network, where all are there. A server package is installed so that no service starts and
# no cluster is made; what sees to that is taken away again.
set -eu
# dpkg wants the administrator's folders, which neither "su" nor a plain user has in his path.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# Who names a server by PG_CONFIG has it.
SERVER_PACKAGES="postgresql-15 postgresql-server-dev-15 postgresql-client-15"
CRON_PACKAGE="postgresql-15-cron"
[ "${PG_CONFIG:-pg_config}" = pg_config ] || SERVER_PACKAGES="" CRON_PACKAGE=""
PACKAGES="gcc make pkg-config $SERVER_PACKAGES
	libcurl4-openssl-dev libssl-dev libcrypt-dev libgmime-3.0-dev libxml2-dev"
TEST_PACKAGES="clang-format-14 cppcheck curl valgrind python3 perl libipc-run-perl faketime nghttp2-server openssl gcovr
	nodejs npm patch procps util-linux $CRON_PACKAGE python3-psycopg2 pgbouncer"
case ${1:-all} in
	demo) WANTED="$PACKAGES python3 procps util-linux" ;;
	fuzz) WANTED="$PACKAGES python3 clang-14 libclang-rt-14-dev" ;;
	*) WANTED="$PACKAGES $TEST_PACKAGES" ;;
esac

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
# Not createcluster.conf itself: a file that lies there keeps Debian's own settings out, for every later cluster.
no_cluster=/etc/postgresql-common/createcluster.d/scheduler-make-deps.conf
ours=$no_cluster
cleanup() {
	$run rm -f $ours
	$run rmdir --ignore-fail-on-non-empty "${no_cluster%/*}" || true
}
trap cleanup EXIT
# One that a killed run left behind is ours as well.
if [ ! -e "$policy" ] || grep -q 'scheduler: make deps' "$policy"; then
	ours="$ours $policy"
	printf '#!/bin/sh\n# scheduler: make deps\nexit 101\n' | $run tee "$policy" >/dev/null
	$run chmod 755 "$policy"
fi
$run mkdir -p "${no_cluster%/*}"
echo "create_main_cluster = false" | $run tee "$no_cluster" >/dev/null
$run apt-get update -q >/dev/null || echo "no package registry could be reached; trying with what is known" >&2
set -o pipefail
# needrestart, where it is installed, would restart services that have nothing to do with this.
$run env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get install -y -q --no-install-recommends $missing |
	awk '/newly installed/ { print "  " $0 } /^Setting up / && ++n % 20 == 0 { print "  " n " are set up" } { fflush() }' || {
	echo "could not install: $missing" >&2
	exit 1
}
