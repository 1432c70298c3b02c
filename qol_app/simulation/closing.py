"""What must be true when a simulated trial is over, each asked of the database anew."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from qol_app.db.tables import (
    Assessment,
    Delivery,
    Digest,
    Participant,
    ParticipantEvent,
    Reminder,
    Response,
    Submission,
)
from qol_app.definition.protocol import Protocol
from qol_app.schedule.days_off import may_use
from qol_app.schedule.status import AssessmentState
from qol_app.services import audit, balance, digests, planning, standing
from qol_app.services.contacting import REACHED_NOBODY
from qol_app.services.context import Context
from qol_app.services.participants import Course
from qol_app.simulation.plans import Plans, plans
from qol_app.simulation.trial import Trial
from qol_app.simulation.world import SETUP

# Mails of the morning that a site has, or may have.
MAILED = ("accepted", "uncertain")


@dataclass(frozen=True)
class Claim:
    """One thing that should hold: how often it was looked at, and what speaks against it."""

    text: str
    checked: int
    against: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether it was looked at and nothing speaks against it."""
        return self.checked > 0 and not self.against


@dataclass(frozen=True)
class Sent:
    """One attempt that may have reached somebody."""

    study_number: str
    step: str
    channel: str
    row: Assessment
    local: datetime
    at: datetime
    thread: str


@dataclass(frozen=True)
class Facts:
    """The database at the end of a trial, read once."""

    ctx: Context
    trial: Trial
    protocol: Protocol
    zone: ZoneInfo
    sent: tuple[Sent, ...]
    courses: dict[int, Course]
    submitted_at: dict[int, datetime]
    assessments: tuple[Assessment, ...]
    plans: Plans


def claims(trial: Trial) -> tuple[Claim, ...]:
    """Return every claim, looked at in the database as it is now."""
    with trial.runtime.reading(SETUP) as ctx:
        facts = _facts(ctx, trial)
        return tuple(_claim(text, check(facts)) for text, check in CHECKS.items())


def _claim(text: str, found: Iterator[str | None]) -> Claim:
    results = list(found)
    return Claim(text, len(results), tuple(one for one in results if one is not None))


def _facts(ctx: Context, trial: Trial) -> Facts:
    session = ctx.session
    rows: dict[int, list[ParticipantEvent]] = {}
    for event in session.scalars(select(ParticipantEvent)):
        rows.setdefault(event.participant_id, []).append(event)
    handed_in = session.execute(select(Submission.assessment_id, Submission.submitted_at))
    return Facts(
        ctx=ctx,
        trial=trial,
        protocol=trial.protocol,
        zone=trial.zone,
        sent=tuple(_sent(ctx)),
        courses={id_: Course(tuple(own)) for id_, own in rows.items()},
        submitted_at={row.assessment_id: row.submitted_at for row in handed_in},
        assessments=tuple(session.scalars(select(Assessment).order_by(Assessment.id))),
        plans=plans(ctx),
    )


def _sent(ctx: Context) -> Iterator[Sent]:
    query = (
        select(Delivery, Reminder, Assessment, Participant)
        .join(Reminder, Reminder.id == Delivery.reminder_id)
        .join(Assessment, Assessment.id == Reminder.assessment_id)
        .join(Participant, Participant.id == Reminder.participant_id)
        .where(Delivery.status.not_in(REACHED_NOBODY))
        .order_by(Delivery.started_at, Delivery.id)
    )
    for delivery, reminder, row, person in ctx.session.execute(query):
        yield Sent(
            study_number=person.study_number,
            step=reminder.step,
            channel=delivery.channel,
            row=row,
            local=delivery.started_at.astimezone(ZoneInfo(person.timezone)),
            at=delivery.started_at,
            thread=delivery.reference.partition(".")[0],
        )


def _name(one: Sent) -> str:
    return f"{one.study_number} {one.row.timepoint} {one.step} {one.local:%Y-%m-%d %H:%M}"


# --- the checks: each yields None for what is right, and a sentence for what is not ----------


def _ledger(facts: Facts) -> Iterator[str | None]:
    """Rules, rows and trail agree on every message, and nothing closed is still looked at."""
    found = balance.balance(facts.ctx, tuple(facts.trial.providers))
    yield from found.wrong
    for day in found.days:
        yield None if day.balances else f"{day.day}: expected {day.expected}, not all known"
    today = facts.trial.clock.now.astimezone(facts.zone).date()
    for row in facts.assessments:
        waits = row.look_again_at is not None and row.closes_on < today
        yield f"{_row(facts, row)}: closed, and still to be looked at" if waits else None


def _provider(facts: Facts) -> Iterator[str | None]:
    """What the providers took is what the deliveries and digests say, each thread once."""
    taken = Counter(thread for one in facts.trial.providers.values() for _, thread, _ in one.taken)
    written = Counter(one.thread for one in facts.sent)
    mails = select(Digest.site_id, Digest.day).where(Digest.status.in_(MAILED))
    written.update(digests.thread_of(*row) for row in facts.ctx.session.execute(mails))
    for thread in taken.keys() | written.keys():
        n, m = taken[thread], written[thread]
        yield None if n == m == 1 else f"message {thread}: taken {n} times, written down {m} times"
    waiting = facts.ctx.session.scalar(
        select(func.count()).select_from(Reminder).where(Reminder.status == "sending")
    )
    yield f"{waiting} messages are still being sent" if waiting else None


