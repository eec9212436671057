// worker.mjs DSN KIND LEASE PROGRAM [ARG ..]: runs the program for each job, payload to its stdin, stdout is the result.
import { spawnSync } from 'node:child_process';
import pg from 'pg';
const [dsn, kind, lease, program, ...args] = process.argv.slice(2);
const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });
let stop = false;
process.on('SIGTERM', () => { stop = true; }); // finishes what it has claimed, then ends
for (let db; !stop; await db.end().catch(() => {})) {
  (db = new pg.Client({ connectionString: dsn })).on('error', () => {}); // shows at the next query
  try {
    for (await db.connect(); !stop;) {
      const { rows } = await db.query('SELECT * FROM scheduler.claim_jobs($1, 5, $2)', [[kind], lease]);
      for (const job of rows) {
        const run = spawnSync(program, args, { input: JSON.stringify(job.payload), encoding: 'utf8' });
        const [end, said] = run.status === 0 ? ['finish_job', JSON.stringify(run.stdout)] : ['fail_job', run.stderr ?? `${run.error}`];
        await db.query(`SELECT scheduler.${end}($1, $2, claim => $3)`, [job.job_id, said, job.claim])
          .catch((e) => { if (e.code !== 'PT409') throw e; }); // PT409: cancelled meanwhile, or too late and another has it
      } if (rows.length === 0) await pause(500);
    }
  } catch (e) { if (e.code && !/^(08|57|E)/.test(e.code)) throw e; await pause(1000); } } // the server is away: connect again
