"""Where providers report. The signature is the right to it; a wrong one finds nothing here.

``POST /callbacks/<channel>?r=REFERENCE&s=SIGNATURE`` is the address each attempt was sent
with; ``POST /callbacks/<channel>`` with ``X-Qol-Timestamp`` and ``X-Qol-Signature`` is for
relays that report about many; ``POST /callbacks/<channel>/reply?s=SIGNATURE`` takes replies.
"""

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from qol_app.errors import NotFound
from qol_app.services import callbacks
from qol_app.services.addresses import Addresses
from qol_app.services.contacting import ADDRESSES
from qol_app.services.context import Actor
from qol_app.web.guard import needs
from qol_app.web.visitor import runtime

bp = Blueprint("callbacks", __name__, url_prefix="/callbacks")


@bp.post("/<channel>")
@needs("public")
def report(channel: str) -> ResponseReturnValue:
    fields = _fields()
    reference = _checked_reference(channel, fields)
    status = callbacks.status_in(fields)
    if status is not None:
        with runtime().writing(_actor(channel)) as ctx:
            callbacks.apply(ctx, channel, callbacks.Report(reference, status))
    return "", 204


@bp.post("/<channel>/reply")
@needs("public")
def reply(channel: str) -> ResponseReturnValue:
    if not _addresses().is_ours("reply", channel, request.args.get("s", "")):
        raise NotFound("callback: the address is not one of ours")
    with runtime().writing(_actor(channel)) as ctx:
        callbacks.reply(ctx, _fields())
    return "", 204


def _checked_reference(channel: str, fields: dict[str, Any]) -> str:
    """Return which attempt a report is about, if whoever reports may say so."""
    if "s" in request.args:
        reference = request.args.get("r", "")
        callbacks.by_address(_addresses(), channel, reference, request.args["s"])
        return reference
    callbacks.by_signature(
        _addresses(),
        runtime().clock(),
        request.headers.get("X-Qol-Timestamp", ""),
        request.headers.get("X-Qol-Signature", ""),
        request.get_data(),
    )
    return str(fields.get("reference") or _thread(str(fields.get("message_id", ""))))


def _thread(message_id: str) -> str:
    return message_id.strip().lstrip("<").partition("@")[0]


def _fields() -> dict[str, Any]:
    # The body is read first: a form that was parsed leaves no bytes to check a signature on.
    request.get_data(cache=True)
    if request.is_json:
        found = request.get_json(silent=True)
        return found if isinstance(found, dict) else {}
    return request.form.to_dict()


def _actor(channel: str) -> Actor:
    if channel not in ADDRESSES:
        raise NotFound("callback: there is no such channel")
    return Actor.system(f"provider:{channel}")


def _addresses() -> Addresses:
    return Addresses.of(runtime().settings)
