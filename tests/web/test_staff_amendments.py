"""A new protocol version on its page: seen participant by participant, put in force, taken back."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select

from qol_app.db.tables import Amendment, Assessment, Submission
from qol_app.delivery.errors import TryAgainLater
from qol_app.services import definitions
from qol_app.services.context import Actor
from qol_app.settings import ROOT
from tests.messaging import Provider, live, make_worker, open_tasks, statuses, tick
from tests.staff_factories import (
    TODAY,
    assessment_of,
    make_participant,
    make_staff,
    new_browser,
    sign_in,
)

SYSTEM = Actor.system("tests")


@pytest.fixture
def database_url(templates, tmp_path):
    """One engine will do: what is shown here are pages."""
    return templates.copy("sqlite", tmp_path)


@pytest.fixture
def app(app):
    app.config["WTF_CSRF_ENABLED"] = False
    return app


@pytest.fixture
def anna(runtime):
    with runtime.writing(SYSTEM) as ctx:
        return make_participant(ctx, "UME-001", "UME", randomised_on=TODAY)


def load_amendment(runtime, tmp_path: Path, effective_on=TODAY, gone=("M30",), silent=()) -> None:
    """Load version 1.1: M15 is new, M9 opens a week later; points and steps that are gone."""
    folder = tmp_path / "questionnaires"
    (folder / "protocols").mkdir(parents=True)
    (folder / "instruments").symlink_to(ROOT / "questionnaires" / "instruments")
    original = (ROOT / "questionnaires" / "protocols" / "breclim-2.yaml").read_text()
    (folder / "protocols" / "breclim-2.yaml").write_text(original)
    new = yaml.safe_load(original)
    new |= {"version": "1.1", "amends": {"version": "1.0"}, "effective_on": effective_on}
    points = [one for one in new["timepoints"] if one["code"] not in gone]
    new["reminders"] = [one for one in new["reminders"] if one["code"] not in silent]
    m9 = next(one for one in points if one["code"] == "M9")
    m9["opens"] += 7
    title = {"en": "Questionnaire, month 15", "sv": "Formulär, månad 15"}
    m15 = dict(m9, code="M15", day=456, opens=430, closes=480, title=title)
    points.insert(points.index(m9) + 2, m15)
    new["timepoints"] = points
    text = yaml.safe_dump(new, allow_unicode=True, sort_keys=False)
    (folder / "protocols" / "breclim-2-v1.1.yaml").write_text(text)
    with runtime.writing(SYSTEM) as ctx:
        list(definitions.load(ctx, folder, "breclim-2"))


def manager(client, runtime, **more):
    sign_in(client, make_staff(runtime, "trial-manager", **more))
    return client


def put_in_force(client):
    page = client.get("/staff/amendments").text
    seen = re.search(r'name="seen" value="([^"]+)"', page).group(1)
    return client.post("/staff/amendments/apply", data={"version": "1.1", "seen": seen})


def test_a_version_is_seen_for_each_participant_before_it_is_put_in_force(
    client, runtime, anna, tmp_path
):
    load_amendment(runtime, tmp_path)
    page = manager(client, runtime).get("/staff/amendments").text
    assert "Version 1.1, in place of 1.0" in page
    assert "8 kept, 1 moved, 1 added, 1 dropped" in page
    assert [page.count(f">{word}<") for word in ("moved", "added", "dropped")] == [1, 1, 1]
    assert "Questionnaire, month 15" in page
    with runtime.reading(SYSTEM) as ctx:
        assert ctx.session.scalars(select(Amendment)).all() == []


def test_it_is_put_in_force_recorded_and_taken_back(client, runtime, anna, tmp_path):
    load_amendment(runtime, tmp_path)
    manager(client, runtime)
    assert put_in_force(client).status_code == 302
    page = client.get("/staff/amendments").text
    assert "Version 1.1 is in force." in page
    assert "Test trial-manager" in page
    with runtime.reading(SYSTEM) as ctx:
        row = ctx.session.scalars(select(Amendment)).one()
        assert assessment_of(ctx, anna, "M15").dropped_at is None
    client.post("/staff/amendments/reverse", data={"number": str(row.id)})
    assert "Version 1.1 is taken back." in client.get("/staff/amendments").text
    with runtime.reading(SYSTEM) as ctx:
        assert assessment_of(ctx, anna, "M15").dropped_at is not None
        assert assessment_of(ctx, anna, "M30").dropped_at is None


def test_after_the_first_new_answer_it_stays(client, runtime, anna, tmp_path):
    load_amendment(runtime, tmp_path)
    manager(client, runtime)
    put_in_force(client)
    with runtime.writing(SYSTEM) as ctx:
        ctx.session.get_one(Assessment, assessment_of(ctx, anna, "W6").id).started_at = ctx.now
        number = ctx.session.scalars(select(Amendment.id)).one()
    assert "stays: it has been answered under" in client.get("/staff/amendments").text
    refused = client.post("/staff/amendments/reverse", data={"number": str(number)})
    assert refused.status_code == 422
    assert "cannot be taken back any more" in refused.text


def test_what_has_changed_since_it_was_looked_at_is_looked_at_again(
    client, runtime, anna, tmp_path
):
    load_amendment(runtime, tmp_path)
    manager(client, runtime)
    answer = client.post("/staff/amendments/apply", data={"version": "1.1", "seen": "0:0,0,0,0"})
    assert answer.status_code == 422
    assert "Something has changed since" in answer.text
    with runtime.reading(SYSTEM) as ctx:
        assert ctx.session.scalars(select(Amendment)).all() == []


def test_a_version_of_a_later_day_can_be_seen_but_not_put_in_force(client, runtime, anna, tmp_path):
    load_amendment(runtime, tmp_path, TODAY.replace(year=TODAY.year + 1))
    page = manager(client, runtime, language="sv").get("/staff/amendments").text
    assert "Den kan sättas i kraft från och med den dagen." in page
    assert "Sätt version" not in page
    answer = client.post("/staff/amendments/apply", data={"version": "9.9"})
    assert answer.status_code == 422
    assert "Det finns ingen sådan version." in answer.text


@pytest.fixture
def half_way(runtime):
    """Somebody who has answered W6 and begun M3, and whose M30 is far ahead."""
    with runtime.writing(SYSTEM) as ctx:
        randomised_on = TODAY - timedelta(days=85)
        row = make_participant(
            ctx, consent_on=randomised_on - timedelta(days=7), randomised_on=randomised_on
        )
        done, begun = assessment_of(ctx, row, "W6"), assessment_of(ctx, row, "M3")
        done.started_at = ctx.now - timedelta(days=45)
        ctx.session.add(
            Submission(assessment_id=done.id, receipt="R", submitted_at=done.started_at)
        )
        begun.started_at = ctx.now - timedelta(days=5)
        return row


def test_what_the_new_version_no_longer_knows_is_shown_as_it_was_called(
    client, runtime, half_way, tmp_path
):
    load_amendment(runtime, tmp_path, gone=("W6", "M3", "M30"))
    manager(client, runtime)
    assert put_in_force(client).status_code == 302
    one = f"/staff/participants/{half_way.public_id}"
    for path in ("/staff/", "/staff/participants", "/staff/compliance", "/staff/messages"):
        assert client.get(path).status_code == 200, path
    page = client.get(one)
    assert page.status_code == 200
    assert "Questionnaire, week 6" in page.text
    assert "Questionnaire, month 30" in page.text  # why its messages are not sent
    assert "Questionnaire, month 3" in client.get(f"{one}/timeline").text
    coordinator = new_browser(client.application)
    sign_in(coordinator, make_staff(runtime))
    for path in ("/staff/", "/staff/participants", one, f"{one}/timeline", "/staff/compliance"):
        assert coordinator.get(path).status_code == 200, path
    preview = coordinator.post(f"{one}/events/new/progression", data={"on": str(TODAY)})
    assert preview.status_code == 200
    assert "Questionnaire, month 3" in preview.text


def test_a_message_about_what_was_begun_goes_and_a_step_that_is_gone_does_not(
    client, runtime, half_way, tmp_path, clock
):
    email = Provider(lambda n: TryAgainLater("busy") if n == 0 else None)
    worker = make_worker(runtime, email=email)
    tick(worker)
    assert statuses(runtime)["day-7"] == "claimed"
    load_amendment(runtime, tmp_path, gone=("M3", "M30"), silent=("day-7",))
    manager(client, runtime)
    assert put_in_force(client).status_code == 302
    clock.move(hours=1)
    tick(worker)
    assert statuses(runtime)["day-7"] == "skipped"
    assert email.taken == []
    live(worker, clock, days=25)
    (message,) = email.taken
    assert message.subject == "Bara lite kvar av ditt formulär"
    assert b"m\xc3\xa5nad 3" in message.attachments[0].content
    assert not open_tasks(runtime) or open_tasks(runtime) == ["call"]
