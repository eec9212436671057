/*
 * store.h - small helpers around SPI that the files of this room share.
 *
 * All of them need an SPI connection and run with the rights of the moment.
 */
#ifndef SCHED_JOBS_STORE_H
#define SCHED_JOBS_STORE_H

#include "executor/spi.h"
#include "utils/uuid.h"

/* Part of a statement: jobs of this user may be worked on. Nobody by that id hinders nothing. */
#define SCHED_IS_ACTIVE(user) \
	"NOT EXISTS (SELECT FROM scheduler.users u WHERE u.user_id = " user " AND NOT u.is_active)"

/* A statement planned once per process, for any parameters; `plan` is filled at first use. */
typedef struct SchedStatement
{
	const char *sql;
	int n_types;
	Oid types[24];
	bool by_index; /* never let statistics talk the planner out of the indexes made for this */
	SPIPlanPtr plan;
} SchedStatement;

/*
 * Executes; throws where the result is not `expected` (an SPI_OK_ code). nulls as SPI has it, or
 * NULL.
 */
extern void sched_jobs_execute(SchedStatement *statement, Datum *values, const char *nulls,
							   int expected);

/* Uuids or addresses of rows (UUIDOID, TIDOID) as an array for a statement; palloc'ed. */
extern Datum sched_jobs_form_array(Datum *elements, int n, Oid type);

/* Whose rights and settings were in force before sched_jobs_enter_system(). */
typedef struct SchedRights
{
	Oid user;
	int context;
	int guc_level;
} SchedRights;

/*
 * From here to sched_jobs_leave_system() with the rights of scheduler_system, an SPI connection,
 * and no name or operator looked up where the caller's search_path says; an error's abort leaves
 * too.
 */
extern void sched_jobs_enter_system(SchedRights *before);
extern void sched_jobs_leave_system(const SchedRights *before);

/* The role scheduler_system, or scheduler_owner: throws where it is missing. */
extern Oid sched_jobs_system_role(void);
extern Oid sched_jobs_owner_role(void);

#endif
