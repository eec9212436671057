/*
 * mime_fuzz.c - a mail: headers, parts, encodings, text, quotes, attachments. The first byte sets the
 * limit of bytes.
 */
#include "fuzz.h"
#include "mail/mime.h"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	sched_mail_start();
	return 0;
}

static void
check_mail(const SchedMail *mail)
{
	const char *const texts[] = {mail->subject,     mail->sender,    mail->sender_email,
								 mail->message_id,  mail->body_text, mail->body_new,
								 mail->in_reply_to, mail->quoted,    mail->signature};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		CHECK(texts[i] != NULL);
		check_text(texts[i]);
	}
	for (int i = 0; i < mail->n_recipients; i++)
	{
		check_text(mail->recipients[i].name);
		check_text(mail->recipients[i].address);
	}
	for (int i = 0; i < mail->n_references; i++)
		check_text(mail->references[i]);
	for (int i = 0; i < mail->n_headers; i++)
	{
		check_text(mail->headers[i].name);
		check_text(mail->headers[i].value);
	}
	for (int i = 0; i < mail->n_attachments; i++)
	{
		check_text(mail->attachments[i].name);
		check_text(mail->attachments[i].type);
	}
	for (int i = 0; i < mail->n_calendars; i++)
		check_text(mail->calendars[i]);
	for (int i = 0; i < mail->n_problems; i++)
	{
		CHECK(mail->problems[i].code != NULL);
		check_text(mail->problems[i].detail);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SchedMailInput input = {.max_bytes = 64 * 1024 * 1024};
	SchedMail *mail;
	char *raw;

	if (size == 0)
		return 0;
	/* '!' and '"' stand for a mail over its limit, and one of which only the head was read. */
	if (data[0] == '!')
		input.max_bytes = size / 2;
	else if (data[0] == '"')
		input.full_length = size * 2;
	raw = copy_bytes(data, size);
	input.raw = raw;
	input.length = size;
	mail = sched_mail_parse(&input);
	CHECK(mail != NULL);
	check_mail(mail);
	sched_mail_free(mail);
	free(raw);
	return 0;
}
