#!/usr/bin/env python3
"""How well tasks, deadlines and classes are read from labelled mails.

    PSQL="psql -h HOST -d test" test/score/score.py [--mode direct|pipeline|both] [--corpus test/data/held-out]

direct    hands the text of each mail to scheduler.extract_facts() and looks at the answer
pipeline  hands the raw mail to scheduler.ingest_email(), as a user who lives in the reader's zone, waits for the
          worker and looks at the tasks that came of it; needs a superuser, writes to the database
both      does both and compares: the F1 values may lie --max-gap apart

Measures: F1 of tasks (a label marked optional is neither missed nor wrong), share of right deadlines among the
required tasks that were found, share of right classes, share of mails without any task in which one was seen.
The last line of a run is f1=.. deadline=.. class=.. fp=..; exit status 1 where a minimum is missed. The format of
labels.jsonl is described in test/data/README.md. Standard library only.
"""
import argparse
import email
import email.policy
import html.parser
import itertools
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time
import unicodedata
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

LONGEST_DESCRIPTION = 240
DEFAULT_CORPUS = pathlib.Path(__file__).resolve().parent.parent / 'data' / 'held-out'


# --- the database, through psql -----------------------------------------------------------------------------------

def psql(script, stop=True):
    """Runs a script in one session -> lines printed, complaints. Without stop an error costs only its statement."""
    command = shlex.split(os.environ.get('PSQL', 'psql'))
    command += ['-XqAt', '-v', 'ON_ERROR_STOP=%d' % stop, '-v', 'VERBOSITY=terse']
    head = "SET client_encoding = 'UTF8'; SET client_min_messages = warning; SET timezone = 'UTC';\n"
    done = subprocess.run(command, input=(head + script).encode(), capture_output=True, check=False)
    if done.returncode:
        sys.exit('psql failed: ' + done.stderr.decode('utf-8', 'replace').strip()[:600])
    return done.stdout.decode('utf-8', 'replace').splitlines(), done.stderr.decode('utf-8', 'replace').splitlines()


def literal(text):
    """Any text as an SQL expression; hexadecimal, so that nothing needs quoting."""
    return "convert_from('\\x%s', 'UTF8')" % text.replace('\0', '').encode('utf-8', 'replace').hex()


def raw_literal(raw):
    return "decode('%s', 'hex')" % raw.hex()


# --- a mail as text -----------------------------------------------------------------------------------------------

class HtmlText(html.parser.HTMLParser):
    """HTML as lines of text: list items get a dash, quotations the usual mark in front of each line."""

    BREAKS = frozenset('address article blockquote br center div dl dt dd footer form h1 h2 h3 h4 h5 h6 header hr '
                       'li ol p pre section table tbody tr ul'.split())
    HIDDEN = frozenset(('head', 'script', 'style', 'title'))

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.lines = [[0, '']]
        self.depth = 0
        self.hidden = 0

    def handle_starttag(self, tag, attrs):
        self.hidden += tag in self.HIDDEN
        self.depth += tag == 'blockquote'
        if tag in self.BREAKS:
            self.lines.append([self.depth, ''])
        if tag == 'li':
            self.lines[-1][1] = '- '
        elif tag in ('td', 'th'):
            self.lines[-1][1] += ' '

    def handle_endtag(self, tag):
        self.hidden -= tag in self.HIDDEN and self.hidden > 0
        self.depth -= tag == 'blockquote' and self.depth > 0
        if tag in self.BREAKS:
            self.lines.append([self.depth, ''])

    def handle_data(self, data):
        if not self.hidden:
            self.lines[-1][0] = self.depth
            self.lines[-1][1] += re.sub(r'\s+', ' ', data)

    def text(self):
        rows = ('> ' * depth + re.sub(r' +', ' ', line).strip() for depth, line in self.lines)
        return re.sub(r'\n\n+', '\n\n', '\n'.join(rows)).strip() + '\n'


def text_of(part):
    try:
        content = part.get_content()
    except (LookupError, UnicodeError, ValueError):
        content = (part.get_payload(decode=True) or b'').decode('latin-1')
    if part.get_content_subtype() == 'html':
        reader = HtmlText()
        reader.feed(content)
        reader.close()
        content = reader.text()
    return content.replace('\r\n', '\n').replace('\r', '\n')


