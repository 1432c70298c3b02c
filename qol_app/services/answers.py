"""Saving one answer.

An answer is an event that is only ever added. Its counter is one more than the highest the
sender knew of, so that events may arrive late, twice and in any order: of an item's events
the one of highest (counter, event_id) counts.
"""

import uuid
from dataclasses import dataclass

from sqlalchemy import bindparam, exists, select

from qol_app.assessment import ResponseStatus, check_response, is_asked
from qol_app.db.tables import (
    Assessment,
    AuditEvent,
    Form,
    Participant,
    ParticipantEvent,
    Response,
)
from qol_app.definition.instrument import Instrument
from qol_app.errors import NotFound, ResponseError
from qol_app.services import audit
from qol_app.services.answer_events import (
    Answer,
    AnswerEvent,
    Known,
    family_of,
    insert,
    known_before,
    order,
    void,
)
from qol_app.services.context import Context
from qol_app.services.participants import history
from qol_app.services.sittings import (
    FINAL_EVENTS,
    REF,
    Latest,
    OpenForm,
    Sitting,
    final_stop,
    may_answer,
    open_assessment,
    open_form,
    own_assessment,
    sitting,
    why_not,
)
from qol_app.services.submissions import submit

__all__ = [
    "AnswerEvent",
    "OpenForm",
    "Saved",
    "Sitting",
    "form_to_answer",
    "may_answer",
    "open_assessment",
    "own_assessment",
    "save_response",
    "sitting",
    "submit",
    "why_not",
]

