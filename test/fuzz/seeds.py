"""Writes the seeds of every fuzz target: seeds.py FOLDER makes FOLDER/NAME/*.

Most are cut out of the test data; what no mail there has is written here. seeds/NAME holds inputs that once
failed; they are copied beside the others.
"""
import base64
import glob
import json
import os
import re
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "data")
TOP = sys.argv[1]
LINE = b"\n"


def put(target, *inputs):
    folder = os.path.join(TOP, target)
    os.makedirs(folder, exist_ok=True)
    for content in inputs:
        if isinstance(content, str):
            content = content.encode()
        name = "%02d" % len(os.listdir(folder))
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def mail_body(mail):
    return mail.replace(b"\r\n", LINE).split(b"\n\n", 1)[-1]


mails = [read(f) for f in sorted(glob.glob(os.path.join(DATA, "demo", "*", "*.eml")))]
corpus = [read(f) for f in sorted(glob.glob(os.path.join(DATA, "dev", "corpus", "*.eml")))]

# ---- mime ----
put("mime", *[m for m in mails if b"ultipart" in m][:4], *mails[3:7], *corpus[5:60:11])
head = (b"From: =?iso-8859-1?Q?Andr=E9?= <a@example.org>\r\nTo: \"Doe, J\" <j@example.org>, team: b@example.org,\r\n"
        b"\tc@example.org;\r\nSubject: =?utf-8?B?R3LDvMOfZQ==?= =?utf-8?Q?_aus?=\r\nMessage-ID: <x@example.org>\r\n"
        b"In-Reply-To: <w@example.org>\r\nReferences: <u@example.org> <w@example.org>\r\n"
        b"Received: from a by b; Tue, 3 Mar 2026 10:00:05 +0100\r\nDate: Tue, 3 Mar 2026 09:59:00 +0100\r\n")
put("mime",
    head + b"Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\npre\r\n--b\r\nContent-Type: text/plain; charset=utf-8;"
    b" format=flowed; delsp=yes\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na =C3=A4 \r\nb=\r\nc\r\n--b\r\n"
    b"Content-Type: application/pdf; name*0*=utf-8''a%20; name*1=b.pdf\r\nContent-Disposition: attachment\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(b"x" * 90) + b"\r\n--b--\r\nend",
    head + b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b\r\n"
    b"Content-Type: text/html; charset=iso-8859-1\r\n\r\n<p>h\xefi</p>\r\n--b\r\nContent-Type: text/calendar; method=REQUEST"
    b"\r\n\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n--b--\r\n",
    head + b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nbody\r\n-- \r\nsignature\r\n",
    b"Subject: uu\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n#86)C\n`\nend\n",
    b"!From: a@example.org\r\n\r\n" + b"body " * 30, b"\"From: a@example.org\r\nSubject: cut\r\n",
    head + b"Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n\r\n--b--", b"\n\n", b"no header at all")

# ---- charset ----
put("charset", "utf-8\nGr\u00fc\u00dfe\r\nsoft \r\nline\r\n", b"iso-8859-15\n10 \xa4\r\n> > quoted \r\n> > on\r\n",
    b"windows-1251\n\xcf\xf0\xe8", b"koi8-r\n\xf0\xd2\xc9", b"shift_jis\n\x93\xfa\x96\x7b", b"iso-2022-jp\n\x1b$BF|K\\\x1b(B",
    b"utf-16le\nH\0i\0", b"utf-16\n\xff\xfeH\0\x3d\xd8\x00\xde", b"utf-7\n+AOQ-", b"gb18030\n\xc4\xe3\x81\x30\x81\x30",
    b"\ncaf\xe9", "\ncaf\u00e9", b"klingon-1\ncaf\xe9", b"utf-8\na\0b\xff\xc3\xed\xa0\x80", b"us-ascii\n-- \r\nsig",
    b"hz-gb-2312\n~{VPND~}", b"big5\n\xa4\xa4", b"euc-kr\n\xc7\xd1")

