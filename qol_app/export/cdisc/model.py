"""What a CDISC data set is: its variables in order, its keys, and its rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import pandas as pd

TYPES = ("text", "integer", "float", "date")


@dataclass(frozen=True)
class Variable:
    """One variable: ``kind`` is one of ``TYPES``; a date is an ADaM number of days.

    ``core`` is Req, Exp, Perm or Cond as the guide has it; ``origin`` and ``method`` say where
    the value comes from. ``codes`` names a code list of ``codelists``.
    """

    name: str
    label: str
    kind: str
    core: str
    origin: str
    method: str = ""
    codes: str = ""

    @property
    def is_text(self) -> bool:
        """Whether it holds characters."""
        return self.kind == "text"


@dataclass(frozen=True)
class Spec:
    """A data set before it has rows."""

    name: str
    label: str
    kind: str
    structure: str
    keys: tuple[str, ...]
    variables: tuple[Variable, ...]

    def variable(self, name: str) -> Variable:
        """Return one of its variables; KeyError if it has none of that name."""
        return {one.name: one for one in self.variables}[name]


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set with its rows, columns in the order of its variables."""

    spec: Spec
    frame: pd.DataFrame

    @property
    def name(self) -> str:
        """Its name of up to eight letters."""
        return self.spec.name


@dataclass(frozen=True)
class Term:
    """One submission value, with its meaning and NCI Thesaurus code where it has them."""

    value: str
    decode: str = ""
    ncit: str = ""


@dataclass(frozen=True)
class CodeList:
    """The values a variable may hold; ``ncit`` where CDISC publishes the list."""

    oid: str
    name: str
    terms: tuple[Term, ...]
    ncit: str = ""


def dataset(spec: Spec, rows: Iterable[Mapping[str, object]]) -> Dataset:
    """Return a data set from rows that may leave variables out."""
    names = [one.name for one in spec.variables]
    frame = pd.DataFrame(list(rows), columns=names, dtype=object)
    return Dataset(spec, frame.astype(object).where(frame.notna(), None))


def numbered(found: Dataset, sequence: str) -> Dataset:
    """Return a data set in the order of its keys, numbered within each participant."""
    keys = [key for key in found.spec.keys if key != sequence]
    frame = sorted_by(found.frame, keys)
    frame[sequence] = frame.groupby("USUBJID", sort=False).cumcount() + 1
    return replace(found, frame=frame)


def sorted_by(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return rows in the order of these variables, numbers as numbers, gaps first."""
    ordered = frame.sort_values(keys, kind="stable", na_position="first", key=_sortable)
    return ordered.reset_index(drop=True)


def _sortable(column: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    return numbers if numbers.notna().sum() == column.notna().sum() else column.astype("string")
