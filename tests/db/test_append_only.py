"""What was recorded stays: the database itself refuses to change or remove it."""

import pytest
from sqlalchemy import insert, inspect, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DatabaseError

from qol_app.db.append_only import check_triggers, key_of
from qol_app.db.base import Base
from qol_app.db.tables import APPEND_ONLY
from qol_app.errors import SettingsError
from qol_app.services.context import Actor
from tests.db.facts import fill_every_table

pytestmark = [pytest.mark.requirement("T3"), pytest.mark.requirement("D12")]
UPSERT = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@pytest.fixture
def database(runtime):
    with runtime.writing(Actor.system("tests")) as ctx:
        fill_every_table(ctx)
    return runtime.database


def rows_of(database, name):
    table = Base.metadata.tables[name]
    with database.read() as session:
        return [dict(row._mapping) for row in session.execute(select(table).order_by(table.c[0]))]


def refused(database, statement, name):
    """Assert that a statement is refused and that every row is as it was."""
    before = rows_of(database, name)
    assert before, f"{name} should hold a row to be attacked"
    with pytest.raises(DatabaseError, match="append-only"), database.write() as session:
        session.execute(statement)
    assert rows_of(database, name) == before


def replaced_or_duplicate(database, table, row):
    """Assert that a row cannot be put in the place of one that has a key in common."""
    if database.is_sqlite:
        refused(database, insert(table).prefix_with("OR REPLACE").values(row), table.name)
        return
    # PostgreSQL has no such statement: there a second row of the same key is an error.
    before = rows_of(database, table.name)
    with pytest.raises(DatabaseError, match="duplicate key"), database.write() as session:
        session.execute(insert(table).values(row))
    assert rows_of(database, table.name) == before


def changed(database, name):
    """Return a row that exists with one more column changed, keys kept."""
    row = rows_of(database, name)[0]
    table = Base.metadata.tables[name]
    spoilt = {
        "audit_event": {"actor": "somebody else"},
        "audit_seal": {"digest": "0" * 64},
        "response": {"mode": "paper"},
        "participant_event": {"reason": "forged"},
        "submission": {"late": True},
        "missing_reason": {"reason": "forged"},
        "definition": {"version": "forged"},
    }
    return table, {**row, **spoilt[name]}


@pytest.mark.parametrize("name", APPEND_ONLY)
def test_update_is_refused(database, name):
    table, row = changed(database, name)
    key = table.c[key_of(name)]
    refused(database, table.update().where(key == row[key.name]).values(row), name)


@pytest.mark.parametrize("name", APPEND_ONLY)
def test_delete_is_refused(database, name):
    refused(database, Base.metadata.tables[name].delete(), name)


@pytest.mark.parametrize("name", APPEND_ONLY)
def test_upsert_is_refused(database, name):
    table, row = changed(database, name)
    dialect = database.engine.dialect.name
    statement = UPSERT[dialect](table).values(row)
    statement = statement.on_conflict_do_update(index_elements=[key_of(name)], set_=row)
    refused(database, statement, name)


@pytest.mark.parametrize("name", APPEND_ONLY)
def test_insert_or_replace_is_refused(database, name):
    table, row = changed(database, name)
    replaced_or_duplicate(database, table, row)


@pytest.mark.parametrize(
    ("name", "unique"),
    [("response", "event_id"), ("submission", "receipt"), ("audit_seal", "audit_event_id")],
)
def test_replacing_through_another_unique_column_is_refused(database, name, unique):
    table, row = changed(database, name)
    del row[key_of(name)]
    if name == "submission":
        with database.read() as session:
            taken = row["submitted_at"]
            other = text("SELECT max(id) FROM assessment")
            row |= {"assessment_id": session.scalar(other), "submitted_at": taken}
    replaced_or_duplicate(database, table, row)


@pytest.mark.parametrize("name", APPEND_ONLY)
def test_truncate_is_refused(database, name):
    if database.is_sqlite:
        # SQLite's truncate is a DELETE without a condition, which the trigger refuses.
        refused(database, text(f"DELETE FROM {name}"), name)
        return
    refused(database, text(f"TRUNCATE {name} CASCADE"), name)


@pytest.mark.parametrize("name", APPEND_ONLY)
def test_a_missing_trigger_is_noticed_by_name(database, name):
    drop = {
        True: f"DROP TRIGGER {name}_no_delete",
        False: f"ALTER TABLE {name} DISABLE TRIGGER {name}_no_truncate",
    }[database.is_sqlite]
    with database.write() as session:
        session.execute(text(drop))
    lost = drop.split()[-1]
    with (
        database.engine.connect() as connection,
        pytest.raises(SettingsError, match=f"database triggers: missing {lost};"),
    ):
        check_triggers(connection, APPEND_ONLY)


NO_UPDATE = "CREATE TRIGGER response_no_update BEFORE UPDATE"
NO_CHANGE = "CREATE TRIGGER response_no_change BEFORE DELETE"
# What is left has the right name, and lets something through.
SPOILT = {
    "refuses nothing": {
        "sqlite": (
            "DROP TRIGGER response_no_update",
            f"{NO_UPDATE} ON response BEGIN SELECT 1; END",
            "changed response_no_update",
        ),
        "postgresql": (
            "CREATE OR REPLACE FUNCTION qol_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RETURN NEW; END $$",
            "changed qol_append_only",
        ),
    },
    "looks at less": {
        "sqlite": (
            "DROP TRIGGER response_no_update",
            f"{NO_UPDATE} OF mode ON response "
            "BEGIN SELECT RAISE(ABORT, 'response is append-only'); END",
            "changed response_no_update",
        ),
        "postgresql": (
            "DROP TRIGGER response_no_change ON response",
            f"{NO_CHANGE} ON response FOR EACH ROW EXECUTE FUNCTION qol_append_only()",
            "changed response_no_change",
        ),
    },
    "never fires": {
        "sqlite": (
            "DROP TRIGGER response_no_update",
            f"{NO_UPDATE} ON response WHEN 0 "
            "BEGIN SELECT RAISE(ABORT, 'response is append-only'); END",
            "changed response_no_update",
        ),
        "postgresql": (
            "ALTER TABLE response ENABLE REPLICA TRIGGER response_no_change",
            "missing response_no_change",
        ),
    },
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_trigger_that_protects_no_longer_is_noticed_by_name(database, how):
    *statements, found = SPOILT[how][database.engine.dialect.name]
    with database.write() as session:
        for statement in statements:
            session.execute(text(statement))
    with (
        database.engine.connect() as connection,
        pytest.raises(SettingsError, match=f"database triggers: {found};"),
    ):
        check_triggers(connection, APPEND_ONLY)


def test_all_triggers_are_there_after_migration(database):
    with database.engine.connect() as connection:
        check_triggers(connection, APPEND_ONLY)


def test_every_table_of_the_trail_is_under_protection():
    kept = {"audit_event", "audit_seal", "response", "submission", "participant_event"}
    assert kept <= set(APPEND_ONLY)
    assert set(APPEND_ONLY) <= set(Base.metadata.tables)
    assert all(
        key_of(name) in {column.name for column in inspect(Base.metadata.tables[name]).primary_key}
        for name in APPEND_ONLY
    )
