"""Domain scores of final answers, with what each score was computed from."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from qol_app.definition.scales import IndexScale
from qol_app.export.facts import NOT_APPLICABLE, Answers
from qol_app.scoring import score
from qol_app.scoring.plan import make_plan


def scored(answers: Answers) -> pd.DataFrame:
    """Return the scores of these forms with their counts: a row per form."""
    return score(answers.instrument, answers.frame(), provenance=True)


def columns_of(answers: Answers) -> dict[str, str | None]:
    """Return the score columns of an instrument in order, each with its value set if any."""
    plan = make_plan(answers.instrument, answers.instrument.item_codes)
    return {
        name: value_set
        for scale in plan.scales
        for name, value_set in zip(
            plan.columns(scale),
            plan.value_sets if isinstance(scale, IndexScale) else (None,),
            strict=True,
        )
    }


def any_scored(answers: Answers, scores: pd.DataFrame) -> np.ndarray:
    """Return, per form, whether any scale has a number; texts do not count."""
    numbers = scores[list(columns_of(answers))].select_dtypes("number")
    return numbers.notna().any(axis=1).to_numpy()


def long_scores(answers: Answers, scores: pd.DataFrame) -> pd.DataFrame:
    """Return one row per form and score column, forms outermost.

    Returns
    -------
    DataFrame, n_forms x n_scales rows
        ``scale``, ``value``, ``value_text``, ``n_answered``, ``n_expected``,
        ``n_not_applicable``, ``value_set``. Counts of answers are those the scorer used; an
        item counts as not applicable where its status says so.
    """
    columns = columns_of(answers)
    names, n_forms = list(columns), len(answers.forms)
    texts = {name: scores[name] for name in names if scores[name].dtype == object}
    return pd.DataFrame(
        {
            "scale": np.tile(np.array(names, object), n_forms),
            "value": _numbers(scores, names, texts).ravel(),
            "value_text": _texts(names, texts, n_forms).ravel(),
            "n_answered": scores[[f"{name}_N" for name in names]].to_numpy(np.int64).ravel(),
            "n_expected": scores[[f"{name}_EXPECTED" for name in names]].to_numpy(np.int64).ravel(),
            "n_not_applicable": _not_applicable(answers).ravel(),
            "value_set": np.tile(np.array(list(columns.values()), object), n_forms),
        }
    )


def _not_applicable(answers: Answers) -> np.ndarray:
    """Return how many items of each score column are not applicable, shape (n_forms, n)."""
    plan = make_plan(answers.instrument, answers.instrument.item_codes)
    members = [plan.members[scale.code] for scale in plan.scales for _ in plan.columns(scale)]
    belongs = np.zeros((len(plan.items), len(members)), np.int64)
    for number, rows in enumerate(members):
        belongs[list(rows), number] = 1
    return (answers.status == NOT_APPLICABLE).astype(np.int64) @ belongs


def _numbers(scores: pd.DataFrame, names: list[str], texts: Mapping[str, pd.Series]) -> np.ndarray:
    empty = np.full(len(scores), np.nan)
    return np.column_stack(
        [empty if name in texts else scores[name].to_numpy(float) for name in names]
    )


def _texts(names: list[str], texts: Mapping[str, pd.Series], n_forms: int) -> np.ndarray:
    values = np.full((n_forms, len(names)), None, object)
    for name, column in texts.items():
        values[:, names.index(name)] = column.to_numpy(object)
    return values
