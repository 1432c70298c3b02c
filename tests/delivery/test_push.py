"""Web Push to a local push service: encrypted for one browser, signed by this installation."""

import base64
import json

import http_ece
import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from qol_app.delivery.errors import TryAgainLater, Uncertain, Undeliverable
from qol_app.delivery.message import Message
from qol_app.delivery.push import Push
from qol_app.errors import SettingsError
from tests.delivery.http_fake import Gateway, Reply, http_server

AUTH = b"0123456789abcdef"


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Browser:
    """A browser's half of a subscription."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())

    def subscription(self, endpoint):
        point = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return json.dumps({"endpoint": endpoint, "keys": {"p256dh": b64(point), "auth": b64(AUTH)}})

    def read(self, body):
        return json.loads(http_ece.decrypt(body, private_key=self.key, auth_secret=AUTH))


def private_key():
    key = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return b64(key.to_bytes(32, "big"))


def send(gateway, browser=None, to=None):
    with http_server(gateway) as address, httpx.Client(timeout=0.5) as client:
        browser = browser or Browser()
        push = Push(private_key(), "mailto:qol@example.org", client, schemes=("http",))
        message = Message(
            reference="ref-1",
            thread="t",
            to=to or browser.subscription(f"http://{address}/s/1"),
            subject="Frågor väntar",
            text="Öppna när det passar.",
            link="https://qol.example.org/l/x",
        )
        return push.send(message), push


def test_only_the_browser_can_read_the_notice_and_the_service_knows_who_sent_it():
    gateway = Gateway(lambda request, n: Reply(201, headers={"Location": "https://push/m/17"}))
    browser = Browser()
    handed, push = send(gateway, browser)
    (request,) = gateway.seen
    assert browser.read(request.body) == {
        "title": "Frågor väntar",
        "body": "Öppna när det passar.",
        "url": "https://qol.example.org/l/x",
    }
    assert handed.provider_ref == "https://push/m/17"
    assert request.headers["TTL"] == "86400"
    assert request.headers["Content-Encoding"] == "aes128gcm"
    assert Vapid02.verify(request.headers["Authorization"])
    assert push.contact == "mailto:qol@example.org"


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_is_gone_is_for_good(status):
    with pytest.raises(Undeliverable):
        send(Gateway(lambda request, n: Reply(status)))


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_a_busy_or_unwilling_service_is_asked_again(status):
    with pytest.raises(TryAgainLater):
        send(Gateway(lambda request, n: Reply(status)))


@pytest.mark.parametrize("reply", [Reply(500), Reply(cut=True), Reply(201, wait_s=1)])
def test_what_may_have_been_taken_is_uncertain(reply):
    with pytest.raises(Uncertain):
        send(Gateway(lambda request, n: reply))


@pytest.mark.parametrize(
    "to",
    [
        "not json",
        '{"endpoint": "ftp://push/1", "keys": {}}',
        '{"keys": {}}',
        '{"endpoint": "http://127.0.0.1:9/s", "keys": {"p256dh": "AAAA", "auth": "AAAA"}}',
        '{"endpoint": "http://127.0.0.1:9/s"}',
    ],
)
def test_a_broken_subscription_is_for_good_and_calls_nobody(to):
    gateway = Gateway(lambda request, n: Reply(201))
    with pytest.raises(Undeliverable):
        send(gateway, to=to)
    assert gateway.seen == []


def test_a_live_study_pushes_over_https_only():
    push = Push(private_key(), "mailto:qol@example.org", httpx.Client())
    with pytest.raises(Undeliverable, match="https"):
        push.send(Message("r", "t", Browser().subscription("http://push/1"), "s", "t"))
    push.client.close()


def test_a_missing_key_is_named():
    with pytest.raises(SettingsError, match="VAPID_PRIVATE_KEY"):
        Push("", "mailto:qol@example.org")
