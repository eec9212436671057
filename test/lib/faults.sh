# Sourced by the test runner after cluster.sh: a second server beside the first, whose library is built with
# -DSCHED_FAULT_POINTS. Only what knows of fault points is compiled again, in a copy of the tree.
FAULT_SERVER=$STAGE/faults/server

stage_faults() {
	local copy="$STAGE/faults/tree"
	rm -rf "$STAGE/faults"
	mkdir -p "$copy" "$FAULT_SERVER"
	tar -C "$TREE" --exclude=./.git --exclude=./test -cf - . | tar -C "$copy" -xf - || return 1
	mkdir -p "$copy/test"
	cp -al "$SERVER/." "$FAULT_SERVER/"
	(
		cd "$copy" &&
			rm -f $(grep -lE 'core/fault\.h' src/*.c src/*/*.c | sed 's/\.c$/.o/') scheduler.so &&
			make -s install DESTDIR="$FAULT_SERVER" PG_CONFIG="$PG_CONFIG" SCHED_CPPFLAGS=-DSCHED_FAULT_POINTS >/dev/null
	)
}
