"""``flask wording``: the empty file to fill with an owner's texts, and taking it in."""

from pathlib import Path

import click

from qol_app.cli.current import writing
from qol_app.cli.score import READABLE, instruments_option, one_instrument
from qol_app.files import write_whole
from qol_app.services import wording as wordings


@click.group("wording")
def wording_group() -> None:
    """Licensed texts of instruments; the repository holds stand-ins only."""


@wording_group.command("template")
@click.argument("code")
@click.option("-o", "--output", type=READABLE, help="A file; by default it is printed.")
@instruments_option
def template_command(code: str, output: Path | None, instruments: Path) -> None:
    """Write the CSV to fill with the wording of CODE: one row for each text it needs."""
    from qol_app.definition.wording_packs import template

    text = template(one_instrument(instruments, code))
    if output is None:
        click.echo(text, nl=False)
        return
    write_whole(output, text)
    click.echo(f"{output.name}: {text.count(chr(10)) - 1} texts to fill in")


@wording_group.command("load")
@click.argument("code")
@click.argument("language")
@click.argument("file", type=READABLE)
@click.option("--licence", required=True, help="The owner's permission, as exports will name it.")
@click.option("--certificate", help="The owner's certificate for this language version.")
def load_command(
    code: str, language: str, file: Path, licence: str, certificate: str | None
) -> None:
    """Take in the wording of CODE in LANGUAGE from FILE.

    FILE is the filled template, a FHIR R4 Questionnaire (.json) or a REDCap data dictionary
    (.csv). It replaces the stand-in for forms begun from now on.
    """
    with writing() as ctx:
        lines = list(wordings.load_pack(ctx, file, code, language, licence, certificate))
    for line in lines:
        click.echo(line)
    if not lines:
        click.echo(f"wording {code} {language}: these texts are in force already")
