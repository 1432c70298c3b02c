"""Notices on a telephone: asked for on the page of wishes, sent there, and taken back."""

import json
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from qol_app.app import web_app
from qol_app.db.tables import AuditEvent, Contact, Participant
from qol_app.delivery.push import Push, public_key
from qol_app.delivery.subscription import Subscription
from qol_app.services import identity, stopping, wishes
from qol_app.services.context import Actor
from qol_app.services.library import newest
from qol_app.services.wishes import Wishes
from tests.conftest import NOW, make_runtime, make_settings
from tests.delivery.http_fake import Gateway, Reply, http_server
from tests.delivery.push_fake import Phone, private_key
from tests.messaging import Provider, deliveries, live, make_worker, open_tasks, reminders
from tests.participants import enrolled
from tests.web.browsing import Browser, sign_in

ME = Actor.system("tests")
KEY = private_key()
ON, OFF = "Get notices on this phone", "Stop the notices"


@pytest.fixture
def runtime(database_url, clock, tmp_path):
    settings = make_settings(
        database_url, tmp_path, smtp_url="smtp://localhost", vapid_private_key=KEY
    )
    running = make_runtime(settings, clock)
    yield running
    running.database.close()


class Roundabout(httpx.BaseTransport):
    """Leads every request to a push service on this machine, whatever its address."""

    def __init__(self, address: str) -> None:
        self.address, self.inner = httpx.URL(f"http://{address}"), httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = self.address.copy_with(raw_path=request.url.raw_path)
        return self.inner.handle_request(request)

    def close(self) -> None:
        self.inner.close()


def subscribed_to(runtime):
    """Return the kept subscription, which is encrypted where it is kept."""
    with runtime.reading(ME) as ctx:
        row = ctx.session.scalars(select(Participant)).one()
        sealed = ctx.session.get_one(Contact, row.identity_ref).push
        assert sealed is None or "example" not in sealed
        return identity.identity_of(ctx, row.identity_ref).push


def wished(runtime):
    with runtime.reading(ME) as ctx:
        return wishes.wishes_of(ctx.session.scalars(select(Participant)).one())


def trail(runtime):
    with runtime.reading(ME) as ctx:
        actions = ("identity.change", "messages.wishes")
        query = select(AuditEvent).where(AuditEvent.action.in_(actions)).order_by(AuditEvent.id)
        return list(ctx.session.scalars(query))


@pytest.mark.requirement("C2", "T1")
def test_a_phone_is_kept_encrypted_and_shown_as_chosen(runtime, signed_in):
    page = signed_in.get("/reminders")
    assert f'data-key="{public_key(KEY)}"' in page.html
    assert 'data-mark=""' in page.html
    said = Phone().subscription()
    page = signed_in.press(ON, subscription=said)
    assert page.path == "/reminders"
    kept = Subscription.from_json(subscribed_to(runtime))
    assert f'data-mark="{kept.mark}"' in page.html
    assert kept.endpoint not in page.html
    assert wished(runtime) == Wishes(channel="push")
    assert page.form("channel").values["channel"] == "push"
    changed, wish = trail(runtime)
    assert (changed.action, wish.action) == ("identity.change", "messages.wishes")
    assert "example" not in json.dumps([changed.old, changed.new, wish.old, wish.new])


def test_another_phone_takes_its_place_and_both_can_be_taken_back(runtime, signed_in):
    signed_in.get("/reminders")
    for endpoint in ("https://push.example.org/1", "https://push.example.org/2"):
        signed_in.press(ON, subscription=Phone().subscription(endpoint))
        assert Subscription.from_json(subscribed_to(runtime)).endpoint == endpoint
    page = signed_in.press(OFF)
    assert page.path == "/reminders"
    assert 'data-mark=""' in page.html
    assert subscribed_to(runtime) is None
    assert wished(runtime) == Wishes()
    signed_in.press(OFF)  # from another tab: nothing to take back, nothing to say
    assert subscribed_to(runtime) is None
    assert len(trail(runtime)) == 5


def test_who_had_said_stop_and_asks_for_notices_is_written_to_again(runtime, signed_in):
    with runtime.writing(ME) as ctx:
        stopping.stop(ctx, ctx.session.scalars(select(Participant)).one(), "reply")
    signed_in.get("/reminders")
    signed_in.press(ON, subscription=Phone().subscription())
    assert wished(runtime) == Wishes(channel="push", messages=True)


@pytest.mark.requirement("I1", "I6", "I11")
@pytest.mark.parametrize(
    "said",
    [
        "",
        "{}",
        "null",
        "not json",
        Phone().subscription("http://push.example.org/1"),
        Phone().subscription("https://127.0.0.1/1"),
        Phone().subscription("https://[::1]/1"),
        Phone().subscription("https://localhost/1"),
        Phone().subscription("https://push.example.org:8443/1"),
        Phone().subscription("https://push.example.org/" + "s" * 3000),
        Phone().subscription().replace("p256dh", "p256"),
    ],
)
def test_what_is_no_public_push_service_is_refused_and_nothing_changes(runtime, signed_in, said):
    signed_in.get("/reminders")
    assert signed_in.press(ON, subscription=said).status == 422
    assert subscribed_to(runtime) is None
    assert wished(runtime) == Wishes()


