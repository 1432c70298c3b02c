"""Analysis of covariance at every visit of many completed tables at once.

All tables share their design, so each visit is factorised once. Visits are kept together by
the covariance of their residuals, which gives the error of an average over visits even where
not everybody has all of them.

Source
------
Zellner, JASA 1962;57:348 (several regressions with related errors).
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from qol_app.analysis.mmrm_design import independent
from qol_app.analysis.mmrm_imputation import Incomplete
from qol_app.analysis.mmrm_structures import Floats


@dataclass(frozen=True)
class Completed:
    """Contrasts of arms from `count` completed tables at V visits.

    `estimate` (count, n_contrasts, V); `covariance` (count, n_contrasts, V, V) over visits;
    `free` (V,) residual degrees of freedom. NaN where the data determine no contrast.
    """

    estimate: Floats
    covariance: Floats
    free: Floats


@dataclass(frozen=True)
class _Visit:
    """One visit's regression: `there` (n,) who has a row, `hat` (n_contrasts, n), residuals."""

    there: np.ndarray
    hat: Floats
    residual: Floats
    n_coefficients: int


def analysed(cells: Incomplete, completed: Floats, contrasts: Floats) -> Completed:
    """Return the contrasts of arms at each visit of each completed table.

    Parameters
    ----------
    cells : Incomplete
    completed : array, shape (count, n, m)
    contrasts : array, shape (n_contrasts, n_arms)
        Weights of the arms' means, each row summing to zero.
    """
    visits = [_visit(cells, completed, v, contrasts) for v in range(completed.shape[2])]
    there = np.array([visit.there for visit in visits]).astype(float)
    used = np.array([visit.n_coefficients for visit in visits])
    # The geometric mean, so that a visit's own variance has its usual n - p.
    free = there @ there.T - np.sqrt(np.outer(used, used))
    hats = np.array([visit.hat for visit in visits])
    shared = np.einsum("vcn,wcn->cvw", hats, hats, optimize=True)
    residuals = np.stack([visit.residual for visit in visits], axis=2)
    products = residuals.transpose(0, 2, 1) @ residuals
    errors = products / np.where(free > 0, free, np.nan)
    return Completed(
        estimate=np.einsum("vcn,knv->kcv", hats, np.where(there.T, completed, 0.0), optimize=True),
        covariance=errors[:, None] * shared,
        free=np.diag(free),
    )


def _visit(cells: Incomplete, completed: Floats, v: int, contrasts: Floats) -> _Visit:
    there = cells.seen[:, v] | cells.missing[:, v]
    n_arms, arms = contrasts.shape[1], np.eye(contrasts.shape[1])[cells.arm]
    x = np.hstack([arms, cells.codes[:, v, 1:]])[there]
    kept, q, r = independent(x)
    wanted = np.pad(contrasts, ((0, 0), (0, x.shape[1] - n_arms)))
    inner = solve_triangular(r, wanted[:, kept].T, trans="T").T
    implied = wanted[:, kept] @ solve_triangular(r, q.T @ x[:, ~kept])
    unknown = np.abs(wanted[:, ~kept] - implied).max(axis=1, initial=0) > 1e-6
    hat = np.zeros((len(contrasts), len(there)))
    hat[:, there] = inner @ q.T
    hat[unknown] = np.nan
    y = completed[:, there, v]
    residual = np.zeros(completed.shape[:2])
    residual[:, there] = y - (y @ q) @ q.T
    return _Visit(there, hat, residual, int(kept.sum()))
