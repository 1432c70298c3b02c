"""The same function scores the partitions of a table spread over workers."""

from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from qol_app.scoring import score

N_FORMS, N_PARTITIONS = 2_000_000, 16


@pytest.mark.slow
def test_two_million_forms_in_partitions_get_the_same_scores(instrument):
    # Takes long to import, and every process of the tests reads this file.
    dd = import_module("dask.dataframe")
    c30 = instrument("qlq-c30")
    rng = np.random.default_rng(5)
    codes = rng.integers(1, 5, (N_FORMS, 30), np.int8).astype(np.float32)
    codes[::5, 9] = np.nan
    forms = pd.DataFrame(codes, columns=list(c30.item_codes), copy=False)
    # Called straight on each partition: nothing of ours knows that there are partitions.
    spread = dd.from_pandas(forms, npartitions=N_PARTITIONS)
    scores = spread.map_partitions(lambda part: score(c30, part), meta=score(c30, forms.head(0)))
    assert scores.npartitions == N_PARTITIONS
    found, whole = scores.compute(scheduler="threads", num_workers=2), score(c30, forms)
    assert found.columns.equals(whole.columns)
    assert found.index.equals(whole.index)
    assert np.array_equal(found.to_numpy(), whole.to_numpy(), equal_nan=True)


def test_partitions_of_mixed_columns_keep_text_and_counts(instrument):
    eq = instrument("eq-5d-5l")
    rng = np.random.default_rng(6)
    forms = pd.DataFrame({code: rng.integers(1, 6, 500) for code in eq.item_codes})
    whole = score(eq, forms, provenance=True)
    parts = [
        score(eq, forms.iloc[begin : begin + 60], provenance=True) for begin in range(0, 500, 60)
    ]
    pd.testing.assert_frame_equal(pd.concat(parts), whole)
