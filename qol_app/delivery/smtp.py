"""E-mail, handed to a mail server by SMTP.

The conversation is led step by step rather than by ``smtplib.sendmail``, because only the
step at which it breaks tells whether the server may have taken the message.
"""

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime
from functools import cached_property
from urllib.parse import parse_qs, unquote, urlsplit

from qol_app.delivery.errors import TryAgainLater, Uncertain, Undeliverable
from qol_app.delivery.message import ChannelSettings, HandedOver, Message
from qol_app.errors import SettingsError

TIMEOUT_S = 30.0
LOOPBACK = ("localhost", "127.0.0.1", "::1")
DEFAULT_PORTS = {"smtp": 587, "smtps": 465}
ENHANCED_CODE = re.compile(rb"^([245]\.\d{1,3}\.\d{1,3})\b")
# Long lines, because a folded address in List-Unsubscribe is encoded and then no address.
POLICY = SMTP.clone(cte_type="7bit", max_line_length=900)
BROKEN = (smtplib.SMTPServerDisconnected, OSError)


@dataclass(frozen=True)
class MailServer:
    """Where and how to hand e-mail over; ``smtp`` upgrades to TLS, ``smtps`` begins with it.

    Without TLS only the machine itself is talked to.
    """

    host: str
    port: int
    implicit_tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""
    timeout_s: float = TIMEOUT_S

    @classmethod
    def from_url(cls, url: str, timeout_s: float = TIMEOUT_S) -> "MailServer":
        """Return the server of ``smtp[s]://[user:password@]host[:port][?ca=FILE]``.

        Raises
        ------
        SettingsError
            If it is not such a URL.
        """
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            raise SettingsError(
                f"setting SMTP_URL: found {parts.scheme or 'nothing'}://...; wanted "
                "smtp://user:password@host:587 or smtps://user:password@host:465"
            )
        return cls(
            host=parts.hostname,
            port=parts.port or DEFAULT_PORTS[parts.scheme],
            implicit_tls=parts.scheme == "smtps",
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            ca_file=parse_qs(parts.query).get("ca", [""])[0],
            timeout_s=timeout_s,
        )

    @property
    def may_go_plain(self) -> bool:
        """Whether the conversation may do without TLS, since it never leaves the machine."""
        return self.host in LOOPBACK and not self.ca_file


class Email:
    """The ``email`` channel."""

    def __init__(self, server: MailServer, mail_from: str) -> None:
        self.server, self.mail_from = server, mail_from
        if not mail_from:
            raise SettingsError("setting MAIL_FROM: found nothing; wanted an address")
        self.domain = mail_from.rpartition("@")[2].rstrip(">")

    @classmethod
    def from_settings(cls, settings: ChannelSettings) -> "Email":
        """Return the channel of an installation."""
        return cls(MailServer.from_url(settings.smtp_url), settings.mail_from)

    def send(self, message: Message) -> HandedOver:
        """Hand one e-mail over; see ``Channel.send`` for what it raises."""
        mail = self.compose(message)
        content = re.sub(rb"(?m)^\.", b"..", mail.as_bytes())
        with self._conversation() as smtp:
            self._envelope(smtp, message.to)
            return self._content(smtp, content, str(mail["Message-ID"]))

    def compose(self, message: Message) -> EmailMessage:
        """Return the e-mail: one recipient, plain text, no header that a value could break.

        Raises
        ------
        Undeliverable
            If what should be one address is not.
        """
        mail = EmailMessage(policy=POLICY)
        try:
            mail["From"] = self.mail_from
            mail["To"] = Address(addr_spec=message.to)
            mail["Subject"] = " ".join(message.subject.split())
        except (ValueError, IndexError, HeaderParseError) as error:
            raise Undeliverable("address: it is not one e-mail address") from error
        mail["Date"] = format_datetime(localtime())
        mail["Message-ID"] = f"<{message.thread}@{self.domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        if message.unsubscribe_url:
            mail["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        mail.set_content(message.text)
        mail["Content-Language"] = message.language
        for attachment in message.attachments:
            main, _, sub = attachment.media_type.partition("/")
            mail.add_attachment(
                attachment.content, maintype=main, subtype=sub, filename=attachment.name
            )
        return mail

    @contextmanager
    def _conversation(self) -> Iterator[smtplib.SMTP]:
        try:
            smtp = self._connect()
        except smtplib.SMTPResponseException as error:
            # Sign-in or greeting refused: our account's trouble, never the address's.
            raise TryAgainLater(f"mail server: {_reply(error.smtp_code, error.smtp_error)}") from (
                error
            )
        except (smtplib.SMTPException, ssl.SSLError, *BROKEN) as error:
            raise TryAgainLater(f"mail server: {type(error).__name__}") from error
        try:
            yield smtp
        finally:
            smtp.close()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        # Once: reading all the authorities a machine trusts takes longer than sending a message.
        return ssl.create_default_context(cafile=self.server.ca_file or None)

    def _connect(self) -> smtplib.SMTP:
        server = self.server
        tls = self._tls
        if server.implicit_tls:
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=server.timeout_s, context=tls
            )
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=server.timeout_s)
        try:
            smtp.ehlo_or_helo_if_needed()
            if not server.implicit_tls and not server.may_go_plain:
                smtp.starttls(context=tls)
                smtp.ehlo()
            if server.user:
                smtp.login(server.user, server.password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _envelope(self, smtp: smtplib.SMTP, to: str) -> None:
        options = []
        if not to.isascii():
            if not smtp.has_extn("smtputf8"):
                raise Undeliverable("address: the mail server takes ASCII addresses only")
            options = ["SMTPUTF8", "BODY=8BITMIME"]
            smtp.command_encoding = "utf-8"
        sender = Address(addr_spec=self.mail_from.rpartition("<")[2].rstrip(">")).addr_spec
        try:
            code, reply = smtp.mail(sender, options)
            if code != 250:
                # Our own sender was refused; no recipient can help that.
                raise TryAgainLater(f"sender: {_reply(code, reply)}")
            code, reply = smtp.rcpt(to)
            if code not in (250, 251):
                _refuse("recipient", code, reply)
            code, reply = smtp.docmd("DATA")
            if code != 354:
                _refuse("content", code, reply)
        except BROKEN as error:
            raise TryAgainLater(f"mail server: {type(error).__name__} before content") from error

    def _content(self, smtp: smtplib.SMTP, content: bytes, message_id: str) -> HandedOver:
        try:
            smtp.send(content if content.endswith(b"\r\n") else content + b"\r\n")
            smtp.send(b".\r\n")
            code, reply = smtp.getreply()
        except (*BROKEN, smtplib.SMTPResponseException) as error:
            raise Uncertain(f"mail server: {type(error).__name__} after content") from error
        if code != 250:
            _refuse("content", code, reply)
        return HandedOver(provider_ref=message_id, detail=_reply(code, reply))


def _refuse(what: str, code: int, reply: bytes) -> None:
    """Raise what a refusal means; 421 and other 4xx are for a while, 5xx for good."""
    text = f"{what}: {_reply(code, reply)}"
    if 500 <= code < 600:
        raise Undeliverable(text)
    raise TryAgainLater(text)


def _reply(code: int, reply: bytes | str) -> str:
    """Return code and enhanced code only: the rest of a reply often repeats the address."""
    raw = reply if isinstance(reply, bytes) else reply.encode()
    enhanced = ENHANCED_CODE.match(raw)
    return f"{code} {enhanced.group(1).decode()}" if enhanced else str(code)
