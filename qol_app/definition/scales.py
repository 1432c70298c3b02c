"""Scales: which items are scored together and by which rule.

Each rule is one class here, holding what that rule needs, and one function of the same name
in ``qol_app.scoring.rules``. A scale that names a field its rule does not use is refused.
"""

import math
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from qol_app.definition.parts import Flag, ItemCode, LocalText, Name, Part, ScaleCode, Words


class Direction(StrEnum):
    """What a high score means for the person."""

    BETTER = "higher_is_better"
    WORSE = "higher_is_worse"
    NONE = "none"


class MinRule(StrEnum):
    """How many of a scale's items must be answered for a score."""

    HALF = "half"
    MORE_THAN_HALF = "more_than_half"
    ALL = "all"
    ONE = "one"

    def needed_of(self, n_items: int) -> int:
        """Return the smallest number of answered items that is enough."""
        return {
            MinRule.HALF: math.ceil(n_items / 2),
            MinRule.MORE_THAN_HALF: n_items // 2 + 1,
            MinRule.ALL: n_items,
            MinRule.ONE: 1,
        }[self]


class ScaleCodes(Part):
    """What standards call this score: NCI Thesaurus, CDISC test and parameter, LOINC, SNOMED."""

    ncit: Name | None = None
    testcd: Name | None = None
    paramcd: Name | None = None
    loinc: Name | None = None
    snomed: Name | None = None


class ScaleBase(Part):
    """What every scale has, whatever its rule.

    ``low`` and ``high`` bound the score itself. ``source`` says where the rule is written,
    ``flag`` how far it was checked there, ``note`` what a reader should know.
    """

    code: ScaleCode
    title: LocalText
    rule: str
    direction: Direction
    low: float
    high: float
    source: Words
    flag: Flag = Flag.VERIFIED
    note: Words | None = None
    codes: ScaleCodes = ScaleCodes()


class ItemScale(ScaleBase):
    """A scale computed from items, scored when enough of them are answered."""

    items: tuple[ItemCode, ...] = Field(min_length=1)
    min_answered: MinRule = MinRule.ALL

    @property
    def needed(self) -> int:
        """Number of answered items below which there is no score."""
        return self.min_answered.needed_of(len(self.items))


class LinearScale(ItemScale):
    """Mean of the answered items, stretched to 0-100; ``reverse`` where a low code scores high."""

    rule: Literal["linear"]
    reverse: bool = False


class MeanScale(ItemScale):
    """Mean of the answered items after each item's own recoding."""

    rule: Literal["mean"]


class ProratedSumScale(ItemScale):
    """Sum of the answered items times n / answered; items in ``reverse`` count from the top."""

    rule: Literal["prorated_sum"]
    reverse: tuple[ItemCode, ...] = ()


class SumScale(ItemScale):
    """Sum of all items after recoding; none may be missing."""

    rule: Literal["sum"]


class TableScale(ItemScale):
    """Sum of all items looked up in a table, from raw sum ``first_raw`` upwards."""

    rule: Literal["table"]
    first_raw: int
    table: tuple[float, ...] = Field(min_length=2)


class CopyScale(ItemScale):
    """The one item as it is."""

    rule: Literal["copy"]


class GradeScale(ItemScale):
    """A grade looked up from the attributes of one symptom, in order; table named by ``grades``.

    When the first attribute is 0 the grade is the one for zeros, whatever the others say.
    """

    rule: Literal["grade"]
    grades: Name


class ProfileScale(ItemScale):
    """The answers written side by side as text; 9 stands for a missing one."""

    rule: Literal["profile"]


class IndexScale(ItemScale):
    """A preference value by each of the instrument's value sets: one column per set."""

    rule: Literal["index"]


class MeanOfScales(ScaleBase):
    """Mean of other scales, those in ``reversed`` taken as 100 minus the score; all needed."""

    rule: Literal["mean_of_scales"]
    scales: tuple[ScaleCode, ...] = Field(min_length=2)
    reversed: tuple[ScaleCode, ...] = ()


class TotalScale(ScaleBase):
    """Sum of other scales; all needed, and more than this share of all their items answered."""

    rule: Literal["total"]
    scales: tuple[ScaleCode, ...] = Field(min_length=2)
    more_than_share: float = Field(default=0.0, ge=0, lt=1)


Scale = Annotated[
    LinearScale
    | MeanScale
    | ProratedSumScale
    | SumScale
    | TableScale
    | CopyScale
    | GradeScale
    | ProfileScale
    | IndexScale
    | MeanOfScales
    | TotalScale,
    Field(discriminator="rule"),
]
