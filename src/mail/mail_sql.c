/*
 * mail_sql.c - the pure files of this room as SQL functions.
 *
 * Runs in backends and in the worker. What the pure files return is malloc'ed: it is copied into
 * palloc'ed values and freed in PG_FINALLY, because everything that makes a Datum may throw.
 *
 * JSON is written as text and read by the server's own parser: slower than building jsonb by hand,
 * but it cannot get the format wrong, and a mail costs some ten microseconds of it.
 *
 * The functions never raise because of what stands in their argument. They raise when memory runs
 * out and when the library does not fit the installed SQL.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "core/settings.h"
#include "mail/invitation.h"
#include "mail/mime.h"

PG_FUNCTION_INFO_V1(sched_sql_parse_mail);
PG_FUNCTION_INFO_V1(sched_sql_extraction_text);
PG_FUNCTION_INFO_V1(sched_sql_read_invitation);

/* Attributes of the type parsed_mail, in order. */
enum
{
	MAIL_SUBJECT,
	MAIL_SENDER,
	MAIL_SENDER_EMAIL,
	MAIL_RECIPIENTS,
	MAIL_SENT_AT,
	MAIL_ARRIVED_AT,
	MAIL_MESSAGE_ID,
	MAIL_IN_REPLY_TO,
	MAIL_REFERENCES,
	MAIL_HEADERS,
	MAIL_BODY_TEXT,
	MAIL_BODY_NEW,
	MAIL_QUOTED,
	MAIL_SIGNATURE,
	MAIL_FORWARDED,
	MAIL_ATTACHMENTS,
	MAIL_CALENDARS,
	MAIL_PROBLEMS,
	MAIL_ATTRIBUTES
};

/* Attributes of a row of read_invitation(), in order. */
enum
{
	EVENT_METHOD,
	EVENT_UID,
	EVENT_SUMMARY,
	EVENT_LOCATION,
	EVENT_DESCRIPTION,
	EVENT_ORGANIZER,
	EVENT_STATUS,
	EVENT_RRULE,
	EVENT_TRANSPARENT,
	EVENT_ALL_DAY,
	EVENT_STARTS,
	EVENT_STARTS_ZONE,
	EVENT_ENDS,
	EVENT_ENDS_ZONE,
	EVENT_SECONDS,
	EVENT_ATTRIBUTES
};

/*
 * JSON text as jsonb. The text is built by escape_json() only, so it is always valid; strings
 * hold no NUL, the one character that jsonb refuses.
 */
static Datum
make_jsonb(const StringInfo json)
{
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json->data));
}

/* "key":"value" inside an object, with the comma where one is needed. */
static void
add_json_string(StringInfo json, const char *key, const char *value)
{
	if (json->data[json->len - 1] != '{')
		appendStringInfoChar(json, ',');
	escape_json(json, key);
	appendStringInfoChar(json, ':');
	escape_json(json, value);
}

/*
 * [{"kind": "to", "name": ..., "address": ...}], in the order of the mail.
 */
static Datum
make_recipients(const SchedMail *mail)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	for (int i = 0; i < mail->n_recipients; i++)
	{
		appendStringInfoString(&json, i > 0 ? ",{" : "{");
		add_json_string(&json, "kind", mail->recipients[i].kind);
		add_json_string(&json, "name", mail->recipients[i].name);
		add_json_string(&json, "address", mail->recipients[i].address);
		appendStringInfoChar(&json, '}');
	}
	appendStringInfoChar(&json, ']');
	return make_jsonb(&json);
}

/*
 * The first header of a name writes all of that name: a string, or an array where it is repeated.
 * The later ones write nothing, so that no key occurs twice, of which jsonb would keep the last
 * only.
 */
static void
add_header(StringInfo json, const SchedMail *mail, int at)
{
	const char *name = mail->headers[at].name;
	int repeats = 0;

	for (int i = 0; i < mail->n_headers; i++)
	{
		if (strcmp(mail->headers[i].name, name) != 0)
			continue;
		if (i < at)
			return;
		repeats++;
	}
	if (json->data[json->len - 1] != '{')
		appendStringInfoChar(json, ',');
	escape_json(json, name);
	appendStringInfoString(json, repeats > 1 ? ":[" : ":");
	for (int i = at, done = 0; i < mail->n_headers; i++)
	{
		if (strcmp(mail->headers[i].name, name) != 0)
			continue;
		if (done++ > 0)
			appendStringInfoChar(json, ',');
		escape_json(json, mail->headers[i].value);
	}
	if (repeats > 1)
		appendStringInfoChar(json, ']');
}

/*
 * {"subject": "...", "received": ["...", "..."]}: names in lower case, as in http_response.
 * Quadratic in the number of headers, which parts.h bounds to 500.
 */
