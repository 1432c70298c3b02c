"""How long a writer waits for the others, and what is said to one who has waited too long."""

import sqlite3
import threading

from sqlalchemy import URL
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from qol_app.errors import SettingsError

# SQLite has one lock for all who write: whoever finds it taken waits so long, then is told.
# ``?timeout=5`` at the end of DATABASE_URL says otherwise.
SQLITE_WAIT_S = 30.0
SQLITE_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")


def seconds_to_wait(url: URL) -> float:
    """Return how long a database URL says to wait on SQLite.

    Raises
    ------
    SettingsError
        If what it says is no number.
    """
    text = url.query.get("timeout", str(SQLITE_WAIT_S))
    try:
        return float(str(text))
    except ValueError as error:
        raise SettingsError(
            f"DATABASE_URL: timeout: found {text!r}; wanted seconds such as 30"
        ) from error


class WriteLine:
    """The line in which the writers of one process stand; nobody stands in it for ever.

    A writer may hold it again that holds it already.
    """

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self.enter(self.wait_s)

    def enter(self, wait_s: float) -> None:
        """Take one's turn.

        Raises
        ------
        OperationalError
            If it does not come in time, as SQLite itself says it of other processes.
        """
        if not self._lock.acquire(timeout=wait_s):
            busy = sqlite3.OperationalError("database is locked")
            busy.sqlite_errorname = SQLITE_BUSY[0]
            raise OperationalError("waiting to write", None, busy)

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def in_words(error: SQLAlchemyError) -> str:
    """Return what went wrong with the database, without values or statements."""
    orig = getattr(error, "orig", None)
    name = getattr(orig, "sqlite_errorname", None) or getattr(orig, "sqlstate", None) or ""
    if str(name).startswith(SQLITE_BUSY):
        return (
            "another process holds the write lock of the database; is one stopped, or a backup"
            " or a tool open on it?"
        )
    kind = type(orig if orig is not None else error).__name__
    return f"database: {kind} {name}".rstrip()
