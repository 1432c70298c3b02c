"""What is expected of a participant: dates, packages, merging, identity."""

from datetime import date

import pytest

from qol_app.definition.protocol import EndOfFollowUp, PackageChoice, Repeat, Timepoint
from qol_app.schedule.history import Event, History
from qol_app.schedule.plan import plan
from tests.schedule.schedule_factories import (
    BRECLIM,
    CORE,
    FULL,
    changed,
    day,
    make_history,
    planned,
)

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("code", "opens", "target", "closes"),
    [("T0", -28, 0, 0), ("W6", 35, 42, 56), ("M3", 77, 91, 112), ("M36", 1054, 1096, 1156)],
)
def test_windows_count_days_from_randomisation(code, opens, target, closes):
    window = planned(make_history())[code, 1].window
    assert (window.opens, window.target, window.closes) == (day(opens), day(target), day(closes))


def test_both_arms_are_asked_the_same_on_the_same_days():
    assert plan(BRECLIM, make_history(arm="A")) == plan(BRECLIM, make_history(arm="B"))


def test_ten_assessments_follow_from_randomisation_alone():
    codes = [one.timepoint for one in plan(BRECLIM, make_history())]
    assert codes == ["T0", "W6", "M3", "M6", "M9", "M12", "M18", "M24", "M30", "M36"]


def test_nothing_is_expected_of_somebody_who_has_not_consented():
    assert plan(BRECLIM, History()) == ()


def test_the_first_questionnaire_can_be_answered_before_randomisation():
    consent = History([Event("consent", date(2026, 1, 5))])
    (first,) = plan(BRECLIM, consent)
    assert first.key == ("T0", 1)
    assert first.provisional
    assert first.window.opens == date(2026, 1, 5)
    assert first.window.closes == date(2026, 2, 2)


def test_randomisation_makes_the_provisional_window_final_and_keeps_its_key():
    first = planned(make_history())["T0", 1]
    assert not first.provisional
    assert (first.window.opens, first.window.closes) == (day(-28), day(0))


def test_late_answers_are_taken_for_fourteen_days():
    window = planned(make_history())["W6", 1].window
    assert window.late_until == day(70)
    assert window.accepts(day(70))
    assert not window.accepts(day(71))
    assert not window.contains(day(57))


def test_late_answers_end_before_the_next_window_opens():
    history, protocol = make_history(), changed("W6", closes=70)
    assert planned(history, protocol)["W6", 1].window.late_until == day(76)


@pytest.mark.parametrize(
    ("progression", "host"),
    [(76, None), (77, ("M3", 1)), (91, ("M3", 1)), (105, ("M3", 1)), (106, None)],
)
def test_an_event_within_fourteen_days_is_asked_together_with_the_scheduled_one(progression, host):
    found = planned(make_history(("progression", progression)))
    assert found["PD", 1].merged_into == host
    assert found["M3", 1].counts_for == ((("PD", 1),) if host else ())
    assert found["PD", 1].window.opens == day(progression)


def test_what_is_asked_together_asks_for_all_instruments_in_protocol_order():
    found = planned(make_history(("progression", 42)))
    assert found["PD", 1].merged_into == ("W6", 1)
    assert found["W6", 1].instruments == FULL
    assert found["W6", 1].own_instruments == CORE
    assert found["M9", 1].instruments == CORE


def test_an_event_never_moves_the_scheduled_window():
    with_event = planned(make_history(("progression", 85)))["M3", 1]
    assert with_event.window == planned(make_history())["M3", 1].window


def test_an_event_just_after_a_window_has_closed_is_asked_by_itself():
    # Five days from the baseline's target, yet no day counts for both.
    found = planned(make_history(("new_treatment_line", 5)))
    assert found["TX", 1].merged_into is None


def test_two_events_close_together_are_asked_once():
    found = planned(make_history(("progression", 125), ("new_treatment_line", 130)))
    assert found["TX", 1].merged_into == ("PD", 1)
    assert found["PD", 1].counts_for == (("TX", 1),)


