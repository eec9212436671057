#!/usr/bin/env bash
# authenticate() over 100,000 different tokens of each algorithm, in one process: microseconds a call, of the processor and as
# the session waits. Each token is signed before the clock starts; none is seen twice. Repeated: the same token again.
#
# Floor: the bare verification of the same signatures in a C loop (authenticate.c).
. "$(dirname "$0")/common.bash"
COUNT=${COUNT:-100000}
bench_start authenticate
q "SELECT scheduler.create_jwt_keys()" >/dev/null
q "CREATE TABLE tokens (n integer PRIMARY KEY, headers text, token text);
	CREATE ROLE web LOGIN; GRANT scheduler_user TO web; GRANT SELECT ON tokens TO web;
	SELECT scheduler.create_user('user' || n || '@example.org', 'User') FROM generate_series(1, 1000) n" >/dev/null
keys=$(q "SELECT file FROM scheduler.jwt_key_state()")
floor=$BENCH_TEMP/authenticate
"${CC:-gcc}" -O2 -Wall -D_GNU_SOURCE -I"$TREE/src" -o "$floor" "$BENCH_DIR/authenticate.c" "$TREE"/src/identity/{jwt,jwk,json,base64url,seal}.c -lcrypto -lm

# A JWK of a new key in the file: write_key ALG
write_key() {
	as_server python3 "$STAGE/tree/test/bench/authenticate_key.py" "$1" "$keys"
}

# Microseconds that authenticate() took, a call, over all tokens: once, or again (the second call of two).
timed() {
	as_server "$BIN/psql" -qAtX -U web -v ON_ERROR_STOP=1 2>&1 <<SQL | sed -n 's/.*NOTICE:  us //p'
BEGIN READ ONLY;
DO \$\$
DECLARE
	row record;
	started timestamptz;
	total double precision := 0;
BEGIN
	FOR row IN SELECT headers FROM tokens ORDER BY n LOOP
		PERFORM set_config('request.headers', row.headers, true);
		IF '$1' = 'again' THEN
			PERFORM scheduler.authenticate();
		END IF;
		started := clock_timestamp();
		IF scheduler.authenticate() IS NULL THEN
			RAISE 'nobody';
		END IF;
		total := total + extract(epoch FROM clock_timestamp() - started);
	END LOOP;
	RAISE NOTICE 'us %', round((total * 1e6 / $COUNT)::numeric, 2);
END \$\$;
COMMIT;
SQL
}

for alg in HS256 RS256 ES256; do
	write_key "$alg"
	q "TRUNCATE tokens; INSERT INTO tokens
		SELECT n, '{\"host\":\"api.example.org\",\"authorization\":\"Bearer ' || t || '\",\"user-agent\":\"bench\"}', t
		FROM (SELECT row_number() OVER () AS n, scheduler.sign_token(u.user_id, '1 day', scheduler.uuid7()) AS t
			FROM scheduler.users u CROSS JOIN generate_series(1, ($COUNT + 999) / 1000) WHERE u.email LIKE 'user%' LIMIT $COUNT) s;
		VACUUM ANALYZE tokens" >/dev/null
	q "SELECT token FROM tokens" >"$BENCH_TEMP/authenticate.tokens"
	ours="" floors="" again=""
	for run in $(seq "$RUNS"); do
		floors="$floors $(as_server "$floor" "$keys" <"$BENCH_TEMP/authenticate.tokens")"
		ours="$ours $(timed once 2>&1 | sed -n 's/.*NOTICE:  us //p')"
		again="$again $(timed again 2>&1 | sed -n 's/.*NOTICE:  us //p')"
	done
	figure "authenticate(), $COUNT different tokens, $alg" "$(middle "$ours")" us "bare verification" "$(middle "$floors")"
	figure "authenticate(), a token seen before, $alg" "$(middle "$again")" us
done
