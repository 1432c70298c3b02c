"""Reading and writing data files in pieces, as Arrow tables: CSV or Parquet by their ending.

A piece is a few ten thousand rows, so that a file may be larger than memory. Item columns are
read as numbers; every other column of a CSV stays the text it is, so that ``007`` stays 007.
Output is written beside its final name and takes that name only when it is whole.
"""

import csv
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from qol_app.errors import DataFileError
from qol_app.files import appearing_file

BATCH_ROWS = 65_536
# Arrow reads some thirty blocks ahead, so this is the memory that a CSV of any size takes.
BLOCK_BYTES = 2 << 20
# What a CSV may hold in an item's column where there is no answer.
NO_ANSWER = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", ".")

SEPARATORS = {";": "';'", "\t": "tabs", "|": "'|'"}

Pieces = Iterator[tuple[pa.Table, float]]
# Columns that must hold numbers, each with what it allows, in words.
Wanted = Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """A data file: its columns, and pieces with the share of the file read so far."""

    path: Path
    columns: tuple[str, ...]
    pieces: Callable[[Wanted], Pieces]


def open_table(path: Path) -> Table:
    """Return a file's columns and a way to read it piece by piece.

    ``pieces(wanted)`` yields tables in which the columns named there are numeric.

    Raises
    ------
    DataFileError
        If the file is absent, empty, of another kind, or not what its ending says.
    """
    openers = {".csv": _open_csv, ".parquet": _open_parquet}
    opener = openers.get(path.suffix.lower())
    if opener is None:
        raise DataFileError(f"{path.name}: found ending {path.suffix!r}; wanted .csv or .parquet")
    if not os.path.isfile(path):
        raise DataFileError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise DataFileError(f"{path.name}: found an empty file; wanted a header and rows")
    return opener(path)


def no_rows(name: str) -> DataFileError:
    """Return the error about a file that holds nothing but its header."""
    return DataFileError(f"{name}: found a header and no rows; wanted responses")


def _open_csv(path: Path) -> Table:
    # Bytes that are no UTF-8 further down are found, and named, when their row is read.
    header = next(_csv_rows(path), [])
    _refuse_header(path.name, header)
    return Table(path, tuple(header), lambda wanted: _csv_pieces(path, header, wanted))


def _csv_rows(path: Path) -> Iterator[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="", errors="surrogateescape") as file:
            yield from csv.reader(file)
    except (OSError, csv.Error) as error:
        raise DataFileError(f"{path}: cannot be read as CSV ({error})") from error


def _refuse_header(name: str, header: Sequence[str]) -> None:
    if not any(column.strip() for column in header):
        raise DataFileError(f"{name}: found an empty first line; wanted a header and rows")
    for separator, shown in SEPARATORS.items():
        if len(header) == 1 and separator in header[0]:
            raise DataFileError(f"{name}: found columns separated by {shown}; wanted ','")
    for column in header:
        if not column.isprintable():
            raise DataFileError(f"{name}: found column {_raw(column[:40])}; wanted UTF-8 text")


def _raw(text: str) -> str:
    """Return a text of any bytes as an error shows it: those that are no UTF-8 as ``\\xe5``."""
    return repr(text.encode("utf-8", "surrogateescape"))[1:]


def _csv_pieces(path: Path, header: Sequence[str], wanted: Wanted) -> Pieces:
    options = pacsv.ConvertOptions(
        column_types={name: pa.float64() if name in wanted else pa.string() for name in header},
        null_values=list(NO_ANSWER),
        strings_can_be_null=False,
    )
    # The file's own position runs far ahead; a piece is what was in one block.
    done, size = 0, path.stat().st_size
    try:
        reader = pacsv.open_csv(
            path,
            read_options=pacsv.ReadOptions(block_size=BLOCK_BYTES),
            parse_options=pacsv.ParseOptions(newlines_in_values=True),
            convert_options=options,
        )
        for batch in reader:
            done += BLOCK_BYTES
            yield pa.Table.from_batches([batch]), min(1.0, done / size)
    except pa.ArrowInvalid as error:
        raise _first_bad_cell(path, header, wanted, error) from error
    except OSError as error:
        raise DataFileError(f"{path}: cannot be read as CSV ({error})") from error


