"""Providers report doubled, late, shuffled and forged; a delivery only ever moves forward."""

import hmac
import itertools
import shutil
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask

from qol_app.app import web_app
from qol_app.db.tables import Participant
from qol_app.delivery.errors import Uncertain
from qol_app.runtime import Runtime
from qol_app.services import callbacks, stopping
from qol_app.services.addresses import Addresses
from qol_app.services.identity import Identity
from tests.conftest import ENGINES, NOW, Clock, make_runtime, make_settings
from tests.messaging import (
    EMAIL,
    PHONE,
    TESTS,
    Provider,
    deliveries,
    enrol,
    live,
    make_worker,
    open_tasks,
    reminders,
    statuses,
    tick,
)

BOUNCE = """\
From: mailer-daemon@example.org
To: qol@example.org
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

The address does not exist.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; anna@example.org
Action: {action}
Status: {status}

--b
Content-Type: {kind}

Message-ID: <{thread}@example.org>
Subject: Hej

--b--
"""


# What providers say, and how it is taken, is the same on both engines; the locks under it are
# shown on both by the one test that asks for ``database_url``. All others start from one message
# sent once: a file that is put back as it was.


@dataclass
class Installation:
    """A study with one participant, to whom one message went, by a provider that counts."""

    folder: Path
    clock: Clock
    runtime: Runtime
    app: Flask
    provider: Provider = field(default_factory=Provider)

    @classmethod
    def made(cls, templates, folder, channel, person):
        clock = Clock()
        runtime = make_runtime(make_settings(templates.copy("sqlite", folder), folder), clock)
        made = cls(folder, clock, runtime, web_app(runtime))
        enrol(runtime, person=person)
        worker = make_worker(runtime, **{channel: made.provider})
        tick(worker)
        worker.stop()
        made.close()
        shutil.copy(folder / "qol.db", folder / "as_it_was.db")
        return made

    def restore(self):
        self.close()
        shutil.copy(self.folder / "as_it_was.db", self.folder / "qol.db")
        self.clock.now = NOW
        del self.provider.taken[1:]

    def close(self):
        # The last connection to go writes all that was saved into the one file.
        self.runtime.database.close()


@pytest.fixture(scope="module")
def by_text(templates, tmp_path_factory):
    folder = tmp_path_factory.mktemp("by_text")
    made = Installation.made(templates, folder, "sms", Identity(phone=PHONE))
    yield made
    made.close()


@pytest.fixture(scope="module")
def by_mail(templates, tmp_path_factory):
    folder = tmp_path_factory.mktemp("by_mail")
    made = Installation.made(templates, folder, "email", Identity(email=EMAIL))
    yield made
    made.close()


@pytest.fixture
def installation(request):
    """The one by e-mail where a test asks for what was mailed, otherwise the one by text."""
    name = "by_mail" if "mailed" in request.fixturenames else "by_text"
    found = request.getfixturevalue(name)
    found.restore()
    return found


@pytest.fixture
def runtime(installation):
    return installation.runtime


@pytest.fixture
def clock(installation):
    return installation.clock


@pytest.fixture
def app(installation):
    return installation.app


@pytest.fixture
def sms(installation):
    return installation.provider


@pytest.fixture
def sent(sms):
    """The path at which a provider reports on the one message that was sent."""
    return path_of(sms.taken[0].callback_url)


def path_of(url):
    url = urlsplit(url)
    return f"{url.path}?{url.query}"


def outcome(runtime):
    return [(one.status, one.why) for one in reminders(runtime)], [
        one.status for one in deliveries(runtime)
    ]


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"id": "s1", "status": "delivered"}, "delivered"),
        ({"MessageSid": "SM1", "MessageStatus": "delivered"}, "delivered"),
        ({"MessageSid": "SM1", "MessageStatus": "read"}, "opened"),
    ],
)
def test_both_gateways_words_for_arrived_are_understood(client, runtime, sent, form, status):
    assert client.post(sent, data=form).status_code == 204
    assert outcome(runtime) == ([("delivered", "")], [status])


