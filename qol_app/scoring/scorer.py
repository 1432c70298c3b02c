"""Scores of one instrument: a table of answers in, a table of scores out.

The same function scores one form on a page, a million in a file, and each partition of a
distributed table; no row depends on another.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from qol_app import __version__
from qol_app.definition.instrument import Instrument
from qol_app.scoring.answers import Block, blocks
from qol_app.scoring.plan import Plan, make_plan
from qol_app.scoring.rules import RULES

AGAINST = "AGAINST_CONDITION"
DEFINITION = "DEFINITION_SHA256"
PROGRAM = "PROGRAM_VERSION"


def score(
    instrument: Instrument,
    answers: pd.DataFrame,
    *,
    value_sets: Sequence[str] | None = None,
    provenance: bool = False,
) -> pd.DataFrame:
    """Return the scores of every form.

    Parameters
    ----------
    instrument : Instrument
        Its items are the columns that are read, in any order; others are left alone.
    answers : DataFrame, shape (n_forms, n_columns)
        Codes as numbers; NaN, None or NA where there is no answer. An answer given although
        the item's condition does not hold is left out of the scores.
    value_sets : sequence of str, optional
        Value sets for an index, each its own column; all of the instrument's by default.
    provenance : bool
        Add, for each score column X, ``X_N`` (items answered), ``X_EXPECTED`` (items the
        scale has) and ``X_NA`` (items not applicable), the number of answers given against
        their condition, the definition's hash and the program's version.

    Returns
    -------
    DataFrame, shape (n_forms, n_scales)
        One float column per scale, unrounded, NaN where the scale's own rule gives no score;
        text for a profile. Same index as ``answers``, which is not changed.

    Raises
    ------
    ResponseError
        If an item's column is missing; as BadAnswer with row, column, value found and codes
        allowed, if a value is no code of its item.
    DefinitionError
        If an unknown value set is asked for.
    """
    plan = make_plan(instrument, answers.columns, value_sets)
    result = _Result(plan, len(answers), provenance)
    for rows, block, not_applicable, against in blocks(plan, answers):
        result.take(rows, block, not_applicable, against)
    return result.frame(answers.index)


def score_form(
    instrument: Instrument,
    answers: Mapping[str, float | None],
    *,
    value_sets: Sequence[str] | None = None,
) -> dict[str, float | str | None]:
    """Return the scores of one form by column name, None where there is none.

    Items that ``answers`` does not mention count as missing; of a library only the groups it
    mentions are scored.
    """
    mentioned = {
        instrument.items_by_code[code].group for code in answers if code in instrument.items_by_code
    }
    row = {
        item.code: answers.get(item.code)
        for item in instrument.items
        if not instrument.selectable or item.group in mentioned
    }
    frame = pd.DataFrame({code: [value] for code, value in row.items()}, dtype=object)
    scores = score(instrument, frame, value_sets=value_sets).iloc[0].to_dict()
    return {str(code): None if pd.isna(value) else value for code, value in scores.items()}


def score_columns(
    instrument: Instrument, columns: Sequence[str], value_sets: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Return the names of the score columns that a table with these columns would get."""
    plan = make_plan(instrument, columns, value_sets)
    return tuple(name for scale in plan.scales for name in plan.columns(scale))


class _Result:
    """Arrays that fill up block by block: scores, and counts where provenance is wanted."""

    def __init__(self, plan: Plan, n_forms: int, provenance: bool) -> None:
        self.plan = plan
        self.provenance = provenance
        self.width = {scale.code: len(plan.columns(scale)) for scale in plan.scales}
        n_numbers = sum(self.width[scale.code] for scale in plan.scales if not plan.is_text(scale))
        # One row per score: pandas keeps a table of one type in just this shape.
        self.numbers = np.empty((n_numbers, n_forms))
        self.texts = {
            scale.code: np.empty((1, n_forms), dtype=object)
            for scale in plan.scales
            if plan.is_text(scale)
        }
        n_counted = len(plan.scales) if provenance else 0
        self.absent = np.zeros((n_counted, n_forms), np.int16)
        self.not_applicable = np.zeros((n_counted, n_forms), np.int16)
        self.against = np.zeros(n_forms if provenance else 0, np.int16)

    def take(
        self,
        rows: slice,
        block: Block,
        not_applicable: npt.NDArray[np.bool_],
        against: npt.NDArray[np.bool_],
    ) -> None:
        first = 0
        for scale in self.plan.scales:
            if scale.code in self.texts:
                out = self.texts[scale.code][:, rows]
            else:
                out = self.numbers[first : first + self.width[scale.code], rows]
                first += self.width[scale.code]
            RULES[scale.rule](scale, block, out)
            block.scores[scale.code] = out[0]
        if self.provenance:
            self._count(rows, block, not_applicable)
            self.against[rows] = against.sum(axis=0)

    def _count(self, rows: slice, block: Block, not_applicable: npt.NDArray[np.bool_]) -> None:
        children = [condition.child for condition in self.plan.conditions]
        for number, scale in enumerate(self.plan.scales):
            members = self.plan.members[scale.code]
            self.absent[number, rows] = block.absent(scale.code)
            for condition, child in enumerate(children):
                if child in members:
                    self.not_applicable[number, rows] += not_applicable[condition]

    def frame(self, index: "pd.Index[Any]") -> pd.DataFrame:
        numeric = [
            name
            for scale in self.plan.scales
            if scale.code not in self.texts
            for name in self.plan.columns(scale)
        ]
        frame = pd.DataFrame(self.numbers.T, columns=numeric, index=index, copy=False)
        for place, scale in enumerate(self.plan.scales):
            if scale.code in self.texts:
                before = sum(self.width[one.code] for one in self.plan.scales[:place])
                frame.insert(before, scale.code, self.texts[scale.code][0])
        return pd.concat([frame, self._counts(index)], axis=1) if self.provenance else frame

    def _counts(self, index: "pd.Index[Any]") -> pd.DataFrame:
        columns: dict[str, Any] = {}
        for number, scale in enumerate(self.plan.scales):
            expected = len(self.plan.members[scale.code])
            for name in self.plan.columns(scale):
                columns[f"{name}_N"] = expected - self.absent[number]
                columns[f"{name}_EXPECTED"] = np.full(len(index), expected, np.int16)
                columns[f"{name}_NA"] = self.not_applicable[number]
        if self.plan.conditions:
            columns[AGAINST] = self.against
        columns[DEFINITION] = _constant(self.plan.instrument.sha256, len(index))
        columns[PROGRAM] = _constant(__version__, len(index))
        return pd.DataFrame(columns, index=index)


def _constant(text: str, n_rows: int) -> pd.Categorical:
    return pd.Categorical.from_codes(np.zeros(n_rows, np.int8), categories=[text])
