"""Where every assessment stands today, derived from the facts by a handful of queries.

The number of queries does not depend on the number of participants, and nothing derived is
kept: the rules are those of ``qol_app.schedule.status``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased

from qol_app.db.tables import (
    Assessment,
    Form,
    MissingReason,
    Participant,
    Response,
    Site,
    Submission,
)
from qol_app.definition.protocol import Protocol
from qol_app.schedule.history import History
from qol_app.schedule.planned import Key
from qol_app.schedule.status import (
    AssessmentFacts,
    AssessmentState,
    Expectation,
    assessment_state,
    is_complete,
    is_expected,
    proposed_reason,
)
from qol_app.schedule.windows import VisitWindow
from qol_app.services.context import Context
from qol_app.services.participants import courses, visible
from qol_app.services.validity import valid_assessments

# Closed without anything handed in: somebody is asked why.
CLOSED = (AssessmentState.MISSED, AssessmentState.PARTIAL)


@dataclass(frozen=True, slots=True)
class Standing:
    """One assessment, what is known about it, and where that leaves it today."""

    id: int
    public_id: str
    timepoint: str
    occurrence: int
    package: str
    provisional: bool
    facts: AssessmentFacts
    state: AssessmentState
    expectation: Expectation
    complete: bool
    proposed_reason: str | None

    @property
    def window(self) -> VisitWindow:
        """Its visit window."""
        return self.facts.window

    @property
    def key(self) -> Key:
        """Its identity within the participant's plan."""
        return (self.timepoint, self.occurrence)


@dataclass(frozen=True, slots=True)
class Person:
    """One participant without identity, with all that is expected of them."""

    id: int
    public_id: str
    study_number: str
    site_id: int
    site_code: str
    timezone: str
    protocol: Protocol
    history: History
    today: date
    standings: tuple[Standing, ...]

    @property
    def randomised(self) -> bool:
        """Whether an arm has been allocated."""
        return self.history.first("randomisation") is not None


def people(
    ctx: Context, site_id: int | None = None, participant_id: int | None = None
) -> list[Person]:
    """Return the participants the actor may see, by study number, each with their standings.

    Parameters
    ----------
    site_id, participant_id : int, optional
        Only those of one site, only one of them.
    """
    scope = visible(ctx)
    if site_id is not None:
        scope = scope.where(Participant.site_id == site_id)
    if participant_id is not None:
        scope = scope.where(Participant.id == participant_id)
    rows = ctx.session.execute(
        scope.with_only_columns(
            Participant.id,
            Participant.public_id,
            Participant.study_number,
            Participant.site_id,
            Participant.protocol_id,
            Participant.timezone,
            Site.code,
        )
        .join(Site, Site.id == Participant.site_id)
        .order_by(Participant.study_number)
    ).all()
    known = courses(ctx, [row.id for row in rows])
    gathered = _Gathered(ctx, scope.with_only_columns(Participant.id))
    return [_person(ctx, row, known[row.id].history(), gathered.of.get(row.id, [])) for row in rows]


