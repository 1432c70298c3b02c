"""How and when a participant wants to be written to, as told on the telephone."""

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from qol_app.delivery.channels import usable_channels
from qol_app.services import wishes
from qol_app.services.participants import by_public_id
from qol_app.web.guard import needs
from qol_app.web.language import _
from qol_app.web.staff.blueprint import bp
from qol_app.web.staff.unit import page, reading, writing
from qol_app.web.visitor import runtime
from qol_app.web.wishes import wishes_form, wishes_in


@bp.get("/participants/<public_id>/reminders")
@needs("contact:read")
def wishes_page(public_id: str) -> ResponseReturnValue:
    with reading() as ctx:
        row = by_public_id(ctx, public_id)
        possible = wishes.choices(ctx, row, usable_channels(runtime().settings))
        form = wishes_form(possible, wishes.wishes_of(row))
    return page("reminders", row=row, form=form)


@bp.post("/participants/<public_id>/reminders")
@needs("contact:read")
def wishes_now(public_id: str) -> ResponseReturnValue:
    usable = usable_channels(runtime().settings)
    with writing() as ctx:
        row = by_public_id(ctx, public_id)
        possible = wishes.choices(ctx, row, usable)
        form = wishes_form(possible, wishes.wishes_of(row), request.form)
        if not form.validate():
            return page("reminders", 422, row=row, form=form)
        wishes.change(ctx, row, wishes_in(form), usable)
    flash(_("Saved: %(what)s.", what=_("How and when we write")))
    return redirect(url_for(".participant", public_id=public_id))
