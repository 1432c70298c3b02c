"""``flask fhir``: instruments as FHIR R4 Questionnaires, out and in."""

from pathlib import Path

import click

from qol_app.cli.score import READABLE, instruments_option, one_instrument
from qol_app.errors import DataFileError, DefinitionError
from qol_app.files import write_whole


@click.group("fhir")
def fhir_group() -> None:
    """Instruments as FHIR R4 Questionnaires."""


@fhir_group.command("questionnaire")
@click.argument("code")
@click.option("-o", "--output", type=READABLE, help="A file; by default it is printed.")
@click.option("--language", "languages", multiple=True, help="Repeat it; all by default.")
@instruments_option
def questionnaire_command(
    code: str, output: Path | None, languages: tuple[str, ...], instruments: Path
) -> None:
    """Write the instrument CODE with its texts as a Questionnaire (JSON)."""
    import json

    from qol_app.definition.wording import load_wordings
    from qol_app.export.fhir_questionnaire import questionnaire

    instrument = one_instrument(instruments, code)
    wordings = load_wordings(instruments / code)
    for language in languages:
        if language not in wordings:
            raise DefinitionError(
                f"--language: found {language!r}; wanted one of {', '.join(wordings)}"
            )
    chosen = {one: wordings[one] for one in languages or wordings}
    text = json.dumps(questionnaire(instrument, chosen), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        click.echo(text, nl=False)
        return
    write_whole(output, text)
    click.echo(f"{output.name}: {instrument.title}, {len(instrument.items)} items")


@fhir_group.command("check")
@click.argument("file", type=READABLE)
def check_command(file: Path) -> None:
    """Read FILE back and say which definition it holds."""
    import json

    from qol_app.export.fhir_questionnaire_import import from_questionnaire

    try:
        resource = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataFileError(f"{file}: cannot be read as JSON ({error})") from error
    instrument, wordings = from_questionnaire(resource)
    click.echo(
        f"{file.name}: {instrument.code} {instrument.version}, definition {instrument.sha256}, "
        f"texts in {', '.join(wordings)}"
    )
