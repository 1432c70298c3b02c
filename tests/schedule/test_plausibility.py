"""An event that cannot be true is refused in words; an odd one has to be confirmed."""

from datetime import timedelta

import pytest

from qol_app.schedule.history import Event, History
from qol_app.schedule.plausibility import check_event
from tests.schedule.schedule_factories import BRECLIM, RANDOMISED, day, make_history

pytestmark = pytest.mark.pure

TODAY = day(400)
CONSENTED = History([Event("consent", day(-7))])


def found(event, history=None, today=TODAY):
    findings = check_event(BRECLIM, history or make_history(), event, today)
    return [(one.severity.value, one.code) for one in findings]


def hold(on=300, until=310, reason="travel"):
    details = {"reason": reason} if reason else {}
    if until is not None:
        details["until"] = until if isinstance(until, str) else day(until).isoformat()
    return Event("hold", day(on), details)


@pytest.mark.parametrize(
    ("event", "history"),
    [
        (Event("consent", day(-7)), History()),
        (Event("randomisation", day(0), {"arm": "B"}), CONSENTED),
        (Event("progression", day(200)), None),
        (Event("progression", day(200)), make_history(("progression", 100))),
        (Event("death", TODAY), make_history(("last_known_alive", 400))),
        (
            Event("adverse_event", day(200), {"term": "Nausea", "grade": "5"}),
            make_history(("death", 200)),
        ),
        (hold(), None),
        (Event("hold_ended", day(305)), make_history(("hold", 300))),
        (Event("found_again", day(305)), make_history(("lost_to_follow_up", 300))),
    ],
)
def test_a_plausible_event_raises_no_doubt(event, history):
    assert found(event, history) == []


@pytest.mark.parametrize(
    ("event", "history", "code"),
    [
        (Event("relapse", day(200)), None, "unknown_event"),
        (Event("progression", day(401)), None, "future"),
        (Event("death", day(401)), None, "future"),
        (Event("progression", day(301)), make_history(("death", 300)), "after_death"),
        (Event("death", day(299)), make_history(("last_known_alive", 300)), "death_before_alive"),
        (Event("death", day(300)), make_history(("death", 300)), "again"),
        (Event("randomisation", day(0), {"arm": "A"}), History(), "no_consent"),
        (Event("randomisation", day(-8), {"arm": "A"}), CONSENTED, "before_consent"),
        (Event("randomisation", day(0)), CONSENTED, "no_arm"),
        (Event("randomisation", day(0), {"arm": "C"}), CONSENTED, "unknown_arm"),
        (
            Event("consent", day(1)),
            History([Event("randomisation", RANDOMISED, {"arm": "A"})]),
            "before_consent",
        ),
        (hold(reason=None), None, "hold_reason"),
        (hold(reason="lazy"), None, "hold_reason"),
        (hold(until="Easter"), None, "hold_until"),
        (hold(until=299), None, "hold_until"),
        (Event("hold_ended", day(305)), None, "nothing_to_end"),
        (Event("found_again", day(305)), None, "nothing_to_end"),
        (Event("hold_ended", day(299)), make_history(("hold", 300)), "nothing_to_end"),
    ],
)
def test_an_impossible_event_is_refused(event, history, code):
    assert ("refuse", code) in found(event, history)


@pytest.mark.parametrize(
    ("event", "history", "code"),
    [
        (hold(401, 410), None, "future"),
        (hold(until=None), None, "hold_open"),
        (hold(200, 381), None, "hold_long"),
        (Event("progression", day(100)), make_history(("progression", 100)), "same_day"),
        (Event("progression", day(-8)), None, "before_consent"),
        (Event("death", day(100)), make_history(("progression", 101)), "death_before_events"),
        (Event("randomisation", day(22), {"arm": "A"}), CONSENTED, "long_after_consent"),
    ],
)
def test_an_odd_event_has_to_be_confirmed(event, history, code):
    assert found(event, history) == [("confirm", code)]


def test_a_hold_of_exactly_the_longest_length_is_not_odd():
    assert found(hold(200, 380)) == []


def test_every_wrong_detail_is_refused_by_its_name():
    event = Event("adverse_event", day(200), {"term": "Nausea", "grade": "6", "colour": "red"})
    findings = check_event(BRECLIM, make_history(), event, TODAY)
    assert [one.text for one in findings] == [
        f"adverse_event on {day(200)}: grade: found '6'; wanted a whole number from 1 to 5",
        f"adverse_event on {day(200)}: colour: found an unknown detail; "
        "wanted one of term, grade, clavien_dindo",
    ]
    assert {(one.severity.value, one.code) for one in findings} == {("refuse", "detail")}


def test_nothing_is_older_than_the_study():
    long_ago = Event("consent", BRECLIM.study_started_on - timedelta(days=1))
    assert found(long_ago, History()) == [("refuse", "before_study")]
    assert found(Event("consent", BRECLIM.study_started_on), History()) == []


def test_a_finding_says_what_is_wrong_and_what_to_do():
    (finding,) = check_event(
        BRECLIM, make_history(("death", 300)), Event("progression", day(301)), TODAY
    )
    assert finding.text == (
        f"progression on {day(301)}: is after the recorded death on {day(300)};"
        " if that date is wrong, correct it first"
    )
