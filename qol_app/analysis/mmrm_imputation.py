"""Draws of missing outcomes from a fitted mixed model for repeated measures.

Each imputation first draws the covariance matrix and the coefficients, so that what is not
known about the model is felt in the spread between imputations; then the missing outcomes of
a participant given the outcomes seen. What follows dropout may borrow the reference arm's mean.

Source
------
Little & Rubin, Statistical Analysis with Missing Data, 3rd ed., 2019, ch. 10;
Carpenter, Roger & Kenward, J Biopharm Stat 2013;23:1352 (reference-based means).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import solve_triangular

from qol_app.analysis.mmrm_design import positions, rows_of
from qol_app.analysis.mmrm_reml import Blocks, Fit, likelihood
from qol_app.analysis.mmrm_structures import Floats
from qol_app.analysis.mmrm_tables import Model
from qol_app.errors import AnalysisError

Bools = np.ndarray

# Draws of the covariance matrix that multiply some variance by more than exp(3), twentyfold, or
# by less than its inverse are made again; with 50 participants or more none is.
OUT_OF_PROPORTION = 3.0
TRIES = 20


@dataclass(frozen=True)
class Incomplete:
    """All rows that have or could have an outcome, by participant and visit.

    `own` and `reference` (n, m, p) are design rows under the own and the reference arm, in the
    fit's orthonormal basis; `y` (n, m) the outcomes seen, scaled as in the fit, else zero;
    `seen` and `missing` (n, m) say where a value is and where one is to be drawn: neither is
    true where there is no row. `codes` (n, m, c) are the covariates, `arm` (n,) the arms.
    """

    own: Floats
    reference: Floats
    y: Floats
    seen: Bools
    missing: Bools
    codes: Floats
    arm: np.ndarray
    reference_arm: int

    @property
    def last(self) -> np.ndarray:
        """The last visit seen, shape (n,); -1 if none was."""
        m = self.seen.shape[1]
        return np.where(self.seen.any(1), m - 1 - self.seen[:, ::-1].argmax(1), -1)

    @property
    def dropped(self) -> Bools:
        """Where a missing outcome of another arm than the reference follows dropout, (n, m)."""
        after = np.arange(self.seen.shape[1]) > self.last[:, None]
        elsewhere = np.asarray(self.arm != self.reference_arm)
        return np.asarray(self.missing & after & elsewhere[:, None])


def incomplete(model: Model, reference_arm: int) -> Incomplete:
    """Return the rows of a fit together with those lacking only an outcome.

    A row with an empty outcome is a value that is missing; a visit without a row is one that
    cannot exist (after death, or not reached), and nothing is drawn for it. Rows in a cell that
    the fit says nothing about are left aside.
    """
    columns, levels = model.design.columns, model.design.levels
    frame = pd.concat([model.rows.frame, _imputable(model)])
    rows = rows_of(frame, columns, levels)
    coded = model.design.codes(frame)
    n, m = len(rows.participants), len(levels.visits)

    def placed(values: Floats) -> Floats:
        out = np.zeros((n, m, *values.shape[1:]))
        out[rows.participant, rows.visit] = values
        return out

    def design(arm: np.ndarray) -> Floats:
        x = model.design.matrix(rows.visit, arm, coded)[:, model.inference.kept]
        return placed(np.asarray(solve_triangular(model.inference.r, x.T, trans="T").T))

    arm = np.zeros(n, dtype=int)
    arm[rows.participant] = rows.arm
    given = ~np.isnan(rows.outcome)
    codes = [coded[c] for c in columns.covariates]
    return Incomplete(
        own=design(rows.arm),
        reference=design(np.full(len(frame), reference_arm)),
        y=placed(np.where(given, rows.outcome, 0.0) / model.inference.scale),
        seen=placed(given.astype(float)) > 0,
        missing=placed((~given).astype(float)) > 0,
        codes=placed(np.hstack([np.ones((len(frame), 1)), *codes])),
        arm=arm,
        reference_arm=reference_arm,
    )


def _imputable(model: Model) -> pd.DataFrame:
    """Return the rows without outcome whose mean the fit determines, one per free visit."""
    columns, levels, frame = model.design.columns, model.design.levels, model.missing
    known = np.ones(len(frame), dtype=bool)
    factors = {columns.visit: levels.visits, columns.arm: levels.arms, **levels.factors}
    for name, names in factors.items():
        known &= positions(frame[name], names) >= 0
    key = [columns.participant, columns.visit]
    taken = pd.MultiIndex.from_frame(model.rows.frame[key].astype(object))
    known &= ~pd.MultiIndex.from_frame(frame[key].astype(object)).isin(taken)
    frame = frame[known]
    visit = positions(frame[columns.visit], levels.visits)
    arm = positions(frame[columns.arm], levels.arms)
    x = model.design.matrix(visit, arm, model.design.codes(frame))
    return frame[model.inference.estimable(x)]


Means = Callable[[Incomplete, Floats, Floats], tuple[Floats, Floats]]


def at_random(cells: Incomplete, own: Floats, reference: Floats) -> tuple[Floats, Floats]:
    """Missing outcomes go on as in the own arm."""
    return own, own


def jump_to_reference(cells: Incomplete, own: Floats, reference: Floats) -> tuple[Floats, Floats]:
    """After dropout the mean is that of the reference arm."""
    return own, np.where(cells.dropped, reference, own)


def copy_reference(cells: Incomplete, own: Floats, reference: Floats) -> tuple[Floats, Floats]:
    """Who drops out is taken to have had the reference arm's mean all along."""
    who = cells.dropped.any(axis=1, keepdims=True)
    both = np.where(who, reference, own)
    return both, both


