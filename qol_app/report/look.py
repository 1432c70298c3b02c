"""One scale looked at: its course by group, its spread at a timepoint, one participant's course."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from qol_app.analysis.change import descriptives
from qol_app.analysis.facts import people_of
from qol_app.definition.instrument import Instrument
from qol_app.report.canvas import Wording
from qol_app.report.courses import scales_answered
from qol_app.report.data import EVERYBODY, ReportData
from qol_app.report.model import Figure, Section, Table
from qol_app.report.plots_of_means import panels
from qol_app.report.plots_of_people import bars, single_course
from qol_app.report.reading import of_one_scale
from qol_app.report.speech import Speech

BINS = 10


@dataclass(frozen=True)
class Wanted:
    """What somebody picked: a scale (``qlq-c30:PF``), a timepoint, a grouping, a participant."""

    scale: str
    timepoint: str
    group: str
    participant: str


@dataclass(frozen=True)
class Choices:
    """What there is to pick from, each as value and words; empty where nobody has answered."""

    scales: tuple[tuple[str, str], ...]
    timepoints: tuple[tuple[str, str], ...]
    groups: tuple[tuple[str, str], ...]
    participants: tuple[tuple[str, str], ...]


def choices(data: ReportData) -> Choices:
    """Return what can be picked from these data; arms only where they are in them."""
    say, language = data.options.say, data.options.language
    scales = tuple(
        (
            f"{one.code}:{scale}",
            f"{data.called(one.code)}: {scale} {data.scale_title(one, scale)}",
        )
        for one, found in scales_answered(data)
        for scale in found
    )
    groups = [("", say("All together")), ("site", say("By site"))]
    if data.compares:
        groups.append(("arm", say("By arm")))
    return Choices(
        scales=scales,
        timepoints=tuple((one.code, one.title.get(language, one.code)) for one in data.planned),
        groups=tuple(groups),
        participants=tuple((one, one) for one in sorted(data.scores["participant"].unique())),
    )


def picked(known: Choices, given: dict[str, str]) -> Wanted:
    """Return what was asked for; the first there is where that is not to be had."""

    def one(name: str, options: tuple[tuple[str, str], ...]) -> str:
        values = [value for value, _ in options]
        asked = given.get(name, "")
        return asked if asked in values else values[0] if values else ""

    return Wanted(
        scale=one("scale", known.scales),
        timepoint=one("timepoint", known.timepoints),
        group=one("group", known.groups),
        participant=one("participant", known.participants),
    )


def pictures(data: ReportData, wanted: Wanted) -> list[Figure]:
    """Return profile, distribution and one participant's course, each with its table."""
    code, _, scale = wanted.scale.partition(":")
    instrument = data.instruments()[code]
    rows = data.scores[(data.scores["instrument"] == code) & (data.scores["scale"] == scale)]
    column = wanted.group or "group"
    rows = rows.assign(group=EVERYBODY) if column == "group" else rows
    rows = rows.assign(**{column: rows[column].astype(str)})
    main = rows[rows["main"]].drop_duplicates(["participant", "timepoint"])
    return [
        _profile(data, instrument, scale, main, column),
        _distribution(data, instrument, scale, main, column, wanted.timepoint),
        _one_course(data, instrument, scale, rows, wanted.participant),
    ]


def meaning(data: ReportData, wanted: Wanted) -> Section | None:
    """Return how to read the scale that was picked; nothing for what has no scale of its own."""
    code, _, scale = wanted.scale.partition(":")
    instrument = data.instruments()[code]
    if scale not in {one.code for one in instrument.scales}:
        return None
    return of_one_scale(data, instrument, scale)


def _ends(instrument: Instrument, scale: str) -> tuple[float, float] | None:
    return next(((s.low, s.high) for s in instrument.scales if s.code == scale), None)