static Datum
make_headers(const SchedMail *mail)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int i = 0; i < mail->n_headers; i++)
		add_header(&json, mail, i);
	appendStringInfoChar(&json, '}');
	return make_jsonb(&json);
}

/*
 * [{"name": ..., "type": ..., "size": bytes when decoded}]; the content stays in the raw mail.
 */
static Datum
make_attachments(const SchedMail *mail)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	for (int i = 0; i < mail->n_attachments; i++)
	{
		appendStringInfoString(&json, i > 0 ? ",{" : "{");
		add_json_string(&json, "name", mail->attachments[i].name);
		add_json_string(&json, "type", mail->attachments[i].type);
		appendStringInfo(&json, ",\"size\":%zu}", mail->attachments[i].size);
	}
	appendStringInfoChar(&json, ']');
	return make_jsonb(&json);
}

/* [{"code": ..., "detail": ...}], in the order of being found. */
static Datum
make_problems(const SchedMail *mail)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	for (int i = 0; i < mail->n_problems; i++)
	{
		appendStringInfoString(&json, i > 0 ? ",{" : "{");
		add_json_string(&json, "code", mail->problems[i].code);
		add_json_string(&json, "detail", mail->problems[i].detail);
		appendStringInfoChar(&json, '}');
	}
	appendStringInfoChar(&json, ']');
	return make_jsonb(&json);
}

/*
 * text[] of C strings, in the server's encoding, which is UTF-8 (CREATE EXTENSION sees to that).
 */
static Datum
make_text_array(char *const *strings, int n)
{
	Datum *texts = palloc(sizeof(Datum) * (Size) Max(n, 1));

	for (int i = 0; i < n; i++)
		texts[i] = CStringGetTextDatum(strings[i]);
	return PointerGetDatum(construct_array(texts, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Seconds since 1970 as a timestamptz; years 1980 to 9999 always fit. */
static Datum
epoch_to_timestamp(int64 seconds)
{
	return TimestampTzGetDatum(
		(seconds - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY) * USECS_PER_SEC);
}

/*
 * Copies everything into palloc'ed values. May throw for lack of memory: the caller frees the
 * mail in PG_FINALLY.
 */
static void
fill_mail(const SchedMail *mail, Datum *values, bool *nulls)
{
	values[MAIL_SUBJECT] = CStringGetTextDatum(mail->subject);
	values[MAIL_SENDER] = CStringGetTextDatum(mail->sender);
	values[MAIL_SENDER_EMAIL] = CStringGetTextDatum(mail->sender_email);
	values[MAIL_RECIPIENTS] = make_recipients(mail);
	nulls[MAIL_SENT_AT] = !mail->has_date;
	values[MAIL_SENT_AT] = mail->has_date ? epoch_to_timestamp(mail->date) : (Datum) 0;
	nulls[MAIL_ARRIVED_AT] = !mail->has_received;
	values[MAIL_ARRIVED_AT] = mail->has_received ? epoch_to_timestamp(mail->received) : (Datum) 0;
	values[MAIL_MESSAGE_ID] = CStringGetTextDatum(mail->message_id);
	values[MAIL_IN_REPLY_TO] = CStringGetTextDatum(mail->in_reply_to);
	values[MAIL_REFERENCES] = make_text_array(mail->references, mail->n_references);
	values[MAIL_HEADERS] = make_headers(mail);
	values[MAIL_BODY_TEXT] = CStringGetTextDatum(mail->body_text);
	values[MAIL_BODY_NEW] = CStringGetTextDatum(mail->body_new);
	values[MAIL_QUOTED] = CStringGetTextDatum(mail->quoted);
	values[MAIL_SIGNATURE] = CStringGetTextDatum(mail->signature);
	values[MAIL_FORWARDED] = BoolGetDatum(mail->forwarded);
	values[MAIL_ATTACHMENTS] = make_attachments(mail);
	values[MAIL_CALENDARS] = make_text_array(mail->calendars, mail->n_calendars);
	values[MAIL_PROBLEMS] = make_problems(mail);
}

/*
 * parse_mail(raw bytea, full_length bigint) -> parsed_mail; full_length is given where raw is only
 * a mail's head.
 */
Datum
sched_sql_parse_mail(PG_FUNCTION_ARGS)
{
	SchedMailInput input = {.max_bytes = (size_t) sched_max_mail_bytes};
	bytea *raw;
	TupleDesc description;
	Datum values[MAIL_ATTRIBUTES];
	bool nulls[MAIL_ATTRIBUTES] = {false};
	SchedMail *mail;

	/* Not STRICT: the second argument is mostly NULL. */
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	raw = PG_GETARG_BYTEA_PP(0);
	input.raw = VARDATA_ANY(raw);
	input.length = VARSIZE_ANY_EXHDR(raw);
	if (!PG_ARGISNULL(1) && PG_GETARG_INT64(1) > 0)
		input.full_length = (size_t) PG_GETARG_INT64(1);
	if (get_call_result_type(fcinfo, NULL, &description) != TYPEFUNC_COMPOSITE ||
		description->natts != MAIL_ATTRIBUTES)
		elog(ERROR, "parsed_mail has another shape than the library");
	description = BlessTupleDesc(description);
	sched_mail_start();
	mail = sched_mail_parse(&input);
	if (mail == NULL)
		elog(ERROR, "out of memory");
	PG_TRY();
	{
		fill_mail(mail, values, nulls);
	}
	PG_FINALLY();
	{
		sched_mail_free(mail);
	}
	PG_END_TRY();
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(description, values, nulls)));
}

/*
 * extraction_text(raw bytea) -> text: what the mail says anew, then what it quotes, marked as quoted
 * by the rules that set it apart. The signature says nothing about what is to be done.
 */
Datum
sched_sql_extraction_text(PG_FUNCTION_ARGS)
{
	bytea *raw = PG_GETARG_BYTEA_PP(0);
	SchedMailInput input = {.raw = VARDATA_ANY(raw),
							.length = VARSIZE_ANY_EXHDR(raw),
							.max_bytes = (size_t) sched_max_mail_bytes};
	SchedMail *mail;
	StringInfoData words;

	sched_mail_start();
	mail = sched_mail_parse(&input);
	if (mail == NULL)
		elog(ERROR, "out of memory");
	PG_TRY();
	{
		initStringInfo(&words);
		appendStringInfoString(&words, mail->body_new);
		if (words.len > 0 && mail->quoted[0] != '\0')
			appendStringInfoString(&words, "\n\n");
		appendStringInfoString(&words, mail->quoted);
	}
	PG_FINALLY();
	{
		sched_mail_free(mail);
	}
	PG_END_TRY();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(words.data, words.len));
}

