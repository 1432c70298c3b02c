"""Web Push: a short encrypted notice to a browser that asked for it (RFC 8030, 8291, 8292)."""

import base64
import json
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from qol_app.delivery.errors import TryAgainLater, Undeliverable
from qol_app.delivery.message import ChannelSettings, HandedOver, Message
from qol_app.delivery.subscription import Subscription, check_public
from qol_app.delivery.web import new_client, post
from qol_app.errors import SettingsError

# No later attempt by this subscription will do: it is gone (404, 410: the browser was reset, or
# the person said no), malformed (400), or was made with another key of this installation
# (403, RFC 8292, section 4.2).
GONE = (400, 403, 404, 410)


class Push:
    """The ``push`` channel; an address is the browser's subscription as JSON."""

    def __init__(
        self,
        private_key: str,
        contact: str,
        client: httpx.Client | None = None,
        check: Callable[[str], None] = check_public,
    ) -> None:
        self.vapid = _vapid(private_key)
        if not contact.startswith(("mailto:", "https:")):
            raise SettingsError(
                "setting MAIL_FROM: found nothing; wanted an address, which push services ask for"
            )
        self.contact, self.check = contact, check
        self.client = client or new_client()

    @classmethod
    def from_settings(cls, settings: ChannelSettings) -> "Push":
        """Return the channel of an installation."""
        contact = f"mailto:{settings.mail_from}" if settings.mail_from else settings.base_url
        return cls(settings.vapid_private_key, contact)

    def send(self, message: Message) -> HandedOver:
        """Hand one notice over; see ``Channel.send`` for what it raises."""
        subscription = Subscription.from_json(message.to)
        self.check(subscription.endpoint)
        response = post(
            self.client,
            subscription.endpoint,
            content=_encrypted(subscription, message),
            headers=self._headers(subscription.endpoint, message.keeps_s),
        )
        if response.status_code in GONE:
            raise Undeliverable(f"push service: {response.status_code}")
        if not response.is_success:
            raise TryAgainLater(f"push service: {response.status_code}")
        return HandedOver(response.headers.get("Location", "")[-200:] or message.reference)

    def _headers(self, endpoint: str, keeps_s: int) -> dict[str, str]:
        parts = urlsplit(endpoint)
        claims = {"sub": self.contact, "aud": f"{parts.scheme}://{parts.netloc}"}
        return {
            **self.vapid.sign(claims),
            "TTL": str(keeps_s),
            "Content-Encoding": "aes128gcm",
            "Urgency": "normal",
        }


def _encrypted(subscription: Subscription, message: Message) -> bytes:
    # Brings two more HTTP libraries, which an installation without push need not load.
    from pywebpush import WebPusher

    notice = {
        "title": message.subject,
        "body": message.text,
        "url": message.link,
        "language": message.language,
    }
    browser = {"endpoint": subscription.endpoint, "keys": subscription.keys()}
    return WebPusher(browser).encode(json.dumps(notice).encode())["body"]


def public_key(private_key: str) -> str:
    """Return the half of an installation's key that browsers are given, in base64url."""
    point = _vapid(private_key).public_key.public_bytes(
        Encoding.X962, PublicFormat.UncompressedPoint
    )
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def _vapid(private_key: str) -> Vapid02:
    try:
        return Vapid02.from_string(private_key)
    except ValueError as error:
        raise SettingsError(
            f"setting VAPID_PRIVATE_KEY: found {'no such key' if private_key else 'nothing'}; "
            "wanted a P-256 key in base64url (flask settings init)"
        ) from error
