"""``flask amend``: look at what a new protocol version changes, put it in force, take it back."""

import csv
import sys

import click

from qol_app.cli.current import reading, runtime, writing
from qol_app.services import amendments
from qol_app.services.amendments import PARTS


@click.group("amend")
def amend_group() -> None:
    """A new protocol version: preview, apply, reverse."""


@amend_group.command("preview")
@click.argument("version")
def preview(version: str) -> None:
    """Print, as CSV, what VERSION keeps, moves, adds and drops for each participant."""
    out = csv.writer(sys.stdout)
    out.writerow(["study_number", "what", "timepoint", "opens", "target", "closes"])
    with reading() as ctx:
        found = amendments.preview(ctx, runtime().settings.protocol, version)
        for line in found.lines:
            for row in _rows(line):
                out.writerow([line.participant.study_number, *row])
    total = ", ".join(f"{found.counts[part]} {part}" for part in PARTS)
    click.echo(f"{len(found.lines)} participants: {total}; nothing was changed", err=True)


def _rows(line: amendments.Line) -> list[list[str]]:
    change = line.preview.change
    windows = [
        *(("kept", one.key, one.window) for one in change.kept),
        *(("moved", one.planned.key, one.planned.window) for one in change.moved),
        *(("added", one.key, one.window) for one in change.added),
        *(("dropped", one.key, one.window) for one in change.dropped),
    ]
    return [
        [what, key[0], str(window.opens), str(window.target), str(window.closes)]
        for what, key, window in windows
    ]


@amend_group.command("apply")
@click.argument("version")
def apply(version: str) -> None:
    """Put VERSION in force for everybody under the one it amends, in one transaction."""
    with writing() as ctx:
        row = amendments.apply(ctx, runtime().settings.protocol, version)
        total = ", ".join(f"{row.counts[part]} {part}" for part in PARTS)
        click.echo(f"amendment {row.id}: {total}; 'flask amend reverse {row.id}' takes it back")


@amend_group.command("reverse")
@click.argument("number", type=int)
def reverse(number: int) -> None:
    """Take amendment NUMBER back, as long as nobody has begun to answer since."""
    with writing() as ctx:
        amendments.reverse(ctx, number)
    click.echo(f"amendment {number}: taken back")
