"""Enrolling, handing over, recording events and following up, as a coordinator does it."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from qol_app.crypto import token_hash
from qol_app.db.tables import (
    AccessLink,
    AccessPin,
    Assessment,
    AuditEvent,
    Contact,
    ContactAttempt,
    MissingReason,
    Participant,
    ParticipantEvent,
    Task,
)
from qol_app.services import access
from qol_app.services.context import Actor
from tests.staff_factories import TODAY, make_participant, make_staff, sign_in

SYSTEM = Actor.system("tests")
ENROLMENT = {
    "study_number": "UME-007",
    "site": "UME",
    "language": "sv",
    "name": "Åsa Öberg",
    "phone": "070-174 06 05",
    "email": "asa@example.org",
    "consent_on": str(TODAY),
}


@pytest.fixture
def app(app):
    app.config["WTF_CSRF_ENABLED"] = False
    return app


@pytest.fixture
def coordinator(client, runtime):
    known = make_staff(runtime)
    assert sign_in(client, known).status_code == 302
    return known


@pytest.fixture
def anna(runtime):
    with runtime.writing(SYSTEM) as ctx:
        return make_participant(ctx)


def rows(runtime, query):
    with runtime.reading(SYSTEM) as ctx:
        return ctx.session.scalars(query).all()


def actions(runtime):
    return rows(runtime, select(AuditEvent.action).order_by(AuditEvent.id))


@pytest.mark.requirement("T1")
def test_enrolling_shows_link_qr_and_pin_once(client, coordinator, runtime):
    page = client.post("/staff/enrol", data=ENROLMENT)
    assert page.status_code == 200
    token = re.search(r"https://qol\.example\.org/a/([\w-]{43})<", page.text).group(1)
    pin = "".join(re.search(r'class="sheet-pin">(\d{3}) (\d{3})<', page.text).groups())
    assert '<svg class="qr"' in page.text or 'class="qr"' in page.text
    with runtime.reading(SYSTEM) as ctx:
        row = ctx.session.scalars(select(Participant)).one()
        assert (row.study_number, row.language, row.enrolled_by) == (
            "UME-007",
            "sv",
            coordinator.staff.id,
        )
        link = ctx.session.scalars(select(AccessLink)).one()
        assert link.token_hash == token_hash(token)
        stored = ctx.session.get_one(AccessPin, row.id).pin_hash
        assert ctx.hasher.matches(stored, pin)
    again = client.get(f"/staff/participants/{row.public_id}").text
    assert token not in again
    assert pin not in again
    assert {"participant.enrol", "event.record", "link.issue", "pin.set"} <= set(actions(runtime))


@pytest.mark.requirement("C1", "C2")
def test_identity_is_stored_encrypted_and_apart(client, coordinator, runtime):
    client.post("/staff/enrol", data=ENROLMENT)
    contact = rows(runtime, select(Contact))[0]
    for envelope in (contact.name, contact.phone, contact.email):
        assert envelope.startswith("v1.k1.")
    page = client.get("/staff/participants").text
    for plain in ("Öberg", "174 06 05", "+46701740605", "asa@example.org"):
        assert plain not in page


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"study_number": ""}, "Please fill this in."),
        ({"study_number": "umu 7"}, "Use capital letters, digits and hyphens"),
        ({"study_number": "X" * 32}, "at most 31 characters"),
        ({"phone": "", "email": ""}, "Give a telephone number, an e-mail address, or both."),
        ({"phone": "12"}, "This is not a telephone number."),
        ({"email": "a@b.se, c@d.se"}, "This is not one e-mail address."),
        ({"email": "a@b.se\nBcc: x@y.se"}, "This is not one e-mail address."),
        ({"consent_on": "tomorrow"}, "Not a valid date value"),
        ({"consent_on": str(TODAY + timedelta(days=1))}, "This day lies in the future."),
        ({"consent_on": "2019-09-05"}, "This day is before the study started."),
        ({"language": "fi"}, "Not a valid choice"),
        ({"language": None}, "Please fill this in."),
        ({"site": "LUN"}, "Not a valid choice"),
        ({"name": "x" * 10_000}, "at most 100 characters"),
    ],
)
def test_a_wrong_enrolment_names_the_field_keeps_the_rest_and_stores_nothing(
    client, coordinator, runtime, change, words
):
    data = {key: value for key, value in {**ENROLMENT, **change}.items() if value is not None}
    page = client.post("/staff/enrol", data=data)
    assert page.status_code == 422
    assert words in page.text
    assert "asa@example.org" in page.text or "email" in change
    assert rows(runtime, select(Participant)) == []
    assert rows(runtime, select(Contact)) == []


def test_a_number_in_use_is_refused_at_its_field(client, coordinator, anna):
    page = client.post("/staff/enrol", data={**ENROLMENT, "study_number": anna.study_number})
    assert page.status_code == 422
    assert "This study number is in use already." in page.text


@pytest.mark.requirement("Z5")
def test_fields_the_form_does_not_show_cannot_be_set(client, coordinator, runtime):
    more = {"id": "999", "public_id": "chosen", "enrolled_by": "1", "identity_ref": "chosen"}
    client.post("/staff/enrol", data={**ENROLMENT, **more, "enrolled_at": "2000-01-01"})
    row = rows(runtime, select(Participant))[0]
    assert row.id != 999
    assert "chosen" not in (row.public_id, row.identity_ref)
    assert row.enrolled_at.year == TODAY.year


@pytest.mark.parametrize(
    ("what", "link", "pin"), [("both", True, True), ("link", True, False), ("pin", False, True)]
)
def test_a_new_link_ends_the_old_one(client, coordinator, anna, runtime, what, link, pin):
    with runtime.writing(SYSTEM) as ctx:
        old = access.issue_link(ctx, anna)
        access.set_pin(ctx, anna)
    page = client.post(f"/staff/participants/{anna.public_id}/hand-over", data={"what": what})
    assert page.status_code == 200
    assert ("/a/" in page.text) is link
    assert ("sheet-pin" in page.text) is pin
    revoked = select(AccessLink.revoked_at).where(AccessLink.token_hash == token_hash(old))
    assert (rows(runtime, revoked)[0] is not None) is link


def test_handing_over_something_else_is_refused(client, coordinator, anna):
    page = client.post(f"/staff/participants/{anna.public_id}/hand-over", data={"what": "x"})
    assert page.status_code == 422


@pytest.mark.requirement("T1", "A3")
def test_contact_details_are_shown_on_demand_and_that_is_recorded(
    client, coordinator, anna, runtime
):
    where = f"/staff/participants/{anna.public_id}"
    assert "Anna Exempel" not in client.get(where).text
    assert client.get(f"{where}/contact").status_code == 405
    assert "identity.read" not in actions(runtime)
    page = client.post(f"{where}/contact")
    assert "Anna Exempel" in page.text
    assert 'href="tel:+46701740605"' in page.text
    event = rows(runtime, select(AuditEvent).where(AuditEvent.action == "identity.read"))[0]
    assert (event.actor, event.site) == (f"staff:{coordinator.staff.id}", "UME")


@pytest.mark.requirement("T4")
def test_changed_contact_details_enter_the_trail_as_ciphertext(client, coordinator, anna, runtime):
    where = f"/staff/participants/{anna.public_id}"
    data = {"name": "Anna Annan", "phone": "", "email": "annan@example.org"}
    assert client.post(f"{where}/contact/change", data=data).status_code == 302
    assert "Anna Annan" in client.post(f"{where}/contact").text
    event = rows(runtime, select(AuditEvent).where(AuditEvent.action == "identity.change"))[0]
    for envelope in (*event.old.values(), *event.new.values()):
        assert envelope is None or envelope.startswith("v1.k1.")


@pytest.mark.requirement("A11")
def test_changing_contact_details_wants_a_fresh_code(client, coordinator, anna, clock):
    where = f"/staff/participants/{anna.public_id}/contact/change"
    clock.move(minutes=15)
    assert "/staff/confirm" in client.get(where).location
    assert client.post(where, data={"email": "a@b.se"}).status_code == 302
    clock.move(minutes=6)
    assert "/staff/" in client.post(where, data={"email": "a@b.se"}).location


def test_an_event_is_previewed_then_saved(client, coordinator, anna, runtime):
    where = f"/staff/participants/{anna.public_id}/events/new/randomisation"
    assert "systemic" in client.get(where).text.lower()
    data = {"on": str(TODAY), "detail_arm": "A"}
    preview = client.post(where, data=data)
    assert preview.status_code == 200
    assert preview.text.count(">added<") == 9
    assert preview.text.count(">moved<") == 1
    assert len(rows(runtime, select(ParticipantEvent))) == 1
    assert client.post(where, data={**data, "step": "save"}).status_code == 302
    kinds = rows(runtime, select(ParticipantEvent.kind).order_by(ParticipantEvent.id))
    assert kinds == ["consent", "randomisation"]
    assert len(rows(runtime, select(Assessment))) == 10


def test_what_cannot_be_is_refused_in_words_however_often_it_is_sent(
    client, coordinator, anna, runtime
):
    where = f"/staff/participants/{anna.public_id}/events/new/progression"
    data = {"on": str(TODAY + timedelta(days=1)), "step": "save", "confirmed": "y"}
    page = client.post(where, data=data)
    assert page.status_code == 422
    assert "This day lies in the future." in page.text
    assert rows(runtime, select(ParticipantEvent.kind)) == ["consent"]


def test_what_is_doubtful_is_saved_only_when_confirmed(client, coordinator, anna, runtime):
    where = f"/staff/participants/{anna.public_id}/events/new/progression"
    data = {"on": str(TODAY - timedelta(days=60))}
    preview = client.post(where, data=data)
    assert preview.status_code == 200
    assert "This day is before consent. Is the date right?" in preview.text
    unconfirmed = client.post(where, data={**data, "step": "save"})
    assert unconfirmed.status_code == 422
    assert "Tick the box" in unconfirmed.text
    assert rows(runtime, select(ParticipantEvent.kind)) == ["consent"]
    assert client.post(where, data={**data, "step": "save", "confirmed": "y"}).status_code == 302
    assert len(rows(runtime, select(ParticipantEvent))) == 2


@pytest.mark.requirement("T6")
def test_a_correction_wants_a_reason_and_shows_what_moves(client, coordinator, runtime):
    with runtime.writing(SYSTEM) as ctx:
        row = make_participant(ctx, randomised_on=TODAY - timedelta(days=5))
    event_id = rows(
        runtime, select(ParticipantEvent.id).where(ParticipantEvent.kind == "randomisation")
    )[0]
    where = f"/staff/participants/{row.public_id}/events/{event_id}/correct"
    assert str(TODAY - timedelta(days=5)) in client.get(where).text
    data = {"on": str(TODAY - timedelta(days=4)), "detail_arm": "A", "reason": ""}
    assert "Say in a few words why." in client.post(where, data=data).text
    data["reason"] = "Typed the wrong day"
    preview = client.post(where, data=data)
    assert preview.text.count(">moved<") == 10
    assert client.post(where, data={**data, "step": "save"}).status_code == 302
    event = rows(runtime, select(AuditEvent).where(AuditEvent.action == "event.correct"))[0]
    assert event.reason == "Typed the wrong day"
    page = client.get(f"/staff/participants/{row.public_id}").text
    assert "corrected later" in page
    assert "Typed the wrong day" in page


@pytest.mark.requirement("T6")
def test_taking_back_wants_a_reason_too(client, coordinator, runtime):
    with runtime.writing(SYSTEM) as ctx:
        row = make_participant(ctx, randomised_on=TODAY)
    event_id = rows(
        runtime, select(ParticipantEvent.id).where(ParticipantEvent.kind == "randomisation")
    )[0]
    where = f"/staff/participants/{row.public_id}/events/{event_id}/retract"
    assert client.get(where).text.count(">dropped<") == 9
    assert client.post(where, data={"reason": " "}).status_code == 422
    assert client.post(where, data={"reason": "Another person"}).status_code == 302
    assert "taken back" in client.get(f"/staff/participants/{row.public_id}").text


def test_a_death_is_saved_by_one_post_from_the_participants_page(
    client, coordinator, anna, runtime
):
    page = client.get(f"/staff/participants/{anna.public_id}").text
    assert f'action="/staff/participants/{anna.public_id}/death"' in page
    data = {"on": str(TODAY), "step": "save"}
    assert client.post(f"/staff/participants/{anna.public_id}/death", data=data).status_code == 302
    assert rows(runtime, select(ParticipantEvent.kind))[-1] == "death"
    assert "Has died" in client.get(f"/staff/participants/{anna.public_id}").text


def test_a_pause_keeps_its_last_day_and_reason(client, coordinator, anna, runtime):
    where = f"/staff/participants/{anna.public_id}/events/new/hold"
    until = str(TODAY + timedelta(days=20))
    data = {"on": str(TODAY), "detail_until": until, "detail_reason": "too_ill", "step": "save"}
    assert client.post(where, data=data).status_code == 302
    row = rows(runtime, select(ParticipantEvent).where(ParticipantEvent.kind == "hold"))[0]
    assert row.details == {"until": until, "reason": "too_ill"}
    assert f"Paused until {until}" in client.get(f"/staff/participants/{anna.public_id}").text
    correct = client.get(f"/staff/participants/{anna.public_id}/events/{row.id}/correct")
    assert f'value="{until}"' in correct.text


ADVERSE = {
    "on": str(TODAY),
    "detail_term": " Wound  infection ",
    "detail_grade": "3",
    "detail_clavien_dindo": "IIIa",
}


def test_an_adverse_event_is_asked_for_saved_shown_and_corrected(
    client, coordinator, anna, runtime
):
    where = f"/staff/participants/{anna.public_id}/events/new/adverse_event"
    asked = client.get(where).text
    for words in ("CTCAE term", "CTCAE grade, 1 to 5", "Clavien-Dindo (if it applies)"):
        assert words in asked
    assert re.search(r'<input[^>]*id="detail_grade"[^>]*inputmode="numeric"', asked)
    assert asked.count("<option") == 8
    preview = client.post(where, data=ADVERSE)
    assert preview.status_code == 200
    # Without JavaScript the second post carries what the first page was given.
    hidden = dict(re.findall(r'type="hidden" name="(detail_\w+)" value="([^"]*)"', preview.text))
    saved = client.post(where, data={"on": str(TODAY), **hidden, "step": "save"})
    assert saved.status_code == 302
    [row] = rows(runtime, select(ParticipantEvent).where(ParticipantEvent.kind == "adverse_event"))
    assert row.details == {"term": "Wound infection", "grade": "3", "clavien_dindo": "IIIa"}
    page = client.get(f"/staff/participants/{anna.public_id}").text
    assert "CTCAE term: Wound infection" in page
    assert "CTCAE grade: 3" in page
    assert "Complication of surgery, Clavien-Dindo: Grade IIIa" in page
    _corrected(client, anna, row, runtime)


def _corrected(client, anna, row, runtime):
    where = f"/staff/participants/{anna.public_id}/events/{row.id}/correct"
    before = client.get(where).text
    assert 'value="Wound infection"' in before
    assert re.search(r'<option[^>]*selected[^>]*value="IIIa"', before)
    changed = {**ADVERSE, "detail_clavien_dindo": "", "reason": "Not of surgery", "step": "save"}
    # A second event on one day is asked about; its own correction is not a second one.
    assert client.post(where, data=changed).status_code == 302
    wanted = select(ParticipantEvent).where(ParticipantEvent.replaces_id == row.id)
    assert rows(runtime, wanted)[0].details == {"term": "Wound infection", "grade": "3"}


WRONG_DETAILS = (
    ("detail_term", " ", "Please fill this in."),
    ("detail_term", "x" * 101, "Please write at most 100 characters."),
    ("detail_grade", "", "Please fill this in."),
    ("detail_grade", "6", "Write a whole number from 1 to 5."),
    ("detail_grade", "<b>", "Write a whole number from 1 to 5."),
    ("detail_clavien_dindo", "VI", "Not a valid choice."),
)


def test_a_wrong_detail_is_said_beside_its_field(client, coordinator, anna, runtime):
    where = f"/staff/participants/{anna.public_id}/events/new/adverse_event"
    for name, value, said in WRONG_DETAILS:
        page = client.post(where, data={**ADVERSE, name: value, "step": "save"})
        assert page.status_code == 422, (name, value)
        assert re.search(rf'id="{name}-error">{re.escape(said)}', page.text), (name, value)
        assert "<b>" not in page.text
    assert rows(runtime, select(ParticipantEvent.kind)) == ["consent"]


def test_an_adverse_event_is_asked_for_in_swedish_too(client, runtime, anna):
    sign_in(client, make_staff(runtime, language="sv"))
    where = f"/staff/participants/{anna.public_id}/events/new/adverse_event"
    asked = client.get(where).text
    assert "CTCAE-grad, 1 till 5" in asked
    assert "Kirurgisk komplikation, Clavien-Dindo (om det är aktuellt)" in asked
    assert "Grad IIIa" in asked
    wrong = client.post(where, data={**ADVERSE, "detail_grade": "0"}).text
    assert "Skriv ett heltal från 1 till 5." in wrong


@pytest.mark.parametrize("kind", ["nothing", "a%00b", "../consent"])
def test_an_event_the_protocol_does_not_have_is_not_there(client, coordinator, anna, kind):
    assert client.get(f"/staff/participants/{anna.public_id}/events/new/{kind}").status_code == 404


def closed(runtime):
    """Return someone whose week 6 closed empty, and that assessment."""
    with runtime.writing(SYSTEM) as ctx:
        row = make_participant(
            ctx, consent_on=TODAY - timedelta(days=70), randomised_on=TODAY - timedelta(days=60)
        )
        query = select(Assessment).where(
            Assessment.participant_id == row.id, Assessment.timepoint == "W6"
        )
        return row, ctx.session.scalars(query).one()


def test_a_closed_questionnaire_asks_why_until_somebody_says_so(client, coordinator, runtime):
    _row, assessment = closed(runtime)
    where = f"/staff/assessments/{assessment.public_id}/reason"
    assert where in client.get("/staff/").text
    assert client.post(where, data={"reason": ""}).status_code == 422
    assert client.post(where, data={"reason": "made up"}).status_code == 422
    done = client.post(where, data={"reason": "too_ill", "back": "home"})
    assert done.location == "/staff/"
    assert where not in client.get("/staff/").text
    found = rows(runtime, select(MissingReason))[0]
    assert (found.reason, found.recorded_by) == ("too_ill", coordinator.staff.id)


def test_no_reason_is_taken_while_the_window_is_open(client, coordinator, runtime):
    with runtime.writing(SYSTEM) as ctx:
        make_participant(ctx, randomised_on=TODAY)
    open_one = rows(runtime, select(Assessment).where(Assessment.timepoint == "W6"))[0]
    where = f"/staff/assessments/{open_one.public_id}/reason"
    assert client.post(where, data={"reason": "too_ill"}).status_code == 422
    assert rows(runtime, select(MissingReason)) == []


def test_a_call_is_logged_and_shown_as_the_last_attempt(client, coordinator, runtime):
    row, _assessment = closed(runtime)
    where = f"/staff/participants/{row.public_id}/attempts"
    assert client.post(where, data={"channel": "phone", "outcome": ""}).status_code == 422
    data = {"channel": "phone", "outcome": "no_answer"}
    assert client.post(where, data=data).status_code == 302
    assert rows(runtime, select(ContactAttempt))[0].outcome == "no_answer"
    assert "No answer" in client.get(f"/staff/participants/{row.public_id}").text


def test_a_task_is_done_once_with_a_word_on_what_was_done(client, coordinator, runtime):
    row, assessment = closed(runtime)
    with runtime.writing(SYSTEM) as ctx:
        ctx.session.add(
            Task(participant_id=row.id, assessment_id=assessment.id, kind="call", opened_at=ctx.now)
        )
    task = rows(runtime, select(Task))[0]
    assert "Telephone the participant" in client.get("/staff/").text
    where = f"/staff/participants/{row.public_id}/tasks/{task.id}/done"
    assert client.post(where, data={"outcome": ""}).status_code == 422
    assert client.post(where, data={"outcome": "Spoke"}).status_code == 302
    client.post(where, data={"outcome": "Again"})
    assert rows(runtime, select(Task))[0].outcome == "Spoke"
    for wrong in (task.id + 1, 10**30):
        nowhere = f"/staff/participants/{row.public_id}/tasks/{wrong}/done"
        assert client.post(nowhere, data={"outcome": "x"}).status_code == 404


def test_the_list_finds_by_study_number(client, coordinator, runtime):
    with runtime.writing(SYSTEM) as ctx:
        make_participant(ctx, "UME-001")
        make_participant(ctx, "UME-002")
    found = client.get("/staff/participants?q=ume-002").text
    assert "UME-002" in found
    assert "UME-001" not in found
    for odd in ("%00", "%27%22%3B--", "x" * 5000, "%ED%A0%80"):
        assert client.get(f"/staff/participants?q={odd}").status_code == 200


def test_names_of_nobody_are_not_there(client, coordinator):
    for odd in ("x", "%00", "x" * 3000, "%F0%9F%92%A9"):
        assert client.get(f"/staff/participants/{odd}").status_code == 404
