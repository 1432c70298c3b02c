"""Notices on the phone: offered, asked for by a tap, shown with neutral words, opening the link.

A push service is not to be reached here, so what the browser makes of a subscription is stood in
for; the page, the service worker and the notice itself are the real ones.
"""

import json
import re
import time
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from qol_app.db.tables import Participant
from qol_app.delivery.push import Push, public_key
from qol_app.delivery.subscription import Subscription
from qol_app.services import identity, wishes
from qol_app.services.context import Actor
from tests.browser.test_phone import come_in, press
from tests.conftest import Clock, make_runtime, make_settings
from tests.delivery.push_fake import Phone, private_key
from tests.messaging import make_worker, tick

pytestmark = pytest.mark.browser
ME = Actor.system("tests")
KEY = private_key()
ON, OFF = "Get notices on this phone", "Stop the notices"

# What a browser would do with its push service, kept for as long as the tab is open.
STAND_IN = """(() => {
  const said = %s;
  const made = () => sessionStorage.getItem("stood-in") && {
    endpoint: said.endpoint,
    toJSON: () => said,
    unsubscribe: async () => { sessionStorage.removeItem("stood-in"); return true; },
  };
  PushManager.prototype.getSubscription = async () => made() || null;
  PushManager.prototype.subscribe = async (options) => {
    if (%s) throw new DOMException("the service cannot be reached", "AbortError");
    sessionStorage.setItem("stood-in", JSON.stringify({
      visible: options.userVisibleOnly, key: Array.from(options.applicationServerKey) }));
    return made();
  };
  const allows = %s;
  Notification.requestPermission = async () => {
    sessionStorage.setItem("asked", "yes");
    return allows;
  };
})()"""
ASKED = "() => sessionStorage.getItem('asked')"


@pytest.fixture
def runtime(database_url, tmp_path):
    settings = make_settings(database_url, tmp_path, vapid_private_key=KEY)
    running = make_runtime(settings, Clock())
    yield running
    running.database.close()


@pytest.fixture
def stand_in(page):
    """Let a tab subscribe as this phone does."""

    def install(phone, allows="granted", fails=False):
        said = phone.subscription()
        page.add_init_script(STAND_IN % (said, json.dumps(fails), json.dumps(allows)))

    return install


def kept(runtime):
    with runtime.reading(ME) as ctx:
        row = ctx.session.scalars(select(Participant)).one()
        return identity.identity_of(ctx, row.identity_ref).push, wishes.wishes_of(row).channel


def open_wishes(page, person):
    come_in(page, person)
    page.goto("/reminders")


def section(page):
    return page.locator("#phone")


def test_a_tap_asks_and_the_phone_is_kept_shown_and_taken_back(page, person, runtime, stand_in):
    phone = Phone()
    stand_in(phone)
    open_wishes(page, person)
    expect(section(page)).to_be_visible()
    expect(page.get_by_text("This phone gets your notices.")).to_be_hidden()
    expect(page.get_by_role("button", name=OFF)).to_be_hidden()
    assert page.evaluate(ASKED) is None  # nothing is asked before the tap
    press(page, ON)
    expect(page.get_by_text("This phone gets your notices.")).to_be_visible()
    expect(page.get_by_role("button", name=ON)).to_be_hidden()
    expect(page.get_by_label("Notice on the telephone")).to_be_checked()
    subscription, channel = kept(runtime)
    assert Subscription.from_json(subscription) == Subscription.from_json(phone.subscription())
    assert channel == "push"
    used = json.loads(page.evaluate("() => sessionStorage.getItem('stood-in')"))
    point = page.evaluate(
        """(key) => Array.from(atob(key.replaceAll("-", "+").replaceAll("_", "/")),
                              (one) => one.charCodeAt(0))""",
        public_key(KEY),
    )
    assert used == {"visible": True, "key": point}
    press(page, OFF)
    expect(page.get_by_role("button", name=ON)).to_be_visible()
    assert kept(runtime) == (None, None)
    assert page.evaluate("() => sessionStorage.getItem('stood-in')") is None


def test_a_phone_that_says_no_is_told_where_that_can_be_changed(page, person, runtime, stand_in):
    stand_in(Phone(), allows="denied")
    open_wishes(page, person)
    press(page, ON)
    expect(page.get_by_text("This phone does not allow notices")).to_be_visible()
    expect(page.get_by_role("button", name=ON)).to_be_enabled()
    assert kept(runtime) == (None, None)


def test_a_push_service_that_is_not_reached_is_told_and_can_be_tried_again(
    page, person, runtime, stand_in
):
    stand_in(Phone(), fails=True)
    open_wishes(page, person)
    press(page, ON)
    expect(page.get_by_text("That did not work just now.")).to_be_visible()
    expect(page.get_by_role("button", name=ON)).to_be_enabled()
    assert kept(runtime) == (None, None)


