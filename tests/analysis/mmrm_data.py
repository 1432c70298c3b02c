"""Data for tests of the mixed model: the golden sets and a plain generator."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qol_app.analysis.mmrm import MmrmResult, mmrm

GOLDEN = Path(__file__).parents[1] / "golden" / "mmrm"
RESULTS = json.loads((GOLDEN / "mmrm_golden.json").read_text())
COVARIATES = {"a": ["base", "stratum"], "b": ["base"], "c": ["base"]}


def golden_data(which: str) -> pd.DataFrame:
    data = pd.read_csv(GOLDEN / f"mmrm_{which}.csv")
    return data.assign(chg=data["aval"] - data["base"])


def fit_golden(which: str, data: pd.DataFrame | None = None, **options: Any) -> MmrmResult:
    return fit_table(
        golden_data(which) if data is None else data,
        covariates=options.pop("covariates", COVARIATES[which]),
        **options,
    )


def fit_table(data: pd.DataFrame, **options: Any) -> MmrmResult:
    names = {"outcome": "chg", "participant": "id", "visit": "visit", "arm": "arm"}
    return mmrm(data, **{**names, "covariates": ["base"], **options})


def make_trial(
    n: int,
    visits: list[str],
    *,
    seed: int,
    missing: float = 0.0,
    arms: tuple[str, ...] = ("A", "B"),
) -> pd.DataFrame:
    """Return n participants at every visit; some outcomes emptied at random."""
    rng = np.random.default_rng(seed)
    m = len(visits)
    base = rng.normal(60, 20, n)
    level, noise = rng.normal(0, 10, (n, 1)), rng.normal(0, 8, (n, m)).cumsum(axis=1)
    chg = 5 - 0.3 * (base[:, None] - 60) + level + noise
    chg[rng.random((n, m)) < missing] = np.nan
    return pd.DataFrame(
        {
            "id": np.repeat([f"P{i:04d}" for i in range(n)], m),
            "arm": np.repeat(np.resize(arms, n), m),
            "visit": np.tile(visits, n),
            "base": np.repeat(base, m),
            "chg": chg.ravel(),
        }
    )
