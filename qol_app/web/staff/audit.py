"""The audit trail for those who inspect: who did what, to what, when and why."""

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from wtforms import SelectField
from wtforms.validators import Optional

from qol_app.services.context import Context
from qol_app.services.participants import visible_sites
from qol_app.services.trail import Wanted, actions, entries
from qol_app.web.guard import needs
from qol_app.web.language import _
from qol_app.web.staff.blueprint import bp
from qol_app.web.staff.forms import DayField, LineField, StaffForm, listed
from qol_app.web.staff.unit import page, reading
from qol_app.web.staff.words import N_


class FilterForm(StaffForm):
    """What of the trail to show; sent by GET, since it changes nothing."""

    class Meta(StaffForm.Meta):
        csrf = False

    action = SelectField(N_("What"))
    site = SelectField(N_("Site"))
    subject = LineField(N_("Row"), [Optional()], most=60)
    since = DayField(N_("From"), [Optional()])
    until = DayField(N_("To"), [Optional()])


@bp.get("/audit")
@needs("audit:read")
def audit_trail() -> ResponseReturnValue:
    with reading() as ctx:
        form = _filter(ctx)
        right = form.validate()
        found = entries(ctx, _wanted(form) if right else Wanted())
    return page("audit", 200 if right else 422, form=form, found=found, more=_older(found.older))


def _filter(ctx: Context) -> FilterForm:
    form = FilterForm(request.args)
    form.action.choices = listed([("", _("Everything")), *((one, one) for one in actions(ctx))])
    sites = [(site.code, site.name) for site in visible_sites(ctx)]
    form.site.choices = listed([("", _("All sites")), *sites])
    for field in (form.action, form.site):
        field.data = field.data or ""
    return form


def _wanted(form: FilterForm) -> Wanted:
    before = request.args.get("before", "")
    return Wanted(
        action=form.action.data or "",
        site=form.site.data or "",
        subject=form.subject.data or "",
        since=form.since.data,
        until=form.until.data,
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 10 else None,
    )


def _older(before: int | None) -> dict[str, Any] | None:
    if before is None:
        return None
    kept = {name: value for name, value in request.args.items() if name != "before" and value}
    return {**kept, "before": before}
