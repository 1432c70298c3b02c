"""Finding participants: every query is scoped to the sites the actor may see."""

from sqlalchemy import Select, select

from qol_app.db.tables import Assessment, Participant, ParticipantEvent, Site
from qol_app.errors import NotFound
from qol_app.schedule.history import Event, History
from qol_app.services.context import Context


def visible(ctx: Context) -> Select[tuple[Participant]]:
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
    found = ctx.session.scalars(query).one_or_none()
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
    found = ctx.session.execute(query).one_or_none()
    if found is None:
        raise NotFound("assessment: there is none of that name at your sites")
    return found.Assessment, found.Participant


def event_rows(ctx: Context, participant_id: int) -> list[ParticipantEvent]:
    """Return the events that stand: neither replaced by a correction nor taken back."""
    rows = ctx.session.scalars(
        select(ParticipantEvent)
        .where(ParticipantEvent.participant_id == participant_id)
        .order_by(ParticipantEvent.happened_on, ParticipantEvent.id)
    ).all()
    return standing(rows)


def standing(
    rows: "list[ParticipantEvent] | tuple[ParticipantEvent, ...]",
) -> list[ParticipantEvent]:
    """Return the rows of one participant that no later row replaces or takes back."""
    replaced = {row.replaces_id for row in rows}
    return [row for row in rows if row.id not in replaced and not row.retracted]


def history_of(rows: list[ParticipantEvent]) -> History:
    """Return standing event rows as the schedule knows them."""
    return History(
        tuple(
            Event(
                row.kind,
                row.happened_on,
                {k: str(v) for k, v in row.details.items()},
                row.recorded_at,
            )
            for row in rows
        )
    )


def history(ctx: Context, participant_id: int) -> History:
    """Return what has happened to one participant, as it stands now."""
    return history_of(event_rows(ctx, participant_id))
