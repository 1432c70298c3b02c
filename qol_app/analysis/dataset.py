"""Analysis tables from facts: visits, scores with their baseline, and times to events.

The facts are the long tables of an export, read back or straight from the database, as plain
DataFrames. Dates may be dates, timestamps or ISO texts. Columns that are read (others are left
alone; ``arm`` may be empty where the reader is not to know it):

============ ==============================================================================
participants participant, site, arm, randomised_on, death_on, withdrawn_on, last_alive_on
visits       participant, assessment, timepoint, occurrence, opens_on, target_on, closes_on,
             expectation (expected, pending, dead, withdrawn, lost, ended, dropped), complete,
             late, reason, answered_on, counted_by (the assessment asked instead, or missing)
scores       participant, assessment, timepoint, occurrence, instrument, scale, value,
             answered_on, late, after_allocation
events       participant, kind, happened_on, details (mapping or JSON text)
============ ==============================================================================

Day 0 is the day of randomisation. Times to death and progression: `qol_app.analysis.endpoints`.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from qol_app.analysis.facts import dates, people_of, with_details, yes
from qol_app.analysis.result import require_columns
from qol_app.errors import AnalysisError

__all__ = ["baselines", "one_scale", "pro_score", "pro_visit", "with_details"]

BASELINE_FROM, BASELINE_UNTIL = -28, 0
BEFORE, AFTER = "before allocation", "AFTER_ALLOCATION"
NOT_EXPECTED = ("dead", "withdrawn", "lost", "ended")


def pro_visit(
    visits: pd.DataFrame, participants: pd.DataFrame, timepoints: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return the table of visits that `completion.rates` counts.

    Parameters
    ----------
    visits, participants : DataFrame
        Facts, see above.
    timepoints : sequence of str, optional
        Codes in the protocol's order; others come after them by their days.

    Returns
    -------
    DataFrame
        Columns of `qol_app.analysis.visits` with occurrence, and planned_day and death_day from
        randomisation. Assessments no longer asked for (dropped) are not in it.
    """
    require_columns(
        visits,
        *["participant", "timepoint", "occurrence", "expectation", "complete", "late"],
        *["opens_on", "target_on", "closes_on", "reason"],
    )
    people = people_of(participants)
    rows = visits[visits["expectation"] != "dropped"].reset_index(drop=True)
    strange = set(rows["expectation"].dropna()) - {"expected", "pending", *NOT_EXPECTED}
    if strange:
        raise AnalysisError(
            f"expectation: found {sorted(strange)[0]!r}; wanted expected, pending, dropped or one "
            f"of: {', '.join(NOT_EXPECTED)}"
        )
    who = people.reindex(rows["participant"]).reset_index(drop=True)
    expected = rows["expectation"].map({"expected": True, **dict.fromkeys(NOT_EXPECTED, False)})
    table = pd.DataFrame(
        {
            **{name: rows[name] for name in ("participant", "timepoint", "occurrence")},
            "site": who["site"],
            "arm": who["arm"],
            **{name: dates(rows[name]) for name in ("opens_on", "target_on", "closes_on")},
            "randomised": who["randomised_on"].notna(),
            "expected": expected.astype("boolean"),
            "valid": yes(rows["complete"]),
            "late": yes(rows["late"]),
            "pending": rows["expectation"] == "pending",
            "reason": rows["reason"].astype(object),
            "dead_on": who["death_on"],
            "withdrawn_on": who["withdrawn_on"],
        }
    )
    start = who["randomised_on"]
    table["planned_day"] = (table["target_on"] - start).dt.days.astype(float)
    table["death_day"] = (table["dead_on"] - start).dt.days.astype(float)
    table["timepoint"] = _in_order(table, timepoints)
    return table


def baselines(
    scores: pd.DataFrame, participants: pd.DataFrame, after_allocation: bool = False
) -> pd.DataFrame:
    """Return each randomised participant's baseline score of each scale.

    The baseline is the last valid score from 28 days before randomisation to that day, given
    before the allocation was known.

    Parameters
    ----------
    scores, participants : DataFrame
        Facts, see above.
    after_allocation : bool
        Take answers given after the allocation was known where there are none before, for a
        sensitivity analysis.

    Returns
    -------
    DataFrame
        participant, instrument, scale, baseline, baseline_day, baseline_flag ("before
        allocation" or "AFTER_ALLOCATION").
    """
    rows = _dated(scores, people_of(participants))
    window = rows["day"].between(BASELINE_FROM, BASELINE_UNTIL) & rows["value"].notna()
    known = yes(rows["after_allocation"])
    rows = rows.assign(baseline_flag=np.where(known, AFTER, BEFORE))
    rows = rows[window & (~known | after_allocation)]
    # Before allocation first, then the latest; the last of each is taken.
    rows = rows.assign(blind=(rows["baseline_flag"] == BEFORE).astype(int))
    rows = rows.sort_values(["blind", "day"], kind="stable")
    key = ["participant", "instrument", "scale"]
    last = rows.drop_duplicates(key, keep="last").sort_values(key, kind="stable")
    last = last.rename(columns={"value": "baseline", "day": "baseline_day"})
    return last[[*key, "baseline", "baseline_day", "baseline_flag"]].reset_index(drop=True)


