"""Somebody else's scorer can be tested with our vectors, and ours with nothing hidden."""

import pandas as pd
import pytest
from flask import Flask

from qol_app.cli import register_commands
from qol_app.cli.score import INSTRUMENTS

pytestmark = pytest.mark.skipif(
    not (INSTRUMENTS / "qlq-br23").exists(), reason="qlq-br23 is not among the instruments here"
)


@pytest.fixture
def run():
    app = Flask("commands", static_folder=None)
    register_commands(app)
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=list(map(str, words)))


@pytest.fixture
def scores(run, tmp_path):
    """Return the path of scores made from the vectors' forms by this program."""
    forms, path = tmp_path / "forms.csv", tmp_path / "scores.csv"
    assert run("conformance", "qlq-br23", "--input", forms).exit_code == 0
    assert list(pd.read_csv(forms).columns[:2]) == ["case", "q31"]
    assert run("score", "qlq-br23", forms, "-o", path).exit_code == 0
    return path


def test_our_own_scores_agree(run, scores):
    done = run("conformance", "qlq-br23", scores)
    assert done.exit_code == 0, done.output
    assert "all 8 scores agree in" in done.output


def test_a_scorer_that_forgets_the_condition_is_found_out(run, scores):
    # What a public scorer does: hair loss is scored although item 34 says there was none.
    table = pd.read_csv(scores)
    table.loc[table["case"] == 2, "BRHL"] = 100.0
    table["BRSEF"] = 100 - table["BRSEF"]
    table.drop(columns="BRAS").to_csv(scores, index=False)
    done = run("conformance", "qlq-br23", scores)
    assert done.exit_code == 1
    rows = {line.split()[0]: line.split()[1:] for line in done.output.splitlines()}
    n_cases = str(len(table))
    assert rows["BRHL"][:5] == [n_cases, str(len(table) - 1), "0", "1", "0"]
    assert rows["BRHL"][-1] == "2"
    assert int(rows["BRSEF"][2]) > 0
    assert "not in scores.csv: BRAS" in done.output
    assert "2 of 7 scores disagree: BRSEF, BRHL" in done.output


def test_missing_cases_count_as_missing_scores(run, scores):
    table = pd.read_csv(scores)
    table.iloc[1:].to_csv(scores, index=False)
    done = run("conformance", "qlq-br23", scores)
    assert done.exit_code == 1
    assert "8 of 8 scores disagree" in done.output


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("id,BRBI\n1,2\n", "found columns id, BRBI; wanted one named 'case'"),
        ("case,PF\n1,2\n", "found columns PF; wanted some of BRBI"),
        ("case,BRBI\nx,2\n", "found cases x; wanted some of"),
        ("case,BRBI\n1,2\n1,3\n", "found case '1' twice"),
        ("", "cannot be read as CSV"),
    ],
)
def test_a_file_that_cannot_be_compared_is_one_line(run, tmp_path, text, wanted):
    path = tmp_path / "scores.csv"
    path.write_text(text)
    done = run("conformance", "qlq-br23", path)
    assert done.exit_code == 1
    assert wanted in done.output


def test_a_scorer_that_rounds_agrees_when_it_says_so(run, scores):
    table = pd.read_csv(scores).round(1)
    table.to_csv(scores, index=False, na_rep="NaN")
    assert run("conformance", "qlq-br23", scores).exit_code == 1
    done = run("conformance", "qlq-br23", scores, "--decimals", "1")
    assert done.exit_code == 0, done.output
    table["BRBI"] += 0.1
    table.to_csv(scores, index=False)
    done = run("conformance", "qlq-br23", scores, "--decimals", "1")
    assert "1 of 8 scores disagree: BRBI" in done.output


def test_a_word_in_place_of_a_score_is_refused_by_case(run, scores):
    table = pd.read_csv(scores, dtype=str)
    table.loc[table["case"] == "2", "BRHL"] = "n/a (34=1)"
    table.to_csv(scores, index=False)
    done = run("conformance", "qlq-br23", scores)
    assert done.exit_code == 1
    assert "case 2, column BRHL: found 'n/a (34=1)'; wanted a number" in done.output
