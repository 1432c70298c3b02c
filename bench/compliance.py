"""The compliance page's rows of 200 participants, against reading the same rows plainly."""

import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from qol_app.db.tables import Assessment, Form, Participant, ParticipantEvent, Submission
from qol_app.schedule.history import Event, History
from qol_app.schedule.plan import plan
from qol_app.services import compliance, worklist
from qol_app.services.context import Actor, Context
from qol_app.services.standing import people
from tests.bulk import Sketch, Study
from tests.conftest import Clock, fill_definitions, make_runtime, make_settings
from tests.staff_factories import TODAY

PARTICIPANTS = 200
TABLES = (Participant, ParticipantEvent, Assessment, Form, Submission)
TIMEPOINTS = [f"M{month}" for month in (3, 6, 9, 12, 18, 24, 30, 36)]


def run() -> Iterator[tuple[str, float, str]]:
    """Yield the ratio: list, grid and rates, against reading the rows they are made from."""
    with tempfile.TemporaryDirectory() as name:
        settings = make_settings(f"sqlite:///{name}/qol.db", Path(name))
        fill_definitions(settings)
        runtime = make_runtime(settings, Clock())
        with runtime.writing(Actor.system("bench")) as ctx:
            _write_study(ctx)
            ratio = _quickest(lambda: _whole(ctx)) / _quickest(lambda: _plain(ctx))
        runtime.database.close()
    yield "list, grid and rates of 200 x 15, against reading the rows", ratio, "<= 8"


def _write_study(ctx: Context) -> None:
    study, sketches = Study(ctx), []
    for number in range(PARTICIPANTS):
        start = TODAY - timedelta(days=200 + number)
        happened = [("consent", start), ("randomisation", start)]
        happened += [("progression", start + timedelta(days=60 * k)) for k in range(1, 6)]
        planned = plan(study.protocol, History(Event(kind, on) for kind, on in happened), "sv")
        answered = {
            one.timepoint: one.window.target
            for one in planned
            if one.window.target < TODAY and one.timepoint != "PD"
        }
        sketches.append(Sketch(happened, "AB"[number % 2], answered))
    study.write(sketches)


def _plain(ctx: Context) -> None:
    for table in TABLES:
        rows = ctx.session.connection().execute(select(table.__table__))
        assert [tuple(row) for row in rows]


def _whole(ctx: Context) -> None:
    ctx.session.expunge_all()
    persons = people(ctx)
    assert len(persons) == PARTICIPANTS
    worklist.worklist(ctx, persons)
    compliance.grid(persons)
    compliance.rates(persons, TIMEPOINTS)


def _quickest(work: Callable[[], None], times: int = 5) -> float:
    took = []
    for _ in range(times):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return min(took)
