"""What a report reads from the database, who may see it by arm, and its place on the trail."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from qol_app.definition.interpretation import Interpretation, load_interpretation
from qol_app.errors import NotAllowed
from qol_app.export.study import Study
from qol_app.permissions import may
from qol_app.report.data import Source, gathered
from qol_app.services import audit, staff
from qol_app.services.context import Actor, Context
from qol_app.services.exporting import Watch, open_study

BY_ARM = "report:unblinded"


@dataclass(frozen=True)
class Read:
    """A study as one transaction saw it."""

    study: Study
    facts: Source
    interpretations: Mapping[str, Interpretation]
    as_of: date


def named_reader(ctx: Context, email: str) -> Actor:
    """Return the staff member who asks for the report by arm.

    Raises
    ------
    NotAllowed
        If there is no such staff member, or one without the right to see the arms.
    """
    row = staff.by_email(ctx, email)
    if not row.active or not may(row.role, BY_ARM):
        found = row.role if row.active else f"{row.role}, deactivated"
        raise NotAllowed(f"unblinded report: {row.email} is {found}; wanted an active statistician")
    return staff.actor_of(ctx, row)


def read_study(
    ctx: Context, protocol_code: str, questionnaires: Path, *, by_arm: bool, watch: Watch
) -> Read:
    """Return everything a report needs; without ``by_arm`` nothing in it tells the arms."""
    opened = open_study(ctx, protocol_code, by_arm=by_arm)
    facts = gathered(watch(opened.parts, opened.n_participants))
    known = interpretations_of(opened.study, questionnaires)
    return Read(opened.study, facts, known, ctx.today(opened.study.protocol.timezone))


def interpretations_of(study: Study, questionnaires: Path) -> dict[str, Interpretation]:
    """Return what changes of the scores mean, by instrument, where that is written down."""
    found = {
        code: load_interpretation(questionnaires / "instruments" / code, instrument)
        for code, instrument in study.newest_instruments().items()
    }
    return {code: one for code, one in found.items() if one is not None}


def record_report(ctx: Context, name: str, new: Mapping[str, Any], *, by_arm: bool) -> None:
    """Put a report on the trail: who made it, of which data, and whether by arm."""
    audit.record(ctx, "report.unblinded" if by_arm else "report.blinded", "report", name, new=new)
