"""Which columns of a file are items, which are carried along, and which look like a mistake."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from qol_app.definition.instrument import Instrument
from qol_app.errors import DataFileError
from qol_app.scoring.scorer import score_columns

_ID_NAMES = ("id", "form_id", "assessment_id", "case")
_ID_LIKE = re.compile(
    r"(^|[_ .-])(id|no|nr|subject|subjid|usubjid|participant|patient|person|record|form|case)$"
)


@dataclass(frozen=True)
class FileColumns:
    """A file's columns sorted out: items in the instrument's order, the rest as they stand."""

    items: tuple[str, ...]
    carried: tuple[str, ...]
    ids: tuple[str, ...]
    scores: tuple[str, ...]


def sort_out(
    name: str,
    columns: Sequence[str],
    instrument: Instrument,
    value_sets: Sequence[str] | None = None,
    ids: Sequence[str] = (),
) -> FileColumns:
    """Return what each column of a file is for.

    Raises
    ------
    DataFileError
        If a name appears twice, an unknown column looks like an item, a carried column has
        the name of a score, or an id column is not there.
    ResponseError
        If an item's column is missing.
    """
    for column, times in Counter(columns).items():
        if times > 1:
            raise DataFileError(f"{name}: found column {column!r} {times} times; wanted it once")
    items = tuple(code for code in instrument.item_codes if code in columns)
    carried = tuple(column for column in columns if column not in instrument.items_by_code)
    _refuse_lookalikes(name, carried, instrument)
    scores = score_columns(instrument, columns, value_sets)
    for column in carried:
        if column in scores:
            raise DataFileError(
                f"{name}: found column {column!r}, which is also a score of {instrument.code}; "
                "wanted another name for it"
            )
    for column in ids:
        if column not in carried:
            raise DataFileError(
                f"{name}: found no id column {column!r}; wanted one of "
                f"{', '.join(carried) or 'none: all columns are items'}"
            )
    return FileColumns(items, carried, tuple(ids) or _ids(carried), scores)


def _ids(carried: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that together tell forms apart.

    A column that is by its name one form's id does so alone. Otherwise, where some column
    names a person or record, all carried columns together do: participant and visit, say.
    """
    for column in carried:
        if column.casefold() in _ID_NAMES:
            return (column,)
    if any(_ID_LIKE.search(column.casefold()) for column in carried):
        return tuple(carried)
    return ()


def _refuse_lookalikes(name: str, carried: Sequence[str], instrument: Instrument) -> None:
    patterns = _item_patterns(instrument)
    for column in carried:
        bare = column.strip().casefold()
        if any(pattern.fullmatch(bare) for pattern in patterns):
            raise DataFileError(
                f"{name}: found column {column!r}, which looks like an item of "
                f"{instrument.code} but is none; wanted {_shown(instrument)}, or another name"
            )


def _item_patterns(instrument: Instrument) -> list[re.Pattern[str]]:
    """Return patterns of the instrument's item names: same letters, any number."""
    shapes = set()
    for code in instrument.item_codes:
        parts = re.split(r"\d+", code.casefold())
        shapes.add(r"\d+".join(re.escape(part) for part in parts))
    if instrument.selectable:
        # A library's items are <number>_<attribute>; a number with any word looks like one.
        shapes.add(r"\d+_[a-z]+")
    return [re.compile(shape) for shape in sorted(shapes)]


def _shown(instrument: Instrument) -> str:
    codes = instrument.item_codes
    return ", ".join(codes) if len(codes) <= 6 else f"{codes[0]}, {codes[1]}, ... {codes[-1]}"
