"""What the comparison of arms becomes if missing outcomes are worse than the model thinks.

Missing outcomes are drawn many times from the fitted mixed model (see `mmrm_imputation`),
made worse by a constant or drawn about a reference arm's mean; each completed table is
analysed by analysis of covariance at every visit, and the results are combined.

Source
------
Rubin, Multiple Imputation for Nonresponse in Surveys, 1987, ch. 3;
Barnard & Rubin, Biometrika 1999;86:948 (degrees of freedom);
Carpenter, Roger & Kenward, J Biopharm Stat 2013;23:1352;
Mallinckrodt & Lipkovich, Analyzing Longitudinal Clinical Trial Data, 2017, ch. 19-20.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from qol_app.analysis.mmrm import MmrmResult
from qol_app.analysis.mmrm_ancova import Completed, analysed
from qol_app.analysis.mmrm_design import Levels
from qol_app.analysis.mmrm_df import NUMBERS
from qol_app.analysis.mmrm_imputation import STRATEGIES, Incomplete, imputed, incomplete
from qol_app.analysis.mmrm_structures import Floats
from qol_app.analysis.mmrm_tables import arm_pairs, demand, listed, require_known, visit_places
from qol_app.analysis.result import AnalysisResult, require_choice
from qol_app.analysis.rubin import rubin

SIGN = {"lower": -1.0, "higher": 1.0}


@dataclass(frozen=True, eq=False, kw_only=True)
class SensitivityResult(AnalysisResult):
    """Contrasts of arms under several assumptions about the missing outcomes.

    Attributes
    ----------
    table : one row per `assumption` (and `delta`), `contrast` and `visit`, with the columns of
        a mixed model and `imputed_share`, the part of the variance that is due to missing values
    average : the same, the unweighted mean over `visits`
    imputed : values seen, drawn and not existing (no row) by `arm` and `visit`
    n_used : rows seen or drawn
    """

    average: pd.DataFrame
    imputed: pd.DataFrame
    imputations: int
    seed: int


def delta_adjusted(
    main: MmrmResult,
    *,
    worse: str,
    seed: int,
    deltas: Sequence[float] = (0, 5, 10, 15),
    delta_arms: Sequence[Any] | None = None,
    imputations: int = 100,
    average_visits: Sequence[Any] | None = None,
) -> SensitivityResult:
    """Return the contrasts if every missing outcome is worse by delta than drawn at random.

    Parameters
    ----------
    main : MmrmResult
        The fitted model. Rows of its data with an empty outcome are drawn; a visit without a
        row cannot have a value (after death, not reached) and stays without.
    worse : "lower" or "higher"
        Which end of the outcome is bad: lower for function, higher for symptoms.
    seed : int
    deltas : sequence of float
        In the outcome's units; 0 is missing at random. The same draws serve all of them.
    delta_arms : sequence, optional
        Arms whose missing outcomes are made worse; by default all.
    imputations : int
        At least 2.
    average_visits : sequence, optional
        Visits of `average`; by default all.

    Raises
    ------
    AnalysisError
        If an argument names what the model does not know.
    """
    require_choice("worse", worse, SIGN)
    demand(
        len(deltas) > 0 and bool(np.isfinite(deltas).all()) and min(deltas) >= 0,
        f"deltas: found {list(deltas)}; wanted numbers of at least 0, which `worse` gives a sign",
    )
    levels = main.model.design.levels
    require_known("delta_arms", delta_arms or (), levels.arms)
    cells = incomplete(main.model, reference_arm=0)
    drawn = _drawn(main, cells, ["missing-at-random"], imputations, seed)["missing-at-random"]
    chosen = levels.arms if delta_arms is None else list(delta_arms)
    hit = cells.missing & np.isin(cells.arm, [levels.arms.index(a) for a in chosen])[:, None]
    scenarios = {("delta", float(d)): drawn + SIGN[worse] * d * hit for d in deltas}
    remark = (
        f"Missing values drawn at random, then made worse ({worse}) by {listed(deltas)} "
        f"in {listed(chosen)}."
    )
    plan = _Plan(main, cells, ["assumption", "delta"], average_visits, imputations, seed)
    return _combined(plan, scenarios, remark)


def pattern_mixture(
    main: MmrmResult,
    *,
    seed: int,
    reference: Any = None,
    strategies: Sequence[str] = (
        "missing-at-random",
        "jump-to-reference",
        "copy-reference",
        "copy-increments",
    ),
    imputations: int = 100,
    average_visits: Sequence[Any] | None = None,
) -> SensitivityResult:
    """Return the contrasts if participants who drop out go on like a reference arm.

    A participant's pattern is the last visit seen; the outcomes after it have another mean
    than those of participants who stayed. Outcomes skipped before it are missing at random.

    Parameters
    ----------
    main : MmrmResult
        The fitted model; see `delta_adjusted` about rows and visits without a row.
    seed : int
    reference : optional
        The reference arm, by default the model's first.
    strategies : sequence of str
        Keys of `mmrm_imputation.STRATEGIES`.
    imputations, average_visits
        As in `delta_adjusted`.

    Raises
    ------
    AnalysisError
        If an argument names what the model does not know.
    """
    demand(len(strategies) > 0, f"strategies: found none; wanted some of: {listed([*STRATEGIES])}")
    for key in strategies:
        require_choice("strategies", key, STRATEGIES)
    levels = main.model.design.levels
    arm = levels.arms[0] if reference is None else reference
    require_known("reference", [arm], levels.arms)
    cells = incomplete(main.model, levels.arms.index(arm))
    drawn = _drawn(main, cells, strategies, imputations, seed)
    scenarios = {(key,): drawn[key] for key in strategies}
    remark = f"Outcomes after dropout drawn about the mean of the reference arm {arm}."
    plan = _Plan(main, cells, ["assumption"], average_visits, imputations, seed)
    return _combined(plan, scenarios, remark)


@dataclass(frozen=True)
class _Plan:
    """What all scenarios of one call share."""

    main: MmrmResult
    cells: Incomplete
    names: list[str]
    average_visits: Sequence[Any] | None
    imputations: int
    seed: int

    @property
    def levels(self) -> Levels:
        return self.main.model.design.levels


def _drawn(
    main: MmrmResult, cells: Incomplete, strategies: Sequence[str], imputations: int, seed: int
) -> dict[str, Floats]:
    demand(imputations >= 2, f"imputations: found {imputations}; wanted at least 2")
    return imputed(main.model, cells, strategies, imputations, seed)


def _combined(
    plan: _Plan, scenarios: Mapping[tuple[Any, ...], Floats], remark: str
) -> SensitivityResult:
    levels, n_visits = plan.levels, len(plan.levels.visits)
    places = visit_places(levels, plan.average_visits)
    mean = np.isin(np.arange(n_visits), places) / len(places)
    chosen = listed([levels.visits[v] for v in places])
    fits = {name: analysed(plan.cells, y, _pair_weights(levels)) for name, y in scenarios.items()}
    units = dict(zip(levels.visits, np.eye(n_visits), strict=True))
    table = _pooled(plan, fits, "visit", units)
    return SensitivityResult(
        table=table,
        average=_pooled(plan, fits, "visits", {chosen: mean}),
        n_used=plan.main.n_used + int(plan.cells.missing.sum()),
        left_out=_left_out(plan),
        notes=_notes(plan, table, remark),
        imputed=_counts(plan),
        imputations=plan.imputations,
        seed=plan.seed,
    )


def _pair_weights(levels: Levels) -> Floats:
    """Return one row per pair of arms: minus one for the earlier, one for the later."""
    unit = np.eye(len(levels.arms))
    rows = [unit[b] - unit[a] for a, b, _ in arm_pairs(levels)]
    return np.array(rows).reshape(len(rows), len(unit))


def _pooled(
    plan: _Plan,
    fits: Mapping[tuple[Any, ...], Completed],
    visit_name: str,
    weights: Mapping[Any, Floats],
) -> pd.DataFrame:
    """Return one row per scenario, pair of arms and weighting of the visits."""
    rows = [
        (*name, words, label, *rubin(*_weighted(completed, c, weight), plan.main.level))
        for name, completed in fits.items()
        for label, weight in weights.items()
        for c, (_, _, words) in enumerate(arm_pairs(plan.levels))
    ]
    names = [*plan.names, "contrast", visit_name, *NUMBERS, "imputed_share"]
    return pd.DataFrame(rows, columns=names)


def _weighted(completed: Completed, contrast: int, weight: Floats) -> tuple[Floats, Floats, float]:
    """Return estimates and variances of a weighting of visits, and its degrees of freedom."""
    met = weight > 0
    estimate = completed.estimate[:, contrast][:, met] @ weight[met]
    table = completed.covariance[:, contrast][:, met][:, :, met]
    variance = np.einsum("v,kvw,w->k", weight[met], table, weight[met])
    return estimate, variance, float(completed.free[met].min())


def _left_out(plan: _Plan) -> dict[str, int]:
    """Return the main model's reasons, less the rows that were drawn."""
    left_out = dict(plan.main.left_out)
    reason = f"no {plan.main.model.design.columns.outcome}"
    rest = left_out.pop(reason, 0) - int(plan.cells.missing.sum())
    return {**left_out, reason: rest} if rest else left_out


