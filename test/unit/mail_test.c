/*
 * mail_test.c - mails as they come: charsets, encodings, parts, quotes, and what is broken.
 */
#include <stdlib.h>
#include <string.h>

#include "mail/buffer.h"
#include "mail/charset.h"
#include "mail/html.h"
#include "mail/mime.h"
#include "tap.h"

#define LIMIT (64 * 1024 * 1024)

static SchedMail *
parse_bytes(const char *raw, size_t length)
{
	SchedMailInput input = {.raw = raw, .length = length, .max_bytes = LIMIT};
	SchedMail *mail = sched_mail_parse(&input);

	if (mail == NULL)
	{
		printf("Bail out! out of memory\n");
		exit(1);
	}
	return mail;
}

static SchedMail *
parse(const char *raw)
{
	return parse_bytes(raw, strlen(raw));
}

static bool
same(const char *is, const char *should)
{
	if (is && strcmp(is, should) == 0)
		return true;
	printf("# is     [%s]\n# should [%s]\n", is ? is : "(null)", should);
	return false;
}

static void
test_headers(void)
{
	SchedMail *mail = parse("Received: from a by b; Tue, 3 Mar 2026 10:00:05 +0100\r\n"
							"From: =?iso-8859-1?Q?Andr=E9_M=FCller?= <andre@example.org>\r\n"
							"To: \"Doe, Jane\" <jane@example.org>, team: a@example.org,\r\n"
							"\tb@example.org;\r\n"
							"Cc: c@example.org\r\n"
							"Date: Tue, 3 Mar 2026 09:59:00 +0100\r\n"
							"Subject: =?utf-8?B?R3LDvMOfZQ==?= =?utf-8?Q?_aus_K=C3=B6ln?=\r\n"
							"Message-ID: <x.1@example.org>\r\n"
							"In-Reply-To: <w@example.org>\r\n"
							"References: <u@example.org> <v@example.org> <w@example.org>\r\n"
							"\r\nHello\r\n");

	ok(same(mail->subject, "Grüße aus Köln"), "encoded words of the subject are joined");
	ok(same(mail->sender, "André Müller"), "sender's name");
	ok(same(mail->sender_email, "andre@example.org"), "sender's address");
	ok(mail->n_recipients == 4, "recipients, groups flattened: %d", mail->n_recipients);
	ok(mail->n_recipients == 4 && same(mail->recipients[0].name, "Doe, Jane") &&
		   same(mail->recipients[3].kind, "cc"),
	   "recipients have names and kinds");
	ok(mail->has_date && mail->date == 1772528340, "date");
	ok(mail->has_received && mail->received == 1772528405, "date of the topmost Received");
	ok(same(mail->message_id, "x.1@example.org"), "message-id");
	ok(same(mail->in_reply_to, "w@example.org"), "in-reply-to");
	ok(mail->n_references == 3 && same(mail->references[2], "w@example.org"), "references");
	ok(mail->n_headers == 9 && same(mail->headers[1].name, "from"), "all headers are listed");
	ok(same(mail->body_text, "Hello"), "body");
	ok(mail->n_problems == 0, "nothing to complain of");
	sched_mail_free(mail);
}

