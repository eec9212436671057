/*
 * log_guard.c - keeps what statements hand over as secrets out of the server's log.
 *
 * Runs in every process that writes to the log, where the library is preloaded, for each line, also of the CSV and
 * JSON logs, and before the same message goes to the client. A statement that names a function or view that takes
 * a secret (mask.c) loses its literals in every field, its bound parameters, its context (COPY puts the input line
 * there) and, where there was a literal, the line STATEMENT. Allocates nothing and cannot throw.
 */
#include "postgres.h"

#include <ctype.h>
#include <strings.h>

#include "commands/prepare.h"
#include "tcop/tcopprot.h"
#include "utils/elog.h"
#include "utils/plancache.h"

#include "identity/log_guard.h"
#include "identity/mask.h"
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

/* EXECUTE tells only the name of the statement that it fills in. */
static bool
executes_secret(const char *statement)
{
	char name[NAMEDATALEN];
	size_t length = 0;
	bool quoted;
	PreparedStatement *prepared;

	while (isspace((unsigned char) *statement))
		statement++;
	if (strncasecmp(statement, "execute", 7) != 0)
		return false;
	statement += 7;
	while (isspace((unsigned char) *statement))
		statement++;
	quoted = *statement == '"';
	if (quoted)
		statement++;
	while (*statement != '\0' && length < sizeof(name) - 1 &&
		   (quoted
				? *statement != '"'
				: *statement != '(' && *statement != ';' && !isspace((unsigned char) *statement)))
	{
		name[length++] = quoted ? *statement : pg_tolower((unsigned char) *statement);
		statement++;
	}
	name[length] = '\0';
	prepared = FetchPreparedStatement(name, false);
	return prepared != NULL && sched_identity_names_secret(prepared->plansource->query_string);
}

/* A field of a line about a statement with a secret. */
static void
blank_field(char *field, const char *statement)
{
	if (field == NULL)
		return;
	if (sched_identity_names_secret(field))
		sched_identity_mask_literals(field);
	else if (statement != NULL)
		sched_identity_mask_quoted(field, statement);
}

/* The fields that may hold a statement, or pieces of one. */
#define TEXTS_OF(error)                                                        \
	{                                                                          \
		(error)->message, (error)->detail, (error)->detail_log, (error)->hint, \
			(error)->internalquery, (error)->context                           \
	}

static bool
is_about_secret(const ErrorData *error)
{
	const char *texts[] = TEXTS_OF(error);

	for (size_t i = 0; i < lengthof(texts); i++)
	{
		if (texts[i] != NULL && sched_identity_names_secret(texts[i]))
			return true;
	}
	return false;
}

static void
blank_line(ErrorData *error, const char *statement)
{
	char *texts[] = TEXTS_OF(error);

	/*
	 * Of the details of a logged statement and of the context of a failing portal. How the list of parameters
	 * begins, not the words before it: these differ from version to version and from language to language.
	 */
	cut_after(error->detail, "$1 = ");
	cut_after(error->detail_log, "$1 = ");
	cut_after(error->context, "$1 = ");
	/* debug_print_parse and its like: trees, with the bytes of constants as numbers. */
	if (error->detail != NULL && strstr(error->detail, "{QUERY") != NULL)
		cut_after(error->detail, "{QUERY");
	if (error->detail != NULL && strstr(error->detail, "{PLANNEDSTMT") != NULL)
		cut_after(error->detail, "{PLANNEDSTMT");
	for (size_t i = 0; i < lengthof(texts); i++)
		blank_field(texts[i], statement);
}

static void
guard_line(ErrorData *error)
{
	const char *statement = debug_query_string;
	bool secret =
		statement != NULL && (sched_identity_names_secret(statement) || executes_secret(statement));

	if (secret || is_about_secret(error))
	{
		blank_line(error, statement);
		/* What is not ours to understand, like the line that COPY was reading. */
		if (secret)
			error->context = NULL;
		if (secret && sched_identity_has_literals(statement))
			error->hide_stmt = true;
	}
	if (previous_hook != NULL)
		previous_hook(error);
}

void
sched_identity_install_log_guard(void)
{
	previous_hook = emit_log_hook;
	emit_log_hook = guard_line;
}
