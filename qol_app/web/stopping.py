"""The link at the foot of every message: no more of these, please.

Looking changes nothing; stopping is a POST, from the page's button or, in one click, from a
mail program (RFC 8058). The link's signature is the right to it; no cookie is looked at.
"""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from qol_app.services import stopping
from qol_app.services.addresses import Addresses
from qol_app.services.context import Actor
from qol_app.web.guard import needs
from qol_app.web.visitor import runtime

bp = Blueprint("stopping", __name__, url_prefix="/stop")
ACTOR = Actor.system("stop-link")


@bp.get("/<public_id>/<signature>")
@needs("public")
def ask(public_id: str, signature: str) -> ResponseReturnValue:
    with runtime().reading(ACTOR) as ctx:
        participant, site = stopping.by_link(ctx, _addresses(), public_id, signature)
        stopped = participant.messages_stopped_at is not None
    return _page(site.phone, stopped)


@bp.post("/<public_id>/<signature>")
@needs("public")
def stop(public_id: str, signature: str) -> ResponseReturnValue:
    with runtime().writing(ACTOR) as ctx:
        participant, site = stopping.by_link(ctx, _addresses(), public_id, signature)
        stopping.stop(ctx, participant, "link")
    return _page(site.phone, stopped=True)


def _page(phone: str, stopped: bool) -> str:
    return render_template("stopping/page.html", phone=phone, stopped=stopped)


def _addresses() -> Addresses:
    return Addresses.of(runtime().settings)