def read_mail(raw):
    """-> body, subject, sender and headers (lower-case names; a repeated one is an array)"""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    headers = {}
    for name, value in message.items():
        headers.setdefault(name.lower(), []).append(re.sub(r'\s+', ' ', str(value)).strip())
    part = message.get_body(('plain', 'html'))
    body = text_of(part) if part is not None and part.get_content_maintype() == 'text' else ''
    headers = {name: values[0] if len(values) == 1 else values for name, values in headers.items()}

    def head(name):
        value = headers.get(name, '')
        return value if isinstance(value, str) else value[0]
    return body, head('subject'), head('from'), headers


# --- the two ways to an answer ------------------------------------------------------------------------------------

def extract_directly(corpus, labels, options):
    """-> {file: {classification, tasks}}; a file whose call failed is missing"""
    script = []
    for label in labels:
        body, subject, sender, headers = read_mail((corpus / label['file']).read_bytes())
        arguments = ['body => ' + literal(body), 'subject => ' + literal(subject), 'sender => ' + literal(sender),
                     "received_at => '%s'" % label['received_at'], 'timezone => ' + literal(label['timezone']),
                     'model => ' + literal(options.model)]
        if not options.no_headers:
            arguments.append('headers => %s::jsonb' % literal(json.dumps(headers)))
        script.append("SELECT jsonb_build_object('file', '%s', 'facts', scheduler.extract_facts(%s));\n"
                      % (label['file'], ', '.join(arguments)))
    printed, complaints = psql(''.join(script), stop=False)
    answers = {}
    for line in printed:
        row = json.loads(line)
        answers[row['file']] = row['facts']
    if complaints:
        print('%d complaints, the first: %s' % (len(complaints), complaints[0][:200]))
    return answers


def role_of(zone):
    return 'score_' + re.sub(r'\W+', '_', zone).lower()


def add_readers(zones):
    """One user for each zone, with a role of his own."""
    script = []
    for zone in zones:
        role = role_of(zone)
        script.append("SELECT 'CREATE ROLE %s LOGIN' WHERE to_regrole('%s') IS NULL \\gexec\n"
                      'GRANT scheduler_user TO %s;\n'
                      "SELECT scheduler.create_user(email => '%s@example.org', name => 'Reader of the score', "
                      "timezone => '%s', role_name => '%s')\n"
                      "WHERE NOT EXISTS (SELECT FROM scheduler.users WHERE role_name = '%s');\n"
                      % (role, role, role, role, zone, role, role))
    psql(''.join(script))


def ingest_all(corpus, labels):
    """-> {file: email_id}"""
    script = []
    for label in sorted(labels, key=lambda label: label['timezone']):
        raw = (corpus / label['file']).read_bytes()
        script.append("SET ROLE %s;\nSELECT '%s ' || scheduler.ingest_email(raw => %s);\nRESET ROLE;\n"
                      % (role_of(label['timezone']), label['file'], raw_literal(raw)))
    printed, complaints = psql(''.join(script), stop=False)
    for complaint in complaints[:5]:
        print('ingest: ' + complaint[:200])
    return dict(line.split(' ') for line in printed if re.match(r'\S+ [0-9a-f-]{36}$', line))


def wait_until_processed(ids, seconds):
    listed = ', '.join("'%s'" % i for i in ids.values())
    question = 'SELECT count(*) FROM scheduler.email_tracking WHERE email_id IN (%s) AND NOT processed;' % listed
    deadline = time.monotonic() + seconds
    waiting = -1
    while waiting and time.monotonic() < deadline:
        if waiting > 0:
            time.sleep(0.5)
        waiting = int(psql(question)[0][-1])
    if waiting:
        print('%d mails were not processed within %d s' % (waiting, seconds))


def extract_by_worker(corpus, labels, options):
    """-> as extract_directly(), from the rows that the worker wrote"""
    add_readers(sorted({label['timezone'] for label in labels}))
    ids = ingest_all(corpus, labels)
    if not ids:
        sys.exit('no mail could be ingested')
    wait_until_processed(ids, options.timeout)
    # A task that was stale on arrival counts: it was read. Parts of a task do not, the whole is there.
    printed, _ = psql("""
        SELECT jsonb_build_object('id', m.email_id, 'classification', m.classification,
            'duplicate', m.duplicate_of IS NOT NULL,
            'tasks', (SELECT coalesce(jsonb_agg(jsonb_build_object('description', t.description,
                    'deadline', t.deadline, 'location', t.location) ORDER BY t.task_id), '[]')
                FROM scheduler.tasks t WHERE t.user_id = m.user_id AND t.source_email_id = m.email_id
                    AND t.parent_task_id IS NULL))
        FROM scheduler.email_tracking m WHERE m.email_id IN (%s);"""
                      % ', '.join("'%s'" % i for i in ids.values()))
    rows = {row['id']: row for row in map(json.loads, printed)}
    answers = {file: rows[i] for file, i in ids.items() if i in rows}
    return answers


