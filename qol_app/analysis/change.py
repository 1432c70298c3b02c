"""What scores were, how they changed from baseline, and for how many the change mattered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t

from qol_app.analysis.result import (
    AnalysisResult,
    names_of,
    numbers,
    ordered_levels,
    require_columns,
    require_level,
    require_number,
    sift,
)
from qol_app.analysis.shares import percent, wilson
from qol_app.analysis.thresholds import (
    DEFAULT_POINTS,
    HIGHER_IS_BETTER,
    Threshold,
    achievable_threshold,
    as_threshold,
    sign_of,
)
from qol_app.errors import AnalysisError

STATISTICS = [
    *["n", "mean", "sd", "se", "ci_low", "ci_high"],
    *["median", "q1", "q3", "minimum", "maximum"],
]
CATEGORIES = ("deteriorated", "stable", "improved")
# As in `deterioration`: ten points made of thirds may come out a little less.
EXACTLY = 1e-6


@dataclass(frozen=True, eq=False, kw_only=True)
class RespondersResult(AnalysisResult):
    """Who deteriorated, stayed or improved.

    `table`: one row per group and category: n, total (with score and baseline), percent, ci_low,
    ci_high (Wilson). `rule` says in words what counts, and by which source.
    """

    threshold: Threshold
    improvement: Threshold
    rule: str


def descriptives(
    scores: pd.DataFrame,
    *,
    value: str = "value",
    by: Sequence[str] | str = ("timepoint", "arm"),
    level: float = 0.95,
) -> AnalysisResult:
    """Return n, mean, sd, se, t interval, median, quartiles and range by group.

    Parameters
    ----------
    scores : DataFrame, one row per score
    value : str
        The score; rows without one are left out and counted.
    by : str or sequence of str
        Groups; every level of a category has a row, also without scores.
    level : float
        Confidence level of the interval of the mean.

    Returns
    -------
    AnalysisResult
        Quartiles interpolate linearly. One score alone has no sd and no interval (NaN).
    """
    require_level(level)
    names = _names(by)
    require_columns(scores, value, *names)
    used, left_out = _usable(scores, {"no score": value}, names)
    return AnalysisResult(
        table=_described(used.assign(**{value: numbers(used, value)}), value, names, level),
        n_used=len(used),
        left_out=left_out,
        notes=_note_if_empty(used),
    )


def change_from_baseline(
    scores: pd.DataFrame,
    *,
    value: str = "value",
    baseline: str = "baseline",
    by: Sequence[str] | str = ("timepoint", "arm"),
    level: float = 0.95,
) -> AnalysisResult:
    """Return the descriptives of score less baseline by group, and the mean baseline beside them.

    ``baseline`` is the participant's baseline score on every row. Who has none is left out here
    and counted, which is a reason to look at who they are.
    """
    require_level(level)
    names = _names(by)
    used, left_out = _with_change(scores, value, baseline, names)
    table = _described(used, "change", names, level)
    start = _described(used, "baseline", names, level)["mean"]
    table.insert(len(names) + 1, "mean_baseline", start)
    return AnalysisResult(
        table=table, n_used=len(used), left_out=left_out, notes=_note_if_empty(used)
    )


def responders(
    scores: pd.DataFrame,
    *,
    value: str = "value",
    baseline: str = "baseline",
    by: Sequence[str] | str = ("timepoint", "arm"),
    threshold: float | Threshold = DEFAULT_POINTS,
    improvement: float | Threshold | None = None,
    direction: str = HIGHER_IS_BETTER,
    step: float | None = None,
    level: float = 0.95,
) -> RespondersResult:
    """Return how many deteriorated, stayed stable and improved, by group.

    Parameters
    ----------
    scores : DataFrame, one row per participant and timepoint
    value, baseline : str
        The score and the participant's baseline.
    threshold, improvement : float or Threshold
        Points from which a change counts as deterioration, and as improvement (the same unless
        given); a change of exactly that size counts.
    direction : {"higher_is_better", "higher_is_worse"}
    step : float, optional
        By how much the scale can move at least, see `thresholds.achievable_step`; named in a
        note where the threshold lies between two steps.
    """
    require_level(level)
    sign = sign_of(direction)
    worse = as_threshold(threshold)
    better = worse if improvement is None else as_threshold(improvement)
    names = _names(by)
    used, left_out = _with_change(scores, value, baseline, names)
    gain = used["change"] * sign
    used["category"] = pd.Categorical(
        np.where(
            gain <= -worse.points + EXACTLY,
            CATEGORIES[0],
            np.where(gain >= better.points - EXACTLY, CATEGORIES[2], CATEGORIES[1]),
        ),
        CATEGORIES,
    )
    return RespondersResult(
        table=_shares(used, names, level),
        n_used=len(used),
        left_out=left_out,
        notes=(*_note_if_empty(used), *_step_note(worse, better, step)),
        threshold=worse,
        improvement=better,
        rule=(
            f"deteriorated: worse than baseline by {worse.points:g} points or more "
            f"({worse.source}); improved: better by {better.points:g} or more ({better.source})"
        ),
    )


def cumulative_distribution(
    scores: pd.DataFrame,
    *,
    value: str = "value",
    baseline: str = "baseline",
    by: Sequence[str] | str = ("timepoint", "arm"),
) -> AnalysisResult:
    """Return, for each change that occurred, the share of participants who changed by it or less.

    One row per group and distinct change: change, n (at or below), total, percent. It shows
    every threshold at once, without choosing one.
    """
    names = _names(by)
    used, left_out = _with_change(scores, value, baseline, names)
    # What is one change must not be two for a difference in the last digit.
    used["change"] = used["change"].round(6)
    rows = []
    for group, mine in _groups(used, names):
        change, count = np.unique(mine["change"], return_counts=True)
        reached = np.cumsum(count)
        for one, n in zip(change, reached, strict=True):
            rows.append([*group, float(one), int(n), len(mine), 100 * n / len(mine)])
    return AnalysisResult(
        table=pd.DataFrame(rows, columns=[*names, "change", "n", "total", "percent"]),
        n_used=len(used),
        left_out=left_out,
        notes=_note_if_empty(used),
    )


def _names(by: Sequence[str] | str) -> list[str]:
    return list(names_of(by))


def _usable(
    scores: pd.DataFrame, needed: dict[str, str], by: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, int]]:
    scores = scores.reset_index(drop=True)
    for column in needed.values():
        if np.isinf(numbers(scores, column)).any():
            raise AnalysisError(f"{column}: found an infinite number; wanted scores")
    reasons = {reason: numbers(scores, column).isna() for reason, column in needed.items()}
    return sift(scores, {**reasons, **{f"no {name}": scores[name].isna() for name in by}})


def _with_change(
    scores: pd.DataFrame, value: str, baseline: str, by: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return usable rows with the columns of ``by``, ``baseline`` and ``change``."""
    require_columns(scores, value, baseline, *by)
    used, left_out = _usable(scores, {"no score": value, "no baseline": baseline}, by)
    start, end = numbers(used, baseline), numbers(used, value)
    return used[list(by)].assign(baseline=start, change=end - start), left_out


