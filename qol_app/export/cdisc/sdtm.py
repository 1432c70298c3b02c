"""SDTM rows from the long tables: who, what happened, which visits; answers are in ``qs``."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from qol_app.definition.parts import in_language
from qol_app.export.cdisc.ae import adverse_events
from qol_app.export.cdisc.model import Dataset, dataset, numbered, sorted_by
from qol_app.export.cdisc.qs import MISSED_STATES, qs, spoken, suppqs
from qol_app.export.cdisc.sdtm_spec import DM, DS, SV
from qol_app.export.cdisc.trial import Trial, iso

Frames = Mapping[str, pd.DataFrame]
MILESTONE, DISPOSITION, OTHER = "PROTOCOL MILESTONE", "DISPOSITION EVENT", "OTHER EVENT"
ANSWERED_STATES = ("submitted", "submitted_late", "partial")

# Event kind -> reported term, standardized term, category.
DISPOSITIONS = {
    "consent": ("INFORMED CONSENT", "INFORMED CONSENT OBTAINED", MILESTONE),
    "randomisation": ("RANDOMISATION", "RANDOMIZED", MILESTONE),
    "withdrawal_all": ("WITHDRAWAL FROM THE STUDY", "WITHDRAWAL BY SUBJECT", DISPOSITION),
    "death": ("DEATH", "DEATH", DISPOSITION),
    "end_of_study": ("END OF STUDY", "COMPLETED", DISPOSITION),
    "lost_to_follow_up": ("LOST TO FOLLOW-UP", "LOST TO FOLLOW-UP", OTHER),
    "withdrawal_qol": ("WITHDRAWAL FROM QUESTIONNAIRES", "WITHDRAWAL FROM QUESTIONNAIRES", OTHER),
}
# Told elsewhere (AE), or only about contact and not about the subject's disease.
NOT_TOLD = ("adverse_event", "hold", "hold_ended", "found_again", "last_known_alive")


def sdtm(trial: Trial, frames: Frames) -> list[Dataset]:
    """Return the SDTM data sets; AE and SUPPAE only where an adverse event is recorded."""
    answers = qs(trial, frames)
    return [
        dm(trial, frames),
        *adverse_events(trial, frames["events"]),
        ds(trial, frames["events"]),
        sv(trial, frames["visits"]),
        answers,
        suppqs(trial, frames, answers),
    ]


def dm(trial: Trial, frames: Frames) -> Dataset:
    """Return one row per participant; what the system does not collect is left empty."""
    last = _last_seen(frames)
    people = frames["participants"].itertuples(index=False)
    return dataset(DM, (_person(trial, row, last.get(row.participant)) for row in people))


def _person(trial: Trial, row: Any, last_seen: Any) -> dict[str, Any]:
    titles = {arm.code: in_language(arm.titles, "en") for arm in trial.protocol.arms}
    randomised = not pd.isna(row.randomised_on)
    arm = row.arm if randomised else None
    title = titles.get(arm, arm) if arm else None
    ended = [one for one in (row.ended_on, row.death_on) if not pd.isna(one)]
    return {
        "STUDYID": trial.id,
        "DOMAIN": "DM",
        "USUBJID": trial.subject(row.participant),
        "SUBJID": row.participant,
        "RFSTDTC": iso(row.randomised_on),
        "RFENDTC": iso(last_seen) if randomised else None,
        "RFICDTC": iso(row.consent_on),
        "RFPENDTC": iso(min(ended)) if ended else None,
        "DTHDTC": iso(row.death_on),
        "DTHFL": None if pd.isna(row.death_on) else "Y",
        "SITEID": row.site,
        "SEX": "U",
        "ARMCD": arm,
        "ARM": title,
        "ACTARMCD": arm,
        "ACTARM": title,
        # An export pooled over arms hides what was assigned.
        "ARMNRS": None if arm else ("NOT SHOWN" if randomised else "NOT ASSIGNED"),
        "COUNTRY": trial.country,
    }


def _last_seen(frames: Frames) -> dict[str, Any]:
    days = [
        frames["events"][["participant", "happened_on"]].set_axis(["who", "on"], axis=1),
        frames["visits"][["participant", "answered_on"]].set_axis(["who", "on"], axis=1),
    ]
    known = pd.concat([one.dropna() for one in days if len(one.dropna())] or days)
    return {str(who): max(group["on"]) for who, group in known.groupby("who") if len(group)}


def ds(trial: Trial, events: pd.DataFrame) -> Dataset:
    """Return milestones, what ended somebody's part, and the course of the disease."""
    told = events[~events["kind"].isin(NOT_TOLD)].itertuples(index=False)
    return numbered(dataset(DS, (_disposition(trial, row) for row in told)), "DSSEQ")


def _disposition(trial: Trial, row: Any) -> dict[str, Any]:
    other = (spoken(row.kind), spoken(row.kind), OTHER)
    term, standard, category = DISPOSITIONS.get(row.kind, other)
    return {
        "STUDYID": trial.id,
        "DOMAIN": "DS",
        "USUBJID": trial.subject(row.participant),
        "DSTERM": term,
        "DSDECOD": standard,
        "DSCAT": category,
        "DSSTDTC": iso(row.happened_on),
        "DSSTDY": trial.day(row.participant, row.happened_on),
    }


def sv(trial: Trial, visits: pd.DataFrame) -> Dataset:
    """Return the visits whose outcome is known: answered, or closed without an answer."""
    found = dataset(SV, _visits(trial, visits))
    return Dataset(SV, sorted_by(found.frame, ["USUBJID", "VISITNUM"]))


def _visits(trial: Trial, visits: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for row in visits.itertuples(index=False):
        came = row.state in ANSWERED_STATES
        if not (came or row.state in MISSED_STATES):
            continue
        begun = trial.local(row.site, row.started_at) if came else None
        first = row.answered_on if came and begun is None else begun and begun.date()
        yield {
            "STUDYID": trial.id,
            "DOMAIN": "SV",
            "USUBJID": trial.subject(row.participant),
            "VISITNUM": trial.visit_number(row.timepoint, row.occurrence),
            "VISIT": trial.visit_name(row.timepoint, row.occurrence),
            "SVPRESP": "Y",
            "SVOCCUR": "Y" if came else "N",
            "SVREASOC": None if came else spoken(row.reason),
            "VISITDY": trial.planned_day(row.timepoint),
            "SVSTDTC": iso(first),
            "SVENDTC": iso(row.answered_on) if came else None,
            "SVSTDY": trial.day(row.participant, first),
            "SVENDY": trial.day(row.participant, row.answered_on) if came else None,
        }
