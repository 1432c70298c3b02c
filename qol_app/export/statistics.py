"""Labelled files of statistics packages: SAS transport, SPSS and Stata.

These formats are written whole, so their tables are gathered first; for a study of a million
forms take CSV or Parquet.
"""

import json
import re
from abc import abstractmethod
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

import pandas as pd
import pyarrow as pa
import pyreadstat

from qol_app.errors import DataFileError
from qol_app.export.columns import TABLES, Column
from qol_app.export.gathered import Gathered
from qol_app.export.transport import Variable, write_transport

SAS_NAMES = MappingProxyType(
    {
        "participants": "PARTICIP",
        "visits": "VISITS",
        "items": "ITEMS",
        "scores": "SCORES",
        "events": "EVENTS",
    }
)
STATA_14 = 14  # format 118; what the library calls 15 is read by Stata/MP only
STATA_MOST_BYTES = 2045
FLAG_LABELS: dict[int | float, str] = {0: "no", 1: "yes"}
_STATA_STAMP = re.compile(rb"(?<=<timestamp>\x11).{17}")
_SPSS_STAMP_AT = 92
_HEADER_BYTES = 400


class Labelled(Gathered):
    """Each table as one file of a statistics package."""

    @staticmethod
    @abstractmethod
    def write_table(folder: Path, table: str, frame: pd.DataFrame, made_at: datetime) -> None:
        """Write one table."""

    def write(self, tables: dict[str, pa.Table]) -> None:
        """Write one file per table."""
        for name, table in tables.items():
            frame = labelled_frame(name, table)
            self.write_table(self.folder, name, frame, self.study.data_until)


def labelled_frame(name: str, table: pa.Table) -> pd.DataFrame:
    """Return one table as statistics packages know it: whole numbers and flags as numbers."""
    return pd.DataFrame({one.name: _column(table[one.name], one) for one in TABLES[name]})


def _column(values: pa.ChunkedArray, column: Column) -> pd.Series:
    if column.kind in ("text", "date"):
        return values.to_pandas().astype(object)
    if column.kind == "instant":
        return values.to_pandas().dt.tz_localize(None)
    return values.cast(pa.float64()).to_pandas() if column.kind != "flag" else _flag(values)


def _flag(values: pa.ChunkedArray) -> pd.Series:
    return values.cast(pa.int8()).cast(pa.float64()).to_pandas()


def write_xpt(folder: Path, table: str, frame: pd.DataFrame, made_at: datetime) -> None:
    """Write one table as SAS transport, its columns under their short names."""
    variables = [Variable(one.short, one.label, one.kind == "text") for one in TABLES[table]]
    path = folder / f"{table}.xpt"
    if "details" in frame:
        frame = frame.assign(details=frame["details"].map(_json_in_ascii, na_action="ignore"))
    write_transport(path, SAS_NAMES[table], table, variables, frame, made_at)


def _json_in_ascii(text: str) -> str:
    # JSON has a way to say any letter in ASCII, so a Swedish detail need not be refused.
    return re.sub(r"[^\x00-\x7f]", lambda letter: json.dumps(letter.group())[1:-1], text)


def write_sav(folder: Path, table: str, frame: pd.DataFrame, made_at: datetime) -> None:
    """Write one table for SPSS."""
    path = folder / f"{table}.sav"
    measures = {
        one.name: "nominal" if one.kind in ("text", "flag") else "scale" for one in TABLES[table]
    }
    pyreadstat.write_sav(
        frame,
        path,
        file_label=table,
        column_labels=_labels(table),
        variable_measure=measures,
        variable_value_labels=_value_labels(table),
    )
    with path.open("r+b") as file:
        file.seek(_SPSS_STAMP_AT)
        file.write(made_at.strftime("%d %b %y%H:%M:%S").encode())


def write_dta(folder: Path, table: str, frame: pd.DataFrame, made_at: datetime) -> None:
    """Write one table for Stata."""
    _refuse_long(table, frame)
    path = folder / f"{table}.dta"
    pyreadstat.write_dta(
        frame,
        path,
        file_label=table,
        column_labels=_labels(table),
        version=STATA_14,
        variable_value_labels=_value_labels(table),
    )
    with path.open("r+b") as file:
        header = file.read(_HEADER_BYTES)
        file.seek(0)
        file.write(_STATA_STAMP.sub(made_at.strftime("%d %b %Y %H:%M").encode(), header))


def _labels(table: str) -> dict[str, str | None]:
    return {one.name: one.label for one in TABLES[table]}


def _value_labels(table: str) -> dict[str, dict[int | float, str]]:
    return {one.name: FLAG_LABELS for one in TABLES[table] if one.kind == "flag"}


def _refuse_long(table: str, frame: pd.DataFrame) -> None:
    for one in TABLES[table]:
        if one.kind != "text":
            continue
        for text in frame[one.name].dropna().unique():
            size = len(text.encode())
            if size > STATA_MOST_BYTES:
                raise DataFileError(
                    f"{table}.{one.name}: found a text of {size} bytes; wanted at most "
                    f"{STATA_MOST_BYTES}, which is all that Stata's fixed columns hold"
                )


class XptWriter(Labelled):
    """``<table>.xpt`` for each table."""

    write_table = staticmethod(write_xpt)


class SavWriter(Labelled):
    """``<table>.sav`` for each table."""

    write_table = staticmethod(write_sav)


class DtaWriter(Labelled):
    """``<table>.dta`` for each table."""

    write_table = staticmethod(write_dta)
