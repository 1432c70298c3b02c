"""The table of visits: one row per participant and timepoint, with what became of it.

Columns, one row for every assessment that a randomised participant was or will be due for:

============== ==========================================================================
participant    study number
site, arm      where enrolled, what allocated
timepoint      code of the planned moment; a category keeps its order
target_on      the day the assessment is meant for
opens_on       first and
closes_on      last day of its window
randomised     bool
expected       True, False, or missing while pending (window not over, nothing answered)
valid          bool: answered within the window, at least one main scale scorable
late           bool: answered, but after the window closed
pending        bool: same as ``expected`` missing
reason         why an expected assessment is missing, once a person has said it
dead_on        date of death or missing
withdrawn_on   date of withdrawal from the questionnaires or missing
============== ==========================================================================

``expected`` comes from `qol_app.schedule.status`, which knows the rules day by day; here nothing
is decided again, but a table that contradicts itself is put right by them and says so.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from qol_app.analysis.result import (
    ordered_levels,
    require_columns,
    require_yes_or_no,
    sift,
)
from qol_app.errors import AnalysisError

REQUIRED = ("participant", "timepoint", "randomised", "expected", "valid")
KEY = ("participant", "timepoint", "occurrence")
# What became of an assessment, in the order in which a flow is read.
OUTCOMES = ("dead", "withdrawn", "other", "pending", "valid", "late", "missing")


def usable_visits(
    visits: pd.DataFrame, by: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, int], list[str]]:
    """Return the visits with a column ``outcome``, the rows left out, and notes.

    ``outcome`` is one of: dead, withdrawn, other (not expected for another reason), pending,
    valid, late, missing; the last three were expected.
    """
    require_columns(visits, *REQUIRED, *by)
    for name in ("randomised", "expected", "valid", "late"):
        if name in visits:
            require_yes_or_no(visits[name])
    if "timepoint" in by:
        raise AnalysisError("by: found 'timepoint', which every table has; wanted other columns")
    visits = visits.reset_index(drop=True)
    key = [name for name in KEY if name in visits]
    valid = _yes(visits, "valid") & ~_yes(visits, "late")
    # Valid first, so that of two assessments for one timepoint the one that counts is kept.
    order = valid.sort_values(ascending=False, kind="stable").index
    second = visits.loc[order].duplicated(key).reindex(visits.index)
    reasons = {
        "no participant or timepoint": visits[["participant", "timepoint"]].isna().any(axis=1),
        "not randomised": ~_yes(visits, "randomised"),
        **{f"no {name}": visits[name].isna() for name in by},
        "second assessment of the same timepoint": second,
    }
    used, left_out = sift(visits, reasons)
    outcome, notes = _outcome(used, valid[used.index])
    return used.assign(outcome=outcome), left_out, notes


def _yes(visits: pd.DataFrame, name: str) -> pd.Series:
    """Return a column as plain true and false, missing as false; all false where there is none."""
    if name not in visits:
        return pd.Series(False, index=visits.index)
    return visits[name].eq(True).fillna(False).astype(bool)


def _outcome(visits: pd.DataFrame, valid: pd.Series) -> tuple[pd.Series, list[str]]:
    expected, pending = _yes(visits, "expected"), visits["expected"].isna()
    outcome = pd.Series("missing", index=visits.index)
    outcome[expected & _yes(visits, "late")] = "late"
    outcome[pending] = "pending"
    outcome[~expected & ~pending] = _why_not(visits)[~expected & ~pending]
    outcome[valid] = "valid"
    contradicted = int((valid & ~expected & ~pending).sum())
    notes = []
    if contradicted:
        # Whoever answered validly was expected, whatever came after.
        notes.append(f"{contradicted} valid answers were marked as not expected and are counted")
    return outcome, notes


def _why_not(visits: pd.DataFrame) -> pd.Series:
    """Return why an assessment was not expected, as far as the dates tell."""
    why = pd.Series("other", index=visits.index)
    for name, until, word in [
        ("withdrawn_on", "target_on", "withdrawn"),
        ("dead_on", "closes_on", "dead"),
    ]:
        if name in visits:
            left = pd.to_datetime(visits[name])
            last = pd.to_datetime(visits[until]) if until in visits else left
            why[left.notna() & (left <= last)] = word
    return why


def timepoints(visits: pd.DataFrame) -> list[Any]:
    """Return the timepoints in order: of their category, else of their days from the first."""
    column = visits["timepoint"]
    if isinstance(column.dtype, pd.CategoricalDtype) or "target_on" not in visits:
        return ordered_levels(column)
    days = pd.to_datetime(visits["target_on"])
    first = days.groupby(visits["participant"]).transform("min")
    after = (days - first).dt.days.groupby(column).mean()
    return list(after.sort_values(kind="stable").index)
