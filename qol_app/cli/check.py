"""``flask check``: every contradiction in definitions and settings, each on a line of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import click
from flask import current_app

from qol_app.definition.checks import check_instruments
from qol_app.definition.message_texts import load_messages, message_problems
from qol_app.definition.protocol import load_protocol
from qol_app.errors import QolError
from qol_app.settings import ROOT


@click.command("check")
@click.option(
    "--questionnaires",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=ROOT / "questionnaires",
    show_default="questionnaires",
)
def check_command(questionnaires: Path) -> None:
    """Look for contradictions in instruments, wordings, protocols and settings.

    Exit status 0 where there is none, 1 otherwise.
    """
    found = [line for look in LOOKS for line in look(questionnaires)]
    for line in found:
        click.echo(line, err=True)
    if found:
        raise click.exceptions.Exit(1)
    click.echo("instruments, wordings, protocols and settings agree with each other")


def _instruments(folder: Path) -> Iterator[str]:
    yield from check_instruments(folder / "instruments")


def _protocols(folder: Path) -> Iterator[str]:
    for path in sorted((folder / "protocols").glob("*.yaml")):
        try:
            load_protocol(path)
        except QolError as error:
            yield str(error)


def _messages(folder: Path) -> Iterator[str]:
    try:
        texts = load_messages(folder / "messages")
    except QolError as error:
        yield str(error)
        return
    for path in sorted((folder / "protocols").glob("*.yaml")):
        try:
            protocol = load_protocol(path)
        except QolError:
            continue  # said by _protocols
        yield from (f"{path.name}: {problem}" for problem in message_problems(protocol, texts))


def _settings(_: Path) -> Iterator[str]:
    missing = current_app.extensions.get("qol_app_missing")
    if missing is not None:
        yield str(missing)


LOOKS: tuple[Callable[[Path], Iterator[str]], ...] = (
    _instruments,
    _protocols,
    _messages,
    _settings,
)
