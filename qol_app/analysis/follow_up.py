"""Times under observation: which rows can be used, and how many were at risk when.

A follow-up is a duration and whether it ended in the event (1) or not (0, censored).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from qol_app.analysis.result import numbers, ordered_levels, require_columns, sift

Floats = NDArray[np.float64]

EVERYBODY = "all"
# Durations that differ by less than this share of their size are one moment: 0.1 + 0.2 and 0.3.
SAME_TIME = 1.5e-8


@dataclass(frozen=True, eq=False)
class FollowUp:
    """Usable rows: ``time``, ``event`` (0, 1, or a cause), ``group`` and ``stratum``, by position.

    ``groups`` are the levels in order, among them those that nobody belongs to.
    """

    rows: pd.DataFrame
    time: Floats
    event: Floats
    group: NDArray[np.intp]
    groups: list[Any]
    stratum: NDArray[np.intp]
    left_out: dict[str, int]

    def of(self, group: int) -> tuple[Floats, Floats]:
        """Return times and events of one group."""
        mine = self.group == group
        return self.time[mine], self.event[mine]

    def notes(self, compared: bool = False) -> list[str]:
        """Return what is unusual: groups without rows or events, or only one to compare."""
        found = ["no rows to analyse"] if not len(self.time) else []
        if compared and len(self.groups) < 2:
            found.append("one group only: nothing to compare")
        if len(self.time) and not (self.event > 0).any():
            found.append("no events")
        for position, group in enumerate(self.groups):
            events = self.event[self.group == position]
            if len(self.time) and not len(events):
                found.append(f"one arm empty: {group}")
            elif (self.event > 0).any() and not (events > 0).any():
                found.append(f"no events in {group}")
        return found


def follow_up(
    data: pd.DataFrame,
    duration: str,
    event: str,
    by: str | None = None,
    strata: Sequence[str] = (),
    covariates: Sequence[str] = (),
    causes: bool = False,
) -> FollowUp:
    """Return the rows that can be analysed, the others counted by reason.

    Parameters
    ----------
    data : DataFrame
        One row per participant.
    duration, event : str
        Time from start to event or end of observation, and 0 or 1 (with ``causes`` any whole
        number from 0 on, 0 meaning censored).
    by, strata, covariates : str or sequence of str
        Columns that must be filled in too.

    Raises
    ------
    AnalysisError
        If a column is missing or a duration or event is text.
    """
    require_columns(data, duration, event, by, *strata, *covariates)
    data = data.reset_index(drop=True)
    time, status = numbers(data, duration), numbers(data, event)
    known = (status >= 0) & (status % 1 == 0) if causes else status.isin([0, 1])
    reasons = {
        "no duration": time.isna(),
        "negative duration": time < 0,
        "endless duration": np.isinf(time),
        "no event status": status.isna(),
        "event is no whole number from 0" if causes else "event is not 0 or 1": ~known,
    }
    for name in dict.fromkeys([*([by] if by else []), *strata, *covariates]):
        reasons[f"no {name}"] = data[name].isna()
    used, left_out = sift(data, reasons)
    groups = ordered_levels(data[by]) if by else [EVERYBODY]
    return FollowUp(
        rows=used,
        time=one_moment(time[used.index].to_numpy()),
        event=status[used.index].to_numpy(),
        group=level_numbers(used[by], groups) if by else np.zeros(len(used), dtype=np.intp),
        groups=groups,
        stratum=stratum_numbers(used, strata),
        left_out=left_out,
    )


def level_numbers(values: pd.Series, levels: Sequence[Any]) -> NDArray[np.intp]:
    """Return the position of each value in ``levels``."""
    place = {level: position for position, level in enumerate(levels)}
    return np.array([place[value] for value in values], dtype=np.intp)


def stratum_numbers(rows: pd.DataFrame, strata: Sequence[str]) -> NDArray[np.intp]:
    """Return a number for each combination of strata that occurs; all 0 without strata."""
    if not strata or rows.empty:
        return np.zeros(len(rows), dtype=np.intp)
    found = rows.groupby(list(strata), observed=True, sort=True).ngroup()
    return found.to_numpy(dtype=np.intp)


def one_moment(time: Floats) -> Floats:
    """Return the times with those that differ only by rounding made equal (the earliest)."""
    if not len(time):
        return time
    distinct, place = np.unique(time, return_inverse=True)
    steps = np.diff(distinct)
    same = steps <= SAME_TIME * max(np.abs(distinct).mean(), 1e-300)
    first = np.concatenate([[0], np.where(same, 0, np.arange(1, len(distinct)))])
    return distinct[np.maximum.accumulate(first)][place]


def at_risk(time: Floats, moments: Floats) -> NDArray[np.intp]:
    """Return how many are still observed just before each moment."""
    return len(time) - np.searchsorted(np.sort(time), moments, side="left")
