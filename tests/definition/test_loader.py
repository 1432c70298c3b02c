"""A wrong definition file is refused with file, place, value found and value wanted."""

from datetime import date
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from qol_app.definition.loader import (
    canonical_sha256,
    load_yaml_model,
    read_yaml_model,
)
from qol_app.errors import DefinitionError


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Inner(Part):
    code: str
    items: tuple[str, ...] = ()
    first: int = 1


class Outer(Part):
    code: str
    begins_on: date | None = None
    scales: tuple[Inner, ...] = ()
    labels: dict[int, str] = {}
    weight: float = 0.0


def _written(folder: Path, text: str) -> Path:
    path = folder / "questionnaires" / "instruments" / "x" / "instrument.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_clean_file_becomes_a_frozen_model(tmp_path):
    path = _written(
        tmp_path,
        "code: x\nbegins_on: 2026-10-25\nweight: 2\nlabels: {1: No, 2: 'Yes'}\n".replace(
            "No", "'No'"
        )
        + "scales:\n  - {code: A, items: [q1, q2]}\n",
    )
    loaded = load_yaml_model(path, Outer)
    assert loaded.begins_on == date(2026, 10, 25)
    assert loaded.labels == {1: "No", 2: "Yes"}
    assert loaded.scales == (Inner(code="A", items=("q1", "q2")),)
    with pytest.raises(ValueError, match="frozen"):
        loaded.code = "y"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "code: x\nscales:\n  - code: A\n    items: [q1, 2]\n",
            "instrument.yaml:4: scales[0].items[1]: found 2; wanted a valid string",
        ),
        (
            "code: x\nscales:\n  - code: A\n    first: '1'\n",
            'instrument.yaml:4: scales[0].first: found "1"; wanted a valid integer',
        ),
        (
            "code: x\nscales:\n  - code: A\n    first: true\n",
            "scales[0].first: found true; wanted a valid integer",
        ),
        (
            "code: x\nscales:\n  - first: 2\n",
            "instrument.yaml:3: scales[0].code: found nothing; wanted a value for this field",
        ),
        (
            "code: x\nscales:\n  - code: A\n    ranje: 3\n",
            "scales[0].ranje: found an unknown field; wanted one of: code, first, items",
        ),
        (
            "code: x\nscales:\n  - kode: A\n",
            "scales[0].kode: found an unknown field; wanted one of: code, first, items "
            "(did you mean 'code'?) (and 1 more)",
        ),
        (
            "code: x\nlabels:\n  1: a\n  1: b\n",
            "instrument.yaml:4: labels.1: found the same key twice; wanted it once",
        ),
        ("code: x\nlabels: {NO: a}\n", "found the key NO, which YAML reads as False"),
        ("code: x\nlabels: {x: a}\n", 'labels.x: found "x"; wanted a valid integer'),
        ("code: x\nweight: .nan\n", "weight: found '.nan'; wanted text, a number"),
        ("code: x\nbegins_on: 2026-02-30\n", "day is out of range"),
        ("- x\n", "found no mapping at the top"),
        ("", "found no mapping at the top"),
        ("code: [x\n", "not YAML"),
        ("code: !!python/name:os.system x\n", "could not determine a constructor"),
    ],
)
def test_what_is_wrong_is_named_with_file_place_found_and_wanted(tmp_path, text, wanted):
    path = _written(tmp_path, text)
    with pytest.raises(DefinitionError) as caught:
        load_yaml_model(path, Outer)
    assert str(caught.value).startswith("questionnaires/instruments/x/instrument.yaml")
    assert wanted in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_findings_are_listed_and_the_error_counts_them(tmp_path):
    path = _written(tmp_path, "scales:\n  - {code: 1}\n  - {items: []}\n")
    loaded, findings = read_yaml_model(path, Outer)
    assert loaded is None
    assert len(findings) == 3
    with pytest.raises(DefinitionError, match=r"\(and 2 more\)"):
        load_yaml_model(path, Outer)


def test_a_missing_or_undecodable_file_is_named(tmp_path):
    with pytest.raises(DefinitionError, match=r"absent\.yaml: no such file"):
        load_yaml_model(tmp_path / "absent.yaml", Outer)
    path = tmp_path / "latin.yaml"
    path.write_bytes("code: Umeå".encode("latin-1"))
    with pytest.raises(DefinitionError, match="cannot be read as UTF-8"):
        load_yaml_model(path, Outer)


def test_the_hash_follows_content_and_not_layout(tmp_path):
    one = _written(tmp_path / "a", "code: x\nlabels: {1: a, 2: b}\n")
    two = _written(tmp_path / "b", "# a comment\nlabels:\n  2: b\n  1: a\ncode: 'x'\nweight: 0\n")
    three = _written(tmp_path / "c", "code: x\nlabels: {1: a, 2: c}\n")
    hashes = [canonical_sha256(load_yaml_model(path, Outer)) for path in (one, two, three)]
    assert hashes[0] == hashes[1] != hashes[2]
    assert len(hashes[0]) == 64
