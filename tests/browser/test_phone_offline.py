"""A phone that loses its connection, or its session, in the middle: no answer vanishes."""

import re
import time
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_phone import begin, choose, come_in, press, saving, stored
from tests.participants import enrolled

pytestmark = [pytest.mark.browser, pytest.mark.requirement("D6", "E3")]

READY = """async () => navigator.serviceWorker.controller !== null
    && await caches.has("qol-open")
    && (await (await caches.open("qol-open")).keys()).length > 0"""
UNSENT = """() => new Promise(done => { const r = indexedDB.open("qol"); r.onsuccess = () => {
    const q = r.result.transaction("unsent").objectStore("unsent").getAll();
    q.onsuccess = () => { r.result.close(); done(q.result); }; }; })"""
KEPT = """async () => { const urls = [];
    for (const name of await caches.keys())
      for (const one of await (await caches.open(name)).keys()) urls.push(one.url);
    return urls; }"""
EMPTY = """() => new Promise(done => { const r = indexedDB.open("qol"); r.onsuccess = () => {
    const [a, b] = ["unsent", "saved"].map(
      name => r.result.transaction(name).objectStore(name).count());
    b.onsuccess = () => { r.result.close(); done(a.result + b.result === 0); }; }; })"""
EMPTY_QUEUE = """() => new Promise(done => { const r = indexedDB.open("qol"); r.onsuccess = () => {
    const a = r.result.transaction("unsent").objectStore("unsent").count();
    a.onsuccess = () => { r.result.close(); done(a.result === 0); }; }; })"""
MARKS_OF = """() => new Promise(done => {{ const r = indexedDB.open("qol"); r.onsuccess = () => {{
    const a = r.result.transaction("saved").objectStore("saved").getAllKeys();
    a.onsuccess = () => {{ r.result.close();
      done(!a.result.some(place => place.startsWith("{ref}"))); }}; }}; }})"""
# A browser says "online" when a page begins, and in a tunnel, without any connection.
LIES = """if (location.hash) setInterval(() => dispatchEvent(new Event("online")), 10)"""


def eventually(page: Page, script: str) -> None:
    """Wait until a script says yes; the pages' own rules forbid playwright's way of waiting."""
    end = time.monotonic() + 60
    while not page.evaluate(script):
        assert time.monotonic() < end, script
        time.sleep(0.03)


def at(page: Page, item: str) -> None:
    expect(page).to_have_url(re.compile(f"/{item}$"))
    expect(page.locator("#question")).to_be_visible()


def chosen(page: Page):
    return page.locator("input:checked")


def begin_ready(page: Page, person, item: str, instrument: str = "qlq-br23") -> None:
    begin(page, person, item, instrument)
    eventually(page, READY)


def test_offline_in_the_middle_nothing_is_lost_and_all_arrive_once(
    page, person, runtime, phone, line
):
    page.add_init_script(LIES)
    begin_ready(page, person, "q33")
    choose(page, "Slight")
    expect(saving(page)).to_have_text("Saved")
    line.cut(phone)
    choose(page, "Clear")
    expect(saving(page)).to_have_text("On this phone")
    expect(page.locator("#unsent")).to_contain_text("on this phone only")
    press(page)
    at(page, "q34")
    expect(page.locator(".top-name")).to_have_text("Questionnaire, month 3")
    # As with a connection: what is asked, given the answers, and how much of it is done.
    expect(page.get_by_label("Question 55 of 78")).to_have_js_property("value", 1)
    choose(page, "Strong")
    press(page)
    at(page, "q35")
    expect(page.get_by_label("Question 56 of 79")).to_have_js_property("value", 2)
    page.goto(f"{page.url}#go=<b>")
    page.reload()
    at(page, "q35")
    press(page)
    message = page.locator("#answer-error")
    expect(message).to_contain_text("No answer is chosen yet")
    press(page, "Skip this question")
    at(page, "q36")
    press(page)
    expect(message).to_be_visible()
    choose(page, "None")
    expect(message).to_be_hidden()
    page.go_back()
    at(page, "q35")
    press(page, "Back")
    at(page, "q34")
    expect(chosen(page)).to_have_value("4")
    expect(saving(page)).to_have_text("On this phone")
    assert stored(runtime) == [("q33", "ANSWERED", 2)]
    line.mend(phone)
    expect(page.locator("[data-save]")).to_be_visible()
    expect(chosen(page)).to_have_value("4")
    expect(saving(page)).to_have_text("Saved")
    expect(page.locator("#unsent")).to_be_hidden()
    assert page.evaluate(UNSENT) == []
    assert stored(runtime) == [
        ("q33", "ANSWERED", 2),
        ("q33", "ANSWERED", 3),
        ("q34", "ANSWERED", 4),
        ("q35", "SKIPPED", None),
        ("q36", "ANSWERED", 1),
    ]


