"""Scoring a file of responses, piece by piece, with findings that name file, row and column."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from qol_app.definition.instrument import Instrument
from qol_app.errors import DataFileError, ResponseError
from qol_app.scoring.answers import BadAnswer, wanted, without_out_of_range
from qol_app.scoring.columns import FileColumns, sort_out
from qol_app.scoring.scorer import score
from qol_app.scoring.tables import Pieces, Table, no_rows, open_table, sink

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Options:
    """How to score a file.

    ``ids`` are the columns that tell forms apart; by default a column named as an id, or all
    carried columns where one of them names a person.
    """

    value_sets: tuple[str, ...] | None = None
    provenance: bool = False
    out_of_range_missing: bool = False
    ids: tuple[str, ...] = ()
    duplicates_allowed: bool = False


@dataclass
class Summary:
    """What happened: forms scored, columns, and out-of-range answers taken as missing."""

    n_forms: int = 0
    columns: FileColumns | None = None
    out_of_range: Counter[str] = field(default_factory=Counter)
    scored: Counter[str] = field(default_factory=Counter)


def score_file(
    instrument: Instrument,
    source: Path,
    target: Path,
    options: Options | None = None,
    progress: Progress = lambda share: None,
) -> Summary:
    """Write the scores of every form in a file; other columns are carried through first.

    Raises
    ------
    DataFileError
        Naming file, row, column, value found and value wanted; nothing is written then.
    """
    options = options or Options()
    if source.resolve() == target.resolve():
        raise DataFileError(f"{target}: found the responses' own file; wanted another name")
    table = open_table(source)
    summary = Summary(columns=columns_of(table, instrument, options))
    with sink(target) as out:
        for scores, share in _pieces(table, instrument, options, summary):
            out.write(scores)
            progress(share)
    return summary


def columns_of(table: Table, instrument: Instrument, options: Options) -> FileColumns:
    """Return what each column of the file is for; DataFileError naming the file if one is odd."""
    name = table.path.name
    try:
        return sort_out(name, table.columns, instrument, options.value_sets, options.ids)
    except ResponseError as error:
        raise DataFileError(f"{name}: {error}") from error


def pieces_of(table: Table, instrument: Instrument, columns: FileColumns) -> Pieces:
    """Yield the file piece by piece, its items as numbers, with the share read so far."""
    return table.pieces({code: wanted(instrument.item(code)) for code in columns.items})


def _pieces(table: Table, instrument: Instrument, options: Options, summary: Summary) -> Pieces:
    """Yield scores piece by piece; at the end refuse a file without forms or with one twice."""
    columns, name = summary.columns, table.path.name
    assert columns is not None
    seen: list[npt.NDArray[np.uint64]] = []
    for piece, share in pieces_of(table, instrument, columns):
        yield _scored(instrument, piece, options, summary, name), share
        if columns.ids and not options.duplicates_allowed:
            seen.append(_fingerprints(name, piece, columns.ids))
        summary.n_forms += piece.num_rows
    if summary.n_forms == 0:
        raise no_rows(name)
    _refuse_duplicates(table, columns, seen)


def _scored(
    instrument: Instrument, piece: pa.Table, options: Options, summary: Summary, name: str
) -> pa.Table:
    assert summary.columns is not None
    answers = piece.select(summary.columns.items).to_pandas(split_blocks=True)
    if options.out_of_range_missing:
        answers, counts = without_out_of_range(instrument, answers)
        summary.out_of_range.update(counts)
    try:
        scores = score(
            instrument, answers, value_sets=options.value_sets, provenance=options.provenance
        )
    except BadAnswer as error:
        raise DataFileError(
            f"{name}: {error.at(f'row {summary.n_forms + error.row + 1}')}"
        ) from error
    for column in summary.columns.scores:
        summary.scored[column] += int(scores[column].notna().sum())
    carried = piece.select(summary.columns.carried)
    names = [*summary.columns.carried, *scores.columns]
    arrays = [*carried.columns, *(_array(scores[column]) for column in scores.columns)]
    return pa.table(dict(zip(names, arrays, strict=True)))


def _array(column: "pd.Series[Any]") -> pa.Array:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pa.repeat(column.cat.categories[0], len(column))
    if column.dtype == object:
        return pa.array(column, pa.string(), from_pandas=True)
    return pa.array(column.to_numpy(), from_pandas=True)


def _fingerprints(name: str, piece: pa.Table, ids: Sequence[str]) -> npt.NDArray[np.uint64]:
    """Return 64 bits per row that are equal where the id columns are."""
    total = np.zeros(piece.num_rows, np.uint64)
    for column in ids:
        if pa.types.is_nested(piece[column].type):
            found = piece[column].type
            raise DataFileError(f"{name}: column {column}: found {found}; wanted plain values")
        values = piece[column].to_pandas()
        hashed = pd.util.hash_pandas_object(values, index=False, categorize=False)
        total = total * np.uint64(31) + hashed.to_numpy()
    return total


def _refuse_duplicates(
    table: Table, columns: FileColumns, seen: Sequence[npt.NDArray[np.uint64]]
) -> None:
    prints = np.concatenate(seen) if seen else np.empty(0, np.uint64)
    # Sorted and compared with the neighbour: eight bytes a row, where np.unique takes forty.
    ordered = np.sort(prints)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(again):
        return
    suspects = set(np.flatnonzero(np.isin(prints, again)).tolist())
    # Equal fingerprints are nearly always equal ids; look before saying so.
    first_seen: dict[tuple[Any, ...], int] = {}
    row = 0
    for piece, _ in table.pieces({}):
        keys = zip(*(piece[column].to_pylist() for column in columns.ids), strict=True)
        for key in keys:
            row += 1
            if row - 1 not in suspects:
                continue
            if key in first_seen:
                raise _duplicate(table.path.name, columns.ids, key, first_seen[key], row)
            first_seen[key] = row


def _duplicate(
    name: str, ids: Sequence[str], key: Sequence[object], first: int, again: int
) -> DataFileError:
    shown = ", ".join(f"{column} {value!r}" for column, value in zip(ids, key, strict=True))
    return DataFileError(
        f"{name}: row {again}, column {', '.join(ids)}: found {shown} again, first in row "
        f"{first}; wanted each form once (name the columns that tell forms apart with --id)"
    )
