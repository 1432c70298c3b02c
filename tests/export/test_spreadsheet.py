"""The spreadsheet kind: no cell of any text, and no header, can be taken for a formula."""

import csv
import io
import re

import pyarrow as pa
import pytest

from qol_app.export.spreadsheet import SpreadsheetWriter, safe_text
from tests.export.hostile import hostile_texts
from tests.export.made_tables import make_part, make_study

SEED = 20261124
# What a spreadsheet takes for a formula: one of these signs first, blanks aside.
FORMULA = re.compile(r"[\s\x00-\x1f\u200b\ufeff\"]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")


def written(folder, language, *parts):
    writer = SpreadsheetWriter(folder, make_study(language=language))
    for part in parts:
        writer.add(part)
    writer.close()
    return folder / "spreadsheet"


def cells(path, separator):
    text = path.read_bytes().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))


@pytest.mark.requirement("I9")
@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\tx",
        "\rx",
        "＝1",
        "=cmd|'/C calc'!A0",
    ],
)
def test_what_looks_like_a_formula_gets_an_apostrophe(text):
    [safe] = safe_text(pa.array([text])).to_pylist()
    assert safe.startswith("'")
    assert safe.replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize("text", ["UME-001", "a=b", "2026-03-01", "", "x - y", "Åse", "1.5"])
def test_harmless_text_stays_as_it_is(text):
    assert safe_text(pa.array([text])).to_pylist() == [text]


@pytest.mark.requirement("I9")
@pytest.mark.parametrize(("language", "separator"), [("en", ","), ("sv", ";")])
def test_no_hostile_text_is_a_formula_whatever_separator_the_reader_uses(
    tmp_path, language, separator
):
    texts = hostile_texts(10_000, SEED)
    path = written(tmp_path, language, make_part(events=[{"details": t} for t in texts]))
    rows = cells(path / "events.csv", separator)
    place = rows[0].index("details")
    shown = [row[place] for row in rows[1:]]
    assert len(shown) == len(texts), f"seed {SEED}"
    for cell in shown:
        # Split as a program set to another separator would: no piece may be a formula either.
        for piece in re.split(r"[,;|\t\r\n]", cell):
            assert not FORMULA.match(piece), repr(cell)


@pytest.mark.requirement("I9")
def test_headers_pass_the_same_gate(tmp_path, monkeypatch):
    header = cells(written(tmp_path, "en") / "items.csv", ",")[0]
    assert header[:3] == ["participant", "site", "arm"]
    assert not any(FORMULA.match(name) for name in header)
    assert safe_text(pa.array(["=header"])).to_pylist() == ["'=header"]


def test_swedish_spreadsheets_get_semicolons_and_decimal_commas(tmp_path):
    part = make_part(scores=[{"value": 66.5}, {"value": -0.25}, {"value": None}])
    rows = cells(written(tmp_path, "sv", part) / "scores.csv", ";")
    place = rows[0].index("value")
    assert [row[place] for row in rows[1:]] == ["66,5", "-0,25", ""]


def test_a_negative_number_is_a_number_and_not_a_formula(tmp_path):
    rows = cells(written(tmp_path, "en", make_part(scores=[{"value": -0.25}])) / "scores.csv", ",")
    assert rows[1][rows[0].index("value")] == "-0.25"


def test_a_byte_order_mark_tells_the_spreadsheet_that_it_is_utf_8(tmp_path):
    path = written(tmp_path, "en", make_part(events=[{"details": "Åsa"}])) / "events.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert "Åsa" in path.read_text(encoding="utf-8-sig")
