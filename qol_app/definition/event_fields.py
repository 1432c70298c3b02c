"""What a study asks for with an event: whether the declaration is sound, and what was given.

The program's own details (``arm``, ``until``, ``reason``) mean something to the schedule and
are looked at there; a field declared here is only asked for, checked, kept and handed on.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from qol_app.definition.protocol_parts import (
    EventField,
    EventKind,
    FieldKind,
    LocalText,
    Protocol,
)
from qol_app.definition.protocol_timing import Problem

TEXT_MOST = 100
UNDERSTOOD = ("arm", "until", "reason")
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,6}")
# Which parts of a declaration belong to which kind; each must be there, and no other.
_PARTS: Mapping[str, FieldKind] = {
    "choices": FieldKind.CHOICE,
    "least": FieldKind.WHOLE,
    "most": FieldKind.WHOLE,
}


@dataclass(frozen=True, slots=True)
class WrongDetail:
    """A detail that is missing or not as declared: its name, what was found, what is wanted."""

    name: str
    found: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.name}: found {self.found}; wanted {self.wanted}"


def wrong_details(kind: EventKind, details: Mapping[str, str]) -> tuple[WrongDetail, ...]:
    """Return what is wrong with the details given with an event, in the order of its fields.

    A kind that declares no field takes what it always took: nothing is wrong with it here.
    """
    if not kind.fields:
        return ()
    wrong = [
        WrongDetail(one.code, _shown(details.get(one.code)), wanted(one))
        for one in kind.fields
        if not _is_right(one, details.get(one.code))
    ]
    listed = ", ".join(kind.detail_names)
    strange = [name for name in details if name not in kind.detail_names]
    wrong += [WrongDetail(name, "an unknown detail", f"one of {listed}") for name in strange]
    return tuple(wrong)


def accepts(field: EventField, value: str) -> bool:
    """Return whether a value is one that the field declares."""
    return _ACCEPTS[field.kind](field, value)


def wanted(field: EventField) -> str:
    """Return what a field takes, in words."""
    return _WANTED[field.kind](field) + ("" if field.required else ", or nothing at all")


def _is_right(field: EventField, value: str | None) -> bool:
    return not field.required if value is None else accepts(field, value)


def _shown(value: str | None) -> str:
    if value is None:
        return "nothing"
    return repr(value if len(value) <= 60 else value[:57] + "...")


def _is_line(field: EventField, value: str) -> bool:
    # Blanks as one space each: the same term must not be counted as two.
    return value == " ".join(value.split()) and value.isprintable() and 0 < len(value) <= TEXT_MOST


def _is_choice(field: EventField, value: str) -> bool:
    return value in {one.code for one in field.choices}


def _is_whole(field: EventField, value: str) -> bool:
    if field.least is None or field.most is None or not _WHOLE.fullmatch(value):
        return False
    return field.least <= int(value) <= field.most


_ACCEPTS: Mapping[FieldKind, Callable[[EventField, str], bool]] = {
    FieldKind.TEXT: _is_line,
    FieldKind.CHOICE: _is_choice,
    FieldKind.WHOLE: _is_whole,
}
_WANTED: Mapping[FieldKind, Callable[[EventField], str]] = {
    FieldKind.TEXT: lambda field: f"one line of 1 to {TEXT_MOST} visible characters",
    FieldKind.CHOICE: lambda field: f"one of {', '.join(one.code for one in field.choices)}",
    FieldKind.WHOLE: lambda field: f"a whole number from {field.least} to {field.most}",
}


# --- the declaration -------------------------------------------------------------------


def declaration_problems(protocol: Protocol) -> Iterator[Problem]:
    """Yield what is wrong with the fields that a protocol's events declare."""
    for kind in protocol.events:
        place = f"events {kind.code}: fields"
        for code, count in Counter(one.code for one in kind.fields).items():
            if count > 1:
                yield Problem(place, f"{count} entries with code {code!r}", "each code once")
        for field in kind.fields:
            yield from _field_problems(f"{place} {field.code}", kind, field)


def _field_problems(place: str, kind: EventKind, field: EventField) -> Iterator[Problem]:
    if field.code in (*UNDERSTOOD, *kind.details):
        listed = ", ".join(UNDERSTOOD)
        yield Problem(
            f"{place}: code", repr(field.code), f"a code of its own; {listed} go under 'details'"
        )
    yield from _part_problems(place, field)
    if field.least is not None and field.most is not None and field.least > field.most:
        yield Problem(f"{place}: least", str(field.least), f"at most {field.most}, as 'most' says")
    for code, count in Counter(one.code for one in field.choices).items():
        if count > 1:
            yield Problem(
                f"{place}: choices", f"{count} entries with code {code!r}", "each code once"
            )


def _part_problems(place: str, field: EventField) -> Iterator[Problem]:
    for name, owner in _PARTS.items():
        given = getattr(field, name) not in ((), None)
        if given and field.kind is not owner:
            yield Problem(
                f"{place}: {name}",
                f"it on a field of kind {field.kind.value!r}",
                f"it only on kind {owner.value!r}",
            )
        elif not given and field.kind is owner:
            yield Problem(f"{place}: {name}", "nothing", f"it: kind {owner.value!r} needs it")


def field_titles(protocol: Protocol) -> Iterator[tuple[str, LocalText]]:
    """Yield the place and texts of every title among the fields of events."""
    for kind in protocol.events:
        for field in kind.fields:
            place = f"events {kind.code}: fields {field.code}"
            yield f"{place}: title", field.title
            for one in field.choices:
                yield f"{place}: choices {one.code}: title", one.title
