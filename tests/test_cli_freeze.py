"""``flask freeze``: what is locked gives the same tables whatever happens to the database."""

import json
from datetime import date

import pandas as pd
import pytest

from qol_app.db.tables import AuditEvent
from qol_app.export.manifest import differences, read_manifest, sha256
from qol_app.report.model import Section, Table
from qol_app.report.registry import SECTIONS
from qol_app.services import events
from qol_app.services.context import Actor
from tests.made_once import pages_of
from tests.staff_factories import make_staff
from tests.studies import C30, EQ5D, answered, enrolled

SYSTEM = Actor.system("tests")
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def run(runtime):
    app = pages_of(runtime)
    with app.app_context():
        yield lambda *words: app.test_cli_runner().invoke(args=[*map(str, words)])


@pytest.fixture
def filled(runtime):
    with runtime.writing(SYSTEM) as ctx:
        for number in range(6):
            person = enrolled(ctx, f"UME-{number:03d}", arm="AB"[number % 2])
            answered(ctx, person, "T0", {"qlq-c30": C30}, on=date(2026, 2, 27))
            answered(ctx, person, "M3", {"qlq-c30": C30 | {"q1": 1}, "eq-5d-5l": EQ5D})
        events.record(ctx, person, "death", date(2026, 7, 1), {}, confirmed=True)
    return runtime


def frozen(runtime, name="final"):
    return runtime.settings.instance / "freezes" / name


def files_of(folder):
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def overwrite(path, data):
    path.chmod(0o600)
    path.write_bytes(data)


def test_a_report_of_a_freeze_is_the_same_next_year(run, filled, clock, tmp_path, monkeypatch):
    # Sections that between them read every table; the dear ones read no other.
    few = {name: SECTIONS[name] for name in ("flow", "table-1", "completion", "methods")}
    few["days"] = lambda data: Section("days", "", tables=(Table("d", "", data.scores),))
    monkeypatch.setattr("qol_app.report.registry.SECTIONS", few)
    assert run("freeze", "final").exit_code == 0
    first = run("report", tmp_path / "first", "--freeze", "final", "--no-pdf")
    assert first.exit_code == 0, first.output
    clock.move(days=365)
    with filled.writing(SYSTEM) as ctx:
        person = enrolled(ctx, "GBG-001", "GBG", arm="A", randomised_on=date(2027, 3, 1))
        answered(ctx, person, "T0", {"qlq-c30": C30}, on=date(2027, 3, 1))
    second = run("report", tmp_path / "second", "--freeze", "final", "--no-pdf")
    assert second.exit_code == 0, second.output
    one, other = (files_of(tmp_path / name / "tables") for name in ("first", "second"))
    assert len(one) >= 5
    assert b"UME-005" in one["d.csv"]
    assert one == other
    assert files_of(tmp_path / "first" / "figures") == files_of(tmp_path / "second" / "figures")


def test_a_freeze_holds_files_hashes_definitions_and_program_version(run, filled):
    result = run("freeze", "final")
    assert result.exit_code == 0, result.output
    folder = frozen(filled)
    assert list(differences(folder)) == []
    manifest = read_manifest(folder)
    assert manifest["freeze"] == {"name": "final", "as_of": "2026-11-23"}
    assert manifest["program_version"]
    names = {one["name"] for one in manifest["files"]}
    assert {"scores.parquet", "items.csv", "definitions/protocol.json"} <= names
    instruments = {one["code"] for one in manifest["definitions"] if one["kind"] == "instrument"}
    assert {"qlq-c30", "eq-5d-5l"} <= instruments
    assert all(any(f"instrument_{code}_" in name for name in names) for code in instruments)


def test_a_name_is_used_once_and_is_only_a_name(run, filled):
    assert run("freeze", "final").exit_code == 0
    before = files_of(frozen(filled))
    again = run("freeze", "final")
    assert again.exit_code == 1
    assert "found 'final'" in again.output
    assert "wanted a new name" in again.output
    assert files_of(frozen(filled)) == before
    for name in ("../final", "", "a/b", ".hidden"):
        assert run("freeze", name).exit_code == 1, name


@pytest.mark.parametrize(
    "name", ["scores.parquet", "definitions/protocol.json", "codebook.csv", "manifest.json"]
)
def test_a_tampered_file_is_refused_by_name(run, filled, tmp_path, name):
    run("freeze", "final")
    path = frozen(filled) / name
    data = path.read_bytes()
    changed = data.replace(b'"program"', b'"Program"') if name == "manifest.json" else data + b" "
    overwrite(path, changed)
    result = run("report", tmp_path / "out", "--freeze", "final", "--no-pdf")
    assert result.exit_code == 1
    assert name in result.output
    assert not (tmp_path / "out").exists()


def test_a_file_changed_together_with_its_checksum_is_refused_by_the_trail(run, filled, tmp_path):
    run("freeze", "final")
    folder = frozen(filled)
    overwrite(folder / "codebook.csv", b"nothing")
    manifest = json.loads((folder / "manifest.json").read_text())
    for one in manifest["files"]:
        if one["name"] == "codebook.csv":
            one["sha256"] = sha256(folder / "codebook.csv")
    overwrite(folder / "manifest.json", json.dumps(manifest).encode())
    result = run("report", tmp_path / "out", "--freeze", "final", "--no-pdf")
    assert result.exit_code == 1
    assert "not the one on the audit trail" in result.output


def test_an_unknown_freeze_is_one_line_with_those_that_are_known(run, filled, tmp_path):
    run("freeze", "interim")
    result = run("report", tmp_path / "out", "--freeze", "final", "--no-pdf")
    assert (result.exit_code, result.output.strip()) == (
        1,
        "Error: freeze: found no 'final'; known: interim",
    )


@pytest.mark.requirement("T1")
def test_a_freeze_is_on_the_trail_with_the_hash_of_its_manifest(run, filled):
    run("freeze", "final")
    with filled.reading(SYSTEM) as ctx:
        [event] = ctx.session.query(AuditEvent).filter_by(action="export.freeze")
    assert event.subject_id == "final"
    assert event.new == {"manifest_sha256": sha256(frozen(filled) / "manifest.json")}


@pytest.mark.requirement("Z5")
def test_arms_in_a_freeze_are_for_the_statistician_only(run, filled, tmp_path, monkeypatch):
    few = {"arms": lambda data: Section("arms", "", tables=(Table("arms", "", data.people),))}
    monkeypatch.setattr("qol_app.report.registry.SECTIONS", few)
    run("freeze", "final")
    for role in ("coordinator", "statistician"):
        make_staff(filled, role, email=f"{role}@example.org")
    report = ("report", "--freeze", "final", "--no-pdf")
    by_arm = (*report, "--unblinded", "--as")
    refused = run(*by_arm, "coordinator@example.org", tmp_path / "refused")
    assert refused.exit_code == 1
    assert "wanted an active statistician" in refused.output
    assert run(*by_arm, "statistician@example.org", tmp_path / "arms").exit_code == 0
    assert run(*report, tmp_path / "pooled").exit_code == 0
    shown = {
        name: set(pd.read_csv(tmp_path / name / "tables" / "arms.csv")["arm"])
        for name in ("arms", "pooled")
    }
    assert shown == {"arms": {"A", "B"}, "pooled": {"all"}}
