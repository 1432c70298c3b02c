"""Every route x every role x own, other and no site x every id in its address.

Routes are found by themselves. One with a new kind of id in its address fails here until
``IDS`` says how to make that id for a participant of one's own site and of another's.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from flask import Flask, session
from flask.testing import FlaskClient
from sqlalchemy import delete, select
from werkzeug.routing import Rule

from qol_app.db.tables import Assessment, Participant, ParticipantEvent, Site, StaffSite, Task
from qol_app.permissions import ALL_SITES, ROLES, may
from qol_app.services.context import Actor
from qol_app.services.staff import STAFF_ROLES
from qol_app.web.visitor import begin_session
from tests.conftest import DEPLOYMENT, told_on
from tests.staff_factories import TODAY, make_participant, make_staff, new_browser, sign_in

# The engine of the deployment: here every page is opened on it at least once.
pytestmark = pytest.mark.parametrize("database_url", told_on(DEPLOYMENT), indirect=True)

SYSTEM = Actor.system("tests")
SITES = ("UME", "GBG", "KAR", "LIN", "LUN", "UPP")
# Their own tests show that a link or a session of somebody else opens nothing.
ELSEWHERE = ("static", "participant")


@dataclass(frozen=True)
class Things:
    """What one participant has that an address can name."""

    participant: Participant
    event: ParticipantEvent
    assessment: Assessment
    task: Task


# How each id in an address is made from a participant's things.
IDS: Mapping[str, Callable[[Things], Any]] = {
    "public_id": lambda things: things.participant.public_id,
    "event_id": lambda things: things.event.id,
    "assessment_id": lambda things: things.assessment.public_id,
    "task_id": lambda things: things.task.id,
}
UNKNOWN: Mapping[str, Any] = {
    "public_id": "AAAAAAAAAAAAAAAA",
    "event_id": 987_654,
    "assessment_id": "AAAAAAAAAAAAAAAA",
    "task_id": 987_654,
    "staff_id": "AAAAAAAAAAAAAAAA",
}
# Words in an address that are no ids; any known one will do.
WORDS: Mapping[str, str] = {"kind": "progression"}


@pytest.fixture
def app(app):
    app.config["WTF_CSRF_ENABLED"] = False
    return app


def make_things(ctx, site: str) -> Things:
    row = make_participant(ctx, f"{site}-001", site, randomised_on=TODAY)
    first = select(Assessment).where(Assessment.participant_id == row.id).order_by(Assessment.id)
    assessment = ctx.session.scalars(first).first()
    task = Task(participant_id=row.id, assessment_id=assessment.id, kind="call", opened_at=ctx.now)
    ctx.session.add(task)
    ctx.session.flush()
    found = select(ParticipantEvent).where(ParticipantEvent.participant_id == row.id)
    return Things(row, ctx.session.scalars(found).first(), assessment, task)


@pytest.fixture
def things(runtime) -> dict[str, Things]:
    with runtime.writing(SYSTEM) as ctx:
        return {site: make_things(ctx, site) for site in SITES}


def routes(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    """Yield every route with one of its methods and the right it needs."""
    for rule in app.url_map.iter_rules():
        right = app.view_functions[rule.endpoint].right
        if right != "public" and rule.endpoint.split(".")[0] not in ELSEWHERE:
            for method in sorted(rule.methods & {"GET", "POST"}):
                # Signing out ends the browser's session: it has a test of its own.
                if rule.endpoint != "auth.sign_out":
                    yield rule, method, right


def address(app: Flask, rule: Rule, values: Mapping[str, Any]) -> str:
    missing = rule.arguments - set(values) - set(WORDS)
    assert not missing, f"{rule.rule}: say in IDS how to make {', '.join(missing)}"
    with app.test_request_context(base_url="https://localhost"):
        wanted = {name: {**WORDS, **values}[name] for name in rule.arguments}
        return app.url_map.bind("localhost").build(rule.endpoint, wanted)


def browser(app: Flask, runtime, role: str, sites: tuple[str, ...]) -> FlaskClient:
    client = new_browser(app)
    known = make_staff(runtime, role, sites or ("UME",), email=f"{role}.{len(sites)}@example.org")
    if not sites:
        with runtime.writing(SYSTEM) as ctx:
            ctx.session.execute(delete(StaffSite).where(StaffSite.staff_id == known.staff.id))
    assert sign_in(client, known).status_code == 302
    return client


@pytest.mark.requirement("Z2")
@pytest.mark.parametrize("role", STAFF_ROLES)
@pytest.mark.parametrize("sites", [("UME",), ()], ids=["one site", "no site"])
def test_each_role_reaches_what_it_may_and_nothing_of_another_site(
    app, runtime, things, role, sites
):
    target = make_staff(runtime, "coordinator", ("GBG",), email="target@example.org").staff
    client = browser(app, runtime, role, sites)
    nowhere = client.get("/staff/there-is-no-such-page")
    assert nowhere.status_code == 404
    wrong = []
    for rule, method, right in routes(app):
        for whose, hidden in cases(rule, role, right, bool(sites)):
            values = {**ids_of(things, whose), "staff_id": target.public_id}
            values |= UNKNOWN if whose == "unknown" else {}
            where = address(app, rule, values)
            response = client.open(where, method=method)
            same = response.status_code == 404 and response.data == nowhere.data
            if hidden is not same or response.status_code >= 500:
                wrong.append(f"{method} {where} ({whose}): {response.status_code}")
    assert not wrong, "\n".join(wrong)


def ids_of(things: Mapping[str, Things], whose: str) -> dict[str, Any]:
    return {name: make(things[whose]) for name, make in IDS.items() if whose in things}


def cases(rule: Rule, role: str, right: str, has_site: bool) -> Iterator[tuple[str, bool]]:
    """Yield whose ids to try, and whether the page must look as if it were not there."""
    scoped = role not in ALL_SITES
    personal = bool(rule.arguments & set(IDS))
    allowed = may(role, right)
    yield "UME", not allowed or (personal and scoped and not has_site)
    if personal:
        # One of the five others for each route, another one for the next.
        other = SITES[1 + sum(map(ord, rule.rule)) % (len(SITES) - 1)]
        yield other, not allowed or scoped
    if rule.arguments & set(UNKNOWN):
        yield "unknown", True


@pytest.mark.requirement("Z2")
def test_ids_of_two_participants_cannot_be_mixed(app, runtime, things):
    client = browser(app, runtime, "coordinator", ("UME", "LUN"))
    own, other = ids_of(things, "UME"), ids_of(things, "LUN")
    tried = 0
    for rule, method, right in routes(app):
        names = sorted(rule.arguments & set(IDS))
        if len(names) < 2 or not may("coordinator", right):
            continue
        for choice in product((own, other), repeat=len(names)):
            if len({id(one) for one in choice}) == 1:
                continue
            values = {name: one[name] for name, one in zip(names, choice, strict=True)}
            assert client.open(address(app, rule, values), method=method).status_code == 404
            tried += 1
    assert tried >= 6


@pytest.mark.requirement("Z2")
def test_no_page_names_a_participant_of_another_site(app, runtime, things):
    role = "investigator"  # may open every page that a coordinator may, and the trail
    assert ROLES["coordinator"] <= ROLES[role]
    for site in SITES:
        client = new_browser(app)
        known = make_staff(runtime, role, (site,), email=f"{role}.{site}@example.org".lower())
        sign_in(client, known)
        others = {f"{other}-001" for other in SITES if other != site}
        own_id = things[site].participant.public_id
        for rule, method, right in routes(app):
            if method != "GET" or not may(role, right):
                continue
            values = ids_of(things, site)
            other = min(set(SITES) - {site})
            for query in ("",) if rule.arguments else ("", f"?site={other}", f"?q={other}"):
                page = client.get(address(app, rule, values) + query)
                assert not [one for one in others if one in page.text], page.request.path
        assert own_id in client.get("/staff/participants").text


@pytest.mark.requirement("Z2", "A3")
def test_nobody_signed_in_is_sent_to_the_sign_in_page(app, things):
    client = new_browser(app)
    values = {**ids_of(things, "UME"), "staff_id": UNKNOWN["staff_id"]}
    for rule, method, _right in routes(app):
        response = client.open(address(app, rule, values), method=method)
        assert response.status_code == 302, rule.rule
        assert "/staff/sign-in" in response.location


@pytest.mark.requirement("Z2")
def test_a_participant_finds_no_staff_page(app, runtime, things):
    client = new_browser(app)
    token = participant_session(app, runtime, client, things["UME"].participant)
    assert token
    values = {**ids_of(things, "UME"), "staff_id": UNKNOWN["staff_id"]}
    for rule, method, right in routes(app):
        assert not may("participant", right)
        assert client.open(address(app, rule, values), method=method).status_code == 404


def participant_session(app, runtime, client, row):
    """Sign a participant's browser in, as the page with the PIN does."""
    with app.test_request_context(base_url="https://localhost"):
        with runtime.writing(SYSTEM) as ctx:
            begin_session(ctx, participant_id=row.id)
        token = session["sid"]
    with client.session_transaction(base_url="https://localhost") as stored:
        stored["sid"] = token
    return token


