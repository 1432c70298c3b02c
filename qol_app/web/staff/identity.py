"""Who a participant is: shown when asked for, which enters the trail, and changed with a code."""

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from qol_app.services import identity
from qol_app.services.identity import Identity
from qol_app.services.participants import by_public_id
from qol_app.web.guard import needs
from qol_app.web.language import _
from qol_app.web.staff.blueprint import bp
from qol_app.web.staff.forms import AttemptForm, ContactForm
from qol_app.web.staff.unit import fresh, page, reading, writing


# Reading writes to the trail, so it is a POST: a link followed by a scanner reads nothing.
@bp.post("/participants/<public_id>/contact")
@needs("contact:read")
def contact(public_id: str) -> ResponseReturnValue:
    with writing() as ctx:
        row = by_public_id(ctx, public_id)
        person = identity.read(ctx, row)
    return page(
        "contact",
        row=row,
        who=person,
        attempt_form=AttemptForm(formdata=None),
        assessment=request.form.get("assessment", ""),
    )


@bp.get("/participants/<public_id>/contact/change")
@needs("contact:read")
@fresh
def contact_change(public_id: str) -> ResponseReturnValue:
    with reading() as ctx:
        row = by_public_id(ctx, public_id)
    return page("contact_change", row=row, form=ContactForm(formdata=None), shown=False)


@bp.post("/participants/<public_id>/contact/change")
@needs("contact:read")
@fresh
def contact_change_now(public_id: str) -> ResponseReturnValue:
    form = ContactForm()
    with writing() as ctx:
        row = by_public_id(ctx, public_id)
        if not form.validate():
            return page("contact_change", 422, row=row, form=form, shown=True)
        identity.change(ctx, row, Identity(form.name.data, form.phone.data, form.email.data))
    flash(_("The contact details are saved."))
    return redirect(url_for(".participant", public_id=public_id))
