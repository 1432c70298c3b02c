"""From a tidy table to the rows, levels and design matrix of a repeated-measures model.

Every row of the table is either used or counted under one reason for leaving it out.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from qol_app.analysis.mmrm_structures import Floats
from qol_app.analysis.result import numbers, require_columns
from qol_app.errors import AnalysisError

DAYS_IN_UNIT = {"D": 1.0, "W": 7.0, "M": 30.4375, "Y": 365.25}
LABEL_WITH_NUMBER = re.compile(r"\s*([^\d\s]*)\s*(\d+(?:\.\d+)?)\s*")
# A column whose part outside the earlier ones is shorter than this share of it is no new column.
ALIASED = 1e-8


@dataclass(frozen=True)
class Columns:
    """The column names of one analysis; `by_visit` are covariates with a slope at each visit."""

    outcome: str
    participant: str
    visit: str
    arm: str
    covariates: tuple[str, ...]
    by_visit: frozenset[str] = frozenset()

    @property
    def ordered(self) -> list[str]:
        """Covariates in model order: those by visit first, then those with one effect."""
        first = [c for c in self.covariates if c in self.by_visit]
        return first + [c for c in self.covariates if c not in self.by_visit]

    @property
    def formula(self) -> str:
        """The model in R's notation."""
        crossed = [c for c in self.ordered if c in self.by_visit] + [self.arm]
        alone = [c for c in self.ordered if c not in self.by_visit]
        right = " + ".join([*(f"{c}*{self.visit}" for c in crossed), *alone])
        return f"{self.outcome} ~ {right}"


@dataclass(frozen=True)
class Levels:
    """The levels of each factor, the reference first; `means` of numeric covariates.

    `time_known` is False when nothing in the data tells the order of the visits.
    """

    visits: list[Any]
    arms: list[Any]
    factors: Mapping[str, list[Any]]
    means: Mapping[str, float]
    time_known: bool


@dataclass(frozen=True)
class Rows:
    """The rows used: `visit`, `arm`, `participant` are positions in the level lists."""

    frame: pd.DataFrame
    participant: np.ndarray
    visit: np.ndarray
    arm: np.ndarray
    outcome: Floats
    participants: list[Any]


@dataclass(frozen=True)
class Design:
    """A coded model: how any row becomes a row of the design matrix."""

    columns: Columns
    levels: Levels
    terms: list[str] = field(default_factory=list)

    def matrix(
        self, visit: np.ndarray, arm: np.ndarray, covariates: Mapping[str, Floats]
    ) -> Floats:
        """Return the design matrix, shape (n, n_terms).

        Parameters
        ----------
        visit, arm : arrays of shape (n,)
            Positions in `levels.visits` and `levels.arms`.
        covariates : mapping from column name to array of shape (n, n_codes)
            As made by `codes`.
        """
        visits = np.eye(len(self.levels.visits))[visit][:, 1:]
        arms = np.eye(len(self.levels.arms))[arm][:, 1:]
        parts = [np.ones((len(visit), 1))]
        early = [c for c in self.columns.ordered if c in self.columns.by_visit]
        late = [c for c in self.columns.ordered if c not in self.columns.by_visit]
        parts += [covariates[c] for c in early] + [visits, arms] + [covariates[c] for c in late]
        parts += [_product(covariates[c], visits) for c in early] + [_product(visits, arms)]
        return np.hstack(parts)

    def codes(self, frame: pd.DataFrame) -> dict[str, Floats]:
        """Return numeric codes of each covariate: itself, or dummies of its levels."""
        out = {}
        for name in self.columns.covariates:
            levels = self.levels.factors.get(name)
            if levels is None:
                out[name] = frame[name].to_numpy(float)[:, None]
            else:
                out[name] = np.eye(len(levels))[positions(frame[name], levels)][:, 1:]
        return out

    def typical(self, n: int, at: Mapping[str, float]) -> dict[str, Floats]:
        """Return codes of n typical rows: numbers at their mean (or `at`), levels alike."""
        out = {}
        for name in self.columns.covariates:
            levels = self.levels.factors.get(name)
            if levels is None:
                out[name] = np.full((n, 1), float(at.get(name, self.levels.means[name])))
            else:
                out[name] = np.full((n, len(levels) - 1), 1 / len(levels))
        return out


