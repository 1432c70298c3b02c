"""From covariates to the columns of a model: numbers as such, categories against a reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from qol_app.analysis.follow_up import Floats
from qol_app.analysis.result import numbers, ordered_levels, require_choice

# A column whose part outside the earlier ones is shorter than this share of it is no new column.
ALIASED = 1e-8


@dataclass(frozen=True)
class Term:
    """One column: a numeric covariate, or one level of a categorical one against its reference.

    ``name`` is as R writes it: ``age``, ``rxLev``.
    """

    name: str
    covariate: str
    level: Any = None
    reference: Any = None


def terms_of(
    rows: pd.DataFrame, covariates: Sequence[str], references: Mapping[str, Any]
) -> tuple[list[Term], Floats]:
    """Return the terms and the design matrix, shape (n_rows, n_terms), without intercept.

    The reference of a category is its first level (in the order of its categories, else sorted)
    unless ``references`` names another. AnalysisError if that is not a level.
    """
    terms: list[Term] = []
    columns: list[Floats] = []
    for name in covariates:
        if is_numeric(rows[name]):
            terms.append(Term(name, name))
            columns.append(numbers(rows, name).to_numpy())
            continue
        levels = ordered_levels(rows[name])
        reference = references.get(name, levels[0] if levels else None)
        if levels:
            require_choice(f"reference of {name}", reference, levels)
        for level in [level for level in levels if level != reference]:
            terms.append(Term(f"{name}{level}", name, level, reference))
            columns.append((rows[name] == level).to_numpy(dtype=float))
    return terms, np.column_stack(columns) if columns else np.empty((len(rows), 0))


def is_numeric(values: pd.Series) -> bool:
    """Return whether a covariate enters as a number: numbers and true/false do, texts do not."""
    return bool(pd.api.types.is_numeric_dtype(values))


def estimable(x: Floats, stratum: np.ndarray) -> np.ndarray:
    """Return which columns vary within strata and are no combination of the columns before."""
    centred = x - _stratum_means(x, stratum)
    kept = np.zeros(x.shape[1], dtype=bool)
    basis: list[Floats] = []
    for column in range(x.shape[1]):
        rest = centred[:, column].copy()
        # Twice, because one pass of Gram-Schmidt loses digits.
        for direction in basis * 2:
            rest -= direction * (direction @ rest)
        length = float(np.linalg.norm(rest))
        if length > ALIASED * float(np.linalg.norm(x[:, column])):
            kept[column] = True
            basis.append(rest / length)
    return kept


def _stratum_means(x: Floats, stratum: np.ndarray) -> Floats:
    counts = np.bincount(stratum)
    sums = np.zeros((len(counts), x.shape[1]))
    np.add.at(sums, stratum, x)
    return (sums / np.maximum(counts, 1)[:, None])[stratum]
