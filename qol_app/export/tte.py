"""The long table ``tte``: one row per participant and endpoint, with the rule in words."""

from collections.abc import Iterator, Mapping

import pandas as pd

from qol_app.analysis.dataset import one_scale, pro_score, pro_visit
from qol_app.analysis.deterioration import DEFINITIONS, time_to_deterioration
from qol_app.analysis.endpoints import (
    COLUMNS,
    endpoints,
    overall_survival,
    progression_free_survival,
)
from qol_app.analysis.thresholds import HIGHER_IS_BETTER, HIGHER_IS_WORSE, within_participant
from qol_app.definition.scales import Direction
from qol_app.export.study import Study, planned_timepoints

Frames = Mapping[str, pd.DataFrame]
# The domains named before any data: (instrument, scale).
CONFIRMATORY = (("qlq-c30", "PF"), ("qlq-c30", "QL"), ("qlq-c30", "FA"), ("qlq-lmc21", "LMCPA"))
TTE_COLUMNS = (*COLUMNS, "instrument", "scale", "definition", "rule")


def tte(study: Study, frames: Frames) -> pd.DataFrame:
    """Return times to death, progression and deterioration of all randomised participants.

    Returns
    -------
    DataFrame
        ``TTE_COLUMNS``: participant, site, arm, endpoint (OS, PFS, TTD), start_on, ended_on,
        days, event (1 happened, 0 censored), outcome in words; for TTD the instrument, scale
        and definition; and the rule. Every definition of deterioration has its own rows,
        because the same scores give different times.
    """
    people, events, visits = (frames[one] for one in ("participants", "events", "visits"))
    survival = endpoints(
        [
            overall_survival(people, events, visits),
            progression_free_survival(people, events, visits),
        ]
    )
    parts = [survival, *_deteriorations(study, frames)]
    whole = pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)
    return whole.reindex(columns=list(TTE_COLUMNS))


def scores_to_follow(study: Study) -> list[tuple[str, str]]:
    """Return the confirmatory scales of the instruments this study asks."""
    asked = study.newest_instruments()
    return [(instrument, scale) for instrument, scale in CONFIRMATORY if instrument in asked]


def _deteriorations(study: Study, frames: Frames) -> Iterator[pd.DataFrame]:
    people, visits = frames["participants"], frames["visits"]
    if not people["randomised_on"].notna().any() or not len(frames["scores"]):
        return
    order = [one.code for one in study.protocol.timepoints]
    scores = pro_score(frames["scores"], visits, people, order)
    planned = pro_visit(visits, people, order)
    later = [one.code for one in planned_timepoints(study.protocol) if one.day > 0]
    known = people.set_index("participant")
    for instrument, scale in scores_to_follow(study):
        if not ((scores["instrument"] == instrument) & (scores["scale"] == scale)).any():
            continue
        rows = one_scale(scores, planned, scale, instrument, later)
        direction = study.newest_instruments()[instrument].scale(scale).direction
        for definition in DEFINITIONS:
            found = time_to_deterioration(
                rows,
                carry=["site", "arm"],
                definition=definition,
                threshold=within_participant(scale),
                direction=HIGHER_IS_BETTER if direction is Direction.BETTER else HIGHER_IS_WORSE,
            )
            table = found.table
            start = pd.to_datetime(table["participant"].map(known["randomised_on"]))
            yield table.assign(
                endpoint="TTD",
                start_on=start,
                ended_on=start + pd.to_timedelta(table["days"], unit="D"),
                instrument=instrument,
                scale=scale,
                rule=found.rule,
            ).reindex(columns=list(TTE_COLUMNS))
