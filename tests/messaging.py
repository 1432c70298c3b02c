"""Participants to be reminded, a provider that counts, and a worker that is ticked by hand."""

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from qol_app.db.tables import (
    Assessment,
    Delivery,
    Form,
    Participant,
    Reminder,
    Response,
    Submission,
    Task,
)
from qol_app.delivery.message import HandedOver, Message
from qol_app.runtime import Runtime
from qol_app.services import enrolment, events
from qol_app.services.composing import House
from qol_app.services.context import Actor, Context
from qol_app.services.identity import Identity
from qol_app.services.library import newest
from qol_app.services.reminders import sweep
from qol_app.worker.jobs import Worker
from qol_app.worker.sending import Sender
from tests.conftest import Clock

TESTS = Actor.system("tests")
EMAIL = "anna.canary@example.org"
PHONE = "+46701740605"


class Provider:
    """A channel that keeps what it takes and fails as told: ``fails(n)`` may return an error."""

    def __init__(
        self, fails: Callable[[int], Exception | None] = lambda n: None, delay_s: float = 0.0
    ) -> None:
        self.fails, self.delay_s = fails, delay_s
        self.taken: list[Message] = []
        self.calls = 0
        self.lock = threading.Lock()

    def send(self, message: Message) -> HandedOver:
        with self.lock:
            number, self.calls = self.calls, self.calls + 1
        time.sleep(self.delay_s)
        error = self.fails(number)
        if error is not None:
            raise error
        with self.lock:
            self.taken.append(message)
        return HandedOver(f"provider-{number}")

    @property
    def threads(self) -> Counter[str]:
        """How often each intent was taken; more than once is a duplicate."""
        return Counter(message.thread for message in self.taken)


def enrol(
    runtime: Runtime,
    number: str = "UME-001",
    *,
    language: str = "sv",
    site: str = "UME",
    person: Identity | None = None,
    consent_on: date | None = None,
    randomised_on: date | None = None,
) -> int:
    """Return the id of a new participant, by default consented today and reached by e-mail."""
    person = person or Identity(email=EMAIL)
    with runtime.writing(TESTS) as ctx:
        today = ctx.today("Europe/Stockholm")
        participant = enrolment.enrol(
            ctx, "breclim-2", number, site, language, person, consent_on=consent_on or today
        )
        if randomised_on:
            events.record(
                ctx, participant, "randomisation", randomised_on, {"arm": "A"}, confirmed=True
            )
        return participant.id


def happen(runtime: Runtime, participant_id: int, kind: str, on: date, **details: str) -> None:
    """Record an event of a participant."""
    with runtime.writing(TESTS) as ctx:
        participant = ctx.session.get_one(Participant, participant_id)
        events.record(ctx, participant, kind, on, details, confirmed=True)


def submit(runtime: Runtime, participant_id: int, timepoint: str = "T0") -> None:
    """Hand an assessment in, as far as reminders see it."""
    with runtime.writing(TESTS) as ctx:
        row = ctx.session.scalars(
            select(Assessment).where(
                Assessment.participant_id == participant_id, Assessment.timepoint == timepoint
            )
        ).one()
        row.started_at = row.started_at or ctx.now
        ctx.session.add(
            Submission(assessment_id=row.id, receipt=f"R{row.id}", submitted_at=ctx.now)
        )


def change(runtime: Runtime, participant_id: int, **values: object) -> None:
    """Change columns of a participant."""
    with runtime.writing(TESTS) as ctx:
        participant = ctx.session.get_one(Participant, participant_id)
        for name, value in values.items():
            setattr(participant, name, value)


def answer(runtime: Runtime, participant_id: int, items: dict[str, int]) -> None:
    """Begin T0 and answer the first so many items of each instrument with their lowest code."""
    with runtime.writing(TESTS) as ctx:
        row = ctx.session.scalars(
            select(Assessment).where(
                Assessment.participant_id == participant_id, Assessment.timepoint == "T0"
            )
        ).one()
        row.started_at = ctx.now
        for position, code in enumerate(row.instruments, start=1):
            definition = newest(ctx.session, "instrument", code)
            form = Form(
                assessment_id=row.id,
                instrument=code,
                position=position,
                instrument_id=definition.id,
                wording_id=newest(ctx.session, "wording", code, "en").id,
                language="en",
                started_at=ctx.now,
            )
            ctx.session.add(form)
            ctx.session.flush()
            known = ctx.library.instrument(ctx.session, definition.id).items
            for counter, item in enumerate(known[: items.get(code, 0)], start=1):
                ctx.session.add(
                    Response(
                        event_id=str(uuid.uuid4()),
                        form_id=form.id,
                        item=item.code,
                        status="ANSWERED",
                        value=item.first,
                        counter=counter,
                        recorded_at=ctx.now,
                    )
                )


def claim(worker: Worker) -> tuple[int, ...]:
    """Claim what is due and stop there, as a worker that dies or is slow would."""
    worker.heartbeat()
    assert worker.lease is not None
    with worker.sender.runtime.writing(TESTS) as ctx:
        return sweep(ctx, worker.lease, worker.sender.channels).claimed


def make_worker(runtime: Runtime, *, seed: int = 1, threads: int = 4, **channels: object) -> Worker:
    """Return a worker that sends by these channels; it has no lease until its heartbeat."""
    house = House.of(runtime.settings)
    return Worker(Sender(runtime, house, channels, threads, random.Random(seed)))  # type: ignore[arg-type]


def tick(worker: Worker) -> None:
    """Run every job that sends, once."""
    worker.heartbeat()
    worker.deliver()
    worker.remind()


def live(worker: Worker, clock: Clock, days: float, every_h: float | None = None) -> None:
    """Let time pass with a tick at each moment something may be due, or every so many hours."""
    end = clock.now + timedelta(days=days)
    while clock.now < end:
        step = timedelta(hours=every_h) if every_h else _next_due(worker, clock) - clock.now
        clock.now = min(clock.now + step, end)
        tick(worker)


def _next_due(worker: Worker, clock: Clock) -> datetime:
    with worker.sender.runtime.reading(TESTS) as ctx:
        moments = [
            ctx.session.scalar(select(func.min(Assessment.look_again_at))),
            ctx.session.scalar(
                select(func.min(Reminder.retry_at)).where(Reminder.status == "claimed")
            ),
        ]
    soonest = clock.now + timedelta(seconds=30)
    known = [max(moment, soonest) for moment in moments if moment]
    return min(known, default=clock.now + timedelta(days=1))


def reminders(runtime: Runtime) -> list[Reminder]:
    """Return every reminder, oldest first."""
    with runtime.reading(TESTS) as ctx:
        return list(ctx.session.scalars(select(Reminder).order_by(Reminder.id)))


def statuses(runtime: Runtime) -> dict[str, str]:
    """Return the status of each step, where there is one participant with one assessment."""
    return {reminder.step: reminder.status for reminder in reminders(runtime)}


def deliveries(runtime: Runtime) -> list[Delivery]:
    """Return every attempt, oldest first."""
    with runtime.reading(TESTS) as ctx:
        return list(ctx.session.scalars(select(Delivery).order_by(Delivery.id)))


def open_tasks(runtime: Runtime) -> list[str]:
    """Return the kinds of the open tasks."""
    with runtime.reading(TESTS) as ctx:
        query = select(Task.kind).where(Task.done_at.is_(None)).order_by(Task.kind)
        return list(ctx.session.scalars(query))


def only_participant(ctx: Context) -> Participant:
    """Return the participant, where there is one."""
    return ctx.session.scalars(select(Participant)).one()
