"""The formats an export can be written in: one entry each, one file each."""

from collections.abc import Mapping
from types import MappingProxyType

from qol_app.errors import DataFileError
from qol_app.export.spreadsheet import SpreadsheetWriter
from qol_app.export.statistics import gathering
from qol_app.export.study import MakeWriter
from qol_app.export.tables import CsvWriter, ParquetWriter

EXPORTS: Mapping[str, MakeWriter] = MappingProxyType(
    {
        "csv": CsvWriter,
        "parquet": ParquetWriter,
        "spreadsheet": SpreadsheetWriter,
        "xpt": gathering("xpt"),
        "sav": gathering("sav"),
        "dta": gathering("dta"),
    }
)
DEFAULT_FORMATS = ("csv", "parquet")


def chosen_formats(text: str) -> tuple[str, ...]:
    """Return the formats named in a comma-separated list, each once, in the order given.

    Raises
    ------
    DataFileError
        Naming the first one that is not known, and those that are.
    """
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in names:
        if name not in EXPORTS:
            raise DataFileError(f"format: found {name!r}; known: {', '.join(EXPORTS)}")
    if not names:
        raise DataFileError(f"format: found none; known: {', '.join(EXPORTS)}")
    return names
