"""Reading the audit trail: filtered, page by page, and only what one's sites allow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Select, select

from qol_app.db.tables import AuditEvent, Site, Staff
from qol_app.services.context import Context

PAGE = 50


@dataclass(frozen=True)
class Wanted:
    """What of the trail is asked for; empty means all."""

    action: str = ""
    site: str = ""
    person: str = ""
    subject: str = ""
    since: date | None = None
    until: date | None = None
    before: int | None = None


@dataclass(frozen=True)
class Entry:
    """One event of the trail, with the person behind it by name."""

    event: AuditEvent
    by: str


@dataclass(frozen=True)
class Page:
    """Some entries, newest first, and where the next page begins."""

    entries: Sequence[Entry]
    older: int | None


def entries(ctx: Context, wanted: Wanted) -> Page:
    """Return a page of the trail that the actor may see, newest first.

    Who works for some sites sees what was done there; who works across sites sees all.
    """
    query = _filtered(_visible(ctx), wanted)
    if wanted.before is not None:
        query = query.where(AuditEvent.id < wanted.before)
    rows = ctx.session.scalars(query.order_by(AuditEvent.id.desc()).limit(PAGE + 1)).all()
    names = _names(ctx)
    shown = [Entry(row, names.get(row.actor, row.actor)) for row in rows[:PAGE]]
    return Page(shown, rows[PAGE - 1].id if len(rows) > PAGE else None)


def actions(ctx: Context) -> list[str]:
    """Return the kinds of action that stand in what the actor may see."""
    query = _visible(ctx).with_only_columns(AuditEvent.action).distinct()
    return sorted(ctx.session.scalars(query))


def _visible(ctx: Context) -> Select:
    query = select(AuditEvent)
    if ctx.actor.site_ids is not None:
        codes = select(Site.code).where(Site.id.in_(ctx.actor.site_ids))
        query = query.where(AuditEvent.site.in_(codes))
    return query


def _filtered(query: Select, wanted: Wanted) -> Select:
    for column, value in (
        (AuditEvent.action, wanted.action),
        (AuditEvent.site, wanted.site),
        (AuditEvent.actor, wanted.person),
        (AuditEvent.subject_id, wanted.subject),
    ):
        if value:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(AuditEvent.at >= _midnight(wanted.since))
    if wanted.until is not None:
        query = query.where(AuditEvent.at < _midnight(wanted.until + timedelta(days=1)))
    return query


def _midnight(day: date) -> datetime:
    # The trail is kept and read in UTC.
    return datetime.combine(day, time(), tzinfo=UTC)


def _names(ctx: Context) -> dict[str, str]:
    rows = ctx.session.execute(select(Staff.id, Staff.name))
    return {f"staff:{row.id}": row.name for row in rows}
