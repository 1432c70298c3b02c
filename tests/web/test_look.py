"""Look: what is drawn, for whom, of whom; with a table beside every figure."""

import base64
import re
from datetime import date

import pytest
from sqlalchemy import select

from qol_app.db.tables import Participant
from qol_app.permissions import ROLES, may
from qol_app.services import events, reporting
from qol_app.services.context import Actor
from qol_app.services.position import position
from tests.report.made_report import unrendered
from tests.staff_factories import make_staff, new_browser, sign_in
from tests.studies import C30, answered, enrolled

SYSTEM = Actor.system("tests")
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def app(app):
    app.config["WTF_CSRF_ENABLED"] = False
    return app


@pytest.fixture
def study(runtime):
    with runtime.writing(SYSTEM) as ctx:
        for number, (site, arm) in enumerate([("UME", "A"), ("UME", "B"), ("GBG", "A")], start=1):
            person = enrolled(ctx, f"{site}-{number:03d}", site, arm)
            answered(ctx, person, "T0", {"qlq-c30": C30}, on=date(2026, 2, 27))
            answered(ctx, person, "M3", {"qlq-c30": C30 | {"q29": number, "q30": number}})
            if site == "UME" and arm == "A":
                events.record(ctx, person, "liver_procedure", date(2026, 3, 20), confirmed=True)
                events.record(ctx, person, "progression", date(2026, 7, 1), confirmed=True)
    return runtime


def looked(app, runtime, role, sites=("UME",), language="en", **asked):
    client = new_browser(app)
    sign_in(client, make_staff(runtime, role, sites, language=language))
    return client.get("/staff/look", query_string=asked)


def images(text):
    found = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', text)
    return [base64.b64decode(one).decode() for one in found]


def test_three_figures_stand_with_their_words_and_tables(app, study):
    response = looked(app, study, "statistician", (), scale="qlq-c30:QL", timepoint="M3")
    assert response.status_code == 200
    assert len(images(response.text)) == 3
    assert all(one.startswith("<svg") and "<title" in one for one in images(response.text))
    assert len(re.findall(r'<img [^>]*alt="QL[^"]{40,}"', response.text)) == 3
    assert response.text.count("<table>") == 3
    assert "<script" not in response.text.split("<main")[1]
    # QL of 1, 2, 3 of 7 twice: 0, 16.7 and 33.3; their mean is 16.7.
    profile = response.text.split('id="look-1"')[1].split("</table>")[0]
    assert re.search(r">M3</th>\s*<td>all</td><td>3</td><td>16.7</td>", profile), profile


def test_the_scale_is_explained_with_its_step_thresholds_and_sources(app, study):
    text = looked(app, study, "statistician", (), scale="qlq-c30:PF", timepoint="M3").text
    told = text.split("How to read this scale")[1]
    assert "Smallest step: 6.67" in told  # five items of four answers: 15 steps of 100 / 15
    assert "Problem: &lt; 83" in told  # Giesinger 2020, clinical importance
    assert "Giesinger" in told
    assert "Instrument: EORTC QLQ-C30" in told


@pytest.mark.requirement("Z5")
def test_arms_are_there_for_whom_they_are_meant_and_nobody_else(app, study):
    for role, sees in (("statistician", True), ("trial-manager", False), ("investigator", False)):
        text = looked(app, study, role, ("UME",), scale="qlq-c30:QL", group="arm",
                      participant="UME-001").text  # fmt: skip
        assert ('value="arm"' in text) is sees, role
        assert ("<td>B</td>" in text) is sees, role
        assert ("Liver procedure" in text) is sees, role
        # What happens in either arm is there for all.
        assert "Progression" in text, role
        assert re.search("<td>Randomi.ation<", text), role


@pytest.mark.requirement("Z2")
def test_another_sites_participants_are_not_there(app, study):
    text = looked(app, study, "investigator", ("UME",), participant="GBG-003", group="site").text
    assert "GBG" not in text
    assert 'value="UME-001" selected' in text


