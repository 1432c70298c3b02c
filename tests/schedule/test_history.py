"""One function answers whether a person may be contacted."""

from datetime import date

import pytest

from qol_app.errors import QolError
from qol_app.schedule.history import Contact, Event, History

pytestmark = pytest.mark.pure

CONSENT = Event("consent", date(2026, 1, 1))


def state(on, *events):
    found = History([CONSENT, *events]).contact_state(date(2026, 3, on))
    return found.state, found.reason


@pytest.mark.parametrize("kind", ["death", "withdrawal_qol", "withdrawal_all", "end_of_study"])
def test_contact_stops_on_the_very_day(kind):
    event = Event(kind, date(2026, 3, 10))
    assert state(9, event) == (Contact.ACTIVE, None)
    assert state(10, event) == (Contact.STOPPED, kind)


def test_nobody_is_contacted_before_consent():
    assert History([]).contact_state(date(2026, 3, 1)).reason == "no_consent"
    assert not History([CONSENT]).contact_state(date(2025, 12, 31)).may_contact
    assert History([CONSENT]).contact_state(date(2026, 1, 1)).may_contact


def test_stopping_only_treatment_stops_no_contact():
    assert state(10, Event("treatment_stopped", date(2026, 3, 1))) == (Contact.ACTIVE, None)


@pytest.mark.parametrize(("on", "held"), [(4, False), (5, True), (12, True), (13, False)])
def test_a_hold_includes_its_first_and_last_day(on, held):
    hold = Event("hold", date(2026, 3, 5), {"until": "2026-03-12", "reason": "travel"})
    assert state(on, hold) == ((Contact.HELD, "travel") if held else (Contact.ACTIVE, None))


def test_a_hold_that_is_ended_early_ends_the_day_before():
    hold = Event("hold", date(2026, 3, 5), {"until": "2026-03-31", "reason": "too_ill"})
    ended = Event("hold_ended", date(2026, 3, 10))
    assert state(9, hold, ended)[0] is Contact.HELD
    assert state(10, hold, ended)[0] is Contact.ACTIVE


def test_an_open_ended_hold_lasts():
    hold = Event("hold", date(2026, 3, 5), {"reason": "hospice"})
    assert History([CONSENT, hold]).contact_state(date(2030, 1, 1)).state is Contact.HELD


def test_a_hold_until_no_date_is_refused_by_name():
    history = History([CONSENT, Event("hold", date(2026, 3, 5), {"until": "Easter"})])
    with pytest.raises(QolError, match=r"hold of 2026-03-05: until: found 'Easter'; wanted a date"):
        history.contact_state(date(2026, 3, 6))


def test_lost_and_found_again():
    lost = Event("lost_to_follow_up", date(2026, 3, 5))
    found = Event("found_again", date(2026, 3, 20))
    assert state(5, lost) == (Contact.STOPPED, "lost_to_follow_up")
    assert state(19, lost, found)[0] is Contact.STOPPED
    assert state(20, lost, found)[0] is Contact.ACTIVE


def test_death_is_named_before_a_hold_or_a_withdrawal():
    events = [Event(kind, date(2026, 3, 5)) for kind in ("hold", "withdrawal_all", "death")]
    assert state(6, *events) == (Contact.STOPPED, "death")


def test_what_history_knows_of_a_person():
    history = History(
        [
            CONSENT,
            Event("randomisation", date(2026, 1, 10), {"arm": "B"}),
            Event("withdrawal_all", date(2026, 5, 2)),
            Event("withdrawal_qol", date(2026, 5, 1)),
            Event("progression", date(2026, 4, 2)),
            Event("progression", date(2026, 3, 2)),
        ]
    )
    assert history.arm == "B"
    assert history.withdrawn_from_qol_on == date(2026, 5, 1)
    assert history.date_of("progression") == date(2026, 3, 2)
    assert [event.on.month for event in history.all("progression")] == [3, 4]
    assert history.date_of("death") is None
    assert history.until(date(2026, 3, 31)).withdrawn_from_qol_on is None
