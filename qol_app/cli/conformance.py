"""``flask conformance``: how far another program's scores agree with the public vectors."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from qol_app.cli.score import READABLE, instruments_option, one_instrument
from qol_app.errors import QolError
from qol_app.files import write_whole

if TYPE_CHECKING:
    from qol_app.scoring.conformance import Agreement


@click.command("conformance")
@click.argument("code")
@click.argument("scores", type=READABLE, required=False)
@click.option("--input", "want_input", type=READABLE, help="Write the vectors' forms here instead.")
@click.option(
    "--decimals",
    type=click.IntRange(0, 6),
    default=6,
    show_default=True,
    help="To how many decimals the other program rounds its scores.",
)
@instruments_option
def conformance_command(
    code: str, scores: Path | None, want_input: Path | None, decimals: int, instruments: Path
) -> None:
    """Compare SCORES of the instrument CODE with what they must be.

    Score the forms of golden.csv (--input writes them alone) with any program, name the score
    columns as in docs/conformance.md, keep the column "case", and give the file here. Exit
    status 1 says that something disagrees.
    """
    from qol_app.scoring.conformance import GOLDEN_FILE, load_golden

    instrument = one_instrument(instruments, code)
    golden = load_golden(instruments / code / GOLDEN_FILE, instrument)
    if want_input is not None:
        write_whole(want_input, golden.answers.reset_index().to_csv(index=False))
        click.echo(f"{want_input.name}: {len(golden.answers)} forms of {instrument.title}")
        return
    if scores is None:
        raise QolError("SCORES: found nothing; wanted a CSV of scores, or --input FORMS.csv")
    _compare(instrument.title, golden, scores, decimals)


def _compare(title: str, golden: object, path: Path, decimals: int) -> None:
    from qol_app.scoring.conformance import Golden, compare, read_scores

    assert isinstance(golden, Golden)
    found = compare(golden, read_scores(path), decimals)
    for line in _table(found):
        click.echo(line)
    absent = [name for name in golden.expected.columns if name not in {one.scale for one in found}]
    if absent:
        click.echo(f"not in {path.name}: {', '.join(absent)}")
    wrong = [one.scale for one in found if one.agree < one.cases]
    if wrong:
        raise QolError(f"{title}: {len(wrong)} of {len(found)} scores disagree: {', '.join(wrong)}")
    click.echo(f"{title}: all {len(found)} scores agree in {len(golden.expected)} cases")


def _table(found: "list[Agreement]") -> list[str]:
    head = ("score", "cases", "agree", "differ", "too many", "too few", "largest", "first case")
    rows = [
        (
            one.scale,
            str(one.cases),
            str(one.agree),
            str(one.differ),
            str(one.should_be_missing),
            str(one.should_be_given),
            f"{one.largest:.6g}",
            one.first,
        )
        for one in found
    ]
    width = max(len(one.scale) for one in found) + 2
    return [
        f"{name:<{max(width, 7)}}" + "".join(f"{cell:>12}" for cell in cells)
        for name, *cells in (head, *rows)
    ]
