"""Contradictions inside a protocol, each with its place, what was found and what is wanted."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from zoneinfo import available_timezones

import holidays

from qol_app.definition.event_fields import declaration_problems, field_titles
from qol_app.definition.event_kinds import INDISPENSABLE_EVENTS, STOPS, Effect
from qol_app.definition.loader import meant
from qol_app.definition.message_lint import telling_words
from qol_app.definition.protocol_parts import Coded, LocalText, Protocol, Timepoint
from qol_app.definition.protocol_timing import (
    Problem,
    overlap_problems,
    reminder_problems,
    root_of,
    spans,
)


def protocol_problems(
    protocol: Protocol, instruments: Collection[str] | None = None
) -> tuple[Problem, ...]:
    """Return every contradiction of a protocol, in the order of its parts; none if it is sound.

    Parameters
    ----------
    protocol : Protocol
        One whose fields are of the right types.
    instruments : collection of str, optional
        Codes of the instruments that exist; without it any code is accepted.
    """
    named = [problem for check in _NAME_CHECKS for problem in check(protocol)]
    named += _unknown_instruments(protocol, instruments)
    # Days are only worth comparing once every name leads somewhere.
    if named:
        return tuple(named)
    return tuple(problem for check in _DAY_CHECKS for problem in check(protocol))


def _listed(codes: Collection[str]) -> str:
    return ", ".join(sorted(codes)) or "none"


def _unknown(place: str, what: str, code: str, known: Collection[str]) -> Iterator[Problem]:
    if code not in known:
        yield Problem(
            place, f"unknown {what} {code!r}", f"one of {_listed(known)}{meant(code, known)}"
        )


def _codes(parts: Sequence[Coded]) -> tuple[str, ...]:
    return tuple(part.code for part in parts)


def _duplicates(protocol: Protocol) -> Iterator[Problem]:
    for place in ("sites", "arms", "events", "packages", "timepoints", "reminders"):
        counts = Counter(_codes(getattr(protocol, place)))
        for code, count in counts.items():
            if count > 1:
                yield Problem(place, f"{count} entries with code {code!r}", "each code once")
    for code in set(_codes(protocol.events)) & set(_codes(protocol.timepoints)):
        yield Problem(f"timepoints {code}: code", f"{code!r}, also an event", "a code of its own")


def _zones(protocol: Protocol) -> Iterator[Problem]:
    named = [("timezone", protocol.timezone)]
    named += [(f"sites {s.code}: timezone", s.timezone) for s in protocol.sites if s.timezone]
    for place, zone in named:
        if zone not in available_timezones():
            yield Problem(place, f"unknown zone {zone!r}", "an IANA name such as Europe/Stockholm")


def _texts(protocol: Protocol) -> Iterator[tuple[str, LocalText]]:
    groups: tuple[tuple[str, Sequence[Coded]], ...] = (
        ("events", protocol.events),
        ("timepoints", protocol.timepoints),
        ("holds: reasons", protocol.holds.reasons),
        ("missing_reasons", protocol.missing_reasons),
    )
    for place, parts in groups:
        for part in parts:
            yield f"{place} {part.code}: title", part.title  # type: ignore[attr-defined]
    for arm in protocol.arms:
        if not isinstance(arm.title, str):
            yield f"arms {arm.code}: title", arm.title
    yield from field_titles(protocol)


def _languages(protocol: Protocol) -> Iterator[Problem]:
    for place, text in _texts(protocol):
        if set(text) != set(protocol.languages):
            yield Problem(
                place, f"languages {_listed(text)}", f"exactly {_listed(protocol.languages)}"
            )


def _events(protocol: Protocol) -> Iterator[Problem]:
    known = _codes(protocol.events)
    for code in INDISPENSABLE_EVENTS:
        if code not in known:
            yield Problem("events", f"no event {code!r}", "it, so that it can be recorded")
    for kind in protocol.events:
        wanted = {Effect.ALLOCATION: "arm", Effect.HOLD: "reason"}.get(kind.effect)
        if wanted and wanted not in kind.details and (wanted != "arm" or protocol.arms):
            yield Problem(f"events {kind.code}: details", _listed(kind.details), repr(wanted))
        if kind.repeatable and kind.effect in (Effect.DEATH, Effect.CONSENT, Effect.ALLOCATION):
            yield Problem(f"events {kind.code}: repeatable", "true", "false: it happens once")


def _anchors(protocol: Protocol) -> Iterator[Problem]:
    events = _codes(protocol.events)
    known = events + _codes(protocol.timepoints)
    for point in protocol.timepoints:
        yield from _unknown(f"timepoints {point.code}: anchor", "event", point.anchor, known)
        for early in point.provisional:
            place = f"timepoints {point.code}: provisional"
            yield from _unknown(place, "event", early.anchor, events)
        if root_of(protocol, point) is None:
            yield Problem(
                f"timepoints {point.code}: anchor",
                f"{point.anchor!r}, which leads in a circle back to {point.code}",
                "anchors that end at an event",
            )
    if protocol.end_of_follow_up:
        place = "end_of_follow_up: anchor"
        yield from _unknown(place, "event", protocol.end_of_follow_up.anchor, events)


def _references(protocol: Protocol) -> Iterator[Problem]:
    arms, packages = _codes(protocol.arms), _codes(protocol.packages)
    for point in protocol.timepoints:
        place = f"timepoints {point.code}"
        yield from _unknown(f"{place}: package", "package", point.package, packages)
        for arm in point.arms:
            yield from _unknown(f"{place}: arms", "arm", arm, arms)
        for choice in point.choices:
            yield from _unknown(f"{place}: choices", "package", choice.package, packages)
            if choice.arm is not None:
                yield from _unknown(f"{place}: choices", "arm", choice.arm, arms)
            if choice.language is not None:
                known = protocol.languages
                yield from _unknown(f"{place}: choices", "language", choice.language, known)


def _reminder_names(protocol: Protocol) -> Iterator[Problem]:
    channels = ("preferred", "other", *protocol.contact.channels)
    for step in protocol.reminders:
        place = f"reminders {step.code}"
        yield from _unknown(f"{place}: channel", "channel", step.channel, channels)
        for code in step.timepoints:
            yield from _unknown(
                f"{place}: timepoints", "timepoint", code, _codes(protocol.timepoints)
            )


def _renamed(protocol: Protocol) -> Iterator[Problem]:
    for code in protocol.amends.renamed.values() if protocol.amends else ():
        known = _codes(protocol.timepoints)
        yield from _unknown("amends: renamed", "timepoint", code, known)


def _unknown_instruments(
    protocol: Protocol, instruments: Collection[str] | None
) -> Iterator[Problem]:
    for package in protocol.packages:
        place = f"packages {package.code}: instruments"
        if len(set(package.instruments)) < len(package.instruments):
            yield Problem(place, "an instrument twice", "each instrument once")
        for code in package.instruments if instruments is not None else ():
            yield from _unknown(place, "instrument", code, instruments or ())


def _windows(protocol: Protocol) -> Iterator[Problem]:
    for point in protocol.timepoints:
        shapes = [("", point.opens, point.day, point.closes)]
        shapes += [(": provisional", e.opens, e.day, e.closes) for e in point.provisional]
        for place, opens, day, closes in shapes:
            if not opens <= day <= closes:
                yield Problem(
                    f"timepoints {point.code}{place}",
                    f"opens {opens}, day {day}, closes {closes}: a negative window",
                    "opens <= day <= closes",
                )


def _repeats(protocol: Protocol) -> Iterator[Problem]:
    repeatable = {kind.code for kind in protocol.events if kind.repeatable}
    points = {point.code: point for point in protocol.timepoints}
    for point in protocol.timepoints:
        place = f"timepoints {point.code}"
        root = root_of(protocol, point)
        if point.each and (root is None or root.event not in repeatable):
            yield Problem(
                f"{place}: each", "true", f"a repeatable event; {point.anchor!r} happens once"
            )
        if point.repeat and point.repeat.times is None and not _ends(protocol, point):
            yield Problem(
                f"{place}: repeat",
                "no 'times' and no end of follow-up counted from the same event",
                "one of them",
            )
        if point.anchor in points and points[point.anchor].repeat:
            yield Problem(
                f"{place}: anchor",
                f"{point.anchor!r}, which repeats",
                "a timepoint that is asked once, or an event",
            )


def _ends(protocol: Protocol, point: Timepoint) -> bool:
    root = root_of(protocol, point)
    end = protocol.end_of_follow_up
    return root is not None and end is not None and end.anchor == root.event and not point.each


def _after_a_stop(protocol: Protocol) -> Iterator[Problem]:
    for point in protocol.timepoints:
        root = root_of(protocol, point)
        anchors = [("anchor", root.event)] if root else []
        anchors += [("provisional", early.anchor) for early in point.provisional]
        for place, event in anchors:
            if protocol.event(event).effect in STOPS:
                yield Problem(
                    f"timepoints {point.code}: {place}",
                    f"{event!r}, after which nobody is asked",
                    "an event that does not end contact",
                )


def _past_the_end(protocol: Protocol) -> Iterator[Problem]:
    end = protocol.end_of_follow_up
    for point in protocol.timepoints if end else ():
        for span in spans(protocol, point):
            if end and span.root.event == end.anchor and span.target > end.day:
                yield Problem(
                    f"timepoints {span.name}: day",
                    str(span.target),
                    f"at most {end.day}, the end of follow-up",
                )


def _allocation(protocol: Protocol) -> Iterator[Problem]:
    for point in protocol.timepoints:
        root = root_of(protocol, point)
        allocated = root is not None and protocol.event(root.event).effect is Effect.ALLOCATION
        if point.before_allocation and allocated and not point.provisional:
            yield Problem(
                f"timepoints {point.code}",
                f"before_allocation, yet anchored at {point.anchor!r} alone",
                "'provisional' with an earlier event, or nobody could answer in time",
            )
        differs = bool(point.arms) or any(choice.arm for choice in point.choices)
        if protocol.same_for_all_arms and differs and point.enabled:
            yield Problem(
                f"timepoints {point.code}: arms",
                "a difference between arms",
                "none, as same_for_all_arms says, or same_for_all_arms: false",
            )


def _contact(protocol: Protocol) -> Iterator[Problem]:
    rules = protocol.contact
    if not rules.quiet_until <= rules.send_hour < rules.quiet_from:
        yield Problem(
            "contact: send_hour",
            f"{rules.send_hour}, in the quiet hours",
            f"{rules.quiet_until}..{rules.quiet_from - 1}",
        )
    if not rules.channels:
        yield Problem("contact: channels", "none", "at least one, such as email")
    country = rules.holiday_country
    if country is not None and country not in holidays.list_supported_countries():
        yield Problem(
            "contact: holiday_country", f"unknown country {country!r}", "a code such as SE"
        )


def _titles(protocol: Protocol) -> Iterator[Problem]:
    arms = {title for arm in protocol.arms for title in arm.titles.values()}
    names = {protocol.code, protocol.title, *arms}
    for point in protocol.timepoints:
        for language, title in point.title.items():
            for word in telling_words(title, names):
                yield Problem(
                    f"timepoints {point.code}: title {language}",
                    str(word),
                    "words that tell an onlooker nothing, such as 'Questionnaire, month 3'",
                )


def _dates(protocol: Protocol) -> Iterator[Problem]:
    if protocol.effective_on < protocol.study_started_on:
        yield Problem(
            "effective_on",
            f"{protocol.effective_on}, before the study started",
            f"{protocol.study_started_on} or later",
        )


_NAME_CHECKS: tuple[Callable[[Protocol], Iterator[Problem]], ...] = (
    _duplicates,
    _zones,
    _languages,
    _events,
    declaration_problems,
    _anchors,
    _references,
    _reminder_names,
    _renamed,
    _dates,
)
_DAY_CHECKS: tuple[Callable[[Protocol], Iterator[Problem]], ...] = (
    _windows,
    _repeats,
    _after_a_stop,
    _past_the_end,
    _allocation,
    overlap_problems,
    reminder_problems,
    _contact,
    _titles,
)
