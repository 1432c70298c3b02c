"""An export appears whole or not at all, says what it holds, and is the same every time."""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from qol_app.errors import DataFileError
from qol_app.export.codebook import FIELDS, codebook_rows
from qol_app.export.columns import TABLES
from qol_app.export.folder import appearing, write_files
from qol_app.export.manifest import MANIFEST, differences, file_names, read_manifest
from qol_app.export.registry import DEFAULT_FORMATS, chosen_formats
from qol_app.schedule.status import AssessmentState, Expectation
from tests.export.made_tables import OCCASION, make_part, make_study

# The formats that hold the long tables as they are, whatever they say.
FLAT = ("csv", "parquet", "spreadsheet", "xpt", "sav", "dta")


def export(folder, formats=DEFAULT_FORMATS, occasion=OCCASION, parts=None):
    with appearing(folder) as made:
        chosen = parts if parts is not None else [make_part(), make_part()]
        write_files(made, make_study(), chosen, formats, occasion)
    return folder


def contents(folder):
    return {name: (folder / name).read_bytes() for name in file_names(folder)}


def test_every_table_is_written_in_both_default_formats_with_codebook_and_manifest(tmp_path):
    folder = export(tmp_path / "out")
    wanted = {f"{table}.{ending}" for table in TABLES for ending in ("csv", "parquet")}
    assert set(file_names(folder)) == wanted | {"codebook.csv", "start.R"}
    assert (folder / MANIFEST).exists()


def test_the_manifest_names_every_file_with_its_true_checksum(tmp_path):
    folder = export(tmp_path / "out", FLAT)
    content = read_manifest(folder)
    for one in content["files"]:
        data = (folder / one["name"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == one["sha256"], one["name"]
        assert len(data) == one["bytes"]
    assert {one["name"] for one in content["files"]} == set(file_names(folder))
    assert list(differences(folder)) == []


def test_the_manifest_says_by_what_when_by_whom_and_how_much(tmp_path):
    content = read_manifest(export(tmp_path / "out"))
    assert content["exported_at"] == "2026-11-23T09:00:00+00:00"
    assert content["exported_by"] == "system:tests (system)"
    assert content["program_version"] == "0.1.0"
    assert content["schema_revision"] == "0001"
    assert content["rows"] == dict.fromkeys(TABLES, 2)
    assert content["protocol"]["sha256"] == make_study().protocol.sha256
    hashes = {one["code"]: one["sha256"] for one in content["definitions"]}
    assert hashes["qlq-c30"] == next(
        one.sha256 for one in make_study().instruments.values() if one.code == "qlq-c30"
    )


def test_a_changed_missing_or_added_file_is_told_by_name(tmp_path):
    folder = export(tmp_path / "out")
    (folder / "items.csv").write_bytes((folder / "items.csv").read_bytes() + b" ")
    (folder / "scores.csv").unlink()
    (folder / "extra.csv").write_text("x")
    told = list(differences(folder))
    assert len(told) == 3
    assert told[0].startswith("items.csv: found SHA-256")
    assert told[1] == "scores.csv: named in the manifest, but not there"
    assert told[2] == "extra.csv: there, but not named in the manifest"


def test_two_exports_of_the_same_data_differ_in_the_manifests_date_only(tmp_path):
    later = replace(OCCASION, exported_at=OCCASION.exported_at + timedelta(hours=5))
    first = export(tmp_path / "first", FLAT)
    second = export(tmp_path / "second", FLAT, later)
    assert contents(first) == contents(second)
    one, other = read_manifest(first), read_manifest(second)
    assert {key for key in one if one[key] != other[key]} == {"exported_at"}


def test_an_occupied_folder_is_refused_by_name_and_left_alone(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "thesis.doc").write_text("mine")
    with pytest.raises(DataFileError, match=r"out: found thesis.doc in it; wanted a folder"):
        export(folder)
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "thesis.doc"]


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(DataFileError, match="out: found a file; wanted a folder"):
        export(tmp_path / "out")


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "out").mkdir()
    assert (export(tmp_path / "out") / MANIFEST).exists()


