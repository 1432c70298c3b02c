"""The proof holds for the shipped protocol, and fails where it should."""

from datetime import date

import pytest

from qol_app.definition.protocol import ChannelRules
from qol_app.schedule import proof as proving
from qol_app.schedule import timeline as timelines
from qol_app.schedule.proof import prove
from tests.schedule.schedule_factories import BRECLIM, changed

pytestmark = pytest.mark.slow

FIRST = date(2026, 1, 1)


def failed(protocol, **options):
    found = prove(protocol, FIRST, years=1, stride=options.pop("stride", 61), **options)
    return {claim.text for claim in found.claims if not claim.holds}


def test_the_shipped_protocol_holds_for_ten_years():
    found = prove(BRECLIM, FIRST, years=10, stride=97)
    assert [claim for claim in found.claims if not claim.holds] == []
    assert all(claim.checked > 0 for claim in found.claims)
    assert found.holds
    assert (found.first, found.last) == (FIRST, date(2036, 1, 1))


def test_every_starting_day_is_walked_and_counted():
    done = []
    prove(BRECLIM, FIRST, years=1, stride=100, progress=lambda n, of: done.append((n, of)))
    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)]


def contact(**fields):
    return BRECLIM.model_copy(update={"contact": BRECLIM.contact.model_copy(update=fields)})


@pytest.mark.parametrize(
    ("protocol", "claim"),
    [
        (changed("M3", opens=50), proving.OVERLAP),
        (changed("M3", day=120), proving.ORDERED),
        (contact(send_hour=21), proving.QUIET),
        (contact(quiet_until=2, quiet_from=24), proving.CLOCK),
        (changed("M3", arms=("A",)), proving.ALIKE),
    ],
)
def test_a_broken_protocol_fails_the_claim_it_breaks(protocol, claim):
    # None of these could be loaded from a file: the checks refuse them before.
    assert claim in failed(protocol, stride=30)


def test_somebody_no_channel_may_reach_in_a_window_is_found():
    only_sms = contact(channels={"sms": ChannelRules(weekends=False, holidays=False)})
    short = changed("M3", only_sms, opens=90, day=91, closes=91)
    assert proving.REACHED in failed(short, stride=1)


def test_an_example_is_given_against_a_claim_that_fails():
    found = prove(changed("M3", opens=50), FIRST, years=1, stride=61)
    (overlap,) = [claim for claim in found.claims if claim.text == proving.OVERLAP]
    assert overlap.against[0].startswith("W6#1 ")
    assert len(overlap.against) == proving.EXAMPLES


def test_reminders_of_the_dead_and_of_those_on_hold_are_found(monkeypatch):
    """A control that must fail: nobody looks at what has happened."""
    monkeypatch.setattr(timelines, "_may_go", lambda *_: True)
    assert failed(BRECLIM, stride=20) == {proving.STOPPED}


def test_a_worker_without_restraint_is_caught(monkeypatch):
    """A control that must fail: everything is sent twice over."""
    real = proving.run_worker

    def careless(protocol, history, zone, preferences):
        for sent in real(protocol, history, zone, preferences):
            yield sent
            yield sent

    monkeypatch.setattr(proving, "run_worker", careless)
    assert failed(BRECLIM, stride=400) == {proving.WORKER_DAILY, proving.WORKER_ONCE}
