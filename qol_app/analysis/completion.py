"""How many answered, of how many: completion that treats the dead as dead, not as missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from qol_app.analysis.result import (
    AnalysisResult,
    names_of,
    ordered_levels,
    require_columns,
    require_number,
    sift,
)
from qol_app.analysis.shares import percent
from qol_app.analysis.visits import OUTCOMES, timepoints, usable_visits
from qol_app.errors import AnalysisError

NO_REASON = "no reason given yet"
# Before a reason where it heads a column of the flow.
REASON = "reason: "
RATE_COLUMNS = [
    *["randomised", "dead", "withdrawn", "not_expected_other", "pending", "expected"],
    *["valid", "late", "missing"],
    *["fixed_numerator", "fixed_denominator", "fixed_rate"],
    *["old_enough_numerator", "old_enough_denominator", "old_enough_rate"],
    *["completion_numerator", "completion_denominator", "completion_rate"],
]


@dataclass(frozen=True, eq=False, kw_only=True)
class RatesResult(AnalysisResult):
    """Completion by timepoint and group.

    Attributes
    ----------
    table : one row per timepoint and group. Counts: randomised (constant over timepoints), dead,
        withdrawn, not_expected_other, pending, expected, valid, late, missing. Then three rates
        in per cent, each with numerator and denominator:
        ``fixed``: valid of all randomised;
        ``old_enough``: valid of the randomised whose time has come, so without the pending;
        ``completion``: valid of the expected.
    notes : among others, where arms differ by ten points or more
    """

    by: tuple[str, ...]


def rates(
    visits: pd.DataFrame, by: Sequence[str] | str = (), gap_points: float = 10.0
) -> RatesResult:
    """Return available-data and completion rates by timepoint, and by group if asked.

    Parameters
    ----------
    visits : DataFrame
        As described in `qol_app.analysis.visits`. Needed: participant, timepoint, randomised,
        expected, valid and the columns of ``by``; the others refine what is told.
    by : str or sequence of str
        ``"arm"`` is for the statistician only; coordinators see their site pooled.
    gap_points : float
        From which difference in completion between arms a note warns.

    Source
    ------
    Coens et al. (SISAQOL), Lancet Oncol 2020;21:e83; gap between arms: Roydhouse et al., Qual
    Life Res 2019;28:1.
    """
    require_number("gap_points", gap_points, lambda one: one >= 0, "points, 0 or more")
    names = names_of(by)
    used, left_out, notes = usable_visits(visits, names)
    table = _counts(used, names)
    for name, denominator in _DENOMINATORS.items():
        table[f"{name}_numerator"] = table["valid"]
        table[f"{name}_denominator"] = denominator(table)
        table[f"{name}_rate"] = percent(table["valid"], table[f"{name}_denominator"])
    if not len(used):
        notes.append("no visits of randomised participants")
    if "arm" in names:
        notes += _gaps(table, names, gap_points)
    return RatesResult(
        table=table[["timepoint", *names, *RATE_COLUMNS]],
        n_used=len(used),
        left_out=left_out,
        notes=tuple(notes),
        by=names,
    )


_DENOMINATORS = {
    "fixed": lambda table: table["randomised"],
    "old_enough": lambda table: table["randomised"] - table["pending"],
    "completion": lambda table: table["expected"],
}


def _counts(used: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return how many visits had which outcome, and how many were randomised in all."""
    groups = _groups(used, by)
    rows = []
    for group in groups:
        mine = used[_is(used, by, group)]
        outcomes = mine.groupby(["timepoint", "outcome"], observed=True).size()
        for timepoint in timepoints(used):
            counts = {o: int(outcomes.get((timepoint, o), 0)) for o in OUTCOMES}
            randomised = int(mine["participant"].nunique())
            labels = {"timepoint": timepoint, **dict(zip(by, group, strict=True))}
            rows.append({**labels, "randomised": randomised, **counts})
    table = pd.DataFrame(rows, columns=["timepoint", *by, "randomised", *OUTCOMES])
    table["expected"] = table["valid"] + table["late"] + table["missing"]
    order = {timepoint: place for place, timepoint in enumerate(timepoints(used))}
    table = table.sort_values("timepoint", key=lambda c: c.map(order), kind="stable")
    return table.rename(columns={"other": "not_expected_other"}).reset_index(drop=True)


