"""How to read the scores: steps, differences that matter, thresholds and other people's scores.

Every number comes from the ``interpretation.yaml`` of its instrument and stands beside its
source and how far that was followed.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from qol_app.analysis.change import change_from_baseline
from qol_app.definition.instrument import Instrument
from qol_app.definition.interpretation import (
    ChangeClasses,
    ClinicalImportance,
    GuideBase,
    MinimalDifferences,
    Reference,
    change_class,
    is_problem,
)
from qol_app.definition.parts import in_language
from qol_app.definition.scales import Direction
from qol_app.report.courses import scales_answered
from qol_app.report.data import ReportData
from qol_app.report.model import Draft, Section
from qol_app.report.speech import Speech
from qol_app.scoring.steps import smallest_step

SCALES = ["instrument", "scale", "title", "better", "smallest_step", "one_participant",
          "between_groups", "problem"]  # fmt: skip
BEYOND = ["scale", "title", "timepoint", "arm", "beyond", "answered", "percent"]
CHANGES = ["scale", "title", "timepoint", "arm", "n", "mean_change", "meaning"]
OTHERS = ["scale", "title", "population", "mean", "sd", "here_at_baseline"]


def reading(data: ReportData) -> Section:
    """Return what a point means on each scale, who is beyond a threshold, and how others score."""
    say = data.options.say
    draft = Draft("reading", say("How to read the scores"), say)
    draft.tell(
        "A score can only move by whole steps; a difference below the smallest step cannot be "
        "seen in one participant. Thresholds for groups are not for one person."
    )
    answered = [(one, _titled(data, one, scales)) for one, scales in scales_answered(data)]
    rows = [row for one, scales in answered for row in _scales(data, one, scales)]
    draft.table("reading", say("What a point means"), pd.DataFrame(rows, columns=SCALES))
    beyond = pd.DataFrame(
        [row for one, scales in answered for row in _beyond(data, one, scales)], columns=BEYOND
    )
    shown = beyond.assign(beyond=list(map(say.share, beyond["beyond"], beyond["answered"])))
    draft.table(
        "beyond-thresholds",
        say("Participants with a score of clinical importance"),
        beyond,
        shown.drop(columns=["answered", "percent"]),
    )
    others = [row for one, scales in answered for row in _others(data, one, scales)]
    table = pd.DataFrame(others, columns=OTHERS)
    draft.table("others", say("Scores of other people"), table, _others_shown(say, table))
    changes = [row for one, scales in answered for row in _changes(data, one, scales)]
    classed = pd.DataFrame(changes, columns=CHANGES)
    draft.table(
        "change-classes",
        say("What the mean change from baseline means"),
        classed,
        classed.assign(mean_change=list(map(say.number, classed["mean_change"]))),
    )
    for instrument, _ in answered:
        _name_sources(draft, data, instrument)
    return draft.section()


def of_one_scale(data: ReportData, instrument: Instrument, scale: str) -> Section:
    """Return what a point means on one scale: its row of the table, and the sources."""
    say = data.options.say
    draft = Draft("reading", say("How to read the scores"), say)
    rows = _scales(data, instrument, {scale: data.scale_title(instrument, scale)})
    draft.table("reading", say("What a point means"), pd.DataFrame(rows, columns=SCALES))
    _name_sources(draft, data, instrument)
    return draft.section()


def _name_sources(draft: Draft, data: ReportData, instrument: Instrument) -> None:
    for guide in _guides(data, instrument):
        draft.note(
            "{instrument}, {title}: {source} ({flag})",
            instrument=data.called(instrument.code),
            title=in_language(guide.title, data.options.language),
            source=guide.source,
            flag=draft.say(str(guide.flag)),
        )


def _titled(data: ReportData, instrument: Instrument, scales: list[str]) -> dict[str, str]:
    known = {one.code for one in instrument.scales}
    return {one: data.scale_title(instrument, one) for one in scales if one in known}


def _guides(data: ReportData, instrument: Instrument) -> tuple[GuideBase, ...]:
    known = data.interpretations.get(instrument.code)
    return known.guides if known else ()


def _scales(
    data: ReportData, instrument: Instrument, scales: dict[str, str]
) -> Iterator[tuple[object, ...]]:
    words = {
        Direction.BETTER: data.options.say("higher is better"),
        Direction.WORSE: data.options.say("higher is worse"),
    }
    for scale, title in scales.items():
        yield (
            instrument.code,
            scale,
            title,
            words.get(instrument.scale(scale).direction, ""),
            smallest_step(instrument, scale),
            data.threshold(instrument.code, scale).points,
            _between(data, instrument, scale),
            _problem(data, instrument, scale),
        )


def _between(data: ReportData, instrument: Instrument, scale: str) -> str:
    """Return the smallest difference between groups that matters: a number or a range."""
    small = data.difference(instrument.code, scale)
    if small:
        return data.options.say.short(small.points)
    known = data.interpretations.get(instrument.code)
    for guide in known.of_kind(MinimalDifferences) if known else ():
        if scale in guide.values:
            return "–".join(map(data.options.say.short, guide.values[scale]))
    return ""


def _importance(data: ReportData, instrument: Instrument) -> ClinicalImportance | None:
    known = data.interpretations.get(instrument.code)
    return next(iter(known.of_kind(ClinicalImportance)), None) if known else None


def _problem(data: ReportData, instrument: Instrument, scale: str) -> str:
    guide = _importance(data, instrument)
    if guide is None or scale not in guide.values:
        return ""
    better = instrument.scale(scale).direction is Direction.BETTER
    return f"{'<' if better else '>'} {data.options.say.short(guide.values[scale])}"


def _beyond(
    data: ReportData, instrument: Instrument, scales: dict[str, str]
) -> Iterator[tuple[object, ...]]:
    """Yield numerator and denominator by scale, timepoint and arm: scores in the main analysis."""
    guide = _importance(data, instrument)
    baseline = [one.code for one in data.planned if one.day <= 0][:1]
    for scale, title in scales.items() if guide else ():
        if scale not in guide.values:  # type: ignore[union-attr]
            continue
        mine = _main(data, instrument, scale)
        for timepoint in [*baseline, *data.options.key_timepoints]:
            for arm in data.arms:
                there = mine[(mine["timepoint"] == timepoint) & (mine["arm"] == arm)]["value"]
                if len(there):
                    n = sum(bool(is_problem(guide, instrument, scale, one)) for one in there)  # type: ignore[arg-type]
                    yield scale, title, timepoint, arm, n, len(there), 100 * n / len(there)


def _changes(
    data: ReportData, instrument: Instrument, scales: dict[str, str]
) -> Iterator[tuple[object, ...]]:
    """Yield the mean change by scale, timepoint and arm, and the published class it belongs to."""
    known = data.interpretations.get(instrument.code)
    planned = {one.code for one in data.later}
    times = [code for code in data.options.key_timepoints if code in planned]
    for guide in known.of_kind(ChangeClasses) if known else ():
        for scale, title in scales.items():
            if scale not in guide.values:
                continue
            for timepoint in times:
                rows = data.course(scale, instrument.code, [timepoint])
                for row in change_from_baseline(rows, by=["arm"]).table.itertuples():
                    if row.n:
                        meaning = change_class(guide, instrument, scale, row.mean)
                        yield scale, title, timepoint, row.arm, row.n, row.mean, meaning


def _main(data: ReportData, instrument: Instrument, scale: str) -> pd.DataFrame:
    rows = data.scores
    mine = (rows["instrument"] == instrument.code) & (rows["scale"] == scale)
    return rows[mine & rows["main"]]


def _others_shown(say: Speech, table: pd.DataFrame) -> pd.DataFrame:
    measures = ["mean", "sd", "here_at_baseline"]
    return table.assign(**{name: [say.number(one) for one in table[name]] for name in measures})


def _others(
    data: ReportData, instrument: Instrument, scales: dict[str, str]
) -> Iterator[tuple[object, ...]]:
    known = data.interpretations.get(instrument.code)
    guides = known.of_kind(Reference) if known else ()
    for scale, title in scales.items():
        here = _main(data, instrument, scale).drop_duplicates("participant")["baseline"].mean()
        for guide in guides:
            if scale in guide.values:
                spread = guide.values[scale]
                population = in_language(guide.title, data.options.language)
                sd = np.nan if spread.sd is None else spread.sd
                yield scale, title, population, spread.mean, sd, here
