"""Settings are read once, and a wrong one stops the program with one line that names it."""

import base64
import os
import re

import pytest
from click.testing import CliRunner

from qol_app import settings as settings_module
from qol_app.cli.settings import settings_group
from qol_app.delivery.push import public_key
from qol_app.errors import SettingsError
from qol_app.settings import ROOT, Settings, fresh_settings, load_settings

KEY = base64.b64encode(bytes(range(7, 39))).decode()
GOOD = {
    "QOL_SETTINGS": "/nonexistent/settings.env",
    "SECRET_KEY": "not-a-key-of-anybody-but-of-these-tests",
    "PIN_PEPPER": KEY,
    "FIELD_KEYS": f"k1:{KEY}",
}


def without(name):
    return {key: value for key, value in GOOD.items() if key != name}


def test_good_settings_are_enough():
    found = load_settings(GOOD)
    assert found.database_url == "sqlite:////nonexistent/qol.db"
    assert found.protocol == "breclim-2"
    assert not found.secure


@pytest.mark.parametrize("name", ["SECRET_KEY", "PIN_PEPPER", "FIELD_KEYS"])
def test_a_missing_setting_is_one_line_that_names_it_and_the_remedy(name):
    with pytest.raises(SettingsError) as caught:
        load_settings(without(name))
    text = str(caught.value)
    assert text.startswith(f"setting {name}: found nothing; wanted ")
    assert "flask settings init" in text
    assert "\n" not in text


def encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


@pytest.mark.requirement("C5")
@pytest.mark.parametrize(
    "key",
    [
        bytes(32),
        b"x" * 32,
        b"0123456789abcdef0123456789abcdef",
        b"ab" * 16,
        b"changeme" * 4,
    ],
)
@pytest.mark.parametrize("name", ["PIN_PEPPER", "FIELD_KEYS"])
def test_an_example_key_is_refused(name, key):
    value = encoded(key) if name == "PIN_PEPPER" else f"k1:{encoded(key)}"
    with pytest.raises(SettingsError, match=f"setting {name}: found an example key"):
        load_settings({**GOOD, name: value})


@pytest.mark.requirement("C5")
@pytest.mark.parametrize("key", ["x" * 48, "changeme" * 5, "secret-" * 6, "0123" * 9])
def test_an_example_of_a_secret_key_is_refused(key):
    with pytest.raises(SettingsError, match="setting SECRET_KEY: found an example key") as caught:
        load_settings({**GOOD, "SECRET_KEY": key})
    assert key not in str(caught.value)


@pytest.mark.requirement("C5")
def test_a_refused_key_is_not_repeated_in_the_message():
    short = encoded(bytes(range(7, 30)))
    with pytest.raises(SettingsError, match="found 23 bytes; wanted 32") as caught:
        load_settings({**GOOD, "PIN_PEPPER": short})
    assert short not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SECRET_KEY", "short", "setting SECRET_KEY: found 5 characters; wanted at least 32"),
        ("PIN_PEPPER", "no base64!", "setting PIN_PEPPER: found no base64"),
        ("FIELD_KEYS", KEY, "setting FIELD_KEYS: found a part named"),
        ("FIELD_KEYS", f"k 1:{KEY}", "setting FIELD_KEYS: found a part named 'k 1'"),
        ("VAPID_PRIVATE_KEY", "no base64!", "setting VAPID_PRIVATE_KEY: found no such key"),
        ("VAPID_PRIVATE_KEY", "AAAA", "setting VAPID_PRIVATE_KEY: found no such key"),
        ("VAPID_PRIVATE_KEY", "A" * 43, "setting VAPID_PRIVATE_KEY: found no such key"),
        ("BASE_URL", "qol.example.org", "setting BASE_URL: found 'qol.example.org'"),
        ("BASE_URL", "ftp://qol.example.org", "setting BASE_URL: found 'ftp://"),
        ("DEMO", "maybe", "setting DEMO: found 'maybe'; wanted yes or no"),
        ("LOG_LEVEL", "LOUD", "setting LOG_LEVEL: found 'LOUD'; wanted DEBUG, INFO, WARNING or E"),
        ("BEHIND_PROXY", "true", "setting BEHIND_PROXY: found 'true'; wanted yes or no"),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_found(name, value, message):
    with pytest.raises(SettingsError, match=re.escape(message)):
        load_settings({**GOOD, name: value})


