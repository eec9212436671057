#!/usr/bin/env python3
"""Writes the demo's mailboxes: one Maildir per folder of test/data/demo, dated relative to today.

    test/lib/render_mails.py TODIR [--today YYYY-MM-DD] [--source test/data/demo]

Each folder of the source holds templates (NN-name.eml) and a file ZONE with the zone of its reader. Today is the day
of the system clock in that zone. A template names its dates by placeholders, {{what:day time zone}}:

    day    +3d or -1d: days from today; +3b: the third business day (Monday to Friday) after today
    time   09:12, for date and ics only; zone: an IANA name instead of the reader's

    {{date:-1d 09:12}}     Mon, 02 Mar 2026 09:12:00 +0100      {{weekday:+3b}}   Friday
    {{ics:+2b 10:00}}      20260305T090000Z                     {{day:+5b}}       10 March
    {{iso:+5d}}            2026-03-08                           {{monthday:+5b}}  March 10

Standard library only.
"""
import argparse
import os
import pathlib
import re
from datetime import date, datetime, time, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime
from zoneinfo import ZoneInfo

SOURCE = pathlib.Path(__file__).resolve().parent.parent / 'data' / 'demo'
DAYS = ('Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday')
MONTHS = ('January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October',
          'November', 'December')
PLACEHOLDER = re.compile(r'\{\{(\w+):([+-]\d+)([db])(?: (\d\d:\d\d))?(?: ([A-Z]\w+/\w+))?\}\}')


def move(today, count, unit):
    """The day `count` days or business days after (before) today; today itself never counts."""
    if unit == 'd':
        return today + timedelta(days=count)
    day, left, step = today, abs(count), 1 if count > 0 else -1
    while left:
        day += timedelta(days=step)
        left -= day.weekday() < 5
    return day


def render(text, today, zone):
    """A template with its placeholders filled in; what is no known placeholder is an error."""

    def fill(match):
        what, count, unit, clock, named_zone = match.groups()
        day = move(today, int(count), unit)
        moment = datetime.combine(day, time.fromisoformat(clock or '00:00'), ZoneInfo(named_zone) if named_zone else zone)
        if what == 'date':
            return format_datetime(moment)
        if what == 'ics':
            return moment.astimezone(timezone.utc).strftime('%Y%m%dT%H%M%SZ')
        return {'weekday': DAYS[day.weekday()], 'day': '%d %s' % (day.day, MONTHS[day.month - 1]),
                'monthday': '%s %d' % (MONTHS[day.month - 1], day.day), 'iso': day.isoformat()}[what]

    done = PLACEHOLDER.sub(fill, text)
    if '{{' in done:
        raise ValueError('unknown placeholder: ' + done[done.index('{{'):][:60])
    return done


def deliver(maildir, number, text):
    """Puts a message into new/ the way a delivery agent does: written in tmp/, then renamed."""
    sent = parsedate_to_datetime(re.search(r'^Date: (.*)$', text, re.M).group(1)).timestamp()
    name = '%d.M%06dP1.demo' % (sent, number)
    (maildir / 'tmp' / name).write_text(text, encoding='utf-8', newline='\n')
    os.utime(maildir / 'tmp' / name, (sent, sent))
    (maildir / 'tmp' / name).rename(maildir / 'new' / name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('todir', type=pathlib.Path)
    parser.add_argument('--today', type=date.fromisoformat, help='instead of the day of the system clock')
    parser.add_argument('--source', type=pathlib.Path, default=SOURCE)
    options = parser.parse_args()

    total = 0
    for folder in sorted(path.parent for path in options.source.glob('*/ZONE')):
        zone = ZoneInfo((folder / 'ZONE').read_text().strip())
        today = options.today or datetime.now(zone).date()
        maildir = options.todir / folder.name
        for part in ('tmp', 'new', 'cur'):
            (maildir / part).mkdir(parents=True, exist_ok=True)
        templates = sorted(folder.glob('*.eml'))
        for number, path in enumerate(templates, 1):
            try:
                deliver(maildir, number, render(path.read_text(encoding='utf-8'), today, zone))
            except (ValueError, KeyError) as error:
                raise SystemExit('%s: %s' % (path, error)) from error
        print('%s: %d mails' % (folder.name, len(templates)))
        total += len(templates)
    print('%d mails' % total)


if __name__ == '__main__':
    main()
