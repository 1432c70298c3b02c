"""Answering in a real Chromium on a small phone: what is seen, what is touched, what is stored."""

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from qol_app.db.tables import Response, Submission
from qol_app.services.context import Actor
from tests.browser.conftest import PHONE

pytestmark = pytest.mark.browser
ME = Actor.system("tests")


def come_in(page: Page, person) -> None:
    page.goto(f"/a/{person.token}")
    page.get_by_label("PIN").fill(person.pin)
    page.get_by_role("button", name="Continue").click()
    expect(page).to_have_url(re.compile("/home"))


def begin(page: Page, person, item: str = "q1", instrument: str = "qlq-c30") -> None:
    """Come in and begin by the same requests as the pages send, without drawing those pages."""
    door = f"/a/{person.token}"
    send(page, door, door, pin=person.pin)
    send(page, "/home", f"/q/{person.ref}/start")
    page.goto(f"/q/{person.ref}/{instrument}/{item}")


def send(page: Page, seen: str, path: str, **form: str) -> None:
    """Send a form from the page it stands on."""
    client = page.context.request
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(seen).text())
    assert token
    reply = client.post(path, form={"csrf_token": token[1], **form}, max_redirects=0)
    assert reply.status == 303


def choose(page: Page, label: str) -> None:
    page.get_by_text(label, exact=True).click()


def press(page: Page, name: str = "Next") -> None:
    page.get_by_role("button", name=name, exact=True).click()


def stored(runtime):
    with runtime.reading(ME) as ctx:
        rows = ctx.session.scalars(select(Response).order_by(Response.id)).all()
        return [(row.item, row.status, row.value) for row in rows]


def saving(page: Page):
    return page.locator("#saving")


# --- what is seen and touched ---------------------------------------------------------------


def test_question_answers_and_next_fit_on_a_small_phone(page, person):
    begin(page, person, "q20")
    places = [page.locator("legend"), *page.locator(".option label").all()]
    places += page.locator(".steps .button").all()
    for place in places:
        box = place.bounding_box()
        assert box["y"] + box["height"] <= 740
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
    rows = [one.bounding_box() for one in page.locator(".option label").all()]
    assert len(rows) == 4
    assert {round(row["height"], 1) for row in rows} == {round(rows[0]["height"], 1)}
    assert rows[0]["height"] >= 48
    gaps = [round(b["y"] - a["y"] - a["height"], 1) for a, b in pairwise(rows)]
    assert len(set(gaps)) == 1
    assert page.evaluate("scrollY") == 0


@pytest.mark.parametrize(("item", "answers"), [("q20", 4), ("q29", 7)])
@pytest.mark.parametrize("width", [320, 360])
def test_question_answers_and_next_are_seen_at_once_on_a_low_screen_too(
    page, person, width, item, answers
):
    page.set_viewport_size({"width": width, "height": 568})
    begin(page, person, item)
    ends = [one.bounding_box() for one in page.locator(".option label, .steps .button").all()]
    assert len(ends) == answers + 2
    assert max(box["y"] + box["height"] for box in ends) <= 568
    assert min(box["height"] for box in ends) >= 44
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_nothing_is_chosen_and_choosing_does_not_go_on(page, person):
    begin(page, person)
    assert page.locator("input:checked").count() == 0
    choose(page, "Clear")
    expect(saving(page)).to_have_text("Saved")
    assert page.url.endswith("/qlq-c30/q1")
    assert page.locator("input:checked").count() == 1


def test_the_edge_of_a_row_is_as_good_as_its_middle(page, person):
    begin(page, person)
    row = page.locator(".option label").nth(2).bounding_box()
    page.touchscreen.tap(row["x"] + row["width"] - 4, row["y"] + row["height"] - 4)
    assert page.locator("input:checked").get_attribute("value") == "3"


