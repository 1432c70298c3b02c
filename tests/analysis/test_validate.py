"""Twenty synthetic trials with known truth on every test run; 500 by ``make validate``."""

import numpy as np
import pandas as pd
import pytest

from bench.validate import (
    LATER,
    SCALES,
    Estimate,
    estimates,
    failures,
    run_trials,
    summary,
)
from qol_app.analysis.change import change_from_baseline
from qol_app.analysis.dataset import one_scale, pro_score, pro_visit
from qol_app.analysis.synthetic import EFFECT, effect, synthetic_trial

REPEATS = 20
# With 20 trials: four simulation errors, and no fewer than 16 intervals (one run in 10,000).
FEWEST_COVERED = 16


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    found = [one for trial in run_trials(REPEATS, jobs=1) for one in trial]
    return summary(found).set_index("what")


@pytest.mark.slow
def test_the_analyses_give_back_the_truth_of_synthetic_trials(table):
    assert len(table) == 2 * 3 + 1
    assert (table["bias"].abs() <= 4 * table["simulation_error"]).all(), table
    assert (table["coverage"] >= 100 * FEWEST_COVERED / REPEATS).all(), table
    assert table["se_over_sd"].between(0.6, 1.7).all(), table


@pytest.mark.slow
def test_dropout_is_informative_so_that_those_who_still_answer_look_too_well():
    """Without this the trials would not tell a good model from a bad one."""
    seen, made = [], []
    for seed in range(1, 7):
        trial = synthetic_trial(seed)
        visits = pro_visit(trial.visits, trial.participants)
        scores = pro_score(trial.scores, trial.visits, trial.participants)
        change = change_from_baseline(one_scale(scores, visits, "PF"), by=["timepoint", "arm"])
        means = change.table.set_index(["timepoint", "arm"])["mean"]
        seen.append(means["M12", "B"])
        made.append(-5.0)
    assert np.mean(np.array(seen) - made) > 1.5


def test_the_same_seed_gives_the_same_trial():
    one, same, other = synthetic_trial(7, 12), synthetic_trial(7, 12), synthetic_trial(8, 12)
    pd.testing.assert_frame_equal(one.scores, same.scores)
    pd.testing.assert_frame_equal(one.visits, same.visits)
    assert not one.scores["value"].equals(other.scores["value"])


def test_the_truth_is_what_was_put_in():
    for scale in SCALES:
        assert effect(scale) == np.mean(EFFECT[scale])
        assert [effect(scale, visit) for visit in LATER] == list(EFFECT[scale])


def test_a_small_trial_goes_the_whole_way():
    found = estimates(3, n_participants=80)
    assert [one.what for one in found][-1] == "log hazard ratio"
    assert all(one.ci_low < one.estimate < one.ci_high for one in found)


def made(estimate: float, half: float, repeats: int = 200) -> list[Estimate]:
    random = np.random.default_rng(1)
    drawn = estimate + random.normal(size=repeats)
    return [
        Estimate(seed, "x", value, 1.0, value - half, value + half, 0.0)
        for seed, value in enumerate(drawn)
    ]


@pytest.mark.parametrize(
    ("estimate", "half", "words"),
    [(0.0, 1.96, []), (1.0, 1.96, ["biased", "cover"]), (0.0, 1.0, ["cover"]), (0.0, 9, ["cover"])],
)
def test_the_bars_find_bias_and_intervals_too_short_or_too_long(estimate, half, words):
    found = failures(summary(made(estimate, half)))
    assert len(found) == len(words)
    assert all(word in sentence for word, sentence in zip(words, found, strict=True))
