"""A participant's whole schedule in one view: every assessment with its reminders."""

from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

from qol_app.definition.protocol import Protocol
from qol_app.schedule.days_off import may_use
from qol_app.schedule.history import History
from qol_app.schedule.plan import plan
from qol_app.schedule.planned import PlannedAssessment
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
    return tuple(
        TimelineEntry(one, _reminders(protocol, history, one, zone, preferences))
        for one in plan(protocol, history, preferences.language)
        if one.dropped_reason is None
    )


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
