"""Numbers that manuals and papers print, or that follow from them by hand in one line."""

import pytest

from qol_app.scoring import score_form

pytestmark = pytest.mark.pure


def _items(prefix, first, values):
    return {f"{prefix}{first + n}": value for n, value in enumerate(values)}


@pytest.mark.parametrize(
    ("answers", "scale", "expected"),
    [
        (_items("q", 1, (2, 2, 1, 1, 1)), "PF", 86.7),  # raw 1.4
        (_items("q", 1, (None, None, 1, 1, 1)), "PF", 100.0),
        (_items("q", 1, (None, None, None, 1, 1)), "PF", None),  # 2 of 5 is under half
        ({"q29": 5, "q30": 5}, "QL", 66.7),
        ({"q10": 3, "q12": 2, "q18": 3}, "FA", 55.6),
        ({"q10": 4, "q12": 4}, "FA", 100.0),
        ({"q21": 2, "q22": 1}, "EF", 83.3),  # 2 of 4 is half and enough
    ],
)
def test_qlq_c30(instrument, answers, scale, expected):
    assert _rounded(score_form(instrument("qlq-c30"), answers)[scale]) == expected


def _rounded(value, digits=1):
    return None if value is None else round(value, digits)


COMPLETE = [int(digit) for digit in "221112212322111213212212122155"]


def test_the_summary_score_needs_all_thirteen_scales(instrument):
    c30 = instrument("qlq-c30")
    form = _items("q", 1, COMPLETE)
    assert _rounded(score_form(c30, form)["C30SUM"], 2) == 79.96
    without_finance_and_health = {**form, "q28": None, "q29": None, "q30": None}
    assert _rounded(score_form(c30, without_finance_and_health)["C30SUM"], 2) == 79.96
    for one in ("q11", "q8"):
        assert score_form(c30, {**form, one: None})["C30SUM"] is None
    assert score_form(c30, {**form, "q1": None, "q2": None, "q3": None})["C30SUM"] is None


@pytest.mark.parametrize(
    ("answers", "scale", "expected"),
    [
        ({"q44": 2, "q45": 2}, "BRSEF", 33.3),  # a reversed mistake gives 66.7
        (_items("q", 31, (2, 1, 1, 3)) | _items("q", 36, (2, 2, 1)), "BRST", 23.8),
        ({"q31": 1, "q33": 2, "q34": 1, "q38": 2}, "BRST", 16.7),
        ({"q47": 2}, "BRAS", None),  # 1 of 3
        ({"q34": 1, "q35": 4}, "BRHL", None),  # answered against the condition
        ({"q34": 2, "q35": 4}, "BRHL", 100.0),
        ({"q35": 4}, "BRHL", None),  # nobody knows whether it applied
        ({"q45": 1, "q46": 2}, "BRSEE", None),
    ],
)
def test_qlq_br23(instrument, answers, scale, expected):
    assert _rounded(score_form(instrument("qlq-br23"), answers)[scale]) == expected


@pytest.mark.parametrize(
    ("answers", "scale", "expected"),
    [
        ({"q39": 2, "q40": 1, "q42": 3}, "LMCPA", 33.3),
        ({"q47": 3, "q48": 2}, "LMCEP", 50.0),
        ({"q45": 4}, "LMCFR", 100.0),  # contact with friends points the symptom way
    ],
)
def test_qlq_lmc21(instrument, answers, scale, expected):
    assert _rounded(score_form(instrument("qlq-lmc21"), answers)[scale]) == expected


# Columns: SE 2020, SE 2022, England 2018, UK 2026, NL 2016, DE 2018, UK crosswalk.
SETS = ["SE_EBS_TTO_2020", "SE_cTTO_2022", "ENG_2018", "UK_2026", "NL_2016", "DE_2018"]
SETS.append("UK_CROSSWALK_2012")


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("11111", (0.9755, 1.000, 1.000, 1.000, 1.000, 1.000, 1.000)),
        ("21111", (0.9468, 0.978, 0.942, 0.968, 0.918, 0.974, 0.877)),
        ("22222", (0.8232, 0.896, 0.701, 0.784, 0.705, 0.801, 0.592)),
        ("12345", (0.4972, 0.220, 0.322, 0.114, 0.047, 0.141, 0.063)),
        ("55555", (0.2433, -0.314, -0.285, -0.567, -0.446, -0.661, -0.594)),
    ],
)
def test_eq_5d_5l_by_every_set(instrument, profile, expected):
    form = dict(zip(("MO", "SC", "UA", "PD", "AD"), map(int, profile), strict=True))
    scores = score_form(instrument("eq-5d-5l"), form, value_sets=SETS)
    assert list(scores) == [f"INDEX_{one}" for one in SETS] + ["VAS", "PROFILE"]
    digits = [4] + [3] * 6
    found = [_rounded(scores[f"INDEX_{one}"], n) for one, n in zip(SETS, digits, strict=True)]
    assert found == list(expected)
    assert scores["PROFILE"] == profile
    assert scores["VAS"] is None


