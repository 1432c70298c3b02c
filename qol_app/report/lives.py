"""Survival: overall and progression-free, and what predicts the difference between arms."""

import re
from functools import partial

import numpy as np
import pandas as pd

from qol_app.analysis.endpoints import EndpointResult
from qol_app.analysis.forest import EVERYBODY
from qol_app.analysis.survival import (
    cox,
    difference_at,
    forest,
    kaplan_meier,
    logrank,
    rmst,
)
from qol_app.errors import AnalysisError
from qol_app.report.canvas import Wording
from qol_app.report.data import ReportData
from qol_app.report.decline import median
from qol_app.report.model import Draft, Figure, Section, Table
from qol_app.report.plots_of_curves import curves_plot, in_words
from qol_app.report.plots_of_effects import forest_plot
from qol_app.report.speech import Speech

PH_SUSPECT = 0.05
SPLIT_AT = 365.0


def overall(data: ReportData) -> Section:
    """Return overall survival."""
    return _endpoint(data, data.survival, "survival", data.options.say("Overall survival"))


def progression_free(data: ReportData) -> Section:
    """Return progression-free survival."""
    return _endpoint(
        data, data.progression, "progression", data.options.say("Progression-free survival")
    )


def _endpoint(data: ReportData, endpoint: EndpointResult, code: str, title: str) -> Section:
    say = data.options.say
    draft = Draft(code, title, say)
    draft.tell("Definition: {rule}.", rule=say(endpoint.rule))
    draft.account(title, endpoint)
    times = endpoint.table
    if not len(times):
        draft.tell("Nobody has been randomised: there is no time to an event.")
        return draft.section()
    times = times.assign(arm=pd.Categorical(times["arm"].astype(object), data.arms))
    _curves(data, draft, times, code, title)
    if not times["event"].sum():
        draft.tell("No event has happened: nothing can be compared or estimated yet.")
        return draft.section()
    steps = [_restricted] + ([_compared, _hazards] if data.compares else [])
    for step in steps:
        try:
            step(data, draft, times, code)
        except AnalysisError as error:
            draft.note(
                "{what}: could not be computed: {why}", what=title, why=draft.say(str(error))
            )
    return draft.section()


def _curves(data: ReportData, draft: Draft, times: pd.DataFrame, code: str, title: str) -> None:
    say = draft.say
    days = list(data.options.step_days)
    result = kaplan_meier(times, duration="days", event="event", by="arm", times=days)
    table = result.table.rename(columns={"group": "arm"})
    at_end = result.at_times[result.at_times["time"] == data.options.horizon_days]
    shown = table[["arm"]].astype(str)
    shown["events"] = [f"{e}/{n}" for e, n in zip(table["events"], table["n"], strict=True)]
    shown["median"] = [median(row, say) for row in table.itertuples()]
    shown["three_years"] = [
        say.interval(100 * r.survival, 100 * r.ci_low, 100 * r.ci_high) for r in at_end.itertuples()
    ] or "–"
    frame = table.merge(
        at_end.drop(columns=["time", "n_risk"]).rename(columns={"group": "arm"}).add_suffix("_end"),
        left_on="arm", right_on="arm_end", how="left",
    ).drop(columns="arm_end")  # fmt: skip
    draft.table(code, say("Events, medians in days and three-year rates in per cent"), frame, shown)
    draft.account(say("Kaplan-Meier"), result)
    draft.figures.append(_curve_figure(data, code, title, result))


def _curve_figure(data: ReportData, code: str, title: str, result) -> Figure:  # type: ignore[no-untyped-def]
    say = data.options.say
    wording = Wording(
        f"{code}-curve",
        say("{title}: Kaplan-Meier curves").format(title=title),
        say("Step curves with 95 % intervals and marks where people are censored; see the table."),
        mark=say.mark,
    )
    at = result.at_times
    shown = at[["group", "time", "n_risk"]].astype({"group": str})
    shown = shown.assign(
        survival=[
            say.interval(100 * r.survival, 100 * r.ci_low, 100 * r.ci_high) for r in at.itertuples()
        ]
    )
    table = Table(
        f"{code}-curve", say("Numbers at risk, and per cent without the event"), at, shown
    )
    return curves_plot(
        wording, table,
        [(say(str(arm)), result.curve[result.curve["group"] == arm]) for arm in data.arms],
        in_words(say, at), value="survival", start=1.0, y_label=say("Proportion without the event"),
        x_label=say("Days from randomisation"), risk_label=say("At risk"),
        until=max(data.options.step_days),
    )  # fmt: skip


