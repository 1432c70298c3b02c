"""Quality of life over time: mean profiles, all scales at two timepoints, the mixed model."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from qol_app.analysis.change import change_from_baseline, descriptives
from qol_app.analysis.mmrm import MmrmResult, mmrm
from qol_app.analysis.mmrm_sensitivity import delta_adjusted
from qol_app.analysis.thresholds import HIGHER_IS_BETTER
from qol_app.definition.instrument import Instrument
from qol_app.errors import AnalysisError
from qol_app.report.canvas import Wording
from qol_app.report.data import INDEX_WIDTH, ReportData
from qol_app.report.model import Draft, Figure, Section, Table
from qol_app.report.plots_of_effects import forest_plot
from qol_app.report.plots_of_means import panels
from qol_app.report.speech import Speech

SENSITIVITY_SEED = 20190906
IMPUTATIONS = 20


def scales_answered(data: ReportData) -> Iterator[tuple[Instrument, list[str]]]:
    """Yield each instrument with the scales that anybody has a score of, as it orders them."""
    known = data.scores[data.scores["main"]]
    for code, instrument in data.instruments().items():
        mine = known[known["instrument"] == code]
        scales = list(dict.fromkeys(mine["scale"]))
        if scales:
            yield instrument, scales


def profiles(data: ReportData) -> Section:
    """Return mean scores with 95 % intervals by timepoint and arm, every scale."""
    say = data.options.say
    draft = Draft("profiles", say("Mean profiles"), say)
    codes = [one.code for one in data.planned]
    for instrument, scales in scales_answered(data):
        title = data.called(instrument.code)
        rows = data.scores[
            data.scores["main"]
            & (data.scores["instrument"] == instrument.code)
            & data.scores["timepoint"].isin(codes)
        ]
        rows = rows.drop_duplicates(["participant", "timepoint", "scale"])
        known = [code for code in codes if code in set(rows["timepoint"])]
        if not known:
            draft.note("{title}: no valid score at a planned timepoint.", title=title)
            continue
        rows = rows.assign(
            timepoint=pd.Categorical(rows["timepoint"], known),
            scale=pd.Categorical(rows["scale"], scales),
        )
        result = descriptives(rows, by=["scale", "timepoint", "arm"])
        draft.account(title, result)
        draft.figures.append(_profile_figure(data, instrument, scales, known, result.table))
    if not draft.figures:
        draft.tell("No valid score at any planned timepoint: no profile can be drawn.")
    else:
        draft.tell(
            "Means of the scores observed within their windows, with 95 % t intervals, no model "
            "and nothing filled in. Who dies or stops answering leaves the mean."
        )
    return draft.section()


def _profile_figure(
    data: ReportData,
    instrument: Instrument,
    scales: list[str],
    known: list[str],
    rows: pd.DataFrame,
) -> Figure:
    say, called = data.options.say, data.called(instrument.code)
    wording = Wording(
        f"profiles-{instrument.code}",
        say("{title}: mean score by timepoint").format(title=called),
        say("One panel per scale; mean and 95 % interval by timepoint; see the table."),
        mark=say.mark,
    )
    titles = {scale: data.scale_title(instrument, scale) for scale in scales}
    points = rows.rename(columns={"scale": "panel", "arm": "group"}).astype(
        {"timepoint": str, "group": str}
    )
    shown = rows[["scale", "arm"]].drop_duplicates().astype(str).reset_index(drop=True)
    cells = {
        (str(row.scale), str(row.arm), str(row.timepoint)): _mean_cell(
            say, row, data.decimals(instrument, str(row.scale))
        )
        for row in rows.itertuples()
    }
    for timepoint in known:
        shown[timepoint] = [
            cells[scale, arm, timepoint]
            for scale, arm in zip(shown["scale"], shown["arm"], strict=True)
        ]
    title = say("{title}: mean (95 % interval), n").format(title=called)
    table = Table(f"profiles-{instrument.code}", title, rows, shown)
    limits = {one.code: (one.low, one.high) for one in instrument.scales}
    return panels(wording, table, points, titles, known, list(data.arms), say("Mean score"), limits)


def _mean_cell(say: Speech, row, decimals: int) -> str:  # type: ignore[no-untyped-def]
    if not row.n:
        return "n=0"
    return f"{say.interval(row.mean, row.ci_low, row.ci_high, decimals)}, n={row.n}"


# --- all scales at the key timepoints -----------------------------------------------------


def forest_of_scales(data: ReportData) -> Section:
    """Return every scale at the key timepoints, beside the differences that matter."""
    say = data.options.say
    draft = Draft("scales", say("All scales at key timepoints"), say)
    planned = {one.code for one in data.later}
    times = [code for code in data.options.key_timepoints if code in planned]
    rows = [
        row
        for instrument, scales in scales_answered(data)
        for scale in scales
        for row in _scale_rows(data, instrument, scale, times)
    ]
    table = pd.DataFrame(rows)
    if table.empty or table["estimate"].isna().all():
        draft.tell("No scale has a baseline and a later score at the key timepoints.")
        return draft.section()
    if data.compares:
        draft.tell(
            "Difference between arms in change from baseline at each timepoint, by analysis of "
            "covariance on the baseline score, with 95 % intervals, against {reference}. "
            "Descriptive: no adjustment for the number of scales.",
            reference=data.reference,
        )
        draft.tell(
            "The grey zone is the published difference between groups below which it is too small "
            "to matter."
        )
    else:
        draft.tell("Mean change from baseline of all participants together, with 95 % intervals.")
    draft.tell("For symptom scales (marked ↓) a lower score is better.")
    for _, mine in table.groupby(["instrument", "width"], sort=False):
        draft.figures.append(_forest_figure(data, mine))
    draft.note(
        "An arrow at the edge of a figure: the interval goes on beyond it; the table has it whole."
    )
    for one in dict.fromkeys(table.loc[table["source"] != "", "source"]):
        draft.note("Minimal important differences: {source}.", source=one)
    for row in table[table["remark"] != ""].itertuples():
        draft.note(
            "{scale} at {timepoint}: {remark}",
            scale=row.scale,
            timepoint=row.timepoint,
            remark=row.remark,
        )
    return draft.section()


def _scale_rows(
    data: ReportData, instrument: Instrument, scale: str, times: Sequence[str]
) -> Iterator[dict[str, object]]:
    # What matters between groups is no measure of a change over time.
    small = data.difference(instrument.code, scale) if data.compares else None
    better = data.direction(instrument, scale) == HIGHER_IS_BETTER
    for timepoint in times:
        labels = {
            "instrument": instrument.code,
            "scale": scale,
            "title": data.scale_title(instrument, scale),
            "timepoint": timepoint,
            "higher_is_better": better,
            "width": data.width(instrument, scale),
            "smallest_that_matters": small.points if small else np.nan,
            "source": small.source if small else "",
        }
        rows = data.course(scale, instrument.code, [timepoint])
        if rows["value"].notna().sum():
            for one in _effects(data, rows):
                compared = data.compares and pd.notna(one["estimate"])
                size = data.size(instrument.code, scale, one["estimate"]) if compared else ""
                yield {**labels, **one, "size": size}


def _by_size(say: Speech, mine: pd.DataFrame) -> dict[str, object]:
    smallest = [say.number(one, 0) for one in mine["smallest_that_matters"]]
    return {"smallest_that_matters": smallest, "size": mine["size"].to_numpy()}


def _effects(data: ReportData, rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    nothing = {"group": "", "estimate": np.nan, "ci_low": np.nan, "ci_high": np.nan, "n": 0}
    try:
        if not data.compares:
            table = change_from_baseline(rows, by=["arm"]).table
            for _, row in table.iterrows():
                numbers = {name: row[name] for name in ("ci_low", "ci_high", "n")}
                yield {"group": row["arm"], "estimate": row["mean"], **numbers, "remark": ""}
            return
        result = _model(data, rows)
        if result.contrasts.empty:
            yield {**nothing, "remark": data.options.say("fewer than two arms have scores")}
        for _, row in result.contrasts.iterrows():
            numbers = {name: row[name] for name in ("estimate", "ci_low", "ci_high")}
            yield {"group": row["contrast"], **numbers, "n": result.n_used, "remark": ""}
    except AnalysisError as error:
        yield {**nothing, "remark": data.options.say(str(error))}


def _model(data: ReportData, rows: pd.DataFrame) -> MmrmResult:
    """Return the model of change from baseline: one visit makes it an analysis of covariance."""
    present = [arm for arm in data.arms if (rows["arm"] == arm).any()]
    order = [data.reference, *[arm for arm in present if arm != data.reference]]
    days = rows.groupby("timepoint", observed=True)["planned_day"].median()
    low, high = data.options.average_days
    used = set(rows.loc[rows["change"].notna(), "timepoint"])
    averaged = [c for c, day in days.items() if low <= round(day) <= high and c in used]
    return mmrm(
        rows.assign(timepoint=rows["timepoint"].astype(str), arm=rows["arm"].astype(object)),
        outcome="change",
        participant="participant",
        visit="timepoint",
        arm="arm",
        covariates=["baseline"],
        visit_order=[c for c in rows["timepoint"].cat.categories if c in used],
        arm_order=[arm for arm in order if arm in _with_rows(rows)],
        average_visits=averaged or None,
    )


def _with_rows(rows: pd.DataFrame) -> set[str]:
    known = rows[rows["change"].notna() & rows["baseline"].notna()]
    return set(known["arm"].astype(object))


def _forest_figure(data: ReportData, mine: pd.DataFrame) -> Figure:
    """Return the scales of one instrument that have the same length, so that all can be read."""
    say, instrument = data.options.say, mine["instrument"].iloc[0]
    width = float(mine["width"].iloc[0])
    name = f"scales-{instrument}" + ("" if width > INDEX_WIDTH else "-index")
    title = say("{title}: scales at {timepoints}").format(
        title=data.called(instrument),
        timepoints=", ".join(dict.fromkeys(mine["timepoint"])),
    )
    wording = Wording(
        name, title, say("Estimate and 95 % interval per scale; see the table."), mark=say.mark
    )
    label = [
        f"{row.scale}{'' if row.higher_is_better else ' ↓'}" for row in mine.itertuples(index=False)
    ]
    several = mine["group"].nunique() > 1 and data.compares
    series = mine["timepoint"] + (" " + mine["group"].astype(str) if several else "")
    points = pd.DataFrame(
        {
            "label": label,
            "series": series.to_numpy(),
            "estimate": mine["estimate"].to_numpy(),
            "low": mine["ci_low"].to_numpy(),
            "high": mine["ci_high"].to_numpy(),
            "band": mine["smallest_that_matters"].to_numpy(),
        }
    )
    shown = pd.DataFrame(
        {
            "scale": [f"{a} {b}" for a, b in zip(label, mine["title"], strict=True)],
            "timepoint": mine["timepoint"].to_numpy(),
            "group": mine["group"].astype(str).to_numpy(),
            "estimate": [
                say.interval(*one, decimals=1 if width > INDEX_WIDTH else 3)
                for one in zip(mine["estimate"], mine["ci_low"], mine["ci_high"], strict=True)
            ],
            "n": mine["n"].to_numpy(),
            **(_by_size(say, mine) if data.compares else {}),
        }
    )
    words = (
        say("Difference in change from baseline") if data.compares else say("Change from baseline")
    )
    return forest_plot(
        wording, Table(name, title, mine, shown), points,
        x_label=words, null=0.0, most=width / 2,
    )  # fmt: skip


# --- the mixed model ----------------------------------------------------------------------


def mixed_model(data: ReportData) -> Section:
    """Return the mixed model of the scales chosen beforehand, with sensitivity analyses."""
    say = data.options.say
    draft = Draft("mixed-model", say("Mixed model of the confirmatory scales"), say)
    draft.tell(
        "Confirmatory scales: {scales}. Change from baseline, arm by visit and baseline by visit, "
        "unstructured covariance within participants, restricted maximum likelihood. A death is "
        "no missing value: nothing is modelled after it.",
        scales=", ".join(data.options.confirmatory),
    )
    for scale in data.options.confirmatory:
        try:
            _one_scale(data, draft, scale)
        except AnalysisError as error:
            draft.note(
                "{scale}: could not be computed: {why}", scale=scale, why=draft.say(str(error))
            )
    if not draft.tables and not draft.figures:
        draft.tell("No confirmatory scale could be modelled; the reasons are below.")
    return draft.section()


def _one_scale(data: ReportData, draft: Draft, scale: str) -> None:
    say = draft.say
    instrument = data.instrument_of(scale)
    rows = data.course(scale, instrument.code, [one.code for one in data.later])
    result = _model(data, rows)
    title = f"{scale} {data.scale_title(instrument, scale)}"
    draft.account(title, result)
    means = result.least_squares_means
    draft.figures.append(_means_figure(data, scale, title, result, means))
    if not len(result.contrasts):
        return
    columns = ["contrast", "visit", "estimate", "se", "df", "ci_low", "ci_high", "p"]
    average = result.average.rename(columns={"visits": "visit"})
    table = pd.concat([result.contrasts, average], ignore_index=True)[columns]
    draft.table(f"mixed-model-{scale}", say("{title}: difference between arms").format(title=title),
                table, _contrasts_shown(say, table))  # fmt: skip
    _sensitivity(data, draft, scale, title, result)


def _contrasts_shown(say: Speech, table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "contrast": table["contrast"],
            "visit": table["visit"].astype(str),
            "estimate": [
                say.interval(*one)
                for one in zip(table["estimate"], table["ci_low"], table["ci_high"], strict=True)
            ],
            "df": [say.number(one) for one in table["df"]],
            "p": [say.p_value(one) for one in table["p"]],
        }
    )


def _means_figure(
    data: ReportData, scale: str, title: str, result: MmrmResult, means: pd.DataFrame
) -> Figure:
    say = data.options.say
    words = say("{title}: least-squares mean change by visit").format(title=title)
    wording = Wording(
        f"mixed-model-{scale}",
        words,
        say("Mean change and 95 % interval by visit; see the table."),
        mark=say.mark,
    )
    points = means.rename(columns={"visit": "timepoint", "arm": "group", "estimate": "mean"})
    shown = means[["arm", "visit"]].astype(str)
    shown["estimate"] = [
        say.interval(*one)
        for one in zip(means["estimate"], means["ci_low"], means["ci_high"], strict=True)
    ]
    return panels(
        wording,
        Table(f"mixed-model-means-{scale}", words, means, shown),
        points.assign(panel=scale),
        {scale: data.scale_title(data.instrument_of(scale), scale)},
        [str(one) for one in result.visits],
        list(data.arms),
        say("Mean change"),
    )


def _sensitivity(data: ReportData, draft: Draft, scale: str, title: str, main: MmrmResult) -> None:
    """Add the comparison with missing outcomes made worse by 0, 5, 10 and 15 points."""
    say = draft.say
    better = data.direction(data.instrument_of(scale), scale) == HIGHER_IS_BETTER
    try:
        result = delta_adjusted(
            main,
            worse="lower" if better else "higher",
            seed=SENSITIVITY_SEED,
            imputations=IMPUTATIONS,
            average_visits=_averaged(main),
        )
    except AnalysisError as error:
        draft.note("{scale}: sensitivity analysis: {why}", scale=scale, why=draft.say(str(error)))
        return
    words = say("{title}: missing outcomes worse by delta, mean over visits").format(title=title)
    draft.table(f"mixed-model-delta-{scale}", words, result.average)
    draft.account(say("{title}, delta").format(title=title), result)


def _averaged(main: MmrmResult) -> list[str] | None:
    listed = str(main.average["visits"].iloc[0]) if len(main.average) else ""
    return listed.split(", ") if listed else None
