"""Coming in by link and PIN; coming back; leaving."""

import pytest
from sqlalchemy import select

from qol_app.crypto import token_hash
from qol_app.db.tables import AccessLink, AttemptBudget, Participant, WebSession
from qol_app.services import access, events
from qol_app.services.context import Actor
from tests.argon2_work import argon2_work
from tests.participants import enrolled
from tests.web.browsing import sign_in

ME = Actor.system("tests")


def counts(runtime):
    with runtime.reading(ME) as ctx:
        return len(ctx.session.scalars(select(AttemptBudget)).all()), len(
            ctx.session.scalars(select(WebSession)).all()
        )


@pytest.mark.requirement("A3")
def test_a_hundred_scanners_change_nothing_and_the_person_still_gets_in(
    runtime, open_browser, person
):
    path = f"/a/{person.token}"
    for number in range(100):
        scanner = open_browser()
        method = ("get", "head", "post")[number % 3]
        response = getattr(scanner.client, method)(path)
        assert response.status_code in (200, 400)
    scanner = open_browser()
    scanner.get(f"{path}?lang=en")
    assert scanner.press("Continue").status == 422
    assert counts(runtime) == (0, 0)
    sign_in(open_browser(), person)


@pytest.mark.requirement("A3", "A1")
def test_the_link_works_again_on_another_device(open_browser, person):
    sign_in(open_browser(), person)
    sign_in(open_browser(), person)


@pytest.mark.requirement("A5", "I7")
def test_the_session_is_new_and_the_token_is_gone_from_the_address(client, person, browser):
    browser.get(f"/a/{person.token}")
    before = browser.client.get_cookie("__Host-qol").value
    response = browser.client.post(
        f"/a/{person.token}",
        data={**browser.seen.form().values, "pin": person.pin},
    )
    assert (response.status_code, response.headers["Location"]) == (303, "/home")
    with browser.client.session_transaction() as session:
        assert set(session) <= {"sid", "language", "site", "csrf_token"}
        assert person.token not in str(dict(session))
    assert browser.client.get_cookie("__Host-qol").value != before


@pytest.mark.requirement("A5")
def test_a_number_planted_before_sign_in_is_not_the_session(runtime, browser, person):
    browser.get(f"/a/{person.token}?lang=en")
    with browser.client.session_transaction() as session:
        session["sid"] = "planted"
    browser.press("Continue", pin=person.pin)
    with browser.client.session_transaction() as session:
        assert session["sid"] != "planted"
    with runtime.reading(ME) as ctx:
        assert ctx.session.get(WebSession, token_hash("planted")) is None


@pytest.mark.requirement("A7")
def test_the_cookie_is_bound_to_the_host_and_unreadable_to_scripts(browser, person):
    response = browser.client.get(f"/a/{person.token}")
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-qol=")
    for attribute in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert attribute in cookie
    assert "Domain" not in cookie


@pytest.mark.requirement("A8")
def test_unknown_expired_revoked_and_wrong_look_the_same(runtime, clock, open_browser):
    people = [enrolled(runtime, f"UME-00{number}") for number in (1, 2, 3, 4)]
    with runtime.writing(ME) as ctx:
        links = ctx.session.scalars(select(AccessLink).order_by(AccessLink.id)).all()
        links[1].expires_at = ctx.now
        access.revoke_links(ctx, ctx.session.get_one(Participant, people[2].id))
    tries = [
        ("wrong PIN", people[0].token, "000000"),
        ("expired", people[1].token, people[1].pin),
        ("revoked", people[2].token, people[2].pin),
        ("unknown", "x" * 43, people[0].pin),
        ("used up", people[3].token, people[3].pin),
    ]
    with runtime.writing(ME) as ctx:
        for _ in range(5):
            access.begin(ctx, token_hash(people[3].token))
    pages, first_pages = set(), set()
    for _what, token, pin in tries:
        browser = open_browser()
        first = browser.get(f"/a/{token}?lang=en")
        first_pages.add(_without_secrets(first, token))
        pages.add(_without_secrets(browser.press("Continue", pin=pin), token))
    assert len(first_pages) == len(pages) == 1
    assert next(iter(pages))[0] == 401


def _without_secrets(seen, token):
    html = seen.html.replace(token, "TOKEN")
    for value in [seen.form().values["csrf_token"], *_nonces(html)]:
        html = html.replace(value, "SECRET") if value else html
    return seen.status, html


def _nonces(html):
    return [part.partition('"')[0] for part in html.split('nonce="')[1:]]


@pytest.mark.requirement("A8")
def test_a_link_of_nobody_costs_as_much_as_a_wrong_pin(monkeypatch, open_browser, person):
    worked = argon2_work(monkeypatch)
    for token in (person.token, "nobody"):
        browser = open_browser()
        browser.get(f"/a/{token}?lang=en")
        browser.press("Continue", pin="000000")
    wrong_pin, nobody = worked
    assert nobody == wrong_pin


@pytest.mark.requirement("A5")
@pytest.mark.parametrize(("minutes", "inside"), [(29, True), (31, False)])
def test_a_session_ends_after_half_an_hours_rest(signed_in, clock, minutes, inside):
    clock.move(minutes=minutes)
    assert (signed_in.get("/home").path == "/home") is inside


