"""SAS transport files (XPT version 5), checked before they are written.

The library that writes them takes what the format cannot hold: longer texts, lower-case
names, letters beyond ASCII, labels it then cuts. So each is checked here first.

Source
------
SAS Institute, TS-140, The Record Layout of a Data Set in SAS Transport (XPORT) Format; FDA,
Study Data Technical Conformance Guide, section 3.3.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyreadstat

from qol_app.errors import DataFileError

NAME = re.compile(r"[A-Z][A-Z0-9_]{0,7}")
MOST_LABEL = 40
MOST_BYTES = 200
_STAMP = re.compile(rb"\d\d[A-Z]{3}\d\d:\d\d:\d\d:\d\d")
_HEADER_BYTES = 800


@dataclass(frozen=True)
class Variable:
    """One column of a transport file: its name, its label, and whether it holds text."""

    name: str
    label: str
    is_text: bool


def write_transport(
    path: Path,
    name: str,
    label: str,
    variables: Sequence[Variable],
    frame: pd.DataFrame,
    made_at: datetime,
) -> None:
    """Write one data set; the columns of the frame stand in the order of the variables.

    Parameters
    ----------
    name, label : str
        Of the data set: at most 8 and 40 characters.
    frame : DataFrame
        Texts as objects (missing: None), numbers as float, dates and instants as such.
    made_at : datetime
        Written into the header, in place of the time of writing, so that the same data give
        the same bytes.

    Raises
    ------
    DataFileError
        Naming what the format cannot hold, and where.
    """
    refuse_unfit(name, label, variables, frame)
    named = frame.set_axis([one.name for one in variables], axis=1)
    pyreadstat.write_xport(
        named,
        path,
        file_label=label,
        column_labels=[one.label for one in variables],
        table_name=name,
        file_format_version=5,
    )
    _stamp(path, made_at)


def refuse_unfit(name: str, label: str, variables: Sequence[Variable], frame: pd.DataFrame) -> None:
    """Raise DataFileError if a name, label or text is not one the format can hold."""
    for what in (name, *(one.name for one in variables)):
        if not NAME.fullmatch(what):
            raise DataFileError(
                f"{name}: found the name {what!r}; wanted a capital letter and up to seven "
                "more capitals, digits or underscores"
            )
    for what in (label, *(one.label for one in variables)):
        if not (what.isascii() and 1 <= len(what) <= MOST_LABEL):
            raise DataFileError(
                f"{name}: found the label {what!r}; wanted 1 to {MOST_LABEL} ASCII characters"
            )
    if len(variables) != len({one.name for one in variables}):
        raise DataFileError(f"{name}: found two columns of one name; wanted each name once")
    for place, one in enumerate(variables):
        if one.is_text:
            _refuse_unfit_texts(f"{name}.{one.name}", frame.iloc[:, place])


def _refuse_unfit_texts(where: str, texts: pd.Series) -> None:
    words = pd.Series(texts.dropna().unique(), dtype=object)
    for text in words:
        if not text.isascii() or not (text.isprintable() or not text):
            shown = ascii(text if len(text) <= 40 else text[:37] + "...")
            raise DataFileError(
                f"{where}: found {shown}; wanted printable ASCII, which is all that SAS "
                "transport holds. CSV, Parquet, SPSS and Stata files hold every letter."
            )
        if len(text) > MOST_BYTES:
            raise DataFileError(
                f"{where}: found a text of {len(text)} bytes; wanted at most {MOST_BYTES}, which "
                "is all that SAS transport holds. CSV, Parquet, SPSS and Stata files hold more."
            )


def _stamp(path: Path, made_at: datetime) -> None:
    stamp = made_at.strftime("%d%b%y:%H:%M:%S").upper().encode()
    with path.open("r+b") as file:
        header = file.read(_HEADER_BYTES)
        file.seek(0)
        file.write(_STAMP.sub(stamp, header))
