"""``flask score`` as a person meets it on the command line."""

import json

import pandas as pd
import pytest
from flask import Flask

from qol_app.cli import register_commands
from qol_app.cli.score import INSTRUMENTS

pytestmark = pytest.mark.skipif(
    not (INSTRUMENTS / "qlq-c30").exists(), reason="qlq-c30 is not among the instruments here"
)


@pytest.fixture
def run(tmp_path):
    app = Flask("commands", static_folder=None)
    register_commands(app)
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=["score", *map(str, words)])


@pytest.fixture
def responses(tmp_path):
    codes = {f"q{n}": [1, 2] for n in range(1, 31)}
    path = tmp_path / "responses.csv"
    pd.DataFrame({"id": ["a", "b"], **codes}).to_csv(path, index=False)
    return path


def test_scores_are_written_and_named(run, responses, tmp_path):
    done = run("qlq-c30", responses, "-o", tmp_path / "scores.csv", "--provenance")
    assert done.exit_code == 0, done.output
    assert "scores.csv: 2 forms of EORTC QLQ-C30 3.0, 16 scores each" in done.output
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert scores["PF"].tolist() == pytest.approx([100, 200 / 3])
    assert scores["PF_N"].tolist() == [5, 5]
    manifest = json.loads((tmp_path / "scores.csv.manifest.json").read_text())
    assert manifest["instrument"] == "qlq-c30"
    assert scores["DEFINITION_SHA256"].unique().tolist() == [manifest["definition_sha256"]]


