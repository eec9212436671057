# Sourced by the test runner after cluster.sh: a server of another version beside the first, for the tests of upgrades.
#
#   stage_second    builds the extension in a copy of the tree for the server that PG_CONFIG_NEW names, and says where
#                   its programs lie in SECOND_BIN; where it names none, SECOND_BIN stays empty and the test is skipped

SECOND_BIN=""

stage_second() {
	local copy="$STAGE/second/tree"
	[ -n "${PG_CONFIG_NEW:-}" ] || return 0
	rm -rf "$copy"
	mkdir -p "$copy"
	tar -C "$TREE" --exclude=./.git --exclude='*.o' -cf - . | tar -C "$copy" -xf - || return 1
	SECOND_BIN=$(cd "$copy" && unset FAKE_OFFSET && PG_CONFIG=$PG_CONFIG_NEW SCHED_STAGE=$STAGE/second/stage \
		bash -c '. test/lib/cluster.sh && stage_server && echo "$BIN"') || return 1
}
