"""What cannot be true of an instrument although every field by itself looks right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import product
from typing import TYPE_CHECKING

from qol_app.definition.loader import meant
from qol_app.definition.scales import (
    GradeScale,
    ItemScale,
    LinearScale,
    MeanOfScales,
    ProratedSumScale,
    TableScale,
    TotalScale,
)

if TYPE_CHECKING:
    from qol_app.definition.instrument import Instrument, Item


def contradictions(instrument: Instrument) -> list[str]:
    """Return sentences, each naming the part, what was found and what was wanted."""
    found = [sentence for check in CHECKS for sentence in check(instrument)]
    # Rules about scales look items up; they can only be judged when all names are right.
    return found or [sentence for check in SCALE_CHECKS for sentence in check(instrument)]


def _repeated(instrument: Instrument) -> Iterator[str]:
    parts = {
        "items": instrument.items,
        "scales": instrument.scales,
        "recalls": instrument.recalls,
        "groups": instrument.groups,
        "value_sets": instrument.value_sets,
    }
    for place, ones in parts.items():
        for code, times in Counter(one.code for one in ones).items():
            if times > 1:
                yield f"{place}: found code {code} {times} times; wanted it once"


def _unknown_names(instrument: Instrument) -> Iterator[str]:
    recalls = {one.code for one in instrument.recalls}
    groups = {one.code for one in instrument.groups}
    for item in instrument.items:
        if item.recall not in recalls:
            yield _unknown(f"item {item.code}: recall", item.recall, recalls)
        if item.recode is not None and item.recode not in instrument.recodes:
            yield _unknown(f"item {item.code}: recode", item.recode, instrument.recodes)
        if item.group is not None and groups and item.group not in groups:
            yield _unknown(f"item {item.code}: group", item.group, groups)


def _codes_out_of_order(instrument: Instrument) -> Iterator[str]:
    for item in instrument.items:
        if item.first >= item.last:
            yield (
                f"item {item.code}: found codes {item.first}..{item.last}; wanted first below last"
            )
        missing = set(item.allowed) - set(instrument.recodes.get(item.recode or "", item.allowed))
        if missing:
            yield f"item {item.code}: found no recoding of {sorted(missing)}; wanted one for each"
        clash = set(instrument.missing_codes) & set(item.allowed)
        if clash and item.kind == "choice":
            yield f"missing_codes: found {sorted(clash)}, which item {item.code} allows as answers"


def _impossible_conditions(instrument: Instrument) -> Iterator[str]:
    earlier: dict[str, Item] = {}
    for item in instrument.items:
        condition = item.asked_if
        if condition is not None:
            parent = earlier.get(condition.item)
            if parent is None:
                yield (
                    f"item {item.code}: asked_if: found item {condition.item!r}; "
                    "wanted one that stands before it"
                )
            elif not parent.first <= condition.over < parent.last:
                yield (
                    f"item {item.code}: asked_if: found over {condition.over}; wanted "
                    f"{parent.first}..{parent.last - 1}, so that both cases can happen"
                )
        earlier[item.code] = item


def _unknown_in_scales(instrument: Instrument) -> Iterator[str]:
    earlier: set[str] = set()
    for scale in instrument.scales:
        if isinstance(scale, ItemScale):
            for code in scale.items:
                if code not in instrument.items_by_code:
                    yield _unknown(f"scale {scale.code}: items", code, instrument.items_by_code)
            if len(set(scale.items)) < len(scale.items):
                yield f"scale {scale.code}: items: found one twice; wanted each once"
        if isinstance(scale, MeanOfScales | TotalScale):
            for code in scale.scales:
                if code not in earlier:
                    yield _unknown(f"scale {scale.code}: scales", code, earlier)
        earlier.add(scale.code)


def _scale_bounds(instrument: Instrument) -> Iterator[str]:
    for scale in instrument.scales:
        if scale.low >= scale.high:
            yield f"scale {scale.code}: found {scale.low}..{scale.high}; wanted low below high"


def _unequal_ranges(instrument: Instrument) -> Iterator[str]:
    for scale in instrument.scales:
        if isinstance(scale, LinearScale | ProratedSumScale):
            ranges = {(item.first, item.last) for item in _items(instrument, scale)}
            if len(ranges) > 1:
                yield f"scale {scale.code}: found items of ranges {sorted(ranges)}; wanted one"


def _reverse_outside(instrument: Instrument) -> Iterator[str]:
    for scale in instrument.scales:
        pairs = {
            ProratedSumScale: ("reverse", "items"),
            MeanOfScales: ("reversed", "scales"),
        }.get(type(scale))
        if pairs:
            inside = getattr(scale, pairs[1])
            for code in getattr(scale, pairs[0]):
                if code not in inside:
                    yield _unknown(f"scale {scale.code}: {pairs[0]}", code, inside)


def _tables_too_short(instrument: Instrument) -> Iterator[str]:
    for scale in instrument.scales:
        if isinstance(scale, TableScale):
            low, high = raw_bounds(instrument, scale)
            if (scale.first_raw, len(scale.table)) != (low, high - low + 1):
                yield (
                    f"scale {scale.code}: table: found {len(scale.table)} values from raw "
                    f"{scale.first_raw}; wanted {int(high - low + 1)} from {int(low)}"
                )


def _grades_incomplete(instrument: Instrument) -> Iterator[str]:
    for scale in instrument.scales:
        if not isinstance(scale, GradeScale):
            continue
        if scale.grades not in instrument.grades:
            yield _unknown(f"scale {scale.code}: grades", scale.grades, instrument.grades)
            continue
        gaps = grade_keys(instrument, scale) - set(instrument.grades[scale.grades])
        if gaps:
            yield (
                f"grades {scale.grades}: found none for {', '.join(sorted(gaps)[:5])}; "
                f"wanted all that scale {scale.code} can meet"
            )


def _value_sets_and_index(instrument: Instrument) -> Iterator[str]:
    has_index = any(scale.rule == "index" for scale in instrument.scales)
    if has_index != bool(instrument.value_sets):
        yield (
            f"value_sets: found {len(instrument.value_sets)} and "
            f"{'a' if has_index else 'no'} scale with rule index; wanted both or neither"
        )


def raw_bounds(instrument: Instrument, scale: ItemScale) -> tuple[float, float]:
    """Return the smallest and largest sum of a scale's recoded items."""
    values = [_recoded(instrument, item) for item in _items(instrument, scale)]
    return sum(min(one) for one in values), sum(max(one) for one in values)


