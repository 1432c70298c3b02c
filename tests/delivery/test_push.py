"""Web Push to a local push service: encrypted for one browser, signed by this installation."""

import json

import httpx
import pytest
from py_vapid import Vapid02

from qol_app.delivery.errors import TryAgainLater, Uncertain, Undeliverable
from qol_app.delivery.message import Message
from qol_app.delivery.push import Push, public_key
from qol_app.errors import SettingsError
from tests.delivery.http_fake import Gateway, Reply, client_for, http_server
from tests.delivery.push_fake import AUTH, Phone, b64, private_key


def anywhere(endpoint):
    """A test's own push service is on this machine."""


def send(gateway, phone=None, to=None, reply=None):
    with http_server(gateway) as address, client_for(reply) as client:
        phone = phone or Phone()
        push = Push(private_key(), "mailto:qol@example.org", client, anywhere)
        message = Message(
            reference="ref-1",
            thread="t",
            to=to or phone.subscription(f"http://{address}/s/1"),
            subject="Frågor väntar",
            text="Öppna när det passar.",
            link="https://qol.example.org/l/x",
            language="sv",
            keeps_s=7200,
        )
        return push.send(message), push


def test_only_the_browser_can_read_the_notice_and_the_service_knows_who_sent_it():
    gateway = Gateway(lambda request, n: Reply(201, headers={"Location": "https://push/m/17"}))
    phone = Phone()
    handed, push = send(gateway, phone)
    (request,) = gateway.seen
    assert phone.read(request.body) == {
        "title": "Frågor väntar",
        "body": "Öppna när det passar.",
        "url": "https://qol.example.org/l/x",
        "language": "sv",
    }
    assert handed.provider_ref == "https://push/m/17"
    assert request.headers["TTL"] == "7200"
    assert request.headers["Content-Encoding"] == "aes128gcm"
    assert Vapid02.verify(request.headers["Authorization"])
    assert push.contact == "mailto:qol@example.org"


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_a_subscription_that_is_gone_is_for_good(status):
    with pytest.raises(Undeliverable):
        send(Gateway(lambda request, n: Reply(status)))


@pytest.mark.parametrize("status", [401, 429, 503])
def test_a_busy_or_unwilling_service_is_asked_again(status):
    with pytest.raises(TryAgainLater):
        send(Gateway(lambda request, n: Reply(status)))


@pytest.mark.parametrize("reply", [Reply(500), Reply(cut=True), Reply(201, silent=True)])
def test_what_may_have_been_taken_is_uncertain(reply):
    with pytest.raises(Uncertain):
        send(Gateway(lambda request, n: reply), reply=reply)


KEYS = json.loads(Phone().subscription())["keys"]


@pytest.mark.parametrize(
    "to",
    [
        "not json",
        "[]",
        "null",
        "[" * 1000,
        json.dumps({"keys": KEYS}),
        json.dumps({"endpoint": 7, "keys": KEYS}),
        json.dumps({"endpoint": "http://[", "keys": KEYS}),
        json.dumps({"endpoint": "http://127.0.0.1:9/s"}),
        json.dumps({"endpoint": "http://127.0.0.1:9/s", "keys": None}),
        json.dumps({"endpoint": "http://127.0.0.1:9/s", "keys": {**KEYS, "p256dh": "AAAA"}}),
        json.dumps({"endpoint": "http://127.0.0.1:9/s", "keys": {**KEYS, "auth": b64(AUTH[1:])}}),
        json.dumps({"endpoint": "http://127.0.0.1:9/s", "keys": {**KEYS, "auth": "*" * 22}}),
        json.dumps(
            {"endpoint": "http://127.0.0.1:9/s", "keys": {**KEYS, "p256dh": b64(b"\4" * 65)}}
        ),
        Phone().subscription("http://127.0.0.1:9/" + "s" * 2048),
    ],
)
def test_a_broken_subscription_is_for_good_and_calls_nobody(to):
    gateway = Gateway(lambda request, n: Reply(201))
    with pytest.raises(Undeliverable):
        send(gateway, to=to)
    assert gateway.seen == []


def test_an_installation_calls_public_services_only():
    push = Push(private_key(), "mailto:qol@example.org", httpx.Client())
    with pytest.raises(Undeliverable, match="https"):
        push.send(Message("r", "t", Phone().subscription("http://push.example.org/1"), "s", "t"))
    push.client.close()


@pytest.mark.parametrize(
    ("key", "contact", "names"),
    [
        ("", "mailto:qol@example.org", "VAPID_PRIVATE_KEY"),
        ("AAAA", "mailto:qol@example.org", "VAPID_PRIVATE_KEY"),
        ("no key at all", "mailto:qol@example.org", "VAPID_PRIVATE_KEY"),
        (private_key(), "http://localhost:8000", "MAIL_FROM"),
    ],
    # A drawn key would name the case anew in every process that runs tests.
    ids=["no key", "short key", "no key at all", "no contact"],
)
def test_a_missing_or_wrong_setting_is_named(key, contact, names):
    with pytest.raises(SettingsError, match=names):
        Push(key, contact)


def test_browsers_are_given_the_public_half_of_the_key():
    key = private_key()
    assert (
        public_key(key)
        in Vapid02.from_string(key).sign(
            {"sub": "mailto:qol@example.org", "aud": "https://push.example.org"}
        )["Authorization"]
    )
