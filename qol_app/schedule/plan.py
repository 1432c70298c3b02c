"""What a protocol expects of one participant, given what has happened so far.

``plan`` is a pure function of protocol, history and language: the same events always give
the same assessments. Identity is ``(timepoint, occurrence)`` and does not depend on dates, so
a row made for an assessment keeps its id when a date is corrected.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise

from qol_app.definition.protocol import Protocol, Timepoint
from qol_app.definition.protocol_timing import Root, occurrences, root_of
from qol_app.errors import DefinitionError
from qol_app.schedule.history import Event, History
from qol_app.schedule.merging import merge
from qol_app.schedule.planned import Key, PlannedAssessment
from qol_app.schedule.protocol_key import ProtocolKey
from qol_app.schedule.windows import DAY, window_around

__all__ = ["Key", "PlannedAssessment", "plan"]

# Occurrences of the n-th event's repeats start at (n-1) * STRIDE + 1, whatever their number,
# so that an amendment that repeats more often renumbers nothing.
STRIDE = 1000


def plan(
    protocol: Protocol, history: History, language: str | None = None
) -> tuple[PlannedAssessment, ...]:
    """Return every assessment expected of a participant, in the order in which they open.

    Parameters
    ----------
    protocol : Protocol
    history : History
        Everything recorded; its events' dates are local calendar days.
    language : str, optional
        The participant's language, where the protocol gives another package for it.

    Returns
    -------
    tuple of PlannedAssessment
        Empty before any anchor has happened. Those that open after death, withdrawal or the
        end of the study are in it too, with ``dropped_reason``: what is expected of a dead
        participant is decided by the rates, not by leaving rows out.
    """
    key, arm, last_day = ProtocolKey(protocol), history.arm, _last_day(protocol, history)
    found = [
        one
        for rule in _rules(key)
        if not rule.timepoint.arms or arm in rule.timepoint.arms
        for one in _assessments(rule, history, language, last_day)
    ]
    found.sort(key=_order)
    merging = _merging(key)
    found = _end_late_answers_before_the_next(found, merging)
    if any(one.timepoint in merging for one in found):
        found = merge(protocol, found, merging)
    stops = _stops(history)
    return tuple(_with_reason(one, stops) for one in found) if stops else tuple(found)


def _order(one: PlannedAssessment) -> tuple[date, date, str, int]:
    return (one.window.opens, one.window.target, one.timepoint, one.occurrence)


@dataclass(frozen=True, slots=True)
class _Rule:
    """A timepoint with everything about it that no participant changes."""

    timepoint: Timepoint
    root: Root
    times: int
    late_days: int
    instruments: Mapping[str, tuple[str, ...]]


@lru_cache(maxsize=64)
def _rules(key: ProtocolKey) -> tuple[_Rule, ...]:
    protocol = key.protocol
    instruments = {package.code: package.instruments for package in protocol.packages}
    rules = []
    for point in protocol.timepoints:
        root = root_of(protocol, point)
        if root is None:
            raise DefinitionError(
                f"protocol {protocol.code}: timepoint {point.code}: found anchors in a circle;"
                " wanted anchors that end at an event"
            )
        if point.enabled:
            times = occurrences(protocol, point, root)
            rules.append(_Rule(point, root, times, protocol.late_grace_days, instruments))
    return tuple(rules)


@lru_cache(maxsize=64)
def _merging(key: ProtocolKey) -> frozenset[str]:
    return frozenset(point.code for point in key.protocol.timepoints if point.merges)


def _assessments(
    rule: _Rule, history: History, language: str | None, last_day: date
) -> Iterator[PlannedAssessment]:
    point = rule.timepoint
    events = history.all(rule.root.event)
    if not events:
        yield from _provisional(rule, history, language)
        return
    for index, event in enumerate(events if point.each else events[:1], start=1):
        number = (event.number or index) if point.each else 1
        yield from _after_event(rule, event, number, history.arm, language, last_day)


def _after_event(
    rule: _Rule, event: Event, number: int, arm: str | None, language: str | None, last_day: date
) -> Iterator[PlannedAssessment]:
    point = rule.timepoint
    package = _package(point, arm, language)
    for repeat in range(rule.times):
        shift = rule.root.offset + (repeat * point.repeat.every_days if point.repeat else 0)
        window = window_around(
            event.on, point.opens + shift, point.day + shift, point.closes + shift, rule.late_days
        )
        if window.target > last_day:
            return
        yield PlannedAssessment(
            timepoint=point.code,
            occurrence=(number - 1) * STRIDE + repeat + 1 if point.repeat else number,
            anchor_on=event.on,
            window=window,
            package=package,
            instruments=rule.instruments[package],
        )


def _provisional(
    rule: _Rule, history: History, language: str | None
) -> Iterator[PlannedAssessment]:
    for early in rule.timepoint.provisional:
        anchor_on = history.date_of(early.anchor)
        if anchor_on is not None:
            package = _package(rule.timepoint, history.arm, language)
            yield PlannedAssessment(
                timepoint=rule.timepoint.code,
                occurrence=1,
                anchor_on=anchor_on,
                window=window_around(
                    anchor_on, early.opens, early.day, early.closes, rule.late_days
                ),
                package=package,
                instruments=rule.instruments[package],
                provisional=True,
            )
            return


def _package(point: Timepoint, arm: str | None, language: str | None) -> str:
    for choice in point.choices:
        if choice.arm in (None, arm) and choice.language in (None, language):
            return choice.package
    return point.package


def _last_day(protocol: Protocol, history: History) -> date:
    end = protocol.end_of_follow_up
    anchor_on = history.date_of(end.anchor) if end else None
    return anchor_on + timedelta(days=end.day) if end and anchor_on else date.max


def _end_late_answers_before_the_next(
    planned: list[PlannedAssessment], merging: frozenset[str]
) -> list[PlannedAssessment]:
    """Return them with late answers taken no longer than until the day before the next opens.

    Otherwise an answer could belong to two scheduled assessments at once.
    """
    result = list(planned)
    scheduled = [i for i, one in enumerate(planned) if one.timepoint not in merging]
    for i, j in pairwise(scheduled):
        window, opens = planned[i].window, planned[j].window.opens
        if window.late_until >= opens > window.closes:
            shorter = replace(window, late_until=opens - DAY)
            result[i] = replace(planned[i], window=shorter)
    return result


def _with_reason(one: PlannedAssessment, stops: list[tuple[date, str]]) -> PlannedAssessment:
    for day, reason in stops:
        if day <= one.window.opens:
            return replace(one, dropped_reason=reason)
    return one


def _stops(history: History) -> list[tuple[date, str]]:
    """Return the days from which nothing new is asked, death first."""
    days = (
        (history.death_on, "death"),
        (history.withdrawn_from_qol_on, "withdrawal"),
        (history.ended_on, "end_of_study"),
    )
    return [(day, reason) for day, reason in days if day is not None]
