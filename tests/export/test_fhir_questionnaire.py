"""Every instrument goes out as a FHIR R4 Questionnaire and comes back as the same definition."""

import copy
import json
import random

import pytest
from fhir.resources.R4B.questionnaire import Questionnaire

from qol_app.definition.instrument import load_instrument
from qol_app.definition.wording import load_wordings
from qol_app.errors import DefinitionError
from qol_app.export.fhir_questionnaire import questionnaire
from qol_app.export.fhir_questionnaire_checks import questionnaire_problems
from qol_app.export.fhir_questionnaire_import import from_questionnaire
from qol_app.settings import ROOT

FOLDER = ROOT / "questionnaires" / "instruments"
CODES = sorted(path.parent.name for path in FOLDER.glob("*/instrument.yaml"))


def _resource(code: str) -> dict:
    if code not in CODES:
        pytest.skip(f"{code} is not among the instruments here")
    made = questionnaire(load_instrument(FOLDER / code), load_wordings(FOLDER / code))
    return json.loads(json.dumps(made))


def _question(resource: dict, link: str) -> dict:
    return next(
        item for page in resource["item"] for item in page.get("item", ()) if item["linkId"] == link
    )


@pytest.mark.parametrize("code", CODES)
def test_out_and_back_is_the_same_definition_and_the_same_texts(code):
    instrument, wordings = load_instrument(FOLDER / code), load_wordings(FOLDER / code)
    back, texts = from_questionnaire(_resource(code))
    assert back == instrument
    assert back.sha256 == instrument.sha256
    assert list(texts) == list(wordings)
    assert {one: texts[one].checksum for one in texts} == {
        one: wordings[one].checksum for one in wordings
    }


@pytest.mark.parametrize("code", CODES)
def test_fhirs_own_models_and_our_checks_find_nothing_wrong(code):
    resource = _resource(code)
    Questionnaire.model_validate_json(json.dumps(resource))
    assert questionnaire_problems(resource) == []


def test_conditions_are_said_as_fhir_says_them():
    item = _question(_resource("qlq-br23"), "q35")
    assert item["enableBehavior"] == "any"
    assert [rule["answerCoding"]["code"] for rule in item["enableWhen"]] == ["2", "3", "4"]
    assert {rule["question"] for rule in item["enableWhen"]} == {"q34"}


def test_answers_carry_code_ordinal_value_and_translation():
    option = _question(_resource("qlq-c30"), "q1")["answerOption"][1]["valueCoding"]
    assert (option["code"], option["extension"][0]["valueDecimal"]) == ("2", 2)
    parts = option["_display"]["extension"][0]["extension"]
    assert {part["url"]: part.get("valueCode", part.get("valueString")) for part in parts} == {
        "lang": "sv",
        "content": "Svagt",
    }


def test_pages_follow_recall_periods_and_the_line_is_a_slider():
    c30 = _resource("qlq-c30")
    pages = [page for page in c30["item"] if page["type"] == "group"]
    assert [len(page["item"]) for page in pages] == [5, 25]
    assert "text" not in pages[0]
    assert pages[1]["text"] == "Think of the last seven days."
    line = _question(_resource("eq-5d-5l"), "VAS")
    assert [child["linkId"] for child in line["item"]] == ["VAS-lower", "VAS-upper"]
    assert line["type"] == "integer"


def test_stand_in_wording_makes_a_draft_and_licensed_wording_does_not():
    assert (_resource("qlq-c30")["status"], _resource("qlq-c30")["experimental"]) == ("draft", True)
    instrument = load_instrument(FOLDER / "qlq-c30")
    licensed = load_wordings(FOLDER / "qlq-c30")["en"].model_copy(update={"stand_in": False})
    made = questionnaire(instrument, {"en": licensed})
    assert (made["status"], made["experimental"]) == ("active", False)
    assert "_title" not in made


def _spoiled(change) -> dict:
    resource = copy.deepcopy(_resource("qlq-br23"))
    change(resource)
    return resource


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (
            lambda r: r.update(resourceType="Patient"),
            "found 'Patient'; wanted a FHIR Questionnaire",
        ),
        (lambda r: _question(r, "q40").update(linkId="q41"), "linkId 'q41': found 2 times"),
        (
            lambda r: _question(r, "q35")["enableWhen"][0].update(question="q99"),
            "q35: found a condition on 'q99'; wanted an earlier item",
        ),
        (
            lambda r: _question(r, "q35")["enableWhen"][0]["answerCoding"].update(code="9"),
            "q35: found a condition on answer '9' of q34",
        ),
        (lambda r: _question(r, "q35").pop("enableBehavior"), "no enableBehavior (que-12)"),
        (lambda r: _question(r, "q40").pop("answerOption"), "q40: found no answers"),
        (lambda r: _question(r, "q40")["answerOption"].pop(1), "q40: found codes [1, 3, 4]"),
        (lambda r: _question(r, "q40").update(type="attachment"), "q40: found type 'attachment'"),
        (lambda r: _question(r, "q40").pop("_text"), "q40: found no text in sv"),
        (lambda r: r["item"][1].pop("item"), "page-1: found a group without items"),
        (lambda r: r.pop("contained"), "found no contained Library 'definition'"),
        (
            lambda r: _question(r, "q40")["extension"][0].update(valueString="day"),
            "item q40: recall: found 'day'",
        ),
        (
            lambda r: _question(r, "q35")["enableWhen"].pop(0),
            "found content with hash",
        ),
    ],
)
def test_a_spoiled_questionnaire_is_refused_by_name(change, wanted):
    with pytest.raises(DefinitionError) as caught:
        from_questionnaire(_spoiled(change))
    assert wanted in str(caught.value)


JUNK = (None, "", 0, -1, 1.5, True, [], {}, "x", ["x"], [None], {"a": 1}, [[]], "\u00b2", 10**30)


def _places(value, place=()):
    """Yield the way to every value inside a resource."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in inside:
        yield (*place, key)
        if isinstance(one, dict | list):
            yield from _places(one, (*place, key))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(120))
def test_whatever_stands_in_the_wrong_place_is_refused_or_read(seed):
    resource, rng = _resource("eq-5d-5l"), random.Random(seed)
    place = rng.choice(list(_places(resource)))
    holder = resource
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = rng.choice(JUNK)
    try:
        back, _ = from_questionnaire(resource)
    except DefinitionError:
        return
    assert back == load_instrument(FOLDER / "eq-5d-5l")


def test_an_instrument_without_wording_cannot_go_out():
    if "qlq-c30" not in CODES:
        pytest.skip("qlq-c30 is not among the instruments here")
    with pytest.raises(DefinitionError, match="found no wording"):
        questionnaire(load_instrument(FOLDER / "qlq-c30"), {})
