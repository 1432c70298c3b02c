"""Which window an assessment had at any moment, told from the audit trail."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from qol_app.db.tables import AuditEvent
from qol_app.services.context import Context

PLANNED = ("assessment.plan", "assessment.move")
DROPPED = "assessment.drop"


@dataclass(frozen=True, slots=True)
class Plan:
    """The first and last local day of an assessment from some moment on; None once dropped."""

    since: datetime
    days: tuple[date, date] | None


@dataclass(frozen=True)
class Plans:
    """Every plan there ever was, by the public id of the assessment, earliest first."""

    by_assessment: Mapping[str, Sequence[Plan]]

    def in_force(self, assessment: str, at: datetime) -> tuple[date, date] | None:
        """Return the days an assessment had at a moment; None if it was not planned then."""
        known = self.by_assessment.get(assessment, ())
        place = bisect_right(known, at, key=lambda plan: plan.since)
        return known[place - 1].days if place else None


def plans(ctx: Context) -> Plans:
    """Return the plans that the trail tells of."""
    events = ctx.session.execute(
        select(AuditEvent.at, AuditEvent.action, AuditEvent.subject_id, AuditEvent.new)
        .where(AuditEvent.subject == "assessment", AuditEvent.action.in_((*PLANNED, DROPPED)))
        .order_by(AuditEvent.at, AuditEvent.id)
    )
    found: dict[str, list[Plan]] = {}
    for event in events:
        new = event.new or {}
        days = None
        if event.action != DROPPED:
            opens, closes = (date.fromisoformat(new[name]) for name in ("opens_on", "closes_on"))
            days = (opens, closes)
        found.setdefault(event.subject_id, []).append(Plan(event.at, days))
    return Plans(found)
