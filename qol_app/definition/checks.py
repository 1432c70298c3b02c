"""``flask check``: everything that is wrong with the instruments, file by file."""

from collections.abc import Iterator
from pathlib import Path

from qol_app.definition.instrument import (
    DEFINITION_FILE,
    Instrument,
    load_instrument,
)
from qol_app.definition.interpretation import load_interpretation
from qol_app.definition.loader import shown_name
from qol_app.definition.wording import NOT_WORDING, load_wording, wording_gaps
from qol_app.errors import DefinitionError

GOLDEN_FILE = "golden.csv"


def check_instruments(folder: Path, root: Path | None = None) -> list[str]:
    """Return findings about every instrument folder, each a sentence naming its file.

    Read are definitions, value sets and wordings; a folder without vectors is a finding too,
    since nobody could tell whether it is scored rightly.
    """
    folders = sorted(path.parent for path in Path(folder).glob(f"*/{DEFINITION_FILE}"))
    return [finding for one in folders for finding in _findings(one, root)]


def _findings(folder: Path, root: Path | None) -> Iterator[str]:
    try:
        instrument = load_instrument(folder, root)
    except DefinitionError as error:
        yield str(error)
        return
    yield from _wording_findings(instrument, folder, root)
    try:
        load_interpretation(folder, instrument, root)
    except DefinitionError as error:
        yield str(error)
    if not (folder / GOLDEN_FILE).exists():
        yield f"{shown_name(folder / GOLDEN_FILE, root)}: no such file; wanted test vectors"


def _wording_findings(instrument: Instrument, folder: Path, root: Path | None) -> Iterator[str]:
    paths = [path for path in sorted(folder.glob("*.yaml")) if path.name not in NOT_WORDING]
    if not paths:
        yield f"{shown_name(folder, root)}: found no wording; wanted one <language>.yaml or more"
    for path in paths:
        try:
            wording = load_wording(path, root)
        except DefinitionError as error:
            yield str(error)
            continue
        for gap in wording_gaps(instrument, wording):
            yield f"{shown_name(path, root)}: {gap}"
