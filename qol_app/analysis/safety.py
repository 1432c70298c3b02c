"""Harm: complications after the procedure, deaths soon after it, adverse events by grade and arm.

Clinicians' grades (CTCAE) and participants' own (PRO-CTCAE) are different measurements: they
have different functions here and never share a table.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from qol_app.analysis.complications import (
    EventsResult,
    clavien_dindo,
    mortality_after,
    nobody,
    require_grades,
)
from qol_app.analysis.result import (
    ordered_levels,
    require_columns,
    require_yes_or_no,
    sift,
)
from qol_app.analysis.shares import percent

CTCAE_GRADES = (1, 2, 3, 4, 5)
PRO_GRADES = (0, 1, 2, 3)
ANY_TERM = "any"
NOT_CTCAE = "grades reported by participants, not CTCAE grades"

__all__ = ["EventsResult", "clavien_dindo", "ctcae", "mortality_after", "pro_ctcae"]


def ctcae(
    events: pd.DataFrame, participants: pd.DataFrame, *, by: str | None = "arm"
) -> EventsResult:
    """Return participants by term, group and worst CTCAE grade.

    Parameters
    ----------
    events : DataFrame, one row per adverse event
        participant, term, grade (1 to 5).
    participants : DataFrame, one row per participant
        The safety population: participant and the column ``by``.

    Returns
    -------
    EventsResult
        `table`: term (``any`` first), group, participants (the denominator), events, with_event,
        grade_1 .. grade_5 (worst grade), grade_3_or_more, and percent of with_event and of
        grade_3_or_more.

    Source
    ------
    NCI Common Terminology Criteria for Adverse Events, version 5.0, 2017.
    """
    require_columns(events, "participant", "term", "grade")
    people, left_out = _population(participants, by)
    require_grades(events["grade"], {grade: grade for grade in CTCAE_GRADES})
    rows = events.assign(group=events["participant"].map(people["group"]))
    known, events_left_out = sift(
        rows,
        {
            "not in the safety population": ~rows["participant"].isin(people.index),
            "no term": rows["term"].isna(),
            "no grade": rows["grade"].isna(),
        },
    )
    everything = known.assign(term=ANY_TERM)
    terms = [ANY_TERM, *ordered_levels(known["term"])]
    table = _graded(pd.concat([everything, known]), terms, people, CTCAE_GRADES)
    table["grade_3_or_more"] = table[["grade_3", "grade_4", "grade_5"]].sum(axis=1)
    for name in ("with_event", "grade_3_or_more"):
        table[f"percent_{name}"] = percent(table[name], table["participants"])
    return EventsResult(
        table=table,
        n_used=len(people),
        left_out=left_out,
        notes=nobody(people, "participant"),
        events_left_out=events_left_out,
    )


def pro_ctcae(
    grades: pd.DataFrame, participants: pd.DataFrame, *, by: str | None = "arm"
) -> EventsResult:
    """Return participants by symptom, group and worst composite grade they reported themselves.

    These are not CTCAE grades: nobody but the participant assigned them.

    Parameters
    ----------
    grades : DataFrame, one row per participant, term and assessment
        participant, term, grade (composite, 0 to 3) and baseline (bool).
    participants : DataFrame
        participant and the column ``by``.

    Returns
    -------
    EventsResult
        `table`: term, group, participants, answered (with a grade after baseline), grade_0 ..
        grade_3 (worst after baseline), adjusted_0 .. adjusted_3 (the worst where it is worse
        than baseline, else 0; only those with a baseline), answered_both.

    Source
    ------
    Basch et al., Clin Trials 2021;18:104 (composite grade); Dueck et al., JAMA Oncol 2020;6:e196
    (baseline adjustment).
    """
    require_columns(grades, "participant", "term", "grade", "baseline")
    people, left_out = _population(participants, by)
    require_grades(grades["grade"], {grade: grade for grade in PRO_GRADES})
    require_yes_or_no(grades["baseline"])
    known, events_left_out = sift(
        grades,
        {
            "not in the safety population": ~grades["participant"].isin(people.index),
            "no term": grades["term"].isna(),
            "no grade": grades["grade"].isna(),
            "not known whether at baseline": grades["baseline"].isna(),
        },
    )
    first = known["baseline"].eq(True)
    key = ["participant", "term"]
    start = known[first].groupby(key, observed=True)["grade"].max().rename("start")
    worst = known[~first].groupby(key, observed=True)["grade"].max().rename("grade").reset_index()
    worst = worst.merge(start.reset_index(), how="left", on=key)
    terms = ordered_levels(known["term"])
    table = _graded(worst, terms, people, PRO_GRADES).drop(columns="events")
    table = table.rename(columns={"with_event": "answered"})
    both = worst[worst["start"].notna()]
    adjusted = both.assign(grade=both["grade"].where(both["grade"] > both["start"], 0))
    second = _graded(adjusted, terms, people, PRO_GRADES)
    for grade in PRO_GRADES:
        table[f"adjusted_{grade}"] = second[f"grade_{grade}"]
    return EventsResult(
        table=table.assign(answered_both=second["with_event"]),
        n_used=len(people),
        left_out=left_out,
        notes=(
            "grades reported by participants, not CTCAE grades",
            *nobody(people, "participant"),
        ),
        events_left_out=events_left_out,
    )


def _population(participants: pd.DataFrame, by: str | None) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the column ``group`` by participant, and who is left out."""
    require_columns(participants, "participant", by)
    group = participants[by] if by else pd.Series("all", index=participants.index)
    rows = participants[["participant"]].assign(group=group)
    used, left_out = sift(
        rows,
        {
            "no participant": rows["participant"].isna(),
            f"no {by}": rows["group"].isna(),
            "second row of a participant": rows["participant"].duplicated(),
        },
    )
    return used.set_index("participant"), left_out


def _graded(
    events: pd.DataFrame, terms: Sequence[Any], people: pd.DataFrame, grades: Sequence[int]
) -> pd.DataFrame:
    """Return counts of participants by term, group and worst grade."""
    group = events["participant"].map(people["group"])
    worst = events.groupby(["term", "participant"], observed=True)["grade"].max().reset_index()
    worst_group = worst["participant"].map(people["group"])
    rows = []
    for term in terms:
        for level in ordered_levels(people["group"]):
            mine = worst.loc[(worst["term"] == term) & (worst_group == level), "grade"]
            counts = [int((mine == grade).sum()) for grade in grades]
            reported = int(((events["term"] == term) & (group == level)).sum())
            size = int((people["group"] == level).sum())
            rows.append([term, level, size, reported, len(mine), *counts])
    names = ["term", "group", "participants", "events", "with_event"]
    return pd.DataFrame(rows, columns=[*names, *[f"grade_{grade}" for grade in grades]])
