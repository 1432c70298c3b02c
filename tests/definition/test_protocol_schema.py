"""Editors check a protocol while it is typed, by the schema shipped beside it."""

import json

import pytest
import yaml

from qol_app.definition.protocol_schema import SCHEMA, protocol_schema
from qol_app.settings import ROOT

BRECLIM = ROOT / "questionnaires" / "protocols" / "breclim-2.yaml"
PARTS = json.loads(protocol_schema())


def test_the_shipped_schema_is_current():
    # If not: python -m qol_app.definition.protocol_schema
    assert SCHEMA.read_text(encoding="utf-8") == protocol_schema()


def test_the_shipped_protocol_points_its_editor_at_the_schema():
    first = BRECLIM.read_text(encoding="utf-8").splitlines()[0]
    assert first == f"# yaml-language-server: $schema={SCHEMA.name}"


def fields_of(name):
    return PARTS["$defs"].get(name, PARTS)


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (None, "Protocol"),
        ("sites", "SiteDef"),
        ("events", "EventKind"),
        ("packages", "Package"),
        ("timepoints", "Timepoint"),
        ("reminders", "ReminderStep"),
        ("missing_reasons", "Choice"),
    ],
)
def test_the_schema_knows_every_field_of_the_shipped_protocol_and_no_other(place, name):
    content = yaml.safe_load(BRECLIM.read_text(encoding="utf-8"))
    schema = fields_of(name)
    assert schema["additionalProperties"] is False
    for part in content[place] if place else [content]:
        assert set(part) <= set(schema["properties"])
        assert set(schema["required"]) <= set(part)


def test_every_part_says_what_it_is():
    for name, part in PARTS["$defs"].items():
        assert part.get("description"), name