def test_what_was_saved_before_is_called_so_and_a_change_of_it_counts(
    page, person, runtime, phone, line
):
    begin_ready(page, person, "q34")
    for label in ("None", "Clear"):
        choose(page, label)
        expect(saving(page)).to_have_text("Saved")
    press(page)
    at(page, "q35")
    line.cut(phone)
    press(page, "Back")
    at(page, "q34")
    expect(saving(page)).to_contain_text("Saved earlier")
    assert chosen(page).count() == 0
    choose(page, "Strong")
    press(page)
    at(page, "q35")
    choose(page, "Slight")
    line.mend(phone)
    expect(page.locator("[data-save]")).to_be_visible()
    expect(chosen(page)).to_have_value("2")
    expect(saving(page)).to_have_text("Saved")
    page.goto(f"/q/{person.ref}/qlq-br23/q34")
    expect(chosen(page)).to_have_value("4")
    assert stored(runtime)[-2:] == [("q34", "ANSWERED", 4), ("q35", "ANSWERED", 2)]


def test_a_condition_answered_online_is_known_when_the_connection_ends_right_then(
    page, person, phone, line
):
    begin_ready(page, person, "q34")
    choose(page, "None")
    expect(saving(page)).to_have_text("Saved")
    line.cut(phone)
    press(page)
    at(page, "q36")


def test_an_answer_that_no_script_has_seen_is_kept_by_the_service_worker(
    page, person, runtime, phone, line
):
    begin_ready(page, person, "q33")
    line.cut(phone)
    page.evaluate(
        """() => { document.querySelectorAll("[name=answer]")[2].checked = true;
           const form = document.getElementById("question");
           const go = Object.assign(document.createElement("input"), {name: "go", value: "next"});
           form.append(go); form.submit(); }"""
    )
    at(page, "q34")
    assert "answer" not in page.url
    (kept,) = page.evaluate(UNSENT)
    assert (kept["item"], kept["value"]) == ("q33", 3)
    line.mend(phone)
    expect(page.locator("[data-save]")).to_be_visible()
    assert stored(runtime) == [("q33", "ANSWERED", 3)]


