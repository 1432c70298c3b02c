"""Taking the answer to one question from a posted form."""

import uuid
from dataclasses import dataclass

from flask import request
from wtforms import Form

from qol_app.assessment import ItemKey, ResponseStatus, Screen
from qol_app.errors import NotFound
from qol_app.services.answers import AnswerEvent, Saved, save_response
from qol_app.services.context import Context
from qol_app.services.sittings import Latest, Sitting
from qol_app.web import forms
from qol_app.web.participant.blueprint import Place, device


@dataclass(frozen=True)
class Question:
    """What the page of one item is made from; ``event`` is the answer it would send."""

    place: Place
    sitting: Sitting
    screen: Screen
    latest: Latest | None
    event: AnswerEvent

    @property
    def chosen(self) -> int | None:
        """The code that is answered, if one is."""
        return self.latest.value if self.latest else None

    @property
    def ref(self) -> str:
        """The assessment's name in addresses."""
        return self.place.assessment.public_id

    @property
    def number(self) -> int:
        """Which question of the whole sitting this is, from 1."""
        return self.sitting.place(self.screen.key) + 1


@dataclass(frozen=True)
class Refusal:
    """An answer that was not taken; ``unanswered`` when nothing was chosen and nobody said skip."""

    form: Form
    unanswered: bool = False


def question_at(here: Place, key: ItemKey) -> Question:
    """Return the question at a place; NotFound if the sitting does not ask it now."""
    sitting = here.sitting
    if sitting is None:
        raise NotFound("sitting: it has not been begun")
    latest = sitting.latest_of(key)
    event = AnswerEvent(
        event_id=str(uuid.uuid4()),
        counter=sitting.revision(key.instrument) + 1,
        base=latest.event_id if latest else "",
    )
    return Question(here, sitting, sitting.screens[sitting.place(key)], latest, event)


def take(ctx: Context, question: Question) -> Saved | Refusal | None:
    """Store what was posted; None if there is nothing new in it."""
    wish = request.form.get("go", "next")
    form = forms.item_form(question.screen, request.form)
    if wish == "skip":
        return _store(ctx, question, ResponseStatus.SKIPPED, None)
    if not form.answer.data:
        passed = question.latest is not None and question.latest.value is None
        return None if wish == "back" or passed else Refusal(form, unanswered=True)
    if not form.validate():
        return Refusal(form)
    return _store(ctx, question, ResponseStatus.ANSWERED, int(form.answer.data))


def _store(
    ctx: Context, question: Question, status: ResponseStatus, value: int | None
) -> Saved | None:
    latest, key = question.latest, question.screen.key
    if latest is not None and (latest.status, latest.value) == (status, value):
        return None
    form = question.sitting.form(key.instrument)
    return save_response(ctx, form, key.item, status, value, _posted_event(question))


def _posted_event(question: Question) -> AnswerEvent:
    """Return the event as the page made it, or a new one where its id has served already."""
    posted, latest, fresh = request.form, question.latest, question.event
    name = forms.event_id(posted.get("event_id"))
    base, counter = posted.get("base", "")[:36], forms.counter(posted.get("counter"))
    if name is None or (latest is not None and latest.event_id == name):
        # A page out of the browser's memory, sent again with another answer.
        name, base, counter = fresh.event_id, fresh.base or "", fresh.counter
    return AnswerEvent(
        event_id=name,
        counter=min(counter, fresh.counter) if counter and fresh.counter else fresh.counter,
        base=base,
        shown_at=forms.instant(posted.get("shown_at")),
        client_at=forms.instant(posted.get("client_at")),
        device=device(),
    )