def _groups(rows: pd.DataFrame, by: Sequence[str]) -> list[tuple[tuple[Any, ...], pd.DataFrame]]:
    """Return each combination of levels with its rows, the empty ones of categories too."""
    found: list[tuple[tuple[Any, ...], pd.DataFrame]] = [((), rows)]
    for name in by:
        levels = ordered_levels(rows[name])
        found = [
            ((*group, level), part[part[name] == level])
            for group, part in found
            for level in levels
        ]
    return found


def _described(rows: pd.DataFrame, value: str, by: list[str], level: float) -> pd.DataFrame:
    table = [[*group, *_statistics(part[value], level)] for group, part in _groups(rows, by)]
    return pd.DataFrame(table, columns=[*by, *STATISTICS])


def _statistics(values: pd.Series, level: float) -> list[float]:
    x = values.to_numpy(float)
    if not len(x):
        return [0, *[np.nan] * (len(STATISTICS) - 1)]
    mean, several = float(x.mean()), len(x) > 1
    sd = float(x.std(ddof=1)) if several else np.nan
    se = sd / np.sqrt(len(x))
    half = float(t.isf((1 - level) / 2, len(x) - 1)) * se if several else np.nan
    quartiles = np.quantile(x, [0.5, 0.25, 0.75])
    return [len(x), mean, sd, se, mean - half, mean + half, *quartiles, x.min(), x.max()]


def _shares(used: pd.DataFrame, by: list[str], level: float) -> pd.DataFrame:
    rows = []
    for group, part in _groups(used, by):
        counts = part["category"].value_counts()
        rows += [[*group, name, int(counts.get(name, 0)), len(part)] for name in CATEGORIES]
    table = pd.DataFrame(rows, columns=[*by, "category", "n", "total"])
    low, high = wilson(table["n"].to_numpy(), table["total"].to_numpy(), level)
    return table.assign(percent=percent(table["n"], table["total"]), ci_low=low, ci_high=high)


def _step_note(worse: Threshold, better: Threshold, step: float | None) -> list[str]:
    if step is None:
        return []
    require_number("step", step, lambda one: 0 < one < np.inf, "points above 0")
    notes = []
    for points in dict.fromkeys([worse.points, better.points]):
        reached = achievable_threshold(points, step)
        if reached - points > EXACTLY:
            notes.append(
                f"the scale moves in steps of {step:.1f}: {points:g} points ask for {reached:.1f}"
            )
    return notes


def _note_if_empty(used: pd.DataFrame) -> tuple[str, ...]:
    return () if len(used) else ("no rows to analyse",)
