"""Finding participants: every query is scoped to the sites the actor may see."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, select

from qol_app.crypto import is_public_id
from qol_app.db.base import table_of
from qol_app.db.several import OfSome
from qol_app.db.tables import Assessment, Participant, ParticipantEvent, Site
from qol_app.errors import NotFound
from qol_app.schedule.history import Event, History
from qol_app.services.context import Context

_EVENTS = (
    select(ParticipantEvent)
    .where(ParticipantEvent.participant_id.in_(bindparam("ids", expanding=True)))
    .order_by(ParticipantEvent.id)
)
_SITE_CODE = select(Site.code).where(Site.id == bindparam("id"))
# The same as rows of the table: what happened is asked before every message and page.
_event = table_of(ParticipantEvent)
_HAPPENED = OfSome(_event.c.participant_id, select(_event).order_by(_event.c.id))


def visible(ctx: Context) -> Select[Participant]:
    """Return the query of all participants the actor may see."""
    query = select(Participant)
    if ctx.actor.site_ids is not None:
        query = query.where(Participant.site_id.in_(ctx.actor.site_ids))
    return query


def visible_sites(ctx: Context) -> list[Site]:
    """Return the sites the actor may see, by name."""
    query = select(Site).order_by(Site.name)
    if ctx.actor.site_ids is not None:
        query = query.where(Site.id.in_(ctx.actor.site_ids))
    return list(ctx.session.scalars(query))


def by_public_id(ctx: Context, public_id: str) -> Participant:
    """Return one participant the actor may see.

    Raises
    ------
    NotFound
        If there is none of that name at the actor's sites.
    """
    query = visible(ctx).where(Participant.public_id == public_id)
    found = ctx.session.scalars(query).one_or_none() if is_public_id(public_id) else None
    if found is None:
        raise NotFound("participant: there is none of that name at your sites")
    return found


def assessment_by_public_id(ctx: Context, public_id: str) -> tuple[Assessment, Participant]:
    """Return one assessment the actor may see, and whose it is.

    Raises
    ------
    NotFound
        If there is none of that name at the actor's sites.
    """
    query = (
        visible(ctx)
        .add_columns(Assessment)
        .join(Assessment, Assessment.participant_id == Participant.id)
        .where(Assessment.public_id == public_id)
    )
    found = ctx.session.execute(query).one_or_none() if is_public_id(public_id) else None
    if found is None:
        raise NotFound("assessment: there is none of that name at your sites")
    return found.Assessment, found.Participant


def site_code(ctx: Context, participant: Participant) -> str:
    """Return the code of a participant's site, as the trail names it; read once a transaction."""
    known: dict[int, str] = ctx.session.info.setdefault("site_codes", {})
    if participant.site_id not in known:
        values = {"id": participant.site_id}
        known[participant.site_id] = (
            ctx.session.connection().execute(_SITE_CODE, values).scalar_one()
        )
    return known[participant.site_id]


@dataclass(frozen=True)
class Course:
    """Every event row of one participant, the corrected and retracted ones included."""

    rows: tuple[ParticipantEvent, ...]

    @property
    def standing(self) -> list[ParticipantEvent]:
        """The rows that count: neither replaced by a correction nor taken back."""
        replaced = {row.replaces_id for row in self.rows}
        rows = [row for row in self.rows if row.id not in replaced and not row.retracted]
        return sorted(rows, key=lambda row: (row.happened_on, row.id))

    def history(self, without: ParticipantEvent | None = None) -> History:
        """Return the standing events as the schedule knows them, one left out if wished."""
        numbers = self._numbers()
        return History(
            Event(
                row.kind,
                row.happened_on,
                {name: str(value) for name, value in row.details.items()},
                row.recorded_at,
                numbers[row.id],
            )
            for row in self.standing
            if row is not without
        )

    def next_number(self, kind: str) -> int:
        """Return the number a new event of a kind will have, for good."""
        return sum(row.kind == kind and row.replaces_id is None for row in self.rows) + 1

    def number_of(self, row: ParticipantEvent) -> int:
        """Return which of its kind an event is."""
        return self._numbers()[row.id]

    def _numbers(self) -> dict[int, int]:
        """Return for each row which of its kind it is, in the order first recorded.

        A correction keeps the number of what it corrects, and a retracted event keeps its
        number to itself, so that assessments hanging on an event keep their identity.
        """
        numbers: dict[int, int] = {}
        seen: Counter[str] = Counter()
        for row in sorted(self.rows, key=lambda row: row.id):
            if row.replaces_id is not None:
                numbers[row.id] = numbers[row.replaces_id]
            else:
                seen[row.kind] += 1
                numbers[row.id] = seen[row.kind]
        return numbers


def course(ctx: Context, participant_id: int) -> Course:
    """Return all that was ever recorded about what happened to one participant."""
    return courses(ctx, [participant_id])[participant_id]


def courses(ctx: Context, participant_ids: Collection[int]) -> dict[int, Course]:
    """Return the courses of several participants by one query."""
    found: dict[int, list[ParticipantEvent]] = {id_: [] for id_ in participant_ids}
    for row in ctx.session.scalars(_EVENTS, {"ids": list(participant_ids)}):
        found[row.participant_id].append(row)
    return {id_: Course(tuple(rows)) for id_, rows in found.items()}


def history(ctx: Context, participant_id: int) -> History:
    """Return what has happened to one participant, as it stands now."""
    return histories(ctx, [participant_id])[participant_id]


def histories(ctx: Context, participant_ids: Collection[int]) -> dict[int, History]:
    """Return what has happened to several participants, by one query and without objects."""
    ctx.session.flush()
    found: dict[int, list[Any]] = {id_: [] for id_ in participant_ids}
    for row in _HAPPENED.rows(ctx.session.connection(), participant_ids):
        found[row.participant_id].append(row)
    return {id_: Course(tuple(rows)).history() for id_, rows in found.items()}
