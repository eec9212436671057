#!/usr/bin/env bash
# authenticate() over 100,000 different tokens of each algorithm, in one process: microseconds of the processor a call. Each
# token is signed before; none is seen twice, but in the figure that asks for the same one again.
#
# Floor: the bare verification of the same signatures in a C loop (authenticate.c).
. "$(dirname "$0")/common.bash"
COUNT=${COUNT:-100000}
# ALGS="ES256": only these
bench_start authenticate
q "SELECT scheduler.create_jwt_keys()" >/dev/null
q "CREATE TABLE tokens (n integer PRIMARY KEY, headers text, token text);
	CREATE ROLE web LOGIN; GRANT scheduler_user TO web; GRANT SELECT ON tokens TO web;
	CREATE FUNCTION public.processor_seconds() RETURNS double precision LANGUAGE sql SECURITY DEFINER AS
		'SELECT (split_part(s, '' '', 14)::bigint + split_part(s, '' '', 15)::bigint) / $(getconf CLK_TCK).0 FROM pg_read_file(''/proc/self/stat'') AS s';
	SELECT scheduler.create_user('user' || n || '@example.org', 'User') FROM generate_series(1, 1000) n" >/dev/null
keys=$(q "SELECT file FROM scheduler.jwt_key_state()")
floor=$BENCH_TEMP/authenticate
"${CC:-gcc}" -O2 -Wall -D_GNU_SOURCE -I"$TREE/src" -o "$floor" "$BENCH_DIR/authenticate.c" "$TREE"/src/identity/{jwt,jwk,json,base64url,seal}.c -lcrypto -lm

# A JWK of a new key in the file: write_key ALG
write_key() {
	as_server python3 "$STAGE/tree/test/bench/authenticate_key.py" "$1" "$keys"
}

# Microseconds of the backend's processor time for a call: a walk over all tokens that authenticates each $1 times, less one
# that does it $2 times.
timed() {
	local more less
	more=$(walk "$1")
	less=$(walk "$2")
	calc "($more - $less) * 1e6 / $COUNT" %.2f
}

walk() {
	as_server "$BIN/psql" -qAtX -U web -v ON_ERROR_STOP=1 2>&1 <<SQL | sed -n 's/.*NOTICE:  s //p'
BEGIN READ ONLY;
DO \$\$
DECLARE
	row record;
	before double precision := public.processor_seconds();
BEGIN
	FOR row IN SELECT headers FROM tokens ORDER BY n LOOP
		PERFORM set_config('request.headers', row.headers, true);
		FOR time IN 1 .. $1 LOOP
			IF scheduler.authenticate() IS NULL THEN
				RAISE 'nobody';
			END IF;
		END LOOP;
	END LOOP;
	RAISE NOTICE 's %', public.processor_seconds() - before;
END \$\$;
COMMIT;
SQL
}

for alg in ${ALGS:-HS256 RS256 ES256}; do
	write_key "$alg"
	q "TRUNCATE tokens; INSERT INTO tokens
		SELECT n, '{\"host\":\"api.example.org\",\"authorization\":\"Bearer ' || t || '\",\"user-agent\":\"bench\"}', t
		FROM (SELECT row_number() OVER () AS n, scheduler.sign_token(u.user_id, '1 day', scheduler.uuid7()) AS t
			FROM scheduler.users u CROSS JOIN generate_series(1, ($COUNT + 999) / 1000) WHERE u.email LIKE 'user%' LIMIT $COUNT) s" >/dev/null
	q "VACUUM ANALYZE tokens"
	q "SELECT token FROM tokens" >"$BENCH_TEMP/authenticate.tokens"
	ours="" floors="" again=""
	for run in $(seq "$RUNS"); do
		floors="$floors $(as_server "$floor" "$keys" <"$BENCH_TEMP/authenticate.tokens")"
		ours="$ours $(timed 1 0)"
		again="$again $(timed 2 1)"
	done
	figure "authenticate(), $COUNT different tokens, $alg" "$(middle "$ours")" us "bare verification" "$(middle "$floors")"
	figure "authenticate(), a token seen before, $alg" "$(middle "$again")" us
done
