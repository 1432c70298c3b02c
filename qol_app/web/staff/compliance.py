"""The grid of participants and timepoints, and the rates; by arm only for whom it is meant."""

from flask.typing import ResponseReturnValue

from qol_app.services.participants import visible_sites
from qol_app.services.standing import people
from qol_app.web.guard import needs
from qol_app.web.staff.blueprint import bp
from qol_app.web.staff.participants import chosen_site
from qol_app.web.staff.unit import allowed, page, reading


@bp.get("/compliance")
@needs("compliance:read")
def compliance() -> ResponseReturnValue:
    # The rates bring pandas, a quarter of what every process would have to load.
    from qol_app.services import compliance as service

    with reading() as ctx:
        site = chosen_site(ctx)
        persons = people(ctx, site_id=site[0] if site else None)
        sites = visible_sites(ctx)
    grid = service.grid(persons)
    columns = [one for one in grid.columns if service.is_scheduled(one)]
    codes = [one.code for one in columns]
    by_arm = service.rates(persons, codes, "arm") if allowed("compliance:by-arm") else None
    return page(
        "compliance",
        grid=grid,
        columns=columns,
        total=service.rates(persons, codes).of.get("", {}),
        by_site=service.rates(persons, codes, "site").of,
        by_arm=by_arm,
        sites=sites,
        site_names={one.code: one.name for one in sites},
        site=site[1] if site else "",
        randomised=sum(person.randomised for person in persons),
    )
