"""Where one goes from a question: on, back, to the review, or to what is left."""

from typing import Any

from flask import request, url_for

from qol_app.assessment import ItemKey, ResponseStatus, Screen
from qol_app.services.sittings import Sitting


def from_review() -> bool:
    """Whether this question was opened from the review, to change its answer."""
    return request.args.get("review") == "1"


def kept() -> dict[str, int]:
    """Return what an address keeps, so that one comes back to the review from there."""
    return {"review": 1} if from_review() else {}


def review_of(ref: str) -> str:
    """Return the address of the review."""
    return url_for("participant.review", ref=ref)


def question_of(ref: str, key: ItemKey, **more: Any) -> str:
    """Return the address of one question."""
    return url_for("participant.item", ref=ref, instrument=key.instrument, item=key.item, **more)


def step_to(ref: str, screen: Screen) -> str:
    """Return a question's address, or that of its part where it is the part's first."""
    if screen.number > 1:
        return question_of(ref, screen.key)
    return url_for("participant.part", ref=ref, instrument=screen.key.instrument)


def what_is_left(ref: str, sitting: Sitting) -> str:
    """Return the address of the first question left, or of the review when none is."""
    screen = sitting.first_left()
    return step_to(ref, screen) if screen else review_of(ref)


def onward(ref: str, sitting: Sitting, key: ItemKey) -> str:
    """Return where the button that was pressed leads, given the answers as they are now."""
    screens, at = sitting.screens, sitting.place(key)
    following = screens[at + 1] if at + 1 < len(screens) else None
    if request.form.get("go") == "back":
        return _back(ref, screens[at - 1] if at else None)
    if from_review():
        if following is not None and _opened_by(following, key, sitting):
            return question_of(ref, following.key, review=1)
        return review_of(ref)
    return step_to(ref, following) if following else review_of(ref)


def _back(ref: str, before: Screen | None) -> str:
    if from_review():
        return review_of(ref)
    return question_of(ref, before.key) if before else url_for("participant.home")


def _opened_by(screen: Screen, key: ItemKey, sitting: Sitting) -> bool:
    """Whether a question is asked only because of this one, and is still unanswered."""
    condition = screen.item.asked_if
    hangs = condition is not None and ItemKey(screen.key.instrument, condition.item) == key
    return hangs and sitting.status(screen.key) is ResponseStatus.NOT_REACHED
