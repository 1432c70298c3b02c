"""``flask settings init``: a settings file with fresh keys."""

import os
from pathlib import Path

import click

from qol_app.settings import DEFAULT_FILE, fresh_settings


@click.group("settings")
def settings_group() -> None:
    """Write and show the settings of this installation."""


@settings_group.command("init")
@click.option("--demo", is_flag=True, help="Settings of a demo study on this machine.")
@click.option("--port", default="8000", help="Port of the demo.")
def init(demo: bool, port: str) -> None:
    """Write a settings file with newly drawn keys; an existing one is kept."""
    path = Path(os.environ.get("QOL_SETTINGS", DEFAULT_FILE))
    if path.exists():
        click.echo(f"{path}: kept as it is")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    more = {"DEMO": "yes", "MAIL_FROM": "qol@example.org"} if demo else {}
    path.touch(mode=0o600)
    path.write_text(fresh_settings(**more))
    click.echo(f"{path}: written, readable by you alone; keep a copy apart from the database")
