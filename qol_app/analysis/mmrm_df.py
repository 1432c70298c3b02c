"""Standard errors and degrees of freedom of linear combinations of fixed effects.

Both small-sample methods take the observed information of the covariance parameters. The
Kenward-Roger adjustment is used in its linear form: the covariance elements count as the
parameters, so that second derivatives of the covariance matrix do not enter. In that form,
unlike with transformed parameters, the result does not depend on how a structure happens
to be parameterised.

Source
------
Satterthwaite, Biometrics Bulletin 1946;2:110; Fai & Cornelius, J Stat Comput Simul 1996;54:363;
Kenward & Roger, Biometrics 1997;53:983.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from scipy.linalg import solve_triangular

from qol_app.analysis.mmrm_reml import Fit
from qol_app.analysis.mmrm_structures import Floats

NUMBERS = ["estimate", "se", "df", "t", "p", "ci_low", "ci_high"]
DF_WORDS = {
    "satterthwaite": "Satterthwaite degrees of freedom with observed information",
    "kenward-roger": (
        "Kenward-Roger standard errors and degrees of freedom in the linear form "
        "(covariance elements as parameters) with observed information"
    ),
    "residual": "residual degrees of freedom (rows less coefficients)",
}


@dataclass(frozen=True)
class Inference:
    """A fit with what is needed to judge any linear combination of its coefficients.

    The fit was made with design Q and outcome y / scale, where kept columns X = Q R;
    `aliased` (n_kept, n_aliased) writes the left-out columns in the kept ones.
    """

    fit: Fit
    kept: np.ndarray
    r: Floats
    aliased: Floats
    scale: float
    n_rows: int
    method: str
    level: float = 0.95

    @property
    def beta(self) -> Floats:
        """Coefficients of the kept columns, shape (n_kept,)."""
        return np.asarray(solve_triangular(self.r, self.fit.point.beta) * self.scale)

    @property
    def beta_covariance(self) -> Floats:
        """Their covariance matrix, with the Kenward-Roger adjustment if that was asked for."""
        whitened = self._whitened(np.eye(len(self.r)))
        return np.asarray(whitened @ _inner(self) @ whitened.T * self.scale**2)

    def estimable(self, combinations: Floats) -> np.ndarray:
        """Return which rows of `combinations` (k, n_terms) the data determine."""
        implied = combinations[:, self.kept] @ self.aliased
        size = 1 + np.abs(combinations).max(axis=1, initial=0)
        gap = np.abs(combinations[:, ~self.kept] - implied).max(axis=1, initial=0)
        return np.asarray(gap < 1e-6 * size)

    def effects(self, combinations: Floats) -> pd.DataFrame:
        """Return estimate, se, df, t, p and confidence limits of each row, shape (k, n_terms).

        A combination that the data do not determine has NaN throughout.
        """
        known = self.estimable(combinations)
        out = pd.DataFrame(np.nan, index=range(len(combinations)), columns=NUMBERS)
        wanted = combinations[known][:, self.kept]
        whitened = self._whitened(wanted)
        variance = np.einsum("kp,pq,kq->k", whitened, _inner(self), whitened) * self.scale**2
        df = DEGREES[self.method](self, whitened)
        out.loc[known] = summary(wanted @ self.beta, np.sqrt(variance), df, self.level)
        return out

    def _whitened(self, combinations: Floats) -> Floats:
        """Return combinations (k, n_kept) in the basis where the covariance is the identity."""
        in_q = solve_triangular(self.r, combinations.T, trans="T")
        return np.asarray(in_q.T @ self.fit.point.root)


def summary(estimate: Floats, se: Floats, df: Floats, level: float) -> Floats:
    """Return columns estimate, se, df, t, p, ci_low, ci_high, shape (k, 7)."""
    t = estimate / se
    half = stats.t.ppf((1 + level) / 2, df) * se
    p = 2 * stats.t.sf(np.abs(t), df)
    return np.column_stack([estimate, se, df, t, p, estimate - half, estimate + half])


def _satterthwaite(inference: Inference, whitened: Floats) -> Floats:
    """Return 2 v^2 / var(v) for v the variance of each combination."""
    fit = inference.fit
    variance = (whitened**2).sum(1)
    slopes = np.einsum("kp,hpq,kq->kh", whitened, fit.derivatives.moments, whitened, optimize=True)
    spread = np.einsum("kh,hj,kj->k", slopes, fit.theta_covariance, slopes)
    return np.asarray(2 * variance**2 / spread)


def _residual(inference: Inference, whitened: Floats) -> Floats:
    return np.full(len(whitened), float(inference.n_rows - len(inference.r)))


DEGREES: dict[str, Callable[[Inference, Floats], Floats]] = {
    "satterthwaite": _satterthwaite,
    # For one combination at a time Kenward-Roger's degrees of freedom are Satterthwaite's.
    "kenward-roger": _satterthwaite,
    "residual": _residual,
}


def _inner(inference: Inference) -> Floats:
    """Return the coefficients' covariance in the whitened basis, shape (n_kept, n_kept)."""
    identity = np.eye(len(inference.r))
    if inference.method != "kenward-roger":
        return identity
    return np.asarray(identity + kenward_roger_excess(inference.fit))


def kenward_roger_excess(fit: Fit) -> Floats:
    """Return 2 sum_hk C_hk (Q_hk - P_h Phi P_k) of Kenward & Roger, whitened by `root`.

    Q is summed over h and k before over participants, which makes its cost that of one more
    evaluation of the likelihood rather than of q^2 of them.
    """
    point, moments = fit.point, fit.derivatives.moments
    n, m, p = point.wx.shape
    spread = fit.theta_covariance
    flat = fit.structure.jacobian(fit.theta, m).reshape(len(fit.theta), m * m)
    # sum_hk C_hk E_h W E_k, cell by cell: [a, b, c, d] of C times W[b, c] gives [a, d].
    cells = (flat.T @ spread @ flat).reshape(m, m, m, m).transpose(0, 3, 1, 2)
    middle = (point.weights.reshape(n, m * m) @ cells.reshape(m * m, m * m).T).reshape(n, m, m)
    q = (point.wx.reshape(n * m, p).T) @ (middle @ point.wx).reshape(n * m, p)
    weighted = np.tensordot(spread, moments, axes=1)
    return np.asarray(2 * (q - np.einsum("hpq,hqr->pr", weighted, moments, optimize=True)))
