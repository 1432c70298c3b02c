"""Survival analysis in one place: the public functions, each told in its own module."""

from qol_app.analysis.competing import CumulativeIncidenceResult, cumulative_incidence
from qol_app.analysis.cox import CoxResult, cox
from qol_app.analysis.forest import ForestResult, forest
from qol_app.analysis.kaplan_meier import (
    DifferenceResult,
    KaplanMeierResult,
    difference_at,
    kaplan_meier,
)
from qol_app.analysis.logrank import LogrankResult, logrank
from qol_app.analysis.power import events_needed, events_table, hazard_ratio_of, power_of
from qol_app.analysis.rmst import RmstResult, rmst

__all__ = [
    "CoxResult",
    "CumulativeIncidenceResult",
    "DifferenceResult",
    "ForestResult",
    "KaplanMeierResult",
    "LogrankResult",
    "RmstResult",
    "cox",
    "cumulative_incidence",
    "difference_at",
    "events_needed",
    "events_table",
    "forest",
    "hazard_ratio_of",
    "kaplan_meier",
    "logrank",
    "power_of",
    "rmst",
]
