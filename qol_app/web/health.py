"""Health pages: is the process alive, ready, and is everything behind it well?

``/health`` is for people, ``/health/deep`` for a monitor outside this machine, which is the
only one that can tell when the whole machine is gone.
"""

from datetime import datetime, timedelta

from flask import Blueprint, current_app, jsonify, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from qol_app.db.migrate import check_schema
from qol_app.db.waiting import in_words
from qol_app.errors import QolError
from qol_app.services import health
from qol_app.services.context import Actor
from qol_app.services.health import Check
from qol_app.web.guard import needs
from qol_app.web.visitor import runtime

bp = Blueprint("health", __name__, url_prefix="/health")

ACTOR = Actor.system("health")
# Nobody can keep the database busy by asking how it is.
FRESH_FOR = timedelta(seconds=10)
BAD = 503
# A monitor should hear that nothing can be saved, not wait as long as a phone would.
WRITABLE_WITHIN_S = 5.0


@bp.get("/live")
@needs("public")
def live() -> ResponseReturnValue:
    return jsonify(status="ok")


@bp.get("/ready")
@needs("public")
def ready() -> ResponseReturnValue:
    try:
        check_schema(runtime().database)
    except (QolError, SQLAlchemyError) as error:
        return jsonify(status="not ready", why=type(error).__name__), BAD
    return jsonify(status="ok")


@bp.get("/deep")
@needs("public")
def deep() -> ResponseReturnValue:
    found = _looked()
    well = all(check.well for check in found)
    listed = {check.name: {"well": check.well, "found": check.found} for check in found}
    return jsonify(status="ok" if well else "bad", checks=listed), 200 if well else BAD


@bp.get("")
@needs("public")
def page() -> ResponseReturnValue:
    found = _looked()
    well = all(check.well for check in found)
    return render_template("health.html", checks=found, well=well), 200 if well else BAD


def _looked() -> list[Check]:
    now = runtime().clock()
    kept: tuple[datetime, list[Check]] | None = current_app.extensions.get("qol_health")
    if kept is not None and timedelta(0) <= now - kept[0] < FRESH_FOR:
        return kept[1]
    found = [_promises(), *_content()]
    current_app.extensions["qol_health"] = (now, found)
    return found


def _promises() -> Check:
    """Tell whether schema, durability and triggers are what answers were promised on."""
    try:
        runtime().check()
    except QolError as error:
        return Check("promises", False, str(error))
    except SQLAlchemyError as error:
        return Check("promises", False, type(error).__name__)
    return Check("promises", True, "schema, durability and triggers are in place")


def _content() -> list[Check]:
    try:
        with runtime().writing(ACTOR, WRITABLE_WITHIN_S) as ctx:
            return health.checks(ctx)
    except SQLAlchemyError as error:
        return [Check("write", False, in_words(error)), *_readable()]


def _readable() -> list[Check]:
    """Return what can be told of a database that takes no writes."""
    try:
        with runtime().reading(ACTOR) as ctx:
            return health.readable(ctx)
    except SQLAlchemyError as error:
        return [Check("read", False, in_words(error))]
