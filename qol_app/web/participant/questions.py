"""One question per screen: showing it, taking its answer, and losing none on the way."""

from typing import Any

from flask import redirect, render_template, request, url_for

from qol_app.assessment import ItemKey, Screen
from qol_app.errors import NotFound
from qol_app.services.sittings import Latest
from qol_app.web import forms
from qol_app.web.guard import needs
from qol_app.web.language import _
from qol_app.web.participant import ways
from qol_app.web.participant.blueprint import Place, bp, moved_on, place, reading, writing
from qol_app.web.participant.carried import Carried, take_along
from qol_app.web.participant.gate import signed_out_page
from qol_app.web.participant.taking import Question, Refusal, question_at, take
from qol_app.web.visitor import current_visitor, runtime

WHERE = "/q/<ref>/<instrument>/<item>"


@bp.get(WHERE)
@needs("own:answer")
def item(ref: str, instrument: str, item: str) -> Any:
    """Show one question, as it was answered if it was."""
    with reading() as ctx:
        here = place(ctx, ref)
    key = ItemKey(instrument, item)
    return _turned_away(here, key) or _page(question_at(here, key))


@bp.post(WHERE)
@needs("own:answer")
def answer(ref: str, instrument: str, item: str) -> Any:
    """Store one answer, then go on, or back, or say what is missing."""
    key = ItemKey(instrument, item)
    with writing() as ctx:
        here = place(ctx, ref, locked=True)
        turned = _turned_away(here, key)
        if turned:
            return turned
        question = question_at(here, key)
        taken = take(ctx, question)
        now = question_at(moved_on(ctx, here), key)
    if isinstance(taken, Refusal):
        return _page(question, 422, form=taken.form, unanswered=taken.unanswered)
    if taken and taken.conflict:
        return _elsewhere(now, taken.conflict)
    return redirect(ways.onward(ref, now.sitting, key), 303)


def _turned_away(here: Place, key: ItemKey) -> Any:
    """Return where to go instead when there is no such question to show now."""
    if here.shut:
        return shut_page(here)
    if here.sitting is None:
        return redirect(url_for(".home"), 303)
    if key.item not in here.sitting.form(key.instrument).instrument.items_by_code:
        raise NotFound("item: there is none of that name")
    if key not in {screen.key for screen in here.sitting.screens}:
        return redirect(ways.what_is_left(here.assessment.public_id, here.sitting), 303)
    return None


def shut_page(here: Place) -> Any:
    """Return the page that says, kindly, why an assessment cannot be answered."""
    return render_template("participant/shut.html", here=here)


def _page(question: Question, status: int = 200, **more: Any) -> Any:
    context = {
        "form": forms.item_form(question.screen, value=question.chosen),
        "unanswered": False,
        "notice": None,
        "review": ways.from_review(),
        "action": ways.question_of(question.ref, question.screen.key, **ways.kept()),
        "shown_at": runtime().clock().isoformat(),
        "rows": forms.is_rows(question.screen),
        **more,
    }
    return render_template("participant/item.html", q=question, **context), status


def _elsewhere(question: Question, other: Latest) -> Any:
    """Show both answers to one question; the person says which is right by pressing Next."""
    return _page(
        question,
        409,
        form=forms.item_form(question.screen, request.form),
        notice="elsewhere",
        other=other,
        other_label=answer_label(question.screen, other),
    )


def answer_label(screen: Screen, latest: Latest) -> str:
    """Return an answer in the words of its item."""
    if latest.value is None:
        return _("Skipped")
    return forms.label_of(screen, latest.value)


# --- nothing is lost -------------------------------------------------------------------------


def take_up(carried: Carried | None) -> Any:
    """Return the question whose answer came along with a sign-in, if it may be answered."""
    if carried is None:
        return None
    key = ItemKey(carried.instrument, carried.item)
    with reading() as ctx:
        try:
            here = place(ctx, carried.ref)
            if _turned_away(here, key):
                return None
        except NotFound:
            return None
    question = question_at(here, key)
    form = forms.item_form(question.screen, forms.as_posted(carried.answer))
    return _page(question, form=form, notice="back_again")


def _once_more(ref: str, instrument: str, item: str) -> Any:
    """After a failed CSRF check: the same page, what was chosen, and a fresh token."""
    if current_visitor() is None:
        return _sign_in_first(ref, instrument, item)
    key = ItemKey(instrument, item)
    with reading() as ctx:
        here = place(ctx, ref)
    turned = _turned_away(here, key)
    if turned:
        return turned
    question = question_at(here, key)
    form = forms.item_form(question.screen, request.form)
    return _page(question, 400, form=form, notice="once_more")


def _sign_in_first(ref: str, instrument: str, item: str) -> Any:
    take_along(ref, instrument, item)
    return signed_out_page(forms.PinForm(), 401)


@bp.record_once
def _rescues(state: Any) -> None:
    extensions = state.app.extensions
    extensions.setdefault("qol_sign_in_rescue", {})["participant.answer"] = _sign_in_first
    extensions.setdefault("qol_csrf_rescue", {})["participant.answer"] = _once_more
