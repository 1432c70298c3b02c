"""Who has answered what: the grid, and the rates.

Everything is derived from the facts at the moment of asking. By arm only for those whose
right it is; the others see their sites pooled.

Source
------
Coens et al., Lancet Oncol 2020;21:e83 (SISAQOL): completion rate (variable denominator) and
available data rate (fixed denominator), always with numerator and denominator.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from qol_app.analysis import completion
from qol_app.definition.protocol import Protocol, Timepoint
from qol_app.schedule.status import AssessmentState, Expectation
from qol_app.services.standing import Person, Standing, shown

# --- rates -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rate:
    """Counts of one timepoint in one set of participants.

    ``valid`` were answered in the window with something that can be scored; ``expected``
    is the variable denominator; ``randomised`` the fixed one; ``old_enough`` those of the
    randomised for whom this timepoint has been decided.
    """

    valid: int
    expected: int
    old_enough: int
    randomised: int

    @property
    def completion(self) -> float | None:
        """Valid of those expected, in per cent; None while nobody was."""
        return _percent(self.valid, self.expected)

    @property
    def available(self) -> float | None:
        """Valid of all randomised, in per cent."""
        return _percent(self.valid, self.randomised)

    @property
    def available_old_enough(self) -> float | None:
        """Valid of those randomised long enough ago, in per cent."""
        return _percent(self.valid, self.old_enough)


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates by group and timepoint; with the empty name as the only group, of all together."""

    of: Mapping[str, Mapping[str, Rate]]
    notes: tuple[str, ...] = ()


def rates(persons: Sequence[Person], timepoints: Sequence[str], by: str = "") -> Rates:
    """Return the rates of the randomised by timepoint, and by site or arm if asked.

    Parameters
    ----------
    persons : sequence of Person
    timepoints : sequence of str
        Codes of timepoints that come once for everybody.
    by : str
        ``"site"``, ``"arm"`` (for those only whose right it is), or nothing.
    """
    visits = visits_table(persons, timepoints)
    if not visits["randomised"].any():
        return Rates({})
    result = completion.rates(visits, by or ())
    of: dict[str, dict[str, Rate]] = {}
    for row in result.table.to_dict("records"):
        rate = Rate(
            valid=row["valid"],
            expected=row["completion_denominator"],
            old_enough=row["old_enough_denominator"],
            randomised=row["randomised"],
        )
        of.setdefault(row[by] if by else "", {})[row["timepoint"]] = rate
    return Rates(of, result.notes)


def visits_table(persons: Sequence[Person], timepoints: Sequence[str]) -> pd.DataFrame:
    """Return one row per participant and timepoint, as ``qol_app.analysis.visits`` describes.

    A timepoint that is not planned for somebody (yet) is pending.
    """
    rows = [
        row
        for person in persons
        for row in _visits(person, {one.timepoint: one for one in person.standings}, timepoints)
    ]
    table = pd.DataFrame(rows, columns=VISIT_COLUMNS)
    table["timepoint"] = pd.Categorical(table["timepoint"], categories=list(timepoints))
    return table


VISIT_COLUMNS = [
    *["participant", "site", "arm", "timepoint", "target_on", "opens_on", "closes_on"],
    *["randomised", "expected", "valid", "late", "reason", "dead_on", "withdrawn_on"],
]


def _visits(
    person: Person, standings: Mapping[str, Standing], timepoints: Sequence[str]
) -> Iterator[tuple[object, ...]]:
    history = person.history
    whose = (person.study_number, person.site_code, history.arm)
    left = (history.death_on, history.withdrawn_from_qol_on)
    for timepoint in timepoints:
        one = standings.get(timepoint)
        if one is None or one.expectation is Expectation.DROPPED:
            yield (
                *whose,
                timepoint,
                None,
                None,
                None,
                person.randomised,
                None,
                False,
                False,
                None,
                *left,
            )
            continue
        window = one.window
        yield (
            *whose,
            timepoint,
            window.target,
            window.opens,
            window.closes,
            person.randomised,
            None if one.expectation is Expectation.PENDING else one.expectation.counts,
            one.complete,
            one.state is AssessmentState.SUBMITTED_LATE,
            one.facts.reason,
            *left,
        )


# --- the grid --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One participant's row of the grid: cells by timepoint, several where it recurs."""

    person: Person
    cells: Mapping[str, tuple[Standing, ...]]


@dataclass(frozen=True, slots=True)
class Grid:
    """Participants x timepoints; ``columns`` are those the protocol has and somebody needs."""

    columns: tuple[Timepoint, ...]
    lines: tuple[Line, ...]


def grid(persons: Sequence[Person]) -> Grid:
    """Return the participants' assessments by timepoint, in the order of the protocol."""
    used = {one.timepoint for person in persons for one in shown(person.standings)}
    protocols = {person.protocol.sha256: person.protocol for person in persons}
    columns: dict[str, Timepoint] = {}
    for protocol in protocols.values():
        for timepoint in protocol.timepoints:
            if timepoint.code in used or is_scheduled(timepoint):
                columns.setdefault(timepoint.code, timepoint)
    return Grid(tuple(columns.values()), tuple(_line(person) for person in persons))


def is_scheduled(timepoint: Timepoint) -> bool:
    """Return whether a timepoint comes once for everybody: it has a rate of its own."""
    once = not (timepoint.each or timepoint.repeat or timepoint.merges or timepoint.arms)
    return once and timepoint.enabled


def scheduled(protocol: Protocol) -> tuple[Timepoint, ...]:
    """Return the timepoints of a protocol that have rates."""
    return tuple(one for one in protocol.timepoints if is_scheduled(one))


def _line(person: Person) -> Line:
    cells: dict[str, tuple[Standing, ...]] = {}
    for one in shown(person.standings):
        cells[one.timepoint] = (*cells.get(one.timepoint, ()), one)
    return Line(person, cells)
