"""Formats that need the whole study at once: parts are kept, and written when all are there."""

from abc import ABC, abstractmethod
from pathlib import Path

import pandas as pd
import pyarrow as pa

from qol_app.export.columns import TABLES, schema
from qol_app.export.study import Part, Study


class Gathered(ABC):
    """Keeps every part and hands the whole tables to ``write`` in the end."""

    def __init__(self, folder: Path, study: Study) -> None:
        self.folder, self.study = folder, study
        self._parts: dict[str, list[pa.Table]] = {table: [] for table in TABLES}

    def add(self, part: Part) -> None:
        """Keep the rows of some more participants."""
        for table, kept in self._parts.items():
            kept.append(part[table])

    def close(self) -> None:
        """Write every file."""
        self.write({name: self._whole(name) for name in TABLES})

    def _whole(self, name: str) -> pa.Table:
        return pa.concat_tables([schema(name).empty_table(), *self._parts.pop(name)])

    @abstractmethod
    def write(self, tables: dict[str, pa.Table]) -> None:
        """Write the files of this format from the whole tables."""


def frames_of(tables: dict[str, pa.Table]) -> dict[str, pd.DataFrame]:
    """Return tables for work row by row: dates as dates, gaps as None or NaN."""
    return {name: table.to_pandas() for name, table in tables.items()}
