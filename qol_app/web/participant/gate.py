"""The pages at the gate: asking for the PIN, and saying that a session is over."""

from typing import Any

from flask import render_template, session

from qol_app.crypto import token_hash
from qol_app.services import access
from qol_app.services.context import Actor
from qol_app.web.forms import PinForm
from qol_app.web.participant import carried
from qol_app.web.visitor import runtime

DOOR = Actor("participant:unknown", "participant")


def pin_page(form: PinForm, status: int = 200, refused: bool = False) -> Any:
    """Return the page that asks for the PIN of a link."""
    return render_template("participant/pin.html", form=form, refused=refused), status


def signed_out_page(form: PinForm, status: int = 200, refused: bool = False) -> Any:
    """Return the page that says the session is over, with the PIN where we know the browser."""
    page = render_template(
        "participant/signed_out.html",
        form=form,
        refused=refused,
        known=link_of_this_browser() is not None,
        carried=carried.hidden_value(),
        receipt=session.get("receipt"),
    )
    return page, status


def link_of_this_browser() -> str | None:
    """Return the hash of the link by which this browser's session, now run out, began."""
    token = session.get("sid")
    if not token:
        return None
    with runtime().reading(DOOR) as ctx:
        return access.link_of_session(ctx, token_hash(token))
