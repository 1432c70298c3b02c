"""Length and quality of life in one number: QALYs from EQ-5D, and quality-adjusted TWiST.

Here, and only here, death counts as 0: a declared composite, not a questionnaire's score.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from qol_app.analysis.follow_up import Floats
from qol_app.analysis.result import (
    AnalysisResult,
    numbers,
    ordered_levels,
    require_columns,
    require_days,
    require_level,
    require_number,
    require_whole,
    sift,
)
from qol_app.analysis.twist import QTwistResult, q_twist
from qol_app.errors import AnalysisError

__all__ = ["QTwistResult", "QalyResult", "q_twist", "qaly"]

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, eq=False, kw_only=True)
class QalyResult(AnalysisResult):
    """Quality-adjusted life years.

    Attributes
    ----------
    table : one row per group: n, mean, sd, ci_low, ci_high (bootstrap of the mean), horizon_days
    contrasts : one row per pair of groups: difference in means with bootstrap limits
    participants : participant, group, qaly, how it ended
    """

    contrasts: pd.DataFrame
    participants: pd.DataFrame
    seed: int


def qaly(
    scores: pd.DataFrame,
    *,
    horizon: float,
    participant: str = "participant",
    day: str = "day",
    index: str = "index",
    death_day: str | None = "death_day",
    by: str | None = None,
    carry_days: float = 0,
    repeats: int = 2000,
    seed: int = 1,
    level: float = 0.95,
) -> QalyResult:
    """Return QALYs up to a horizon as the area under each participant's index.

    Parameters
    ----------
    scores : DataFrame, one row per participant and assessment
        Rows with a missing index say only that the participant exists.
    horizon : float
        Days after start up to which is counted.
    participant, day, index, death_day, by : str
        Columns: who; days from start; EQ-5D index (1 is full health, 0 as bad as death); days
        from start to death, missing while alive; group.
    carry_days : float
        For how many days at most the last index of somebody alive is carried on to reach the
        horizon. Beyond that the participant is left out: nobody knows how it went on.
    repeats, seed : int
        Bootstrap samples of participants within groups.

    Returns
    -------
    QalyResult
        Between two assessments the index runs in a straight line, as it does from the last one
        to 0 on the day of death. The value on day 0 is the latest one up to then.

    Source
    ------
    Drummond et al., Methods for the Economic Evaluation of Health Care Programmes, 4th ed., 2015.
    """
    require_level(level)
    require_columns(scores, participant, day, index, death_day, by)
    require_days("horizon", horizon)
    require_number("carry_days", carry_days, lambda one: one >= 0, "days, 0 or more")
    require_whole("repeats", repeats)
    require_whole("seed", seed)
    rows = pd.DataFrame(
        {
            "participant": scores[participant],
            "day": numbers(scores, day),
            "index": numbers(scores, index),
            "death": numbers(scores, death_day) if death_day else np.nan,
            "group": scores[by] if by else "all",
        }
    )
    if (rows["index"] > 1).any():
        found = rows["index"].max()
        raise AnalysisError(f"{index}: found {found:g}; wanted at most 1, which is full health")
    named, left_out = sift(rows, {"rows without participant": rows["participant"].isna()})
    people = [
        (name, *_area(mine, horizon, carry_days))
        for name, mine in named.groupby("participant", sort=True)
    ]
    frame = pd.DataFrame(people, columns=["participant", "group", "qaly", "outcome"])
    frame["group"] = frame["group"].astype(rows["group"].dtype)
    used, why = sift(
        frame,
        {f"no {by}": frame["group"].isna()}
        | {reason: frame["outcome"] == reason for reason in _NO_AREA},
    )
    table, contrasts = _means(used, "qaly", repeats, seed, level)
    return QalyResult(
        table=table.assign(horizon_days=horizon),
        n_used=len(used),
        left_out=left_out | why,
        notes=_empty_notes(table),
        contrasts=contrasts,
        participants=used.reset_index(drop=True),
        seed=seed,
    )


_NO_AREA = ("no baseline index", "not followed to the horizon", "in more than one group")


def _area(mine: pd.DataFrame, horizon: float, carry: float) -> tuple[Any, float, str]:
    """Return group, QALYs and what the course ended with, of one participant."""
    group, death = mine["group"].iloc[0], mine["death"].max()
    if mine["group"].nunique() > 1:
        return group, np.nan, _NO_AREA[2]
    known = mine[mine["index"].notna() & mine["day"].notna()].sort_values("day", kind="stable")
    known = known[~(known["day"] > death)].drop_duplicates("day", keep="last")
    start = known.loc[known["day"] <= 0, "index"]
    if start.empty:
        return group, np.nan, _NO_AREA[0]
    later = known[known["day"] > 0]
    days = np.concatenate([[0.0], later["day"]])
    values = np.concatenate([[start.iloc[-1]], later["index"]])
    outcome = "died before the horizon" if death <= horizon else "followed to the horizon"
    if not np.isnan(death):
        days, values = np.append(days, death), np.append(values, 0.0)
    if days[-1] < horizon:
        if np.isnan(death) and horizon - days[-1] > carry:
            return group, np.nan, _NO_AREA[1]
        days, values = np.append(days, horizon), np.append(values, values[-1])
    inside = days < horizon
    x = np.append(days[inside], horizon)
    y = np.append(values[inside], np.interp(horizon, days, values))
    return group, float(np.trapezoid(y, x)) / DAYS_PER_YEAR, outcome


def _means(
    used: pd.DataFrame, value: str, repeats: int, seed: int, level: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    random = np.random.default_rng(seed)
    rows, samples = [], {}
    groups = ordered_levels(used["group"])
    for group in groups:
        x = used.loc[used["group"] == group, value].to_numpy(float)
        sample = np.full(repeats, np.nan)
        if len(x) > 1:
            sample = x[random.integers(0, len(x), (repeats, len(x)))].mean(axis=1)
        samples[group] = sample
        mean = float(x.mean()) if len(x) else np.nan
        sd = float(x.std(ddof=1)) if len(x) > 1 else np.nan
        rows.append([group, len(x), mean, sd, *_limits(sample, level)])
    table = pd.DataFrame(rows, columns=["group", "n", "mean", "sd", "ci_low", "ci_high"])
    means = table.set_index("group")["mean"]
    pairs = [
        [b, a, means[b] - means[a], *_limits(samples[b] - samples[a], level)]
        for a, b in combinations(groups, 2)
    ]
    columns = ["group", "reference", "difference", "ci_low", "ci_high"]
    return table, pd.DataFrame(pairs, columns=columns)


def _limits(sample: Floats, level: float) -> tuple[float, float]:
    """Return percentile limits of the samples that could be computed."""
    known = sample[np.isfinite(sample)]
    if len(known) < 2:
        return np.nan, np.nan
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _empty_notes(table: pd.DataFrame) -> tuple[str, ...]:
    if table["n"].sum() == 0:
        return ("no rows to analyse",)
    return tuple(f"one arm empty: {row.group}" for row in table.itertuples() if not row.n)
