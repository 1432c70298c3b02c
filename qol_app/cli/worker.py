"""``flask worker``: the reminder worker, alone in its process."""

import logging

import click

from qol_app.cli.current import runtime


@click.command("worker")
def worker_command() -> None:
    """Send reminders until interrupted; several may run, one is active."""
    from qol_app.worker import loop

    logging.basicConfig(level=runtime().settings.log_level, format="%(name)s %(message)s")
    for chatty in ("alembic", "apscheduler", "httpx", "mail.log"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    click.echo("worker running")
    loop.run(runtime())
