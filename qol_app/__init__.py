"""Scheduled quality-of-life questionnaires for clinical trials: from definition to analysis."""

__version__ = "0.1.0"
