"""When to remind somebody of an assessment, and what of it is due now.

``planned_reminders`` says when each step falls if nothing happens in between. ``due_steps``
is asked again at every tick with the facts of that moment: nothing is queued, so nothing has
to be called back after submission, death or withdrawal.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from qol_app.definition.protocol import ContactRules, Protocol, ReminderStep
from qol_app.definition.protocol_timing import step_applies, step_day
from qol_app.schedule.days_off import may_use
from qol_app.schedule.history import History
from qol_app.schedule.protocol_key import ProtocolKey
from qol_app.schedule.status import AssessmentFacts
from qol_app.schedule.windows import VisitWindow, from_day, local_instant


class Kind(StrEnum):
    """Who acts on a step."""

    MESSAGE = "message"
    TASK = "task"


class Action(StrEnum):
    """What to do about a due step."""

    SEND = "send"
    TASK = "task"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Preferences:
    """A participant's own wishes: channels in order of liking, local hour, pause, language.

    ``hour`` outside the protocol's waking hours is not used; ``paused_until`` is the last
    day without messages.
    """

    channels: tuple[str, ...] = ("email",)
    hour: int | None = None
    paused_until: date | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedReminder:
    """One step with its instant: ``at`` in UTC, ``local`` the same on the participant's clock.

    ``channel`` is empty for a task; ``message`` names the text that is sent.
    """

    step: str
    channel: str
    at: datetime
    local: datetime
    kind: Kind
    message: str = ""


@dataclass(frozen=True, slots=True)
class DueStep:
    """A step to send, to hand to staff, or to record as skipped with its reason."""

    step: str
    channel: str
    kind: Kind
    action: Action
    planned_at: datetime
    reason: str | None = None


# Why an earlier step is recorded rather than sent: a later one says the same.
OVERTAKEN = "overtaken"


def planned_reminders(
    protocol: Protocol,
    window: VisitWindow,
    zone: ZoneInfo,
    preferences: Preferences,
    timepoint: str = "",
) -> tuple[PlannedReminder, ...]:
    """Return every step of one assessment with its instant, earliest first.

    A step whose channel rests on its day, or that falls too close to the one before, moves
    to the next day that suits and is not after closing; failing that, back to the last such
    day; failing that, it takes another of the participant's channels.

    Parameters
    ----------
    protocol : Protocol
    window : VisitWindow
        Local days.
    zone : ZoneInfo
        The participant's.
    preferences : Preferences
        Without a channel there are only tasks.
    timepoint : str, optional
        Its code, for steps limited to some timepoints.
    """
    return _planned(ProtocolKey(protocol), window, zone, preferences, timepoint)


# The worker asks about the same assessments at every tick.
@lru_cache(maxsize=1024)
def _planned(
    key: ProtocolKey, window: VisitWindow, zone: ZoneInfo, preferences: Preferences, timepoint: str
) -> tuple[PlannedReminder, ...]:
    protocol = key.protocol
    # In a window shortened by a late consent steps meet on one day: the first in the file wins.
    steps = [
        (_day_of(step, window), index, step)
        for index, step in enumerate(protocol.reminders)
        if step_applies(step, timepoint)
    ]
    taken: list[date] = []
    found = []
    for day, _, step in sorted(steps, key=lambda one: one[:2]):
        placed = _placed(protocol.contact, step, day, window, preferences, taken)
        if placed is not None:
            found.append(_reminder(protocol.contact, step, placed, zone, preferences))
    return tuple(sorted(found, key=lambda one: (one.at, one.kind)))


def due_steps(
    protocol: Protocol,
    facts: AssessmentFacts,
    history: History,
    sent: Collection[str],
    now: datetime,
    zone: ZoneInfo,
    preferences: Preferences,
    last_contact_on: date | None = None,
) -> list[DueStep]:
    """Return what should have gone out about one assessment by now and has not.

    At most one message: after some days without a worker only the latest step is sent, and
    those it overtakes are returned as skipped. Nothing is due before opening, after closing,
    submission, death, withdrawal or loss, during a hold, nor for an assessment that is asked
    together with another.

    Parameters
    ----------
    protocol, facts, history
        As elsewhere; ``facts.timepoint`` decides which steps apply.
    sent : collection of str
        Codes of the steps already sent, claimed, given to staff or skipped.
    now : datetime
        Aware, UTC.
    zone : ZoneInfo
        The participant's.
    preferences : Preferences
    last_contact_on : date, optional
        The local day of the last message to this person about anything.
    """
    local = now.astimezone(zone)
    if not _wanted(facts, history, local.date()):
        return []
    window = from_day(facts.window, history.date_of("consent"))
    plan = planned_reminders(protocol, window, zone, preferences, facts.timepoint)
    due = [one for one in plan if one.at <= now and one.step not in sent]
    tasks = [one for one in due if one.kind is Kind.TASK]
    messages = [one for one in due if one.kind is Kind.MESSAGE]
    steps = list(_latest(tasks, Action.TASK))
    stale, fresh = _overtaken(messages, [one for one in plan if one.step in sent])
    steps += [_due(one, Action.SKIP, OVERTAKEN) for one in stale]
    if fresh and waiting_reason(protocol, now, zone, preferences, last_contact_on) is None:
        channel = _channel_on(protocol.contact, fresh[-1].channel, local.date(), facts, preferences)
        if channel is not None:
            steps += _latest([*fresh[:-1], replace(fresh[-1], channel=channel)], Action.SEND)
    return steps


def waiting_reason(
    protocol: Protocol,
    now: datetime,
    zone: ZoneInfo,
    preferences: Preferences,
    last_contact_on: date | None = None,
) -> str | None:
    """Return why a due message has to wait now, or None if it may go.

    "no_channel", "quiet_hours", "before_hour" (the one at which this person is written to),
    "paused" (by the participant) or "contacted" (today already).
    """
    local = now.astimezone(zone)
    if not preferences.channels:
        return "no_channel"
    rules = protocol.contact
    if not rules.quiet_until <= local.hour < rules.quiet_from:
        return "quiet_hours"
    if local.hour < message_hour(rules, preferences):
        return "before_hour"
    if preferences.paused_until is not None and local.date() <= preferences.paused_until:
        return "paused"
    if last_contact_on is not None and (local.date() - last_contact_on).days < rules.days_between:
        return "contacted"
    return None


def seconds_awake(rules: ContactRules, now: datetime, zone: ZoneInfo) -> int:
    """Return how many seconds are left until this evening's quiet hours; none once they began."""
    # At 24 they begin with the next day.
    days, hour = divmod(rules.quiet_from, 24)
    evening = local_instant(now.astimezone(zone).date() + timedelta(days=days), hour, zone)
    return max(0, int((evening - now).total_seconds()))


