"""From a table of answers to blocks of whole numbers, refusing what is no answer.

Work goes in blocks of rows that fit a processor's cache: a pass over a million forms is then
limited by arithmetic and not by memory, and no temporary is larger than a block.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from qol_app.definition.instrument import Instrument, Item
from qol_app.errors import ResponseError
from qol_app.scoring.plan import ItemPlan, Plan

Numbers = npt.NDArray[np.float64]
Codes = npt.NDArray[np.signedinteger[Any]]
Flags = npt.NDArray[np.bool_]
BLOCK_ROWS = 8192


class BadAnswer(ResponseError):
    """A value in a table of answers that its item does not allow.

    ``row`` counts the table's rows from 0; a reader of files turns it into the file's own
    numbering before showing it.
    """

    def __init__(self, item: Item, row: int, found: object, where: str = "") -> None:
        self.item, self.row, self.found = item, row, found
        super().__init__(
            f"{where or f'row {row + 1}'}, column {item.code}: found {shown(found)}; wanted "
            f"{wanted(item)}"
        )

    def at(self, where: str) -> "BadAnswer":
        """Return the same finding with another name for its row."""
        return BadAnswer(self.item, self.row, self.found, where)


def wanted(item: Item) -> str:
    """Return in words what an item's column may hold."""
    return f"a whole number from {item.first} to {item.last}, or nothing where it is missing"


@dataclass
class Block:
    """Some rows of all items: codes (0 where missing) and which are missing or not asked.

    ``scores`` collects what earlier scales of the same rows have yielded, by scale code;
    ``counted`` how many of their items were missing.
    """

    plan: Plan
    codes: Codes
    missing: Flags
    scores: dict[str, Numbers] = field(default_factory=dict)
    counted: dict[str, Codes] = field(default_factory=dict)

    def absent(self, scale: str) -> Codes:
        """Return how many of a scale's items are missing in each row."""
        if scale not in self.counted:
            self.counted[scale] = self.count_missing(self.plan.members[scale])
        return self.counted[scale]

    def count_missing(self, rows: Sequence[int]) -> Codes:
        """Return how many of these items are missing in each row."""
        small = self.missing.view(np.int8)
        total = small[rows[0]].astype(np.int8 if len(rows) < 128 else np.int16)
        for row in rows[1:]:
            total += small[row]
        return total

    def total(self, scale: str, plan: ItemPlan) -> Codes | Numbers:
        """Return the sum of a scale's answered items, each recoded or reversed as it should."""
        total: Any = None
        for term in plan.terms:
            part = self.codes[term.rows[0]].copy()
            for row in term.rows[1:]:
                part += self.codes[row]
            if term.factor != 1:
                part *= int(term.factor)
            if term.offset:
                whole = len(term.rows) == len(plan.rows)
                absent = self.absent(scale) if whole else self.count_missing(term.rows)
                part += int(term.offset) * (len(term.rows) - absent.astype(part.dtype))
            total = part if total is None else np.add(total, part, out=total)
        for one in plan.looked_up:
            part = np.take(one.table, self.codes[one.row], mode="clip")
            part[self.missing[one.row]] = 0.0
            total = part if total is None else total + part
        return total


def blocks(plan: Plan, answers: pd.DataFrame) -> Iterator[tuple[slice, Block, Flags, Flags]]:
    """Yield slices of rows, each with its block, and two flags per form and condition.

    The flags, of shape (n_conditions, n_rows), say where a conditional item was not
    applicable, and where it was answered all the same.

    Raises
    ------
    BadAnswer
        At the first value, row by row, that is neither missing nor an allowed code.
    """
    columns = [_column(answers, item) for item in plan.items]
    buffer = np.empty((len(columns), min(BLOCK_ROWS, len(answers))))
    for begin in range(0, len(answers), BLOCK_ROWS):
        rows = slice(begin, min(begin + BLOCK_ROWS, len(answers)))
        values = buffer[:, : rows.stop - rows.start]
        for row, column in enumerate(columns):
            values[row] = column[rows]
        block = _block(plan, values, begin)
        yield rows, block, *_apply_conditions(plan, block)


