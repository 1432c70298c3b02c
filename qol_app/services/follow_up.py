"""What coordinators do about missing answers: reasons, calls, tasks."""

from sqlalchemy import select

from qol_app.clean import clean_line
from qol_app.db.tables import Assessment, ContactAttempt, MissingReason, Participant, Task
from qol_app.errors import NotAllowed, NotFound
from qol_app.services import audit
from qol_app.services.context import Context
from qol_app.services.participants import site_code

CHANNELS = ("phone", "sms", "email", "visit", "letter")
OUTCOMES = (
    "reached_will_answer",
    "reached_declined",
    "no_answer",
    "left_message",
    "wrong_contact",
    "reached_other",
)
NOTE_MOST = 200


def give_reason(
    ctx: Context, participant: Participant, assessment: Assessment, reason: str
) -> MissingReason:
    """Record why a closed assessment is empty; a later row takes the place of an earlier one.

    Raises
    ------
    NotAllowed
        If the reason is not one of the protocol's, or the window has not closed yet.
    """
    protocol = ctx.library.protocol(ctx.session, participant.protocol_id)
    known = [choice.code for choice in protocol.missing_reasons]
    if reason not in known:
        raise NotAllowed(f"reason: found {reason!r}; wanted one of {', '.join(known)}")
    if ctx.today(participant.timezone) <= assessment.closes_on:
        raise NotAllowed(
            f"reason: {assessment.timepoint} can be answered until {assessment.closes_on}; "
            "a reason is asked for after that"
        )
    row = MissingReason(
        assessment_id=assessment.id,
        reason=reason,
        recorded_at=ctx.now,
        recorded_by=ctx.actor.staff_id,
    )
    ctx.session.add(row)
    ctx.session.flush()
    audit.record(
        ctx,
        "missing-reason.give",
        "assessment",
        assessment.public_id,
        new={"reason": reason},
        site=site_code(ctx, participant),
    )
    return row


def log_attempt(
    ctx: Context,
    participant: Participant,
    channel: str,
    outcome: str,
    assessment: Assessment | None = None,
) -> ContactAttempt:
    """Record that somebody tried to reach a participant, how, and what came of it.

    Raises
    ------
    NotAllowed
        If way or outcome are not of the lists.
    """
    for what, value, known in (("way", channel, CHANNELS), ("outcome", outcome, OUTCOMES)):
        if value not in known:
            raise NotAllowed(f"{what}: found {value!r}; wanted one of {', '.join(known)}")
    row = ContactAttempt(
        participant_id=participant.id,
        assessment_id=assessment.id if assessment else None,
        channel=channel,
        outcome=outcome,
        attempted_at=ctx.now,
        recorded_by=ctx.actor.staff_id,
    )
    ctx.session.add(row)
    ctx.session.flush()
    audit.record(
        ctx,
        "contact.attempt",
        "contact_attempt",
        row.id,
        new={"participant": participant.id, "channel": channel, "outcome": outcome},
        site=site_code(ctx, participant),
    )
    return row


def task_of(ctx: Context, participant: Participant, task_id: int) -> Task:
    """Return one task of a participant.

    Raises
    ------
    NotFound
        If there is none of that number.
    """
    tasks = ctx.session.scalars(select(Task).where(Task.participant_id == participant.id))
    found = {task.id: task for task in tasks}
    if task_id not in found:
        raise NotFound("task: there is none of that number for this participant")
    return found[task_id]


def finish_task(ctx: Context, participant: Participant, task_id: int, outcome: str) -> Task:
    """Mark a task as done; doing it twice changes nothing.

    Raises
    ------
    NotFound
        If it is not a task of this participant.
    """
    task = task_of(ctx, participant, task_id)
    if task.done_at is None:
        task.done_at, task.done_by = ctx.now, ctx.actor.staff_id
        task.outcome = clean_line(outcome, NOTE_MOST)
        audit.record(
            ctx,
            "task.finish",
            "task",
            task.id,
            new={"kind": task.kind, "outcome": task.outcome},
            site=site_code(ctx, participant),
        )
    return task
