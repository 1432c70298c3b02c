"""How fast due messages leave one worker when the provider takes 200 ms for each.

The provider is a mail server in a process of its own, on loopback, that waits 200 ms before it
says that it took a message. Measured from the tick that claims to the last outcome written, over
the worker's own code; a second worker thread pool or process is not used.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP
from sqlalchemy import func, select

from bench.saving import _runtime
from qol_app.db.migrate import migrate
from qol_app.db.tables import Delivery
from qol_app.delivery.smtp import Email, MailServer
from qol_app.services import definitions
from qol_app.services.composing import House
from qol_app.services.context import Actor
from qol_app.settings import ROOT
from qol_app.worker.jobs import Worker
from qol_app.worker.sending import Sender
from tests.crowd import crowd
from tests.postgres import NotInstalled, postgresql

WANTED, WITHIN_S, DELAY_S = 10_000, 300, 0.2
# A tenth is measured unless a number is given: python -m bench.sending 10000
SAMPLE = 1_000
BENCH = Actor.system("bench")


class Slow:
    """Takes every message, after a while."""

    async def handle_DATA(self, server, session, envelope):
        """Wait, then say that it was taken."""
        await asyncio.sleep(DELAY_S)
        return "250 2.0.0 taken"


def run(n: int = SAMPLE) -> Iterator[tuple[str, float | str, str]]:
    """Yield the seconds in which 10,000 messages leave, by what a sample took."""
    with tempfile.TemporaryDirectory() as folder:
        yield from measured("SQLite", f"sqlite:///{Path(folder) / 'qol.db'}", n)
    try:
        with postgresql() as url:
            yield from measured("PostgreSQL", url, n)
    except NotInstalled as error:
        yield "not run", "-", str(error)


def measured(engine: str, url: str, n: int) -> Iterator[tuple[str, float | str, str]]:
    """Yield the figure of one engine."""
    runtime = replace(_runtime(url), clock=at_noon)
    migrate(runtime.database)
    with runtime.writing(BENCH) as ctx:
        list(definitions.load(ctx, ROOT / "questionnaires", "breclim-2"))
    crowd(runtime, n)
    with mail_server() as where:
        channel = Email(MailServer.from_url(where, timeout_s=30), "qol@example.org")
        worker = Worker(Sender(runtime, House.of(runtime.settings), {"email": channel}))
        worker.heartbeat()
        before = time.perf_counter()
        worker.remind()
        took_s = time.perf_counter() - before
    with runtime.reading(BENCH) as ctx:
        taken = ctx.session.scalar(
            select(func.count()).select_from(Delivery).where(Delivery.status == "accepted")
        )
    assert taken == n, f"{taken} of {n} were handed over"
    runtime.database.close()
    name = f"seconds for 10,000 at 200 ms each, {engine} (by {n:,})"
    yield name, took_s * WANTED / n, f"<= {WITHIN_S}"


def at_noon() -> datetime:
    """Return noon of a working day, UTC: an hour at which messages may go."""
    return datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@contextmanager
def mail_server() -> Iterator[str]:
    """Yield the address of the slow mail server, in a process of its own."""
    command = [sys.executable, "-m", "bench.sending", "serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as one:
        assert one.stdin is not None and one.stdout is not None
        yield f"smtp://127.0.0.1:{int(one.stdout.readline())}"
        one.stdin.close()


def serve() -> None:
    """Be that server until the standard input is closed."""
    asyncio.run(_serve())


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Slow()), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        for line in run(int(sys.argv[1]) if sys.argv[1:] else SAMPLE):
            print(*line)
