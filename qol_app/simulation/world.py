"""What surrounds a simulated trial: a moved clock, an agenda, providers that misbehave."""

import heapq
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from argon2 import PasswordHasher

from qol_app.crypto import Hasher, Vault
from qol_app.db.engine import Database
from qol_app.db.migrate import migrate
from qol_app.delivery.errors import TryAgainLater, Uncertain, Undeliverable
from qol_app.delivery.message import HandedOver, Message
from qol_app.runtime import Runtime
from qol_app.services import definitions
from qol_app.services.context import Actor
from qol_app.services.library import Library
from qol_app.settings import Settings, fresh_settings, load_settings

SETUP = Actor.system("simulation")
SECOND = timedelta(seconds=1)


class Clock:
    """The time of the simulated world: it only ever goes forward, from moment to moment."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move_to(self, at: datetime) -> None:
        """Go on to a moment; to the next second if it has come already."""
        self.now = max(at, self.now + SECOND)


@dataclass
class Agenda:
    """What people will do, by the moment at which they do it."""

    _heap: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def add(self, at: datetime, action: Callable[[], None]) -> None:
        """Put an action down; of two at one moment the one put down first comes first."""
        heapq.heappush(self._heap, (at, next(self._numbers), action))

    @property
    def next_at(self) -> datetime | None:
        """When the next action is due, if there is any."""
        return self._heap[0][0] if self._heap else None

    def take(self) -> Callable[[], None]:
        """Return the next action, and forget it."""
        return heapq.heappop(self._heap)[2]


@dataclass
class Provider:
    """A channel that now and then is busy, breaks off, or knows of no such address.

    ``taken`` lists what it certainly took: moment, thread of the message, address.
    """

    clock: Clock
    seed: str
    arrived: Callable[[Message], None]
    bad: set[str] = field(default_factory=set)
    taken: list[tuple[datetime, str, str]] = field(default_factory=list)
    _calls: Iterator[int] = field(default_factory=count)

    def send(self, message: Message) -> HandedOver:
        """Take a message, or fail in one of the ways channels promise."""
        chance = random.Random(f"{self.seed}-{next(self._calls)}").random()
        if message.to in self.bad:
            raise Undeliverable("recipient: 550 5.1.1")
        if chance < 0.02:
            raise TryAgainLater("451 4.3.0 busy")
        self.taken.append((self.clock.now, message.thread, message.to))
        if chance < 0.023:  # it took the message, and the line broke before it said so
            raise Uncertain("no answer after the message")
        self.arrived(message)
        return HandedOver(f"{self.seed}-{len(self.taken)}")


@contextmanager
def installation(
    folder: Path, clock: Clock, protocol: str, questionnaires: Path
) -> Iterator[Runtime]:
    """Yield an installation of its own in a folder, migrated, with the definitions loaded.

    It is like any other but for the cost of a PIN's hash, which is kept low: hundreds of
    people sign in thousands of times, and the time that takes on purpose shows nothing here.
    """
    settings = _settings(folder, protocol, questionnaires)
    runtime = Runtime(
        settings=settings,
        database=Database(settings.database_url),
        vault=Vault(settings.field_keys),
        hasher=Hasher(settings.pepper, PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)),
        library=Library(),
        clock=clock,
    )
    try:
        migrate(runtime.database)
        with runtime.writing(SETUP) as ctx:
            list(definitions.load(ctx, questionnaires, protocol))
        runtime.check()
        yield runtime
    finally:
        runtime.database.close()


def _settings(folder: Path, protocol: str, questionnaires: Path) -> Settings:
    path = folder / "settings.env"
    path.write_text(
        fresh_settings(
            BASE_URL="https://simulation.example.org",
            MAIL_FROM="simulation@example.org",
            PROTOCOL=protocol,
            QUESTIONNAIRES=str(questionnaires),
        )
    )
    return load_settings({"QOL_SETTINGS": str(path)})
