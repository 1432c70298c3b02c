"""The audit trail, colleagues and one's own settings."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from qol_app.db.tables import AuditEvent, Participant, Staff
from qol_app.permissions import ROLES, may
from qol_app.services import audit, trail
from qol_app.services.context import Actor
from qol_app.services.staff import STAFF_ROLES
from tests.staff_factories import (
    PASSWORD,
    TODAY,
    make_participant,
    make_staff,
    new_browser,
    sign_in,
)

SYSTEM = Actor.system("tests")


@pytest.fixture
def app(app):
    app.config["WTF_CSRF_ENABLED"] = False
    return app


@pytest.fixture
def administrator(client, runtime):
    known = make_staff(runtime, "administrator", ())
    assert sign_in(client, known).status_code == 302
    return known


def staff_of(runtime, email):
    with runtime.reading(SYSTEM) as ctx:
        return ctx.session.scalars(select(Staff).where(Staff.email == email)).one()


# --- the trail -------------------------------------------------------------------------


@pytest.fixture
def two_sites(runtime):
    with runtime.writing(SYSTEM) as ctx:
        make_participant(ctx, "UME-001", "UME")
        make_participant(ctx, "LUN-001", "LUN")


@pytest.mark.requirement("T1", "Z2")
def test_an_investigator_reads_the_trail_of_their_sites_only(client, runtime, two_sites):
    sign_in(client, make_staff(runtime, "investigator", ("UME",)))
    page = client.get("/staff/audit").text
    assert "UME-001" in page
    assert "LUN" not in page
    for more in ("?site=LUN", "?action=staff.add"):
        refused = client.get(f"/staff/audit{more}")
        assert refused.status_code == 422
        assert "LUN-001" not in refused.text


@pytest.mark.requirement("T1")
def test_an_inspector_reads_all_of_it(client, runtime, two_sites):
    sign_in(client, make_staff(runtime, "inspector", ()))
    page = client.get("/staff/audit").text
    for words in ("UME-001", "LUN-001", "staff.add", "sign-in", "Test inspector"):
        assert words in page


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ({"action": "participant.enrol"}, "participant.enrol</td>", "event.record</td>"),
        ({"site": "LUN"}, "LUN-001", "UME-001"),
        ({"since": str(TODAY + timedelta(days=1))}, "Nothing found.", "participant.enrol</td>"),
        ({"until": str(TODAY)}, "participant.enrol</td>", "Nothing found."),
        ({"until": str(TODAY - timedelta(days=1))}, "Nothing found.", "participant.enrol</td>"),
        ({"subject": "no such row"}, "Nothing found.", "participant.enrol</td>"),
    ],
)
def test_the_trail_can_be_narrowed_down(client, runtime, two_sites, query, shown, hidden):
    sign_in(client, make_staff(runtime, "inspector", ()))
    page = client.get("/staff/audit", query_string=query).text
    assert shown in page
    assert hidden not in page


@pytest.mark.parametrize(
    "query",
    ["since=tomorrow", "action=x", "site=x", "subject=" + "x" * 5000, "subject=%00%ED%A0%80"],
)
def test_an_odd_filter_is_answered_calmly(client, runtime, two_sites, query):
    sign_in(client, make_staff(runtime, "inspector", ()))
    assert client.get(f"/staff/audit?{query}").status_code in (200, 422)


@pytest.mark.parametrize("before", ["x", "-1", "9" * 40, "%00", "1e3"])
def test_an_odd_page_number_is_answered_calmly(client, runtime, two_sites, before):
    sign_in(client, make_staff(runtime, "inspector", ()))
    assert client.get(f"/staff/audit?before={before}").status_code == 200


def test_the_trail_is_read_page_by_page_without_a_gap(client, runtime):
    with runtime.writing(SYSTEM) as ctx:
        for n in range(2 * trail.PAGE + 10):
            audit.record(ctx, "test.count", "test", n)
    sign_in(client, make_staff(runtime, "inspector", ()))
    seen, where = [], "/staff/audit?action=test.count"
    while where:
        page = client.get(where).text
        seen += re.findall(r'test<br><span class="soft small break">(\d+)</span>', page)
        older = re.search(r'href="([^"]*before=\d+[^"]*)"', page)
        where = older.group(1).replace("&amp;", "&") if older else None
    assert [int(one) for one in seen] == list(reversed(range(2 * trail.PAGE + 10)))


# --- colleagues ------------------------------------------------------------------------

NEW = {"name": "Åsa Ny", "email": "Asa@Example.org", "role": "coordinator", "sites": ["UME", "LUN"]}


@pytest.mark.requirement("A12", "T1")
def test_an_administrator_adds_a_colleague_who_can_then_sign_in(
    client, app, administrator, runtime, clock
):
    page = client.post("/staff/colleagues/new", data=NEW)
    assert page.status_code == 200
    password = re.search(r'Password: <strong class="sheet-link">([^<]+)<', page.text).group(1)
    secret = re.search(r'<p class="sheet-link">([A-Z2-7]{32})</p>', page.text).group(1)
    row = staff_of(runtime, "asa@example.org")
    assert row.role == "coordinator"
    known = type(administrator)(row, password, secret)
    assert sign_in(new_browser(app), known, clock()).status_code == 302
    assert password not in client.get("/staff/colleagues").text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"email": "Administrator.all@example.org"}, "Somebody with this address is here already."),
        ({"email": "x"}, "This is not one e-mail address."),
        ({"name": ""}, "Please fill this in."),
        ({"role": "participant"}, "Not a valid choice"),
        ({"role": "root"}, "Not a valid choice"),
        ({"sites": []}, "Choose at least one site."),
        ({"sites": ["XXX"]}, "valid choice"),
        ({"role": "statistician"}, "This role works across all sites: leave them empty."),
    ],
)
def test_a_wrong_colleague_is_refused_at_the_field(client, administrator, runtime, change, words):
    page = client.post("/staff/colleagues/new", data={**NEW, **change})
    assert page.status_code == 422
    assert words in page.text
    with runtime.reading(SYSTEM) as ctx:
        assert len(ctx.session.scalars(select(Staff)).all()) == 1


@pytest.mark.requirement("A13")
def test_rights_access_and_its_end_are_changed_from_one_page(client, administrator, runtime):
    known = make_staff(runtime)
    where = f"/staff/colleagues/{known.staff.public_id}"
    assert "checked" in client.get(where).text
    data = {"role": "investigator", "sites": ["LUN"]}
    assert client.post(where, data=data).status_code == 302
    assert staff_of(runtime, known.staff.email).role == "investigator"
    assert client.post(f"{where}/end").status_code == 302
    assert not staff_of(runtime, known.staff.email).active
    assert "access ended" in client.get("/staff/colleagues").text
    assert client.post(f"{where}/again").status_code == 302
    assert staff_of(runtime, known.staff.email).active


def test_the_last_administrator_stays(client, administrator, runtime):
    where = f"/staff/colleagues/{administrator.staff.public_id}"
    for path, data in ((f"{where}/end", {}), (where, {"role": "inspector"})):
        page = client.post(path, data=data)
        assert page.status_code == 422
        assert "last active administrator" in page.text
    assert staff_of(runtime, administrator.staff.email).active


@pytest.mark.requirement("A11")
def test_changing_rights_wants_a_fresh_code(client, administrator, runtime, clock):
    known = make_staff(runtime)
    where = f"/staff/colleagues/{known.staff.public_id}"
    for _ in range(2):
        clock.move(minutes=11)
        client.get("/staff/colleagues")
    assert "/staff/confirm" in client.post(f"{where}/end").location
    assert staff_of(runtime, known.staff.email).active


# --- one's own settings ----------------------------------------------------------------


@pytest.mark.parametrize(("language", "words"), [("sv", "Dina inst"), ("en", "Your settings")])
def test_each_reads_the_pages_in_their_own_language(client, runtime, language, words):
    sign_in(client, make_staff(runtime, language="en" if language == "sv" else "sv"))
    assert client.post("/staff/account/language", data={"language": language}).status_code == 302
    assert words in client.get("/staff/account").text


def test_an_unknown_language_is_refused(client, runtime):
    sign_in(client, make_staff(runtime))
    assert client.post("/staff/account/language", data={"language": "xx"}).status_code == 422


CHANGE = {"old": PASSWORD, "new": "another four words", "again": "another four words"}


def test_a_new_password_ends_the_other_sessions(client, app, runtime, clock):
    known = make_staff(runtime)
    other = new_browser(app)
    sign_in(other, known)
    clock.move(minutes=1)
    sign_in(client, known, clock())
    assert client.post("/staff/account/password", data=CHANGE).status_code == 302
    assert client.get("/staff/account").status_code == 200
    assert other.get("/staff/account").status_code == 302
    clock.move(minutes=1)
    assert sign_in(other, known, clock()).status_code == 422
    assert sign_in(other, known, clock(), password=CHANGE["new"]).status_code == 302


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"old": "not this one"}, "This is not your present password."),
        ({"again": "something else"}, "The two are not the same."),
        ({"new": "short", "again": "short"}, "Use at least 12 characters"),
        ({"new": "aaaaaaaaaaaaaa", "again": "aaaaaaaaaaaaaa"}, "This is too easy to guess."),
        ({"old": ""}, "Please fill this in."),
    ],
)
def test_a_wrong_change_of_password_changes_nothing(client, runtime, change, words):
    known = make_staff(runtime)
    sign_in(client, known)
    page = client.post("/staff/account/password", data={**CHANGE, **change})
    assert page.status_code == 422
    assert words in page.text
    assert staff_of(runtime, known.staff.email).password_hash == known.staff.password_hash


@pytest.mark.requirement("A4")
def test_the_old_password_cannot_be_guessed_from_an_open_session(client, runtime):
    sign_in(client, make_staff(runtime))
    for _ in range(5):
        client.post("/staff/account/password", data={**CHANGE, "old": "wrong wrong wrong"})
    page = client.post("/staff/account/password", data=CHANGE)
    assert page.status_code == 422


@pytest.mark.parametrize("role", STAFF_ROLES)
def test_the_bar_leads_where_a_role_may_go_and_nowhere_else(client, runtime, role):
    sign_in(client, make_staff(runtime, role, ("UME",)))
    page = client.get("/staff/", follow_redirects=True)
    assert page.status_code == 200
    bar = page.text[page.text.index("<header") : page.text.index("</header>")]
    for address in re.findall(r'href="([^"]+)"', bar):
        assert client.get(address).status_code in (200, 302), address
    assert ("/staff/enrol" in bar) is may(role, "participant:enrol")
    assert ("/staff/colleagues" in bar) is may(role, "staff:manage")
    assert set(ROLES) >= {role}


def test_an_empty_study_is_said_to_be_empty(client, runtime):
    sign_in(client, make_staff(runtime))
    for where in ("/staff/", "/staff/compliance", "/staff/participants"):
        assert client.get(where).status_code == 200
    with runtime.reading(SYSTEM) as ctx:
        assert ctx.session.scalars(select(Participant)).all() == []
        assert ctx.session.scalars(select(AuditEvent)).first() is not None
