"""Where a protocol's windows lie relative to the event they start from, and what clashes.

Everything here counts days from a root event, so it holds for every participant alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from qol_app.definition.protocol_parts import Protocol, ReminderStep, Timepoint, When


@dataclass(frozen=True)
class Problem:
    """One contradiction; as text: place, value found, value wanted."""

    place: str
    found: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.place}: found {self.found}; wanted {self.wanted}"


@dataclass(frozen=True)
class Root:
    """The event a timepoint counts from in the end, and day 0 of the timepoint after it."""

    event: str
    offset: int


@dataclass(frozen=True)
class Span:
    """One occurrence of a timepoint in days from its root event; both ends belong."""

    timepoint: Timepoint
    occurrence: int
    root: Root
    opens: int
    target: int
    closes: int

    @property
    def name(self) -> str:
        """Its code, with the occurrence where there are several."""
        return f"{self.timepoint.code}#{self.occurrence}" if self.timepoint.repeat else self.code

    @property
    def code(self) -> str:
        """The timepoint's code."""
        return self.timepoint.code


def root_of(protocol: Protocol, timepoint: Timepoint) -> Root | None:
    """Return the event and day a timepoint counts from; None if its anchors run in a circle.

    An anchor nobody knows counts as an event, so that this never fails on a wrong protocol.
    """
    timepoints = {other.code: other for other in protocol.timepoints}
    offset, anchor, seen = 0, timepoint.anchor, {timepoint.code}
    while anchor in timepoints:
        if anchor in seen:
            return None
        seen.add(anchor)
        offset += timepoints[anchor].day
        anchor = timepoints[anchor].anchor
    return Root(anchor, offset)


def occurrences(protocol: Protocol, timepoint: Timepoint, root: Root) -> int:
    """Return how often a timepoint is asked after one anchor date.

    A repeat without ``times`` runs until its target day would pass the end of follow-up.
    """
    if timepoint.repeat is None:
        return 1
    if timepoint.repeat.times is not None:
        return timepoint.repeat.times
    end = protocol.end_of_follow_up
    if end is None or end.anchor != root.event:
        return 1
    room = end.day - root.offset - timepoint.day
    return max(1, min(999, room // timepoint.repeat.every_days + 1))


def spans(protocol: Protocol, timepoint: Timepoint) -> Iterator[Span]:
    """Yield every occurrence of a timepoint after one anchor date, in days from its root."""
    root = root_of(protocol, timepoint)
    if root is None:
        return
    every = timepoint.repeat.every_days if timepoint.repeat else 0
    for number in range(occurrences(protocol, timepoint, root)):
        shift = root.offset + number * every
        yield Span(
            timepoint,
            number + 1,
            root,
            timepoint.opens + shift,
            timepoint.day + shift,
            timepoint.closes + shift,
        )


def overlap_problems(protocol: Protocol) -> Iterator[Problem]:
    """Yield windows of which two would be open for one participant on the same day.

    Timepoints that merge are left out: where they start is not known beforehand.
    """
    fixed = [point for point in protocol.timepoints if point.enabled and not point.merges]
    flat = [span for point in fixed for span in spans(protocol, point)]
    flat.sort(key=lambda span: (span.root.event, span.opens, span.closes))
    reported = set()
    for i, first in enumerate(flat):
        for second in flat[i + 1 :]:
            if second.root.event != first.root.event or second.opens > first.closes:
                break
            pair = frozenset((first.code, second.code))
            if pair not in reported and _share_an_arm(first.timepoint, second.timepoint):
                reported.add(pair)
                yield _overlap(first, second)


def _overlap(first: Span, second: Span) -> Problem:
    return Problem(
        f"timepoints {first.name} and {second.name}",
        f"overlapping windows {first.opens}..{first.closes} and {second.opens}..{second.closes}"
        f" (days after {first.root.event})",
        f"{second.name} to open after day {first.closes}",
    )


def _share_an_arm(first: Timepoint, second: Timepoint) -> bool:
    return not first.arms or not second.arms or bool(set(first.arms) & set(second.arms))


def step_applies(step: ReminderStep, timepoint: str) -> bool:
    """Whether a reminder step is meant for this timepoint."""
    return not step.timepoints or timepoint in step.timepoints


def step_day(when: When, opens: int, target: int, closes: int) -> int:
    """Return the earliest of the days a step names, in the unit of the three given."""
    bounds = ((opens, when.opens), (target, when.target), (closes, when.closes))
    return min(bound + days for bound, days in bounds if days is not None)


def reminder_problems(protocol: Protocol) -> Iterator[Problem]:
    """Yield reminder steps that would fall outside a window they are meant for."""
    for step in protocol.reminders:
        if step.when == When():
            yield Problem(
                f"reminders {step.code}: when", "nothing", "days after opens, target or closes"
            )
            continue
        for timepoint in protocol.timepoints:
            if step_applies(step, timepoint.code):
                yield from _step_outside(step, timepoint)


def _step_outside(step: ReminderStep, timepoint: Timepoint) -> Iterator[Problem]:
    windows = [(timepoint.opens, timepoint.day, timepoint.closes)]
    windows += [(early.opens, early.day, early.closes) for early in timepoint.provisional]
    for opens, target, closes in windows:
        day = step_day(step.when, opens, target, closes)
        side = "after closing" if day > closes else "before opening" if day < opens else None
        if side:
            yield Problem(
                f"reminders {step.code} for timepoint {timepoint.code}",
                f"day {day}, {side}",
                f"a day in {opens}..{closes}, or 'timepoints' without {timepoint.code}",
            )