def _first_bad_cell(
    path: Path, header: Sequence[str], wanted: Wanted, error: Exception
) -> DataFileError:
    """Return an error that names the row and column which the fast reader stumbled over."""
    number = 0
    # Blank lines are no rows, here as for the fast reader.
    for number, cells in enumerate(filter(None, _csv_rows(path))):
        if number and (found := _bad_cell(cells, header, wanted)):
            return DataFileError(f"{path.name}: row {number}{found}")
    if number == 0:
        return no_rows(path.name)
    return DataFileError(f"{path.name}: not a CSV file ({' '.join(str(error).split())})")


def _bad_cell(cells: Sequence[str], header: Sequence[str], wanted: Wanted) -> str:
    """Return what is wrong with a row and where, as the end of a sentence; empty if nothing."""
    if len(cells) != len(header):
        return f": found {len(cells)} columns; wanted {len(header)} as in the header"
    for name, cell in zip(header, cells, strict=True):
        if not cell.isascii() and any("\udc80" <= letter <= "\udcff" for letter in cell):
            return f", column {name}: found {_raw(cell)}; wanted UTF-8 text"
    for name, cell in zip(header, cells, strict=True):
        if name in wanted and not _is_numeric(cell):
            return f", column {name}: found {ascii(cell)[:60]}; wanted {wanted[name]}"
    return ""


def _is_numeric(cell: str) -> bool:
    if cell in NO_ANSWER:
        return True
    try:
        float(cell)
    except ValueError:
        return False
    return cell.isascii() and "_" not in cell


def _open_parquet(path: Path) -> Table:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataFileError(
            f"{path.name}: not a Parquet file ({' '.join(str(error).split())})"
        ) from error
    return Table(path, tuple(file.schema_arrow.names), lambda _: _parquet_pieces(file, path.name))


def _parquet_pieces(file: pq.ParquetFile, name: str) -> Pieces:
    done, rows = 0, max(1, file.metadata.num_rows)
    try:
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            done += batch.num_rows
            yield pa.Table.from_batches([batch]), done / rows
    except (pa.ArrowInvalid, OSError) as error:
        raise DataFileError(
            f"{name}: damaged after row {done} ({' '.join(str(error).split())})"
        ) from error


class Sink:
    """Writes tables of one schema to a file; CSV or Parquet by the ending of its name.

    A table is written by another hand while the next one is read and scored: Arrow does both
    without holding Python up. One table at most waits, so that memory stays bounded.
    """

    def __init__(self, path: Path, kind: str, hand: ThreadPoolExecutor) -> None:
        self.path, self.kind, self.hand = path, kind, hand
        self.writer: Any = None
        self.writing: Future[None] | None = None

    def write(self, table: pa.Table) -> None:
        """Append a piece; the first decides the columns."""
        if self.writer is None:
            if self.kind == ".csv":
                _refuse_nested(table.schema)
            make = {".csv": pacsv.CSVWriter, ".parquet": pq.ParquetWriter}[self.kind]
            self.writer = make(str(self.path), table.schema)
        self._wait()
        self.writing = self.hand.submit(self.writer.write_table, table)

    def close(self) -> None:
        """Write what is left, and the file's end."""
        self._wait()
        if self.writer is not None:
            self.writer.close()

    def _wait(self) -> None:
        """Return when nothing is being written, or raise what went wrong with it."""
        if self.writing is not None:
            self.writing.result()


def _refuse_nested(schema: pa.Schema) -> None:
    for field in schema:
        if pa.types.is_nested(field.type):
            raise DataFileError(
                f"column {field.name}: found {field.type}, which no CSV can hold; wanted an "
                "output named .parquet, or the responses without this column"
            )


@contextmanager
def sink(path: Path) -> Iterator[Sink]:
    """Give a sink whose file appears under its name when all was written, or not at all."""
    kind = path.suffix.lower()
    if kind not in (".csv", ".parquet"):
        raise DataFileError(f"{path.name}: found ending {path.suffix!r}; wanted .csv or .parquet")
    with appearing_file(path) as partial, ThreadPoolExecutor(1) as hand:
        made = Sink(partial, kind, hand)
        yield made
        made.close()
