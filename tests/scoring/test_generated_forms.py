"""The program and the slow second scorer agree on ten thousand generated forms per instrument."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from qol_app.definition.scales import ItemScale
from qol_app.scoring import score
from tests.scoring.oracle import SCORERS
from tests.scoring.test_golden_vectors import CODES

N_FORMS = 10_000
AGREEMENT = 1e-9


@cache
def _generated(instrument) -> pd.DataFrame:
    """Return forms with every missing pattern: none, all, at random, and each scale's limits."""
    rng = np.random.default_rng(20261123)
    codes = list(instrument.item_codes)
    values = np.column_stack(
        [rng.integers(item.first, item.last + 1, N_FORMS) for item in instrument.items]
    ).astype(float)
    share = rng.choice([0.0, 0.05, 0.3, 0.5, 0.7, 1.0], N_FORMS, p=[0.3, 0.2, 0.2, 0.15, 0.1, 0.05])
    values[rng.random(values.shape) < share[:, None]] = np.nan
    for scale in instrument.scales:
        if isinstance(scale, ItemScale) and len(scale.items) > 1:
            columns = [codes.index(item) for item in scale.items]
            _at_the_limit(values, columns, scale.needed, rng)
    return pd.DataFrame(values, columns=codes)


def _at_the_limit(values, columns, needed, rng) -> None:
    """Leave exactly as many items as needed, one fewer and one more, in some of the forms."""
    for answered in {needed - 1, needed, min(needed + 1, len(columns))}:
        for form in rng.integers(0, N_FORMS, 40):
            values[form, columns] = 1.0
            values[form, rng.permutation(columns)[answered:]] = np.nan


@pytest.mark.slow
@pytest.mark.parametrize("code", CODES)
def test_both_scorers_agree_on_generated_forms(instruments, code):
    instrument = instruments[code]
    forms = _generated(instrument)
    found, scorer = score(instrument, forms), SCORERS[code]
    expected = pd.DataFrame([scorer(form) for form in _as_dicts(forms)])
    for scale in expected:
        ours, theirs = found[scale], expected[scale]
        if all(isinstance(one, str) for one in theirs.dropna()) and theirs.notna().any():
            differ = ~((ours == theirs) | (ours.isna() & theirs.isna()))
        else:
            apart = (ours.astype(float) - theirs.astype(float)).abs()
            differ = ~((apart <= AGREEMENT) | (ours.isna() & theirs.isna()))
        assert not differ.any(), (forms[differ].iloc[0].to_dict(), scale)


def _as_dicts(forms):
    """Yield each form as the second scorer reads it: whole numbers, None where nothing is."""
    for row in forms.to_numpy().tolist():
        yield {
            item: None if value != value else int(value)
            for item, value in zip(forms.columns, row, strict=True)
        }


@pytest.mark.slow
@pytest.mark.parametrize("code", CODES)
def test_generated_forms_reach_every_side_of_every_limit(instruments, code):
    instrument = instruments[code]
    forms = _generated(instrument)
    assert forms.notna().all(axis=1).any()
    assert forms.isna().all(axis=1).any()
    for scale in instrument.scales:
        if isinstance(scale, ItemScale) and len(scale.items) > 1:
            answered = set(forms[list(scale.items)].notna().sum(axis=1))
            assert {scale.needed - 1, scale.needed} <= answered
