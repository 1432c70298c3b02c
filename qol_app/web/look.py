"""Look: one scale over time, its spread and one participant's course, drawn by the server."""

import base64
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue

from qol_app.i18n import decimal_mark, translations
from qol_app.services.context import Context
from qol_app.services.position import position
from qol_app.web.guard import needs
from qol_app.web.language import page_language
from qol_app.web.latest import Latest
from qol_app.web.staff.blueprint import MORE_PLACES
from qol_app.web.staff.unit import allowed, page, reading
from qol_app.web.staff.words import N_
from qol_app.web.visitor import runtime

if TYPE_CHECKING:
    from qol_app.report.data import ReportData
    from qol_app.report.model import Figure, Section
    from qol_app.report.speech import Speech

bp = Blueprint("look", __name__, url_prefix="/staff/look")
MORE_PLACES.append(("look.look", "score:look", N_("Look")))
# Each holds the tables of a study, or of the sites of one reader, without names or addresses.
MOST_KEPT = 4


@dataclass(frozen=True)
class Shown:
    """A figure as the page shows it: an image that needs no style of the page, and its table."""

    title: str
    description: str
    image: str
    headings: list[str]
    rows: list[list[str]]


@bp.get("")
@needs("score:look")
def look() -> ResponseReturnValue:
    # pandas and matplotlib are heavy: only for those who look.
    from qol_app.report.look import choices, meaning, picked, pictures

    data = _data(by_arm=allowed("report:unblinded"))
    known = choices(data) if data else None
    if data is None or known is None or not known.scales:
        return page("look", known=None, wanted=None, figures=[], meaning=None)
    wanted = picked(known, request.args.to_dict())
    figures = [_shown(one, data.options.say) for one in pictures(data, wanted)]
    return page(
        "look",
        known=known,
        wanted=wanted,
        figures=figures,
        meaning=_told(meaning(data, wanted), data),
    )


def _told(section: "Section | None", data: "ReportData") -> dict[str, list[str]] | None:
    """Return how to read a scale as names with their words, and the sources."""
    if section is None:
        return None
    from qol_app.report.page import grid

    headings, rows, _more = grid(section.tables[0], data.options.say, data.instrument_titles)
    said = [f"{name}: {word}" for name, word in zip(headings, rows[0], strict=True) if word]
    return {"said": said, "sources": list(section.notes)}


def _data(*, by_arm: bool) -> "ReportData | None":
    """Return what the one who asks may see; nothing if nobody is enrolled there."""
    from qol_app.report.data import report_data
    from qol_app.report.model import Options
    from qol_app.report.speech import Speech
    from qol_app.services import exporting, reporting

    settings = runtime().settings
    language = page_language()
    say = Speech(translations(language).gettext, decimal_mark(language))
    options = Options(language=language, blinded=not by_arm, say=say)

    def made(ctx: Context) -> "ReportData | None":
        read = reporting.read_study(
            ctx,
            settings.protocol,
            settings.questionnaires,
            by_arm=by_arm,
            watch=lambda parts, _n: parts,
        )
        if not len(read.facts.participants):
            return None
        return report_data(read.study, read.facts, read.interpretations, read.as_of, options)

    with reading() as ctx:
        exporting.see_one_state(ctx)
        # States of windows go by the calendar of each participant's zone: good for this hour.
        hour = ctx.now.replace(minute=0, second=0, microsecond=0)
        key = (runtime().database, ctx.actor.site_ids, by_arm, language, hour, position(ctx))
        return _kept().of(key, partial(made, ctx))


def _kept() -> "Latest[ReportData | None]":
    return current_app.extensions.setdefault("look", Latest(MOST_KEPT))


def _shown(one: "Figure", say: "Speech") -> Shown:
    from qol_app.report.page import grid

    headings, rows, _more = grid(one.table, say)
    image = base64.b64encode(one.svg.encode()).decode()
    return Shown(one.title, one.description, image, headings, rows)
