"""The exact kind: every table as CSV or Parquet, written part by part.

CSV is UTF-8 with LF line ends; every text is quoted, so that commas, quotes and lone
carriage returns survive, and numbers are not; a missing value is nothing between commas,
while an empty text is a pair of quotes.
"""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from qol_app.errors import DataFileError
from qol_app.export.columns import TABLES, schema
from qol_app.export.study import Part, Study


class CsvWriter:
    """``<table>.csv`` for each table."""

    def __init__(self, folder: Path, study: Study) -> None:
        options = pa.csv.WriteOptions(quoting_style="needed")
        self._files = {
            table: pa.csv.CSVWriter(folder / f"{table}.csv", schema(table), write_options=options)
            for table in TABLES
        }

    def add(self, part: Part) -> None:
        """Append the rows of some more participants to each file."""
        for table, file in self._files.items():
            refuse_nul(table, part[table])
            file.write_table(part[table])

    def close(self) -> None:
        """Finish every file."""
        for file in self._files.values():
            file.close()


class ParquetWriter:
    """``<table>.parquet`` for each table, one row group or more per part."""

    def __init__(self, folder: Path, study: Study) -> None:
        self._files: dict[str, Any] = {
            table: pa.parquet.ParquetWriter(
                folder / f"{table}.parquet", schema(table), compression="zstd"
            )
            for table in TABLES
        }

    def add(self, part: Part) -> None:
        """Append the rows of some more participants to each file."""
        for table, file in self._files.items():
            file.write_table(part[table])

    def close(self) -> None:
        """Finish every file."""
        for file in self._files.values():
            file.close()


def refuse_nul(name: str, table: pa.Table) -> None:
    """Refuse a table in which a text holds NUL, which ends a text in half of all readers.

    Raises
    ------
    DataFileError
        Naming table, column and the first row that holds it.
    """
    for field in table.schema:
        if field.type != pa.string():
            continue
        holds = pc.match_substring(table[field.name], "\0")
        if pc.any(holds).as_py():
            row = holds.to_pylist().index(True) + 1
            raise DataFileError(
                f"{name}.{field.name}: found the character NUL in row {row}; wanted text that "
                "CSV can carry. Export it as Parquet, or correct the entry."
            )
