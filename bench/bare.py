"""Bare numpy passes: what somebody would write for one instrument alone, and in a hurry to run.

They check nothing: no range, no fraction, no condition. They work on whole columns of one
(n_forms, n_items) array, and are the floor against which ``score`` is measured.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from qol_app.definition.instrument import Instrument

Array = Any
Pass = Callable[[Array], Array]


def bare_pass(instrument: Instrument) -> Pass:
    """Return the pass for this instrument; its keys are worked out before the clock starts."""
    steps = [
        (*MAKERS[scale.rule](instrument, scale), scale.code)
        for scale in instrument.scales
        if scale.rule in MAKERS
    ]
    combined = [scale for scale in instrument.scales if scale.rule not in MAKERS]

    def run(x: Array) -> dict[str, Array]:
        out: dict[str, Array] = {}
        answered: dict[str, Array] = {}
        with np.errstate(invalid="ignore", divide="ignore"):
            for step, _, code in steps:
                out[code], answered[code] = step(x)
            for scale in combined:
                out[scale.code] = _combine(instrument, scale, out, answered)
        return out

    return run


def in_blocks(run: Pass, n_rows: int = 8192) -> Pass:
    """Return the same pass over pieces that a processor's cache holds, column by column.

    Nobody in a hurry to write would; somebody in a hurry to run does.
    """

    def run_in_blocks(x: Array) -> dict[str, Array]:
        out: dict[str, Array] = {}
        for begin in range(0, len(x), n_rows):
            for code, scores in run(np.asfortranarray(x[begin : begin + n_rows])).items():
                whole = out.setdefault(code, np.empty(len(x), scores.dtype))
                whole[begin : begin + n_rows] = scores
        return out

    return run_in_blocks


def _columns(instrument: Instrument, scale: Any) -> list[int]:
    return [instrument.item_codes.index(code) for code in scale.items]


def _sum_and_count(x: Array, columns: list[int], change: Callable[[int, Array], Array]) -> Any:
    total, count = np.zeros(len(x)), np.zeros(len(x))
    for place, column in enumerate(columns):
        values = x[:, column]
        given = values == values
        total += np.where(given, change(place, values), 0.0)
        count += given
    return total, count


def _linear(instrument: Instrument, scale: Any) -> Any:
    columns = _columns(instrument, scale)
    item = instrument.item(scale.items[0])
    width = item.last - item.first

    def step(x: Array) -> Any:
        if len(columns) == 1:
            scores = (x[:, columns[0]] - item.first) * (100 / width)
            count = None
        else:
            total, count = _sum_and_count(x, columns, lambda _, values: values)
            scores = (total / count - item.first) * (100 / width)
            scores[count < scale.needed] = np.nan
        return (100 - scores if scale.reverse else scores), count

    return step, scale


def _prorated(instrument: Instrument, scale: Any) -> Any:
    columns = _columns(instrument, scale)
    reverse = [code in scale.reverse for code in scale.items]

    def step(x: Array) -> Any:
        total, count = _sum_and_count(
            x, columns, lambda place, values: 4 - values if reverse[place] else values
        )
        scores = total * len(columns) / count
        scores[count < scale.needed] = np.nan
        return scores, count

    return step, scale


def _mean(instrument: Instrument, scale: Any) -> Any:
    columns = _columns(instrument, scale)
    lines = []
    for code in scale.items:
        item = instrument.item(code)
        values = instrument.recodes[item.recode or ""]
        factor = values[item.first + 1] - values[item.first]
        lines.append((values[item.first] - factor * item.first, factor))

    def step(x: Array) -> Any:
        total, count = _sum_and_count(
            x, columns, lambda place, values: lines[place][0] + lines[place][1] * values
        )
        scores = total / count
        scores[count < scale.needed] = np.nan
        return scores, count

    return step, scale


def _table(instrument: Instrument, scale: Any) -> Any:
    columns = _columns(instrument, scale)
    recodes = [
        instrument.recodes.get(instrument.item(code).recode or "", None) for code in scale.items
    ]
    tables = [
        None if one is None else np.array([one.get(k, 0.0) for k in range(max(one) + 1)])
        for one in recodes
    ]
    t_scores = np.array(scale.table) if scale.rule == "table" else None

    def step(x: Array) -> Any:
        total = np.zeros(len(x))
        for column, table in zip(columns, tables, strict=True):
            values = x[:, column]
            if table is not None:
                given = values == values
                codes = np.where(given, values, 0.0).astype(np.intp)
                values = np.where(given, table[codes], np.nan)
            total += values
        if t_scores is None:
            return total, None
        given = total == total
        place = np.where(given, total, scale.first_raw).astype(np.intp) - scale.first_raw
        return np.where(given, t_scores[place], np.nan), None

    return step, scale


def _copy(instrument: Instrument, scale: Any) -> Any:
    column = _columns(instrument, scale)[0]
    return (lambda x: (x[:, column].copy(), None)), scale


def _grade(instrument: Instrument, scale: Any) -> Any:
    columns = _columns(instrument, scale)
    grades = instrument.grades[scale.grades]
    table = np.zeros([5] * len(columns))
    for key, value in grades.items():
        table[tuple(int(digit) for digit in key)] = value
    flat = table.ravel()

    def step(x: Array) -> Any:
        first = x[:, columns[0]]
        missing = first != first
        key = np.where(missing, 0.0, first)
        above = key > 0
        for column in columns[1:]:
            values = x[:, column]
            gone = values != values
            missing |= gone & above
            key = key * 5 + np.where(gone | ~above, 0.0, values)
        scores = flat[key.astype(np.intp)]
        scores[missing] = np.nan
        return scores, None

    return step, scale


def _index(instrument: Instrument, scale: Any) -> Any:
    columns = _columns(instrument, scale)
    tables = [np.array(one.values(tuple(scale.items), 5)) for one in instrument.value_sets]

    def step(x: Array) -> Any:
        state = np.zeros(len(x))
        for column in columns:
            state = state * 5 + (x[:, column] - 1)
        missing = state != state
        place = np.where(missing, 0.0, state).astype(np.intp)
        scores = [table[place] for table in tables]
        for one in scores:
            one[missing] = np.nan
        return scores, None

    return step, scale


def _profile(instrument: Instrument, scale: Any) -> Any:
    columns = _columns(instrument, scale)
    digits = "912345"
    texts = np.array(
        [
            "".join(digits[n // 6**p % 6] for p in range(len(columns) - 1, -1, -1))
            for n in range(6 ** len(columns))
        ],
        dtype=object,
    )
    texts[0] = None

    def step(x: Array) -> Any:
        key = np.zeros(len(x))
        for column in columns:
            values = x[:, column]
            key = key * 6 + np.where(values == values, values, 0.0)
        return texts[key.astype(np.intp)], None

    return step, scale


def _combine(instrument: Instrument, scale: Any, out: Any, answered: Any) -> Array:
    if scale.rule == "mean_of_scales":
        total = sum(100 - out[one] if one in scale.reversed else out[one] for one in scale.scales)
        return total / len(scale.scales)
    total = sum(out[one] for one in scale.scales)
    n_items = sum(len(instrument.scale(one).items) for one in scale.scales)  # type: ignore[union-attr]
    count = sum(answered[one] for one in scale.scales)
    total[count <= scale.more_than_share * n_items] = np.nan
    return total


MAKERS: dict[str, Callable[[Instrument, Any], Any]] = {
    "linear": _linear,
    "prorated_sum": _prorated,
    "mean": _mean,
    "sum": _table,
    "table": _table,
    "copy": _copy,
    "grade": _grade,
    "index": _index,
    "profile": _profile,
}