def _profile(
    data: ReportData, instrument: Instrument, scale: str, rows: pd.DataFrame, column: str
) -> Figure:
    say, title = data.options.say, data.scale_title(instrument, scale)
    codes = [one.code for one in data.planned]
    rows = rows[rows["timepoint"].isin(codes)]
    known = [code for code in codes if code in set(rows["timepoint"])]
    rows = rows.assign(timepoint=pd.Categorical(rows["timepoint"], known))
    table = descriptives(rows, by=["timepoint", column]).table
    points = table.rename(columns={column: "group"}).astype({"timepoint": str, "group": str})
    wording = Wording(
        "look-profile",
        say("{scale} {title}: mean and 95 % interval").format(scale=scale, title=title),
        say("Means of the scores observed in their windows; the numbers are in the table."),
        mark=say.mark,
    )
    columns = ["timepoint", column, "n", "mean", "sd", "ci_low", "ci_high"]
    exact = table.loc[table["n"] > 0, columns].rename(columns={column: "group"})
    digits = data.decimals(instrument, scale)
    shown = _rounded(exact, ["mean", "sd", "ci_low", "ci_high"], say, digits)
    ends = _ends(instrument, scale)
    return panels(
        wording, Table(wording.name, wording.title, exact, shown), points.assign(panel=scale),
        {scale: title}, known, sorted(points["group"].unique()), say("Mean score"),
        {scale: ends} if ends else None,
    )  # fmt: skip


def _rounded(table: pd.DataFrame, columns: list[str], say: Speech, digits: int) -> pd.DataFrame:
    """Return the table with as many digits in each cell of a column, as in the report."""
    words = {name: [say.number(one, digits) for one in table[name]] for name in columns}
    return table.assign(**words)


def _distribution(
    data: ReportData, instrument: Instrument, scale: str, rows: pd.DataFrame, column: str, at: str
) -> Figure:
    say = data.options.say
    here = rows[rows["timepoint"] == at]
    low, high = _ends(instrument, scale) or (
        rows["value"].min() if len(rows) else 0.0,
        rows["value"].max() if len(rows) else 1.0,
    )
    edges = np.linspace(low, high, BINS + 1)
    groups = sorted(here[column].unique())
    counts = {
        one: np.histogram(here.loc[here[column] == one, "value"], bins=edges)[0] for one in groups
    }
    table = pd.DataFrame({"from": edges[:-1], "to": edges[1:], **counts})
    wording = Wording(
        "look-distribution",
        say("{scale} at {timepoint}: how many had which score").format(scale=scale, timepoint=at),
        say("Participants by score, in ten steps of equal length; the counts are in the table."),
        mark=say.mark,
    )
    return bars(wording, Table(wording.name, wording.title, table), edges, counts,
                x_label=say("Score"), y_label=say("Participants"))  # fmt: skip


def _one_course(
    data: ReportData, instrument: Instrument, scale: str, rows: pd.DataFrame, name: str
) -> Figure:
    say, language = data.options.say, data.options.language
    mine = rows[(rows["participant"] == name) & rows["value"].notna()].sort_values("day")
    if data.options.blinded:
        # A questionnaire after a procedure says that there was one.
        mine = mine[mine["timepoint"].isin([one.code for one in data.planned])]
    titles = {one.code: one.title.get(language, one.code) for one in data.protocol.events}
    events = _events(data, name).assign(what=lambda found: found["kind"].map(titles))
    points = mine.assign(kind="", what=mine["timepoint"].astype(str))
    columns = ["day", "what", "value"]
    table = pd.concat(
        [points[columns], events.assign(value=np.nan)[columns]], ignore_index=True
    ).sort_values("day", kind="stable", ignore_index=True)
    shown = _rounded(table, ["value"], say, data.decimals(instrument, scale))
    wording = Wording(
        "look-course",
        say("{scale}, participant {name}").format(scale=scale, name=name),
        say("Every score by days from randomisation, with what happened; see the table."),
        mark=say.mark,
    )
    return single_course(
        wording, Table(wording.name, wording.title, table, shown), points, events,
        x_label=say("Days from randomisation"), y_label=say("Score"), ends=_ends(instrument, scale),
    )  # fmt: skip


def _events(data: ReportData, name: str) -> pd.DataFrame:
    """Return kind and day of what happened; pooled facts hold no event that tells the arm."""
    found = data.facts.events
    found = found[found["participant"] == name]
    start = people_of(data.people)["randomised_on"].get(name)
    days = (pd.to_datetime(found["happened_on"]) - pd.to_datetime(start)).dt.days
    return pd.DataFrame({"kind": found["kind"], "day": days.astype(float)}).dropna()
