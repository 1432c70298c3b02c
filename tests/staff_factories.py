"""Staff, participants and signed-in browsers for tests, with sensible defaults."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pyotp
from flask import Flask
from flask.testing import FlaskClient

from qol_app.db.tables import Participant, Staff
from qol_app.permissions import ALL_SITES
from qol_app.runtime import Runtime
from qol_app.services import enrolment, events
from qol_app.services import staff as staff_service
from qol_app.services.context import Actor, Context
from qol_app.services.identity import Identity
from tests.conftest import NOW

PASSWORD = "four plain words here"
TODAY = date(2026, 11, 23)
PROTOCOL = "breclim-2"
ANNA = Identity(name="Anna Exempel", phone="070-174 06 05", email="anna@example.org")


@dataclass(frozen=True)
class Known:
    """A staff member as they know themselves: with password and authenticator."""

    staff: Staff
    password: str
    secret: str

    def code(self, at) -> str:
        """Return what the authenticator shows at an instant."""
        return pyotp.TOTP(self.secret).at(at)


def make_staff(
    runtime: Runtime,
    role: str = "coordinator",
    sites: Sequence[str] = ("UME",),
    email: str = "",
    language: str = "en",
) -> Known:
    """Add somebody; roles that work across sites get none."""
    email = email or f"{role}.{'.'.join(sites).lower() or 'all'}@example.org"
    with runtime.writing(Actor.system("tests")) as ctx:
        row, secret = staff_service.add(
            ctx,
            email,
            f"Test {role}",
            role,
            () if role in ALL_SITES else sites,
            PASSWORD,
            language=language,
        )
    return Known(row, PASSWORD, secret)


def make_participant(
    ctx: Context,
    study_number: str = "UME-001",
    site: str = "UME",
    *,
    consent_on: date = TODAY - timedelta(days=10),
    randomised_on: date | None = None,
    arm: str = "A",
    person: Identity = ANNA,
    language: str = "sv",
    at=None,
) -> Participant:
    """Enrol somebody, randomised too if a day is given, as if on that day."""
    ctx = replace(ctx, now=at or ctx.now)
    row = enrolment.enrol(
        ctx, PROTOCOL, study_number, site, language, person, consent_on=consent_on
    )
    if randomised_on is not None:
        events.record(ctx, row, "randomisation", randomised_on, {"arm": arm}, confirmed=True)
    return row


def new_browser(app: Flask) -> FlaskClient:
    """Return another browser on the public HTTPS address."""
    client = app.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    return client


def sign_in(client: FlaskClient, known: Known, at=NOW, **more):
    """Post the sign-in form; the response of it comes back."""
    fields = {"email": known.staff.email, "password": known.password, "code": known.code(at)}
    return client.post("/staff/sign-in", data={**fields, **more})
