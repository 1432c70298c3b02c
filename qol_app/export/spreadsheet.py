"""The spreadsheet kind: CSV that may be opened by double click without running anything.

A spreadsheet takes a cell that begins with = + - @ (or a tab or carriage return before one
of them) for a formula, whatever the quotes around it. Such cells get an apostrophe in front;
so do places behind a separator, where a program set to another separator would begin a cell.
This kind is for looking at; the exact kind (``tables``) is for analysis.

Source: OWASP, CSV Injection; CWE-1236.
"""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from qol_app.export.columns import TABLES, schema
from qol_app.export.study import Part, Study

# Full-width forms too: some editions of Excel read them as the plain signs.
_SIGN = "=+\\-@\uff1d\uff0b\uff0d\uff20"
# What a reader may skip before it looks at the sign: blanks, invisible characters, quotes.
_SKIPPED = '[\\s\\v\\pZ\\pC"]*'
_AT_START = f"^({_SKIPPED}[{_SIGN}]|[\\t\\r\\n])"
_BEHIND_SEPARATOR = f"([,;|\\t\\r\\n]{_SKIPPED})([{_SIGN}])"
BYTE_ORDER_MARK = "\ufeff".encode()


@dataclass(frozen=True)
class Habits:
    """What spreadsheets of one language expect between cells and inside numbers."""

    separator: str
    decimal: str


HABITS = {"en": Habits(",", "."), "sv": Habits(";", ",")}


def safe_text(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Return texts no spreadsheet takes for a formula; harmless ones unchanged."""
    apart = pc.replace_substring_regex(column, _BEHIND_SEPARATOR, "\\1'\\2")
    return pc.replace_substring_regex(apart, _AT_START, "'\\1")


class SpreadsheetWriter:
    """``spreadsheet/<table>.csv`` for each table, in the habits of the study's language."""

    def __init__(self, folder: Path, study: Study) -> None:
        self._habits = HABITS.get(study.language, HABITS["en"])
        self._options = pa.csv.WriteOptions(
            include_header=False, quoting_style="needed", delimiter=self._habits.separator
        )
        (folder / "spreadsheet").mkdir()
        self._files = {
            table: (folder / "spreadsheet" / f"{table}.csv").open("wb") for table in TABLES
        }
        for table, file in self._files.items():
            file.write(BYTE_ORDER_MARK + self._header(table))

    def _header(self, table: str) -> bytes:
        names = safe_text(pa.array([one.name for one in TABLES[table]])).to_pylist()
        return (self._habits.separator.join(f'"{name}"' for name in names) + "\r\n").encode()

    def add(self, part: Part) -> None:
        """Append the rows of some more participants to each file."""
        for table, file in self._files.items():
            shown = self._shown(table, part[table])
            pa.csv.write_csv(shown, file, self._options)

    def _shown(self, name: str, table: pa.Table) -> pa.Table:
        columns = [self._cells(table[field.name]) for field in schema(name)]
        return pa.table(columns, names=list(schema(name).names))

    def _cells(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        if column.type == pa.string():
            return safe_text(column)
        if pa.types.is_timestamp(column.type):
            return pc.strftime(pc.cast(column, pa.timestamp("s", tz="UTC")), "%Y-%m-%d %H:%M:%S")
        if column.type == pa.float64() and self._habits.decimal != ".":
            return pc.replace_substring(pc.cast(column, pa.string()), ".", self._habits.decimal)
        return column

    def close(self) -> None:
        """Finish every file."""
        for file in self._files.values():
            file.close()
