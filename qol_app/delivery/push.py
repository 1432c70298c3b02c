"""Web Push: a short encrypted notice to a browser that asked for it (RFC 8030, 8291, 8292)."""

import json
from typing import Any
from urllib.parse import urlsplit

import httpx
from py_vapid import Vapid02
from pywebpush import WebPusher, WebPushException

from qol_app.delivery.errors import TryAgainLater, Undeliverable
from qol_app.delivery.message import ChannelSettings, HandedOver, Message
from qol_app.delivery.web import new_client, post
from qol_app.errors import SettingsError

TTL_S = 24 * 3600
# The subscription is gone: the browser was reset, or the person said no.
GONE = (404, 410)


class Push:
    """The ``push`` channel; an address is the browser's subscription as JSON."""

    def __init__(
        self,
        private_key: str,
        contact: str,
        client: httpx.Client | None = None,
        schemes: tuple[str, ...] = ("https",),
    ) -> None:
        if not private_key:
            raise SettingsError(
                "setting VAPID_PRIVATE_KEY: found nothing; wanted a base64url P-256 key"
            )
        self.vapid = Vapid02.from_string(private_key)
        self.contact, self.schemes = contact, schemes
        self.client = client or new_client()

    @classmethod
    def from_settings(cls, settings: ChannelSettings) -> "Push":
        """Return the channel of an installation."""
        contact = f"mailto:{settings.mail_from}" if settings.mail_from else settings.base_url
        return cls(settings.vapid_private_key, contact)

    def send(self, message: Message) -> HandedOver:
        """Hand one notice over; see ``Channel.send`` for what it raises."""
        endpoint, subscription = self._subscription(message.to)
        notice = {"title": message.subject, "body": message.text, "url": message.link}
        try:
            encrypted = WebPusher(subscription).encode(json.dumps(notice).encode())
        except (WebPushException, ValueError, TypeError, KeyError) as error:
            raise Undeliverable("subscription: its keys cannot be used") from error
        response = post(
            self.client, endpoint, content=encrypted["body"], headers=self._headers(endpoint)
        )
        if response.status_code in GONE or response.status_code == 400:
            raise Undeliverable(f"push service: {response.status_code}")
        if not response.is_success:
            raise TryAgainLater(f"push service: {response.status_code}")
        return HandedOver(response.headers.get("Location", "")[-200:] or message.reference)

    def _subscription(self, text: str) -> tuple[str, dict[str, Any]]:
        try:
            subscription = json.loads(text)
            endpoint = subscription["endpoint"]
            scheme = urlsplit(endpoint).scheme
        except (ValueError, TypeError, KeyError) as error:
            raise Undeliverable("subscription: it cannot be read") from error
        if scheme not in self.schemes:
            raise Undeliverable("subscription: its endpoint is not an https address")
        return endpoint, subscription

    def _headers(self, endpoint: str) -> dict[str, str]:
        parts = urlsplit(endpoint)
        claims = {"sub": self.contact, "aud": f"{parts.scheme}://{parts.netloc}"}
        return {
            **self.vapid.sign(claims),
            "TTL": str(TTL_S),
            "Content-Encoding": "aes128gcm",
            "Urgency": "normal",
        }