def grade_keys(instrument: Instrument, scale: GradeScale) -> set[str]:
    """Return every key a grade table must hold: all zeros, and all that begins above zero."""
    ranges = [item.allowed for item in _items(instrument, scale)]
    keys = {"".join(map(str, key)) for key in product(*ranges) if key[0] > 0}
    return keys | {"0" * len(ranges)}


def _recoded(instrument: Instrument, item: Item) -> list[float]:
    if item.recode is None:
        return [float(code) for code in item.allowed]
    return [instrument.recodes[item.recode][code] for code in item.allowed]


def _items(instrument: Instrument, scale: ItemScale) -> list[Item]:
    return [instrument.items_by_code[code] for code in scale.items]


def _unknown(place: str, code: str, known: object) -> str:
    names = sorted(known)  # type: ignore[call-overload]
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"{place}: found {code!r}; wanted one of: {shown or 'none yet'}{meant(code, names)}"


Check = Callable[["Instrument"], Iterator[str]]
CHECKS: tuple[Check, ...] = (
    _repeated,
    _unknown_names,
    _codes_out_of_order,
    _impossible_conditions,
    _unknown_in_scales,
    _scale_bounds,
)
SCALE_CHECKS: tuple[Check, ...] = (
    _unequal_ranges,
    _reverse_outside,
    _tables_too_short,
    _grades_incomplete,
    _value_sets_and_index,
)
