"""The report says what the analyses say, in order, and goes on where one of them cannot."""

import hashlib
import re
from dataclasses import replace

import pandas as pd
import pytest

from qol_app.analysis.completion import rates
from qol_app.analysis.mmrm import mmrm
from qol_app.analysis.survival import cox, kaplan_meier, rmst
from qol_app.errors import AnalysisError
from qol_app.report.canvas import Wording
from qol_app.report.model import Table
from qol_app.report.page import INDEX, all_tables, grid, html, write_report
from qol_app.report.plots_of_effects import forest_plot
from qol_app.report.plots_of_means import panels
from qol_app.report.registry import SECTIONS, written
from qol_app.report.speech import ENGLISH
from qol_app.settings import ROOT
from tests.report.made_report import made_data, made_facts, pooled


def words(section):
    return " ".join([*section.paragraphs, *section.notes])


def section_of(sections, code):
    return next(one for one in sections if one.code == code)


def test_every_section_is_there_in_order_and_computed(sections):
    assert [one.code for one in sections] == list(SECTIONS)
    for one in sections:
        assert "could not be computed" not in words(one), (one.code, words(one))


def test_numbers_are_those_of_the_analyses(by_arm, sections):
    tables = all_tables(sections)
    times = by_arm.survival.table.assign(
        arm=pd.Categorical(by_arm.survival.table["arm"].astype(object), ["A", "B"])
    )
    model = cox(times, duration="days", event="event", covariates=["arm"], references={"arm": "B"})
    pd.testing.assert_frame_equal(tables["survival-cox"], model.table)
    curve = kaplan_meier(times, duration="days", event="event", by="arm")
    assert list(tables["survival"]["median"]) == pytest.approx(
        list(curve.table["median"]), nan_ok=True
    )
    area = rmst(times, duration="days", event="event", by="arm", tau=1096, reference="B")
    pd.testing.assert_frame_equal(tables["survival-rmst-contrasts"], area.contrasts)
    visits = by_arm.visits
    rate = rates(visits.assign(timepoint=visits["timepoint"].astype(str)), by="arm").table
    mine = tables["completion"].set_index(["timepoint", "arm"])["completion_numerator"]
    assert dict(mine) == dict(rate.set_index(["timepoint", "arm"])["completion_numerator"])


def test_the_mixed_model_is_the_function_s_own(by_arm, sections):
    rows = by_arm.course("PF", "qlq-c30", ["W6", "M3", "M6", "M12"])
    own = mmrm(
        rows.assign(timepoint=rows["timepoint"].astype(str), arm=rows["arm"].astype(object)),
        outcome="change", participant="participant", visit="timepoint", arm="arm",
        covariates=["baseline"], visit_order=["W6", "M3", "M6", "M12"], arm_order=["B", "A"],
        average_visits=["M3", "M6", "M12"],
    )  # fmt: skip
    table = all_tables(sections)["mixed-model-PF"]
    assert list(table["estimate"]) == pytest.approx(
        [*own.contrasts["estimate"], *own.average["estimate"]]
    )


def test_what_is_left_out_adds_up_and_is_printed(sections):
    found = [words(one) for one in sections]
    lines = re.findall(r"(\d+) of (\d+) rows used(?:; left out: ([^.]*))?", " ".join(found))
    assert len(lines) > 10
    for used, given, why in lines:
        left = sum(int(n) for n in re.findall(r" (\d+)(?:;|$)", why))
        assert int(used) + left == int(given), (used, given, why)


def test_a_blinded_report_has_no_number_by_arm(blinded, blinded_sections):
    for name, frame in all_tables(blinded_sections).items():
        for column in ("arm", "group", "contrast"):
            if column in frame and name not in ("clavien-dindo",):
                assert set(frame[column].astype(str)) <= {"all", ""}, name
    page = html(blinded, blinded_sections)
    assert "all participants together" in page
    assert not re.search(r"\b[AB] - [AB]\b|Hazard ratio of death|Log-rank", page)
    assert "Systemic treatment" not in page


def test_blinded_data_may_not_hold_arms(facts):
    with pytest.raises(AnalysisError, match="wanted pooled data"):
        made_data(facts, blinded=True)


