"""Whatever is missing, the rows used and those left out are the rows given."""

import numpy as np
import pandas as pd
import pytest

from qol_app.analysis.change import (
    change_from_baseline,
    cumulative_distribution,
    descriptives,
    responders,
)
from qol_app.analysis.mmrm import mmrm
from qol_app.analysis.survival import (
    cox,
    cumulative_incidence,
    forest,
    kaplan_meier,
    logrank,
    rmst,
)

TIMES = {"duration": "days", "event": "died"}
ANALYSES = {
    "kaplan_meier": lambda d: kaplan_meier(d, by="arm", **TIMES),
    "logrank": lambda d: logrank(d, by="arm", strata=["site"], **TIMES),
    "cox": lambda d: cox(d, covariates=["arm", "age"], strata=["site"], **TIMES),
    "rmst": lambda d: rmst(d, by="arm", tau=200, **TIMES),
    "incidence": lambda d: cumulative_incidence(d, by="arm", **TIMES),
    "forest": lambda d: forest(d, arm="arm", factors=["er"], **TIMES),
    "descriptives": lambda d: descriptives(d, by=["arm"]),
    "change": lambda d: change_from_baseline(d, by=["arm"]),
    "responders": lambda d: responders(d, by=["arm"]),
    "distribution": lambda d: cumulative_distribution(d, by=["arm"]),
    "mmrm": lambda d: mmrm(
        d, outcome="change", participant="who", visit="visit", arm="arm", covariates=["age", "er"]
    ),
}


def damaged(seed, n=120):
    """Return a trial of which each column lacks some values, some rows several."""
    random = np.random.default_rng(seed)
    made = pd.DataFrame(
        {
            "days": random.exponential(300, n).round() + 1,
            "died": random.integers(0, 2, n).astype(float),
            "arm": np.repeat(random.choice(["A", "B"], n // 2), 2).astype(object),
            "site": random.choice(["UME", "GBG"], n).astype(object),
            "er": random.choice(["+", "-"], n).astype(object),
            "age": random.normal(60, 9, n),
            "value": random.normal(60, 20, n).round(1),
            "baseline": random.normal(60, 20, n).round(1),
        }
    )
    made["change"] = made["value"] - made["baseline"]
    made = made.mask(random.random(made.shape) < 0.06)
    return made.assign(who=np.arange(n) // 2, visit=np.where(np.arange(n) % 2, "M6", "M12"))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("analysis", ANALYSES)
def test_rows_used_and_left_out_are_the_rows_given(analysis, seed):
    data = damaged(seed)
    result = ANALYSES[analysis](data)
    assert 0 < result.n_used < len(data)
    assert result.n_used + sum(result.left_out.values()) == len(data)
    assert all(count > 0 for count in result.left_out.values())
