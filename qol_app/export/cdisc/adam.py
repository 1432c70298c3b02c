"""ADaM rows: subjects, scores with baseline and change, times to events."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from qol_app.analysis.dataset import baselines, pro_score
from qol_app.definition.parts import in_language
from qol_app.export.cdisc.adam_spec import ADQS, ADSL, ADTTE
from qol_app.export.cdisc.model import Dataset, dataset, numbered, sorted_by
from qol_app.export.cdisc.parameters import Parameter, event_parameter, score_parameters
from qol_app.export.cdisc.qs import group_id
from qol_app.export.cdisc.trial import Trial
from qol_app.export.tte import tte

Frames = Mapping[str, pd.DataFrame]
SOURCES = {"OS": ("DS", "DSSTDTC"), "PFS": ("DS", "DSSTDTC"), "TTD": ("ADQS", "ADT")}


def adam(trial: Trial, frames: Frames) -> list[Dataset]:
    """Return the ADaM data sets; the last two hold randomised subjects only."""
    subjects = adsl(trial, frames)
    known = {row["SUBJID"]: row for row in subjects.frame.to_dict("records")}
    return [subjects, adqs(trial, frames, known), adtte(trial, frames, known)]


def adsl(trial: Trial, frames: Frames) -> Dataset:
    """Return one row per participant."""
    answered = frames["visits"].dropna(subset=["answered_on"]).groupby("participant")
    last = {str(who): max(rows["answered_on"]) for who, rows in answered}
    people = frames["participants"].itertuples(index=False)
    return dataset(ADSL, (_subject(trial, row, last.get(row.participant)) for row in people))


def _subject(trial: Trial, row: Any, answered_on: Any) -> dict[str, Any]:
    titles = {arm.code: in_language(arm.titles, "en") for arm in trial.protocol.arms}
    randomised = not pd.isna(row.randomised_on)
    arm = titles.get(row.arm, row.arm) if randomised else None
    ended = [one for one in (row.ended_on, row.death_on) if not pd.isna(one)]
    alive = [one for one in (row.last_alive_on, answered_on) if not pd.isna(one)]
    if not pd.isna(row.death_on):
        alive = [min(one, row.death_on) for one in alive]
    return {
        "STUDYID": trial.id,
        "USUBJID": trial.subject(row.participant),
        "SUBJID": row.participant,
        "SITEID": row.site,
        "SEX": "U",
        "ARM": arm,
        "TRT01P": arm,
        "TRT01A": arm,
        "ITTFL": "Y" if randomised else "N",
        "RANDFL": "Y" if randomised else "N",
        "RFICDT": _date(row.consent_on),
        "RANDDT": _date(row.randomised_on),
        "DTHDT": _date(row.death_on),
        "DTHFL": None if pd.isna(row.death_on) else "Y",
        "LSTALVDT": max(alive, default=None),
        "QOLWDDT": _date(row.withdrawn_on),
        "EOSDT": min(ended, default=None),
    }


def _date(value: Any) -> Any:
    return None if pd.isna(value) else value


SHARED = ("STUDYID", "USUBJID", "SUBJID", "SITEID", "TRT01P", "TRT01A", "ITTFL")


def adqs(trial: Trial, frames: Frames, subjects: Mapping[str, Mapping[str, Any]]) -> Dataset:
    """Return every score of randomised subjects with baseline, change and analysis flag."""
    if not len(frames["scores"]) or not frames["participants"]["randomised_on"].notna().any():
        return dataset(ADQS, [])
    order = [one.code for one in trial.protocol.timepoints]
    key = ["assessment", "instrument", "scale"]
    counts = frames["scores"][[*key, "n_expected", "n_answered", "answered_on"]]
    rows = pro_score(frames["scores"], frames["visits"], frames["participants"], order)
    # Scores counted for a second assessment too stand once here, where they were given.
    rows = rows.merge(counts, on=key, how="inner")
    first = baselines(frames["scores"], frames["participants"])
    who = ["participant", "instrument", "scale"]
    rows = rows.merge(first[[*who, "baseline_day"]], on=who, how="left")
    return numbered(dataset(ADQS, _scores(trial, rows, subjects)), "ASEQ")


def _scores(
    trial: Trial, rows: pd.DataFrame, subjects: Mapping[str, Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    parameters = score_parameters(trial.study)
    for row in rows.itertuples(index=False):
        parameter = parameters.get((row.instrument, row.scale))
        if parameter is not None:
            yield {**_score(trial, row, parameter), **_shared(subjects[row.participant])}


def _shared(subject: Mapping[str, Any]) -> dict[str, Any]:
    return {name: subject[name] for name in SHARED}


def _score(trial: Trial, row: Any, parameter: Parameter) -> dict[str, Any]:
    after = not pd.isna(row.day) and row.day > 0
    change = row.change if after else None
    relative = None
    if after and not pd.isna(row.change) and row.baseline:
        relative = 100 * row.change / row.baseline
    return {
        "PARAM": parameter.label,
        "PARAMCD": parameter.code,
        "PARCAT1": parameter.category,
        "PARCAT2": parameter.kind,
        "AVAL": _date(row.value),
        "BASE": _date(row.baseline),
        "CHG": _date(change),
        "PCHG": relative,
        "ABLFL": "Y" if row.day == row.baseline_day and not row.after_allocation else None,
        "ADT": _date(row.answered_on),
        "ADY": trial.day(row.participant, row.answered_on),
        "AVISIT": trial.visit_name(row.timepoint, row.occurrence),
        "AVISITN": trial.visit_number(row.timepoint, row.occurrence),
        "ANL01FL": "Y" if row.main else None,
        "LATEFL": "Y" if row.late else None,
        "AFTALLFL": "Y" if row.after_allocation else None,
        "NITEMS": row.n_expected,
        "NANSWER": row.n_answered,
        "QSGRPID": group_id(row.assessment, row.instrument),
    }


def adtte(trial: Trial, frames: Frames, subjects: Mapping[str, Mapping[str, Any]]) -> Dataset:
    """Return times to death, progression and deterioration, CNSR 0 for an event."""
    times = tte(trial.study, frames).itertuples(index=False)
    rows = ({**_time(row), **_shared(subjects[row.participant])} for row in times)
    found = dataset(ADTTE, rows)
    return Dataset(ADTTE, sorted_by(found.frame, list(ADTTE.keys)))


LABELS = {"OS": "Overall survival", "PFS": "Progression-free survival"}


def _time(row: Any) -> dict[str, Any]:
    domain, variable = SOURCES[row.endpoint]
    deterioration = row.endpoint == "TTD"
    label = LABELS.get(row.endpoint) or f"Time to deterioration of {row.scale}, {row.definition}"
    return {
        "PARAM": f"{label} (days)",
        "PARAMCD": event_parameter(row.endpoint, row.scale, row.definition),
        "PARCAT1": "QUALITY OF LIFE" if deterioration else "SURVIVAL",
        "AVAL": row.days,
        "AVALU": "DAYS",
        "STARTDT": row.start_on.date(),
        "ADT": row.ended_on.date(),
        "CNSR": 1 - int(row.event),
        "EVNTDESC": row.outcome.upper(),
        "CNSDTDSC": None if row.event else row.outcome.upper(),
        "SRCDOM": domain,
        "SRCVAR": variable,
    }
