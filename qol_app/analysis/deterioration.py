"""Time to deterioration: the same scores give different times, so the rule goes with the number.

Terms: a score is *deteriorated* when it is worse than its reference by the threshold or more.
Improvement counts only when it is more than the threshold.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from qol_app.analysis.competing import CumulativeIncidenceResult, cumulative_incidence
from qol_app.analysis.courses import Courses, courses_of
from qol_app.analysis.follow_up import Floats
from qol_app.analysis.result import AnalysisResult, require_choice, require_columns
from qol_app.analysis.thresholds import (
    DEFAULT_POINTS,
    HIGHER_IS_BETTER,
    Threshold,
    as_threshold,
    sign_of,
)
from qol_app.errors import AnalysisError

# Scores are thirds and sevenths: 83.33 less 73.33 may come out as 9.999999999999986.
EXACTLY = 1e-6

DEFINITIONS: Mapping[str, str] = {
    "first": "first deterioration",
    "confirmed": "first deterioration that the next valid assessment confirms; at the last "
    "assessment there is none to confirm it (strict rule)",
    "confirmed_lenient": "first deterioration that the next valid assessment confirms, or after "
    "which there is none (lenient rule)",
    "tudd1": "first deterioration after which no score is more than the threshold better than the "
    "reference",
    "tudd2": "first deterioration after which every score is deteriorated too",
    "tudd3": "first deterioration after which no score is more than the threshold better than "
    "the score that qualified",
}
REFERENCES: Mapping[str, str] = {
    "baseline": "baseline",
    "best": "the best score so far, baseline included",
    "previous": "the previous valid score",
}
DEATHS: Mapping[str, str] = {
    "censor": "deaths without deterioration are censored at the last valid answer",
    "event": "deaths without deterioration are events on the day of death",
    "competing": "deaths without deterioration are a competing event (2)",
}
NO_BASELINE = ("exclude", "day 0")
CAUSES = {1: "deteriorated", 2: "dead"}


@dataclass(frozen=True, eq=False, kw_only=True)
class DeteriorationResult(AnalysisResult):
    """Times to deterioration, ready for `survival.kaplan_meier`, `cox` and others.

    Attributes
    ----------
    table : one row per participant (and definition): participant, carried columns, definition,
        days, event (1 deteriorated or, with death as event, dead; 0 censored; 2 dead where
        competing), outcome in words, baseline, reference and value at the event
    n_used : participants with a time; `left_out` counts the others
    rule : the definition in words, with reference, threshold, its source, and what death is
    """

    definition: str
    reference: str
    threshold: Threshold
    direction: str
    death: str
    rule: str


def time_to_deterioration(
    scores: pd.DataFrame,
    *,
    participant: str = "participant",
    day: str = "day",
    value: str = "value",
    baseline: str = "baseline",
    death_day: str | None = None,
    carry: Sequence[str] = (),
    definition: str = "first",
    reference: str = "baseline",
    threshold: float | Threshold = DEFAULT_POINTS,
    direction: str = HIGHER_IS_BETTER,
    death: str = "censor",
    no_baseline: str = "exclude",
) -> DeteriorationResult:
    """Return each participant's time to deterioration of one scale.

    Parameters
    ----------
    scores : DataFrame, one row per participant and assessment
        Participants without any answer need one row too, with a missing value, so that they
        are counted.
    participant, day, value, baseline : str
        Columns: who; days from start to the answer; the score, missing where there is none; the
        participant's baseline score, the same on every row. Rows before day 1 are the baseline
        itself and are not looked at. Of two scores on one day the one in the later row counts.
    death_day : str, optional
        Column with days from start to death, missing while alive.
    carry : sequence of str
        Further columns of the participant to keep: arm, strata ...
    definition : {"first", "confirmed", "confirmed_lenient", "tudd1", "tudd2", "tudd3", "all"}
        See ``DEFINITIONS``. ``all`` stacks every definition.
    reference : {"baseline", "best", "previous"}
        What a score is compared with.
    threshold : float or Threshold
        Points that count as deterioration, with their source.
    direction : {"higher_is_better", "higher_is_worse"}
    death : {"censor", "event", "competing"}
    no_baseline : {"exclude", "day 0"}
        What becomes of participants without baseline: left out, or censored on day 0.

    Returns
    -------
    DeteriorationResult
        The event day is that of the answer. Without event: censored at the last valid answer,
        with no valid answer after baseline on day 1. A missed visit is no evidence of anything.

    Raises
    ------
    AnalysisError
        If a participant has two baselines or two days of death, or an argument is unknown.

    Source
    ------
    Coens et al. (SISAQOL), Lancet Oncol 2020;21:e83; Anota et al., Qual Life Res 2015;24:5
    (time until definitive deterioration).
    """
    require_choice("definition", definition, [*DEFINITIONS, "all"])
    require_choice("reference", reference, REFERENCES)
    require_choice("death", death, DEATHS)
    require_choice("no_baseline", no_baseline, NO_BASELINE)
    if death != "censor" and death_day is None:
        raise AnalysisError(f"death_day: found none; wanted a column, because death={death!r}")
    size = as_threshold(threshold)
    sign = sign_of(direction)
    require_columns(scores, participant, day, value, baseline, death_day, *carry)
    courses, left_out, notes = courses_of(
        scores, [participant, day, value, baseline, death_day], carry, sign
    )
    without = np.isnan(courses.baseline)
    if no_baseline == "exclude" and without.any():
        left_out["no baseline"] = int(without.sum())
    wanted = list(DEFINITIONS) if definition == "all" else [definition]
    tables = [_times(courses, one, reference, size.points, death, sign) for one in wanted]
    kept = ~without if no_baseline == "exclude" else np.ones_like(without)
    table = pd.concat([one[kept] for one in tables], ignore_index=True)
    return DeteriorationResult(
        table=table,
        n_used=int(kept.sum()),
        left_out=left_out,
        notes=(*notes, *_event_notes(table)),
        definition=definition,
        reference=reference,
        threshold=size,
        direction=direction,
        death=death,
        rule=_rule(wanted, reference, size, death),
    )


def deterioration_incidence(
    scores: pd.DataFrame,
    *,
    death_day: str,
    by: str | None = None,
    times: Sequence[float] = (),
    level: float = 0.95,
    **rule: Any,
) -> CumulativeIncidenceResult:
    """Return the cumulative incidence of deterioration with death as competing event.

    ``rule`` are further arguments of `time_to_deterioration`; ``by`` is a column of groups.
    """
    if rule.get("death", "competing") != "competing" or rule.get("definition") == "all":
        raise AnalysisError("incidence: found another death rule or all definitions; wanted one")
    carry = list(dict.fromkeys([*rule.pop("carry", ()), *([by] if by else [])]))
    rule.pop("death", None)
    found = time_to_deterioration(
        scores, death_day=death_day, carry=carry, death="competing", **rule
    )
    result = cumulative_incidence(
        found.table,
        duration="days",
        event="event",
        by=by,
        causes=CAUSES,
        times=times,
        level=level,
    )
    fields = {name: getattr(result, name) for name in result.__dataclass_fields__}
    fields["left_out"] = {**found.left_out, **result.left_out}
    fields["notes"] = (found.rule, *dict.fromkeys([*found.notes, *result.notes]))
    return CumulativeIncidenceResult(**fields)


Stays = Callable[[Floats, Floats, Floats, Floats, float], np.ndarray]
# Given reference, score, next score, best later score and threshold: does deterioration hold?
_HOLDS: Mapping[str, Stays] = {
    "first": lambda ref, own, after, best, size: np.ones_like(own, dtype=bool),
    "confirmed": lambda ref, own, after, best, size: ref - after >= size - EXACTLY,
    "confirmed_lenient": lambda ref, own, after, best, size: (
        np.isnan(after) | (ref - after >= size - EXACTLY)
    ),
    "tudd1": lambda ref, own, after, best, size: np.isnan(best) | (best - ref <= size + EXACTLY),
    "tudd2": lambda ref, own, after, best, size: np.isnan(best) | (ref - best >= size - EXACTLY),
    "tudd3": lambda ref, own, after, best, size: np.isnan(best) | (best - own <= size + EXACTLY),
}


def _times(
    courses: Courses, definition: str, reference: str, size: float, death: str, sign: float
) -> pd.DataFrame:
    """Return the table of one definition."""
    ref = courses.references(reference)
    after, best = courses.later()
    worse = ref - courses.value >= size - EXACTLY
    qualifies = worse & _HOLDS[definition](ref, courses.value, after, best, size)
    event = qualifies.any(axis=1)
    place = np.where(event, qualifies.argmax(axis=1), 0)
    rows = np.arange(len(courses.people))
    n = courses.n_scores
    last = np.where(n > 0, courses.day[rows, np.maximum(n, 1) - 1], 1.0)
    last = np.where(np.isnan(courses.baseline), 0.0, last)
    died = ~event & ~np.isnan(courses.death) & ~np.isnan(courses.baseline) & (death != "censor")
    outcome = np.where(n > 0, "censored at last answer", "censored on day 1: baseline only")
    outcome = np.where(np.isnan(courses.baseline), "censored on day 0: no baseline", outcome)
    outcome = np.where(died, "dead", np.where(event, "deteriorated", outcome))
    days = np.where(event, courses.day[rows, place], np.where(died, courses.death, last))
    code = {"censor": 0, "event": 1, "competing": 2}[death]
    return courses.people.assign(
        definition=definition,
        days=days,
        event=np.where(event, 1, np.where(died, code, 0)),
        outcome=outcome,
        baseline=courses.baseline * sign,
        reference=np.where(event, ref[rows, place], np.nan) * sign,
        value=np.where(event, courses.value[rows, place], np.nan) * sign,
    )


def _event_notes(table: pd.DataFrame) -> list[str]:
    if not len(table):
        return ["no rows to analyse"]
    events = table.groupby("definition", sort=False)["event"].sum()
    return [f"no events by definition {name}" for name, count in events.items() if not count]


def _rule(definitions: Sequence[str], reference: str, size: Threshold, death: str) -> str:
    words = "; ".join(f"{name}: {DEFINITIONS[name]}" for name in definitions)
    return (
        f"{words}. Deteriorated: worse than {REFERENCES[reference]} by {size.points:g} points or "
        f"more ({size.source}). {DEATHS[death].capitalize()}."
    )
