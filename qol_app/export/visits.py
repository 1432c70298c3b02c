"""The visits table: one row for every expected assessment, with the state it is in."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from qol_app.errors import DefinitionError
from qol_app.export.facts import ANSWERED, NOT_APPLICABLE, NOT_REACHED, SKIPPED, Answers, Facts
from qol_app.schedule.history import History
from qol_app.schedule.status import (
    AssessmentFacts,
    Flag,
    answer_flags,
    assessment_state,
    is_complete,
    is_expected,
)
from qol_app.schedule.windows import VisitWindow, local_day

COUNTS = {
    "n_answered": ANSWERED,
    "n_skipped": SKIPPED,
    "n_not_applicable": NOT_APPLICABLE,
    "n_not_reached": NOT_REACHED,
}
ALONE = "self"


@dataclass(frozen=True)
class Given:
    """What was given to one assessment: sums over its forms; None where nothing was."""

    modes: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    last_answer_at: datetime | None = None
    scored: frozenset[str] = frozenset()
    counts: Mapping[str, int] | None = None

    @property
    def mode(self) -> str | None:
        """Who answered; several joined by a plus sign."""
        return "+".join(self.modes) or None


NOTHING = Given()


class _Tables(NamedTuple):
    facts: Facts
    given: Mapping[int, Given]
    submitted: Mapping[int, datetime]
    reasons: Mapping[int, str]
    assessments: Mapping[int, Any]


def given_by_assessment(answers: list[Answers], scored: list[np.ndarray]) -> dict[int, Given]:
    """Return what was given to each begun assessment.

    Parameters
    ----------
    answers : list of Answers
    scored : list of arrays of bool, shape (n_forms,)
        In the same order: whether any scale of the form has a score.
    """
    forms = [_form_sums(one, any_score) for one, any_score in zip(answers, scored, strict=True)]
    if not forms:
        return {}
    frame = pd.concat(forms, ignore_index=True)
    return {key: _given(rows) for key, rows in _grouped(frame, "assessment_id").items()}


def _grouped(frame: pd.DataFrame, key: str) -> dict[int, list[Any]]:
    """Return rows by their key, in the frame's order; a frame for each would be a slow one."""
    found: dict[int, list[Any]] = defaultdict(list)
    for row in frame.itertuples(index=False):
        found[int(getattr(row, key))].append(row)
    return found


def _form_sums(answers: Answers, scored: np.ndarray) -> pd.DataFrame:
    final = answers.responses.iloc[answers.source[answers.source >= 0]]
    frame = answers.forms[["id", "assessment_id", "instrument", "language"]].copy()
    frame["scored"] = scored
    for name, status in COUNTS.items():
        frame[name] = (answers.status == status).sum(axis=1)
    answered = final[final["status"] == "ANSWERED"]
    modes: dict[int, set[str]] = defaultdict(set)
    for form_id, mode in answered[["form_id", "mode"]].drop_duplicates().itertuples(index=False):
        modes[form_id].add(mode)
    frame["modes"] = [modes.get(form_id, set()) for form_id in frame["id"]]
    # As instants: of objects pandas would look for the latest form by form.
    recorded_at = pd.to_datetime(final["recorded_at"], utc=True)
    frame["last_at"] = frame["id"].map(recorded_at.groupby(final["form_id"]).max())
    return frame


def _given(forms: list[Any]) -> Given:
    modes = {mode for one in forms for mode in one.modes}
    times = [one.last_at for one in forms if not pd.isna(one.last_at)]
    return Given(
        modes=tuple(sorted(modes)),
        languages=tuple(sorted({one.language for one in forms})),
        last_answer_at=_instant(max(times)) if times else None,
        scored=frozenset(one.instrument for one in forms if one.scored),
        counts={name: sum(int(getattr(one, name)) for one in forms) for name in COUNTS},
    )


