"""``flask migrate`` and ``flask definitions load``: the schema, and what the study asks."""

import click

from qol_app.cli.current import runtime, writing
from qol_app.db.migrate import migrate
from qol_app.errors import SettingsError
from qol_app.services import definitions


@click.command("migrate")
def migrate_command() -> None:
    """Bring the database to the schema of this program; safe to repeat."""
    folder = runtime().settings.instance
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"setting QOL_INSTANCE: found {folder}, which cannot be made ({error.strerror}); "
            "wanted a folder that this program may write in"
        ) from error
    migrate(runtime().database)


@click.group("definitions")
def definitions_group() -> None:
    """Instruments, wordings and the protocol."""


@definitions_group.command("load")
def load() -> None:
    """Load what is new in the questionnaires folder; nothing loaded is ever changed."""
    settings = runtime().settings
    with writing() as ctx:
        for line in definitions.load(ctx, settings.questionnaires, settings.protocol):
            click.echo(line)
