"""Who took part and who answered: participant flow, first table, completion with reasons."""

from dataclasses import replace

import pandas as pd

from qol_app.analysis.change import descriptives
from qol_app.analysis.completion import REASON, consort_flow, item_missing, rates, reasons
from qol_app.definition.parts import in_language
from qol_app.report.canvas import Wording
from qol_app.report.data import ReportData, randomised
from qol_app.report.model import Draft, Figure, Section, Table
from qol_app.report.plots_of_means import rates_plot
from qol_app.report.speech import Speech


def flow(data: ReportData) -> Section:
    """Return how many were enrolled, randomised, and followed, by arm (CONSORT-PRO)."""
    say = data.options.say
    draft = Draft("flow", say("Participant flow"), say)
    everyone, people = data.people, randomised(data)
    draft.tell(
        "Enrolled: {enrolled}. Randomised: {randomised}. Enrolled and not, or not yet, "
        "randomised: {outside}.",
        enrolled=len(everyone),
        randomised=len(people),
        outside=len(everyone) - len(people),
    )
    if not len(people):
        draft.tell("Nobody has been randomised: nothing more can be computed.")
        return draft.section()
    baseline = set(data.scores.loc[data.scores["baseline"].notna(), "participant"])
    rows = []
    for arm in data.arms:
        mine = people[people["arm"] == arm]
        row = {
            "arm": arm,
            "randomised": len(mine),
            "with_baseline": int(mine.index.isin(baseline).sum()),
            "without_baseline": int((~mine.index.isin(baseline)).sum()),
            "withdrawn": int(mine["withdrawn_on"].notna().sum()),
            "lost": int(mine["lost_on"].notna().sum()) if "lost_on" in mine else 0,
            "dead": int(mine["death_on"].notna().sum()),
        }
        rows.append(row)
    draft.table("flow", say("From randomisation onwards"), pd.DataFrame(rows))
    visits = planned_visits(data)
    result = consort_flow(visits, by="arm")
    _flow_by_timepoint(data, draft, result.table)
    draft.account(say("Flow"), result)
    draft.note("Reasons for missing add up to missing. The dead leave the expected.")
    return draft.section()


def _flow_by_timepoint(data: ReportData, draft: Draft, table: pd.DataFrame) -> None:
    """Add the numbers, and the reasons apart from them: side by side no page is wide enough."""
    why = {name: name.removeprefix(REASON) for name in table if name.startswith(REASON)}
    title = draft.say("Flow by timepoint (CONSORT-PRO)")
    draft.table("flow-by-timepoint", title, table, table.drop(columns=list(why)))
    if why:
        reasons_only = table[["timepoint", "arm", *why]].rename(columns=why)
        named = reasons_only.rename(columns=lambda one: reason_title(data, one))
        title = draft.say("Reasons for missing by timepoint")
        draft.table("flow-reasons", title, reasons_only, named)


def reason_title(data: ReportData, code: str) -> str:
    """Return a reason for missing in the report's language."""
    for one in data.protocol.missing_reasons:
        if one.code == code:
            return in_language(one.title, data.options.language)
    return data.options.say(code)


def planned_visits(data: ReportData) -> pd.DataFrame:
    """Return the visits of the planned timepoints, in their order."""
    codes = [one.code for one in data.planned]
    visits = data.visits[data.visits["timepoint"].isin(codes)]
    known = [code for code in codes if code in set(visits["timepoint"])]
    return visits.assign(timepoint=pd.Categorical(visits["timepoint"], known))


def baseline_table(data: ReportData) -> Section:
    """Return the first table: who was randomised, and their scores before."""
    say = data.options.say
    draft = Draft("table-1", say("Table 1: participants at baseline"), say)
    people = randomised(data)
    if not len(people):
        draft.tell("Nobody has been randomised: there is nothing to describe.")
        return draft.section()
    people = people.reset_index().merge(data.factors, on="participant", how="left")
    start = data.scores.drop_duplicates(["participant", "instrument", "scale"])
    start = start[start["participant"].isin(people["participant"])]
    result = descriptives(start, value="baseline", by=["instrument", "scale", "arm"])
    # Its cells are texts: those of the data file have a decimal point in every language.
    exact, shown = (
        _first_table(data, people, result.table, one) for one in (replace(say, mark="."), say)
    )
    draft.table("table-1", say("Participants at baseline"), exact, shown)
    # Groups are every instrument with every scale; most are scales of another instrument.
    known = result.table.groupby(["instrument", "scale"], observed=True)["n"].transform("sum") > 0
    found = result.table[known]
    draft.table("baseline-scores", say("Baseline scores"), found, _spread(data, found))
    draft.account(say("Baseline scores"), result)
    draft.note(
        "Baseline is the last valid score from 28 days before randomisation to that day, given "
        "before the allocation was known. Scores: mean (SD), n. No test is made of baseline "
        "differences: they are due to chance."
    )
    return draft.section()


