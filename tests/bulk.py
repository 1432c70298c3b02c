"""Many participants at once, with plans and answers, written straight into the tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import count

from sqlalchemy import insert

from qol_app.crypto import public_id
from qol_app.db.tables import (
    Assessment,
    Base,
    Form,
    Participant,
    ParticipantEvent,
    Response,
    Site,
    Submission,
)
from qol_app.schedule.history import Event, History
from qol_app.schedule.plan import PlannedAssessment, plan
from qol_app.services.context import Context
from qol_app.services.definitions import protocol_in_force
from qol_app.services.library import newest
from tests.staff_factories import ALL_FOUR, PROTOCOL, noon

# Out of the way of the numbers a database gives by itself.
FIRST = 100_000
# In the order in which rows refer to one another.
TABLES = (Participant, ParticipantEvent, Assessment, Form, Response, Submission)


@dataclass(frozen=True)
class Sketch:
    """One participant: what happened, and on which days which timepoints were answered."""

    events: Sequence[tuple[str, date]]
    arm: str = "A"
    answered: Mapping[str, date] = field(default_factory=dict)


class Study:
    """Rows of many sketches, gathered and then written together."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.rows: dict[type[Base], list[dict[str, object]]] = {table: [] for table in TABLES}
        self.protocol_id, self.protocol = protocol_in_force(ctx, PROTOCOL)
        self.instrument = newest(ctx.session, "instrument", "qlq-c30").id
        self.wording = newest(ctx.session, "wording", "qlq-c30", "sv").id
        self.sites = [site.id for site in ctx.session.query(Site).order_by(Site.id)]
        self._numbers = {table: count(FIRST) for table in TABLES}

    def write(self, sketches: Sequence[Sketch]) -> None:
        """Write all of them."""
        for number, sketch in enumerate(sketches):
            self._participant(number, sketch)
        for table in TABLES:
            if self.rows[table]:
                self.ctx.session.execute(insert(table), self.rows[table])

    def _add(self, table: type[Base], **values: object) -> int:
        number = next(self._numbers[table])
        self.rows[table].append({"id": number, **values})
        return number

    def _participant(self, number: int, sketch: Sketch) -> None:
        pid = self._add(
            Participant,
            public_id=public_id(),
            study_number=f"BIG-{number:04d}",
            site_id=self.sites[number % len(self.sites)],
            protocol_id=self.protocol_id,
            language="sv",
            timezone="Europe/Stockholm",
            identity_ref=public_id(),
            enrolled_at=self.ctx.now,
        )
        details = {"randomisation": {"arm": sketch.arm}}
        happened = [Event(kind, on, details.get(kind, {})) for kind, on in sketch.events]
        for one in happened:
            self._add(
                ParticipantEvent,
                participant_id=pid,
                kind=one.kind,
                happened_on=one.on,
                details=dict(one.details),
                recorded_at=self.ctx.now,
            )
        for planned in plan(self.protocol, History(happened), "sv"):
            self._assessment(pid, planned, sketch.answered.get(planned.timepoint))

    def _assessment(self, pid: int, planned: PlannedAssessment, answered: date | None) -> None:
        window = planned.window
        aid = self._add(
            Assessment,
            public_id=public_id(),
            participant_id=pid,
            protocol_id=self.protocol_id,
            timepoint=planned.timepoint,
            occurrence=planned.occurrence,
            package=planned.package,
            instruments=list(planned.instruments),
            anchor_on=planned.anchor_on,
            opens_on=window.opens,
            target_on=window.target,
            closes_on=window.closes,
            late_until=window.late_until,
            planned_at=self.ctx.now,
            started_at=noon(answered) if answered else None,
        )
        if answered:
            self.answer(aid, answered)
            self.rows[Submission].append(
                {"assessment_id": aid, "receipt": public_id(), "submitted_at": noon(answered)}
            )

    def answer(self, aid: int, on: date) -> None:
        """Answer the first questionnaire; who wants other answers overrides it."""
        self.form(aid, on, "qlq-c30", 0, (self.instrument, self.wording), ALL_FOUR)

    def form(
        self,
        aid: int,
        on: date,
        instrument: str,
        position: int,
        definitions: tuple[int, int],
        answers: Mapping[str, int],
    ) -> None:
        """Add one questionnaire with its answers; ``definitions`` are instrument and wording."""
        form = self._add(
            Form,
            assessment_id=aid,
            instrument=instrument,
            position=position,
            instrument_id=definitions[0],
            wording_id=definitions[1],
            language="sv",
            started_at=noon(on),
        )
        for item, value in answers.items():
            self._add(
                Response,
                event_id=f"{form}-{item}",
                form_id=form,
                item=item,
                status="ANSWERED",
                value=value,
                counter=1,
                recorded_at=noon(on),
            )