# ---- html ----
put("html", "<html><head><meta charset=\"iso-8859-1\"><title>t</title><style>p{}</style></head><body><p>One<br>two</p></body>",
    "<ul><li>a<li>b<ol start=3><li>c</ol></ul>", "<table><tr><td>1<td>2<tr><th>3</table>", "<blockquote>a<blockquote>b",
    "<a href='https://example.org'>link</a><img alt=\"pic\"><hr><pre> a\n  b</pre>", "<div style=\"display: none\">x</div>y",
    "<div style='font-size:0;mso-hide:all'>x</div><span hidden>z</span>y", "&amp;&lt;&eacute;&#8364;&#x1F600;&#0;&nbsp;&bogus;",
    "<script>if (a < b) {}</script><!-- c --><![CDATA[d]]>", "<?xml version='1.0' encoding='utf-16'?><p>x", "<div>" * 450 + "deep",
    "<meta http-equiv=content-type content='text/html; charset=utf-8'>\u00e4\u00f6", "<p>a<p", "<textarea>t</textarea><option>o",
    "<h1>Title</h1>\n\n  <p>  much   space </p>", "<b><i></b></i>", "<blockquote type=cite><pre>a\nb</pre></blockquote>")

# ---- quote ----
put("quote", *[mail_body(m) for m in corpus if b"\n>" in m or b"\n-- " in m][:8],
    "New.\n\nOn Mon, Mar 2, 2026 at 9:00 AM Ann <ann@example.org> wrote:\n> Old\n> > older\n\nBelow.\n-- \nAnn\n",
    "Fine.\n\n-----Original Message-----\nFrom: Ann\nSent: Monday\nTo: Bob\nSubject: x\n\nold\n",
    "See below.\n\n---------- Forwarded message ---------\nFrom: Ann <ann@example.org>\nDate: x\nSubject: y\nTo: z\n\nold\n",
    "Hi\n\nBest regards,\nAnn Bee\nSenior Something\n+1 555 0100\n", "Hi\n\nSent from my phone\n", "> a\nb\n> c\nd\n",
    "Am 02.03.2026 um 09:00 schrieb Ann:\n> alt\n", "Le lun. 2 mars 2026 \u00e0 09:00, Ann a \u00e9crit :\n> vieux\n", "--\nx\n", "___\n")

# ---- invitation ----
calendar = re.compile(rb"BEGIN:VCALENDAR.*?END:VCALENDAR\r?\n?", re.S)
put("invitation", *[c for m in mails for c in calendar.findall(m)][:4])
event = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1@example.org\r\n%sEND:VEVENT\r\nEND:VCALENDAR\r\n"
put("invitation", *[event % lines for lines in (
    "DTSTART:20260303T090000Z\r\nDURATION:PT1H30M\r\nSUMMARY:A\\, b\\n\\;c\r\n",
    "DTSTART;TZID=Europe/Berlin:20260303T090000\r\nDTEND;TZID=\"Europe/Berlin\":20260303T100000\r\nRRULE:FREQ=DAILY\r\n",
    "DTSTART;VALUE=DATE:20260303\r\nDTEND;VALUE=DATE:20260304\r\nTRANSP:TRANSPARENT\r\nSTATUS:CANCELLED\r\n",
    "DTSTART:20260303T090000\r\nDURATION:-P1W2DT3H4M5S\r\nSUMM\r\n ARY:fol\r\n\tded\r\n",
    "ORGANIZER;CN=\"Ann: Bee\":mailto:ann@example.org\r\nLOCATION;LANGUAGE=en:Room\r\nDTSTART:20260231T246060\r\n",
    "BEGIN:VALARM\r\nDESCRIPTION:x\r\nEND:VALARM\r\nDTSTART:99991231T235959Z\r\nDURATION:P99999999W\r\n")])

# ---- mailbox ----
put("mailbox", b"From a@example.org Mon Mar  2 09:00:00 2026\nSubject: 1\n\nbody\n>From here\n>>From there\n\n"
    b"From b@example.org Mon Mar  2 09:00:01 2026\nSubject: 2\n\nFrom now on\n",
    b"From - \nSubject: 1\n\nb\n\nFrom - \n\n", b"Subject: bare\n\nFrom x\n", b"\n", b"From ",
    b"!From a Mon Mar  2 09:00:00 2026\r\nSubject: 1\r\n\r\n" + b"long " * 90 + b"\r\n\r\nFrom b Mon Mar  2 09:00:00 2026\r\n\r\nx",
    b"From a Mon Mar  2 09:00:00 2026\n" + b"x" * 140000 + b"\n\nFrom b Mon Mar  2 09:00:00 2026\n\ny\n")

