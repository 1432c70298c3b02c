"""SAS transport, SPSS and Stata: what is read back is what was exported, or it is refused."""

import json
from datetime import UTC, date, datetime

import pandas as pd
import pyreadstat
import pytest

from qol_app.errors import DataFileError
from qol_app.export.columns import TABLES
from qol_app.export.registry import writer_of
from qol_app.export.statistics import SAS_NAMES
from qol_app.export.transport import Variable, write_transport
from tests.export.made_tables import INSTANT, make_part, make_study

READ = {"xpt": pyreadstat.read_xport, "sav": pyreadstat.read_sav, "dta": pyreadstat.read_dta}
AT = datetime(2026, 3, 1, 8, 30, 15, tzinfo=UTC)


def written(kind, folder, *parts):
    writer = writer_of(kind)(folder, make_study())
    for part in parts:
        writer.add(part)
    writer.close()
    return folder


def read(kind, folder, table):
    return READ[kind](folder / f"{table}.{kind}")


def name(kind, column):
    return column.short if kind == "xpt" else column.name


@pytest.mark.parametrize("kind", READ)
def test_every_table_comes_back_with_names_labels_and_values(tmp_path, kind):
    written(kind, tmp_path, make_part(), make_part())
    for table, columns in TABLES.items():
        frame, about = read(kind, tmp_path, table)
        assert list(frame.columns) == [name(kind, one) for one in columns]
        assert about.column_labels == [one.label for one in columns]
        assert len(frame) == 2
        for one in columns:
            found = frame[name(kind, one)].iloc[0]
            wanted = {
                "text": "x",
                "number": 1.0,
                "whole": 1,
                "date": date(2026, 3, 1),
                "instant": pd.Timestamp(INSTANT).tz_localize(None),
                "flag": 1,
            }[one.kind]
            assert found == wanted, (table, one.name)


@pytest.mark.parametrize("kind", ["sav", "dta"])
def test_flags_carry_their_words(tmp_path, kind):
    written(kind, tmp_path, make_part())
    for table, columns in TABLES.items():
        _, about = read(kind, tmp_path, table)
        flags = {one.name for one in columns if one.kind == "flag"}
        assert about.variable_value_labels == {one: {0: "no", 1: "yes"} for one in flags}, table


@pytest.mark.parametrize("kind", READ)
def test_missing_values_stay_missing(tmp_path, kind):
    empty = {one.name: None for one in TABLES["visits"] if one.kind != "text"}
    written(kind, tmp_path, make_part(visits=[{}, empty]))
    frame, _ = read(kind, tmp_path, "visits")
    for one in TABLES["visits"]:
        if one.kind != "text":
            assert frame[name(kind, one)].isna().tolist() == [False, True], one.name


@pytest.mark.parametrize("kind", READ)
@pytest.mark.parametrize("value", [200 / 3, 0.1, 1e-7, 100.0, -0.25])
def test_numbers_keep_their_digits(tmp_path, kind, value):
    written(kind, tmp_path, make_part(scores=[{"value": value}]))
    frame, _ = read(kind, tmp_path, "scores")
    # SAS transport has the numbers of IBM mainframes: 56 bits, read back through 53.
    close = pytest.approx(value, rel=1e-15)
    assert frame[name(kind, next(c for c in TABLES["scores"] if c.name == "value"))][0] == close


@pytest.mark.parametrize("kind", ["sav", "dta"])
def test_swedish_letters_survive_where_the_format_has_them(tmp_path, kind):
    written(kind, tmp_path, make_part(events=[{"details": '{"var": "Åsele, lördag"}'}]))
    frame, _ = read(kind, tmp_path, "events")
    assert frame["details"][0] == '{"var": "Åsele, lördag"}'


