"""Walk a protocol through ten years of starting days and say what was found to hold.

Nothing is assumed: windows, reminders and the very function the worker asks are run for each
starting day and each kind of life, in the protocol's zone and in some with odd clocks, and
every claim counts how often it was looked at.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from itertools import pairwise
from zoneinfo import ZoneInfo

from qol_app.definition.protocol import Protocol
from qol_app.schedule.days_off import may_use
from qol_app.schedule.plan import plan
from qol_app.schedule.planned import Key, PlannedAssessment
from qol_app.schedule.proof_lives import BUSY, Life, Sent, lives, run_worker, with_arm
from qol_app.schedule.reminders import Kind, PlannedReminder, Preferences
from qol_app.schedule.timeline import TimelineEntry, timeline
from qol_app.schedule.windows import local_instant

# Half-hour shifts, half-hour zones, the far south, changes in Ramadan, and no changes at all.
ODD_ZONES = (
    "Europe/Lisbon",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",
)
# How far apart the starting days are for which the worker is run tick by tick.
WORKER_STRIDE = 97
EXAMPLES = 3

OVERLAP = "no two scheduled windows overlap, late answers included"
ORDERED = "every window opens, has its target, closes and ends late answers in this order"
UNMOVED = "an event never moves a scheduled window"
ALIKE = "all arms are asked the same things on the same days"
ANSWERABLE = "what is asked together with another has a day that counts for both"
CLOCK = "a waking hour is the same hour on the wall on every day and in every zone"
QUIET = "no message falls into the quiet hours"
RESTING = "no message uses a channel on a day on which it rests"
INSIDE = "no message before opening or after closing"
SPACED = "no two messages about one assessment on one day"
STOPPED = "no message after death, withdrawal or loss, nor in a hold"
REACHED = "every open assessment has at least one message"
WORKER_QUIET = "the worker sends nothing in the quiet hours"
WORKER_STOPPED = "the worker sends nothing after death, withdrawal or loss, nor in a hold"
WORKER_INSIDE = "the worker sends nothing before opening or after closing"
WORKER_ONCE = "the worker sends no step twice"
WORKER_DAILY = "the worker contacts nobody twice on one day, also after days without a worker"

CLAIMS = (
    OVERLAP, ORDERED, UNMOVED, ALIKE, ANSWERABLE, CLOCK, QUIET, RESTING, INSIDE, SPACED, STOPPED,
    REACHED, WORKER_QUIET, WORKER_STOPPED, WORKER_INSIDE, WORKER_ONCE, WORKER_DAILY,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim, how often it was looked at, and the first examples against it."""

    text: str
    checked: int
    against: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing spoke against it."""
        return not self.against


@dataclass(frozen=True, slots=True)
class Proof:
    """What was walked through and what was found."""

    protocol: str
    sha256: str
    first: date
    last: date
    zones: tuple[str, ...]
    claims: tuple[Claim, ...]

    @property
    def holds(self) -> bool:
        """Whether every claim holds."""
        return all(claim.holds for claim in self.claims)


@dataclass(slots=True)
class _Tally:
    checked: dict[str, int] = field(default_factory=dict)
    against: dict[str, list[str]] = field(default_factory=dict)

    def look(self, claim: str, true: bool, example: Callable[[], str]) -> None:
        self.checked[claim] = self.checked.get(claim, 0) + 1
        if not true:
            examples = self.against.setdefault(claim, [])
            if len(examples) < EXAMPLES:
                examples.append(example())

    def claims(self) -> tuple[Claim, ...]:
        return tuple(
            Claim(text, self.checked.get(text, 0), tuple(self.against.get(text, ())))
            for text in CLAIMS
        )


def prove(
    protocol: Protocol,
    first: date,
    years: int = 10,
    stride: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Proof:
    """Return what holds for participants starting on any day of so many years.

    Parameters
    ----------
    protocol : Protocol
    first : date
        The first starting day, that is day 0 of the main schedule.
    years : int
    stride : int
        Days between starting days; 1 looks at every day.
    progress : callable, optional
        Told how many starting days are done, and of how many.
    """
    last = first + timedelta(days=round(years * 365.25))
    starts = [first + timedelta(days=days) for days in range(0, (last - first).days + 1, stride)]
    zones = _zones(protocol)
    tally = _Tally()
    _check_clocks(tally, protocol, first, last, zones)
    for index, start in enumerate(starts):
        _check_start(tally, protocol, start, index, zones)
        if progress:
            progress(index + 1, len(starts))
    return Proof(protocol.code, protocol.sha256, first, last, zones, tally.claims())


def _zones(protocol: Protocol) -> tuple[str, ...]:
    own = (protocol.timezone, *(site.timezone for site in protocol.sites if site.timezone))
    return tuple(dict.fromkeys((*own, *ODD_ZONES)))


def _check_clocks(
    tally: _Tally, protocol: Protocol, first: date, last: date, zones: Sequence[str]
) -> None:
    rules = protocol.contact
    for name in zones:
        zone = ZoneInfo(name)
        for days in range((last - first).days + 1):
            day = first + timedelta(days=days)
            for hour in range(rules.quiet_until, rules.quiet_from):
                local = local_instant(day, hour, zone).astimezone(zone)
                same = local.date() == day and (local.hour, local.minute) == (hour, 0)
                tally.look(CLOCK, same, partial(_clock, hour, day, local, name))


def _check_start(
    tally: _Tally, protocol: Protocol, start: date, index: int, zones: Sequence[str]
) -> None:
    calm, busy, *ends = lives(protocol, start, index)
    _check_windows(tally, protocol, calm, busy)
    end = ends[index % len(ends)]
    names = dict.fromkeys((zones[0], zones[index % len(zones)]))
    preferences = _preferences(protocol, index)
    for name in names:
        for life in (busy, end):
            entries = timeline(protocol, life.history, ZoneInfo(name), preferences)
            _check_reminders(tally, protocol, life, name, entries)
    if index % WORKER_STRIDE == 0:
        for life in (calm, busy, *ends):
            _check_worker(tally, protocol, life, zones[index % len(zones)], preferences)


def _preferences(protocol: Protocol, index: int) -> Preferences:
    """Return one of several participants' wishes: each order of channels, each hour."""
    channels = list(protocol.contact.channels)
    turn = index % len(channels)
    order = (channels[turn:] + channels[:turn])[: 1 + index % 3]
    rules = protocol.contact
    hours = (None, rules.quiet_until, rules.quiet_from - 1, rules.quiet_from)
    return Preferences(tuple(order), hours[index % len(hours)])


