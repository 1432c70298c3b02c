"""Lives to try a protocol on, and the worker walking through one of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from qol_app.definition.protocol import Protocol
from qol_app.definition.protocol_timing import root_of
from qol_app.schedule.history import Event, History
from qol_app.schedule.plan import plan
from qol_app.schedule.planned import Key, PlannedAssessment
from qol_app.schedule.reminders import Action, Preferences, due_steps, planned_reminders
from qol_app.schedule.status import AssessmentFacts
from qol_app.schedule.windows import DAY, from_day, local_instant

BUSY = "with events"
CONSENT_BEFORE = timedelta(days=7)
FOLLOW_UP_DAYS = 1096
HOLD_DAYS = 30
# A step that could not go on its day is tried on the days after it.
DAYS_AFTER_A_STEP = 3


@dataclass(frozen=True, slots=True)
class Life:
    """A participant's history with a name for examples."""

    name: str
    history: History


@dataclass(frozen=True, slots=True)
class Sent:
    """One message the worker sent, with the assessment it was about."""

    assessment: PlannedAssessment
    step: str
    at: datetime
    local: datetime


def lives(protocol: Protocol, start: date, index: int) -> Iterator[Life]:
    """Yield lives that start on a day; ``index`` shifts when things happen in them.

    The first is undisturbed, the second has every event a timepoint hangs on, the others
    die, withdraw, or pause.
    """
    main, extra = _anchor_events(protocol)
    arm = {"arm": protocol.arms[0].code} if protocol.arms else {}
    events = [Event("consent", start - CONSENT_BEFORE)]
    events += [Event(kind, start, arm) for kind in main if kind != "consent"]
    yield Life("undisturbed", History(events))
    spread = [
        Event(kind, start + timedelta(days=(index * 37 + place * 211) % FOLLOW_UP_DAYS))
        for place, kind in enumerate(extra)
    ]
    events += spread
    yield Life(BUSY, History(events))
    for kind, factor in (("death", 53), ("withdrawal_qol", 59)):
        on = start + timedelta(days=index * factor % FOLLOW_UP_DAYS)
        yield Life(kind, History([*events, Event(kind, on)]))
    held_from = start + timedelta(days=index * 41 % FOLLOW_UP_DAYS)
    until = (held_from + timedelta(days=HOLD_DAYS)).isoformat()
    hold = Event("hold", held_from, {"until": until, "reason": "travel"})
    yield Life("hold", History([*events, hold]))


def with_arm(protocol: Protocol, history: History, arm: str) -> History:
    """Return the same life allocated to another arm."""
    return History(
        Event(one.kind, one.on, {"arm": arm}) if one.kind == "randomisation" else one
        for one in history.events
    )


def run_worker(
    protocol: Protocol, history: History, zone: ZoneInfo, preferences: Preferences
) -> Iterator[Sent]:
    """Yield what a worker sends to a participant who never answers.

    It looks at night, at the edges of the quiet hours and at the usual hour, on each step's
    day and the days after it, and is down for three days in every three weeks.
    """
    asked = [one for one in plan(protocol, history) if one.merged_into is None]
    handled: dict[Key, set[str]] = {one.key: set() for one in asked}
    last_contact_on: date | None = None
    for now in _ticks(protocol, history, asked, zone, preferences):
        today = now.astimezone(zone).date()
        for one in asked:
            if not one.window.opens - DAY <= today <= one.window.late_until:
                continue
            facts = AssessmentFacts(one.window, timepoint=one.timepoint, zone=zone)
            due = due_steps(
                protocol, facts, history, handled[one.key], now, zone, preferences, last_contact_on
            )
            for step in due:
                handled[one.key].add(step.step)
                if step.action is Action.SEND:
                    last_contact_on = today
                    yield Sent(one, step.step, now, now.astimezone(zone))


def _anchor_events(protocol: Protocol) -> tuple[list[str], list[str]]:
    """Return the events scheduled timepoints hang on, and the further ones."""
    roots = [(root_of(protocol, one), one.merges) for one in protocol.timepoints if one.enabled]
    main = dict.fromkeys(root.event for root, merges in roots if root and not merges)
    extra = dict.fromkeys(root.event for root, merges in roots if root and merges)
    return list(main), [kind for kind in extra if kind not in main]


def _ticks(
    protocol: Protocol,
    history: History,
    asked: list[PlannedAssessment],
    zone: ZoneInfo,
    preferences: Preferences,
) -> list[datetime]:
    days: set[date] = set()
    consent = history.date_of("consent")
    for one in asked:
        window = from_day(one.window, consent)
        for reminder in planned_reminders(protocol, window, zone, preferences, one.timepoint):
            on = reminder.local.date()
            days.update(on + timedelta(days=after) for after in range(DAYS_AFTER_A_STEP + 1))
    rules = protocol.contact
    hours = (3, rules.quiet_until, rules.send_hour, rules.quiet_from - 1, rules.quiet_from % 24)
    return sorted(
        local_instant(day, hour, zone).astimezone(UTC)
        for day in days
        if day.toordinal() // 3 % 7
        for hour in hours
    )
