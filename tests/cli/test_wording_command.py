"""``flask wording``: the file to fill, and what is said about a filled one."""

import csv
import io

import pytest

from qol_app.cli.score import INSTRUMENTS
from tests.made_once import pages_of

pytestmark = pytest.mark.skipif(
    not (INSTRUMENTS / "eq-5d-5l").exists(), reason="eq-5d-5l is not among the instruments here"
)


@pytest.fixture
def run(runtime):
    runner = pages_of(runtime).test_cli_runner()
    return lambda *words: runner.invoke(args=["wording", *map(str, words)])


def test_a_filled_template_is_taken_in(run, tmp_path):
    path = tmp_path / "eq.csv"
    assert "eq.csv: 36 texts to fill in" in run("template", "eq-5d-5l", "-o", path).output
    printed = run("template", "eq-5d-5l").output
    assert printed == path.read_text()
    words = ("load", "eq-5d-5l", "sv", path, "--licence", "Registration 1")
    empty = run(*words)
    assert empty.exit_code == 1
    assert "eq.csv: row 1 (title): found no text; wanted one" in empty.output
    rows = list(csv.DictReader(io.StringIO(printed)))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows({**row, "text": f"Text {n}"} for n, row in enumerate(rows))
    done = run(*words)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("wording eq-5d-5l sv ")
    assert "in force already" in run(*words).output


def test_permission_is_asked_for(run, tmp_path):
    done = run("load", "eq-5d-5l", "sv", tmp_path / "x.csv")
    assert done.exit_code == 2
    assert "--licence" in done.output
