"""Text messages, handed to an HTTP gateway; one adapter per gateway's way of speaking."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from qol_app.delivery.errors import TryAgainLater, Uncertain, Undeliverable
from qol_app.delivery.message import ChannelSettings, HandedOver, Message
from qol_app.delivery.web import new_client, post
from qol_app.errors import SettingsError


@dataclass(frozen=True)
class Gateway:
    """An account at a gateway: ``46elks://user:password@host``, ``twilio://sid:token@host``.

    The scheme may end in ``+http`` for a gateway on this machine.
    """

    kind: str
    base: str
    user: str
    password: str = field(repr=False)

    @classmethod
    def from_url(cls, url: str) -> "Gateway":
        """Return the account that a URL describes.

        Raises
        ------
        SettingsError
            If it is not such a URL.
        """
        scheme, _, rest = url.partition("://")
        kind, _, transport = scheme.partition("+")
        parts = urlsplit(f"//{rest}")
        if kind not in ADAPTERS or transport not in ("", "http") or not parts.hostname:
            raise SettingsError(
                f"setting SMS_URL: found {scheme or 'nothing'}://...; wanted one such as "
                f"46elks://user:password@api.46elks.com; gateways: {', '.join(ADAPTERS)}"
            )
        host = parts.netloc.rpartition("@")[2]
        return cls(
            kind=kind,
            base=f"{transport or 'https'}://{host}",
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )


class Sms:
    """The ``sms`` channel."""

    def __init__(self, gateway: Gateway, sms_from: str, client: httpx.Client | None = None) -> None:
        self.gateway, self.sms_from = gateway, sms_from
        self.client = client or new_client()
        if not sms_from:
            raise SettingsError("setting SMS_FROM: found nothing; wanted a number or short name")

    @classmethod
    def from_settings(cls, settings: ChannelSettings) -> "Sms":
        """Return the channel of an installation."""
        return cls(Gateway.from_url(settings.sms_url), settings.sms_from)

    def send(self, message: Message) -> HandedOver:
        """Hand one text message over; see ``Channel.send`` for what it raises."""
        return ADAPTERS[self.gateway.kind](self, message)


def _elks(channel: Sms, message: Message) -> HandedOver:
    """46elks: 200 and an ``id`` when taken; plain text naming the field when not."""
    form = {"from": channel.sms_from, "to": message.to, "message": message.text}
    if message.callback_url:
        form["whendelivered"] = message.callback_url
    response = _post(channel, "/a1/sms", form)
    if response.status_code == 200:
        answer = _taken(response, "id")
        if answer.get("status") == "failed":
            raise Undeliverable("gateway: it took the message and failed it at once")
        return HandedOver(answer["id"], answer.get("status", ""))
    if response.status_code == 400 and '"to"' in response.text.replace("'", '"'):
        raise Undeliverable("gateway: 400, no such number")
    raise TryAgainLater(f"gateway: {response.status_code}")


# Codes of the receiving number's own trouble; everything else is ours or passes.
TWILIO_BAD_NUMBER = {21211, 21214, 21217, 21408, 21610, 21612, 21614}


def _twilio(channel: Sms, message: Message) -> HandedOver:
    """Twilio: 201 and a ``sid`` when taken; JSON with a ``code`` when not."""
    form = {"From": channel.sms_from, "To": message.to, "Body": message.text}
    if message.callback_url:
        form["StatusCallback"] = message.callback_url
    path = f"/2010-04-01/Accounts/{channel.gateway.user}/Messages.json"
    response = _post(channel, path, form)
    if response.status_code == 201:
        answer = _taken(response, "sid")
        return HandedOver(answer["sid"], answer.get("status", ""))
    code = _json(response).get("code")
    if code in TWILIO_BAD_NUMBER:
        raise Undeliverable(f"gateway: {response.status_code}, code {code}")
    raise TryAgainLater(f"gateway: {response.status_code}, code {code if code else 'unknown'}")


ADAPTERS: Mapping[str, Callable[[Sms, Message], HandedOver]] = {
    "46elks": _elks,
    "twilio": _twilio,
}


def _post(channel: Sms, path: str, form: dict[str, str]) -> httpx.Response:
    gateway = channel.gateway
    auth = (gateway.user, gateway.password)
    return post(channel.client, gateway.base + path, data=form, auth=auth)


def _taken(response: httpx.Response, name: str) -> dict[str, Any]:
    """Return the answer of a gateway that took a message, if it says under which name."""
    answer = _json(response)
    if not isinstance(answer.get(name), str) or not answer[name]:
        raise Uncertain(f"gateway: {response.status_code} without {name}")
    return answer


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = json.loads(response.content)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
