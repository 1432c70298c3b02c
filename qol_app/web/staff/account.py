"""One's own language and password."""

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from qol_app import i18n
from qol_app.db.tables import Staff
from qol_app.errors import NotAllowed
from qol_app.services import factors
from qol_app.services import staff as service
from qol_app.web.guard import needs
from qol_app.web.language import _
from qol_app.web.staff.blueprint import bp
from qol_app.web.staff.forms import PasswordForm
from qol_app.web.staff.unit import page, visitor, writing
from qol_app.web.visitor import runtime


@bp.get("/account")
@needs("staff:home")
def account() -> ResponseReturnValue:
    return page("account", form=PasswordForm(formdata=None))


@bp.post("/account/language")
@needs("staff:home")
def language() -> ResponseReturnValue:
    wished = request.form.get("language", "")
    if wished not in i18n.languages():
        raise NotAllowed(_("Choose one of the languages of these pages."))
    with writing() as ctx:
        service.choose_language(ctx, ctx.session.get_one(Staff, visitor().staff_id), wished)
    return redirect(url_for(".account"))


@bp.post("/account/password")
@needs("staff:home")
def password() -> ResponseReturnValue:
    form = PasswordForm()
    if not (form.validate() and _old_fits(form)):
        return page("account", 422, form=form)
    try:
        with writing() as ctx:
            row = ctx.session.get_one(Staff, visitor().staff_id)
            factors.set_password(ctx, row, form.new.data)
            service.end_sessions(ctx, row.id, but=visitor().session_hash)
    except NotAllowed:
        form.new.errors = [_("This is too easy to guess. Take, say, four words.")]
        return page("account", 422, form=form)
    flash(_("Your new password is saved; other open sessions have ended."))
    return redirect(url_for(".account"))


def _old_fits(form: PasswordForm) -> bool:
    with writing() as ctx:
        email = ctx.session.get_one(Staff, visitor().staff_id).email
        attempt = factors.begin(ctx, email)
    fits = factors.password_fits(runtime().hasher, attempt, form.old.data)
    if fits:
        with writing() as ctx:
            factors.give_back(ctx, attempt)
    else:
        form.old.errors = [_("This is not your present password.")]
    return fits
