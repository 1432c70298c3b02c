"""Predictive factors: the hazard ratio between arms at each level, and whether levels differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from qol_app.analysis.cox import Fitted, cox
from qol_app.analysis.follow_up import Floats, FollowUp, follow_up
from qol_app.analysis.kaplan_meier import reference_of
from qol_app.analysis.result import (
    AnalysisResult,
    names_of,
    numbers,
    ordered_levels,
    require_columns,
    sift,
)
from qol_app.analysis.terms import Term, is_numeric, terms_of
from qol_app.errors import AnalysisError

EVERYBODY = "all"
PER_UNIT = "per unit"
COLUMNS = [
    *["factor", "level", "group", "reference"],
    *["n", "events", "n_group", "events_group", "n_reference", "events_reference"],
    *["hazard_ratio", "ci_low", "ci_high", "p_value", "p_interaction"],
]
INTERACTION_COLUMNS = ["factor", "chisq", "df", "p_value", "n_used", "n_missing"]


@dataclass(frozen=True, eq=False, kw_only=True)
class ForestResult(AnalysisResult):
    """Hazard ratios between arms overall and by level of each factor.

    Attributes
    ----------
    table : one row for everybody, then one per factor and level (and per arm beyond two): people
        and events in all and in both arms, hazard_ratio of the arm against the reference with
        limits and p_value within that level, and p_interaction of the factor. A factor that is
        a number has one row, level ``per unit``: the ratio by which the hazard ratio changes
        with each unit.
    interactions : one row per factor: likelihood-ratio chisq, df, p_value, n_used, n_missing
    """

    interactions: pd.DataFrame
    level: float


def forest(
    data: pd.DataFrame,
    *,
    duration: str,
    event: str,
    arm: str,
    factors: Sequence[str],
    cuts: Mapping[str, Sequence[float]] | None = None,
    strata: Sequence[str] | str = (),
    reference: Any = None,
    ties: str = "efron",
    level: float = 0.95,
) -> ForestResult:
    """Return hazard ratios by subgroup and the test of each arm-by-factor interaction.

    A difference between subgroups is judged by the interaction, never by which subgroup has a
    small p value.

    Parameters
    ----------
    data : DataFrame, one row per participant
    duration, event, arm : str
        Time from start, 1 for event and 0 for censored, and the arms compared.
    factors : sequence of str
        Columns known before randomisation. Numbers are tested as numbers unless cut.
    cuts : mapping of str to sequence of float, optional
        Cut points of numeric factors; a value on a cut belongs below it.
    strata : str or sequence of str
        Strata of every model.
    reference
        Reference arm; the first unless named.

    Returns
    -------
    ForestResult
        Ratios come from a model of the arm fitted within the level. The interaction is the
        likelihood-ratio test of arm, factor and their products against arm and factor.
        Somebody without a factor is left out for that factor only: see ``n_missing``.
    """
    within, factors = names_of(strata, "strata"), names_of(factors, "factors")
    require_columns(data, *factors)
    seen = follow_up(data, duration, event, arm, within)
    first = reference_of(seen.groups, reference, arm)
    rows = _cut(seen.rows, factors, cuts or {})
    names = _Names(duration, event, arm, within, first, ties, level)
    table = _ratios(rows, EVERYBODY, EVERYBODY, names)
    interactions = []
    for factor in factors:
        test = _interaction(rows, factor, names)
        interactions.append(test)
        for one in _levels(rows, factor, names):
            table.append({**one, "p_interaction": test["p_value"]})
    return ForestResult(
        table=pd.DataFrame(table, columns=COLUMNS),
        n_used=len(seen.time),
        left_out=seen.left_out,
        notes=(*seen.notes(compared=True), *_notes(interactions, table)),
        interactions=pd.DataFrame(interactions, columns=INTERACTION_COLUMNS),
        level=level,
    )


@dataclass(frozen=True)
class _Names:
    duration: str
    event: str
    arm: str
    strata: tuple[str, ...]
    reference: Any
    ties: str
    level: float


def _cut(
    rows: pd.DataFrame, factors: Sequence[str], cuts: Mapping[str, Sequence[float]]
) -> pd.DataFrame:
    rows = rows.copy()
    for name, edges in cuts.items():
        if name not in factors:
            raise AnalysisError(f"cuts: found {name!r}; wanted one of the factors")
        if list(edges) != sorted(set(edges)) or not len(edges):
            raise AnalysisError(f"cuts of {name}: found {list(edges)}; wanted ascending numbers")
        labels = [f"<={edges[0]:g}"]
        labels += [f">{a:g}-{b:g}" for a, b in pairwise(edges)]
        labels.append(f">{edges[-1]:g}")
        rows[name] = pd.cut(numbers(rows, name), [-np.inf, *edges, np.inf], labels=labels)
    return rows


def _levels(rows: pd.DataFrame, factor: str, names: _Names) -> list[dict[str, Any]]:
    if is_numeric(rows[factor]):
        return _slope(rows, factor, names)
    return [
        row
        for level in ordered_levels(rows[factor])
        for row in _ratios(rows[rows[factor] == level], factor, level, names)
    ]


def _ratios(rows: pd.DataFrame, factor: str, level: Any, names: _Names) -> list[dict[str, Any]]:
    """Return the row of each arm against the reference among some of the participants."""
    event, arm = rows[names.event].astype(float), rows[names.arm]
    found = []
    model = _arm_model(rows, names)
    for group in [group for group in ordered_levels(arm) if group != names.reference]:
        counts = {"n": len(rows), "events": int(event.sum())}
        for side, one in {"group": group, "reference": names.reference}.items():
            counts[f"n_{side}"] = int((arm == one).sum())
            counts[f"events_{side}"] = int(event[arm == one].sum())
        labels = {"factor": factor, "level": level, "group": group, "reference": names.reference}
        found.append({**labels, **counts, **model[group], "p_interaction": np.nan})
    return found


def _arm_model(rows: pd.DataFrame, names: _Names) -> dict[Any, dict[str, float]]:
    """Return hazard ratio, limits and p value of each arm against the reference."""
    as_category = rows.assign(**{names.arm: pd.Categorical(rows[names.arm], _arms(rows, names))})
    table = cox(
        as_category,
        duration=names.duration,
        event=names.event,
        covariates=[names.arm],
        strata=names.strata,
        ties=names.ties,
        level=names.level,
    ).table
    wanted = ["hazard_ratio", "ci_low", "ci_high", "p_value"]
    return {row["level"]: {k: row[k] for k in wanted} for _, row in table.iterrows()}


def _arms(rows: pd.DataFrame, names: _Names) -> list[Any]:
    others = [level for level in ordered_levels(rows[names.arm]) if level != names.reference]
    return [names.reference, *others]


def _slope(rows: pd.DataFrame, factor: str, names: _Names) -> list[dict[str, Any]]:
    """Return one row per arm: how its hazard ratio changes with one unit of a numeric factor."""
    known, _ = sift(rows, {"": rows[factor].isna()})
    arms = _arms(rows, names)[1:]
    columns = {f"arm {arm}": (known[names.arm] == arm).astype(float) for arm in arms}
    columns[factor] = numbers(known, factor)
    products = {f"product {arm}": columns[f"arm {arm}"] * columns[factor] for arm in arms}
    kept = [names.duration, names.event, *names.strata]
    table = cox(
        pd.concat([known[kept], pd.DataFrame({**columns, **products}, index=known.index)], axis=1),
        duration=names.duration,
        event=names.event,
        covariates=[*columns, *products],
        strata=names.strata,
        ties=names.ties,
        level=names.level,
    ).table.set_index("term")
    counts = {"n": len(known), "events": int(known[names.event].astype(float).sum())}
    labels = {"factor": factor, "level": PER_UNIT, "reference": names.reference}
    wanted = ["hazard_ratio", "ci_low", "ci_high", "p_value"]
    return [
        {**labels, "group": arm, **counts, **table.loc[f"product {arm}", wanted].to_dict()}
        for arm in arms
    ]


def _interaction(rows: pd.DataFrame, factor: str, names: _Names) -> dict[str, Any]:
    """Return the likelihood-ratio test of the products of arm and factor."""
    seen = follow_up(rows, names.duration, names.event, None, names.strata, [factor])
    arm = pd.Categorical(seen.rows[names.arm], _arms(rows, names))
    with_arm = seen.rows.assign(**{names.arm: arm})
    arm_terms, arm_x = terms_of(with_arm, [names.arm], {})
    factor_terms, factor_x = terms_of(with_arm, [factor], {})
    shape = (len(arm_x), arm_x.shape[1] * factor_x.shape[1])
    products = (arm_x[:, :, None] * factor_x[:, None, :]).reshape(shape)
    extra = [Term(f"{a.name}:{f.name}", factor) for a in arm_terms for f in factor_terms]
    main = _fit([*arm_terms, *factor_terms], np.hstack([arm_x, factor_x]), seen, names)
    full = _fit(
        [*arm_terms, *factor_terms, *extra], np.hstack([arm_x, factor_x, products]), seen, names
    )
    return {
        "factor": factor,
        **_likelihood_ratio(main, full),
        "n_used": len(seen.time),
        "n_missing": sum(seen.left_out.values()),
    }


def _fit(terms: list[Term], x: Floats, seen: FollowUp, names: _Names) -> Fitted:
    return Fitted(terms, x, seen, names.ties)


def _likelihood_ratio(main: Fitted, full: Fitted) -> dict[str, float]:
    df = int(full.kept.sum() - main.kept.sum())
    if main.fit is None or full.fit is None or not df:
        return {"chisq": np.nan, "df": 0, "p_value": np.nan}
    chisq = max(2 * (full.fit.loglik - main.fit.loglik), 0)
    return {"chisq": chisq, "df": df, "p_value": float(chi2.sf(chisq, df))}


def _notes(interactions: list[dict[str, Any]], table: list[dict[str, Any]]) -> list[str]:
    found = []
    for test in interactions:
        if test["n_missing"]:
            found.append(f"{test['factor']} is missing for {test['n_missing']}")
        if np.isnan(test["p_value"]):
            found.append(f"no interaction of {test['factor']} can be tested")
    for row in table:
        if row["hazard_ratio"] in (0, np.inf):
            found.append(
                f"separation at {row['factor']} {row['level']}: {row['group']} against "
                f"{row['reference']} has no finite hazard ratio"
            )
        elif np.isnan(row["hazard_ratio"]):
            found.append(f"no hazard ratio at {row['factor']} {row['level']}: {row['group']}")
    return found