def test_the_page_needs_nothing_else_and_every_figure_has_a_table(by_arm, sections):
    page = html(by_arm, sections)
    body = re.sub(r'xmlns(:\w+)?="[^"]*"', "", page)
    assert not re.search(r"""(src|href)=["'](?!#)""", body)
    assert not re.search(r"url\((?!#)|@import|<script|<link", body)
    figures = [one for section in sections for one in section.figures]
    assert len(figures) >= 8
    for figure in figures:
        assert len(figure.table.frame), figure.name
        block = page.split(f'id="figure-{figure.name}"')[1].split("</figure>")[0]
        assert "<table" in block
        assert "<title" in figure.svg
        assert figure.png.startswith(b"\x89PNG")
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_the_same_data_give_the_same_bytes(by_arm, sections, tmp_path):
    codes = ("completion", "scales", "survival")
    again = [SECTIONS[code](by_arm) for code in codes]
    sections = [one for one in sections if one.code in codes]
    for name, one in (("first", sections), ("second", again)):
        (tmp_path / name).mkdir()
        write_report(tmp_path / name, by_arm, one, pdf=False)
    files = sorted(p for p in (tmp_path / "first").rglob("*") if p.is_file())
    assert {one.suffix for one in files} == {".html", ".json", ".csv", ".svg", ".png"}
    for path in files:
        other = tmp_path / "second" / path.relative_to(tmp_path / "first")
        assert path.read_bytes() == other.read_bytes(), path.name
    assert (tmp_path / "first" / INDEX).exists()


def test_hostile_study_numbers_are_only_text():
    facts = made_facts(n=30)
    evil = '<script>alert(1)</script>"&'
    renamed = {"participant": {"P0001": evil}, "site": {"S1": evil}}
    hostile = replace(
        facts,
        **{
            name: getattr(facts, name).replace(renamed)
            for name in ("participants", "visits", "scores", "events", "items")
        },
    )
    data = made_data(hostile)
    page = html(data, [SECTIONS[code](data) for code in ("flow", "table-1", "completion")])
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_pdf_is_made_where_its_libraries_are(blinded, tmp_path):
    pytest.importorskip("weasyprint", exc_type=OSError)
    few = [SECTIONS["flow"](blinded), SECTIONS["completion"](blinded)]
    done = write_report(tmp_path, blinded, few)
    assert done.without == ()
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")


def test_scores_of_other_people_have_one_decimal(sections, by_arm):
    table = next(one for one in section_of(sections, "reading").tables if one.name == "others")
    _, rows, _ = grid(table, ENGLISH)
    numbers = [cell for row in rows for cell in row[3:]]
    assert numbers
    assert all(re.fullmatch(r"\d+\.\d|–", one) for one in numbers)


def test_without_the_libraries_of_the_pdf_there_is_a_sentence(blinded, tmp_path, monkeypatch):
    def missing(_name):
        raise OSError("cannot load library 'libpango-1.0-0'")

    monkeypatch.setattr("qol_app.report.page.import_module", missing)
    done = write_report(tmp_path, blinded, [SECTIONS["flow"](blinded)])
    assert len(done.without) == 1
    assert "libpango" in done.without[0]
    assert (tmp_path / "report.html").exists()


def test_numbers_are_rounded_only_on_the_page():
    assert ENGLISH.number(-0.04) == "0.0"
    assert ENGLISH.number(float("nan")) == "–"
    assert ENGLISH.p_value(0.0004) == "<0.001"
    assert pooled(made_facts(n=3)).participants["arm"].isna().all()


def test_two_processes_write_the_same_sections_in_order(blinded, monkeypatch):
    def hopeless(_data):
        raise AnalysisError("scale XX: found nothing")

    few = {"flow": SECTIONS["flow"], "hopeless": hopeless, "survival": SECTIONS["survival"]}
    for name in set(SECTIONS) - set(few):
        monkeypatch.delitem(SECTIONS, name)
    monkeypatch.setitem(SECTIONS, "hopeless", hopeless)
    alone, beside = list(written(blinded)), list(written(blinded, jobs=2))
    assert [one.code for one in beside] == [one.code for one in alone] == [*SECTIONS]
    assert "scale XX: found nothing" in words(beside[-1])
    for one, other in zip(alone, beside, strict=True):
        assert words(one) == words(other)
        assert [figure.svg for figure in one.figures] == [figure.svg for figure in other.figures]
        assert [figure.png for figure in one.figures] == [figure.png for figure in other.figures]