def test_the_index_needs_all_five_and_the_vas_stands_alone(instrument):
    eq = instrument("eq-5d-5l")
    scores = score_form(eq, {"MO": 2, "SC": 1, "PD": 3, "AD": 2, "VAS": 77})
    assert scores["INDEX_UK_2026"] is None
    assert (scores["VAS"], scores["PROFILE"]) == (77, "21932")


def test_fact_b_and_its_trial_outcome_index(instrument):
    form = (
        _items("GP", 1, (1, 0, 2, 1, 2, 0, 1))
        | _items("GS", 1, (3, 4, 3, 2, 3, 4, 2))
        | _items("GE", 1, (1, 3, 0, 1, 2, 1))
        | _items("GF", 1, (3, 2, 3, 3, 2, 3, 2))
        | _items("B", 1, (1, 0, 1, 3, 2, 1, 2, 1, 2))
        | {"P2": 1}
    )
    scores = score_form(instrument("fact-b"), form)
    assert [scores[one] for one in ("PWB", "SWB", "EWB", "FWB", "BCS")] == [21, 21, 18, 18, 28]
    assert [scores[one] for one in ("FACT_G", "FACT_B", "FACT_B_TOI")] == [78, 106, 67]
    half = {**form, "GE2": None, "GE3": None, "GE4": None}
    scores = score_form(instrument("fact-b"), half)
    assert [scores[one] for one in ("EWB", "FACT_G", "FACT_B", "FACT_B_TOI")] == [
        None,
        None,
        None,
        67,
    ]


@pytest.mark.parametrize(
    ("term", "answers", "grade"),
    [
        (48, {"frequency": 3, "severity": 2, "interference": 1}, 2),
        (48, {"frequency": 1, "severity": 0, "interference": 0}, 0),
        (48, {"frequency": 0, "severity": None, "interference": None}, 0),
        (48, {"frequency": 0, "severity": 3, "interference": 3}, 0),
        (48, {"frequency": 2, "severity": None, "interference": 1}, None),
        (48, {"frequency": None, "severity": 2, "interference": 1}, None),
        (9, {"frequency": 2, "severity": 3}, 2),
        (53, {"severity": 3, "interference": 2}, 2),
        (39, {"severity": 2, "interference": 4}, 3),
        (16, {"frequency": 4}, 3),
        (28, {"severity": 3}, 3),
        (27, {"amount": 4}, 2),
    ],
)
def test_pro_ctcae_grades(instrument, term, answers, grade):
    form = {f"{term}_{attribute}": code for attribute, code in answers.items()}
    assert score_form(instrument("pro-ctcae"), form) == {f"{term}_GRADE": grade}


@pytest.mark.parametrize(
    ("domain", "items", "t_score"),
    [
        ("fatigue", (3, 2, 3, 2), 53.1),
        ("physical_function", (4, 4, 5, 4), 43.4),
        ("pain_interference", (1, 1, 1, 1), 41.6),
        ("fatigue", (3, 2, 3, None), None),
    ],
)
def test_promis_29(instrument, domain, items, t_score):
    assert score_form(instrument("promis-29"), _items(domain, 1, items))[domain] == t_score


@pytest.mark.parametrize(
    ("answers", "column", "expected"),
    [
        ({"Global03": 3, "Global06": 4, "Global07": 4, "Global08": 4}, "GPH", 44.9),  # raw 14
        ({"Global02": 3, "Global04": 3, "Global05": 3, "Global10": 2}, "GMH", 41.1),  # raw 11
        ({"Global03": 5, "Global06": 5, "Global07": 0, "Global08": 5}, "GPH", 67.7),  # raw 20
        ({"Global03": 5, "Global06": 5, "Global07": 0, "Global08": 5}, "GPH_RAW", 20),
        ({"Global03": 5, "Global06": 5, "Global08": 5}, "GPH_RAW", None),
    ],
)
def test_promis_global_10(instrument, answers, column, expected):
    assert score_form(instrument("promis-global-10"), answers)[column] == expected


@pytest.mark.parametrize(
    ("answers", "scale", "expected"),
    [
        ({"i21": 3, "i22": 2}, "PA", 67.5),
        ({"i1": 3, "i33": 4, "i34": 2, "i35": 3, "i36": 2}, "GH", 65.0),
        ({"i20": 2}, "SF", 75.0),
        ({"i13": 2}, "RP", None),  # 1 of 4; our half rule
    ],
)
def test_rand_36(instrument, answers, scale, expected):
    assert score_form(instrument("rand-36"), answers)[scale] == expected
