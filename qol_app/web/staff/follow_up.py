"""Reasons for empty questionnaires, calls, and tasks done."""

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from qol_app.db.tables import Assessment, Participant
from qol_app.services import follow_up
from qol_app.services.context import Context
from qol_app.services.participants import assessment_by_public_id, by_public_id
from qol_app.web.guard import needs
from qol_app.web.language import _
from qol_app.web.staff.blueprint import bp
from qol_app.web.staff.forms import AttemptForm, MissingForm, TaskForm
from qol_app.web.staff.unit import page, writing


@bp.post("/assessments/<assessment_id>/reason")
@needs("task:work")
def give_reason(assessment_id: str) -> ResponseReturnValue:
    with writing() as ctx:
        assessment, row = assessment_by_public_id(ctx, assessment_id)
        protocol = ctx.library.protocol(ctx.session, row.protocol_id)
        form = MissingForm(reasons=protocol.missing_reasons)
        if not form.validate():
            return page("reason", 422, row=row, assessment=assessment, form=form)
        follow_up.give_reason(ctx, row, assessment, form.reason.data)
    flash(_("The reason is saved."))
    return _back(row)


@bp.post("/participants/<public_id>/attempts")
@needs("task:work")
def log_attempt(public_id: str) -> ResponseReturnValue:
    form = AttemptForm()
    with writing() as ctx:
        row = by_public_id(ctx, public_id)
        about = _about(ctx, row)
        if not form.validate():
            return page("attempt", 422, row=row, form=form)
        follow_up.log_attempt(ctx, row, form.channel.data, form.outcome.data, about)
    flash(_("The attempt is saved."))
    return _back(row)


def _about(ctx: Context, row: Participant) -> Assessment | None:
    ref = request.form.get("assessment", "")
    if not ref:
        return None
    assessment, owner = assessment_by_public_id(ctx, ref)
    return assessment if owner.id == row.id else None


@bp.post("/participants/<public_id>/tasks/<int:task_id>/done")
@needs("task:work")
def finish_task(public_id: str, task_id: int) -> ResponseReturnValue:
    form = TaskForm()
    with writing() as ctx:
        row = by_public_id(ctx, public_id)
        task = follow_up.task_of(ctx, row, task_id)
        if not form.validate():
            return page("task", 422, row=row, task=task, form=form)
        follow_up.finish_task(ctx, row, task_id, form.outcome.data)
    flash(_("The task is done."))
    return _back(row)


def _back(row: Participant) -> ResponseReturnValue:
    """Go back to where the form stood: the list of the morning, or the participant's page."""
    if request.form.get("back") == "home":
        return redirect(url_for(".home"))
    return redirect(url_for(".participant", public_id=row.public_id))
