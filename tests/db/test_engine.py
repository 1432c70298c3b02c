"""Saved means saved: what the database is opened with, and what stops the program."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from sqlalchemy import (
    DateTime,
    String,
    bindparam,
    create_engine,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session

from qol_app.db.engine import SQLITE_SETTINGS, Database, check_durability
from qol_app.db.several import OfSome
from qol_app.db.tables import Definition, Form, Site, WorkerTick
from qol_app.errors import SettingsError
from qol_app.services.library import newest
from tests.postgres import NotInstalled

pytestmark = pytest.mark.requirement("D12")


class Failed(Exception):
    """The block did not end well."""


TEHRAN = timezone(timedelta(hours=3, minutes=30))


@pytest.fixture
def database(database_url):
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.mark.requirement("D1")
def test_the_settings_we_open_with_pass_our_own_check(database):
    check_durability(database)


@pytest.mark.requirement("D1")
@pytest.mark.parametrize(
    ("name", "weak", "found"),
    [
        ("synchronous", "1", "1"),
        ("synchronous", "0", "0"),
        ("journal_mode", "delete", "delete"),
        ("foreign_keys", "0", "0"),
        ("recursive_triggers", "0", "0"),
    ],
)
def test_a_weaker_sqlite_setting_stops_the_program_by_name(
    tmp_path, monkeypatch, name, weak, found
):
    database = Database(f"sqlite:///{tmp_path / 'weak.db'}")
    monkeypatch.setitem(SQLITE_SETTINGS, name, weak)
    with database.engine.connect():
        pass  # opens the one pooled connection with the weak setting
    monkeypatch.undo()
    with pytest.raises(SettingsError, match=rf"database setting {name}: found '{found}'; wanted"):
        check_durability(database)
    database.close()


@pytest.mark.requirement("D1")
def test_postgresql_that_acknowledges_before_it_is_durable_is_refused(templates, tmp_path):
    url = _postgresql(templates, tmp_path)
    weak = SimpleNamespace(
        engine=create_engine(url, connect_args={"options": "-c synchronous_commit=off"}),
        is_sqlite=False,
    )
    wanted = "database setting synchronous_commit: found 'off'; wanted on"
    with pytest.raises(SettingsError, match=wanted):
        check_durability(weak)
    weak.engine.dispose()


def _postgresql(templates, tmp_path):
    try:
        return templates.copy("postgresql", tmp_path)
    except NotInstalled as error:
        pytest.skip(f"not run: {error}")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("mysql://somewhere/qol", "found driver 'mysql'"),
        ("postgresql://somewhere/qol", "found driver 'postgresql'"),
        ("no url at all", "found 'no url at all'"),
    ],
)
def test_a_url_we_cannot_keep_our_promises_on_is_refused(url, found):
    with pytest.raises(SettingsError, match=f"DATABASE_URL: {found}"):
        Database(url)


def test_an_instant_comes_back_aware_and_in_utc(database):
    given = datetime(2026, 3, 29, 4, 30, 0, 123456, TEHRAN)
    with database.write() as session:
        session.add(WorkerTick(job="test", ticked_at=given))
    with database.read() as session:
        found = session.get_one(WorkerTick, "test").ticked_at
    assert found == given
    assert found.utcoffset() == timedelta(0)
    assert found.tzinfo == UTC


def test_an_instant_without_a_zone_is_refused_before_it_is_stored(database):
    with (
        pytest.raises(StatementError, match="has no zone; wanted an aware UTC datetime"),
        database.write() as session,
    ):
        session.add(WorkerTick(job="test", ticked_at=datetime(2026, 3, 29, 4, 30)))  # noqa: DTZ001


def test_comparing_with_an_instant_of_another_zone_finds_the_same_rows(database):
    given = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    with database.write() as session:
        session.add(WorkerTick(job="test", ticked_at=given))
    with database.read() as session:
        query = select(WorkerTick.job).where(WorkerTick.ticked_at == given.astimezone(TEHRAN))
        assert session.scalars(query).all() == ["test"]


@pytest.mark.requirement("D11")
def test_a_row_that_leads_nowhere_is_refused(database):
    orphan = insert(Form).values(
        assessment_id=999_999,
        instrument="qlq-c30",
        position=1,
        instrument_id=1,
        wording_id=1,
        language="sv",
        started_at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(orphan)


def test_reading_changes_nothing(database):
    with database.read() as session:
        session.add(_site())
        session.flush()
    assert _codes(database, "NEW") == []


def test_a_block_that_fails_leaves_nothing_behind(database):
    def add_and_fail():
        with database.write() as session:
            session.add(_site())
            session.flush()
            raise Failed

    with pytest.raises(Failed):
        add_and_fail()
    assert _codes(database, "NEW") == []


def test_a_block_that_ends_well_is_seen_by_others(database):
    with database.write() as session:
        session.add(_site())
    assert _codes(database, "NEW") == ["NEW"]


def test_whoever_reads_on_sqlite_sees_one_state_throughout(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'one.db'}")
    site = Site.__table__
    with database.write() as session:
        site.create(session.connection())
    with database.read() as reader:
        assert reader.scalars(select(site.c.code)).all() == []
        with database.write() as writer:
            writer.add(_site())
        assert reader.scalars(select(site.c.code)).all() == []
    assert _codes(database, "NEW") == ["NEW"]
    database.close()


def test_a_database_closed_and_used_again_lets_go_of_its_file_again(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'one.db'}")
    for _ in range(3):
        with database.write() as session:
            Site.__table__.create(session.connection(), checkfirst=True)
        assert database.look(select(Site.code), {}) == []
        assert (tmp_path / "one.db-wal").exists()
        database.close()
        assert not (tmp_path / "one.db-wal").exists()  # the last connection folds it in


def test_a_writer_that_begins_anew_has_the_write_lock_again(tmp_path):
    path = tmp_path / "one.db"
    database = Database(f"sqlite:///{path}")
    with database.write() as session:
        session.rollback()
        session.execute(text("SELECT 1"))
        with (
            closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("BEGIN IMMEDIATE")
    database.close()


def test_single_statements_are_committed_as_they_return(database):
    with database.alone() as alone:
        alone.add(insert(Site), _values(code="NEW"))
        assert _codes(database, "NEW") == ["NEW"]


def test_an_instant_is_stored_on_sqlite_as_sqlalchemy_writes_it(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'one.db'}")
    at = datetime(2026, 3, 29, 4, 30, tzinfo=UTC)
    with database.write() as session:
        WorkerTick.__table__.create(session.connection())
        session.add(WorkerTick(job="test", ticked_at=at))
    with database.read() as session:
        stored = session.scalar(text("SELECT ticked_at FROM worker_tick"))
        plain = session.scalar(select(literal(at.replace(tzinfo=None), DateTime()).cast(String)))
    assert stored == plain == "2026-03-29 04:30:00.000000"
    database.close()


@pytest.mark.parametrize("wanted", [[], ["AAA"], ["AAA", "BBB"]])
def test_a_query_of_some_rows_finds_those_of_none_one_or_several(database, wanted):
    site = Site.__table__
    with database.write() as session:
        for code in ("AAA", "BBB", "CCC"):
            session.execute(insert(Site), _values(code=code))
    query = select(site.c.id, site.c.code).where(site.c.name == bindparam("name"))
    with database.read() as session:
        ids = {row.code: row.id for row in session.execute(select(site.c.id, site.c.code))}
        found = OfSome(site.c.id, query).rows(session, [ids[code] for code in wanted], name="X")
        assert sorted(row.code for row in found) == wanted
        assert not OfSome(site.c.id, query).rows(session, list(ids.values()), name="Y")


def test_one_writer_at_a_time_does_not_stop_readers(database):
    with database.write() as writer:
        writer.add(_site())
        writer.flush()
        assert _codes(database, "NEW") == []


def test_newest_prefers_licensed_wording_to_a_later_stand_in(database):
    with database.write() as session:
        kept = _wording(session, "a" * 64, stand_in=False)
        _wording(session, "b" * 64, stand_in=True)
        assert newest(session, "wording", "qlq-c30", "sv").id == kept.id


def _wording(session: Session, sha256: str, *, stand_in: bool) -> Definition:
    row = Definition(
        kind="wording",
        code="qlq-c30",
        language="sv",
        version="1",
        sha256=sha256,
        body={},
        stand_in=stand_in,
        loaded_at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    session.add(row)
    session.flush()
    return row


def _values(code: str) -> dict[str, str]:
    return {
        "code": code,
        "name": "X",
        "phone": "1",
        "email": "x@example.org",
        "timezone": "UTC",
    }


def _site() -> Site:
    return Site(**_values("NEW"))


def _codes(database: Database, code: str) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Site.code).where(Site.code == code)))
