"""The maximum of a partial likelihood, or the finding that it has none.

Likelihood, score and information come from statsmodels. The steps are ours: where events
separate the groups the likelihood rises for ever, which ``PHReg.fit`` does not notice.
"""

from dataclasses import dataclass

import numpy as np
from statsmodels.duration.hazard_regression import PHReg

from qol_app.analysis.follow_up import Floats
from qol_app.analysis.result import quiet

MAX_STEPS = 60
# In units of standard deviations of the covariates: a step this short changes no printed digit.
SHORT = 1e-9
# A step longer than this, when the likelihood no longer rises, leads to infinity.
LONG = 0.05
NO_RISE = 1e-10


@dataclass(frozen=True, eq=False)
class CoxFit:
    """A fitted partial likelihood in the scale of the covariates.

    `infinite` is -1 or 1 for coefficients that run away to that side and 0 for the others;
    `covariance` is NaN in their rows and columns. `converged` is False after too many steps.
    """

    coef: Floats
    covariance: Floats
    infinite: np.ndarray
    converged: bool
    loglik: float
    loglik_null: float
    score_chisq: float


def fit_cox(x: Floats, time: Floats, event: Floats, stratum: np.ndarray, ties: str) -> CoxFit:
    """Return the fit of linearly independent columns to follow-up with at least one event."""
    centre, spread = x.mean(axis=0), x.std(axis=0)
    with quiet():
        model = PHReg(time, (x - centre) / spread, event, ties=ties, strata=stratum)
        start = np.zeros(x.shape[1])
        score, information = model.score(start), -model.hessian(start)
        first = np.linalg.lstsq(information, score, rcond=None)[0]
        null = float(model.loglike(start))
        coef, step, finished = _climb(model, first, null)
        information = -model.hessian(coef)
        infinite = np.where(np.abs(step) > SHORT**0.5, np.sign(step), 0).astype(int)
        if np.abs(step).max(initial=0) <= LONG:
            infinite[:] = 0
        return CoxFit(
            coef=coef / spread,
            covariance=_covariance(information, infinite) / np.outer(spread, spread),
            infinite=infinite,
            converged=finished,
            loglik=float(model.loglike(coef)),
            loglik_null=null,
            score_chisq=float(score @ first),
        )


def _climb(model: PHReg, step: Floats, height: float) -> tuple[Floats, Floats, bool]:
    """Return where Newton's method ends, its last step, and whether it came to an end.

    It begins at zero, where `height` is the likelihood and `step` leads on.
    """
    coef = np.zeros_like(step)
    for _ in range(MAX_STEPS):
        if np.abs(step).max(initial=0) < SHORT:
            return coef + step, step, True
        share, reached = 1.0, float(model.loglike(coef + step))
        while not reached >= height - NO_RISE and share > 1e-6:
            share /= 2
            reached = float(model.loglike(coef + share * step))
        coef, rise, height = coef + share * step, reached - height, reached
        if share == 1 and rise < NO_RISE * (abs(height) + 0.1) and np.abs(step).max() > LONG:
            return coef, step, True
        step = _newton_step(model, coef)
    return coef, step, False


def _newton_step(model: PHReg, coef: Floats) -> Floats:
    information, score = -model.hessian(coef), model.score(coef)
    return np.linalg.lstsq(information, score, rcond=None)[0]


def _covariance(information: Floats, infinite: np.ndarray) -> Floats:
    finite = np.flatnonzero(infinite == 0)
    covariance = np.full(information.shape, np.nan)
    inner = information[np.ix_(finite, finite)]
    if len(finite):
        covariance[np.ix_(finite, finite)] = np.linalg.pinv(inner, hermitian=True)
    return covariance
