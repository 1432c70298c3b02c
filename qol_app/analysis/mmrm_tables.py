"""Tables and remarks drawn from a fitted model: means, contrasts, averages, what is unknown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from qol_app.analysis.mmrm_design import Design, Levels, Rows
from qol_app.analysis.mmrm_df import Inference
from qol_app.analysis.mmrm_structures import Floats
from qol_app.errors import AnalysisError


@dataclass(frozen=True)
class Model:
    """What a fitted model is made of, for further combinations and for imputation.

    `missing` are the rows left out for want of an outcome alone.
    """

    design: Design
    rows: Rows
    inference: Inference
    at: Mapping[str, float]
    missing: pd.DataFrame

    def mean_row(self, arm: int, visit: int) -> Floats:
        """Return the combination of coefficients that is the mean of an arm at a visit."""
        typical = self.design.typical(1, self.at)
        return self.design.matrix(np.array([visit]), np.array([arm]), typical)[0]


def demand(holds: bool, message: str) -> None:
    """Raise AnalysisError with the message unless the condition holds."""
    if not holds:
        raise AnalysisError(message)


def require_known(name: str, found: Iterable[Any], known: Iterable[Any]) -> None:
    """Raise AnalysisError if the argument `name` holds anything not known."""
    unknown = sorted(set(found) - set(known), key=str)
    demand(not unknown, f"{name}: found {unknown}; wanted some of: {listed(list(known))}")


def labelled(
    model: Model, names: Sequence[str], labels: Sequence[tuple[Any, ...]], rows: Sequence[Floats]
) -> pd.DataFrame:
    """Return labels and effects side by side; no rows give an empty table with all columns."""
    stacked = np.array(rows).reshape(len(rows), len(model.design.terms))
    left = pd.DataFrame(list(labels), columns=list(names))
    return pd.concat([left, model.inference.effects(stacked)], axis=1)


def coefficients(model: Model) -> pd.DataFrame:
    """Return one row per coefficient."""
    terms = model.design.terms
    return labelled(model, ["term"], [(t,) for t in terms], list(np.eye(len(terms))))


def coefficient_covariance(model: Model) -> pd.DataFrame:
    """Return the covariance matrix of the coefficients that the data determine."""
    kept = [t for t, k in zip(model.design.terms, model.inference.kept, strict=True) if k]
    return pd.DataFrame(model.inference.beta_covariance, kept, kept)


def least_squares_means(model: Model) -> pd.DataFrame:
    """Return one row per visit and arm."""
    levels = model.design.levels
    cells = [(a, v) for v in range(len(levels.visits)) for a in range(len(levels.arms))]
    labels = [(levels.arms[a], levels.visits[v]) for a, v in cells]
    return labelled(model, ["arm", "visit"], labels, [model.mean_row(a, v) for a, v in cells])


def arm_contrasts(model: Model) -> pd.DataFrame:
    """Return one row per visit and pair of arms, the later arm less the earlier."""
    levels = model.design.levels
    labels, rows = [], []
    for v, name in enumerate(levels.visits):
        for a, b, words in arm_pairs(levels):
            labels.append((words, name))
            rows.append(model.mean_row(b, v) - model.mean_row(a, v))
    return labelled(model, ["contrast", "visit"], labels, rows)


def averages(model: Model, visits: Sequence[Any] | None) -> pd.DataFrame:
    """Return one row per pair of arms, the plain mean of its contrasts over the visits."""
    levels = model.design.levels
    places = visit_places(levels, visits)
    chosen = listed([levels.visits[v] for v in places])
    labels, rows = [], []
    for a, b, words in arm_pairs(levels):
        labels.append((words, chosen))
        rows.append(np.mean([model.mean_row(b, v) - model.mean_row(a, v) for v in places], axis=0))
    return labelled(model, ["contrast", "visits"], labels, rows)


def visit_places(levels: Levels, visits: Sequence[Any] | None) -> list[int]:
    """Return the positions of the visits named, all if none are; AnalysisError if unknown."""
    chosen = levels.visits if visits is None else list(visits)
    require_known("visits to average over", chosen, levels.visits)
    demand(len(chosen) > 0, f"visits to average over: found none; the model has {levels.visits}")
    return [levels.visits.index(v) for v in chosen]


def arm_pairs(levels: Levels) -> list[tuple[int, int, str]]:
    """Return each pair of arms as (earlier, later, words)."""
    return [
        (a, b, f"{levels.arms[b]} - {levels.arms[a]}")
        for b in range(len(levels.arms))
        for a in range(b)
    ]


def data_notes(frame: pd.DataFrame, model: Model) -> list[str]:
    """Say which visits, arms and participants have no complete row."""
    columns, levels = model.design.columns, model.design.levels
    notes = []
    for name, met in ((columns.visit, levels.visits), (columns.arm, levels.arms)):
        lost = [v for v in pd.unique(frame[name].dropna().astype(object)) if v not in met]
        if lost:
            notes.append(f"No complete row for {name} {listed(lost)}: not in the model.")
    absent = frame[columns.participant].nunique() - len(model.rows.participants)
    if absent:
        notes.append(f"{absent} participants have no complete row.")
    if len(levels.arms) == 1:
        notes.append(f"Only one {columns.arm} ({levels.arms[0]}): there is nothing to compare.")
    if len(levels.visits) == 1:
        notes.append("Only one visit: this is an analysis of covariance, with one variance.")
    return notes


def design_notes(model: Model) -> list[str]:
    """Say which coefficients and cells the data do not determine."""
    design, inference = model.design, model.inference
    notes = []
    if not design.levels.time_known:
        notes.append(f"Visits are in alphabetical order: {listed(design.levels.visits)}.")
    dropped = [t for t, kept in zip(design.terms, inference.kept, strict=True) if not kept]
    if dropped:
        notes.append(f"Not determined by the data, given the terms before: {listed(dropped)}.")
    cells = least_squares_means(model)
    empty = cells[cells["estimate"].isna()]
    if len(empty):
        named = [f"{a} at {v}" for a, v in zip(empty["arm"], empty["visit"], strict=True)]
        notes.append(f"No mean can be given for {listed(named)}, nor what is built on it.")
    return notes


def listed(values: Sequence[Any]) -> str:
    """Return the values as words with commas."""
    return ", ".join(map(str, values))
