"""What staff do in a simulated trial: enrol, record events, call, explain, correct."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from qol_app.db.tables import Assessment, Participant, ParticipantEvent, Task
from qol_app.errors import NotAllowed
from qol_app.runtime import Runtime
from qol_app.schedule.status import AssessmentState
from qol_app.services import access, enrolment, events, follow_up, identity, standing, stopping
from qol_app.services.context import Actor, Context
from qol_app.services.identity import Identity
from qol_app.simulation.lives import Happening
from qol_app.simulation.phones import Resident

STAFF = Actor("system:simulated-staff", "coordinator", None)
REASONS = ("too_ill", "refused_this_time", "not_reached", "unknown")
CORRECTED_AFTER = timedelta(days=20)
_OPEN_TASKS = select(Task).where(Task.done_at.is_(None)).order_by(Task.id)


def at_hour(day: date, hour: float, zone: ZoneInfo) -> datetime:
    """Return the instant of an hour of a local day."""
    return datetime.combine(day, time(int(hour), int(hour % 1 * 60)), zone).astimezone(UTC)


@dataclass
class Office:
    """The staff of all sites; ``later`` puts down what they will do at some other moment."""

    runtime: Runtime
    protocol: str
    later: Callable[[datetime, Callable[[], None]], None]
    bad_addresses: set[str]
    refused: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)

    def enrol(self, one: Resident) -> None:
        """Take somebody in who has consented today; hand over link and PIN."""
        life = one.life
        with self.runtime.writing(STAFF) as ctx:
            person = Identity(phone=one.phone, email=None if life.by_sms else one.email)
            row = enrolment.enrol(
                ctx,
                self.protocol,
                life.study_number,
                life.site,
                life.language,
                person,
                consent_on=life.consent_on,
            )
            row.contact_hour = life.own_hour
            one.participant_id = row.id
            one.pin = access.set_pin(ctx, row)
            one.token = access.issue_link(ctx, row)
        self.done["enrolled"] += 1

    def record(self, one: Resident, what: Happening) -> None:
        """Record an event, mis-dated if that is how it went, and correct it some weeks later."""
        wrong = timedelta(days=what.wrong_by)
        on = what.on - wrong if what.kind != "consent" else what.on
        with self.runtime.writing(STAFF) as ctx:
            participant = ctx.session.get_one(Participant, one.participant_id)
            try:
                events.record(ctx, participant, what.kind, on, what.details, confirmed=True)
            except NotAllowed as error:
                self.refused[f"{what.kind}: {_kind_of(error)}"] += 1
                return
        self.done[f"event {what.kind}"] += 1
        after = self.runtime.clock() + CORRECTED_AFTER
        if what.retracted:
            self.later(after, lambda: self._retract(one, what.kind, on))
        elif wrong:
            self.later(after, lambda: self._correct(one, what, on))

    def _correct(self, one: Resident, what: Happening, recorded_on: date) -> None:
        with self.runtime.writing(STAFF) as ctx:
            participant, row = self._recorded(ctx, one, what.kind, recorded_on)
            events.preview(ctx, participant, what.kind, what.on, what.details, correcting=row.id)
            try:
                events.correct(
                    ctx, participant, row.id, what.on, what.details, "wrong day", confirmed=True
                )
            except NotAllowed as error:
                self.refused[f"correct {what.kind}: {_kind_of(error)}"] += 1
                return
        self.done["corrected"] += 1

    def _retract(self, one: Resident, kind: str, recorded_on: date) -> None:
        with self.runtime.writing(STAFF) as ctx:
            participant, row = self._recorded(ctx, one, kind, recorded_on)
            events.retract(ctx, participant, row.id, "another person's")
        self.done["retracted"] += 1

    @staticmethod
    def _recorded(
        ctx: Context, one: Resident, kind: str, on: date
    ) -> tuple[Participant, ParticipantEvent]:
        participant = ctx.session.get_one(Participant, one.participant_id)
        standing_ones = events.standing_events(ctx, participant)
        return participant, next(e for e in standing_ones if (e.kind, e.happened_on) == (kind, on))

    def stop_messages(self, one: Resident) -> None:
        """Do as a participant asked who answered a message with STOP."""
        with self.runtime.writing(STAFF) as ctx:
            stopping.stop(ctx, ctx.session.get_one(Participant, one.participant_id), "sms")
        self.done["stopped messages"] += 1

    def morning(self, residents: dict[int, Resident]) -> list[Resident]:
        """Work through the open tasks; return who was reached and promised to answer."""
        promised = []
        with self.runtime.writing(STAFF) as ctx:
            for task in ctx.session.scalars(_OPEN_TASKS):
                one = residents[task.participant_id]
                participant = ctx.session.get_one(Participant, task.participant_id)
                if self._work(ctx, participant, one, task):
                    promised.append(one)
        return promised

    def _work(self, ctx: Context, participant: Participant, one: Resident, task: Task) -> bool:
        """Do one task; return whether the person was reached and will answer."""
        self.done[f"task {task.kind}"] += 1
        if task.kind in ("bad_email", "bad_sms"):
            self.bad_addresses.discard(one.email if task.kind == "bad_email" else one.phone)
            one.email = f"new-{one.email}"
            identity.change(ctx, participant, Identity(phone=one.phone, email=one.email))
        alive = one.life.leaves_on is None or ctx.today(participant.timezone) < one.life.leaves_on
        reached = alive and one.chance.random() < 0.7
        outcome = "reached_will_answer" if reached else "no_answer"
        row = ctx.session.get(Assessment, task.assessment_id) if task.assessment_id else None
        follow_up.log_attempt(ctx, participant, "phone", outcome, row)
        follow_up.finish_task(ctx, participant, task.id, outcome.replace("_", " "))
        return reached

    def quarter(self, residents: dict[int, Resident]) -> None:
        """Say of most empty closed questionnaires why they are empty."""
        with self.runtime.writing(STAFF) as ctx:
            for person in standing.people(ctx):
                participant = ctx.session.get_one(Participant, person.id)
                for assessment, reason in _unexplained(person, residents[person.id]):
                    row = ctx.session.get_one(Assessment, assessment)
                    follow_up.give_reason(ctx, participant, row, reason)
                    self.done["explained"] += 1


def _unexplained(person: standing.Person, one: Resident) -> Iterator[tuple[int, str]]:
    for each in person.standings:
        silent = each.state is AssessmentState.MISSED and person.today > each.window.late_until
        if silent and one.chance.random() < 0.7:
            yield each.id, each.proposed_reason or one.chance.choice(REASONS)


def _kind_of(error: NotAllowed) -> str:
    """Return a refusal without its dates, so that refusals can be counted."""
    words = str(error).partition(":")[2].split()
    return " ".join(word for word in words if not word[:1].isdigit())[:50]