@pytest.mark.requirement("A5")
def test_a_session_ends_after_four_hours_whatever_happens(signed_in, clock):
    for _ in range(12):
        clock.move(minutes=20)
        assert signed_in.get("/home").path == "/home"
    clock.move(minutes=1)
    assert signed_in.get("/home").path == "/signed-out"


def test_who_was_away_needs_the_pin_again_but_not_the_link(signed_in, clock, person):
    clock.move(hours=2)
    seen = signed_in.get("/home")
    assert seen.path == "/signed-out"
    assert signed_in.press("Continue", pin="000000").status == 401
    assert signed_in.press("Continue", pin=person.pin).path == "/home"


@pytest.mark.requirement("A4")
def test_tries_on_the_signed_out_page_are_counted_like_any_other(signed_in, clock, person):
    clock.move(hours=2)
    signed_in.get("/home")
    for _ in range(5):
        assert signed_in.press("Continue", pin="000000").status == 401
    assert signed_in.press("Continue", pin=person.pin).status == 401


def test_signing_out_ends_the_session_and_forgets_the_browser(signed_in):
    seen = signed_in.press("Sign out")
    assert seen.path == "/goodbye"
    seen = signed_in.get("/home")
    assert seen.path == "/signed-out"
    assert "half an hour" not in seen.text
    assert "open the link" in seen.text
    assert "pin" not in seen.form().values if seen.forms else True


@pytest.mark.requirement("A13")
def test_a_revoked_link_ends_its_sessions_at_the_next_request(runtime, signed_in, person):
    with runtime.writing(ME) as ctx:
        access.revoke_links(ctx, ctx.session.get_one(Participant, person.id))
    assert signed_in.get("/home").path == "/signed-out"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("death", "There are no more questionnaires"),
        ("withdrawal_qol", "You get no more questionnaires"),
        ("withdrawal_all", "You get no more questionnaires"),
        ("end_of_study", "All questionnaires are done"),
    ],
)
def test_who_comes_after_the_end_is_told_kindly(runtime, browser, person, kind, words):
    with runtime.writing(ME) as ctx:
        participant = ctx.session.get_one(Participant, person.id)
        events.record(ctx, participant, kind, ctx.today("Europe/Stockholm"), confirmed=True)
    seen = sign_in(browser, person)
    assert words in seen.text
    for unkind in ("dead", "death", "died", "deceased", "withdr"):
        assert unkind not in seen.text.lower()
    assert "08-465 004 01" in seen.text
    assert words in browser.get(f"/q/{person.ref}/qlq-c30/q1").text


def test_the_pin_may_be_written_with_blanks(browser, person):
    browser.get(f"/a/{person.token}?lang=en")
    assert browser.press("Continue", pin="270 413").path == "/home"


def test_the_pin_may_be_written_in_the_digits_of_any_keyboard(browser, person):
    browser.get(f"/a/{person.token}?lang=en")
    assert browser.press("Continue", pin="٢٧٠٤١٣").path == "/home"


@pytest.mark.requirement("A4")
def test_what_cannot_be_a_pin_is_asked_for_again_and_is_no_try(browser, person):
    browser.get(f"/a/{person.token}?lang=en")
    for pin in ("27041", "2704133", "27041²", "27041x", "😀" * 6, "27041\x003"):
        seen = browser.press("Continue", pin=pin)
        assert (seen.status, "Please write your six-digit PIN." in seen.text) == (422, True)
    assert browser.press("Continue", pin=person.pin).path == "/home"


@pytest.mark.requirement("I8")
def test_a_failed_csrf_check_shows_the_pin_page_again(browser, person):
    browser.get(f"/a/{person.token}?lang=en")
    seen = browser.press("Continue", pin=person.pin, csrf_token="stale")
    assert seen.status == 400
    assert browser.press("Continue").path == "/home"


def test_the_page_speaks_the_browsers_language_until_we_know_the_persons(runtime, open_browser):
    person = enrolled(runtime, "UME-009", language="sv")
    browser = open_browser()
    assert browser.get(f"/a/{person.token}?lang=en").language == "en"
    seen = browser.press("Continue", pin=person.pin)
    assert seen.language == "sv"
    assert "1 formulär väntar på dig" in seen.text


def test_every_page_at_the_gate_says_that_nobody_reads_answers_as_they_come(browser, person):
    for path in (f"/a/{person.token}?lang=en", "/signed-out?lang=en", "/goodbye?lang=en"):
        assert "Nobody reads your answers" in browser.get(path).text


@pytest.mark.requirement("I7", "I5")
def test_pages_are_not_stored_and_send_no_referrer(browser, person):
    seen = browser.get(f"/a/{person.token}")
    assert seen.headers["Cache-Control"] == "no-store"
    assert seen.headers["Referrer-Policy"] == "no-referrer"
    policy = seen.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("more", [".", "%20", ",", ")", ">", "%C2%A0", "/"])
def test_what_was_copied_along_behind_a_link_does_no_harm(browser, person, more):
    browser.get(f"/a/{person.token}{more}?lang=en")
    assert browser.press("Continue", pin=person.pin).path == "/home"


def test_without_its_cookie_a_browser_says_that_the_last_answer_did_not_come_along(browser, person):
    sign_in(browser, person)
    browser.press("Begin")
    browser.get(f"/q/{person.ref}/qlq-c30/q1")
    browser.client.delete_cookie("__Host-qol")
    seen = browser.press("Next", answer="2")
    assert "behöver välja ditt senaste svar en gång till" in seen.text
    assert "inte välja det igen" not in seen.text
