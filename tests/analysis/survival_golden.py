"""The survival data and results of R kept in tests/golden/survival, and two toy arms."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FOLDER = Path(__file__).parents[1] / "golden" / "survival"
RESULTS: dict[str, Any] = json.loads((FOLDER / "survival_golden.json").read_text())
SETS = ("gbsg", "colon_death")
BY = {"gbsg": "hormon", "colon_death": "rx"}
# 12 digits are kept; the bar is six.
TOLERANCE = 1e-9

# Twelve participants in each arm: months and whether they died.
ARM_1 = [(6, 1), (13, 1), (21, 1), (30, 0), (31, 1), (37, 1)]
ARM_1 += [(38, 0), (47, 0), (49, 1), (50, 0), (63, 0), (79, 0)]
ARM_0 = [(3, 1), (6, 1), (11, 1), (14, 1), (17, 1), (20, 0)]
ARM_0 += [(24, 1), (28, 1), (34, 1), (36, 0), (41, 1), (52, 0)]


def golden_data(name: str) -> pd.DataFrame:
    """Return one of the two data sets, treatment as a category with R's reference first."""
    data = pd.read_csv(FOLDER / RESULTS[name]["input"])
    if name == "colon_death":
        data["rx"] = pd.Categorical(data["rx"], ["Obs", "Lev", "Lev+5FU"])
    return data


def toy() -> pd.DataFrame:
    """Return the two toy arms as a table of month, died, arm."""
    rows = [(*one, 1) for one in ARM_1] + [(*one, 0) for one in ARM_0]
    return pd.DataFrame(rows, columns=["month", "died", "arm"])


def assert_same(found: Any, expected: Any, tolerance: float = TOLERANCE) -> None:
    """Fail unless both agree to a relative tolerance, NaN standing for null."""
    np.testing.assert_allclose(
        np.asarray(found, dtype=float),
        np.asarray(expected, dtype=float),
        rtol=tolerance,
        atol=1e-12,
        equal_nan=True,
    )
