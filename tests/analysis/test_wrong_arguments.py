"""What is asked wrongly of the tables of harm, worth, change and completion: one sentence each."""

import numpy as np
import pandas as pd
import pytest

from qol_app.analysis.change import change_from_baseline, descriptives, responders
from qol_app.analysis.completion import rates
from qol_app.analysis.safety import clavien_dindo, mortality_after, pro_ctcae
from qol_app.analysis.utility import q_twist, qaly
from qol_app.errors import AnalysisError

PROCEDURES = pd.DataFrame(
    {
        "participant": ["a", "b"],
        "procedure_on": ["2026-01-01", "2026-01-01"],
        "last_seen_on": ["2026-06-01", "2026-02-01"],
        "dead_on": [None, "2026-02-01"],
    }
)
COMPLICATIONS = pd.DataFrame({"participant": ["a"], "onset_on": ["2026-01-05"], "grade": ["II"]})
GRADES = pd.DataFrame(
    {"participant": ["a", "a"], "term": "Pain", "grade": [1, 2], "baseline": [True, False]}
)
PEOPLE = pd.DataFrame({"participant": ["a", "b"], "arm": ["A", "B"]})
INDEX = pd.DataFrame(
    {
        "participant": ["a", "a", "b", "b"],
        "day": [0.0, 365, 0, 365],
        "index": [1.0, 0.5, 0.8, 0.8],
        "death_day": np.nan,
        "arm": ["A", "A", "B", "B"],
    }
)
LIVES = pd.DataFrame(
    {
        "arm": ["A", "A", "B", "B"],
        "tox_days": 1.0,
        "pfs_days": [5.0, 9, 6, 8],
        "pfs_event": 1,
        "os_days": [8.0, 12, 9, 11],
        "os_event": 1,
    }
)
SCORES = pd.DataFrame({"timepoint": "M6", "arm": ["A", "B"], "value": [60.0, 70], "baseline": 50.0})
VISITS = pd.DataFrame(
    {
        "participant": ["a", "b"],
        "timepoint": "M6",
        "arm": ["A", "B"],
        "randomised": True,
        "expected": True,
        "valid": [True, False],
    }
)
ZONED = pd.to_datetime(PROCEDURES["dead_on"], utc=True)
WRONG = {
    "horizons: found 'a'": lambda: clavien_dindo(COMPLICATIONS, PROCEDURES, horizons="a"),
    "horizons: found -5": lambda: clavien_dindo(COMPLICATIONS, PROCEDURES, horizons=(-5,)),
    "horizons: found none": lambda: clavien_dindo(COMPLICATIONS, PROCEDURES, horizons=()),
    r"onset_on: found no date \('soon'\)": lambda: clavien_dindo(
        COMPLICATIONS.assign(onset_on="soon"), PROCEDURES
    ),
    "onset_on: found the number 5": lambda: clavien_dindo(
        COMPLICATIONS.assign(onset_on=5), PROCEDURES
    ),
    "days: found '90'": lambda: mortality_after(PROCEDURES, days="90"),
    r"dead_on: found no date \(instants of UTC\)": lambda: mortality_after(
        PROCEDURES.assign(dead_on=ZONED)
    ),
    "baseline: found 'yes'; wanted true, false or empty": lambda: pro_ctcae(
        GRADES.assign(baseline="yes"), PEOPLE
    ),
    "repeats: found -1": lambda: qaly(INDEX, horizon=365, repeats=-1),
    "seed: found 'x'": lambda: qaly(INDEX, horizon=365, seed="x"),
    "carry_days: found -1": lambda: qaly(INDEX, horizon=365, carry_days=-1),
    "index: found 70; wanted at most 1": lambda: qaly(INDEX.assign(index=70.0), horizon=365),
    "repeats: found 1.5": lambda: q_twist(LIVES, tau=8, repeats=1.5),
    "seed: found None": lambda: q_twist(LIVES, tau=8, seed=None),
    "value: found an infinite number": lambda: descriptives(SCORES.assign(value=np.inf)),
    "by: found 'arm' twice": lambda: change_from_baseline(SCORES, by=["arm", "arm"]),
    "by: found 5": lambda: responders(SCORES, by=5),
    "step: found 'x'": lambda: responders(SCORES, step="x"),
    "valid: found 'maybe'": lambda: rates(VISITS.assign(valid="maybe")),
    "gap_points: found 'x'": lambda: rates(VISITS, gap_points="x"),
    "by: found 'timepoint'": lambda: rates(VISITS, by="timepoint"),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_a_wrong_argument_is_named_in_one_sentence(sentence):
    with pytest.raises(AnalysisError, match=sentence) as told:
        WRONG[sentence]()
    assert "\n" not in str(told.value)


def test_the_same_tables_are_taken_when_asked_rightly():
    assert clavien_dindo(COMPLICATIONS, PROCEDURES, horizons=30).n_used == 2
    assert mortality_after(PROCEDURES).table["dead"].tolist() == [1]
    assert pro_ctcae(GRADES, PEOPLE).n_used == 2
    assert qaly(INDEX, horizon=365, repeats=10).n_used == 2
    assert q_twist(LIVES, tau=8, repeats=10).n_used == 4
    assert responders(SCORES, step=5).n_used == 2
    assert rates(VISITS, by="arm").n_used == 2


def test_a_grade_not_known_to_be_before_treatment_or_after_is_left_out_and_counted():
    found = pro_ctcae(GRADES.assign(baseline=[None, False]), PEOPLE)
    assert found.events_left_out == {"not known whether at baseline": 1}
    assert found.table["answered_both"].tolist() == [0, 0]


def test_somebody_in_two_groups_belongs_to_neither():
    found = qaly(INDEX.assign(arm=["A", "B", "B", "B"]), horizon=365, by="arm", repeats=10)
    assert found.left_out == {"in more than one group": 1}
    assert found.n_used == 1
