"""The console: a demo's way of showing a message where no provider is."""

import sys
from typing import TextIO

from qol_app.delivery.message import ChannelSettings, HandedOver, Message
from qol_app.errors import SettingsError


class Console:
    """The ``console`` channel; it prints links, so a live study refuses it."""

    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out

    @classmethod
    def from_settings(cls, settings: ChannelSettings) -> "Console":
        """Return the channel of a demo installation.

        Raises
        ------
        SettingsError
            If this is no demo.
        """
        if not settings.demo:
            raise SettingsError("channel console: found a live study; wanted a demo (DEMO=yes)")
        return cls()

    def send(self, message: Message) -> HandedOver:
        """Print one message."""
        text = f"--- {message.reference}: {message.subject}\n{message.text}"
        print(text, file=self.out or sys.stdout)
        return HandedOver(message.reference)
