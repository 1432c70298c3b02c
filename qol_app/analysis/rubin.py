"""One result from those of several completed tables."""

import numpy as np

from qol_app.analysis.mmrm_df import NUMBERS, summary
from qol_app.analysis.mmrm_structures import Floats


def rubin(estimates: Floats, variances: Floats, free: float, level: float) -> tuple[float, ...]:
    """Return one result from those of completed tables.

    Parameters
    ----------
    estimates, variances : arrays, shape (count,)
    free : float
        Degrees of freedom had nothing been missing.
    level : float

    Returns
    -------
    estimate, se, df, t, p, ci_low, ci_high, and the share of the variance that is due to
    missing values; NaN throughout if any estimate is, or a variance is not positive.

    Source
    ------
    Rubin 1987, ch. 3; degrees of freedom of Barnard & Rubin, Biometrika 1999;86:948.
    """
    if free <= 0 or np.isnan([estimates, variances]).any() or variances.min() <= 0:
        return (np.nan,) * (len(NUMBERS) + 1)
    count = len(estimates)
    between = (1 + 1 / count) * estimates.var(ddof=1)
    total = variances.mean() + between
    share = between / total
    seen = (free + 1) / (free + 3) * free * (1 - share)
    df = 1 / (share**2 / (count - 1) + 1 / seen)
    row = summary(np.atleast_1d(estimates.mean()), np.sqrt([total]), np.atleast_1d(df), level)[0]
    return (*map(float, row), float(share))
