/*
 * scheduler.c - entry of the library: settings, shared memory, hooks, worker registration. Nothing else.
 *
 * _PG_init runs in the postmaster where the library is preloaded, else in the first backend that calls a
 * function of it; what needs shared memory or workers is skipped there.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "core/bucket.h"
#include "core/fault.h"
#include "core/settings.h"
#include "http/http.h"
#include "identity/log_guard.h"
#include "identity/signin.h"
#include "jobs/hooks.h"
#include "jobs/process.h"
#include "jobs/shmem.h"

PG_MODULE_MAGIC;

extern void _PG_init(void);

PG_FUNCTION_INFO_V1(sched_sql_version);

void
_PG_init(void)
{
	/* The core's come last: they reserve the prefix. */
	sched_http_define_settings();
	sched_identity_define_signin_settings();
	sched_core_define_settings();
#ifdef SCHED_FAULT_POINTS
	sched_core_define_fault_setting();
#endif
	if (!process_shared_preload_libraries_in_progress)
		return;
	sched_core_install_buckets();
	sched_http_install_statistics();
	sched_identity_install_log_guard();
	sched_jobs_request_shared();
	sched_jobs_install_hooks();
	/* pg_upgrade starts the server to move it, not to work. */
	if (!IsBinaryUpgrade)
		sched_jobs_register_launcher();
}

/* version() -> text: the version of the loaded library. */
Datum
sched_sql_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(SCHED_VERSION));
}
