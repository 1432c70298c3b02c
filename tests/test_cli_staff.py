"""``flask staff``: the first person who may sign in, and the end of their access."""

import re

import pyotp
import pytest
from sqlalchemy import select

from qol_app.db.tables import Staff
from qol_app.services.context import Actor
from tests.made_once import pages_of
from tests.staff_factories import PASSWORD


@pytest.fixture
def run(runtime):
    app = pages_of(runtime)
    with app.app_context():
        yield lambda *words, **more: app.test_cli_runner().invoke(args=["staff", *words], **more)


@pytest.mark.requirement("A12")
def test_adding_asks_for_a_password_and_prints_what_the_authenticator_reads(run, runtime):
    typed = f"{PASSWORD}\n{PASSWORD}\n"
    result = run("add", "a@example.org", "--role", "coordinator", "--site", "UME", input=typed)
    assert result.exit_code == 0, result.output
    uri = re.search(r"otpauth://\S+", result.output).group()
    assert pyotp.parse_uri(uri).issuer == "qol.example.org"
    assert "█" in result.output
    assert PASSWORD not in result.output
    with runtime.reading(Actor.system("tests")) as ctx:
        row = ctx.session.scalars(select(Staff)).one()
        assert ctx.hasher.matches(row.password_hash, PASSWORD)
        sealed = ctx.vault.open(row.totp_secret, "staff", "totp_secret", row.public_id)
    assert sealed == pyotp.parse_uri(uri).secret


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("a@example.org", "--role", "coordinator"), "sites: found none"),
        (("a@example.org", "--role", "coordinator", "--site", "X"), "sites: found X"),
        (("nonsense", "--role", "inspector"), "e-mail: found 'nonsense'"),
        (("a@example.org", "--role", "inspector", "--site", "UME"), "across all sites"),
    ],
)
def test_a_wrong_one_is_refused_in_one_line(run, words, why):
    result = run("add", *words, "--password", PASSWORD)
    assert result.exit_code == 1
    assert why in result.output
    assert "Traceback" not in result.output


def test_staff_are_listed_ended_and_let_in_again(run):
    empty = run("list")
    assert "nobody yet" in empty.output
    run("add", "a@example.org", "--role", "inspector", "--password", PASSWORD)
    assert "a@example.org\tinspector\t-\tactive" in run("list").output
    assert run("deactivate", "a@example.org").exit_code == 0
    assert "\tended\t" in run("list").output
    assert run("reactivate", "A@example.org").exit_code == 0
    assert "\tactive\t" in run("list").output
    missing = run("deactivate", "x@example.org")
    assert missing.exit_code == 1
    assert "found nobody" in missing.output
