"""Proportional-hazards regression: hazard ratios, tests, and whether the model holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from qol_app.analysis.concordance import concordance
from qol_app.analysis.cox_fit import CoxFit, fit_cox
from qol_app.analysis.follow_up import Floats, FollowUp, follow_up
from qol_app.analysis.proportional_hazards import COLUMNS as PH_COLUMNS
from qol_app.analysis.proportional_hazards import proportional_hazards
from qol_app.analysis.result import AnalysisResult, names_of, require_choice, require_level
from qol_app.analysis.terms import Term, estimable, terms_of
from qol_app.errors import AnalysisError

TIES = ("efron", "breslow")
TERM_COLUMNS = ["term", "covariate", "level", "reference"]
NUMBER_COLUMNS = ["coef", "se", "z", "hazard_ratio", "ci_low", "ci_high", "p_value"]


@dataclass(frozen=True, eq=False, kw_only=True)
class CoxResult(AnalysisResult):
    """A fitted proportional-hazards model.

    Attributes
    ----------
    table : one row per term, named as R names it: covariate, level and reference of a category,
        coef (log hazard ratio), se, z, hazard_ratio, ci_low, ci_high (of the hazard ratio),
        p_value (Wald, two-sided)
    tests : likelihood ratio, wald, score: chisq, df, p_value of the whole model
    proportional_hazards : score test as R's cox.zph: transform, term (and GLOBAL), chisq, df,
        p_value
    vcov : covariance of the coefficients
    loglik, loglik_null : partial log-likelihood, fitted and with no covariate
    concordance, concordance_se : Harrell's C of the linear predictor
    """

    tests: pd.DataFrame
    proportional_hazards: pd.DataFrame
    vcov: pd.DataFrame
    n_events: int
    loglik: float
    loglik_null: float
    concordance: float
    concordance_se: float
    ties: str
    strata: tuple[str, ...]
    level: float


def cox(
    data: pd.DataFrame,
    *,
    duration: str,
    event: str,
    covariates: Sequence[str],
    strata: Sequence[str] | str = (),
    ties: str = "efron",
    references: Mapping[str, Any] | None = None,
    level: float = 0.95,
) -> CoxResult:
    """Return the Cox regression of a time to event.

    Parameters
    ----------
    data : DataFrame, one row per participant
        Rows with a missing duration, event, covariate or stratum are left out and counted.
    duration, event : str
        Time from start; 1 for event, 0 for censored.
    covariates : sequence of str
        Numeric and boolean columns enter as numbers, others as categories.
    strata : str or sequence of str
        Columns whose combinations have their own baseline hazard.
    ties : {"efron", "breslow"}
        How tied events are treated.
    references : mapping, optional
        Reference level of a category where it is not the first.

    Returns
    -------
    CoxResult
        A coefficient that the data do not determine is NaN, one without finite estimate
        (separation) has a hazard ratio of 0 or infinity and no interval; both are named in the
        notes. The likelihood-ratio test holds in either case.

    Raises
    ------
    AnalysisError
        If a column is missing, no covariate is named, or an argument unknown.

    Source
    ------
    Cox, J R Stat Soc B 1972;34:187; Efron, JASA 1977;72:557. Numbers as coxph of the R package
    survival.
    """
    require_choice("ties", ties, TIES)
    require_level(level)
    names, within = names_of(covariates, "covariates"), names_of(strata, "strata")
    if not names:
        raise AnalysisError("covariates: found none; wanted at least one column")
    seen = follow_up(data, duration, event, strata=within, covariates=names)
    terms, x = terms_of(seen.rows, names, references or {})
    model = Fitted(terms, x, seen, ties)
    return CoxResult(
        table=_table(model, level),
        n_used=len(seen.time),
        left_out=seen.left_out,
        notes=(*seen.notes(), *model.notes()),
        tests=_tests(model),
        proportional_hazards=model.hazards_test(),
        vcov=pd.DataFrame(
            model.covariance, [t.name for t in terms], [t.name for t in terms], dtype=float
        ),
        n_events=int(seen.event.sum()),
        loglik=model.fit.loglik if model.fit else np.nan,
        loglik_null=model.fit.loglik_null if model.fit else np.nan,
        **model.concordance(),
        ties=ties,
        strata=within,
        level=level,
    )


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model with its data: the terms, which of them can be estimated, and the fit, if any."""

    terms: list[Term]
    x: Floats
    seen: FollowUp
    ties: str
    kept: np.ndarray = field(init=False)
    fit: CoxFit | None = field(init=False)

    def __post_init__(self) -> None:
        seen = self.seen
        informative = _informative(seen)
        kept = estimable(self.x[informative], seen.stratum[informative])
        fit = None
        if informative.any() and kept.any():
            fit = fit_cox(self.x[:, kept], seen.time, seen.event, seen.stratum, self.ties)
        object.__setattr__(self, "kept", kept)
        object.__setattr__(self, "fit", fit)

    def spread(self, values: Sequence[float] | np.ndarray) -> Floats:
        """Return values of the kept terms in the places of all, NaN elsewhere."""
        out = np.full(len(self.terms), np.nan)
        out[self.kept] = values
        return out

    @property
    def infinite(self) -> Floats:
        """-1 or 1 for coefficients that run to that infinity, 0 for finite, NaN for none."""
        if self.fit is None:
            return np.full(len(self.terms), np.nan)
        return self.spread(self.fit.infinite)

    @property
    def covariance(self) -> Floats:
        """Covariance of all coefficients, NaN where there is none."""
        out = np.full((len(self.terms),) * 2, np.nan)
        if self.fit is not None:
            out[np.ix_(self.kept, self.kept)] = self.fit.covariance
        return out

    def notes(self) -> list[str]:
        """Return what a reader must know about terms without a number."""
        found = []
        if self.fit is None:
            return [] if not len(self.seen.time) or not self.seen.event.any() else _nothing(self)
        for term, kept, side in zip(self.terms, self.kept, self.infinite, strict=True):
            if not kept:
                found.append(f"{term.name} is not estimated: nothing of it beside the other terms")
            elif side:
                end = "infinity" if side > 0 else "zero"
                found.append(
                    f"separation: the hazard ratio of {term.name} has no finite estimate and runs "
                    f"to {end}; only the likelihood-ratio test holds"
                )
        if not self.fit.converged:
            found.append("the fit did not converge; its numbers must not be used")
        return found

    def hazards_test(self) -> pd.DataFrame:
        """Return the test of proportional hazards; no rows where a coefficient is not finite."""
        if self.fit is None or self.fit.infinite.any():
            return pd.DataFrame(columns=PH_COLUMNS)
        names = [term.name for term, kept in zip(self.terms, self.kept, strict=True) if kept]
        seen, x = self.seen, self.x[:, self.kept]
        return proportional_hazards(
            x, self.fit.coef, seen.time, seen.event, seen.stratum, names, self.ties
        )

    def concordance(self) -> dict[str, float]:
        """Return Harrell's C of the linear predictor and its standard error."""
        if self.fit is None:
            return {"concordance": np.nan, "concordance_se": np.nan}
        predicted = self.x[:, self.kept] @ self.fit.coef
        seen = self.seen
        share, se = concordance(predicted, seen.time, seen.event, seen.stratum)
        return {"concordance": share, "concordance_se": se}


