"""What the participant's pages have in common: who is asking, and whom to call."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, g, request, session

from qol_app.db.tables import Assessment, Participant
from qol_app.errors import NotFound
from qol_app.services import due
from qol_app.services.context import Actor, Context
from qol_app.services.sittings import Sitting, lock, own_assessment, sitting, why_not
from qol_app.web.visitor import Visitor, current_visitor, runtime

bp = Blueprint("participant", __name__)


def visitor() -> Visitor:
    """Return who is asking, on pages that only a participant can come to."""
    found = current_visitor()
    if found is None or found.participant_id is None:
        raise NotFound("participant: nobody is signed in")
    return found


def reading() -> AbstractContextManager[Context]:
    """Return a unit of work of this participant that changes nothing."""
    return runtime().reading(visitor().actor)


def writing() -> AbstractContextManager[Context]:
    """Return a unit of work of this participant, committed at its end."""
    return runtime().writing(visitor().actor)


def participant_of(ctx: Context) -> Participant:
    """Return the participant who is asking; remembers whom they may call."""
    row = ctx.session.get_one(Participant, visitor().participant_id)
    g.site = due.site_of(ctx, row.id)
    return row


@dataclass(frozen=True)
class Place:
    """Where a participant is: an assessment, and their sitting unless it is shut."""

    participant: Participant
    assessment: Assessment
    title: str
    shut: str | None
    sitting: Sitting | None = None


def place(ctx: Context, ref: str, *, locked: bool = False) -> Place:
    """Return where an address leads; NotFound if the assessment is not one's own.

    ``locked`` keeps everybody else from changing the sitting until the unit of work ends.
    """
    participant = participant_of(ctx)
    row = own_assessment(ctx, participant.id, ref)
    if locked:
        lock(ctx, row.id)
    title = due.title(ctx, participant, row)
    shut = why_not(ctx, participant, row)
    if shut or row.started_at is None:
        return Place(participant, row, title, shut)
    return Place(participant, row, title, None, sitting(ctx, participant, row))


def moved_on(ctx: Context, here: Place) -> Place:
    """Return the same place with the answers as they are now."""
    return replace(here, sitting=sitting(ctx, here.participant, here.assessment))


@bp.context_processor
def _whom_to_call() -> dict[str, Any]:
    if "site" not in g and "site" in session:
        # Signed out, but this browser was somebody's of that site.
        with runtime().reading(Actor.system("session")) as ctx:
            g.site = due.site_card(ctx, session["site"])
    return {"site": g.get("site")}


def device() -> str:
    """Return which kind of device a browser says it runs on; no more than that is kept."""
    agent = request.headers.get("User-Agent", "")
    if "iPad" in agent or "Tablet" in agent:
        return "tablet"
    return "phone" if "Mobi" in agent else "computer"
