"""Three books that must agree: what the rules expect, what the rows say, what the trail saw.

The rules are asked anew, so a message that was never even claimed is found; the trail is
append-only, so a row that was taken away or put in from outside is found as well.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import select

from qol_app.db.tables import Participant
from qol_app.schedule.reminders import Kind
from qol_app.services.balance_rows import Mark, changed_since, unseen, unsupported
from qol_app.services.context import Context
from qol_app.services.ledger import Line, ledger

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
# The worker's job that weighs, and the word it leaves when all is well.
JOB, BALANCES = "ledger", "balances"


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


def balance(ctx: Context, channels: Collection[str], since: Mark | None = None) -> Balance:
    """Return whether what was expected, what was done and what the trail saw agree.

    Parameters
    ----------
    channels : collection of str
        Those this installation can send by.
    since : Mark, optional
        Look only at whom anything has changed about since then, at the cost of just that. What
        was taken away or put in before then is found without it.
    """
    people = None if since is None else changed_since(ctx, since)
    found = ledger(ctx, channels, people)
    lines = [line for line in found if line.kind == Kind.MESSAGE.value]
    return Balance(
        days=tuple(_days(ctx, lines, people)),
        wrong=(*_unaccounted(lines), *unsupported(ctx, people), *unseen(ctx, since)),
    )


def _days(ctx: Context, lines: Iterable[Line], people: Collection[int] | None) -> Iterator[Day]:
    query = select(Participant.study_number, Participant.timezone)
    if people is not None:
        query = query.where(Participant.id.in_(people))
    zones = {row.study_number: ZoneInfo(row.timezone) for row in ctx.session.execute(query)}
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


def table(days: Sequence[Day]) -> Iterator[str]:
    """Yield the daily count as lines of text, with a header."""
    names = ("sent", "not_sent", "failed", "uncertain", "waiting", "unaccounted")
    yield "day         expected  " + "  ".join(names)
    for one in days:
        counts = "  ".join(f"{one[name]:>{len(name)}}" for name in names)
        yield f"{one.day}  {one.expected:>8}  {counts}"
