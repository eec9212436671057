#!/usr/bin/env python3
"""Writes an mbox of a given size: make_mbox.py PATH MEGABYTES [MAILS]

With MAILS: that many mails of about 2 kB, each asking for one thing by a day in the next two weeks. Else a mixture by
size: text, quoted-printable HTML, attachments of up to 2 MB. The same arguments give the same mails, but for their dates.
"""
import base64
import random
import sys
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

path, megabytes = sys.argv[1], int(sys.argv[2])
count = int(sys.argv[3]) if len(sys.argv) > 3 else 0
rng = random.Random(4711)
now = datetime.now(timezone.utc)
WORDS = ("report figures budget contract invoice schedule agenda supplier customer delivery warehouse meeting team plan "
	"quarter draft review summary office project release number price order offer question answer point week").split()
DEEDS = ("send me the {} {}", "review the {} {}", "prepare the {} {}", "return the signed {} {}", "check the {} {}")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")


def prose(length):
	text = []
	size = 0
	while size < length:
		sentence = " ".join(rng.choice(WORDS) for _ in range(rng.randint(6, 16))).capitalize() + "."
		text.append(sentence)
		size += len(sentence) + 1
	lines, line = [], ""
	for sentence in text:
		line += sentence + " "
		if len(line) > 60:
			lines.append(line.strip())
			line = ""
	return "\n".join(lines + [line.strip()])


def request():
	deed = rng.choice(DEEDS).format(rng.choice(WORDS), rng.choice(WORDS))
	day = (now + timedelta(days=rng.randint(2, 13))).strftime("%-d %B %Y")
	return "Could you please %s by %s, %d:00?" % (deed, rng.choice((day, "next " + rng.choice(DAYS))), rng.randint(9, 17))


def wrap(data):
	text = base64.b64encode(data).decode()
	return "\n".join(text[i:i + 76] for i in range(0, len(text), 76))


def mail(n, size):
	sender = "sender%d@example.com" % rng.randint(1, 200)
	sent = now - timedelta(minutes=rng.randint(5, 300))
	head = ["From %s %s" % (sender, sent.strftime("%a %b %d %H:%M:%S %Y")), "From: Sender <%s>" % sender,
		"To: Me <me@example.org>", "Subject: %s %s %d" % (rng.choice(WORDS), rng.choice(WORDS), n),
		"Date: " + format_datetime(sent), "Message-ID: <%d.%d@bench.example>" % (n, megabytes), "MIME-Version: 1.0"]
	body = "Hello,\n\n%s\n\n%s\n\nRegards\n" % (request(), prose(min(size, 6000)))
	if size <= 8000:
		return "\n".join(head + ["Content-Type: text/plain; charset=utf-8", "", body, ""])
	if size <= 60000:
		html = "<html><body><p>%s</p><p>%s</p></body></html>" % (request(), prose(size).replace("\n", "</p>\n<p>"))
		return "\n".join(head + ["Content-Type: text/html; charset=utf-8", "", html, ""])
	return "\n".join(head + ['Content-Type: multipart/mixed; boundary="part"', "", "--part",
		"Content-Type: text/plain; charset=utf-8", "", body, "--part", "Content-Type: application/octet-stream",
		'Content-Disposition: attachment; filename="data.bin"', "Content-Transfer-Encoding: base64", "",
		wrap(rng.randbytes(size * 3 // 4)), "--part--", ""])


with open(path, "w") as box:
	n = written = 0
	while (n < count) if count else (written < megabytes * 1000000):
		chance = rng.random()
		size = 1500 if count else (rng.randint(1000, 8000) if chance < 0.75 else rng.randint(8000, 60000) if chance < 0.93
			else rng.randint(60000, 2000000))
		text = mail(n, size)
		box.write(text + "\n")
		written += len(text) + 1
		n += 1
