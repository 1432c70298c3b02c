"""Whether reminders, their attempts and the trail know the same of each other.

All of them, or only those that came since a mark: whatever is looked up is looked up by its
number then, so that the cost follows what happened and not what is on file.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select

from qol_app.db.tables import Assessment, AuditEvent, Delivery, Participant, Reminder
from qol_app.services.context import Context
from qol_app.services.ledger import ARRIVED, GRACE
from qol_app.services.participants import visible, visible_sites

# Which states of attempts a state of a reminder must rest on, and may not.
RESTS_ON: Mapping[str, Collection[str]] = {
    "handed_over": ARRIVED,
    "delivered": ("delivered", "opened"),
    "uncertain": ("uncertain",),
    "sending": ("started",),
}
NOT_ON: Mapping[str, Collection[str]] = {
    "claimed": (*ARRIVED, "uncertain"),
    "skipped": ARRIVED,
    "failed": ARRIVED,
}
CLAIMS = ("reminder.claim", "reminder.skip")
BEGUN = ("message.begin",)
# A window that closed so lately has its last messages accounted for only now.
CLOSED_WITHIN = timedelta(days=2)


@dataclass(frozen=True)
class Mark:
    """How far the trail, the reminders and their attempts had come: their last numbers."""

    event: int
    reminder: int
    delivery: int


def mark(ctx: Context) -> Mark:
    """Return how far the books have come, read at one instant."""
    lasts = [
        select(func.coalesce(func.max(table.id), 0)).scalar_subquery()
        for table in (AuditEvent, Reminder, Delivery)
    ]
    return Mark(*ctx.session.execute(select(*lasts)).one())


def changed_since(ctx: Context, since: Mark) -> set[int]:
    """Return the participants about whose messages anything may have changed since a mark.

    Those with a new reminder or attempt, those whom the worker should have looked at and has
    not, and those of whom a window has closed.
    """
    lately = ctx.now.date() - CLOSED_WITHIN
    attempted = select(Delivery.reminder_id).where(Delivery.id > since.delivery)
    touched = or_(Reminder.id > since.reminder, Reminder.id.in_(attempted))
    waiting = or_(
        Assessment.look_again_at <= ctx.now - GRACE,
        Assessment.closes_on.between(lately, ctx.now.date()),
    )
    return {
        *ctx.session.scalars(select(Reminder.participant_id).where(touched)),
        *ctx.session.scalars(select(Assessment.participant_id).where(waiting)),
    }


# --- reminders and their attempts ----------------------------------------------------------


def unsupported(ctx: Context, people: Collection[int] | None) -> Iterator[str]:
    """Yield the reminders, of all or of some participants, whose state no attempt bears."""
    made = select(Delivery.reminder_id, Delivery.status)
    rows = _named(ctx, Reminder.id, Reminder.status)
    if people is not None:
        made = made.join(Reminder, Reminder.id == Delivery.reminder_id)
        made = made.where(Reminder.participant_id.in_(people))
        rows = rows.where(Reminder.participant_id.in_(people))
    attempts: dict[int, set[str]] = {}
    for id_, status in ctx.session.execute(made):
        attempts.setdefault(id_, set()).add(status)
    for row in ctx.session.execute(rows):
        known = attempts.get(row.id, set())
        wanted, unwanted = RESTS_ON.get(row.status), NOT_ON.get(row.status, ())
        if wanted is not None and not known & set(wanted):
            yield f"{_name(row)}: is {row.status}, but no attempt says so"
        elif known & set(unwanted):
            yield f"{_name(row)}: is {row.status}, but an attempt arrived"


# --- both and the trail --------------------------------------------------------------------


def unseen(ctx: Context, since: Mark | None) -> Iterator[str]:
    """Yield the reminders and attempts that the trail knows and the tables do not, and back."""
    yield from _claims(ctx, since)
    yield from _attempts(ctx, since)


def _claims(ctx: Context, since: Mark | None) -> Iterator[str]:
    claimed = {int(row.subject_id): row.new or {} for row in _events(ctx, CLAIMS, since)}
    there = _reminders(ctx, None if since is None else claimed)
    for id_ in sorted(claimed.keys() - there.keys()):
        yield f"{_name_of(ctx, claimed[id_])}: the trail saw it claimed, but its row is gone"
    new = there if since is None else _reminders(ctx, since.reminder)
    seen = claimed.keys() if since is None else _seen(ctx, CLAIMS, new)
    for id_ in sorted(new.keys() - seen):
        yield f"{_name(new[id_])}: there is a row, but the trail never saw it claimed"


def _attempts(ctx: Context, since: Mark | None) -> Iterator[str]:
    begun = {_reference(row): int(row.subject_id) for row in _events(ctx, BEGUN, since)}
    query = _named(ctx, Delivery.reference, Reminder.id).join(
        Delivery, Delivery.reminder_id == Reminder.id
    )
    lost = query if since is None else query.where(Delivery.reference.in_(begun))
    there = {row.reference: row for row in ctx.session.execute(lost)}
    rows = _reminders(ctx, [begun[one] for one in begun.keys() - there.keys()])
    for reference in sorted(begun.keys() - there.keys()):
        whose = rows.get(begun[reference])
        name = _name(whose) if whose else f"reminder {begun[reference]}"
        yield f"{name}: the trail saw attempt {reference} begin, but its row is gone"
    new, seen = there, set(begun)
    if since is not None:
        made = ctx.session.execute(query.where(Delivery.id > since.delivery))
        new = {row.reference: row for row in made}
        about = _about(ctx, BEGUN, {row.id for row in new.values()})
        seen = {_reference(row) for row in about}
    for reference in sorted(new.keys() - seen):
        yield f"{_name(new[reference])}: the trail never saw attempt {reference} begin"


def _reference(event: Any) -> str:
    return str((event.new or {}).get("reference"))


def _events(ctx: Context, actions: Collection[str], since: Mark | None) -> Iterable[Any]:
    query = select(AuditEvent.subject_id, AuditEvent.new).where(
        AuditEvent.subject == "reminder", AuditEvent.action.in_(actions)
    )
    if ctx.actor.site_ids is not None:
        query = query.where(AuditEvent.site.in_([site.code for site in visible_sites(ctx)]))
    if since is not None:
        query = query.where(AuditEvent.id > since.event)
    return ctx.session.execute(query)


def _about(ctx: Context, actions: Collection[str], ids: Collection[int]) -> Iterable[Any]:
    return ctx.session.execute(
        select(AuditEvent.subject_id, AuditEvent.new).where(
            AuditEvent.subject == "reminder",
            AuditEvent.subject_id.in_([str(id_) for id_ in ids]),
            AuditEvent.action.in_(actions),
        )
    )


def _seen(ctx: Context, actions: Collection[str], ids: Collection[int]) -> set[int]:
    return {int(row.subject_id) for row in _about(ctx, actions, ids)}


def _reminders(ctx: Context, wanted: int | Collection[int] | None) -> dict[int, Any]:
    """Return all reminders by number, those above one, or those of some."""
    query = _named(ctx, Reminder.id)
    if isinstance(wanted, int):
        query = query.where(Reminder.id > wanted)
    elif wanted is not None:
        query = query.where(Reminder.id.in_(wanted))
    return {row.id: row for row in ctx.session.execute(query)}


def _named(ctx: Context, *columns: Any) -> Select[Any]:
    return (
        select(
            *columns,
            Participant.study_number,
            Assessment.timepoint,
            Reminder.step,
            Reminder.channel,
        )
        .select_from(Reminder)
        .join(Assessment, Assessment.id == Reminder.assessment_id)
        .join(Participant, Participant.id == Reminder.participant_id)
        .where(Participant.id.in_(visible(ctx).with_only_columns(Participant.id)))
        .order_by(Reminder.id)
    )


def _name(row: Any) -> str:
    return f"{row.study_number} {row.timepoint} {row.step} by {row.channel}"


def _name_of(ctx: Context, new: Mapping[str, str]) -> str:
    """Return the name of a reminder that is only in the trail any more."""
    query = (
        select(Participant.study_number, Assessment.timepoint)
        .join(Participant, Participant.id == Assessment.participant_id)
        .where(Assessment.public_id == str(new.get("assessment", "")))
    )
    row = ctx.session.execute(query).one_or_none()
    whose = f"{row.study_number} {row.timepoint}" if row else "somebody"
    return f"{whose} {new.get('step', '?')} by {new.get('channel', '?')}"
