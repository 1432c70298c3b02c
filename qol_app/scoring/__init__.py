"""Domain scores from answers, by the rules that an instrument's definition names."""

from qol_app.scoring.scorer import score, score_columns, score_form

__all__ = ["score", "score_columns", "score_form"]
