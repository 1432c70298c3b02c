"""One simulated trial: the clock jumps from due moment to due moment until the years are over."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from qol_app.db.base import table_of
from qol_app.db.tables import Assessment, Reminder
from qol_app.definition.protocol import Protocol
from qol_app.delivery.message import Message
from qol_app.runtime import Runtime
from qol_app.services.composing import House
from qol_app.services.definitions import protocol_in_force
from qol_app.simulation.coordinators import Office, at_hour
from qol_app.simulation.lives import FIRST_DAY, YEAR, Life, draw
from qol_app.simulation.phones import Resident, answer
from qol_app.simulation.world import SETUP, Agenda, Clock, Provider
from qol_app.worker.jobs import JOBS, Job, Worker
from qol_app.worker.sending import Sender

DAY, QUARTER = timedelta(days=1), timedelta(days=91)
JOBS_BY_NAME = {job.name: job for job in JOBS}
# Hourly in life, and found nothing to do by then: here less often, and all at the end.
SLOWER = {"ledger": timedelta(days=30), "housekeeping": timedelta(days=1)}
WEIGH_WHOLE_EVERY = timedelta(days=365)
# What is not as in life; said with every result.
DIFFERS = (
    "the clock jumps, the worker's lease goes on meanwhile",
    "the ledger is weighed each month, and whole each year and at the end, not each hour and day",
    "housekeeping is done each day, not each hour",
    "PINs are hashed cheaply",
    "one thread sends",
)

_row, _reminder = table_of(Assessment), table_of(Reminder)
_DUE = select(
    select(func.min(_row.c.look_again_at))
    .where(_row.c.look_again_at.is_not(None))  # as its index says
    .scalar_subquery()
    .label("look"),
    select(func.min(_reminder.c.retry_at))
    .where(_reminder.c.status == "claimed")
    .scalar_subquery()
    .label("retry"),
)


@dataclass
class Trial:
    """A trial under way; ``live`` yields the clock after each moment that was lived."""

    runtime: Runtime
    clock: Clock
    years: float
    seed: int
    participants: int
    protocol: Protocol
    agenda: Agenda = field(default_factory=Agenda)
    residents: dict[int, Resident] = field(default_factory=dict)
    by_address: dict[str, Resident] = field(default_factory=dict)
    providers: dict[str, Provider] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    # Every address that is bad from the start, shared with the providers.
    bad: set[str] = field(default_factory=set)
    _ran: dict[str, datetime] = field(default_factory=dict)

    @classmethod
    def prepared(
        cls, runtime: Runtime, clock: Clock, participants: int, years: float, seed: int
    ) -> "Trial":
        """Return a trial that is about to begin: lives drawn, agenda and worker ready."""
        with runtime.reading(SETUP) as ctx:
            protocol = protocol_in_force(ctx, runtime.settings.protocol)[1]
        trial = cls(runtime, clock, years, seed, participants, protocol)
        trial.providers = {
            name: Provider(clock, f"{name}-{seed}", trial.message_arrived, trial.bad)
            for name in ("email", "sms")
        }
        trial.office = Office(runtime, protocol.code, trial.agenda.add, trial.bad)
        house = House.of(runtime.settings)
        sender = Sender(runtime, house, trial.providers, 1, random.Random(f"worker-{seed}"))
        # Its heart beats on while the clock jumps, so the lease outlives every jump.
        life = timedelta(days=years * YEAR + 1)
        trial.worker = Worker(
            sender, holder="simulated", life=life, weigh_whole_every=WEIGH_WHOLE_EVERY
        )
        for number in range(1, participants + 1):
            trial.expect(draw(protocol, seed, number, years))
        return trial

    office: Office = field(init=False)
    worker: Worker = field(init=False)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the trial's sites."""
        return ZoneInfo(self.protocol.timezone)

    @property
    def ends_at(self) -> datetime:
        """The moment at which the years are over."""
        return at_hour(FIRST_DAY + timedelta(days=int(self.years * YEAR)), 0, self.zone)

    # --- what people will do -----------------------------------------------------------

    def expect(self, life: Life) -> None:
        """Put down in the agenda what is known beforehand of one participant."""
        one = Resident(life, random.Random(f"habits-{self.seed}-{life.number}"))
        one.email, one.phone = f"p{life.number}@example.org", f"+4670174{life.number:04d}"
        if one.chance.random() < 0.03:
            self.bad.add(one.email)
        hour = one.chance.uniform(8, 16)
        self.agenda.add(at_hour(life.consent_on, hour, self.zone), partial(self._enrol, one))
        for happening in life.happenings:
            self._put(happening.told_on, one, partial(self.office.record, one, happening))
        if life.stops_messages_on:
            self._put(life.stops_messages_on, one, partial(self.office.stop_messages, one))

    def _put(self, day: date, one: Resident, action: Callable[[], None]) -> None:
        at = at_hour(day, one.chance.uniform(8, 17), self.zone)
        consent = at_hour(one.life.consent_on, 17, self.zone)
        self.agenda.add(max(at, consent), action)

    def _enrol(self, one: Resident) -> None:
        self.office.enrol(one)
        self.residents[one.participant_id] = one
        self.by_address |= {one.email: one, one.phone: one}
        if one.chance.random() < 0.5:  # the first questionnaire is answered at the visit
            self._will_answer(one, one.token, 0.5)

    def message_arrived(self, message: Message) -> None:
        """Let the person decide whether to answer, and when."""
        one = self.by_address.get(message.to)
        if one is None:  # the numbers that a site is sent in the morning
            self.counts["digests"] += 1
            return
        self.counts["messages"] += 1
        if one.chance.random() < one.life.diligence:
            token = message.link.rstrip("/").rsplit("/", 1)[-1]
            self._will_answer(one, token, one.chance.expovariate(1 / one.life.slowness_h))

    def _will_answer(self, one: Resident, token: str, hours: float) -> None:
        def do() -> None:
            left = one.life.leaves_on
            if left is None or self.clock.now.astimezone(self.zone).date() < left:
                self.counts["sittings"] += 1
                answer(self.runtime, one, token)

        self.agenda.add(self.clock.now + timedelta(hours=hours), do)

    # --- time ------------------------------------------------------------------------------

    def live(self) -> Iterator[datetime]:
        """Live through the years; yield the moment after each that was lived."""
        self.agenda.add(self._next_morning(), self._morning)
        self.agenda.add(at_hour(FIRST_DAY + QUARTER, 14, self.zone), self._quarter)
        while (at := self._next_moment()) < self.ends_at:
            self.clock.move_to(at)
            while self.agenda.next_at is not None and self.agenda.next_at <= self.clock.now:
                self.agenda.take()()
                self.clock.move_to(self.clock.now)
            self.tick()
            yield self.clock.now
        self.clock.move_to(self.ends_at)
        self._ran.clear()
        self.tick()
        yield self.clock.now

    def tick(self) -> None:
        """Run every job of the worker whose interval has passed, as its scheduler would."""
        self.counts["ticks"] += 1
        for job in JOBS:
            if self.clock.now >= self._runs_again_at(job):
                job.run(self.worker)
                self._ran[job.name] = self.clock.now

    def _runs_again_at(self, job: Job) -> datetime:
        last = self._ran.get(job.name)
        return self.clock.now if last is None else last + SLOWER.get(job.name, job.every)

    def _next_moment(self) -> datetime:
        """Return the next moment at which anything can happen of itself or by somebody.

        What is due waits for the next run of the job that sees to it, as in life.
        """
        due = self.runtime.database.look(_DUE, {})[0]
        by_itself = [
            max(at, self._runs_again_at(JOBS_BY_NAME[job]))
            for at, job in ((due.look, "reminders"), (due.retry, "deliveries"))
            if at is not None
        ]
        somebody = [] if self.agenda.next_at is None else [self.agenda.next_at]
        return min([*by_itself, *somebody], default=self.ends_at)

    def _next_morning(self) -> datetime:
        day = self.clock.now.astimezone(self.zone).date() + DAY
        while day.weekday() > 4:
            day += DAY
        return at_hour(day, 9.25, self.zone)

    def _morning(self) -> None:
        for one in self.office.morning(self.residents):
            self._will_answer(one, one.token, one.chance.uniform(1, 72))
        self.by_address |= {one.email: one for one in self.residents.values()}
        self.agenda.add(self._next_morning(), self._morning)

    def _quarter(self) -> None:
        self.office.quarter(self.residents)
        self.agenda.add(self.clock.now + QUARTER, self._quarter)