def _person(ctx: Context, row: Any, history: History, facts: list["_Facts"]) -> Person:
    today = ctx.today(row.timezone)
    zone = ZoneInfo(row.timezone)
    return Person(
        id=row.id,
        public_id=row.public_id,
        study_number=row.study_number,
        site_id=row.site_id,
        site_code=row.code,
        timezone=row.timezone,
        protocol=ctx.library.protocol(ctx.session, row.protocol_id),
        history=history,
        today=today,
        standings=tuple(_standing(one, history, today, zone) for one in facts),
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    """An assessment row, and the instants of the one that was asked in its stead, if any."""

    row: Any
    asked: Any
    valid: bool | None
    last_answer_at: datetime | None
    reason: str | None
    merged_into: Key | None


def _standing(one: _Facts, history: History, today: date, zone: ZoneInfo) -> Standing:
    row = one.row
    facts = AssessmentFacts(
        window=VisitWindow(row.opens_on, row.target_on, row.closes_on, row.late_until),
        started_at=one.asked.started_at,
        submitted_at=one.asked.submitted_at,
        valid=one.valid,
        reason=one.reason,
        dropped=row.dropped_at is not None,
        merged_into=one.merged_into,
        last_answer_at=one.last_answer_at,
        timepoint=row.timepoint,
        zone=zone,
    )
    state = assessment_state(facts, history, today)
    return Standing(
        id=row.id,
        public_id=row.public_id,
        timepoint=row.timepoint,
        occurrence=row.occurrence,
        package=row.package,
        provisional=row.provisional,
        facts=facts,
        state=state,
        expectation=is_expected(facts, history, today),
        complete=is_complete(facts, history, today),
        proposed_reason=proposed_reason(facts, history) if state in CLOSED else None,
    )


class _Gathered:
    """The facts about all assessments of a scope of participants."""

    def __init__(self, ctx: Context, scope: Select[tuple[int]]) -> None:
        rows = self._rows(ctx, scope)
        by_id = {row.id: row for row in rows}
        begun = {row.id: _main_instrument(ctx, row) for row in rows if row.started_at is not None}
        valid = valid_assessments(ctx, scope, begun) if begun else {}
        unsent = any(row.started_at and not row.submitted_at for row in rows)
        last = _last_answers(ctx, scope) if unsent else {}
        reasons = _reasons(ctx, scope)
        self.of: dict[int, list[_Facts]] = {}
        for row in rows:
            asked = by_id.get(row.counted_by_id, row)
            self.of.setdefault(row.participant_id, []).append(
                _Facts(
                    row=row,
                    asked=asked,
                    valid=valid.get(asked.id),
                    last_answer_at=last.get(asked.id),
                    reason=reasons.get(row.id),
                    merged_into=(asked.timepoint, asked.occurrence) if asked is not row else None,
                )
            )

    @staticmethod
    def _rows(ctx: Context, scope: Select[tuple[int]]) -> Sequence[Any]:
        # Plain rows: making thousands of mapped objects would take longer than the rules do.
        assessment, submission = Assessment.__table__, Submission.__table__
        query = (
            select(*(assessment.c[name] for name in COLUMNS), submission.c.submitted_at)
            .outerjoin(submission, submission.c.assessment_id == assessment.c.id)
            .where(assessment.c.participant_id.in_(scope))
            .order_by(assessment.c.target_on, assessment.c.id)
        )
        ctx.session.flush()
        return ctx.session.connection().execute(query).all()


COLUMNS = (
    *("id", "public_id", "participant_id", "protocol_id", "timepoint", "occurrence", "package"),
    *("opens_on", "target_on", "closes_on", "late_until", "provisional"),
    *("counted_by_id", "dropped_at", "started_at"),
)


def _main_instrument(ctx: Context, row: Any) -> str:
    """Return the first instrument of an assessment's package: the one that makes it valid."""
    protocol = ctx.library.protocol(ctx.session, row.protocol_id)
    return protocol.package(row.package).instruments[0]


def _reasons(ctx: Context, scope: Select[tuple[int]]) -> Mapping[int, str]:
    query = (
        select(MissingReason.assessment_id, MissingReason.reason)
        .join(Assessment, Assessment.id == MissingReason.assessment_id)
        .where(Assessment.participant_id.in_(scope))
        .order_by(MissingReason.id)
    )
    # The latest row counts: later ones overwrite earlier ones in the dictionary.
    return {row.assessment_id: row.reason for row in ctx.session.execute(query)}


def _last_answers(ctx: Context, scope: Select[tuple[int]]) -> Mapping[int, datetime]:
    submitted = aliased(Submission)
    query = (
        select(Form.assessment_id, func.max(Response.recorded_at).label("at"))
        .join(Response, Response.form_id == Form.id)
        .join(Assessment, Assessment.id == Form.assessment_id)
        .outerjoin(submitted, submitted.assessment_id == Form.assessment_id)
        .where(Assessment.participant_id.in_(scope), submitted.assessment_id.is_(None))
        .group_by(Form.assessment_id)
    )
    return {row.assessment_id: row.at for row in ctx.session.execute(query)}


def shown(standings: Iterable[Standing]) -> list[Standing]:
    """Return the standings a person should see: all but those no longer planned."""
    return [one for one in standings if one.state is not AssessmentState.DROPPED]
