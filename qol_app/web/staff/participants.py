"""The list of participants, and everything about one of them on one page."""

from flask import request
from flask.typing import ResponseReturnValue

from qol_app.clean import clean_line
from qol_app.delivery.channels import usable_channels
from qol_app.errors import NotAllowed
from qol_app.schedule.status import AssessmentState
from qol_app.services import foreseeing
from qol_app.services.context import Context
from qol_app.services.dossier import dossier
from qol_app.services.ledger import ledger
from qol_app.services.participants import by_public_id, visible_sites
from qol_app.services.standing import Person, Standing, people
from qol_app.services.worklist import OPEN_STATES
from qol_app.web.guard import needs
from qol_app.web.staff.blueprint import bp
from qol_app.web.staff.event_forms import EventForm
from qol_app.web.staff.forms import AttemptForm, MissingForm, TaskForm
from qol_app.web.staff.unit import allowed, page, reading
from qol_app.web.staff.words import timepoint_titles
from qol_app.web.visitor import runtime


@bp.get("/participants")
@needs("participant:read")
def participants() -> ResponseReturnValue:
    wanted = _asked_for()
    with reading() as ctx:
        site = chosen_site(ctx)
        persons = people(ctx, site_id=site[0] if site else None)
        sites = visible_sites(ctx)
        titles = timepoint_titles(ctx)
    found = [one for one in persons if wanted in one.study_number.casefold()]
    return page(
        "participants",
        persons=[(one, _next(one)) for one in found],
        titles=titles,
        sites=sites,
        site=site[1] if site else "",
        wanted=request.args.get("q", "")[:40],
    )


def _asked_for() -> str:
    try:
        return clean_line(request.args.get("q", ""), 40).casefold()
    except NotAllowed:
        return "\n"  # stands in no study number


def chosen_site(ctx: Context) -> tuple[int, str] | None:
    """Return number and code of the site a page is to be limited to, if one of the asker's."""
    code = request.args.get("site", "")
    return next(((site.id, site.code) for site in visible_sites(ctx) if site.code == code), None)


def _next(person: Person) -> Standing | None:
    states = (*OPEN_STATES, AssessmentState.NOT_YET)
    ahead = [one for one in person.standings if one.state in states]
    return min(ahead, key=lambda one: (one.window.closes, one.id), default=None)


@bp.get("/participants/<public_id>")
@needs("participant:read")
def participant(public_id: str) -> ResponseReturnValue:
    with reading() as ctx:
        found = dossier(ctx, by_public_id(ctx, public_id))
        channels = usable_channels(runtime().settings)
        lines = list(ledger(ctx, channels, [found.participant.id]))
        titles = timepoint_titles(ctx)
    return page(
        "participant",
        one=found,
        lines=lines,
        titles=titles,
        attempt_form=AttemptForm(formdata=None),
        missing_form=MissingForm(formdata=None, reasons=found.person.protocol.missing_reasons),
        task_form=TaskForm(formdata=None),
        death_form=EventForm(formdata=None, on=found.person.today),
        sees_arm=_sees_arm(),
    )


@bp.get("/participants/<public_id>/timeline")
@needs("participant:read")
def timeline(public_id: str) -> ResponseReturnValue:
    with reading() as ctx:
        row = by_public_id(ctx, public_id)
        person = foreseeing.person(ctx, row, usable_channels(runtime().settings))
        entries = foreseeing.timeline(ctx, person)
        titles = timepoint_titles(ctx)
    return page("timeline", row=row, entries=entries, titles=titles, sees_arm=_sees_arm())


def _sees_arm() -> bool:
    return allowed("event:record") or allowed("compliance:by-arm") or allowed("audit:read")
