"""Every instrument's public vectors hold for the program and for the slow second scorer."""

import math

import pytest

from qol_app.scoring import score
from qol_app.scoring.conformance import (
    DECIMALS,
    GOLDEN_FILE,
    compare,
    load_golden,
    tolerance_of,
)
from tests.scoring.conftest import FOLDER
from tests.scoring.oracle import SCORERS

CODES = sorted(path.parent.name for path in FOLDER.glob("*/instrument.yaml"))


@pytest.fixture(params=CODES)
def vectors(request, instruments):
    instrument = instruments[request.param]
    return instrument, load_golden(FOLDER / instrument.code / GOLDEN_FILE, instrument)


def test_the_program_agrees_with_every_vector(vectors):
    instrument, golden = vectors
    agreements = compare(golden, score(instrument, golden.answers))
    assert [one.scale for one in agreements] == list(golden.expected.columns)
    assert [one for one in agreements if one.agree < one.cases] == []


def test_the_second_scorer_agrees_with_every_vector(vectors):
    instrument, golden = vectors
    for case, answers in golden.answers.iterrows():
        form = {item: None if math.isnan(code) else int(code) for item, code in answers.items()}
        scores = SCORERS[instrument.code](form)
        assert set(scores) == set(golden.expected.columns)
        for scale, expected in golden.expected.loc[case].items():
            found = scores[scale]
            if isinstance(expected, str) or isinstance(found, str):
                assert found == expected, (case, scale)
            elif expected is None or math.isnan(expected):
                assert found is None, (case, scale)
            else:
                assert abs(found - expected) <= tolerance_of(DECIMALS), (case, scale)


def test_every_scale_is_both_given_and_missing_in_some_vector(vectors):
    _, golden = vectors
    assert golden.expected.notna().any().all()
    assert golden.expected.isna().any().all()
