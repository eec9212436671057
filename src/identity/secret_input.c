/*
 * secret_input.c - the trigger behind \copy scheduler.secret_input.
 *
 * Runs in backends. While COPY runs a trigger, everything that is logged, down to debug messages, is given the line of the
 * input as its context: with the value. So that context is taken away for as long as ours runs, and what can be
 * refused is refused without an error. Only what ends the command itself (a cancel, lack of memory) still throws.
 * The value is wiped in the row that COPY has made; COPY's own line and the client's protocol buffers are the
 * server's and are used again for the next line.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "identity/seal.h"

PG_FUNCTION_INFO_V1(sched_sql_take_secret_input);

/* Columns of the view. */
enum
{
	INPUT_NAME = 1,
	INPUT_HOSTS,
	INPUT_VALUE
};

/* accept_secret(name, hosts, value): why the line was refused, in `context`, or NULL. */
static char *
accept_line(TriggerData *trigger, MemoryContext context)
{
	static SPIPlanPtr plan = NULL;
	Oid types[] = {TEXTOID, TEXTOID, TEXTOID};
	Datum values[3];
	char nulls[3];
	bool is_null;
	Datum answer;
	char *problem = NULL;

	for (int i = 0; i < 3; i++)
	{
		values[i] = heap_getattr(trigger->tg_trigtuple, i + 1,
								 RelationGetDescr(trigger->tg_relation), &is_null);
		nulls[i] = is_null ? 'n' : ' ';
	}
	SPI_connect();
	if (plan == NULL)
	{
		plan = SPI_prepare("SELECT scheduler.accept_secret($1, $2, $3)", 3, types);
		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare the call of accept_secret()");
	}
	if (SPI_execute_plan(plan, values, nulls, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "accept_secret() gave no answer");
	answer = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null);
	if (!is_null)
		problem = MemoryContextStrdup(context, TextDatumGetCString(answer));
	SPI_finish();
	return problem;
}

/* Zeroes the value inside the row. */
static void
wipe_value(TriggerData *trigger)
{
	bool is_null;
	Datum value = heap_getattr(trigger->tg_trigtuple, INPUT_VALUE,
							   RelationGetDescr(trigger->tg_relation), &is_null);

	if (!is_null && !VARATT_IS_EXTERNAL(DatumGetPointer(value)))
		sched_identity_wipe(VARDATA_ANY(DatumGetPointer(value)),
							VARSIZE_ANY_EXHDR(DatumGetPointer(value)));
}

/* The row without its value, which RETURNING may show. */
static HeapTuple
empty_row(TriggerData *trigger)
{
	int column = INPUT_VALUE;
	Datum value = (Datum) 0;
	bool is_null = true;

	return heap_modify_tuple_by_cols(trigger->tg_trigtuple, RelationGetDescr(trigger->tg_relation),
									 1, &column, &value, &is_null);
}

/* take_secret_input() -> trigger. A refused line does not count as copied; its sender is warned. */
Datum
sched_sql_take_secret_input(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	ErrorContextCallback *outer = error_context_stack;
	MemoryContext context = CurrentMemoryContext;
	char *volatile problem = NULL;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_INSTEAD(trigger->tg_event) ||
		!TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		elog(ERROR, "take_secret_input() is the trigger of secret_input");
	error_context_stack = NULL;
	PG_TRY();
	{
		problem = accept_line(trigger, context);
		if (problem != NULL)
			ereport(WARNING,
					(errmsg("a line of secret_input was refused"), errdetail("%s.", problem),
					 errhidestmt(true),
					 errhint("SELECT * FROM scheduler.secret_input shows what was refused.")));
	}
	PG_FINALLY();
	{
		error_context_stack = outer;
		wipe_value(trigger);
	}
	PG_END_TRY();
	return PointerGetDatum(problem == NULL ? empty_row(trigger) : NULL);
}