@pytest.mark.requirement("M6")
@pytest.mark.parametrize("word", ["failed", "undelivered"])
def test_a_message_that_came_back_becomes_a_task(client, runtime, sent, word):
    client.post(sent, data={"status": word})
    assert outcome(runtime) == ([("failed", "bad_address")], ["bounced"])
    assert open_tasks(runtime) == ["bad_sms"]


@pytest.mark.requirement("D9")
@pytest.mark.parametrize(
    "order", sorted(set(itertools.permutations(["created", "sent", "delivered", "delivered"])))
)
def test_any_order_of_reports_ends_the_same(client, runtime, sent, order):
    for word in order:
        assert client.post(sent, data={"status": word}).status_code == 204
    assert outcome(runtime) == ([("delivered", "")], ["delivered"])


@pytest.mark.parametrize("database_url", ENGINES, indirect=True)
def test_a_report_is_taken_on_both_engines(database_url, tmp_path):
    runtime = make_runtime(make_settings(database_url, tmp_path), Clock())
    provider = Provider()
    enrol(runtime, person=Identity(phone=PHONE))
    tick(make_worker(runtime, sms=provider))
    client = web_app(runtime).test_client()
    for word in ("failed", "delivered", "failed", "sent"):
        path = path_of(provider.taken[0].callback_url)
        assert client.post(path, base_url="https://localhost", data={"status": word}).status == (
            "204 NO CONTENT"
        )
    assert outcome(runtime) == ([("delivered", "")], ["delivered"])
    assert open_tasks(runtime) == []
    runtime.database.close()


def test_a_late_failure_does_not_undo_an_arrival(client, runtime, sent):
    for word in ("delivered", "failed", "sent"):
        client.post(sent, data={"status": word})
    assert outcome(runtime) == ([("delivered", "")], ["delivered"])
    assert open_tasks(runtime) == []


def test_a_report_clears_up_what_was_uncertain(client, runtime, clock):
    other = Provider(lambda n: Uncertain("time-out"))
    enrol(runtime, "UME-002", person=Identity(phone="+46701740606"))
    tick(make_worker(runtime, sms=other))
    assert open_tasks(runtime) == ["message_uncertain"]
    path = path_of(
        Addresses.of(runtime.settings).callback("sms", deliveries(runtime)[-1].reference)
    )
    client.post(path, data={"status": "delivered"})
    assert outcome(runtime)[1] == ["accepted", "delivered"]
    assert open_tasks(runtime) == []


@pytest.mark.parametrize(
    "forge",
    [
        lambda path: path[:-1] + ("0" if path[-1] != "0" else "1"),
        lambda path: path.split("&")[0],
        lambda path: path.replace(".1&", ".2&"),
        lambda path: path.replace("/sms", "/email"),
        lambda path: path.replace("/sms", "/fax"),
        lambda path: path.split("&")[0] + "&s=",
    ],
)
def test_a_forged_report_finds_nothing_and_changes_nothing(client, runtime, sent, forge):
    before = outcome(runtime)
    assert client.post(forge(sent), data={"status": "delivered"}).status_code == 404
    assert outcome(runtime) == before


@pytest.mark.parametrize("body", [{}, {"status": "exploded"}, {"status": ["delivered"]}])
def test_a_report_that_says_nothing_we_know_changes_nothing(client, runtime, sent, body):
    before = outcome(runtime)
    assert client.post(sent, json=body).status_code == 204
    assert outcome(runtime) == before


def test_looking_at_a_report_address_changes_nothing(client, runtime, sent):
    before = outcome(runtime)
    assert client.get(sent).status_code in (404, 405)
    assert outcome(runtime) == before


# --- relays that sign what they say ------------------------------------------------------


def signed(runtime, body, at, key=None):
    timestamp = str(int(at.timestamp()))
    key = key or Addresses.of(runtime.settings).key
    signature = hmac.new(key, timestamp.encode() + b"." + body, sha256).hexdigest()
    return {"X-Qol-Timestamp": timestamp, "X-Qol-Signature": signature}


@pytest.fixture
def mailed(installation):
    return installation.provider.taken[0]


def post_signed(client, body, headers):
    return client.post(
        "/callbacks/email", data=body, headers=headers, content_type="application/json"
    ).status_code


