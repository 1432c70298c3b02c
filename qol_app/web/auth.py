"""Signing in and out of staff: one page, three fields, one answer for whatever is wrong."""

import re

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from qol_app.db.tables import Staff
from qol_app.services import audit, factors
from qol_app.services.context import Actor
from qol_app.services.staff import actor_of
from qol_app.web.guard import needs
from qol_app.web.language import _
from qol_app.web.staff.forms import ConfirmForm, SignInForm
from qol_app.web.staff.unit import visitor
from qol_app.web.visitor import begin_session, current_visitor, end_session, runtime

bp = Blueprint("auth", __name__, url_prefix="/staff")
# Only our own staff pages: nobody can be led elsewhere by a link to the sign-in page.
OWN_PAGE = re.compile(r"/staff(/[A-Za-z0-9_\-/.]*)?(\?[A-Za-z0-9_\-=&%.+]*)?")
NOBODY_YET = Actor("staff:unknown", "staff")


def where_next() -> str:
    """Return the staff page somebody was on the way to, or the first one."""
    wished = request.args.get("next", "")
    return wished if OWN_PAGE.fullmatch(wished) else url_for("staff.home")


@bp.get("/sign-in")
@needs("public")
def sign_in() -> ResponseReturnValue:
    found = current_visitor()
    if found is not None and found.staff_id is not None:
        return redirect(where_next())
    return render_template("staff/sign_in.html", form=SignInForm())


@bp.post("/sign-in")
@needs("public")
def sign_in_now() -> ResponseReturnValue:
    form = SignInForm()
    if form.validate() and _admitted(form):
        return redirect(where_next())
    if not form.errors:
        form.form_errors.append(
            _("That did not fit. Check all three; a code works once and changes every half minute.")
        )
    return render_template("staff/sign_in.html", form=form), 422


def _admitted(form: SignInForm) -> bool:
    with runtime().writing(NOBODY_YET) as ctx:
        attempt = factors.begin(ctx, form.email.data)
    right = factors.password_fits(runtime().hasher, attempt, form.password.data)
    with runtime().writing(NOBODY_YET) as ctx:
        staff = factors.admit(ctx, attempt, right, form.code.data)
        if staff is None:
            return False
        begin_session(ctx, staff_id=staff.id)
        mine = ctx.acting_as(actor_of(ctx, staff))
        audit.record(mine, "sign-in", "staff", staff.public_id)
    return True


@bp.post("/sign-out")
@needs("staff:home")
def sign_out() -> ResponseReturnValue:
    with runtime().writing(visitor().actor) as ctx:
        staff = ctx.session.get_one(Staff, visitor().staff_id)
        audit.record(ctx, "sign-out", "staff", staff.public_id)
        end_session(ctx)
    return redirect(url_for(".sign_in"))


@bp.get("/confirm")
@needs("staff:home")
def confirm() -> ResponseReturnValue:
    return render_template("staff/confirm.html", form=ConfirmForm())


@bp.post("/confirm")
@needs("staff:home")
def confirm_now() -> ResponseReturnValue:
    form = ConfirmForm()
    if form.validate() and _fresh(form.code.data):
        return redirect(where_next())
    if not form.errors:
        form.code.errors = [_("That did not fit. A code works once: wait for the next one.")]
    return render_template("staff/confirm.html", form=form), 422


def _fresh(code: str) -> bool:
    with runtime().writing(visitor().actor) as ctx:
        email = ctx.session.get_one(Staff, visitor().staff_id).email
        attempt = factors.begin(ctx, email)
    with runtime().writing(visitor().actor) as ctx:
        return factors.confirm(ctx, attempt, visitor().session_hash, code)
