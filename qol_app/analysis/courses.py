"""What each participant's scores did after baseline, as matrices without gaps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from qol_app.analysis.follow_up import Floats
from qol_app.analysis.result import numbers, sift
from qol_app.errors import AnalysisError


@dataclass(frozen=True, eq=False)
class Courses:
    """Valid scores after baseline as matrices, one row per participant, NaN-padded at the end.

    Higher is better: symptom scales are turned round.
    """

    people: pd.DataFrame
    value: Floats
    day: Floats
    baseline: Floats
    death: Floats

    @property
    def n_scores(self) -> np.ndarray:
        return (~np.isnan(self.value)).sum(axis=1)

    def references(self, kind: str) -> Floats:
        """Return what each score is compared with."""
        before = np.column_stack([self.baseline, self.value[:, :-1]])[:, : self.value.shape[1]]
        if kind == "baseline":
            return np.broadcast_to(self.baseline[:, None], self.value.shape)
        return np.fmax.accumulate(before, axis=1) if kind == "best" else before

    def later(self) -> tuple[Floats, Floats]:
        """Return the next score and the best of all later ones; NaN where there is none."""
        end = np.full((len(self.value), 1), np.nan)
        following = np.column_stack([self.value, end])[:, 1:]
        best = np.fmax.accumulate(following[:, ::-1], axis=1)[:, ::-1]
        return following, best


def courses_of(
    scores: pd.DataFrame, names: Sequence[str | None], carry: Sequence[str], sign: float
) -> tuple[Courses, dict[str, int], list[str]]:
    """Return every participant's course, rows left out, and what was not looked at.

    ``names`` are the columns of participant, day, value, baseline and day of death (or None).
    """
    participant, day, value, baseline, death_day = names
    plain = pd.DataFrame(
        {
            "participant": scores[participant],
            "day": numbers(scores, str(day)),
            "value": numbers(scores, str(value)) * sign,
            "baseline": numbers(scores, str(baseline)) * sign,
            "death": numbers(scores, death_day) if death_day else np.nan,
        }
    ).reset_index(drop=True)
    plain = plain.join(scores[list(carry)].reset_index(drop=True), rsuffix=" carried")
    named, left_out = sift(plain, {"rows without participant": plain["participant"].isna()})
    people = named.groupby("participant", sort=True).first()
    _require_one(named, "baseline")
    _require_one(named, "death")
    valid, notes = _valid(named)
    place = valid.groupby("participant").cumcount().to_numpy()
    row = people.index.get_indexer(valid["participant"])
    width = int(place.max()) + 1 if len(place) else 1
    matrices = [np.full((len(people), width), np.nan) for _ in range(2)]
    for matrix, name in zip(matrices, ("value", "day"), strict=True):
        matrix[row, place] = valid[name].to_numpy()
    courses = Courses(
        people=people.reset_index()[["participant", *carry]],
        value=matrices[0],
        day=matrices[1],
        baseline=people["baseline"].to_numpy(float),
        death=people["death"].to_numpy(float),
    )
    return courses, left_out, notes


def _require_one(rows: pd.DataFrame, name: str) -> None:
    values = rows.groupby("participant")[name].nunique()
    if (values > 1).any():
        who = values.index[values > 1][0]
        raise AnalysisError(f"{name}: found {values[who]} values for {who}; wanted one")


def _valid(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return scores after baseline, by participant and day, and what was not looked at."""
    scored = rows[rows["value"].notna()]
    after_death = scored["day"] > scored["death"]
    undated = scored["day"].isna()
    notes = []
    if after_death.any():
        notes.append(f"{int(after_death.sum())} scores dated after death are not looked at")
    if undated.any():
        notes.append(f"{int(undated.sum())} scores without a day are not looked at")
    valid = scored[~after_death & ~undated & (scored["day"] >= 1)]
    # One sitting may count for two timepoints; the same answers are one score.
    valid = valid.drop_duplicates(["participant", "day", "value"])
    valid = valid.sort_values(["participant", "day"], kind="stable")
    # Two visits may be answered on one day: rows come in the order of the plan.
    earlier = valid.duplicated(["participant", "day"], keep="last")
    if earlier.any():
        notes.append(f"{int(earlier.sum())} scores with a later one on the same day do not count")
    return valid[~earlier], notes
