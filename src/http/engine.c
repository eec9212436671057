/*
 * engine.c - many calls in flight: curl_multi in a private epoll set.
 *
 * Runs in the worker process and in unit tests; not a word of PostgreSQL. The engine owns transfers
 * and, until they are fetched, answers; all memory is malloc'ed. Nothing throws and nothing logs:
 * libcurl's callbacks only change the epoll set or note a deadline. The caller waits for the set's
 * one descriptor beside its latch, so there is no second loop and no timer.
 *
 * A pool is a curl_multi with the policy its connections were made under. New settings make a new
 * pool; the old one only finishes what it carries. So a connection never outlives the rules by
 * which it was allowed.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <sys/epoll.h>

#include "transfer.h"

/*
 * CURLOPT_QUICK_EXIT and PREREQFUNCTION are what keeps a hanging resolver and a dead connection
 * harmless.
 */
#if LIBCURL_VERSION_NUM < 0x075700
#error "scheduler needs libcurl 7.87 or later"
#endif

#define MAX_EVENTS 256
/* Handles that wait for the next call, so that libcurl need not make them anew. */
#define MAX_SPARE_HANDLES 256
#define HOST_BUCKETS 256

/* How many calls to one host are in flight. */
typedef struct HostCount
{
	struct HostCount *next;
	int n;
	char name[];
} HostCount;

/* One policy and the connections made under it. */
typedef struct Pool
{
	struct Pool *next;
	SchedHttpEngine *engine;
	CURLM *multi;
	SchedPolicy policy;
	uint32_t number;
	int64_t deadline_us; /* when libcurl wants to be called; -1 = not by time */
	int n_transfers;
	CURL *spare[MAX_SPARE_HANDLES];
	int n_spare;
} Pool;

struct SchedHttpEngine
{
	int epoll_fd;
	int max_in_flight;
	int max_per_host;
	int n_in_flight;
	size_t total_room; /* memory of bodies that nobody has fetched yet */
	uint32_t next_number;
	Pool *current;
	Pool *pools;              /* the current one and those that finish */
	SchedTransfer *transfers; /* in flight */
	SchedTransfer *done;      /* their answers wait to be fetched, oldest first */
	SchedTransfer *last_done;
	HostCount *hosts[HOST_BUCKETS];
	/* The last url that was judged: most calls go where the one before went. */
	char *judged_url;
	char *judged_name;
	SchedTarget judged_target;
};

/* ---- libcurl's callbacks ---- */

