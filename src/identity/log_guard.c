/*
 * log_guard.c - keeps bound parameters of statements that hand over a secret out of the server's log.
 *
 * Runs in every process that writes to the log, where the library is preloaded. log_statement and
 * log_min_duration_statement write the values of parameters beside the statement; for one that names a function that
 * takes a secret the values are cut off, in place. Allocates nothing and cannot throw.
 */
#include "postgres.h"

#include <strings.h>

#include "tcop/tcopprot.h"
#include "utils/elog.h"

#include "identity/log_guard.h"
#include "identity/seal.h"

static emit_log_hook_type previous_hook = NULL;

/* Cuts the text after these words, if it holds them. */
static void
cut_after(char *text, const char *words)
{
	char *found = text != NULL ? strstr(text, words) : NULL;

	if (found == NULL)
		return;
	found += strlen(words);
	sched_identity_wipe(found, strlen(found));
}

static void
hide_parameters(ErrorData *error)
{
	if (debug_query_string != NULL && (strcasestr(debug_query_string, "set_secret") != NULL ||
									   strcasestr(debug_query_string, "create_user") != NULL))
	{
		/*
		 * Of the details of a logged statement and of the context of a failing portal. How the list of parameters
		 * begins, not the words before it: these differ from version to version and from language to language.
		 */
		cut_after(error->detail, "$1 = ");
		cut_after(error->detail_log, "$1 = ");
		cut_after(error->context, "$1 = ");
	}
	if (previous_hook != NULL)
		previous_hook(error);
}

void
sched_identity_install_log_guard(void)
{
	previous_hook = emit_log_hook;
	emit_log_hook = hide_parameters;
}
