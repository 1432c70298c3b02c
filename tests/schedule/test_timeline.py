"""One view of a participant's schedule, and its calendar file."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from qol_app.schedule.calendar_file import calendar_file
from qol_app.schedule.history import Event, History
from qol_app.schedule.reminders import Preferences
from qol_app.schedule.timeline import compared, timeline
from tests.schedule.schedule_factories import BRECLIM, changed, day, make_history

pytestmark = pytest.mark.pure

STOCKHOLM = ZoneInfo("Europe/Stockholm")
BOTH = Preferences(channels=("email", "sms"))


def entries(history, zone=STOCKHOLM, preferences=BOTH, protocol=BRECLIM):
    return {one.assessment.key: one for one in timeline(protocol, history, zone, preferences)}


def steps(entry):
    return [(one.step, one.local.date()) for one in entry.reminders]


def test_nothing_is_shown_after_death_and_no_reminder_from_its_day_on():
    found = entries(make_history(("death", 42)))
    assert set(found) == {("T0", 1), ("W6", 1)}
    assert steps(found["W6", 1]) == [("opening", day(35)), ("day-3", day(38))]


def test_the_first_questionnaires_reminders_count_from_consent():
    assert steps(entries(make_history(consent=-14))["T0", 1])[0] == ("opening", day(-14))
    assert steps(entries(make_history(consent=-40))["T0", 1])[0] == ("opening", day(-28))


def test_what_falls_into_a_hold_goes_when_it_ends_the_latest_step_only():
    hold = Event("hold", day(36), {"until": day(43).isoformat(), "reason": "travel"})
    found = entries(History([*make_history().events, hold]))
    assert steps(found["W6", 1]) == [
        ("opening", day(35)),
        ("day-7", day(44)),
        ("call", day(46)),
        ("last", day(54)),
    ]


def test_a_participants_own_pause_stops_messages_and_not_calls():
    paused = Preferences(channels=("email",), paused_until=day(60))
    assert steps(entries(make_history(), preferences=paused)["W6", 1]) == [("call", day(46))]


def test_what_is_asked_with_another_has_no_reminders_of_its_own():
    found = entries(make_history(("progression", 85)))
    assert found["PD", 1].reminders == ()
    assert found["M3", 1].reminders


@pytest.mark.parametrize(
    ("event", "kinds"),
    [
        (("last_known_alive", 20), {}),
        # M3 lies near enough to ask both at once.
        (("progression", 85), {"M3": "changed", "PD": "added"}),
        (("progression", 130), {"PD": "added"}),
        (("hold", 36, {"until": day(39).isoformat(), "reason": "travel"}), {"W6": "reminders"}),
        (("death", 800), {"M30": "dropped", "M36": "dropped"}),
    ],
)
def test_two_timelines_are_compared_assessment_by_assessment(event, kinds):
    before = timeline(BRECLIM, make_history(), STOCKHOLM, BOTH)
    kind, number, *details = event
    later = History([*make_history().events, Event(kind, day(number), *details)])
    found = compared(before, timeline(BRECLIM, later, STOCKHOLM, BOTH))
    told = {one.entry.assessment.timepoint: one.kind for one in found}
    assert {name: kind for name, kind in told.items() if kind != "kept"} == kinds
    assert len(found) == len(told)
    opens = [one.entry.assessment.window.opens for one in found]
    assert opens == sorted(opens)


def test_a_corrected_date_moves_what_hangs_on_it():
    before = timeline(BRECLIM, make_history(), STOCKHOLM, BOTH)
    consent, randomised = make_history().events
    later = History([consent, Event("randomisation", day(1), randomised.details)])
    after = timeline(BRECLIM, later, STOCKHOLM, BOTH)
    assert {one.kind for one in compared(before, after)} == {"moved"}


def calendar(history, language="en", sequence=0, **options):
    content = calendar_file(
        BRECLIM,
        timeline(BRECLIM, history, STOCKHOLM, BOTH),
        uid=lambda key: f"{key[0].lower()}{key[1]}@example.org",
        made_at=datetime(2026, 1, 1, tzinfo=UTC),
        language=language,
        sequence=lambda key: sequence,
        **options,
    )
    return Calendar.from_ical(content)


def test_a_window_is_a_whole_day_entry_that_includes_its_closing_day():
    events = {str(one["uid"]): one for one in calendar(make_history()).walk("VEVENT")}
    w6 = events["w61@example.org"]
    assert w6.decoded("dtstart") == day(35)
    assert w6.decoded("dtend") == day(57)
    assert str(w6["summary"]) == "Questionnaire, week 6"
    assert w6["sequence"] == 0


def test_a_reminder_keeps_its_hour_in_a_calendar_of_any_zone():
    found = calendar(make_history())
    events = {str(one["uid"]): one for one in found.walk("VEVENT")}
    opening = events["w61@example.org-opening"].decoded("dtstart")
    assert opening.astimezone(UTC) == datetime(2026, 2, 23, 9, tzinfo=UTC)
    assert [str(zone["tzid"]) for zone in found.walk("VTIMEZONE")] == ["Europe/Stockholm"]


def test_a_corrected_date_keeps_uids_and_raises_the_sequence():
    first = calendar(make_history(), sequence=0)
    later = History([Event("consent", day(-7)), Event("randomisation", day(3), {"arm": "A"})])
    second = calendar(later, sequence=1)
    uids = {str(one["uid"]) for one in first.walk("VEVENT")}
    assert {str(one["uid"]) for one in second.walk("VEVENT")} <= uids
    assert {one["sequence"] for one in second.walk("VEVENT")} == {1}


def test_a_participants_file_holds_neutral_titles_in_the_own_language_only():
    found = calendar(make_history(("progression", 85)), "sv", with_reminders=False)
    events = list(found.walk("VEVENT"))
    assert [str(one["summary"]) for one in events][:2] == ["Första formuläret", "Formulär, vecka 6"]
    assert len(events) == 10
    assert set(events[0]) == {
        "UID", "SEQUENCE", "DTSTAMP", "SUMMARY", "DTSTART", "DTEND", "TRANSP",
    }  # fmt: skip


def test_an_empty_schedule_is_an_empty_calendar():
    assert list(calendar(History()).walk("VEVENT")) == []


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/St_Johns"])
def test_windows_are_the_participants_own_days_wherever_they_are(zone):
    here, there = entries(make_history()), entries(make_history(), ZoneInfo(zone))
    assert {k: one.assessment for k, one in here.items()} == {
        k: one.assessment for k, one in there.items()
    }
    assert steps(there["W6", 1]) == steps(here["W6", 1])
    assert there["W6", 1].reminders[0].at != here["W6", 1].reminders[0].at


def test_a_weekly_diary_stays_one_entry_each():
    weekly = changed("W6", opens=35, day=35, closes=37)
    assert entries(make_history(), protocol=weekly)["W6", 1].assessment.window.closes == date(
        2026, 2, 25
    )
