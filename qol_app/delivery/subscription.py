"""A browser's subscription to web push: where to write to, and the keys that make it unreadable
to all others on the way (RFC 8291).

It comes from a phone and its address is later called from this machine, so that it is looked at
as closely as anything a stranger says: only public services are called.
"""

import base64
import binascii
import hashlib
import json
import re
import socket
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from qol_app.delivery.errors import Undeliverable

# Those of real services have at most 600 characters, with their keys.
MOST_CHARACTERS = 2048
POINT_BYTES, AUTH_BYTES = 65, 16
# Every push service has a name of its own. Numbers, in all their spellings, have no letter at the
# beginning of their last part, and names without a dot are those of neighbours.
PUBLIC_NAME = re.compile(r"(?:[a-z0-9-]{1,63}\.)+[a-z][a-z0-9-]{1,62}")


@dataclass(frozen=True)
class Subscription:
    """Where to write to, and with which keys, both in base64url."""

    endpoint: str
    p256dh: str
    auth: str

    def __repr__(self) -> str:
        return "Subscription(...)"

    @classmethod
    def from_json(cls, text: str) -> "Subscription":
        """Return what a browser said of itself as JSON.

        Raises
        ------
        Undeliverable
            If nobody could be written to by it.
        """
        if len(text) > MOST_CHARACTERS:
            raise Undeliverable(f"subscription: found more than {MOST_CHARACTERS} characters")
        try:
            said = json.loads(text)
            keys = said["keys"]
            found = cls(said["endpoint"], keys["p256dh"], keys["auth"])
            _check_keys(found)
            urlsplit(found.endpoint)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise Undeliverable("subscription: it cannot be read") from error
        return found

    def to_json(self) -> str:
        """Return the same as JSON, without anything else the browser may have said."""
        return json.dumps({"endpoint": self.endpoint, "keys": self.keys()})

    def keys(self) -> dict[str, str]:
        """Return the keys by their names in the standard."""
        return {"p256dh": self.p256dh, "auth": self.auth}

    @property
    def mark(self) -> str:
        """A short name by which a browser knows its own subscription again."""
        return hashlib.sha256(self.endpoint.encode()).hexdigest()


def _check_keys(found: Subscription) -> None:
    point, secret = _bytes(found.p256dh), _bytes(found.auth)
    if (len(point), len(secret)) != (POINT_BYTES, AUTH_BYTES):
        raise ValueError(f"found keys of {len(point)} and {len(secret)} bytes")
    # A point that is not on the curve is a ValueError too.
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("no base64url") from error


def check_public(endpoint: str, resolve: Any = socket.getaddrinfo) -> None:
    """Refuse an address that does not lead to a push service on the open internet.

    Whoever subscribes chooses where this machine will send a request, so it may never be one
    of its own neighbours. By name alone this cannot be told; what the name stands for is asked.

    Parameters
    ----------
    resolve : callable
        As ``socket.getaddrinfo``.

    Raises
    ------
    Undeliverable
        Saying what is wrong, without the address.
    """
    check_address(endpoint)
    host = urlsplit(endpoint).hostname
    try:
        found = resolve(host, 443, type=socket.SOCK_STREAM)
    except OSError:
        return  # the call itself will fail, or a proxy knows the name
    if not all(ip_address(address[4][0]).is_global for address in found):
        raise Undeliverable("subscription: its endpoint is inside this network")


def check_address(endpoint: str) -> None:
    """Refuse an address that by its looks alone is none of a public push service.

    Raises
    ------
    Undeliverable
        Saying what is wrong, without the address.
    """
    parts = urlsplit(endpoint)
    if parts.scheme != "https":
        raise Undeliverable("subscription: its endpoint is not an https address")
    if not PUBLIC_NAME.fullmatch(parts.netloc.lower().removesuffix(":443")):
        raise Undeliverable("subscription: its endpoint is no public push service")
    if not endpoint.isascii() or not endpoint.isprintable() or " " in endpoint:
        raise Undeliverable("subscription: its endpoint is not an address")
