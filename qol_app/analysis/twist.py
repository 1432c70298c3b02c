"""Q-TWiST: survival parted into time with toxicity, time without symptoms or toxicity, and after.

Each part is the area between two survival curves up to the same day, and is weighed by what it
is worth to those who live it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from qol_app.analysis.follow_up import Floats, at_risk
from qol_app.analysis.kaplan_meier import reference_of
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

STATES = ("tox", "twist", "relapse", "q_twist")
Ends = Mapping[str, tuple[Floats, Floats]]


@dataclass(frozen=True, eq=False, kw_only=True)
class QTwistResult(AnalysisResult):
    """Mean days in each state up to tau, and their weighted sum.

    Attributes
    ----------
    table : one row per group and state (tox, twist, relapse, q_twist): n, days, ci_low, ci_high
    contrasts : one row per group against the reference and state: difference, ci_low, ci_high
    utilities : one row per pair of utilities and group: difference in q_twist, ci_low, ci_high
    repeats_failed : bootstrap samples in which follow-up ended before tau; they are left out
    """

    contrasts: pd.DataFrame
    utilities: pd.DataFrame
    tau: float
    repeats: int
    repeats_failed: int
    seed: int


def q_twist(
    data: pd.DataFrame,
    *,
    tau: float,
    by: str = "arm",
    toxicity: str = "tox_days",
    progression: str = "pfs_days",
    progression_event: str = "pfs_event",
    death: str = "os_days",
    death_event: str = "os_event",
    utility_tox: float = 0.5,
    utility_relapse: float = 0.5,
    grid: Sequence[float] = (0.0, 0.25, 0.5, 0.75, 1.0),
    reference: Any = None,
    repeats: int = 1000,
    seed: int = 1,
    level: float = 0.95,
) -> QTwistResult:
    """Return the partitioned survival of each group and what it is worth.

    Parameters
    ----------
    data : DataFrame, one row per participant
    tau : float
        Days up to which is counted, for all alike.
    toxicity : str
        Days with toxicity of grade 3 or more before progression, all together.
    progression, progression_event, death, death_event : str
        Follow-up to progression or death, and to death; 1 for the event, 0 for censored.
    utility_tox, utility_relapse : float
        Worth of a day with toxicity and of a day after progression, from 0 to 1; a day in
        between (TWiST) is worth 1.
    grid : sequence of float
        Utilities for ``utilities``, which shows every pair: the choice is the reader's.
    repeats, seed : int
        Bootstrap samples of participants within groups.

    Returns
    -------
    QTwistResult
        tox: mean days with toxicity; twist: up to progression, less those; relapse: from
        progression to death. NaN, and a note, where follow-up of a group ends before tau.

    Source
    ------
    Gelber, Goldhirsch & Cole, Cancer Treat Rev 1993;19(A):73; Glasziou et al., Stat Med
    1990;9:1259.
    """
    require_level(level)
    _require_shares(utility_tox, utility_relapse, *grid)
    require_days("tau", tau)
    require_whole("repeats", repeats)
    require_whole("seed", seed)
    names = [toxicity, progression, progression_event, death, death_event]
    used, left_out = _usable(data, names, by)
    groups = ordered_levels(used[by])
    first = reference_of(groups, reference, by) if groups else None
    random = np.random.default_rng(seed)
    means, samples = {}, {}
    for group in groups:
        ends = _ends(used[used[by] == group], names)
        means[group] = _states(ends, tau)
        samples[group] = _resampled(ends, tau, repeats, random)
    worth = (utility_tox, utility_relapse)
    others = [group for group in groups if group != first]
    failed = np.zeros(repeats, dtype=bool)
    for sample in samples.values():
        failed |= np.isnan(sample).any(axis=1)
    return QTwistResult(
        table=_table(used[by], means, samples, worth, level),
        n_used=len(used),
        left_out=left_out,
        notes=tuple(_notes(used[by], means, tau)),
        contrasts=_contrasts(others, first, means, samples, worth, level),
        utilities=_by_utility(others, first, means, samples, grid, level),
        tau=float(tau),
        repeats=repeats,
        repeats_failed=int(failed.sum()),
        seed=seed,
    )


def _require_shares(*utilities: float) -> None:
    for one in utilities:
        require_number("utility", one, lambda worth: 0 <= worth <= 1, "a number from 0 to 1")


def _usable(
    data: pd.DataFrame, names: Sequence[str], by: str
) -> tuple[pd.DataFrame, dict[str, int]]:
    require_columns(data, by, *names)
    tox, pfs, pfs_event, os, os_event = (numbers(data, name) for name in names)
    reasons = {f"no {name}": numbers(data, name).isna() for name in names}
    reasons |= {
        f"no {by}": data[by].isna(),
        "negative days": (tox < 0) | (pfs < 0) | (os < 0),
        "event is not 0 or 1": ~pfs_event.isin([0, 1]) | ~os_event.isin([0, 1]),
        "progression after death or end of follow-up": pfs > os,
        "more days of toxicity than before progression": tox > pfs,
    }
    return sift(data, reasons)


def _ends(rows: pd.DataFrame, names: Sequence[str]) -> Ends:
    """Return time and event of the end of toxicity, of progression-free life, and of life."""
    tox, pfs, pfs_event, os, os_event = (numbers(rows, name).to_numpy() for name in names)
    # Who was censored while still having toxicity has not come to its end.
    tox_event = np.where((tox == pfs) & (pfs_event == 0) & (tox > 0), 0.0, 1.0)
    return {"tox": (tox, tox_event), "pfs": (pfs, pfs_event), "os": (os, os_event)}


def _states(ends: Ends, tau: float) -> Floats:
    """Return mean days with toxicity, in TWiST, and after progression."""
    tox, pfs, os = (area_to(*ends[name], tau) for name in ("tox", "pfs", "os"))
    return np.array([tox, pfs - tox, os - pfs])


def area_to(time: Floats, event: Floats, tau: float) -> float:
    """Return the area under the product-limit curve up to tau; NaN if it is not known so far."""
    moments = np.unique(time[(event > 0) & (time <= tau)])
    died = np.bincount(
        np.searchsorted(moments, time[(event > 0) & (time <= tau)]), minlength=len(moments)
    )
    survival = np.concatenate([[1.0], np.cumprod(1 - died / at_risk(time, moments))])
    if len(time) == 0 or (time.max() < tau and survival[-1] > 0):
        return np.nan
    return float(np.diff(np.concatenate([[0.0], moments, [tau]])) @ survival)


def _resampled(ends: Ends, tau: float, repeats: int, random: np.random.Generator) -> Floats:
    """Return the states in samples of the same participants, shape (repeats, 3)."""
    n = len(ends["os"][0])
    out = np.full((repeats, 3), np.nan)
    if n < 2:
        return out
    for repeat in range(repeats):
        who = random.integers(0, n, n)
        picked = {name: (time[who], event[who]) for name, (time, event) in ends.items()}
        out[repeat] = _states(picked, tau)
    return out


def _weighed(states: Floats, worth: tuple[float, float]) -> Floats:
    """Return the states with their weighted sum as a fourth column."""
    total = states @ np.array([worth[0], 1.0, worth[1]])
    return np.concatenate([states, np.expand_dims(total, -1)], axis=-1)


def _limits(sample: Floats, level: float) -> list[float]:
    known = sample[np.isfinite(sample)]
    if len(known) < 2:
        return [np.nan, np.nan]
    return [float(q) for q in np.quantile(known, [(1 - level) / 2, (1 + level) / 2])]


def _table(
    group: pd.Series,
    means: Mapping[Any, Floats],
    samples: Mapping[Any, Floats],
    worth: tuple[float, float],
    level: float,
) -> pd.DataFrame:
    rows = []
    for name, mean in means.items():
        days, drawn = _weighed(mean, worth), _weighed(samples[name], worth)
        n = int((group == name).sum())
        for place, state in enumerate(STATES):
            rows.append([name, state, n, days[place], *_limits(drawn[:, place], level)])
    return pd.DataFrame(rows, columns=["group", "state", "n", "days", "ci_low", "ci_high"])


def _contrasts(
    others: Sequence[Any],
    first: Any,
    means: Mapping[Any, Floats],
    samples: Mapping[Any, Floats],
    worth: tuple[float, float],
    level: float,
) -> pd.DataFrame:
    rows = []
    for group in others:
        difference = _weighed(means[group], worth) - _weighed(means[first], worth)
        drawn = _weighed(samples[group], worth) - _weighed(samples[first], worth)
        for place, state in enumerate(STATES):
            limits = _limits(drawn[:, place], level)
            rows.append([group, first, state, difference[place], *limits])
    columns = ["group", "reference", "state", "difference", "ci_low", "ci_high"]
    return pd.DataFrame(rows, columns=columns)


def _by_utility(
    others: Sequence[Any],
    first: Any,
    means: Mapping[Any, Floats],
    samples: Mapping[Any, Floats],
    grid: Sequence[float],
    level: float,
) -> pd.DataFrame:
    rows = []
    for group in others:
        for tox in grid:
            for relapse in grid:
                weights = np.array([tox, 1.0, relapse])
                difference = float((means[group] - means[first]) @ weights)
                drawn = (samples[group] - samples[first]) @ weights
                rows.append([group, first, tox, relapse, difference, *_limits(drawn, level)])
    columns = [
        *["group", "reference", "utility_tox", "utility_relapse"],
        *["difference", "ci_low", "ci_high"],
    ]
    return pd.DataFrame(rows, columns=columns)


def _notes(group: pd.Series, means: Mapping[Any, Floats], tau: float) -> list[str]:
    if not len(group):
        return ["no rows to analyse"]
    found = []
    for name, mean in means.items():
        if not (group == name).any():
            found.append(f"one arm empty: {name}")
        elif np.isnan(mean).any():
            found.append(f"follow-up of {name} ends before {tau:g}")
    return found