def test_only_the_signed_in_participants_own_page_can_ask(app, runtime, browser, person):
    said = Phone().subscription()
    for path in ("/reminders/phone", "/reminders/phone/stop"):
        assert browser.post(path, {"subscription": said}).status == 400  # no token
    sign_in(browser, person)
    token = browser.get("/reminders").form("subscription").values["csrf_token"]
    for path in ("/reminders/phone", "/reminders/phone/stop"):
        assert browser.post(path, {"subscription": said}).status == 400
        assert browser.post(path, {"subscription": said, "csrf_token": token[:-2]}).status == 400
    assert subscribed_to(runtime) is None
    browser.get("/home")
    browser.press("Sign out")
    app.config["WTF_CSRF_ENABLED"] = False
    assert browser.post("/reminders/phone", {"subscription": said}).path == "/signed-out"
    assert subscribed_to(runtime) is None


@pytest.mark.parametrize("lacks", ["key", "rule"])
def test_nothing_is_offered_where_installation_or_protocol_know_no_notices(
    database_url, clock, tmp_path, lacks, monkeypatch
):
    key = "" if lacks == "key" else KEY
    settings = make_settings(
        database_url, tmp_path, smtp_url="smtp://localhost", vapid_private_key=key
    )
    runtime = make_runtime(settings, clock)
    person = enrolled(runtime)
    with runtime.writing(ME) as ctx:
        row = newest(ctx.session, "protocol", "breclim-2")
        protocol = ctx.library.protocol(ctx.session, row.id)
        if lacks == "rule":
            rest = {k: v for k, v in protocol.contact.channels.items() if k != "push"}
            contact = protocol.contact.model_copy(update={"channels": rest})
            without = protocol.model_copy(update={"contact": contact})
            monkeypatch.setattr(ctx.library, "protocol", lambda session, id_: without)
    client = web_app(runtime).test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    browser = Browser(client)
    sign_in(browser, person)
    page = browser.get("/reminders")
    assert page.status == 200
    assert "notices.js" not in page.html
    token = page.form("csrf_token").values["csrf_token"]
    said = {"subscription": Phone().subscription(), "csrf_token": token}
    assert browser.post("/reminders/phone", said).status == 422
    assert subscribed_to(runtime) is None
    runtime.database.close()


@pytest.mark.requirement("M1", "M2")
def test_a_reminder_reaches_the_phone_that_asked_and_says_nothing_to_others(
    runtime, signed_in, person, clock
):
    phone = Phone()
    signed_in.get("/reminders")
    signed_in.press(ON, subscription=phone.subscription())
    service = Gateway(lambda request, n: Reply(201, headers={"Location": "https://push/m/1"}))
    with http_server(service) as address, httpx.Client(transport=Roundabout(address)) as client:
        push = Push(KEY, "mailto:qol@example.org", client, lambda endpoint: None)
        worker = make_worker(runtime, push=push, email=Provider())
        live(worker, clock, days=1)
    (request,) = service.seen
    assert request.path == "/s/1"
    notice = phone.read(request.body)
    token = notice["url"].rpartition("/a/")[2]
    assert notice == {
        "title": "Your questionnaire is waiting",
        "body": "Still open, until Monday 14 December. About 18 minutes.",
        "url": f"https://qol.example.org/a/{token}",
        "language": "en",
    }
    assert len(token) == 43
    assert person.pin not in json.dumps(notice)
    # From eight in the evening on a phone that was off gets it no more.
    (attempt,) = deliveries(runtime)
    kept_until = attempt.started_at + timedelta(seconds=int(request.headers["TTL"]))
    assert kept_until == NOW.replace(hour=19, minute=0)
    (sent,) = [one for one in reminders(runtime) if one.status == "handed_over"]
    assert sent.channel == "push"
    # What it leads to is the participant's own way in.
    signed_in.get(f"/a/{token}")
    assert signed_in.press("Continue", pin=person.pin).path == "/home"


@pytest.mark.requirement("M6")
def test_a_phone_that_is_gone_is_forgotten_and_a_new_one_ends_the_task(
    runtime, signed_in, person, clock
):
    signed_in.get("/reminders")
    signed_in.press(ON, subscription=Phone().subscription())
    email = Provider()
    with (
        http_server(Gateway(lambda request, n: Reply(410))) as address,
        httpx.Client(transport=Roundabout(address)) as client,
    ):
        push = Push(KEY, "mailto:qol@example.org", client, lambda endpoint: None)
        live(make_worker(runtime, push=push, email=email), clock, days=1)
    assert subscribed_to(runtime) is None
    assert open_tasks(runtime) == ["bad_push"]
    assert len(email.taken) == 1
    sign_in(signed_in, person)
    signed_in.get("/reminders")
    signed_in.press(ON, subscription=Phone().subscription())
    assert open_tasks(runtime) == []
