"""The blueprint that all staff pages hang on, and what their templates may say."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint

from qol_app.db.tables import Staff
from qol_app.services.staff import site_codes_of
from qol_app.web.language import _
from qol_app.web.staff import words
from qol_app.web.staff.unit import allowed, reading, visitor

bp = Blueprint("staff", __name__, url_prefix="/staff")


@bp.app_context_processor
def _frame() -> dict[str, Any]:
    """Return what the bar above every staff page needs, on pages of other subjects too."""
    return {
        "may": allowed,
        "me": me,
        "role_words": words.ROLE_WORDS,
        "more_places": lambda: [(place, right, _(text)) for place, right, text in MORE_PLACES],
    }


@bp.context_processor
def _staff_words() -> dict[str, Any]:
    return {
        "local": words.local,
        "marks": words.MARKS,
        "contact_words": words.contact_words,
        "outcome_words": words.ATTEMPT_OUTCOMES,
        "channel_words": words.CHANNEL_WORDS,
        "message_words": words.MESSAGE_STATES,
        "step_words": words.STEP_WORDS,
        "step_word": words.step_word,
        "why_not": words.why_not,
        "detail_said": words.detail_said,
        "stamp": stamp,
        "task_word": lambda kind: words.TASK_KINDS.get(kind, words.OTHER_TASK),
    }


# Pages of other subjects that stand in the bar too: endpoint, right, name.
MORE_PLACES: list[tuple[str, str, str]] = []


def stamp(value: datetime, timezone: str) -> str:
    """Return an instant as a table shows it, in local time: ``2026-11-23 10:00``."""
    return value.astimezone(ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M")


def me() -> dict[str, Any]:
    """Return who is signed in, as the bar above every page names them."""
    with reading() as ctx:
        row = ctx.session.get_one(Staff, visitor().staff_id)
        return {"name": row.name, "role": row.role, "sites": site_codes_of(ctx, row)}
