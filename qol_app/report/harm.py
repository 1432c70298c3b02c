"""Safety: complications and deaths after the procedure, adverse events by grade and arm."""

import re

import pandas as pd

from qol_app.analysis.facts import with_details
from qol_app.analysis.safety import clavien_dindo, ctcae, mortality_after, pro_ctcae
from qol_app.definition.instrument import Instrument
from qol_app.errors import AnalysisError
from qol_app.report.data import ReportData, randomised
from qol_app.report.model import Draft, Section
from qol_app.report.speech import Speech

PROCEDURE, ADVERSE = "liver_procedure", "adverse_event"
REPORTED = "pro-ctcae"


def safety(data: ReportData) -> Section:
    """Return complications by Clavien-Dindo, early death, CTCAE and, apart, PRO-CTCAE."""
    say = data.options.say
    draft = Draft("safety", say("Safety"), say)
    people = randomised(data).reset_index()
    if not len(people):
        draft.tell("Nobody has been randomised: there is no safety population.")
        return draft.section()
    for step in (_after_procedure, _adverse_events, _reported):
        try:
            step(data, draft, people)
        except AnalysisError as error:
            draft.note(
                "{what}: could not be computed: {why}", what=draft.title, why=draft.say(str(error))
            )
    return draft.section()


def _after_procedure(data: ReportData, draft: Draft, people: pd.DataFrame) -> None:
    say = draft.say
    if data.options.blinded:
        draft.tell("Complications after the procedure are not shown: they would tell the arms.")
        return
    procedures = with_details(data.facts.events, PROCEDURE, [])
    if not len(procedures):
        draft.tell("No procedure is recorded: no complication can be counted.")
        return
    seen = data.survival.table.set_index("participant")["ended_on"]
    dead = people.set_index("participant")["death_on"]
    rows = procedures.rename(columns={"happened_on": "procedure_on"}).assign(
        last_seen_on=procedures["participant"].map(seen),
        dead_on=procedures["participant"].map(dead),
        arm=procedures["participant"].map(people.set_index("participant")["arm"].astype(object)),
    )
    events = with_details(data.facts.events, ADVERSE, ["clavien_dindo"])
    events = events.rename(columns={"happened_on": "onset_on", "clavien_dindo": "grade"})
    events = events[events["participant"].isin(rows["participant"]) & events["grade"].notna()]
    worst = clavien_dindo(events, rows, by="arm")
    draft.table(
        "clavien-dindo",
        say("Worst complication (Clavien-Dindo)"),
        worst.table,
        _shares(say, worst.table),
    )
    draft.account(say("Complications"), worst)
    early = mortality_after(rows, by="arm")
    draft.table(
        "mortality-90",
        say("Deaths within 90 days of the procedure"),
        early.table,
        _shares(say, early.table),
    )
    draft.account(say("Deaths within 90 days"), early)


def _shares(say: Speech, table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as printed: per cent and its limits with the same decimals."""
    return table.assign(
        **{name: list(map(say.number, table[name])) for name in ("percent", "ci_low", "ci_high")}
    )


def _adverse_events(data: ReportData, draft: Draft, people: pd.DataFrame) -> None:
    say = draft.say
    events = with_details(data.facts.events, ADVERSE, ["term", "grade"])
    if data.options.blinded and not len(events):
        draft.tell("No adverse event can be read from the pooled data.")
        return
    if not len(events):
        draft.tell("No adverse event is recorded.")
        return
    events = events.assign(grade=pd.to_numeric(events["grade"], errors="coerce"))
    result = ctcae(events, people)
    draft.table("ctcae", say("Adverse events by worst CTCAE grade"), result.table)
    draft.account(say("Adverse events"), result)
    for reason, n in result.events_left_out.items():
        draft.note("Adverse events not counted: {reason} {n}.", reason=say(reason), n=n)


def _reported(data: ReportData, draft: Draft, people: pd.DataFrame) -> None:
    say = draft.say
    scores = data.scores[data.scores["main"] & (data.scores["instrument"] == REPORTED)]
    grades = scores[scores["scale"].astype(str).str.fullmatch(r"\d+_GRADE")]
    if not len(grades):
        draft.tell("PRO-CTCAE is not among the questionnaires answered.")
        return
    asked = data.instruments().get(REPORTED)
    names = {one: _term(data, asked, one) for one in grades["scale"].unique()}
    rows = pd.DataFrame(
        {
            "participant": grades["participant"],
            "term": grades["scale"].map(names),
            "grade": grades["value"],
            "baseline": grades["day"] <= 0,
        }
    )
    result = pro_ctcae(rows, people)
    draft.table("pro-ctcae", say("Symptoms by participants' own grades (PRO-CTCAE)"), result.table)
    draft.account("PRO-CTCAE", result)


def _term(data: ReportData, asked: Instrument | None, scale: str) -> str:
    """Return number and name of a term: ``9 Appetite``; its number where that is all there is."""
    number = re.sub("_GRADE$", "", scale)
    title = data.scale_title(asked, scale) if asked else scale
    return number if title == scale else f"{number} {title}"
