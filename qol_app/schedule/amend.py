"""What a new protocol version changes for one participant, before it is applied.

An amendment looks forward only. What was begun, and what closed before the day it takes
effect, stays as the old version had it; a moment the new version adds is asked only if its
window has not closed by then.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from qol_app.definition.protocol import Protocol
from qol_app.definition.protocol_timing import Problem
from qol_app.errors import NotAllowed
from qol_app.schedule.history import History
from qol_app.schedule.merging import without_guests
from qol_app.schedule.plan import plan
from qol_app.schedule.planned import Key, PlannedAssessment
from qol_app.schedule.replan import ExistingAssessment, Replan, as_stored, replan


@dataclass(frozen=True, slots=True)
class AmendmentPreview:
    """What happens to each of a participant's assessments; keys are those of the new version.

    ``renamed`` pairs old and new keys of rows whose timepoint only changed its code; ``left``
    are the keys of rows that stay under the old version.
    """

    change: Replan
    renamed: tuple[tuple[Key, Key], ...] = ()
    left: frozenset[Key] = frozenset()

    @property
    def counts(self) -> dict[str, int]:
        """How many are kept, moved, added and dropped."""
        parts = ("kept", "moved", "added", "dropped")
        return {part: len(getattr(self.change, part)) for part in parts}


def amendment_problems(old: Protocol, new: Protocol) -> tuple[Problem, ...]:
    """Return why a protocol cannot follow another as its next version; empty if it can."""
    return tuple(_amendment_problems(old, new))


def preview_amendment(
    old: Protocol,
    new: Protocol,
    history: History,
    existing: Sequence[ExistingAssessment],
    on: date | None = None,
    language: str | None = None,
) -> AmendmentPreview:
    """Return what the new version keeps, moves, adds and drops for one participant.

    Parameters
    ----------
    old, new : Protocol
        Two versions of one protocol; ``new.amends`` names the old one.
    history : History
    existing : sequence of ExistingAssessment
        The participant's rows under the old version.
    on : date, optional
        The day it takes effect for this participant; by default ``new.effective_on``.
    language : str, optional

    Raises
    ------
    NotAllowed
        If the new protocol is no next version of the old one.
    """
    problems = amendment_problems(old, new)
    if problems:
        raise NotAllowed(
            f"protocol {new.code} {new.version} cannot follow {old.version}: {problems[0]}"
        )
    on = on or new.effective_on
    names = new.amends.renamed if new.amends else {}
    rows = [_renamed(row, names) for row in existing]
    left = _left(rows, plan(new, history, language), on)
    asked_under = {row.key: old.version if row.key in left else new.version for row in rows}
    planned = plan_as_amended((old, new), asked_under, history, language, on)
    wanted = tuple(_as_they_stand(rows, planned, left))
    pairs = tuple(
        (row.key, new_row.key)
        for row, new_row in zip(existing, rows, strict=True)
        if row.key != new_row.key
    )
    return AmendmentPreview(replan(rows, wanted), pairs, left)


def _left(
    rows: Sequence[ExistingAssessment], planned: Sequence[PlannedAssessment], on: date
) -> frozenset[Key]:
    """Return the rows that stay under the old version: begun, over, or moved into the past."""
    # A window moved into the past would be missed without ever having been open.
    past = {one.key for one in planned if one.window.closes < on}
    return frozenset(
        row.key for row in rows if row.begun or row.window.closes < on or row.key in past
    )


def _as_they_stand(
    rows: Sequence[ExistingAssessment], planned: Sequence[PlannedAssessment], left: frozenset[Key]
) -> Iterator[PlannedAssessment]:
    """Yield the plan with those rows as they are that stay.

    Some may have stayed at an earlier amendment already: what the old version says of them,
    a wider window perhaps or nothing at all, would open again or take out what was over.
    """
    staying = {row.key: row for row in rows if row.key in left and not (row.begun or row.dropped)}
    for one in planned:
        row = staying.pop(one.key, None)
        yield replace(one, window=row.window) if row else one
    yield from (as_stored(row) for row in staying.values())


def plan_as_amended(
    versions: Sequence[Protocol],
    asked_under: Mapping[Key, str],
    history: History,
    language: str | None = None,
    on: date | None = None,
) -> tuple[PlannedAssessment, ...]:
    """Return the plan of somebody whose protocol was amended on the way.

    What an amendment left under an older version keeps following that version when a date is
    corrected; what the newest version adds is asked only if it can still be answered on the
    day that version takes effect.

    Parameters
    ----------
    versions : sequence of Protocol
        Every version the participant was planned by, oldest first.
    asked_under : mapping from key to version
        Under which version each existing row stands; keys are those of the newest version.
    history : History
    language : str, optional
    on : date, optional
        The day the newest version took effect for this participant; by default its own.
    """
    current = versions[-1]
    amended_on = (on or current.effective_on) if len(versions) > 1 else None
    planned = [
        one
        for one in plan(current, history, language)
        if _asked_by(current, one, asked_under, amended_on)
    ]
    names: dict[str, str] = {}
    for older, newer in zip(reversed(versions[:-1]), reversed(versions), strict=False):
        step = newer.amends.renamed if newer.amends else {}
        names = {**names, **{old: names.get(new, new) for old, new in step.items()}}
        before = (_planned_renamed(one, names) for one in plan(older, history, language))
        planned += [one for one in before if asked_under.get(one.key) == older.version]
    return tuple(_agreeing(planned))


def _asked_by(
    current: Protocol,
    one: PlannedAssessment,
    asked_under: Mapping[Key, str],
    amended_on: date | None,
) -> bool:
    if one.key in asked_under:
        return asked_under[one.key] == current.version
    return amended_on is None or one.window.closes >= amended_on


def _agreeing(planned: Sequence[PlannedAssessment]) -> Iterator[PlannedAssessment]:
    """Yield the plan with pairs undone whose two sides come from different plans."""
    by_key = {one.key: one for one in planned}
    pairs = {
        (one.key, one.merged_into)
        for one in planned
        if one.merged_into in by_key and one.key in by_key[one.merged_into].counts_for
    }
    for one in planned:
        if one.merged_into is not None and (one.key, one.merged_into) not in pairs:
            yield replace(one, merged_into=None)
        elif any((key, one.key) not in pairs for key in one.counts_for):
            staying = [by_key[key] for key in one.counts_for if (key, one.key) in pairs]
            leaving = set(one.counts_for) - {guest.key for guest in staying}
            yield without_guests(one, leaving, staying)
        else:
            yield one


def _planned_renamed(one: PlannedAssessment, names: dict[str, str]) -> PlannedAssessment:
    return replace(
        one,
        timepoint=names.get(one.timepoint, one.timepoint),
        counts_for=tuple(_new_key(key, names) for key in one.counts_for),
        merged_into=_new_key(one.merged_into, names) if one.merged_into else None,
    )


def _renamed(row: ExistingAssessment, names: dict[str, str]) -> ExistingAssessment:
    if not names:
        return row
    return replace(
        row,
        key=_new_key(row.key, names),
        counts_for=tuple(_new_key(key, names) for key in row.counts_for),
        merged_into=_new_key(row.merged_into, names) if row.merged_into else None,
    )


def _new_key(key: Key, names: dict[str, str]) -> Key:
    return (names.get(key[0], key[0]), key[1])


def _amendment_problems(old: Protocol, new: Protocol) -> Iterator[Problem]:
    if new.code != old.code:
        yield Problem("code", repr(new.code), repr(old.code))
    amends = new.amends
    if amends is None or amends.version != old.version:
        found = repr(amends.version) if amends else "nothing"
        yield Problem("amends: version", found, repr(old.version))
    if new.version == old.version:
        yield Problem("version", repr(new.version), f"another than {old.version!r}")
    if new.effective_on <= old.effective_on:
        yield Problem("effective_on", str(new.effective_on), f"a day after {old.effective_on}")
    for place in ("sites", "arms", "events", "missing_reasons"):
        codes = {part.code for part in getattr(new, place)}
        for part in getattr(old, place):
            if part.code not in codes:
                yield Problem(place, f"no {part.code!r} any more", "it, as records may name it")
    known = {point.code for point in old.timepoints}
    for code in amends.renamed if amends else ():
        if code not in known:
            wanted = f"a timepoint of version {old.version}"
            yield Problem("amends: renamed", f"unknown timepoint {code!r}", wanted)