def _spread(data: ReportData, table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of descriptives as a reader wants them: each centre beside its spread."""
    say, instruments = data.options.say, data.instruments()
    shown = table[["instrument", "scale", "arm", "n"]].astype({"scale": str, "arm": str})
    digits = [data.decimals(instruments[row.instrument], row.scale) for row in shown.itertuples()]
    pairs = {"mean_sd": ("mean", "sd", None), "median_quartiles": ("median", "q1", "q3")}
    for name, (middle, low, high) in pairs.items():
        ends = [table[one] for one in (middle, low, high) if one]
        shown[name] = [
            f"{say.number(m, d)} ({'–'.join(say.number(one, d) for one in rest)})"
            for d, m, *rest in zip(digits, *ends, strict=True)
        ]
    shown["range"] = [
        f"{say.number(low, d)} – {say.number(high, d)}"
        for d, low, high in zip(digits, table["minimum"], table["maximum"], strict=True)
    ]
    return shown


def _first_table(
    data: ReportData, people: pd.DataFrame, scores: pd.DataFrame, say: Speech
) -> pd.DataFrame:
    rows = [{"characteristic": say("Randomised"), "level": "", **_counts(data, people, say)}]
    factors = {name: name for name in data.factors if name != "participant"}
    titles = {"site": say("Site"), "language": say("Language"), **factors}
    for name in [one for one in titles if one in people]:
        for level in sorted(people[name].dropna().astype(str).unique()):
            counts = _counts(data, people, say, name, level)
            rows.append({"characteristic": titles[name], "level": level, **counts})
    return pd.DataFrame([*rows, *_baseline_scores(data, scores, say)])


def _counts(
    data: ReportData, people: pd.DataFrame, say: Speech, name: str = "", level: str = ""
) -> dict[str, str]:
    found = {}
    for arm in data.arms:
        mine = people[people["arm"] == arm]
        n = int((mine[name].astype(str) == level).sum()) if name else len(mine)
        found[arm] = say.share(n, len(mine)) if name else str(n)
    return found


def _baseline_scores(data: ReportData, table: pd.DataFrame, say: Speech) -> list[dict[str, str]]:
    rows = []
    for code, instrument in data.instruments().items():
        mine = table[table["instrument"] == code]
        for scale in dict.fromkeys(mine["scale"]):
            known = mine[mine["scale"] == scale]
            if not known["n"].sum():
                continue
            digits = data.decimals(instrument, str(scale))
            cells = {
                row["arm"]: f"{say.number(row['mean'], digits)} "
                f"({say.number(row['sd'], digits)}), {row['n']}"
                for _, row in known.iterrows()
            }
            title = data.scale_title(instrument, scale)
            what = data.called(code)
            rows.append({"characteristic": what, "level": f"{scale} {title}", **cells})
    return rows


def completion(data: ReportData) -> Section:
    """Return how many answered of how many, with reasons for the rest."""
    say = data.options.say
    draft = Draft("completion", say("Completion rates"), say)
    visits = planned_visits(data)
    if not len(visits) or not visits["randomised"].any():
        draft.tell("No assessment of a randomised participant is planned: no rate exists.")
        return draft.section()
    result = rates(visits, by="arm")
    shown = result.table[["timepoint", "arm"]].astype(str)
    for name in ("fixed", "old_enough", "completion"):
        shown[f"{name}_rate"] = [
            say.share(n, of)
            for n, of in zip(
                result.table[f"{name}_numerator"], result.table[f"{name}_denominator"], strict=True
            )
        ]
    draft.tell(
        "Available data rate: valid assessments of all randomised, and of those whose time has "
        "come. Completion rate: valid of the expected, who are alive, have not withdrawn from the "
        "questionnaires and whose window has closed or who answered."
    )
    draft.table("completion", say("Rates by timepoint"), result.table, shown)
    draft.account(say("Rates"), result)
    why = reasons(visits, by="arm")
    named = why.table.assign(reason=[reason_title(data, one) for one in why.table["reason"]])
    draft.table("reasons", say("Why expected assessments are missing"), why.table, named)
    draft.account(say("Reasons"), why)
    _items(data, draft)
    draft.figures.append(_rates_figure(data, result.table, visits))
    return draft.section()


def _rates_figure(data: ReportData, rows: pd.DataFrame, visits: pd.DataFrame) -> Figure:
    say = data.options.say
    wording = Wording(
        "completion-rates",
        say("Completion rate by timepoint"),
        say("Per cent of expected assessments that were valid, by timepoint; see the table."),
        mark=say.mark,
    )
    numbers = ["completion_numerator", "completion_denominator", "completion_rate"]
    table = Table("completion-figure", wording.title, rows[["timepoint", "arm", *numbers]])
    points = rows.assign(
        group=rows["arm"].astype(str),
        timepoint=rows["timepoint"].astype(str),
        rate=rows["completion_rate"],
    )
    order = [str(one) for one in visits["timepoint"].cat.categories]
    return rates_plot(wording, table, points, order, list(data.arms), say("Completion, %"))


def _items(data: ReportData, draft: Draft) -> None:
    items = data.facts.items
    if not len(items):
        draft.tell("No item has been answered: no item rate exists.")
        return
    result = item_missing(items)
    draft.table("items-missing", draft.say("Items shown and not answered"), result.table)
    draft.account(draft.say("Items"), result)
