"""Who has waited too long for the database is told so, in words, and goes away empty-handed."""

import sqlite3
import threading
import time
from contextlib import closing

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from qol_app.db.engine import Database
from qol_app.db.waiting import SQLITE_WAIT_S, WriteLine, in_words
from qol_app.errors import SettingsError


@pytest.fixture
def path(tmp_path):
    with closing(sqlite3.connect(tmp_path / "some.db")) as connection:
        connection.execute("PRAGMA journal_mode=wal")
        connection.execute("CREATE TABLE thing (name TEXT)")
    return tmp_path / "some.db"


def refused(database, **how):
    """Return what a writer is told, and after how long."""
    begun = time.monotonic()
    with pytest.raises(OperationalError) as told, database.write(**how):
        pass
    return in_words(told.value), time.monotonic() - begun


@pytest.mark.parametrize("how", [{}, {"within_s": 0.05}])
def test_a_writer_waits_for_another_process_as_long_as_said_and_is_told_why_in_vain(path, how):
    database = Database(f"sqlite:///{path}?timeout=0.2")
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        words, waited_s = refused(database, **how)
        assert "another process holds the write lock" in words
        assert waited_s < SQLITE_WAIT_S
        with database.read() as session:
            assert session.scalar(text("SELECT count(*) FROM thing")) == 0
        other.rollback()
    with database.write() as session:
        session.execute(text("INSERT INTO thing VALUES ('later')"))
    database.close()


def test_a_writer_does_not_stand_for_ever_in_the_line_of_its_own_process(path):
    database = Database(f"sqlite:///{path}?timeout=0.1")
    inside, leave = threading.Event(), threading.Event()

    def hold():
        with database.write():
            inside.set()
            leave.wait(timeout=30)

    holder = threading.Thread(target=hold)
    holder.start()
    inside.wait(timeout=30)
    words, waited_s = refused(database)
    leave.set()
    holder.join()
    assert "another process holds the write lock" in words
    assert waited_s < SQLITE_WAIT_S
    with database.write(within_s=5.0) as session:
        session.execute(text("INSERT INTO thing VALUES ('later')"))
    database.close()


def test_the_usual_wait_is_half_a_minute_and_another_is_said_in_the_url(path):
    waits = {}
    for url in (f"sqlite:///{path}", f"sqlite:///{path}?timeout=5"):
        database = Database(url)
        with database.engine.connect() as connection:
            waits[url] = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
        assert isinstance(database._write_lock, WriteLine)
        database.close()
    assert list(waits.values()) == [SQLITE_WAIT_S * 1000, 5000]
    with pytest.raises(SettingsError, match="found 'soon'; wanted seconds"):
        Database(f"sqlite:///{path}?timeout=soon")


def test_words_about_the_database_hold_no_statement_and_no_value(path):
    database = Database(f"sqlite:///{path}")
    with pytest.raises(OperationalError) as told, database.read() as session:
        session.execute(text("SELECT 'Anna' FROM nowhere"))
    assert in_words(told.value) == "database: OperationalError SQLITE_ERROR"
    database.close()
