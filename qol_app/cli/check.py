"""``flask check``: every contradiction in definitions and settings, each on a line of its own."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import click
from flask import current_app

from qol_app.definition.checks import check_instruments
from qol_app.definition.message_texts import load_messages, message_problems
from qol_app.definition.protocol import Protocol, load_protocol
from qol_app.errors import QolError
from qol_app.settings import ROOT


@click.command("check")
@click.option(
    "--questionnaires",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="QUESTIONNAIRES",
    show_default="those of the settings",
)
def check_command(questionnaires: Path | None) -> None:
    """Look for contradictions in instruments, wordings, protocols and settings.

    Exit status 0 where there is none, 1 otherwise.
    """
    questionnaires = questionnaires or _of_the_settings()
    found = [line for look in LOOKS for line in look(questionnaires)]
    for line in found:
        click.echo(line, err=True)
    if found:
        raise click.exceptions.Exit(1)
    click.echo("instruments, wordings, protocols and settings agree with each other")


def _of_the_settings() -> Path:
    installed = current_app.extensions.get("qol_app")
    return installed.settings.questionnaires if installed else ROOT / "questionnaires"


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
    for name, protocol in _sound(folder):
        yield from (f"{name}: {problem}" for problem in message_problems(protocol, texts))


def _sound(folder: Path) -> Iterator[tuple[str, Protocol]]:
    """Yield the protocols that do not contradict themselves, by file name."""
    for path in sorted((folder / "protocols").glob("*.yaml")):
        with suppress(QolError):  # said by _protocols
            yield path.name, load_protocol(path)


def _settings(folder: Path) -> Iterator[str]:
    missing = current_app.extensions.get("qol_app_missing")
    if missing is not None:
        yield str(missing)
        return
    installed = current_app.extensions.get("qol_app")
    known = sorted({protocol.code for _, protocol in _sound(folder)})
    if installed and known and installed.settings.protocol not in known:
        found = installed.settings.protocol
        yield f"setting PROTOCOL: found {found!r}; wanted one of {', '.join(known)}"


LOOKS: tuple[Callable[[Path], Iterator[str]], ...] = (
    _instruments,
    _protocols,
    _messages,
    _settings,
)
