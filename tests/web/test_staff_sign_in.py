"""Signing in and out of the staff pages."""

import re

import pytest
from sqlalchemy import select

from qol_app.db.tables import AuditEvent, Staff
from qol_app.services import staff as staff_service
from qol_app.services.context import Actor
from tests.conftest import NOW
from tests.staff_factories import make_staff, new_browser, sign_in

SYSTEM = Actor.system("tests")


@pytest.fixture
def app(app):
    app.config["WTF_CSRF_ENABLED"] = False
    return app


@pytest.fixture
def known(runtime):
    return make_staff(runtime)


def sid(client):
    with client.session_transaction(base_url="https://localhost") as session:
        return session["sid"]


@pytest.mark.requirement("A9")
def test_password_and_code_lead_to_the_list_of_the_morning(client, known):
    response = sign_in(client, known)
    assert response.status_code == 302
    assert response.location == "/staff/"
    page = client.get("/staff/")
    assert page.status_code == 200
    assert "Nobody is enrolled yet." in page.text


@pytest.mark.requirement("A8", "A9")
def test_whatever_is_wrong_the_page_is_the_same(client, known):
    wrong = [{"email": "nobody@example.org"}, {"password": "quite another one"}, {"code": "000000"}]
    pages = [sign_in(client, known, **one) for one in wrong]
    assert {page.status_code for page in pages} == {422}
    # What was written comes back, and the form's token tells the second.
    assert len({re.sub(r'value="[^"]*"', "", page.text) for page in pages}) == 1


def test_what_is_left_empty_is_named_at_its_field(client):
    page = client.post("/staff/sign-in?lang=en", data={"email": "", "password": "", "code": ""})
    assert page.status_code == 422
    assert page.text.count("Please fill this in.") >= 3


@pytest.mark.requirement("A5")
def test_signing_in_starts_a_session_of_a_new_number(client, known, clock):
    sign_in(client, known)
    first = sid(client)
    clock.move(minutes=1)
    sign_in(client, known, at=clock())
    assert sid(client) != first


@pytest.mark.requirement("A7")
def test_the_cookie_is_bound_to_this_host_and_hidden_from_scripts(client, known):
    cookie = sign_in(client, known).headers["Set-Cookie"]
    assert cookie.startswith("__Host-qol=")
    for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in cookie
    assert "Domain" not in cookie


@pytest.mark.requirement("A11")
@pytest.mark.parametrize(("minutes", "status"), [(20, 200), (21, 302)])
def test_twenty_idle_minutes_end_a_staff_session(client, known, clock, minutes, status):
    sign_in(client, known)
    clock.move(minutes=minutes)
    assert client.get("/staff/").status_code == status


@pytest.mark.requirement("A11")
def test_ten_hours_end_a_staff_session_however_busy(client, known, clock):
    sign_in(client, known)
    for _ in range(40):
        clock.move(minutes=15)
        assert client.get("/staff/").status_code == 200
    clock.move(minutes=1)
    assert client.get("/staff/").status_code == 302


@pytest.mark.requirement("A13")
def test_ended_access_counts_at_the_next_request(client, known, runtime):
    sign_in(client, known)
    with runtime.writing(SYSTEM) as ctx:
        staff_service.deactivate(ctx, ctx.session.get_one(Staff, known.staff.id))
    response = client.get("/staff/")
    assert response.status_code == 302
    assert response.location.startswith("/staff/sign-in")


@pytest.mark.requirement("A13")
def test_a_right_taken_away_is_gone_at_the_next_request(client, known, runtime):
    sign_in(client, known)
    assert client.get("/staff/enrol").status_code == 200
    with runtime.writing(SYSTEM) as ctx:
        row = ctx.session.get_one(Staff, known.staff.id)
        staff_service.change_rights(ctx, row, "inspector", ())
    assert client.get("/staff/enrol").status_code == 404


@pytest.mark.requirement("A13")
def test_signing_out_ends_the_session_in_every_tab(client, app, known):
    sign_in(client, known)
    other = new_browser(app)
    with other.session_transaction(base_url="https://localhost") as session:
        session["sid"] = sid(client)
    assert other.get("/staff/").status_code == 200
    assert client.post("/staff/sign-out").location == "/staff/sign-in"
    assert other.get("/staff/").status_code == 302


@pytest.mark.requirement("T1")
def test_sign_ins_and_failures_stand_in_the_trail(client, known, runtime):
    sign_in(client, known, code="000000")
    sign_in(client, known)
    client.post("/staff/sign-out")
    with runtime.reading(SYSTEM) as ctx:
        rows = ctx.session.execute(
            select(AuditEvent.action, AuditEvent.actor, AuditEvent.subject_id)
            .where(AuditEvent.action.like("sign-%"))
            .order_by(AuditEvent.id)
        ).all()
    who, ref = f"staff:{known.staff.id}", known.staff.public_id
    assert [tuple(row) for row in rows] == [
        ("sign-in.refused", "staff:unknown", ref),
        ("sign-in", who, ref),
        ("sign-out", who, ref),
    ]


@pytest.mark.parametrize(
    ("wished", "reached"),
    [
        ("/staff/compliance?site=UME", "/staff/compliance?site=UME"),
        ("https://evil.example", "/staff/"),
        ("//evil.example", "/staff/"),
        ("/staff\\evil", "/staff/"),
        ("/staffx", "/staff/"),
        ("/staff/\r\nSet-Cookie: a=b", "/staff/"),
        ("", "/staff/"),
    ],
)
def test_the_way_on_after_signing_in_is_one_of_our_pages(client, known, wished, reached):
    fields = {"email": known.staff.email, "password": known.password, "code": known.code(NOW)}
    response = client.post("/staff/sign-in", query_string={"next": wished}, data=fields)
    assert response.location == reached


def test_a_page_asked_for_without_a_session_is_reached_after_signing_in(client, known):
    asked = client.get("/staff/participants?site=UME")
    assert asked.status_code == 302
    fields = {"email": known.staff.email, "password": known.password, "code": known.code(NOW)}
    assert client.post(asked.location, data=fields).location == "/staff/participants?site=UME"


@pytest.mark.parametrize(("lang", "words"), [("sv", "Logga in"), ("en", "Sign in")])
def test_the_sign_in_page_speaks_both_languages(client, lang, words):
    assert words in client.get(f"/staff/sign-in?lang={lang}").text


@pytest.mark.requirement("A11")
def test_a_sensitive_page_asks_for_a_new_code_after_ten_minutes(client, runtime, clock):
    known = make_staff(runtime, "administrator", ())
    sign_in(client, known)
    assert client.get("/staff/colleagues/new").status_code == 200
    clock.move(minutes=10, seconds=1)
    response = client.get("/staff/colleagues/new")
    assert response.location == "/staff/confirm?next=/staff/colleagues/new"
    wrong = client.post(response.location, data={"code": "000000"})
    assert wrong.status_code == 422
    right = client.post(response.location, data={"code": known.code(clock())})
    assert right.location == "/staff/colleagues/new"
    assert client.get("/staff/colleagues/new").status_code == 200


@pytest.mark.requirement("I8")
def test_a_form_without_its_token_is_refused_in_calm_words(app, known):
    app.config["WTF_CSRF_ENABLED"] = True
    page = sign_in(new_browser(app), known)
    assert page.status_code == 400
    assert "had been open too long" in page.text or "öppen för länge" in page.text