def test_a_mail_relay_reports_by_message_id_under_a_signature(client, runtime, mailed, clock):
    body = f'{{"message_id": "<{mailed.thread}@example.org>", "event": "bounced"}}'.encode()
    assert post_signed(client, body, signed(runtime, body, clock.now)) == 204
    assert outcome(runtime) == ([("failed", "bad_address")], ["bounced"])
    assert open_tasks(runtime) == ["bad_email"]


def test_a_wrong_changed_or_old_signature_finds_nothing(client, runtime, mailed, clock):
    body = f'{{"reference": "{mailed.reference}", "event": "bounced"}}'.encode()
    right = signed(runtime, body, clock.now)
    attempts = [
        (body, signed(runtime, body, clock.now, key=b"another")),
        (body.replace(b"bounced", b"opened"), right),
        (body, {**right, "X-Qol-Timestamp": "1"}),
        (body, {"X-Qol-Signature": right["X-Qol-Signature"]}),
        (body, {}),
    ]
    for changed, headers in attempts:
        assert post_signed(client, changed, headers) == 404
    clock.move(minutes=11)
    assert post_signed(client, body, right) == 404
    assert outcome(runtime) == ([("handed_over", "")], ["accepted"])


# --- replies ---------------------------------------------------------------------------


def reply_path(runtime):
    return path_of(Addresses.of(runtime.settings).reply("sms"))


@pytest.mark.parametrize(
    "form",
    [
        {"from": PHONE, "to": "+46766861004", "message": "STOPP"},
        {"From": PHONE, "Body": "stop please"},
    ],
)
def test_a_reply_that_says_stop_stops_messages(client, runtime, clock, sms, sent, form):
    assert client.post(reply_path(runtime), data=form).status_code == 204
    live(make_worker(runtime, sms=sms), clock, days=20)
    assert len(sms.taken) == 1


@pytest.mark.parametrize(
    "form",
    [
        {"from": PHONE, "message": "Tack, jag svarar i kväll"},
        {"from": "+46701740606", "message": "STOP"},
        {"from": "Qol", "message": "STOP"},
        {},
    ],
)
def test_any_other_reply_stops_nobody(client, runtime, sent, form):
    assert client.post(reply_path(runtime), data=form).status_code == 204
    with runtime.reading(TESTS) as ctx:
        assert ctx.session.get_one(Participant, 1).messages_stopped_at is None


def test_a_reply_address_that_is_not_ours_stops_nobody(client, runtime, sent):
    path = reply_path(runtime)
    form = {"from": PHONE, "message": "STOP"}
    assert client.post(path[:-3] + "abc", data=form).status_code == 404
    with runtime.reading(TESTS) as ctx:
        assert ctx.session.get_one(Participant, 1).messages_stopped_at is None


def test_a_number_finds_everybody_who_gave_it(runtime):
    enrol(runtime, "UME-002", person=Identity(phone="070-174 06 06"))
    with runtime.reading(TESTS) as ctx:
        found = stopping.by_phone(ctx, "070 174 06 05")
    assert [participant.study_number for participant in found] == ["UME-001"]


# --- bounces ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["message/rfc822", "text/rfc822-headers"])
def test_a_delivery_status_notification_becomes_a_report(runtime, mailed, kind):
    raw = BOUNCE.format(action="failed", status="5.1.1", kind=kind, thread=mailed.thread).encode()
    report = callbacks.bounce(raw)
    with runtime.writing(TESTS) as ctx:
        assert callbacks.apply(ctx, "email", report)
        assert not callbacks.apply(ctx, "email", report)
    assert statuses(runtime) == {"opening": "failed"}
    assert open_tasks(runtime) == ["bad_email"]


@pytest.mark.parametrize(
    "raw",
    [
        BOUNCE.format(action="delayed", status="4.2.2", kind="message/rfc822", thread="x"),
        BOUNCE.format(action="failed", status="4.2.2", kind="message/rfc822", thread="x"),
        BOUNCE.format(action="failed", status="5.1.1", kind="text/plain", thread="x"),
        "From: a@example.org\nSubject: out of office\n\nBack on Monday.",
        "",
    ],
)
def test_what_is_no_final_failure_is_no_report(raw):
    assert callbacks.bounce(raw.encode()) is None
