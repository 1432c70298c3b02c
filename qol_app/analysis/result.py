"""What every analysis returns: a table, how many it used, how many it left out and why.

Nothing disappears: each row (or participant) given is used or counted under exactly one reason,
so ``n_used + sum(left_out.values()) == n_given``. What cannot be computed is NaN in the table
and a sentence in ``notes``.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np
import pandas as pd

from qol_app.errors import AnalysisError


@dataclass(frozen=True, eq=False, kw_only=True)
class AnalysisResult:
    """The common part of all results.

    Attributes
    ----------
    table : DataFrame
        What was asked for, one row per group, term or timepoint; NaN where the data give none.
    n_used : int
        Rows (or participants, where the function says so) that the numbers rest on.
    left_out : dict of str to int
        The others, counted by reason.
    notes : tuple of str
        What a reader must know beside the numbers: "no events", "one arm empty", ...
    """

    table: pd.DataFrame
    n_used: int
    left_out: dict[str, int]
    notes: tuple[str, ...] = ()

    @property
    def n_given(self) -> int:
        """All rows (or participants) that came in."""
        return self.n_used + sum(self.left_out.values())


def require_columns(data: pd.DataFrame, *names: str | None) -> None:
    """Raise AnalysisError unless ``data`` is a table with every column named (None is skipped)."""
    if not isinstance(data, pd.DataFrame):
        raise AnalysisError(f"data: found {type(data).__name__}; wanted a DataFrame")
    for name in names:
        if not isinstance(name, Hashable):
            raise AnalysisError(f"data: found {name!r}; wanted the name of one column")
        if name is not None and list(data.columns).count(name) != 1:
            known = ", ".join(map(str, data.columns)) or "none"
            found = "two columns" if name in data.columns else "no column"
            raise AnalysisError(f"data: found {found} named {name!r}; wanted one of: {known}")


def require_choice(name: str, found: Any, known: Any) -> None:
    """Raise AnalysisError unless ``found`` is one of ``known``."""
    if found not in known:
        raise AnalysisError(f"{name}: found {found!r}; wanted one of: {', '.join(map(str, known))}")


def require_level(level: float) -> None:
    """Raise AnalysisError unless ``level`` is a confidence level between 0 and 1."""
    wanted = "a number between 0 and 1, as 0.95"
    require_number("level", level, lambda one: 0 < one < 1, wanted)


def require_number(name: str, found: Any, holds: Callable[[Any], bool], wanted: str) -> None:
    """Raise AnalysisError unless ``found`` is a number for which ``holds``."""
    if isinstance(found, bool) or not isinstance(found, Real) or not holds(found):
        raise AnalysisError(f"{name}: found {found!r}; wanted {wanted}")


def require_days(name: str, found: float) -> None:
    """Raise AnalysisError unless ``found`` is a length of time."""
    require_number(name, found, lambda one: 0 < one < np.inf, "a positive number of days")


def require_whole(name: str, found: Any, least: int = 0) -> None:
    """Raise AnalysisError unless ``found`` is a whole number, ``least`` or more."""
    wanted = f"a whole number, {least} or more"
    require_number(name, found, lambda one: isinstance(one, Integral) and int(one) >= least, wanted)


def require_yes_or_no(values: pd.Series) -> None:
    """Raise AnalysisError unless each value is true, false or missing."""
    strange = values[values.notna() & ~values.isin([True, False])]
    if len(strange):
        found = strange.iloc[0]
        raise AnalysisError(f"{values.name}: found {found!r}; wanted true, false or empty")


def names_of(columns: Sequence[str] | str | None, argument: str = "by") -> tuple[str, ...]:
    """Return names of columns; a name by itself is one column, not its letters.

    Parameters
    ----------
    columns : sequence of str, str or None
    argument : str
        What the caller calls them, which an error names.

    Raises
    ------
    AnalysisError
        If they are no names, or one of them is there twice.
    """
    if columns is None:
        return ()
    if isinstance(columns, str):
        return (columns,)
    if not isinstance(columns, Iterable):
        raise AnalysisError(f"{argument}: found {columns!r}; wanted names of columns")
    names = tuple(columns)
    for name in names:
        if names.count(name) > 1:
            raise AnalysisError(f"{argument}: found {name!r} twice; wanted each column once")
    return names


def sift(
    data: pd.DataFrame, reasons: Mapping[str, pd.Series]
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the rows to use and the others counted by reason.

    Parameters
    ----------
    data : DataFrame
        One row per observation.
    reasons : mapping of str to bool Series aligned with ``data``
        True where the row cannot be used. A row is counted under the first reason that holds;
        reasons that hold for no row do not appear.
    """
    kept = np.ones(len(data), dtype=bool)
    left_out = {}
    for reason, holds in reasons.items():
        leaving = kept & np.asarray(holds, dtype=bool)
        if leaving.any():
            left_out[reason] = int(leaving.sum())
        kept &= ~leaving
    return data.loc[kept], left_out


def numbers(data: pd.DataFrame, column: str) -> pd.Series:
    """Return a column as float64 with NaN where missing; AnalysisError names a text found in it."""
    values = data[column]
    if pd.api.types.is_datetime64_any_dtype(values) or pd.api.types.is_timedelta64_dtype(values):
        raise AnalysisError(f"{column}: found {values.dtype}; wanted plain numbers, such as days")
    as_numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    strange = values.notna() & as_numbers.isna() & (values.astype(str) != "nan")
    if strange.any():
        first = values[strange].iloc[0]
        raise AnalysisError(f"{column}: found {first!r}; wanted numbers, empty where missing")
    return as_numbers


def ordered_levels(values: pd.Series) -> list[Any]:
    """Return the levels of a factor: as its categories, else sorted (numbers, then text).

    Missing values are no level. Categories without a row are levels too: an empty arm shows.
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        return list(values.cat.categories)
    found = pd.unique(values.dropna())
    return sorted(found.tolist(), key=lambda level: (isinstance(level, str), level))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep a library's warnings from a reader who gets the same in words in ``notes``."""
    with catch_warnings(), np.errstate(all="ignore"):
        simplefilter("ignore")
        yield
