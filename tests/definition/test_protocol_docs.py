"""The worked example of docs/protocol.md is what the program prints."""

import re

import pytest
import yaml
from click.testing import CliRunner

from qol_app.cli.plan import plan_command
from qol_app.definition.protocol import load_protocol
from qol_app.definition.protocol_parts import (
    ContactRules,
    EventKind,
    Package,
    Protocol,
    ReminderStep,
    SiteDef,
    Timepoint,
)
from qol_app.errors import DefinitionError
from qol_app.settings import ROOT

PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")


def block(kind):
    return re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)[1]


@pytest.fixture
def steps(tmp_path):
    path = tmp_path / "questionnaires" / "protocols" / "steps.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(block("yaml"), encoding="utf-8")
    return path


def test_the_worked_example_prints_what_the_page_says(steps):
    command = re.search(r"\$ flask plan steps\.yaml (.*)", PAGE)[1]
    result = CliRunner().invoke(plan_command, [str(steps), *command.split()])
    assert result.exit_code == 0, result.output
    assert result.stdout == block("text")


def test_the_refusal_on_the_page_is_the_one_given(steps):
    content = yaml.safe_load(steps.read_text(encoding="utf-8"))
    content["timepoints"][2]["opens"] = 21
    steps.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        load_protocol(steps)
    assert str(caught.value) in PAGE


@pytest.mark.parametrize(
    "part", [Protocol, SiteDef, EventKind, Package, Timepoint, ReminderStep, ContactRules]
)
def test_every_field_is_on_the_page(part):
    missing = [name for name in part.model_fields if not re.search(rf"\b{name}\b", PAGE)]
    assert missing == []
