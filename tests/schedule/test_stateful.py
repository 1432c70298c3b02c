"""A study run at random against a simple model: events, corrections, holds, amendments, deaths.

The model keeps only what a person would write down: dates of events, which window belongs to
which timepoint in which version, what was sent when. After every step the two must agree.
"""

import os
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from qol_app.definition.protocol import Amends, Timepoint
from qol_app.schedule.amend import plan_as_amended, preview_amendment
from qol_app.schedule.history import Event, History
from qol_app.schedule.plan import plan
from qol_app.schedule.plausibility import Severity, check_event
from qol_app.schedule.reminders import Action, Preferences, due_steps
from qol_app.schedule.replan import replan
from qol_app.schedule.status import (
    AssessmentFacts,
    AssessmentState,
    Expectation,
    assessment_state,
    is_expected,
)
from qol_app.schedule.windows import DAY, local_instant
from tests.schedule.schedule_factories import BRECLIM, changed, row

pytestmark = pytest.mark.pure

ZONE = AssessmentFacts.__dataclass_fields__["zone"].default
START = date(2027, 10, 1)
WISHES = Preferences(channels=("sms", "email"))
GONE = ("death", "withdrawal_qol", "end_of_study")
# What an amendment may do, as a person would say it.
WIDER = {"M3": (77, 91, 120), "M9": (246, 274, 310), "M12": (330, 365, 420)}


def amended(old, number, opened_on):
    """Return the next version: some windows wider, M18 out or in, one more timepoint."""
    new = old
    for code, (opens, target, closes) in list(WIDER.items())[: number % 4]:
        new = changed(code, new, opens=opens, day=target, closes=closes)
    new = changed("M18", new, enabled=bool(number % 2))
    # One long after the others, and one that is over for most when the amendment comes.
    extra = tuple(
        Timepoint(
            code=f"{name}{number}",
            title=BRECLIM.timepoint("M36").title,
            anchor="randomisation",
            day=day,
            opens=day - 1,
            closes=day + 1,
            package="core",
        )
        for name, day in (("X", 1180 + 5 * number), ("E", 1 + 3 * number))
    )
    return new.model_copy(
        update={
            "version": f"{number}.0",
            "effective_on": opened_on,
            "amends": Amends(version=old.version),
            "timepoints": (*new.timepoints, *extra),
            "end_of_follow_up": None,
        }
    )


