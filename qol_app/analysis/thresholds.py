"""How much change matters, and who says so. Every output prints the source beside the number."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from qol_app.analysis.result import require_number
from qol_app.errors import AnalysisError

OSOBA_1998 = "Osoba et al., J Clin Oncol 1998;16:139"
COCKS_2011 = "Cocks et al., J Clin Oncol 2011;29:89 (differences between groups)"
COCKS_2012 = "Cocks et al., Eur J Cancer 2012;48:1713 (changes within groups)"
DEFAULT_POINTS = 10.0

HIGHER_IS_BETTER = "higher_is_better"
HIGHER_IS_WORSE = "higher_is_worse"
DIRECTIONS = {HIGHER_IS_BETTER: 1.0, HIGHER_IS_WORSE: -1.0}


@dataclass(frozen=True)
class Threshold:
    """So many points of change, and the source that calls them important."""

    points: float
    source: str

    def __post_init__(self) -> None:
        require_number("threshold", self.points, lambda one: 0 < one < np.inf, "points above 0")


def as_threshold(points: float | Threshold) -> Threshold:
    """Return a threshold; a bare number is one that was asked for without a source."""
    return points if isinstance(points, Threshold) else Threshold(points, "as asked for")


@dataclass(frozen=True)
class ScaleThresholds:
    """Published sizes of difference and change for one scale of the QLQ-C30.

    ``between`` are the lower bounds of a small, medium and large difference between groups;
    the others are where a small and a medium change within a group begins, as amounts without
    sign. None where the source gives none.
    """

    between: tuple[float, float | None, float | None]
    deterioration: tuple[float, float]
    improvement: tuple[float, float | None]


# Sizes for means of groups; for one participant see `within_participant`.
QLQ_C30: Mapping[str, ScaleThresholds] = {
    "QL": ScaleThresholds((4, 10, 15), (5, 10), (5, 8)),
    "PF": ScaleThresholds((5, 14, 22), (5, 10), (2, 7)),
    "RF": ScaleThresholds((6, 19, 29), (7, 14), (6, 12)),
    "EF": ScaleThresholds((3, None, None), (3, 12), (6, 9)),
    "CF": ScaleThresholds((3, 9, 14), (1, 7), (3, 7)),
    "SF": ScaleThresholds((5, 11, 15), (6, 11), (3, 8)),
    "FA": ScaleThresholds((5, 13, 19), (5, 10), (4, 9)),
    "NV": ScaleThresholds((3, 8, 15), (5, 11), (3, 9)),
    "PA": ScaleThresholds((6, 13, 19), (3, 11), (5, 9)),
    "DY": ScaleThresholds((4, 9, 15), (5, 11), (2, 9)),
    "SL": ScaleThresholds((4, 13, 24), (2, 9), (5, 9)),
    "AP": ScaleThresholds((5, 14, 23), (2, 14), (7, 13)),
    "CO": ScaleThresholds((5, 13, 19), (5, 15), (4, 10)),
    "DI": ScaleThresholds((3, 7, 15), (5, 15), (3, 11)),
    "FI": ScaleThresholds((3, 10, None), (2, 10), (3, None)),
}


def within_participant(scale: str, own: Mapping[str, Threshold] | None = None) -> Threshold:
    """Return the threshold for one participant's change: a trial's own, else 10 points."""
    return (own or {}).get(scale, Threshold(DEFAULT_POINTS, f"default, {OSOBA_1998}"))


def between_groups(scale: str, size: str = "small") -> Threshold | None:
    """Return from where a difference between groups is small, medium or large, if published.

    Source
    ------
    Cocks et al., J Clin Oncol 2011;29:89.
    """
    sizes = ("small", "medium", "large")
    if size not in sizes:
        raise AnalysisError(f"size: found {size!r}; wanted one of: {', '.join(sizes)}")
    if scale not in QLQ_C30:
        return None
    points = QLQ_C30[scale].between[sizes.index(size)]
    return Threshold(points, COCKS_2011) if points is not None else None


def achievable_step(n_items: int, n_codes: int) -> float:
    """Return by how many points a 0-100 scale moves when one of its items moves by one code.

    A scale of one item with four codes moves in steps of 33.3: any threshold up to that asks
    for one step, and 10 points are not something that can be observed.
    """
    if n_items < 1 or n_codes < 2:
        raise AnalysisError(
            f"scale: found {n_items} items of {n_codes} codes; wanted 1 or more of 2 or more"
        )
    return 100 / (n_items * (n_codes - 1))


def achievable_threshold(points: float, step: float) -> float:
    """Return the smallest change of whole steps that reaches a threshold."""
    return float(np.ceil(points / step - 1e-9) * step)


def sign_of(direction: str) -> float:
    """Return 1 where a higher score is better and -1 where it is worse."""
    if direction not in DIRECTIONS:
        raise AnalysisError(
            f"direction: found {direction!r}; wanted one of: {', '.join(DIRECTIONS)}"
        )
    return DIRECTIONS[direction]
