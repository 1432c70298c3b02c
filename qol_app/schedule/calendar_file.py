"""Windows as an iCalendar file, for a participant's or a coordinator's calendar.

A calendar is synchronised to devices other people see, so it carries the timepoint's neutral
title and nothing else; RFC 5545 asks for a UID that stays and a SEQUENCE that grows.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from icalendar import Calendar, Event

from qol_app.definition.protocol import Protocol
from qol_app.schedule.planned import Key
from qol_app.schedule.timeline import TimelineEntry
from qol_app.schedule.windows import DAY

PRODUCT = "-//qol-app//schedule//EN"
# A reminder has no length; a quarter of an hour is shown as a line in every calendar.
REMINDER_LENGTH = timedelta(minutes=15)
A_YEAR = timedelta(days=366)


def calendar_file(
    protocol: Protocol,
    entries: Sequence[TimelineEntry],
    uid: Callable[[Key], str],
    made_at: datetime,
    language: str = "en",
    sequence: Callable[[Key], int] = lambda key: 0,
    with_reminders: bool = True,
) -> bytes:
    """Return an iCalendar file of windows as whole days and reminders as short entries.

    Parameters
    ----------
    protocol : Protocol
    entries : sequence of TimelineEntry
        Those merged into others are left out: they are asked together.
    uid : callable
        From an assessment's key to an identifier that never changes and tells nothing.
    made_at : datetime
        Aware; becomes DTSTAMP.
    language : str
        Of the titles.
    sequence : callable
        From a key to how often its window has moved, so that calendars take the change.
    with_reminders : bool
        Without, only the windows: what a participant gets with the first message.
    """
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for entry in entries:
        one = entry.assessment
        if one.merged_into is not None:
            continue
        title = protocol.timepoint(one.timepoint).title
        summary = title.get(language) or next(iter(title.values()))
        identity = (uid(one.key), sequence(one.key), made_at)
        calendar.add_component(_all_day(identity, summary, one.window.opens, one.window.closes))
        for reminder in entry.reminders if with_reminders else ():
            name = (f"{identity[0]}-{reminder.step}", *identity[1:])
            calendar.add_component(
                _timed(name, f"{summary}: {reminder.step}", reminder.local, REMINDER_LENGTH)
            )
    if entries:
        # A year more on either side, so that the rule in force on the first day is in it.
        first = min(entry.assessment.window.opens for entry in entries) - A_YEAR
        last = max(entry.assessment.window.closes for entry in entries) + A_YEAR
        calendar.add_missing_timezones(first_date=first, last_date=last)
    return calendar.to_ical()


def _all_day(identity: tuple[str, int, datetime], summary: str, opens: date, closes: date) -> Event:
    # DTEND is the first day that no longer belongs (RFC 5545, 3.6.1).
    event = _event(identity, summary, opens, closes + DAY)
    event.add("transp", "TRANSPARENT")
    return event


def _timed(
    identity: tuple[str, int, datetime], summary: str, start: datetime, length: timedelta
) -> Event:
    return _event(identity, summary, start, start + length)


def _event(identity: tuple[str, int, datetime], summary: str, start: date, end: date) -> Event:
    uid, sequence, made_at = identity
    event = Event()
    event.add("uid", uid)
    event.add("sequence", sequence)
    event.add("dtstamp", made_at)
    event.add("summary", summary)
    event.add("dtstart", start)
    event.add("dtend", end)
    return event
