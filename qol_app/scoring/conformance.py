"""Public test vectors for scorers, and how far somebody else's output agrees with them.

``golden.csv`` beside each instrument is meant for any language: docs/conformance.md.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qol_app.definition.instrument import Instrument
from qol_app.definition.loader import shown_name
from qol_app.errors import DataFileError

GOLDEN_FILE = "golden.csv"
EXPECTED = "expected_"
CASE = "case"
DECIMALS = 6  # to which expected scores are printed


@dataclass(frozen=True)
class Golden:
    """Forms with the scores they must get: ``answers`` and ``expected``, indexed by case."""

    answers: pd.DataFrame
    expected: pd.DataFrame
    notes: "pd.Series[Any]"


@dataclass(frozen=True)
class Agreement:
    """How one score column of another program compares with the expected scores.

    ``differ`` counts numbers further apart than the tolerance, ``should_be_missing`` scores
    given where there is none, ``should_be_given`` the opposite; ``first`` names the first case
    that disagrees.
    """

    scale: str
    cases: int
    agree: int
    differ: int
    should_be_missing: int
    should_be_given: int
    largest: float
    first: str


def load_golden(path: Path, instrument: Instrument) -> Golden:
    """Return the vectors in a file.

    Raises
    ------
    DataFileError
        If a column is neither ``case``, ``note``, an item nor ``expected_<score>``, an item is
        missing, or a case appears twice.
    """
    table = pd.read_csv(path, dtype={CASE: str, "note": str}, keep_default_na=False, na_values=[""])
    expected = [name for name in table.columns if name.startswith(EXPECTED)]
    wanted = [CASE, "note", *instrument.item_codes, *expected]
    if list(table.columns) != wanted or not expected:
        odd = [name for name in table.columns if name not in wanted] or "another order"
        raise DataFileError(
            f"{shown_name(path)}: found {odd}; wanted the columns case, note, "
            f"{instrument.item_codes[0]}..{instrument.item_codes[-1]}, {EXPECTED}<score>..."
        )
    if table[CASE].duplicated().any():
        raise DataFileError(
            f"{shown_name(path)}: found case {table[CASE][table[CASE].duplicated()].iloc[0]!r} "
            "twice; wanted each once"
        )
    table = table.set_index(CASE)
    scores = table[expected].rename(columns=lambda name: name.removeprefix(EXPECTED))
    if "PROFILE" in scores:
        scores["PROFILE"] = _as_text(scores["PROFILE"])
    return Golden(table[list(instrument.item_codes)], scores, table["note"])


def read_scores(path: Path) -> pd.DataFrame:
    """Return somebody's scores indexed by case; empty cells, NA and NaN are missing scores.

    Raises
    ------
    DataFileError
        If the file cannot be read, has no column ``case``, or has a case twice.
    """
    try:
        table = pd.read_csv(path, dtype={CASE: str})
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataFileError(f"{path}: cannot be read as CSV ({error})") from error
    if CASE not in table:
        raise DataFileError(
            f"{path.name}: found columns {', '.join(map(str, table.columns[:6]))}; wanted one "
            f"named {CASE!r}, as in {GOLDEN_FILE}"
        )
    again = table[CASE][table[CASE].duplicated()]
    if len(again):
        raise DataFileError(f"{path.name}: found case {again.iloc[0]!r} twice; wanted it once")
    return table.set_index(CASE)


def compare(golden: Golden, scores: pd.DataFrame, decimals: int = DECIMALS) -> list[Agreement]:
    """Return the agreement of each expected score column.

    ``scores`` is indexed by case; cases it lacks count as missing scores. Numbers agree where
    they are the same when rounded to so many decimals, give or take what a computer adds.

    Raises
    ------
    DataFileError
        If it has none of the expected columns, or none of the cases.
    """
    shared = [name for name in golden.expected.columns if name in scores.columns]
    if not shared:
        raise DataFileError(
            f"scores: found columns {', '.join(map(str, scores.columns[:8]))}; wanted some of "
            f"{', '.join(golden.expected.columns)}"
        )
    if not scores.index.isin(golden.expected.index).any():
        raise DataFileError(
            f"scores: found cases {', '.join(map(str, scores.index[:5]))}; wanted some of "
            f"{golden.expected.index[0]}..{golden.expected.index[-1]} in column {CASE!r}"
        )
    found = scores.reindex(golden.expected.index)
    tolerance = tolerance_of(decimals)
    return [_agreement(golden.expected[name], found[name], tolerance) for name in shared]


def tolerance_of(decimals: int) -> float:
    """Return how far apart numbers may be that are equal when rounded to so many decimals."""
    return 0.501 * 10.0**-decimals


def _agreement(expected: "pd.Series[Any]", found: "pd.Series[Any]", tolerance: float) -> Agreement:
    if expected.dtype == object:
        expected, found = _as_text(expected), _as_text(found)
        distance = (expected != found).astype(float)
    else:
        expected, found = expected.astype(float), _as_numbers(found)
        distance = (expected - found).abs()
    both = expected.notna() & found.notna()
    differ = both & (distance > tolerance)
    extra = expected.isna() & found.notna()
    lacking = expected.notna() & found.isna()
    wrong = differ | extra | lacking
    return Agreement(
        scale=str(expected.name),
        cases=len(expected),
        agree=int((~wrong).sum()),
        differ=int(differ.sum()),
        should_be_missing=int(extra.sum()),
        should_be_given=int(lacking.sum()),
        largest=float(np.nanmax(distance.where(both, 0.0))) if len(expected) else 0.0,
        first=str(wrong.idxmax()) if wrong.any() else "",
    )


def _as_numbers(column: "pd.Series[Any]") -> "pd.Series[Any]":
    numbers = pd.to_numeric(column, errors="coerce")
    odd = column[numbers.isna() & column.notna()]
    if len(odd):
        raise DataFileError(
            f"case {odd.index[0]}, column {column.name}: found {odd.iloc[0]!r}; wanted a number, "
            "or nothing where there is no score"
        )
    return numbers.astype(float)


def _as_text(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return whole numbers as their digits, whatever type a reader made of them."""
    return column.map(
        lambda value: (
            None
            if pd.isna(value)
            else str(int(value))
            if isinstance(value, float | int | np.integer)
            else str(value)
        )
    ).astype(object)
