-- mail: what comes in, what is broken about it, what becomes of it
\set SHOW_CONTEXT never
CREATE ROLE regress_mail_anna LOGIN;
CREATE ROLE regress_mail_ben LOGIN;
SELECT scheduler.create_user('anna@example.org', 'Anna', 'Europe/Berlin', role_name => 'regress_mail_anna') AS anna \gset
SELECT scheduler.create_user('ben@example.net', 'Ben', 'America/New_York', role_name => 'regress_mail_ben') AS ben \gset
GRANT pg_read_server_files TO regress_mail_ben;
-- the role of the tests is a user too: what a worker calls is called by hand with its rights
SELECT scheduler.create_user('me@example.org', 'Me', 'Europe/Berlin', role_name => 'postgres') AS me \gset

-- a mail taken apart
SELECT p.subject, p.sender, p.sender_email, p.recipients, p.sent_at, p.message_id, p.in_reply_to, p.reference_ids,
	p.body_new, p.quoted, p.signature, p.forwarded, p.attachments, p.calendars, p.problems
FROM scheduler.parse_mail(convert_to(
'From: =?utf-8?Q?J=C3=BCrgen?= <j@example.com>
To: Anna <anna@example.org>
Cc: b@example.org
Date: Tue, 3 Mar 2026 09:59:00 +0100
Subject: Re: figures
Message-ID: <b@example.com>
In-Reply-To: <a@example.org>
References: <a@example.org>

Here they are.

-- 
Juergen

On Mon, 2 Mar 2026 at 10:00, Anna <anna@example.org> wrote:
> Where are they?
', 'UTF8')) AS p;
SELECT (scheduler.parse_mail('\x00ff')).problems;
SELECT scheduler.extraction_text(p) FROM scheduler.parse_mail(convert_to(E'From: a@example.com\n\nNew\n> old\n', 'UTF8')) AS p;
SELECT scheduler.choose_received_at(p) < now() + interval '1 hour' AS not_in_the_future
FROM scheduler.parse_mail(convert_to(E'From: a@example.com\nDate: Tue, 3 Mar 2093 09:59:00 +0100\n\nx', 'UTF8')) AS p;
SELECT scheduler.describe_mail(p, 'FS') FROM scheduler.parse_mail(convert_to(E'From: a@example.com\n\nx', 'UTF8')) AS p;
SELECT scheduler.mail_head(convert_to(E'A: b\n\nbody', 'UTF8')) = convert_to(E'A: b\n', 'UTF8') AS head;
SELECT * FROM scheduler.read_invitation(
'BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VEVENT
UID:one@example.com
SUMMARY:Site\, visit
LOCATION:Gate
  3
ORGANIZER;CN=J:mailto:j@example.com
DTSTART;TZID=W. Europe Standard Time:20260303T090000
DTEND:20260303T090000Z
BEGIN:VALARM
SUMMARY:no
END:VALARM
END:VEVENT
BEGIN:VEVENT
UID:two@example.com
DTSTART;VALUE=DATE:20260305
DURATION:P1D
TRANSP:TRANSPARENT
END:VEVENT
BEGIN:VEVENT
UID:three@example.com
DTSTART:20260231T090000
END:VEVENT
END:VCALENDAR');
SELECT scheduler.resolve_wall_time('2026-07-01 09:00', z.zone, 'Europe/Berlin')
FROM (VALUES ('UTC'), ('America/New_York'), ('Nowhere Standard Time'), (NULL)) AS z (zone);

-- stored once, whatever is broken about it
SET ROLE regress_mail_anna;
CREATE TEMP TABLE seen (name text, email_id uuid);
INSERT INTO seen SELECT 'first', scheduler.ingest_email(convert_to(
'From: Max <max@example.com>
Date: Tue, 3 Mar 2026 09:59:00 +0100
Subject: hello
Message-ID: <1@example.com>

Hello', 'UTF8'));
INSERT INTO seen SELECT 'again, by another way', scheduler.ingest_email(convert_to(
'Received: from b; Tue, 3 Mar 2026 10:59:00 +0100
From: Max <max@example.com>
Message-ID: <1@example.com>

Hello', 'UTF8'));
INSERT INTO seen SELECT 'no id', scheduler.ingest_email(convert_to(E'From: max@example.com\n\nx', 'UTF8'));
INSERT INTO seen SELECT 'no id, again', scheduler.ingest_email(convert_to(E'From: max@example.com\n\nx', 'UTF8'));
INSERT INTO seen SELECT 'no id, other bytes', scheduler.ingest_email(convert_to(E'From: max@example.com\n\ny', 'UTF8'));
INSERT INTO seen SELECT 'nothing', scheduler.ingest_email('');
INSERT INTO seen SELECT 'noise', scheduler.ingest_email('\x00010203ff00');
INSERT INTO seen SELECT 'deep', scheduler.ingest_email(convert_to(E'From: a@example.com\nDate: Tue, 3 Mar 2026 09:59:00 +0100\n'
	|| repeat(E'Content-Type: message/rfc822\n\n', 10000) || 'x', 'UTF8'));
INSERT INTO seen SELECT 'absurd date', scheduler.ingest_email(convert_to(E'From: a@example.com\nDate: 99 Foo 99999 99:99\n\nx', 'UTF8'));
INSERT INTO seen SELECT 'bad bytes', scheduler.ingest_email(
	convert_to(E'From: a@example.com\nDate: Tue, 3 Mar 2026 09:59:00 +0100\nContent-Type: text/plain; charset=utf-8\n\nx', 'UTF8') || '\xff00ff');
SELECT dense_rank() OVER (ORDER BY s.email_id) AS row, s.name, m.subject, m.processed, m.error
FROM seen AS s JOIN scheduler.email_tracking AS m USING (email_id) ORDER BY s.email_id, s.name;
SELECT count(*) AS jobs, count(DISTINCT unique_key) AS mails FROM scheduler.live_jobs WHERE kind = 'mail.process';
SELECT count(*) AS bodies, min(length(raw)) AS shortest FROM scheduler.email_bodies;
SELECT scheduler.ingest_email(NULL);
SELECT scheduler.ingest_email('x', '01234567-89ab-7def-8123-456789abcdef');
SELECT scheduler.import_mailbox('/tmp');
SELECT scheduler.add_account('maildir', 'anna@example.org', settings => '{"path": "/tmp"}');
SELECT scheduler.enqueue('mail.import', '{"path": "/tmp"}');
SELECT scheduler.enqueue('mail.process', '{}');
SELECT * FROM scheduler.store_mail(NULL, 'x', NULL, NULL, false, NULL, NULL);
INSERT INTO scheduler.email_tracking (message_key, received_at) VALUES ('x', now());
RESET ROLE;

-- a mail over the limit keeps its head
SET scheduler.max_mail_bytes = 2000;
