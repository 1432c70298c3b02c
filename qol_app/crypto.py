"""Secrets at rest: encrypted identity fields, hashed tokens and PINs.

Nothing is invented here: AES-256-GCM and HMAC come from ``cryptography``, Argon2id from
``argon2-cffi``. This module only fixes what each is bound to.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from qol_app.errors import QolError

NONCE_BYTES = 12
TOKEN_BYTES = 32  # 256 bits, twice what a link token needs
PUBLIC_ID = re.compile(r"[A-Za-z0-9_-]{16}")


class Vault:
    """Encrypts single fields, each bound to its table, column and row.

    A ciphertext copied into another row, column or table does not decrypt. Its envelope
    ``v1.<key>.<base64>`` names the key, so that keys can be changed one row at a time.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._ciphers = {name: AESGCM(key) for name, key in keys.items()}
        self.current = next(iter(keys))

    def seal(self, text: str, table: str, column: str, row: str) -> str:
        """Return the envelope of a text that belongs in one field."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        bound = f"{table}|{column}|{row}".encode()
        sealed = self._ciphers[self.current].encrypt(nonce, text.encode(), bound)
        return f"v1.{self.current}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, envelope: str, table: str, column: str, row: str) -> str:
        """Return the text of an envelope found in one field.

        Raises
        ------
        QolError
            If its key is unknown, or it was not sealed for this very field.
        """
        version, _, rest = envelope.partition(".")
        key, _, encoded = rest.partition(".")
        if version != "v1" or key not in self._ciphers:
            known = ", ".join(self._ciphers)
            raise QolError(f"{table}.{column}: sealed with key {key!r}; FIELD_KEYS has {known}")
        blob = base64.urlsafe_b64decode(encoded)
        bound = f"{table}|{column}|{row}".encode()
        try:
            opened = self._ciphers[key].decrypt(blob[:NONCE_BYTES], blob[NONCE_BYTES:], bound)
        except InvalidTag as error:
            raise QolError(f"{table}.{column}: the content was not sealed for this row") from error
        return opened.decode()


def new_token() -> str:
    """Return a fresh secret for a link or a session, 256 bits, safe in an address."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def public_id() -> str:
    """Return a random name for a row that may stand in an address; says nothing."""
    return secrets.token_urlsafe(12)


def is_public_id(text: str) -> bool:
    """Return whether a text from an address can be the name of a row at all."""
    return PUBLIC_ID.fullmatch(text) is not None


def token_hash(token: str) -> str:
    """Return what is stored of a token. It is long and random: no salt or stretching needed."""
    return hashlib.sha256(token.encode()).hexdigest()


class Hasher:
    """Argon2id for what people remember; a PIN is peppered first, since it is short."""

    def __init__(self, pepper: bytes, hasher: PasswordHasher | None = None) -> None:
        self._pepper = pepper
        self._hasher = hasher or PasswordHasher()
        # Verified in place of a hash that does not exist, so that both take as long.
        self._decoy = self._hasher.hash(secrets.token_urlsafe(16))

    def hash(self, secret: str) -> str:
        """Return the Argon2id hash of a password or PIN, peppered."""
        return self._hasher.hash(self._peppered(secret))

    def matches(self, stored: str | None, secret: str) -> bool:
        """Return whether a secret is the one stored; as slow when nothing is stored."""
        try:
            right = self._hasher.verify(stored or self._decoy, self._peppered(secret))
        except (VerificationError, InvalidHashError):
            return False
        return right and stored is not None

    def _peppered(self, secret: str) -> str:
        return hmac.new(self._pepper, secret.encode(), hashlib.sha256).hexdigest()
