"""What holds for any protocol, any life, any zone, in ten years with both clock changes."""

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qol_app.definition.protocol import ChannelRules, ContactRules, ReminderStep, Repeat, When
from qol_app.definition.protocol_checks import protocol_problems
from qol_app.schedule.days_off import may_use
from qol_app.schedule.history import Event, History
from qol_app.schedule.plan import plan
from qol_app.schedule.plausibility import check_event
from qol_app.schedule.reminders import Action, Kind, Preferences, due_steps, planned_reminders
from qol_app.schedule.replan import replan
from qol_app.schedule.status import (
    AssessmentFacts,
    Expectation,
    assessment_state,
    is_complete,
    is_expected,
)
from qol_app.schedule.timeline import timeline
from qol_app.schedule.windows import VisitWindow, local_instant
from tests.schedule.schedule_factories import BRECLIM
from tests.schedule.schedule_factories import row as row_of

pytestmark = [pytest.mark.slow, pytest.mark.pure]

# A hundred times as many for a night: EXAMPLES=3000 make test.
few = settings(max_examples=int(os.environ.get("EXAMPLES", "30")), deadline=None)

# Ten years that begin and end with a leap year; a 29 February is drawn on purpose.
DAYS = st.one_of(
    st.dates(date(2024, 1, 1), date(2034, 12, 31)),
    st.sampled_from([date(2024, 2, 29), date(2028, 2, 29), date(2032, 2, 29)]),
    # Around both changes of the clock in Europe.
    st.sampled_from([date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 24), date(2026, 10, 25)]),
)
ZONES = st.sampled_from(
    ["Europe/Stockholm", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Auckland",
     "Africa/Casablanca", "Asia/Kathmandu", "Pacific/Kiritimati", "America/Sao_Paulo"]
).map(ZoneInfo)  # fmt: skip
PREFERENCES = st.builds(
    Preferences,
    channels=st.lists(st.sampled_from(["email", "sms", "push"]), unique=True).map(tuple),
    hour=st.one_of(st.none(), st.integers(0, 23)),
)
OFTEN = ("progression", "new_treatment_line", "liver_procedure")
ONCE = ("treatment_stopped", "death", "withdrawal_qol", "end_of_study")


@st.composite
def lives(draw):
    """Return a history: consent, mostly randomisation, and whatever else may happen."""
    start = draw(DAYS)
    events = [Event("consent", start)]
    if draw(st.booleans()) or draw(st.booleans()):
        arm = {"arm": draw(st.sampled_from("AB"))}
        events.append(Event("randomisation", start + timedelta(draw(st.integers(0, 40))), arm))
    for kind in draw(st.lists(st.sampled_from(OFTEN), max_size=4)):
        events.append(Event(kind, start + timedelta(draw(st.integers(0, 1300)))))
    for kind in draw(st.lists(st.sampled_from(ONCE), max_size=2, unique=True)):
        events.append(Event(kind, start + timedelta(draw(st.integers(0, 1300)))))
    for _ in range(draw(st.integers(0, 2))):
        on = start + timedelta(draw(st.integers(0, 1300)))
        until = on + timedelta(draw(st.integers(0, 90)))
        details = {"until": until.isoformat(), "reason": "travel"}
        events.append(Event("hold", on, details))
    return History(events)