def _counts(plan: _Plan) -> pd.DataFrame:
    """Return the values seen, drawn and without a row, by arm and visit."""
    cells, levels = plan.cells, plan.levels
    rows = [
        (arm, visit, cells.seen[who, v].sum(), cells.missing[who, v].sum(), who.sum())
        for a, arm in enumerate(levels.arms)
        for who in [cells.arm == a]
        for v, visit in enumerate(levels.visits)
    ]
    out = pd.DataFrame(rows, columns=["arm", "visit", "seen", "imputed", "no_row"])
    out["no_row"] -= out["seen"] + out["imputed"]
    return out


def _notes(plan: _Plan, table: pd.DataFrame, remark: str) -> tuple[str, ...]:
    main, counts = plan.main, _counts(plan)
    drawn, absent = int(counts["imputed"].sum()), int(counts["no_row"].sum())
    notes = [
        remark,
        f"{plan.imputations} imputations from the mixed model ({main.covariance_structure} "
        f"covariance), seed {plan.seed}; analysis of covariance at each visit; Rubin's rules "
        "with Barnard-Rubin degrees of freedom.",
    ]
    if not drawn:
        notes.append("No row has an empty outcome only: there was nothing to impute.")
    if absent:
        notes.append(
            f"{absent} visits of participants have no row and were not imputed (no value can "
            "exist, as after death); add a row with an empty outcome for a value that is missing."
        )
    rest = _left_out(plan).get(f"no {main.model.design.columns.outcome}", 0)
    if rest:
        notes.append(f"{rest} missing values could not be imputed: the model knows no mean there.")
    unknown = table.loc[table["estimate"].isna(), ["contrast", "visit"]].drop_duplicates()
    if len(unknown):
        named = [f"{c} at {v}" for c, v in zip(unknown["contrast"], unknown["visit"], strict=True)]
        notes.append(f"Too few values to compare {listed(named)}, or to average over it.")
    if len(plan.levels.arms) == 1:
        notes.append("Only one arm: there is nothing to compare.")
    return tuple(notes)
