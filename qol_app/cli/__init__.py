"""Commands: ``flask score``, ``flask plan`` and all the others, one file for each subject.

Whatever a command raises on purpose ends as one line and exit status 1.
"""

from collections.abc import Callable
from copy import copy
from functools import wraps
from typing import Any

import click
from flask import Flask
from flask.cli import with_appcontext
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from qol_app.cli.amend import amend_group
from qol_app.cli.audit import audit_group
from qol_app.cli.check import check_command
from qol_app.cli.conformance import conformance_command
from qol_app.cli.current import runtime
from qol_app.cli.database import definitions_group, migrate_command
from qol_app.cli.demo import demo_group
from qol_app.cli.export import export_command
from qol_app.cli.fhir import fhir_group
from qol_app.cli.freeze import freeze_command
from qol_app.cli.ledger import ledger_command
from qol_app.cli.plan import plan_command
from qol_app.cli.report import report_command
from qol_app.cli.score import score_command
from qol_app.cli.serve import serve_command
from qol_app.cli.settings import settings_group
from qol_app.cli.simulate import simulate_command
from qol_app.cli.staff import staff_group
from qol_app.cli.wording import wording_group
from qol_app.cli.worker import worker_command
from qol_app.db.waiting import in_words
from qol_app.errors import QolError

COMMANDS: tuple[click.Command, ...] = (
    amend_group,
    check_command,
    settings_group,
    migrate_command,
    conformance_command,
    definitions_group,
    demo_group,
    fhir_group,
    ledger_command,
    plan_command,
    score_command,
    serve_command,
    simulate_command,
    staff_group,
    wording_group,
    worker_command,
    export_command,
    freeze_command,
    report_command,
    audit_group,
)


def register_commands(app: Flask) -> None:
    """Make every command available as ``flask NAME``."""
    for command in COMMANDS:
        app.cli.add_command(_ending_in_one_line(command))


def _ending_in_one_line(command: click.Command) -> click.Command:
    """Return a copy of the command, or group of commands, whose errors end in one line."""
    ending = copy(command)
    if isinstance(ending, click.Group):
        ending.commands = {
            name: _ending_in_one_line(below) for name, below in ending.commands.items()
        }
    elif ending.callback is not None:
        ending.callback = with_appcontext(_one_line(ending.callback))
    return ending


def _one_line(callback: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(callback)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return callback(*args, **kwargs)
        except OperationalError as error:
            raise click.ClickException(_in_words(error)) from error
        except QolError as error:
            raise click.ClickException(" ".join(str(error).split())) from error

    return run


def _in_words(error: OperationalError) -> str:
    """Return what went wrong with the database; where none could be opened, which one."""
    if error.statement is not None:
        return in_words(error)
    found = make_url(runtime().settings.database_url).render_as_string(hide_password=True)
    reason = str(error.orig).strip().splitlines()[0]
    return (
        f"DATABASE_URL: found {found}, which cannot be opened ({reason}); "
        "wanted a database that runs, and a user it lets in"
    )