def _block(plan: Plan, values: Numbers, begin: int) -> Block:
    missing = np.isnan(values)
    # Codes beyond the integer's range wrap around and then differ from what they came from,
    # as do fractions; NaN becomes any integer at all and differs from itself.
    with np.errstate(invalid="ignore"):
        codes = values.astype(plan.dtype)
    differs = codes != values
    # All bits stay where a value is there, none where it is missing.
    codes &= missing.view(np.int8) - np.int8(1)
    for code in plan.instrument.missing_codes:
        stands_for_missing = (codes == code) & (plan.last < code)
        missing |= stands_for_missing
        differs |= stands_for_missing
        codes[stands_for_missing] = 0
    if not np.array_equal(differs, missing) or _outside(plan, codes, missing).any():
        _refuse(plan, values, codes, missing, begin)
    return Block(plan, codes, missing)


def _outside(plan: Plan, codes: Codes, missing: Flags) -> Flags:
    return (codes > plan.last) | ((codes < plan.first) & ~missing)


def _refuse(plan: Plan, values: Numbers, codes: Codes, missing: Flags, begin: int) -> None:
    wrong = ((codes != values) & ~missing) | _outside(plan, codes, missing)
    row = int(wrong.any(axis=0).argmax())
    item = int(wrong[:, row].argmax())
    raise BadAnswer(plan.items[item], begin + row, float(values[item, row]))


def _apply_conditions(plan: Plan, block: Block) -> tuple[Flags, Flags]:
    """Take out of the block what was not to be asked, in the order of the form."""
    shape = (len(plan.conditions), block.codes.shape[1])
    not_applicable, against = np.zeros(shape, bool), np.zeros(shape, bool)
    known: dict[int, Flags] = {}
    for number, condition in enumerate(plan.conditions):
        closed = block.codes[condition.parent] <= condition.over
        parent_missing = block.missing[condition.parent]
        above = known.get(condition.parent)
        # With the parent unanswered nobody knows whether the item applied.
        applies_not = closed & (~parent_missing if above is None else ~parent_missing | above)
        against[number] = applies_not & ~block.missing[condition.child]
        not_applicable[number] = known[condition.child] = applies_not
        block.codes[condition.child][closed] = 0
        block.missing[condition.child] |= closed
    return not_applicable, against


def _column(answers: pd.DataFrame, item: Item) -> npt.NDArray[Any]:
    series = answers[item.code]
    if isinstance(series, pd.DataFrame):
        raise ResponseError(f"column {item.code}: found {series.shape[1]} times; wanted it once")
    values = _numbers(series)
    if values is None:
        raise _first_bad(series, item)
    return values


def _numbers(series: "pd.Series[Any]") -> npt.NDArray[Any] | None:
    """Return a column as numbers, NaN where missing; None if it holds anything else."""
    if pd.api.types.is_bool_dtype(series.dtype):
        return None
    if pd.api.types.is_numeric_dtype(series.dtype):
        if isinstance(series.dtype, np.dtype):
            return series.to_numpy()
        return series.to_numpy(dtype="float64", na_value=np.nan)
    if not all(_is_number(value) for value in series):
        return None
    return np.array([np.nan if pd.isna(value) else value for value in series], dtype=float)


def _first_bad(series: "pd.Series[Any]", item: Item) -> BadAnswer:
    for row, value in enumerate(series):
        if not _is_number(value):
            return BadAnswer(item, row, value)
    raise AssertionError("called for a column without a bad value")


def _is_number(value: object) -> bool:
    if isinstance(value, bool | np.bool_):
        return False
    return value is None or value is pd.NA or isinstance(value, Real | Decimal)


def shown(value: object) -> str:
    """Return a value as an error shows it: short, printable, whole numbers without a point."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    # A text that looks like the right number is still no number, and should say why.
    text = f"the text {value!a}" if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else text[:37] + "..."


def without_out_of_range(
    instrument: Instrument, answers: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the answers with out-of-range numbers taken as missing, and how many by item.

    Fractions and texts stay as they are: they say that a column is not what it seems, and
    scoring refuses them all the same.
    """
    changed: dict[str, Any] = {}
    counts: dict[str, int] = {}
    for item in instrument.items:
        series = answers.get(item.code)
        values = _numbers(series) if isinstance(series, pd.Series) else None
        if values is None:
            continue
        outside = (values < item.first) | (values > item.last)
        outside &= ~np.isin(values, instrument.missing_codes)
        if outside.any():
            changed[item.code] = np.where(outside, np.nan, values)
            counts[item.code] = int(outside.sum())
    return answers.assign(**changed) if changed else answers, counts
