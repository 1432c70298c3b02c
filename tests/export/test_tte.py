"""Times to an event in the data files are those of the report."""

import pandas as pd

from qol_app.analysis.deterioration import time_to_deterioration
from qol_app.definition.instrument import load_instrument
from qol_app.export.tte import CONFIRMATORY, tte
from qol_app.report.model import Options
from tests.report.made_report import QUESTIONNAIRES, made_data, made_facts, made_study


def of_facts(facts) -> pd.DataFrame:
    frames = {name: getattr(facts, name) for name in ("participants", "visits", "scores", "events")}
    return tte(made_study(), frames)


def test_the_confirmatory_scales_are_those_of_the_report_and_mean_what_was_chosen():
    titles = [
        load_instrument(QUESTIONNAIRES / "instruments" / code).scale(scale).title["en"]
        for code, scale in CONFIRMATORY
    ]
    assert Options().confirmatory == tuple(scale for _, scale in CONFIRMATORY)
    assert titles == [
        "Physical functioning",
        "Global health status / QoL",
        "Fatigue",
        "Pain (module)",
    ]


def test_times_to_deterioration_are_those_of_the_report():
    facts = made_facts()
    data = made_data(facts)
    rows = data.course("PF", "qlq-c30", [one.code for one in data.later])
    result = time_to_deterioration(
        rows,
        threshold=data.threshold("qlq-c30", "PF"),
        direction="higher_is_better",
        definition="all",
    )
    theirs = of_facts(facts).query("scale == 'PF'")
    key = ["participant", "definition", "days", "event"]
    ours = result.table[key].sort_values(key[:2]).to_numpy().tolist()
    assert theirs[key].sort_values(key[:2]).to_numpy().tolist() == ours
    assert theirs["event"].sum() > 20


def test_an_assessment_at_progression_does_not_change_a_course_over_time():
    """It was answered on the day of a planned one, as happens, and found to be worse."""
    facts = made_facts()
    planned = facts.scores[facts.scores["timepoint"] == "M3"]
    who = planned["participant"].iloc[0]
    extra = planned[planned["participant"] == who].assign(
        timepoint="PD", assessment="extra", value=lambda d: 100 - d["value"]
    )
    visit = facts.visits.query("participant == @who and timepoint == 'M3'").assign(
        timepoint="PD", assessment="extra"
    )
    later = facts.__class__(
        participants=facts.participants,
        visits=pd.concat([facts.visits, visit], ignore_index=True),
        scores=pd.concat([facts.scores, extra], ignore_index=True),
        events=facts.events,
        items=facts.items,
    )
    pd.testing.assert_frame_equal(of_facts(later), of_facts(facts))