def _groups(used: pd.DataFrame, by: Sequence[str]) -> list[tuple[Any, ...]]:
    if not by:
        return [()]
    if len(by) == 1:
        return [(level,) for level in ordered_levels(used[by[0]])]
    found = used[list(by)].drop_duplicates().sort_values(list(by))
    return [tuple(row) for row in found.itertuples(index=False)]


def _is(used: pd.DataFrame, by: Sequence[str], group: tuple[Any, ...]) -> np.ndarray:
    mine = np.ones(len(used), dtype=bool)
    for name, level in zip(by, group, strict=True):
        mine &= (used[name] == level).to_numpy()
    return mine


def _gaps(table: pd.DataFrame, by: Sequence[str], points: float) -> list[str]:
    """Return a sentence for each timepoint at which two arms differ by so many points."""
    rest = [name for name in by if name != "arm"]
    found = []
    for place, rows in table.groupby(["timepoint", *rest], sort=False, observed=True):
        for (_, a), (_, b) in combinations(rows.iterrows(), 2):
            gap = abs(a["completion_rate"] - b["completion_rate"])
            # 85 - 75 may come out as 9.999999999999986.
            if gap >= points - 1e-9:
                where = ", ".join(map(str, place))
                found.append(
                    f"completion at {where} differs by {gap:.1f} points between arms "
                    f"({a['arm']} {a['completion_rate']:.1f} %, "
                    f"{b['arm']} {b['completion_rate']:.1f} %)"
                )
    return found


def reasons(visits: pd.DataFrame, by: Sequence[str] | str = ()) -> AnalysisResult:
    """Return why expected assessments are missing: one row per timepoint, group and reason.

    Columns timepoint, those of ``by``, reason, n, missing (all missing there) and percent.
    Assessments answered late are no part of it. ``n_used`` counts the missing; the other visits
    are in ``left_out`` by what became of them.
    """
    names = names_of(by)
    used, left_out, notes = usable_visits(visits, names)
    missing = used[used["outcome"] == "missing"]
    given = missing["reason"] if "reason" in missing else pd.Series(index=missing.index, dtype=str)
    given = given.astype(object).where(given.notna() & (given != ""), NO_REASON)
    place = ["timepoint", *names]
    keys = [missing[name].astype(object) for name in place]
    table = missing.groupby([*keys, given.rename("reason")]).size().rename("n").reset_index()
    total = table.groupby(place)["n"].transform("sum") if len(table) else table["n"]
    table = table.assign(missing=total, percent=percent(table["n"], total))
    order = {timepoint: number for number, timepoint in enumerate(timepoints(used))}
    table = table.sort_values("n", ascending=False, kind="stable")
    table = table.sort_values("timepoint", key=lambda c: c.map(order), kind="stable")
    for outcome, count in used["outcome"].value_counts().items():
        if outcome != "missing":
            left_out[_WORDS[str(outcome)]] = int(count)
    if not len(missing):
        notes.append("no expected assessment is missing")
    return AnalysisResult(
        table=table.reset_index(drop=True),
        n_used=len(missing),
        left_out=left_out,
        notes=tuple(notes),
    )


_WORDS = {
    "dead": "not expected: dead",
    "withdrawn": "not expected: withdrawn",
    "other": "not expected: other",
    "pending": "pending",
    "valid": "valid",
    "late": "answered late",
}


