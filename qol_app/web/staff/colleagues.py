"""Who works in the study and what they may do; for administrators, each change with a code."""

import secrets
from collections.abc import Callable

import segno
from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from qol_app.db.tables import Staff
from qol_app.errors import NotAllowed
from qol_app.services import factors
from qol_app.services import staff as service
from qol_app.services.context import Context
from qol_app.services.participants import visible_sites
from qol_app.web.guard import needs
from qol_app.web.language import _
from qol_app.web.staff.blueprint import bp
from qol_app.web.staff.forms import ColleagueForm, RightsForm
from qol_app.web.staff.unit import fresh, page, reading, visitor, writing
from qol_app.web.visitor import runtime


@bp.get("/colleagues")
@needs("staff:manage")
def colleagues() -> ResponseReturnValue:
    with reading() as ctx:
        return page("colleagues", everybody=service.everybody(ctx), names=_site_names(ctx))


@bp.get("/colleagues/new")
@needs("staff:manage")
@fresh
def colleague_new() -> ResponseReturnValue:
    with reading() as ctx:
        return page("colleague_new", form=ColleagueForm(sites=_site_names(ctx)))


@bp.post("/colleagues/new")
@needs("staff:manage")
@fresh
def colleague_new_now() -> ResponseReturnValue:
    # A password nobody chose: the colleague puts their own in its place after signing in.
    password = "-".join(secrets.token_hex(3) for _part in range(4))
    with writing() as ctx:
        form = ColleagueForm(sites=_site_names(ctx))
        if not form.validate():
            return page("colleague_new", 422, form=form)
        try:
            row, secret = service.add(
                ctx, form.email.data, form.name.data, form.role.data, form.sites.data, password
            )
        except NotAllowed:
            # Roles, sites and password are right by now: only the address can be taken.
            form.email.errors = [_("Somebody with this address is here already.")]
            return page("colleague_new", 422, form=form)
    uri = factors.provisioning_uri(secret, row.email, runtime().settings.base_url.split("//")[-1])
    picture = segno.make(uri).svg_inline(scale=4, border=4, omitsize=True, svgclass="qr")
    return page(
        "colleague_added",
        row=row,
        password=password,
        uri=uri,
        secret=secret,
        picture=Markup(picture),
    )


@bp.get("/colleagues/<staff_id>")
@needs("staff:manage")
@fresh
def colleague(staff_id: str) -> ResponseReturnValue:
    with reading() as ctx:
        row = service.by_public_id(ctx, staff_id)
        codes = service.site_codes_of(ctx, row)
        form = RightsForm(formdata=None, sites=_site_names(ctx), data={"role": row.role})
        form.sites.data = codes
    return page("colleague", row=row, form=form, self_id=visitor().staff_id)


@bp.post("/colleagues/<staff_id>")
@needs("staff:manage")
@fresh
def colleague_now(staff_id: str) -> ResponseReturnValue:
    with writing() as ctx:
        row = service.by_public_id(ctx, staff_id)
        form = RightsForm(sites=_site_names(ctx))
        if not form.validate():
            return page("colleague", 422, row=row, form=form, self_id=visitor().staff_id)
        service.change_rights(ctx, row, form.role.data, form.sites.data)
    return _saved(row)


@bp.post("/colleagues/<staff_id>/end")
@needs("staff:manage")
@fresh
def colleague_end(staff_id: str) -> ResponseReturnValue:
    return _changed(staff_id, service.deactivate)


@bp.post("/colleagues/<staff_id>/again")
@needs("staff:manage")
@fresh
def colleague_again(staff_id: str) -> ResponseReturnValue:
    return _changed(staff_id, service.reactivate)


def _site_names(ctx: Context) -> dict[str, str]:
    return {site.code: site.name for site in visible_sites(ctx)}


def _changed(staff_id: str, change: Callable[[Context, Staff], None]) -> ResponseReturnValue:
    with writing() as ctx:
        row = service.by_public_id(ctx, staff_id)
        change(ctx, row)
    return _saved(row)


def _saved(row: Staff) -> ResponseReturnValue:
    flash(_("Saved: %(what)s.", what=row.name))
    return redirect(url_for(".colleagues"))
