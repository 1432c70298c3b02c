"""The ledger as staff see it: on the participant's page, day by day, and as a file."""

import csv
import io

import pytest
from sqlalchemy import select

from qol_app.db.tables import AuditEvent, Participant
from qol_app.services import follow_up
from tests.messaging import TESTS, Provider, enrol, happen, make_worker, submit, tick
from tests.staff_factories import TODAY, make_staff, sign_in


@pytest.fixture
def app(app):
    app.config["WTF_CSRF_ENABLED"] = False
    return app


@pytest.fixture
def browser(client, runtime):
    def signed_in(role="coordinator"):
        assert sign_in(client, make_staff(runtime, role)).status_code == 302
        return client

    return signed_in


@pytest.fixture
def contacted(runtime):
    """One who answered after the first message, and one of another site who is written to."""
    runtime.settings.__dict__["smtp_url"] = "smtp://mail.example.org"
    answered = enrol(runtime)
    enrol(runtime, "GBG-001", site="GBG")
    worker = make_worker(runtime, email=Provider())
    tick(worker)
    submit(runtime, answered)
    return worker


def page_of(client, number="UME-001"):
    found = client.get("/staff/participants").text
    where = found.split(f">{number}</a>")[0].rpartition('href="')[2].partition('"')[0]
    return client.get(where).text


def test_a_participants_page_shows_how_far_every_step_came(contacted, browser):
    text = " ".join(page_of(browser()).split())
    lines = text.partition('id="messages"')[2].partition("</section>")[0]
    assert "2026-11-23 10:00" in lines
    assert "<td>Invitation</td><td>E-mail</td>" in lines
    assert "opening" not in lines
    assert "Sent" in lines
    assert "Not needed" in lines
    assert "Answered already" in lines


def test_why_a_message_waits_is_said_in_the_words_of_the_protocol(contacted, runtime, browser):
    other = enrol(runtime, "UME-002")
    happen(runtime, other, "hold", TODAY, reason="in_hospital", until="2026-12-01")
    assert "In hospital" in page_of(browser(), "UME-002")


def test_each_day_is_counted_and_an_imbalance_is_named(contacted, runtime, browser, clock):
    client = browser()
    text = client.get("/staff/messages").text
    assert "The books do not agree" not in text
    assert "2026-11-23" in text
    enrol(runtime, "UME-009")
    clock.move(minutes=16)  # and no worker
    text = client.get("/staff/messages").text
    assert "The books do not agree" in text
    assert "UME-009 T0 opening: expected" in text


@pytest.mark.requirement("Z2")
def test_the_file_holds_the_lines_of_ones_own_sites_and_leaves_a_trace(contacted, runtime, browser):
    response = browser().post("/staff/messages.csv")
    assert response.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert {row["study_number"] for row in rows} == {"UME-001"}
    assert [row["status"] for row in rows if row["step"] == "opening"] == ["handed_over"]
    with runtime.reading(TESTS) as ctx:
        (event,) = ctx.session.scalars(select(AuditEvent).filter_by(action="export.ledger"))
    assert event.new == {"lines": len(rows)}


@pytest.mark.requirement("Z2")
def test_the_balance_speaks_only_of_ones_own_sites(contacted, runtime, browser, clock):
    client = browser()
    enrol(runtime, "GBG-009", site="GBG")
    clock.move(minutes=16)
    with runtime.database.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE reminder SET status = 'uncertain'")
        connection.exec_driver_sql("UPDATE delivery SET reference = 'f.' || id")
        connection.commit()
    text = client.get("/staff/messages").text
    assert "UME-001 T0 opening by email: is uncertain, but no attempt says so" in text
    assert "UME-001 T0 opening by email: the trail never saw attempt" in text
    assert "GBG-0" not in text


def test_two_empty_questionnaires_and_a_failed_call_ask_whether_contact_is_lost(
    runtime, browser, clock
):
    clock.move(days=-120)
    day = clock.now.date()
    participant = enrol(runtime, "UME-005", consent_on=day, randomised_on=day)
    clock.move(days=120)  # T0, W6 and M3 have closed empty
    client = browser()
    assert "Perhaps lost" not in page_of(client, "UME-005")
    with runtime.writing(TESTS) as ctx:
        row = ctx.session.get_one(Participant, participant)
        follow_up.log_attempt(ctx, row, "phone", "no_answer")
    assert "Perhaps lost" in page_of(client, "UME-005")
