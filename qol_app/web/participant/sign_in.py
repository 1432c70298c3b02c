"""Coming in by link and PIN, coming back after a pause, and leaving."""

import re
from typing import Any

from flask import g, redirect, render_template, request, session, url_for

from qol_app.crypto import token_hash
from qol_app.db.tables import Participant
from qol_app.services import access
from qol_app.services.access import Attempt
from qol_app.services.context import Actor
from qol_app.web.forms import PinForm
from qol_app.web.guard import needs
from qol_app.web.participant import questions
from qol_app.web.participant.blueprint import bp, writing
from qol_app.web.participant.carried import taken_along
from qol_app.web.participant.gate import (
    DOOR,
    link_of_this_browser,
    pin_page,
    signed_out_page,
)
from qol_app.web.visitor import begin_session, current_visitor, end_session, runtime

# Whatever was wrong, the page and its status are these: nobody learns which links exist.
REFUSED = 401


# Copying a link out of a message often takes a dot or a space along: nothing of a token.
BEHIND_A_TOKEN = re.compile(r"[^A-Za-z0-9_-].*", re.DOTALL)


@bp.get("/a/<token>", strict_slashes=False)
@needs("public")
def enter(token: str) -> Any:
    """Show the PIN page. It looks nothing up: every link, good or bad, looks the same."""
    return pin_page(PinForm())


@bp.post("/a/<token>", strict_slashes=False)
@needs("public")
def enter_pin(token: str) -> Any:
    """Let a participant in whose link and PIN belong together."""
    form = PinForm(request.form)
    if not form.validate():
        return pin_page(form, 422)
    if not _come_in(token_hash(BEHIND_A_TOKEN.sub("", token)), form.pin.data):
        return pin_page(PinForm(), REFUSED, refused=True)
    return redirect(url_for(".home"), 303)


def _come_in(link_hash: str, given: str) -> bool:
    # Committed before the PIN is looked at: a try that was made has been counted.
    with runtime().writing(DOOR) as ctx:
        attempt = access.begin(ctx, link_hash)
    # Comparing takes a while on purpose; no transaction is open meanwhile.
    if not access.is_right(runtime().hasher, attempt, given):
        return False
    _begin(attempt)
    return True


def _begin(attempt: Attempt) -> None:
    with runtime().writing(Actor(f"participant:{attempt.participant_id}", "participant")) as ctx:
        admitted = access.admit(ctx, attempt)
        begin_session(
            ctx,
            participant_id=admitted.participant_id,
            access_link_id=admitted.access_link_id,
        )
        participant = ctx.session.get_one(Participant, admitted.participant_id)
    # For the pages shown after the session is over: which language, and whom to call.
    session.update(language=participant.language, site=participant.site_id)
    g.language = participant.language


@bp.get("/signed-out")
@needs("public")
def signed_out() -> Any:
    """Say that the session is over, and offer the PIN where the browser is still known."""
    if current_visitor() is not None:
        return redirect(url_for(".home"))
    return signed_out_page(PinForm())


@bp.post("/signed-out")
@needs("public")
def back_in() -> Any:
    """Let a participant back in by PIN, and take up what they were about to answer."""
    if current_visitor() is not None:
        return redirect(url_for(".home"), 303)
    form, link_hash = PinForm(request.form), link_of_this_browser()
    if not form.validate():
        return signed_out_page(form, 422)
    if not _come_in(link_hash or "", form.pin.data):
        return signed_out_page(PinForm(), REFUSED, refused=True)
    return questions.take_up(taken_along()) or redirect(url_for(".home"), 303)


@bp.post("/sign-out")
@needs("own:answer")
def sign_out() -> Any:
    """End the session in this browser."""
    with writing() as ctx:
        end_session(ctx)
    return redirect(url_for(".goodbye"), 303)


@bp.get("/goodbye")
@needs("public")
def goodbye() -> Any:
    """Say that one is signed out; scripts clear the phone of what they kept."""
    return render_template("participant/goodbye.html")


@bp.record_once
def _rescues(state: Any) -> None:
    state.app.extensions.setdefault("qol_csrf_rescue", {}).update(
        {
            "participant.enter_pin": lambda token: pin_page(PinForm(request.form), 400),
            "participant.back_in": lambda: signed_out_page(PinForm(request.form), 400),
        }
    )
