"""Addresses of this installation that only it can make: links, stop links, callbacks."""

import hashlib
import hmac
from dataclasses import dataclass, field
from urllib.parse import quote

from qol_app.settings import Settings


@dataclass(frozen=True)
class Addresses:
    """The public address, and the key by which our own addresses are known again."""

    base_url: str
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, settings: Settings) -> "Addresses":
        """Return the addresses of an installation."""
        key = settings.callback_key or settings.secret_key
        return cls(settings.base_url, key.encode())

    def link(self, token: str) -> str:
        """Return the address a participant opens to answer."""
        return f"{self.base_url}/a/{quote(token)}"

    def stop(self, public_id: str) -> str:
        """Return the address at which one participant's messages can be stopped, and no more."""
        return f"{self.base_url}/stop/{quote(public_id)}/{self.signature('stop', public_id)}"

    def callback(self, channel: str, reference: str) -> str:
        """Return the address at which a provider may tell what became of one attempt."""
        signature = self.signature(f"callback:{channel}", reference)
        return f"{self.base_url}/callbacks/{channel}?r={quote(reference)}&s={signature}"

    def reply(self, channel: str) -> str:
        """Return the address to be told to a gateway, for what participants answer."""
        return f"{self.base_url}/callbacks/{channel}/reply?s={self.signature('reply', channel)}"

    def signature(self, purpose: str, name: str) -> str:
        """Return a signature over a name that serves one purpose only."""
        text = f"{purpose}|{name}".encode()
        return hmac.new(self.key, text, hashlib.sha256).hexdigest()[:32]

    def is_ours(self, purpose: str, name: str, signature: str) -> bool:
        """Return whether a signature is ours, taking as long for any wrong one."""
        return hmac.compare_digest(self.signature(purpose, name).encode(), signature.encode())