def visit_rows(facts: Facts, given: Mapping[int, Given]) -> Iterator[dict[str, Any]]:
    """Yield one row per assessment: participants in the export's order, then by target day."""
    tables = _Tables(
        facts,
        given,
        dict(_pairs(facts.submissions, "assessment_id", "submitted_at")),
        dict(_pairs(facts.reasons.sort_values("id"), "assessment_id", "reason")),
        {row.id: row for row in facts.assessments.itertuples(index=False)},
    )
    order = ["target_on", "timepoint", "occurrence"]
    grouped = _grouped(facts.assessments.sort_values(order), "participant_id")
    for participant in facts.participants.itertuples(index=False):
        for row in grouped.get(participant.id, ()):
            yield _visit(tables, participant, row)


def _pairs(frame: pd.DataFrame, key: str, value: str) -> Iterator[tuple[Any, Any]]:
    return zip(frame[key], frame[value], strict=True)


def _visit(tables: _Tables, participant: Any, row: Any) -> dict[str, Any]:
    # Where another assessment was asked instead, its answers are looked at through this
    # one's own window.
    other = None if pd.isna(row.counted_by_id) else tables.assessments[int(row.counted_by_id)]
    asked = row if other is None else other
    given = tables.given.get(asked.id, NOTHING)
    zone = ZoneInfo(participant.timezone)
    what = AssessmentFacts(
        window=VisitWindow(row.opens_on, row.target_on, row.closes_on, row.late_until),
        started_at=_instant(asked.started_at),
        submitted_at=_instant(tables.submitted.get(asked.id)),
        valid=row.instruments[0] in given.scored if given.counts else None,
        reason=tables.reasons.get(row.id),
        dropped=not pd.isna(row.dropped_at),
        merged_into=None if other is None else (other.timepoint, other.occurrence),
        last_answer_at=given.last_answer_at,
        timepoint=row.timepoint,
        zone=zone,
    )
    history = tables.facts.histories[participant.id]
    return {
        **_planned(tables.facts, participant, row, history),
        **_judged(tables.facts, what, history, row, local_day(tables.facts.now, zone)),
        **_received(what, given if other is None else NOTHING),
        "mode": given.mode,
        "assisted": set(given.modes) != {ALONE} if given.modes else None,
        "dropped_reason": row.dropped_reason or None,
        "counted_by": None if other is None else other.public_id,
    }


def _planned(facts: Facts, participant: Any, row: Any, history: History) -> dict[str, Any]:
    return {
        "assessment_id": row.id,
        "participant": participant.study_number,
        "site": participant.site,
        "arm": history.arm,
        "assessment": row.public_id,
        "timepoint": row.timepoint,
        "occurrence": row.occurrence,
        "package": row.package,
        "protocol_version": facts.protocols[row.protocol_id].version,
        "anchor_on": row.anchor_on,
        "opens_on": row.opens_on,
        "target_on": row.target_on,
        "closes_on": row.closes_on,
        "late_until": row.late_until,
    }


def _judged(
    facts: Facts, what: AssessmentFacts, history: History, row: Any, today: Any
) -> dict[str, Any]:
    hidden = _before_allocation(facts, row)
    flags = answer_flags(what, history, hidden) if what.answered_on else ()
    return {
        "state": assessment_state(what, history, today).value,
        "expectation": is_expected(what, history, today).value,
        "complete": is_complete(what, history, today),
        "valid": what.valid,
        "answered_on": what.answered_on,
        "late": Flag.OUT_OF_WINDOW in flags if what.answered_on else None,
        "after_allocation": Flag.AFTER_ALLOCATION in flags if what.answered_on else None,
        "reason": what.reason,
    }


def _before_allocation(facts: Facts, row: Any) -> bool:
    try:
        return facts.protocols[row.protocol_id].timepoint(row.timepoint).before_allocation
    except DefinitionError:
        # A timepoint of an earlier version, kept because it had been begun.
        return False


def _received(what: AssessmentFacts, given: Given) -> dict[str, Any]:
    return {
        "started_at": what.started_at,
        "submitted_at": what.submitted_at,
        "language": "+".join(given.languages) or None,
        **(given.counts or dict.fromkeys(COUNTS)),
    }


def _instant(value: Any) -> datetime | None:
    return None if pd.isna(value) else pd.Timestamp(value).to_pydatetime()
