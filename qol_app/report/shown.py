"""How numbers are printed. Rounding happens here and nowhere before."""

from typing import Any

import numpy as np
import pandas as pd

NONE = "–"
PER_CENT = ("rate", "percent")
SHARES = ("survival", "incidence", "difference_in_survival")


def shown_number(value: Any, decimals: int = 1) -> str:
    """Return a number with so many decimals, or a dash where there is none."""
    if value is None or pd.isna(value):
        return NONE
    if np.isinf(value):
        return "∞" if value > 0 else "-∞"
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if not text.strip("-0.") else text


def p_value(value: Any) -> str:
    """Return a p value with three decimals; below 0.001 that is said."""
    if value is None or pd.isna(value):
        return NONE
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def with_interval(estimate: Any, low: Any, high: Any, decimals: int = 1) -> str:
    """Return an estimate and its interval: ``3.1 (1.0 to 5.2)``."""
    if estimate is None or pd.isna(estimate):
        return NONE
    limits = f"{shown_number(low, decimals)} to {shown_number(high, decimals)}"
    return f"{shown_number(estimate, decimals)} ({limits})"


def count_of(n: Any, of: Any) -> str:
    """Return numerator, denominator and per cent: ``68/80 (85.0 %)``."""
    if not of:
        return f"{int(n)}/{int(of)}"
    return f"{int(n)}/{int(of)} ({100 * n / of:.1f} %)"


def cell(column: str, value: Any) -> str:
    """Return one cell of a table as the page prints it."""
    if isinstance(value, bool | np.bool_):
        return "✓" if value else NONE
    if isinstance(value, int | np.integer):
        return str(value)
    if isinstance(value, float | np.floating):
        if column in ("p", "p_value", "p_interaction") or column.startswith("p_"):
            return p_value(value)
        if any(word in column for word in PER_CENT):
            return shown_number(value)
        number = float(value)
        if number.is_integer() and abs(number) < 1e9:
            return f"{number:.0f}"
        return shown_number(number, 1 if abs(number) >= 100 else 3 if abs(number) < 1 else 2)
    if value is None or value is pd.NA or value is pd.NaT:
        return NONE
    return str(value)
