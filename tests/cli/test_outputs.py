"""What a command writes is whole under its name, or not there, and the reason is one line."""

import pytest
from flask import Flask

from qol_app.cli import register_commands
from qol_app.cli.score import INSTRUMENTS

CODES = sorted(path.parent.name for path in INSTRUMENTS.glob("*/instrument.yaml"))

pytestmark = pytest.mark.skipif(not CODES, reason="no instrument is here")


@pytest.fixture
def run():
    app = Flask("commands", static_folder=None)
    register_commands(app)
    return lambda *words: app.test_cli_runner().invoke(args=[*map(str, words)])


@pytest.mark.parametrize(
    "words",
    [
        ("wording", "template", CODES[0], "-o"),
        ("fhir", "questionnaire", CODES[0], "-o"),
        ("conformance", CODES[0], "--input"),
        ("plan", "breclim-2", "--event", "consent=2026-10-01", "-o"),
    ],
    ids=lambda words: words[0],
)
def test_a_place_that_takes_no_file_is_named_in_one_line(run, tmp_path, words):
    for place, wanted in (
        (tmp_path / "none" / "out", f"found no folder {tmp_path / 'none'}; wanted an existing one"),
        (tmp_path / ("o" * 300), "could not be written (File name too long); nothing was kept"),
    ):
        done = run(*words, place)
        assert done.exit_code == 1, done.output
        assert wanted in done.output
        assert done.output.strip().count("\n") == 0
    assert run(*words, tmp_path / "out").exit_code == 0
    assert [one.name for one in tmp_path.iterdir()] == ["out"]