class Study(RuleBasedStateMachine):
    """One participant's life in a study, as the services would drive the pure functions."""

    def __init__(self):
        super().__init__()
        self.today = START
        self.events = {}
        self.numbers = {}
        self.versions = [BRECLIM]
        self.rows = {}
        self.row_version = {}
        self.submitted = {}
        self.sent = []
        self.handled = {}
        self.last_contact_on = None
        self.touched = {}

    # --- what the services do ---------------------------------------------------------------

    @property
    def history(self):
        return History(self.events.values())

    def replan(self):
        wanted = plan_as_amended(self.versions, self.row_version, self.history)
        self.apply(replan(tuple(self.rows.values()), wanted))

    def apply(self, change):
        for moved in change.moved:
            old = moved.existing
            self.rows[old.key] = row(moved.planned, old.begun, old.begun_on)
        for one in change.added:
            assert one.key not in self.rows
            if len(self.versions) > 1:
                assert one.window.closes >= self.versions[-1].effective_on
            self.rows[one.key] = row(one)
            self.row_version[one.key] = self.versions[-1].version
        for one in change.dropped:
            self.rows[one.key] = replace(one, dropped=True, merged_into=None)

    def facts(self, key):
        stored = self.rows[key]
        at = self.submitted.get(key)
        begun = local_instant(stored.begun_on, 12, ZONE) if stored.begun_on else None
        return AssessmentFacts(
            stored.window,
            started_at=begun,
            submitted_at=at,
            valid=True if at else None,
            dropped=stored.dropped,
            merged_into=stored.merged_into,
            timepoint=key[0],
            zone=ZONE,
        )

    def tick(self, hour):
        now = local_instant(self.today, hour, ZONE)
        for key in sorted(self.rows):
            due = due_steps(
                self.versions[-1],
                self.facts(key),
                self.history,
                self.handled.setdefault(key, set()),
                now,
                ZONE,
                WISHES,
                self.last_contact_on,
            )
            for step in due:
                assert step.step not in self.handled[key]
                self.handled[key].add(step.step)
                if step.action is Action.SEND:
                    self.sent.append((key, step.step, self.today, hour, step.channel))
                    self.last_contact_on = self.today

    # --- what may happen --------------------------------------------------------------------

    @initialize(wait=st.integers(0, 30), arm=st.sampled_from("AB"))
    def enrol(self, wait, arm):
        self.record("consent", START, {})
        self.replan()
        self.pass_days(wait, True)
        self.record("randomisation", self.today, {"arm": arm})

    def record(self, kind, on, details):
        event = Event(kind, on, details)
        findings = check_event(self.versions[-1], self.history, event, self.today)
        if any(one.severity is Severity.REFUSE for one in findings):
            return False
        number = self.numbers[kind] = self.numbers.get(kind, 0) + 1
        self.events[kind, number] = replace(event, number=number)
        self.replan()
        return True

    @rule(
        kind=st.sampled_from(["progression", "new_treatment_line", "treatment_stopped"]),
        ago=st.integers(0, 20),
    )
    def something_happens(self, kind, ago):
        self.record(kind, self.today - timedelta(ago), {})

    @rule(length=st.integers(0, 40))
    def pause(self, length):
        until = (self.today + timedelta(length)).isoformat()
        self.record("hold", self.today, {"until": until, "reason": "travel"})

    @rule()
    def end_pause(self):
        self.record("hold_ended", self.today, {})

    @precondition(lambda self: not any(kind in GONE for kind, _ in self.events))
    @rule(kind=st.sampled_from(GONE), ago=st.integers(0, 5), really=st.integers(0, 3))
    def leave(self, kind, ago, really):
        if really == 0:
            self.record(kind, self.today - timedelta(ago), {})

    @rule(data=st.data(), shift=st.integers(-10, 10))
    def correct_a_date(self, data, shift):
        key = data.draw(st.sampled_from(sorted(self.events)))
        old = self.events.pop(key)
        new = replace(old, on=old.on + timedelta(shift))
        findings = check_event(self.versions[-1], self.history, new, self.today)
        refused = any(one.severity is Severity.REFUSE for one in findings)
        # What would refuse another event afterwards is not offered by this model.
        late = key[0] == "consent" and new.on > min(e.on for e in self.events.values())
        self.events[key] = old if refused or late else new
        self.replan()

    @rule(data=st.data())
    def take_an_event_back(self, data):
        keys = [key for key in sorted(self.events) if key[0] not in ("consent", "randomisation")]
        if keys:
            del self.events[data.draw(st.sampled_from(keys))]
            self.replan()

    @rule(number=st.integers(2, 9))
    def amend(self, number):
        if len(self.versions) > 2 or self.today <= self.versions[-1].effective_on:
            return
        old, new = self.versions[-1], amended(self.versions[-1], number, self.today)
        if any(one.version == new.version for one in self.versions):
            return
        existing = tuple(self.rows.values())
        found = preview_amendment(old, new, self.history, existing, self.today)
        parts = found.counts
        assert parts["kept"] + parts["moved"] + parts["dropped"] == len(existing)
        self.versions.append(new)
        for key in self.rows:
            if key not in found.left:
                self.row_version[key] = new.version
        self.apply(found.change)

    @rule(data=st.data(), submit=st.booleans())
    def answer(self, data, submit):
        open_keys = [
            key
            for key in sorted(self.rows)
            if assessment_state(self.facts(key), self.history, self.today)
            in (AssessmentState.OPEN, AssessmentState.STARTED)
        ]
        if not open_keys:
            return
        key = data.draw(st.sampled_from(open_keys))
        if not self.rows[key].begun:
            self.rows[key] = replace(self.rows[key], begun=True, begun_on=self.today)
            self.touched[key] = self.rows[key]
        if submit:
            self.submitted[key] = local_instant(self.today, 13, ZONE)

    @rule(days=st.integers(1, 60), up=st.booleans())
    def pass_days(self, days, up):
        for _ in range(days):
            if up:
                for hour in (3, 10, 19, 21):
                    self.tick(hour)
            self.today += DAY

    # --- what must always hold --------------------------------------------------------------

    @invariant()
    def what_was_begun_is_as_it_was_found(self):
        for key, found in self.touched.items():
            if not found.provisional:
                assert self.rows[key] == found

    @invariant()
    def scheduled_windows_are_those_of_the_model(self):
        randomised = next(
            (e.on for (kind, _), e in self.events.items() if kind == "randomisation"), None
        )
        if randomised is None:
            return
        versions = {one.version: one for one in self.versions}
        for key, stored in self.rows.items():
            if stored.begun or stored.dropped:
                continue
            point = versions[self.row_version[key]].timepoint(key[0])
            if point.anchor == "randomisation":
                assert stored.window.opens == randomised + timedelta(point.opens)
                assert stored.window.target == randomised + timedelta(point.day)
                assert stored.window.closes == randomised + timedelta(point.closes)

    @invariant()
    def who_is_asked_with_another_is_asked_with_one_that_is_asked(self):
        for stored in self.rows.values():
            if stored.merged_into is not None and not stored.begun:
                assert not self.rows[stored.merged_into].dropped
                assert self.rows[stored.merged_into].merged_into is None

    @invariant()
    def nobody_is_written_to_twice_a_day_or_at_night(self):
        days = [on for _, _, on, _, _ in self.sent]
        assert len(days) == len(set(days))
        assert all(8 <= hour < 20 for *_, hour, _ in self.sent)
        assert len({(key, step) for key, step, *_ in self.sent}) == len(self.sent)
        assert all(on.weekday() < 5 for _, _, on, _, channel in self.sent if channel == "sms")

    @invariant()
    def every_planned_assessment_has_a_row(self):
        wanted = plan_as_amended(self.versions, self.row_version, self.history)
        assert {one.key for one in wanted} <= set(self.rows)

    @invariant()
    def the_dead_are_not_pending(self):
        died = self.history.death_on
        for key in self.rows:
            found = is_expected(self.facts(key), self.history, self.today)
            if died is not None and died <= self.today and not self.rows[key].dropped:
                assert found is not Expectation.PENDING or key in self.submitted


class Careful(Study):
    """The same, checking each message against what was known when it was sent."""

    def tick(self, hour):
        before = len(self.sent)
        super().tick(hour)
        for key, *_ in self.sent[before:]:
            assert self.history.contact_state(self.today).may_contact
            assert self.rows[key].window.contains(self.today)
            assert key not in self.submitted
            assert not self.rows[key].dropped


TestStudy = Careful.TestCase
TestStudy.settings = settings(
    max_examples=int(os.environ.get("EXAMPLES", "30")) // 2 or 1,
    stateful_step_count=25,
    deadline=None,
)
TestStudy = pytest.mark.slow(TestStudy)


def test_a_later_version_may_widen_and_add():
    new = amended(BRECLIM, 3, START)
    history = History([Event("consent", START), Event("randomisation", START, {"arm": "A"})])
    assert ("X3", 1) in {one.key for one in plan(new, history)}
