"""Tables and a study made up for tests of what is written to files."""

from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import pandas as pd
import pyarrow as pa

from qol_app.definition.instrument import Instrument, load_instruments
from qol_app.definition.protocol import Protocol, load_protocols
from qol_app.export.columns import TABLES, schema
from qol_app.export.manifest import Occasion
from qol_app.export.study import DefinitionUsed, Part, Study
from qol_app.settings import ROOT

INSTANT = datetime(2026, 3, 1, 8, 30, 15, tzinfo=UTC)
DEFAULTS: dict[str, Any] = {
    "text": "x",
    "number": 1.0,
    "whole": 1,
    "date": date(2026, 3, 1),
    "instant": INSTANT,
    "flag": True,
}
OCCASION = Occasion(datetime(2026, 11, 23, 9, 0, tzinfo=UTC), "system:tests (system)", "0001")


@cache
def _definitions() -> tuple[Protocol, dict[str, Instrument]]:
    folder = ROOT / "questionnaires"
    return load_protocols(folder / "protocols")["breclim-2"], load_instruments(
        folder / "instruments"
    )


def make_study(**other: Any) -> Study:
    """Return the default study with the instruments of its packages."""
    protocol, loaded = _definitions()
    codes = sorted({code for package in protocol.packages for code in package.instruments})
    values: dict[str, Any] = {
        "protocol": protocol,
        "instruments": {(code, loaded[code].sha256): loaded[code] for code in codes},
        "definitions": tuple(
            DefinitionUsed("instrument", code, "", loaded[code].version, loaded[code].sha256)
            for code in codes
        ),
        "data_until": INSTANT,
        "program_version": "0.1.0",
    }
    return Study(**{**values, **other})


def make_rows(table: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Return a table of these rows; columns not named hold a harmless value."""
    filled = [{one.name: DEFAULTS[one.kind] for one in TABLES[table]} | row for row in rows]
    names = [one.name for one in TABLES[table]]
    frame = pd.DataFrame(filled, columns=names, dtype=object)
    return pa.Table.from_pandas(frame, schema(table), preserve_index=False)


def make_part(**tables: list[dict[str, Any]]) -> Part:
    """Return one part; tables not named have one harmless row."""
    return {name: make_rows(name, tables.get(name, [{}])) for name in TABLES}
