"""Survival analysis in one place: the public functions, each told in its own module."""

from qol_app.analysis.kaplan_meier import (
    DifferenceResult,
    KaplanMeierResult,
    difference_at,
    kaplan_meier,
)
from qol_app.analysis.logrank import LogrankResult, logrank
from qol_app.analysis.rmst import RmstResult, rmst

__all__ = [
    "DifferenceResult",
    "KaplanMeierResult",
    "LogrankResult",
    "RmstResult",
    "difference_at",
    "kaplan_meier",
    "logrank",
    "rmst",
]
