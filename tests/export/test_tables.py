"""The exact kind: what is written is what is read, byte for byte."""

import subprocess

import pandas as pd
import pyarrow.parquet as pq
import pytest

from qol_app.errors import DataFileError
from qol_app.export.columns import TABLES
from qol_app.export.tables import CsvWriter, ParquetWriter
from tests.export.hostile import hostile_texts
from tests.export.made_tables import INSTANT, make_part, make_study
from tests.with_r import require_r

SEED = 20261123
HOSTILE = hostile_texts(10_000, SEED)


def written(writer, folder, *parts):
    """Write parts in one format and close it."""
    made = writer(folder, make_study())
    for part in parts:
        made.add(part)
    made.close()
    return folder


@pytest.fixture(scope="module")
def hostile_csv(tmp_path_factory):
    part = make_part(events=[{"details": text} for text in HOSTILE])
    return written(CsvWriter, tmp_path_factory.mktemp("hostile"), part) / "events.csv"


@pytest.mark.requirement("I9")
def test_ten_thousand_hostile_texts_come_back_from_csv_through_pandas(hostile_csv):
    read = pd.read_csv(hostile_csv, dtype=str, keep_default_na=False, na_values=[])
    assert read["details"].tolist() == HOSTILE, f"seed {SEED}"


# As docs/data-files.md tells to read it: fread leaves doubled quotes doubled.
FREAD = """
d <- data.table::fread(commandArgs(TRUE)[1], colClasses = "character", na.strings = NULL,
                       encoding = "UTF-8")
read <- gsub('""', '"', d$details, fixed = TRUE)
writeLines(vapply(read, function(x) paste(charToRaw(x), collapse = ""), ""), commandArgs(TRUE)[2])
"""


@pytest.mark.requirement("I9")
def test_hostile_texts_come_back_from_csv_through_r(hostile_csv, tmp_path):
    require_r("data.table")
    out = tmp_path / "bytes.txt"
    subprocess.run(["Rscript", "-e", FREAD, str(hostile_csv), str(out)], check=True)
    assert out.read_text().splitlines() == [text.encode().hex() for text in HOSTILE]


@pytest.mark.requirement("I9")
def test_hostile_texts_come_back_from_parquet(tmp_path):
    part = make_part(events=[{"details": text} for text in HOSTILE])
    read = pq.read_table(written(ParquetWriter, tmp_path, part) / "events.parquet")
    assert read["details"].to_pylist() == HOSTILE


def test_a_lone_carriage_return_does_not_make_two_rows(tmp_path):
    part = make_part(events=[{"details": "one\rtwo"}, {"details": "three"}])
    read = pd.read_csv(written(CsvWriter, tmp_path, part) / "events.csv")
    assert read["details"].tolist() == ["one\rtwo", "three"]


@pytest.mark.parametrize("value", [200 / 3, 0.1, 1e-7, 100.0, -0.0, 5e-324, 1.7976931348623157e308])
def test_numbers_come_back_to_the_last_bit(tmp_path, value):
    part = make_part(scores=[{"value": value}])
    read = pd.read_csv(
        written(CsvWriter, tmp_path, part) / "scores.csv", float_precision="round_trip"
    )
    assert read["value"].tolist() == [value]


def test_missing_and_empty_text_differ(tmp_path):
    part = make_part(events=[{"details": None}, {"details": ""}])
    text = (written(CsvWriter, tmp_path, part) / "events.csv").read_text()
    place = [one.name for one in TABLES["events"]].index("details")
    cells = [line.split(",")[place] for line in text.splitlines()[1:]]
    assert cells == ["", '""']


def test_a_missing_value_is_nothing_and_never_a_word(tmp_path):
    part = make_part(items=[{"value": None, "status": "SKIPPED", "shown_at": None}])
    folder = written(CsvWriter, tmp_path, part)
    written(ParquetWriter, folder, part)
    read = pd.read_csv(folder / "items.csv")
    assert read["value"].isna().all()
    assert read["shown_at"].isna().all()
    assert "nan" not in (folder / "items.csv").read_text().lower()
    assert pq.read_table(folder / "items.parquet")["value"].to_pylist() == [None]


def test_instants_keep_their_zone(tmp_path):
    folder = written(CsvWriter, tmp_path, make_part())
    read = pd.read_csv(folder / "items.csv", parse_dates=["recorded_at"])
    assert read["recorded_at"].tolist() == [pd.Timestamp(INSTANT)]


def test_parts_follow_one_another_in_one_file_with_one_header(tmp_path):
    parts = [make_part(visits=[{"participant": name}]) for name in ("A", "B", "C")]
    folder = written(ParquetWriter, written(CsvWriter, tmp_path, *parts), *parts)
    assert pd.read_csv(folder / "visits.csv")["participant"].tolist() == ["A", "B", "C"]
    assert pq.read_table(folder / "visits.parquet")["participant"].to_pylist() == ["A", "B", "C"]


def test_a_study_without_rows_still_has_every_file_and_column(tmp_path):
    folder = written(ParquetWriter, written(CsvWriter, tmp_path))
    for table, columns in TABLES.items():
        names = [one.name for one in columns]
        assert pd.read_csv(folder / f"{table}.csv").columns.tolist() == names
        assert pq.read_schema(folder / f"{table}.parquet").names == names


def test_nul_is_refused_by_name_instead_of_cutting_a_text_short(tmp_path):
    part = make_part(events=[{"details": "fine"}, {"details": "cut\0here"}])
    with pytest.raises(DataFileError, match=r"events\.details: found the character NUL in row 2"):
        written(CsvWriter, tmp_path, part)


def test_short_names_fit_sas_and_differ_within_a_table():
    for columns in TABLES.values():
        short = [one.short for one in columns]
        assert len(set(short)) == len(short)
        assert all(name.isascii() and name.isupper() and len(name) <= 8 for name in short)
