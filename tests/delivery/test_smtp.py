"""E-mail through a real SMTP conversation, with servers that refuse, stall and hang up."""

import ssl

import pytest

from qol_app.delivery.errors import TryAgainLater, Uncertain, Undeliverable
from qol_app.delivery.message import Attachment, Message
from qol_app.delivery.smtp import Email, MailServer
from qol_app.errors import SettingsError
from tests.delivery.mail_fake import Script, certificate, mail_server, only

SENDER = "qol@example.org"


def make_message(**other):
    values = {
        "reference": "ref-1",
        "thread": "thread-1",
        "to": "anna@example.org",
        "subject": "Några frågor väntar",
        "text": "Hej!\n.en rad som börjar med punkt\nÅterkom gärna.\n",
        "language": "sv",
        "unsubscribe_url": "https://qol.example.org/stop/x",
    }
    return Message(**{**values, **other})


def email(address, **other):
    return Email(MailServer.from_url(f"smtp://{address}", **other), SENDER)


def test_the_server_gets_one_recipient_and_the_text_unharmed():
    script = Script()
    with mail_server(script) as address:
        handed = email(address).send(make_message())
    (mail,) = script.taken
    assert script.recipients == [["anna@example.org"]]
    assert mail["To"] == "anna@example.org"
    assert mail["Subject"] == "Några frågor väntar"
    assert mail.get_content().replace("\r\n", "\n") == make_message().text
    assert mail["Message-ID"] == "<thread-1@example.org>" == handed.provider_ref
    assert mail["List-Unsubscribe"] == "<https://qol.example.org/stop/x>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_addresses_in_headers_are_neither_folded_nor_encoded():
    url = "https://qol.example.org/stop/" + "x" * 120
    raw = email("127.0.0.1:1").compose(make_message(unsubscribe_url=url)).as_bytes()
    assert f"List-Unsubscribe: <{url}>\r\n".encode() in raw
    assert b"Content-Language: sv\r\n" in raw
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998


def test_two_attempts_at_one_reminder_have_one_message_id():
    script = Script(at_data=lambda n: "451 4.7.1 later" if n == 0 else "250 2.0.0 ok")
    with mail_server(script) as address:
        with pytest.raises(TryAgainLater):
            email(address).send(make_message(reference="a.1"))
        handed = email(address).send(make_message(reference="a.2"))
    assert len(script.taken) == 1
    assert handed.provider_ref == "<thread-1@example.org>"


