"""Things a coordinator is asked to do, opened once and found again rather than doubled."""

from collections.abc import Collection

from sqlalchemy import select

from qol_app.db.tables import Participant, Site, Task
from qol_app.services import audit
from qol_app.services.context import Context

# A message that may have arrived, or not, is never sent again: somebody asks the participant.
UNCERTAIN_TASK = "message_uncertain"


def open_task(ctx: Context, participant_id: int, assessment_id: int, kind: str) -> bool:
    """Ask a coordinator for something; False if that is asked for already.

    A task that was done and is wanted anew (the corrected address is wrong as well) is
    opened again.
    """
    row = ctx.session.scalars(
        select(Task).where(
            Task.participant_id == participant_id,
            Task.assessment_id == assessment_id,
            Task.kind == kind,
        )
    ).one_or_none()
    if row is None:
        row = Task(participant_id=participant_id, assessment_id=assessment_id, kind=kind)
        ctx.session.add(row)
    elif row.done_at is None:
        return False
    row.opened_at, row.done_at, row.done_by, row.outcome = ctx.now, None, None, ""
    ctx.session.flush()
    site = select(Site.code).join(Participant, Participant.site_id == Site.id)
    code = ctx.session.scalars(site.where(Participant.id == participant_id)).one()
    audit.record(ctx, "task.open", "task", row.id, new={"kind": kind}, site=code)
    return True


def finish_by_itself(ctx: Context, assessment_id: int, kind: str, outcome: str) -> None:
    """Close an open task whose reason has gone away without anybody doing it."""
    query = select(Task).where(
        Task.assessment_id == assessment_id, Task.kind == kind, Task.done_at.is_(None)
    )
    for row in ctx.session.scalars(query):
        _finish(ctx, row, outcome)


def finish_of_person(
    ctx: Context, participant_id: int, kinds: Collection[str], outcome: str
) -> None:
    """Close every open task of these kinds: what they ask for has been given."""
    query = select(Task).where(
        Task.participant_id == participant_id, Task.kind.in_(kinds), Task.done_at.is_(None)
    )
    for row in ctx.session.scalars(query):
        _finish(ctx, row, outcome)


def _finish(ctx: Context, row: Task, outcome: str) -> None:
    row.done_at, row.outcome = ctx.now, outcome
    audit.record(ctx, "task.finish", "task", row.id, new={"kind": row.kind, "outcome": outcome})
