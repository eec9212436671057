/*
 * head.c - the header of a mail: who, to whom, when, which thread.
 *
 * Pure; runs wherever a mail is parsed. GMime decodes, its objects live only inside the functions
 * here; results are malloc'ed and owned by the SchedMail. Nothing throws. What is missing or broken
 * becomes a problem and an empty value, because a mail without a sender or date is still a mail.
 */
#include <stdlib.h>
#include <string.h>

#include <gmime/gmime.h>

#include "mime.h"
#include "mime_internal.h"
#include "parts.h"

#define MAX_VALUE_BYTES 32768 /* of one header */
#define MAX_SUBJECT_BYTES 2000
#define MAX_RECIPIENTS 500
#define MAX_REFERENCES 100

static GMimeParserOptions *parse_options;

/*
 * GMime's tables and our way to read headers. Not thread safe and needs not be: a backend and
 * the worker have one thread that parses.
 */
void
sched_mail_start(void)
{
	/* 8-bit text in headers that is not UTF-8 is most likely this */
	static const char *fallbacks[] = {"utf-8", "windows-1252", NULL};

	if (parse_options)
		return;
	g_mime_init();
	parse_options = g_mime_parser_options_new();
	g_mime_parser_options_set_fallback_charsets(parse_options, fallbacks);
}

/*
 * A header's value with its encoded words decoded; "" where the header is missing. A NUL would end
 * the string for GMime, so sched_mail_field_line() has made a space of it and here it is noted.
 */
char *
sched_mail_decode_value(SchedMail *mail, const SchedMailField *field, size_t limit)
{
	char *line = field ? sched_mail_field_line(field, MAX_VALUE_BYTES) : NULL;
	char *decoded;
	char *value;

	if (line == NULL)
		return sched_mail_clean_string(mail, "", 0);
	if (memchr(field->value, '\0', field->value_length))
		sched_mail_add_problem(mail, "nul_bytes", "headers");
	decoded = g_mime_utils_header_decode_text(parse_options, line);
	value = sched_mail_clean_string(mail, decoded, limit);
	g_free(decoded);
	free(line);
	return value;
}

/* Every header, decoded, in the order of the mail; for rules and for people who wonder. */
static void
read_headers(SchedMail *mail, const SchedMailFields *fields)
{
	mail->headers = calloc((size_t) fields->count + 1, sizeof(SchedMailHeaderPair));
	if (mail->headers == NULL)
	{
		mail->failed = true;
		return;
	}
	for (int i = 0; i < fields->count && !mail->failed; i++)
	{
		SchedMailHeaderPair *header = &mail->headers[mail->n_headers++];
		char name[256];
		size_t n = fields->fields[i].name_length;

		memcpy(name, fields->fields[i].name, n);
		name[n] = '\0';
		header->name = sched_mail_clean_string(mail, name, 255);
		for (char *p = header->name; p && *p; p++)
			*p = g_ascii_tolower(*p);
		header->value = sched_mail_decode_value(mail, &fields->fields[i], MAX_VALUE_BYTES);
	}
}

/*
 * The addresses of a header; g_object_unref() by the caller, NULL if none. GMime's parser is
 * lenient and bounded by the length of the line, which is at most MAX_VALUE_BYTES.
 */
static InternetAddressList *
read_addresses(const SchedMailFields *fields, const char *name)
{
	const SchedMailField *field = sched_mail_find_field(fields, name);
	char *line = field ? sched_mail_field_line(field, MAX_VALUE_BYTES) : NULL;
	InternetAddressList *list = NULL;

	if (line && *line)
		list = internet_address_list_parse(parse_options, line);
	free(line);
	return list;
}

/*
 * From, or what comes nearest to it. A mail without any address still gets in: senders of
 * machines and of broken programs write such.
 */
static void
read_sender(SchedMail *mail, const SchedMailFields *fields)
{
	static const char *const names[] = {"from", "sender", "return-path", "reply-to", NULL};

	for (int i = 0; names[i]; i++)
	{
		InternetAddressList *list = read_addresses(fields, names[i]);
		int n = list ? internet_address_list_length(list) : 0;

		for (int k = 0; k < n && mail->sender_email == NULL; k++)
		{
			InternetAddress *address = internet_address_list_get_address(list, k);

			if (!INTERNET_ADDRESS_IS_MAILBOX(address))
				continue;
			mail->sender = sched_mail_clean_string(mail, internet_address_get_name(address), 500);
			mail->sender_email =
				sched_mail_clean_string(mail, INTERNET_ADDRESS_MAILBOX(address)->addr, 500);
		}
		if (list)
			g_object_unref(list);
		if (mail->sender_email)
			return;
	}
	/* no address that a parser accepts: at least show what stood there */
	mail->sender = sched_mail_decode_value(mail, sched_mail_find_field(fields, "from"), 500);
	mail->sender_email = sched_mail_clean_string(mail, "", 0);
	sched_mail_add_problem(mail, "no_sender", "no usable From");
}

/*
 * A mailbox, or the mailboxes of a group; a group inside a group does not exist (RFC 5322 section
 * 3.4).
 */
