"""Saving one answer over HTTP, against the least that the same stack could do.

The floor is one Flask view, one insert, one durable commit. Both are served by waitress in a
process of their own, on the same database server or disk, and asked in turns over the same
eight connections, so that whatever else the machine does hits both.
"""

import contextlib
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from http.cookies import SimpleCookie
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from qol_app.db.migrate import migrate
from qol_app.db.tables import Participant
from qol_app.runtime import Runtime, open_runtime
from qol_app.services import access, answers, definitions, enrolment, events, planning
from qol_app.services.context import Actor
from qol_app.services.identity import Identity
from qol_app.settings import ROOT, Settings
from tests.postgres import NotInstalled, postgresql

CONNECTIONS = 8
ROUNDS, ROUND_S, WARM_UP_S = 7, 2.0, 1.5
THREADS = 8
TARGET = ">= 0.50"
PIN = "270413"
KEY = bytes(range(7, 39))
ITEMS = [f"q{number}" for number in range(1, 29)]


def run() -> Iterator[tuple[str, float | str, str]]:
    """Yield, for each database, our throughput divided by the floor's, and both figures."""
    for engine, database in (("SQLite", _sqlite), ("PostgreSQL", _postgresql)):
        name = f"{engine}, {CONNECTIONS} connections, answers per second over the floor's"
        try:
            with database() as url:
                ours, floor = measure(url)
        except NotInstalled as error:
            yield name, f"not run: {error}", TARGET
            continue
        ratio = statistics.median(a / b for a, b in zip(ours, floor, strict=True))
        yield name, ratio, TARGET
        yield f"{engine}, ours, answers/s", statistics.median(ours), "-"
        yield f"{engine}, floor, inserts/s", statistics.median(floor), "-"


@contextlib.contextmanager
def _sqlite() -> Iterator[str]:
    # On the disk the program itself lies on: a database in memory would know no fsync.
    with tempfile.TemporaryDirectory(dir=ROOT, prefix=".bench-") as folder:
        yield f"sqlite:///{folder}/qol.db"


@contextlib.contextmanager
def _postgresql() -> Iterator[str]:
    with postgresql() as url:
        server = create_engine(url, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text("CREATE DATABASE bench"))
        server.dispose()
        yield make_url(url).set(database="bench").render_as_string(hide_password=False)


def measure(url: str) -> tuple[list[float], list[float]]:
    """Return answers and inserts per second, round by round, each pair taken side by side."""
    links = _people(url)
    with _server("ours", url) as ours_port, _server("floor", url) as floor_port:
        ours = [_Saver(ours_port, token) for token in links]
        floor = [_Inserter(floor_port) for _ in links]
        for clients in (ours, floor):
            _throughput(clients, WARM_UP_S)
        pairs = [(_throughput(ours, ROUND_S), _throughput(floor, ROUND_S)) for _ in range(ROUNDS)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _throughput(clients: "list[_Client]", seconds: float) -> float:
    until = time.perf_counter() + seconds
    counts = [0] * len(clients)

    def work(place: int) -> None:
        while time.perf_counter() < until:
            clients[place].send()
            counts[place] += 1

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(clients))]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - begun)


# --- who sends ---------------------------------------------------------------------------------


@dataclass
class _Client:
    """One connection that stays open."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    path: str = "/"
    count: int = 0

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def ask(self, method: str, path: str, body: str = "", kind: str = "") -> tuple[int, str, str]:
        """Return status, location and text of one request."""
        headers = {**self.headers, **({"Content-Type": kind} if kind else {})}
        if self.cookies:
            pairs = (f"{name}={value}" for name, value in self.cookies.items())
            headers["Cookie"] = "; ".join(pairs)
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        for line in response.headers.get_all("Set-Cookie") or ():
            self.cookies.update({name: one.value for name, one in SimpleCookie(line).items()})
        return response.status, response.headers.get("Location", ""), response.read().decode()

    def send(self) -> None:
        """Send one answer and demand that it is stored."""
        self.count += 1
        body = json.dumps(self.body(self.count))
        status, _, reply = self.ask("POST", self.path, body, "application/json")
        if status != 200:
            raise RuntimeError(f"saving: found status {status} {reply[:200]}; wanted 200")

    def body(self, count: int) -> dict[str, object]:
        """Return an answer as a phone sends it."""
        return {
            "instrument": "qlq-c30",
            "item": ITEMS[count % len(ITEMS)],
            "status": "ANSWERED",
            "value": count % 4 + 1,
            "event_id": str(uuid.uuid4()),
            "counter": count,
            "base": "",
            "client_at": "2026-11-23T09:00:00.000Z",
            "shown_at": "2026-11-23T09:00:00.000Z",
        }


class _Inserter(_Client):
    """Sends the same body to the floor."""


class _Saver(_Client):
    """A participant who has signed in and opened the questionnaire."""

    def __init__(self, port: int, token: str) -> None:
        super().__init__(port)
        page = self.ask("GET", f"/a/{token}")[2]
        token_field = _between(page, 'name="csrf_token" value="')
        form = f"csrf_token={token_field}&pin={PIN}"
        kind = "application/x-www-form-urlencoded"
        if self.ask("POST", f"/a/{token}", form, kind)[1] != "/home":
            raise RuntimeError("saving: the link and PIN of the bench did not open")
        home = self.ask("GET", "/home")[2]
        self.path = f"/q/{_between(home, '/q/').partition('/')[0]}/answers"
        self.headers = {"X-Requested-With": "qol"}


def _between(page: str, before: str) -> str:
    return page.split(before, 1)[1].partition('"')[0]


# --- what is asked -------------------------------------------------------------------------------


def _people(url: str) -> list[str]:
    """Fill the database with one participant per connection; return their links."""
    runtime = _runtime(url)
    migrate(runtime.database)
    with runtime.writing(Actor.system("bench")) as ctx:
        list(definitions.load(ctx, ROOT / "questionnaires", "breclim-2"))
        links = []
        for number in range(CONNECTIONS):
            randomised = date.today() - timedelta(days=91)  # noqa: DTZ011 - any day will do
            person = Identity(email=f"p{number}@example.org")
            one = enrolment.enrol(
                ctx, "breclim-2", f"UME-{number:03d}", "UME", "en", person,
                consent_on=randomised - timedelta(days=8),
            )  # fmt: skip
            events.record(ctx, one, "randomisation", randomised, {"arm": "A"}, confirmed=True)
            _open(ctx, one)
            access.set_pin(ctx, one, PIN)
            links.append(access.issue_link(ctx, one))
    runtime.database.close()
    return links


def _open(ctx, participant: Participant) -> None:  # type: ignore[no-untyped-def]
    for row in planning.assessments_of(ctx, participant.id):
        if answers.may_answer(ctx, participant, row) and row.timepoint == "M3":
            answers.open_assessment(ctx, participant, row)


def _runtime(url: str) -> Runtime:
    return open_runtime(
        Settings(
            database_url=url,
            base_url="http://127.0.0.1",
            secret_key="only-for-the-bench-" + "k" * 40,
            pepper=KEY,
            field_keys={"k1": KEY},
            instance=Path(tempfile.gettempdir()),
        )
    )


@contextlib.contextmanager
def _server(what: str, url: str) -> Iterator[int]:
    command = [sys.executable, "-m", "bench.saving_servers", what, url]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    for line in run():
        print(*line, flush=True)
