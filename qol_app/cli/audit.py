"""``flask audit verify``: whether the trail is whole, sealed and protected."""

import click

from qol_app.cli.current import reading, runtime
from qol_app.errors import QolError
from qol_app.services import audit

SHOWN = 10


@click.group("audit")
def audit_group() -> None:
    """The trail of who did what, when and why."""


@audit_group.command("verify")
def verify() -> None:
    """Recompute the hash chain, count what is not sealed yet, look for the triggers.

    Ends with status 1 and the reasons in words if anything is not as it should be.
    """
    with reading() as ctx:
        found = audit.verdict(ctx.session)
    missing = _missing_triggers()
    for line in [*found.broken[:SHOWN], *missing]:
        click.echo(line)
    if len(found.broken) > SHOWN:
        click.echo(f"... and {len(found.broken) - SHOWN} more")
    click.echo(
        f"{found.sealed} events sealed, {found.unsealed} not sealed yet"
        f"{' (the worker seals each minute)' if found.unsealed else ''}; head {found.head[:16]}"
    )
    if found.broken or missing:
        what = [f"{len(found.broken)} broken links"] if found.broken else []
        what += ["triggers missing"] if missing else []
        raise QolError(f"audit trail: not intact: {' and '.join(what)}")
    click.echo("the audit trail is intact and protected")


def _missing_triggers() -> list[str]:
    try:
        runtime().check()
    except QolError as error:
        return [str(error)]
    return []
