"""Whether groups differ in survival: the log-rank family of tests, stratified or not.

statsmodels gives the same chi-square but neither observed nor expected events, which a report
must show; so the sums are formed here and statsmodels is the check in the tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2

from qol_app.analysis.follow_up import Floats, FollowUp, follow_up
from qol_app.analysis.result import AnalysisResult, names_of, require_number


@dataclass(frozen=True, eq=False, kw_only=True)
class LogrankResult(AnalysisResult):
    """Observed and expected events by group (`table`: group, n, observed, expected) and the test.

    With ``rho`` other than 0 both are weighted. `chisq`, `p_value` are NaN where there is
    nothing to compare.
    """

    chisq: float
    df: int
    p_value: float
    rho: float
    strata: tuple[str, ...]


def logrank(
    data: pd.DataFrame,
    *,
    duration: str,
    event: str,
    by: str,
    strata: Sequence[str] | str = (),
    rho: float = 0.0,
) -> LogrankResult:
    """Return the G-rho test of equal survival in all groups.

    Parameters
    ----------
    data : DataFrame, one row per participant
    duration, event, by : str
        Time from start, 1 for event and 0 for censored, and the groups compared.
    strata : str or sequence of str
        Columns within whose combinations the groups are compared.
    rho : float
        0 is the log-rank test, 1 the Peto-Peto form of the Wilcoxon test: each time is weighted
        by the pooled survival just before it (within the stratum), to the power of rho.

    Raises
    ------
    AnalysisError
        If a column is missing or rho is negative.

    Source
    ------
    Harrington & Fleming, Biometrika 1982;69:553; as survdiff of the R package survival.
    """
    require_number("rho", rho, lambda one: one >= 0, "0 (log-rank) or a larger number")
    names = names_of(strata, "strata")
    seen = follow_up(data, duration, event, by, names)
    observed, expected, variance = _sums(seen, rho)
    taking_part = np.flatnonzero(expected > 0)
    chisq, df = _chi_square((observed - expected)[taking_part], variance, taking_part)
    notes = seen.notes(compared=True)
    if np.isnan(chisq):
        notes.append("no test: fewer than two groups were at risk when events happened")
    return LogrankResult(
        table=pd.DataFrame(
            {
                "group": seen.groups,
                "n": np.bincount(seen.group, minlength=len(seen.groups)),
                "observed": observed,
                "expected": expected,
            }
        ),
        n_used=len(seen.time),
        left_out=seen.left_out,
        notes=tuple(notes),
        chisq=chisq,
        df=df,
        p_value=float(chi2.sf(chisq, df)) if df else np.nan,
        rho=float(rho),
        strata=names,
    )


def _sums(seen: FollowUp, rho: float) -> tuple[Floats, Floats, Floats]:
    k = len(seen.groups)
    observed, expected, variance = np.zeros(k), np.zeros(k), np.zeros((k, k))
    for stratum in np.unique(seen.stratum):
        mine = seen.stratum == stratum
        part = _stratum_sums(seen.time[mine], seen.event[mine], seen.group[mine], k, rho)
        observed, expected, variance = observed + part[0], expected + part[1], variance + part[2]
    return observed, expected, variance


def _stratum_sums(
    time: Floats, event: Floats, group: np.ndarray, k: int, rho: float
) -> tuple[Floats, Floats, Floats]:
    """Return weighted observed and expected events and their covariance, one row per group."""
    moments = np.unique(time[event > 0])
    if not len(moments):
        return np.zeros(k), np.zeros(k), np.zeros((k, k))
    died, n_risk = np.zeros((len(moments), k)), np.zeros((len(moments), k))
    for one in range(k):
        mine = np.sort(time[group == one])
        n_risk[:, one] = len(mine) - np.searchsorted(mine, moments, side="left")
        place = np.searchsorted(moments, time[(group == one) & (event > 0)])
        died[:, one] = np.bincount(place, minlength=len(moments))
    d, n = died.sum(axis=1), n_risk.sum(axis=1)
    survival = np.cumprod(1 - d / n)
    weight = np.concatenate([[1.0], survival[:-1]]) ** rho
    share = n_risk / n[:, None]
    spread = weight**2 * d * (n - d) / np.maximum(n - 1, 1)
    variance = np.diag(spread @ share) - (share * spread[:, None]).T @ share
    return weight @ died, (weight * d) @ share, variance


def _chi_square(excess: Floats, variance: Floats, groups: np.ndarray) -> tuple[float, int]:
    if len(groups) < 2:
        return np.nan, 0
    # The excesses add up to zero, so one group carries nothing of its own.
    inner, rest = variance[np.ix_(groups[1:], groups[1:])], excess[1:]
    if np.linalg.matrix_rank(inner) < len(rest):
        return np.nan, 0
    return float(rest @ np.linalg.solve(inner, rest)), len(rest)