/*
 * Wall clock and zone of one end of an event; both NULL where the text had no such time.
 * The pure reader has checked the date, so timestamp_in cannot fail on it.
 */
static void
fill_time(const SchedInvitationTime *time, int wall, int zone, Datum *values, bool *nulls)
{
	nulls[wall] = time->wall[0] == '\0';
	if (!nulls[wall])
		values[wall] = DirectFunctionCall3(timestamp_in, CStringGetDatum(time->wall),
										   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	nulls[zone] = time->zone[0] == '\0';
	if (!nulls[zone])
		values[zone] = CStringGetTextDatum(time->zone);
}

/* One row of read_invitation(). */
static void
put_event(ReturnSetInfo *result, const SchedInvitation *invitation,
		  const SchedInvitationEvent *event)
{
	Datum values[EVENT_ATTRIBUTES] = {0};
	bool nulls[EVENT_ATTRIBUTES] = {false};

	values[EVENT_METHOD] = CStringGetTextDatum(invitation->method);
	values[EVENT_UID] = CStringGetTextDatum(event->uid);
	values[EVENT_SUMMARY] = CStringGetTextDatum(event->summary);
	values[EVENT_LOCATION] = CStringGetTextDatum(event->location);
	values[EVENT_DESCRIPTION] = CStringGetTextDatum(event->description);
	values[EVENT_ORGANIZER] = CStringGetTextDatum(event->organizer);
	values[EVENT_STATUS] = CStringGetTextDatum(event->status);
	values[EVENT_RRULE] = CStringGetTextDatum(event->rrule);
	values[EVENT_TRANSPARENT] = BoolGetDatum(event->transparent);
	values[EVENT_ALL_DAY] = BoolGetDatum(event->starts.is_date);
	fill_time(&event->starts, EVENT_STARTS, EVENT_STARTS_ZONE, values, nulls);
	fill_time(&event->ends, EVENT_ENDS, EVENT_ENDS_ZONE, values, nulls);
	values[EVENT_SECONDS] = Int32GetDatum((int32) event->duration_seconds);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* read_invitation(calendar text) -> setof (method, uid, ...); times as wall clock and zone. */
Datum
sched_sql_read_invitation(PG_FUNCTION_ARGS)
{
	text *calendar = PG_GETARG_TEXT_PP(0);
	SchedInvitation *invitation;

	InitMaterializedSRF(fcinfo, 0);
	invitation =
		sched_mail_read_invitation(VARDATA_ANY(calendar), (size_t) VARSIZE_ANY_EXHDR(calendar));
	if (invitation == NULL)
		elog(ERROR, "out of memory");
	PG_TRY();
	{
		for (int i = 0; i < invitation->count; i++)
			put_event((ReturnSetInfo *) fcinfo->resultinfo, invitation, &invitation->events[i]);
	}
	PG_FINALLY();
	{
		sched_mail_free_invitation(invitation);
	}
	PG_END_TRY();
	return (Datum) 0;
}
