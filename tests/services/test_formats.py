"""Every format there is, written from one study: whole, named, and the same each time."""

from datetime import UTC, datetime, timedelta

import pytest

from qol_app.export.folder import appearing, write_files
from qol_app.export.manifest import Occasion, differences, file_names, read_manifest
from qol_app.export.registry import EXPORTS

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def export(folder, whole, at=AT):
    with appearing(folder) as made:
        occasion = Occasion(at, "system:tests (system)", "0001")
        write_files(made, whole.study, [whole.tables], tuple(EXPORTS), occasion)
    return folder


@pytest.fixture(scope="module")
def first(whole_study, tmp_path_factory):
    return export(tmp_path_factory.mktemp("formats") / "first", whole_study)


def test_every_format_leaves_files_and_the_manifest_names_them_all(first):
    assert list(differences(first)) == []
    assert read_manifest(first)["formats"] == list(EXPORTS)
    endings = {name.rpartition(".")[2] for name in file_names(first)}
    assert {"csv", "parquet", "xpt", "sav", "dta", "json", "xml", "R", "sas"} <= endings


def test_the_same_study_gives_the_same_bytes_in_every_format(first, whole_study, tmp_path):
    second = export(tmp_path / "second", whole_study, AT + timedelta(days=1))
    assert file_names(first) == file_names(second)
    for name in file_names(first):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    one, other = read_manifest(first), read_manifest(second)
    assert {key for key in one if one[key] != other[key]} == {"exported_at"}


def test_no_file_of_any_format_says_who_anybody_is(first):
    for name in file_names(first):
        data = (first / name).read_bytes()
        for secret in (b"Hemlig", b"hemlig", b"0701740605", b"46701740605"):
            assert secret not in data, name


@pytest.mark.requirement("I10")
def test_files_are_named_by_the_program_in_plain_letters(first):
    for name in file_names(first):
        assert all(part.replace("_", "").replace(".", "").isalnum() for part in name.split("/"))
        assert name.isascii()
