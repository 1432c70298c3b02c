"""Survival curves by the product limit: bands, medians, survival at a day, numbers at risk.

Survival and its Greenwood standard error come from statsmodels. The bands are formed here,
because no library offers all three scales, and so are medians: see
docs/decisions/0010-own-survival-code.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from qol_app.analysis.follow_up import follow_up
from qol_app.analysis.product_limit import AT_COLUMNS, BANDS, CURVE_COLUMNS, Curve, curves_of
from qol_app.analysis.result import AnalysisResult, require_choice, require_level
from qol_app.errors import AnalysisError

AT_REST = ("middle", "first")
TABLE_COLUMNS = ["group", "n", "events", "median", "ci_low", "ci_high"]
DIFFERENCE_COLUMNS = [
    *["group", "reference", "time", "survival", "survival_reference"],
    *["difference", "se", "ci_low", "ci_high", "p_value"],
]


@dataclass(frozen=True, eq=False, kw_only=True)
class KaplanMeierResult(AnalysisResult):
    """Survival by group.

    Attributes
    ----------
    table : one row per group: n, events, median with ci_low and ci_high. NaN: not reached.
    curve : one row per group and distinct time: n_risk (just before), n_event, n_censored,
        survival, se (Greenwood, of S itself), ci_low, ci_high
    at_times : survival at the times asked for, as `survival_at` returns
    """

    curve: pd.DataFrame
    at_times: pd.DataFrame
    conf_type: str
    level: float
    _curves: tuple[Curve, ...]

    def survival_at(self, times: Sequence[float]) -> pd.DataFrame:
        """Return n_risk, survival, se, ci_low, ci_high by group and time; NaN after follow-up."""
        return _stacked([curve.survival_at(times) for curve in self._curves], AT_COLUMNS)

    def numbers_at_risk(self, times: Sequence[float]) -> pd.DataFrame:
        """Return group, time, n_risk: those still observed just before each time."""
        return self.survival_at(times)[["group", "time", "n_risk"]]

    def quantiles(self, shares: Sequence[float]) -> pd.DataFrame:
        """Return the first time by which at least each share had the event, with its limits.

        Columns group, share, time, ci_low, ci_high; NaN where the curve or its band stays above.
        """
        rows = [
            {"group": curve.group, "share": share, **curve.quantile(share)}
            for curve in self._curves
            for share in shares
        ]
        return pd.DataFrame(rows, columns=["group", "share", "time", "ci_low", "ci_high"])


def kaplan_meier(
    data: pd.DataFrame,
    *,
    duration: str,
    event: str,
    by: str | None = None,
    conf_type: str = "log-log",
    at_rest: str = "middle",
    level: float = 0.95,
    times: Sequence[float] = (),
) -> KaplanMeierResult:
    """Return product-limit survival, overall or by group.

    Parameters
    ----------
    data : DataFrame, one row per participant
    duration, event : str
        Time from start in any unit; 1 where it ended in the event, 0 where censored.
    by : str, optional
        Column of groups, in the order of its categories if it has any, else sorted.
    conf_type : {"log-log", "log", "plain"}
        Scale on which the band is symmetric. R's survfit has ``log`` as default; SAS and most
        protocols, and so this function, ``log-log``.
    at_rest : {"middle", "first"}
        Which time is the median when the curve rests at exactly 0.5 for a while: the middle of
        the rest, as R and SAS print it, or its first time. A note gives both when they differ.
    level : float
        Confidence level of every interval.
    times : sequence of float
        Times for ``at_times``.

    Returns
    -------
    KaplanMeierResult
        The median is the first time at which survival is 0.5 or less (but see ``at_rest``), its
        limits the first times at which the band is. "Not reached" is NaN.

    Raises
    ------
    AnalysisError
        If a column is missing or an argument unknown.

    Source
    ------
    Kaplan & Meier, JASA 1958;53:457. Brookmeyer & Crowley, Biometrics 1982;38:29 (limits of the
    median). Kalbfleisch & Prentice, The Statistical Analysis of Failure Time Data, 2002 (log-log).
    """
    require_choice("conf_type", conf_type, BANDS)
    require_choice("at_rest", at_rest, AT_REST)
    require_level(level)
    seen = follow_up(data, duration, event, by)
    curves = curves_of(seen, conf_type, level, at_rest)
    return KaplanMeierResult(
        table=pd.DataFrame([curve.summary() for curve in curves], columns=TABLE_COLUMNS),
        n_used=len(seen.time),
        left_out=seen.left_out,
        notes=(*seen.notes(), *[note for curve in curves for note in curve.notes()]),
        curve=_stacked([curve.frame() for curve in curves], CURVE_COLUMNS),
        at_times=_stacked([curve.survival_at(times) for curve in curves], AT_COLUMNS),
        conf_type=conf_type,
        level=level,
        _curves=curves,
    )


@dataclass(frozen=True, eq=False)
class DifferenceResult(AnalysisResult):
    """Differences in survival at one time, each group against the reference.

    `table`: group, reference, time, survival, survival_reference, difference, se, ci_low,
    ci_high, p_value.
    """


def difference_at(
    data: pd.DataFrame,
    *,
    duration: str,
    event: str,
    by: str,
    time: float,
    reference: Any = None,
    level: float = 0.95,
) -> DifferenceResult:
    """Return each group's survival at a time less that of the reference, by the delta method.

    The interval is the difference plus and minus z standard errors, whose square is the sum of
    the two Greenwood variances; the test is two-sided. The reference is the first group unless
    named. NaN, and a note, where a group's follow-up ends before.
    """
    require_level(level)
    seen = follow_up(data, duration, event, by)
    first = reference_of(seen.groups, reference, by)
    curves = {curve.group: curve for curve in curves_of(seen, "plain", level)}
    rows = [
        _difference(curves[group], curves[first], time, level)
        for group in seen.groups
        if group != first
    ]
    table = pd.DataFrame(rows, columns=DIFFERENCE_COLUMNS)
    short = [str(c.group) for c in curves.values() if np.isnan(c.value_at(c.survival, time))]
    notes = [f"follow-up of {name} ends before {time:g}" for name in short if len(seen.time)]
    return DifferenceResult(
        table=table,
        n_used=len(seen.time),
        left_out=seen.left_out,
        notes=(*seen.notes(compared=True), *notes),
    )


def reference_of(groups: Sequence[Any], reference: Any, by: str) -> Any:
    """Return the reference group: the one named or the first; AnalysisError if there is none."""
    if reference is not None:
        require_choice(f"reference of {by}", reference, list(groups))
        return reference
    if not groups:
        raise AnalysisError(f"{by}: found no group; wanted a column with at least one level")
    return groups[0]


def _difference(group: Curve, first: Curve, time: float, level: float) -> dict[str, Any]:
    survival = [curve.survival_at([time]).iloc[0] for curve in (group, first)]
    difference = survival[0]["survival"] - survival[1]["survival"]
    se = float(np.hypot(survival[0]["se"], survival[1]["se"]))
    step = float(norm.isf((1 - level) / 2)) * se
    return {
        "group": group.group,
        "reference": first.group,
        "time": time,
        "survival": survival[0]["survival"],
        "survival_reference": survival[1]["survival"],
        "difference": difference,
        "se": se,
        "ci_low": difference - step,
        "ci_high": difference + step,
        "p_value": 2 * float(norm.sf(abs(difference) / se)) if se > 0 else np.nan,
    }


def _stacked(tables: Sequence[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=columns)
