"""Restricted mean survival: the area under each curve up to a day, and how areas differ.

The variance is Greenwood-type, as in survRM2. lifelines returns the variance of the truncated
time of one person instead, which does not shrink with the number of participants.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from qol_app.analysis.follow_up import Floats, follow_up
from qol_app.analysis.kaplan_meier import reference_of
from qol_app.analysis.product_limit import EXACTLY, Curve, curves_of
from qol_app.analysis.result import AnalysisResult, require_days, require_level

GROUP_COLUMNS = [
    *["group", "n", "events", "rmst", "se", "ci_low", "ci_high"],
    *["rmtl", "rmtl_ci_low", "rmtl_ci_high"],
]
CONTRAST_COLUMNS = [
    *["group", "reference", "measure", "estimate", "se", "ci_low", "ci_high", "p_value"],
]


@dataclass(frozen=True, eq=False, kw_only=True)
class RmstResult(AnalysisResult):
    """Restricted mean survival time (`rmst`) and time lost (`rmtl`, the rest up to tau) by group.

    Attributes
    ----------
    table : one row per group
    contrasts : one row per group against the reference and measure: ``rmst difference``,
        ``rmst ratio``, ``rmtl ratio``. The standard error of a ratio is that of its logarithm.
    tau : the day up to which
    """

    contrasts: pd.DataFrame
    tau: float
    level: float


def rmst(
    data: pd.DataFrame,
    *,
    duration: str,
    event: str,
    tau: float,
    by: str | None = None,
    reference: Any = None,
    level: float = 0.95,
) -> RmstResult:
    """Return restricted mean survival up to ``tau`` by group and its contrasts.

    Parameters
    ----------
    data : DataFrame, one row per participant
    duration, event, by : str
        Time from start, 1 for event and 0 for censored, and the groups, if any.
    tau : float
        Up to when, in the unit of ``duration``. A group whose last participant is censored
        before has no value (NaN, and a note).
    reference
        The group the others are compared with; the first unless named.

    Source
    ------
    Uno et al., J Clin Oncol 2014;32:2380; variance as in the R package survRM2.
    """
    require_level(level)
    require_days("tau", tau)
    seen = follow_up(data, duration, event, by)
    curves = curves_of(seen, "plain", level)
    z = float(norm.isf((1 - level) / 2))
    areas = {curve.group: _area(curve, tau) for curve in curves}
    contrasts: list[dict[str, Any]] = []
    if by:
        first = reference_of(seen.groups, reference, by)
        for group in [group for group in seen.groups if group != first]:
            contrasts += _contrasts(group, first, areas, tau, z)
    return RmstResult(
        table=pd.DataFrame(
            [_row(c, *areas[c.group], tau, z) for c in curves], columns=GROUP_COLUMNS
        ),
        n_used=len(seen.time),
        left_out=seen.left_out,
        notes=(*seen.notes(compared=by is not None), *_too_short(curves, tau)),
        contrasts=pd.DataFrame(contrasts, columns=CONTRAST_COLUMNS),
        tau=float(tau),
        level=level,
    )


def _too_short(curves: Sequence[Curve], tau: float) -> list[str]:
    return [
        f"follow-up of {curve.group} ends at {curve.time[-1]:g}, before {tau:g}"
        for curve in curves
        if len(curve.time) and not _reaches(curve, tau)
    ]


def _reaches(curve: Curve, tau: float) -> bool:
    return bool(len(curve.time)) and (curve.time[-1] >= tau or curve.survival[-1] <= EXACTLY)


def _area(curve: Curve, tau: float) -> tuple[float, float]:
    """Return the area under the curve up to tau, and its variance."""
    if not _reaches(curve, tau):
        return np.nan, np.nan
    early = curve.time <= tau
    edges = np.concatenate([[0.0], curve.time[early], [tau]])
    heights = np.concatenate([[1.0], curve.survival[early]])
    areas = np.diff(edges) * heights
    after: Floats = np.cumsum(areas[::-1])[::-1][1:]
    died, n_risk = curve.n_event[early], curve.n_risk[early]
    left = n_risk - died
    # Where nobody is left there is no area after either.
    share = np.divide(died, n_risk * left, out=np.zeros_like(died), where=left > 0)
    return float(areas.sum()), float((after**2 * share).sum())


def _row(curve: Curve, area: float, variance: float, tau: float, z: float) -> dict[str, Any]:
    se = float(np.sqrt(variance))
    return {
        **{k: v for k, v in curve.summary().items() if k in ("group", "n", "events")},
        "rmst": area,
        "se": se,
        "ci_low": area - z * se,
        "ci_high": area + z * se,
        "rmtl": tau - area,
        "rmtl_ci_low": tau - area - z * se,
        "rmtl_ci_high": tau - area + z * se,
    }


def _contrasts(
    group: Any, first: Any, areas: dict[Any, tuple[float, float]], tau: float, z: float
) -> list[dict[str, Any]]:
    (area_1, variance_1), (area_0, variance_0) = areas[group], areas[first]
    pair = {"group": group, "reference": first}
    difference_se = float(np.sqrt(variance_1 + variance_0))
    return [
        {**pair, "measure": "rmst difference", **_shift(area_1 - area_0, difference_se, z)},
        {**pair, "measure": "rmst ratio", **_ratio(area_1, area_0, variance_1, variance_0, z)},
        {
            **pair,
            "measure": "rmtl ratio",
            **_ratio(tau - area_1, tau - area_0, variance_1, variance_0, z),
        },
    ]


def _shift(estimate: float, se: float, z: float) -> dict[str, float]:
    return {
        "estimate": estimate,
        "se": se,
        "ci_low": estimate - z * se,
        "ci_high": estimate + z * se,
        "p_value": 2 * float(norm.sf(abs(estimate) / se)) if se > 0 else np.nan,
    }


def _ratio(
    top: float, bottom: float, top_var: float, bottom_var: float, z: float
) -> dict[str, float]:
    if not (top > 0 and bottom > 0):
        return dict.fromkeys(["estimate", "se", "ci_low", "ci_high", "p_value"], np.nan)
    on_log = _shift(
        float(np.log(top / bottom)), float(np.sqrt(top_var / top**2 + bottom_var / bottom**2)), z
    )
    back = {name: float(np.exp(on_log[name])) for name in ("estimate", "ci_low", "ci_high")}
    return {**on_log, **back}