# ---- when, split ----
cases = [json.loads(line) for line in open(os.path.join(DATA, "when.jsonl"), encoding="utf-8") if line.strip()]
texts = [next(c[k] for k in ("text", "phrase", "input") if k in c) for c in cases]
for i in range(24):
    # Eleven phrases in a file: short enough to be recombined, and all of them are seen.
    part = texts[i::24]
    put("when", bytes([i * 9 & 255]) + "; ".join(part)[:900].encode())
put("when", "\0an hour and a half, 1h30, 90 min, half a day, two weeks, 3.5 hrs, 1-2 days")
put("split", *["\0" + t for t in (
    "dentist tomorrow 9, then two hours for the report before Friday noon", "buy milk and call mom at 5pm and pay rent by the 1st",
    "every Tuesday at 10 gym for 45 min; urgent: taxes", "remind me to write to Bob, Ann and Carl next week",
    "standup weekdays 9:15-9:30", "2h deep work tomorrow morning, 30 min email", "p1 finish slides asap", "")],
    *[bytes([i * 37 & 255]) + ", then ".join(texts[i::60])[:500].encode() for i in range(12)])

# ---- builtin ----
for i, mail in enumerate(mails[::4] + corpus[3:240:16]):
    fields = dict(re.findall(rb"^(Subject|From|Precedence|List-Unsubscribe|Auto-Submitted): (.*?)\r?$", mail, re.M))
    header = next((k + b": " + v for k, v in fields.items() if k not in (b"Subject", b"From")), b"")
    put("builtin", bytes([i * 9 & 255]) + LINE.join([fields.get(b"Subject", b""), fields.get(b"From", b""), header, mail_body(mail)]))