# How far a sender's counter may run ahead: more than anybody taps while offline.
MOST_AHEAD = 1000


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of one answer.

    ``state`` is ``saved``; or ``submitted`` or ``closed`` when it came too late to count and
    is kept in the trail only; or ``stopped`` when the person has left the study, so that
    nothing is stored. ``revision`` is the form's highest counter now; ``conflict`` an answer
    given elsewhere that the sender had not seen.
    """

    state: str
    event_id: str
    revision: int = 0
    conflict: Latest | None = None
    voided: tuple[str, ...] = ()


def form_to_answer(
    ctx: Context, participant_id: int, assessment_ref: str, instrument: str
) -> OpenForm:
    """Return one form of a participant's sitting, locked until the unit of work ends.

    Raises
    ------
    NotFound
        If there is none of that name for this participant.
    """
    if not (REF.fullmatch(assessment_ref) and REF.fullmatch(instrument)):
        raise NotFound("form: there is none of that name for you")
    row = ctx.session.execute(
        _FORM, {"participant": participant_id, "ref": assessment_ref, "instrument": instrument}
    ).one_or_none()
    if row is None:
        raise NotFound("form: there is none of that name for you")
    stopped = None
    if row.perhaps_stopped:  # an event may lie ahead, or be taken back: look closely
        stopped = final_stop(history(ctx, participant_id), ctx.today(row.timezone))
    return open_form(ctx, row, row, participant_id, row.timezone, stopped)


_FORM = (
    select(
        Form.id.label("form_id"),
        Form.instrument_id,
        Form.wording_id,
        Assessment.id,
        Assessment.public_id,
        Assessment.opens_on,
        Assessment.late_until,
        Assessment.dropped_at,
        Participant.timezone,
        exists()
        .where(
            ParticipantEvent.participant_id == Assessment.participant_id,
            ParticipantEvent.kind.in_(FINAL_EVENTS),
        )
        .label("perhaps_stopped"),
    )
    .join(Assessment, Assessment.id == Form.assessment_id)
    .join(Participant, Participant.id == Assessment.participant_id)
    .where(
        Assessment.public_id == bindparam("ref"),
        Assessment.participant_id == bindparam("participant"),
        Form.instrument == bindparam("instrument"),
    )
    .with_for_update(of=Assessment)
)


def save_response(
    ctx: Context,
    form: OpenForm,
    item: str,
    status: ResponseStatus,
    value: object = None,
    event: AnswerEvent | None = None,
) -> Saved:
    """Store one answer as an event; repeating it changes nothing.

    Parameters
    ----------
    form : OpenForm
        From ``form_to_answer`` or ``open_assessment``, which lock the sitting.
    item : str
        An item that is asked, given the answers before this one.
    status : ResponseStatus
        ANSWERED with a value that the item allows, or SKIPPED with none.

    Raises
    ------
    ResponseError
        If it is no answer to this item, or its event id belongs to another answer.
    NotFound
        If the form has no such item.
    """
    value = _checked(form.instrument, item, status, value)
    event = event or AnswerEvent(str(uuid.uuid4()))
    family = family_of(form.instrument, item)
    known = known_before(ctx, form, family)
    counter = known.revision + 1 if event.counter is None else event.counter
    answer = Answer(form, item, status, value, counter, event)
    if form.stopped:
        return Saved("stopped", event.event_id)
    if known.receipt or not form.takes(ctx.today(form.timezone)):
        return _came_too_late(ctx, answer, "submitted" if known.receipt else "closed")
    _check_counter(counter, known.revision)
    _check_asked(answer, known)
    if not insert(ctx, answer):
        _check_repeated(ctx, answer)
    voided = void(ctx, answer, known) if len(family) > 1 else ()
    return Saved(
        state="saved",
        event_id=event.event_id,
        revision=max(known.revision, counter + bool(voided)),
        conflict=_conflict(answer, known.latest(item)),
        voided=voided,
    )


# --- what is refused -------------------------------------------------------------------


def _checked(
    instrument: Instrument, item: str, status: ResponseStatus, value: object
) -> int | None:
    one = instrument.items_by_code.get(item)
    if one is None:
        raise NotFound(f"item: {instrument.code} has none of that name")
    if status is ResponseStatus.ANSWERED:
        return check_response(one, value)
    if status is not ResponseStatus.SKIPPED:
        raise ResponseError(f"item {item}: found status {status}; wanted ANSWERED or SKIPPED")
    if value is not None:
        raise ResponseError(f"item {item}: found a value with SKIPPED; wanted none")
    return None


def _check_counter(counter: int, revision: int) -> None:
    if not 1 <= counter <= revision + MOST_AHEAD:
        raise ResponseError(
            f"counter: found {counter}; wanted 1 to {revision + MOST_AHEAD}, one more than "
            "the highest seen"
        )


def _check_asked(answer: Answer, known: Known) -> None:
    """Refuse an item that was not asked when this answer was given."""
    before = {
        code: one.value
        for code, one in sorted(known.events, key=lambda pair: order(pair[1]))
        if one.counter <= answer.counter and code != answer.item
    }
    if not is_asked(answer.form.instrument, answer.item, before):
        raise ResponseError(f"item {answer.item}: it is not asked, given the answers before it")


def _check_repeated(ctx: Context, answer: Answer) -> None:
    """Refuse an event id that is taken by another answer."""
    found = ctx.session.execute(
        select(Response.form_id, Response.item, Response.status, Response.value).where(
            Response.event_id == answer.event.event_id
        )
    ).one()
    if tuple(found) != (answer.form.id, answer.item, *answer.content):
        raise ResponseError("event id: found one that belongs to another answer; wanted a new one")


# --- what else may be said -----------------------------------------------------------------


def _conflict(answer: Answer, latest: Latest | None) -> Latest | None:
    """Return the answer that counted before, if the sender had not seen it and it differs."""
    event = answer.event
    if latest is None or latest.status == ResponseStatus.NOT_APPLICABLE:
        return None
    if event.base is None or latest.event_id in (event.base, event.event_id):
        return None
    return None if (latest.status, latest.value) == answer.content else latest


def _came_too_late(ctx: Context, answer: Answer, state: str) -> Saved:
    """Keep an answer that no longer counts in the trail, once; one stored in time is saved."""
    event = answer.event
    stored = select(Response.id).where(Response.event_id == event.event_id)
    if ctx.session.scalar(stored) is not None:
        _check_repeated(ctx, answer)
        return Saved("saved", event.event_id)
    kept = select(AuditEvent.id).where(
        AuditEvent.subject == "response", AuditEvent.subject_id == event.event_id
    )
    if ctx.session.scalar(kept.limit(1)) is None:
        content = {
            "assessment": answer.form.assessment_ref,
            "instrument": answer.form.instrument.code,
            "item": answer.item,
            "status": str(answer.status),
            "value": answer.value,
            "counter": answer.counter,
            "client_at": event.client_at.isoformat() if event.client_at else None,
        }
        audit.record(ctx, f"response.{state}", "response", event.event_id, new=content)
    return Saved(state, event.event_id)
