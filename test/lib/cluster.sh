# Sourced by the test runner, the demo and the benchmarks: a private server built beside the system's.
#
#   stage_server                 copies the server's lib and share folders side by side and installs the extension there
#   start_cluster NAME [line..]  makes (once) and starts a cluster; the lines are added to postgresql.conf
#   stop_cluster NAME            stops it and removes its folder (KEEP=1 leaves it)
#   as_server COMMAND ..         runs a command as the OS user that owns the servers
#   stage_psql NAME ..           psql on that cluster
#
# SCHED_NOW='2028-02-29 08:00 UTC' lets the servers and what as_server runs believe that it is now then (libfaketime).
#
# Nothing here touches the system's own servers. As root the servers run as postgres from a folder of their own;
# as anybody else they run as that user.

# Whatever the caller's locale, umask and defaults of psql are, the servers and the answers are the same.
# LANG, as PostgreSQL's test library deletes LC_ALL.
unset LANGUAGE ${!LC_@}
export LANG=C.UTF-8
unset PGHOST PGPORT PGUSER PGDATABASE PGDATA PGSERVICE PGSSLMODE PGOPTIONS PGCLUSTER
umask u+rwx,go+rx
# runuser and nghttpd lie where neither "su" nor a plain user looks.
PATH=$PATH:/usr/sbin:/sbin

TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PG_CONFIG=${PG_CONFIG:-pg_config}
# One stage a tree, and a further one for each server that was chosen by PG_CONFIG.
STAGE=${SCHED_STAGE:-/var/tmp/scheduler-$(id -un)-$(printf '%s' "$TREE${PG_CONFIG#pg_config}" | cksum | cut -d' ' -f1)}
SERVER=$STAGE/server
# Asked from inside the copy (the tests' own tests), pg_config answers with the copy's place in front.
PG_BINDIR=$($PG_CONFIG --bindir)
PG_BINDIR=${PG_BINDIR#"$SERVER"}
PG_LIBDIR=$($PG_CONFIG --pkglibdir)
PG_LIBDIR=${PG_LIBDIR#"$SERVER"}
PG_SHAREDIR=$($PG_CONFIG --sharedir)
PG_SHAREDIR=${PG_SHAREDIR#"$SERVER"}
BIN=$SERVER$PG_BINDIR
AS_SERVER_USER=$([ "$(id -u)" != 0 ] || echo "runuser -u postgres --")

# The offset is taken once, so that every process sees the same clock.
if [ -n "${SCHED_NOW:-}" ] && [ -z "${FAKE_OFFSET:-}" ]; then
	FAKE_OFFSET=$(($(date -u -d "$SCHED_NOW" +%s) - $(date -u +%s)))
	FAKE_OFFSET=$(printf '%+d' "$FAKE_OFFSET")
	export FAKE_OFFSET
fi

as_server() {
	# Not through the command "faketime": its processes share a semaphore, and one that is killed holding it stops all.
	# The monotonic clock stays real: time-outs are about waiting, not about dates.
	[ -z "${FAKE_OFFSET:-}" ] || set -- env FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME="${FAKE_OFFSET}s" \
		LD_PRELOAD="$STAGE/plain_select.so $(ls /usr/lib/*/faketime/libfaketime.so.1)" "$@"
	(cd "$STAGE" && $AS_SERVER_USER env PATH="$BIN:$PATH" HOME="$STAGE/home" "$@")
}

own() {
	[ "$(id -u)" != 0 ] || chown -R postgres: "$@"
}

stage_server() {
	local stamp="$SERVER/.stamp" version
	# A package that came later (pg_cron) makes a new copy.
	version="$("$PG_BINDIR/postgres" --version) $PG_LIBDIR $PG_SHAREDIR $(ls "$PG_LIBDIR" | cksum)"
	mkdir -p "$STAGE/home"
	if [ "$(cat "$stamp" 2>/dev/null)" != "$version" ]; then
		rm -rf "$SERVER"
		mkdir -p "$SERVER$PG_BINDIR" "$SERVER$PG_LIBDIR" "$SERVER$PG_SHAREDIR"
		cp -a "$PG_BINDIR/." "$SERVER$PG_BINDIR/"
		cp -a "$PG_LIBDIR/." "$SERVER$PG_LIBDIR/"
		cp -aL "$PG_SHAREDIR/." "$SERVER$PG_SHAREDIR/"
		echo "$version" >"$stamp"
	fi
	make -s -C "$TREE" install DESTDIR="$SERVER" PG_CONFIG="$PG_CONFIG" >/dev/null || return 1
	local shim
	for shim in plain_select faulty; do
		[ "$STAGE/$shim.so" -nt "$TREE/test/lib/$shim.c" ] ||
			"${CC:-gcc}" -O1 -Wall -shared -fPIC -o "$STAGE/$shim.so" "$TREE/test/lib/$shim.c" || return 1
	done
	# The tree itself may lie where the server's OS user cannot look.
	rm -rf "$STAGE/tree"
	mkdir -p "$STAGE/tree"
	cp -a "$TREE/sql" "$TREE/expected" "$TREE/test" "$TREE/README.md" "$TREE/src" "$TREE/doc" "$STAGE/tree/"
	own "$STAGE/tree" "$STAGE/home"
	if [ "$(id -u)" = 0 ]; then
		chown postgres: "$STAGE"
		chmod 755 "$STAGE"
	fi
}

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

cluster_port() {
	cat "$STAGE/clusters/$1/port"
}

# stop_server DATA MODE: only where the number in its file is that server's: after a restart of the machine it may be
# the number of the system's own, which pg_ctl would stop.
stop_server() {
	local data=$1 pid
	pid=$(head -n 1 "$data/postmaster.pid" 2>/dev/null) || return 0
	if tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qxF -e "$data"; then
		as_server "$BIN/pg_ctl" -D "$data" -m "$2" -w stop >/dev/null
	else
		rm -f "$data/postmaster.pid"
	fi
}

start_cluster() {
	local name=$1 base="$STAGE/clusters/$1" port
	shift
	stop_server "$base/data" immediate || true
	if [ ! -e "$base/data/PG_VERSION" ]; then
		rm -rf "$base"
		mkdir -p "$base"
		own "$STAGE/clusters"
		as_server "$BIN/initdb" -D "$base/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N >/dev/null || return 1
	fi
	port=$(free_port)
	as_server sh -c "echo $port > '$base/port'"
	{
		echo "listen_addresses = '127.0.0.1'"
		echo "port = $port"
		echo "unix_socket_directories = '$base'"
		echo "shared_preload_libraries = 'scheduler'"
		echo "logging_collector = off"
		echo "scheduler.master_key_file = '$base/keys/master.key'"
		for line in "$@"; do echo "$line"; done
	} | as_server sh -c "cat > '$base/data/postgresql.auto.conf'"
	as_server "$BIN/pg_ctl" -D "$base/data" -l "$base/log" -w -t 60 start >/dev/null ||
		{ tail -n 20 "$base/log" >&2; return 1; }
}

stop_cluster() {
	local base="$STAGE/clusters/$1"
	stop_server "$base/data" fast || true
	[ -n "${KEEP:-}" ] || rm -rf "$base"
}

stage_psql() {
	local name=$1
	shift
	as_server "$BIN/psql" -X -q -h "$STAGE/clusters/$name" -p "$(cluster_port "$name")" -U postgres "$@"
}
