"""Staff, participants and signed-in browsers for tests, with sensible defaults."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

import pyotp
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from qol_app.db.tables import Assessment, Form, Participant, Response, Staff, Submission
from qol_app.permissions import ALL_SITES
from qol_app.runtime import Runtime
from qol_app.services import enrolment, events
from qol_app.services import staff as staff_service
from qol_app.services.context import Actor, Context
from qol_app.services.identity import Identity
from qol_app.services.library import newest
from tests.conftest import NOW

PASSWORD = "four plain words here"
TODAY = date(2026, 11, 23)
PROTOCOL = "breclim-2"
# Every item of QLQ-C30 with an answer that its range allows.
ALL_FOUR = {f"q{n}": 4 for n in range(1, 31)}
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
    name: str = "",
) -> Known:
    """Add somebody; roles that work across sites get none."""
    email = email or f"{role}.{'.'.join(sites).lower() or 'all'}@example.org"
    with runtime.writing(Actor.system("tests")) as ctx:
        row, secret = staff_service.add(
            ctx,
            email,
            name or f"Test {role}",
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


def answer(
    ctx: Context,
    assessment: Assessment,
    at: datetime,
    *,
    items: Mapping[str, int | None] | None = None,
    submit: bool = True,
) -> None:
    """Answer the first instrument of an assessment; None skips an item.

    Rows are written as they would stand after answering, without passing the pages.
    """
    code = assessment.instruments[0]
    instrument = newest(ctx.session, "instrument", code)
    wording = newest(ctx.session, "wording", code, "sv")
    assessment.started_at = at
    form = Form(
        assessment_id=assessment.id,
        instrument=code,
        position=0,
        instrument_id=instrument.id,
        wording_id=wording.id,
        language="sv",
        started_at=at,
    )
    ctx.session.add(form)
    ctx.session.flush()
    values = ALL_FOUR if items is None else items
    for item, value in values.items():
        ctx.session.add(
            Response(
                event_id=str(uuid.uuid4()),
                form_id=form.id,
                item=item,
                status="SKIPPED" if value is None else "ANSWERED",
                value=value,
                counter=1,
                recorded_at=at,
            )
        )
    if submit:
        late = at.date() > assessment.closes_on
        ctx.session.add(
            Submission(
                assessment_id=assessment.id, receipt=uuid.uuid4().hex, submitted_at=at, late=late
            )
        )
    ctx.session.flush()


def assessment_of(ctx: Context, participant: Participant, timepoint: str) -> Assessment:
    """Return one expected assessment of a participant."""
    query = select(Assessment).where(
        Assessment.participant_id == participant.id, Assessment.timepoint == timepoint
    )
    return ctx.session.scalars(query).one()


def noon(day: date) -> datetime:
    """Return the middle of a day in UTC, the same day in Stockholm."""
    return datetime.combine(day, time(12), tzinfo=UTC)
