"""A browser's half of web push: a subscription, and what only it can read."""

import base64
import json

import http_ece
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

AUTH = b"0123456789abcdef"
ENDPOINT = "https://push.example.org/s/1"


def b64(raw: bytes) -> str:
    """Return bytes as base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def private_key() -> str:
    """Return a new key of an installation."""
    key = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return b64(key.to_bytes(32))


class Phone:
    """A browser that can be written to."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())

    def subscription(self, endpoint: str = ENDPOINT) -> str:
        """Return what this browser says of itself, as JSON."""
        point = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        keys = {"p256dh": b64(point), "auth": b64(AUTH)}
        return json.dumps({"endpoint": endpoint, "expirationTime": None, "keys": keys})

    def read(self, body: bytes) -> dict[str, str]:
        """Return the notice in the body of a request."""
        return json.loads(http_ece.decrypt(body, private_key=self.key, auth_secret=AUTH))
