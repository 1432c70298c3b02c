"""The starter scripts name columns that are there and numbers that are right."""

import re
import subprocess

import pandas as pd
import pytest

from qol_app.export.columns import TABLES
from qol_app.export.folder import appearing, write_files
from qol_app.export.statistics import SAS_NAMES
from qol_app.export.study import Part
from tests.export.made_tables import OCCASION, make_part, make_study
from tests.with_r import require_r

VISITS = [{"complete": True}, {"complete": False}, {"complete": True}]
SCORES = [
    {"instrument": "qlq-c30", "scale": "QL", "value": 50.0},
    {"instrument": "qlq-c30", "scale": "QL", "value": 200 / 3},
    {"instrument": "qlq-c30", "scale": "QL", "value": None},
    {"instrument": "qlq-c30", "scale": "QL", "value": 1.0, "submitted": False},
    {"instrument": "qlq-c30", "scale": "PF", "value": 2.0},
]


def export(folder, *parts: Part):
    with appearing(folder) as made:
        write_files(made, make_study(), parts, ("csv", "xpt"), OCCASION)
    return folder


@pytest.fixture
def folder(tmp_path):
    return export(tmp_path / "out", make_part(visits=VISITS, scores=SCORES), make_part())


def test_both_scripts_expect_what_pandas_computes_from_the_files(folder):
    scores = pd.read_csv(folder / "scores.csv", float_precision="round_trip")
    mine = scores[(scores["instrument"] == "qlq-c30") & (scores["scale"] == "QL")]
    mean = float(mine.loc[mine["submitted"], "value"].mean())
    assert mean == pytest.approx((50 + 200 / 3) / 2)
    complete = pd.read_csv(folder / "visits.csv")["complete"].sum()
    r = (folder / "start.R").read_text()
    assert f"participants = 2,\n  complete_visits = {complete},\n  mean_score = {mean!r}" in r
    sas = (folder / "start.sas").read_text()
    assert "(expected 2)" in sas
    assert f"(expected {complete})" in sas
    assert f"(expected {mean!r})" in sas


def test_scripts_use_tables_and_columns_that_exist(folder):
    r = (folder / "start.R").read_text()
    assert set(re.findall(r'read_table\("(\w+)"\)', r)) == set(TABLES)
    for table, column in re.findall(r"\b(visits|scores)\$(\w+)", r):
        assert column in {one.name for one in TABLES[table]}
    sas = (folder / "start.sas").read_text()
    assert set(re.findall(r"%read_table\((\w+), (\w+)\)", sas)) == set(SAS_NAMES.items())
    short = {one.short for table in ("visits", "scores") for one in TABLES[table]}
    assert {"COMPLETE", "VALUE", "INSTR", "SCALE", "SUBMITTD"} <= short


def test_no_placeholder_is_left(folder):
    for name in ("start.R", "start.sas"):
        assert not re.search(r"\$\{?[a-z]+_?[a-z]*\}?", re.sub(r"\w\$\w", "", _text(folder, name)))


def _text(folder, name):
    return (folder / name).read_text()


def test_an_export_without_scores_expects_none(tmp_path):
    folder = export(tmp_path / "empty")
    assert "mean_score = NaN" in (folder / "start.R").read_text()
    assert "(expected .)" in (folder / "start.sas").read_text()


def test_the_r_script_runs_and_agrees(folder):
    require_r()
    done = subprocess.run(
        ["Rscript", "start.R"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "read as it was written" in done.stdout
