"""Answer events in the database: what is known of an item, adding one, and what it voids."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from qol_app.assessment import ResponseStatus, voided_by
from qol_app.db.tables import Response, Submission
from qol_app.definition.instrument import Instrument
from qol_app.services.context import Context
from qol_app.services.sittings import Latest, OpenForm

# Names the events by which an answer voids others, so that a replay makes no second one.
VOIDED = uuid.UUID("5a1f35f0-2d2c-4c59-9a39-2e0a6d1f7f0b")


@dataclass(frozen=True, slots=True)
class AnswerEvent:
    """What a sender says about an answer besides the answer itself.

    ``base`` is the event the sender saw as the item's latest, "" if it saw none, None if it
    does not say. ``counter`` None takes the next one.
    """

    event_id: str
    counter: int | None = None
    base: str | None = None
    shown_at: datetime | None = None
    client_at: datetime | None = None
    device: str = ""
    mode: str = "self"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer on its way into a form."""

    form: OpenForm
    item: str
    status: ResponseStatus
    value: int | None
    counter: int
    event: AnswerEvent

    @property
    def content(self) -> tuple[str, int | None]:
        """What is said, apart from who says it when."""
        return (str(self.status), self.value)


@dataclass(frozen=True, slots=True)
class Known:
    """What the database held about a family of items, and their form, before an answer."""

    events: tuple[tuple[str, Latest], ...]
    revision: int
    receipt: str | None

    def latest(self, item: str) -> Latest | None:
        """Return the event that counts for an item, if there is any."""
        mine = (one for code, one in self.events if code == item)
        return max(mine, key=order, default=None)


def order(one: Latest) -> tuple[int, str]:
    """Return the place of an event among all of its form, however late it arrived."""
    return (one.counter, one.event_id)


@lru_cache(maxsize=4096)
def family_of(instrument: Instrument, item: str) -> frozenset[str]:
    """Return the items whose conditions hang together with this one, itself included."""
    links = [{one.code, one.asked_if.item} for one in instrument.items if one.asked_if]
    family = {item}
    while True:
        more = family.union(*(link for link in links if family & link))
        if more == family:
            return frozenset(family)
        family = more


def known_before(ctx: Context, form: OpenForm, family: frozenset[str]) -> Known:
    """Return the events of a family of items, with the form's revision and any receipt."""
    rows = ctx.session.execute(
        _KNOWN, {"form": form.id, "assessment": form.assessment_id, "items": sorted(family)}
    ).all()
    events = tuple((row.item, Latest(*row[1:6])) for row in rows if row.item is not None)
    return Known(events, rows[0].revision or 0, rows[0].receipt)


def _known_query() -> Select[Any]:
    # By the outer join there is always a row, on which revision and receipt ride along.
    of_form = Response.form_id == bindparam("form")
    revision = select(func.max(Response.counter)).where(of_form).scalar_subquery()
    receipt = select(Submission.receipt).where(Submission.assessment_id == bindparam("assessment"))
    return (
        select(
            Response.item,
            Response.status,
            Response.value,
            Response.counter,
            Response.event_id,
            Response.recorded_at,
            revision.label("revision"),
            receipt.scalar_subquery().label("receipt"),
        )
        .select_from(select(literal(1).label("one")).subquery())
        .outerjoin(Response, of_form & Response.item.in_(bindparam("items", expanding=True)))
    )


_KNOWN = _known_query()


_INSERT: dict[str, Any] = {
    name: dialect.insert(Response.__table__)
    .on_conflict_do_nothing(index_elements=["event_id"])
    .inline()
    .execution_options(preserve_rowcount=True)
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}


def insert(ctx: Context, answer: Answer) -> bool:
    """Add one event; False if it is there already."""
    event = answer.event
    values = {
        "event_id": event.event_id,
        "form_id": answer.form.id,
        "item": answer.item,
        "status": str(answer.status),
        "value": answer.value,
        "counter": answer.counter,
        "mode": event.mode,
        "device": event.device,
        "shown_at": event.shown_at,
        "client_at": event.client_at,
        "recorded_at": ctx.now,
        "recorded_by": ctx.actor.staff_id,
    }
    done = ctx.session.execute(_INSERT[ctx.session.get_bind().dialect.name], values)
    return done.rowcount == 1  # type: ignore[attr-defined]


def void(ctx: Context, answer: Answer, known: Known) -> tuple[str, ...]:
    """Add a NOT_APPLICABLE event for every answer that another one, given later, voids.

    What is voided follows from the events in the order in which they were given, however
    they arrived; what was answered stays in the trail.
    """
    event = answer.event
    mine = Latest(str(answer.status), answer.value, answer.counter, event.event_id, ctx.now)
    events = {one.event_id: (code, one) for code, one in known.events}
    events.setdefault(event.event_id, (answer.item, mine))
    in_order = sorted(events.values(), key=lambda pair: order(pair[1]))
    added = []
    for cause, child in _voided(answer.form.instrument, in_order):
        by = AnswerEvent(
            str(uuid.uuid5(VOIDED, f"{cause.event_id}/{child}")),
            mode=event.mode,
            device=event.device,
        )
        nothing = Answer(
            answer.form, child, ResponseStatus.NOT_APPLICABLE, None, cause.counter + 1, by
        )
        if insert(ctx, nothing):
            added.append(child)
    return tuple(added)


def _voided(
    instrument: Instrument, events: list[tuple[str, Latest]]
) -> Iterator[tuple[Latest, str]]:
    """Yield each event that closes a condition, with an item answered before under it."""
    values: dict[str, int | None] = {}
    given: set[str] = set()
    for item, one in events:
        if one.status == ResponseStatus.NOT_APPLICABLE:
            continue
        old, values = values, {**values, item: one.value}
        given.add(item)
        for child in voided_by(instrument, item, old, values):
            if child in given:
                given.discard(child)
                values.pop(child, None)
                yield one, child
