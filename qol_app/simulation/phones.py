"""A participant with a telephone: reads a message, comes in, answers, and hands in."""

import random
import uuid
from collections import Counter
from dataclasses import dataclass, field

from qol_app import answering
from qol_app.assessment import ResponseStatus, is_asked
from qol_app.crypto import token_hash
from qol_app.db.tables import Participant
from qol_app.definition.instrument import Item
from qol_app.errors import NotAllowed
from qol_app.runtime import Runtime
from qol_app.services import access, answers, due
from qol_app.services.context import Actor
from qol_app.services.sittings import OpenForm, Sitting
from qol_app.simulation.lives import Life


@dataclass
class Resident:
    """A participant as the simulated world keeps them, with what their telephone was told.

    ``saved`` holds each answer event that was called saved, ``receipts`` each receipt.
    """

    life: Life
    chance: random.Random
    participant_id: int = 0
    pin: str = ""
    token: str = ""
    email: str = ""
    phone: str = ""
    saved: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    receipts: dict[str, str] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def actor(self) -> Actor:
        """Who the database is told is acting."""
        return Actor(f"participant:{self.participant_id}", "participant", frozenset())


def answer(runtime: Runtime, one: Resident, token: str) -> None:
    """Come in by a link and PIN, and answer the first questionnaire that is due."""
    if not sign_in(runtime, one, token):
        one.refused["sign_in"] += 1
        return
    with runtime.reading(one.actor) as ctx:
        home = due.what_is_due(ctx, ctx.session.get_one(Participant, one.participant_id))
    if not home.due:
        one.refused["nothing_due"] += 1
        return
    _fill_in(runtime, one, home.due[0].ref)


def sign_in(runtime: Runtime, one: Resident, token: str) -> bool:
    """Return whether link and PIN were taken; three steps, as a browser's request makes them."""
    with runtime.writing(Actor.system("web")) as ctx:
        attempt = access.begin(ctx, token_hash(token))
    if not access.is_right(runtime.hasher, attempt, one.pin):
        return False
    with runtime.writing(Actor.system("web")) as ctx:
        return access.admit(ctx, attempt).participant_id == one.participant_id


def _fill_in(runtime: Runtime, one: Resident, ref: str) -> None:
    with runtime.writing(one.actor) as ctx:
        participant = ctx.session.get_one(Participant, one.participant_id)
        row = answers.own_assessment(ctx, participant.id, ref)
        sitting = answers.open_assessment(ctx, participant, row)
    gives_up = one.chance.random() < 0.06
    for form in sitting.forms[: len(sitting.forms) - gives_up]:
        _form(runtime, one, sitting, form)
    if gives_up:
        return  # comes back with the next reminder, perhaps
    for _ in range(1 + (one.chance.random() < 0.1)):  # some press twice
        _hand_in(runtime, one, ref)


def _form(runtime: Runtime, one: Resident, sitting: Sitting, form: OpenForm) -> None:
    """Answer one form; what was answered before is answered again, on another phone even."""
    severity = min(0.95, max(0.02, 0.35 + one.chance.gauss(0, 0.15)))
    devices = ("A", "B") if one.life.two_phones else ("A",)
    given: dict[str, int | None] = {}
    counter = sitting.revision(form.instrument.code)
    for item in form.instrument.items:
        if not is_asked(form.instrument, item.code, given):
            continue
        given[item.code] = _value(one, item, severity)
        # Both phones show the same question; the second one taps something else.
        for device in devices if one.chance.random() < 0.1 else devices[:1]:
            if device == "B":
                given[item.code] = _value(one, item, severity)
            event = answers.AnswerEvent(
                str(uuid.UUID(int=one.chance.getrandbits(128))),
                counter=counter + 1,
                base="",
                device=device,
            )
            counter = max(counter, _save(runtime, one, form, item, given[item.code], event))


def _save(
    runtime: Runtime,
    one: Resident,
    form: OpenForm,
    item: Item,
    value: int | None,
    event: answers.AnswerEvent,
) -> int:
    """Save one answer, now and then twice; return the form's revision, 0 if it was too late."""
    status = ResponseStatus.SKIPPED if value is None else ResponseStatus.ANSWERED
    sent = answers.Sent(
        one.participant_id,
        form.assessment_ref,
        form.instrument.code,
        item.code,
        status,
        value,
        event,
    )
    saved = answering.save(runtime, one.actor, sent)
    if one.chance.random() < 0.02:  # the line broke: the phone sends the same event again
        again = answering.save(runtime, one.actor, sent)
        assert again.event_id == saved.event_id
    if saved.state != "saved":
        one.refused[saved.state] += 1
        return 0
    one.saved[saved.event_id] = (item.code, value)
    return saved.revision


def _value(one: Resident, item: Item, severity: float) -> int | None:
    if one.chance.random() < (0.1 if item.sensitive else 0.005):
        return None
    bad = min(1.0, max(0.0, severity + one.chance.gauss(0, 0.2)))
    return round(item.first + bad * (item.last - item.first))


def _hand_in(runtime: Runtime, one: Resident, ref: str) -> None:
    try:
        with runtime.writing(one.actor) as ctx:
            participant = ctx.session.get_one(Participant, one.participant_id)
            row = answers.own_assessment(ctx, participant.id, ref)
            receipt = answers.submit(ctx, participant, row).receipt
    except NotAllowed:
        one.refused["submit"] += 1
        return
    first = one.receipts.setdefault(ref, receipt)
    if first != receipt:
        one.refused["second_receipt"] += 1