@st.composite
def protocols(draw):
    """Return a sound protocol with windows, repeats and steps of its own."""
    points, opens = [], draw(st.integers(0, 30))
    for number in range(draw(st.integers(1, 6))):
        length = draw(st.integers(0, 40))
        target = opens + draw(st.integers(0, length))
        repeat = None
        if draw(st.booleans()):
            every = length + draw(st.integers(1, 20))
            repeat = Repeat(every_days=every, times=draw(st.integers(2, 5)))
        points.append(
            BRECLIM.timepoints[1].model_copy(
                update={
                    "code": f"P{number}",
                    "day": target,
                    "opens": opens,
                    "closes": opens + length,
                    "repeat": repeat,
                    "package": draw(st.sampled_from(["full", "core", "lmc21"])),
                }
            )
        )
        last = opens + length + (repeat.every_days * (repeat.times - 1) if repeat else 0)
        opens = last + draw(st.integers(1, 60))
    events = [point for point in BRECLIM.timepoints if point.merges and point.enabled]
    channels = {
        name: ChannelRules(weekends=draw(st.booleans()), holidays=draw(st.booleans()))
        for name in ("email", "sms", "push")
    }
    contact = ContactRules(
        quiet_from=draw(st.integers(18, 23)),
        quiet_until=draw(st.integers(5, 9)),
        send_hour=draw(st.integers(9, 17)),
        days_between=draw(st.integers(1, 3)),
        holiday_country=draw(st.sampled_from([None, "SE", "US"])),
        channels=channels,
    )
    steps = (
        ReminderStep(code="open", when=When(opens=0)),
        ReminderStep(code="target", when=When(target=0), channel="other"),
        ReminderStep(code="early", when=When(target=0, closes=0), channel="sms"),
        ReminderStep(code="call", when=When(closes=0), task=True),
        ReminderStep(code="close", when=When(closes=0)),
    )
    return BRECLIM.model_copy(
        update={
            "timepoints": (*points, *events),
            "contact": contact,
            "reminders": steps,
            "merge_within_days": draw(st.integers(0, 30)),
            "late_grace_days": draw(st.integers(0, 60)),
            "end_of_follow_up": None,
        }
    )


def scheduled(protocol, history):
    merging = {point.code for point in protocol.timepoints if point.merges}
    return [one for one in plan(protocol, history) if one.timepoint not in merging]


@few
@given(protocols(), lives())
def test_no_day_belongs_to_two_scheduled_assessments(protocol, history):
    assert protocol_problems(protocol) == ()
    windows = [one.window for one in scheduled(protocol, history)]
    for window in windows:
        assert window.opens <= window.target <= window.closes <= window.late_until
    for i, window in enumerate(windows):
        assert not any(window.accepts(other.opens) for other in windows[i + 1 :])


@few
@given(protocols(), lives(), st.randoms())
def test_a_plan_depends_on_what_happened_and_not_on_when_it_was_entered(protocol, history, random):
    events = list(history.events)
    random.shuffle(events)
    found = plan(protocol, History(events))
    assert found == plan(protocol, history)
    assert len({one.key for one in found}) == len(found)


@few
@given(lives(), st.integers(-400, 400))
def test_a_whole_life_moved_by_some_days_moves_every_window_by_as_many(history, days):
    def moved(event):
        until = event.details.get("until")
        details = dict(event.details)
        if until:
            details["until"] = (date.fromisoformat(until) + timedelta(days)).isoformat()
        return replace(event, on=event.on + timedelta(days), details=details)

    here = plan(BRECLIM, history)
    there = plan(BRECLIM, History(moved(event) for event in history.events))
    assert [one.key for one in here] == [one.key for one in there]
    for a, b in zip(here, there, strict=True):
        assert a.window.opens + timedelta(days) == b.window.opens
        assert a.window.late_until + timedelta(days) == b.window.late_until
        assert (a.merged_into, a.instruments) == (b.merged_into, b.instruments)


@few
@given(protocols(), lives())
def test_what_is_asked_once_asks_for_everything_on_a_day_that_counts_for_all(protocol, history):
    found = {one.key: one for one in plan(protocol, history)}
    for one in found.values():
        if one.merged_into is None:
            assert all(found[key].merged_into == one.key for key in one.counts_for)
            continue
        host = found[one.merged_into]
        assert host.merged_into is None
        assert one.key in host.counts_for
        assert set(one.instruments) <= set(host.instruments)
        assert host.window.overlaps(one.window)
        apart = abs((host.window.target - one.window.target).days)
        assert apart <= protocol.merge_within_days


