"""One answer as JSON, sent by the page at the moment it is tapped; the same service as the form."""

import re
from dataclasses import dataclass
from typing import Any

from flask import jsonify, request
from flask_wtf.csrf import generate_csrf

from qol_app.assessment import ResponseStatus
from qol_app.errors import NotFound, QolError, ResponseError
from qol_app.services.answers import AnswerEvent, Saved, form_to_answer, save_response
from qol_app.web import forms
from qol_app.web.guard import needs
from qol_app.web.participant.blueprint import bp, device, visitor, writing

MOST_BYTES = 4096
CODE = re.compile(r"[A-Za-z0-9_-]{1,40}")
STATUS_OF = {"saved": 200, "submitted": 409, "closed": 409, "stopped": 409}


@dataclass(frozen=True, slots=True)
class Posted:
    """One answer as a page sends it, checked as far as its form goes."""

    instrument: str
    item: str
    status: ResponseStatus
    value: object
    event: AnswerEvent


@bp.post("/q/<ref>/answers")
@needs("own:answer")
def save(ref: str) -> Any:
    """Store one answer and say what became of it."""
    try:
        posted = _posted()
        with writing() as ctx:
            form = form_to_answer(ctx, visitor().participant_id or 0, ref, posted.instrument)
            saved = save_response(ctx, form, posted.item, posted.status, posted.value, posted.event)
    except NotFound:
        return jsonify(state="not_found"), 404
    except QolError as error:
        return jsonify(state="refused", why=str(error)), 422
    return _reply(saved), STATUS_OF[saved.state]


def _posted() -> Posted:
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
    item, instrument = _code(body, "item"), _code(body, "instrument")
    return Posted(instrument, item, ResponseStatus(status), body.get("value"), event)


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


def _fresh_token(ref: str) -> Any:
    # Readable by our own pages only; the script repeats the answer with it.
    return jsonify(state="csrf", token=generate_csrf()), 400


@bp.record_once
def _rescues(state: Any) -> None:
    extensions = state.app.extensions
    extensions.setdefault("qol_sign_in_rescue", {})["participant.save"] = _signed_out
    extensions.setdefault("qol_csrf_rescue", {})["participant.save"] = _fresh_token
