"""Files of responses become files of scores, or a sentence that says what to mend where."""

import json
import resource
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qol_app.errors import DataFileError
from qol_app.scoring import score
from qol_app.scoring import tables as tables_module
from qol_app.scoring.manifest import file_sha256, manifest_text
from qol_app.scoring.score_file import Options, score_file


@pytest.fixture
def c30(instrument):
    return instrument("qlq-c30")


def _forms(c30, n: int = 4) -> pd.DataFrame:
    codes = {code: np.ones(n, int) for code in c30.item_codes}
    return pd.DataFrame({"id": [f"00{i}" for i in range(n)], **codes, "note": "NA"})


def _write(forms: pd.DataFrame, path):
    if path.suffix == ".csv":
        forms.to_csv(path, index=False)
    else:
        forms.to_parquet(path)
    return path


@pytest.mark.parametrize("source", ["csv", "parquet"])
@pytest.mark.parametrize("target", ["csv", "parquet"])
def test_scores_stand_beside_the_columns_carried_through(tmp_path, c30, source, target):
    forms = _forms(c30)
    forms["q8"] = [1, 2, 3, None]
    path = _write(forms, tmp_path / f"in.{source}")
    out = tmp_path / f"out.{target}"
    summary = score_file(c30, path, out)
    found = (
        pd.read_csv(out, dtype={"id": str, "note": str}, keep_default_na=False, na_values=[""])
        if target == "csv"
        else pd.read_parquet(out)
    )
    assert summary.n_forms == 4
    assert list(found.columns[:2]) == ["id", "note"]
    assert found["id"].tolist() == ["000", "001", "002", "003"]
    assert set(found["note"]) == {"NA"}
    pd.testing.assert_frame_equal(
        found[[*summary.columns.scores]].astype(float), score(c30, forms), check_dtype=False
    )
    assert sorted(one.name for one in tmp_path.iterdir()) == sorted([path.name, out.name])


def test_pieces_are_joined_without_a_seam(tmp_path, c30, monkeypatch):
    monkeypatch.setattr(tables_module, "BATCH_ROWS", 7)
    monkeypatch.setattr(tables_module, "BLOCK_BYTES", 500)
    rng = np.random.default_rng(3)
    forms = _forms(c30, 50)
    forms[list(c30.item_codes)] = rng.integers(1, 5, (50, 30))
    for name in ("a.csv", "a.parquet"):
        path = _write(forms, tmp_path / name)
        shares = []
        score_file(c30, path, tmp_path / "out.parquet", progress=shares.append)
        assert len(shares) > 3
        assert shares == sorted(shares)
        assert shares[0] < 0.5
        assert shares[-1] == 1.0
        assert pq.read_table(tmp_path / "out.parquet")["QL"].to_pylist() == pytest.approx(
            score(c30, forms)["QL"].tolist()
        )