def _nothing(model: Fitted) -> list[str]:
    if not _informative(model.seen).any():
        return ["no event happened while anybody else was at risk"]
    names = ", ".join(term.name for term in model.terms) or "the covariates"
    return [f"nothing to estimate: no variation in {names} among those at risk"]


def _informative(seen: FollowUp) -> np.ndarray:
    """Return who is at risk at the first event of a stratum or later: all that the fit sees."""
    first = pd.Series(np.where(seen.event > 0, seen.time, np.inf)).groupby(seen.stratum)
    return seen.time >= first.transform("min").to_numpy()


def _table(model: Fitted, level: float) -> pd.DataFrame:
    labels = pd.DataFrame(
        [{name: getattr(t, n) for name, n in TERM_FIELDS.items()} for t in model.terms],
        columns=TERM_COLUMNS,
    )
    coef = model.spread(model.fit.coef) if model.fit else np.full(len(model.terms), np.nan)
    coef[model.infinite == 1], coef[model.infinite == -1] = np.inf, -np.inf
    se = np.sqrt(np.diag(model.covariance))
    step = float(norm.isf((1 - level) / 2)) * se
    with np.errstate(over="ignore", invalid="ignore"):
        z = coef / se
        ratios = [np.exp(coef), np.exp(coef - step), np.exp(coef + step)]
    numbers = pd.DataFrame(
        dict(zip(NUMBER_COLUMNS, [coef, se, z, *ratios, 2 * norm.sf(np.abs(z))], strict=True)),
        dtype=float,
    )
    return pd.concat([labels, numbers], axis=1)


TERM_FIELDS = {"term": "name", "covariate": "covariate", "level": "level", "reference": "reference"}


def _tests(model: Fitted) -> pd.DataFrame:
    fit = model.fit
    df = int(model.kept.sum()) if fit else 0
    chisq = {"likelihood ratio": np.nan, "wald": np.nan, "score": np.nan}
    if fit is not None:
        chisq["likelihood ratio"] = max(2 * (fit.loglik - fit.loglik_null), 0)
        chisq["score"] = fit.score_chisq
        if not fit.infinite.any():
            chisq["wald"] = float(fit.coef @ np.linalg.lstsq(fit.covariance, fit.coef)[0])
    rows = [
        {"test": k, "chisq": v, "df": df, "p_value": float(chi2.sf(v, df)) if df else np.nan}
        for k, v in chisq.items()
    ]
    return pd.DataFrame(rows)