def test_an_interval_beyond_the_figure_ends_in_an_arrow():
    rows = pd.DataFrame(
        {"label": ["PF"], "series": ["M6"], "estimate": [3.0], "low": [-400.0], "high": [9.0]}
    )
    table = Table("t", "t", rows)
    figures = [
        forest_plot(Wording("t", "t", "t"), table, rows, x_label="x", null=0.0, most=most)
        for most in (50, 500)
    ]
    assert [len(re.findall(r"−400|−200", one.svg)) > 0 for one in figures] == [False, True]
    assert len(figures[0].svg) != len(figures[1].svg)


def test_baseline_scores_are_those_of_each_instruments_own_scales(sections):
    table = all_tables(sections)["baseline-scores"]
    assert len(table)
    assert (table.groupby("scale", observed=True)["n"].sum() > 0).all()


def test_scores_are_read_by_the_instrument_s_own_guides(by_arm, sections):
    section = next(one for one in sections if one.code == "reading")
    points, beyond, others, _ = (one.frame for one in section.tables)
    by_scale = points.set_index("scale")
    assert by_scale.loc["FA", "smallest_step"] == pytest.approx(100 / 9)
    assert by_scale.loc["PF", "smallest_step"] == pytest.approx(100 / 15)
    assert by_scale.loc["PF", ["one_participant", "between_groups", "problem"]].tolist() == [
        10,
        "5",
        "< 83",
    ]
    assert by_scale.loc["FA", "problem"] == "> 39"
    scores = by_arm.scores
    for scale, is_beyond in (("PF", lambda v: v < 83), ("FA", lambda v: v > 39)):
        for row in beyond[beyond["scale"] == scale].itertuples():
            mine = scores[
                (scores["scale"] == scale)
                & (scores["timepoint"] == row.timepoint)
                & (scores["arm"] == row.arm)
                & scores["main"]
            ]["value"]
            assert (row.beyond, row.answered) == (is_beyond(mine).sum(), len(mine))
    assert set(beyond["timepoint"]) == {"T0", "M6", "M12"}
    here = others[(others["scale"] == "PF") & (others["sd"] == 18.7)]
    assert here["mean"].tolist() == [81.6]
    assert any("(recalled)" in one and "Giesinger" in one for one in section.notes)


def test_survival_and_its_difference_are_printed_in_the_same_unit(sections):
    tables = {one.name: one for one in section_of(sections, "survival").tables}
    exact, shown = tables["survival-difference"].frame, tables["survival-difference"].shown
    found = [float(re.match(r"-?[\d.]+", text)[0]) for text in shown["difference"]]
    assert found == pytest.approx(list(100 * exact["difference"]), abs=0.05)
    assert [float(one) for one in shown["survival"]] == pytest.approx(
        list(100 * exact["survival"]), abs=0.05
    )


def test_hazard_ratios_by_subgroup_say_which_side_favours_whom(sections):
    (figure,) = section_of(sections, "factors").figures
    assert "← fewer deaths than in arm B" in figure.svg
    assert "more deaths than in arm B →" in figure.svg


def test_the_first_table_begins_each_characteristic_with_a_capital(sections):
    (table, *_) = section_of(sections, "table-1").tables
    assert {"Site", "Language"} <= set(table.frame["characteristic"])