def _restricted(data: ReportData, draft: Draft, times: pd.DataFrame, code: str) -> None:
    result = rmst(
        times, duration="days", event="event", by="arm",
        tau=data.options.horizon_days, reference=data.reference,
    )  # fmt: skip
    title = draft.say("Restricted mean time up to day {days:g}").format(days=result.tau)
    draft.table(f"{code}-rmst", title, result.table[["group", "n", "events", "rmst", "se",
                "ci_low", "ci_high"]])  # fmt: skip
    draft.account(title, result)
    if data.compares:
        draft.table(f"{code}-rmst-contrasts", draft.say("Restricted means compared"),
                    result.contrasts, _in_words(result.contrasts, "measure"))  # fmt: skip


# What the analyses call by the codes of R, for readers who do not know them.
WORDS = {
    "km": "Kaplan-Meier",
    "identity": "days",
    "log": "logarithm",
    "GLOBAL": "all",
    "rmst difference": "difference in restricted means",
    "rmst ratio": "ratio of restricted means",
    "rmtl ratio": "ratio of restricted means lost",
}


def _in_words(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return the table as printed; its file keeps the codes."""
    return table.assign(**{name: table[name].replace(WORDS) for name in columns})


def _compared(data: ReportData, draft: Draft, times: pd.DataFrame, code: str) -> None:
    say = draft.say
    test = logrank(times, duration="days", event="event", by="arm")
    draft.table(f"{code}-logrank", say("Log-rank test"), test.table)
    draft.tell(
        "Log-rank test: chi-square {chisq}, degrees of freedom {df}, p {p}.",
        chisq=say.number(test.chisq, 2),
        df=test.df,
        p=say.p_value(test.p_value),
    )
    draft.account(say("Log-rank test"), test)
    difference = difference_at(
        times, duration="days", event="event", by="arm",
        time=data.options.horizon_days, reference=data.reference,
    )  # fmt: skip
    draft.table(f"{code}-difference", say("Difference at three years, per cent"),
                difference.table, _difference_shown(say, difference.table))  # fmt: skip
    draft.account(say("Difference at three years"), difference)


def _difference_shown(say: Speech, table: pd.DataFrame) -> pd.DataFrame:
    """Return survival and its difference in per cent, as the tables beside it have them."""
    shown = table[["group", "reference", "time"]].copy()
    for name in ("survival", "survival_reference"):
        shown[name] = [say.number(100 * one) for one in table[name]]
    shown["difference"] = [
        say.interval(100 * one.difference, 100 * one.ci_low, 100 * one.ci_high)
        for one in table.itertuples()
    ]
    return shown.assign(p_value=table["p_value"])


def _hazards(data: ReportData, draft: Draft, times: pd.DataFrame, code: str) -> None:
    say = draft.say
    reference = {"arm": data.reference}
    model = cox(times, duration="days", event="event", covariates=["arm"], references=reference)
    draft.table(f"{code}-cox", say("Cox regression, Efron ties"), model.table)
    draft.account(say("Cox regression"), model)
    checks = model.proportional_hazards
    draft.table(f"{code}-proportional", say("Test of proportional hazards"), checks,
                _in_words(checks, "transform", "term"))  # fmt: skip
    usual = checks[(checks["transform"] == "km") & (checks["term"] == "GLOBAL")]["p_value"]
    if len(usual) and usual.iloc[0] < PH_SUSPECT:
        draft.tell(
            "Proportional hazards are doubtful (p {p}): read the restricted means, and the hazard "
            "ratios before and after one year.",
            p=say.p_value(usual.iloc[0]),
        )
        draft.table(f"{code}-split", say("Hazard ratio before and after one year"),
                    _split(times, reference))  # fmt: skip


def _split(times: pd.DataFrame, reference: dict[str, str]) -> pd.DataFrame:
    """Return the Cox model of the time until the split, and of those who passed it."""
    early = times.assign(
        event=np.where(times["days"] > SPLIT_AT, 0, times["event"]),
        days=times["days"].clip(upper=SPLIT_AT),
    )
    late = times[times["days"] > SPLIT_AT]
    found = []
    for words, rows in {f"0-{SPLIT_AT:g}": early, f">{SPLIT_AT:g}": late}.items():
        one = cox(rows, duration="days", event="event", covariates=["arm"], references=reference)
        found.append(one.table.assign(period=words, n=one.n_used, events=one.n_events))
    return pd.concat(found, ignore_index=True)


# --- factors ------------------------------------------------------------------------------


def predictive(data: ReportData) -> Section:
    """Return hazard ratios by subgroup with interaction tests, and main effects of factors."""
    say = data.options.say
    draft = Draft("factors", say("Predictive and prognostic factors"), say)
    times, factors, cuts = _with_factors(data)
    if not factors or not len(times):
        draft.tell("No factor known before randomisation is recorded: nothing can be tested.")
        return draft.section()
    if not times["event"].sum():
        draft.tell("Nobody has died: no factor can be tested yet.")
        return draft.section()
    _prognostic(draft, times, factors)
    if data.compares:
        try:
            _by_subgroup(data, draft, times, factors, cuts)
        except AnalysisError as error:
            draft.note(
                "{what}: could not be computed: {why}",
                what=say("Forest"),
                why=draft.say(str(error)),
            )
    else:
        draft.tell("Whether a factor predicts the difference between arms is not shown here: the "
                   "report is blinded.")  # fmt: skip
    return draft.section()


def _with_factors(data: ReportData) -> tuple[pd.DataFrame, list[str], dict[str, list[float]]]:
    times = data.survival.table.merge(data.factors, on="participant", how="left")
    times["arm"] = pd.Categorical(times["arm"].astype(object), data.arms)
    factors = [name for name in data.factors if name != "participant" and times[name].notna().any()]
    cuts: dict[str, list[float]] = {}
    for scale in ("PF", "QL"):
        try:
            instrument = data.instrument_of(scale)
        except AnalysisError:
            continue
        mine = data.scores[
            (data.scores["scale"] == scale) & (data.scores["instrument"] == instrument.code)
        ]
        known = mine.groupby("participant")["baseline"].first()
        if known.notna().sum() > 1 and known.min() < known.max():
            name = f"baseline {scale}"
            times[name] = times["participant"].map(known)
            cut = float(known.median())
            factors.append(name)
            cuts[name] = [cut if cut < known.max() else float(known[known < cut].max())]
    return times, factors, cuts


def _prognostic(draft: Draft, times: pd.DataFrame, factors: list[str]) -> None:
    rows = []
    for factor in factors:
        try:
            result = cox(times, duration="days", event="event", covariates=[factor], strata=["arm"])
        except AnalysisError as error:
            draft.note(
                "{scale}: could not be computed: {why}", scale=factor, why=draft.say(str(error))
            )
            continue
        rows.append(result.table.assign(n=result.n_used, events=result.n_events))
        draft.account(draft.say(factor), result)
    if rows:
        columns = ["term", "n", "events", "hazard_ratio", "ci_low", "ci_high", "p_value"]
        draft.table("prognostic", draft.say("Prognostic factors, one at a time, within arms"),
                    pd.concat(rows, ignore_index=True)[columns])  # fmt: skip


def _by_subgroup(
    data: ReportData, draft: Draft, times: pd.DataFrame, factors: list[str], cuts: dict
) -> None:
    say = draft.say
    result = forest(
        times, duration="days", event="event", arm="arm", factors=factors, cuts=cuts,
        reference=data.reference,
    )  # fmt: skip
    table = result.table
    title = say("Hazard ratio of death by subgroup, against {arm}").format(arm=data.reference)
    draft.account(title, result)
    draft.table("interactions", say("Tests of arm by factor"), result.interactions)
    draft.note("Scores are cut at the median of all participants; the test is the interaction.")
    points = pd.DataFrame(
        {
            "label": _labels(say, table),
            "series": table["group"].astype(str),
            "estimate": table["hazard_ratio"].where(table["hazard_ratio"].between(1e-3, 1e3)),
            "low": table["ci_low"],
            "high": table["ci_high"],
        }
    )
    wording = Wording(
        "subgroups", title, say("Hazard ratios and 95 % intervals; see the table."), mark=say.mark
    )
    draft.figures.append(
        forest_plot(wording, Table("subgroups", title, table, _subgroups_shown(say, table)), points,
                    x_label=say("Hazard ratio"), null=1.0, log=True, sides=_sides(say, data))
    )  # fmt: skip


def _sides(say: Speech, data: ReportData) -> tuple[str, str]:
    """Return what an estimate on either side of one says."""
    fewer, more = say("fewer deaths than in arm {arm}"), say("more deaths than in arm {arm}")
    return f"← {fewer.format(arm=data.reference)}", f"{more.format(arm=data.reference)} →"


def _labels(say: Speech, table: pd.DataFrame) -> list[str]:
    factors, levels = table["factor"].map(str), table["level"].map(str)
    whole = factors == EVERYBODY
    labels = factors.map(say) + ": " + levels.map(partial(_level, say))
    return list(labels.mask(whole, say("Everybody")))


def _level(say: Speech, level: str) -> str:
    """Return a level as words; the ends of a cut with no more digits than can be read."""
    ends = re.sub(r"\d+\.\d+", lambda found: say.number(float(found.group())), level)
    return say(ends).replace("<=", "≤")


def _subgroups_shown(say: Speech, table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "factor": table["factor"].astype(str),
            "level": [_level(say, str(one)) for one in table["level"]],
            "group": table["group"].astype(str),
            "events": [f"{e}/{n}" for e, n in zip(table["events"], table["n"], strict=True)],
            "hazard_ratio": [
                say.interval(*one, decimals=2)
                for one in zip(
                    table["hazard_ratio"], table["ci_low"], table["ci_high"], strict=True
                )
            ],
            "p_interaction": [say.p_value(one) for one in table["p_interaction"]],
        }
    )
