"""Taking data away: a site its own participants', the analysts the study, never identity.

A download is a POST, because it leaves a line on the trail; the files are made anew each time,
in a folder that is gone when the response is sent.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from qol_app.db.tables import Site
from qol_app.errors import DataFileError
from qol_app.permissions import may
from qol_app.services.context import Actor
from qol_app.services.participants import visible_sites
from qol_app.web.guard import needs
from qol_app.web.language import _, page_language
from qol_app.web.staff.blueprint import MORE_PLACES
from qol_app.web.staff.unit import fresh, page, reading, visitor, writing
from qol_app.web.staff.words import N_
from qol_app.web.visitor import runtime

bp = Blueprint("exports", __name__, url_prefix="/staff/export")
MORE_PLACES.append(("exports.site", "export:site", N_("Export")))
MORE_PLACES.append(("exports.study", "export:study", N_("Export")))
SITE_FORMATS = ("spreadsheet",)


@bp.get("/site")
@needs("export:site")
@fresh
def site() -> ResponseReturnValue:
    with reading() as ctx:
        return page("export_site", sites=visible_sites(ctx))


@bp.post("/site")
@needs("export:site")
@fresh
def site_now() -> ResponseReturnValue:
    with reading() as ctx:
        sites = visible_sites(ctx)
    chosen = [one for one in sites if request.form.get("site", "") in ("", one.code)]
    if not chosen:
        raise DataFileError(_("There is no such site among yours."))
    actor = replace(visitor().actor, site_ids=frozenset(one.id for one in chosen))
    return _download(actor, "export.site", _label(chosen), SITE_FORMATS, by_arm=True)


def _label(sites: Sequence[Site]) -> str:
    return "-".join(sorted(one.code for one in sites))


@bp.get("/study")
@needs("export:study")
@fresh
def study() -> ResponseReturnValue:
    from qol_app.export.registry import DEFAULT_FORMATS, EXPORTS

    return page(
        "export_study", formats=list(EXPORTS), usual=DEFAULT_FORMATS, by_arm=_may_see_arms()
    )


@bp.post("/study")
@needs("export:study")
@fresh
def study_now() -> ResponseReturnValue:
    from qol_app.export.registry import chosen_formats

    formats = chosen_formats(",".join(request.form.getlist("format")))
    return _download(visitor().actor, "export.study", "study", formats, by_arm=_may_see_arms())


def _may_see_arms() -> bool:
    return may(visitor().actor.role, "report:unblinded")


def _download(
    actor: Actor, action: str, label: str, formats: Sequence[str], *, by_arm: bool
) -> Response:
    # pandas is a third of a second and eighty megabytes: only for those who export.
    from qol_app.export.folder import zip_folder
    from qol_app.services import exporting

    settings, today = runtime().settings, runtime().clock().date()
    name = f"{settings.protocol}-{label}-{today:%Y-%m-%d}"

    def record(content: dict[str, Any]) -> None:
        with writing() as ctx:
            exporting.record_export(ctx, action, name, content)

    with tempfile.TemporaryDirectory(prefix="qol-export-") as folder:
        made = Path(folder) / name
        with runtime().reading(actor) as ctx:
            exporting.export_to(
                ctx,
                made,
                settings.protocol,
                formats,
                record,
                by_arm=by_arm,
                language=page_language(),
            )
        archive = zip_folder(made)
    response = Response(archive, mimetype="application/zip")
    response.headers.set("Content-Disposition", "attachment", filename=f"{name}.zip")
    return response