# ---- answer ----
put("answer", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nRetry-After: 120\r\n\r\n{\"choices\": []}",
    "HTTP/1.1 302 Found\r\nLocation: ../v2?a#b\r\n\r\n", "HTTP/2 429\r\nretry-after-ms: 1500.5\r\n\r\n",
    "HTTP/1.1 503 x\r\nRetry-After: Wed, 04 Mar 2026 09:00:00 GMT\r\n\r\n", "Retry-After: Wednesday, 04-Mar-26 09:00:00 GMT\r\n\r\n",
    "Retry-After: Wed Mar  4 09:00:00 2026\r\n\r\n", "X: a\r\n folded\r\n\tagain\r\n\r\n" + "b" * 6000,
    "HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx", "Location: //other.example:8080/\r\n\r\n",
    "Location: http://u:p@h.example/\r\n:empty\r\nno colon\r\n\r\n", "A: b\r\n" * 260)

# ---- target ----
address = {"private": bytes([10, 0, 0, 1] + [0] * 12), "mapped": bytes([0] * 10 + [255, 255, 169, 254, 169, 254]),
           "nat64": bytes.fromhex("0064ff9b000000000000000a00000001"), "public": bytes.fromhex("20010db8" + "0" * 22 + "01"),
           "6to4": bytes.fromhex("20020a000001" + "0" * 20)}
for lines, kind in (
        ("https://Api.Example.ORG./v1?x=1#p\n../d?e\nPOST\nContent-Type: text/plain\n*.example.org, a.example\nlocalhost:11434\n"
         "api.example.org *.example.org", "public"),
        ("http://[::1]:8080/\n//x/\nGET\nA:\n\nlocalhost:8080, 10.0.0.1:80, [::1]:8080\n[::1]:8080", "mapped"),
        ("http://0x7f.1/\nhttp:\\\\x\nDELETE\nX-Y: \t\u00e4\n*\n*.lan:25\nx:99999", "private"),
        ("http://u:p@h/\n?q\nBAD METHOD\nno colon\n,,\n:1\n", "nat64"),
        ("https://xn--mnchen-3ya.example:443/%2e%2e/%00\n#f\nget\nHost: x\n-a.example, a..b\na:0\n[fe80::1%25eth0]:1", "6to4")):
    put("target", lines.encode() + LINE + address[kind])

# ---- jwt: a token or claims, and a key set (RFC 7515, appendix A) ----
def url64(data):
    return base64.urlsafe_b64encode(data.encode() if isinstance(data, str) else data).rstrip(b"=").decode()


claims = url64('{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}')
point = ('"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",'
         '"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"')
put("jwt",
    url64('{"typ":"JWT",\r\n "alg":"HS256"}') + "." + claims + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk\n"
    '{"keys":[{"kty":"oct","kid":"a","use":"sig","alg":"HS256","k":"' + url64(b"k" * 32) + '"},{' + point + "}]}",
    url64('{"alg":"ES256","kid":"\\u0061"}') + "." + claims + "." + url64(b"s" * 64) + "\n{" + point
    + ',"d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}',
    url64('{"alg":"RS256","crit":["b64"],"b64":false}') + "." + url64("{}") + "." + url64(b"s" * 256)
    + '\n{"kty":"RSA","kid":"r","iss":"https://shop.example","n":"' + url64(b"\xc1" * 256) + '","e":"AQAB"}',
    url64('{"alg":"none"}') + "." + url64('{"sub":"x","aud":["a","b"],"nbf":1.5e9,"iat":-1}') + ".\n[]",
    '{"iss":"scheduler","aud":["app"],"sub":"\\ud83d\\ude00","role":null,"iat":1e3,"exp":-0.5E-2,"x":{"y":[true,false,[[]]]}}\n{}')

# ---- dictionaries: the words that the parsers themselves know ----
WORDS = {"mime": "mail/mime.c mail/parts.c mail/head.c", "charset": "mail/charset.c", "html": "mail/html.c",
         "quote": "mail/quote.c", "invitation": "mail/invitation.c", "mailbox": "mail/mailbox.c", "when": "time/when*.c",
         "split": "time/when*.c assistant/*.c", "builtin": "llm/builtin*.c time/when*.c", "answer": "http/answer.c http/retry_after.c",
         "target": "http/target.c http/egress.c identity/binding.c",
         "jwt": "identity/jwt.c identity/jwk.c identity/json.c"}
EXTRA = {"mime": ["Content-Type: ", "multipart/mixed", "message/rfc822", "; boundary=", "charset=", "=?utf-8?B?", "=?utf-8?Q?", "--b\n",
                  "base64", "quoted-printable", "x-uuencode", "text/html", "text/calendar"],
         "html": ["<div>", "</div>", "<blockquote>", "<table><tr><td>", "<li>", "<!--", "&#x", "style=\"display:none\"", "<meta charset="],
         "charset": ["utf-16", "utf-7", "iso-2022-jp", "gb18030", "shift_jis"], "mailbox": ["\n\nFrom a Mon Mar  2 09:00:00 2026\n"],
         "answer": ["HTTP/1.1 ", "Location: ", "Retry-After: ", "retry-after-ms: "], "target": ["http://", "https://", "[::1]", "%25", "xn--"],
         "jwt": ["eyJhbGciOiJIUzI1NiJ9.", ".e30.", '{"keys":[', "\\u0061", '"nbf":', '"aud":', '"sub":', '"d":"']}
for target, patterns in WORDS.items():
    words = set(EXTRA.get(target, []))
    for pattern in patterns.split():
        for path in glob.glob(os.path.join(HERE, "..", "..", "src", pattern)):
            code = "".join(line for line in open(path, encoding="utf-8") if not line.lstrip().startswith(("#", "*", "/*")))
            words.update(w for w in re.findall(r'"((?:[^"\\\n]|\\["\\])+)"', code) if 1 < len(w) <= 40)
    with open(os.path.join(TOP, target + ".dict"), "w", encoding="utf-8") as file:
        for word in sorted(words):
            literal = re.sub(r"\\(.)", r"\1", word) if "\\" in word else word
            file.write('"%s"\n' % "".join(chr(b) if 32 <= b < 127 and b not in (34, 92) else "\\x%02x" % b for b in literal.encode()))

# ---- what once failed ----
for path in sorted(glob.glob(os.path.join(HERE, "seeds", "*", "*"))):
    target, name = path.split(os.sep)[-2:]
    shutil.copy(path, os.path.join(TOP, target, name))
