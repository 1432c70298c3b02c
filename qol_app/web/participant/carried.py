"""An answer that was posted after the session had run out, taken along through the sign-in.

It travels signed in a hidden field of the sign-in page, is good for an hour, is shown as
chosen afterwards, and is stored only when its owner presses Next.
"""

from dataclasses import asdict, dataclass

from flask import current_app, g, request
from itsdangerous import BadData, URLSafeTimedSerializer

GOOD_FOR_S = 3600
MOST_CHARACTERS = 2000


@dataclass(frozen=True)
class Carried:
    """One answer on its way: where it belongs and what was chosen."""

    ref: str
    instrument: str
    item: str
    answer: str


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="qol-carried")


def take_along(ref: str, instrument: str, item: str) -> None:
    """Remember what this request posted, for the page that is shown instead."""
    answer = request.form.get("answer", "")[:8]
    g.carried = _signer().dumps(asdict(Carried(ref, instrument, item, answer)))


def hidden_value() -> str:
    """Return what the sign-in page carries in its hidden field; "" for nothing."""
    return g.get("carried") or request.form.get("carried", "")[:MOST_CHARACTERS]


def taken_along() -> Carried | None:
    """Return the answer that came along with a sign-in, if any that we signed ourselves."""
    try:
        return Carried(**_signer().loads(hidden_value(), max_age=GOOD_FOR_S))
    except (BadData, TypeError):
        return None
