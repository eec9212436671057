#!/usr/bin/env python3
"""Empties the body of every SQL and PL/pgSQL function in turn and looks whether a pg_regress test notices.

    test/bodies.py DATABASE_HOST PORT REGRESS_PROGRAM BINDIR TREE [function ..]

Run by test/mutants.sh bodies, on a cluster of its own that has a database "base" with the extension. Prints TAP; a
function of the list EXERCISED_BY is judged by the TAP test that stands beside it, which needs real workers.
"""

import os
import re
import shutil
import subprocess
import sys

host, port, program, bindir, tree = sys.argv[1:6]
only = set(sys.argv[6:])
environment = dict(os.environ, PGHOST=host, PGPORT=port, PGUSER="postgres", PGOPTIONS="-c client_min_messages=warning")


def psql(database, statement):
    done = subprocess.run([bindir + "/psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement],
                          env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def empty(definition):
    """The same function with a body that does nothing and returns NULL, no row or nothing."""
    head = re.split(r"\n(?:AS \$|BEGIN ATOMIC|RETURN )", definition, maxsplit=1)[0]
    head = re.sub(r"\n LANGUAGE sql\b", "\n LANGUAGE plpgsql", head)
    returns = re.search(r"\n RETURNS (.*)", head)
    scalar = returns and not re.match(r"(SETOF|TABLE|void|record)\b", returns.group(1)) and " OUT " not in head.split("\n")[0] \
        and "(OUT " not in head
    return head + "\nAS $empty$ BEGIN " + ("RETURN NULL;" if scalar else "") + " END $empty$"


def notices(test, definition):
    """Runs one test against the changed function; True where its results differ."""
    database = "regress_" + test
    shutil.rmtree(host + "/keys", ignore_errors=True)
    psql("postgres", f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
    psql("postgres", f"CREATE DATABASE {database} TEMPLATE base")
    psql(database, definition)
    folder = f"{tree}/../bodies/{test}"
    os.makedirs(folder, exist_ok=True)
    done = subprocess.run([program, "--use-existing", f"--bindir={bindir}", f"--inputdir={tree}",
                           f"--outputdir={folder}", f"--host={host}", f"--port={port}", "--user=postgres",
                           f"--dbname={database}", test], env=dict(os.environ), capture_output=True, text=True)
    roles = psql("postgres", "SELECT string_agg(quote_ident(rolname), ', ')"
                 " FROM pg_roles WHERE rolname !~ '^(pg|scheduler)_' AND rolname <> 'postgres'").strip()
    if roles:
        psql("postgres", f"DROP DATABASE {database} WITH (FORCE)")
        for role in roles.split(", "):
            psql("postgres", f"DROP OWNED BY {role}; DROP ROLE {role}")
    return done.returncode != 0


names = sorted(name[:-4] for name in os.listdir(tree + "/sql") if name.endswith(".sql"))
texts = {name: open(f"{tree}/sql/{name}.sql").read() for name in names}
functions = [line.split("|") for line in psql("base", """
    SELECT p.proname, p.oid FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
    WHERE p.pronamespace = 'scheduler'::regnamespace AND l.lanname IN ('sql', 'plpgsql') ORDER BY p.proname""").split()]
for test in names:
    if notices(test, "SELECT 1"):
        sys.exit(f"{test} fails with every function as it is")
number = slipped = 0
for name, oid in functions:
    if only and name not in only:
        continue
    number += 1
    definition = empty(psql("base", f"SELECT pg_get_functiondef({oid})").rstrip("\n"))
    order = sorted(names, key=lambda test: (not re.search(rf"\b{name}\b", texts[test]), test == "catalog", test))
    caught = None
    for test in order:
        if notices(test, definition):
            caught = test
            break
    slipped += caught is None
    print(f"ok {number} - {name}: noticed by {caught}" if caught else f"not ok {number} - {name}: nobody notices", flush=True)
print(f"1..{number}")
sys.exit(slipped > 0)
