"""One answer as JSON, sent by the page at the moment it is tapped; the same service as the form."""

import re
from typing import Any

from flask import jsonify, request

from qol_app import answering
from qol_app.assessment import ResponseStatus
from qol_app.errors import NotFound, QolError, ResponseError
from qol_app.services.answers import AnswerEvent, Saved, Sent
from qol_app.web import forms
from qol_app.web.guard import needs
from qol_app.web.participant.blueprint import bp, device, visitor
from qol_app.web.visitor import runtime

MOST_BYTES = 4096
CODE = re.compile(r"[A-Za-z0-9_-]{1,40}")
STATUS_OF = {"saved": 200, "submitted": 409, "closed": 409, "stopped": 409}


@bp.post("/q/<ref>/answers")
@needs("own:answer")
def save(ref: str) -> Any:
    """Store one answer and say what became of it."""
    if not _from_our_own_page():
        return jsonify(state="refused", why="wanted JSON from a page of this site"), 400
    try:
        saved = answering.save(runtime(), visitor().actor, _sent(ref))
    except NotFound:
        return jsonify(state="not_found"), 404
    except QolError as error:
        return jsonify(state="refused", why=str(error)), 422
    return _reply(saved), STATUS_OF[saved.state]


def _from_our_own_page() -> bool:
    """Whether only a page of ours can have sent this request.

    No other site's page can send JSON, or a header of its own, without asking first, and we
    allow nobody; nor would the cookie come along. So this view wants no token, and none can
    be stale while an answer waits on a phone.
    """
    headers = request.headers
    own_header = headers.get("X-Requested-With") == "qol"
    # Browsers say where a request comes from; what is no browser has no cookie to abuse.
    own_site = headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
    return own_header and own_site and request.is_json


def _sent(ref: str) -> Sent:
    body = _json()
    status = body.get("status", "ANSWERED")
    if status not in ("ANSWERED", "SKIPPED"):
        raise ResponseError("status: wanted ANSWERED or SKIPPED")
    name, counter = forms.event_id(body.get("event_id")), forms.counter(body.get("counter"))
    if name is None or counter is None:
        raise ResponseError("event_id, counter: wanted a UUID and a whole number from 1")
    event = AnswerEvent(
        event_id=name,
        counter=counter,
        base=_base(body.get("base")),
        shown_at=forms.instant(body.get("shown_at")),
        client_at=forms.instant(body.get("client_at")),
        device=device(),
    )
    return Sent(
        participant_id=visitor().participant_id or 0,
        assessment_ref=ref,
        instrument=_code(body, "instrument"),
        item=_code(body, "item"),
        status=ResponseStatus(status),
        value=body.get("value"),
        event=event,
    )


def _json() -> dict[str, Any]:
    if (request.content_length or 0) > MOST_BYTES:
        raise ResponseError(f"body: found more than {MOST_BYTES} bytes")
    try:
        body = request.get_json(silent=True)
    except RecursionError as error:
        raise ResponseError("body: nested too deeply; wanted one flat object") from error
    if not isinstance(body, dict):
        raise ResponseError("body: wanted one JSON object")
    return body


def _code(body: dict[str, Any], name: str) -> str:
    code = body.get(name)
    if not isinstance(code, str) or not CODE.fullmatch(code):
        raise ResponseError(f"{name}: wanted a code of letters and digits")
    return code


def _base(value: object) -> str | None:
    return "" if value == "" else forms.event_id(value)


def _reply(saved: Saved) -> Any:
    other = saved.conflict
    return jsonify(
        state=saved.state,
        event_id=saved.event_id,
        revision=saved.revision,
        voided=list(saved.voided),
        conflict=other
        and {
            "event_id": other.event_id,
            "status": other.status,
            "value": other.value,
            "at": other.recorded_at.isoformat(),
        },
    )


def _signed_out(ref: str) -> Any:
    return jsonify(state="signed_out"), 401


@bp.record_once
def _register(state: Any) -> None:
    app = state.app
    app.extensions.setdefault("qol_sign_in_rescue", {})["participant.save"] = _signed_out
    app.extensions["csrf"].exempt(f"{save.__module__}.{save.__name__}")
