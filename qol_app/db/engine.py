"""Opening the study database so that "saved" means saved, on SQLite and PostgreSQL."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL, Connection, Engine, Executable, create_engine, event, text
from sqlalchemy.engine import CursorResult, Row, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    DisconnectionError,
)
from sqlalchemy.orm import Session, sessionmaker

from qol_app.db.sqlite import SQLITE_SETTINGS, configure, patience, url_for
from qol_app.db.waiting import WriteLine, seconds_to_wait
from qol_app.errors import SettingsError

POSTGRESQL_SETTINGS = {
    "synchronous_commit": ("on", "remote_write", "remote_apply"),
    "fsync": ("on",),
    "full_page_writes": ("on",),
}

# A process stopped in the middle of a transaction must not hold everybody else for ever.
POSTGRESQL_BOUNDS = {"idle_in_transaction_session_timeout": "60s", "lock_timeout": "30s"}


# A connection that lay still for longer is asked whether it still lives before it is used.
# Asking each time would cost every request a trip to the server.
PING_AFTER_S = 5.0


@dataclass(frozen=True, slots=True)
class Alone:
    """A connection on which each statement is a transaction of its own."""

    connection: Connection
    write_lock: AbstractContextManager[Any]

    def look(self, statement: Executable, values: Mapping[str, Any]) -> CursorResult[Any]:
        """Execute one statement that reads."""
        return self.connection.execute(statement, values)

    def add(self, statement: Executable, values: Mapping[str, Any]) -> int:
        """Execute one statement that adds rows, durably; return how many it added."""
        with self.write_lock:
            return self.connection.execute(statement, values).rowcount


class Database:
    """One engine and its kinds of transaction: reading, writing, and single statements.

    On SQLite every write of the process passes one lock: waiting writers, not the
    disk, are what makes the slowest saves slow.
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._writing, self._alone = _kinds_of(self.engine)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._write_lock: AbstractContextManager[Any] = (
            WriteLine(seconds_to_wait(self.engine.url)) if self.is_sqlite else nullcontext()
        )

    @contextmanager
    def write(self, within_s: float | None = None) -> Iterator[Session]:
        """Yield a session whose changes are committed, durably, when the block ends well.

        Parameters
        ----------
        within_s : float, optional
            Give up if another holds what is needed for longer; by default half a minute.

        Raises
        ------
        OperationalError
            If another holds it for longer; ``in_words`` says so.
        """
        with (
            self._turn(within_s),
            self._writing.connect() as connection,
            self._sessions(bind=connection) as session,
        ):
            self._begin(session, connection, within_s)
            yield session
            session.commit()

    def _begin(self, session: Session, connection: Connection, within_s: float | None) -> None:
        """Begin a transaction that writes, waiting no longer than wished for others."""
        if within_s is None:
            session.connection()
        elif self.is_sqlite:
            with patience(connection, within_s):
                session.connection()
        else:
            session.execute(text(f"SET LOCAL lock_timeout = {round(within_s * 1000)}"))

    @contextmanager
    def _turn(self, within_s: float | None) -> Iterator[None]:
        if not isinstance(self._write_lock, WriteLine) or within_s is None:
            with self._write_lock:
                yield
            return
        self._write_lock.enter(within_s)
        try:
            yield
        finally:
            self._write_lock.__exit__()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yield a session whose changes, if any, are thrown away."""
        with self._sessions() as session:
            yield session

    @contextmanager
    def alone(self) -> Iterator[Alone]:
        """Yield a connection whose statements each stand alone, committed as they return."""
        with self._alone.connect() as connection:
            yield Alone(connection, self._write_lock)

    def look(self, statement: Executable, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
        """Return the rows of one statement that reads; a lost connection is replaced once."""
        try:
            with self.alone() as alone:
                return alone.look(statement, values).all()
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        with self.alone() as alone:
            return alone.look(statement, values).all()

    def close(self) -> None:
        """Close every pooled connection; whoever goes on has new ones, of one pool again."""
        self.engine.dispose()
        self._alone.dispose()
        self._writing, self._alone = _kinds_of(self.engine)


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SettingsError(
            f"DATABASE_URL: found {url!r}; wanted a database URL such as "
            "sqlite:///instance/qol.db or postgresql+psycopg://user:password@host/name"
        ) from error
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engine(url)
    if parsed.drivername == "postgresql+psycopg":
        return _postgresql_engine(url)
    raise SettingsError(
        f"DATABASE_URL: found driver {parsed.drivername!r}; wanted sqlite or postgresql+psycopg"
    )


def _kinds_of(engine: Engine) -> tuple[Engine, Engine]:
    """Return what is written by, and what single statements are executed on."""
    if engine.dialect.name == "sqlite":
        # The same connections, on which a transaction begins otherwise.
        writing, alone = (
            create_engine(url_for(engine.url, kind), pool=engine.pool)
            for kind in ("writing", "alone")
        )
        return writing, alone
    # Connections of their own, which always commit at once and leave nothing to take back:
    # switching a shared one to and fro took a tenth of the time of saving.
    return engine, _postgresql_engine(
        engine.url, isolation_level="AUTOCOMMIT", pool_reset_on_return=None
    )


def _postgresql_engine(url: str | URL, **more: Any) -> Engine:
    # Last in, first out: what a few threads can do is done on few, warm connections.
    engine = create_engine(url, pool_size=10, max_overflow=20, pool_use_lifo=True, **more)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            for name, value in POSTGRESQL_BOUNDS.items():
                cursor.execute(f"SET {name} = '{value}'")
        connection.commit()

    @event.listens_for(engine, "checkin")
    def _remember(_connection: Any, record: Any) -> None:
        record.info["used_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _ping(connection: Any, record: Any, _proxy: Any) -> None:
        idle_s = time.monotonic() - record.info.get("used_at", time.monotonic())
        if idle_s > PING_AFTER_S and not _lives(engine, connection):
            raise DisconnectionError("the database has closed this connection")

    return engine


def _lives(engine: Engine, connection: Any) -> bool:
    try:
        return bool(engine.dialect.do_ping(connection))
    except engine.dialect.loaded_dbapi.Error:
        return False


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(
        url_for(url, "reading"),
        connect_args={"timeout": seconds_to_wait(make_url(url)), "check_same_thread": False},
        pool_size=20,
    )
    event.listen(engine, "connect", configure)
    return engine


def check_durability(database: Database) -> None:
    """Refuse to start on settings under which an acknowledged answer could be lost.

    Raises
    ------
    SettingsError
        Naming the setting, the value found and the value wanted.
    """
    with database.engine.connect() as connection:
        if database.is_sqlite:
            checks: dict[str, tuple[str, ...]] = {
                name: (value,) for name, value in SQLITE_SETTINGS.items()
            }
            ask = "PRAGMA {}"
        else:
            checks, ask = POSTGRESQL_SETTINGS, "SHOW {}"
        for name, wanted in checks.items():
            found = str(connection.exec_driver_sql(ask.format(name)).scalar())
            if found not in wanted:
                raise SettingsError(
                    f"database setting {name}: found {found!r}; wanted {' or '.join(wanted)}, "
                    "because answers already called saved could be lost otherwise"
                )
