"""One running installation: its settings, database, keys, definitions and clock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from qol_app.crypto import Hasher, Vault
from qol_app.db.append_only import check_triggers
from qol_app.db.engine import Database, check_durability
from qol_app.db.migrate import check_schema
from qol_app.db.tables import APPEND_ONLY
from qol_app.services.context import Actor, Context
from qol_app.services.library import Library
from qol_app.settings import Settings

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return this instant, aware and in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Runtime:
    """What the edges (web, worker, commands) need to open a unit of work."""

    settings: Settings
    database: Database
    vault: Vault
    hasher: Hasher
    library: Library
    clock: Clock = utc_now

    @contextmanager
    def writing(self, actor: Actor, within_s: float | None = None) -> Iterator[Context]:
        """Yield a unit of work that is committed, durably, when the block ends well.

        ``within_s`` is how long to wait for others at most, as ``Database.write`` has it.
        """
        with self.database.write(within_s) as session:
            yield Context(session, actor, self.clock(), self.vault, self.hasher, self.library)

    @contextmanager
    def reading(self, actor: Actor) -> Iterator[Context]:
        """Yield a unit of work whose changes, if any, are thrown away."""
        with self.database.read() as session:
            yield Context(session, actor, self.clock(), self.vault, self.hasher, self.library)

    def check(self) -> None:
        """Refuse to serve on a wrong schema, weak durability or missing triggers."""
        check_schema(self.database)
        check_durability(self.database)
        with self.database.engine.connect() as connection:
            check_triggers(connection, APPEND_ONLY)


def open_runtime(settings: Settings, clock: Clock = utc_now) -> Runtime:
    """Return the installation that these settings describe; nothing is checked yet."""
    return Runtime(
        settings=settings,
        database=Database(settings.database_url),
        vault=Vault(settings.field_keys),
        hasher=Hasher(settings.pepper),
        library=Library(),
        clock=clock,
    )