@pytest.mark.requirement("Z7")
def test_no_right_of_staff_lets_anybody_change_an_answer(app):
    assert [role for role in ROLES if may(role, "own:answer")] == ["participant"]
    writing = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "POST" in rule.methods and app.view_functions[rule.endpoint].right == "own:answer"
    ]
    assert all(endpoint.startswith("participant.") for endpoint in writing)


@pytest.mark.requirement("Z5")
@pytest.mark.parametrize("role", ["statistician", "trial-manager", "inspector", "administrator"])
def test_who_analyses_never_sees_identity(app, runtime, things, role):
    client = browser(app, runtime, role, ())
    values = {**ids_of(things, "UME"), "staff_id": UNKNOWN["staff_id"]}
    for rule, method, _right in routes(app):
        page = client.open(address(app, rule, values), method=method)
        for plain in ("Exempel", "701740605", "174 06 05", "anna@example.org"):
            assert plain not in page.text, rule.rule


@pytest.mark.requirement("Z5")
def test_the_arm_is_hidden_from_who_sees_only_pooled_results(app, runtime, things):
    where = f"/staff/participants/{things['UME'].participant.public_id}"
    for role, sees in (("trial-manager", False), ("statistician", True), ("coordinator", True)):
        page = browser(app, runtime, role, ("UME",)).get(where).text
        assert ("Arm: A" in page) is sees


@pytest.mark.requirement("Z5")
@pytest.mark.parametrize("role", STAFF_ROLES)
def test_only_who_may_sees_rates_by_arm(app, runtime, things, role):
    page = browser(app, runtime, role, ("UME",)).get("/staff/compliance").text
    assert ("By arm" in page) is may(role, "compliance:by-arm")


def test_all_six_sites_are_those_of_the_protocol(runtime):
    with runtime.reading(SYSTEM) as ctx:
        assert sorted(ctx.session.scalars(select(Site.code))) == sorted(SITES)