static void
add_recipients(SchedMail *mail, const char *kind, InternetAddress *address, bool inside)
{
	SchedMailAddress *recipient;

	if (INTERNET_ADDRESS_IS_GROUP(address) && !inside)
	{
		InternetAddressList *members = INTERNET_ADDRESS_GROUP(address)->members;
		int n = internet_address_list_length(members);

		for (int i = 0; i < n; i++)
			add_recipients(mail, kind, internet_address_list_get_address(members, i), true);
		return;
	}
	if (!INTERNET_ADDRESS_IS_MAILBOX(address))
		return;
	if (mail->n_recipients >= MAX_RECIPIENTS)
	{
		sched_mail_add_problem(mail, "too_many_recipients", "the first 500 are listed");
		return;
	}
	recipient = &mail->recipients[mail->n_recipients++];
	recipient->kind = kind;
	recipient->name = sched_mail_clean_string(mail, internet_address_get_name(address), 500);
	recipient->address =
		sched_mail_clean_string(mail, INTERNET_ADDRESS_MAILBOX(address)->addr, 500);
}

/* To, Cc and Bcc as one list. */
static void
read_recipients(SchedMail *mail, const SchedMailFields *fields)
{
	static const char *const kinds[] = {"to", "cc", "bcc", NULL};

	mail->recipients = calloc(MAX_RECIPIENTS, sizeof(SchedMailAddress));
	if (mail->recipients == NULL)
	{
		mail->failed = true;
		return;
	}
	for (int i = 0; kinds[i]; i++)
	{
		InternetAddressList *list = read_addresses(fields, kinds[i]);
		int n = list ? internet_address_list_length(list) : 0;

		for (int k = 0; k < n; k++)
			add_recipients(mail, kinds[i], internet_address_list_get_address(list, k), false);
		if (list)
			g_object_unref(list);
	}
}

/*
 * An RFC 5322 date between 1980 and 9999; else false. Older dates are those of machines whose clock
 * was never set, and would make every deadline of the mail absurd.
 */
static bool
parse_date(const char *text, int64_t *seconds)
{
	GDateTime *date = g_mime_utils_header_decode_date(text);
	bool plausible;

	if (date == NULL)
		return false;
	*seconds = g_date_time_to_unix(date);
	plausible = g_date_time_get_year(date) >= 1980;
	g_date_time_unref(date);
	return plausible;
}

/*
 * Date as the sender wrote it and the topmost Received, which our own server wrote. Which of
 * them counts is decided where the clock is known, not here.
 */
static void
read_dates(SchedMail *mail, const SchedMailFields *fields)
{
	const SchedMailField *field = sched_mail_find_field(fields, "date");
	char *line = field ? sched_mail_field_line(field, 200) : NULL;

	if (line == NULL || *line == '\0')
		sched_mail_add_problem(mail, "no_date", "no Date header");
	else if (parse_date(line, &mail->date))
		mail->has_date = true;
	else
	{
		char *shown = sched_mail_clean_string(mail, line, 100);

		sched_mail_add_problem(mail, "bad_date", shown ? shown : "");
		free(shown);
	}
	free(line);
	field = sched_mail_find_field(fields, "received");
	line = field ? sched_mail_field_line(field, MAX_VALUE_BYTES) : NULL;
	if (line && strrchr(line, ';'))
		mail->has_received = parse_date(strrchr(line, ';') + 1, &mail->received);
	free(line);
}

/*
 * The first <id> of a header, without its brackets; "" where there is none. It is compared as it
 * stands: folding case would join mails that are different ones.
 */
static char *
read_message_id(SchedMail *mail, const SchedMailFields *fields, const char *name)
{
	const SchedMailField *field = sched_mail_find_field(fields, name);
	char *line = field ? sched_mail_field_line(field, 2000) : NULL;
	char *id = line ? g_mime_utils_decode_message_id(line) : NULL;
	char *result = sched_mail_clean_string(mail, id, 998);

	g_free(id);
	free(line);
	return result;
}

/* The thread: kept for grouping replies, newest last. */
static void
read_references(SchedMail *mail, const SchedMailFields *fields)
{
	const SchedMailField *field = sched_mail_find_field(fields, "references");
	char *line = field ? sched_mail_field_line(field, MAX_VALUE_BYTES) : NULL;
	GMimeReferences *list = line ? g_mime_references_parse(parse_options, line) : NULL;
	int n = list ? g_mime_references_length(list) : 0;

	/* the newest stand last */
	int first = n > MAX_REFERENCES ? n - MAX_REFERENCES : 0;

	mail->references = calloc((size_t) (n - first) + 1, sizeof(char *));
	if (mail->references == NULL)
		mail->failed = true;
	for (int i = first; i < n && mail->references; i++)
		mail->references[mail->n_references++] =
			sched_mail_clean_string(mail, g_mime_references_get_message_id(list, i), 998);
	if (list)
		g_mime_references_free(list);
	free(line);
}

/* All of the header at once; build_mail() goes on with the body. */
void
sched_mail_read_head(SchedMail *mail, const SchedMailFields *fields)
{
	read_headers(mail, fields);
	mail->subject =
		sched_mail_decode_value(mail, sched_mail_find_field(fields, "subject"), MAX_SUBJECT_BYTES);
	read_sender(mail, fields);
	read_recipients(mail, fields);
	read_dates(mail, fields);
	mail->message_id = read_message_id(mail, fields, "message-id");
	mail->in_reply_to = read_message_id(mail, fields, "in-reply-to");
	read_references(mail, fields);
}
