/*
 * http_settings.c - the settings of the HTTP room, their checks, and the engine's configuration
 * made of them.
 *
 * Runs in _PG_init and, for the checks, in every process at SET, ALTER SYSTEM and reload. The
 * variables belong to core/settings.h and to the GUC machinery; a check hook may not throw, it
 * answers false with a detail.
 *
 * A bad list is refused wherever somebody is there to read why. When the server starts, refusing
 * would leave the default in force, which for http_allowed_hosts allows more than was meant: there
 * a bad entry is kept with a warning, and matches nothing.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"

#include "core/settings.h"
#include "http/egress.h"
#include "http/http.h"
#include "http/request.h"
#include "http/trust.h"

/* Seconds that an answer which has begun may pause. */
#define STALL_SECONDS 60

/* Says what is wrong with a value; true where it is kept all the same. */
static bool
report_problem(const char *setting, const char *problem, const char *hint)
{
	if (process_shared_preload_libraries_in_progress)
	{
		ereport(WARNING, (errmsg("setting \"%s\" has a problem", setting),
						  errdetail("%s.", problem), errhint("%s", hint)));
		return true;
	}
	GUC_check_errdetail("%s.", problem);
	GUC_check_errhint("%s", hint);
	return false;
}

static bool
check_allowed_hosts(char **value, void **extra, GucSource source)
{
	char problem[320];

	return sched_egress_check_list(*value, false, problem, sizeof(problem)) ||
		   report_problem("scheduler.http_allowed_hosts", problem,
						  "List host names, as in 'api.openai.com, *.example.org'.");
}

static bool
check_private_hosts(char **value, void **extra, GucSource source)
{
	char problem[320];

	return sched_egress_check_list(*value, true, problem, sizeof(problem)) ||
		   report_problem("scheduler.http_private_hosts", problem,
						  "List each name with its port, as in 'localhost:11434, imap.lan:993'.");
}

static bool
check_ca_file(char **value, void **extra, GucSource source)
{
	char problem[320];

	return sched_trust_check_file(*value, problem, sizeof(problem)) ||
		   report_problem("scheduler.http_ca_file", problem,
						  "Name a PEM file that the server's OS user can read.");
}

/* Said once per start or reload, by the postmaster. */
static bool
check_allow_private(bool *value, void **extra, GucSource source)
{
	if (*value && !IsUnderPostmaster && source >= PGC_S_FILE)
		ereport(WARNING,
				(errmsg("scheduler.http_allow_private_networks is on"),
				 errdetail("Whoever may make HTTP calls reaches the server's private networks."),
				 errhint("This is meant for tests; list single hosts in "
						 "scheduler.http_private_hosts instead.")));
	return true;
}

/*
 * All of them PGC_SIGHUP: what the worker may reach is decided for the server, never for a session.
 */
void
sched_http_define_settings(void)
{
	DefineCustomStringVariable(
		"scheduler.http_allowed_hosts",
		"Hosts that may be called, with *. wildcards; empty means every public host.", NULL,
		&sched_http_allowed_hosts, "", PGC_SIGHUP, 0, check_allowed_hosts, NULL, NULL);
	DefineCustomStringVariable("scheduler.http_private_hosts",
							   "The only host:port names that may lie in a private network.", NULL,
							   &sched_http_private_hosts, "", PGC_SIGHUP, 0, check_private_hosts,
							   NULL, NULL);
	DefineCustomBoolVariable("scheduler.http_allow_private_networks",
							 "Allows calls into private networks, for tests.", NULL,
							 &sched_http_allow_private_networks, false, PGC_SIGHUP, 0,
							 check_allow_private, NULL, NULL);
	DefineCustomStringVariable("scheduler.http_ca_file",
							   "PEM file of certificate authorities trusted besides the system's.",
							   NULL, &sched_http_ca_file, "", PGC_SIGHUP, 0, check_ca_file, NULL,
							   NULL);
	DefineCustomIntVariable("scheduler.http_timeout", "Time limit of an HTTP call that names none.",
							NULL, &sched_http_timeout, 30000, 1, 3600000, PGC_SIGHUP, GUC_UNIT_MS,
							NULL, NULL, NULL);
	DefineCustomIntVariable("scheduler.http_breaker_failures",
							"Failures in a row until a host is left alone; 0 means never.", NULL,
							&sched_http_breaker_failures, 10, 0, 1000, PGC_SIGHUP, 0, NULL, NULL,
							NULL);
	DefineCustomIntVariable("scheduler.http_max_answer_bytes",
							"Largest decoded body of one HTTP answer.", NULL,
							&sched_http_max_answer_bytes, 64 * 1024 * 1024, 1024, 512 * 1024 * 1024,
							PGC_SIGHUP, GUC_UNIT_BYTE, NULL, NULL, NULL);
}

/* The strings stay the settings' own; the engine copies what it keeps. */
void
sched_http_load_config(SchedHttpConfig *config)
{
	memset(config, 0, sizeof(*config));
	config->max_in_flight = sched_max_in_flight;
	/* One slow host never takes every place. */
	config->max_per_host = Max(1, sched_max_in_flight * 4 / 5);
	config->max_answer_bytes = (size_t) sched_http_max_answer_bytes;
	config->allowed_hosts = sched_http_allowed_hosts;
	config->private_hosts = sched_http_private_hosts;
	config->allow_private_networks = sched_http_allow_private_networks;
	config->ca_file = sched_http_ca_file;
	config->user_agent = "scheduler/" SCHED_VERSION;
	config->stall_seconds = STALL_SECONDS;
	/* Hundreds of large answers at once must not take the server's memory. */
	config->max_total_bytes = Max(4 * config->max_answer_bytes, 256 * 1024 * 1024);
}
