"""Report data out of a made-up trial whose truth is known."""

from datetime import UTC, date, datetime

import pandas as pd

from qol_app.analysis.synthetic import TODAY, synthetic_trial
from qol_app.definition.event_kinds import tells_no_arm
from qol_app.definition.instrument import load_instrument
from qol_app.definition.interpretation import load_interpretation
from qol_app.definition.protocol import load_protocol
from qol_app.export.study import DefinitionUsed, Study
from qol_app.report.data import ReportData, Source, report_data
from qol_app.report.model import Figure, Options
from qol_app.settings import ROOT

QUESTIONNAIRES = ROOT / "questionnaires"
C30 = load_instrument(QUESTIONNAIRES / "instruments" / "qlq-c30")
LATER_COLUMNS = {"lost_on": None, "language": "sv"}


def made_study() -> Study:
    """Return the study in which the made-up answers were asked."""
    protocol = load_protocol(QUESTIONNAIRES / "protocols" / "breclim-2.yaml")
    used = DefinitionUsed("instrument", C30.code, "", C30.version, C30.sha256)
    return Study(
        protocol=protocol,
        instruments={(C30.code, C30.sha256): C30},
        definitions=(used,),
        data_until=datetime.combine(TODAY, datetime.min.time(), UTC),
        program_version="0.0",
    )


def made_facts(seed: int = 3, n: int = 60) -> Source:
    """Return facts with arms, as an export by arm holds them."""
    trial = synthetic_trial(seed, n)
    items = pd.DataFrame(
        {
            "participant": trial.scores["participant"],
            "instrument": C30.code,
            "status": "ANSWERED",
        }
    )
    return Source(
        participants=trial.participants.drop(columns="stratum").assign(**LATER_COLUMNS),
        visits=trial.visits.assign(mode="self", assisted=False),
        scores=trial.scores.assign(instrument=C30.code),
        events=trial.events,
        items=items,
    )


def pooled(facts: Source) -> Source:
    """Return the facts as an export that hides the arms holds them."""
    kept = facts.events["kind"].map(tells_no_arm)
    return Source(
        participants=facts.participants.assign(arm=None),
        visits=facts.visits,
        scores=facts.scores,
        events=facts.events[kept].assign(details="{}"),
        items=facts.items,
    )


def made_data(facts: Source, **options: object) -> ReportData:
    """Return report data with the C30 scales as confirmatory ones."""
    chosen = {"blinded": False, "confirmatory": ("PF", "FA"), **options}
    known = load_interpretation(QUESTIONNAIRES / "instruments" / C30.code, C30)
    return report_data(made_study(), facts, {C30.code: known}, date(2030, 6, 3), Options(**chosen))


def unrendered(_canvas, wording, table) -> Figure:  # type: ignore[no-untyped-def]
    """Return a figure that was not drawn, in the place of `canvas.finished`: much quicker."""
    return Figure(wording.name, wording.title, wording.description, "<svg/>", b"", table)
