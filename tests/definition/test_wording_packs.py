"""An owner's texts come in whole from three kinds of file, or not at all."""

import csv
import io
import json

import pytest

from qol_app.definition.wording_packs import load_wording_pack, template
from qol_app.errors import DefinitionError

LICENCE = "Permission 2026-0001 (invented for this test)"


def _filled(instrument, change=lambda rows: rows) -> str:
    """Return our template with a made-up text in every row."""
    rows = list(csv.DictReader(io.StringIO(template(instrument))))
    for row in rows:
        row["text"] = " ".join(filter(None, ("Text", row["part"], row["name"], row["code"])))
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(change(rows))
    return out.getvalue()


@pytest.fixture
def load(tmp_path):
    def load(instrument, name, content, language="sv", **more):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return load_wording_pack(path, instrument, language, LICENCE, **more)

    return load


def test_the_template_filled_in_is_a_wording(instruments, load):
    for instrument in instruments.values():
        wording = load(instrument, "pack.csv", _filled(instrument), certificate="Certificate 7")
        assert list(wording.items) == list(instrument.item_codes)
        assert (wording.stand_in, wording.licence_reference) == (False, LICENCE)
        assert wording.certificate == "Certificate 7"
        for item in instrument.items:
            text = wording.items[item.code]
            assert text.prompt == f"Text prompt {item.code}"
            if item.kind == "choice":
                assert list(text.options) == list(item.allowed)
            else:
                assert text.low == f"Text low {item.code}"


def test_a_row_of_numbers_may_have_texts_at_its_ends_only(instrument, load):
    c30 = instrument("qlq-c30")

    def ends_only(rows):
        for row in rows:
            if row["name"] == "q29" and row["part"] == "option":
                row["text"] = ""
        low = {"part": "low", "name": "q29", "code": "", "text": "Worst"}
        return [*rows, low, {**low, "part": "high", "text": "Best"}]

    wording = load(c30, "pack.csv", _filled(c30, ends_only))
    assert (wording.items["q29"].options, wording.items["q29"].high) == ({}, "Best")


def _without(part, name):
    return lambda rows: [row for row in rows if (row["part"], row["name"]) != (part, name)]


def _text(part, name, text):
    def change(rows):
        for row in rows:
            if (row["part"], row["name"]) == (part, name):
                row["text"] = text
        return rows

    return change


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (_without("prompt", "q7"), "pack.csv: missing rows: prompt q7"),
        (_without("recall", "week"), "missing rows: recall week"),
        (_text("prompt", "q7", " "), "(prompt q7): found no text; wanted one"),
        (_text("option", "q7", ""), "item q7: labels for []; wanted [1, 2, 3, 4]"),
        (_text("prompt", "q7", "a\u202eb"), "found the invisible character U+202E"),
        (_text("prompt", "q7", "a\x00b"), "found the invisible character U+0000"),
        (lambda rows: [*rows, rows[-1]], "(option q30 7): found twice; wanted once"),
        (
            lambda rows: [*rows, {"part": "prompt", "name": "q31", "code": "", "text": "x"}],
            "(prompt q31): found an extra row",
        ),
    ],
)
def test_a_template_that_does_not_fit_is_refused_by_row(instrument, load, change, wanted):
    c30 = instrument("qlq-c30")
    with pytest.raises(DefinitionError) as caught:
        load(c30, "pack.csv", _filled(c30, change))
    assert wanted in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("pack.txt", "", "found ending '.txt'; wanted .csv or .json"),
        ("pack.csv", "a,b\n1,2\n", "found columns a, b; wanted part, name, code, text"),
        ("pack.csv", "", "found columns none"),
        ("pack.json", "{", "not JSON"),
        ("pack.json", "[]", "wanted a FHIR Questionnaire"),
        ("pack.json", '{"resourceType": "Patient"}', "found 'Patient'; wanted a FHIR"),
        ("pack.json", '{"resourceType": "Questionnaire"}', "pack.json: status: not FHIR R4"),
        (
            "pack.json",
            '{"resourceType": "Questionnaire", "status": "draft", "item": [3]}',
            "pack.json: item.0.root: not FHIR R4",
        ),
        ("pack.json", '{"resourceType": "Questionnaire", "status": "draft"}', "found no question"),
        ("pack.csv", "a" * 200_000, "cannot be read as CSV"),
    ],
)
def test_a_file_of_another_kind_is_refused(instrument, load, name, content, wanted):
    with pytest.raises(DefinitionError) as caught:
        load(instrument("qlq-c30"), name, content)
    assert wanted in str(caught.value)