def test_the_environment_wins_over_the_file(tmp_path):
    path = tmp_path / "settings.env"
    path.write_text("# a comment\n\nPROTOCOL = from-file\nMAIL_FROM=a@example.org\n")
    found = load_settings({**GOOD, "QOL_SETTINGS": str(path), "PROTOCOL": "from-environment"})
    assert found.protocol == "from-environment"
    assert found.mail_from == "a@example.org"


def test_a_line_that_is_no_setting_is_named_by_its_number(tmp_path):
    path = tmp_path / "settings.env"
    path.write_text("PROTOCOL=a\nnonsense\n")
    with pytest.raises(SettingsError, match="line 2: found 'nonsense'; wanted NAME=VALUE"):
        load_settings({**GOOD, "QOL_SETTINGS": str(path)})


def test_a_settings_file_that_cannot_be_read_is_named(tmp_path):
    spoilt = tmp_path / "settings.env"
    spoilt.write_bytes(b"MAIL_FROM=\xff\n")
    for path, why in ((spoilt, "no UTF-8 text"), (tmp_path, "Is a directory")):
        with pytest.raises(SettingsError, match=f"{path}: cannot be read \\({why}\\); wanted"):
            load_settings({**GOOD, "QOL_SETTINGS": str(path)})


def test_the_first_field_key_encrypts_and_the_order_is_kept():
    other = encoded(bytes(range(90, 122)))
    found = load_settings({**GOOD, "FIELD_KEYS": f"k2:{other}, k1:{KEY}"})
    assert list(found.field_keys) == ["k2", "k1"]


@pytest.mark.requirement("C5")
def test_fresh_settings_are_accepted_and_differ_each_time(tmp_path):
    texts = [fresh_settings(), fresh_settings()]
    assert texts[0] != texts[1]
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.env"
        path.write_text(text)
        found = load_settings({"QOL_SETTINGS": str(path)})
        assert found.callback_key
        assert public_key(found.vapid_private_key)


@pytest.mark.requirement("C5")
def test_settings_init_writes_a_file_nobody_else_can_read_and_keeps_an_old_one(
    tmp_path, monkeypatch
):
    path = tmp_path / "deep" / "settings.env"
    monkeypatch.setenv("QOL_SETTINGS", str(path))
    first = CliRunner().invoke(settings_group, ["init"])
    assert first.exit_code == 0, first.output
    assert path.stat().st_mode & 0o077 == 0
    before = path.read_text()
    CliRunner().invoke(settings_group, ["init"])
    assert path.read_text() == before


@pytest.mark.requirement("O4")
def test_secrets_do_not_show_when_settings_are_printed():
    found = load_settings({**GOOD, "SMTP_URL": "smtp://user:hidden-word@mail.example.org"})
    shown = repr(found)
    assert GOOD["SECRET_KEY"] not in shown
    assert "hidden-word" not in shown
    assert repr(found.pepper) not in shown


def test_every_setting_is_described_in_the_documentation():
    source = (ROOT / "qol_app" / "settings.py").read_text()
    read = set(re.findall(r"""(?:get\(|_required\(values, )"([A-Z_]+)\"""", source))
    described = set(re.findall(r"`([A-Z_]{4,})`", (ROOT / "docs" / "settings.md").read_text()))
    assert len(read) >= len(Settings.__dataclass_fields__)
    assert read - described == set()


@pytest.mark.requirement("C5")
def test_no_key_of_this_installation_stands_in_the_repository():
    tracked = [ROOT / "docs" / "settings.md", ROOT / "Makefile", *ROOT.glob("*.md")]
    keys = re.compile(r"(?:SECRET_KEY|PIN_PEPPER|FIELD_KEYS)=\S{20,}")
    assert not [path.name for path in tracked if path.exists() and keys.search(path.read_text())]
    assert "instance/" in (ROOT / ".gitignore").read_text().splitlines()
    assert settings_module.DEFAULT_FILE.parent == ROOT / "instance"
    assert os.path.commonpath([settings_module.DEFAULT_FILE, ROOT]) == str(ROOT)
