"""``flask ledger``: how far every contact came, and whether the books agree."""

from pathlib import Path

import click

from qol_app.cli.current import reading, runtime, writing
from qol_app.delivery.channels import usable_channels
from qol_app.errors import QolError
from qol_app.services import audit, ledger
from qol_app.services.balance import balance, table

SHOWN = 20


@click.command("ledger")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--balance", "weigh", is_flag=True, help="Count expected against sent, each day.")
def ledger_command(file: Path | None, weigh: bool) -> None:
    """Write one line for each step of each assessment to FILE (CSV), or weigh the books.

    With --balance: one line a day, then by name whatever does not agree between what the
    protocol expects, what the tables say and what the audit trail saw; status 1 if anything.
    """
    if file is None and not weigh:
        raise QolError("ledger: found neither; wanted FILE, --balance or both")
    channels = usable_channels(runtime().settings)
    if file is not None:
        with writing() as ctx, file.open("w", encoding="utf-8", newline="") as stream:
            count = ledger.write_csv(ledger.ledger(ctx, channels), stream)
            audit.record(ctx, "export.ledger", "study", file.name, new={"lines": count})
        click.echo(f"{file}: {count} lines")
    if weigh:
        _weigh(channels)


def _weigh(channels: tuple[str, ...]) -> None:
    with reading() as ctx:
        found = balance(ctx, channels)
    for line in table(found.days):
        click.echo(line)
    for line in found.wrong[:SHOWN]:
        click.echo(line)
    if len(found.wrong) > SHOWN:
        click.echo(f"... and {len(found.wrong) - SHOWN} more")
    if not found.balances:
        raise QolError(f"ledger: does not balance: {len(found.wrong)} found; wanted none")
    click.echo(f"the ledger balances: {sum(day.expected for day in found.days)} messages expected")
