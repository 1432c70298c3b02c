"""A demo's mailbox: a real mail server on this machine that keeps what it is given."""

import itertools
import os
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from qol_app.errors import NotFound

FOLDER = "outbox"


class Keeper:
    """Writes each message into a folder, whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = itertools.count(1)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep a message and say that it was taken."""
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{os.getpid()}-{next(self._numbers)}"
        content: Any = envelope.content
        part = self.folder / f"{name}.part"
        part.write_bytes(content)
        part.rename(self.folder / f"{name}.eml")
        return "250 2.0.0 kept"


class _AnyPort(Controller):
    """A controller at a port of the system's choice, which aiosmtpd's own cannot be at."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()


class Sink:
    """The mail server of a demo, on loopback, at a port the system chooses."""

    def __init__(self, instance: Path) -> None:
        self.folder = instance / FOLDER
        self.folder.mkdir(parents=True, exist_ok=True)
        self._server = _AnyPort(Keeper(self.folder), hostname="127.0.0.1", port=0)

    def start(self) -> str:
        """Begin to listen; return the SMTP_URL that leads here."""
        self._server.start()
        return f"smtp://127.0.0.1:{self._server.port}"

    def stop(self) -> None:
        """Stop listening; what was kept stays."""
        self._server.stop()


def kept(instance: Path, most: int = 200) -> list[str]:
    """Return the names of the kept messages, newest first."""
    names = sorted((path.stem for path in (instance / FOLDER).glob("*.eml")), reverse=True)
    return names[:most]


def kept_message(instance: Path, name: str) -> EmailMessage:
    """Return one kept message.

    Raises
    ------
    NotFound
        If there is none of that name.
    """
    if name not in kept(instance, most=1_000_000):
        raise NotFound("message: there is none of that name in the outbox")
    content = (instance / FOLDER / f"{name}.eml").read_bytes()
    return message_from_bytes(content, policy=default)  # type: ignore[return-value]