def _stopped(facts: Facts) -> Iterator[str | None]:
    """By what was known when a message went, the person could be contacted."""
    for one in facts.sent:
        course = facts.courses[one.row.participant_id]
        known = Course(tuple(row for row in course.rows if row.recorded_at <= one.at))
        state = known.history().contact_state(one.local.date())
        yield None if state.may_contact else f"{_name(one)}: {state.reason or state.state}"


def _at_night(facts: Facts) -> Iterator[str | None]:
    rules = facts.protocol.contact
    for one in facts.sent:
        awake = rules.quiet_until <= one.local.hour < rules.quiet_from
        if awake and may_use(rules, one.channel, one.local.date()):
            yield None
        else:
            yield f"{_name(one)}: {one.channel} at an hour or on a day of rest"


def _once_a_day(facts: Facts) -> Iterator[str | None]:
    days: Counter[tuple[str, date]] = Counter((x.study_number, x.local.date()) for x in facts.sent)
    for (number, day), n in days.items():
        yield f"{number}: {n} messages on {day}" if n > 1 else None


def _in_window(facts: Facts) -> Iterator[str | None]:
    """By the plan in force when a message went, and not the one that stands today."""
    for one in facts.sent:
        handed_in = facts.submitted_at.get(one.row.id)
        days = facts.plans.in_force(one.row.public_id, one.at)
        if handed_in is not None and handed_in < one.at:
            yield f"{_name(one)}: handed in already"
        elif days is None:
            yield f"{_name(one)}: not planned then"
        elif days[0] <= one.local.date() <= days[1]:
            yield None
        else:
            yield f"{_name(one)}: outside its window then, {days[0]} to {days[1]}"


def _expected(facts: Facts) -> Iterator[str | None]:
    """The rows are those the protocol wants, and each closed one has an outcome."""
    undecided = {AssessmentState.OPEN, AssessmentState.STARTED, AssessmentState.NOT_YET}
    people = standing.people(facts.ctx)
    if len(people) != len(facts.trial.residents):
        yield f"{len(facts.trial.residents)} were enrolled, {len(people)} are on file"
    for person in people:
        row = facts.ctx.session.get_one(Participant, person.id)
        change = planning.changes(facts.ctx, row)
        yield (
            None if change.changes_nothing else f"{person.study_number}: rows differ from the plan"
        )
        for one in person.standings:
            open_too_long = one.state in undecided and person.today > one.window.closes
            yield f"{person.study_number} {one.timepoint}: {one.state}" if open_too_long else None


def _answers(facts: Facts) -> Iterator[str | None]:
    """Every answer and every receipt that a telephone was told of is there, unchanged."""
    stored = {
        event_id: (item, value)
        for event_id, item, value in facts.ctx.session.execute(
            select(Response.event_id, Response.item, Response.value)
        )
    }
    receipts = set(facts.ctx.session.scalars(select(Submission.receipt)))
    for one in facts.trial.residents.values():
        for event_id, said in one.saved.items():
            same = stored.get(event_id) == said
            yield None if same else f"{one.life.study_number}: an answer to {said[0]} is lost"
        for ref, receipt in one.receipts.items():
            yield None if receipt in receipts else f"{one.life.study_number} {ref}: receipt lost"
        if one.refused["second_receipt"]:
            yield f"{one.life.study_number}: two receipts for one questionnaire"


def _trail(facts: Facts) -> Iterator[str | None]:
    verdict = audit.verdict(facts.ctx.session)
    yield from verdict.broken
    yield f"{verdict.unsealed} events are not sealed" if verdict.unsealed else None


def _row(facts: Facts, row: Assessment) -> str:
    number = facts.ctx.session.get_one(Participant, row.participant_id).study_number
    return f"{number} {row.timepoint}"


CHECKS: dict[str, Callable[[Facts], Iterator[str | None]]] = {
    "the ledger balances: of every message it is known what became of it": _ledger,
    "what the providers took is what is written down, each message once": _provider,
    "nobody was written to after death, withdrawal, loss or during a pause": _stopped,
    "nothing went out at night, on weekends or holidays against the rules": _at_night,
    "nobody got two messages on one day": _once_a_day,
    "each message lay in its window as it then was, and before handing in": _in_window,
    "every expected row is accounted for": _expected,
    "every answer that was called saved is there, and every receipt": _answers,
    "the chain of the audit trail is whole": _trail,
}


def fingerprint(trial: Trial) -> str:
    """Return a digest of the whole course, free of random names: the same for the same seed."""
    with trial.runtime.reading(SETUP) as ctx:
        assessments = ctx.session.execute(
            select(
                Participant.study_number, Assessment.timepoint, Assessment.occurrence,
                Assessment.opens_on, Assessment.closes_on, Assessment.dropped_at,
                Assessment.started_at, Submission.submitted_at, Submission.late,
            )
            .join(Participant, Participant.id == Assessment.participant_id)
            .outerjoin(Submission, Submission.assessment_id == Assessment.id)
        ).all()  # fmt: skip
        reminders = ctx.session.execute(
            select(
                Participant.study_number, Assessment.timepoint, Reminder.step, Reminder.channel,
                Reminder.status, Reminder.why, Reminder.claimed_at, Reminder.attempts,
            )
            .join(Participant, Participant.id == Reminder.participant_id)
            .join(Assessment, Assessment.id == Reminder.assessment_id)
        ).all()  # fmt: skip
        answers = ctx.session.execute(
            select(Response.item, Response.value, func.count()).group_by(
                Response.item, Response.value
            )
        ).all()
    lines = sorted(repr(tuple(row)) for row in [*assessments, *reminders, *answers])
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