def _product(left: Floats, right: Floats) -> Floats:
    """Return all products of columns, the right factor's columns running fastest outside."""
    n_columns = left.shape[1] * right.shape[1]
    crossed = (left[:, :, None] * right[:, None, :]).transpose(0, 2, 1)
    return np.asarray(crossed.reshape(len(left), n_columns))


def design_of(columns: Columns, levels: Levels) -> Design:
    """Return the design with its terms named as R names them."""
    visits = [f"{columns.visit}{v}" for v in levels.visits[1:]]
    arms = [f"{columns.arm}{a}" for a in levels.arms[1:]]
    named = {
        c: [f"{c}{x}" for x in levels.factors[c][1:]] if c in levels.factors else [c]
        for c in columns.covariates
    }
    early = [c for c in columns.ordered if c in columns.by_visit]
    late = [c for c in columns.ordered if c not in columns.by_visit]
    terms = ["(Intercept)", *(t for c in early for t in named[c]), *visits, *arms]
    terms += [t for c in late for t in named[c]]
    terms += [f"{t}:{v}" for c in early for v in visits for t in named[c]]
    terms += [f"{v}:{a}" for a in arms for v in visits]
    return Design(columns, levels, terms)


def positions(values: pd.Series, levels: Sequence[Any]) -> np.ndarray:
    """Return the position of each value in `levels`."""
    return pd.Index(levels).get_indexer(pd.Index(values.astype(object)))


