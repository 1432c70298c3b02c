"""Settings, read once at start into a frozen object; a missing one stops the program by name.

They come from the environment and, below it, from a file of NAME=VALUE lines
(``QOL_SETTINGS``, by default ``instance/settings.env``), which ``flask settings init``
writes with fresh keys. Every one of them is described in docs/settings.md.
"""

import base64
import binascii
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from qol_app.errors import SettingsError

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_FILE = ROOT / "instance" / "settings.env"
KEY_BYTES = 32
# Keys that stand in examples, here or in anybody's copy of them, protect nothing.
EXAMPLE_KEYS = (bytes(KEY_BYTES), b"0123456789abcdef0123456789abcdef", b"x" * KEY_BYTES)
# Of 32 random hexadecimal digits all but one in ten thousand have as many.
DIFFERENT_CHARACTERS = 10
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True)
class Settings:
    """What one installation needs to know before it serves anybody."""

    database_url: str
    base_url: str
    secret_key: str = field(repr=False)
    pepper: bytes = field(repr=False)
    # The first key encrypts; the others only still decrypt.
    field_keys: Mapping[str, bytes] = field(repr=False)
    protocol: str = "breclim-2"
    questionnaires: Path = ROOT / "questionnaires"
    instance: Path = ROOT / "instance"
    demo: bool = False
    smtp_url: str = field(default="", repr=False)
    mail_from: str = ""
    sms_url: str = field(default="", repr=False)
    sms_from: str = ""
    callback_key: str = field(default="", repr=False)
    vapid_private_key: str = field(default="", repr=False)
    behind_proxy: bool = False
    log_level: str = "INFO"

    @property
    def secure(self) -> bool:
        """Whether the public address is HTTPS."""
        return self.base_url.startswith("https://")


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of this installation.

    Parameters
    ----------
    environment : Mapping, optional
        Names and values; the process's environment where left out. ``QOL_SETTINGS`` in
        it names the file that is read below it.

    Raises
    ------
    SettingsError
        If a setting is missing, malformed or an example key; the message names it.
    """
    environment = os.environ if environment is None else environment
    path = Path(environment.get("QOL_SETTINGS", DEFAULT_FILE))
    values = {**_file_values(path), **environment}
    instance = Path(values.get("QOL_INSTANCE", path.parent))
    return Settings(
        database_url=values.get("DATABASE_URL") or f"sqlite:///{instance / 'qol.db'}",
        base_url=_base_url(values.get("BASE_URL") or "http://localhost:8000"),
        secret_key=_required(values, "SECRET_KEY", "at least 32 random characters"),
        pepper=_key("PIN_PEPPER", _required(values, "PIN_PEPPER", "a base64 key of 32 bytes")),
        field_keys=_field_keys(_required(values, "FIELD_KEYS", "name:base64key, newest first")),
        protocol=values.get("PROTOCOL") or "breclim-2",
        questionnaires=Path(values.get("QUESTIONNAIRES") or ROOT / "questionnaires"),
        instance=instance,
        demo=_flag("DEMO", values.get("DEMO", "")),
        smtp_url=values.get("SMTP_URL", ""),
        mail_from=values.get("MAIL_FROM", ""),
        sms_url=values.get("SMS_URL", ""),
        sms_from=values.get("SMS_FROM", ""),
        callback_key=values.get("CALLBACK_KEY", ""),
        vapid_private_key=_vapid_key(values.get("VAPID_PRIVATE_KEY", "")),
        behind_proxy=_flag("BEHIND_PROXY", values.get("BEHIND_PROXY", "")),
        log_level=_log_level(values.get("LOG_LEVEL") or "INFO"),
    )


def fresh_settings(**more: str) -> str:
    """Return the text of a settings file with newly drawn keys."""
    lines = {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "PIN_PEPPER": _fresh_key(),
        "FIELD_KEYS": f"k1:{_fresh_key()}",
        "CALLBACK_KEY": secrets.token_urlsafe(32),
        "VAPID_PRIVATE_KEY": _fresh_p256_key(),
        **more,
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def _fresh_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _fresh_p256_key() -> str:
    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return base64.urlsafe_b64encode(number.to_bytes(KEY_BYTES)).rstrip(b"=").decode()


def _file_values(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    values = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no UTF-8 text"
        raise SettingsError(
            f"{path}: cannot be read ({why}); wanted a file of NAME=VALUE lines"
        ) from error
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, separator, value = line.partition("=")
        if not separator:
            raise SettingsError(f"{path}: line {number}: found {line!r}; wanted NAME=VALUE")
        values[name.strip()] = value.strip()
    return values


def _required(values: Mapping[str, str], name: str, wanted: str) -> str:
    value = values.get(name, "")
    if not value:
        raise SettingsError(
            f"setting {name}: found nothing; wanted {wanted}. "
            "'flask settings init' writes a file with fresh keys."
        )
    if name == "SECRET_KEY" and len(value) < KEY_BYTES:
        raise SettingsError(f"setting {name}: found {len(value)} characters; wanted {wanted}")
    if name == "SECRET_KEY" and len(set(value)) < DIFFERENT_CHARACTERS:
        raise SettingsError(f"setting {name}: found an example key; wanted {wanted}")
    return value


def _key(name: str, text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SettingsError(f"setting {name}: found no base64; wanted a key of 32 bytes") from error
    if len(key) != KEY_BYTES:
        raise SettingsError(f"setting {name}: found {len(key)} bytes; wanted {KEY_BYTES}")
    if key in EXAMPLE_KEYS or len(set(key)) < 8:
        raise SettingsError(
            f"setting {name}: found an example key; wanted a random one (flask settings init)"
        )
    return key


def _field_keys(text: str) -> dict[str, bytes]:
    keys = {}
    for part in text.split(","):
        name, separator, encoded = part.strip().partition(":")
        if not separator or not name.isalnum():
            raise SettingsError(
                f"setting FIELD_KEYS: found a part named {name!r}; wanted name:base64key"
            )
        keys[name] = _key("FIELD_KEYS", encoded)
    return keys


def _vapid_key(text: str) -> str:
    try:
        if text:
            Vapid02.from_string(text)
    except ValueError as error:
        # Found out here, since otherwise a participant's page would be the first to notice.
        raise SettingsError(
            "setting VAPID_PRIVATE_KEY: found no such key; wanted a P-256 key in base64url "
            "(flask settings init draws one)"
        ) from error
    return text


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise SettingsError(
            f"setting BASE_URL: found {text!r}; wanted an address such as https://qol.example.org"
        )
    return text.rstrip("/")


def _log_level(text: str) -> str:
    if text not in LOG_LEVELS:
        wanted = f"{', '.join(LOG_LEVELS[:-1])} or {LOG_LEVELS[-1]}"
        raise SettingsError(f"setting LOG_LEVEL: found {text!r}; wanted {wanted}")
    return text


def _flag(name: str, text: str) -> bool:
    known = {"": False, "0": False, "no": False, "1": True, "yes": True}
    if text not in known:
        raise SettingsError(f"setting {name}: found {text!r}; wanted yes or no")
    return known[text]
