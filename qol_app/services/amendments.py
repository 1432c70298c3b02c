"""Putting a new protocol version in force: previewed person by person, applied once, reversible.

It can be taken back until the first answer that was begun after it.
"""

from dataclasses import dataclass

from sqlalchemy import select

from qol_app.db.tables import Amendment, Assessment, Participant, Staff
from qol_app.definition.protocol import Protocol
from qol_app.errors import NotAllowed, NotFound
from qol_app.schedule.amend import AmendmentPreview, preview_amendment
from qol_app.schedule.plan import plan
from qol_app.schedule.replan import replan
from qol_app.services import audit
from qol_app.services.context import Context
from qol_app.services.definitions import protocol_versions
from qol_app.services.participants import courses
from qol_app.services.planning import apply_changes, assessments_of, existing_assessments

PARTS = ("kept", "moved", "added", "dropped")


@dataclass(frozen=True)
class Line:
    """What an amendment does to one participant."""

    participant: Participant
    preview: AmendmentPreview


@dataclass(frozen=True)
class Plan:
    """What an amendment does to everybody still under the old version."""

    old_id: int
    new_id: int
    old: Protocol
    new: Protocol
    lines: tuple[Line, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many assessments are kept, moved, added and dropped in all."""
        return {part: sum(line.preview.counts[part] for line in self.lines) for part in PARTS}


@dataclass(frozen=True)
class Applied:
    """An amendment that was put in force, and whether it can still be taken back."""

    row: Amendment
    old: Protocol
    new: Protocol
    by: str
    reversible: bool


def waiting(ctx: Context, code: str) -> list[Plan]:
    """Return what every loaded version would change that somebody is not yet planned by."""
    versions = [protocol for _, protocol in protocol_versions(ctx, code) if protocol.amends]
    plans = [preview(ctx, code, protocol.version) for protocol in versions]
    return [one for one in plans if one.lines]


def applied(ctx: Context) -> list[Applied]:
    """Return every amendment put in force so far, newest first."""
    rows = ctx.session.execute(
        select(Amendment, Staff.name)
        .outerjoin(Staff, Staff.id == Amendment.applied_by)
        .order_by(Amendment.id.desc())
    )
    return [
        Applied(
            row=row,
            old=ctx.library.protocol(ctx.session, row.old_protocol_id),
            new=ctx.library.protocol(ctx.session, row.new_protocol_id),
            by=name or "",
            reversible=_is_reversible(ctx, row),
        )
        for row, name in rows
    ]


def _is_reversible(ctx: Context, row: Amendment) -> bool:
    try:
        _refuse_reversal(ctx, row)
    except NotAllowed:
        return False
    return True


def preview(ctx: Context, code: str, version: str) -> Plan:
    """Return what putting a loaded version in force would change; nothing is changed.

    Raises
    ------
    NotFound
        If there is no such version, or none that it amends.
    NotAllowed
        If it cannot follow the version it says it amends.
    """
    versions = {protocol.version: (id_, protocol) for id_, protocol in protocol_versions(ctx, code)}
    if version not in versions:
        raise NotFound(f"protocol {code} {version}: found none; loaded: {', '.join(versions)}")
    new_id, new = versions[version]
    if new.amends is None or new.amends.version not in versions:
        raise NotFound(f"protocol {code} {version}: the version it amends is not loaded")
    old_id, old = versions[new.amends.version]
    return Plan(old_id, new_id, old, new, tuple(_lines(ctx, old_id, old, new)))


def _lines(ctx: Context, old_id: int, old: Protocol, new: Protocol) -> list[Line]:
    people = ctx.session.scalars(
        select(Participant)
        .where(Participant.protocol_id == old_id)
        .order_by(Participant.study_number)
    ).all()
    known = courses(ctx, [person.id for person in people])
    on = max(new.effective_on, ctx.today(new.timezone))
    return [
        Line(
            person,
            preview_amendment(
                old,
                new,
                known[person.id].history(),
                existing_assessments(assessments_of(ctx, person.id), person.timezone),
                on,
                person.language,
            ),
        )
        for person in people
    ]


def apply(ctx: Context, code: str, version: str) -> Amendment:
    """Put a version in force for everybody under the one it amends, and record it.

    Raises
    ------
    NotAllowed
        Before the day it takes effect, or if nobody is planned by the one it amends.
    """
    found = preview(ctx, code, version)
    if not found.lines:
        raise NotAllowed(
            f"protocol {code} {version}: nobody is planned by {found.old.version} any more; "
            "there is nothing to put in force"
        )
    if ctx.today(found.new.timezone) < found.new.effective_on:
        raise NotAllowed(
            f"protocol {code} {version}: takes effect on {found.new.effective_on}; "
            "wanted that day or a later one"
        )
    for line in found.lines:
        _switch(ctx, line, found.new_id)
    row = Amendment(
        old_protocol_id=found.old_id,
        new_protocol_id=found.new_id,
        applied_at=ctx.now,
        applied_by=ctx.actor.staff_id,
        counts=found.counts,
    )
    ctx.session.add(row)
    ctx.session.flush()
    audit.record(ctx, "amendment.apply", "amendment", row.id, new=found.counts, reason=version)
    return row


def _switch(ctx: Context, line: Line, protocol_id: int) -> None:
    person = line.participant
    rows = {(row.timepoint, row.occurrence): row for row in assessments_of(ctx, person.id)}
    for old_key, new_key in line.preview.renamed:
        rows[old_key].timepoint, rows[old_key].occurrence = new_key
    person.protocol_id = protocol_id
    for row in rows.values():
        # What is begun or over stays with the version it was asked under.
        if (row.timepoint, row.occurrence) not in line.preview.left:
            row.protocol_id = protocol_id
    ctx.session.flush()
    apply_changes(ctx, person, line.preview.change)


def reverse(ctx: Context, amendment_id: int) -> Amendment:
    """Take an amendment back: everybody is planned by the old version again.

    Raises
    ------
    NotFound
        If there is no such amendment.
    NotAllowed
        If it was taken back already, another followed it, or an assessment was begun since.
    """
    row = ctx.session.get(Amendment, amendment_id)
    if row is None:
        raise NotFound("amendment: there is none of that number")
    _refuse_reversal(ctx, row)
    old = ctx.library.protocol(ctx.session, row.old_protocol_id)
    new = ctx.library.protocol(ctx.session, row.new_protocol_id)
    people = ctx.session.scalars(
        select(Participant).where(
            Participant.protocol_id == row.new_protocol_id,
            Participant.enrolled_at <= row.applied_at,
        )
    ).all()
    known = courses(ctx, [person.id for person in people])
    back = {code: name for name, code in (new.amends.renamed if new.amends else {}).items()}
    for person in people:
        person.protocol_id = row.old_protocol_id
        for one in assessments_of(ctx, person.id):
            one.timepoint = back.get(one.timepoint, one.timepoint)
            one.protocol_id = row.old_protocol_id
        ctx.session.flush()
        existing = existing_assessments(assessments_of(ctx, person.id), person.timezone)
        wanted = plan(old, known[person.id].history(), person.language)
        apply_changes(ctx, person, replan(existing, wanted))
    row.reversed_at, row.reversed_by = ctx.now, ctx.actor.staff_id
    audit.record(ctx, "amendment.reverse", "amendment", row.id, old=row.counts)
    return row


def _refuse_reversal(ctx: Context, row: Amendment) -> None:
    if row.reversed_at is not None:
        raise NotAllowed(f"amendment {row.id}: it was taken back already")
    later = select(Amendment.id).where(Amendment.id > row.id, Amendment.reversed_at.is_(None))
    if ctx.session.scalar(later.limit(1)) is not None:
        raise NotAllowed(f"amendment {row.id}: another one followed it; take that back first")
    begun = (
        select(Assessment.id)
        .join(Participant, Participant.id == Assessment.participant_id)
        .where(
            Participant.protocol_id == row.new_protocol_id,
            Assessment.started_at >= row.applied_at,
        )
    )
    if ctx.session.scalar(begun.limit(1)) is not None:
        raise NotAllowed(
            f"amendment {row.id}: somebody has begun to answer since; a further amendment "
            "can change the schedule instead"
        )