def test_each_progression_has_its_own_assessment():
    found = planned(make_history(("progression", 130), ("progression", 450)))
    assert found["PD", 1].anchor_on == day(130)
    assert found["PD", 2].anchor_on == day(450)


def test_a_numbered_event_keeps_its_assessment_when_an_earlier_one_is_recorded_later():
    events = [
        *make_history().events,
        Event("progression", day(450), number=1),
        Event("progression", day(130), number=2),
    ]
    found = planned(History(events))
    assert found["PD", 1].anchor_on == day(450)
    assert found["PD", 2].anchor_on == day(130)


def test_an_event_after_the_end_of_follow_up_asks_nothing():
    assert ("PD", 1) in planned(make_history(("progression", 1156)))
    assert ("PD", 1) not in planned(make_history(("progression", 1157)))


def test_an_optional_timepoint_is_off_until_the_protocol_turns_it_on():
    history = make_history(("liver_procedure", 200))
    assert ("S30", 1) not in planned(history)
    on = changed("S30", enabled=True)
    assert planned(history, on)["S30", 1].window.opens == day(223)
    assert ("S30", 1) not in planned(make_history(("liver_procedure", 200), arm="B"), on)


@pytest.mark.parametrize(
    ("event", "reason"),
    [("death", "death"), ("withdrawal_all", "withdrawal"), ("end_of_study", "end_of_study")],
)
def test_what_opens_after_the_end_says_why_it_will_not_be_asked(event, reason):
    found = planned(make_history((event, 155)))
    assert found["M3", 1].dropped_reason is None
    assert found["M6", 1].dropped_reason == reason
    assert len(found) == 10


def test_a_package_may_depend_on_arm_and_language():
    choices = (
        PackageChoice(package="core", arm="B", language="sv"),
        PackageChoice(package="lmc21", language="sv"),
    )
    protocol = changed("M3", choices=choices)
    swedish_b = planned(make_history(arm="B"), protocol, "sv")["M3", 1]
    assert swedish_b.package == "core"
    assert planned(make_history(arm="A"), protocol, "sv")["M3", 1].package == "lmc21"
    assert planned(make_history(arm="B"), protocol, "en")["M3", 1].package == "full"


def test_a_repeat_counts_occurrences_from_one():
    weekly = changed("W6", opens=1, day=1, closes=3, repeat=Repeat(every_days=7, times=10))
    found = planned(make_history(), weekly)
    assert found["W6", 1].window.target == day(1)
    assert found["W6", 10].window.target == day(64)
    assert ("W6", 11) not in found


def test_a_repeat_without_times_runs_to_the_end_of_follow_up():
    monthly = changed("W6", repeat=Repeat(every_days=30)).model_copy(
        update={"end_of_follow_up": EndOfFollowUp(anchor="randomisation", day=162)}
    )
    found = planned(make_history(), monthly)
    assert found["W6", 5].window.target == day(162)
    assert ("W6", 6) not in found


def test_repeating_more_often_renumbers_no_later_event():
    history = make_history(("progression", 130), ("progression", 450))
    for times in (2, 5):
        protocol = changed("PD", repeat=Repeat(every_days=30, times=times))
        assert planned(history, protocol)["PD", 1001].anchor_on == day(450)


def test_a_timepoint_may_count_from_another_timepoints_target():
    later = Timepoint(
        code="M3B", title={}, anchor="M3", day=30, opens=25, closes=35, package="core"
    )
    protocol = BRECLIM.model_copy(update={"timepoints": (*BRECLIM.timepoints, later)})
    assert planned(make_history(), protocol)["M3B", 1].window.target == day(121)


def test_the_order_in_which_events_were_entered_does_not_matter():
    history = make_history(("progression", 130), ("new_treatment_line", 140))
    assert plan(BRECLIM, History(reversed(history.events))) == plan(BRECLIM, history)


def test_a_leap_day_is_a_day_like_any_other():
    history = History(
        [Event("consent", date(2024, 1, 2)), Event("randomisation", date(2024, 2, 1))]
    )
    # 2024-02-29 lies between: 42 days after 1 February is 14 March.
    assert planned(history)["W6", 1].window.target == date(2024, 3, 14)
