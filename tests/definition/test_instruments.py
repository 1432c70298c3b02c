"""The shipped instruments are whole, consistent and free of licensed wording."""

import shutil
from pathlib import Path

import pytest

from qol_app.definition.instrument import load_instrument, load_instruments
from qol_app.definition.scales import MinRule
from qol_app.definition.wording import load_wordings, refuse_gaps, wording_gaps
from qol_app.errors import DefinitionError

FOLDER = Path(__file__).parents[2] / "questionnaires" / "instruments"
CODES = sorted(path.parent.name for path in FOLDER.glob("*/instrument.yaml"))

TINY = """
code: tiny
title: Tiny
version: "1"
family: own
minutes: 1
licence: {holder: Nobody, terms: {en: Free}}
sources: [{what: scoring, citation: Made up for a test}]
recalls: [{code: week, days: 7}]
items:
  - {code: a1, first: 1, last: 4, recall: week}
  - {code: a2, first: 1, last: 4, recall: week, asked_if: {item: a1, over: 1}}
scales:
  - code: A
    title: {en: A}
    rule: linear
    items: [a1, a2]
    min_answered: half
    direction: higher_is_worse
    low: 0
    high: 100
    source: Made up for a test
"""


def _tiny(folder: Path, text: str = TINY) -> Path:
    path = folder / "questionnaires" / "instruments" / "tiny"
    path.mkdir(parents=True)
    (path / "instrument.yaml").write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("code", CODES)
def test_every_instrument_has_english_and_swedish_stand_ins_for_exactly_its_items(code):
    instrument = load_instrument(FOLDER / code)
    wordings = load_wordings(FOLDER / code)
    assert {"en", "sv"} <= set(wordings)
    for wording in wordings.values():
        assert wording_gaps(instrument, wording) == []
        assert wording.stand_in
        assert max(len(text.prompt) for text in wording.items.values()) <= 80


@pytest.mark.parametrize("code", CODES)
def test_titles_are_given_in_both_languages(code):
    for scale in load_instrument(FOLDER / code).scales:
        assert {"en", "sv"} <= set(scale.title)


def test_a_folder_without_instruments_holds_none(tmp_path):
    assert load_instruments(tmp_path) == {}
    assert load_instruments(tmp_path / "nothing") == {}


@pytest.mark.parametrize(
    ("rule", "n_items", "needed"),
    [
        (MinRule.HALF, 4, 2),
        (MinRule.HALF, 5, 3),
        (MinRule.HALF, 1, 1),
        (MinRule.MORE_THAN_HALF, 6, 4),
        (MinRule.MORE_THAN_HALF, 7, 4),
        (MinRule.ALL, 4, 4),
        (MinRule.ONE, 4, 1),
    ],
)
def test_half_is_enough_for_eortc_and_not_for_facit(rule, n_items, needed):
    assert rule.needed_of(n_items) == needed


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("items: [a1, a2]", "items: [a1, a9]", "scale A: items: found 'a9'; wanted one of: a1, a2"),
        ("items: [a1, a2]", "items: [a1, a1]", "scale A: items: found one twice"),
        ("item: a1, over", "item: a2, over", "asked_if: found item 'a2'; wanted one that stands"),
        ("over: 1", "over: 4", "item a2: asked_if: found over 4; wanted 1..3"),
        ("code: a2, first", "code: a1, first", "items: found code a1 2 times; wanted it once"),
        ("last: 4, recall: week}", "last: 4, recall: day}", "recall: found 'day'; wanted one of"),
        (
            "a1, first: 1, last: 4",
            "a1, first: 1, last: 5",
            "found items of ranges [(1, 4), (1, 5)]",
        ),
        ("first: 1, last: 4", "first: 4, last: 4", "found codes 4..4; wanted first below last"),
        (
            "rule: linear",
            "rule: cubic",
            "scales[0].rule: found 'cubic'; wanted one of: copy, grade",
        ),
        ("rule: linear", "rule: liner", "total (did you mean 'linear'?)"),
        ("high: 100", "high: 100\n    colour: red", "scales[0].colour: found an unknown field"),
        ("rule: linear", "rule: table\n    first_raw: 2\n    table: [1, 2]", "wanted 7 from 2"),
        ("rule: linear", "rule: grade\n    grades: x", "scale A: grades: found 'x'"),
        ("rule: linear", "rule: index", "found 0 and a scale with rule index"),
        ("high: 100", "high: 0", "scale A: found 0.0..0.0; wanted low below high"),
        ("code: tiny", "code: other", "found 'other' in folder 'tiny'; wanted both the same"),
        ("code: A\n", "code: A b\n", "scales[0].code: found"),
    ],
)
def test_an_instrument_that_contradicts_itself_is_refused_by_name(tmp_path, old, new, wanted):
    assert old in TINY
    folder = _tiny(tmp_path, TINY.replace(old, new, 1))
    with pytest.raises(DefinitionError) as caught:
        load_instrument(folder)
    assert wanted in str(caught.value)
    assert str(caught.value).startswith("questionnaires/instruments/tiny/instrument.yaml")


