"""Mixed model for repeated measures: change over visits compared between arms.

The model has a mean for every arm and visit, a slope of each numeric covariate (the baseline)
at every visit, one effect of each categorical covariate (the strata), and one covariance
matrix over the visits for every participant. It is fitted by restricted maximum likelihood.

Source
------
Mallinckrodt, Lane, Schnell, Peng & Mancuso, Drug Inf J 2008;42:303; see docs/methods-mmrm.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.linalg import solve_triangular

from qol_app.analysis.mmrm_design import (
    Columns,
    Design,
    Levels,
    Rows,
    checked_columns,
    design_of,
    independent,
    is_numeric,
    levels_of,
    rows_of,
)
from qol_app.analysis.mmrm_df import DF_WORDS, Inference
from qol_app.analysis.mmrm_reml import Blocks, Fit, NotFitted, fit
from qol_app.analysis.mmrm_structures import STRUCTURES, Floats
from qol_app.analysis.mmrm_tables import (
    Model,
    arm_contrasts,
    averages,
    coefficient_covariance,
    coefficients,
    data_notes,
    demand,
    design_notes,
    least_squares_means,
    require_known,
)
from qol_app.analysis.result import (
    AnalysisResult,
    names_of,
    require_choice,
    require_level,
    require_number,
    sift,
)
from qol_app.errors import AnalysisError

SIMPLER: dict[str, tuple[str, ...]] = {
    "unstructured": ("toeplitz", "ar1"),
    "toeplitz": ("ar1",),
    "ar1": (),
    "cs": (),
}
# Residuals smaller than this share of the outcome's spread are rounding, not variation.
NO_VARIATION = 1e-7


@dataclass(frozen=True, eq=False, kw_only=True)
class MmrmResult(AnalysisResult):
    """A fitted model.

    `table`, `least_squares_means`, `contrasts` and `average` share the columns estimate, se,
    df, t, p, ci_low, ci_high (two-sided p; NaN where the data do not determine a number).

    Attributes
    ----------
    table : one row per coefficient (`term`, named as R names them; first levels are reference)
    least_squares_means : one row per `visit` and `arm`; numeric covariates at their mean over
        the rows used unless given, levels of categorical ones weighted alike
    contrasts : one row per pair of arms (`contrast`, later less earlier) and `visit`
    average : one row per pair of arms, the unweighted mean of its contrasts over `visits`
    covariance : residual covariance matrix, visits by visits
    coefficient_covariance : of `table`, with the Kenward-Roger adjustment if asked for
    covariance_structure, covariance_requested : key of the structure used and asked for
    minus2_restricted_loglik : (N - p) log 2 pi + log|V| + log|X'V^-1 X| + r'V^-1 r
    max_abs_gradient : of the above in the covariance parameters, outcome scaled to unit spread
    n_used : rows used, not participants (`n_participants`)
    formula, method : the model in R's notation; the same with covariance, method of degrees of
        freedom and information, in words (also the first of `notes`)
    """

    least_squares_means: pd.DataFrame
    contrasts: pd.DataFrame
    average: pd.DataFrame
    covariance: pd.DataFrame
    coefficient_covariance: pd.DataFrame
    covariance_structure: str
    covariance_requested: str
    n_covariance_parameters: int
    minus2_restricted_loglik: float
    max_abs_gradient: float
    steps: int
    df_method: str
    information: str
    formula: str
    method: str
    n_participants: int
    visits: list[Any]
    arms: list[Any]
    level: float
    model: Model = field(repr=False)

    @property
    def log_likelihood(self) -> float:
        """The restricted log-likelihood."""
        return -self.minus2_restricted_loglik / 2

    @property
    def aic(self) -> float:
        """Akaike's criterion, counting covariance parameters only, as REML fits are compared."""
        return self.minus2_restricted_loglik + 2 * self.n_covariance_parameters

    @property
    def correlation(self) -> pd.DataFrame:
        """The covariance matrix scaled to correlations."""
        spread = np.sqrt(np.diag(self.covariance))
        return self.covariance / np.outer(spread, spread)

    def average_over(self, visits: Sequence[Any]) -> pd.DataFrame:
        """Return each contrast of arms averaged, unweighted, over the visits named.

        Raises
        ------
        AnalysisError
            If a visit named is not in the model.
        """
        return averages(self.model, visits)


