"""Everything about one participant that a page shows, without identity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from qol_app.db.tables import (
    AccessLink,
    AccessPin,
    Assessment,
    ContactAttempt,
    Participant,
    ParticipantEvent,
    Site,
    Staff,
)
from qol_app.schedule.history import ContactState
from qol_app.schedule.status import proposes_lost
from qol_app.services.context import Context
from qol_app.services.participants import course
from qol_app.services.standing import Person, Standing, people, shown
from qol_app.services.worklist import OpenTask, open_tasks

# Outcomes of calls in which nobody was reached.
NOBODY_REACHED = ("no_answer", "left_message", "wrong_contact")


@dataclass(frozen=True)
class Happened:
    """One event as the page lists it, with what became of it."""

    row: ParticipantEvent
    by: str
    replaced: bool
    taken_back: bool
    was: ParticipantEvent | None

    @property
    def stands(self) -> bool:
        """Whether it counts: neither corrected nor taken back."""
        return not self.replaced and not self.taken_back


@dataclass(frozen=True)
class Attempted:
    """One try of a coordinator to reach the participant."""

    row: ContactAttempt
    by: str
    timepoint: str


@dataclass(frozen=True)
class Access:
    """Whether there is a way in; never the way itself."""

    link_since: datetime | None
    link_until: datetime | None
    pin_since: datetime | None


@dataclass(frozen=True)
class Dossier:
    """One participant's page."""

    participant: Participant
    site: Site
    person: Person
    contact: ContactState
    standings: tuple[Standing, ...]
    events: tuple[Happened, ...]
    attempts: tuple[Attempted, ...]
    tasks: tuple[OpenTask, ...]
    access: Access
    # Whether somebody should think of declaring this person lost to follow-up.
    maybe_lost: bool


def dossier(ctx: Context, participant: Participant) -> Dossier:
    """Return all that happened to one participant and all that is expected of them."""
    person = people(ctx, participant_id=participant.id)[0]
    names = _names(ctx)
    attempts = tuple(_attempts(ctx, participant, names))
    return Dossier(
        participant=participant,
        site=ctx.session.get_one(Site, participant.site_id),
        person=person,
        contact=person.history.contact_state(person.today),
        standings=tuple(shown(person.standings)),
        events=tuple(_events(ctx, participant, names)),
        attempts=attempts,
        tasks=tuple(open_tasks(ctx, [person])),
        access=_access(ctx, participant),
        maybe_lost=_maybe_lost(person, attempts),
    )


def _maybe_lost(person: Person, attempts: Sequence[Attempted]) -> bool:
    """Return whether the protocol asks to declare somebody lost who may still be contacted."""
    if not person.history.contact_state(person.today).may_contact:
        return False
    answered = [one.facts.submitted_at or one.facts.last_answer_at for one in person.standings]
    last = max((at for at in answered if at is not None), default=None)
    failed = sum(
        one.row.outcome in NOBODY_REACHED and (last is None or one.row.attempted_at > last)
        for one in attempts
    )
    states = [one.state for one in person.standings]
    return proposes_lost(person.protocol.stops, states, failed)


def _names(ctx: Context) -> Mapping[int, str]:
    return {row.id: row.name for row in ctx.session.execute(select(Staff.id, Staff.name))}


def _events(ctx: Context, participant: Participant, names: Mapping[int, str]) -> list[Happened]:
    rows = course(ctx, participant.id).rows
    by_id = {row.id: row for row in rows}
    replaced = {row.replaces_id for row in rows}
    found = [
        Happened(
            row=row,
            by=names.get(row.recorded_by or 0, ""),
            replaced=row.id in replaced,
            taken_back=row.retracted,
            was=by_id.get(row.replaces_id or 0),
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (one.row.happened_on, one.row.id), reverse=True)


def _attempts(ctx: Context, participant: Participant, names: Mapping[int, str]) -> list[Attempted]:
    query = (
        select(ContactAttempt, Assessment.timepoint)
        .outerjoin(Assessment, Assessment.id == ContactAttempt.assessment_id)
        .where(ContactAttempt.participant_id == participant.id)
        .order_by(ContactAttempt.id.desc())
    )
    return [
        Attempted(
            row.ContactAttempt,
            names.get(row.ContactAttempt.recorded_by or 0, ""),
            row.timepoint or "",
        )
        for row in ctx.session.execute(query)
    ]


def _access(ctx: Context, participant: Participant) -> Access:
    link = ctx.session.scalars(
        select(AccessLink)
        .where(
            AccessLink.participant_id == participant.id,
            AccessLink.revoked_at.is_(None),
            AccessLink.expires_at > ctx.now,
        )
        .order_by(AccessLink.id.desc())
        .limit(1)
    ).one_or_none()
    pin = ctx.session.get(AccessPin, participant.id)
    return Access(
        link.created_at if link else None,
        link.expires_at if link else None,
        pin.set_at if pin else None,
    )
