"""Bringing a database to the newest schema, and knowing whether it is there."""

from contextlib import suppress
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from qol_app.db.engine import Database
from qol_app.errors import SettingsError

# Asked every hour by the worker: a migration context would take ten times as long.
_REVISION = text("SELECT version_num FROM alembic_version")
MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(database: Database, revision: str = "head") -> None:
    """Apply what is missing, one transaction per migration; safe to repeat."""
    if database.is_sqlite:
        _make_for_its_owner(database.engine.url.database)
    with database.engine.connect() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()


def _make_for_its_owner(name: str | None) -> None:
    # SQLite would make a file that everybody on the machine may read; its logs take after it.
    if name and name != ":memory:":
        with suppress(OSError):  # said by whoever opens it
            Path(name).touch(mode=0o600)


def check_schema(database: Database) -> None:
    """Refuse to work on a database of another version.

    Raises
    ------
    SettingsError
        Naming the revision found and the one wanted.
    """
    wanted = newest_revision()
    with database.engine.connect() as connection:
        try:
            found = connection.execute(_REVISION).scalar()
        except DBAPIError:  # there is no such table
            found = None
    if found != wanted:
        raise SettingsError(
            f"database schema: found revision {found}; wanted {wanted}. Run 'flask migrate'."
        )


@cache
def newest_revision() -> str | None:
    """Return the revision this program was written for; its files do not change while it runs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