def mmrm(
    data: pd.DataFrame,
    *,
    outcome: str,
    participant: str,
    visit: str,
    arm: str,
    covariates: Sequence[str] = (),
    covariance: str = "unstructured",
    df: str = "satterthwaite",
    by_visit: Sequence[str] | None = None,
    visit_order: Sequence[Any] | None = None,
    arm_order: Sequence[Any] | None = None,
    at: Mapping[str, float] | None = None,
    average_visits: Sequence[Any] | None = None,
    fallback: Sequence[str] | None = None,
    level: float = 0.95,
) -> MmrmResult:
    """Return a mixed model for repeated measures fitted by REML.

    Parameters
    ----------
    data : DataFrame
        One row per participant and visit. A row lacking any of the columns is left out.
    outcome, participant, visit, arm : str
        Column names. The outcome is usually the change from baseline.
    covariates : sequence of str
        Numeric ones get a slope at every visit, categorical ones (text, category, boolean) one
        effect, unless `by_visit` names those that interact with visit.
    covariance : "unstructured", "toeplitz", "ar1" or "cs"
    df : "satterthwaite", "kenward-roger" (linear form) or "residual"
    visit_order, arm_order : sequence, optional
        Levels in order, the reference first. By default a categorical's order, numbers, or
        visits such as W6, M3, M12 by time; arms by the alphabet.
    at : mapping, optional
        Values of numeric covariates for least-squares means, instead of their mean over rows.
    average_visits : sequence, optional
        Visits of `average`, such as those from M3 to M24; by default all.
    fallback : sequence of str, optional
        Structures tried in turn if the one asked for cannot be fitted; by default
        unstructured, then Toeplitz, then AR(1). An empty sequence allows none.
    level : float
        Confidence level.

    Raises
    ------
    AnalysisError
        If the arguments or the data do not allow the model; the message says what is wanted.

    Source
    ------
    Docs/methods-mmrm.md, which names formulas and what they were validated against.
    """
    chain = _structures(covariance, fallback)
    require_choice("df", df, DF_WORDS)
    require_level(level)
    covariates = names_of(covariates, "covariates")
    columns = Columns(outcome, participant, visit, arm, covariates)
    frame = checked_columns(data, columns)
    columns = _with_slopes(columns, frame, by_visit)
    needed = [participant, visit, arm, *covariates, outcome]
    used, left_out = sift(frame, {f"no {name}": frame[name].isna() for name in needed})
    reasons = "; ".join(f"{reason} {n}" for reason, n in left_out.items()) or "the table is empty"
    demand(len(used) > 0, f"data: no row is complete; left out: {reasons}")
    levels = levels_of(used, columns, visit_order, arm_order)
    rows = rows_of(used, columns, levels)
    design = design_of(columns, levels)
    require_known("at", at or (), levels.means)
    for name, value in (at or {}).items():
        require_number(f"at: {name}", value, np.isfinite, "a number")
    inference, trail = _fitted(design, rows, chain, df, level)
    missing = frame[frame[outcome].isna() & frame[needed[:-1]].notna().all(axis=1)]
    model = Model(design, rows, inference, dict(at or {}), missing)
    notes = [*trail, *data_notes(frame, model), *design_notes(model)]
    return _result(model, left_out, notes, covariance, average_visits)


def _structures(covariance: str, fallback: Sequence[str] | None) -> list[str]:
    require_choice("covariance", covariance, STRUCTURES)
    simpler = SIMPLER[covariance] if fallback is None else fallback
    for key in simpler:
        require_choice("fallback", key, STRUCTURES)
    return list(dict.fromkeys([covariance, *simpler]))


def _with_slopes(columns: Columns, frame: pd.DataFrame, by_visit: Sequence[str] | None) -> Columns:
    """Return the columns with the covariates that interact with visit settled."""
    if by_visit is None:
        chosen = frozenset(c for c in columns.covariates if is_numeric(frame[c]))
    else:
        chosen = frozenset(names_of(by_visit, "by_visit"))
    require_known("by_visit", chosen, columns.covariates)
    return replace(columns, by_visit=chosen)