def test_without_provenance_there_is_no_manifest(run, responses, tmp_path):
    assert run("qlq-c30", responses, "-o", tmp_path / "s.parquet").exit_code == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == ["responses.csv", "s.parquet"]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("qlq-c31", "responses.csv", "-o", "s.csv"), "instrument: found 'qlq-c31'; wanted one of"),
        (("qlq-c30", "responses.csv"), "-o: found no name for the scores"),
        (("qlq-c30", "none.csv", "-o", "s.csv"), "no such file"),
        (("qlq-c30", "responses.csv", "-o", "s.csv", "--set", "X"), "has no value set 'X'"),
        (("qlq-c30", "responses.csv", "--explain", "--row", "3"), "found 2 rows; wanted row 3"),
    ],
)
def test_what_cannot_be_done_is_one_line(run, responses, tmp_path, words, wanted, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(*words)
    assert done.exit_code == 1
    assert wanted in done.output
    assert done.output.strip().count("\n") == 0
    assert not (tmp_path / "s.csv").exists()


def test_out_of_range_is_refused_unless_chosen_and_then_counted(run, responses, tmp_path):
    text = responses.read_text().replace("a,1,1", "a,1,9")
    responses.write_text(text)
    refused = run("qlq-c30", responses, "-o", tmp_path / "s.csv")
    assert refused.exit_code == 1
    assert "responses.csv: row 1, column q2: found 9; wanted a whole number from 1 to 4" in (
        refused.output
    )
    chosen = run("qlq-c30", responses, "-o", tmp_path / "s.csv", "--out-of-range", "missing")
    assert chosen.exit_code == 0
    assert "out of range, taken as missing: 1 (q2 1)" in chosen.output


def test_an_explanation_reads_the_file_as_the_scores_do(run, responses):
    good = responses.read_text()
    responses.write_text(good.replace("a,1,1", "a,1,9"))
    refused = run("qlq-c30", responses, "--explain")
    assert "responses.csv: row 1, column q2: found 9; wanted a whole number" in refused.output
    chosen = run("qlq-c30", responses, "--explain", "--out-of-range", "missing")
    assert "responses.csv: row 1: out of range, taken as missing: q2" in chosen.output
    assert "    q2: -   no answer" in chosen.output
    responses.write_text(good.replace("a,1,1", "a,1,x"))
    refused = run("qlq-c30", responses, "--explain")
    assert "column q2: found 'x'; wanted a whole number from 1 to 4, or nothing" in refused.output
    responses.write_text(good.replace("q30", "other"))
    assert (
        "responses.csv: qlq-c30: found no column q30"
        in run("qlq-c30", responses, "--explain").output
    )


def test_a_score_explains_itself(run, responses):
    done = run("qlq-c30", responses, "--explain", "--row", "2")
    assert done.exit_code == 0, done.output
    for line in (
        "PF = 66.6667   Physical functioning",
        "    q5: 2   counts 2",
        "    rule linear: 5 of 5 items used, 3 needed: mean 2; 100 - (2 - 1) / 3 x 100",
        "    source: EORTC QLQ-C30 Scoring Manual, 3rd edition (Fayers et al. 2001)",
        "C30SUM = 66.6667   Summary score",
    ):
        assert line in done.output


def test_what_was_not_followed_to_its_source_is_said(run, tmp_path):
    if not (INSTRUMENTS / "qlq-br42").exists():
        pytest.skip("qlq-br42 is not among the instruments here")
    path = tmp_path / "in.csv"
    pd.DataFrame({f"q{n}": [1] for n in range(31, 73)}).to_csv(path, index=False)
    done = run("qlq-br42", path, "-o", tmp_path / "out.csv")
    assert "note: EORTC QLQ-BR42: one source, not followed to its source: BRBI" in done.output


def test_a_choice_of_our_own_is_said_to_be_one(run, tmp_path):
    _needed("rand-36")
    path = tmp_path / "in.csv"
    pd.DataFrame({f"i{n}": [1] for n in range(1, 37)}).to_csv(path, index=False)
    done = run("rand-36", path, "-o", tmp_path / "out.csv")
    wanted = "note: RAND-36: own choice: missing rule (half of the items, chosen for this program)"
    assert wanted in done.output
    assert "not followed" not in done.output


def _needed(code: str) -> None:
    if not (INSTRUMENTS / code).exists():
        pytest.skip(f"{code} is not among the instruments here")


def test_not_applicable_skipped_and_unknown_are_told_apart(run, tmp_path):
    _needed("qlq-br23")
    path = tmp_path / "in.csv"
    forms = pd.DataFrame({f"q{n}": [1, 2, None] for n in range(31, 54)}).astype("Int64")
    forms.loc[0, "q35"], forms.loc[1, "q35"], forms.loc[2, "q35"] = 4, None, 3
    forms.to_csv(path, index=False)
    for row, wanted in (
        (1, "q35: 4   not applicable: q34 is 1, not over 1; the answer 4 is kept and not used"),
        (2, "q35: -   no answer"),
        (3, "q35: 3   nobody knows whether it applies: q34 is not answered; the answer 3 is kept"),
    ):
        done = run("qlq-br23", path, "--explain", "--row", row)
        assert wanted in done.output
        assert "BRHL = missing" in done.output


def test_several_value_sets_are_a_column_each_and_say_how_far_they_were_followed(run, tmp_path):
    _needed("eq-5d-5l")
    path, out = tmp_path / "in.csv", tmp_path / "out.csv"
    pd.DataFrame({one: [2] for one in ("MO", "SC", "UA", "PD", "AD")} | {"VAS": 70}).to_csv(path)
    sets = [word for one in ("SE_EBS_TTO_2020", "NO", "UK_2026") for word in ("--set", one)]
    done = run("eq-5d-5l", path, "-o", out, *sets, "--explain")
    scores = pd.read_csv(out, dtype={"PROFILE": str}).iloc[0]
    found = {name: round(scores[name], 4) for name in scores.index if name.startswith("INDEX")}
    assert found == {
        "INDEX_SE_EBS_TTO_2020": 0.8232,
        "INDEX_NO": 0.7791,
        "INDEX_UK_2026": 0.784,
    }
    assert "one source, not followed to its source: value set NO" in done.output
    assert "INDEX_UK_2026 = 0.784" in done.output
    assert "INDEX_DE_2018" not in done.output
