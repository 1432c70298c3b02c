"""``flask check`` refuses a wrong definition with file, place, value found and value wanted."""

import shutil
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from qol_app.cli import register_commands
from qol_app.errors import SettingsError
from qol_app.runtime import open_runtime
from qol_app.settings import ROOT, fresh_settings, load_settings


def run_check(folder: Path, missing: SettingsError | None = None) -> Result:
    """Run the command on a questionnaires folder, without a database."""
    app = Flask("qol_app")
    app.extensions["qol_app_missing"] = missing
    register_commands(app)
    return app.test_cli_runner().invoke(args=["check", "--questionnaires", str(folder)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped questionnaires that a test may spoil."""
    return Path(shutil.copytree(ROOT / "questionnaires", tmp_path / "questionnaires"))


def spoil(folder: Path, name: str, old: str, new: str) -> None:
    """Replace a piece of one file; the piece must be there."""
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_the_shipped_definitions_agree_with_each_other():
    result = run_check(ROOT / "questionnaires")
    assert result.exit_code == 0, result.output
    assert "agree" in result.output


PROTOCOL = "protocols/breclim-2.yaml"
C30 = "instruments/qlq-c30/instrument.yaml"


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (PROTOCOL, "day: 91, opens: 77", "day: 91, opens: 50", ["breclim-2.yaml", "M3", "W6"]),
        (PROTOCOL, "day: 91, opens: 77", "day: ninety, opens: 77", ["day", '"ninety"', "integer"]),
        (PROTOCOL, "timezone: Europe/Stockholm", "timezone: Europe/Umea", ["timezone", "Umea"]),
        (PROTOCOL, "instruments: [qlq-lmc21]", "instruments: [qlq-xyz]", ["qlq-xyz", "qlq-lmc21"]),
        (PROTOCOL, "anchor: progression", "anchor: progresion", ["progresion", "progression"]),
        (PROTOCOL, "minutes: 18}", "minutes: 18, minuets: 1}", ["minuets", "unknown field"]),
        (C30, "code: q1, first: 1", "code: q2, first: 1", [C30, "q2"]),
        (C30, "first: 1, last: 7", "first: 7, last: 1", [C30, "q29"]),
        ("instruments/qlq-c30/sv.yaml", "  q7:", "  q77:", ["sv.yaml", "q7"]),
    ],
)
def test_a_wrong_file_is_refused_by_file_place_found_and_wanted(folder, name, old, new, said):
    spoil(folder, name, old, new)
    result = run_check(folder)
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    for word in said:
        assert word in result.output, result.output


def test_a_missing_setting_is_one_line_that_names_it():
    result = run_check(ROOT / "questionnaires", SettingsError("setting SECRET_KEY: found nothing"))
    assert result.exit_code == 1
    assert result.output.splitlines() == ["setting SECRET_KEY: found nothing"]


def check_of(**settings: str) -> Result:
    """Run the command as an installation of these settings has it, without a database."""
    keys = dict(line.split("=", 1) for line in fresh_settings().splitlines())
    found = load_settings({"QOL_SETTINGS": "/nonexistent", **keys, **settings})
    app = Flask("qol_app")
    app.extensions["qol_app"] = open_runtime(found)
    register_commands(app)
    return app.test_cli_runner().invoke(args=["check"])


def test_the_folder_that_is_checked_is_the_one_of_the_settings(folder):
    spoil(folder, PROTOCOL, "day: 91, opens: 77", "day: 91, opens: 50")
    result = check_of(QUESTIONNAIRES=str(folder))
    assert result.exit_code == 1
    assert "M3" in result.output


def test_a_protocol_that_is_not_there_is_named_with_those_that_are():
    result = check_of(PROTOCOL="breclim-9")
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "setting PROTOCOL: found 'breclim-9'; wanted one of breclim-2"
    ]
    assert check_of(PROTOCOL="breclim-2").exit_code == 0
