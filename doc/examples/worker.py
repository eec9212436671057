#!/usr/bin/python3
# worker.py DSN KIND LEASE PROGRAM [ARG ..]: runs the program for each job, payload to its stdin, stdout is the result.
import json, signal, subprocess, sys, time, psycopg2, psycopg2.extras
dsn, kind, lease, program, stop = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:], []
signal.signal(signal.SIGTERM, lambda *_: stop.append(True))  # finishes what it has claimed, then ends
while not stop:
    try:
        db = psycopg2.connect(dsn, cursor_factory=psycopg2.extras.DictCursor)
        db.autocommit, ask = True, db.cursor()
        while not stop:
            ask.execute("SELECT * FROM scheduler.claim_jobs(ARRAY[%s], 5, %s)", [kind, lease])
            for job in ask.fetchall() or time.sleep(0.5) or []:
                run = subprocess.run(program, input=json.dumps(job["payload"]), capture_output=True, text=True)
                end, said = ("fail_job", run.stderr) if run.returncode else ("finish_job", json.dumps(run.stdout))
                try: ask.execute(f"SELECT scheduler.{end}(%s, %s, claim => %s)", [job["job_id"], said, job["claim"]])
                except psycopg2.Error as e:
                    if e.pgcode != "PT409": raise  # PT409: cancelled meanwhile, or too late and another has it
    except psycopg2.Error as e:
        if e.pgcode and e.pgcode[:2] not in ("08", "57"): raise
        time.sleep(1)  # the server is away: connect again
