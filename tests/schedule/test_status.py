"""Rates' denominators: SISAQOL (Coens 2020), one test per clause, both sides of each boundary.

M3 here: opens day 77, target 91, closes 112, late until 126.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from qol_app.schedule.history import Event, History
from qol_app.schedule.status import (
    AssessmentFacts,
    AssessmentState,
    Expectation,
    Flag,
    answer_flags,
    assessment_state,
    is_complete,
    is_expected,
    proposed_reason,
    proposes_lost,
)
from tests.schedule.schedule_factories import BRECLIM, day, make_history, noon, planned

pytestmark = pytest.mark.pure

ALIVE = make_history()
EMPTY = AssessmentFacts(window=planned(ALIVE)["M3", 1].window, timepoint="M3")
LATER = day(200)


def answered(on, valid=True):
    return replace(EMPTY, started_at=noon(on), submitted_at=noon(on), valid=valid)


def held(start, until, reason="too_ill"):
    details = {"until": day(until).isoformat(), "reason": reason}
    return History([*ALIVE.events, Event("hold", day(start), details)])


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (76, Expectation.PENDING),
        (112, Expectation.PENDING),
        (113, Expectation.EXPECTED),
    ],
)
def test_an_unanswered_one_is_judged_the_day_after_closing(today, expected):
    assert is_expected(EMPTY, ALIVE, day(today)) is expected


def test_an_answer_is_judged_at_once():
    assert is_expected(answered(80), ALIVE, day(80)) is Expectation.EXPECTED
    assert is_complete(answered(80), ALIVE, day(80))


@pytest.mark.parametrize(
    ("died", "expected"),
    [
        (50, Expectation.DEAD),
        (91, Expectation.DEAD),
        (92, Expectation.DEAD),
        (112, Expectation.DEAD),
        (113, Expectation.EXPECTED),
    ],
)
def test_the_dead_leave_the_denominator_up_to_the_closing_day(died, expected):
    assert is_expected(EMPTY, make_history(("death", died)), LATER) is expected


def test_a_dead_persons_open_window_is_not_pending_but_not_expected():
    assert is_expected(EMPTY, make_history(("death", 80)), day(81)) is Expectation.DEAD


def test_a_death_that_has_not_happened_yet_changes_nothing():
    assert is_expected(EMPTY, make_history(("death", 113)), day(112)) is Expectation.PENDING


@pytest.mark.parametrize("kind", ["withdrawal_qol", "withdrawal_all"])
@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (50, Expectation.WITHDRAWN),
        (91, Expectation.WITHDRAWN),
        (92, Expectation.EXPECTED),
        (112, Expectation.EXPECTED),
    ],
)
def test_withdrawal_leaves_the_denominator_up_to_the_target_day(kind, left, expected):
    assert is_expected(EMPTY, make_history((kind, left)), LATER) is expected


@pytest.mark.parametrize(
    ("lost", "expected"),
    [(50, Expectation.LOST), (91, Expectation.LOST), (92, Expectation.EXPECTED)],
)
def test_declared_loss_counts_like_withdrawal(lost, expected):
    assert is_expected(EMPTY, make_history(("lost_to_follow_up", lost)), LATER) is expected


@pytest.mark.parametrize(
    ("found", "expected"), [(112, Expectation.EXPECTED), (113, Expectation.LOST)]
)
def test_somebody_found_again_before_closing_was_expected(found, expected):
    history = make_history(("lost_to_follow_up", 50), ("found_again", found))
    assert is_expected(EMPTY, history, LATER) is expected


def test_withdrawal_after_the_target_day_is_judged_when_the_window_closes():
    history = make_history(("withdrawal_qol", 95))
    assert is_expected(EMPTY, history, day(112)) is Expectation.PENDING
    assert is_expected(EMPTY, history, day(113)) is Expectation.EXPECTED
    assert assessment_state(EMPTY, history, day(112)) is AssessmentState.PENDING
    assert assessment_state(EMPTY, history, day(113)) is AssessmentState.MISSED


@pytest.mark.parametrize("kind", ["death", "withdrawal_qol", "lost_to_follow_up", "end_of_study"])
def test_whoever_answered_validly_was_expected_whatever_came_after(kind):
    history = make_history((kind, 85))
    assert is_expected(answered(80), history, LATER) is Expectation.EXPECTED
    assert is_complete(answered(80), history, LATER)


def test_answers_of_no_use_do_not_keep_the_dead_in_the_denominator():
    useless = answered(80, valid=False)
    assert is_expected(useless, make_history(("death", 91)), LATER) is Expectation.DEAD
    assert is_expected(useless, make_history(("death", 92)), LATER) is Expectation.EXPECTED
    assert not is_complete(useless, ALIVE, LATER)


@pytest.mark.parametrize("kind", ["hold", "treatment_stopped", "progression"])
def test_a_hold_or_stopped_treatment_keeps_somebody_in_the_denominator(kind):
    assert is_expected(EMPTY, make_history((kind, 60)), LATER) is Expectation.EXPECTED


def test_the_end_of_the_study_before_the_target_day_ends_expectation():
    assert is_expected(EMPTY, make_history(("end_of_study", 91)), LATER) is Expectation.ENDED
    assert is_expected(EMPTY, make_history(("end_of_study", 92)), LATER) is Expectation.EXPECTED


@pytest.mark.requirement("E5")
@pytest.mark.parametrize(("on", "complete"), [(76, False), (77, True), (112, True), (113, False)])
def test_only_answers_inside_the_window_complete_it(on, complete):
    assert is_complete(answered(on), ALIVE, LATER) is complete
    assert is_expected(answered(on), ALIVE, LATER) is Expectation.EXPECTED
    flags = answer_flags(answered(on), ALIVE)
    assert flags == (() if complete else (Flag.OUT_OF_WINDOW,))


def test_unsubmitted_valid_answers_complete_it_once_nothing_more_can_come():
    partly = replace(EMPTY, started_at=noon(80), last_answer_at=noon(81), valid=True)
    assert not is_complete(partly, ALIVE, day(112))
    assert is_complete(partly, ALIVE, day(113))
    assert assessment_state(partly, ALIVE, day(113)) is AssessmentState.PARTIAL
    died = make_history(("death", 85))
    assert is_expected(partly, died, day(86)) is Expectation.EXPECTED
    assert is_complete(partly, died, day(86))


def test_the_worked_example_of_a_completion_rate():
    # 100 randomised: 12 dead, 5 withdrawn, 3 whose window is open, 12 silent, 68 valid.
    people = (
        [(EMPTY, make_history(("death", 60)), LATER)] * 12
        + [(EMPTY, make_history(("withdrawal_qol", 60)), LATER)] * 5
        + [(EMPTY, ALIVE, day(100))] * 3
        + [(EMPTY, ALIVE, LATER)] * 12
        + [(answered(90), ALIVE, LATER)] * 68
    )
    expected = sum(is_expected(*person).counts for person in people)
    complete = sum(is_complete(*person) for person in people)
    old_enough = sum(is_expected(*person) is not Expectation.PENDING for person in people)
    assert (complete, expected, old_enough, len(people)) == (68, 80, 97, 100)
    assert round(100 * complete / expected, 1) == 85.0
    assert round(100 * complete / old_enough, 1) == 70.1


@pytest.mark.parametrize(
    ("today", "state"),
    [
        (76, AssessmentState.NOT_YET),
        (77, AssessmentState.OPEN),
        (112, AssessmentState.OPEN),
        (113, AssessmentState.MISSED),
    ],
)
def test_the_state_of_an_untouched_assessment_follows_its_window(today, state):
    assert assessment_state(EMPTY, ALIVE, day(today)) is state


@pytest.mark.requirement("E5")
@pytest.mark.parametrize(
    ("facts", "history", "today", "state"),
    [
        (answered(112), ALIVE, 112, AssessmentState.SUBMITTED),
        (answered(113), ALIVE, 113, AssessmentState.SUBMITTED_LATE),
        (replace(EMPTY, started_at=noon(80)), ALIVE, 90, AssessmentState.STARTED),
        (replace(EMPTY, reason="technical"), ALIVE, 120, AssessmentState.MISSED_EXPLAINED),
        (replace(EMPTY, dropped=True), ALIVE, 90, AssessmentState.DROPPED),
        (replace(EMPTY, merged_into=("PD", 1)), ALIVE, 90, AssessmentState.MERGED),
        (EMPTY, held(70, 95), 95, AssessmentState.HELD),
        (EMPTY, held(70, 95), 96, AssessmentState.OPEN),
        (EMPTY, make_history(("death", 80)), 80, AssessmentState.NOT_EXPECTED_DEAD),
        (EMPTY, make_history(("death", 80)), 79, AssessmentState.OPEN),
        (EMPTY, make_history(("withdrawal_qol", 80)), 85, AssessmentState.NOT_EXPECTED_WITHDRAWN),
        (EMPTY, make_history(("lost_to_follow_up", 80)), 85, AssessmentState.NOT_EXPECTED_LOST),
        (EMPTY, make_history(("end_of_study", 80)), 85, AssessmentState.NOT_EXPECTED_ENDED),
        (answered(90), make_history(("death", 95)), 130, AssessmentState.SUBMITTED),
    ],
)
def test_each_state_has_its_facts(facts, history, today, state):
    assert assessment_state(facts, history, day(today)) is state


def test_the_closing_day_is_the_participants_own():
    # 23:30 on the closing day in Stockholm is the next day in Auckland.
    at = datetime(2026, 5, 11, 23, 30, tzinfo=ZoneInfo("Europe/Stockholm"))
    assert EMPTY.window.closes == at.date()
    here = replace(EMPTY, submitted_at=at, valid=True)
    assert assessment_state(here, ALIVE, LATER) is AssessmentState.SUBMITTED
    there = replace(here, zone=ZoneInfo("Pacific/Auckland"))
    assert assessment_state(there, ALIVE, LATER) is AssessmentState.SUBMITTED_LATE


@pytest.mark.parametrize(("on", "flagged"), [(-1, False), (0, False), (1, True)])
def test_answers_after_the_day_of_randomisation_are_after_allocation(on, flagged):
    facts = replace(answered(on), window=planned(ALIVE)["T0", 1].window)
    flags = answer_flags(facts, ALIVE, before_allocation=True)
    assert (Flag.AFTER_ALLOCATION in flags) is flagged
    assert (Flag.OUT_OF_WINDOW in flags) is flagged


@pytest.mark.parametrize(("minutes", "flagged"), [(-1, False), (0, True)])
def test_on_the_day_itself_the_hour_of_recording_decides(minutes, flagged):
    recorded = Event("randomisation", day(0), {"arm": "A"}, recorded_at=noon(0))
    history = History([Event("consent", day(-7)), recorded])
    at = noon(0) + timedelta(minutes=minutes)
    facts = replace(EMPTY, window=planned(history)["T0", 1].window, started_at=at, submitted_at=at)
    flags = answer_flags(facts, history, before_allocation=True)
    assert (Flag.AFTER_ALLOCATION in flags) is flagged


@pytest.mark.parametrize(
    ("reason", "proposed"),
    [("too_ill", "too_ill"), ("hospice", "too_ill"), ("language", "language_or_reading")],
)
def test_a_hold_proposes_the_reason_for_a_missed_window(reason, proposed):
    assert proposed_reason(EMPTY, held(88, 120, reason)) == proposed
    assert proposed_reason(EMPTY, ALIVE) is None


MISSED, EXPLAINED = AssessmentState.MISSED, AssessmentState.MISSED_EXPLAINED
ANSWERED, OPEN = AssessmentState.SUBMITTED, AssessmentState.OPEN


@pytest.mark.parametrize(
    ("states", "failed_calls", "proposed"),
    [
        ([ANSWERED, MISSED, EXPLAINED, OPEN], 1, True),
        ([ANSWERED, MISSED, EXPLAINED, OPEN], 0, False),
        ([MISSED, ANSWERED, MISSED, OPEN], 1, False),
        ([MISSED, MISSED, ANSWERED], 3, False),
        ([OPEN], 3, False),
    ],
)
def test_two_missed_in_a_row_and_a_failed_call_propose_a_loss(states, failed_calls, proposed):
    assert proposes_lost(BRECLIM.stops, states, failed_calls) is proposed


def test_an_instant_without_a_zone_is_refused():
    naive = datetime(2026, 5, 11, 12)  # noqa: DTZ001
    with pytest.raises(ValueError, match="without a zone"):
        assessment_state(replace(EMPTY, submitted_at=naive), ALIVE, LATER)
