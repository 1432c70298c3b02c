"""A calendar entry travels with the first e-mail about a questionnaire, and only with that."""

from datetime import date

from icalendar import Calendar
from sqlalchemy import select

from qol_app.db.tables import Participant
from qol_app.definition.message_lint import telling_words
from qol_app.services import events
from tests.messaging import TESTS, Provider, enrol, happen, live, make_worker, tick


def entry(message):
    (file,) = message.attachments
    assert file.media_type == "text/calendar"
    (event,) = Calendar.from_ical(file.content).walk("VEVENT")
    return event


def test_the_first_e_mail_brings_the_window_as_whole_days(runtime, clock):
    provider = Provider()
    enrol(runtime)
    live(make_worker(runtime, email=provider), clock, days=8)
    first, *later = provider.taken
    event = entry(first)
    assert (event.start, event.end) == (date(2026, 11, 23), date(2026, 12, 22))
    assert event["UID"].endswith("@qol.example.org")
    assert telling_words(str(event["SUMMARY"])) == ()
    assert len(later) == 2
    assert all(message.attachments == () for message in later)


def test_a_window_that_has_moved_says_so_to_calendars(runtime, clock):
    provider = Provider()
    participant = enrol(runtime)
    with runtime.writing(TESTS) as ctx:
        row = ctx.session.scalars(select(Participant)).one()
        (event_id,) = [one.id for one in events.course(ctx, participant).standing]
        events.correct(ctx, row, event_id, date(2026, 11, 22), {}, "typed wrongly", confirmed=True)
    tick(make_worker(runtime, email=provider))
    assert entry(provider.taken[0])["SEQUENCE"] == 1


def test_a_text_message_has_no_attachment(runtime):
    sms = Provider()
    participant = enrol(runtime)
    happen(runtime, participant, "last_known_alive", date(2026, 11, 23))
    tick(make_worker(runtime, sms=sms))
    assert all(message.attachments == () for message in sms.taken)
