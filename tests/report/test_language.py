"""A Swedish report is Swedish to the last note and decimal, and its data files are data files."""

import ast
import re
from dataclasses import dataclass, field

import pandas as pd
import pytest

from qol_app.analysis.deterioration import DEFINITIONS
from qol_app.i18n import decimal_mark, translations
from qol_app.report.canvas import Wording
from qol_app.report.checklists import CONSORT, SPIRIT
from qol_app.report.model import Table
from qol_app.report.page import html, write_report
from qol_app.report.plots_of_effects import forest_plot
from qol_app.report.registry import SECTIONS, written
from qol_app.report.sentences import SENTENCES
from qol_app.report.speech import ENGLISH, Speech
from qol_app.settings import ROOT
from tests.report.made_report import made_data, pooled, unrendered

SWEDISH = Speech(translations("sv").gettext, decimal_mark("sv"))
ENGLISH_WORDS = re.compile(r"\b(no|the|of|is|are|and|with|not|was|were|by|at|from)\b")


def said_in_source():
    """Return every sentence that the report gives to be translated."""
    found = set()
    for path in (ROOT / "qol_app" / "report").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args:
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                text = getattr(node.args[0], "value", None)
                if name in ("say", "tell", "note") and isinstance(text, str):
                    found.add(text)
    template = (ROOT / "qol_app" / "report" / "templates" / "report.html").read_text()
    return found | set(re.findall(r'say\("([^"]+)"\)', template))


def test_every_sentence_is_translated_with_the_same_places_to_fill():
    catalogue = translations("sv")
    texts = said_in_source() | {
        *DEFINITIONS.values(),
        *SPIRIT.values(),
        *CONSORT.values(),
        *SENTENCES,
    }
    known = catalogue._catalog  # type: ignore[attr-defined]
    whole = dict(known)
    part = catalogue._fallback
    while part is not None:
        whole = {**getattr(part, "_catalog", {}), **whole}
        part = part._fallback
    assert len(texts) > 100
    assert {text for text in texts if text not in whole} == set()
    for text in texts:
        assert set(re.findall(r"{[^}]*}", text)) == set(re.findall(r"{[^}]*}", whole[text])), text


@dataclass(frozen=True)
class Listening(Speech):
    """Speech that remembers what it had no words for."""

    untold: set[str] = field(default_factory=set)

    def __call__(self, text: str) -> str:
        said = super().__call__(text)
        if said == text:
            self.untold.add(text)
        return said


@pytest.fixture(scope="module", params=["by arm", "blinded"])
def swedish(request, facts):
    """Return a Swedish report as data, sections and page, and what it had no words for."""
    say = Listening(SWEDISH.gettext, SWEDISH.mark)
    blinded = request.param == "blinded"
    data = made_data(pooled(facts) if blinded else facts, blinded=blinded, language="sv", say=say)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qol_app.report.canvas.finished", unrendered)
        sections = list(written(data))
    return html(data, sections), say.untold


def test_no_sentence_of_a_swedish_report_is_english(swedish):
    page, untold = swedish
    assert '<html lang="sv">' in page
    assert "Deltagarflöde" in page
    assert {one for one in untold if ENGLISH_WORDS.search(one)} == set()
    assert "each value set" not in page
    # Kinds of definitions stand by themselves in their column.
    assert not re.search(r'scope="row">(wording|protocol|interpretation)<', page)
    assert SWEDISH("wording") == "ordalydelse"


def test_arms_are_named_in_the_language_of_the_report(by_arm, facts):
    assert "B: Systemic treatment</p>" in html(by_arm, [])
    page = html(made_data(facts, language="sv", say=SWEDISH), [])
    assert "A: Systemisk behandling och ett ingrepp i levern; B: Systemisk behandling</p>" in page
    assert "Systemic" not in page


def test_swedish_numbers_have_a_comma(swedish):
    page, _untold = swedish
    body = page.split("<main>")[1].split('<section id="methods">')[0]
    cells = re.findall(r"<t[dh][^>]*>([^<]*)</t[dh]>", body)
    # A version of a questionnaire is no number.
    pointed = [one for one in cells if re.search(r"\d\.\d", one) and "3.0" not in one]
    assert pointed == []
    assert any(re.fullmatch(r"-?\d+,\d+ \(-?\d+,\d+ till -?\d+,\d+\)", one) for one in cells)


def test_data_files_of_a_swedish_report_keep_the_point(facts, tmp_path, monkeypatch):
    monkeypatch.setattr("qol_app.report.canvas.finished", unrendered)
    data = made_data(facts, language="sv", say=SWEDISH)
    write_report(tmp_path, data, [SECTIONS["table-1"](data), SECTIONS["survival"](data)], pdf=False)
    first = (tmp_path / "tables" / "table-1.csv").read_text()
    assert re.search(r"\(100\.0 %\)", first)
    assert re.search(r"\d\.\d \(\d+\.\d\), \d+", first)
    assert not re.search(r"\d,\d+ ", first)
    rates = pd.read_csv(tmp_path / "tables" / "survival-curve.csv")
    assert rates["survival"].dtype == float


def test_axes_have_the_decimal_mark_and_plain_numbers():
    rows = pd.DataFrame(
        {"label": ["PF"], "series": ["M6"], "estimate": [0.7], "low": [0.4], "high": [2.5]}
    )
    shown = {
        mark: forest_plot(
            Wording("t", "t", "t", mark=mark),
            Table("t", "t", rows),
            rows,
            x_label="x",
            null=1.0,
            log=True,
        ).svg
        for mark in ".,"
    }
    for mark, svg in shown.items():
        labels = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
        assert f"0{mark}5" in labels
        assert {"1", "2"} <= set(labels)


def test_what_an_analysis_fills_in_is_said_in_its_place():
    note = (
        "separation: the hazard ratio of armA has no finite estimate and runs to zero; only the "
        "likelihood-ratio test holds"
    )
    assert ENGLISH(note) == note
    assert SWEDISH(note).startswith("separation: hasardkvoten för armA har ingen ändlig")
    assert "mot noll" in SWEDISH(note)
    assert SWEDISH("follow-up of B ends before 365.5") == "uppföljningen av B slutar före dag 365,5"
    assert SWEDISH("") == ""


def test_every_sentence_with_places_is_one_that_is_written():
    written_there = set()
    for folder in ("analysis", "report"):
        for path in (ROOT / "qol_app" / folder).glob("*.py"):
            if path.name == "sentences.py":
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    written_there.add(node.value.lower())
    for sentence in SENTENCES:
        longest = max(re.split(r"{\w+}", sentence), key=len).strip(" .").lower()
        assert any(longest in one for one in written_there), sentence


def test_a_row_left_out_for_want_of_something_says_so_in_swedish():
    assert SWEDISH("no baseline PF") == "saknar PF vid start"
    assert SWEDISH("no events in A") == "inga händelser i A"


def test_a_pooled_curve_calls_everybody_by_a_swedish_word(facts, monkeypatch):
    drawn = []

    def kept(picture, wording, table):
        drawn.append(picture)
        return unrendered(picture, wording, table)

    monkeypatch.setattr("qol_app.report.canvas.finished", kept)
    data = made_data(pooled(facts), blinded=True, language="sv", say=SWEDISH)
    for code in ("progression", "deterioration"):
        SECTIONS[code](data)
    texts = {one.get_text() for picture in drawn for one in picture.axes[0].texts}
    assert "alla" in texts
    assert "all" not in texts