def _edited(c30, tmp_path, edit) -> str:
    """Write a good CSV, change its text, and return what scoring says about it."""
    path = _write(_forms(c30), tmp_path / "in.csv")
    path.write_bytes(edit(path.read_text(encoding="utf-8")))
    with pytest.raises(DataFileError) as caught:
        score_file(c30, path, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def _row(text: str, number: int, old: str, new: str) -> bytes:
    lines = text.split("\n")
    assert old in lines[number]
    lines[number] = lines[number].replace(old, new, 1)
    return "\n".join(lines).encode("utf-8")


@pytest.mark.parametrize(
    ("edit", "wanted"),
    [
        (lambda t: _row(t, 3, "002,1", "002,5"), "in.csv: row 3, column q1: found 5; wanted a"),
        (lambda t: _row(t, 3, "002,1", "002,2.5"), "in.csv: row 3, column q1: found 2.5; wanted"),
        (
            lambda t: _row(t, 3, "002,1", "002,two"),
            "column q1: found 'two'; wanted a whole number from 1 to 4",
        ),
        (lambda t: _row(t, 3, "002,1", "002,２"), "row 3, column q1: found '\\uff12'"),
        (lambda t: _row(t, 3, "002,1", "002,True"), "row 3, column q1: found 'True'"),
        (lambda t: _row(t, 3, "002,1", "002,inf"), "row 3, column q1: found inf"),
        (lambda t: _row(t, 3, "002,1,1", "002,1"), "row 3: found 31 columns; wanted 32"),
        (lambda t: _row(t, 3, "002,1", "002,1,1"), "row 3: found 33 columns; wanted 32"),
        (
            lambda t: _row(t, 3, "002", "001"),
            "row 3, column id: found id '001' again, first in",
        ),
        (lambda t: _row(t, 0, "q7", "q07"), "found column 'q07', which looks like an item"),
        (lambda t: _row(t, 0, "q7", "Q7"), "found column 'Q7', which looks like an item"),
        (lambda t: _row(t, 0, "note", "q31"), "found column 'q31', which looks like an item"),
        (lambda t: _row(t, 0, "note", "q7"), "found column 'q7' 2 times; wanted it once"),
        (lambda t: _row(t, 0, "q7", "other"), "in.csv: qlq-c30: found no column q7; wanted 30"),
        (lambda t: _row(t, 0, "note", "PF"), "found column 'PF', which is also a score"),
        (lambda t: b"", "in.csv: found an empty file; wanted a header and rows"),
        (lambda t: t.split("\n")[0].encode() + b"\n", "found a header and no rows"),
        (lambda t: t.replace(",", ";").encode(), "found columns separated by ';'"),
        (lambda t: t.replace(",", "\t").encode(), "found columns separated by tabs; wanted ','"),
        (lambda t: b"\xef\xbb\xbf", "found an empty first line; wanted a header and rows"),
        (lambda t: b"\n", "found an empty first line; wanted a header and rows"),
        (lambda t: t.encode("utf-16"), "found column '\\xff\\xfe"),
        (lambda t: _row(t, 3, "002,1", "002,-inf"), "row 3, column q1: found -inf"),
        (lambda t: _row(t, 3, "002,1", "002," + "9" * 400), "row 3, column q1: found inf"),
        (lambda t: _row(t, 3, "002,1", '002,"1,0"'), "row 3, column q1: found '1,0'"),
        (lambda t: _row(t, 3, "002,1", "002,0x1"), "row 3, column q1: found '0x1'"),
        (lambda t: _row(t, 3, "002,1", "002,1_0"), "row 3, column q1: found '1_0'"),
        (lambda t: _row(t, 3, "002,1", "002,2-Jan"), "row 3, column q1: found '2-Jan'"),
        (lambda t: _row(t, 3, "002,1", "002,\0"), "row 3, column q1: found '\\x00'"),
        (lambda t: _row(t, 3, "002", '"002'), "row 3: found 1 columns; wanted 32"),
        (
            lambda t: _row(t, 3, "002", "Umeå").decode().encode("latin-1"),
            "column id: found 'Ume\\xe5'",
        ),
        (lambda t: t.split("\n")[0].encode(), "in.csv: found a header and no rows"),
        (lambda t: _row(t.replace("\n", "\n\n"), 6, "002,1", "002,5"), "row 3, column q1: found 5"),
        (
            lambda t: _row(t.replace("\n", "\n\n"), 6, "002,1", "002,x"),
            "row 3, column q1: found 'x'",
        ),
    ],
)
def test_a_bad_file_is_refused_by_row_and_column(tmp_path, c30, edit, wanted):
    assert wanted in _edited(c30, tmp_path, edit)


@pytest.mark.parametrize(
    "edit",
    [
        lambda t: b"\xef\xbb\xbf" + t.encode(),
        lambda t: t.replace("\n", "\r\n").encode(),
        lambda t: t.replace("\n002", "\r\n002").encode(),
        lambda t: t.rstrip("\n").encode(),
        lambda t: (t + "\n\n").encode(),
        lambda t: t.replace("002,1", '002,"1"').encode(),
        lambda t: t.replace("002,1", "002,1.0").encode(),
    ],
    ids=["BOM", "CRLF", "mixed", "no last newline", "blank lines", "quoted", "with a point"],
)
def test_what_spreadsheets_do_to_a_csv_changes_no_score(tmp_path, c30, edit):
    path = _write(_forms(c30), tmp_path / "in.csv")
    plain, changed = tmp_path / "plain.parquet", tmp_path / "changed.parquet"
    score_file(c30, path, plain)
    path.write_bytes(edit(path.read_text(encoding="utf-8")))
    score_file(c30, path, changed)
    pd.testing.assert_frame_equal(pd.read_parquet(changed), pd.read_parquet(plain))


def test_parquet_is_held_to_the_same(tmp_path, c30):
    forms = _forms(c30)
    for change, wanted in (
        ({"q2": [1, 2, 9, 1]}, "in.parquet: row 3, column q2: found 9"),
        ({"q2": [1, 2, 2.5, 1]}, "row 3, column q2: found 2.5"),
        ({"q2": ["1", "2", "x", "1"]}, "row 1, column q2: found the text '1'"),
        ({"q2": [Decimal(one) for one in ("1", "2", "2.5", "1")]}, "row 3, column q2: found 2.5"),
        ({"q2": [1, 2, np.inf, 1]}, "row 3, column q2: found inf"),
        ({"q2": [True] * 4}, "row 1, column q2: found True"),
        ({"q2": pd.Timestamp("2026-01-01")}, "row 1, column q2: found 2026-01-01"),
        ({"q2": [[1]] * 4}, "row 1, column q2: found [1]; wanted a whole number from 1 to 4"),
        ({"id": ["a", "b", "c", "a"]}, "row 4, column id: found id 'a' again, first in row 1"),
        ({"id": [[1], [2], [3], [4]]}, "in.parquet: column id: found list<"),
    ):
        path = _write(forms.assign(**change), tmp_path / "in.parquet")
        with pytest.raises(DataFileError) as caught:
            score_file(c30, path, tmp_path / "out.parquet")
        assert wanted in str(caught.value)
    whole = _write(_forms(c30), tmp_path / "in.parquet").read_bytes()
    (tmp_path / "in.parquet").write_bytes(whole[:300] + bytes(200) + whole[500:])
    with pytest.raises(DataFileError, match=r"in\.parquet: damaged after row 0"):
        score_file(c30, tmp_path / "in.parquet", tmp_path / "out.parquet")
    (tmp_path / "in.parquet").write_text("id,q1\n")
    with pytest.raises(DataFileError, match=r"in\.parquet: not a Parquet file"):
        score_file(c30, tmp_path / "in.parquet", tmp_path / "out.parquet")


@pytest.mark.parametrize(
    "dtype", ["int8", "uint16", "Int8", "Float32", "float32", "category", object]
)
def test_a_code_is_a_code_however_a_parquet_holds_it(tmp_path, c30, dtype):
    forms = _forms(c30)
    plain = score(c30, forms)
    forms["q2"] = forms["q2"].map(Decimal) if dtype is object else forms["q2"].astype(dtype)
    score_file(c30, _write(forms, tmp_path / "in.parquet"), tmp_path / "out.parquet")
    found = pd.read_parquet(tmp_path / "out.parquet")[list(plain)]
    pd.testing.assert_frame_equal(found, plain)


def test_a_column_that_no_csv_can_hold_is_carried_to_parquet_only(tmp_path, c30):
    path = _write(_forms(c30).assign(tags=[[1, 2]] * 4), tmp_path / "in.parquet")
    with pytest.raises(DataFileError, match=r"column tags: found list<.* no CSV can hold; wanted"):
        score_file(c30, path, tmp_path / "out.csv")
    score_file(c30, path, tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet")["tags"].to_pylist() == [[1, 2]] * 4


def test_a_disk_that_refuses_leaves_the_earlier_scores_alone(tmp_path, c30):
    path, out = _write(_forms(c30, 4000), tmp_path / "in.csv"), tmp_path / "out.csv"
    out.write_text("earlier")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(DataFileError, match=r"out\.csv: could not be written \(.+\); nothing"):
            score_file(c30, path, out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert out.read_text() == "earlier"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_two_runs_with_one_aim_do_not_write_into_each_others_file(tmp_path):
    aim = tmp_path / "out.csv"
    with tables_module.sink(aim) as one, tables_module.sink(aim) as other:
        one.write(pa.table({"who": ["one"]}))
        other.write(pa.table({"who": ["other"] * 2}))
    assert pd.read_csv(aim)["who"].tolist() == ["one"]
    assert [one.name for one in tmp_path.iterdir()] == ["out.csv"]


def test_names_of_files_are_checked(tmp_path, c30):
    path = _write(_forms(c30), tmp_path / "in.csv")
    (tmp_path / "folder.csv").mkdir()
    for source, target, wanted in (
        (tmp_path / "in.xlsx", tmp_path / "o.csv", "found ending '.xlsx'; wanted .csv or .parquet"),
        (tmp_path / "no.csv", tmp_path / "o.csv", "no such file"),
        (tmp_path / f"{'i' * 300}.csv", tmp_path / "o.csv", "no such file"),
        (path, tmp_path / "o.txt", "found ending '.txt'"),
        (path, tmp_path / "none" / "o.csv", "found no folder"),
        (path, tmp_path / f"{'o' * 300}.csv", "could not be written (File name too long)"),
        (path, tmp_path / "folder.csv", "folder.csv: found something that is no file"),
        (path, path, "found the responses' own file"),
    ):
        with pytest.raises(DataFileError) as caught:
            score_file(c30, source, target)
        assert wanted in str(caught.value)


def test_a_person_may_come_again_at_another_visit_but_not_at_the_same(tmp_path, c30):
    forms = _forms(c30).drop(columns="note")
    forms = forms.rename(columns={"id": "subject"}).assign(visit=["T0", "T0", "M3", "M3"])
    forms["subject"] = ["a", "b", "a", "b"]
    path = _write(forms, tmp_path / "in.csv")
    assert score_file(c30, path, tmp_path / "out.csv").columns.ids == ("subject", "visit")
    path = _write(forms.assign(visit="T0"), tmp_path / "in.csv")
    with pytest.raises(
        DataFileError, match="row 3, column subject, visit: found subject 'a', visi"
    ):
        score_file(c30, path, tmp_path / "out.csv")
    assert (
        score_file(c30, path, tmp_path / "out.csv", Options(duplicates_allowed=True)).n_forms == 4
    )
    with pytest.raises(DataFileError, match="row 2, column visit"):
        score_file(c30, path, tmp_path / "out.csv", Options(ids=("visit",)))
    with pytest.raises(DataFileError, match="found no id column 'x'"):
        score_file(c30, path, tmp_path / "out.csv", Options(ids=("x",)))


def test_out_of_range_as_missing_is_counted_by_item(tmp_path, c30):
    forms = _forms(c30)
    forms["q8"] = [5, 1, 0, 1]
    path = _write(forms, tmp_path / "in.csv")
    summary = score_file(c30, path, tmp_path / "out.csv", Options(out_of_range_missing=True))
    assert dict(summary.out_of_range) == {"q8": 2}
    assert pd.read_csv(tmp_path / "out.csv")["DY"].isna().tolist() == [True, False, True, False]


def test_a_failed_run_leaves_the_earlier_scores_alone(tmp_path, c30):
    out = tmp_path / "out.csv"
    score_file(c30, _write(_forms(c30), tmp_path / "in.csv"), out)
    before = out.read_bytes()
    with pytest.raises(DataFileError):
        score_file(c30, _write(_forms(c30).assign(q1=9), tmp_path / "in.csv"), out)
    assert out.read_bytes() == before


def test_text_that_would_break_a_row_survives_the_way_through(tmp_path, c30):
    hostile = ["a\rb", 'c"d,e', "f\ng", "=1+1"]
    path = _write(_forms(c30).assign(note=hostile), tmp_path / "in.parquet")
    score_file(c30, path, tmp_path / "out.csv")
    score_file(c30, path, tmp_path / "out.parquet")
    assert pd.read_parquet(tmp_path / "out.parquet")["note"].tolist() == hostile
    with (tmp_path / "out.csv").open(newline="") as file:
        assert pd.read_csv(file, lineterminator="\n")["note"].tolist()[1:2] == hostile[1:2]
    assert len(pd.read_csv(tmp_path / "out.csv")) == 4


def test_the_manifest_ties_scores_to_their_definition(tmp_path, c30):
    path, out = _write(_forms(c30), tmp_path / "in.csv"), tmp_path / "out.csv"
    options = Options(provenance=True)
    summary = score_file(c30, path, out, options)
    made_at = datetime(2026, 11, 23, 9, tzinfo=UTC)
    manifest = json.loads(manifest_text(c30, path, out, summary, options, made_at))
    assert manifest["definition_sha256"] == c30.sha256
    assert manifest["scores"]["sha256"] == file_sha256(out)
    assert manifest["n_forms"] == 4
    assert [one["name"] for one in manifest["columns"]] == list(summary.columns.scores)
