"""How long a mixed model of 10 visits and 2,000 participants takes."""

import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from qol_app.analysis.mmrm import MmrmResult, mmrm
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


def fitted(data: pd.DataFrame, df: str = "satterthwaite") -> MmrmResult:
    """Return one fit with all its tables."""
    return mmrm(
        data,
        outcome="chg",
        participant="id",
        visit="visit",
        arm="arm",
        covariates=["base", "stratum"],
        df=df,
    )


def quickest(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the least of three times, which other work on the machine moves least."""
    times = []
    for _ in range(3):
        began = clock()
        work()
        times.append(clock() - began)
    return min(times)


def run() -> Iterator[tuple[str, float, str]]:
    """Yield (name, value, target) rows; seconds, and a ratio that no machine's speed moves."""
    small, large = trial(200), trial(2000)
    for df in ("satterthwaite", "kenward-roger"):
        name = f"MMRM 10 visits x 2,000 participants, {df}, s"
        yield name, quickest(lambda df=df: fitted(large, df)), "< 10 (aim 2)"
    main = fitted(small)
    yield (
        "MMRM delta, 200 participants, 4 deltas x 100 imputations, s",
        quickest(lambda: delta_adjusted(main, worse="lower", seed=1)),
        "< 5",
    )
    yield (
        "MMRM processor time of 2,000 participants over that of 200",
        quickest(lambda: fitted(large), time.process_time)
        / quickest(lambda: fitted(small), time.process_time),
        "< 10 (linear in participants)",
    )


if __name__ == "__main__":
    for name, value, target in run():
        print(f"{name}: {value:.2f} (target {target})")
