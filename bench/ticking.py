"""What a tick of the reminder worker costs as the study grows, on PostgreSQL.

Most ticks find nothing due: such a one should cost hardly more than any single indexed
query through the same code. When something is due, the cost should follow what is due and
not what is on file.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from sqlalchemy import select, text, update

from bench.saving import _runtime
from qol_app.db.migrate import migrate
from qol_app.db.tables import Assessment
from qol_app.delivery.message import HandedOver, Message
from qol_app.runtime import Runtime
from qol_app.services import definitions, reminders
from qol_app.services.composing import House
from qol_app.services.context import Actor
from qol_app.settings import ROOT
from qol_app.worker.jobs import Worker
from qol_app.worker.sending import Sender
from tests.postgres import NotInstalled, postgresql

ON_FILE = (10_000, 100_000, 1_000_000)
EACH = 10  # assessments of one participant
DUE, FEW = 1_000, 100
BENCH = Actor.system("bench")
FILL = Path(__file__).with_name("ticking.sql")


class Nowhere:
    """A channel that is never reached: only claiming is measured."""

    def send(self, message: Message) -> HandedOver:
        """Refuse; a benchmark that comes here measures the wrong thing."""
        raise AssertionError("nothing is sent here")


def run() -> Iterator[tuple[str, float | str, str]]:
    """Yield the cost of an idle tick over that of one indexed query, and what is due over it."""
    try:
        with postgresql() as url:
            yield from measured(replace(_runtime(url), clock=at_noon))
    except NotInstalled as error:
        yield "not run", "-", str(error)


def at_noon() -> datetime:
    """Return noon of today, UTC: an hour at which messages may go, whenever this runs."""
    return datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


def measured(runtime: Runtime) -> Iterator[tuple[str, float | str, str]]:
    """Yield every figure of one database, which is filled on the way."""
    migrate(runtime.database)
    with runtime.writing(BENCH) as ctx:
        list(definitions.load(ctx, ROOT / "questionnaires", "breclim-2"))
    worker = Worker(Sender(runtime, House.of(runtime.settings), {"email": Nowhere()}))
    before, claiming = 0, {}
    for on_file in ON_FILE:
        fill(runtime, before // EACH + 1, on_file // EACH)
        before = on_file
        worker.heartbeat()
        last = on_file == ON_FILE[-1]
        wanted = "<= 2.0" if last else "none"
        yield f"none due, {on_file:,} on file, over one indexed query", idle(worker), wanted
        claiming[on_file] = min(claim_s(runtime, worker, DUE) for _ in range(3))
        yield f"{DUE:,} due, {on_file:,} on file, ms", 1000 * claiming[on_file], "none"
    growth = claiming[ON_FILE[-1]] / claiming[ON_FILE[0]]
    yield f"{DUE:,} due, {ON_FILE[-1]:,} on file over {ON_FILE[0]:,}", growth, "<= 1.5"
    few = min(claim_s(runtime, worker, FEW) for _ in range(3))
    yield (
        f"{DUE:,} due over {FEW} due, {ON_FILE[-1]:,} on file",
        claiming[ON_FILE[-1]] / few,
        "<= 12",
    )


def fill(runtime: Runtime, first: int, last: int) -> None:
    """Put participants on file, each with ten assessments, none of them due."""
    with runtime.database.engine.begin() as connection:
        for statement in FILL.read_text().split(";\n"):
            if statement.strip():
                connection.execute(text(statement), {"first": first, "last": last})
    with runtime.database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))


def idle(worker: Worker, rounds: int = 400) -> float:
    """Return what the reminder job costs with nothing due, over one look-up by an index."""
    runtime, chance = worker.sender.runtime, random.Random(1)

    def look_up() -> None:
        with runtime.reading(BENCH) as ctx:
            query = select(Assessment.id, Assessment.participant_id)
            assert ctx.session.execute(
                query.where(Assessment.id == chance.randint(1, 10_000))
            ).all()

    times: dict[Callable[[], None], list[float]] = {worker.remind: [], look_up: []}
    for _ in range(rounds):
        for job, spent in times.items():  # side by side, so that both see the same machine
            begun = time.perf_counter()
            job()
            spent.append(time.perf_counter() - begun)
    tick, single = (median(spent[rounds // 10 :]) for spent in times.values())
    return tick / single


class TakeBack(Exception):
    """Ends a transaction so that nothing of it stays."""


def claim_s(runtime: Runtime, worker: Worker, due: int) -> float:
    """Return how many seconds it takes to claim what is due; it is taken back afterwards."""
    worker.heartbeat()
    assert worker.lease is not None
    with suppress(TakeBack), runtime.writing(BENCH) as ctx:
        ids = select(Assessment.id).where(Assessment.timepoint == "W6").limit(due)
        look = update(Assessment).where(Assessment.id.in_(ids.order_by(Assessment.id)))
        late = ctx.now - timedelta(minutes=1)
        ctx.session.execute(
            look.values(look_again_at=late).execution_options(synchronize_session=False)
        )
        begun, claimed, more = time.perf_counter(), 0, True
        while more:
            swept = reminders.sweep(ctx, worker.lease, worker.sender.channels)
            claimed, more = claimed + len(swept.claimed), swept.more
        spent = time.perf_counter() - begun
        assert claimed == due, f"claimed {claimed} of {due}"
        raise TakeBack
    return spent
