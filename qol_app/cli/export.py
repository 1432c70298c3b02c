"""``flask export DIR``: the study's data sets, with codebook and manifest."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qol_app.cli.current import reading, runtime, writing
from qol_app.cli.progress import watched

if TYPE_CHECKING:
    from qol_app.export.study import Part


@click.command("export")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--format", "formats", default="csv,parquet", show_default=True, help="Separated by commas."
)
@click.option("--language", default="en", show_default=True, help="Of titles and spreadsheets.")
@click.option("--pooled", is_flag=True, help="Leave out who was allocated to what.")
def export_command(folder: Path, formats: str, language: str, pooled: bool) -> None:
    """Write the study's data sets into a new folder DIR.

    The folder appears only when every file in it is complete; manifest.json names them all
    with their SHA-256. Names, telephone numbers and addresses are never exported.
    """
    from qol_app.export.registry import chosen_formats
    from qol_app.services import exporting

    chosen = chosen_formats(formats)
    installation = runtime()
    installation.check()

    def record(content: dict) -> None:
        with writing() as ctx:
            exporting.record_export(ctx, "export.study", folder.name, content)

    with reading() as ctx:
        content = exporting.export_to(
            ctx,
            folder,
            installation.settings.protocol,
            chosen,
            record,
            by_arm=not pooled,
            language=language,
            watch=watch_participants,
        )
    rows = ", ".join(f"{name} {count}" for name, count in content["rows"].items())
    click.echo(f"{folder}: {rows}; {len(content['files'])} files named in manifest.json")


def watch_participants(parts: "Iterator[Part]", n_participants: int) -> "Iterator[Part]":
    """Show a bar that counts participants."""
    return watched(
        parts, n_participants, "participants", lambda part: part["participants"].num_rows
    )