def _fitted(
    design: Design, rows: Rows, chain: list[str], df: str, level: float
) -> tuple[Inference, list[str]]:
    """Return the first structure of the chain that can be fitted, and what went before it."""
    x = design.matrix(rows.visit, rows.arm, design.codes(rows.frame))
    kept, q, r = independent(x)
    scale = _residual_spread(q, rows.outcome, design.columns.outcome)
    blocks = stacked(q, rows, scale, len(design.levels.visits))
    found, trail = _first_fit(blocks, chain, design.levels)
    aliased = solve_triangular(r, q.T @ x[:, ~kept])
    return Inference(found, kept, r, aliased, scale, len(x), df, level), trail


def _residual_spread(q: Floats, y: Floats, name: str) -> float:
    """Return the least-squares residual standard deviation; AnalysisError if there is none."""
    free = len(y) - q.shape[1]
    demand(
        free > 0, f"{len(y)} rows for {q.shape[1]} coefficients; wanted more rows than coefficients"
    )
    residual = y - q @ (q.T @ y)
    spread = float(np.sqrt(residual @ residual / free))
    size = float(np.abs(y).max())
    demand(
        spread > NO_VARIATION * size,
        f"outcome {name!r} does not vary once arm, visit and covariates are known "
        f"(it lies between {y.min():g} and {y.max():g}); wanted varying values",
    )
    return spread


def stacked(q: Floats, rows: Rows, scale: float, m: int) -> Blocks:
    """Return design and scaled outcome by participant and visit, zero where not seen."""
    n = len(rows.participants)
    x, y, seen = np.zeros((n, m, q.shape[1])), np.zeros((n, m)), np.zeros((n, m), dtype=bool)
    x[rows.participant, rows.visit] = q
    y[rows.participant, rows.visit] = rows.outcome / scale
    seen[rows.participant, rows.visit] = True
    patterns, pattern = np.unique(seen, axis=0, return_inverse=True)
    return Blocks(x, y, patterns, pattern.ravel())


def _first_fit(blocks: Blocks, chain: list[str], levels: Levels) -> tuple[Fit, list[str]]:
    reasons: list[str] = []
    for key in chain:
        structure = STRUCTURES[key]
        try:
            if structure.ordered and not levels.time_known:
                raise NotFitted(f"visit_order is not given and {levels.visits} do not tell it")
            found = fit(blocks, structure)
        except NotFitted as problem:
            reasons.append(f"{structure.words} covariance could not be fitted: {problem}")
            continue
        return found, [f"{reason}; {structure.words} was used." for reason in reasons]
    raise AnalysisError("; ".join(reasons))


def _result(
    model: Model,
    left_out: dict[str, int],
    notes: list[str],
    requested: str,
    average_visits: Sequence[Any] | None,
) -> MmrmResult:
    inference = model.inference
    found, levels = inference.fit, model.design.levels
    m, p = len(levels.visits), int(inference.kept.sum())
    log_r = np.log(np.abs(np.diag(inference.r))).sum()
    minus2 = found.point.value + 2 * (inference.n_rows - p) * np.log(inference.scale) + 2 * log_r
    formula = model.design.columns.formula
    method = f"{formula} by REML, {found.structure.words} covariance, {DF_WORDS[inference.method]}"
    return MmrmResult(
        table=coefficients(model),
        n_used=inference.n_rows,
        left_out=left_out,
        notes=(f"{method}.", *notes),
        least_squares_means=least_squares_means(model),
        contrasts=arm_contrasts(model),
        average=averages(model, average_visits),
        covariance=pd.DataFrame(found.sigma * inference.scale**2, levels.visits, levels.visits),
        coefficient_covariance=coefficient_covariance(model),
        covariance_structure=found.structure.key,
        covariance_requested=requested,
        n_covariance_parameters=found.structure.count(m),
        minus2_restricted_loglik=float(minus2),
        max_abs_gradient=float(np.abs(found.derivatives.gradient).max()),
        steps=found.steps,
        df_method=inference.method,
        information="observed",
        formula=formula,
        method=method,
        n_participants=len(model.rows.participants),
        visits=levels.visits,
        arms=levels.arms,
        level=inference.level,
        model=model,
    )