def test_a_calendar_file_travels_along():
    script = Script()
    file = Attachment("q.ics", "text/calendar", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
    with mail_server(script) as address:
        email(address).send(make_message(attachments=(file,)))
    (part,) = list(script.taken[0].iter_attachments())
    assert part.get_content_type() == "text/calendar"
    assert part.get_filename() == "q.ics"
    assert b"VCALENDAR" in part.get_payload(decode=True)


@pytest.mark.parametrize(
    ("at_rcpt", "at_data", "error", "says"),
    [
        ("451 4.7.1 greylisted", "250 ok", TryAgainLater, "recipient: 451 4.7.1"),
        ("421 4.3.2 busy", "250 ok", TryAgainLater, "recipient: 421 4.3.2"),
        ("550 5.1.1 <anna@example.org> unknown", "250 ok", Undeliverable, "recipient: 550 5.1.1"),
        ("250 ok", "452 4.2.2 full", TryAgainLater, "content: 452 4.2.2"),
        ("250 ok", "554 5.6.0 anna@example.org no", Undeliverable, "content: 554 5.6.0"),
    ],
)
def test_a_refusal_is_for_now_or_for_good_and_never_repeats_the_address(
    at_rcpt, at_data, error, says
):
    script = Script(lambda n: at_rcpt, lambda n: at_data)
    with mail_server(script) as address, pytest.raises(error) as raised:
        email(address).send(make_message())
    assert str(raised.value) == says
    assert script.taken == []


def test_a_server_that_hangs_up_before_its_answer_leaves_it_uncertain():
    script = Script(at_data=lambda n: "drop")
    with mail_server(script) as address, pytest.raises(Uncertain):
        email(address).send(make_message())
    assert len(script.taken) == 1  # it had been taken: sending again would be twice


def test_a_server_that_hangs_up_before_the_content_has_taken_nothing():
    script = Script(at_rcpt=lambda n: "drop")
    with mail_server(script) as address, pytest.raises(TryAgainLater):
        email(address).send(make_message())
    assert script.taken == []


class Impatient(Email):
    """Has all the time a slow machine wants, until the content is out."""

    def _content(self, smtp, content, message_id):
        smtp.sock.settimeout(0.2)
        return super()._content(smtp, content, message_id)


def test_an_answer_that_does_not_come_is_uncertain_not_refused():
    script = Script(at_data=lambda n: "silence")
    with mail_server(script) as address, pytest.raises(Uncertain):
        Impatient(MailServer.from_url(f"smtp://{address}"), SENDER).send(make_message())


def test_nobody_listening_is_for_another_time():
    with mail_server(Script()) as address:
        pass
    with pytest.raises(TryAgainLater):
        email(address).send(make_message())


@pytest.mark.parametrize(
    "to",
    ["anna@example.org, eva@example.org", "anna@example.org\nBcc: eva@example.org", "anna", ""],
)
def test_what_is_not_one_address_never_reaches_the_server(to):
    script = Script()
    with mail_server(script) as address, pytest.raises(Undeliverable):
        email(address).send(make_message(to=to))
    assert script.conversations == 0


def test_a_line_break_in_a_subject_does_not_make_a_header():
    mail = email("127.0.0.1:1").compose(make_message(subject="Hej\r\nBcc: eva@example.org"))
    assert mail["Subject"] == "Hej Bcc: eva@example.org"
    assert mail["Bcc"] is None


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("implicit", [True, False])
def test_login_and_text_go_over_verified_tls(tmp_path, implicit):
    cert, context = certificate(tmp_path)
    tls = (
        {"ssl_context": context} if implicit else {"tls_context": context, "require_starttls": True}
    )
    options = {"authenticator": only("qol", "s3cret"), "auth_required": True, **tls}
    if implicit:
        options["auth_require_tls"] = False  # it cannot see that the socket is TLS already
    scheme = "smtps" if implicit else "smtp"
    script = Script()
    with mail_server(script, **options) as address:
        url = f"{scheme}://qol:s3cret@{address}"
        Email(MailServer.from_url(f"{url}?ca={cert}"), SENDER).send(make_message())
        bad = Email(MailServer.from_url(f"{url}?ca={cert}".replace("s3cret", "wrong")), SENDER)
        with pytest.raises(TryAgainLater) as wrong:
            bad.send(make_message())
        assert "wrong" not in str(wrong.value)
        if implicit:  # a certificate nobody vouches for
            with pytest.raises(TryAgainLater):
                Email(MailServer.from_url(url), SENDER).send(make_message())
    assert len(script.taken) == 1


def test_a_server_elsewhere_must_offer_tls():
    assert not MailServer.from_url("smtp://mail.example.org").may_go_plain
    assert MailServer.from_url("smtp://127.0.0.1:25").may_go_plain


def test_a_wrong_setting_is_named_without_its_password():
    with pytest.raises(SettingsError, match="SMTP_URL") as raised:
        MailServer.from_url("http://qol:s3cret@mail.example.org")
    assert "s3cret" not in str(raised.value)


def test_the_authorities_of_tls_are_read_once_for_all_messages(monkeypatch):
    made = []
    original = ssl.create_default_context

    def counted(**how):
        made.append(how)
        return original(**how)

    monkeypatch.setattr(ssl, "create_default_context", counted)
    with mail_server(Script()) as where:
        channel = Email(MailServer.from_url(f"smtp://{where}"), "qol@example.org")
        for _ in range(3):
            channel.send(make_message())
    assert len(made) == 1