def test_another_phone_knows_that_it_is_not_the_one(page, person, runtime, stand_in):
    with runtime.writing(ME) as ctx:
        row = ctx.session.get_one(Participant, person.id)
        other = Phone().subscription("https://push.example.org/other")
        wishes.notify_here(ctx, row, other, ["push"])
    stand_in(Phone())
    open_wishes(page, person)
    expect(page.get_by_text("Another phone or browser gets your notices.")).to_be_visible()
    for name in (ON, OFF):
        expect(page.get_by_role("button", name=name)).to_be_visible()
    press(page, ON)
    expect(page.get_by_text("This phone gets your notices.")).to_be_visible()
    assert "other" not in kept(runtime)[0]


@pytest.mark.parametrize("lacks", ["PushManager", "Notification"])
def test_a_phone_that_cannot_is_not_offered_it(page, person, lacks):
    page.add_init_script(f"delete globalThis.{lacks}")
    open_wishes(page, person)
    expect(page.get_by_role("button", name="Save")).to_be_visible()
    expect(section(page)).to_be_hidden()


def test_without_scripts_the_rest_of_the_page_is_all_there_is(browser, address, person):
    context = browser.new_context(base_url=address, locale="en-GB", java_script_enabled=False)
    page = context.new_page()
    open_wishes(page, person)
    expect(page.get_by_role("button", name="Save")).to_be_visible()
    expect(section(page)).to_be_hidden()
    context.close()


# --- the notice itself -------------------------------------------------------------------------

# This browser shows no notices and takes no tap on one: both end here, where they can be seen.
END_OF_THE_LINE = """() => {
  self.registration.showNotification = async (title, options) => {
    self.shown = { title, ...options };
  };
  self.clients.openWindow = async (url) => { self.opened = url; };
}"""
TAP = """async () => {
  const tap = new Event("notificationclick");
  const done = new Promise((wait) => { tap.waitUntil = wait; });
  tap.notification = { data: self.shown.data, close: () => { self.isClosed = true; } };
  self.dispatchEvent(tap);
  await done;
  return [self.opened, self.isClosed];
}"""


def deliver(page, address, notice):
    """Give the phone a push message, as a push service would; return what it shows."""
    (worker,) = page.context.service_workers
    worker.evaluate(END_OF_THE_LINE)
    client = page.context.new_cdp_session(page)
    known = []
    client.on(
        "ServiceWorker.workerRegistrationUpdated", lambda told: known.extend(told["registrations"])
    )
    client.send("ServiceWorker.enable")
    patiently(page, lambda: known)
    client.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": address, "registrationId": known[-1]["registrationId"], "data": notice},
    )
    return patiently(page, lambda: worker.evaluate("() => self.shown"))


def patiently(page, found):
    """Return what is found, as soon as it is."""
    end = time.monotonic() + 30
    while not (now := found()):
        assert time.monotonic() < end
        page.wait_for_timeout(20)
    return now


def reminded(runtime, phone):
    """Let a worker send what is due to this phone; return what arrives, as text."""
    arrived = []

    def take(request):
        arrived.append(phone.read(request.content))
        return httpx.Response(201)

    with httpx.Client(transport=httpx.MockTransport(take)) as client:
        push = Push(KEY, "mailto:qol@example.org", client, lambda endpoint: None)
        tick(make_worker(runtime, push=push))
    (notice,) = arrived
    return json.dumps(notice)


@pytest.mark.requirement("M1", "M2")
def test_a_notice_says_what_the_templates_say_and_a_tap_opens_the_participants_link(
    page, person, phone, address, runtime, stand_in
):
    own = Phone()
    stand_in(own)
    open_wishes(page, person)
    press(page, ON)
    expect(page.get_by_text("This phone gets your notices.")).to_be_visible()
    shown = deliver(page, address, reminded(runtime, own))
    assert shown["title"] == "Your questionnaire is waiting"
    assert shown["body"] == "Still open, until Monday 14 December. About 18 minutes."
    assert (shown["lang"], shown["tag"]) == ("en", "reminder")
    assert page.request.get(shown["icon"]).headers["content-type"].startswith("image/svg")
    (worker,) = phone.service_workers
    opened, is_closed = worker.evaluate(TAP)
    assert is_closed
    assert opened.startswith("https://qol.example.org/a/")
    press(page, "Stop the notices")
    phone.clear_cookies()
    page.goto(urlsplit(opened).path)
    page.get_by_label("PIN").fill(person.pin)
    press(page, "Continue")
    expect(page).to_have_url(re.compile("/home"))
