"""What a person sees when something goes wrong: calm words, never a traceback."""

import logging
from typing import Any

from flask import Flask, current_app, g, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from qol_app.db.waiting import in_words
from qol_app.errors import NotFound, QolError

log = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """Give every kind of failure its page."""
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(NotFound, _nothing)
    app.register_error_handler(QolError, _ours)
    app.register_error_handler(OperationalError, _database)
    app.register_error_handler(Exception, _unforeseen)


def _page(status: int, kind: str, text: str = "") -> Any:
    return render_template("failure.html", kind=kind, text=text), status


def _csrf(error: CSRFError) -> Any:
    # A blueprint may take the posted answer up again instead of losing it.
    rescue = current_app.extensions.get("qol_csrf_rescue", {}).get(request.endpoint)
    if rescue is not None:
        return rescue(**(request.view_args or {}))
    return _page(400, "stale")


def _http(error: HTTPException) -> Any:
    kind = {404: "not_found", 405: "not_found", 413: "too_large"}.get(error.code or 500, "other")
    return _page(error.code or 500, kind)


def _nothing(error: NotFound) -> Any:
    # The same page as for an address nobody has: what is another site's is not there.
    return _page(404, "not_found")


def _ours(error: QolError) -> Any:
    if isinstance(error, NotFound):
        return _page(404, "not_found")
    return _page(422, "refused", str(error))


def _database(error: OperationalError) -> Any:
    log.error("database unavailable: %s", in_words(error))
    return _page(503, "not_saved")


def _unforeseen(error: Exception) -> Any:
    # Only the place is logged: an exception's text may hold what a person wrote.
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    log.error("%s at %s on %s", type(error).__name__, place, g.get("endpoint", request.endpoint))
    return _page(500, "other")