def test_a_small_change_of_content_is_another_version(tmp_path):
    one = load_instrument(_tiny(tmp_path / "one"))
    two = load_instrument(_tiny(tmp_path / "two", "# comment\n" + TINY))
    three = load_instrument(_tiny(tmp_path / "three", TINY.replace("over: 1", "over: 2")))
    assert one.sha256 == two.sha256 != three.sha256


def test_value_sets_without_all_coefficients_are_refused(tmp_path, instrument):
    instrument("eq-5d-5l")
    copy = tmp_path / "questionnaires" / "instruments" / "eq-5d-5l"
    shutil.copytree(FOLDER / "eq-5d-5l", copy)
    whole = (copy / "values.csv").read_text(encoding="utf-8")
    assert load_instrument(copy).sha256 == instrument("eq-5d-5l").sha256
    cases = {
        whole.replace("UK_2026,PD,4,-0.371\n", ""): "set UK_2026: found no PD 4",
        whole.replace("UK_2026,PD,4,-0.371\n", "UK_2026,PD,4,low\n"): "found level '4' and value",
        whole + "UK_2026,PD,4,-0.371\n": "found set UK_2026, PD, level 4 twice",
        whole + "XX,PD,4,-0.371\n": "found set XX; wanted one that instrument.yaml describes",
        whole.replace("set,", "sets,"): "found columns",
    }
    for text, wanted in cases.items():
        (copy / "values.csv").write_text(text, encoding="utf-8")
        with pytest.raises(DefinitionError, match=r"eq-5d-5l/values\.csv") as caught:
            load_instrument(copy)
        assert wanted in str(caught.value)
    (copy / "values.csv").unlink()
    with pytest.raises(DefinitionError, match="no such file"):
        load_instrument(copy)


def test_a_changed_coefficient_is_another_version(tmp_path, instrument):
    original = instrument("eq-5d-5l")
    copy = tmp_path / "eq-5d-5l"
    shutil.copytree(FOLDER / "eq-5d-5l", copy)
    text = (copy / "values.csv").read_text(encoding="utf-8")
    (copy / "values.csv").write_text(text.replace("-0.371", "-0.372"), encoding="utf-8")
    assert load_instrument(copy).sha256 != original.sha256


def test_wordings_that_do_not_fit_are_refused_by_item(instrument, wording):
    definition, text = instrument("qlq-lmc21"), wording("qlq-lmc21", "en")
    items = dict(text.items)
    items["q99"] = items.pop("q40")
    items["q41"] = items["q41"].model_copy(update={"options": {1: "a", 2: "b"}})
    with pytest.raises(DefinitionError) as caught:
        refuse_gaps(definition, text.model_copy(update={"items": items}))
    for wanted in ("missing items: q40", "extra items: q99", "item q41: labels for [1, 2]"):
        assert wanted in str(caught.value)


def test_a_wording_knows_exactly_what_was_shown(wording):
    text = wording("qlq-c30", "en")
    items = dict(text.items)
    items["q1"] = items["q1"].model_copy(update={"prompt": "Something else"})
    assert text.model_copy(update={"items": items}).checksum != text.checksum
    assert text.checksum != wording("qlq-c30", "sv").checksum


def test_a_wording_file_names_sets_of_labels_that_exist(tmp_path):
    folder = _tiny(tmp_path)
    text = (
        "instrument: tiny\nlanguage: en\nstand_in: true\ntitle: T\ninstruction: I\n"
        "option_sets: {four: {1: a, 2: b, 3: c, 4: d}}\n"
        "items:\n  a1: {prompt: One, options: four}\n  a2: {prompt: Two, options: five}\n"
    )
    (folder / "en.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"items\.a2\.options: found 'five'; wanted one of"):
        load_wordings(folder)
    (folder / "en.yaml").write_text(text.replace("five", "four"), encoding="utf-8")
    assert load_wordings(folder)["en"].text("a2").options[4] == "d"
    (folder / "en.yaml").rename(folder / "de.yaml")
    with pytest.raises(DefinitionError, match="wanted 'tiny', 'de' as in its name"):
        load_wordings(folder)