/* libcurl wants to hear of this socket, or no more. */
static int
watch_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
	Pool *pool = context;
	struct epoll_event event = {0};

	(void) easy;
	(void) socket_context;
	if (what == CURL_POLL_REMOVE)
	{
		/* It may be closed already, which has taken it out of the set. */
		epoll_ctl(pool->engine->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		event.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		event.events |= EPOLLOUT;
	/*
	 * The number tells which curl_multi the socket belongs to: an event may be of a pool that is
	 * gone by the time we get to it, and must then reach nobody.
	 */
	event.data.u64 = ((uint64_t) pool->number << 32) | (uint32_t) fd;
	if (epoll_ctl(pool->engine->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
		return 0;
	/* libcurl does not say whether it watched this socket before. */
	if (errno == EEXIST && epoll_ctl(pool->engine->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
		return 0;
	return -1;
}

/*
 * libcurl has one deadline at a time per curl_multi. Writing it down is enough: the caller asks for
 * it before each wait, so no timer descriptor is needed.
 */
static int
note_deadline(CURLM *multi, long timeout_ms, void *context)
{
	Pool *pool = context;

	(void) multi;
	pool->deadline_us = timeout_ms < 0 ? -1 : sched_transfer_now_us() + (int64_t) timeout_ms * 1000;
	return 0;
}

/* ---- pools ---- */

/* Only when no transfer of the pool is in flight. */
static void
destroy_pool(Pool *pool)
{
	while (pool->n_spare > 0)
		curl_easy_cleanup(pool->spare[--pool->n_spare]);
	/* Closes the kept connections, whose callbacks still ask for the policy and the epoll set. */
	if (pool->multi != NULL)
		curl_multi_cleanup(pool->multi);
	sched_egress_destroy(pool->policy.egress);
	sched_trust_destroy(pool->policy.trust);
	free(pool->policy.agent_line);
	free(pool);
}

/* NULL without memory. */
static char *
make_agent_line(const char *agent)
{
	static const char name[] = "User-Agent: ";
	size_t size;
	char *line;

	if (agent == NULL)
		agent = "scheduler";
	size = sizeof(name) + strlen(agent);
	line = malloc(size);
	if (line != NULL)
		snprintf(line, size, "%s%s", name, agent);
	return line;
}

/*
 * Copies everything: the settings may change while calls are on their way. What was made before
 * something failed is freed by destroy_pool().
 */
static bool
fill_policy(SchedPolicy *policy, const SchedHttpConfig *config)
{
	policy->egress = sched_egress_create(config->allowed_hosts, config->private_hosts,
										 config->allow_private_networks);
	policy->trust = sched_trust_create(config->ca_file);
	policy->agent_line = make_agent_line(config->user_agent);
	policy->max_answer_bytes = config->max_answer_bytes;
	policy->stall_seconds = config->stall_seconds;
	policy->max_total_bytes = config->max_total_bytes;
	return policy->egress != NULL && policy->trust != NULL && policy->agent_line != NULL;
}

/*
 * A pool is new whenever settings are: comparing old with new would save little and could miss
 * something.
 */
static Pool *
create_pool(SchedHttpEngine *engine, const SchedHttpConfig *config)
{
	Pool *pool = calloc(1, sizeof(Pool));
	bool ok;

	if (pool == NULL)
		return NULL;
	pool->engine = engine;
	pool->number = ++engine->next_number;
	pool->deadline_us = -1;
	pool->policy.total_room = &engine->total_room;
	pool->multi = curl_multi_init();
	ok = pool->multi != NULL && fill_policy(&pool->policy, config);
	if (ok)
	{
		ok &= curl_multi_setopt(pool->multi, CURLMOPT_SOCKETFUNCTION, watch_socket) == CURLM_OK;
		ok &= curl_multi_setopt(pool->multi, CURLMOPT_SOCKETDATA, pool) == CURLM_OK;
		ok &= curl_multi_setopt(pool->multi, CURLMOPT_TIMERFUNCTION, note_deadline) == CURLM_OK;
		ok &= curl_multi_setopt(pool->multi, CURLMOPT_TIMERDATA, pool) == CURLM_OK;
		ok &= curl_multi_setopt(pool->multi, CURLMOPT_PIPELINING, (long) CURLPIPE_MULTIPLEX) ==
			  CURLM_OK;
		ok &= curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, (long) config->max_in_flight) ==
			  CURLM_OK;
	}
	if (!ok)
	{
		destroy_pool(pool);
		return NULL;
	}
	pool->next = engine->pools;
	engine->pools = pool;
	return pool;
}

/* Lets go of pools that have nothing left to finish. */
static void
drop_idle_pools(SchedHttpEngine *engine)
{
	Pool **link = &engine->pools;

	while (*link != NULL)
	{
		Pool *pool = *link;

		if (pool == engine->current || pool->n_transfers > 0)
		{
			link = &pool->next;
			continue;
		}
		*link = pool->next;
		destroy_pool(pool);
	}
}

/* ---- life of an engine ---- */

static void
set_limits(SchedHttpEngine *engine, const SchedHttpConfig *config)
{
	engine->max_in_flight = config->max_in_flight;
	engine->max_per_host = config->max_per_host;
}

/* Resolving in a thread and OpenSSL are what the rest is built on. */
static bool
libcurl_is_suitable(void)
{
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

	return (info->features & CURL_VERSION_ASYNCHDNS) != 0 && info->ssl_version != NULL &&
		   strncmp(info->ssl_version, "OpenSSL", 7) == 0;
}

/* The first pool's failure is the engine's: without a policy nothing may be called. */
SchedHttpEngine *
sched_http_create(const SchedHttpConfig *config)
{
	SchedHttpEngine *engine;

	if (!libcurl_is_suitable())
		return NULL;
	engine = calloc(1, sizeof(SchedHttpEngine));
	if (engine == NULL)
		return NULL;
	set_limits(engine, config);
	engine->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (engine->epoll_fd >= 0)
		engine->current = create_pool(engine, config);
	if (engine->current == NULL)
	{
		sched_http_destroy(engine);
		return NULL;
	}
	return engine;
}

/*
 * Without memory for the new policy nothing may run under the old one: then submitted calls are
 * refused.
 */
void
sched_http_reconfigure(SchedHttpEngine *engine, const SchedHttpConfig *config)
{
	set_limits(engine, config);
	engine->current = create_pool(engine, config);
	drop_idle_pools(engine);
}

/* The url that is judged next is another one. */
static void
forget_judged(SchedHttpEngine *engine)
{
	free(engine->judged_url);
	free(engine->judged_name);
	sched_target_clear(&engine->judged_target);
	engine->judged_url = engine->judged_name = NULL;
}

static void
free_list(SchedTransfer *list)
{
	while (list != NULL)
	{
		SchedTransfer *next = list->next;

		sched_transfer_destroy(list);
		list = next;
	}
}

/*
 * The order is libcurl's: handles out of their multi, then the handles, then the multi with its
 * kept connections, and the epoll set last, because closing sockets still asks for it.
 */
void
sched_http_destroy(SchedHttpEngine *engine)
{
	if (engine == NULL)
		return;
	for (SchedTransfer *transfer = engine->transfers; transfer != NULL; transfer = transfer->next)
		curl_multi_remove_handle(((Pool *) transfer->pool)->multi, transfer->easy);
	free_list(engine->transfers);
	free_list(engine->done);
	while (engine->pools != NULL)
	{
		Pool *next = engine->pools->next;

		destroy_pool(engine->pools);
		engine->pools = next;
	}
	if (engine->epoll_fd >= 0)
		close(engine->epoll_fd);
	forget_judged(engine);
	for (int i = 0; i < HOST_BUCKETS; i++)
	{
		while (engine->hosts[i] != NULL)
		{
			HostCount *next = engine->hosts[i]->next;

			free(engine->hosts[i]);
			engine->hosts[i] = next;
		}
	}
	free(engine);
}

/* ---- calls per host ---- */

/* Where the count of this host hangs, or would. */
static HostCount **
find_count(SchedHttpEngine *engine, const char *name)
{
	uint32_t hash = 2166136261u;
	HostCount **link;

	for (const char *c = name; *c != '\0'; c++)
		hash = (hash ^ (unsigned char) *c) * 16777619u;
	link = &engine->hosts[hash % HOST_BUCKETS];
	while (*link != NULL && strcmp((*link)->name, name) != 0)
		link = &(*link)->next;
	return link;
}

/* False without memory. */
static bool
count_call(SchedHttpEngine *engine, SchedTransfer *transfer)
{
	const char *name = transfer->answer->host;
	HostCount **link = find_count(engine, name);

	if (*link == NULL)
	{
		size_t size = strlen(name) + 1;

		*link = calloc(1, sizeof(HostCount) + size);
		if (*link == NULL)
			return false;
		memcpy((*link)->name, name, size);
	}
	(*link)->n++;
	transfer->host_count = *link;
	return true;
}

/* A host without calls needs no count. */
static void
discount_call(SchedHttpEngine *engine, SchedTransfer *transfer)
{
	HostCount *count = transfer->host_count;

	transfer->host_count = NULL;
	if (count != NULL && --count->n == 0)
	{
		*find_count(engine, count->name) = count->next;
		free(count);
	}
}

/* What the url was parsed to, kept for the next call; NULL where it is bad, or without memory. */
static const SchedTarget *
judge_url(SchedHttpEngine *engine, const char *url)
{
	if (url != NULL && engine->judged_url != NULL && strcmp(engine->judged_url, url) == 0)
		return &engine->judged_target;
	forget_judged(engine);
	if (sched_target_parse(&engine->judged_target, NULL, url) != NULL)
		return NULL;
	engine->judged_url = strdup(url);
	engine->judged_name = sched_target_name(&engine->judged_target);
	if (engine->judged_url != NULL && engine->judged_name != NULL)
		return &engine->judged_target;
	forget_judged(engine);
	return NULL;
}

/* ---- transfers in flight and done ---- */

/* The newest first: order does not matter among calls in flight. */
static void
link_transfer(SchedHttpEngine *engine, SchedTransfer *transfer, Pool *pool)
{
	transfer->pool = pool;
	transfer->previous = NULL;
	transfer->next = engine->transfers;
	if (transfer->next != NULL)
		transfer->next->previous = transfer;
	engine->transfers = transfer;
	engine->n_in_flight++;
	pool->n_transfers++;
}

static void
unlink_transfer(SchedHttpEngine *engine, SchedTransfer *transfer)
{
	if (transfer->previous != NULL)
		transfer->previous->next = transfer->next;
	else
		engine->transfers = transfer->next;
	if (transfer->next != NULL)
		transfer->next->previous = transfer->previous;
	engine->n_in_flight--;
	((Pool *) transfer->pool)->n_transfers--;
	discount_call(engine, transfer);
}

/* Puts a complete answer where sched_http_next() finds it. */
static void
queue_answer(SchedHttpEngine *engine, SchedTransfer *transfer)
{
	transfer->next = NULL;
	if (engine->last_done != NULL)
		engine->last_done->next = transfer;
	else
		engine->done = transfer;
	engine->last_done = transfer;
}

/* Hands the transfer to libcurl; false when the answer is already complete. */
static bool
start_transfer(Pool *pool, SchedTransfer *transfer)
{
	if (curl_multi_add_handle(pool->multi, transfer->easy) == CURLM_OK)
		return true;
	sched_transfer_abort(transfer, SCHED_HTTP_CONNECT, "libcurl did not take the call");
	return false;
}

/*
 * libcurl's time limit of a call runs from the moment it is handed over, also while libcurl lets it
 * wait for a connection: so calls that cannot start now stay with the caller, and nothing times out
 * in a queue.
 */
bool
sched_http_admits(SchedHttpEngine *engine, const char *url)
{
	const HostCount *count;

	if (engine->n_in_flight >= engine->max_in_flight)
		return false;
	/* A bad url is refused when submitted; it need not wait for that. */
	if (judge_url(engine, url) == NULL)
		return true;
	count = *find_count(engine, engine->judged_name);
	return count == NULL || count->n < engine->max_per_host;
}

const char *
sched_http_host_name(SchedHttpEngine *engine, const char *url)
{
	return judge_url(engine, url) == NULL ? NULL : engine->judged_name;
}

/*
 * Refused calls take the same way out as finished ones, so the caller has one place to look for
 * answers. Nothing is sent before sched_http_drive(): libcurl only asks for a deadline of now.
 */
bool
sched_http_submit(SchedHttpEngine *engine, const SchedHttpCall *call)
{
	static const SchedPolicy no_policy = {0};
	Pool *pool = engine->current;
	CURL *easy = pool != NULL && pool->n_spare > 0 ? pool->spare[--pool->n_spare] : NULL;
	SchedTransfer *transfer = sched_transfer_create(pool != NULL ? &pool->policy : &no_policy, call,
													judge_url(engine, call->url), easy);

	if (transfer == NULL)
		return false;
	if (transfer->answer->failure == SCHED_HTTP_OK && pool == NULL)
		sched_transfer_abort(transfer, SCHED_HTTP_CONNECT, "no memory for the HTTP settings");
	if (transfer->answer->failure == SCHED_HTTP_OK && !count_call(engine, transfer))
		sched_transfer_abort(transfer, SCHED_HTTP_CONNECT, "no memory for the call");
	if (transfer->answer->failure == SCHED_HTTP_OK && sched_transfer_aim(transfer) &&
		start_transfer(pool, transfer))
		link_transfer(engine, transfer, pool);
	else
	{
		discount_call(engine, transfer);
		queue_answer(engine, transfer);
	}
	return true;
}

/*
 * The handle of a call that went well serves the pool's next one. Never another pool's: it may hold
 * sessions of TLS, which were agreed on under this policy. After a failure a resolver may still be at
 * work for it.
 */
static void
keep_handle(Pool *pool, SchedTransfer *transfer)
{
	if (transfer->answer->failure == SCHED_HTTP_OK && pool->n_spare < MAX_SPARE_HANDLES)
		pool->spare[pool->n_spare++] = sched_transfer_release_handle(transfer);
}

/* Takes what libcurl has finished; a followed redirect goes back to it at once. */
static void
collect_finished(Pool *pool)
{
	CURLMsg *message;
	int n_left;

	while ((message = curl_multi_info_read(pool->multi, &n_left)) != NULL)
	{
		SchedTransfer *transfer = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **) &transfer);
		curl_multi_remove_handle(pool->multi, transfer->easy);
		if (sched_transfer_conclude(transfer, code) && start_transfer(pool, transfer))
			continue;
		unlink_transfer(pool->engine, transfer);
		keep_handle(pool, transfer);
		queue_answer(pool->engine, transfer);
	}
}

static Pool *
find_pool(SchedHttpEngine *engine, uint32_t number)
{
	Pool *pool = engine->pools;

	while (pool != NULL && pool->number != number)
		pool = pool->next;
	return pool;
}

/* Tells libcurl about sockets that can be read or written; both at once where both hold. */
static void
drive_sockets(SchedHttpEngine *engine)
{
	struct epoll_event events[MAX_EVENTS];
	int n_running;
	int n_events = epoll_wait(engine->epoll_fd, events, MAX_EVENTS, 0);

	for (int i = 0; i < n_events; i++)
	{
		Pool *pool = find_pool(engine, (uint32_t) (events[i].data.u64 >> 32));
		int mask = 0;

		if (events[i].events & EPOLLIN)
			mask |= CURL_CSELECT_IN;
		if (events[i].events & EPOLLOUT)
			mask |= CURL_CSELECT_OUT;
		if (events[i].events & (EPOLLERR | EPOLLHUP))
			mask |= CURL_CSELECT_ERR;
		if (pool != NULL)
			curl_multi_socket_action(pool->multi, (int) (events[i].data.u64 & 0xffffffff), mask,
									 &n_running);
	}
}

/*
 * Sockets first, then what is due by time, then the results of both. Never blocks: the epoll set is
 * asked with a timeout of nothing, since the caller has done the waiting.
 */
void
sched_http_drive(SchedHttpEngine *engine)
{
	int n_running;

	drive_sockets(engine);
	for (Pool *pool = engine->pools; pool != NULL; pool = pool->next)
	{
		if (pool->deadline_us >= 0 && pool->deadline_us <= sched_transfer_now_us())
		{
			/* libcurl names the next deadline while it works. */
			pool->deadline_us = -1;
			curl_multi_socket_action(pool->multi, CURL_SOCKET_TIMEOUT, 0, &n_running);
		}
		collect_finished(pool);
	}
	drop_idle_pools(engine);
}

/*
 * The transfer goes with its answer; until then it holds the connection's last words, nothing else.
 */
SchedHttpAnswer *
sched_http_next(SchedHttpEngine *engine)
{
	SchedTransfer *transfer = engine->done;
	SchedHttpAnswer *answer;

	if (transfer == NULL)
		return NULL;
	engine->done = transfer->next;
	if (engine->done == NULL)
		engine->last_done = NULL;
	answer = transfer->answer;
	transfer->answer = NULL;
	sched_transfer_destroy(transfer);
	return answer;
}

/*
 * Over HTTP/1.1 taking the handle out closes the connection, over HTTP/2 it resets the stream: in
 * both the server learns of it, but may have acted. A resolver thread that is still busy ends by
 * itself.
 */
bool
sched_http_cancel(SchedHttpEngine *engine, uint64_t tag)
{
	SchedTransfer *transfer = engine->transfers;

	while (transfer != NULL && transfer->answer->tag != tag)
		transfer = transfer->next;
	if (transfer == NULL)
		return false;
	sched_transfer_abort(transfer, SCHED_HTTP_CANCELLED, "the call was cancelled");
	curl_multi_remove_handle(((Pool *) transfer->pool)->multi, transfer->easy);
	unlink_transfer(engine, transfer);
	queue_answer(engine, transfer);
	return true;
}

int
sched_http_descriptor(SchedHttpEngine *engine)
{
	return engine->epoll_fd;
}

long
sched_http_timeout_ms(SchedHttpEngine *engine)
{
	int64_t nearest_us = -1;
	int64_t left_us;

	if (engine->done != NULL)
		return 0;
	for (Pool *pool = engine->pools; pool != NULL; pool = pool->next)
	{
		if (pool->deadline_us >= 0 && (nearest_us < 0 || pool->deadline_us < nearest_us))
			nearest_us = pool->deadline_us;
	}
	if (nearest_us < 0)
		return -1;
	/* Rounded up, else the last millisecond would be spent spinning. */
	left_us = nearest_us - sched_transfer_now_us();
	return left_us <= 0 ? 0 : (long) ((left_us + 999) / 1000);
}

int
sched_http_in_flight(const SchedHttpEngine *engine)
{
	return engine->n_in_flight;
}