@few
@given(protocols(), DAYS, st.integers(0, 60), ZONES, PREFERENCES)
def test_every_message_is_by_day_inside_its_window_on_a_day_its_channel_works(
    protocol, opens, length, zone, preferences
):
    closes = opens + timedelta(length)
    window = VisitWindow(opens, opens + timedelta(length // 2), closes, closes)
    rules = protocol.contact
    found = planned_reminders(protocol, window, zone, preferences)
    messages = [one for one in found if one.kind is Kind.MESSAGE]
    for one in messages:
        local = one.at.astimezone(zone)
        assert rules.quiet_until <= local.hour < rules.quiet_from
        assert local == one.local
        assert window.contains(local.date())
        assert one.channel in preferences.channels
        assert may_use(rules, one.channel, local.date())
    days = sorted(one.local.date() for one in messages)
    assert all((b - a).days >= rules.days_between for a, b in pairwise(days))
    assert len({one.step for one in found}) == len(found)


@few
@given(DAYS, st.integers(4, 22), ZONES)
def test_a_waking_hour_stays_that_hour_over_every_clock_change(day, hour, zone):
    local = local_instant(day, hour, zone).astimezone(zone)
    assert (local.date(), local.hour, local.minute) == (day, hour, 0)


@few
@given(lives(), st.integers(0, 1400), st.integers(0, 23), ZONES, PREFERENCES, st.data())
def test_whatever_the_moment_at_most_one_message_is_due_and_only_where_it_may_be(
    history, after, hour, zone, preferences, data
):
    day = history.events[0].on + timedelta(after)
    now = datetime(day.year, day.month, day.day, hour, 30, tzinfo=UTC)
    today = now.astimezone(zone).date()
    codes = [step.code for step in BRECLIM.reminders]
    for one in plan(BRECLIM, history):
        sent = data.draw(st.sets(st.sampled_from(codes)))
        facts = AssessmentFacts(
            one.window, timepoint=one.timepoint, merged_into=one.merged_into, zone=zone
        )
        due = due_steps(BRECLIM, facts, history, sent, now, zone, preferences)
        sends = [step for step in due if step.action is Action.SEND]
        assert len(sends) <= 1
        assert len([step for step in due if step.action is Action.TASK]) <= 1
        assert not {step.step for step in due} & sent
        assert all(step.planned_at <= now for step in due)
        if due:
            assert one.merged_into is None
            assert one.window.contains(today)
            assert history.contact_state(today).may_contact
        if sends:
            assert 8 <= now.astimezone(zone).hour < 20
            assert may_use(BRECLIM.contact, sends[0].channel, today)


@few
@given(lives(), ZONES, PREFERENCES, st.data())
def test_a_worker_that_looks_often_does_what_the_timeline_said(history, zone, preferences, data):
    entries = timeline(BRECLIM, history, zone, preferences)
    asked = [entry for entry in entries if entry.assessment.merged_into is None]
    assume(asked)
    entry = data.draw(st.sampled_from(asked))
    one = entry.assessment
    facts = AssessmentFacts(one.window, timepoint=one.timepoint, zone=zone)
    said = sorted((shown(r.at, r.channel, zone), r.step) for r in entry.reminders)
    assert sorted(watched(facts, history, zone, preferences)) == said


def shown(at, channel, zone):
    """Return when and by what; a call for staff shows up at the first look of its day."""
    local = at.astimezone(zone)
    return (local.isoformat() if channel else local.date().isoformat()), channel


def watched(facts, history, zone, preferences):
    """Yield what a worker does about one assessment nobody answers, several looks a day."""
    handled, last = set(), None
    hours = sorted({3, 8, 10, 19, 21, preferences.hour or 0})
    window = facts.window
    for days in range((window.closes - window.opens).days + 2):
        for hour in hours:
            now = local_instant(window.opens + timedelta(days), hour, zone)
            due = due_steps(BRECLIM, facts, history, handled, now, zone, preferences, last)
            for step in due:
                handled.add(step.step)
                if step.action is not Action.SKIP:
                    yield shown(now, step.channel, zone), step.step
                if step.action is Action.SEND:
                    last = now.astimezone(zone).date()


@few
@given(lives(), lives(), st.data())
def test_replanning_twice_changes_nothing_more_and_never_what_was_begun(first, second, data):
    rows = {}
    for one in plan(BRECLIM, first):
        begun = data.draw(st.booleans())
        begun_on = one.window.opens if begun else None
        rows[one.key] = row_of(one, begun, begun_on)
    wanted = plan(BRECLIM, second)
    change = replan(tuple(rows.values()), wanted)
    after = dict(rows)
    for moved in change.moved:
        old = moved.existing
        assert not old.begun or old.provisional
        after[old.key] = row_of(moved.planned, old.begun, old.begun_on)
    for one in change.added:
        after[one.key] = row_of(one)
    for one in change.dropped:
        assert not one.begun
        after[one.key] = replace(one, dropped=True, merged_into=None)
    again = replan(tuple(after.values()), wanted)
    assert again.moved == again.added == again.dropped == ()
    for row in after.values():
        if row.merged_into is not None and not row.begun:
            assert not after[row.merged_into].dropped


@st.composite
def known_facts(draw, window):
    """Return facts about an assessment: untouched, partly answered, submitted, late."""
    at = st.integers(-5, (window.late_until - window.opens).days + 5).map(
        lambda days: local_instant(window.opens + timedelta(days), 12, ZoneInfo("Europe/Stockholm"))
    )
    started = draw(st.one_of(st.none(), at))
    if started is None:
        return AssessmentFacts(window)
    submitted = draw(st.one_of(st.none(), at.map(lambda when: max(when, started))))
    return AssessmentFacts(window, started, submitted, valid=draw(st.booleans()))


@few
@given(lives(), st.integers(0, 1400), st.integers(0, 400), st.data())
def test_what_has_been_judged_stays_judged_while_nothing_more_happens(history, after, more, data):
    today = history.events[0].on + timedelta(after)
    known = history.until(today)
    for one in plan(BRECLIM, history):
        facts = data.draw(known_facts(one.window))
        at = facts.submitted_at or facts.started_at
        if at is not None and at.date() > today:
            continue
        now = is_expected(facts, known, today)
        later = is_expected(facts, known, today + timedelta(more))
        assert now is Expectation.PENDING or later is now
        if is_complete(facts, known, today):
            assert is_complete(facts, known, today + timedelta(more))
            assert now is Expectation.EXPECTED
        assert assessment_state(facts, known, today).value


@few
@given(lives(), st.data())
def test_expectation_follows_the_definitions_read_aloud(history, data):
    """A slow reading of the definitions, clause by clause, a year after everything."""
    for one in plan(BRECLIM, history):
        facts = data.draw(known_facts(one.window))
        window, today = (
            one.window,
            max(one.window.late_until, history.events[-1].on) + timedelta(400),
        )
        died, left = history.death_on, history.withdrawn_from_qol_on
        ended = history.ended_on
        answered = facts.valid is True
        submitted = facts.submitted_at is not None
        alive_on_target = died is None or died > window.target
        died_inside_unanswered = died is not None and died <= window.closes and not submitted
        stayed = left is None or left > window.target
        reached = ended is None or ended > window.target
        expected = answered or (
            alive_on_target and not died_inside_unanswered and stayed and reached
        )
        assert is_expected(facts, history, today).counts is expected


@few
@given(st.lists(st.tuples(st.integers(-30, 200), st.integers(0, 60)), min_size=2, max_size=5))
def test_overlaps_are_refused_exactly_where_a_day_belongs_to_two_windows(windows):
    points = tuple(
        BRECLIM.timepoints[1].model_copy(
            update={"code": f"P{n}", "opens": opens, "day": opens, "closes": opens + length}
        )
        for n, (opens, length) in enumerate(windows)
    )
    protocol = BRECLIM.model_copy(update={"timepoints": points, "reminders": ()})
    days = [set(range(opens, opens + length + 1)) for opens, length in windows]
    overlap = any(a & b for i, a in enumerate(days) for b in days[i + 1 :])
    found = [one for one in protocol_problems(protocol) if "overlapping" in one.found]
    assert bool(found) is overlap


@few
@given(lives(), st.sampled_from([kind.code for kind in BRECLIM.events]), DAYS, DAYS)
def test_any_event_gets_an_answer_in_words(history, kind, on, today):
    event = Event(kind, on, {"arm": "A", "reason": "travel", "until": on.isoformat()})
    for finding in check_event(BRECLIM, history, event, today):
        assert finding.text.startswith(f"{kind} on {on}: ")
    died = history.death_on
    if kind != "death" and died is not None and on > died:
        assert "after_death" in {one.code for one in check_event(BRECLIM, history, event, today)}
