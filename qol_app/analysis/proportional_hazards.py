"""Whether hazard ratios stay the same over time: R's cox.zph of survival 3.0 and later.

The model is widened by each covariate times a function of time, and the score test asks whether
that would help. Everything is exact at the fitted coefficients; nothing is refitted.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy.stats import chi2, rankdata

from qol_app.analysis.follow_up import Floats, at_risk
from qol_app.analysis.result import quiet

COLUMNS = ["transform", "term", "chisq", "df", "p_value"]


def _left_km(time: Floats, event: Floats, moments: Floats) -> Floats:
    """Return 1 - S just before each moment."""
    distinct = np.unique(time[event > 0])
    died = np.bincount(np.searchsorted(distinct, time[event > 0]), minlength=len(distinct))
    survival = np.cumprod(1 - died / at_risk(time, distinct))
    return 1 - np.concatenate([[1.0], survival])[np.searchsorted(distinct, moments)]


def _rank(time: Floats, event: Floats, moments: Floats) -> Floats:
    """Return the mean rank of each moment among all times, censored ones too, as R has it."""
    return rankdata(time)[np.argsort(time, kind="stable")][np.searchsorted(np.sort(time), moments)]


TRANSFORMS: dict[str, Callable[[Floats, Floats, Floats], Floats]] = {
    "km": _left_km,
    "rank": _rank,
    "identity": lambda time, event, moments: moments,
    "log": lambda time, event, moments: np.log(moments),
}


def proportional_hazards(
    x: Floats,
    coef: Floats,
    time: Floats,
    event: Floats,
    stratum: np.ndarray,
    names: Sequence[str],
    ties: str = "efron",
    transforms: Sequence[str] = tuple(TRANSFORMS),
) -> pd.DataFrame:
    """Return the score test of proportional hazards, per term and GLOBAL, for each transform.

    Parameters
    ----------
    x, coef : arrays, shapes (n, p) and (p,)
        Covariates and the fitted coefficients.
    time, event, stratum : arrays, shape (n,)
        Follow-up; strata have their own baseline hazard but share the transform of time.
    names : sequence of str
        The terms.

    Returns
    -------
    DataFrame
        transform, term, chisq, df, p_value. A term's test is of its own interaction with time
        beside all main effects; GLOBAL is of all. NaN where the transform of an event time is
        not finite (the logarithm of day 0).

    Source
    ------
    Grambsch & Therneau, Biometrika 1994;81:515; Therneau, R package survival, cox.zph.
    """
    moments, residuals, spreads = _pieces(x - x.mean(axis=0), coef, time, event, stratum, ties)
    rows = []
    with quiet():
        for name in transforms:
            height = TRANSFORMS[name](time, event, moments)
            rows += [
                {"transform": name, **row} for row in _tests(height, residuals, spreads, names)
            ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _tests(
    height: Floats, residuals: Floats, spreads: Floats, names: Sequence[str]
) -> list[dict[str, object]]:
    p = len(names)
    known = bool(np.isfinite(height).all())
    # Centred, so that the two halves of the information are of one size.
    g = height - height.mean() if known else np.zeros_like(height)
    score = g @ residuals
    blocks = [np.tensordot(weight, spreads, axes=1) for weight in (np.ones_like(g), g, g**2)]
    left = blocks[2] - blocks[1] @ np.linalg.pinv(blocks[0], hermitian=True) @ blocks[1]
    rows: list[dict[str, object]] = []
    for position, name in enumerate(names):
        chisq = score[position] ** 2 / left[position, position] if known else np.nan
        rows.append({"term": name, **_tail(chisq, 1)})
    chisq = score @ np.linalg.lstsq(left, score, rcond=None)[0] if known else np.nan
    return [*rows, {"term": "GLOBAL", **_tail(chisq, p)}]


def _tail(chisq: float, df: int) -> dict[str, float]:
    usable = np.isfinite(chisq)
    value = float(chisq) if usable else np.nan
    return {"chisq": value, "df": df, "p_value": float(chi2.sf(value, df)) if usable else np.nan}


def _pieces(
    x: Floats, coef: Floats, time: Floats, event: Floats, stratum: np.ndarray, ties: str
) -> tuple[Floats, Floats, Floats]:
    """Return time, covariates less their mean, and their spread at risk, one row per event."""
    parts = []
    for one in np.unique(stratum[event > 0]):
        mine = stratum == one
        parts.append(_stratum_pieces(x[mine], coef, time[mine], event[mine], ties))
    times, residuals, spreads = zip(*parts, strict=True)
    return np.concatenate(times), np.concatenate(residuals), np.concatenate(spreads)


def _stratum_pieces(
    x: Floats, coef: Floats, time: Floats, event: Floats, ties: str
) -> tuple[Floats, Floats, Floats]:
    order = np.argsort(-time, kind="stable")
    x, time, event = x[order], time[order], event[order]
    linear = x @ coef
    weight = np.exp(linear - linear.max())
    products = _products(x, weight)
    moments, place = np.unique(time[event > 0], return_inverse=True)
    at = at_risk(time, moments) - 1
    deaths = np.bincount(place)
    # The k-th of d tied deaths finds the d dying at risk with weight 1 - k/d (Efron), k from 0.
    one = np.repeat(np.arange(len(moments)), deaths)
    behind = np.arange(len(one)) - np.repeat(np.cumsum(deaths) - deaths, deaths)
    share = behind / deaths[one] if ties == "efron" else np.zeros(len(one))
    sums = []
    for values in products:
        dying = np.zeros((len(moments), *values.shape[1:]))
        np.add.at(dying, place, values[event > 0])
        shape = (-1, *[1] * (values.ndim - 1))
        sums.append(np.cumsum(values, axis=0)[at][one] - share.reshape(shape) * dying[one])
    mean = sums[1] / sums[0][:, None]
    spread = sums[2] / sums[0][:, None, None] - mean[:, :, None] * mean[:, None, :]
    # Tied deaths share one time, so it does not matter which of them goes with which mean.
    by_time = np.argsort(place, kind="stable")
    return moments[one], x[event > 0][by_time] - mean, spread


def _products(x: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    return (
        weight,
        weight[:, None] * x,
        weight[:, None, None] * x[:, :, None] * x[:, None, :],
    )
