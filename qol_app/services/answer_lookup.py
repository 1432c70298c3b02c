"""What the database holds about an item and its form just before an answer is added.

These queries stand before every saved answer: they are written on tables, not on mapped
classes, and bring everything along at once.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Integer,
    Select,
    bindparam,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
)

from qol_app.db.tables import (
    Assessment,
    Form,
    Participant,
    ParticipantEvent,
    Response,
    Submission,
)
from qol_app.errors import NotFound
from qol_app.services.answer_events import Sent, order
from qol_app.services.context import Context
from qol_app.services.participants import history
from qol_app.services.sittings import FINAL_EVENTS, REF, Latest, OpenForm, final_stop, open_form

_form, _row = Form.__table__, Assessment.__table__
_person, _happened = Participant.__table__, ParticipantEvent.__table__
_event, _done = Response.__table__, Submission.__table__


@dataclass(frozen=True, slots=True)
class Known:
    """What the database held about some items, and their form, before an answer.

    ``revision`` is the highest counter among what was looked at.
    """

    events: tuple[tuple[str, Latest], ...]
    revision: int
    receipt: str | None

    def latest(self, item: str) -> Latest | None:
        """Return the event that counts for an item, if there is any."""
        mine = (one for code, one in self.events if code == item)
        return max(mine, key=order, default=None)


def look_up(ctx: Context, sent: Sent) -> tuple[OpenForm, Known]:
    """Return the form that an answer is for, and the event that counts for its item.

    Raises
    ------
    NotFound
        If there is none of that name for this participant.
    """
    row = find(ctx.session.connection().execute, sent)
    if row is None:
        raise NotFound("form: there is none of that name for you")
    stopped = None
    if row.perhaps_stopped:  # an event may lie ahead, or be taken back: look closely
        stopped = final_stop(history(ctx, sent.participant_id), ctx.today(row.timezone))
    form = open_form(ctx, row, row, sent.participant_id, row.timezone, stopped)
    return form, known_of(row)


def find(execute: Callable[..., Any], sent: Sent) -> Any | None:
    """Return the row of everything that bears upon one answer, or None if it has no form."""
    if not (REF.fullmatch(sent.assessment_ref) and REF.fullmatch(sent.instrument)):
        return None
    names = {
        "person": sent.participant_id,
        "ref": sent.assessment_ref,
        "instrument": sent.instrument,
        "item": sent.item,
    }
    return execute(_BY_NAME, names).one_or_none()


def known_of(row: Any) -> Known:
    """Return what a row that was found says about its item and form."""
    return Known(_events([row]), row.counter or 0, row.receipt)


def known_before(ctx: Context, form: OpenForm, items: Collection[str]) -> Known:
    """Return all events of some items of a form, with the form's revision and any receipt."""
    values = {"form": form.id, "assessment": form.assessment_id, "items": sorted(items)}
    rows = ctx.session.connection().execute(_BY_FORM, values).all()
    return Known(_events(rows), rows[0].revision or 0, rows[0].receipt)


def _events(rows: Iterable[Any]) -> tuple[tuple[str, Latest], ...]:
    return tuple(
        (row.item, Latest(row.status, row.value, row.counter, row.event_id, row.recorded_at))
        for row in rows
        if row.item is not None
    )


# By their outer joins both queries give a row at least, on which all else rides along.
_EVENT = [
    _event.c[name] for name in ("item", "status", "value", "counter", "event_id", "recorded_at")
]
# Written out: a list of parameters would be put into the statement anew each time.
_FINAL = [_happened.c.kind == literal_column(repr(kind)) for kind in FINAL_EVENTS]


def _by_name() -> Select[Any]:
    left_study = exists().where(_happened.c.participant_id == _row.c.participant_id, or_(*_FINAL))
    every = _event.alias()
    latest = (
        select(every.c.id)
        .where(every.c.form_id == _form.c.id, every.c.item == bindparam("item"))
        .order_by(every.c.counter.desc(), every.c.event_id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(
            _form.c.id.label("form_id"),
            _form.c.instrument_id,
            _form.c.wording_id,
            _row.c.id,
            _row.c.public_id,
            _row.c.participant_id,
            _row.c.opens_on,
            _row.c.late_until,
            _row.c.dropped_at,
            _person.c.timezone,
            left_study.label("perhaps_stopped"),
            _done.c.receipt,
            *_EVENT,
        )
        .select_from(
            _form.join(_row, _row.c.id == _form.c.assessment_id)
            .join(_person, _person.c.id == _row.c.participant_id)
            .outerjoin(_done, _done.c.assessment_id == _row.c.id)
            .outerjoin(_event, _event.c.id == latest)
        )
        .where(
            _row.c.public_id == bindparam("ref"),
            _row.c.participant_id == bindparam("person"),
            _form.c.instrument == bindparam("instrument"),
        )
    )


def _by_form() -> Select[Any]:
    one = select(literal(1).label("one")).subquery()
    every, of_form = _event.alias(), bindparam("form", type_=Integer)
    revision = select(func.max(every.c.counter)).where(every.c.form_id == of_form)
    return select(
        revision.scalar_subquery().label("revision"), _done.c.receipt, *_EVENT
    ).select_from(
        one.outerjoin(_done, _done.c.assessment_id == bindparam("assessment")).outerjoin(
            _event,
            (_event.c.form_id == of_form) & _event.c.item.in_(bindparam("items", expanding=True)),
        )
    )


_BY_NAME, _BY_FORM = _by_name(), _by_form()
