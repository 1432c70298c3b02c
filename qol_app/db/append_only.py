"""Triggers by which the database itself refuses to change or delete what was recorded.

SQLite's UPDATE and DELETE triggers do not stop INSERT OR REPLACE, nor an upsert, so a
BEFORE INSERT trigger refuses any key that exists already. PostgreSQL's row triggers do
not stop TRUNCATE, so a statement trigger does.
"""

from sqlalchemy import Connection, text

from qol_app.db.after_submission import TRIGGER
from qol_app.errors import SettingsError

PRIMARY_KEYS = {"submission": "assessment_id"}


def key_of(table: str) -> str:
    """Return the primary key column of an append-only table."""
    return PRIMARY_KEYS.get(table, "id")


def statements(dialect: str, table: str) -> list[str]:
    """Return the SQL that makes one table append-only."""
    return _SQL[dialect](table)


def _sqlite(table: str) -> list[str]:
    key = key_of(table)
    refuse = f"SELECT RAISE(ABORT, '{table} is append-only');"
    return [
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN {refuse} END",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN {refuse} END",
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key}) BEGIN {refuse} END",
    ]


def _postgresql(table: str) -> list[str]:
    return [
        "CREATE OR REPLACE FUNCTION qol_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$",
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION qol_append_only()",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION qol_append_only()",
    ]


_SQL = {"sqlite": _sqlite, "postgresql": _postgresql}
_EXPECTED = {
    "sqlite": ("no_update", "no_delete", "no_replace"),
    "postgresql": ("no_change", "no_truncate"),
}
_LIST = {
    "sqlite": text("SELECT name FROM sqlite_master WHERE type = 'trigger'"),
    # Enabled triggers only: a disabled one protects nothing.
    "postgresql": text("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"),
}


def check_triggers(connection: Connection, tables: tuple[str, ...]) -> None:
    """Refuse to work when a trigger of an append-only table is gone or disabled.

    Raises
    ------
    SettingsError
        Naming the triggers that are missing.
    """
    dialect = connection.dialect.name
    present = set(connection.execute(_LIST[dialect]).scalars())
    missing = [
        f"{table}_{kind}"
        for table in tables
        for kind in _EXPECTED[dialect]
        if f"{table}_{kind}" not in present
    ]
    missing += [TRIGGER] if TRIGGER not in present else []
    if missing:
        raise SettingsError(
            f"database triggers: missing {', '.join(missing)}; the audit trail is not protected. "
            "Restore the database or run 'flask migrate' on a fresh one."
        )
