"""Three books that must agree: what the rules expect, what the rows say, what the trail saw.

The rules are asked anew, so a message that was never even claimed is found; the trail is
append-only, so a row that was taken away or put in from outside is found as well.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select

from qol_app.db.tables import Assessment, AuditEvent, Delivery, Participant, Reminder
from qol_app.schedule.reminders import Kind
from qol_app.services.context import Context
from qol_app.services.ledger import ARRIVED, Line, ledger
from qol_app.services.participants import visible, visible_sites

# Where each status of the ledger is counted.
OUTCOMES: Mapping[str, str] = {
    "handed_over": "sent",
    "delivered": "sent",
    "uncertain": "uncertain",
    "failed": "failed",
    "skipped": "not_sent",
    "not_needed": "not_sent",
    "waiting": "waiting",
    "claimed": "waiting",
    "sending": "waiting",
    "planned": "waiting",
    "unaccounted": "unaccounted",
}
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
# The worker's job that weighs, and the word it leaves when all is well.
JOB, BALANCES = "ledger", "balances"
CLAIMS = ("reminder.claim", "reminder.skip")


@dataclass(frozen=True)
class Day:
    """Messages whose time came on one local day, and what became of them."""

    day: date
    expected: int
    outcomes: Mapping[str, int]

    def __getitem__(self, outcome: str) -> int:
        """Return how many ended so."""
        return self.outcomes.get(outcome, 0)

    @property
    def balances(self) -> bool:
        """Whether every expected message was sent, or it is known why not."""
        return not self["unaccounted"] and self.expected == sum(self.outcomes.values())


@dataclass(frozen=True)
class Balance:
    """The count of each day, and by name everything that does not agree."""

    days: tuple[Day, ...]
    wrong: tuple[str, ...] = ()

    @property
    def balances(self) -> bool:
        """Whether the books agree."""
        return not self.wrong and all(day.balances for day in self.days)

    @property
    def verdict(self) -> str:
        """What is kept of it for the health page: a word, or how much does not agree."""
        if self.balances:
            return BALANCES
        return f"{len(self.wrong)} found that do not agree; see: flask ledger --balance"


def balance(ctx: Context, channels: Collection[str]) -> Balance:
    """Return whether what was expected, what was done and what the trail saw agree.

    Parameters
    ----------
    channels : collection of str
        Those this installation can send by.
    """
    lines = [line for line in ledger(ctx, channels) if line.kind == Kind.MESSAGE.value]
    return Balance(
        days=tuple(_days(ctx, lines)),
        wrong=(*_unaccounted(lines), *_attempts(ctx), *_trail(ctx)),
    )


def _days(ctx: Context, lines: Iterable[Line]) -> Iterator[Day]:
    zones = {
        row.study_number: ZoneInfo(row.timezone)
        for row in ctx.session.execute(select(Participant.study_number, Participant.timezone))
    }
    days: dict[date, Counter[str]] = {}
    expected: Counter[date] = Counter()
    for line in lines:
        if line.planned_at is None or (line.planned_at > ctx.now and line.claimed_at is None):
            continue
        day = line.planned_at.astimezone(zones[line.study_number]).date()
        expected[day] += 1
        days.setdefault(day, Counter())[OUTCOMES[line.status]] += 1
    return (Day(day, expected[day], days[day]) for day in sorted(days))


def _unaccounted(lines: Iterable[Line]) -> Iterator[str]:
    for line in lines:
        if line.status == "unaccounted":
            due = f", due {line.planned_at:%Y-%m-%d %H:%M} UTC" if line.planned_at else ""
            yield (
                f"{line.study_number} {line.timepoint} {line.step}: expected{due},"
                " but there is no message and no reason"
            )


def _attempts(ctx: Context) -> Iterator[str]:
    """Yield the reminders whose state does not rest on their attempts."""
    attempts: dict[int, list[str]] = {}
    for id_, status in ctx.session.execute(select(Delivery.reminder_id, Delivery.status)):
        attempts.setdefault(id_, []).append(status)
    for row in ctx.session.execute(_named(ctx, Reminder.id, Reminder.status)):
        known = attempts.get(row.id, [])
        wanted, unwanted = RESTS_ON.get(row.status), NOT_ON.get(row.status, ())
        if wanted is not None and not set(known) & set(wanted):
            yield f"{_name(row)}: is {row.status}, but no attempt says so"
        elif set(known) & set(unwanted):
            yield f"{_name(row)}: is {row.status}, but an attempt arrived"


def _trail(ctx: Context) -> Iterator[str]:
    """Yield the reminders and attempts that the trail knows and the tables do not, and back."""
    rows = {row.id: row for row in ctx.session.execute(_named(ctx, Reminder.id))}
    query = select(AuditEvent.subject_id, AuditEvent.new)
    if ctx.actor.site_ids is not None:
        query = query.where(AuditEvent.site.in_([site.code for site in visible_sites(ctx)]))
    claims = {
        int(id_): new or {}
        for id_, new in ctx.session.execute(
            query.where(AuditEvent.subject == "reminder", AuditEvent.action.in_(CLAIMS))
        )
    }
    for id_ in sorted(claims.keys() - rows.keys()):
        yield f"{_name_of(ctx, claims[id_])}: the trail saw it claimed, but its row is gone"
    for id_ in sorted(rows.keys() - claims.keys()):
        yield f"{_name(rows[id_])}: there is a row, but the trail never saw it claimed"
    begun = {
        str((new or {}).get("reference")): int(id_)
        for id_, new in ctx.session.execute(
            query.where(AuditEvent.subject == "reminder", AuditEvent.action == "message.begin")
        )
    }
    attempts = ctx.session.execute(select(Delivery.reference, Delivery.reminder_id))
    made = {row.reference: row.reminder_id for row in attempts if row.reminder_id in rows}
    for reference in sorted(begun.keys() - made.keys()):
        whose = rows.get(begun[reference])
        name = _name(whose) if whose else f"reminder {begun[reference]}"
        yield f"{name}: the trail saw attempt {reference} begin, but its row is gone"
    for reference in sorted(made.keys() - begun.keys()):
        yield f"{_name(rows[made[reference]])}: the trail never saw attempt {reference} begin"


def _named(ctx: Context, *columns: Any) -> Select[Any]:
    return (
        select(
            *columns,
            Participant.study_number,
            Assessment.timepoint,
            Reminder.step,
            Reminder.channel,
        )
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


def table(days: Sequence[Day]) -> Iterator[str]:
    """Yield the daily count as lines of text, with a header."""
    names = ("sent", "not_sent", "failed", "uncertain", "waiting", "unaccounted")
    yield "day         expected  " + "  ".join(names)
    for one in days:
        counts = "  ".join(f"{one[name]:>{len(name)}}" for name in names)
        yield f"{one.day}  {one.expected:>8}  {counts}"