def pro_score(
    scores: pd.DataFrame,
    visits: pd.DataFrame,
    participants: pd.DataFrame,
    timepoints: Sequence[str] | None = None,
    after_allocation: bool = False,
) -> pd.DataFrame:
    """Return scores of randomised participants with day, baseline and change.

    Parameters
    ----------
    scores, visits, participants : DataFrame
        Facts, see above. A score is in the main analysis if its visit is complete: valid and
        answered within the window.
    timepoints, after_allocation
        As in `pro_visit` and `baselines`.

    Returns
    -------
    DataFrame, one row per participant, assessment and scale
        participant, site, arm, timepoint, occurrence, assessment, instrument, scale, value, day,
        main (bool), late, after_allocation, baseline, baseline_flag, change.
    """
    people = people_of(participants)
    rows = _counted_for_others(_dated(scores, people), visits)
    complete = set(visits.loc[yes(visits["complete"]), "assessment"])
    rows = rows.assign(main=rows["assessment"].isin(complete) & rows["value"].notna())
    start = baselines(scores, participants, after_allocation)
    rows = rows.merge(start, how="left", on=["participant", "instrument", "scale"])
    who = people.reindex(rows["participant"]).reset_index(drop=True)
    rows = rows.assign(
        site=who["site"],
        arm=who["arm"],
        change=rows["value"] - rows["baseline"],
        late=yes(rows["late"]),
        after_allocation=yes(rows["after_allocation"]),
    )
    order = pro_visit(visits, participants, timepoints)["timepoint"].cat.categories
    rows["timepoint"] = pd.Categorical(rows["timepoint"], order)
    return rows[SCORE_COLUMNS]


def _counted_for_others(rows: pd.DataFrame, visits: pd.DataFrame) -> pd.DataFrame:
    """Return the scores with a copy for every assessment that another one counts for too."""
    require_columns(visits, "assessment", "timepoint", "occurrence", "complete", "counted_by")
    links = visits.loc[visits["counted_by"].notna()]
    if links.empty:
        return rows
    links = links[["assessment", "timepoint", "occurrence", "counted_by"]]
    asked = rows.drop(columns=["timepoint", "occurrence"]).rename(
        columns={"assessment": "counted_by"}
    )
    copies = asked.merge(links, on="counted_by").drop(columns="counted_by")
    return pd.concat([rows, copies[rows.columns]], ignore_index=True)


SCORE_COLUMNS = [
    *["participant", "site", "arm", "timepoint", "occurrence", "assessment"],
    *["instrument", "scale", "value", "day", "main", "late", "after_allocation"],
    *["baseline", "baseline_flag", "change"],
]


def one_scale(
    scores: pd.DataFrame,
    visits: pd.DataFrame,
    scale: str,
    instrument: str | None = None,
    timepoints: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return the analysis rows of one scale: one per randomised participant and later visit.

    Ready for `mmrm`, `change` and `deterioration`. A visit without a score in the main analysis
    has a missing value and is counted by them as left out, not lost here.

    Parameters
    ----------
    scores : DataFrame
        From `pro_score`.
    visits : DataFrame
        From `pro_visit`.
    scale, instrument : str
        The instrument is needed where two have a scale of this code.
    timepoints : sequence of str, optional
        Where the scale is asked; by default wherever somebody answered it, which takes in
        timepoints that hang on events. A mixed model wants the planned ones only.

    Returns
    -------
    DataFrame
        participant, timepoint, occurrence, site, arm, planned_day (above 0), death_day, value,
        day (of the answer), baseline, change.
    """
    mine = scores[scores["scale"] == scale]
    if instrument is not None:
        mine = mine[mine["instrument"] == instrument]
    found = sorted(mine["instrument"].unique())
    if len(found) > 1:
        raise AnalysisError(f"scale {scale}: found in {', '.join(found)}; wanted an instrument")
    asked = list(timepoints) if timepoints is not None else list(mine["timepoint"].unique())
    key = ["participant", "timepoint", "occurrence"]
    plan = visits[visits["randomised"] & visits["timepoint"].isin(asked)]
    plan = plan[plan["planned_day"] > 0].drop_duplicates(key)
    values = mine.loc[mine["main"], [*key, "value", "day"]].drop_duplicates(key)
    rows = plan[[*key, "site", "arm", "planned_day", "death_day"]].merge(values, how="left", on=key)
    rows = rows.join(mine.groupby("participant")["baseline"].first(), on="participant")
    rows["timepoint"] = pd.Categorical(
        rows["timepoint"], [c for c in visits["timepoint"].cat.categories if c in asked]
    ).remove_unused_categories()
    return rows.assign(change=rows["value"] - rows["baseline"]).reset_index(drop=True)


def _dated(scores: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of randomised participants with their day."""
    require_columns(
        scores,
        *["participant", "assessment", "timepoint", "occurrence", "instrument", "scale"],
        *["value", "answered_on", "late", "after_allocation"],
    )
    start = scores["participant"].map(people["randomised_on"])
    rows = scores[start.notna()].reset_index(drop=True)
    start = pd.to_datetime(start[start.notna()]).reset_index(drop=True)
    day = (dates(rows["answered_on"]) - start).dt.days.astype(float)
    return rows.assign(day=day, value=pd.to_numeric(rows["value"]).astype(float))


def _in_order(table: pd.DataFrame, timepoints: Sequence[str] | None) -> pd.Categorical:
    """Return the timepoints as a category: those named first, the others by their days."""
    first = table["target_on"].groupby(table["participant"]).transform("min")
    after = (table["target_on"] - first).dt.days.groupby(table["timepoint"]).mean()
    by_day = list(after.sort_values(kind="stable").index)
    named = [code for code in timepoints or () if code in by_day]
    return pd.Categorical(table["timepoint"], [*named, *[c for c in by_day if c not in named]])
