"""SQLite as the program uses it: when a transaction begins, and by which statement.

With anybody listening to the events of an engine, SQLAlchemy looks for listeners around each
statement, which doubles what a short one takes. So the beginning is said by dialects instead.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, make_url
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.pool import PoolProxiedConnection

from qol_app.db.waiting import seconds_to_wait

SQLITE_SETTINGS = {
    "journal_mode": "wal",
    # NORMAL loses acknowledged commits at a power cut under WAL; FULL does not.
    "synchronous": "2",
    "foreign_keys": "1",
    # Without it INSERT OR REPLACE deletes a row without firing its triggers.
    "recursive_triggers": "1",
}


class Reading(SQLiteDialect_pysqlite):
    """Transactions that see one state of the database from their first statement on."""

    supports_statement_cache = True
    begin = "BEGIN"

    def do_begin(self, dbapi_connection: PoolProxiedConnection) -> None:
        """Begin what the driver has been told not to begin by itself."""
        dbapi_connection.cursor().execute(self.begin)


class Writing(Reading):
    """Transactions that take the write lock from the start.

    SQLite cannot tell a writer that first reads from a reader, and it would fail when it
    upgrades.
    """

    supports_statement_cache = True
    begin = "BEGIN IMMEDIATE"


# Single statements, for which the driver is told nothing, are transactions of their own.
DIALECTS = {"reading": Reading, "writing": Writing, "alone": SQLiteDialect_pysqlite}
for _name, _dialect in DIALECTS.items():
    registry.register(f"sqlite.{_name}", _dialect.__module__, _dialect.__name__)


def url_for(url: str | URL, kind: str) -> URL:
    """Return a database URL for one of the kinds of transactions."""
    return make_url(url).set(drivername=f"sqlite+{kind}")


def configure(connection: Any, _record: Any) -> None:
    """Make a new connection durable, and have its driver begin no transaction by itself."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for name, value in SQLITE_SETTINGS.items():
        cursor.execute(f"PRAGMA {name}={value}")
    cursor.close()


@contextmanager
def patience(connection: Connection, within_s: float) -> Iterator[None]:
    """Have one connection wait so long for others within the block, then as long as before."""
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={round(within_s * 1000)}")
    try:
        yield
    finally:
        usual_s = seconds_to_wait(connection.engine.url)
        cursor.execute(f"PRAGMA busy_timeout={round(usual_s * 1000)}")
        cursor.close()
