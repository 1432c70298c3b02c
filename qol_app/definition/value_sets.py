"""Preference value sets of EQ-5D-5L: coefficients as data, values of every health state.

Two methods: *additive* sets (full health plus level decrements, with constants where any
problem or any level 5 is present) and *crosswalk* sets (the expected value of a three-level
tariff, given how likely each three-level answer is for a five-level one).
"""

import csv
from collections import defaultdict
from itertools import product
from pathlib import Path
from typing import Literal

from pydantic import Field

from qol_app.definition.loader import shown_name
from qol_app.definition.parts import Flag, Part, ScaleCode, Words
from qol_app.errors import DefinitionError

Coefficients = dict[str, dict[int, float]]
COLUMNS = ["set", "parameter", "level", "value"]


class ValueSet(Part):
    """One country's values: where they come from, and its coefficients from ``values.csv``.

    ``coefficients`` maps a parameter to level -> number. Dimensions carry decrements per
    level; ``full_health``, ``any_problem``, ``any_level5`` and ``any_level3`` stand at level 0.
    A crosswalk has ``<dimension>_p2`` and ``<dimension>_p3``, the probabilities of three-level
    answers 2 and 3 at each five-level answer, and its decrements count three-level answers.
    """

    code: ScaleCode
    title: Words
    method: Literal["additive", "crosswalk"] = "additive"
    source: Words
    doi: Words | None = None
    flag: Flag = Flag.VERIFIED
    note: Words | None = None
    coefficients: Coefficients = Field(default_factory=dict)

    def value(self, levels: dict[str, int]) -> float:
        """Return the value of one health state, e.g. ``{"MO": 2, "SC": 1, ...}``."""
        return {"additive": self._additive, "crosswalk": self._crosswalk}[self.method](levels)

    def values(self, dimensions: tuple[str, ...], n_levels: int) -> list[float]:
        """Return the values of all health states, the last dimension changing fastest."""
        states = product(range(1, n_levels + 1), repeat=len(dimensions))
        return [self.value(dict(zip(dimensions, state, strict=True))) for state in states]

    def _constant(self, name: str) -> float:
        return self.coefficients.get(name, {}).get(0, 0.0)

    def _additive(self, levels: dict[str, int]) -> float:
        total = self._constant("full_health")
        total += sum(self.coefficients[one][level] for one, level in levels.items())
        if any(level > 1 for level in levels.values()):
            total += self._constant("any_problem")
        if any(level == 5 for level in levels.values()):
            total += self._constant("any_level5")
        return total

    def _crosswalk(self, levels: dict[str, int]) -> float:
        # The three-level answers are independent given the five-level ones, so the chance
        # that none of them is a problem (or a level 3) is a product over dimensions.
        total, no_problem, no_level3 = self._constant("full_health"), 1.0, 1.0
        for one, level in levels.items():
            p2 = self.coefficients[f"{one}_p2"][level]
            p3 = self.coefficients[f"{one}_p3"][level]
            total += p2 * self.coefficients[one][2] + p3 * self.coefficients[one][3]
            no_problem *= 1 - p2 - p3
            no_level3 *= 1 - p3
        total += (1 - no_problem) * self._constant("any_problem")
        return total + (1 - no_level3) * self._constant("any_level3")


def load_coefficients(path: Path, root: Path | None = None) -> dict[str, Coefficients]:
    """Return each set's coefficients from ``values.csv`` (set, parameter, level, value).

    Raises
    ------
    DefinitionError
        Naming file, row, value found and value wanted.
    """
    name = shown_name(path, root)
    sets: dict[str, Coefficients] = defaultdict(lambda: defaultdict(dict))
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != COLUMNS:
            raise DefinitionError(f"{name}: found columns {reader.fieldnames}; wanted {COLUMNS}")
        for number, row in enumerate(reader, start=2):
            try:
                level, value = int(row["level"]), float(row["value"])
            except (TypeError, ValueError):
                raise DefinitionError(
                    f"{name}:{number}: found level {row['level']!r} and value {row['value']!r}; "
                    "wanted a whole number and a number"
                ) from None
            if level in sets[row["set"]][row["parameter"]]:
                raise DefinitionError(
                    f"{name}:{number}: found set {row['set']}, {row['parameter']}, level {level} "
                    "twice; wanted it once"
                )
            sets[row["set"]][row["parameter"]][level] = value
    return {one: dict(parameters) for one, parameters in sets.items()}


def coefficient_gaps(value_set: ValueSet, dimensions: tuple[str, ...], n_levels: int) -> list[str]:
    """Return what is missing from a set's coefficients, as ``parameter level`` texts."""
    wanted = [("full_health", 0)]
    levels = range(1, n_levels + 1)
    if value_set.method == "additive":
        wanted += [(one, level) for one in dimensions for level in levels]
    else:
        wanted += [(one, level) for one in dimensions for level in (2, 3)]
        wanted += [
            (f"{one}_p{to}", level) for one in dimensions for to in (2, 3) for level in levels
        ]
    return [
        f"{parameter} {level}"
        for parameter, level in wanted
        if level not in value_set.coefficients.get(parameter, {})
    ]
