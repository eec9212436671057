/*
 * lines.c - where the calls of a worker wait for their turn.
 *
 * Runs in workers. Users take turns, and of each user the places that he calls: who waits for one
 * host, or for his limit there, keeps neither others nor his own calls elsewhere from going. Lines
 * live in hash tables as long as the process; flights belong to flight.c. Only missing memory
 * throws.
 */
#include "postgres.h"

#include "core/bucket.h"
#include "jobs/lines.h"
#include "utils/hsearch.h"

static HTAB *users = NULL;
static HTAB *lines = NULL;
static dlist_head turns = DLIST_STATIC_INIT(turns);
static int n_waiting = 0;

void
sched_jobs_open_lines(void)
{
	HASHCTL control = {0};

	control.keysize = sizeof(pg_uuid_t);
	control.entrysize = sizeof(SchedUserLines);
	users = hash_create("scheduler users in line", 64, &control, HASH_ELEM | HASH_BLOBS);
	control.keysize = sizeof(SchedLineKey);
	control.entrysize = sizeof(SchedLine);
	lines = hash_create("scheduler lines", 64, &control, HASH_ELEM | HASH_BLOBS);
}

dlist_head *
sched_jobs_turns(void)
{
	return &turns;
}

int
sched_jobs_users_in_line(void)
{
	return (int) hash_get_num_entries(users);
}

/* For stat_workers, too. */
int
sched_jobs_flights_waiting(void)
{
	return n_waiting;
}

/*
 * Two spellings of one host are two places, which does no harm: its limit lies elsewhere. Anything
 * that is no url is one, too.
 */
static uint64
place_of(const SchedFlight *flight)
{
	const char *host = strstr(flight->url, "://");
	const char *auth = flight->auth != NULL ? flight->auth : "";

	host = host != NULL ? host + 3 : flight->url;
	return sched_core_mix_key(sched_core_name_key(host, strcspn(host, "/?#")),
							  sched_core_name_key(auth, strlen(auth)));
}

static SchedUserLines *
find_user(const pg_uuid_t *user_id)
{
	bool found;
	SchedUserLines *user = hash_search(users, user_id, HASH_ENTER, &found);

	if (!found)
	{
		dlist_init(&user->lines);
		dlist_push_tail(&turns, &user->node);
	}
	return user;
}

void
sched_jobs_stand_in_line(SchedFlight *flight)
{
	SchedLineKey key;
	SchedLine *line;
	bool found;

	memset(&key, 0, sizeof(key));
	key.user_id = flight->user_id;
	key.place = place_of(flight);
	line = hash_search(lines, &key, HASH_ENTER, &found);
	if (!found)
	{
		line->held_until = line->spacing_us = line->token_number = 0;
		line->for_account = false;
		line->checked_in = 0;
		dlist_init(&line->flights);
		line->user = find_user(&flight->user_id);
		dlist_push_tail(&line->user->lines, &line->node);
	}
	/* Who comes now may have been woken by the new token. */
	if (line->for_account)
	{
		line->for_account = false;
		line->held_until = 0;
	}
	flight->line = line;
	flight->listed = true;
	dlist_push_tail(&line->flights, &flight->node);
	n_waiting++;
}

void
sched_jobs_leave_line(SchedFlight *flight)
{
	SchedLine *line = flight->line;
	SchedUserLines *user = line->user;

	flight->line = NULL;
	flight->listed = false;
	dlist_delete(&flight->node);
	n_waiting--;
	dlist_delete(&line->node);
	dlist_delete(&user->node);
	if (dlist_is_empty(&line->flights))
		hash_search(lines, &line->key, HASH_REMOVE, NULL);
	else
		dlist_push_tail(&user->lines, &line->node);
	if (dlist_is_empty(&user->lines))
		hash_search(users, &user->user_id, HASH_REMOVE, NULL);
	else
		dlist_push_tail(&turns, &user->node);
}

int64
sched_jobs_lines_held_until(int64 now)
{
	int64 until = PG_INT64_MAX;
	dlist_iter turn;

	dlist_foreach(turn, &turns)
	{
		SchedUserLines *user = dlist_container(SchedUserLines, node, turn.cur);
		dlist_iter iter;

		dlist_foreach(iter, &user->lines)
		{
			SchedLine *line = dlist_container(SchedLine, node, iter.cur);

			if (line->held_until <= now)
				return 0;
			until = Min(until, line->held_until);
		}
	}
	return until;
}
