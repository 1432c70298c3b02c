"""The first page of the day: who closes next, what closed empty, what is to be done."""

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from qol_app.services.participants import visible_sites
from qol_app.services.standing import people
from qol_app.services.worklist import worklist
from qol_app.web.guard import needs
from qol_app.web.staff.blueprint import bp
from qol_app.web.staff.unit import allowed, page, reading
from qol_app.web.staff.words import timepoint_titles

# Where those begin whose work is not with participants.
OTHER_BEGINNINGS = {"staff:manage": "staff.colleagues", "audit:read": "staff.audit_trail"}


@bp.get("/")
@needs("staff:home")
def home() -> ResponseReturnValue:
    if not allowed("participant:read"):
        for right, endpoint in OTHER_BEGINNINGS.items():
            if allowed(right):
                return redirect(url_for(endpoint))
    with reading() as ctx:
        persons = people(ctx)
        found = worklist(ctx, persons)
        sites = visible_sites(ctx)
        titles = timepoint_titles(ctx)
    return page("home", work=found, persons=persons, sites=sites, titles=titles)
