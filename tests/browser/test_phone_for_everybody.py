"""Every participant's page for everybody: 320 px, keyboard, who reads the answers."""

import pytest
from playwright.sync_api import Page

from tests.browser.test_phone import begin, choose, come_in, press

pytestmark = pytest.mark.browser
WANTED = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def pages(page: Page, person):
    """Visit every page a participant can come to; yield its name each time."""
    page.goto(f"/a/{person.token}")
    yield "PIN"
    page.get_by_label("PIN").fill("000000")
    page.get_by_role("button").first.click()
    yield "PIN refused"
    come_in(page, person)
    yield "home"
    page.get_by_role("button", name="Begin").click()
    yield "part"
    page.goto(f"/q/{person.ref}/qlq-c30/q1")
    yield "question"
    press(page)
    yield "question without an answer"
    choose(page, "Clear")
    yield "question answered"
    page.goto(f"/q/{person.ref}/qlq-c30/q29")
    yield "question with seven answers"
    page.goto(f"/q/{person.ref}/eq-5d-5l/VAS")
    yield "scale"
    page.locator("#answer").fill("101")
    press(page)
    yield "scale refused"
    page.goto(f"/q/{person.ref}/review")
    yield "review"
    press(page, "Send")
    yield "review asking"
    press(page, "Send as it is")
    page.wait_for_url("**/receipt/*")
    yield "receipt"
    page.goto("/home")
    yield "signed out"
    come_in(page, person)
    yield "home with nothing due"
    page.goto(f"/q/{person.ref}")
    yield "shut"
    page.goto("/offline")
    yield "no connection"
    page.goto("/nowhere")
    yield "not found"
    page.goto("/home")
    page.get_by_role("button", name="Sign out").click()
    yield "goodbye"


WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_no_page_is_wider_than_the_smallest_phone(page, person):
    page.set_viewport_size({"width": 320, "height": 640})
    for name in pages(page, person):
        assert page.evaluate(WIDE) <= 0, name


@pytest.mark.requirement("E8")
def test_every_page_says_that_nobody_reads_answers_as_they_come(page, person):
    for name in pages(page, person):
        if name != "not found":
            assert "Nobody reads your answers as they come in." in page.inner_text("footer"), name


def test_a_question_can_be_answered_by_keyboard_alone(page, person):
    begin(page, person)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "answer":
            break
    page.keyboard.press("Space")
    assert page.locator("input:checked").get_attribute("value") == "1"
    page.keyboard.press("ArrowDown")
    assert page.locator("input:checked").get_attribute("value") == "2"
    page.keyboard.press("Enter")
    page.wait_for_url("**/q2")


def test_a_message_at_the_item_is_read_with_it(page, person):
    begin(page, person, "VAS", "eq-5d-5l")
    page.locator("#answer").fill("101")
    press(page)
    box = page.locator("#answer")
    described = box.get_attribute("aria-describedby").split()
    assert "answer-error" in described
    assert "0 to 100" in page.locator("#answer-error").inner_text()
