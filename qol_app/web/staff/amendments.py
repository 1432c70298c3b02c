"""A new version of the protocol: what it changes for whom, put in force, taken back."""

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from qol_app.errors import NotAllowed, NotFound
from qol_app.services import amendments as service
from qol_app.services.amendments import Plan
from qol_app.services.context import Context
from qol_app.web.guard import needs
from qol_app.web.language import _
from qol_app.web.staff.blueprint import MORE_PLACES, bp
from qol_app.web.staff.unit import fresh, page, reading, writing
from qol_app.web.staff.words import N_, timepoint_titles
from qol_app.web.visitor import runtime

MORE_PLACES.append(("staff.amendments", "study:amend", N_("Amendments")))


@bp.get("/amendments")
@needs("study:amend")
def amendments() -> ResponseReturnValue:
    with reading() as ctx:
        return _page(ctx)


@bp.post("/amendments/apply")
@needs("study:amend")
@fresh
def amendment_apply() -> ResponseReturnValue:
    version = request.form.get("version", "")
    seen = request.form.get("seen", "")
    with writing() as ctx:
        try:
            plan = service.preview(ctx, runtime().settings.protocol, version)
        except NotFound:
            return _page(ctx, _("There is no such version."), 422)
        if seen != fingerprint(plan):
            return _page(ctx, _("Something has changed since. Please look once more."), 422)
        try:
            service.apply(ctx, plan.new.code, version)
        except NotAllowed:
            return _page(ctx, _("It takes effect on a later day."), 422)
    flash(_("Version %(version)s is in force.", version=version))
    return redirect(url_for(".amendments"))


@bp.post("/amendments/reverse")
@needs("study:amend")
@fresh
def amendment_reverse() -> ResponseReturnValue:
    number = request.form.get("number", "")
    with writing() as ctx:
        one = next((one for one in service.applied(ctx) if str(one.row.id) == number), None)
        if one is None or not one.reversible:
            return _page(ctx, _("This amendment cannot be taken back any more."), 422)
        service.reverse(ctx, one.row.id)
    flash(_("Version %(version)s is taken back.", version=one.new.version))
    return redirect(url_for(".amendments"))


def fingerprint(plan: Plan) -> str:
    """Return what a person has seen of a preview, to be compared when they say yes."""
    counts = plan.counts
    return f"{len(plan.lines)}:" + ",".join(str(counts[part]) for part in service.PARTS)


def _page(ctx: Context, refused: str = "", status: int = 200) -> ResponseReturnValue:
    plans = service.waiting(ctx, runtime().settings.protocol)
    return page(
        "amendments",
        status,
        plans=[(one, fingerprint(one), ctx.today(one.new.timezone)) for one in plans],
        applied=service.applied(ctx),
        titles=timepoint_titles(ctx),
        refused=refused,
    )
