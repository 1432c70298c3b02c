"""How and when we write: a participant's own wishes."""

from typing import Any

from flask import redirect, render_template, request, url_for

from qol_app.delivery.channels import usable_channels
from qol_app.services import wishes
from qol_app.web.guard import needs
from qol_app.web.participant.blueprint import bp, participant_of, reading, writing
from qol_app.web.visitor import runtime
from qol_app.web.wishes import wishes_form, wishes_in


@bp.get("/reminders")
@needs("own:answer")
def reminders() -> Any:
    """Show what was wished so far."""
    with reading() as ctx:
        participant = participant_of(ctx)
        possible = wishes.choices(ctx, participant, usable_channels(runtime().settings))
        form = wishes_form(possible, wishes.wishes_of(participant))
    return render_template("participant/reminders.html", form=form)


@bp.post("/reminders")
@needs("own:answer")
def reminders_now() -> Any:
    """Take new wishes."""
    usable = usable_channels(runtime().settings)
    with writing() as ctx:
        participant = participant_of(ctx)
        possible = wishes.choices(ctx, participant, usable)
        form = wishes_form(possible, wishes.wishes_of(participant), request.form)
        if not form.validate():
            return render_template("participant/reminders.html", form=form), 422
        wishes.change(ctx, participant, wishes_in(form), usable)
    return redirect(url_for(".home"), 303)
