"""A mail server on loopback that does what it is told: aiosmtpd with a script."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ACCEPT = "250 2.0.0 taken"


class Script:
    """Says per message what to answer at RCPT and after the content; keeps what it took.

    ``at_rcpt`` and ``at_data`` give a reply for the n-th conversation, counted from 0;
    the reply ``drop`` closes the connection instead, after taking the message, and ``silence``
    never comes.
    """

    def __init__(
        self,
        at_rcpt: Callable[[int], str] = lambda n: "250 2.1.5 ok",
        at_data: Callable[[int], str] = lambda n: ACCEPT,
    ) -> None:
        self.at_rcpt, self.at_data = at_rcpt, at_data
        self.taken: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.conversations = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        # Kept with the message: others may be between their RCPT and their content meanwhile.
        envelope.number, self.conversations = self.conversations, self.conversations + 1
        reply = self.at_rcpt(envelope.number)
        if reply == "drop":
            server.transport.abort()
            return "421 4.3.2 closing"
        if reply.startswith("2"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server, session, envelope):
        reply = self.at_data(envelope.number)
        if reply == "silence":
            await asyncio.Event().wait()
        if reply.startswith("2") or reply == "drop":
            self.taken.append(message_from_bytes(envelope.content, policy=default))
            self.recipients.append(list(envelope.rcpt_tos))
        if reply == "drop":
            server.transport.abort()
        return ACCEPT if reply == "drop" else reply


class AnyPort(Controller):
    """A controller at a free port."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_server(script: Script, **options: object) -> Iterator[str]:
    """Yield ``host:port`` of a running server."""
    server = AnyPort(script, hostname="127.0.0.1", port=0, **options)
    server.start()
    try:
        yield f"127.0.0.1:{server.port}"
    finally:
        server.stop()


def only(user: str, password: str) -> Callable[..., AuthResult]:
    """Return an authenticator that lets one account in."""

    def check(server, session, envelope, mechanism, data: LoginPassword) -> AuthResult:
        right = (data.login.decode(), data.password.decode()) == (user, password)
        return AuthResult(success=right, handled=right)

    return check


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Return a self-signed certificate for 127.0.0.1 and a server context that uses it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    cert, private = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, private)
    return cert, context
