"""Downloads: a site its own, the analysts the study, with a fresh code and on the trail."""

import csv
import io
import json
import zipfile
from datetime import date

import pytest
from sqlalchemy import select

from qol_app.db.tables import AuditEvent
from qol_app.services.context import Actor
from tests.staff_factories import make_staff, new_browser, sign_in
from tests.studies import C30, answered, enrolled

SYSTEM = Actor.system("tests")
# What the export reads is shown on both engines elsewhere; here it is who may fetch it.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def app(app):
    app.config["WTF_CSRF_ENABLED"] = False
    return app


@pytest.fixture
def study(runtime):
    with runtime.writing(SYSTEM) as ctx:
        for site in ("UME", "GBG", "KAR"):
            person = enrolled(ctx, f"{site}-001", site)
            answered(ctx, person, "M3", {"qlq-c30": C30})
    return runtime


def browser(app, runtime, role, sites=("UME",), language="en"):
    client = new_browser(app)
    assert sign_in(client, make_staff(runtime, role, sites, language=language)).status_code == 302
    return client


def opened(response):
    assert response.status_code == 200, response.text
    assert response.mimetype == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(response.data))
    return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def cells(data, separator=","):
    text = data.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))


@pytest.mark.requirement("Z2", "I9")
def test_a_coordinator_takes_own_sites_only_and_as_spreadsheets(app, study):
    files = opened(browser(app, study, "coordinator", ("UME",)).post("/staff/export/site"))
    for table in ("participants", "visits", "items", "scores", "events"):
        rows = cells(files[f"spreadsheet/{table}.csv"])
        assert {row["participant"] for row in rows} == {"UME-001"}, table
    assert not [name for name in files if name.endswith(".parquet")]
    manifest = json.loads(files["manifest.json"])
    assert manifest["scope"] == "sites: UME"
    assert manifest["exported_by"].endswith("(coordinator)")


@pytest.mark.requirement("Z2")
def test_of_several_sites_one_can_be_chosen_and_no_other(app, study):
    client = browser(app, study, "coordinator", ("UME", "KAR"))
    files = opened(client.post("/staff/export/site", data={"site": "KAR"}))
    assert {row["site"] for row in cells(files["spreadsheet/visits.csv"])} == {"KAR"}
    both = opened(client.post("/staff/export/site"))
    assert {row["site"] for row in cells(both["spreadsheet/visits.csv"])} == {"UME", "KAR"}
    for foreign in ("GBG", "XXX", "'"):
        response = client.post("/staff/export/site", data={"site": foreign})
        assert response.status_code == 422
        assert "GBG-001" not in response.text


@pytest.mark.requirement("I10")
def test_the_program_names_the_file_whatever_is_sent(app, study):
    client = browser(app, study, "coordinator")
    response = client.post("/staff/export/site?name=../../etc/passwd", data={"site": "UME"})
    shown = response.headers["Content-Disposition"]
    assert shown == "attachment; filename=breclim-2-UME-2026-11-23.zip"
    assert response.headers["Cache-Control"] == "no-store"


def test_swedish_staff_get_swedish_spreadsheets(app, study):
    client = browser(app, study, "coordinator", language="sv")
    files = opened(client.post("/staff/export/site"))
    rows = cells(files["spreadsheet/scores.csv"], ";")
    values = {row["scale"]: row["value"] for row in rows}
    assert values["PF"].startswith("86,666")


@pytest.mark.requirement("Z5")
def test_a_statistician_takes_the_study_with_arms_and_without_identity(app, study):
    client = browser(app, study, "statistician")
    data = {"format": ["csv", "parquet"]}
    files = opened(client.post("/staff/export/study", data=data))
    assert {row["site"] for row in cells(files["visits.csv"])} == {"UME", "GBG", "KAR"}
    assert {row["arm"] for row in cells(files["participants.csv"])} == {"A"}
    assert "scores.parquet" in files
    for name, content in files.items():
        assert b"emlig" not in content, name


@pytest.mark.requirement("Z5")
def test_a_trial_manager_takes_the_study_without_arms(app, study):
    client = browser(app, study, "trial-manager")
    assert "allocated to what is left out" in client.get("/staff/export/study").text
    files = opened(client.post("/staff/export/study", data={"format": "csv"}))
    assert {row["arm"] for row in cells(files["participants.csv"])} == {""}
    assert json.loads(files["manifest.json"])["arm_included"] is False


@pytest.mark.parametrize("role", ["coordinator", "inspector", "administrator", "investigator"])
def test_who_may_not_take_the_study_finds_no_such_page(app, study, role):
    client = browser(app, study, role)
    assert client.get("/staff/export/study").status_code == 404
    assert client.post("/staff/export/study", data={"format": "csv"}).status_code == 404


@pytest.mark.requirement("T1")
def test_a_download_is_on_the_trail_with_who_what_and_every_checksum(app, study):
    client = browser(app, study, "statistician")
    files = opened(client.post("/staff/export/study", data={"format": "csv"}))
    with study.reading(SYSTEM) as ctx:
        query = select(AuditEvent).where(AuditEvent.action == "export.study")
        event = ctx.session.scalars(query).one()
    assert (event.role, event.subject_id) == ("statistician", "breclim-2-study-2026-11-23")
    manifest = json.loads(files["manifest.json"])
    assert event.new["files"] == manifest["files"]
    assert event.new["rows"]["participants"] == 3


@pytest.mark.requirement("A3", "T1")
def test_looking_at_the_page_takes_nothing_and_leaves_no_trace(app, study):
    client = browser(app, study, "statistician")
    assert client.get("/staff/export/study").status_code == 200
    with study.reading(SYSTEM) as ctx:
        query = select(AuditEvent).where(AuditEvent.action.startswith("export."))
        assert ctx.session.scalars(query).all() == []


@pytest.mark.requirement("A11")
def test_an_old_code_does_not_open_an_export(app, study, clock):
    client = browser(app, study, "coordinator")
    clock.move(minutes=11)
    asked = client.get("/staff/export/site")
    assert (asked.status_code, asked.location) == (302, "/staff/confirm?next=/staff/export/site")
    clock.move(minutes=9, seconds=1)
    client.get("/staff/")
    assert client.post("/staff/export/site").status_code == 302


@pytest.mark.parametrize("formats", [[], ["docx"], ["csv", "../x"]])
def test_unknown_formats_are_refused_in_one_sentence(app, study, formats):
    client = browser(app, study, "statistician")
    response = client.post("/staff/export/study", data={"format": formats})
    assert response.status_code == 422
    assert "known: csv" in response.text


def test_the_bar_leads_each_role_to_its_own_export(app, study):
    assert "/staff/export/site" in browser(app, study, "coordinator").get("/staff/account").text
    page = browser(app, study, "statistician").get("/staff/account").text
    assert "/staff/export/study" in page
    assert "/staff/export/site" not in page
    assert "/staff/export" not in browser(app, study, "inspector").get("/staff/account").text


def test_nothing_is_left_behind_on_the_server(app, study, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    client = browser(app, study, "coordinator")
    opened(client.post("/staff/export/site"))
    assert list((tmp_path / "scratch").iterdir()) == []
    assert date(2026, 11, 23) == study.clock().date()