def test_mean_changes_and_differences_are_read_by_published_bounds(by_arm, sections):
    """Cocks 2012 for changes, PF -10/-5/2/7 and FA 10/5/-4/-9; Cocks 2011 for differences."""
    changes = all_tables(sections)["change-classes"].set_index("scale")
    bounds = {"PF": (-10, -5, 2, 7, 1), "FA": (-10, -5, 4, 9, -1)}
    for scale, (worse, bad, good, better, sign) in bounds.items():
        for row in changes.loc[[scale]].itertuples():
            rows = by_arm.scores
            mine = rows[
                (rows["scale"] == scale) & (rows["timepoint"] == row.timepoint)
                & (rows["arm"] == row.arm) & rows["main"]
            ]  # fmt: skip
            known = (mine["value"] - mine["baseline"]).dropna()
            assert (row.n, row.mean_change) == (len(known), pytest.approx(known.mean()))
            signed = sign * row.mean_change
            classes = [
                (signed <= worse, "medium deterioration"), (signed <= bad, "small deterioration"),
                (signed >= better, "medium improvement"), (signed >= good, "small improvement"),
            ]  # fmt: skip
            assert row.meaning == next((name for holds, name in classes if holds), "no change")
    figures = [one for one in section_of(sections, "scales").figures if "size" in one.table.frame]
    frame = pd.concat([one.table.frame for one in figures]).query("scale == 'PF'")
    assert len(frame)
    for row in frame.itertuples():
        reached = sum(abs(row.estimate) >= bound for bound in (5, 14, 22))
        assert row.size == ("trivial", "small", "medium", "large")[reached]


def test_every_column_of_panels_says_its_timepoints():
    rows = pd.DataFrame(
        [
            {"panel": code, "timepoint": at, "group": "all", "mean": 5.0, "ci_low": 4, "ci_high": 6}
            for code in "ABCD"
            for at in ("T0", "M6")
        ]
    )
    svg = panels(
        Wording("p", "p", "p"), Table("p", "p", rows), rows, dict.fromkeys("ABCD", ""),
        ["T0", "M6"], ["all"], "Mean",
    ).svg  # fmt: skip
    # Three columns, the first with two rows: below B and C there is no panel.
    assert len(re.findall(r">T0<", svg)) == 3


def test_an_index_is_printed_in_thousandths(by_arm):
    instrument = by_arm.instrument_of("PF")
    assert by_arm.decimals(instrument, "PF") == 1
    assert by_arm.decimals(instrument, "INDEX_SE_EBS_TTO_2020") == 3


def test_incidence_of_either_cause_stands_in_one_row(sections):
    section = section_of(sections, "deterioration")
    table = next(one.table for one in section.figures if one.name == "deterioration-PF")
    assert list(table.shown.columns)[:3] == ["group", "time", "n_risk"]
    assert len(table.shown) == len(table.frame) / 2
    first = table.frame[(table.frame["group"] == "A") & (table.frame["time"] == 365)]
    shown = table.shown[(table.shown["group"] == "A") & (table.shown["time"] == 365)].iloc[0]
    for cause, incidence in zip(first["cause"], first["incidence"], strict=True):
        assert shown[f"{cause}, %"].startswith(f"{100 * incidence:.1f} (")


def test_data_code_and_definitions_are_named_by_their_hashes(by_arm, sections):
    versions = all_tables(sections)["versions"].set_index("what")["value"]
    assert versions["data sha256"] == by_arm.sha256
    digest = hashlib.sha256()
    for path in sorted((ROOT / "qol_app").rglob("*.py")):
        digest.update(f"{path.relative_to(ROOT / 'qol_app')}\n".encode() + path.read_bytes())
    assert versions["code sha256"] == digest.hexdigest()
    used = all_tables(sections)["definitions"]
    assert set(used["sha256"]) >= {one.sha256 for one in by_arm.study.definitions}


def test_a_change_over_time_is_not_measured_by_differences_between_groups(
    sections, blinded_sections
):
    by_arm, pooled_ones = (section_of(one, "scales") for one in (sections, blinded_sections))
    assert "grey zone" in words(by_arm)
    assert "Minimal important differences: Cocks" in words(by_arm)
    assert "between groups" not in words(pooled_ones)
    assert "Minimal important" not in words(pooled_ones)
    headings, _, _ = grid(pooled_ones.figures[0].table, ENGLISH)
    assert "Smallest that matters" not in headings


def test_pooled_progression_free_survival_counts_the_progressions_of_both_arms(facts):
    """Without them it would be overall survival under another name."""
    grown = facts.participants.dropna(subset="randomised_on").head(12)
    progressions = pd.DataFrame(
        {
            "participant": grown["participant"],
            "kind": "progression",
            "happened_on": grown["randomised_on"],
            "details": "{}",
        }
    )
    events = pd.concat([facts.events, progressions], ignore_index=True)
    study = pooled(replace(facts, events=events))
    outcomes = made_data(study, blinded=True).progression.table["outcome"]
    assert (outcomes == "progression").sum() == 12