def checked_columns(data: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return the needed columns, numbers as floats.

    Raises
    ------
    AnalysisError
        If a column is absent or twice named, or a number is text or infinite.
    """
    names = [columns.participant, columns.visit, columns.arm, *columns.covariates, columns.outcome]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise AnalysisError(f"columns {twice} are named for two purposes; each may serve one")
    require_columns(data, *names)
    # Numbers kept as objects, as after reading a database, would else pass for levels.
    frame = data[names].reset_index(drop=True).infer_objects()
    for name in [columns.outcome, *(c for c in columns.covariates if is_numeric(frame[c]))]:
        frame[name] = numbers(frame, name)
        if np.isinf(frame[name]).any():
            raise AnalysisError(f"column {name!r} holds infinite values; wanted finite or empty")
    return frame


def is_numeric(values: pd.Series) -> bool:
    """Return whether a column holds numbers (true and false are levels, not numbers)."""
    kind = values.dtype
    return pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)


def levels_of(
    frame: pd.DataFrame,
    columns: Columns,
    visit_order: Sequence[Any] | None,
    arm_order: Sequence[Any] | None,
) -> Levels:
    """Return the levels met in the rows used, in order, and covariate means over those rows."""
    visits, time_known = visit_levels(frame[columns.visit], visit_order)
    factors, means = {}, {}
    for name in columns.covariates:
        if is_numeric(frame[name]):
            means[name] = float(frame[name].mean())
        else:
            factors[name] = _ordered(frame[name], None, name)
    arms = _ordered(frame[columns.arm], arm_order, "arm_order")
    return Levels(visits, arms, factors, means, time_known)


def visit_levels(values: pd.Series, order: Sequence[Any] | None) -> tuple[list[Any], bool]:
    """Return the visits met, in time order, and whether that order is known.

    Known from `order`, from a categorical's own order, from numbers, or from labels that are
    a unit of time or one common word with a number (D8, W6, M12, Visit 3).
    """
    if order is not None or isinstance(values.dtype, pd.CategoricalDtype):
        return _ordered(values, order, "visit_order"), True
    met = list(pd.unique(values.astype(object)))
    if is_numeric(values):
        return sorted(met), True
    times = _times([str(v) for v in met])
    if times is not None:
        return [v for _, v in sorted(zip(times, met, strict=True), key=lambda pair: pair[0])], True
    return sorted(met, key=str), len(met) == 1


def _times(labels: list[str]) -> list[float] | None:
    matches = [LABEL_WITH_NUMBER.fullmatch(label) for label in labels]
    parts = [(m[1].upper(), float(m[2])) for m in matches if m]
    if len(parts) < len(labels):
        return None
    words = {word for word, _ in parts}
    if len(words) == 1:
        times = [number for _, number in parts]
    elif words <= DAYS_IN_UNIT.keys():
        times = [DAYS_IN_UNIT[word] * number for word, number in parts]
    else:
        return None
    return times if len(set(times)) == len(times) else None


def _ordered(values: pd.Series, order: Sequence[Any] | None, argument: str) -> list[Any]:
    """Return the levels met, as `order` or the categorical itself or the alphabet has them."""
    met = set(values.astype(object))
    if order is None and isinstance(values.dtype, pd.CategoricalDtype):
        order = list(values.cat.categories)
    if order is None:
        return sorted(met) if is_numeric(values) else sorted(met, key=str)
    unknown = sorted(met - set(order), key=str)
    if unknown:
        raise AnalysisError(
            f"{argument} {list(order)} lacks {unknown}, which the data hold; "
            "name every level, or filter those rows out first"
        )
    return [level for level in dict.fromkeys(order) if level in met]


def rows_of(frame: pd.DataFrame, columns: Columns, levels: Levels) -> Rows:
    """Return the rows used with coded factors.

    Raises
    ------
    AnalysisError
        If a participant has two rows at one visit, or is in two arms.
    """
    demand_one_row_each(frame, columns)
    codes, participants = pd.factorize(frame[columns.participant])
    arm = positions(frame[columns.arm], levels.arms)
    demand_one_arm_each(codes, arm, participants)
    return Rows(
        frame=frame,
        participant=codes,
        visit=positions(frame[columns.visit], levels.visits),
        arm=arm,
        outcome=frame[columns.outcome].to_numpy(float),
        participants=list(participants),
    )


def demand_one_row_each(frame: pd.DataFrame, columns: Columns) -> None:
    """Raise AnalysisError if a participant has two rows at one visit."""
    again = frame.duplicated([columns.participant, columns.visit])
    if again.any():
        first = frame[again].iloc[0]
        raise AnalysisError(
            f"{int(again.sum())} rows repeat a participant and visit, the first "
            f"'{first[columns.participant]}' at '{first[columns.visit]}'; wanted one row each"
        )


def demand_one_arm_each(participant: np.ndarray, arm: np.ndarray, names: Sequence[Any]) -> None:
    """Raise AnalysisError if a participant's rows disagree on the arm."""
    pairs = pd.Series(arm).groupby(participant).nunique()
    mixed = pairs[pairs > 1]
    if len(mixed):
        raise AnalysisError(
            f"{len(mixed)} participants are in more than one arm, the first "
            f"'{names[mixed.index[0]]}'; wanted one arm each"
        )


def independent(x: Floats) -> tuple[np.ndarray, Floats, Floats]:
    """Return which columns add something to those before them, and their QR factors.

    Returns
    -------
    kept : bool array, shape (n_terms,)
    q : array, shape (n, n_kept), orthonormal
    r : array, shape (n_kept, n_kept), upper triangular; x[:, kept] = q r
    """
    q = np.empty((len(x), 0))
    kept = np.zeros(x.shape[1], dtype=bool)
    for j in range(x.shape[1]):
        rest = x[:, j] - q @ (q.T @ x[:, j])
        rest -= q @ (q.T @ rest)
        length = np.linalg.norm(rest)
        if length > ALIASED * np.linalg.norm(x[:, j]):
            kept[j] = True
            q = np.column_stack([q, rest / length])
    return kept, q, np.triu(q.T @ x[:, kept])