def test_permission_is_not_optional(instrument, tmp_path):
    c30 = instrument("qlq-c30")
    path = tmp_path / "pack.csv"
    path.write_text(_filled(c30), encoding="utf-8")
    with pytest.raises(DefinitionError, match="found no licence reference"):
        load_wording_pack(path, c30, "sv", " ")
    with pytest.raises(DefinitionError, match="no such file"):
        load_wording_pack(tmp_path / "none.csv", c30, "sv", LICENCE)
    path.write_bytes("Umeå".encode("latin-1"))
    with pytest.raises(DefinitionError, match="cannot be read as UTF-8"):
        load_wording_pack(path, c30, "sv", LICENCE)


REDCAP = (
    "Variable / Field Name,Form Name,Section Header,Field Type,Field Label,"
    '"Choices, Calculations, OR Slider Labels",Field Note\n'
)


def _redcap(instrument, prefix="base_") -> str:
    rows = ["record_id,form,,text,Record,,", "intro,form,,descriptive,<b>Please</b> answer,,"]
    recall = None
    for item in instrument.items:
        header = f"Recall {item.recall}" if item.recall != recall else ""
        recall = item.recall
        if item.kind == "choice":
            choices = " | ".join(f"{code}, Label &lt;{code}&gt;" for code in item.allowed)
            kind = "radio"
        else:
            kind, choices = "slider", "Worst | | Best"
        label = f"<p>Prompt&nbsp;{item.code}</p>"
        rows.append(f'{prefix}{item.code.lower()},form,{header},{kind},{label},"{choices}",')
    return REDCAP + "\n".join(rows) + "\n"


@pytest.mark.parametrize("code", ["qlq-br23", "eq-5d-5l", "promis-29"])
def test_a_redcap_dictionary_is_a_wording(instrument, load, code):
    definition = instrument(code)
    wording = load(definition, "redcap.csv", _redcap(definition))
    first = definition.item_codes[0]
    assert wording.instruction == "Please answer"
    assert wording.items[first].prompt == f"Prompt {first}"
    assert set(wording.recall) == {one.code for one in definition.recalls if one.days is not None}
    assert wording.recall[definition.recalls[-1].code] == f"Recall {definition.recalls[-1].code}"
    for item in definition.items:
        if item.kind == "choice":
            assert wording.items[item.code].options[item.last] == f"Label <{item.last}>"
        else:
            assert (wording.items[item.code].low, wording.items[item.code].high) == (
                "Worst",
                "Best",
            )


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("base_q40,", "base_q99,", "extra items: field 'base_q99' is no item of qlq-br23"),
        ("base_q40,", "base_q41,", "item q41: found two fields"),
        ("radio", "text", "item q31: labels for []"),
        ("4, Label", "4 Label", "found choice '4 Label &lt;4&gt;'; wanted 'number, label'"),
        (
            "4, Label",
            "\u00b2, Label",
            "found choice '\u00b2, Label &lt;4&gt;'; wanted 'number, label'",
        ),
        ("4, Label", "5, Label", "labels for [1, 2, 3, 5]; wanted [1, 2, 3, 4]"),
        ("radio", "yesno", "found a yesno field"),
    ],
)
def test_a_redcap_dictionary_that_does_not_fit_is_refused(instrument, load, old, new, wanted):
    br23 = instrument("qlq-br23")
    text = _redcap(br23)
    assert old in text
    with pytest.raises(DefinitionError) as caught:
        load(br23, "redcap.csv", text.replace(old, new, 1))
    assert wanted in str(caught.value)


