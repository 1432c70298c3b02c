"""``flask export``: from the command line to files on disk, and onto the trail."""

import json
import sys
from datetime import date

import pandas as pd
import pytest
from sqlalchemy import select

from qol_app.cli.progress import watched
from qol_app.db.tables import AuditEvent, Participant
from qol_app.export.manifest import differences, file_names, sha256
from qol_app.services import exporting
from qol_app.services.context import Actor
from tests.made_once import pages_of
from tests.studies import C30, C30_SCORES, EQ5D, answered, enrolled


@pytest.fixture
def run(runtime):
    app = pages_of(runtime)
    with app.app_context():
        yield lambda *words: app.test_cli_runner().invoke(args=["export", *map(str, words)])


@pytest.fixture
def filled(runtime):
    with runtime.writing(Actor.system("tests")) as ctx:
        for number in range(3):
            person = enrolled(ctx, f"UME-{number:03d}")
            answered(ctx, person, "T0", {"qlq-c30": C30}, on=date(2026, 2, 27))
            answered(ctx, person, "M3", {"qlq-c30": C30, "eq-5d-5l": EQ5D})
    return runtime


def trail(runtime):
    with runtime.reading(Actor.system("tests")) as ctx:
        query = select(AuditEvent).where(AuditEvent.action.startswith("export."))
        return list(ctx.session.scalars(query))


def test_an_export_can_be_read_back_and_its_scores_are_right(run, filled, tmp_path):
    folder = tmp_path / "out"
    result = run(folder)
    assert result.exit_code == 0, result.output
    assert "participants 3, visits 30, items 198" in result.output
    scores = pd.read_csv(folder / "scores.csv")
    first = scores[(scores["participant"] == "UME-000") & (scores["timepoint"] == "M3")]
    values = first.set_index("scale")["value"]
    for scale, value in C30_SCORES.items():
        assert values[scale] == pytest.approx(value, abs=1e-8)
    parquet = pd.read_parquet(folder / "scores.parquet")
    assert parquet["value"].equals(scores["value"])


@pytest.mark.requirement("T1")
def test_an_export_is_on_the_trail_with_the_checksum_of_every_file(run, filled, tmp_path):
    folder = tmp_path / "out"
    run(folder, "--format", "csv")
    [event] = trail(filled)
    assert (event.action, event.subject_id, event.actor) == ("export.study", "out", "system:cli")
    assert event.new["rows"]["participants"] == 3
    named = {one["name"]: one["sha256"] for one in event.new["files"]}
    assert named == {name: sha256(folder / name) for name in file_names(folder)}


def test_two_exports_are_the_same_but_for_the_manifests_date(run, filled, clock, tmp_path):
    run(tmp_path / "first")
    clock.move(hours=2)
    run(tmp_path / "second")
    for name in file_names(tmp_path / "first"):
        first, second = (tmp_path / one / name for one in ("first", "second"))
        assert first.read_bytes() == second.read_bytes(), name
    one, other = (
        json.loads((tmp_path / name / "manifest.json").read_text()) for name in ("first", "second")
    )
    assert {key for key in one if one[key] != other[key]} == {"exported_at"}


def test_an_occupied_folder_is_one_line_and_nothing_is_on_the_trail(run, filled, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "thesis.doc").write_text("mine")
    result = run(folder)
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert f"{folder}: found thesis.doc in it" in result.output
    assert trail(filled) == []


def test_an_unknown_format_is_one_line(run, filled, tmp_path):
    result = run(tmp_path / "out", "--format", "csv,docx")
    assert result.exit_code == 1
    assert "format: found 'docx'; known: csv, parquet" in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.requirement("Z5")
def test_a_pooled_export_says_so_and_tells_no_arm(run, filled, tmp_path):
    run(tmp_path / "out", "--pooled")
    content = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert content["arm_included"] is False
    assert pd.read_csv(tmp_path / "out" / "participants.csv")["arm"].isna().all()


def test_an_empty_study_gives_empty_tables_with_headers(run, runtime, tmp_path):
    result = run(tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert pd.read_csv(tmp_path / "out" / "items.csv").empty
    assert list(differences(tmp_path / "out")) == []


@pytest.mark.requirement("C1", "Z5")
def test_no_file_holds_who_anybody_is(run, filled, tmp_path):
    run(tmp_path / "out", "--format", "csv,parquet,spreadsheet")
    for name in file_names(tmp_path / "out"):
        data = (tmp_path / "out" / name).read_bytes()
        for secret in (b"Hemlig", b"hemlig", b"0701740605", b"46701740605"):
            assert secret not in data, name


def test_an_export_sees_one_state_of_a_study_that_goes_on(filled, tmp_path):
    """Participants enrolled while the export runs are in none of its tables."""
    with filled.reading(Actor.system("tests")) as ctx:
        opened = exporting.open_study(ctx, "breclim-2", people_at_once=1)
        first = next(opened.parts)
        with filled.writing(Actor.system("tests")) as other:
            late = enrolled(other, "UME-999")
            answered(other, late, "M3", {"qlq-c30": C30})
            answered(other, _person(other, "UME-002"), "W6", {"qlq-c30": C30})
        rest = list(opened.parts)
    everybody = [row for part in (first, *rest) for row in part["participants"].to_pylist()]
    assert [row["participant"] for row in everybody] == ["UME-000", "UME-001", "UME-002"]
    visits = [row for part in rest for row in part["visits"].to_pylist()]
    states = {(row["participant"], row["timepoint"]): row["state"] for row in visits}
    assert states["UME-002", "W6"] == "missed"


def _person(ctx, number):
    return ctx.session.scalars(select(Participant).where(Participant.study_number == number)).one()


@pytest.mark.parametrize(
    ("ticks", "terminal", "shown"),
    [
        ((0.0, 0.5, 1.9, 2.5, 2.6), True, True),
        ((0.0, 0.1, 0.2, 0.3, 0.4), True, False),
        ((0.0, 0.5, 1.9, 2.5, 2.6), False, False),
    ],
    ids=["after two seconds", "not before", "not into a file"],
)
def test_a_bar_is_shown_to_who_waits(capsys, monkeypatch, ticks, terminal, shown):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    clock = iter(ticks)
    assert list(watched("abcd", 4, "letters", clock=lambda: next(clock))) == list("abcd")
    assert ("letters" in capsys.readouterr().err) is shown
