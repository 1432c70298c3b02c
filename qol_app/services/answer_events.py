"""Answer events: their order, adding one, and what it voids."""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite

from qol_app.assessment import ResponseStatus, voided_by
from qol_app.db.tables import Response
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
class Sent:
    """One answer as it comes from outside: everything by name, nothing checked."""

    participant_id: int
    assessment_ref: str
    instrument: str
    item: str
    status: ResponseStatus
    value: object
    event: AnswerEvent


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


INSERT: dict[str, Any] = {
    name: dialect.insert(Response.__table__)
    .on_conflict_do_nothing(index_elements=["event_id"])
    .inline()
    .execution_options(preserve_rowcount=True)
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}


def insert(ctx: Context, answer: Answer) -> bool:
    """Add one event; False if it is there already."""
    values = row_of(answer, ctx.now, ctx.actor.staff_id)
    connection = ctx.session.connection()
    done = connection.execute(INSERT[connection.dialect.name], values)
    return done.rowcount == 1  # type: ignore[attr-defined]


def row_of(answer: Answer, now: datetime, staff_id: int | None = None) -> dict[str, Any]:
    """Return the row by which an answer is stored."""
    event = answer.event
    return {
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
        "recorded_at": now,
        "recorded_by": staff_id,
    }


def void(ctx: Context, answer: Answer, known: Iterable[tuple[str, Latest]]) -> tuple[str, ...]:
    """Add a NOT_APPLICABLE event for every answer that another one, given later, voids.

    ``known`` are the events of all items that hang together with this one. What is voided
    follows from the order in which events were given, however they arrived; what was
    answered stays in the trail.
    """
    event = answer.event
    mine = Latest(str(answer.status), answer.value, answer.counter, event.event_id, ctx.now)
    events = {one.event_id: (code, one) for code, one in known}
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
