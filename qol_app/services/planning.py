"""Keeping a participant's expected assessments in step with what has happened to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select

from qol_app.crypto import public_id
from qol_app.db.tables import Amendment, Assessment, Participant
from qol_app.schedule.amend import plan_as_amended
from qol_app.schedule.history import History
from qol_app.schedule.planned import Key, PlannedAssessment
from qol_app.schedule.replan import ExistingAssessment, Replan, expected_after, replan
from qol_app.schedule.windows import VisitWindow, local_day
from qol_app.services import audit
from qol_app.services.context import Context
from qol_app.services.participants import history, site_code

_OF_PERSON = (
    select(Assessment)
    .where(Assessment.participant_id == bindparam("person"))
    .order_by(Assessment.target_on, Assessment.id)
)


def assessments_of(ctx: Context, participant_id: int) -> list[Assessment]:
    """Return a participant's expected assessments in the order of their dates."""
    return list(ctx.session.scalars(_OF_PERSON, {"person": participant_id}))


def window_of(row: Assessment) -> VisitWindow:
    """Return the visit window of an assessment row."""
    return VisitWindow(row.opens_on, row.target_on, row.closes_on, row.late_until)


def existing_assessments(
    rows: Sequence[Assessment], timezone: str
) -> tuple[ExistingAssessment, ...]:
    """Return assessment rows as the schedule compares them with a plan."""
    keys = {row.id: (row.timepoint, row.occurrence) for row in rows}
    counts_for: dict[int, list[Key]] = {row.id: [] for row in rows}
    for row in rows:
        if row.counted_by_id is not None:
            counts_for[row.counted_by_id].append(keys[row.id])
    zone = ZoneInfo(timezone)
    return tuple(
        ExistingAssessment(
            key=keys[row.id],
            window=window_of(row),
            package=row.package,
            begun=row.started_at is not None,
            instruments=tuple(row.instruments),
            counts_for=tuple(counts_for[row.id]),
            merged_into=keys.get(row.counted_by_id) if row.counted_by_id else None,
            begun_on=row.started_at.astimezone(zone).date() if row.started_at else None,
            provisional=row.provisional,
            dropped=row.dropped_at is not None,
        )
        for row in rows
    )


@dataclass(frozen=True)
class Prospect:
    """What planning anew would change, and what would be expected then."""

    replan: Replan
    expected: tuple[PlannedAssessment, ...]


def changes(ctx: Context, participant: Participant) -> Replan:
    """Return what planning anew would keep, move, add and drop; nothing is changed."""
    return changes_given(ctx, participant, history(ctx, participant.id))


def changes_given(ctx: Context, participant: Participant, known: History) -> Replan:
    """Return what planning anew would change if this were all that had happened."""
    return prospect(ctx, participant, known).replan


def prospect(ctx: Context, participant: Participant, known: History) -> Prospect:
    """Return what would be changed and expected if this were all that had happened."""
    rows = assessments_of(ctx, participant.id)
    wanted = _wanted(ctx, participant, rows, known)
    found = replan(existing_assessments(rows, participant.timezone), wanted)
    return Prospect(found, expected_after(found, wanted))


def _wanted(
    ctx: Context, participant: Participant, rows: Sequence[Assessment], known: History
) -> Sequence[PlannedAssessment]:
    """Return the plan; what an amendment left under an older version follows that version."""
    ids = {participant.protocol_id, *(row.protocol_id for row in rows)}
    found = {id_: ctx.library.protocol(ctx.session, id_) for id_ in ids}
    versions = sorted(found.values(), key=lambda protocol: protocol.effective_on)
    asked_under = {(row.timepoint, row.occurrence): found[row.protocol_id].version for row in rows}
    on = _amended_on(ctx, participant) if len(versions) > 1 else None
    return plan_as_amended(versions, asked_under, known, participant.language, on)


def _amended_on(ctx: Context, participant: Participant) -> date | None:
    """Return the local day on which the participant's version was put in force for them."""
    applied_at = ctx.session.scalar(
        select(Amendment.applied_at)
        .where(
            Amendment.new_protocol_id == participant.protocol_id, Amendment.reversed_at.is_(None)
        )
        .order_by(Amendment.id.desc())
        .limit(1)
    )
    return local_day(applied_at, ZoneInfo(participant.timezone)) if applied_at else None


def replan_participant(ctx: Context, participant: Participant) -> Replan:
    """Make the rows agree with the plan, leaving alone whatever has been begun."""
    found = changes(ctx, participant)
    apply_changes(ctx, participant, found)
    return found


def apply_changes(ctx: Context, participant: Participant, found: Replan) -> None:
    """Move, add and drop rows as found; the kept ones stay as they are."""
    rows = {(row.timepoint, row.occurrence): row for row in assessments_of(ctx, participant.id)}
    wanted = [*(moved.planned for moved in found.moved), *found.added]
    for planned in wanted:
        _write(ctx, participant, rows, planned)
    ctx.session.flush()
    for planned in wanted:
        asked = rows[planned.merged_into] if planned.merged_into else None
        rows[planned.key].counted_by_id = asked.id if asked else None
    for dropped in found.dropped:
        _drop(ctx, participant, rows[dropped.key])
    _look_again(ctx, rows)
    ctx.session.flush()


def _look_again(ctx: Context, rows: dict[Key, Assessment]) -> None:
    # An event may stop, hold or resume contact: the worker looks at every open row anew.
    for row in rows.values():
        if row.dropped_at is None:
            row.look_again_at = ctx.now


def _write(
    ctx: Context, participant: Participant, rows: dict[Key, Assessment], planned: PlannedAssessment
) -> None:
    row = rows.get(planned.key)
    old = _dates(row) if row else None
    if row is None:
        row = rows[planned.key] = Assessment(
            public_id=public_id(),
            participant_id=participant.id,
            timepoint=planned.timepoint,
            occurrence=planned.occurrence,
        )
        ctx.session.add(row)
    if row.id is None:
        row.protocol_id = participant.protocol_id
    row.package, row.instruments = planned.package, list(planned.instruments)
    row.anchor_on, row.provisional = planned.anchor_on, planned.provisional
    row.opens_on, row.target_on = planned.window.opens, planned.window.target
    row.closes_on, row.late_until = planned.window.closes, planned.window.late_until
    row.planned_at, row.dropped_at, row.dropped_reason = ctx.now, None, ""
    action = "assessment.move" if old else "assessment.plan"
    site = site_code(ctx, participant)
    audit.record(ctx, action, "assessment", row.public_id, old=old, new=_dates(row), site=site)


def _drop(ctx: Context, participant: Participant, row: Assessment) -> None:
    row.dropped_at, row.dropped_reason = ctx.now, "no longer planned"
    row.look_again_at, row.counted_by_id = None, None
    site = site_code(ctx, participant)
    audit.record(ctx, "assessment.drop", "assessment", row.public_id, old=_dates(row), site=site)


def _dates(row: Assessment) -> dict[str, str]:
    names = ("timepoint", "package", "opens_on", "target_on", "closes_on", "late_until")
    return {name: str(getattr(row, name)) for name in names}
