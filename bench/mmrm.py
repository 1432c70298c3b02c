"""How long a mixed model of 10 visits and 2,000 participants takes."""

import time

import numpy as np
import pandas as pd

from qol_app.analysis.mmrm import mmrm
from qol_app.analysis.mmrm_sensitivity import delta_adjusted

VISITS = ["W6", "M3", "M6", "M9", "M12", "M15", "M18", "M24", "M30", "M36"]


def trial(n_participants: int, seed: int = 1) -> pd.DataFrame:
    """Return a trial with dropout and skipped visits: several hundred patterns of visits."""
    rng = np.random.default_rng(seed)
    n, m = n_participants, len(VISITS)
    base = rng.normal(60, 20, n)
    arm = rng.integers(0, 2, n)
    noise = rng.normal(0, 10, (n, 1)) + rng.normal(0, 8, (n, m)).cumsum(axis=1)
    chg = 4 * arm[:, None] - 0.3 * (base[:, None] - 60) + noise
    last = np.where(rng.random(n) < 0.4, rng.integers(1, m, n), m)
    empty = (np.arange(m) >= last[:, None]) | (rng.random((n, m)) < 0.08)
    return pd.DataFrame(
        {
            "id": np.repeat(np.arange(n), m),
            "arm": np.repeat(np.array(["control", "surgery"])[arm], m),
            "stratum": np.repeat(np.array(["no", "yes"])[rng.integers(0, 2, n)], m),
            "visit": np.tile(VISITS, n),
            "base": np.repeat(base, m),
            "chg": np.where(empty, np.nan, chg).ravel(),
        }
    )


def seconds(data: pd.DataFrame, df: str) -> float:
    """Return the time of one fit with all its tables."""
    began = time.perf_counter()
    mmrm(
        data,
        outcome="chg",
        participant="id",
        visit="visit",
        arm="arm",
        covariates=["base", "stratum"],
        df=df,
    )
    return time.perf_counter() - began


def seconds_of_deltas(data: pd.DataFrame) -> float:
    """Return the time of four deltas with 100 imputations, beside the fit."""
    main = mmrm(
        data,
        outcome="chg",
        participant="id",
        visit="visit",
        arm="arm",
        covariates=["base", "stratum"],
    )
    began = time.perf_counter()
    delta_adjusted(main, worse="lower", seed=1)
    return time.perf_counter() - began


def run() -> list[tuple[str, float, str]]:
    """Return (name, value, target) rows; seconds, and a ratio that no machine's speed moves."""
    small, large = trial(200), trial(2000)
    satterthwaite = seconds(large, "satterthwaite")
    return [
        ("MMRM 10 visits x 2,000 participants, Satterthwaite, s", satterthwaite, "< 10 (aim 2)"),
        (
            "MMRM 10 visits x 2,000 participants, Kenward-Roger, s",
            seconds(large, "kenward-roger"),
            "< 10 (aim 2)",
        ),
        (
            "MMRM delta adjustment, 200 participants, 4 deltas x 100 imputations, s",
            seconds_of_deltas(small),
            "< 5",
        ),
        (
            "MMRM time of 2,000 participants over that of 200",
            satterthwaite / seconds(small, "satterthwaite"),
            "< 10 (linear in participants)",
        ),
    ]


if __name__ == "__main__":
    for name, value, target in run():
        print(f"{name}: {value:.2f} (target {target})")
