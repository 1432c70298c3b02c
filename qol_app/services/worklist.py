"""What wants doing this week: who closes next, what closed empty, which tasks are open.

Everything is derived from the facts at the moment of asking.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from qol_app.db.tables import ContactAttempt, Task
from qol_app.schedule.status import AssessmentState
from qol_app.services.context import Context
from qol_app.services.participants import visible
from qol_app.services.standing import CLOSED, Person, Standing

CLOSING_WITHIN = timedelta(days=7)
OPEN_STATES = (AssessmentState.OPEN, AssessmentState.STARTED, AssessmentState.HELD)


@dataclass(frozen=True, slots=True)
class Due:
    """An assessment that wants somebody's attention, and whose it is."""

    person: Person
    standing: Standing
    last_attempt_at: datetime | None = None
    last_outcome: str = ""

    @property
    def days_left(self) -> int:
        """Days until the window closes; 0 on the closing day itself, below 0 after it."""
        return (self.standing.window.closes - self.person.today).days


@dataclass(frozen=True, slots=True)
class OpenTask:
    """Something a coordinator is asked to do."""

    id: int
    kind: str
    opened_at: datetime
    person: Person
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class Worklist:
    """What a coordinator should know first in the morning."""

    closing: tuple[Due, ...]
    unexplained: tuple[Due, ...]
    tasks: tuple[OpenTask, ...]


def worklist(ctx: Context, persons: Sequence[Person]) -> Worklist:
    """Return what closes within 7 days, what closed empty and unexplained, and open tasks."""
    attempts = _last_attempts(ctx)
    dues = [
        _due(person, one, attempts)
        for person in persons
        for one in person.standings
        if one.state in (*OPEN_STATES, *CLOSED)
    ]
    closing = [one for one in dues if one.standing.state in OPEN_STATES and _soon(one)]
    empty = [one for one in dues if needs_reason(one.standing)]
    return Worklist(
        tuple(sorted(closing, key=lambda one: (one.days_left, one.person.study_number))),
        tuple(
            sorted(empty, key=lambda one: (one.days_left, one.person.study_number), reverse=True)
        ),
        tuple(open_tasks(ctx, persons)),
    )


def needs_reason(standing: Standing) -> bool:
    """Return whether a window closed without usable answers and nobody has said why."""
    if standing.facts.reason is not None:
        return False
    return standing.state is AssessmentState.MISSED or (
        standing.state is AssessmentState.PARTIAL and not standing.facts.valid
    )


def open_tasks(ctx: Context, persons: Sequence[Person]) -> list[OpenTask]:
    """Return the tasks not done of these participants, oldest first."""
    by_id = {person.id: person for person in persons}
    scope = visible(ctx).subquery()
    query = (
        select(Task)
        .join(scope, scope.c.id == Task.participant_id)
        .where(Task.done_at.is_(None))
        .order_by(Task.opened_at, Task.id)
    )
    return [
        OpenTask(task.id, task.kind, task.opened_at, person, _of(person, task.assessment_id))
        for task in ctx.session.scalars(query)
        if (person := by_id.get(task.participant_id)) is not None
    ]


def _of(person: Person, assessment_id: int | None) -> Standing | None:
    return next((one for one in person.standings if one.id == assessment_id), None)


def _soon(due: Due) -> bool:
    return 0 <= due.days_left <= CLOSING_WITHIN.days


def _due(person: Person, standing: Standing, attempts: Mapping[int, tuple[datetime, str]]) -> Due:
    at, outcome = attempts.get(person.id, (None, ""))
    return Due(person, standing, at, outcome)


def _last_attempts(ctx: Context) -> dict[int, tuple[datetime, str]]:
    scope = visible(ctx).subquery()
    last = (
        select(func.max(ContactAttempt.id))
        .join(scope, scope.c.id == ContactAttempt.participant_id)
        .group_by(ContactAttempt.participant_id)
    )
    query = select(
        ContactAttempt.participant_id, ContactAttempt.attempted_at, ContactAttempt.outcome
    ).where(ContactAttempt.id.in_(last))
    return {
        row.participant_id: (row.attempted_at, row.outcome) for row in ctx.session.execute(query)
    }
