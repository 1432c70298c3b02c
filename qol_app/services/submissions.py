"""Handing a sitting in: once, with one receipt, whoever presses however often."""

import secrets
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, or_, select, update

from qol_app.db.base import table_of
from qol_app.db.tables import Assessment, Form, Participant, Response, Submission
from qol_app.errors import NotAllowed, NotFound
from qol_app.schedule.history import History
from qol_app.schedule.status import AssessmentFacts, Flag, answer_flags
from qol_app.services import audit
from qol_app.services.context import Context
from qol_app.services.participants import history, site_code
from qol_app.services.planning import window_of
from qol_app.services.sittings import lock, why_not

# No letters that look like others: a receipt is read out on the telephone.
RECEIPT_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

_form, _event = table_of(Form), table_of(Response)
_SOME_ANSWER = (
    select(_event.c.id)
    .join(_form, _form.c.id == _event.c.form_id)
    .where(_form.c.assessment_id == bindparam("assessment"))
    .limit(1)
)


def submit(ctx: Context, participant: Participant, row: Assessment) -> Submission:
    """Return the submission of an assessment, made now if there is none yet.

    Raises
    ------
    NotAllowed
        If the assessment cannot be answered now, or nothing in it is answered.
    """
    lock(ctx, row.id)
    done = ctx.session.get(Submission, row.id)
    if done is not None:
        return done
    known = history(ctx, participant.id)
    reason = why_not(ctx, participant, row, known)
    if reason:
        raise NotAllowed(f"assessment {row.timepoint}: it cannot be handed in now ({reason})")
    if not _has_answers(ctx, row):
        raise NotAllowed(f"assessment {row.timepoint}: found no answers; wanted at least one")
    done = _submission(ctx, participant, row, known)
    ctx.session.add(done)
    _look_again(ctx, row)
    audit.record(
        ctx,
        "assessment.submit",
        "assessment",
        row.public_id,
        site=site_code(ctx, participant),
        new={"late": done.late, "after_allocation": done.after_allocation},
    )
    ctx.session.flush()
    return done


def receipt(ctx: Context, code: str) -> tuple[Submission, Participant]:
    """Return the submission of a receipt code and whose it is; NotFound if there is none."""
    found = ctx.session.execute(
        select(Submission, Participant)
        .join(Assessment, Assessment.id == Submission.assessment_id)
        .join(Participant, Participant.id == Assessment.participant_id)
        .where(Submission.receipt == code)
    ).one_or_none()
    if found is None:
        raise NotFound("receipt: there is none of that code")
    return found.Submission, found.Participant


def receipt_of(ctx: Context, assessment_ref: str) -> str | None:
    """Return the receipt code of an assessment, if it was handed in."""
    return ctx.session.scalar(
        select(Submission.receipt)
        .join(Assessment, Assessment.id == Submission.assessment_id)
        .where(Assessment.public_id == assessment_ref)
    )


def _has_answers(ctx: Context, row: Assessment) -> bool:
    found = ctx.session.connection().execute(_SOME_ANSWER, {"assessment": row.id})
    return found.first() is not None


def _submission(
    ctx: Context, participant: Participant, row: Assessment, known: History
) -> Submission:
    protocol = ctx.library.protocol(ctx.session, row.protocol_id)
    facts = AssessmentFacts(
        window=window_of(row),
        started_at=row.started_at,
        submitted_at=ctx.now,
        timepoint=row.timepoint,
        zone=ZoneInfo(participant.timezone),
    )
    flags = answer_flags(facts, known, protocol.timepoint(row.timepoint).before_allocation)
    return Submission(
        assessment_id=row.id,
        receipt=_new_receipt(),
        submitted_at=ctx.now,
        late=Flag.OUT_OF_WINDOW in flags,
        after_allocation=Flag.AFTER_ALLOCATION in flags,
    )


def _new_receipt() -> str:
    letters = [secrets.choice(RECEIPT_LETTERS) for _ in range(12)]
    return "-".join("".join(letters[at : at + 4]) for at in (0, 4, 8))


def _look_again(ctx: Context, row: Assessment) -> None:
    # The worker has nothing more to send about this one, nor about those it counts for.
    ctx.session.execute(
        update(Assessment)
        .where(
            # Their own index: no other says which ones are counted by another.
            Assessment.participant_id == row.participant_id,
            or_(Assessment.id == row.id, Assessment.counted_by_id == row.id),
        )
        .values(look_again_at=ctx.now)
        .execution_options(synchronize_session=False)
    )
