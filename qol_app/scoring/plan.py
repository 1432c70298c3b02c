"""What scoring an instrument will need, worked out once before the rows are looked at.

A plan turns names into row numbers and rules into small tables, so that the work per form is
nothing but arithmetic on whole columns.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from qol_app.definition.instrument import Instrument, Item
from qol_app.definition.scales import (
    GradeScale,
    IndexScale,
    ItemScale,
    LinearScale,
    ProfileScale,
    ProratedSumScale,
    ScaleBase,
    TableScale,
)
from qol_app.errors import ResponseError

Numbers = npt.NDArray[np.float64]
MISSING_DIGIT = "9"


@dataclass(frozen=True)
class Term:
    """Items whose contribution to a sum is ``offset + factor * code`` for each answered one."""

    rows: tuple[int, ...]
    offset: float
    factor: float


@dataclass(frozen=True)
class LookedUp:
    """An item whose contribution is looked up by its code, where no straight line gives it."""

    row: int
    table: Numbers


@dataclass(frozen=True)
class ItemPlan:
    """Where an item scale finds its items, how it adds them up, and its table if it has one.

    A table of numbers ends with NaN, so that looking up its last place gives "no score".
    """

    rows: tuple[int, ...]
    terms: tuple[Term, ...]
    looked_up: tuple[LookedUp, ...]
    first: int
    last: int
    needed: int
    table: npt.NDArray[Any] | None = None


@dataclass(frozen=True)
class ConditionPlan:
    """Child row, parent row, and the code that the parent must exceed."""

    child: int
    parent: int
    over: int


@dataclass(frozen=True)
class Plan:
    """Everything that is the same for every form of one call."""

    instrument: Instrument
    items: tuple[Item, ...]
    scales: tuple[ScaleBase, ...]
    value_sets: tuple[str, ...]
    item_plans: dict[str, ItemPlan]
    members: dict[str, tuple[int, ...]]
    conditions: tuple[ConditionPlan, ...]
    dtype: type[np.signedinteger[Any]]
    first: npt.NDArray[Any]
    last: npt.NDArray[Any]

    def columns(self, scale: ScaleBase) -> tuple[str, ...]:
        """Return the names of the score columns of one scale."""
        if isinstance(scale, IndexScale):
            return tuple(f"{scale.code}_{one}" for one in self.value_sets)
        return (scale.code,)

    def is_text(self, scale: ScaleBase) -> bool:
        """Return whether this scale yields text rather than a number."""
        return isinstance(scale, ProfileScale)


def make_plan(
    instrument: Instrument, columns: Iterable[str], value_sets: Sequence[str] | None = None
) -> Plan:
    """Return the plan for a file with these columns.

    Raises
    ------
    ResponseError
        If item columns are missing; a library needs whole groups of items, at least one.
    DefinitionError
        If a value set is asked for that the instrument does not have.
    """
    present = frozenset(code for code in columns if code in instrument.items_by_code)
    return _make_plan(instrument, present, None if value_sets is None else tuple(value_sets))


# Tables of value sets take a moment to work out; a page scores one form at a time.
@lru_cache(maxsize=64)
def _make_plan(
    instrument: Instrument, present: frozenset[str], value_sets: tuple[str, ...] | None
) -> Plan:
    items = _present_items(instrument, present)
    row_of = {item.code: row for row, item in enumerate(items)}
    scales = tuple(
        scale
        for scale in instrument.scales
        if not isinstance(scale, ItemScale) or set(scale.items) <= set(row_of)
    )
    chosen = _chosen_sets(instrument, value_sets)
    item_plans = {
        scale.code: _item_plan(instrument, scale, row_of, chosen)
        for scale in scales
        if isinstance(scale, ItemScale)
    }
    largest = _largest_number(scales, item_plans, max(item.last for item in items))
    dtype = np.int16 if largest < 2**15 else np.int32
    return Plan(
        instrument=instrument,
        items=items,
        scales=scales,
        value_sets=chosen,
        item_plans=item_plans,
        members=_members(scales, row_of),
        conditions=tuple(
            ConditionPlan(row_of[item.code], row_of[item.asked_if.item], item.asked_if.over)
            for item in items
            if item.asked_if is not None
        ),
        dtype=dtype,
        first=np.array([[item.first] for item in items], dtype),
        last=np.array([[item.last] for item in items], dtype),
    )


def _present_items(instrument: Instrument, columns: frozenset[str]) -> tuple[Item, ...]:
    items = instrument.items
    if instrument.selectable:
        groups = {item.group for item in items if item.code in columns}
        items = tuple(item for item in items if item.group in groups)
    missing = [item.code for item in items if item.code not in columns]
    if missing or not items:
        shown = ", ".join(missing[:8]) + (", ..." if len(missing) > 8 else "")
        example = instrument.item_codes
        raise ResponseError(
            f"{instrument.code}: found no column {shown or 'of any item'}; wanted "
            f"{len(items) or 'some of ' + str(len(instrument.items))} item columns such as "
            f"{example[0]}, {example[-1]}"
        )
    return items


def _chosen_sets(instrument: Instrument, value_sets: Sequence[str] | None) -> tuple[str, ...]:
    if value_sets is None:
        return tuple(one.code for one in instrument.value_sets)
    return tuple(instrument.value_set(code).code for code in dict.fromkeys(value_sets))


def _members(scales: Sequence[ScaleBase], row_of: dict[str, int]) -> dict[str, tuple[int, ...]]:
    """Return for each scale the rows of all items it rests on, through other scales too."""
    members: dict[str, tuple[int, ...]] = {}
    for scale in scales:
        if isinstance(scale, ItemScale):
            rows = [row_of[code] for code in scale.items]
        else:
            rows = [row for code in scale.scales for row in members[code]]  # type: ignore[attr-defined]
        members[scale.code] = tuple(dict.fromkeys(rows))
    return members


def _item_plan(
    instrument: Instrument, scale: ItemScale, row_of: dict[str, int], sets: tuple[str, ...]
) -> ItemPlan:
    items = [instrument.items_by_code[code] for code in scale.items]
    lines: dict[tuple[float, float], list[int]] = {}
    looked_up = []
    for item in items:
        values = code_values(instrument, scale, item)
        line = _straight_line(item.first, values)
        if line is None:
            table = np.zeros(item.last + 1)
            table[item.first :] = values
            looked_up.append(LookedUp(row_of[item.code], table))
        else:
            lines.setdefault(line, []).append(row_of[item.code])
    return ItemPlan(
        rows=tuple(row_of[item.code] for item in items),
        terms=tuple(Term(tuple(rows), *line) for line, rows in lines.items()),
        looked_up=tuple(looked_up),
        first=items[0].first,
        last=items[0].last,
        needed=scale.needed,
        table=_table(instrument, scale, items, sets),
    )


def code_values(instrument: Instrument, scale: ItemScale, item: Item) -> list[float]:
    """Return what each code of an item adds to the sum of this scale."""
    if item.recode is not None and not isinstance(scale, LinearScale):
        return [instrument.recodes[item.recode][code] for code in item.allowed]
    if isinstance(scale, ProratedSumScale) and item.code in scale.reverse:
        return [float(item.first + item.last - code) for code in item.allowed]
    return [float(code) for code in item.allowed]


def _straight_line(first: int, values: Sequence[float]) -> tuple[float, float] | None:
    factor = values[1] - values[0]
    offset = values[0] - factor * first
    straight = all(value == offset + factor * (first + n) for n, value in enumerate(values))
    whole = float(factor).is_integer() and float(offset).is_integer()
    return (offset, factor) if straight and whole else None


def _table(
    instrument: Instrument, scale: ItemScale, items: Sequence[Item], sets: tuple[str, ...]
) -> npt.NDArray[Any] | None:
    if isinstance(scale, TableScale):
        return np.array([*scale.table, np.nan])
    if isinstance(scale, IndexScale):
        return _index_tables(instrument, scale, sets)
    if isinstance(scale, GradeScale):
        return _grade_table(instrument.grades[scale.grades], items)
    if isinstance(scale, ProfileScale):
        return _profile_table(items)
    return None


def _index_tables(instrument: Instrument, scale: IndexScale, sets: tuple[str, ...]) -> Numbers:
    """Return one row per value set: the value of each state, and NaN at the end."""
    levels = instrument.items_by_code[scale.items[0]].last
    rows = [[*instrument.value_set(one).values(tuple(scale.items), levels), np.nan] for one in sets]
    return np.array(rows).reshape(len(sets), -1)


def _grade_table(grades: dict[str, int], items: Sequence[Item]) -> Numbers:
    """Return grades by the answers read as digits to base ``last + 1``, and NaN at the end."""
    keys = product(*(range(items[0].last + 1) for _ in items))
    zeros = grades["0" * len(items)]
    found = [float(zeros if key[0] == 0 else grades["".join(map(str, key))]) for key in keys]
    return np.array([*found, np.nan])


def _profile_table(items: Sequence[Item]) -> npt.NDArray[Any]:
    """Return texts by the codes read as digits to base ``last + 1``; 0 stands for missing."""
    digits = [MISSING_DIGIT, *map(str, range(1, items[0].last + 1))]
    texts: list[str | None] = ["".join(one) for one in product(digits, repeat=len(items))]
    texts[0] = None
    return np.array(texts, dtype=object)


def _largest_number(
    scales: Iterable[ScaleBase], plans: dict[str, ItemPlan], largest_code: int
) -> float:
    """Return a bound on every whole number met on the way, to choose integers wide enough."""
    largest = float(largest_code)
    for scale in scales:
        if scale.code in plans:
            total = sum(
                len(term.rows) * (abs(term.offset) + abs(term.factor) * largest_code)
                for term in plans[scale.code].terms
            )
            # A linear score is worked out in hundredths.
            largest = max(largest, total * (100 if isinstance(scale, LinearScale) else 1))
    return largest
