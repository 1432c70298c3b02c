"""What happened after the procedure: worst complication and early death."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from qol_app.analysis.facts import dates
from qol_app.analysis.result import (
    AnalysisResult,
    ordered_levels,
    require_columns,
    require_level,
    require_whole,
    sift,
)
from qol_app.analysis.shares import percent, wilson
from qol_app.errors import AnalysisError

CLAVIEN_DINDO = ("I", "II", "IIIa", "IIIb", "IVa", "IVb", "V")


@dataclass(frozen=True, eq=False, kw_only=True)
class EventsResult(AnalysisResult):
    """Participants by worst grade. ``n_used`` and ``left_out`` count participants.

    Attributes
    ----------
    events_left_out : dict of str to int
        Reported events that could not be counted, by reason.
    """

    events_left_out: dict[str, int]


def clavien_dindo(
    complications: pd.DataFrame,
    procedures: pd.DataFrame,
    *,
    by: str | None = None,
    horizons: Sequence[int] | int = (30, 90),
    level: float = 0.95,
) -> EventsResult:
    """Return participants by worst complication within 30 and 90 days of the first procedure.

    Parameters
    ----------
    complications : DataFrame, one row per complication
        participant, onset_on (date), grade (I, II, IIIa, IIIb, IVa, IVb, V).
    procedures : DataFrame, one row per procedure
        participant, procedure_on, last_seen_on (last day known alive or, if dead, of death),
        dead_on (missing while alive) and the column ``by``.
    horizons : sequence of int
        Days after the procedure; the procedure is day 0 and the last day counts.

    Returns
    -------
    EventsResult
        `table`: horizon, group, grade (each, then ``any`` and ``III or more``), n, followed,
        percent, ci_low, ci_high (Wilson), not_followed. Followed are those seen for so long,
        dead or with a complication in that time; the others are in ``not_followed``.

    Source
    ------
    Dindo, Demartines & Clavien, Ann Surg 2004;240:205.
    """
    require_level(level)
    horizons = _days(horizons)
    require_columns(complications, "participant", "onset_on", "grade")
    first, left_out = _first_procedures(procedures, by)
    grades = {grade: place for place, grade in enumerate(CLAVIEN_DINDO)}
    require_grades(complications["grade"], grades)
    rows = complications.assign(
        participant=complications["participant"],
        onset=dates(complications["onset_on"]),
        rank=complications["grade"].map(grades),
        start=complications["participant"].map(first["procedure"]),
    )
    known, events_left_out = sift(
        rows,
        {
            "no participant with a procedure": rows["start"].isna(),
            "no date of onset": rows["onset"].isna(),
            "no grade": rows["rank"].isna(),
            "before the procedure": rows["onset"] < rows["start"],
        },
    )
    after = (known["onset"] - known["start"]).dt.days
    table = []
    for horizon in horizons:
        inside = known[after <= horizon]
        worst = inside.groupby("participant")["rank"].max().reindex(first.index)
        followed = worst.notna() | _followed(first, horizon)
        table += _worst_rows(horizon, first["group"], worst, followed)
    late = int((after > max(horizons)).sum()) if len(after) else 0
    if late:
        events_left_out[f"after day {max(horizons)}"] = late
    return EventsResult(
        table=_with_shares(pd.DataFrame(table, columns=_CD_COLUMNS), level),
        n_used=len(first),
        left_out=left_out,
        notes=nobody(first, "procedure") + _silent_deaths(first, known, max(horizons)),
        events_left_out=events_left_out,
    )


def _days(horizons: Sequence[int] | int) -> tuple[int, ...]:
    """Return the horizons; a number by itself is one."""
    days = tuple(horizons) if isinstance(horizons, Sequence) else (horizons,)
    if not days:
        raise AnalysisError("horizons: found none; wanted days after the procedure, as (30, 90)")
    for one in days:
        require_whole("horizons", one, least=1)
    return days


_CD_COLUMNS = ["horizon", "group", "grade", "n", "followed", "not_followed"]


def mortality_after(
    procedures: pd.DataFrame, *, by: str | None = None, days: int = 90, level: float = 0.95
) -> AnalysisResult:
    """Return how many died within so many days of the first procedure.

    ``procedures`` as in `clavien_dindo`. `table`: group, dead, followed, percent, ci_low, ci_high
    (Wilson). Somebody alive who was not seen for so long is left out and counted.
    """
    require_level(level)
    require_whole("days", days, least=1)
    first, left_out = _first_procedures(procedures, by)
    dead = (first["dead"] - first["procedure"]).dt.days <= days
    seen = dead | _followed(first, days)
    if (~seen).any():
        left_out[f"not followed for {days} days"] = int((~seen).sum())
    rows = []
    for group in ordered_levels(first["group"]):
        mine = first["group"] == group
        rows.append([group, int((dead & mine).sum()), int((seen & mine).sum())])
    table = pd.DataFrame(rows, columns=["group", "n", "followed"])
    return AnalysisResult(
        table=_with_shares(table, level).rename(columns={"n": "dead"}),
        n_used=int(seen.sum()),
        left_out=left_out,
        notes=nobody(first, "procedure"),
    )


def _first_procedures(
    procedures: pd.DataFrame, by: str | None
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return each participant's first procedure: procedure, seen, dead, group, by participant."""
    require_columns(procedures, "participant", "procedure_on", "last_seen_on", "dead_on", by)
    rows = pd.DataFrame(
        {
            "participant": procedures["participant"],
            "procedure": dates(procedures["procedure_on"]),
            "seen": dates(procedures["last_seen_on"]),
            "dead": dates(procedures["dead_on"]),
            "group": procedures[by] if by else "all",
        }
    ).sort_values("procedure", kind="stable")
    used, left_out = sift(
        rows,
        {
            "no participant": rows["participant"].isna(),
            "no date of procedure": rows["procedure"].isna(),
            f"no {by}": rows["group"].isna(),
            "later procedure of the same participant": rows["participant"].duplicated(),
            "dead before the procedure": rows["dead"] < rows["procedure"],
        },
    )
    return used.set_index("participant"), left_out


