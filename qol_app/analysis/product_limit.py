"""One group's survival as a step function: its band, its quantiles, its value at a day."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from statsmodels.duration.survfunc import SurvfuncRight

from qol_app.analysis.follow_up import Floats, FollowUp, at_risk
from qol_app.analysis.result import quiet
from qol_app.errors import AnalysisError

# S(t) is a product of fractions; 0.5 may come out as 0.5000000000000001. As in R's survfit.
EXACTLY = 1.5e-8
Band = tuple[Floats, Floats]
AT_COLUMNS = ["group", "time", "n_risk", "survival", "se", "ci_low", "ci_high"]
CURVE_COLUMNS = [
    *["group", "time", "n_risk", "n_event", "n_censored"],
    *["survival", "se", "ci_low", "ci_high"],
]


def curves_of(
    seen: FollowUp, conf_type: str, level: float, at_rest: str = "middle"
) -> tuple["Curve", ...]:
    """Return the curve of every group, the empty ones too."""
    return tuple(
        curve_of(group, *seen.of(position), conf_type, level, at_rest)
        for position, group in enumerate(seen.groups)
    )


@dataclass(frozen=True, eq=False)
class Curve:
    """One group's survival at each distinct time, by position."""

    group: Any
    time: Floats
    n_risk: Floats
    n_event: Floats
    n_censored: Floats
    survival: Floats
    se: Floats
    ci_low: Floats
    ci_high: Floats
    at_rest: str

    def frame(self) -> pd.DataFrame:
        """Return the curve as a table, one row per distinct time."""
        return pd.DataFrame({name: getattr(self, name) for name in CURVE_COLUMNS})

    def value_at(self, values: Floats, moment: float, before: float = np.nan) -> float:
        """Return a step function's value at a moment; NaN after the last follow-up."""
        if not len(self.time) or moment < 0:
            return np.nan
        place = int(np.searchsorted(self.time, moment, side="right")) - 1
        ended = moment > self.time[-1] and self.survival[-1] > EXACTLY
        if ended:
            return np.nan
        return before if place < 0 else float(values[place])

    def survival_at(self, moments: Sequence[float]) -> pd.DataFrame:
        """Return survival, its error and limits, and who is at risk, at each moment."""
        starts = {"survival": 1.0, "se": 0.0, "ci_low": 1.0, "ci_high": 1.0}
        rows = []
        for moment in moments:
            later = int(np.searchsorted(self.time, moment, side="left"))
            n_risk = int(self.n_risk[later]) if later < len(self.time) else 0
            values = {k: self.value_at(getattr(self, k), moment, v) for k, v in starts.items()}
            rows.append({"group": self.group, "time": moment, "n_risk": n_risk, **values})
        return pd.DataFrame(rows, columns=AT_COLUMNS)

    def quantile(self, share: float) -> dict[str, float]:
        """Return when the curve, and when its lower and upper limit, come down to 1 - share."""
        if not 0 < share < 1:
            raise AnalysisError(f"share: found {share!r}; wanted a number between 0 and 1")
        names = {"time": self.survival, "ci_low": self.ci_low, "ci_high": self.ci_high}
        return {name: self._reaches(values, 1 - share) for name, values in names.items()}

    def _reaches(self, values: Floats, height: float) -> float:
        down = np.flatnonzero(values <= height + EXACTLY)
        if not len(down):
            return np.nan
        first, after = self._rest(values, height)
        middle = self.at_rest == "middle" and not np.isnan(after)
        return (first + after) / 2 if middle else float(self.time[down[0]])

    def _rest(self, values: Floats, height: float) -> tuple[float, float]:
        """Return when a step function comes to lie at exactly this height and leaves it, or NaN."""
        rests = np.flatnonzero(np.abs(values - height) <= EXACTLY)
        later = np.flatnonzero(values < height - EXACTLY)
        if not len(rests) or not len(later):
            return np.nan, np.nan
        return float(self.time[rests[0]]), float(self.time[later[0]])

    def summary(self) -> dict[str, Any]:
        """Return the row of this group in the table."""
        median = self.quantile(0.5)
        return {
            "group": self.group,
            "n": int(self.n_event.sum() + self.n_censored.sum()),
            "events": int(self.n_event.sum()),
            "median": median["time"],
            "ci_low": median["ci_low"],
            "ci_high": median["ci_high"],
        }

    def notes(self) -> list[str]:
        """Return a sentence where the median depends on the rule: a rest at exactly 0.5."""
        first, after = self._rest(self.survival, 0.5)
        if np.isnan(after):
            return []
        return [
            f"survival of {self.group} is exactly 0.5 from {first:g} to {after:g}: the median is "
            f"{first:g} by its first time, {(first + after) / 2:g} by the middle (taken: "
            f"{self.at_rest})"
        ]


def curve_of(
    group: Any, time: Floats, event: Floats, conf_type: str, level: float, at_rest: str
) -> Curve:
    """Return the product-limit curve of one group; without rows it has no times."""
    moments, place, n_all = np.unique(time, return_inverse=True, return_counts=True)
    died = event > 0
    n_event = np.bincount(place[died], minlength=len(moments)).astype(float)
    survival, se = _product_limit(time, died, moments)
    low, high = BANDS[conf_type](survival, se, float(norm.isf((1 - level) / 2)))
    return Curve(
        group=group,
        time=moments,
        n_risk=at_risk(time, moments).astype(float),
        n_event=n_event,
        n_censored=n_all - n_event,
        survival=survival,
        se=se,
        ci_low=low,
        ci_high=high,
        at_rest=at_rest,
    )


def _product_limit(time: Floats, died: np.ndarray, moments: Floats) -> Band:
    """Return survival and its standard error after each moment."""
    if not died.any():
        return np.ones(len(moments)), np.zeros(len(moments))
    with quiet():
        found = SurvfuncRight(time, died.astype(float))
    place = np.searchsorted(found.surv_times, moments, side="right")
    survival = np.concatenate([[1.0], found.surv_prob])[place]
    se = np.concatenate([[0.0], found.surv_prob_se])[place]
    # Nobody is left to tell how sure a survival of zero is.
    return survival, np.where(survival > EXACTLY, se, np.nan)


def _log_log(survival: Floats, se: Floats, z: float) -> Band:
    with quiet():
        inside = np.where((survival > EXACTLY) & (survival < 1), survival, np.nan)
        step = z * se / (inside * np.log(inside))
        middle = np.log(-np.log(inside))
        return np.exp(-np.exp(middle - step)), np.exp(-np.exp(middle + step))


def _log(survival: Floats, se: Floats, z: float) -> Band:
    with quiet():
        inside = np.where(survival > EXACTLY, survival, np.nan)
        step = z * se / inside
        return np.exp(np.log(inside) - step), np.minimum(np.exp(np.log(inside) + step), 1)


def _plain(survival: Floats, se: Floats, z: float) -> Band:
    return np.maximum(survival - z * se, 0), np.minimum(survival + z * se, 1)


BANDS: dict[str, Callable[[Floats, Floats, float], Band]] = {
    "log-log": _log_log,
    "log": _log,
    "plain": _plain,
}
