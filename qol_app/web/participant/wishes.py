"""How and when we write: a participant's own wishes, and the phone they want notices on."""

from dataclasses import dataclass
from typing import Any

from flask import redirect, render_template, request, url_for

from qol_app.db.tables import Participant
from qol_app.delivery.channels import usable_channels
from qol_app.delivery.push import public_key
from qol_app.services import wishes
from qol_app.services.context import Context
from qol_app.web.guard import needs
from qol_app.web.participant.blueprint import bp, participant_of, reading, writing
from qol_app.web.visitor import runtime
from qol_app.web.wishes import wishes_form, wishes_in


@dataclass(frozen=True)
class Phone:
    """What a page needs to know to offer notices: our public key, and the phone chosen so far."""

    key: str
    mark: str | None


@bp.get("/reminders")
@needs("own:answer")
def reminders() -> Any:
    """Show what was wished so far."""
    with reading() as ctx:
        participant = participant_of(ctx)
        possible = wishes.choices(ctx, participant, _usable())
        form = wishes_form(possible, wishes.wishes_of(participant))
        return _page(ctx, participant, form)


@bp.post("/reminders")
@needs("own:answer")
def reminders_now() -> Any:
    """Take new wishes."""
    with writing() as ctx:
        participant = participant_of(ctx)
        possible = wishes.choices(ctx, participant, _usable())
        form = wishes_form(possible, wishes.wishes_of(participant), request.form)
        if not form.validate():
            return _page(ctx, participant, form), 422
        wishes.change(ctx, participant, wishes_in(form), _usable())
    return redirect(url_for(".home"), 303)


@bp.post("/reminders/phone")
@needs("own:answer")
def notify_here() -> Any:
    """Send notices to the phone that asks for them."""
    with writing() as ctx:
        given = request.form.get("subscription", "")
        wishes.notify_here(ctx, participant_of(ctx), given, _usable())
    return redirect(url_for(".reminders"), 303)


@bp.post("/reminders/phone/stop")
@needs("own:answer")
def notify_no_more() -> Any:
    """Send no more notices to the phone chosen before."""
    with writing() as ctx:
        wishes.notify_no_more(ctx, participant_of(ctx), _usable())
    return redirect(url_for(".reminders"), 303)


def _usable() -> tuple[str, ...]:
    return usable_channels(runtime().settings)


def _page(ctx: Context, participant: Participant, form: Any) -> str:
    phone = None
    if wishes.may_notify(ctx, participant, _usable()):
        key = public_key(runtime().settings.vapid_private_key)
        phone = Phone(key, wishes.chosen_phone(ctx, participant))
    return render_template("participant/reminders.html", form=form, phone=phone)
