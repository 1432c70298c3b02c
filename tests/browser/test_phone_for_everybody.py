"""Every participant's page for everybody: smallest phone, large text, axe, keyboard."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import violations
from tests.browser.test_phone import begin, choose, come_in, press

pytestmark = pytest.mark.browser


def pages(page: Page, person):
    """Visit every page a participant can come to; yield its name each time."""
    page.goto(f"/a/{person.token}")
    yield "PIN"
    page.get_by_label("PIN").fill("000000")
    page.get_by_role("button").first.click()
    page.get_by_text("That did not open").wait_for()
    yield "PIN refused"
    come_in(page, person)
    yield "home"
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("link", name="To the questions").wait_for()
    yield "part"
    page.goto(f"/q/{person.ref}/qlq-c30/q1")
    yield "question"
    press(page)
    page.locator("#answer-error").wait_for()
    yield "question without an answer"
    choose(page, "Clear")
    yield "question answered"
    page.goto(f"/q/{person.ref}/qlq-c30/q29")
    yield "question with seven answers"
    page.goto(f"/q/{person.ref}/eq-5d-5l/VAS")
    yield "scale"
    page.locator("#answer").fill("101")
    press(page)
    page.locator("#answer-error").wait_for()
    yield "scale refused"
    page.goto(f"/q/{person.ref}/review")
    yield "review"
    press(page, "Send")
    page.get_by_role("button", name="Send as it is").wait_for()
    yield "review asking"
    press(page, "Send as it is")
    expect(page).to_have_url(re.compile("/receipt/"))
    yield "receipt"
    page.goto("/home")
    yield "signed out"
    come_in(page, person)
    yield "home with nothing due"
    page.goto(f"/q/{person.ref}")
    yield "shut"
    page.goto("/reminders")
    yield "how and when we write"
    page.context.set_offline(True)
    page.goto("/home")
    yield "no connection"
    page.context.set_offline(False)
    # Chromium says nothing to a page that has begun while it was told to be offline.
    page.evaluate("setTimeout(() => dispatchEvent(new Event('online')))")
    page.get_by_role("button", name="Sign out").wait_for()
    page.goto("/nowhere")
    yield "not found"
    page.goto("/home")
    page.get_by_role("button", name="Sign out").click()
    # The script first asks the phone whether an answer would be lost.
    page.get_by_role("button", name="Sign out").wait_for(state="detached")
    yield "goodbye"


WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CUT = """[...document.querySelectorAll(".button, .option label, h1")]
    .filter(one => one.offsetParent && one.scrollWidth > one.clientWidth + 1)
    .map(one => one.textContent.trim())"""
NOBODY_READS = "Nobody reads your answers as they come in."


def too_wide(page: Page) -> list[str]:
    wide, cut = page.evaluate(WIDE), page.evaluate(CUT)
    return [f"{wide} px too wide"] * (wide > 0) + [f"cut off: {one}" for one in cut]


def faults(page: Page) -> list[str]:
    """Return what is wrong with a page on the smallest phone, then with text twice as large."""
    found = too_wide(page)
    page.evaluate("document.documentElement.style.fontSize = '225%'")
    found += [f"{one}, text twice as large" for one in too_wide(page)]
    page.evaluate("document.documentElement.style.fontSize = ''")
    return found + violations(page)


@pytest.mark.slow
@pytest.mark.requirement("E8")
def test_every_page_fits_reads_well_and_says_that_nobody_reads_along(page, person):
    """The smallest phone, text twice as large, axe, and the words at the foot of each page."""
    page.set_viewport_size({"width": 320, "height": 640})
    wrong, seen = [], 0
    for name in pages(page, person):
        seen += 1
        wrong += [f"{name}: {one}" for one in faults(page)]
        if name != "not found" and NOBODY_READS not in page.inner_text("footer"):
            wrong.append(f"{name}: does not say that nobody reads along")
    assert not wrong, "\n".join(wrong)
    assert seen == 20


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
    expect(page).to_have_url(re.compile("/q2"))


def test_what_was_asked_for_is_asked_no_longer_and_nothing_moves_under_the_finger(page, person):
    begin(page, person)
    press(page)
    message, skip = page.locator("#answer-error"), page.locator(".steps-skip")
    expect(message).to_be_visible()
    rows = [one.bounding_box() for one in page.locator(".option label").all()]
    choose(page, "Clear")
    expect(message).to_be_hidden()
    expect(skip).to_be_hidden()
    assert [one.bounding_box() for one in page.locator(".option label").all()] == rows


def test_a_message_at_the_item_is_read_with_it(page, person):
    begin(page, person, "VAS", "eq-5d-5l")
    page.locator("#answer").fill("101")
    press(page)
    box = page.locator("#answer")
    described = box.get_attribute("aria-describedby").split()
    assert "answer-error" in described
    assert "0 to 100" in page.locator("#answer-error").inner_text()


def test_the_page_without_a_connection_leads_home_when_there_is_one(page, person):
    come_in(page, person)
    page.goto("/offline")
    expect(page).to_have_url(re.compile("/home$"))


def test_axe_does_find_what_is_wrong_with_a_page(page):
    page.set_content("<html lang=en><title>Page</title><main><h1>Page</h1><img src=x></main>")
    assert violations(page) == ['image-alt: <img src="x">']
