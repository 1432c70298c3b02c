"""Thresholds, differences and reference values read the right way round at every boundary."""

import shutil

import pytest

from qol_app.definition.checks import check_instruments
from qol_app.definition.instrument import load_instrument
from qol_app.definition.interpretation import (
    ChangeClasses,
    ClinicalImportance,
    DifferenceSizes,
    Reference,
    Responder,
    change_class,
    difference_size,
    is_problem,
    load_interpretation,
    responder_threshold,
)
from qol_app.definition.parts import Flag
from qol_app.errors import DefinitionError
from tests.definition.test_instruments import CODES, FOLDER


@pytest.fixture
def c30(instrument):
    return instrument("qlq-c30")


@pytest.fixture
def guides(c30):
    return load_interpretation(FOLDER / "qlq-c30", c30)


@pytest.mark.parametrize(
    ("scale", "score", "problem"),
    [
        ("PF", 82.9, True),
        ("PF", 83.0, False),
        ("FA", 39.0, False),
        ("FA", 39.1, True),
        ("NV", 16.7, True),
        ("QL", 0.0, None),
    ],
)
def test_a_problem_lies_below_for_function_and_above_for_symptoms(
    c30, guides, scale, score, problem
):
    assert is_problem(guides.of_kind(ClinicalImportance)[0], c30, scale, score) is problem


@pytest.mark.parametrize(
    ("scale", "change", "name"),
    [
        ("PF", -10.0, "medium deterioration"),
        ("PF", -9.9, "small deterioration"),
        ("PF", -5.0, "small deterioration"),
        ("PF", -4.9, "no change"),
        ("PF", 1.9, "no change"),
        ("PF", 2.0, "small improvement"),
        ("PF", 7.0, "medium improvement"),
        ("FA", 10.0, "medium deterioration"),
        ("FA", 5.0, "small deterioration"),
        ("FA", 4.9, "no change"),
        ("FA", -4.0, "small improvement"),
        ("FA", -9.0, "medium improvement"),
        ("FI", -50.0, "small improvement"),  # no medium improvement was estimated
        ("C30SUM", -50.0, "unknown"),
    ],
)
def test_changes_have_a_direction_and_a_size(c30, guides, scale, change, name):
    assert change_class(guides.of_kind(ChangeClasses)[0], c30, scale, change) == name


@pytest.mark.parametrize(
    ("scale", "difference", "name"),
    [
        ("QL", 3.9, "trivial"),
        ("QL", -4.0, "small"),
        ("QL", 10.0, "medium"),
        ("QL", -15.0, "large"),
        ("EF", 90.0, "small"),
        ("C30SUM", 9.0, "unknown"),
    ],
)
def test_differences_between_groups_have_a_size(guides, scale, difference, name):
    assert difference_size(guides.of_kind(DifferenceSizes)[0], scale, difference) == name


def test_the_usual_responder_threshold_may_be_replaced_scale_by_scale(guides):
    usual = guides.of_kind(Responder)[0]
    assert responder_threshold(usual, "PF") == 10
    own = usual.model_copy(update={"values": {"PF": 6.67}})
    assert (responder_threshold(own, "PF"), responder_threshold(own, "RF")) == (6.67, 10)


def test_reference_values_say_what_was_checked(guides):
    references = {one.code: one for one in guides.of_kind(Reference)}
    assert references["advanced_breast"].values["QL"].mean == 60.2
    assert references["advanced_breast"].flag is Flag.VERIFIED
    assert references["nolte2019"].flag is Flag.RECALLED
    assert guides.guide("nolte2019").values["PF"].mean == 85.1
    with pytest.raises(DefinitionError, match="no guide 'x'; known: giesinger2020"):
        guides.guide("x")


@pytest.mark.parametrize("code", CODES)
def test_every_guide_names_its_source_in_both_languages(code):
    found = load_interpretation(FOLDER / code, load_instrument(FOLDER / code))
    for guide in found.guides if found else ():
        assert guide.source
        assert {"en", "sv"} <= set(guide.title)


def test_an_unknown_scale_or_another_instrument_is_refused(tmp_path, c30):
    folder = tmp_path / "questionnaires" / "instruments" / "qlq-c30"
    shutil.copytree(FOLDER / "qlq-c30", folder)
    path = folder / "interpretation.yaml"
    good = path.read_text(encoding="utf-8")
    path.write_text(good.replace("PF: 83", "PX: 83"), encoding="utf-8")
    with pytest.raises(DefinitionError, match="guide giesinger2020: found scale PX; wanted scales"):
        load_interpretation(folder, c30)
    assert any("found scale PX" in line for line in check_instruments(folder.parent))
    path.write_text(good.replace("instrument: qlq-c30", "instrument: x1"), encoding="utf-8")
    with pytest.raises(DefinitionError, match="found 'x1'; wanted 'qlq-c30'"):
        load_interpretation(folder, c30)
    path.unlink()
    assert load_interpretation(folder, c30) is None