def _check_windows(tally: _Tally, protocol: Protocol, calm: Life, busy: Life) -> None:
    merging = {point.code for point in protocol.timepoints if point.merges}
    quiet, found = plan(protocol, calm.history), plan(protocol, busy.history)
    scheduled = [one for one in found if one.timepoint not in merging]
    for before, after in pairwise(scheduled):
        apart = before.window.late_until < after.window.opens
        tally.look(OVERLAP, apart, partial(_pair, before, after))
    by_key = {one.key: one for one in found}
    for one in found:
        w = one.window
        in_order = w.opens <= w.target <= w.closes <= w.late_until
        tally.look(ORDERED, in_order, partial(_name, one))
        if one.merged_into is not None:
            shared = by_key[one.merged_into].window.overlaps(w)
            tally.look(ANSWERABLE, shared, partial(_name, one))
    for one in quiet if len(found) > len(quiet) else ():
        unmoved = by_key[one.key].window == one.window
        tally.look(UNMOVED, unmoved, partial(_name, one))
    for arm in protocol.arms[1:] if protocol.same_for_all_arms else ():
        same = plan(protocol, with_arm(protocol, busy.history, arm.code)) == found
        tally.look(ALIKE, same, partial(_arms, arm.code, busy))


def _check_reminders(
    tally: _Tally, protocol: Protocol, life: Life, zone: str, entries: Sequence[TimelineEntry]
) -> None:
    rules = protocol.contact
    for entry in entries:
        one = entry.assessment
        messages = [r for r in entry.reminders if r.kind is Kind.MESSAGE]
        for r in messages:
            local = r.at.astimezone(ZoneInfo(zone))
            said = partial(_said, one, r, zone)
            tally.look(QUIET, rules.quiet_until <= local.hour < rules.quiet_from, said)
            tally.look(RESTING, may_use(rules, r.channel, local.date()), said)
            tally.look(INSIDE, one.window.contains(local.date()), said)
            allowed = life.history.contact_state(local.date()).may_contact
            tally.look(STOPPED, allowed, said)
        days = [r.local.date() for r in messages]
        tally.look(SPACED, len(set(days)) == len(days), partial(_name, one))
        if one.merged_into is None and life.name == BUSY:
            tally.look(REACHED, bool(messages), partial(_lived, one, life))


def _check_worker(
    tally: _Tally, protocol: Protocol, life: Life, zone: str, preferences: Preferences
) -> None:
    rules = protocol.contact
    steps: set[tuple[Key, str]] = set()
    days: set[date] = set()
    for sent in run_worker(protocol, life.history, ZoneInfo(zone), preferences):
        local, one = sent.local, sent.assessment
        step = (one.key, sent.step)

        said = partial(_sent, sent, zone, life)
        tally.look(WORKER_QUIET, rules.quiet_until <= local.hour < rules.quiet_from, said)
        allowed = life.history.contact_state(local.date()).may_contact
        tally.look(WORKER_STOPPED, allowed, said)
        tally.look(WORKER_INSIDE, one.window.contains(local.date()), said)
        tally.look(WORKER_ONCE, step not in steps, said)
        tally.look(WORKER_DAILY, local.date() not in days, said)
        steps.add(step)
        days.add(local.date())


def _said(one: PlannedAssessment, reminder: PlannedReminder, zone: str) -> str:
    return f"{reminder.step} of {_name(one)} at {reminder.at} in {zone}"


def _sent(sent: Sent, zone: str, life: Life) -> str:
    return f"{sent.step} of {_name(sent.assessment)} at {sent.local} in {zone}, {life.name}"


def _clock(hour: int, day: date, local: datetime, zone: str) -> str:
    return f"{hour} h on {day} in {zone} is {local}"


def _arms(arm: str, life: Life) -> str:
    return f"arm {arm}, {life.history}"


def _pair(first: PlannedAssessment, second: PlannedAssessment) -> str:
    return f"{_name(first)} and {_name(second)}"


def _lived(one: PlannedAssessment, life: Life) -> str:
    return f"{_name(one)}, {life.history}"


def _name(one: PlannedAssessment) -> str:
    w = one.window
    return f"{one.timepoint}#{one.occurrence} {w.opens}..{w.closes}, late until {w.late_until}"
