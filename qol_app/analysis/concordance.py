"""How often the participant with the higher predicted hazard has the event first."""

import numpy as np

from qol_app.analysis.follow_up import Floats, one_moment

ROWS_AT_ONCE = 1000


def concordance(
    predicted: Floats, time: Floats, event: Floats, stratum: np.ndarray
) -> tuple[float, float]:
    """Return the concordance and its infinitesimal-jackknife standard error.

    A pair counts when it is known who came first: an event before another event or before (or
    on the day of) a censoring, within a stratum. Equal predictions count one half. NaN without
    any such pair.

    Source
    ------
    Harrell et al., JAMA 1982;247:2543; error as `concordance` of the R package survival.
    """
    # Rows alike in all covariates may differ in the last digit of a sum of products.
    predicted = one_moment(predicted)
    won, pairs = np.zeros(len(time)), np.zeros(len(time))
    for one in np.unique(stratum):
        mine = np.flatnonzero(stratum == one)
        for start in range(0, len(mine), ROWS_AT_ONCE):
            _count(mine[start : start + ROWS_AT_ONCE], mine, predicted, time, event, won, pairs)
    total = pairs.sum() / 2
    if not total:
        return np.nan, np.nan
    share = won.sum() / 2 / total
    influence = (won - share * pairs) / total
    return float(share), float(np.sqrt((influence**2).sum()))


def _count(
    first: np.ndarray,
    second: np.ndarray,
    predicted: Floats,
    time: Floats,
    event: Floats,
    won: Floats,
    pairs: Floats,
) -> None:
    """Add the pairs in which one of ``first`` had the event before one of ``second``."""
    earlier = time[first][:, None] < time[second][None, :]
    outlived = (time[first][:, None] == time[second][None, :]) & (event[second] == 0)[None, :]
    pair = (earlier | outlived) & (event[first] > 0)[:, None]
    higher = predicted[first][:, None] - predicted[second][None, :]
    score = pair * (0.5 + 0.5 * np.sign(higher))
    pairs[first] += pair.sum(axis=1)
    pairs[second] += pair.sum(axis=0)
    won[first] += score.sum(axis=1)
    won[second] += score.sum(axis=0)
