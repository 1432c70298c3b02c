"""Do the analyses give back what was put into 500 synthetic trials? ``make validate``.

Every trial goes the whole way: facts, analysis tables, completion rates, mixed models of two
scales, Cox regression of survival. Estimates must be unbiased within simulation error, 95 %
intervals must cover the truth in 93 to 97 of 100 trials, and completion must equal the counts
the generator kept.
"""

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from qol_app.analysis.completion import rates
from qol_app.analysis.dataset import one_scale, pro_score, pro_visit
from qol_app.analysis.endpoints import overall_survival
from qol_app.analysis.mmrm import mmrm
from qol_app.analysis.survival import cox
from qol_app.analysis.synthetic import HAZARD_RATIO, LATER, SyntheticTrial, effect, synthetic_trial

SCALES = ("PF", "FA")
VISITS = ("M6", "M12")
COVERAGE = (93.0, 97.0)
# A mean of normal errors lies within 3 of its standard errors in 997 of 1000 runs.
SIMULATION_ERRORS = 3.0


@dataclass(frozen=True)
class Estimate:
    """One number of one trial with its interval and its truth, all on the scale of the model."""

    seed: int
    what: str
    estimate: float
    se: float
    ci_low: float
    ci_high: float
    truth: float


def estimates(seed: int, n_participants: int = 200) -> list[Estimate]:
    """Return every estimate of one trial; ValueError if completion is not the generator's."""
    trial = synthetic_trial(seed, n_participants)
    visits = pro_visit(trial.visits, trial.participants, list(LATER))
    _check_rates(trial, visits)
    scores = pro_score(trial.scores, trial.visits, trial.participants)
    strata = trial.participants.set_index("participant")["stratum"]
    found = []
    for scale in SCALES:
        rows = one_scale(scores, visits, scale).join(strata, on="participant")
        found += list(_of_scale(seed, scale, rows))
    return [*found, _of_survival(seed, trial)]


def _check_rates(trial: SyntheticTrial, visits: pd.DataFrame) -> None:
    for row in rates(visits, by="arm").table.itertuples():
        key = (row.timepoint, row.arm)
        made = (trial.completed[key], trial.expected[key])
        if (row.completion_numerator, row.completion_denominator) != made:
            raise ValueError(
                f"completion at {key}: found {row.completion_numerator} of "
                f"{row.completion_denominator}; the generator made {made[0]} of {made[1]}"
            )


def _of_scale(seed: int, scale: str, rows: pd.DataFrame) -> Iterator[Estimate]:
    result = mmrm(
        rows,
        outcome="change",
        participant="participant",
        visit="timepoint",
        arm="arm",
        covariates=["baseline", "stratum"],
    )
    by_visit = result.contrasts.set_index("visit")
    # The model compares B with A; the truth is written as A less B.
    for visit in VISITS:
        yield _turned(seed, f"{scale} at {visit}", by_visit.loc[visit], effect(scale, visit))
    yield _turned(seed, f"{scale}, mean of visits", result.average.iloc[0], effect(scale))


def _turned(seed: int, what: str, row: pd.Series, truth: float) -> Estimate:
    low, high = -row["ci_high"], -row["ci_low"]
    return Estimate(seed, what, -row["estimate"], row["se"], low, high, truth)


def _of_survival(seed: int, trial: SyntheticTrial) -> Estimate:
    survival = overall_survival(trial.participants, trial.events, trial.visits).table
    strata = trial.participants[["participant", "stratum"]]
    row = cox(
        survival.merge(strata, on="participant"),
        duration="days",
        event="event",
        covariates=["arm"],
        strata="stratum",
        references={"arm": "B"},
    ).table.iloc[0]
    low, high = np.log(row["ci_low"]), np.log(row["ci_high"])
    truth = float(np.log(HAZARD_RATIO))
    return Estimate(seed, "log hazard ratio", row["coef"], row["se"], low, high, truth)


def summary(found: list[Estimate]) -> pd.DataFrame:
    """Return by estimate: truth, mean, bias, its simulation error, coverage, and se over sd."""
    rows = []
    for what, mine in pd.DataFrame(found).groupby("what", sort=False):
        error = mine["estimate"] - mine["truth"]
        covered = mine["truth"].between(mine["ci_low"], mine["ci_high"])
        rows.append(
            {
                "what": what,
                "repeats": len(mine),
                "truth": mine["truth"].iloc[0],
                "mean": mine["estimate"].mean(),
                "bias": error.mean(),
                "simulation_error": error.std(ddof=1) / np.sqrt(len(mine)),
                "coverage": 100 * covered.mean(),
                "se_over_sd": np.sqrt((mine["se"] ** 2).mean()) / mine["estimate"].std(ddof=1),
            }
        )
    return pd.DataFrame(rows)


def failures(table: pd.DataFrame, coverage: tuple[float, float] = COVERAGE) -> list[str]:
    """Return a sentence for every bar that is not met."""
    found = []
    for row in table.itertuples():
        if abs(row.bias) > SIMULATION_ERRORS * row.simulation_error:
            found.append(f"{row.what}: biased by {row.bias:.3f}")
        if not coverage[0] <= row.coverage <= coverage[1]:
            found.append(f"{row.what}: intervals cover {row.coverage:.1f} %")
    return found


def run_trials(repeats: int, jobs: int, first_seed: int = 1) -> Iterator[list[Estimate]]:
    """Yield the estimates of each trial, in the order of seeds."""
    seeds = range(first_seed, first_seed + repeats)
    if jobs == 1:
        yield from map(estimates, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(estimates, seeds, chunksize=5)


def main() -> int:
    """Run the trials, print the table, and return 1 where a bar is not met."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--repeats", type=int, default=500)
    asked.add_argument("--jobs", type=int, default=2)
    asked.add_argument("--seed", type=int, default=1)
    options = asked.parse_args()
    found: list[Estimate] = []
    for done, one in enumerate(run_trials(options.repeats, options.jobs, options.seed), start=1):
        found += one
        if sys.stderr.isatty() or done % 50 == 0:
            print(f"\r{done} of {options.repeats} trials", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    table = summary(found)
    print(table.round(3).to_string(index=False))
    print("completion equals the generator's counts in every trial")
    wrong = failures(table)
    print("\n".join(wrong) or "unbiased within simulation error; coverage 93-97 %")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
