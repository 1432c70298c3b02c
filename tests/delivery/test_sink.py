"""A demo's mailbox, and the registry of channels."""

import io

import pytest

from qol_app.delivery import sink
from qol_app.delivery.channels import CHANNELS, NEEDED_SETTING, open_channels
from qol_app.delivery.console import Console
from qol_app.delivery.message import Message
from qol_app.delivery.smtp import Email, MailServer
from qol_app.errors import NotFound, SettingsError


class Known:
    """Settings as channels see them."""

    base_url = "https://qol.example.org"
    mail_from = "qol@example.org"
    smtp_url = sms_url = sms_from = vapid_private_key = ""
    demo = False


def make_message(text="Hej"):
    return Message("ref-1", "thread-1", "anna@example.org", "Frågor", text)


def test_the_demos_mailbox_keeps_what_a_real_conversation_brought(tmp_path):
    box = sink.Sink(tmp_path)
    url = box.start()
    try:
        channel = Email(MailServer.from_url(url), "qol@example.org")
        for text in ("först", "sedan"):
            channel.send(make_message(text))
    finally:
        box.stop()
    newest, oldest = sink.kept(tmp_path)
    assert sink.kept_message(tmp_path, newest).get_content().strip() == "sedan"
    assert sink.kept_message(tmp_path, oldest).get_content().strip() == "först"


@pytest.mark.parametrize("name", ["nothing", "../settings", "/etc/passwd"])
def test_only_kept_messages_can_be_read(tmp_path, name):
    with pytest.raises(NotFound):
        sink.kept_message(tmp_path, name)


def test_only_channels_with_a_setting_are_opened():
    class WithMail(Known):
        smtp_url = "smtp://127.0.0.1:25"

    assert list(open_channels(Known())) == []
    assert list(open_channels(WithMail())) == ["email"]
    assert set(CHANNELS) == set(NEEDED_SETTING)


def test_the_console_is_for_demos_only():
    with pytest.raises(SettingsError, match="demo"):
        Console.from_settings(Known())
    out = io.StringIO()
    assert Console(out).send(make_message()).provider_ref == "ref-1"
    assert "Hej" in out.getvalue()
