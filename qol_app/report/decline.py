"""Time to deterioration of the confirmatory scales, by every definition side by side."""

from typing import Any

import numpy as np
import pandas as pd

from qol_app.analysis.deterioration import (
    DEFINITIONS,
    DeteriorationResult,
    deterioration_incidence,
    time_to_deterioration,
)
from qol_app.analysis.survival import cox, kaplan_meier
from qol_app.errors import AnalysisError
from qol_app.report.canvas import Wording
from qol_app.report.data import ReportData
from qol_app.report.model import Draft, Figure, Section, Table
from qol_app.report.plots_of_curves import curves_plot, in_words
from qol_app.report.speech import Speech

NOT_REACHED = "not reached"


def deterioration(data: ReportData) -> Section:
    """Return events, medians and hazard ratios by definition, and cumulative incidence."""
    say = data.options.say
    draft = Draft("deterioration", say("Time to deterioration"), say)
    draft.tell(
        "The same answers give different times under different definitions; all stand here. "
        "Deaths without deterioration are censored in the table and compete in the figure."
    )
    for scale in data.options.confirmatory:
        try:
            _one_scale(data, draft, scale)
        except AnalysisError as error:
            draft.note(
                "{scale}: could not be computed: {why}", scale=scale, why=draft.say(str(error))
            )
    if not draft.tables:
        draft.tell("No confirmatory scale has a time to deterioration; the reasons are below.")
    for name, words in DEFINITIONS.items():
        draft.notes.append(f"{name}: {say(words)}.")
    return draft.section()


def _one_scale(data: ReportData, draft: Draft, scale: str) -> None:
    say = draft.say
    instrument = data.instrument_of(scale)
    rule: dict[str, Any] = {
        "threshold": data.threshold(instrument.code, scale),
        "direction": data.direction(instrument, scale),
    }
    rows = data.course(scale, instrument.code, [one.code for one in data.later])
    title = f"{scale} {data.scale_title(instrument, scale)}"
    result = time_to_deterioration(rows, definition="all", carry=["arm"], **rule)
    table = pd.concat(
        [_by_definition(data, draft, result, title, name) for name in DEFINITIONS],
        ignore_index=True,
    )
    words = say("{title}: time to deterioration in days").format(title=title)
    draft.table(f"deterioration-{scale}", words, table, _shown(data, table))
    draft.account(title, result)
    draft.note("{title}: {rule}", title=title, rule=say(result.rule.split(". ", 1)[1]))
    if result.n_used:
        draft.figures.append(_incidence(data, scale, title, rows, rule))


def _by_definition(
    data: ReportData, draft: Draft, result: DeteriorationResult, title: str, name: str
) -> pd.DataFrame:
    mine = result.table[result.table["definition"] == name].copy()
    mine["arm"] = pd.Categorical(mine["arm"].astype(object), data.arms)
    table = kaplan_meier(mine, duration="days", event="event", by="arm").table
    table = table.rename(columns={"group": "arm"}).assign(definition=name)
    for column in ("hazard_ratio", "hr_low", "hr_high", "p_value"):
        table[column] = np.nan
    if data.compares:
        try:
            model = cox(
                mine, duration="days", event="event", covariates=["arm"],
                references={"arm": data.reference},
            )  # fmt: skip
        except AnalysisError as error:
            what = f"{title}, {name}"
            draft.note("{what}: could not be computed: {why}", what=what, why=draft.say(str(error)))
            return table
        # What the course itself lacks is said once, below.
        for one in (one for one in model.notes if one not in ("no events", "no rows to analyse")):
            draft.note("{title}: {rule}", title=f"{title}, {name}", rule=draft.say(one))
        fitted = model.table.set_index("level")
        for source, column in zip(
            ("hazard_ratio", "ci_low", "ci_high", "p_value"),
            ("hazard_ratio", "hr_low", "hr_high", "p_value"),
            strict=True,
        ):
            table[column] = [fitted[source].get(arm, np.nan) for arm in table["arm"]]
    return table


def _shown(data: ReportData, table: pd.DataFrame) -> pd.DataFrame:
    say = data.options.say
    shown = table[["definition", "arm"]].astype(str)
    shown["events"] = [f"{e}/{n}" for e, n in zip(table["events"], table["n"], strict=True)]
    shown["median"] = [median(row, say) for row in table.itertuples()]
    if data.compares:
        shown["hazard_ratio"] = [
            say.interval(*one, decimals=2)
            for one in zip(table["hazard_ratio"], table["hr_low"], table["hr_high"], strict=True)
        ]
        shown["p_value"] = [say.p_value(one) for one in table["p_value"]]
    return shown


def median(row, say: Speech) -> str:  # type: ignore[no-untyped-def]
    """Return a median time with its interval in words; "not reached" is a value."""
    if not row.n:
        return say("nobody")
    ends = [say(NOT_REACHED) if np.isnan(x) else say.number(x, 0) for x in
            (row.median, row.ci_low, row.ci_high)]  # fmt: skip
    return f"{ends[0]} ({ends[1]} – {ends[2]})"


def _incidence(data: ReportData, scale: str, title: str, rows: pd.DataFrame, rule: dict) -> Figure:
    say = data.options.say
    times = list(data.options.step_days)
    result = deterioration_incidence(
        rows, death_day="death_day", by="arm", times=times, definition="first", **rule
    )
    words = say("{title}: cumulative incidence of first deterioration, death competing").format(
        title=title
    )
    wording = Wording(
        f"deterioration-{scale}",
        words,
        say("Step curves with 95 % intervals; see the table."),
        mark=say.mark,
    )
    worse = result.curve[result.curve["cause"] == "deteriorated"]
    at = result.at_times[result.at_times["cause"] == "deteriorated"]
    return curves_plot(
        wording,
        Table(
            f"deterioration-incidence-{scale}", words, result.at_times, _at(say, result.at_times)
        ),
        [(say(str(arm)), worse[worse["group"] == arm]) for arm in data.arms],
        in_words(say, at),
        value="incidence",
        start=0.0,
        y_label=say("Cumulative incidence"),
        x_label=say("Days from randomisation"),
        risk_label=say("At risk"),
        until=max(times),
    )


def _at(say: Speech, rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row per group and day with the per cent of either cause beside each other."""
    shares = [
        say.interval(100 * r.incidence, 100 * r.ci_low, 100 * r.ci_high) for r in rows.itertuples()
    ]
    told = rows.assign(cause=[f"{say(str(one))}, %" for one in rows["cause"]], share=shares)
    told = told.astype({"group": str})
    keys = ["group", "time", "n_risk"]
    wide = told.pivot(index=keys, columns="cause", values="share")
    return wide[list(dict.fromkeys(told["cause"]))].reset_index().rename_axis(columns=None)
