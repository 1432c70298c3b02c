"""One message on its way out, and what a channel is."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Attachment:
    """A small file that travels with an e-mail."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Message:
    """What is handed over once, to one person.

    ``reference`` names this attempt and ``thread`` the intent behind it, the same at every
    attempt, so that a mail program shows a message once even if two attempts arrive.
    ``keeps_s`` is for how many seconds a provider may keep it for a telephone that is off,
    where it can be told so: none should light up at night.
    """

    reference: str
    thread: str
    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    language: str = "en"
    link: str = field(default="", repr=False)
    unsubscribe_url: str = field(default="", repr=False)
    callback_url: str = field(default="", repr=False)
    keeps_s: int = 12 * 3600
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class HandedOver:
    """A provider took the message; ``provider_ref`` is its own name for it."""

    provider_ref: str
    detail: str = ""


class Channel(Protocol):
    """A way by which a message leaves the house."""

    def send(self, message: Message) -> HandedOver:
        """Hand a message over, blocking until the provider has answered.

        Raises
        ------
        TryAgainLater
            If it was certainly not taken, and may be another time.
        Undeliverable
            If the address will never work.
        Uncertain
            If it may have been taken.
        """
        ...


class ChannelSettings(Protocol):
    """What channels need to know of an installation; ``qol_app.settings`` provides it."""

    @property
    def base_url(self) -> str: ...
    @property
    def smtp_url(self) -> str: ...
    @property
    def mail_from(self) -> str: ...
    @property
    def sms_url(self) -> str: ...
    @property
    def sms_from(self) -> str: ...
    @property
    def vapid_private_key(self) -> str: ...
    @property
    def demo(self) -> bool: ...
