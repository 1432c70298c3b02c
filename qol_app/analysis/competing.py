"""Cumulative incidence where another event may come first and make this one impossible."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from qol_app.analysis.follow_up import Floats, at_risk, follow_up
from qol_app.analysis.result import AnalysisResult, quiet, require_level

TABLE_COLUMNS = ["group", "cause", "n", "events"]
CURVE_COLUMNS = ["group", "cause", "time", "n_risk", "incidence", "se", "ci_low", "ci_high"]


@dataclass(frozen=True, eq=False)
class Incidence:
    """One group's cumulative incidence of one cause at each distinct time."""

    group: Any
    cause: Any
    n: int
    events: int
    time: Floats
    n_risk: Floats
    incidence: Floats
    se: Floats
    ci_low: Floats
    ci_high: Floats
    known_until: float

    def at(self, moment: float) -> dict[str, Any]:
        """Return the values at a moment; NaN after the last follow-up if anybody was censored."""
        known = 0 <= moment <= self.known_until
        place = int(np.searchsorted(self.time, moment, side="right")) - 1
        later = int(np.searchsorted(self.time, moment, side="left"))
        row = {"group": self.group, "cause": self.cause, "time": moment}
        row["n_risk"] = int(self.n_risk[later]) if later < len(self.time) else 0
        for name, start in {"incidence": 0.0, "se": 0.0, "ci_low": 0.0, "ci_high": 0.0}.items():
            value = float(getattr(self, name)[place]) if place >= 0 and known else start
            row[name] = value if known else np.nan
        return row


@dataclass(frozen=True, eq=False, kw_only=True)
class CumulativeIncidenceResult(AnalysisResult):
    """Cumulative incidence by group and cause.

    Attributes
    ----------
    table : one row per group and cause: n, events
    curve : one row per group, cause and distinct time: n_risk, incidence, se, ci_low, ci_high
    at_times : incidence at the times asked for, as `incidence_at` returns
    """

    curve: pd.DataFrame
    at_times: pd.DataFrame
    level: float
    _curves: tuple[Incidence, ...]

    def incidence_at(self, times: Sequence[float]) -> pd.DataFrame:
        """Return n_risk, incidence, se, ci_low, ci_high by group, cause and time."""
        return _at(self._curves, times)


def cumulative_incidence(
    data: pd.DataFrame,
    *,
    duration: str,
    event: str,
    by: str | None = None,
    causes: Mapping[int, str] | None = None,
    level: float = 0.95,
    times: Sequence[float] = (),
) -> CumulativeIncidenceResult:
    """Return the Aalen-Johansen cumulative incidence of each cause.

    One minus Kaplan-Meier with the other causes censored would count people as still able to
    deteriorate after they died, and is always too high.

    Parameters
    ----------
    data : DataFrame, one row per participant
    duration : str
        Time from start.
    event : str
        0 where censored, else the number of the cause that came first.
    by : str, optional
        Groups.
    causes : mapping of int to str, optional
        Names of the causes; by default their numbers. A cause named but never seen has rows too.
    times : sequence of float
        Times for ``at_times``.

    Returns
    -------
    CumulativeIncidenceResult
        Limits are log-log: symmetric on log(-log(incidence)), NaN while it is 0.

    Source
    ------
    Aalen & Johansen, Scand J Stat 1978;5:141; variance by the delta method, Marubini &
    Valsecchi 1995; limits Choudhury, Stat Med 2002;21:1129.
    """
    require_level(level)
    seen = follow_up(data, duration, event, by, causes=True)
    names: dict[int, Any] = dict(causes or {})
    found = sorted(int(code) for code in np.unique(seen.event) if code > 0)
    names.update({code: code for code in found if code not in names})
    z = float(norm.isf((1 - level) / 2))
    curves = tuple(
        incidence
        for position, group in enumerate(seen.groups)
        for incidence in _incidences(group, *seen.of(position), names, z)
    )
    return CumulativeIncidenceResult(
        table=pd.DataFrame(
            [{k: getattr(curve, k) for k in TABLE_COLUMNS} for curve in curves],
            columns=TABLE_COLUMNS,
        ),
        n_used=len(seen.time),
        left_out=seen.left_out,
        notes=tuple(seen.notes()),
        curve=_frame(curves),
        at_times=_at(curves, times),
        level=level,
        _curves=curves,
    )


def _at(curves: Sequence[Incidence], times: Sequence[float]) -> pd.DataFrame:
    rows = [curve.at(time) for curve in curves for time in times]
    return pd.DataFrame(rows, columns=CURVE_COLUMNS)


def _frame(curves: Sequence[Incidence]) -> pd.DataFrame:
    tables = [
        pd.DataFrame({name: getattr(curve, name) for name in CURVE_COLUMNS})
        for curve in curves
        if len(curve.time)
    ]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=CURVE_COLUMNS)


def _incidences(
    group: Any, time: Floats, event: Floats, causes: Mapping[int, Any], z: float
) -> list[Incidence]:
    moments = np.unique(time)
    n_risk = at_risk(time, moments).astype(float)
    until = _known_until(time, event)
    found = []
    for code, name in causes.items():
        incidence, se = _aalen_johansen(time, event, code, moments)
        low, high = _log_log(incidence, se, z)
        events = int((event == code).sum())
        curve = (moments, n_risk, incidence, se, low, high)
        found.append(Incidence(group, name, len(time), events, *curve, until))
    return found


def _known_until(time: Floats, event: Floats) -> float:
    """Return the last follow-up; for ever if everybody had an event by then; never if nobody."""
    if not len(time):
        return -1.0
    return float(time.max()) if (event[time == time.max()] == 0).any() else np.inf


def _aalen_johansen(
    time: Floats, event: Floats, code: int, moments: Floats
) -> tuple[Floats, Floats]:
    """Return the incidence of one cause against all others, and its error, after each moment."""
    if not (event == code).any():
        return np.zeros(len(moments)), np.zeros(len(moments))
    n = at_risk(time, moments).astype(float)
    mine, died = (
        np.bincount(np.searchsorted(moments, time[one]), minlength=len(moments)).astype(float)
        for one in (event == code, event > 0)
    )
    before = np.concatenate([[1.0], np.cumprod(1 - died / n)[:-1]])
    incidence = np.cumsum(before * mine / n)
    # Where nobody is left no later time depends on it.
    spread = np.divide(died, n * (n - died), out=np.zeros_like(n), where=died < n)
    own = before**2 * mine * (n - mine) / n**3
    shared = before * mine / n**2
    later = incidence**2 * np.cumsum(spread) - 2 * incidence * np.cumsum(incidence * spread)
    later += np.cumsum(incidence**2 * spread)
    both = incidence * np.cumsum(shared) - np.cumsum(incidence * shared)
    variance = later + np.cumsum(own) - 2 * both
    return incidence, np.sqrt(np.maximum(variance, 0))


def _log_log(incidence: Floats, se: Floats, z: float) -> tuple[Floats, Floats]:
    with quiet():
        inside = np.where((incidence > 0) & (incidence < 1), incidence, np.nan)
        step = np.abs(z * se / (inside * np.log(inside)))
        return inside ** np.exp(step), inside ** np.exp(-step)
