"""Migrations make the schema the models describe, whole or not at all."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, event, inspect, text

from qol_app.db.append_only import check_triggers
from qol_app.db.base import Base
from qol_app.db.engine import Database
from qol_app.db.migrate import check_schema, migrate
from qol_app.db.tables import APPEND_ONLY
from qol_app.errors import SettingsError

pytestmark = pytest.mark.requirement("D12")


@pytest.fixture
def database(empty_url):
    opened = Database(empty_url)
    yield opened
    opened.close()


def test_migrations_make_exactly_the_tables_the_models_describe(database):
    migrate(database)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


@pytest.mark.requirement("D11")
def test_migrations_make_the_same_checks_as_the_models(database):
    migrate(database)
    found = inspect(database.engine)
    checked = 0
    for table in Base.metadata.sorted_tables:
        named = {one["name"] for one in found.get_check_constraints(table.name)}
        wanted = {str(one.name) for one in table.constraints if isinstance(one, CheckConstraint)}
        assert wanted <= named, table.name
        checked += len(wanted)
    assert checked >= 5


def test_an_embedded_database_is_for_its_owner_alone(tmp_path):
    opened = Database(f"sqlite:///{tmp_path / 'qol.db'}")
    migrate(opened)
    with opened.read() as session:
        session.execute(text("SELECT 1 FROM response"))
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    opened.close()
    assert modes.keys() >= {"qol.db", "qol.db-wal"}
    assert set(modes.values()) == {0o600}, modes


def test_migrating_again_changes_nothing(database):
    migrate(database)
    before = _schema(database)
    migrate(database)
    assert _schema(database) == before


def test_a_database_without_tables_is_refused_with_the_remedy(database):
    with pytest.raises(SettingsError, match=r"found revision None; wanted .*Run 'flask migrate'"):
        check_schema(database)


def test_a_migrated_database_is_accepted(database):
    migrate(database)
    check_schema(database)


class Interrupted(Exception):
    """The process ended here."""


@pytest.mark.parametrize("after", [1, 5, 23, 40, 60])
def test_a_migration_interrupted_anywhere_leaves_nothing_half_done_and_resumes(database, after):
    statements = 0

    def interrupt(_conn, _cursor, statement, *_rest):
        nonlocal statements
        if statement.lstrip().upper().startswith(("CREATE", "INSERT", "ALTER")):
            statements += 1
            if statements > after:
                raise Interrupted

    event.listen(database.engine, "before_cursor_execute", interrupt)
    with pytest.raises(Interrupted):
        migrate(database)
    event.remove(database.engine, "before_cursor_execute", interrupt)
    assert set(inspect(database.engine).get_table_names()) <= {"alembic_version"}
    migrate(database)
    check_schema(database)
    with database.engine.connect() as connection:
        check_triggers(connection, APPEND_ONLY)


def _schema(database: Database) -> dict[str, list[str]]:
    found = inspect(database.engine)
    return {
        table: sorted(column["name"] for column in found.get_columns(table))
        for table in found.get_table_names()
    }
