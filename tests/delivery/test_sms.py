"""Text messages through two gateways' ways of speaking, and what their failures mean."""

import base64
from urllib.parse import parse_qs

import httpx
import pytest

from qol_app.delivery.errors import TryAgainLater, Uncertain, Undeliverable
from qol_app.delivery.message import Message
from qol_app.delivery.sms import Gateway as Account
from qol_app.delivery.sms import Sms
from qol_app.errors import SettingsError
from tests.delivery.http_fake import Gateway, Reply, client_for, http_server

TAKEN = {
    "46elks": Reply(200, {"id": "s70df59406a1b4643b96f3f91e0bfb7b0", "status": "created"}),
    "twilio": Reply(201, {"sid": "SM1f0e8ae6ade43cb3c0ce4525424e404f", "status": "queued"}),
}
KINDS = sorted(TAKEN)


def make_message(**other):
    values = {
        "reference": "ref-1",
        "thread": "thread-1",
        "to": "+46701740605",
        "subject": "",
        "text": "Hej! Åtta frågor väntar.",
        "callback_url": "https://qol.example.org/callbacks/sms?r=1",
    }
    return Message(**{**values, **other})


def send(kind, gateway, reply=None, **message):
    with http_server(gateway) as address, client_for(reply) as client:
        account = Account.from_url(f"{kind}+http://AC1:s3cret@{address}")
        return Sms(account, "+46766861004", client).send(make_message(**message))


@pytest.mark.parametrize("kind", KINDS)
def test_a_taken_message_comes_back_with_the_gateways_own_name(kind):
    gateway = Gateway(lambda request, n: TAKEN[kind])
    handed = send(kind, gateway)
    assert handed.provider_ref in TAKEN[kind].body.values()
    (request,) = gateway.seen
    form = {name.lower(): values[0] for name, values in parse_qs(request.body.decode()).items()}
    assert form["to"] == "+46701740605"
    assert form["from"] == "+46766861004"
    assert "Hej! Åtta frågor väntar." in form.values()
    assert "https://qol.example.org/callbacks/sms?r=1" in form.values()
    assert base64.b64decode(request.headers["Authorization"].split()[1]) == b"AC1:s3cret"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_gateway_is_asked_again_and_its_wait_is_known(kind, status):
    gateway = Gateway(lambda request, n: Reply(status, headers={"Retry-After": "90"}))
    with pytest.raises(TryAgainLater) as raised:
        send(kind, gateway)
    assert raised.value.after_s == 90


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "reply", [Reply(500), Reply(502), Reply(504), Reply(cut=True), Reply(silent=True)]
)
def test_what_may_have_been_taken_is_uncertain(kind, reply):
    with pytest.raises(Uncertain):
        send(kind, Gateway(lambda request, n: reply), reply)


@pytest.mark.parametrize("kind", KINDS)
def test_a_yes_without_a_name_is_uncertain(kind):
    status = TAKEN[kind].status
    with pytest.raises(Uncertain):
        send(kind, Gateway(lambda request, n: Reply(status, b"<html>ok</html>")))


@pytest.mark.parametrize(
    ("kind", "reply"),
    [
        ("46elks", Reply(400, b'Invalid value for key "to"')),
        ("46elks", Reply(200, {"id": "s1", "status": "failed"})),
        ("twilio", Reply(400, {"code": 21211, "message": "Invalid 'To' +46701740605"})),
        ("twilio", Reply(400, {"code": 21610, "message": "unsubscribed"})),
    ],
)
def test_a_number_that_cannot_be_is_for_good_and_not_repeated(kind, reply):
    with pytest.raises(Undeliverable) as raised:
        send(kind, Gateway(lambda request, n: reply))
    assert "4670" not in str(raised.value)


@pytest.mark.parametrize(
    ("kind", "reply"),
    [
        ("46elks", Reply(401, b"API access requires Basic HTTP authentication")),
        ("46elks", Reply(403, b"Not enough credits")),
        ("twilio", Reply(401, {"code": 20003})),
        ("twilio", Reply(400, {"code": 21212, "message": "Invalid 'From'"})),
    ],
)
def test_our_own_account_in_trouble_is_no_fault_of_the_number(kind, reply):
    with pytest.raises(TryAgainLater):
        send(kind, Gateway(lambda request, n: reply))


def test_a_gateway_that_is_not_there_has_taken_nothing():
    with http_server(Gateway(lambda request, n: Reply())) as address:
        pass
    channel = Sms(Account.from_url(f"46elks+http://u:p@{address}"), "Qol", httpx.Client())
    with pytest.raises(TryAgainLater):
        channel.send(make_message())
    channel.client.close()


@pytest.mark.parametrize("url", ["", "https://u:p@api.46elks.com", "46elks+ftp://u:s3cret@host"])
def test_a_wrong_setting_is_named_without_its_password(url):
    with pytest.raises(SettingsError, match="SMS_URL") as raised:
        Account.from_url(url)
    assert "s3cret" not in str(raised.value)


def test_a_gateway_elsewhere_is_spoken_to_over_https():
    assert Account.from_url("twilio://AC1:x@api.twilio.com").base == "https://api.twilio.com"