def copy_increments(cells: Incomplete, own: Floats, reference: Floats) -> tuple[Floats, Floats]:
    """After dropout the mean changes from visit to visit as in the reference arm.

    With no visit seen there is no benefit to keep, and the mean is the reference arm's.
    """
    everyone, last = np.arange(len(own)), cells.last
    gained = np.where(last >= 0, own[everyone, last] - reference[everyone, last], 0.0)
    return own, np.where(cells.dropped, reference + gained[:, None], own)


STRATEGIES: dict[str, Means] = {
    "missing-at-random": at_random,
    "jump-to-reference": jump_to_reference,
    "copy-reference": copy_reference,
    "copy-increments": copy_increments,
}


def imputed(
    model: Model, cells: Incomplete, strategies: Sequence[str], count: int, seed: int
) -> dict[str, Floats]:
    """Return completed outcomes by strategy, each (count, n, m), on the outcome's own scale.

    All strategies share their draws, so that they differ by their assumptions alone.
    """
    rng = np.random.default_rng(seed)
    blocks = _seen_blocks(cells)
    out = {key: np.empty((count, *cells.y.shape)) for key in strategies}
    for k in range(count):
        sigma, beta = _drawn_parameters(model.inference.fit, blocks, rng)
        weights, noise = _conditional(cells, blocks, sigma, rng)
        own, reference = cells.own @ beta, cells.reference @ beta
        for key in strategies:
            before, after = STRATEGIES[key](cells, own, reference)
            surprise = np.where(cells.seen, cells.y - before, 0.0)[:, :, None]
            guess = (sigma @ (weights @ surprise))[:, :, 0]
            drawn = np.where(cells.missing, after + guess + noise, cells.y)
            out[key][k] = drawn * model.inference.scale
    return out


def _seen_blocks(cells: Incomplete) -> Blocks:
    patterns, pattern = np.unique(
        np.hstack([cells.seen, cells.missing]), axis=0, return_inverse=True
    )
    x = np.where(cells.seen[:, :, None], cells.own, 0.0)
    return Blocks(x, cells.y, patterns[:, : cells.y.shape[1]], pattern.ravel())


def _drawn_parameters(fit: Fit, blocks: Blocks, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return a draw of the covariance matrix and of the coefficients given it.

    Raises
    ------
    AnalysisError
        If the covariance matrix is so uncertain that draws of it mean nothing.
    """
    for _ in range(TRIES):
        sigma = _drawn_covariance(fit, rng)
        point = None if sigma is None else likelihood(blocks, sigma)
        if sigma is not None and point is not None:
            return sigma, point.beta + point.root @ rng.standard_normal(len(point.beta))
    raise AnalysisError(
        f"the covariance matrix is too uncertain to impute from: {blocks.n_rows} rows for "
        f"{len(fit.theta)} covariance parameters; wanted more rows, or a simpler covariance"
    )


def _drawn_covariance(fit: Fit, rng: np.random.Generator) -> Floats | None:
    """Return a draw of the covariance matrix; None if it is out of all proportion.

    The parameters are normal about their estimate with the observed information. The matrix is
    moved along exp(.) within the positive definite ones: to first order the same as adding the
    draw, and never out of bounds.
    """
    information = np.linalg.cholesky(fit.derivatives.observed / 2)
    noise = rng.standard_normal(len(fit.theta))
    step = solve_triangular(information, noise, lower=True, trans="T")
    moved = np.tensordot(step, fit.structure.jacobian(fit.theta, len(fit.sigma)), axes=1)
    root = np.linalg.cholesky(fit.sigma)
    inside = solve_triangular(root, solve_triangular(root, moved, lower=True).T, lower=True)
    values, vectors = np.linalg.eigh((inside + inside.T) / 2)
    if np.abs(values).max() > OUT_OF_PROPORTION:
        return None
    half = root @ vectors * np.exp(values / 2)
    return np.asarray(half @ half.T)


def _conditional(
    cells: Incomplete, blocks: Blocks, sigma: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return inverses of the seen part (n, m, m), and noise of the missing given the seen."""
    first = np.unique(blocks.pattern, return_index=True)[1]
    missing = cells.missing[first]
    weights = _precision(sigma, cells.seen[first])
    both = missing[:, :, None] & missing[:, None, :]
    rest = np.where(both, sigma - sigma @ weights @ sigma, 0.0)
    # The symmetric root, unlike other factors, has no sign that a machine may choose.
    values, vectors = np.linalg.eigh(rest)
    spread = (vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ vectors.transpose(0, 2, 1)
    noise = spread[blocks.pattern] @ rng.standard_normal(cells.missing.shape)[:, :, None]
    return weights[blocks.pattern], noise[:, :, 0]


def _precision(sigma: Floats, seen: Bools) -> Floats:
    """Return inverses of the seen part of `sigma`, zero elsewhere, shape (g, m, m)."""
    both = seen[:, :, None] & seen[:, None, :]
    padded = np.where(both, sigma, 0.0) + np.eye(len(sigma)) * ~seen[:, None, :]
    return np.where(both, np.linalg.inv(padded), 0.0)
