"""The pages around the questions: what is due, the parts, the review, handing in, the receipt."""

import re
from typing import Any

from flask import current_app, g, redirect, render_template, request, session, url_for
from itsdangerous import BadData, URLSafeTimedSerializer

from qol_app.assessment import Screen
from qol_app.errors import NotAllowed, NotFound
from qol_app.services import due, submissions
from qol_app.services.sittings import Sitting, open_assessment, own_assessment, why_not
from qol_app.web import forms
from qol_app.web.guard import needs
from qol_app.web.participant import ways
from qol_app.web.participant.blueprint import (
    Place,
    bp,
    participant_of,
    place,
    reading,
    writing,
)
from qol_app.web.participant.gate import DOOR, signed_out_page
from qol_app.web.participant.questions import answer_label, shut_page
from qol_app.web.visitor import current_visitor, end_session, runtime

RECEIPT = re.compile(r"[2-9A-Z]{4}(-[2-9A-Z]{4}){2}")
TICKET_GOOD_FOR_S = 12 * 3600


@bp.get("/home")
@needs("own:answer")
def home() -> Any:
    """Show what is due and until when, what is done, and what comes next."""
    with reading() as ctx:
        found = due.what_is_due(ctx, participant_of(ctx))
    return render_template("participant/home.html", home=found)


@bp.post("/q/<ref>/start")
@needs("own:answer")
def start(ref: str) -> Any:
    """Begin a questionnaire, or go on with it."""
    with writing() as ctx:
        participant = participant_of(ctx)
        row = own_assessment(ctx, participant.id, ref)
        if why_not(ctx, participant, row) is None:
            begun = open_assessment(ctx, participant, row)
            return redirect(ways.what_is_left(ref, begun), 303)
        here = place(ctx, ref)
    return shut_page(here)


@bp.get("/q/<ref>")
@needs("own:answer")
def resume(ref: str) -> Any:
    """Go to the first question that is left."""
    here = _here(ref)
    if here.shut:
        return shut_page(here)
    return redirect(ways.what_is_left(ref, here.sitting) if here.sitting else url_for(".home"))


@bp.get("/q/<ref>/<instrument>")
@needs("own:answer")
def part(ref: str, instrument: str) -> Any:
    """Introduce one part: how to answer it, and that one may pause."""
    here = _here(ref)
    if here.shut or here.sitting is None:
        return resume(ref)
    screens = [one for one in here.sitting.screens if one.key.instrument == instrument]
    codes = [form.instrument.code for form in here.sitting.forms]
    if not screens:
        raise NotFound("part: there is none of that name")
    return render_template(
        "participant/part.html",
        here=here,
        first=screens[0],
        n_items=len(screens),
        number=codes.index(instrument) + 1,
        of=len(codes),
        begin=ways.question_of(ref, screens[0].key),
    )


@bp.get("/q/<ref>/review")
@needs("own:answer")
def review(ref: str) -> Any:
    """Show every answer, each with a link to change it, and the button that hands in."""
    here = _here(ref)
    return _review_page(here) if here.sitting else resume(ref)


@bp.post("/q/<ref>/submit")
@needs("own:answer")
def submit(ref: str) -> Any:
    """Hand in, once; whoever presses again gets the same receipt."""
    with writing() as ctx:
        here = place(ctx, ref, locked=True)
        sitting = here.sitting
        if sitting and sitting.progress.items_left and not request.form.get("confirmed"):
            return _review_page(here, 422, ask=True)
        try:
            done = submissions.submit(ctx, here.participant, here.assessment)
        except NotAllowed:
            return _review_page(here, 422, nothing=True) if sitting else shut_page(here)
        end_session(ctx)
    session["receipt"] = done.receipt
    return redirect(url_for(".receipt", code=done.receipt), 303)


@bp.get("/receipt/<code>")
@needs("public")
def receipt(code: str) -> Any:
    """Show that a questionnaire has arrived, and when; no answers."""
    if not RECEIPT.fullmatch(code):
        raise NotFound("receipt: there is none of that code")
    with runtime().reading(DOOR) as ctx:
        done, participant = submissions.receipt(ctx, code)
        g.site = due.site_of(ctx, participant.id)
    g.language = participant.language
    return render_template("participant/receipt.html", done=done, timezone=participant.timezone)


def _here(ref: str) -> Place:
    with reading() as ctx:
        return place(ctx, ref)


def _review_page(here: Place, status: int = 200, **more: Any) -> Any:
    sitting = here.sitting
    assert sitting is not None
    context = {"ask": False, "nothing": False, **more}
    page = render_template(
        "participant/review.html",
        here=here,
        left=sitting.progress.items_left,
        parts=_parts(here.assessment.public_id, sitting),
        ticket=_signer().dumps(here.assessment.public_id),
        **context,
    )
    return page, status


def _parts(ref: str, sitting: Sitting) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for screen in sitting.screens:
        if not found or found[-1]["instrument"] != screen.key.instrument:
            title = screen.instrument_title
            found.append({"instrument": screen.key.instrument, "title": title, "rows": []})
        found[-1]["rows"].append(_row(ref, sitting, screen))
    return found


def _row(ref: str, sitting: Sitting, screen: Screen) -> dict[str, Any]:
    latest = sitting.latest_of(screen.key)
    return {
        "place": f"{ref}/{screen.key.instrument}/{screen.key.item}",
        "prompt": screen.prompt,
        "answer": answer_label(screen, latest) if latest else None,
        "skipped": latest is not None and latest.value is None,
        "href": ways.question_of(ref, screen.key, review=1),
    }


# --- pressing "hand in" twice -----------------------------------------------------------------


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="qol-submit")


def _already(ref: str) -> Any:
    """Where the session ended with the first press, lead the second one to the receipt."""
    try:
        known = _signer().loads(request.form.get("ticket", "")[:500], max_age=TICKET_GOOD_FOR_S)
    except BadData:
        known = None
    if known == ref:
        with runtime().reading(DOOR) as ctx:
            code = submissions.receipt_of(ctx, ref)
        if code:
            return redirect(url_for(".receipt", code=code), 303)
    return signed_out_page(forms.PinForm(), 401)


def _once_more(ref: str) -> Any:
    return _already(ref) if current_visitor() is None else review(ref)


@bp.record_once
def _rescues(state: Any) -> None:
    extensions = state.app.extensions
    extensions.setdefault("qol_sign_in_rescue", {})["participant.submit"] = _already
    extensions.setdefault("qol_csrf_rescue", {})["participant.submit"] = _once_more
