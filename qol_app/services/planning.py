"""Keeping a participant's expected assessments in step with what has happened to them."""

from sqlalchemy import select

from qol_app.crypto import public_id
from qol_app.db.tables import Assessment, Participant
from qol_app.schedule.plan import PlannedAssessment, plan
from qol_app.schedule.replan import ExistingAssessment, Replan, replan
from qol_app.schedule.windows import VisitWindow
from qol_app.services import audit
from qol_app.services.context import Context
from qol_app.services.participants import history


def assessments_of(ctx: Context, participant_id: int) -> list[Assessment]:
    """Return a participant's expected assessments in the order of their dates."""
    return list(
        ctx.session.scalars(
            select(Assessment)
            .where(Assessment.participant_id == participant_id)
            .order_by(Assessment.target_on, Assessment.id)
        )
    )


def window_of(row: Assessment) -> VisitWindow:
    """Return the visit window of an assessment row."""
    return VisitWindow(row.opens_on, row.target_on, row.closes_on, row.late_until)


def changes(ctx: Context, participant: Participant) -> Replan:
    """Return what planning anew would keep, move, add and drop; nothing is changed."""
    protocol = ctx.library.protocol(ctx.session, participant.protocol_id)
    rows = assessments_of(ctx, participant.id)
    existing = [
        ExistingAssessment(
            key=(row.timepoint, row.occurrence),
            window=window_of(row),
            package=row.package,
            begun=row.started_at is not None,
            dropped=row.dropped_at is not None,
        )
        for row in rows
    ]
    return replan(existing, plan(protocol, history(ctx, participant.id)))


def replan_participant(ctx: Context, participant: Participant) -> Replan:
    """Make the rows agree with the plan, leaving alone whatever has been begun."""
    found = changes(ctx, participant)
    rows = {(row.timepoint, row.occurrence): row for row in assessments_of(ctx, participant.id)}
    for planned in (*found.moved, *found.added):
        row = rows.get(planned.key) or _new_row(ctx, participant, planned)
        rows[planned.key] = row
        _apply(ctx, participant, row, planned)
    for key, reason in found.dropped.items():
        row = rows[key]
        row.dropped_at, row.dropped_reason, row.look_again_at = ctx.now, reason, None
        audit.record(ctx, "assessment.drop", "assessment", row.public_id, reason=reason)
    ctx.session.flush()
    return found


def _new_row(ctx: Context, participant: Participant, planned: PlannedAssessment) -> Assessment:
    row = Assessment(
        public_id=public_id(),
        participant_id=participant.id,
        timepoint=planned.timepoint,
        occurrence=planned.occurrence,
    )
    ctx.session.add(row)
    return row


def _apply(
    ctx: Context, participant: Participant, row: Assessment, planned: PlannedAssessment
) -> None:
    old = None if row.id is None else _dates(row)
    row.protocol_id = participant.protocol_id
    row.package, row.instruments = planned.package, list(planned.instruments)
    row.anchor_on = planned.anchor_on
    row.opens_on, row.target_on = planned.window.opens, planned.window.target
    row.closes_on, row.late_until = planned.window.closes, planned.window.late_until
    row.planned_at = ctx.now
    row.dropped_at, row.dropped_reason = None, ""
    # The worker looks at once; it knows what is due and when to look next.
    row.look_again_at = ctx.now
    action = "assessment.move" if old else "assessment.plan"
    audit.record(ctx, action, "assessment", row.public_id, old=old, new=_dates(row))


def _dates(row: Assessment) -> dict[str, str]:
    names = ("timepoint", "package", "opens_on", "target_on", "closes_on", "late_until")
    return {name: str(getattr(row, name)) for name in names}
