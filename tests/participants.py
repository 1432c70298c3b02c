"""Participants for tests, made by the real services."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select

from qol_app.db.tables import Assessment, Participant
from qol_app.runtime import Runtime
from qol_app.services import access, enrolment, events
from qol_app.services.context import Actor, Context
from qol_app.services.identity import Identity

DUE_DAY = 91  # after randomisation: M3, the full package


def make_participant(
    ctx: Context,
    study_number: str = "UME-001",
    *,
    site: str = "UME",
    arm: str | None = "A",
    randomised_on: date | None = None,
    language: str = "en",
) -> Participant:
    """Return a participant whose three-month questionnaire is due today, unless told otherwise."""
    today = ctx.today("Europe/Stockholm")
    randomised_on = randomised_on or today - timedelta(days=DUE_DAY)
    participant = enrolment.enrol(
        ctx,
        "breclim-2",
        study_number,
        site,
        language,
        Identity(email=f"{study_number.lower()}@example.org"),
        consent_on=randomised_on - timedelta(days=8),
    )
    if arm:
        events.record(
            ctx, participant, "randomisation", randomised_on, {"arm": arm}, confirmed=True
        )
    return participant


def due(ctx: Context, participant: Participant, timepoint: str = "M3") -> Assessment:
    """Return the assessment of one timepoint."""
    query = select(Assessment).where(
        Assessment.participant_id == participant.id, Assessment.timepoint == timepoint
    )
    return ctx.session.scalars(query).one()


def way_in(ctx: Context, participant: Participant, pin: str = "270413") -> tuple[str, str]:
    """Return a link token and the PIN that goes with it."""
    access.set_pin(ctx, participant, pin)
    return access.issue_link(ctx, participant), pin


@dataclass(frozen=True)
class Enrolled:
    """A participant as a test knows them: numbers and secrets, no rows."""

    id: int
    public_id: str
    token: str
    pin: str
    ref: str


def enrolled(runtime: Runtime, study_number: str = "UME-001", **more: object) -> Enrolled:
    """Enrol somebody, commit it, and return their link, PIN and the assessment due."""
    with runtime.writing(Actor.system("tests")) as ctx:
        participant = make_participant(ctx, study_number, **more)  # type: ignore[arg-type]
        token, pin = way_in(ctx, participant)
        ref = due(ctx, participant).public_id
    return Enrolled(participant.id, participant.public_id, token, pin, ref)