# --- judging ------------------------------------------------------------------------------------------------------

def words(text):
    plain = ''.join(c for c in unicodedata.normalize('NFKD', text) if not unicodedata.combining(c))
    return re.findall('[a-z0-9]+', plain.lower())


def is_described(task, keywords):
    description = task.get('description')
    if not isinstance(description, str) or len(description) > LONGEST_DESCRIPTION:
        return False
    found = words(description)
    return all(any(word.startswith(tuple(keyword.split('|'))) for word in found) for keyword in keywords)


def moment(value, zone):
    """An answer's deadline as an aware moment (a bare day is its last minute); None where it is not one."""
    if not isinstance(value, str):
        return None
    try:
        if re.fullmatch(r'\d{4}-\d\d-\d\d', value):
            day = date.fromisoformat(value)
            return datetime(day.year, day.month, day.day, 23, 59, tzinfo=zone)
        value = re.sub(r'\.\d+', '', value.strip().replace('Z', '+00:00'))
        value = re.sub(r'([+-]\d\d)$', r'\1:00', value)
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)


def is_timely(task, label, zone):
    allowed = label.get('deadline_any', [label['deadline']])
    if task.get('deadline') is None:
        return None in allowed
    got = moment(task['deadline'], zone)
    if got is None:
        return False
    for right in (datetime.fromisoformat(text) for text in allowed if text):
        if label['deadline_tolerance'] == 'exact':
            if abs(got - right) <= timedelta(minutes=1):
                return True
        else:
            # A day ends with midnight, which still belongs to it: step back before asking for the date.
            there = got.astimezone(zone)
            days = {there.date(), (there.astimezone(timezone.utc) - timedelta(seconds=1)).astimezone(zone).date()} \
                if (there.hour, there.minute, there.second) == (0, 0, 0) else {there.date()}
            if right.astimezone(zone).date() in days:
                return True
    return False


def pair_up(wanted, found, zone):
    """The assignment of labels to tasks with most required ones found, then most deadlines right -> {label: task}"""
    fits = [[j for j, task in enumerate(found) if is_described(task, label['description_keywords'])]
            for label in wanted]
    best, best_worth = {}, (0, 0, 0)
    # Few labels per mail: all assignments are tried. Long lists of answers are cut to the first fits of a label.
    for choice in itertools.product(*[[None] + fit[:6] for fit in fits]):
        used = [j for j in choice if j is not None]
        if len(used) != len(set(used)):
            continue
        pairs = {i: j for i, j in enumerate(choice) if j is not None}
        worth = (sum(not wanted[i].get('optional') for i in pairs),
                 sum(is_timely(found[j], wanted[i], zone) for i, j in pairs.items() if not wanted[i].get('optional')),
                 len(pairs))
        if worth > best_worth:
            best, best_worth = pairs, worth
    return best


class Score:
    """Counts over mails."""

    def __init__(self):
        self.mails = self.hit = self.missed = self.extra = 0
        self.timely = self.classed = self.empty = self.alarms = self.unanswered = 0

    def f1(self):
        return 2 * self.hit / (2 * self.hit + self.extra + self.missed) if self.hit else 0.0

    def deadline(self):
        return self.timely / self.hit if self.hit else 0.0

    def class_share(self):
        return self.classed / self.mails if self.mails else 0.0

    def alarm_share(self):
        return self.alarms / self.empty if self.empty else 0.0

    def line(self):
        return 'f1=%.3f deadline=%.3f class=%.3f fp=%.3f' % (self.f1(), self.deadline(), self.class_share(),
                                                            self.alarm_share())


