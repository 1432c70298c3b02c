"""Enrolling a participant, and handing over the link and the PIN, which are shown once."""

from functools import partial

import segno
from flask import request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from qol_app import i18n
from qol_app.db.tables import Participant, Site
from qol_app.errors import NotAllowed
from qol_app.services import access, enrolment
from qol_app.services.context import Context
from qol_app.services.definitions import protocol_in_force
from qol_app.services.identity import Identity
from qol_app.services.participants import by_public_id, visible_sites
from qol_app.web.guard import needs
from qol_app.web.language import _, in_words_of, page_language
from qol_app.web.staff.blueprint import bp
from qol_app.web.staff.forms import EnrolForm
from qol_app.web.staff.unit import page, reading, writing
from qol_app.web.staff.words import N_, said
from qol_app.web.visitor import runtime

# What a coordinator may hand over anew: the link, the PIN, or both.
HANDED_OVER = {"both": ("link", "pin"), "link": ("link",), "pin": ("pin",)}


@bp.get("/enrol")
@needs("participant:enrol")
def enrol() -> ResponseReturnValue:
    with reading() as ctx:
        return page("enrol", form=_form(ctx))


@bp.post("/enrol")
@needs("participant:enrol")
def enrol_now() -> ResponseReturnValue:
    with writing() as ctx:
        form = _form(ctx)
        if not (form.validate() and _possible(ctx, form)):
            return page("enrol", 422, form=form)
        return _hand_over(ctx, _enrol(ctx, form), "both", new=True)


def _form(ctx: Context) -> EnrolForm:
    protocol = protocol_in_force(ctx, runtime().settings.protocol)[1]
    sites = {site.code: site.name for site in visible_sites(ctx)}
    form = EnrolForm(sites=sites, languages=protocol.languages)
    if len(sites) == 1 and not form.is_submitted():
        form.site.data = next(iter(sites))
    return form


def _possible(ctx: Context, form: EnrolForm) -> bool:
    """Return whether number and day can be; what cannot stands at its field."""
    if enrolment.is_taken(ctx, form.study_number.data):
        form.study_number.errors = [_("This study number is in use already.")]
    code = runtime().settings.protocol
    found = enrolment.consent_findings(ctx, code, form.site.data, form.consent_on.data)
    form.consent_on.errors = [said(one) for one in found]
    return not form.errors


def _enrol(ctx: Context, form: EnrolForm) -> Participant:
    return enrolment.enrol(
        ctx,
        runtime().settings.protocol,
        form.study_number.data,
        form.site.data,
        form.language.data,
        Identity(form.name.data, form.phone.data, form.email.data),
        consent_on=form.consent_on.data,
    )


@bp.post("/participants/<public_id>/hand-over")
@needs("link:issue")
def hand_over(public_id: str) -> ResponseReturnValue:
    what = request.form.get("what", "")
    with writing() as ctx:
        row = by_public_id(ctx, public_id)
        if what not in HANDED_OVER:
            raise NotAllowed(_("Choose what to hand over: the link, the PIN, or both."))
        return _hand_over(ctx, row, what)


def _hand_over(
    ctx: Context, row: Participant, what: str, *, new: bool = False
) -> ResponseReturnValue:
    parts = HANDED_OVER[what]
    link = pin = ""
    if "link" in parts:
        if not new:
            access.revoke_links(ctx, row, reason="new link handed over")
        link = f"{runtime().settings.base_url}/a/{access.issue_link(ctx, row)}"
    if "pin" in parts:
        pin = access.set_pin(ctx, row)
    language = row.language if row.language in i18n.languages() else page_language()
    return page(
        "hand_over",
        row=row,
        site=ctx.session.get_one(Site, row.site_id),
        link=link,
        pin=pin,
        picture=_picture(link),
        new=new,
        sheet_language=language,
        say=partial(in_words_of, language),
        N_=N_,
    )


def _picture(link: str) -> Markup:
    if not link:
        return Markup("")
    code = segno.make(link, error="m")
    return Markup(code.svg_inline(scale=4, border=4, omitsize=True, svgclass="qr"))
