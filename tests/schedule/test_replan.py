"""A correction moves what has not begun and leaves alone what has."""

from datetime import date, timedelta

import pytest

from qol_app.schedule.history import Event, History
from qol_app.schedule.plan import plan
from qol_app.schedule.replan import ExistingAssessment, expected_after, replan
from tests.schedule.schedule_factories import (
    BRECLIM,
    CORE,
    FULL,
    RANDOMISED,
    changed,
    day,
    keys,
    make_history,
    row,
)

pytestmark = pytest.mark.pure


def rows(history, **begun_on):
    """Return rows for a plan; ``W6=40`` means W6 was begun on day 40."""
    return [
        row(one, one.timepoint in begun_on, day(begun_on.get(one.timepoint, 0)))
        for one in plan(BRECLIM, history)
    ]


def test_the_same_plan_changes_nothing():
    history = make_history(("progression", 85))
    assert replan(rows(history), plan(BRECLIM, history)).changes_nothing


def test_a_corrected_date_moves_what_has_not_begun_and_keeps_what_has():
    later = History(
        [
            Event("consent", day(-7)),
            Event("randomisation", RANDOMISED + timedelta(days=5), {"arm": "A"}),
        ]
    )
    change = replan(rows(make_history(), T0=-3, W6=40), plan(BRECLIM, later))
    assert keys(change.kept) == [("T0", 1), ("W6", 1)]
    assert keys(change.moved) == [
        (code, 1) for code in ("M3", "M6", "M9", "M12", "M18", "M24", "M30", "M36")
    ]
    assert change.moved[0].planned.window.target == day(96)
    assert change.added == change.dropped == ()


def test_after_a_correction_what_has_begun_stands_as_it_was_and_the_rest_as_planned():
    later = History(
        [
            Event("consent", day(-7)),
            Event("randomisation", RANDOMISED + timedelta(days=5), {"arm": "A"}),
        ]
    )
    wanted = plan(BRECLIM, later)
    after = expected_after(replan(rows(make_history(), W6=40), wanted), wanted)
    before = {one.key: one for one in plan(BRECLIM, make_history())}
    assert [one.key for one in after] == [one.key for one in wanted]
    for one, planned in zip(after, wanted, strict=True):
        own = before[one.key] if one.timepoint == "W6" else planned
        assert one.window == own.window
        assert one.instruments == own.instruments


def test_what_has_begun_is_still_expected_when_its_event_is_taken_back():
    given, taken_back = make_history(("progression", 130)), make_history()
    stored = [row(one, one.timepoint == "PD", day(131)) for one in plan(BRECLIM, given)]
    wanted = plan(BRECLIM, taken_back)
    after = {one.key: one for one in expected_after(replan(stored, wanted), wanted)}
    assert after["PD", 1].window.target == day(130)
    assert set(after) - {("PD", 1)} == {one.key for one in wanted}


def test_a_new_event_adds_its_assessment():
    change = replan(rows(make_history()), plan(BRECLIM, make_history(("progression", 125))))
    assert keys(change.added) == [("PD", 1)]
    assert change.moved == change.dropped == ()


def test_an_event_that_never_was_drops_its_assessment_unless_begun():
    with_event = make_history(("progression", 125))
    assert keys(replan(rows(with_event), plan(BRECLIM, make_history())).dropped) == [("PD", 1)]
    change = replan(rows(with_event, PD=126), plan(BRECLIM, make_history()))
    assert ("PD", 1) in keys(change.kept)
    assert change.dropped == ()


def test_a_dropped_row_that_is_wanted_again_comes_back():
    history = make_history(("progression", 125))
    gone = [
        ExistingAssessment(one.key, one.window, one.package, False, one.instruments, dropped=True)
        if one.key == ("PD", 1)
        else one
        for one in rows(history)
    ]
    assert keys(replan(gone, plan(BRECLIM, history)).moved) == [("PD", 1)]
    assert replan(gone, plan(BRECLIM, make_history())).changes_nothing


def test_an_event_merges_into_what_has_not_begun():
    change = replan(rows(make_history()), plan(BRECLIM, make_history(("progression", 42))))
    assert keys(change.moved) == [("W6", 1)]
    assert change.moved[0].planned.instruments == FULL
    assert change.added[0].merged_into == ("W6", 1)


def test_what_was_answered_before_the_event_does_not_count_for_it():
    change = replan(rows(make_history(), M3=80), plan(BRECLIM, make_history(("progression", 85))))
    assert ("M3", 1) in keys(change.kept)
    assert keys(change.added) == [("PD", 1)]
    assert change.added[0].merged_into is None


def test_what_was_answered_after_the_event_counts_for_it_though_recorded_later():
    change = replan(rows(make_history(), M3=90), plan(BRECLIM, make_history(("progression", 85))))
    assert change.added[0].merged_into == ("M3", 1)


def test_what_was_answered_without_all_its_instruments_does_not_count_for_an_event():
    change = replan(rows(make_history(), W6=45), plan(BRECLIM, make_history(("progression", 42))))
    assert change.added[0].merged_into is None


def test_what_was_begun_as_a_pair_stays_a_pair():
    history = make_history(("progression", 85))
    assert replan(rows(history, M3=90), plan(BRECLIM, history)).changes_nothing


def test_an_event_answered_by_itself_does_not_widen_the_scheduled_one_afterwards():
    alone = make_history(("progression", 60))
    near = make_history(("progression", 56))
    change = replan(rows(alone, PD=61), plan(BRECLIM, near))
    assert change.changes_nothing
    w6 = next(one for one in rows(alone) if one.key == ("W6", 1))
    assert w6.instruments == CORE


def test_randomisation_replaces_a_provisional_window_even_when_begun():
    consented = History([Event("consent", day(-7))])
    (first,) = plan(BRECLIM, consented)
    begun = row(first, begun=True, begun_on=day(-6))
    change = replan([begun], plan(BRECLIM, make_history()))
    assert keys(change.moved) == [("T0", 1)]
    assert change.moved[0].planned.window.closes == RANDOMISED


def test_every_assessment_is_in_exactly_one_part():
    before = rows(make_history(("progression", 85)), W6=40)
    after = plan(changed("M9", enabled=False), make_history(("new_treatment_line", 200)))
    change = replan(before, after)
    parts = [*keys(change.kept), *keys(change.moved), *keys(change.added), *keys(change.dropped)]
    assert len(parts) == len(set(parts))
    assert set(parts) == {one.key for one in before} | {one.key for one in after}


def test_dates_before_the_study_plan_like_any_other():
    assert plan(BRECLIM, History([Event("consent", date(1999, 12, 31))]))