static void
test_charsets(void)
{
	static const struct
	{
		const char *type;
		const char *body;
		size_t length;
		const char *should;
		const char *problem;
	} cases[] = {
		{"text/plain; charset=iso-8859-15", "10 \xa4", 4, "10 €", NULL},
		{"text/plain; charset=windows-1251", "\xcf\xf0\xe8", 3, "При", NULL},
		{"text/plain; charset=koi8-r", "\xf0\xd2\xc9", 3, "При", NULL},
		{"text/plain; charset=shift_jis", "\x93\xfa\x96\x7b", 4, "日本", NULL},
		{"text/plain; charset=iso-2022-jp", "\x1b$BF|K\\\x1b(B", 10, "日本", NULL},
		{"text/plain; charset=utf-16le", "H\0i\0", 4, "Hi", NULL},
		{"text/plain; charset=\"utf-8\"", "\xc3\xa4\xff!", 4, "ä\xef\xbf\xbd!", "bad_bytes"},
		{"text/plain; charset=utf-8", "a\0b", 3,
		 "a\xef\xbf\xbd"
		 "b",
		 "nul_bytes"},
		{"text/plain; charset=klingon-1", "caf\xe9", 4, "café", "unknown_charset"},
		{"text/plain; charset=\"utf-16//../x\"", "caf\xe9", 4, "café", "unknown_charset"},
		{"text/plain", "caf\xc3\xa9", 5, "café", NULL},
		{"text/plain; charset=us-ascii", "caf\xe9", 4, "café", NULL},
		{"text/plain; charset=utf-8", "\xed\xa0\x80x\xf4\x90\x80\x80y", 9,
		 "\xef\xbf\xbdx\xef\xbf\xbdy", "bad_bytes"},
		{"text/html", "<meta charset=\"iso-8859-1\"><p>caf\xe9", 34, "café", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char raw[1024];
		int head = snprintf(raw, sizeof(raw),
							"From: a@example.org\nDate: Tue, 3 Mar 2026 09:59:00 +0100\n"
							"Content-Type: %s\n\n",
							cases[i].type);
		SchedMail *mail;

		memcpy(raw + head, cases[i].body, cases[i].length);
		mail = parse_bytes(raw, (size_t) head + cases[i].length);
		ok(same(mail->body_text, cases[i].should), "%s decoded", cases[i].type);
		if (cases[i].problem)
			ok(sched_mail_find_problem(mail, cases[i].problem) != NULL, "%s noted",
			   cases[i].problem);
		else
			ok(mail->n_problems == 0, "nothing to complain of in %s", cases[i].type);
		sched_mail_free(mail);
	}
}

static void
test_parts(void)
{
	SchedMail *mail =
		parse("From: a@example.org\nDate: Tue, 3 Mar 2026 09:59:00 +0100\nMIME-Version: 1.0\n"
			  "Content-Type: multipart/mixed; boundary=out\n\npreamble\n"
			  "--out\nContent-Type: multipart/alternative; boundary=\"out in\"\n\n"
			  "--out in\nContent-Type: text/plain; charset=utf-8\n"
			  "Content-Transfer-Encoding: quoted-printable\n\nPay =E2=82=AC 5=\n now\n"
			  "--out in\nContent-Type: text/html\n\n<p>Pay EUR 5 now</p>\n"
			  "--out in\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n"
			  "--out in--\n"
			  "--out\nContent-Type: application/pdf; name*=utf-8''rechnung%20m%C3%A4rz.pdf\n"
			  "Content-Disposition: attachment\nContent-Transfer-Encoding: base64\n\n"
			  "AAECAwQF\nBgc=\n"
			  "--out\nContent-Type: message/rfc822\n\nFrom: b@example.org\nSubject: old\n\n"
			  "Inner text\n"
			  "--out--\nepilogue\n");

	ok(same(mail->body_new, "Pay € 5 now"), "plain text of the alternative, decoded");
	ok(mail->n_calendars == 1 && same(mail->calendars[0], "BEGIN:VCALENDAR"), "calendar kept");
	ok(mail->n_attachments == 3, "attachments listed: %d", mail->n_attachments);
	ok(mail->n_attachments == 3 && same(mail->attachments[1].name, "rechnung märz.pdf") &&
		   mail->attachments[1].size == 8,
	   "RFC 2231 name and decoded size");
	ok(strstr(mail->quoted, "Subject: old") && strstr(mail->quoted, "Inner text"),
	   "an attached mail is quoted text");
	ok(mail->forwarded, "and forwarded");
	ok(mail->n_problems == 0, "nothing to complain of");
	sched_mail_free(mail);

	mail = parse("From: a@example.org\nDate: Tue, 3 Mar 2026 09:59:00 +0100\n"
				 "Content-Type: multipart/alternative; boundary=b\n\n"
				 "--b\nContent-Type: text/plain\n\n \n--b\nContent-Type: text/html\n\n"
				 "<b>Only</b> here\n--b--\n");
	ok(same(mail->body_text, "Only here"), "HTML where the plain text is empty");
	sched_mail_free(mail);

	mail = parse("From: a@example.org\nDate: Tue, 3 Mar 2026 09:59:00 +0100\n"
				 "Content-Type: text/plain; format=flowed; delsp=no\n\n"
				 "one \ntwo\n> q1 \n> q2\n-- \nme\n");
	ok(same(mail->body_text, "one two\n> q1 q2\n-- \nme"), "flowed lines are joined");
	ok(same(mail->signature, "-- \nme") && same(mail->quoted, "> q1 q2"), "quote and signature");
	sched_mail_free(mail);

	/* Nothing is left of the first line that its soft break could take a space from. */
	mail = parse("From: a@example.org\nDate: Tue, 3 Mar 2026 09:59:00 +0100\n"
				 "Content-Type: text/plain; format=flowed; delsp=yes\n\n"
				 " \nfo \nur\n");
	ok(same(mail->body_text, "four"), "flowed lines without their spaces, the first one empty");
	sched_mail_free(mail);
}

static bool
has_problem(const char *raw, size_t length, const char *code)
{
	SchedMail *mail = parse_bytes(raw, length);
	bool found = sched_mail_find_problem(mail, code) != NULL;

	for (int i = 0; !found && i < mail->n_problems; i++)
		printf("# %s\n", mail->problems[i].code);
	sched_mail_free(mail);
	return found;
}

static void
test_broken(void)
{
	static const struct
	{
		const char *raw;
		const char *code;
	} cases[] = {
		{"", "no_headers"},
		{"just text\nand more", "no_headers"},
		{"From: a@example.org\nno colon here\n\nx", "malformed_header"},
		{"From: a@example.org\nDate: yesterday-ish\n\nx", "bad_date"},
		{"From: a@example.org\nDate: Tue, 3 Mar 1926 09:59:00 +0100\n\nx", "bad_date"},
		{"From: a@example.org\n\nx", "no_date"},
		{"Subject: x\n\nx", "no_sender"},
		{"From: (((((((((\n\nx", "no_sender"},
		{"From: a@example.org\nContent-Type: multipart/mixed\n\nx", "no_boundary"},
		{"From: a@example.org\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx",
		 "no_end_boundary"},
		{"From: a@example.org\nContent-Transfer-Encoding: rot13\n\nx", "unknown_encoding"},
		{"From: a@example.org\nContent-Transfer-Encoding: base64\n\n!!!!", "bad_encoding"},
		{"From: a@example.org\nContent-Transfer-Encoding: quoted-printable\n\na=ZZb",
		 "bad_encoding"},
		{"From: a@example.org\nContent-Type: multipart/encrypted; boundary=b\n\n--b\n\nx\n--b--\n",
		 "encrypted"},
	};
	SchedMail *mail;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ok(has_problem(cases[i].raw, strlen(cases[i].raw), cases[i].code), "%s", cases[i].code);
	mail = parse("From: a@example.org\nSubject: no empty line\nHello there\n\nmore");
	ok(same(mail->body_text, "Hello there\n\nmore"), "body without an empty line before it");
	sched_mail_free(mail);
	mail = parse_bytes("From: a@example.org\nSubject: a\0b\n\nx\0y", 37);
	ok(same(mail->subject, "a b") && same(mail->body_text, "x\xef\xbf\xbdy"), "NUL bytes");
	sched_mail_free(mail);
}

/* n times the same text, malloc'ed. */
static char *
repeat(const char *head, const char *text, int n, const char *tail, size_t *length)
{
	size_t one = strlen(text);
	char *all = malloc(strlen(head) + one * (size_t) n + strlen(tail) + 1);
	char *p = all;

	memcpy(p, head, strlen(head));
	p += strlen(head);
	for (int i = 0; i < n; i++, p += one)
		memcpy(p, text, one);
	memcpy(p, tail, strlen(tail) + 1);
	*length = (size_t) (p - all) + strlen(tail);
	return all;
}

static void
check_repeated(const char *head, const char *text, int n, const char *tail, const char *code)
{
	size_t length;
	char *raw = repeat(head, text, n, tail, &length);

	ok(has_problem(raw, length, code), "%d times: %s", n, code);
	free(raw);
}

/* multipart in multipart, each with a boundary of its own. */
static void
check_nested(int n)
{
	size_t room = (size_t) n * 64 + 64;
	char *raw = malloc(room);
	int length = snprintf(raw, room, "From: a@example.org\n");
	SchedMail *mail;

	for (int i = 0; i < n; i++)
		length += snprintf(raw + length, room - (size_t) length,
						   "Content-Type: multipart/mixed; boundary=b%d\n\n%s\n--b%d\n", i,
						   i == 0 ? "--b0\n\nouter" : "", i);
	mail = parse_bytes(raw, (size_t) length);
	ok(sched_mail_find_problem(mail, "too_deep") != NULL, "%d nested multiparts", n);
	ok(strstr(mail->body_text, "outer") != NULL, "what lies above the limit is read");
	sched_mail_free(mail);
	free(raw);
}

static void
test_limits(void)
{
	size_t length;
	char *raw;
	SchedMail *mail;
	SchedMailInput input = {.raw = "From: a@example.org\nSubject: big\n\nbody", .length = 38};

	check_nested(10000);
	check_repeated("From: a@example.org\n", "Content-Type: message/rfc822\n\n", 10000, "\nx",
				   "too_deep");
	check_repeated("From: a@example.org\nContent-Type: multipart/mixed; boundary=b\n\n",
				   "--b\n\nx\n", 10000, "--b--\n", "too_many_parts");
	check_repeated("From: a@example.org\n", "X: y\n", 100000, "\nx", "headers_cut");
	check_repeated("From: a@example.org\nContent-Type: text/html\n\n", "<div>", 100000, "x",
				   "deep_html");
	check_repeated("From: a@example.org\nTo: ", "a@b.example, ", 2000, "c@example.org\n\nx",
				   "too_many_recipients");
	check_repeated("From: a@example.org\n\n", "All work and no play. ", 100000, "", "text_cut");
	/* A part of ASCII, then two-byte characters: the limit falls into one of them. */
	raw = repeat("From: a@example.org\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n1\n--b\n"
				 "Content-Type: text/plain; charset=utf-8\n\n",
				 "\xc3\xa4", 1200000, "\n--b--\n", &length);
	mail = parse_bytes(raw, length);
	ok(sched_mail_find_problem(mail, "text_cut") && strlen(mail->body_text) > 2000000 &&
		   sched_mail_valid_utf8(mail->body_text, strlen(mail->body_text)),
	   "text is cut between characters");
	sched_mail_free(mail);
	free(raw);
	mail = parse("From: a@example.org\nContent-Type: text/plain; charset=\"x\x84y\"\n\n\xe9\n");
	ok(mail->n_problems == 2 && same(mail->problems[1].detail, "x\xef\xbf\xbdy"),
	   "what a problem quotes is repaired: %s", mail->problems[0].code);
	sched_mail_free(mail);
	raw = repeat("From: ", "a:", 15000, "\n\nx", &length);
	mail = parse_bytes(raw, length);
	ok(mail != NULL, "groups in groups");
	sched_mail_free(mail);
	free(raw);
	raw = repeat("From: a@example.org\nContent-Type: application/zip\n"
				 "Content-Transfer-Encoding: base64\n\n",
				 "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJz\n", 820000, "",
				 &length);
	mail = parse_bytes(raw, length);
	ok(length > 50000000 && mail->n_attachments == 1 && mail->attachments[0].size == 36900000,
	   "50 MB of attachment are measured, not kept");
	sched_mail_free(mail);
	free(raw);
	input.max_bytes = 30;
	mail = sched_mail_parse(&input);
	ok(mail && same(mail->subject, "big") && same(mail->body_text, "") &&
		   sched_mail_find_problem(mail, "too_large"),
	   "a mail over the limit keeps its headers");
	sched_mail_free(mail);
}

static void
check_html(const char *html, const char *should, const char *name)
{
	SchedMailBuffer out;
	char *text;

	sched_mail_buffer_init(&out, 1000000);
	sched_mail_html_to_text(html, strlen(html), &out);
	text = sched_mail_buffer_take(&out);
	ok(same(text, should), "%s", name);
	free(text);
}

static void
test_html(void)
{
	check_html("<p>One</p><p>Two<br>Three</p>", "One\n\nTwo\nThree", "paragraphs and breaks");
	check_html("<style>p{}</style><script>x()</script><title>t</title>Text", "Text",
			   "style, script and title are dropped");
	check_html("a<span style='display: none'>secret</span>b<div hidden>c</div>", "ab",
			   "hidden elements are dropped");
	check_html("<ul><li>one<li>two<ol><li>a</li><li>b</li></ol></ul>",
			   "- one\n- two\n  1. a\n  2. b", "lists");
	check_html("<table><tr><td><p>Due</p></td><td><p>Friday</p></td></tr><tr><td>Sum</td>"
			   "<td>5</td></tr></table>",
			   "Due Friday\nSum 5", "a row is a line");
	check_html("Hi<blockquote>old<blockquote>older</blockquote></blockquote>new",
			   "Hi\n> old\n> > older\nnew", "blockquotes");
	check_html("<a href='http://x.example/'>link</a> <img alt='picture' src=x>", "link picture",
			   "links and images as text");
	check_html("a &lt;b&gt; &amp; &euro;&nbsp;5 &#8364; &bogus;", "a <b> & € 5 € &bogus;",
			   "entities");
	check_html("<pre>a\n  b</pre>c", "a\n  b\nc", "preformatted");
	check_html("<b>unclosed <i>tags</b></p></td> <", "unclosed tags <", "bad markup");
	check_html("", "", "nothing");
}

static void
check_split(const char *body, const char *fresh, const char *quoted, const char *signature,
			const char *name)
{
	char raw[4096];
	SchedMail *mail;

	snprintf(raw, sizeof(raw), "From: a@example.org\n\n%s", body);
	mail = parse(raw);
	ok(same(mail->body_new, fresh) && same(mail->quoted, quoted) &&
		   same(mail->signature, signature),
	   "%s", name);
	sched_mail_free(mail);
}

static void
test_quotes(void)
{
	check_split(
		"Yes.\n\nOn Tue, 3 Mar 2026 at 09:12, A. Person\n<a@example.org> wrote:\n> May I?\n",
		"Yes.", "On Tue, 3 Mar 2026 at 09:12, A. Person\n<a@example.org> wrote:\n> May I?", "",
		"an attribution over two lines");
	check_split("> May I?\nYes.\n> And this?\nNo.\n", "Yes.\nNo.", "> May I?\n> And this?", "",
				"answers between the quotes");
	check_split("Done.\n\n-----Original Message-----\nFrom: x\nDo it\n", "Done.",
				"-----Original Message-----\nFrom: x\nDo it", "", "original message");
	check_split("Done.\n\n________________________________\nFrom: A <a@example.org>\n"
				"Sent: Monday\nTo: B\nSubject: s\n\nDo it\n",
				"Done.",
				"________________________________\nFrom: A <a@example.org>\nSent: Monday\nTo: B\n"
				"Subject: s\n\nDo it",
				"", "a header block");
	check_split("Ok.\n\nAm 03.03.2026 um 09:12 schrieb A. Person:\n\nfrueher\n",
				"Ok.\n\nAm 03.03.2026 um 09:12 schrieb A. Person:\n\nfrueher", "", "",
				"an attribution that ends otherwise is left alone");
	check_split("Please call.\n\nKind regards,\nAnn\nHead of Sales\nPhone 555-0100\n",
				"Please call.", "", "Kind regards,\nAnn\nHead of Sales\nPhone 555-0100",
				"a sign-off and what follows");
	check_split("First.\n\nThanks,\nCould you also send the figures by Friday?\n\nAnn\n",
				"First.\n\nThanks,\nCould you also send the figures by Friday?\n\nAnn", "", "",
				"thanks that are no sign-off");
	check_split("Text.\n-- \nAnn\nACME\n", "Text.", "", "-- \nAnn\nACME", "signature mark");
	check_split("Text.\n\nBest,\nAnn\n\nPS: bring the keys\n", "Text.\n\nPS: bring the keys", "",
				"Best,\nAnn", "a postscript is text");
	check_split("Text.\n\nSent from my phone\n", "Text.", "", "Sent from my phone", "device line");
	check_split("Text.\n\nThis email and any attachments are confidential.\nDo not print.\n",
				"Text.", "", "This email and any attachments are confidential.\nDo not print.",
				"disclaimer");
	check_split("Thanks!\n", "Thanks!", "", "", "a mail of one word");
}

int
main(void)
{
	sched_mail_start();
	test_headers();
	test_charsets();
	test_parts();
	test_broken();
	test_limits();
	test_html();
	test_quotes();
	return done_testing();
}