class Interrupted(BaseException):
    """The program was stopped while it wrote."""


def test_an_export_broken_off_leaves_nothing(tmp_path):
    def parts():
        yield make_part()
        raise Interrupted

    with pytest.raises(Interrupted):
        export(tmp_path / "out", parts=parts())
    assert list(tmp_path.iterdir()) == []


def test_a_full_or_forbidden_disk_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataFileError, match=r"could not be written .*; nothing was kept"):
        export(tmp_path / "file" / "out")


def test_an_export_is_readable_by_its_owner_only(tmp_path):
    assert export(tmp_path / "out").stat().st_mode & 0o077 == 0


def test_a_manifest_that_is_none_is_named(tmp_path):
    with pytest.raises(DataFileError, match=r"manifest\.json: no such file"):
        read_manifest(tmp_path)
    (tmp_path / MANIFEST).write_text("{")
    with pytest.raises(DataFileError, match="not JSON"):
        read_manifest(tmp_path)
    (tmp_path / MANIFEST).write_text(json.dumps([]))
    with pytest.raises(DataFileError, match="found no list of files"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("text", ["csv,exe", "EXE", ""])
def test_an_unknown_format_is_refused_with_those_that_are_known(text):
    with pytest.raises(
        DataFileError, match="known: csv, parquet, spreadsheet, xpt, sav, dta, cdisc"
    ):
        chosen_formats(text)


def test_formats_are_taken_once_in_the_order_given():
    assert chosen_formats("parquet, csv,parquet") == ("parquet", "csv")


def test_the_codebook_describes_every_column_item_and_scale(tmp_path):
    study = make_study()
    folder = export(tmp_path / "out")
    book = pd.read_csv(folder / "codebook.csv", keep_default_na=False)
    assert list(book.columns) == list(FIELDS)
    assert len(book) == len(list(codebook_rows(study)))
    for table, columns in TABLES.items():
        described = book[(book["part"] == "column") & (book["within"] == table)]["name"]
        assert described.tolist() == [one.name for one in columns]
    for instrument in study.instruments.values():
        here = book[book["within"] == f"{instrument.code} {instrument.version}"]
        assert here[here["part"] == "item"]["name"].tolist() == list(instrument.item_codes)
        scales = here[here["part"] == "scale"]
        assert scales["name"].tolist() == [one.code for one in instrument.scales]
        assert (scales["source"] != "").all()


def test_the_codebook_says_of_every_gap_and_every_word_what_it_means(tmp_path):
    folder = export(tmp_path / "out")
    book = pd.read_csv(folder / "codebook.csv", keep_default_na=False)
    columns = book[book["part"] == "column"].set_index(["within", "name"])
    words = book[book["part"] == "word"]
    assert (words["label"] != "").all(), words[words["label"] == ""]["name"].tolist()
    groups = set(book["within"]) | set(book["part"])
    for table in TABLES:
        rows = pd.read_parquet(folder / f"{table}.parquet")
        for name in rows:
            column = columns.loc[table, name]
            if rows[name].isna().any():
                assert column["empty_means"], f"{table}.{name}"
            if column["values"].startswith("see "):
                assert column["values"].removeprefix("see ") in groups, f"{table}.{name}"
    coded = {"state": AssessmentState, "expectation": Expectation}
    for name, kinds in coded.items():
        assert set(words[words["within"] == name]["name"]) == {one.value for one in kinds}


def test_the_codebook_says_what_opens_a_conditional_item():
    rows = {(row[1].split()[0], row[2]): row for row in codebook_rows(make_study())}
    assert "only if q34 > 1" in rows["qlq-br23", "q35"][FIELDS.index("empty_means")]
    assert rows["qlq-c30", "q29"][FIELDS.index("values")] == "1..7"
