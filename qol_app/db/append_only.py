"""Triggers by which the database itself refuses to change or delete what was recorded.

SQLite's UPDATE and DELETE triggers do not stop INSERT OR REPLACE, nor an upsert, so a
BEFORE INSERT trigger refuses any key that exists already. PostgreSQL's row triggers do
not stop TRUNCATE, so a statement trigger does.
"""

import re

from sqlalchemy import Connection, text

from qol_app.db import after_submission
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
        f"CREATE TRIGGER {table}_no_change BEFORE DELETE OR UPDATE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION qol_append_only()",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION qol_append_only()",
    ]


_SQL = {"sqlite": _sqlite, "postgresql": _postgresql}
_PRESENT = {
    "sqlite": text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"),
    # Those that fire on every change: one disabled, or meant for replicas, protects nothing.
    "postgresql": text(
        "SELECT tgname, pg_get_triggerdef(oid, true) FROM pg_trigger "
        "WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') "
        "UNION ALL SELECT proname, prosrc FROM pg_proc "
        "WHERE pronamespace = current_schema::regnamespace"
    ),
}


def check_triggers(connection: Connection, tables: tuple[str, ...]) -> None:
    """Refuse to work when a trigger of an append-only table is gone, disabled or another.

    Raises
    ------
    SettingsError
        Naming the triggers that are missing, and those that do not say what they should.
    """
    dialect = connection.dialect.name
    present = {name: _in_one_line(sql) for name, sql in connection.execute(_PRESENT[dialect])}
    wanted = _wanted(dialect, tables)
    missing = [name for name in wanted if name not in present]
    changed = [name for name in wanted if name in present and present[name] != wanted[name]]
    found = [f"missing {', '.join(missing)}"] if missing else []
    found += [f"changed {', '.join(changed)}"] if changed else []
    if found:
        raise SettingsError(
            f"database triggers: {'; '.join(found)}; what was recorded is not protected. "
            "Restore the database or run 'flask migrate' on a fresh one."
        )


def _wanted(dialect: str, tables: tuple[str, ...]) -> dict[str, str]:
    """Return what each trigger, and each function behind one, has to say."""
    made = [one for table in tables for one in statements(dialect, table)]
    return dict(_named(one) for one in (*made, *after_submission.STATEMENTS[dialect]))


def _named(statement: str) -> tuple[str, str]:
    kind, name = re.findall(r"(TRIGGER|FUNCTION) (\w+)", statement)[0]
    # Of a function the database keeps what stands between the dollars.
    return name, _in_one_line(statement if kind == "TRIGGER" else statement.split("$$")[1])


def _in_one_line(sql: str) -> str:
    return " ".join(sql.split())
