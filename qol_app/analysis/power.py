"""How many events a comparison of two arms needs, and what a number of events can show."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm

from qol_app.analysis.result import require_number

EVENTS_COLUMNS = [
    "survival",
    "survival_control",
    "power",
    "hazard_ratio",
    "events",
    "events_exact",
]


def hazard_ratio_of(survival: float, survival_control: float) -> float:
    """Return the hazard ratio under which the two survivals at one time are proportional."""
    for name, share in {"survival": survival, "survival_control": survival_control}.items():
        _require_share(name, share)
    return float(np.log(survival) / np.log(survival_control))


def events_needed(
    hazard_ratio: float, power: float = 0.8, alpha: float = 0.05, allocation: float = 0.5
) -> float:
    """Return the number of events for a two-sided log-rank test, not rounded.

    Parameters
    ----------
    hazard_ratio : float
        The ratio to be detected, above 0 and not 1.
    power, alpha : float
        Chance of detecting it, and two-sided error.
    allocation : float
        Share of participants in one of the arms.

    Source
    ------
    Schoenfeld, Biometrics 1983;39:499.
    """
    _require_ratio(hazard_ratio)
    for name, share in {"power": power, "alpha": alpha, "allocation": allocation}.items():
        _require_share(name, share)
    reach = norm.isf(alpha / 2) + norm.isf(1 - power)
    return float(reach**2 / (allocation * (1 - allocation) * np.log(hazard_ratio) ** 2))


def power_of(
    events: float, hazard_ratio: float, alpha: float = 0.05, allocation: float = 0.5
) -> float:
    """Return the power of a two-sided log-rank test with so many events."""
    _require_ratio(hazard_ratio)
    for name, share in {"alpha": alpha, "allocation": allocation}.items():
        _require_share(name, share)
    require_number("events", events, lambda one: one >= 0, "a number from 0")
    signal = np.sqrt(events * allocation * (1 - allocation)) * abs(np.log(hazard_ratio))
    return float(norm.cdf(signal - norm.isf(alpha / 2)))


def events_table(
    survivals: Sequence[float] | float,
    survival_control: float,
    powers: Sequence[float] | float = (0.8, 0.9),
    alpha: float = 0.05,
    allocation: float = 0.5,
) -> pd.DataFrame:
    """Return one row per survival and power: hazard_ratio, events (nearest), events_exact."""
    rows = []
    for survival in np.atleast_1d(survivals).tolist():
        ratio = hazard_ratio_of(survival, survival_control)
        for power in np.atleast_1d(powers).tolist():
            exact = events_needed(ratio, power, alpha, allocation)
            row = {"survival": survival, "survival_control": survival_control, "power": power}
            rows.append(
                {**row, "hazard_ratio": ratio, "events": round(exact), "events_exact": exact}
            )
    return pd.DataFrame(rows)


def _require_share(name: str, value: float) -> None:
    require_number(name, value, lambda one: 0 < one < 1, "a number between 0 and 1")


def _require_ratio(value: float) -> None:
    wanted = "a number above 0, not 1"
    require_number("hazard_ratio", value, lambda one: 0 < one < np.inf and one != 1, wanted)