def test_a_wrong_number_gets_its_message_without_a_connection_too(
    page, person, runtime, phone, line
):
    begin_ready(page, person, "VAS", "eq-5d-5l")
    line.cut(phone)
    page.reload()
    box = page.locator("#answer")
    box.fill("40")
    press(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("You have come to the end")
    page.go_back()
    expect(box).to_have_value("40")
    box.fill("400")
    press(page)
    expect(page.locator("#answer-error")).to_have_text("Please give a whole number from 0 to 100.")
    expect(box).to_have_value("400")
    box.fill("41")
    line.mend(phone)
    # Without leaving the box: what is being written is an answer too.
    expect(page.locator("[data-save]")).to_be_visible()
    expect(box).to_have_value("41")
    expect(saving(page)).to_have_text("Saved")
    assert [value for _, _, value in stored(runtime)] == [40, 41]


def test_where_the_next_question_cannot_be_opened_the_page_says_so(page, person, phone, line):
    begin_ready(page, person, "q33")
    page.evaluate("caches.delete('qol-open')")
    line.cut(phone)
    choose(page, "Clear")
    press(page)
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("The next question has to wait a little")
    expect(page.locator("main")).to_contain_text("Your answer is on this phone.")
    line.mend(phone, noticed=False)
    at(page, "q33")
    expect(chosen(page)).to_have_value("3")
    expect(saving(page)).to_have_text("Saved")


def test_after_the_session_ran_out_the_pin_is_enough_and_nothing_is_retyped(
    page, person, runtime, clock, line
):
    begin(page, person)
    clock.move(hours=8)
    choose(page, "Strong")
    expect(page.locator("#unsent")).to_contain_text("You have been signed out")
    page.get_by_role("link", name="Write my PIN").click()
    expect(page.locator("#unsent")).to_contain_text("Your answers are on this phone")
    line.refuse_answers()
    page.get_by_label("PIN").fill(person.pin)
    page.get_by_role("button", name="Continue").click()
    expect(page).to_have_url(re.compile("/home"))
    page.goto(f"/q/{person.ref}/qlq-c30/q1")
    expect(chosen(page)).to_have_value("4")
    expect(saving(page)).to_have_text("On this phone")
    line.take_answers()
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(saving(page)).to_have_text("Saved")
    press(page)
    at(page, "q2")
    assert stored(runtime) == [("q1", "ANSWERED", 4)]


def test_a_page_made_just_before_the_answer_arrived_shows_it_all_the_same(
    browser, address, person, line
):
    context = browser.new_context(base_url=address, locale="en-GB", service_workers="block")
    page = context.new_page()
    begin(page, person)
    line.give_twice(urlsplit(page.url).path)
    context.request.get(page.url)
    choose(page, "Clear")
    expect(saving(page)).to_have_text("Saved")
    # It asks for a newer one while it is still being loaded: its end may never come.
    page.goto(page.url, wait_until="commit")
    expect(chosen(page)).to_have_value("3")
    context.close()


def test_what_is_on_the_phone_only_is_said_at_review_and_before_signing_out(
    page, person, runtime, line
):
    begin(page, person)
    line.refuse_answers()
    choose(page, "Clear")
    expect(saving(page)).to_have_text("On this phone")
    page.goto(f"/q/{person.ref}/review")
    row = page.locator(".answers-row").first
    expect(row).to_contain_text("On this phone")
    press(page, "Send")
    expect(page.locator("#unsent")).to_contain_text("on this phone only")
    page.goto("/home")
    press(page, "Sign out")
    expect(page.locator("#unsent")).to_contain_text("would be lost")
    assert page.url.endswith("/home")
    line.take_answers()
    page.goto(f"/q/{person.ref}/review")
    expect(row.locator("strong")).to_have_text("Clear")
    assert stored(runtime) == [("q1", "ANSWERED", 3)]


@pytest.mark.requirement("E7")
def test_after_handing_in_the_phone_keeps_nothing(page, person):
    begin_ready(page, person, "q1", "qlq-c30")
    choose(page, "Clear")
    expect(saving(page)).to_have_text("Saved")
    kept = page.evaluate(KEPT)
    assert not [one for one in kept if re.search(r"/q/[^/]+/[^/]+/", one)]
    assert [one for one in kept if one.endswith("/sheet")]
    page.goto(f"/q/{person.ref}/review")
    press(page, "Send")
    press(page, "Send as it is")
    expect(page).to_have_url(re.compile("/receipt/"))
    eventually(page, "async () => !(await (await caches.open('qol-open')).keys()).length")
    eventually(page, EMPTY)
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    page.go_back()
    expect(page.locator("body")).not_to_contain_text("Clear")


@pytest.mark.parametrize("leaves", ["signs out", "hands in"])
def test_what_one_person_leaves_unsent_another_on_the_same_phone_neither_sees_nor_loses(
    page, person, runtime, line, leaves
):
    other = enrolled(runtime, "UME-090")
    begin(page, person)
    line.refuse_answers()
    choose(page, "Clear")
    expect(saving(page)).to_have_text("On this phone")
    (waits,) = page.evaluate(UNSENT)
    begin(page, other)
    line.take_answers()
    expect(chosen(page)).to_have_count(0)
    choose(page, "Slight")
    expect(saving(page)).to_have_text("Saved")
    expect(page.locator("#unsent")).to_be_hidden()
    if leaves == "signs out":
        page.goto("/home")
        press(page, "Sign out")
        expect(page).to_have_url(re.compile("/goodbye"))
    else:
        page.goto(f"/q/{other.ref}/review")
        press(page, "Send")
        press(page, "Send as it is")
        expect(page).to_have_url(re.compile("/receipt/"))
    eventually(page, MARKS_OF.format(ref=other.ref))
    assert [one["event_id"] for one in page.evaluate(UNSENT)] == [waits["event_id"]]
    come_in(page, person)
    eventually(page, EMPTY_QUEUE)
    assert stored(runtime) == [("q1", "ANSWERED", 2), ("q1", "ANSWERED", 3)]


def test_looking_at_an_old_receipt_forgets_nothing_that_is_unsent(page, person, runtime, line):
    begin(page, person)
    choose(page, "Clear")
    page.goto(f"/q/{person.ref}/review")
    press(page, "Send")
    press(page, "Send as it is")
    expect(page).to_have_url(re.compile("/receipt/"))
    receipt = page.url
    other = enrolled(runtime, "UME-090")
    begin(page, other)
    line.refuse_answers()
    choose(page, "Slight")
    expect(saving(page)).to_have_text("On this phone")
    page.goto(receipt)
    expect(page.locator(".receipt-code")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert len(page.evaluate(UNSENT)) == 1
