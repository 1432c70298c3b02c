"""Where the study stands: something that differs whenever a fact of it does, at little cost."""

from sqlalchemy import ColumnElement, and_, func, select, true

from qol_app.db.tables import (
    Amendment,
    Assessment,
    AuditEvent,
    Base,
    Definition,
    Form,
    MissingReason,
    Participant,
    ParticipantEvent,
    Response,
)
from qol_app.services.context import Context

FACTS: tuple[type[Base], ...] = (
    Definition,
    Participant,
    ParticipantEvent,
    Assessment,
    Amendment,
    Form,
    Response,
    MissingReason,
    AuditEvent,
)
# What staff do with their own accounts, and who reads or is sent a message, changes no fact of the
# study. Any other entry of the trail may have, so an action that is not named here counts as one.
OWN_ACCOUNT = "staff"
NO_FACT = (
    *["participant.sign_in", "pin.set", "identity.read", "link.issue", "link.revoke", "link.try"],
    *["message.end", "message.report", "messages.resume", "messages.stop", "digest.begin"],
    *["task.open", "task.finish", "contact.attempt"],
    *["report.blinded", "report.unblinded", "export.study", "export.site", "export.ledger"],
    "export.freeze",
)
# Rows get their numbers before they are committed, so a lower one can come after a higher.
RECENT = 1000


def position(ctx: Context) -> tuple[tuple[int, int], ...]:
    """Return newest number and count of recent rows of every table that facts stand in."""
    return tuple(_newest(ctx, one) for one in FACTS)


def _newest(ctx: Context, table: type[Base]) -> tuple[int, int]:
    number = table.__table__.c.id
    counts: ColumnElement[bool] = true()
    if table is AuditEvent:
        counts = and_(AuditEvent.subject != OWN_ACCOUNT, AuditEvent.action.not_in(NO_FACT))
    query = select(number).where(counts).order_by(number.desc()).limit(1)
    newest = ctx.session.scalar(query) or 0
    recent = select(func.count()).select_from(table).where(counts, number > newest - RECENT)
    return newest, ctx.session.scalar(recent) or 0
