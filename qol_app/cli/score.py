"""``flask score``: domain scores of a file of responses. Needs no study and no settings."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qol_app.cli.progress import share_shown
from qol_app.errors import QolError
from qol_app.files import write_whole
from qol_app.settings import ROOT

if TYPE_CHECKING:
    from qol_app.definition.instrument import Instrument
    from qol_app.scoring.score_file import Options, Summary

INSTRUMENTS = ROOT / "questionnaires" / "instruments"
READABLE = click.Path(dir_okay=False, path_type=Path)

instruments_option = click.option(
    "--instruments",
    type=click.Path(file_okay=False, path_type=Path),
    default=INSTRUMENTS,
    show_default="the program's own",
    help="The folder that holds one folder per instrument.",
)


@click.command("score")
@click.argument("code")
@click.argument("responses", type=READABLE)
@click.option("-o", "--output", type=READABLE, help="The scores: CSV or Parquet by its ending.")
@click.option("--set", "sets", multiple=True, help="A value set; repeat it. All by default.")
@click.option("--provenance", is_flag=True, help="Add counts per score, and a manifest beside.")
@click.option(
    "--out-of-range",
    type=click.Choice(["refuse", "missing"]),
    default="refuse",
    show_default=True,
    help="What to do with a code that an item does not have; 'missing' is counted.",
)
@click.option("--id", "ids", multiple=True, help="A column that tells forms apart; repeat it.")
@click.option("--allow-duplicates", is_flag=True, help="Do not look for the same form twice.")
@click.option("--explain", is_flag=True, help="Print how each score of one form came about.")
@click.option("--row", type=click.IntRange(min=1), default=1, help="Which form to explain.")
@instruments_option
def score_command(
    code: str,
    responses: Path,
    output: Path | None,
    sets: tuple[str, ...],
    provenance: bool,
    out_of_range: str,
    ids: tuple[str, ...],
    allow_duplicates: bool,
    explain: bool,
    row: int,
    instruments: Path,
) -> None:
    """Score RESPONSES by the instrument CODE.

    Each row is a form; columns named as the instrument's items hold codes, all other columns
    are carried through. For every score there is one column in the output.
    """
    from qol_app.scoring.score_file import Options

    instrument = one_instrument(instruments, code)
    options = Options(sets or None, provenance, out_of_range == "missing", ids, allow_duplicates)
    if explain:
        _explain(instrument, responses, options, row)
    if output is None:
        if not explain:
            raise QolError("-o: found no name for the scores; wanted -o SCORES.csv or .parquet")
        return
    _score(instrument, responses, output, options)


def one_instrument(folder: Path, code: str) -> "Instrument":
    """Return the instrument with this code; DefinitionError naming those there are."""
    from qol_app.definition.instrument import DEFINITION_FILE, load_instrument
    from qol_app.errors import DefinitionError

    known = sorted(path.parent.name for path in folder.glob(f"*/{DEFINITION_FILE}"))
    if code not in known:
        raise DefinitionError(
            f"instrument: found {code!r}; wanted one of {', '.join(known) or f'none in {folder}'}"
        )
    return load_instrument(folder / code)


def _score(instrument: "Instrument", source: Path, target: Path, options: "Options") -> None:
    from qol_app.scoring.score_file import score_file

    with share_shown(f"scoring {source.name}") as progress:
        summary = score_file(instrument, source, target, options, progress)
    for line in _lines(instrument, target, summary, options):
        click.echo(line)
    if options.provenance:
        _write_manifest(instrument, source, target, summary, options)


def _lines(
    instrument: "Instrument", target: Path, summary: "Summary", options: "Options"
) -> Iterator[str]:
    from qol_app.scoring.manifest import flagged

    assert summary.columns is not None
    yield (
        f"{target.name}: {summary.n_forms} forms of {instrument.title} {instrument.version}, "
        f"{len(summary.columns.scores)} scores each (definition {instrument.sha256[:12]})"
    )
    if options.out_of_range_missing:
        counts = ", ".join(f"{item} {n}" for item, n in sorted(summary.out_of_range.items()))
        yield f"out of range, taken as missing: {sum(summary.out_of_range.values())}" + (
            f" ({counts})" if counts else ""
        )
    for line in flagged(instrument, options.value_sets):
        yield f"note: {line}"


def _write_manifest(
    instrument: "Instrument", source: Path, target: Path, summary: "Summary", options: "Options"
) -> None:
    from qol_app.scoring.manifest import manifest_text

    path = target.with_name(f"{target.name}.manifest.json")
    text = manifest_text(instrument, source, target, summary, options, datetime.now(UTC))
    write_whole(path, text)
    click.echo(f"{path.name}: written")


def _explain(instrument: "Instrument", source: Path, options: "Options", row: int) -> None:
    from qol_app.scoring.explain import explain_row

    for line in explain_row(instrument, source, row, options):
        click.echo(line)