@pytest.mark.parametrize("kind", READ)
def test_a_study_without_rows_still_has_every_column(tmp_path, kind):
    written(kind, tmp_path)
    for table, columns in TABLES.items():
        frame, _ = read(kind, tmp_path, table)
        assert list(frame.columns) == [name(kind, one) for one in columns]
        assert len(frame) == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Åsele", r"found '\\xc5sele'; wanted printable ASCII"),
        ("one\rtwo", r"found 'one\\rtwo'; wanted printable ASCII"),
        ("x" * 201, "found a text of 201 bytes; wanted at most 200"),
    ],
)
def test_what_sas_transport_cannot_hold_is_refused_by_place_and_not_spoilt(tmp_path, text, found):
    with pytest.raises(DataFileError, match=rf"EVENTS\.KIND: {found}"):
        written("xpt", tmp_path, make_part(events=[{"kind": "fine"}, {"kind": text}]))


def test_swedish_event_details_come_back_from_sas_transport(tmp_path):
    details = json.dumps({"term": "Illamående 😀"}, ensure_ascii=False)
    written("xpt", tmp_path, make_part(events=[{"details": details}]))
    found = read("xpt", tmp_path, "events")[0]["DETAILS"].iloc[0]
    assert found.isascii()
    assert json.loads(found) == {"term": "Illamående 😀"}


def test_the_longest_text_sas_transport_takes_is_taken(tmp_path):
    written("xpt", tmp_path, make_part(events=[{"details": "x" * 200}]))
    assert read("xpt", tmp_path, "events")[0]["DETAILS"][0] == "x" * 200


def test_a_text_too_long_for_stata_is_refused(tmp_path):
    with pytest.raises(DataFileError, match=r"events\.details: found a text of 2046 bytes"):
        written("dta", tmp_path, make_part(events=[{"details": "å" * 1023}]))


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ([Variable("lower", "Label", True)], "found the name 'lower'"),
        ([Variable("TOOLONGNAME", "Label", True)], "found the name 'TOOLONGNAME'"),
        ([Variable("1ST", "Label", True)], "found the name '1ST'"),
        ([Variable("X", "", True)], "found the label ''"),
        ([Variable("X", "L" * 41, True)], "found the label 'LLLL"),
        ([Variable("X", "Läge", True)], "found the label 'Läge'"),
    ],
)
def test_names_and_labels_the_library_would_write_anyway_are_refused(tmp_path, variables, found):
    frame = pd.DataFrame({"x": ["a"]})
    with pytest.raises(DataFileError, match=found):
        write_transport(tmp_path / "x.xpt", "DATA", "Label", variables, frame, AT)
    assert not (tmp_path / "x.xpt").exists()


def test_two_columns_of_one_name_are_refused(tmp_path):
    twice = [Variable("X", "One", False), Variable("X", "Other", False)]
    with pytest.raises(DataFileError, match="two columns of one name"):
        write_transport(tmp_path / "x.xpt", "D", "L", twice, pd.DataFrame([[1.0, 2.0]]), AT)


def test_transport_files_are_version_5_and_pandas_reads_them_too(tmp_path):
    written("xpt", tmp_path, make_part())
    head = (tmp_path / "scores.xpt").read_bytes()[:48]
    assert head.startswith(b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!")
    frame = pd.read_sas(tmp_path / "scores.xpt", encoding="ascii")
    assert frame["VALUE"].tolist() == [1.0]


def test_stata_files_are_the_format_that_every_edition_reads(tmp_path):
    written("dta", tmp_path, make_part())
    assert b"<release>118</release>" in (tmp_path / "items.dta").read_bytes()[:60]


@pytest.mark.parametrize("kind", READ)
def test_headers_carry_the_time_of_the_data_and_not_of_the_writing(tmp_path, kind):
    written(kind, tmp_path, make_part())
    _, about = read(kind, tmp_path, "items")
    wanted = AT.replace(tzinfo=None)
    assert about.creation_time == (wanted.replace(second=0) if kind == "dta" else wanted)


def test_every_label_fits_the_narrowest_format():
    assert set(SAS_NAMES) == set(TABLES)
    for columns in TABLES.values():
        for one in columns:
            assert one.label.isascii(), one.name
            assert len(one.label) <= 40, one.name