def test_a_section_header_holds_until_the_next(instrument, load):
    br23 = instrument("qlq-br23")
    wording = load(br23, "redcap.csv", _redcap(br23).replace("Recall four_weeks", ""))
    assert wording.recall == {"week": "Recall week", "four_weeks": "Recall week"}


def _choice(code: str, text: str, last: int = 5) -> dict:
    options = [
        {"valueCoding": {"code": f"LA-{n}", "display": f"Label {n}", "extension": _ordinal(n)}}
        for n in range(1, last + 1)
    ]
    return {"linkId": f"/{code}", "prefix": code, "type": "choice", "text": text} | {
        "answerOption": options
    }


def _ordinal(n: int) -> list[dict]:
    return [{"url": "http://hl7.org/fhir/StructureDefinition/ordinalValue", "valueDecimal": n}]


def _foreign_questionnaire() -> dict:
    """Return a Questionnaire as another system might write it: own links, ordinal values."""
    dimensions = [_choice(one, f"About {one}") for one in ("MO", "SC", "UA", "PD", "AD")]
    control = "http://hl7.org/fhir/StructureDefinition/questionnaire-itemControl"
    ends = [
        {
            "linkId": f"/VAS/{name}",
            "type": "display",
            "text": text,
            "extension": [{"url": control, "valueCodeableConcept": {"coding": [{"code": name}]}}],
        }
        for name, text in (("lower", "Worst"), ("upper", "Best"))
    ]
    vas = {
        "linkId": "vas",
        "code": [{"code": "EQ5D0206"}],
        "type": "integer",
        "text": "Line",
        "item": ends,
    }
    group = {"linkId": "g", "type": "group", "text": "Think of today", "item": [*dimensions, vas]}
    intro = {"linkId": "i", "type": "display", "text": "Please answer"}
    return {"resourceType": "Questionnaire", "status": "active", "item": [intro, group]}


def test_a_foreign_questionnaire_is_a_wording(instrument, load):
    eq = instrument("eq-5d-5l")
    wording = load(eq, "q.json", json.dumps(_foreign_questionnaire()), language="de")
    assert wording.recall == {"today": "Think of today"}
    assert wording.items["UA"].options == {n: f"Label {n}" for n in range(1, 6)}
    assert (wording.items["VAS"].low, wording.items["VAS"].high) == ("Worst", "Best")
    assert wording.instruction == "Please answer"


def test_a_questionnaire_that_does_not_fit_is_refused(instrument, load):
    eq = instrument("eq-5d-5l")
    group = lambda resource: resource["item"][1]["item"]  # noqa: E731
    extra, lacking, twice, unnumbered = (_foreign_questionnaire() for _ in range(4))
    group(extra).append(_choice("XX", "More"))
    del group(lacking)[2]
    group(twice).append(_choice("MO", "Again"))
    group(unnumbered)[0]["answerOption"][0]["valueCoding"].pop("extension")
    for resource, wanted in (
        (extra, "extra items: question '/XX' is no item of eq-5d-5l"),
        (lacking, "missing items: UA"),
        (twice, "item MO: found two questions"),
        (unnumbered, "item MO: found option 'LA-1'; wanted a whole number"),
    ):
        with pytest.raises(DefinitionError) as caught:
            load(eq, "q.json", json.dumps(resource))
        assert wanted in str(caught.value)
    other_language = {**_foreign_questionnaire(), "language": "en"}
    with pytest.raises(DefinitionError, match="found no text in sv; wanted one beside that in en"):
        load(eq, "q.json", json.dumps(other_language), language="sv")