def test_an_answer_is_called_saved_only_when_it_is(page, person, runtime, line):
    begin(page, person)
    # Each thing the line is told, also where the next follows before the browser draws it.
    page.evaluate(
        """() => { const line = document.getElementById("saving"); window.said = [];
           const text = Object.getOwnPropertyDescriptor(Node.prototype, "textContent");
           Object.defineProperty(line, "textContent", { get: text.get,
             set(told) { said.push(told); text.set.call(line, told); } }); }"""
    )
    line.hold_answers()
    choose(page, "Slight")
    expect(saving(page)).to_have_text("Sent …")
    assert line.has_come.wait(60)
    assert stored(runtime) == []
    line.take_answers()
    expect(saving(page)).to_have_text("Saved")
    assert stored(runtime) == [("q1", "ANSWERED", 2)]
    assert page.evaluate("said") == ["On this phone", "Sent …", "Saved"]


def test_tapping_again_before_the_first_answer_arrived_ends_at_the_last(page, person, runtime):
    begin(page, person)
    for label in ("None", "Strong", "Slight"):
        choose(page, label)
    expect(saving(page)).to_have_text("Saved")
    press(page)
    expect(page).to_have_url(re.compile("/q2"))
    assert stored(runtime)[-1] == ("q1", "ANSWERED", 2)
    page.goto(f"/q/{person.ref}/qlq-c30/q1")
    assert page.locator("input:checked").get_attribute("value") == "2"


def test_next_right_after_a_tap_stores_the_answer_once(page, person, runtime):
    begin(page, person)
    page.evaluate("document.querySelectorAll('.option input')[2].click()")
    press(page)
    expect(page).to_have_url(re.compile("/q2"))
    assert stored(runtime) == [("q1", "ANSWERED", 3)]


def test_the_scale_has_no_mark_until_one_is_made_and_agrees_with_the_box(page, person, runtime):
    begin(page, person, "VAS", "eq-5d-5l")
    mark, box, scale = (page.locator(one) for one in (".scale-mark", "#answer", "#scale"))
    expect(mark).to_be_hidden()
    assert box.input_value() == ""
    area = scale.bounding_box()
    page.mouse.click(area["x"] + area["width"] / 2, area["y"] + area["height"] * 0.25)
    expect(mark).to_be_visible()
    assert abs(int(box.input_value()) - 75) <= 1
    expect(saving(page)).to_have_text("Saved")
    box.fill("40")
    box.blur()
    place = mark.bounding_box()
    middle = (place["y"] + place["height"] / 2 - area["y"]) / area["height"]
    assert abs(middle - 0.60) < 0.01
    scale.focus()
    page.keyboard.press("ArrowUp")
    assert box.input_value() == "41"
    assert scale.get_attribute("aria-valuenow") == "41"
    expect(saving(page)).to_have_text("Saved")
    press(page)
    expect(page).to_have_url(re.compile("/review"))
    assert stored(runtime)[-1] == ("VAS", "ANSWERED", 41)


def test_the_whole_scale_fits_on_the_screen(page, person):
    begin(page, person, "VAS", "eq-5d-5l")
    for place in ("#scale", ".steps [value=next]"):
        box = page.locator(place).bounding_box()
        assert box["y"] + box["height"] <= 740


@pytest.mark.requirement("A7")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_browser_keeps_the_host_bound_secure_cookie(page, person, address, host, phone):
    page.goto(f"{address.replace('127.0.0.1', host)}/a/{person.token}")
    page.get_by_label("PIN").fill(person.pin)
    page.get_by_role("button", name="Continue").click()
    expect(page).to_have_url(re.compile("/home"))
    (cookie,) = [one for one in phone.cookies() if one["name"] == "__Host-qol"]
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Lax")
    assert page.evaluate("document.cookie") == ""


# --- without a connection ----------------------------------------------------------------------


@pytest.mark.requirement("D6")
def test_a_server_that_fails_for_a_while_costs_no_answer(page, person, runtime, line):
    begin(page, person)
    line.refuse_answers()
    choose(page, "Clear")
    assert line.has_come.wait(60)
    expect(saving(page)).to_have_text("On this phone")
    line.take_answers()
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(saving(page)).to_have_text("Saved")
    assert stored(runtime) == [("q1", "ANSWERED", 3)]