@pytest.mark.usefixtures("undrawn")
def test_only_explorers_may_look(app, study):
    for role in [one for one in ROLES if one != "participant"]:
        response = looked(app, study, role, ("UME",))
        assert (response.status_code == 200) is may(role, "score:look"), role
    assert not may("coordinator", "score:look")


def test_what_is_not_to_be_had_falls_back_and_an_empty_study_says_so(app, runtime):
    response = looked(app, runtime, "statistician", (), scale="'\"><script>", timepoint="X")
    assert response.status_code == 200
    assert "nothing to look at" in response.text
    swedish = looked(app, runtime, "trial-manager", (), "sv").text
    assert "inget att titta på" in swedish


def counted(monkeypatch):
    """Count how often the study is read."""
    found, read = [], reporting.read_study
    monkeypatch.setattr(reporting, "read_study", lambda *a, **k: found.append(1) or read(*a, **k))
    return found


@pytest.fixture
def undrawn(monkeypatch):
    """Leave the pictures out: drawing is most of the time."""
    monkeypatch.setattr("qol_app.report.canvas.finished", unrendered)


@pytest.mark.usefixtures("undrawn")
def test_a_second_look_reads_the_study_no_more_and_a_new_answer_is_seen(app, study, monkeypatch):
    read = counted(monkeypatch)
    client = new_browser(app)
    sign_in(client, make_staff(study, "statistician", ()))

    def mean(scale="QL"):
        text = client.get(f"/staff/look?timepoint=M3&scale=qlq-c30:{scale}").text
        profile = text.split('id="look-1"')[1].split("</table>")[0]
        return re.search(r">M3</th>\s*<td>all</td><td>(\d+)</td><td>([^<]*)</td>", profile).groups()

    assert mean() == ("3", "16.7")
    assert mean("PF")[0] == "3"
    assert mean() == ("3", "16.7")
    assert len(read) == 1
    with study.writing(SYSTEM) as ctx:
        person = enrolled(ctx, "UME-009", "UME", "A")
        answered(ctx, person, "M3", {"qlq-c30": C30 | {"q29": 7, "q30": 7}})
    assert mean() == ("4", "37.5")  # 0, 16.7, 33.3 and 100
    assert len(read) == 2


@pytest.mark.usefixtures("undrawn")
def test_an_event_moves_the_position_but_signing_in_does_not(app, study):
    def at():
        with study.reading(SYSTEM) as ctx:
            return position(ctx)

    before = at()
    looked(app, study, "trial-manager", ())
    assert at() == before
    with study.writing(SYSTEM) as ctx:
        events.record(ctx, some_participant(ctx), "progression", date(2026, 8, 1), confirmed=True)
    assert at() != before


def some_participant(ctx):
    return ctx.session.scalars(
        select(Participant).where(Participant.study_number == "UME-002")
    ).one()


@pytest.mark.usefixtures("undrawn")
@pytest.mark.requirement("Z5")
def test_what_is_kept_for_one_reader_is_not_shown_to_another(app, study):
    by_arm = looked(app, study, "statistician", (), scale="qlq-c30:QL", group="arm").text
    assert 'value="arm"' in by_arm
    pooled = looked(app, study, "trial-manager", (), scale="qlq-c30:QL", group="arm").text
    assert 'value="arm"' not in pooled
    own = looked(app, study, "investigator", ("UME",), scale="qlq-c30:QL", group="site").text
    assert "GBG" not in own


@pytest.mark.usefixtures("undrawn")
def test_what_is_kept_is_little_and_holds_nobodys_name(app, study):
    readers = [("statistician", ()), ("trial-manager", ()), ("investigator", ("UME",)),
               ("investigator", ("GBG",)), ("investigator", ("UME", "GBG"))]  # fmt: skip
    for role, sites in readers:
        looked(app, study, role, sites)
    kept = app.extensions["look"]
    assert len(kept) == 4
    for data in kept._made.values():
        for table in (data.people, data.visits, data.scores, data.facts.events):
            assert not table.astype(str).stack().str.contains("Hemlig|0701740605", na=False).any()
