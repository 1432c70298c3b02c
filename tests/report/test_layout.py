"""Everything stands within its page and beside what it belongs to, under its name."""

import re
from dataclasses import replace

import pandas as pd
import pytest

from qol_app.i18n import decimal_mark, translations
from qol_app.report import canvas
from qol_app.report.harm import _shares
from qol_app.report.page import all_tables, grid, html
from qol_app.report.plots_of_means import panels
from qol_app.report.registry import SECTIONS
from qol_app.report.speech import ENGLISH, Speech
from qol_app.settings import ROOT
from tests.report.made_report import made_data, made_study


# Every place of a figure of full height on its page, and of what comes after it.
@pytest.mark.parametrize("filled_mm", range(0, 64, 4))
def test_a_caption_stands_below_its_figure_and_a_heading_above_its_table(filled_mm):
    weasyprint = pytest.importorskip("weasyprint", exc_type=OSError)
    figure = "<svg viewBox='0 0 590 943' width='590pt' height='943pt'></svg>"
    text = (ROOT / "qol_app" / "report" / "templates" / "report.html").read_text()
    page = (
        f"{text[text.index('<style>') : text.index('</style>')]}</style>"
        f"<div style='height: {filled_mm}mm'></div><figure>{figure}<figcaption>What</figcaption>"
        "<details open><summary>Table</summary><table><tr><td>1</td></tr></table></details>"
    )
    drawn = weasyprint.HTML(string=page).render().pages
    where = {
        box.element_tag.rpartition("}")[2]: number
        for number, one in enumerate(drawn)
        for box in one._page_box.descendants()
        if box.element_tag is not None
    }
    assert where["svg"] == where["figcaption"]
    assert where["summary"] == where["td"]


@pytest.fixture(scope="module")
def every_reason(facts):
    """Return a Swedish report in which each reason of the protocol was given once."""
    codes = [one.code for one in made_study().protocol.missing_reasons]
    visits = facts.visits.copy()
    waited_for = visits["answered_on"].isna() & (visits["expectation"] == "expected")
    missing = visits.index[waited_for][: len(codes)]
    visits.loc[missing, "reason"] = codes
    say = Speech(translations("sv").gettext, decimal_mark("sv"))
    return made_data(replace(facts, visits=visits), language="sv", say=say)


def test_reasons_for_missing_have_a_table_of_their_own_and_names(every_reason):
    section = SECTIONS["flow"](every_reason)
    tables = {one.name: one for one in section.tables}
    headings, _, _ = grid(tables["flow-by-timepoint"], every_reason.options.say)
    assert not any("rsak" in one for one in headings)
    headings, rows, _ = grid(tables["flow-reasons"], every_reason.options.say)
    titles = [one.title["sv"] for one in made_study().protocol.missing_reasons]
    assert set(titles) < set(headings)
    whole = tables["flow-by-timepoint"].frame
    why = [name for name in whole if name.startswith("reason: ")]
    assert (whole[why].sum(axis=1) == whole["missing"]).all()
    assert sum(int(cell) for row in rows for cell in row[2:]) == whole["missing"].sum()


def test_the_widest_flow_keeps_within_the_page(every_reason):
    weasyprint = pytest.importorskip("weasyprint", exc_type=OSError)
    page = html(every_reason, [SECTIONS["flow"](every_reason)])
    for one in weasyprint.HTML(string=page).render().pages:
        box = one._page_box
        edge = box.content_box_x() + box.width
        cells = [each for each in box.descendants() if each.element_tag in ("td", "th")]
        assert max((c.position_x + c.margin_width() for c in cells), default=0) <= edge + 0.5


def test_readers_see_names_of_questionnaires_and_files_their_codes(by_arm):
    section = SECTIONS["table-1"](by_arm)
    page = html(by_arm, [section])
    assert ">EORTC QLQ-C30<" in page
    assert ">qlq-c30<" not in page
    scores = next(one for one in section.tables if one.name == "baseline-scores")
    assert set(scores.frame["instrument"]) == {"qlq-c30"}


@pytest.mark.parametrize(("wide_mm", "columns"), [(100, 1), (210, 2)])
def test_the_contents_stand_in_one_column_where_two_have_no_room(
    blinded, blinded_sections, wide_mm, columns
):
    weasyprint = pytest.importorskip("weasyprint", exc_type=OSError)
    page = html(blinded, blinded_sections)
    contents = page[: page.index("<main>")].replace("size: A4", f"size: {wide_mm}mm 297mm")
    first = weasyprint.HTML(string=contents).render().pages[0]
    items = [one for one in first._page_box.descendants() if one.element_tag == "li"]
    assert len({round(one.position_x) for one in items}) == columns


def test_a_number_and_its_per_cent_sign_stay_on_one_line(blinded, blinded_sections):
    page = html(blinded, blinded_sections)
    assert "95\u00a0% intervals" in page
    assert not re.search(r"\d %", page)


def test_one_score_alone_has_no_interval():
    nothing = float("nan")
    assert ENGLISH.interval(33.3, nothing, nothing) == "33.3"
    assert ENGLISH.interval(33.3, 20.0, 40.0) == "33.3 (20.0 to 40.0)"


def test_a_figure_of_one_panel_has_room_for_its_whole_title(monkeypatch):
    drawn = []
    monkeypatch.setattr(canvas, "finished", lambda picture, *_: drawn.append(picture))
    rows = pd.DataFrame(columns=["panel", "timepoint", "group", "mean", "ci_low", "ci_high"])
    titles = {"QL": "Global hälsa och livskvalitet, hela namnet"}
    panels(canvas.Wording("t", "t", "t"), None, rows, titles, ["T0"], ["all"], "y")
    assert drawn[0].axes[0].get_title(loc="left").endswith("hela namnet")


def test_shares_and_their_limits_have_the_same_decimals():
    table = pd.DataFrame({"percent": [0.0], "ci_low": [0.0], "ci_high": [20.388]})
    assert _shares(ENGLISH, table).iloc[0].tolist() == ["0.0", "0.0", "20.4"]


def test_readers_of_the_survival_tables_need_no_codes_of_r(by_arm, sections):
    page = html(by_arm, [one for one in sections if one.code == "survival"])
    for code in ("GLOBAL", "identity", "km", "rmst difference", "rmtl ratio"):
        assert f">{code}</t" not in page, code
    assert "<td>difference in restricted means</td>" in page
    found = all_tables(sections)
    assert set(found["survival-proportional"]["transform"]) >= {"km", "identity"}