@pytest.mark.requirement("D6")
def test_a_reply_lost_after_the_commit_makes_no_second_answer(page, person, runtime, line):
    begin(page, person)
    line.swallow_replies()
    choose(page, "Clear")
    assert line.has_come.wait(60)
    expect(saving(page)).to_have_text("On this phone")
    assert stored(runtime) == [("q1", "ANSWERED", 3)]
    line.take_answers()
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(saving(page)).to_have_text("Saved")
    assert stored(runtime) == [("q1", "ANSWERED", 3)]


# --- other devices, other tabs --------------------------------------------------------------------


def test_a_second_phone_goes_on_where_the_first_stopped(browser, phone, page, person, address):
    begin(page, person)
    choose(page, "Clear")
    press(page)
    expect(page).to_have_url(re.compile("/q2"))
    other = browser.new_context(base_url=address, locale="en-GB").new_page()
    come_in(other, person)
    other.get_by_role("link", name="Continue").click()
    expect(other).to_have_url(re.compile("/q2"))
    press(other, "Back")
    assert other.locator("input:checked").get_attribute("value") == "3"
    other.context.close()


@pytest.mark.requirement("D5")
def test_an_answer_given_on_another_phone_is_shown_kindly(browser, page, person, address, runtime):
    begin(page, person)
    other = browser.new_context(base_url=address, locale="en-GB").new_page()
    come_in(other, person)
    other.goto(f"/q/{person.ref}/qlq-c30/q1")
    choose(other, "Strong")
    expect(saving(other)).to_have_text("Saved")
    other.context.close()
    choose(page, "None")
    expect(saving(page)).to_contain_text("answered somewhere else as well")
    press(page)
    expect(page).to_have_url(re.compile("/q2"))
    assert {value for _, _, value in stored(runtime)} == {1, 4}
    page.goto(f"/q/{person.ref}/qlq-c30/q1")
    assert page.locator("input:checked").get_attribute("value") == "1"


@pytest.mark.requirement("D3")
def test_two_quick_presses_on_send_make_one_submission(page, person, runtime):
    begin(page, person)
    choose(page, "Clear")
    expect(saving(page)).to_have_text("Saved")
    page.goto(f"/q/{person.ref}/review")
    press(page, "Send")
    page.get_by_role("button", name="Send as it is").dblclick()
    expect(page).to_have_url(re.compile("/receipt/"))
    with runtime.reading(ME) as ctx:
        code = ctx.session.scalars(select(Submission.receipt)).one()
    assert page.url.endswith(code)


# --- without scripts -------------------------------------------------------------------------


def test_a_browser_without_scripts_goes_the_whole_way(browser, address, person, runtime):
    """From the last question of one part through rows and a number to the receipt."""
    context = browser.new_context(
        viewport=PHONE, base_url=address, locale="en-GB", java_script_enabled=False
    )
    page = context.new_page()
    begin(page, person, "q53", "qlq-br23")
    seen = []
    while "/review" not in page.url:
        seen.append(page.url.rsplit("/", 1)[1])
        assert page.locator("form#question").count() < 2
        if page.locator("form#question").count() == 0:
            page.get_by_role("link", name="Continue").click()
            continue
        if page.locator("#answer").count():
            assert page.locator("#scale").is_hidden()
            page.locator("#answer").fill("70")
        else:
            page.locator(".option label").nth(len(seen) % 4).click()
        press(page)
    assert seen == ["q53", "eq-5d-5l", "MO", "SC", "UA", "PD", "AD", "VAS"]
    press(page, "Send")
    press(page, "Send as it is")
    expect(page).to_have_url(re.compile("/receipt/"))
    context.close()
    assert [value for _, _, value in stored(runtime)] == [2, 4, 1, 2, 3, 4, 70]