def consort_flow(visits: pd.DataFrame, by: Sequence[str] | str = "arm") -> AnalysisResult:
    """Return the CONSORT-PRO flow: by timepoint and arm, from randomised to valid.

    Columns timepoint, those of ``by``, randomised, dead, withdrawn, not_expected_other, pending,
    expected, valid, late, missing, and one column ``reason: ...`` per reason for missing, which
    add up to missing.

    Source
    ------
    Calvert et al. (CONSORT-PRO), JAMA 2013;309:814.
    """
    result = rates(visits, by)
    names = list(result.by)
    wide = result.table[["timepoint", *names, *RATE_COLUMNS[:9]]]
    why = reasons(visits, by).table
    for reason in dict.fromkeys(why["reason"]):
        mine = why.loc[why["reason"] == reason, ["timepoint", *names, "n"]]
        merged = wide[["timepoint", *names]].astype(object).merge(mine, how="left")
        wide = wide.assign(**{f"{REASON}{reason}": merged["n"].fillna(0).astype(int).to_numpy()})
    return AnalysisResult(
        table=wide, n_used=result.n_used, left_out=result.left_out, notes=result.notes
    )


def instrument_completion(forms: pd.DataFrame, by: Sequence[str] | str = ()) -> AnalysisResult:
    """Return of how many valid assessments every scale could be scored, by instrument.

    Parameters
    ----------
    forms : DataFrame
        One row per form of a valid assessment: instrument, timepoint, n_scales and n_scorable,
        and the columns of ``by``.

    Returns
    -------
    AnalysisResult
        One row per instrument, timepoint and group: complete, valid and rate in per cent.
    """
    names = names_of(by)
    require_columns(forms, "instrument", "timepoint", "n_scales", "n_scorable", *names)
    unknown = forms[["instrument", "timepoint", "n_scales", "n_scorable", *names]].isna()
    used, left_out = sift(forms, {"no instrument, count or group": unknown.any(axis=1)})
    if (used["n_scorable"] > used["n_scales"]).any():
        raise AnalysisError("n_scorable: found more than n_scales; wanted at most all scales")
    complete = (used["n_scorable"] == used["n_scales"]).rename("complete")
    table = _rate_table(complete, used, ["instrument", "timepoint", *names], "valid")
    return AnalysisResult(table=table, n_used=len(used), left_out=left_out)


def item_missing(items: pd.DataFrame, by: Sequence[str] | str = ("instrument",)) -> AnalysisResult:
    """Return the share of shown items that were not answered.

    Parameters
    ----------
    items : DataFrame
        One row per item of a form with ``status``: ANSWERED, SKIPPED, NOT_APPLICABLE (hidden by a
        condition) or NOT_REACHED; and the columns of ``by``.

    Returns
    -------
    AnalysisResult
        One row per group: skipped, shown and rate in per cent. Items not applicable or not
        reached were not shown; they are in ``left_out``.
    """
    names = names_of(by)
    require_columns(items, "status", *names)
    status = items["status"]
    unknown = sorted(set(status.dropna().astype(str)) - set(_STATUSES))
    if unknown:
        known = ", ".join(_STATUSES)
        raise AnalysisError(f"status: found {unknown[0]!r}; wanted one of: {known}")
    used, left_out = sift(
        items,
        {
            "no status": status.isna(),
            "not applicable": status == "NOT_APPLICABLE",
            "not reached": status == "NOT_REACHED",
            **{f"no {name}": items[name].isna() for name in names},
        },
    )
    skipped = (used["status"] == "SKIPPED").rename("skipped")
    table = _rate_table(skipped, used, list(names), "shown")
    return AnalysisResult(table=table, n_used=len(used), left_out=left_out)


_STATUSES = ("ANSWERED", "SKIPPED", "NOT_APPLICABLE", "NOT_REACHED")


def _rate_table(
    hits: pd.Series, rows: pd.DataFrame, by: list[str], denominator: str
) -> pd.DataFrame:
    if not by:
        table = pd.DataFrame({hits.name: [int(hits.sum())], denominator: [len(hits)]})
    else:
        grouped = hits.groupby([rows[name] for name in by], observed=True, sort=False)
        table = grouped.agg(["sum", "size"]).reset_index()
        table = table.rename(columns={"sum": hits.name, "size": denominator})
    return table.assign(rate=percent(table[str(hits.name)], table[denominator]))
