"""The scoring rules that instruments share, each one function over a block of forms.

A rule writes the scores of its scale into ``out`` (n_columns, n_rows). Missing is NaN; nothing
is rounded. ``RULES`` maps the name of a rule in ``instrument.yaml`` to its function.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from qol_app.definition.scales import MeanOfScales, TotalScale
from qol_app.scoring.answers import Block

Out = npt.NDArray[Any]
Rule = Callable[[Any, Block, Out], None]


def linear(scale: Any, block: Block, out: Out) -> None:
    """Write the linear transformation of the mean of the answered items to 0-100.

    Source
    ------
    Fayers et al., EORTC QLQ-C30 Scoring Manual, 3rd ed., 2001.
    """
    plan = block.plan.item_plans[scale.code]
    answered = len(plan.rows) - block.absent(scale.code).astype(block.codes.dtype)
    above = block.total(scale.code, plan) - plan.first * answered
    width = (plan.last - plan.first) * answered
    if scale.reverse:
        np.subtract(width, above, out=above)
    # Whole numbers until the one division, so that 60 is 60 and not 59.99999999999999.
    above *= 100
    _divide(above, width, _too_few(scale.code, block), out[0])


def mean(scale: Any, block: Block, out: Out) -> None:
    """Write the mean of the answered items after recoding each."""
    _mean(scale.code, block, out[0])


def prorated_sum(scale: Any, block: Block, out: Out) -> None:
    """Write the sum of the answered items times items / answered.

    Source
    ------
    FACIT scoring guidelines, version 4.
    """
    _mean(scale.code, block, out[0])
    out[0] *= len(scale.items)


def sum_of_items(scale: Any, block: Block, out: Out) -> None:
    """Write the sum of the items, none of which may be missing."""
    out[0] = block.total(scale.code, block.plan.item_plans[scale.code])
    out[0][_too_few(scale.code, block)] = np.nan


def table(scale: Any, block: Block, out: Out) -> None:
    """Write what the scale's table holds for the sum of its items."""
    plan = block.plan.item_plans[scale.code]
    assert plan.table is not None
    place = block.total(scale.code, plan).astype(np.intp) - scale.first_raw
    _look_up(plan.table, place, _too_few(scale.code, block), out[0])


def copy(scale: Any, block: Block, out: Out) -> None:
    """Write the answer to the one item."""
    row = block.plan.item_plans[scale.code].rows[0]
    out[0] = block.codes[row]
    out[0][block.missing[row]] = np.nan


def grade(scale: Any, block: Block, out: Out) -> None:
    """Write the composite grade of a symptom's attributes.

    A first attribute of 0 gives the grade of zeros whatever the others say; else all of them
    are needed.

    Source
    ------
    Basch et al., Clin Trials 2021;18:104-14.
    """
    plan = block.plan.item_plans[scale.code]
    assert plan.table is not None
    first, *others = plan.rows
    unknown = block.missing[first].copy()
    if others:
        above = block.codes[first] > 0
        for row in others:
            unknown |= block.missing[row] & above
    _look_up(plan.table, _digits(block, plan.rows, plan.last + 1), unknown, out[0])


def index(scale: Any, block: Block, out: Out) -> None:
    """Write the value of the health state by each value set; all dimensions are needed."""
    plan = block.plan.item_plans[scale.code]
    assert plan.table is not None
    state = _digits(block, plan.rows, plan.last)
    # Codes begin at 1: take away the value of 11111.
    state -= sum(plan.last**power for power in range(len(plan.rows)))
    missing = block.absent(scale.code) > 0
    for values, column in zip(plan.table, out, strict=True):
        _look_up(values, state, missing, column)


def profile(scale: Any, block: Block, out: Out) -> None:
    """Write the answers as text, 9 for a missing one; None where all are missing."""
    plan = block.plan.item_plans[scale.code]
    assert plan.table is not None
    out[0] = plan.table[_digits(block, plan.rows, plan.last + 1)]


def mean_of_scales(scale: MeanOfScales, block: Block, out: Out) -> None:
    """Write the mean of other scales, some as 100 minus the score; all are needed.

    Source
    ------
    Giesinger et al., J Clin Epidemiol 2016;69:79-88 (QLQ-C30 Summary Score).
    """
    score = out[0]
    score[:] = 100 * len(scale.reversed)
    for code in scale.scales:
        change = np.subtract if code in scale.reversed else np.add
        change(score, block.scores[code], out=score)
    score /= len(scale.scales)


def total(scale: TotalScale, block: Block, out: Out) -> None:
    """Write the sum of other scales; all are needed, and enough of all their items."""
    score = out[0]
    score[:] = 0
    for code in scale.scales:
        score += block.scores[code]
    n_items = len(block.plan.members[scale.code])
    # In hundredths, because 0.8 x 35 is a little over 28 for a computer.
    share = round(scale.more_than_share * 10000)
    answered = n_items - block.absent(scale.code).astype(np.int32)
    score[answered * 10000 <= share * n_items] = np.nan


def _mean(code: str, block: Block, score: Out) -> None:
    plan = block.plan.item_plans[code]
    answered = len(plan.rows) - block.absent(code)
    _divide(block.total(code, plan), answered, _too_few(code, block), score)


def _divide(above: Out, below: Out, missing: Out, score: Out) -> None:
    with np.errstate(invalid="ignore", divide="ignore"):
        np.divide(above, below, out=score)
    score[missing] = np.nan


def _too_few(code: str, block: Block) -> Out:
    plan = block.plan.item_plans[code]
    return block.absent(code) > len(plan.rows) - plan.needed


def _look_up(table: Out, place: Out, missing: Out, out: Out) -> None:
    place[missing] = len(table) - 1
    # Every place is inside by now; "clip" only spares numpy a copy.
    np.take(table, place, out=out, mode="clip")


def _digits(block: Block, rows: tuple[int, ...], base: int) -> npt.NDArray[np.intp]:
    """Return the codes of some items read as the digits of one number."""
    number = block.codes[rows[0]].astype(np.intp)
    for row in rows[1:]:
        number *= base
        number += block.codes[row]
    return number


RULES: dict[str, Rule] = {
    "linear": linear,
    "mean": mean,
    "prorated_sum": prorated_sum,
    "sum": sum_of_items,
    "table": table,
    "copy": copy,
    "grade": grade,
    "index": index,
    "profile": profile,
    "mean_of_scales": mean_of_scales,
    "total": total,
}
