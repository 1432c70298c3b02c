"""The formats an export can be written in: one line each here, one file each beside."""

from collections.abc import Iterator, Mapping, Sequence
from pkgutil import resolve_name
from types import MappingProxyType

from qol_app.errors import DataFileError
from qol_app.export.columns import Column
from qol_app.export.study import MakeWriter

# Named, not imported: a CSV file should not have to wait for the statistics that ADaM needs.
EXPORTS: Mapping[str, str] = MappingProxyType(
    {
        "csv": "qol_app.export.tables:CsvWriter",
        "parquet": "qol_app.export.tables:ParquetWriter",
        "spreadsheet": "qol_app.export.spreadsheet:SpreadsheetWriter",
        "xpt": "qol_app.export.statistics:XptWriter",
        "sav": "qol_app.export.statistics:SavWriter",
        "dta": "qol_app.export.statistics:DtaWriter",
        "cdisc": "qol_app.export.cdisc.writer:CdiscWriter",
        "fhir": "qol_app.export.fhir_study:FhirWriter",
        "odm": "qol_app.export.odm:OdmWriter",
        "long": "qol_app.export.long:LongWriter",
    }
)
# Formats with tables of their own: what describes their columns for the codebook.
DESCRIBED: Mapping[str, str] = MappingProxyType({"long": "qol_app.export.long:described"})
DEFAULT_FORMATS = ("csv", "parquet")


def writer_of(name: str) -> MakeWriter:
    """Return what makes the writer of a format."""
    return resolve_name(EXPORTS[name])


def own_columns(formats: Sequence[str]) -> Iterator[tuple[str, Column]]:
    """Yield table and column of what these formats have beside the tables of all."""
    for name in formats:
        if name in DESCRIBED:
            yield from resolve_name(DESCRIBED[name])()


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
