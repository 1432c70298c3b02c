"""How a report speaks: its words, and its numbers with the decimal mark of the language.

Files of data never go through here: they keep the point and all digits.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from qol_app.report.sentences import SENTENCES

NONE = "–"
PER_CENT = ("rate", "percent")
NUMBER = re.compile(r"-?\d+\.\d+")
# How an account says a reason and how many.
COUNTED = re.compile(r"(no .+) (\d+)")


def as_written(text: str) -> str:
    """Return the English text: the language of the source needs no catalogue."""
    return text


@dataclass(frozen=True)
class Speech:
    """One language: called with an English sentence it gives that of the language.

    Attributes
    ----------
    gettext : callable
        The catalogue.
    mark : str
        Decimal mark.
    """

    gettext: Callable[[str], str] = as_written
    mark: str = "."

    def __call__(self, text: str) -> str:
        """Return the text in this language; what the analyses fill in is put in its place."""
        # The empty key of a catalogue is its header.
        if not text or self.gettext is as_written:
            return text
        found = self.gettext(text)
        return found if found != text else self._filled(text)

    def _filled(self, text: str) -> str:
        for pattern, sentence in self._patterns:
            match = pattern.fullmatch(text)
            if match:
                parts = {name: self._part(part) for name, part in match.groupdict().items()}
                return sentence.format(**parts)
        return text

    def _part(self, text: str) -> str:
        counted = [COUNTED.fullmatch(one) for one in text.split("; ")]
        if all(counted):
            return "; ".join(f"{self(one[1])} {one[2]}" for one in counted if one)
        return text.replace(".", self.mark) if NUMBER.fullmatch(text) else self(text)

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str]]:
        return [(_pattern(one), self.gettext(one)) for one in SENTENCES]

    def number(self, value: Any, decimals: int = 1) -> str:
        """Return a number with so many decimals, or a dash where there is none."""
        if value is None or pd.isna(value):
            return NONE
        if np.isinf(value):
            return "∞" if value > 0 else "-∞"
        text = f"{value:.{decimals}f}"
        text = text.lstrip("-") if not text.strip("-0.") else text
        return text.replace(".", self.mark)

    def short(self, value: float) -> str:
        """Return a number with as many digits as it needs: ``10``, ``0.5``."""
        return f"{value:g}".replace(".", self.mark)

    def p_value(self, value: Any) -> str:
        """Return a p value with three decimals; below 0.001 that is said."""
        if value is None or pd.isna(value):
            return NONE
        return f"<0{self.mark}001" if value < 0.001 else self.number(value, 3)

    def interval(self, estimate: Any, low: Any, high: Any, decimals: int = 1) -> str:
        """Return an estimate and its interval: ``3.1 (1.0 to 5.2)``; one alone has none."""
        if estimate is None or pd.isna(estimate):
            return NONE
        if pd.isna(low) and pd.isna(high):
            return self.number(estimate, decimals)
        ends = {"low": self.number(low, decimals), "high": self.number(high, decimals)}
        return f"{self.number(estimate, decimals)} ({self('{low} to {high}').format(**ends)})"

    def share(self, n: Any, of: Any) -> str:
        """Return numerator, denominator and per cent: ``68/80 (85.0 %)``."""
        if not of:
            return f"{int(n)}/{int(of)}"
        return f"{int(n)}/{int(of)} ({self.number(100 * n / of)} %)"

    def cell(self, column: str, value: Any) -> str:
        """Return one cell of a table as the page prints it."""
        if isinstance(value, bool | np.bool_):
            return "✓" if value else NONE
        if isinstance(value, int | np.integer):
            return str(value)
        if isinstance(value, float | np.floating):
            return self._measure(column, float(value))
        if value is None or value is pd.NA or value is pd.NaT:
            return NONE
        return self(str(value))

    def _measure(self, column: str, value: float) -> str:
        if column in ("p", "p_value", "p_interaction") or column.startswith("p_"):
            return self.p_value(value)
        if any(word in column for word in PER_CENT):
            return self.number(value)
        if value.is_integer() and abs(value) < 1e9:
            return f"{value:.0f}"
        return self.number(value, 1 if abs(value) >= 100 else 3 if abs(value) < 1 else 2)


ENGLISH = Speech()


def _pattern(sentence: str) -> re.Pattern[str]:
    """Return what matches the sentence with anything in the places to fill."""
    parts = re.split(r"{(\w+)}", sentence)
    escaped = [re.escape(p) if i % 2 == 0 else f"(?P<{p}>.+?)" for i, p in enumerate(parts)]
    return re.compile("".join(escaped), re.DOTALL)
