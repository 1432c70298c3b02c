"""Recording what happens to a participant: each change is shown before it is saved."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from qol_app.db.tables import Participant, ParticipantEvent
from qol_app.definition.protocol import EventKind, Protocol
from qol_app.delivery.channels import usable_channels
from qol_app.errors import NotFound
from qol_app.services import events
from qol_app.services.context import Context
from qol_app.services.events import Preview
from qol_app.services.participants import by_public_id
from qol_app.web.guard import needs
from qol_app.web.language import _
from qol_app.web.staff.blueprint import bp
from qol_app.web.staff.event_forms import EventForm, event_form
from qol_app.web.staff.forms import ReasonForm, YesForm
from qol_app.web.staff.unit import page, reading, writing
from qol_app.web.staff.words import local, said, timepoint_titles
from qol_app.web.visitor import runtime


@bp.get("/participants/<public_id>/events/new/<kind>")
@needs("event:record")
def event_new(public_id: str, kind: str) -> ResponseReturnValue:
    with reading() as ctx:
        row = by_public_id(ctx, public_id)
        protocol, what = _kind(ctx, row, kind)
    form = event_form(protocol, what)(formdata=None)
    return page("event", row=row, kind=what, form=form, old=None)


@bp.post("/participants/<public_id>/events/new/<kind>")
@needs("event:record")
def event_new_now(public_id: str, kind: str) -> ResponseReturnValue:
    with writing() as ctx:
        row = by_public_id(ctx, public_id)
        protocol, what = _kind(ctx, row, kind)
        form = event_form(protocol, what)()
        if not form.validate():
            return page("event", 422, row=row, kind=what, form=form, old=None)
        on, details = form.on.data, form.details()
        preview = events.preview(ctx, row, kind, on, details, channels=_channels())
        if not _may_save(preview):
            return _preview(row, what, form, preview, timepoint_titles(ctx))
        events.record(ctx, row, kind, on, details, confirmed=True)
    return _saved(public_id, what)


@bp.get("/participants/<public_id>/events/<int:event_id>/correct")
@needs("event:record")
def event_correct(public_id: str, event_id: int) -> ResponseReturnValue:
    with reading() as ctx:
        row = by_public_id(ctx, public_id)
        old = events.standing_event(ctx, row, event_id)
        protocol, what = _kind(ctx, row, old.kind)
    form = event_form(protocol, what, correcting=True)(formdata=None, data=_as_data(old))
    return page("event", row=row, kind=what, form=form, old=old)


@bp.post("/participants/<public_id>/events/<int:event_id>/correct")
@needs("event:record")
def event_correct_now(public_id: str, event_id: int) -> ResponseReturnValue:
    with writing() as ctx:
        row = by_public_id(ctx, public_id)
        old = events.standing_event(ctx, row, event_id)
        protocol, what = _kind(ctx, row, old.kind)
        form: Any = event_form(protocol, what, correcting=True)()
        if not form.validate():
            return page("event", 422, row=row, kind=what, form=form, old=old)
        on, details = form.on.data, form.details()
        preview = events.preview(
            ctx, row, old.kind, on, details, correcting=event_id, channels=_channels()
        )
        if not _may_save(preview):
            return _preview(row, what, form, preview, timepoint_titles(ctx), old)
        events.correct(ctx, row, event_id, on, details, form.reason.data, confirmed=True)
    return _saved(public_id, what)


@bp.get("/participants/<public_id>/events/<int:event_id>/retract")
@needs("event:record")
def event_retract(public_id: str, event_id: int) -> ResponseReturnValue:
    with reading() as ctx:
        return _retract_page(ctx, by_public_id(ctx, public_id), event_id, ReasonForm(formdata=None))


@bp.post("/participants/<public_id>/events/<int:event_id>/retract")
@needs("event:record")
def event_retract_now(public_id: str, event_id: int) -> ResponseReturnValue:
    form = ReasonForm()
    with writing() as ctx:
        row = by_public_id(ctx, public_id)
        if not form.validate():
            return _retract_page(ctx, row, event_id, form, 422)
        old = events.standing_event(ctx, row, event_id)
        what = _kind(ctx, row, old.kind)[1]
        events.retract(ctx, row, event_id, form.reason.data)
    return _saved(public_id, what)


@bp.post("/participants/<public_id>/death")
@needs("event:record")
def death(public_id: str) -> ResponseReturnValue:
    """Two clicks from the participant's page; only a doubtful date asks once more."""
    return event_new_now(public_id, "death")


def _channels() -> tuple[str, ...]:
    return usable_channels(runtime().settings)


def _kind(ctx: Context, row: Participant, code: str) -> tuple[Protocol, EventKind]:
    protocol = ctx.library.protocol(ctx.session, row.protocol_id)
    known = {kind.code: kind for kind in protocol.events}
    if code not in known:
        raise NotFound("event: the protocol has none of that name")
    return protocol, known[code]


def _may_save(preview: Preview) -> bool:
    """Return whether the person has seen what would change and said yes to every doubt."""
    if preview.refused or request.form.get("step") != "save":
        return False
    return not preview.doubtful or bool(YesForm().confirmed.data)


def _preview(
    row: Participant,
    kind: EventKind,
    form: EventForm,
    preview: Preview,
    titles: Mapping[str, str],
    old: ParticipantEvent | None = None,
) -> ResponseReturnValue:
    """Show what would change; with a doubt not yet confirmed the page says so again."""
    asked_again = request.form.get("step") == "save"
    return page(
        "event_preview",
        422 if preview.refused or asked_again else 200,
        row=row,
        kind=kind,
        form=form,
        old=old,
        preview=preview,
        refused=[said(one) for one in preview.findings if one.severity == "refuse"],
        doubts=[said(one) for one in preview.findings if one.severity == "confirm"],
        titles=titles,
        yes=YesForm(formdata=None),
        asked_again=asked_again,
    )


def _retract_page(
    ctx: Context, row: Participant, event_id: int, form: ReasonForm, status: int = 200
) -> ResponseReturnValue:
    old = events.standing_event(ctx, row, event_id)
    what = _kind(ctx, row, old.kind)[1]
    return page(
        "event_retract",
        status,
        row=row,
        kind=what,
        form=form,
        old=old,
        preview=events.preview_retraction(ctx, row, event_id, channels=_channels()),
        titles=timepoint_titles(ctx),
    )


def _as_data(old: ParticipantEvent) -> dict[str, Any]:
    details = {f"detail_{name}": value for name, value in old.details.items()}
    if details.get("detail_until"):
        details["detail_until"] = date.fromisoformat(details["detail_until"])
    return {"on": old.happened_on, **details}


def _saved(public_id: str, kind: EventKind) -> ResponseReturnValue:
    flash(_("Saved: %(what)s.", what=local(kind.title)))
    return redirect(url_for(".participant", public_id=public_id))
