"""``flask report``: who may have it by arm, what stands on the trail, what is in the folder."""

from datetime import date

import pytest
from sqlalchemy import select

from qol_app.db.tables import AuditEvent
from qol_app.report.registry import SECTIONS
from qol_app.services import staff
from qol_app.services.context import Actor
from qol_app.services.staff import STAFF_ROLES
from tests.made_once import pages_of
from tests.staff_factories import make_staff
from tests.studies import C30, answered, enrolled

SYSTEM = Actor.system("tests")
# What a report reads is shown on both engines elsewhere; here it is who may have it.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def study(runtime, monkeypatch):
    for name in set(SECTIONS) - {"flow", "completion"}:
        monkeypatch.delitem(SECTIONS, name)
    with runtime.writing(SYSTEM) as ctx:
        for number, arm in enumerate("AABB"):
            person = enrolled(ctx, f"UME-{number:03d}", arm=arm)
            answered(ctx, person, "T0", {"qlq-c30": C30}, on=date(2026, 2, 27))
    return runtime


@pytest.fixture
def run(study):
    app = pages_of(study)
    with app.app_context():
        yield lambda *words: app.test_cli_runner().invoke(
            args=["report", "--no-pdf", *map(str, words)]
        )


def trail(runtime):
    with runtime.reading(SYSTEM) as ctx:
        query = select(AuditEvent).where(AuditEvent.action.startswith("report."))
        return list(ctx.session.scalars(query))


@pytest.mark.requirement("Z5")
def test_a_statistician_gets_the_arms_and_that_is_on_the_trail(run, study, tmp_path):
    person = make_staff(study, "statistician", ()).staff
    result = run(tmp_path / "out", "--unblinded", "--as", person.email)
    assert result.exit_code == 0, result.output
    rates = (tmp_path / "out" / "tables" / "completion.csv").read_text()
    assert "T0,A,2" in rates
    assert "T0,B,2" in rates
    [event] = trail(study)
    assert event.action == "report.unblinded"
    assert event.role == "statistician"
    assert event.actor == f"staff:{person.id}"
    assert event.new["data_sha256"] in (tmp_path / "out" / "report.json").read_text()


@pytest.mark.requirement("Z5")
def test_nobody_else_gets_the_arms(run, study, tmp_path):
    for role in [role for role in STAFF_ROLES if role != "statistician"]:
        person = make_staff(study, role).staff
        result = run(tmp_path / "out", "--unblinded", "--as", person.email)
        assert result.exit_code == 1
        assert result.output.count("\n") == 1
        assert f"{person.email} is {role}; wanted an active statistician" in result.output
        assert not (tmp_path / "out").exists()
    assert trail(study) == []
    # Having left, or without a name, nobody gets anything.
    person = make_staff(study, "statistician", ()).staff
    with study.writing(SYSTEM) as ctx:
        staff.deactivate(ctx, staff.by_email(ctx, person.email))
    result = run(tmp_path / "out", "--unblinded", "--as", person.email)
    assert result.exit_code == 1
    assert "deactivated; wanted an active statistician" in result.output
    for words in [("--unblinded",), ("--as", person.email)]:
        result = run(tmp_path / "out", *words)
        assert result.exit_code == 1
        assert "--unblinded and --as EMAIL belong together" in result.output


def test_a_pooled_report_needs_no_name_and_tells_no_arm(run, study, tmp_path):
    result = run(tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "all participants together" in result.output
    rates = (tmp_path / "out" / "tables" / "completion.csv").read_text()
    assert "T0,all,4" in rates
    assert ",A," not in rates
    assert [event.action for event in trail(study)] == ["report.blinded"]
