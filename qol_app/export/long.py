"""The four long tables that analysts of patient-reported outcomes pass around, and no more.

``pro_item``, ``pro_score``, ``pro_visit`` and ``tte`` hold the few columns that any program can
take; whatever else is known stands in the tables of the other formats. The first three are
written part by part; times to events want the whole study, of which only what they need is kept.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from qol_app.export.columns import TABLES, Column, schema
from qol_app.export.gathered import frames_of
from qol_app.export.study import Part, Study
from qol_app.export.tables import refuse_nul
from qol_app.export.tte import scores_to_follow, tte

TEXT, DATE, FLAG = pa.string(), pa.date32(), pa.bool_()
INSTANT = pa.timestamp("us", tz="UTC")
# Column of the long table: its type, and the column it is taken from where the name differs.
Columns = Mapping[str, tuple[pa.DataType, str]]

PRO_ITEM: Columns = MappingProxyType(
    {
        "subject": (TEXT, "participant"),
        "instrument": (TEXT, ""),
        "version": (TEXT, ""),
        "item": (TEXT, ""),
        "value": (pa.float64(), ""),
        "status": (TEXT, ""),
        "shown_at": (INSTANT, ""),
        "answered_at": (INSTANT, ""),
        "device": (TEXT, ""),
        "mode": (TEXT, ""),
        "language": (TEXT, ""),
    }
)
PRO_SCORE: Columns = MappingProxyType(
    {
        "subject": (TEXT, "participant"),
        "visit": (TEXT, ""),
        "scale": (TEXT, ""),
        "value": (pa.float64(), ""),
        "n_answered": (pa.int64(), ""),
        "n_expected": (pa.int64(), ""),
        "set_id": (TEXT, "value_set"),
        "scorer": (TEXT, ""),
    }
)
PRO_VISIT: Columns = MappingProxyType(
    {
        "subject": (TEXT, "participant"),
        "visit": (TEXT, ""),
        "target": (DATE, "target_on"),
        "open": (DATE, "opens_on"),
        "close": (DATE, "closes_on"),
        "submitted": (INSTANT, "submitted_at"),
        "status": (TEXT, "state"),
        "reason": (TEXT, ""),
        "late": (FLAG, ""),
        "assisted": (FLAG, ""),
        "after_allocation": (FLAG, ""),
    }
)
TTE: Columns = MappingProxyType(
    {
        "subject": (TEXT, "participant"),
        "endpoint": (TEXT, ""),
        "start": (DATE, "start_on"),
        "date": (DATE, "ended_on"),
        "event": (pa.int64(), ""),
        "rule": (TEXT, ""),
    }
)


KINDS = {TEXT: "text", DATE: "date", FLAG: "flag", INSTANT: "instant"}
KINDS |= {pa.float64(): "number", pa.int64(): "whole"}
# What no other table has a column for.
OWN_LABELS = {
    "visit": "Timepoint, with -2, -3 where it is repeated",
    "scorer": "Program and version that scored",
    "endpoint": "OS, PFS, or TTD with scale and definition",
    "start": "Randomisation",
    "date": "Event, or last day without",
    "event": "1 the event happened, 0 censored",
    "rule": "How event and censoring are defined",
}


def described() -> Iterator[tuple[str, Column]]:
    """Yield the columns of the four tables, labelled as the columns they are taken from."""
    sources = {"pro_item": "items", "pro_score": "scores", "pro_visit": "visits"}
    tables = {**{name: columns for name, (columns, _) in SHAPES.items()}, "tte": TTE}
    for table, columns in tables.items():
        known = {one.name: one for one in TABLES[sources.get(table, "participants")]}
        for name, (kind, source) in columns.items():
            found = known.get(source or name)
            label = found.label if found else OWN_LABELS[name]
            values, empty = (found.values, found.empty) if found else ((), "")
            yield f"long/{table}", Column(name, KINDS[kind], label, "", values, empty)


class LongWriter:
    """``long/<table>.csv`` and ``.parquet`` for each of the four."""

    def __init__(self, folder: Path, study: Study) -> None:
        (folder / "long").mkdir()
        self._study = study
        self._kept: list[Part] = []
        self._files = {
            name: _Pair(folder / "long", name, columns)
            for name, columns in (*((n, c) for n, (c, _) in SHAPES.items()), ("tte", TTE))
        }

    def add(self, part: Part) -> None:
        """Write what these participants answered, scored and missed."""
        for name, (columns, made) in SHAPES.items():
            self._files[name].write(_chosen(made(part), columns))
        scales = pa.array([scale for _, scale in scores_to_follow(self._study)])
        followed = part["scores"].filter(pc.is_in(part["scores"]["scale"], scales))
        self._kept.append({**part, "scores": followed, "items": schema("items").empty_table()})

    def close(self) -> None:
        """Write the times to events, then finish every file."""
        whole = {
            name: pa.concat_tables([schema(name).empty_table(), *(one[name] for one in self._kept)])
            for name in TABLES
        }
        self._files["tte"].write(_times(self._study, frames_of(whole)))
        for file in self._files.values():
            file.close()


class _Pair:
    """One table as CSV and as Parquet."""

    def __init__(self, folder: Path, name: str, columns: Columns) -> None:
        self.name = name
        wanted = pa.schema([pa.field(one, kind) for one, (kind, _) in columns.items()])
        options = pa.csv.WriteOptions(quoting_style="needed")
        self._csv = pa.csv.CSVWriter(folder / f"{name}.csv", wanted, write_options=options)
        self._parquet = pa.parquet.ParquetWriter(
            folder / f"{name}.parquet", wanted, compression="zstd"
        )

    def write(self, table: pa.Table) -> None:
        refuse_nul(self.name, table)
        self._csv.write_table(table)
        self._parquet.write_table(table)

    def close(self) -> None:
        self._csv.close()
        self._parquet.close()


def _items(part: Part) -> pa.Table:
    return part["items"]


def _scores(part: Part) -> pa.Table:
    # An assessment that is still being answered has no score yet.
    table = part["scores"].filter(part["scores"]["submitted"])
    scorer = pc.binary_join_element_wise("qol-app", table["program_version"], " ")
    return _with_visit(table).append_column("scorer", scorer)


def _visits(part: Part) -> pa.Table:
    return _with_visit(part["visits"])


def _with_visit(table: pa.Table) -> pa.Table:
    """Return the table with ``visit``: the timepoint, and which time where it is repeated."""
    number = pc.cast(table["occurrence"], pa.string())
    again = pc.binary_join_element_wise(table["timepoint"], number, "-")
    visit = pc.if_else(pc.greater(table["occurrence"], 1), again, table["timepoint"])
    return table.append_column("visit", visit)


SHAPES: Mapping[str, tuple[Columns, Callable[[Part], pa.Table]]] = MappingProxyType(
    {
        "pro_item": (PRO_ITEM, _items),
        "pro_score": (PRO_SCORE, _scores),
        "pro_visit": (PRO_VISIT, _visits),
    }
)


def _chosen(table: pa.Table, columns: Columns) -> pa.Table:
    return pa.table({name: table[source or name] for name, (_, source) in columns.items()})


def _times(study: Study, frames: Mapping[str, pd.DataFrame]) -> pa.Table:
    rows = tte(study, frames)
    scale = rows[["instrument", "scale", "definition"]].apply(_words, axis=1)
    rows = rows.assign(endpoint=(rows["endpoint"].astype(str) + " " + scale).str.strip())
    arrays = {
        name: pa.array(_days(rows[source or name]) if kind == DATE else rows[source or name], kind)
        for name, (kind, source) in TTE.items()
    }
    return pa.table(arrays)


def _words(row: pd.Series) -> str:
    return " ".join(str(one) for one in row if not pd.isna(one))


def _days(column: pd.Series) -> list[Any]:
    days = pd.to_datetime(column).dt.date
    return [None if pd.isna(day) else day for day in days]
