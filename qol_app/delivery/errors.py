"""What can go wrong when a message leaves the house; each type is acted on differently.

No text here may hold an address, a name or what a message says: it is stored and logged.
"""

from qol_app.errors import QolError


class DeliveryError(QolError):
    """A message was not handed over, or nobody knows whether it was."""


class TryAgainLater(DeliveryError):
    """The provider is busy or unreachable and has not taken the message; it stays queued.

    ``after_s`` is the least wait the provider asked for, if any.
    """

    def __init__(self, text: str, after_s: float | None = None) -> None:
        super().__init__(text)
        self.after_s = after_s


class Undeliverable(DeliveryError):
    """The address will never work; stop, and tell the site."""


class Uncertain(DeliveryError):
    """The hand-over was interrupted where the provider may already have taken the message.

    It is shown to people and never sent again by itself: a second reminder is worse than
    a telephone call by somebody who knows.
    """
