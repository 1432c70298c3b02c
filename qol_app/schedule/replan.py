"""What changes for a participant when a date is corrected or an event is added.

An assessment that was begun is never touched: its window, its instruments and what it counts
for stay as the participant found them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from qol_app.schedule.merging import without_guests
from qol_app.schedule.planned import Key, PlannedAssessment
from qol_app.schedule.windows import VisitWindow


@dataclass(frozen=True, slots=True)
class ExistingAssessment:
    """What is stored about an assessment that has a row.

    ``begun`` is true from the first answer on; ``begun_on`` is its local day. ``dropped``
    marks a row that an earlier re-plan took out.
    """

    key: Key
    window: VisitWindow
    package: str
    begun: bool
    instruments: tuple[str, ...] = ()
    counts_for: tuple[Key, ...] = ()
    merged_into: Key | None = None
    begun_on: date | None = None
    provisional: bool = False
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """An assessment whose window, package or pairing becomes another."""

    existing: ExistingAssessment
    planned: PlannedAssessment


@dataclass(frozen=True, slots=True)
class Replan:
    """What a re-plan does to each assessment; every key is in exactly one of the four.

    ``kept`` stay as they are, begun ones among them; ``moved`` take the planned window,
    package, instruments and pairing (a dropped row that is wanted again is among them);
    ``added`` get a row; ``dropped`` keep their row and are no longer asked.
    """

    kept: tuple[ExistingAssessment, ...]
    moved: tuple[Moved, ...]
    added: tuple[PlannedAssessment, ...]
    dropped: tuple[ExistingAssessment, ...]

    @property
    def changes_nothing(self) -> bool:
        """Whether every row stays as it is."""
        return not (self.moved or self.added or self.dropped)


def replan(existing: Sequence[ExistingAssessment], planned: Sequence[PlannedAssessment]) -> Replan:
    """Return what has to change so that the rows agree with the plan.

    Begun assessments are kept, with one exception: a provisional window gives way to the
    real one once its anchor is known, because it never was the protocol's window.

    Where the plan merges an event assessment into one that was begun before the event, or
    that does not ask for all of its instruments, the two are asked separately after all.
    """
    rows = {one.key: one for one in existing}
    wanted = {one.key: one for one in apart_from_begun(rows, planned)}
    kept: list[ExistingAssessment] = []
    moved: list[Moved] = []
    dropped: list[ExistingAssessment] = []
    for row in existing:
        plan = wanted.get(row.key)
        if _fixed(row, plan):
            kept.append(row)
        elif plan is None:
            (kept if row.dropped else dropped).append(row)
        elif _same(row, plan):
            kept.append(row)
        else:
            moved.append(Moved(row, plan))
    added = [one for key, one in wanted.items() if key not in rows]
    return Replan(tuple(kept), tuple(moved), tuple(added), tuple(dropped))


def expected_after(
    found: Replan, planned: Sequence[PlannedAssessment]
) -> tuple[PlannedAssessment, ...]:
    """Return what the rows say once a re-plan has been done, in the order in which they open.

    What was begun keeps its window, package and pairing, whatever the plan says; what was
    dropped is not among it.
    """
    wanted = {one.key: one for one in planned}
    after = [*(one.planned for one in found.moved), *found.added]
    after += [as_stored(row, wanted.get(row.key)) for row in found.kept if not row.dropped]
    return tuple(sorted(after, key=lambda one: (one.window.opens, one.window.target, *one.key)))


def as_stored(row: ExistingAssessment, plan: PlannedAssessment | None = None) -> PlannedAssessment:
    """Return a row as if it had just been planned so."""
    stored = {
        "window": row.window,
        "package": row.package,
        "instruments": row.instruments,
        "counts_for": row.counts_for,
        "merged_into": row.merged_into,
        "provisional": row.provisional,
    }
    if plan is not None:
        return replace(plan, **stored)  # type: ignore[arg-type]
    timepoint, occurrence = row.key
    return PlannedAssessment(timepoint, occurrence, row.window.target, **stored)  # type: ignore[arg-type]


def apart_from_begun(
    rows: Mapping[Key, ExistingAssessment], planned: Sequence[PlannedAssessment]
) -> list[PlannedAssessment]:
    """Return the plan with those mergers undone that what was begun no longer allows."""
    leaving = {one.key for one in planned if one.merged_into and not _may_merge(rows, one)}
    if not leaving:
        return list(planned)
    result = []
    for one in planned:
        if one.key in leaving:
            result.append(replace(one, merged_into=None))
        elif leaving & set(one.counts_for):
            staying = [
                guest
                for guest in planned
                if guest.merged_into == one.key and guest.key not in leaving
            ]
            result.append(without_guests(one, leaving, staying))
        else:
            result.append(one)
    return result


def _may_merge(rows: Mapping[Key, ExistingAssessment], guest: PlannedAssessment) -> bool:
    """Whether an assessment can still be asked together with the one it is planned to join."""
    own, host = rows.get(guest.key), rows.get(guest.merged_into) if guest.merged_into else None
    if own is not None and own.begun:
        return own.merged_into == guest.merged_into
    if host is None or not host.begun or guest.key in host.counts_for:
        return True
    if own is not None and own.merged_into == host.key:
        return True
    asked_all = set(guest.instruments) <= set(host.instruments)
    return asked_all and host.begun_on is not None and guest.window.contains(host.begun_on)


def _fixed(row: ExistingAssessment, plan: PlannedAssessment | None) -> bool:
    if not row.begun:
        return False
    return not (row.provisional and plan is not None and not plan.provisional)


def _same(row: ExistingAssessment, plan: PlannedAssessment) -> bool:
    return (
        not row.dropped
        and row.window == plan.window
        and row.package == plan.package
        and row.merged_into == plan.merged_into
        and set(row.counts_for) == set(plan.counts_for)
        and row.provisional == plan.provisional
        and (not row.instruments or row.instruments == plan.instruments)
    )
