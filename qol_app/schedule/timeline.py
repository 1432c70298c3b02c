"""A participant's whole schedule in one view: every assessment with its reminders."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

from qol_app.definition.protocol import Protocol
from qol_app.schedule.days_off import may_use
from qol_app.schedule.history import History
from qol_app.schedule.plan import plan
from qol_app.schedule.planned import Key, PlannedAssessment
from qol_app.schedule.reminders import Kind, PlannedReminder, Preferences, planned_reminders
from qol_app.schedule.windows import DAY, VisitWindow, from_day, local_instant


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One assessment and the reminders it will have if it stays unanswered."""

    assessment: PlannedAssessment
    reminders: tuple[PlannedReminder, ...]


def timeline(
    protocol: Protocol, history: History, zone: ZoneInfo, preferences: Preferences
) -> tuple[TimelineEntry, ...]:
    """Return every expected assessment with its reminders, in the order in which they open.

    Assessments nobody will be asked for any more are left out, and so are reminders on days
    on which the person may not be contacted: before consent, after death. What falls into a
    hold or the participant's own pause goes when it ends, the latest step only.
    """
    expected = plan(protocol, history, preferences.language)
    return timeline_of(expected, protocol, history, zone, preferences)


def timeline_of(
    expected: Iterable[PlannedAssessment],
    protocol: Protocol,
    history: History,
    zone: ZoneInfo,
    preferences: Preferences,
) -> tuple[TimelineEntry, ...]:
    """Return these assessments with their reminders, as ``timeline`` does for those of the plan.

    For a participant some of whose assessments were begun and so no longer follow the plan.
    """
    return tuple(
        TimelineEntry(one, _reminders(protocol, history, one, zone, preferences))
        for one in expected
        if one.dropped_reason is None
    )


@dataclass(frozen=True, slots=True)
class Change:
    """One assessment in a timeline before and after something happens; None where it is not."""

    before: TimelineEntry | None
    after: TimelineEntry | None

    @property
    def kind(self) -> str:
        """What happens to it, in one word.

        ``added``, ``dropped``, ``moved`` (its days), ``changed`` (what is asked, or together
        with what), ``reminders`` (only they differ) or ``kept``.
        """
        if self.before is None or self.after is None:
            return "added" if self.before is None else "dropped"
        if self.before.assessment.window != self.after.assessment.window:
            return "moved"
        if _asked(self.before) != _asked(self.after):
            return "changed"
        return "kept" if self.before.reminders == self.after.reminders else "reminders"

    @property
    def entry(self) -> TimelineEntry:
        """The assessment as it will be, or as it was where it will be no more."""
        found = self.after or self.before
        assert found is not None
        return found


def compared(before: Sequence[TimelineEntry], after: Sequence[TimelineEntry]) -> tuple[Change, ...]:
    """Return every assessment of two timelines once, in the order in which they open."""
    old = {one.assessment.key: one for one in before}
    new = {one.assessment.key: one for one in after}
    changes = [Change(old.get(key), new.get(key)) for key in dict.fromkeys([*old, *new])]
    return tuple(sorted(changes, key=lambda one: _order(one.entry.assessment)))


def _order(one: PlannedAssessment) -> tuple[date, date, str, int]:
    return (one.window.opens, one.window.target, *one.key)


def _asked(entry: TimelineEntry) -> tuple[str, Key | None, frozenset[Key], bool]:
    one = entry.assessment
    return (one.package, one.merged_into, frozenset(one.counts_for), one.provisional)


def _reminders(
    protocol: Protocol,
    history: History,
    one: PlannedAssessment,
    zone: ZoneInfo,
    preferences: Preferences,
) -> tuple[PlannedReminder, ...]:
    if one.merged_into is not None:
        return ()
    window = from_day(one.window, history.date_of("consent"))
    found = planned_reminders(protocol, window, zone, preferences, one.timepoint)
    result = []
    for r in found:
        if _may_go(history, preferences, r.local.date(), r.kind):
            result.append(r)
            continue
        day = _day_after_pause(protocol, history, preferences, r, window)
        late = _on(r, day, zone) if day is not None else None
        # Only the latest step of a pause goes when it ends: it says what the others said.
        if late and not any(r.at < o.at <= late.at for o in found if o.kind is r.kind):
            result.append(late)
    return tuple(sorted(result, key=lambda r: (r.at, r.kind)))


def _may_go(history: History, preferences: Preferences, day: date, kind: Kind) -> bool:
    paused = preferences.paused_until is not None and day <= preferences.paused_until
    return history.contact_state(day).may_contact and not (paused and kind is Kind.MESSAGE)


def _day_after_pause(
    protocol: Protocol,
    history: History,
    preferences: Preferences,
    reminder: PlannedReminder,
    window: VisitWindow,
) -> date | None:
    day = reminder.local.date()
    while day <= window.closes:
        usable = may_use(protocol.contact, reminder.channel, day)
        if usable and _may_go(history, preferences, day, reminder.kind):
            return day
        day += DAY
    return None


def _on(reminder: PlannedReminder, day: date, zone: ZoneInfo) -> PlannedReminder:
    at = local_instant(day, reminder.local.hour, zone)
    return replace(reminder, at=at, local=at.astimezone(zone))
