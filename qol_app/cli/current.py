"""The installation a command works on."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import current_app

from qol_app.runtime import Runtime
from qol_app.services.context import Actor, Context


def runtime() -> Runtime:
    """Return the installation, or say by name which setting is missing.

    Raises
    ------
    SettingsError
        If the settings could not be read.
    """
    missing = current_app.extensions.get("qol_app_missing")
    if missing is not None:
        raise missing
    return current_app.extensions["qol_app"]


@contextmanager
def writing() -> Iterator[Context]:
    """Yield a unit of work in the name of the command line, committed at its end."""
    with runtime().writing(Actor.system("cli")) as ctx:
        yield ctx


@contextmanager
def reading() -> Iterator[Context]:
    """Yield a unit of work in the name of the command line that changes nothing."""
    with runtime().reading(Actor.system("cli")) as ctx:
        yield ctx
