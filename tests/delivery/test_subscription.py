"""Where a phone may have us send a request: to push services on the open internet, nowhere else."""

import json
import socket

import pytest

from qol_app.delivery.errors import Undeliverable
from qol_app.delivery.subscription import Subscription, check_address, check_public
from tests.delivery.push_fake import ENDPOINT, Phone


def known_as(*addresses):
    """Return a stand-in for ``socket.getaddrinfo``."""
    return lambda host, port, **_: [(0, 0, 0, "", (address, port)) for address in addresses]


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/e1ldnx:APA91b-_",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAAA",
        "https://web.push.apple.com/QGuQ",
        "https://wns2-par02p.notify.windows.com/w/?token=BQYA%2fx%3d",
        "https://push.example.org:443/1",
        "https://PUSH.example.org/1",
    ],
)
def test_the_services_of_the_browsers_are_called(endpoint):
    check_address(endpoint)
    check_public(endpoint, known_as("142.250.74.10", "2a00:1450:400f:80c::200a"))


@pytest.mark.requirement("I11")
@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example.org/1",
        "HTTP://push.example.org/1",
        "ftp://push.example.org/1",
        "file:///etc/passwd",
        "//push.example.org/1",
        "https://",
        "https:///1",
        "https://localhost/1",
        "https://database/1",
        "https://127.0.0.1/1",
        "https://127.1/1",
        "https://2130706433/1",
        "https://0x7f000001/1",
        "https://0x7f.0.0.0x1/1",
        "https://017700000001/1",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/1",
        "https://[::ffff:127.0.0.1]/1",
        "https://push.example.org:8443/1",
        "https://push.example.org:22/1",
        "https://me@push.example.org/1",
        "https://push.example.org@127.0.0.1/1",
        "https://push.example.org\\@127.0.0.1/1",
        "https://127.0.0.1\\.example.org/1",
        "https://127.0.0.1#.example.org/1",
        "https://push..example.org/1",
        "https://push.example.org./1",
        "https://ｐｕｓｈ.example.org/1",
        "https://push.exa\nmple.org/1",
        "https://push.example.org/1 HTTP/1.1",
        "https://push.example.org/1\r\nX: y",
        "https://push.example.org/å",
    ],
)
def test_nothing_else_is(endpoint):
    with pytest.raises(Undeliverable) as caught:
        check_address(endpoint)
    assert "example" not in str(caught.value)


@pytest.mark.requirement("I11")
@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("10.0.0.7",),
        ("172.16.1.1",),
        ("192.168.1.1",),
        ("169.254.169.254",),
        ("100.64.0.1",),
        ("0.0.0.0",),
        ("::1",),
        ("fe80::1",),
        ("fd00::1",),
        ("::ffff:10.0.0.7",),
        ("142.250.74.10", "10.0.0.7"),
    ],
)
def test_a_public_name_of_a_neighbour_is_refused(addresses):
    with pytest.raises(Undeliverable, match="inside this network"):
        check_public(ENDPOINT, known_as(*addresses))


def test_a_name_that_nobody_knows_is_left_to_the_call_itself():
    def nobody_knows(*_, **__):
        raise socket.gaierror

    check_public(ENDPOINT, nobody_knows)


def test_of_what_a_browser_says_only_address_and_keys_are_kept():
    said = json.loads(Phone().subscription())
    kept = Subscription.from_json(json.dumps({**said, "name": "Anna", "expirationTime": 1}))
    assert json.loads(kept.to_json()) == {"endpoint": ENDPOINT, "keys": said["keys"]}
    assert ENDPOINT not in repr(kept)
    assert len(kept.mark) == 64
