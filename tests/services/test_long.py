"""The four long tables: the columns agreed on, every row there is, statuses kept apart."""

import pandas as pd
import pytest

from qol_app.export.codebook import write_codebook
from qol_app.export.long import LongWriter
from qol_app.export.registry import own_columns

COLUMNS = {
    "pro_item": "subject instrument version item value status shown_at answered_at device mode "
    "language",
    "pro_score": "subject visit scale value n_answered n_expected set_id scorer",
    "pro_visit": "subject visit target open close submitted status reason late assisted "
    "after_allocation",
    "tte": "subject endpoint start date event rule",
}


@pytest.fixture(scope="module")
def folder(whole_study, tmp_path_factory):
    return whole_study.write(LongWriter, tmp_path_factory.mktemp("long")) / "long"


@pytest.mark.parametrize(("table", "columns"), COLUMNS.items())
def test_each_table_has_exactly_the_columns_agreed_on(folder, table, columns):
    from_csv, from_parquet = (
        pd.read_csv(folder / f"{table}.csv"),
        pd.read_parquet(folder / f"{table}.parquet"),
    )
    assert list(from_csv.columns) == list(from_parquet.columns) == columns.split()
    assert len(from_csv) == len(from_parquet) > 0


@pytest.mark.requirement("E4")
def test_items_keep_every_answer_and_every_kind_of_no_answer(folder, whole_study):
    found = pd.read_parquet(folder / "pro_item.parquet")
    items = whole_study.frames["items"]
    assert found["value"].equals(items["value"])
    assert found["status"].tolist() == items["status"].tolist()
    assert {"SKIPPED", "NOT_APPLICABLE", "NOT_REACHED"} < set(found["status"])


def test_scores_are_those_handed_in(folder, whole_study):
    found = pd.read_parquet(folder / "pro_score.parquet")
    scores = whole_study.frames["scores"]
    wanted = scores[scores["submitted"]]
    assert 0 < len(found) == len(wanted) < len(scores)
    assert found["value"].tolist() == pytest.approx(wanted["value"].tolist(), nan_ok=True)
    assert set(found["scorer"]) == {f"qol-app {wanted['program_version'].iloc[0]}"}
    assert "SE_EBS_TTO_2020" in " ".join(found["set_id"].dropna())


def test_visits_tell_what_was_missed_and_why(folder):
    visits = pd.read_parquet(folder / "pro_visit.parquet").set_index(["subject", "visit"])
    assert visits.loc[("UME-003", "M3"), "reason"] == "too_ill"
    assert pd.isna(visits.loc[("UME-003", "M3"), "submitted"])
    assert visits.loc[("UME-004", "M3"), "late"]


def test_times_to_events_name_endpoint_scale_definition_and_rule(folder):
    times = pd.read_parquet(folder / "tte.parquet")
    dead = times[(times["subject"] == "UME-006") & (times["endpoint"] == "OS")].iloc[0]
    assert (str(dead["start"]), str(dead["date"]), dead["event"]) == ("2026-03-02", "2026-07-01", 1)
    assert not times.duplicated(["subject", "endpoint"]).any()
    assert any(one.startswith("TTD qlq-c30 PF ") for one in times["endpoint"])
    assert times["rule"].str.len().min() > 0


def test_the_codebook_describes_every_column_of_the_four(whole_study, tmp_path):
    write_codebook(tmp_path, whole_study.study, own_columns(["csv", "long"]))
    book = pd.read_csv(tmp_path / "codebook.csv", keep_default_na=False)
    for table, columns in COLUMNS.items():
        mine = book[book["within"] == f"long/{table}"]
        assert mine["name"].tolist() == columns.split()
        assert mine["label"].str.len().gt(3).all()
    status = book[(book["within"] == "long/pro_item") & (book["name"] == "status")]
    assert "NOT_REACHED" in status["values"].iloc[0]
    assert not list(own_columns(["csv", "sav"]))
