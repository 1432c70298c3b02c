"""What a phone keeps so that an open questionnaire can be answered without a connection.

Kept are the questions, never an answer: answers not yet sent stand in the page's own small
queue, and are gone from there as soon as the server has them.
"""

from typing import Any

from flask import jsonify, render_template, send_from_directory

from qol_app.assessment import Screen, screens
from qol_app.services.sittings import Sitting
from qol_app.web import assets, forms
from qol_app.web.guard import needs
from qol_app.web.participant import ways
from qol_app.web.participant.blueprint import bp, place, reading


@bp.get("/q/<ref>/sheet")
@needs("own:answer")
def sheet(ref: str) -> Any:
    """Return every question of a sitting, the conditional ones included, without answers."""
    with reading() as ctx:
        here = place(ctx, ref)
    if here.sitting is None:
        return jsonify(state="shut"), 409
    return jsonify(
        title=here.title,
        review=ways.review_of(ref),
        revisions={
            form.instrument.code: _revision(here.sitting, form) for form in here.sitting.forms
        },
        saved=_saved(here.sitting),
        screens=[_screen(ref, one) for one in _all_screens(here.sitting)],
    )


def _revision(sitting: Sitting, form: Any) -> int:
    return sitting.revision(form.instrument.code)


def _saved(sitting: Sitting) -> dict[str, str]:
    """Return the event of each item that is done, by place; not what was chosen."""
    found = {screen.key: sitting.latest_of(screen.key) for screen in sitting.screens}
    return {f"{key.instrument}/{key.item}": one.event_id for key, one in found.items() if one}


def _all_screens(sitting: Sitting) -> tuple[Screen, ...]:
    return screens(
        [form.instrument for form in sitting.forms],
        {form.instrument.code: form.wording for form in sitting.forms},
    )


def _screen(ref: str, screen: Screen) -> dict[str, Any]:
    item = screen.item
    return {
        "path": ways.question_of(ref, screen.key),
        "instrument": screen.key.instrument,
        "item": screen.key.item,
        "kind": item.kind,
        "first": item.first,
        "last": item.last,
        "recall": screen.recall,
        "prompt": screen.prompt,
        "low": screen.low,
        "high": screen.high,
        "stand_in": screen.stand_in,
        "options": _options(screen),
        "asked_if": item.asked_if and {"item": item.asked_if.item, "over": item.asked_if.over},
    }


def _options(screen: Screen) -> list[list[Any]] | None:
    if not forms.is_rows(screen):
        return None
    return [[code, label] for code, label in forms.options_of(screen).items()]


@bp.get("/offline")
@needs("public")
def shell() -> Any:
    """Return the page that stands in for a question while there is no connection."""
    return render_template("participant/offline.html")


@bp.get("/sw.js")
@needs("public")
def service_worker() -> Any:
    """Return the service worker; from here it may look after every page."""
    return send_from_directory(assets.FOLDER, "sw.js")


@bp.get("/manifest.webmanifest")
@needs("public")
def manifest() -> Any:
    """Return what a phone needs to keep the pages on its home screen."""
    return send_from_directory(
        assets.FOLDER, "manifest.webmanifest", mimetype="application/manifest+json"
    )
