"""A reminder goes once, when it should and may, or not at all.

W6 here: opens Mon 2026-02-23, target Mon 03-02, closes Mon 2026-03-16.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from qol_app.definition.protocol import ReminderStep, When
from qol_app.schedule.history import Event, History
from qol_app.schedule.reminders import (
    Action,
    Kind,
    Preferences,
    due_steps,
    planned_reminders,
    waiting_reason,
)
from qol_app.schedule.status import AssessmentFacts
from qol_app.schedule.windows import VisitWindow
from tests.schedule.schedule_factories import BRECLIM, day, make_history, planned

pytestmark = pytest.mark.pure

STOCKHOLM = ZoneInfo("Europe/Stockholm")
BOTH = Preferences(channels=("email", "sms"))
SMS = Preferences(channels=("sms",))
W6 = planned(make_history())["W6", 1].window
FACTS = AssessmentFacts(window=W6, timepoint="W6")


def local(month, on, hour=11, minute=0):
    return datetime(2026, month, on, hour, minute, tzinfo=STOCKHOLM).astimezone(UTC)


def steps(preferences=BOTH, window=W6, zone=STOCKHOLM, protocol=BRECLIM):
    found = planned_reminders(protocol, window, zone, preferences, "W6")
    return [(one.step, one.channel, one.local.date()) for one in found]


def due(now, sent=(), facts=FACTS, history=None, preferences=BOTH, last=None):
    history = history or make_history()
    found = due_steps(BRECLIM, facts, history, set(sent), now, STOCKHOLM, preferences, last)
    return [(one.step, one.action.value, one.channel) for one in found]


def week(opens, closes):
    return VisitWindow(opens, opens, closes, closes)


def test_the_steps_of_an_assessment_fall_on_their_days():
    assert steps() == [
        ("opening", "email", date(2026, 2, 23)),
        ("day-3", "sms", date(2026, 2, 26)),
        ("day-7", "email", date(2026, 3, 2)),
        ("call", "", date(2026, 3, 6)),
        ("last", "email", date(2026, 3, 14)),
    ]


def test_the_call_comes_seven_days_after_target_or_ten_before_closing():
    m36 = planned(make_history())["M36", 1].window
    call = {step: on for step, _, on in steps(window=m36)}["call"]
    assert call == m36.target + timedelta(days=7)
    assert {step: on for step, _, on in steps()}["call"] == W6.closes - timedelta(days=10)


def test_no_text_message_at_weekends():
    # "last" would be Saturday 14 March; the Monday after is the closing day.
    assert steps(SMS)[-1] == ("last", "sms", date(2026, 3, 16))


def test_no_text_message_on_a_swedish_holiday():
    # 2026-05-01 is a Friday and a holiday, then the weekend.
    window = week(date(2026, 5, 1), date(2026, 5, 31))
    assert steps(SMS, window)[0] == ("opening", "sms", date(2026, 5, 4))
    assert steps(BOTH, window)[0] == ("opening", "email", date(2026, 5, 1))


def test_midsummer_eve_is_free_by_custom():
    window = week(date(2026, 6, 19), date(2026, 7, 19))
    assert steps(SMS, window)[0] == ("opening", "sms", date(2026, 6, 22))


def test_a_step_that_cannot_move_forward_before_closing_moves_back():
    # Closes on Sunday: the Saturday step finds Friday.
    window = VisitWindow(date(2026, 3, 2), date(2026, 3, 9), date(2026, 3, 15), date(2026, 3, 29))
    only_last = BRECLIM.model_copy(update={"reminders": (last_step(closes=-1),)})
    assert steps(SMS, window, protocol=only_last) == [("last", "sms", date(2026, 3, 13))]


def last_step(**when):
    return ReminderStep(code="last", when=When(**when))


def test_where_no_day_suits_another_channel_is_taken():
    weekend = week(date(2026, 3, 14), date(2026, 3, 15))
    only_last = BRECLIM.model_copy(update={"reminders": (last_step(opens=0),)})
    found = steps(Preferences(("sms", "email")), weekend, protocol=only_last)
    assert found == [("last", "email", date(2026, 3, 14))]
    assert steps(SMS, weekend, protocol=only_last) == []


def test_two_messages_never_fall_on_one_day():
    # Opening moves from Saturday to Tuesday after Easter, where day-3 already wants to be.
    window = week(date(2026, 4, 4), date(2026, 5, 4))
    days = [on for step, _, on in steps(SMS, window) if step != "call"]
    assert days[:3] == [date(2026, 4, 7), date(2026, 4, 8), date(2026, 4, 13)]


def test_somebody_with_one_channel_gets_everything_there():
    channels = {channel for step, channel, _ in steps(Preferences(("email",))) if step != "call"}
    assert channels == {"email"}


def test_without_a_channel_only_the_call_is_left():
    assert [step for step, _, _ in steps(Preferences(()))] == ["call"]
    assert waiting_reason(BRECLIM, local(3, 2), STOCKHOLM, Preferences(())) == "no_channel"


@pytest.mark.parametrize(("hour", "sent_at"), [(18, 18), (8, 8), (19, 19), (20, 10), (3, 10)])
def test_a_participants_own_hour_is_kept_unless_it_is_quiet(hour, sent_at):
    found = planned_reminders(BRECLIM, W6, STOCKHOLM, replace(BOTH, hour=hour), "W6")
    assert {one.local.hour for one in found if one.kind is Kind.MESSAGE} == {sent_at}
    assert {one.local.hour for one in found if one.kind is Kind.TASK} == {10}


@pytest.mark.parametrize(
    ("on", "utc_hour"),
    [
        (date(2026, 10, 24), 8),
        (date(2026, 10, 25), 9),
        (date(2027, 3, 27), 9),
        (date(2027, 3, 28), 8),
    ],
)
def test_ten_in_the_morning_stays_ten_over_both_clock_changes(on, utc_hour):
    window = week(on, on + timedelta(days=30))
    first = planned_reminders(BRECLIM, window, STOCKHOLM, BOTH)[0]
    assert (first.local.hour, first.at.hour) == (10, utc_hour)
    assert first.at.date() == on


def test_the_first_step_is_due_from_its_hour_on_the_opening_day():
    assert due(local(2, 23, 9, 59)) == []
    assert due(local(2, 23, 10)) == [("opening", "send", "email")]


def test_what_was_sent_is_not_due_again():
    assert due(local(2, 23), sent=["opening"]) == []


def test_after_three_days_down_only_the_latest_step_goes_and_the_rest_is_recorded():
    assert due(local(2, 26)) == [("opening", "skip", "email"), ("day-3", "send", "sms")]
    assert due(local(3, 15), sent=["opening"]) == [
        ("call", "task", ""),
        ("day-3", "skip", "sms"),
        ("day-7", "skip", "email"),
        ("last", "send", "email"),
    ]


def test_a_step_older_than_one_that_went_out_is_recorded_as_skipped():
    assert due(local(2, 27), sent=["day-3"]) == [("opening", "skip", "email")]


@pytest.mark.requirement("M5")
@pytest.mark.parametrize(
    "kind",
    ["death", "withdrawal_qol", "withdrawal_all", "lost_to_follow_up", "end_of_study", "hold"],
)
def test_nothing_is_due_from_the_day_contact_stops(kind):
    assert due(local(3, 2), history=make_history((kind, 42))) == []
    assert due(local(3, 2), history=make_history((kind, 43))) != []


def test_nothing_is_due_after_submission_dropping_or_merging():
    now = local(3, 2)
    assert due(now, facts=replace(FACTS, submitted_at=now)) == []
    assert due(now, facts=replace(FACTS, dropped=True)) == []
    assert due(now, facts=replace(FACTS, merged_into=("M3", 1))) == []


def test_a_started_one_is_still_reminded():
    assert due(local(3, 2), facts=replace(FACTS, started_at=local(3, 1))) != []


def test_nothing_is_due_after_closing():
    assert due(local(3, 16)) != []
    assert due(local(3, 17)) == []


@pytest.mark.requirement("M5")
@pytest.mark.parametrize(
    ("hour", "minute", "goes"), [(7, 59, False), (8, 0, True), (19, 59, True), (20, 0, False)]
)
def test_nothing_leaves_in_the_quiet_hours(hour, minute, goes):
    early = replace(BOTH, hour=8)
    found = due(local(2, 24, hour, minute), preferences=early)
    sends = [step for step in found if step[1] == "send"]
    assert bool(sends) is goes


@pytest.mark.requirement("M5")
@pytest.mark.parametrize(
    ("own", "hour", "goes"), [(None, 9, False), (None, 10, True), (18, 17, False), (18, 18, True)]
)
def test_a_message_made_up_for_waits_for_the_persons_hour(own, hour, goes):
    found = due(local(2, 24, hour), preferences=replace(BOTH, hour=own))
    assert ("opening", "send", "email") in found if goes else found == []


def test_one_contact_per_person_and_day():
    assert due(local(2, 23), last=date(2026, 2, 23)) == []
    assert due(local(2, 23), last=date(2026, 2, 22)) == [("opening", "send", "email")]


def test_a_task_for_staff_does_not_wait_for_the_participants_day():
    sent = ["opening", "day-3", "day-7"]
    assert due(local(3, 6), sent, last=date(2026, 3, 6)) == [("call", "task", "")]


def test_a_pause_of_the_participants_own_is_kept():
    paused = replace(BOTH, paused_until=date(2026, 2, 24))
    assert due(local(2, 24), preferences=paused) == []
    assert due(local(2, 25), preferences=paused) == [("opening", "send", "email")]


def test_after_downtime_a_text_message_waits_for_monday():
    # day-7 was Monday; the worker comes back on Saturday 7 March.
    sent = ["opening", "day-3", "call"]
    assert due(local(3, 7), sent, preferences=SMS) == []
    assert due(local(3, 9), sent, preferences=SMS) == [("day-7", "send", "sms")]


def test_when_monday_would_be_too_late_another_channel_goes():
    window = VisitWindow(date(2026, 2, 23), date(2026, 3, 2), date(2026, 3, 8), date(2026, 3, 22))
    facts = AssessmentFacts(window=window, timepoint="")
    sms_first = Preferences(channels=("sms", "email"))
    found = due(local(3, 7), ["opening", "day-3", "call"], facts, preferences=sms_first)
    assert found[-1][1:] == ("send", "email")


def test_after_a_hold_the_latest_step_goes():
    hold = Event("hold", day(36), {"until": day(45).isoformat(), "reason": "travel"})
    history = History([*make_history().events, hold])
    assert due(local(3, 5), ["opening"], history=history) == []
    assert due(local(3, 6), ["opening"], history=history) == [
        ("call", "task", ""),
        ("day-3", "skip", "sms"),
        ("day-7", "send", "email"),
    ]


def test_a_step_may_be_meant_for_some_timepoints_only():
    only = BRECLIM.model_copy(
        update={"reminders": (ReminderStep(code="m", when=When(opens=0), timepoints=("M3",)),)}
    )
    assert planned_reminders(only, W6, STOCKHOLM, BOTH, "W6") == ()
    assert len(planned_reminders(only, W6, STOCKHOLM, BOTH, "M3")) == 1


def test_actions_and_kinds_are_told_apart():
    found = due_steps(BRECLIM, FACTS, make_history(), set(), local(3, 6), STOCKHOLM, BOTH)
    assert {one.action for one in found} == {Action.TASK, Action.SEND, Action.SKIP}
    assert all(one.reason == "overtaken" for one in found if one.action is Action.SKIP)
