"""Opening the study database so that "saved" means saved, on SQLite and PostgreSQL."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session, sessionmaker

from qol_app.errors import SettingsError

SQLITE_SETTINGS = {
    "journal_mode": "wal",
    # NORMAL loses acknowledged commits at a power cut under WAL; FULL does not.
    "synchronous": "2",
    "foreign_keys": "1",
    # Without it INSERT OR REPLACE deletes a row without firing its triggers.
    "recursive_triggers": "1",
}
POSTGRESQL_SETTINGS = {
    "synchronous_commit": ("on", "remote_write", "remote_apply"),
    "fsync": ("on",),
    "full_page_writes": ("on",),
}

# A process stopped in the middle of a transaction must not hold everybody else for ever.
POSTGRESQL_BOUNDS = {"idle_in_transaction_session_timeout": "60s", "lock_timeout": "30s"}


class Database:
    """One engine and its two kinds of transaction: reading, and writing.

    On SQLite every write of the process passes one lock: waiting writers, not the
    disk, are what makes the slowest saves slow.
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._write_lock: AbstractContextManager[Any] = (
            threading.RLock() if self.is_sqlite else nullcontext()
        )

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Yield a session whose changes are committed, durably, when the block ends well."""
        with self._write_lock, self._sessions() as session:
            session.connection(execution_options={"qol_writes": True})
            yield session
            session.commit()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yield a session whose changes, if any, are thrown away."""
        with self._sessions() as session:
            yield session

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


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


def _postgresql_engine(url: str) -> Engine:
    engine = create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            for name, value in POSTGRESQL_BOUNDS.items():
                cursor.execute(f"SET {name} = '{value}'")
        connection.commit()

    return engine


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(
        url, connect_args={"timeout": 30, "check_same_thread": False}, pool_size=20
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        # The driver must not open transactions behind our back; _begin below does it.
        connection.isolation_level = None
        cursor = connection.cursor()
        for name, value in SQLITE_SETTINGS.items():
            cursor.execute(f"PRAGMA {name}={value}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # A writer that first reads cannot be told apart from a reader by SQLite, and
        # would fail when it upgrades; so it takes the write lock from the start.
        writes = connection.get_execution_options().get("qol_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

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
