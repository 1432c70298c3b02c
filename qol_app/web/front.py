"""The bare address: where a visitor without a link learns where to go."""

from typing import Any

from flask import Blueprint, render_template

from qol_app.web.guard import needs

bp = Blueprint("front", __name__)


@bp.get("/")
@needs("public")
def front() -> Any:
    """Say how participants and staff come in."""
    return render_template("front.html")
