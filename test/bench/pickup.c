/*
 * pickup.c - milliseconds from a commit's return in the enqueueing session to the start of the work, one line per job.
 *
 *   pickup ours COUNT     jobs of kind bench.stamp, whose handler returns clock_timestamp()
 *   pickup floor COUNT    INSERT and NOTIFY in one session; another one LISTENs and claims by an UPDATE
 *
 * COUNT 0: until standard input ends. Connects by the environment's PG* variables. Clocks are the machine's: negative
 * where the work began before the enqueueing session had its answer.
 */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* The first field of the answer, to be freed; ends the program where there is none. */
static char *
answer(PGconn *connection, PGresult *result)
{
	char *field;

	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
	{
		fprintf(stderr, "%s", PQerrorMessage(connection));
		exit(1);
	}
	field = strdup(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
	PQclear(result);
	return field;
}

static void
run(PGconn *connection, const char *statement)
{
	free(answer(connection, PQexec(connection, statement)));
}

static void
await_notification(PGconn *connection)
{
	PGnotify *notification;

	while ((notification = PQnotifies(connection)) == NULL)
	{
		struct pollfd descriptor = {PQsocket(connection), POLLIN, 0};

		poll(&descriptor, 1, 1000);
		PQconsumeInput(connection);
	}
	PQfreemem(notification);
}

static double
claim_after_notification(PGconn *connection)
{
	char *field;
	double at;

	await_notification(connection);
	field = answer(connection, PQexecPrepared(connection, "claim", 0, NULL, NULL, NULL, 0));
	at = atof(field);
	free(field);
	return at;
}

static double
ask_result(PGconn *connection, const char *job_id)
{
	for (;;)
	{
		char *field =
			answer(connection, PQexecPrepared(connection, "result", 1, &job_id, NULL, NULL, 0));
		double at = atof(field);

		free(field);
		if (at > 0)
			return at;
		usleep(2000);
	}
}

static int
more(int i, int count)
{
	struct pollfd input = {0, POLLIN, 0};

	return count > 0 ? i < count : poll(&input, 1, 0) == 0;
}

int
main(int argc, char **argv)
{
	int floor = argc == 3 && strcmp(argv[1], "floor") == 0;
	int count = argc == 3 ? atoi(argv[2]) : 0;
	PGconn *sender = PQconnectdb("");
	PGconn *taker = PQconnectdb("");

	run(sender, floor ? "PREPARE send AS WITH i AS (INSERT INTO floor_jobs (payload) VALUES ('{}') "
						"RETURNING id)"
						" SELECT pg_notify('floor_job', '') FROM i"
					  : "PREPARE send AS SELECT scheduler.enqueue('bench.stamp')");
	if (floor)
	{
		run(taker, "LISTEN floor_job");
		run(taker, "PREPARE claim AS UPDATE floor_jobs SET status = 1, done_at = clock_timestamp() "
				   "WHERE id = ANY"
				   " (ARRAY(SELECT id FROM floor_jobs WHERE status = 0 ORDER BY id LIMIT 1 FOR "
				   "UPDATE SKIP LOCKED))"
				   " RETURNING extract(epoch FROM done_at) * 1000");
	}
	else
		run(taker,
			"PREPARE result AS SELECT (result #>> '{}')::numeric FROM scheduler.finished_jobs"
			" WHERE job_id = $1::text::uuid");
	for (int i = 0; more(i, count); i++)
	{
		char *job_id = answer(sender, PQexecPrepared(sender, "send", 0, NULL, NULL, NULL, 0));
		double committed = now();
		double began = floor ? claim_after_notification(taker) : ask_result(taker, job_id);

		if (i >= 20)
			printf("%.3f %.3f\n", began - committed, committed);
		fflush(stdout);
		free(job_id);
		usleep(1000 + rand() % 4000);
	}
	PQfinish(sender);
	PQfinish(taker);
	return 0;
}
