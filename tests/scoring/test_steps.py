"""A change smaller than a scale's step cannot happen to one person."""

import numpy as np
import pandas as pd
import pytest

from qol_app.definition.scales import ItemScale
from qol_app.scoring import score
from qol_app.scoring.steps import achievable_scores, smallest_step

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("code", "scale", "n_scores", "step"),
    [
        ("qlq-c30", "DY", 4, 100 / 3),
        ("qlq-c30", "PF", 16, 100 / 15),
        ("qlq-c30", "QL", 13, 100 / 12),
        ("qlq-br23", "BRST", 22, 100 / 21),
        ("fact-g", "EWB", 25, 1.0),
        ("rand-36", "RE", 4, 100 / 3),
        ("rand-36", "SF", 9, 12.5),
        ("pro-ctcae", "48_GRADE", 4, 1.0),
        ("promis-29", "fatigue", 17, 1.8),
        ("eq-5d-5l", "VAS", 101, 1.0),
        ("promis-global-10", "GPH_RAW", 17, 1.0),
    ],
)
def test_known_steps(instrument, code, scale, n_scores, step):
    definition = instrument(code)
    assert len(achievable_scores(definition, scale)) == n_scores
    assert smallest_step(definition, scale) == pytest.approx(step)


def test_scales_of_scales_and_preferences_have_too_many_steps_to_list(instrument):
    assert achievable_scores(instrument("qlq-c30"), "C30SUM") == ()
    assert smallest_step(instrument("eq-5d-5l"), "INDEX") is None


def test_complete_forms_only_ever_reach_achievable_scores(instruments):
    rng = np.random.default_rng(8)
    for definition in instruments.values():
        forms = pd.DataFrame(
            {item.code: rng.integers(item.first, item.last + 1, 400) for item in definition.items}
        )
        for item in definition.items:
            if item.asked_if is not None:
                forms[item.asked_if.item] = definition.item(item.asked_if.item).last
        scores = score(definition, forms)
        for scale in definition.scales:
            steps = achievable_scores(definition, scale.code)
            if isinstance(scale, ItemScale) and steps:
                found = scores[scale.code].dropna().to_numpy()
                distance = np.abs(found[:, None] - np.array(steps)).min(axis=1)
                assert distance.max() < 1e-9, (definition.code, scale.code)
