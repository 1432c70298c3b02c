"""``flask freeze NAME``: the data as they are now, locked, for reports that can be repeated."""

import click

from qol_app.cli.current import reading, runtime, writing
from qol_app.cli.export import watch_participants


@click.command("freeze")
@click.argument("name")
def freeze_command(name: str) -> None:
    """Lock the study's data set as it is now under NAME.

    Files with their SHA-256, definitions and program version stand in the folder
    freezes/NAME of the installation; 'flask report DIR --freeze NAME' reads nothing else.
    """
    from qol_app.services import freezing

    installation = runtime()
    installation.check()

    def record(manifest_sha256: str) -> None:
        with writing() as ctx:
            freezing.record_freeze(ctx, name, manifest_sha256)

    with reading() as ctx:
        folder = freezing.freeze(ctx, installation.settings, name, record, watch_participants)
    click.echo(f"{folder}: frozen; report it with 'flask report DIR --freeze {name}'")
