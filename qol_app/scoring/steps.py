"""Which scores a scale can take at all, and how far apart they lie."""

from itertools import pairwise

from qol_app.definition.instrument import Instrument
from qol_app.definition.scales import (
    GradeScale,
    ItemScale,
    LinearScale,
    MeanScale,
    TableScale,
)
from qol_app.scoring.plan import code_values

MOST_STEPS = 500


def achievable_scores(instrument: Instrument, scale_code: str) -> tuple[float, ...]:
    """Return every score of a completely answered scale, ascending.

    A scale of one four-point item has four: a change of 10 points on it is a change of a
    third of its width. Empty where there are more than a reader could use, as for a mean of
    scales, a total or a preference index.
    """
    scale = instrument.scale(scale_code)
    if not isinstance(scale, ItemScale) or scale.rule in ("index", "profile"):
        return ()
    if isinstance(scale, TableScale):
        return tuple(sorted(set(scale.table)))
    if isinstance(scale, GradeScale):
        return tuple(sorted({float(one) for one in instrument.grades[scale.grades].values()}))
    sums = {0.0}
    for code in scale.items:
        values = code_values(instrument, scale, instrument.item(code))
        sums = {total + value for total in sums for value in values}
    return _scores(instrument, scale, sorted(sums)) if len(sums) <= MOST_STEPS else ()


def smallest_step(instrument: Instrument, scale_code: str) -> float | None:
    """Return the smallest distance between two achievable scores; None where unknown."""
    scores = achievable_scores(instrument, scale_code)
    return min((high - low for low, high in pairwise(scores)), default=None)


def _scores(instrument: Instrument, scale: ItemScale, sums: list[float]) -> tuple[float, ...]:
    n_items = len(scale.items)
    if isinstance(scale, LinearScale):
        item = instrument.item(scale.items[0])
        width = (item.last - item.first) * n_items
        # Reversed or not, the steps are the same.
        return tuple((total - item.first * n_items) * 100 / width for total in sums)
    return tuple(total / n_items if isinstance(scale, MeanScale) else total for total in sums)