def judge(label, answer, scores, errors):
    zone = ZoneInfo(label['timezone'])
    found = [task for task in (answer or {}).get('tasks') or [] if isinstance(task, dict)]
    wanted = label['tasks']
    pairs = pair_up(wanted, found, zone)
    classed = (answer or {}).get('classification') in label['classification']
    if not classed:
        errors.append('%s class %s, wanted %s' % (label['file'], (answer or {}).get('classification'),
                                                  '|'.join(label['classification'])))
    extra = [task for j, task in enumerate(found) if j not in pairs.values()]
    for task in extra:
        errors.append('%s extra "%s" %s' % (label['file'], str(task.get('description'))[:70], task.get('deadline')))
    for score in scores:
        score.mails += 1
        score.unanswered += answer is None
        score.classed += classed
        score.extra += len(extra)
        score.empty += label['no_task']
        score.alarms += label['no_task'] and bool(found)
    for i, want in enumerate(wanted):
        if want.get('optional'):
            continue
        timely = i in pairs and is_timely(found[pairs[i]], want, zone)
        for score in scores:
            score.hit += i in pairs
            score.missed += i not in pairs
            score.timely += timely
        if i not in pairs:
            errors.append('%s missed %s %s' % (label['file'], want['description_keywords'], want['deadline']))
        elif not timely:
            errors.append('%s deadline %s, wanted %s' % (label['file'], found[pairs[i]].get('deadline'),
                                                         want.get('deadline_any', want['deadline'])))


def judge_all(labels, answers, options):
    total, by_tag, errors = Score(), {}, []
    for label in labels:
        answer = answers.get(label['file'])
        if label['malformed'] or (answer or {}).get('duplicate'):
            continue
        tags = [by_tag.setdefault(tag, Score()) for tag in label.get('tags', [])]
        judge(label, answer, [total] + tags, errors)
    print('%d mails: %d tasks found, %d missed, %d extra; %d of %d without task raised an alarm; %d without answer'
          % (total.mails, total.hit, total.missed, total.extra, total.alarms, total.empty, total.unanswered))
    if options.tags:
        for tag, score in sorted(by_tag.items(), key=lambda item: (-item[1].mails, item[0])):
            print('  %-18s %3d mails %3d found %3d missed %3d extra  %s'
                  % (tag, score.mails, score.hit, score.missed, score.extra, score.line()))
    for error in errors[:options.errors]:
        print('  ' + error)
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--mode', choices=('direct', 'pipeline', 'both'), default='direct')
    parser.add_argument('--corpus', type=pathlib.Path, default=DEFAULT_CORPUS, help='folder of .eml and labels.jsonl')
    parser.add_argument('--model', default='builtin', help='for the direct mode')
    parser.add_argument('--no-headers', action='store_true', help='direct mode: only body, subject and sender')
    parser.add_argument('--min-f1', type=float, default=0)
    parser.add_argument('--min-deadline', type=float, default=0)
    parser.add_argument('--min-class', type=float, default=0)
    parser.add_argument('--max-fp', type=float, default=1)
    parser.add_argument('--max-gap', type=float, default=0.03, help='mode both: how far the F1 values may lie apart')
    parser.add_argument('--timeout', type=int, default=300, help='seconds to wait for the worker')
    parser.add_argument('--tags', action='store_true', help='also the counts for each phenomenon')
    parser.add_argument('--errors', type=int, default=0, help='how many errors to print; they quote the mails')
    options = parser.parse_args()

    corpus = options.corpus
    if not (corpus / 'labels.jsonl').exists():
        sys.exit('%s holds no labels.jsonl' % corpus)
    labels = [json.loads(line) for line in (corpus / 'labels.jsonl').read_text('utf-8').splitlines() if line.strip()]
    # The shared sample keeps its mails in a folder beside the labels.
    folder = corpus / 'corpus' if (corpus / 'corpus').is_dir() else corpus

    ways = {'direct': extract_directly, 'pipeline': extract_by_worker}
    modes = ('direct', 'pipeline') if options.mode == 'both' else (options.mode,)
    scores, good = [], True
    for mode in modes:
        print('-- ' + mode)
        chosen = [label for label in labels if mode == 'pipeline' or not label['malformed']]
        answers = ways[mode](folder, chosen, options)
        score = judge_all(labels, answers, options)
        lost = [label['file'] for label in chosen if label['malformed'] and label['file'] not in answers]
        if lost:
            print('malformed mails without a row: ' + ' '.join(lost))
        print(score.line())
        scores.append(score)
        good = good and not lost and (score.f1() >= options.min_f1 and score.deadline() >= options.min_deadline and
                         score.class_share() >= options.min_class and score.alarm_share() <= options.max_fp)
    if len(scores) == 2:
        gap = abs(scores[0].f1() - scores[1].f1())
        print('gap=%.3f' % gap)
        good = good and gap <= options.max_gap
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
