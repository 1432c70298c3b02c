"""Reading and writing data files in pieces, as Arrow tables: CSV or Parquet by their ending.

A piece is a few ten thousand rows, so that a file may be larger than memory. Item columns are
read as numbers; every other column of a CSV stays the text it is, so that ``007`` stays 007.
Output is written beside its final name and takes that name only when it is whole.
"""

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from qol_app.errors import DataFileError

BATCH_ROWS = 65_536
BLOCK_BYTES = 4 << 20
# What a CSV may hold in an item's column where there is no answer.
NO_ANSWER = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", ".")

SEPARATORS = {";": "';'", "\t": "tabs", "|": "'|'"}

Pieces = Iterator[tuple[pa.Table, float]]


class BadCell(DataFileError):
    """A text in an item's column; who knows the item can say what it allows."""

    def __init__(self, where: str, column: str, found: str, wanted: str = "a whole number") -> None:
        self.where, self.column, self.found = where, column, found
        super().__init__(
            f"{where}, column {column}: found {found}; wanted {wanted}, or nothing where it is "
            "missing"
        )


@dataclass(frozen=True)
class Table:
    """A data file: its columns, and pieces with the share of the file read so far."""

    path: Path
    columns: tuple[str, ...]
    pieces: Callable[[Sequence[str]], Pieces]


def open_table(path: Path) -> Table:
    """Return a file's columns and a way to read it piece by piece.

    ``pieces(numbers)`` yields tables in which the columns named ``numbers`` are numeric.

    Raises
    ------
    DataFileError
        If the file is absent, empty, of another kind, or not what its ending says.
    """
    openers = {".csv": _open_csv, ".parquet": _open_parquet}
    opener = openers.get(path.suffix.lower())
    if opener is None:
        raise DataFileError(f"{path.name}: found ending {path.suffix!r}; wanted .csv or .parquet")
    if not path.is_file():
        raise DataFileError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise DataFileError(f"{path.name}: found an empty file; wanted a header and rows")
    return opener(path)


def _open_csv(path: Path) -> Table:
    # Bytes that are no UTF-8 further down are found, and named, when their row is read.
    with path.open(encoding="utf-8-sig", newline="", errors="surrogateescape") as file:
        header = next(csv.reader(file), [])
    _refuse_header(path.name, header)
    return Table(path, tuple(header), lambda numbers: _csv_pieces(path, header, numbers))


def _refuse_header(name: str, header: Sequence[str]) -> None:
    if not any(column.strip() for column in header):
        raise DataFileError(f"{name}: found an empty first line; wanted a header and rows")
    for separator, shown in SEPARATORS.items():
        if len(header) == 1 and separator in header[0]:
            raise DataFileError(f"{name}: found columns separated by {shown}; wanted ','")
    for column in header:
        if not column.isprintable():
            raise DataFileError(f"{name}: found column {column[:40]!a}; wanted UTF-8 text")


def _csv_pieces(path: Path, header: Sequence[str], numbers: Sequence[str]) -> Pieces:
    options = pacsv.ConvertOptions(
        column_types={
            name: pa.float64() if name in set(numbers) else pa.string() for name in header
        },
        null_values=list(NO_ANSWER),
        strings_can_be_null=False,
    )
    size = path.stat().st_size
    with path.open("rb") as file:
        try:
            reader = pacsv.open_csv(
                file,
                read_options=pacsv.ReadOptions(block_size=BLOCK_BYTES),
                parse_options=pacsv.ParseOptions(newlines_in_values=True),
                convert_options=options,
            )
            for batch in reader:
                yield pa.Table.from_batches([batch]), min(1.0, file.tell() / size)
        except pa.ArrowInvalid as error:
            raise _first_bad_cell(path, header, numbers, error) from error


def _first_bad_cell(
    path: Path, header: Sequence[str], numbers: Sequence[str], error: Exception
) -> DataFileError:
    """Return an error that names the row and column which the fast reader stumbled over."""
    places = [(header.index(name), name) for name in numbers]
    with path.open(encoding="utf-8-sig", newline="", errors="surrogateescape") as file:
        for number, cells in enumerate(csv.reader(file)):
            if number == 0 or not cells:
                continue
            where = f"{path.name}: row {number}"
            if len(cells) != len(header):
                return DataFileError(
                    f"{where}: found {len(cells)} columns; wanted {len(header)} as in the header"
                )
            for cell in cells:
                if any("\udc80" <= letter <= "\udcff" for letter in cell):
                    return DataFileError(f"{where}: found {cell!a}; wanted UTF-8 text")
            for place, name in places:
                if not _is_numeric(cells[place]):
                    return BadCell(where, name, ascii(cells[place])[:60])
    return DataFileError(f"{path.name}: not a CSV file ({' '.join(str(error).split())})")


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
    """Writes tables of one schema to a file; CSV or Parquet by its ending."""

    def __init__(self, path: Path, kind: str) -> None:
        self.path, self.kind = path, kind
        self.writer: Any = None

    def write(self, table: pa.Table) -> None:
        """Append a piece; the first decides the columns."""
        if self.writer is None:
            make = {".csv": pacsv.CSVWriter, ".parquet": pq.ParquetWriter}[self.kind]
            self.writer = make(str(self.path), table.schema)
        self.writer.write_table(table)

    def close(self) -> None:
        """Write what is left, and the file's end."""
        if self.writer is not None:
            self.writer.close()


@contextmanager
def sink(path: Path) -> Iterator[Sink]:
    """Give a sink whose file appears under its name when all was written, or not at all."""
    kind = path.suffix.lower()
    if kind not in (".csv", ".parquet"):
        raise DataFileError(f"{path.name}: found ending {path.suffix!r}; wanted .csv or .parquet")
    if not path.parent.is_dir():
        raise DataFileError(f"{path}: found no folder {path.parent}; wanted an existing one")
    partial = path.with_name(f".{path.name}.partial")
    made = Sink(partial, kind)
    try:
        yield made
        made.close()
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