def _followed(first: pd.DataFrame, days: int) -> pd.Series:
    """Return whose fate is known for so many days: seen so long, or dead."""
    return ((first["seen"] - first["procedure"]).dt.days >= days) | first["dead"].notna()


def _worst_rows(
    horizon: int, group: pd.Series, worst: pd.Series, followed: pd.Series
) -> list[list[Any]]:
    rows = []
    for level in ordered_levels(group):
        mine = group == level
        seen, unseen = int((mine & followed).sum()), int((mine & ~followed).sum())
        counts = {g: int((worst[mine] == place).sum()) for place, g in enumerate(CLAVIEN_DINDO)}
        counts["any"] = sum(counts.values())
        counts["III or more"] = sum(counts[grade] for grade in CLAVIEN_DINDO[2:])
        rows += [[horizon, level, grade, n, seen, unseen] for grade, n in counts.items()]
    return rows


def _with_shares(table: pd.DataFrame, level: float) -> pd.DataFrame:
    low, high = wilson(table["n"].to_numpy(), table["followed"].to_numpy(), level)
    share = percent(table["n"], table["followed"])
    return table.assign(percent=share, ci_low=low, ci_high=high)


def _silent_deaths(first: pd.DataFrame, known: pd.DataFrame, days: int) -> tuple[str, ...]:
    """Return a warning where somebody died soon after but no complication of grade V is known."""
    died = first.index[(first["dead"] - first["procedure"]).dt.days <= days]
    fatal = set(known.loc[known["grade"] == "V", "participant"])
    silent = [who for who in died if who not in fatal]
    if not silent:
        return ()
    return (f"{len(silent)} died within {days} days without a complication of grade V",)


def require_grades(grades: pd.Series, known: Mapping[Any, int]) -> None:
    strange = grades[grades.notna() & ~grades.isin(list(known))]
    if len(strange):
        wanted = ", ".join(map(str, known))
        raise AnalysisError(f"grade: found {strange.iloc[0]!r}; wanted one of: {wanted}")


def nobody(people: pd.DataFrame, what: str) -> tuple[str, ...]:
    empty = [] if len(people) else [f"no {what}"]
    counts = people["group"].value_counts() if len(people) else pd.Series(dtype=int)
    return (*empty, *[f"one arm empty: {level}" for level, n in counts.items() if not n])
