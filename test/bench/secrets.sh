#!/usr/bin/env bash
# What it costs to place a secret of 50 bytes: the look into the store, the owner's key, the host, the opening. One by one
# (a transaction each, in a backend, where no key outlives its transaction) and many in one transaction (what a worker
# does). Processor time. Floor: the bare AES-256-GCM of the same library in the same process. And sealing and opening mails.
. "$(dirname "$0")/common.bash"
N=${N:-20000}
bench_start secrets
q "SELECT problem FROM scheduler.create_master_key()" >/dev/null
library=$BENCH_TEMP/secrets_place.so
gcc -O2 -shared -fPIC -Wall -I"$BENCH_DIR/../../src" -I"$($PG_CONFIG --includedir-server)" -o "$library" "$BENCH_DIR/secrets_place.c"
own "$library"
q "LOAD 'scheduler'; SELECT scheduler.version();
	CREATE FUNCTION time_placing(uuid, text, text, int, int) RETURNS float8 LANGUAGE c AS '$library';
	CREATE FUNCTION time_mail(uuid, int, int, boolean) RETURNS float8 LANGUAGE c AS '$library';
	CREATE FUNCTION time_opening(int, int) RETURNS float8 LANGUAGE c AS '$library'" >/dev/null
user=$(q "SELECT scheduler.create_user('a@example.org', 'A')")
q "SELECT scheduler.set_secret('token', '$(head -c 25 /dev/urandom | od -An -tx1 | tr -d ' \n')', ARRAY['api.example.org'], '$user')" >/dev/null
q "UPDATE scheduler.sealed_secrets SET last_used_at = now()"

for run in $(seq "$RUNS"); do
	line=$(q "SELECT time_opening(50, $N) || ' ' || time_placing('$user', 'token', 'api.example.org', 443, $N)")
	floors="${floors:-} ${line% *}"
	many="${many:-} ${line#* }"
	q "CREATE TABLE times (t float8)"
	q "DO \$\$ BEGIN
		FOR i IN 1 .. 500 LOOP
			INSERT INTO times SELECT time_placing('$user', 'token', 'api.example.org', 443, 1);
			COMMIT;
		END LOOP; END \$\$"
	single="${single:-} $(q "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t) FROM times")"
	q "DROP TABLE times"
done
figure "placing a secret, many in a transaction" "$(middle "$many")" us "bare AES-256-GCM" "$(middle "$floors")"
figure "placing a secret, the only one of its transaction" "$(middle "$single")" us "bare AES-256-GCM" "$(middle "$floors")"
for size in 2000 200000; do
	read -r floor sealing opening <<<"$(q "SELECT time_opening($size, 2000) || ' ' || time_mail('$user', $size, 2000, true) || ' ' || time_mail('$user', $size, 2000, false)")"
	figure "sealing a mail of $size bytes" "$sealing" us "bare AES-256-GCM" "$floor"
	figure "opening a mail of $size bytes" "$opening" us "bare AES-256-GCM" "$floor"
done
