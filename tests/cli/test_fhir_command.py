"""``flask fhir`` writes a Questionnaire and reads it back."""

import json

import pytest
from flask import Flask

from qol_app.cli import register_commands
from qol_app.cli.score import INSTRUMENTS
from qol_app.definition.instrument import load_instrument

pytestmark = pytest.mark.skipif(
    not (INSTRUMENTS / "qlq-lmc21").exists(), reason="qlq-lmc21 is not among the instruments here"
)


@pytest.fixture
def run():
    app = Flask("commands", static_folder=None)
    register_commands(app)
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=["fhir", *map(str, words)])


def test_out_and_back(run, tmp_path):
    path = tmp_path / "lmc21.json"
    done = run("questionnaire", "qlq-lmc21", "-o", path, "--language", "sv")
    assert done.exit_code == 0, done.output
    assert json.loads(path.read_text())["language"] == "sv"
    sha256 = load_instrument(INSTRUMENTS / "qlq-lmc21").sha256
    assert f"qlq-lmc21 1.0, definition {sha256}, texts in sv" in run("check", path).output


def test_what_cannot_be_done_is_one_line(run, tmp_path):
    path = tmp_path / "x.json"
    for words, wanted in (
        (("questionnaire", "qlq-x"), "instrument: found 'qlq-x'"),
        (("questionnaire", "qlq-lmc21", "--language", "fi"), "found 'fi'; wanted one of en, sv"),
        (("check", path), "cannot be read as JSON"),
    ):
        done = run(*words)
        assert done.exit_code == 1
        assert wanted in done.output
