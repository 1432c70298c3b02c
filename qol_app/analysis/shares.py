"""So many of so many: shares in per cent with their limits."""

from statistics import NormalDist

import numpy as np
import pandas as pd

from qol_app.analysis.follow_up import Floats


def percent(n: Floats | pd.Series, total: Floats | pd.Series) -> Floats:
    """Return n of total in per cent, NaN of nothing."""
    top, bottom = np.asarray(n, float), np.asarray(total, float)
    return np.divide(100 * top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)


def wilson(n: Floats, total: Floats, level: float) -> tuple[Floats, Floats]:
    """Return Wilson limits of a share in per cent, NaN of nothing.

    Source
    ------
    Wilson, JASA 1927;22:209.
    """
    n, total = np.asarray(n, float), np.asarray(total, float)
    known = np.where(total > 0, total, np.nan)
    z, share = NormalDist().inv_cdf((1 + level) / 2), n / known
    centre = (share + z**2 / (2 * known)) / (1 + z**2 / known)
    half = z * np.sqrt(share * (1 - share) / known + z**2 / (4 * known**2)) / (1 + z**2 / known)
    # Exactly 0 and 100 at the ends, where rounding would leave a trace.
    low = np.where(n == 0, 0 * known, np.maximum(centre - half, 0))
    high = np.where(n == total, known / known, np.minimum(centre + half, 1))
    return 100 * low, 100 * high
