"""Saving one answer.

An answer is an event that is only ever added. Its counter is one more than the highest the
sender knew of, so that events may arrive late, twice and in any order: of an item's events
the one of highest (counter, event_id) counts.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from qol_app.assessment import ResponseStatus, check_response, is_asked
from qol_app.db.engine import Alone
from qol_app.db.tables import AuditEvent, Response
from qol_app.definition.instrument import Instrument
from qol_app.errors import NotFound, ResponseError
from qol_app.services import audit
from qol_app.services.answer_events import (
    INSERT,
    Answer,
    AnswerEvent,
    Sent,
    family_of,
    insert,
    order,
    row_of,
    void,
)
from qol_app.services.answer_lookup import Known, find, known_before, known_of, look_up
from qol_app.services.context import Context, today
from qol_app.services.library import Library
from qol_app.services.sittings import (
    Latest,
    OpenForm,
    Sitting,
    known_form,
    lock,
    may_answer,
    open_assessment,
    own_assessment,
    sitting,
    why_not,
)
from qol_app.services.submissions import submit

__all__ = [
    "AnswerEvent",
    "OpenForm",
    "Saved",
    "Sent",
    "Sitting",
    "look_up",
    "may_answer",
    "open_assessment",
    "own_assessment",
    "save_by_name",
    "save_ordinary",
    "save_response",
    "sitting",
    "submit",
    "why_not",
]

# More than anybody taps, and far from where a column ends.
MOST_COUNTER = 10**6 - 1


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of one answer.

    ``state`` is ``saved``; or ``submitted`` or ``closed`` when it came too late to count and
    is kept in the trail only; or ``stopped`` when the person has left the study, so that
    nothing is stored. ``revision`` is the highest counter of the item and what hangs on it;
    ``conflict`` an answer given elsewhere that the sender had not seen.
    """

    state: str
    event_id: str
    revision: int = 0
    conflict: Latest | None = None
    voided: tuple[str, ...] = ()


def save_by_name(ctx: Context, sent: Sent) -> Saved:
    """Store one answer of a participant, as ``save_response`` does, by names from outside.

    Raises
    ------
    ResponseError, NotFound
        As ``save_response``; NotFound also if this participant has no such sitting.
    """
    form, known = look_up(ctx, sent)
    value = _checked(form.instrument, sent.item, sent.status, sent.value)
    if form.stopped:
        return Saved("stopped", sent.event.event_id)
    family = family_of(form.instrument, sent.item)
    if len(family) > 1:  # what voids what follows from all of them, so one at a time
        lock(ctx, form.assessment_id)
        known = known_before(ctx, form, family)
    return _save(ctx, form, known, sent.item, sent.status, value, sent.event)


def save_ordinary(alone: Alone, library: Library, now: datetime, sent: Sent) -> Saved | None:
    """Store one answer by two statements and without a lock; None where it takes more.

    That no answer lands behind a submission is seen to by the database
    (``db.after_submission``); of two answers given in the same instant on two devices one
    counts, by their order. Whatever is out of the ordinary (a condition hangs on the item, the
    sitting is over, the answer is wrong or was stored before) is left to ``save_by_name``.
    """
    row = find(alone.look, sent)
    form = None if row is None or row.perhaps_stopped or row.receipt else known_form(library, row)
    if row is None or form is None or not form.takes(today(now, form.timezone)):
        return None
    if sent.item not in form.instrument.items_by_code or sent.event.counter is None:
        return None
    if len(family_of(form.instrument, sent.item)) > 1:
        return None
    value = _checked(form.instrument, sent.item, sent.status, sent.value)
    _check_counter(sent.event.counter)
    answer = Answer(form, sent.item, sent.status, value, sent.event.counter, sent.event)
    if not alone.add(INSERT[alone.connection.dialect.name], row_of(answer, now)):
        return None
    return _saved(answer, known_of(row))


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
        Of a sitting that was opened or fetched under lock.
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
    known = known_before(ctx, form, family_of(form.instrument, item))
    event = event or AnswerEvent(str(uuid.uuid4()))
    return _save(ctx, form, known, item, status, value, event)


def _save(
    ctx: Context,
    form: OpenForm,
    known: Known,
    item: str,
    status: ResponseStatus,
    value: int | None,
    event: AnswerEvent,
) -> Saved:
    counter = known.revision + 1 if event.counter is None else event.counter
    answer = Answer(form, item, status, value, counter, event)
    if known.receipt or not form.takes(ctx.today(form.timezone)):
        return _came_too_late(ctx, answer, "submitted" if known.receipt else "closed")
    _check_counter(counter)
    _check_asked(answer, known)
    if not insert(ctx, answer):
        _check_repeated(ctx, answer)
    hangs_together = len(family_of(form.instrument, item)) > 1
    return _saved(answer, known, void(ctx, answer, known.events) if hangs_together else ())


def _saved(answer: Answer, known: Known, voided: tuple[str, ...] = ()) -> Saved:
    return Saved(
        state="saved",
        event_id=answer.event.event_id,
        revision=max(known.revision, answer.counter + bool(voided)),
        conflict=_conflict(answer, known.latest(answer.item)),
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


def _check_counter(counter: int) -> None:
    if not 1 <= counter <= MOST_COUNTER:
        raise ResponseError(f"counter: found {counter}; wanted 1 to {MOST_COUNTER}")


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