def message_hour(rules: ContactRules, preferences: Preferences) -> int:
    """Return the local hour at which a person is written to: the own one, if it is not quiet."""
    own = preferences.hour
    if own is not None and rules.quiet_until <= own < rules.quiet_from:
        return own
    return rules.send_hour


def _wanted(facts: AssessmentFacts, history: History, today: date) -> bool:
    if facts.dropped or facts.merged_into is not None or facts.submitted_at is not None:
        return False
    return facts.window.contains(today) and history.contact_state(today).may_contact


def _overtaken(
    due: Sequence[PlannedReminder], sent: Sequence[PlannedReminder]
) -> tuple[list[PlannedReminder], list[PlannedReminder]]:
    """Split due messages into those a later step that went out made pointless, and the rest."""
    last = max((one.at for one in sent if one.kind is Kind.MESSAGE), default=None)
    stale = [one for one in due if last is not None and one.at < last]
    return stale, [one for one in due if one not in stale]


def _latest(due: Sequence[PlannedReminder], action: Action) -> Iterator[DueStep]:
    for one in due[:-1]:
        yield _due(one, Action.SKIP, OVERTAKEN)
    for one in due[-1:]:
        yield _due(one, action)


def _due(one: PlannedReminder, action: Action, reason: str | None = None) -> DueStep:
    return DueStep(one.step, one.channel, one.kind, action, one.at, reason)


def _day_of(step: ReminderStep, window: VisitWindow) -> date:
    bounds = (window.opens.toordinal(), window.target.toordinal(), window.closes.toordinal())
    day = date.fromordinal(step_day(step.when, *bounds))
    return min(max(day, window.opens), window.closes)


def _channels(rules: ContactRules, step: ReminderStep, preferences: Preferences) -> list[str]:
    """Return the participant's channels in the order in which this step tries them."""
    liked = [one for one in preferences.channels if one in rules.channels]
    first = {"preferred": liked[:1], "other": liked[1:2]}.get(step.channel, [step.channel])
    return list(dict.fromkeys([one for one in first if one in liked] + liked))


def _placed(
    rules: ContactRules,
    step: ReminderStep,
    day: date,
    window: VisitWindow,
    preferences: Preferences,
    taken: list[date],
) -> tuple[date, str] | None:
    """Return the day and channel of a step, and take the day if it is a message."""
    if step.task:
        return day, ""
    for channel in _channels(rules, step, preferences):
        for candidate in _days_from(day, window):
            apart = all(abs((candidate - one).days) >= rules.days_between for one in taken)
            if apart and may_use(rules, channel, candidate):
                taken.append(candidate)
                return candidate, channel
    return None


def _days_from(day: date, window: VisitWindow) -> Iterator[date]:
    """Yield a window's days from this one on, then those before it backwards."""
    for ahead in range((window.closes - day).days + 1):
        yield day + timedelta(days=ahead)
    for back in range(1, (day - window.opens).days + 1):
        yield day - timedelta(days=back)


def _reminder(
    rules: ContactRules,
    step: ReminderStep,
    placed: tuple[date, str],
    zone: ZoneInfo,
    preferences: Preferences,
) -> PlannedReminder:
    day, channel = placed
    hour = rules.send_hour if step.task else message_hour(rules, preferences)
    at = local_instant(day, hour, zone)
    kind = Kind.TASK if step.task else Kind.MESSAGE
    return PlannedReminder(step.code, channel, at, at.astimezone(zone), kind, step.message)


def _channel_on(
    rules: ContactRules,
    channel: str,
    day: date,
    facts: AssessmentFacts,
    preferences: Preferences,
) -> str | None:
    """Return the channel for a message today; None to wait for a day on which its own may go.

    Where no such day is left before closing, another of the participant's channels goes.
    """
    ahead = (facts.window.closes - day).days
    days = [day + timedelta(days=days) for days in range(ahead + 1)]
    if may_use(rules, channel, day):
        return channel
    if any(may_use(rules, channel, later) for later in days):
        return None
    return next((one for one in preferences.channels if may_use(rules, one, day)), None)
