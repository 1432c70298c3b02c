"""The demo's start page: the ways in, in one place. Not there outside a demo."""

import json
from typing import Any

import pyotp
from flask import Blueprint, abort, redirect, render_template, request, url_for

from qol_app.services import demo, staff
from qol_app.services.context import Actor
from qol_app.web.guard import needs
from qol_app.web.language import page_language
from qol_app.web.staff.words import ROLE_WORDS
from qol_app.web.visitor import begin_session, runtime

bp = Blueprint("demo", __name__)


def _ways_in() -> dict[str, Any]:
    settings = runtime().settings
    path = demo.ways_in_file(settings)
    if not settings.demo or not path.exists():
        abort(404)
    return json.loads(path.read_text())


@bp.get("/demo")
@needs("public")
def start() -> Any:
    """Show how to get in as participant and as staff, with codes that work right now."""
    ways_in = _ways_in()
    people = [{**one, "code": pyotp.TOTP(one["totp"]).now()} for one in ways_in["staff"]]
    return render_template(
        "demo/start.html",
        participants=ways_in["participants"],
        staff=people,
        role_words=ROLE_WORDS,
    )


@bp.post("/demo/staff")
@needs("public")
def enter_as_staff() -> Any:
    """Sign a visitor of the demo in as one of its staff, without typing the one-time code.

    The pages are then in the visitor's language: of the demo's staff nobody has a preference.
    """
    known = {one["email"] for one in _ways_in()["staff"]}
    email = request.form.get("email", "")
    if email not in known:
        abort(404)
    with runtime().writing(Actor.system("demo")) as ctx:
        one = staff.by_email(ctx, email)
        staff.choose_language(ctx, one, page_language())
        begin_session(ctx, staff_id=one.id)
    return redirect(url_for("staff.home"))
