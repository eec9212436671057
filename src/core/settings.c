/*
 * settings.c - definition of the settings (GUCs) of the extension; those with checks of their own are defined by
 * their room (src/http/http_settings.c).
 *
 * Runs in _PG_init of the postmaster (preloaded) or of a backend. The variables belong to the GUC machinery.
 * May throw only while the library is loaded.
 */
#include "postgres.h"

#include <limits.h>

#include "miscadmin.h"
#include "utils/guc.h"

#include "core/settings.h"

char *sched_databases;
int sched_shared_memory = 8192;
int sched_workers;
int sched_runners;
int sched_max_in_flight;
int sched_poll_interval;
int sched_max_user_jobs;
char *sched_place_file;
char *sched_http_allowed_hosts;
char *sched_http_private_hosts;
bool sched_http_allow_private_networks;
char *sched_http_ca_file;
int sched_http_timeout;
int sched_http_breaker_failures;
int sched_http_max_answer_bytes;
char *sched_master_key_file;
char *sched_key_dir;
char *sched_jwt_key_file;
int sched_max_mail_bytes;
int sched_encrypt_bodies;
int sched_look_back;
bool sched_llm_fallback;

static const struct config_enum_entry encrypt_words[] = {
	{"auto", SCHED_ENCRYPT_AUTO, false},
	{"on", SCHED_ENCRYPT_ON, false},
	{"off", SCHED_ENCRYPT_OFF, false},
	{NULL, 0, false},
};

/* A string setting that only the configuration file or a superuser changes. */
static void
define_string(const char *name, const char *about, char **variable, const char *value,
			  GucContext context)
{
	DefineCustomStringVariable(name, about, NULL, variable, value, context, 0, NULL, NULL, NULL);
}

static void
define_int(const char *name, const char *about, int *variable, int value, int low, int high,
		   GucContext context, int unit)
{
	DefineCustomIntVariable(name, about, NULL, variable, value, low, high, context, unit, NULL,
							NULL, NULL);
}

static void
define_job_settings(void)
{
	define_string(
		"scheduler.databases",
		"Databases in which jobs are worked on; empty means every one with the extension.",
		&sched_databases, "", PGC_SIGHUP);
	define_int("scheduler.workers", "Workers per database.", &sched_workers, 1, 0, 16, PGC_SIGHUP,
			   0);
	define_int("scheduler.runners", "Most processes per database that run users' job handlers.",
			   &sched_runners, 4, 0, 64, PGC_SIGHUP, 0);
	define_int("scheduler.max_in_flight", "HTTP calls that one worker keeps in flight.",
			   &sched_max_in_flight, 500, 1, 10000, PGC_SIGHUP, 0);
	define_int("scheduler.poll_interval", "Longest time between two looks of an idle worker.",
			   &sched_poll_interval, 60000, 100, INT_MAX, PGC_SIGHUP, GUC_UNIT_MS);
	define_int("scheduler.max_user_jobs", "Live jobs that one user may have.", &sched_max_user_jobs,
			   2000000, 1, INT_MAX, PGC_SIGHUP, 0);
	define_string(
		"scheduler.place_file",
		"File that marks the place where an armed database may act; empty: beside the key.",
		&sched_place_file, "", PGC_SIGHUP);
	/* Of no effect, and an error to define, where the server has started already. */
	if (process_shared_preload_libraries_in_progress)
		define_int("scheduler.shared_memory", "Shared memory of the extension.",
				   &sched_shared_memory, 8192, 2048, 1024 * 1024, PGC_POSTMASTER, GUC_UNIT_KB);
}

void
sched_core_define_settings(void)
{
	define_job_settings();
	define_string(
		"scheduler.master_key_file",
		"File with the key that seals secrets; empty: in the home of the server's OS user.",
		&sched_master_key_file, "", PGC_SIGHUP);
	define_string("scheduler.key_dir",
				  "Folder with a file of data keys per user; empty: users, beside the master key.",
				  &sched_key_dir, "", PGC_SIGHUP);
	define_string("scheduler.jwt_key_file",
				  "File with the keys of tokens, a JSON Web Key Set; empty: beside the master key.",
				  &sched_jwt_key_file, "", PGC_SIGHUP);
	define_int("scheduler.max_mail_bytes", "Larger mails keep their headers and a problem only.",
			   &sched_max_mail_bytes, 64 * 1024 * 1024, 1024, 512 * 1024 * 1024, PGC_SIGHUP,
			   GUC_UNIT_BYTE);
	DefineCustomEnumVariable(
		"scheduler.encrypt_bodies",
		"Mails are kept sealed under a key of their owner; auto: once there is a master key.", NULL,
		&sched_encrypt_bodies, SCHED_ENCRYPT_AUTO, encrypt_words, PGC_SIGHUP, 0, NULL, NULL, NULL);
	define_int("scheduler.look_back", "How old mail the first look into a mailbox still reads.",
			   &sched_look_back, 14 * 24 * 3600, 0, INT_MAX / 1000, PGC_SIGHUP, GUC_UNIT_S);
	DefineCustomBoolVariable(
		"scheduler.llm_fallback",
		"Reads mail by the built-in rules where the chosen model stays unreachable.", NULL,
		&sched_llm_fallback, true, PGC_SUSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("scheduler");
}
