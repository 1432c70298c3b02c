"""What state an assessment is in, and whether it was expected: derived, never stored.

The rules of the rates are those of SISAQOL (Coens et al., Lancet Oncol 2020;21:e83): the dead
leave the variable denominator and are not missing; whoever was alive, had not withdrawn and
whose window has closed was expected.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from qol_app.definition.protocol import StopRules
from qol_app.schedule.history import Contact, History
from qol_app.schedule.planned import Key
from qol_app.schedule.windows import VisitWindow, local_day

DEFAULT_ZONE = ZoneInfo("Europe/Stockholm")


@dataclass(frozen=True, slots=True)
class AssessmentFacts:
    """What is known about one assessment besides the participant's history.

    ``started_at``, ``last_answer_at`` and ``submitted_at`` are aware instants; ``valid`` says
    whether the answers given let at least one scale of the main instrument be scored (None:
    no answers, or not looked at); ``reason`` is a confirmed reason for missing; ``dropped``
    says that a re-plan took it out. For a merged assessment the instants are those of the
    one that was asked, the window its own. ``zone`` is the participant's.
    """

    window: VisitWindow
    started_at: datetime | None = None
    submitted_at: datetime | None = None
    valid: bool | None = None
    reason: str | None = None
    dropped: bool = False
    merged_into: Key | None = None
    last_answer_at: datetime | None = None
    timepoint: str = ""
    zone: ZoneInfo = DEFAULT_ZONE

    @property
    def answered_on(self) -> date | None:
        """The local day that decides whether the answers were in time.

        The day of submission; of the last answer where nothing was submitted.
        """
        at = self.submitted_at or self.last_answer_at or self.started_at
        return local_day(at, self.zone) if at else None


class AssessmentState(StrEnum):
    """Where one assessment stands today."""

    NOT_YET = "not_yet"
    OPEN = "open"
    STARTED = "started"
    HELD = "held"
    # The window is still open, but the person may no longer be asked; judged when it closes.
    PENDING = "pending"
    SUBMITTED = "submitted"
    SUBMITTED_LATE = "submitted_late"
    # Closed with answers that were never submitted.
    PARTIAL = "partial"
    MISSED = "missed"
    MISSED_EXPLAINED = "missed_explained"
    NOT_EXPECTED_DEAD = "not_expected_dead"
    NOT_EXPECTED_WITHDRAWN = "not_expected_withdrawn"
    NOT_EXPECTED_LOST = "not_expected_lost"
    NOT_EXPECTED_ENDED = "not_expected_ended"
    # Asked together with another assessment that has not been answered yet.
    MERGED = "merged"
    DROPPED = "dropped"


class Expectation(StrEnum):
    """Whether an assessment belongs in the denominator of the completion rate."""

    EXPECTED = "expected"
    PENDING = "pending"
    DEAD = "dead"
    WITHDRAWN = "withdrawn"
    LOST = "lost"
    ENDED = "ended"
    DROPPED = "dropped"

    @property
    def counts(self) -> bool:
        """Whether it is in the denominator."""
        return self is Expectation.EXPECTED


class Flag(StrEnum):
    """What an export says beside an answer that is kept but not in the main analysis."""

    OUT_OF_WINDOW = "OUT_OF_WINDOW"
    AFTER_ALLOCATION = "AFTER_ALLOCATION"


def is_expected(facts: AssessmentFacts, history: History, today: date) -> Expectation:
    """Return whether an assessment counts in the completion rate's denominator.

    Whoever answered validly was expected, whatever came after. Otherwise: dead by the target
    day, or inside the window before answering, not expected; withdrawn or declared lost on
    or before the target day not expected, after it expected; and until the window has
    closed, the closing day included, undecided (``PENDING``) unless it was submitted.

    Parameters
    ----------
    facts : AssessmentFacts
    history : History
        The participant's events; those after ``today`` are not looked at.
    today : date
        The participant's local day.

    Source
    ------
    Coens et al., Lancet Oncol 2020;21:e83 (SISAQOL), completion rate with a variable
    denominator.
    """
    if facts.dropped:
        return Expectation.DROPPED
    judged = facts.submitted_at is not None or today > facts.window.closes
    left = _left_before(facts, history, today)
    if facts.valid and (judged or left is not None):
        return Expectation.EXPECTED
    if left is not None:
        return left
    return Expectation.EXPECTED if judged else Expectation.PENDING


def is_complete(facts: AssessmentFacts, history: History, today: date) -> bool:
    """Return whether an assessment counts in the completion rate's numerator.

    It was expected, its answers are valid and were given inside the window. Answers nobody
    submitted count once nothing more can come: the window has closed or the person left.
    """
    if not facts.valid or facts.answered_on is None:
        return False
    in_time = facts.window.contains(facts.answered_on)
    return in_time and is_expected(facts, history, today).counts


def assessment_state(facts: AssessmentFacts, history: History, today: date) -> AssessmentState:
    """Return where an assessment stands on a participant's local day."""
    if facts.dropped:
        return AssessmentState.DROPPED
    if facts.submitted_at is not None:
        late = local_day(facts.submitted_at, facts.zone) > facts.window.closes
        return AssessmentState.SUBMITTED_LATE if late else AssessmentState.SUBMITTED
    expectation = is_expected(facts, history, today)
    if expectation in _NOT_EXPECTED:
        return _NOT_EXPECTED[expectation]
    if facts.merged_into is not None:
        return AssessmentState.MERGED
    if today > facts.window.closes:
        return _closed_state(facts)
    if today < facts.window.opens:
        return AssessmentState.NOT_YET
    return _open_state(facts, history.contact_state(today).state)


def answer_flags(
    facts: AssessmentFacts, history: History, before_allocation: bool = False
) -> tuple[Flag, ...]:
    """Return what must be said beside an assessment's answers; empty if nothing.

    Parameters
    ----------
    facts : AssessmentFacts
    history : History
    before_allocation : bool
        Whether the timepoint wants its answers before allocation is disclosed. Answers of
        the day of randomisation are after it if they were begun after it was recorded.
    """
    flags = []
    if facts.answered_on is not None and not facts.window.contains(facts.answered_on):
        flags.append(Flag.OUT_OF_WINDOW)
    if before_allocation and _after_allocation(facts, history):
        flags.append(Flag.AFTER_ALLOCATION)
    return tuple(flags)


def proposed_reason(facts: AssessmentFacts, history: History) -> str | None:
    """Return the pause reason that covers a window's closing or target day, to be confirmed."""
    for day in (facts.window.closes, facts.window.target):
        hold = history.held_on(day)
        if hold is not None and hold.reason:
            return _REASON_OF_HOLD.get(hold.reason, hold.reason)
    return None


def proposes_lost(rules: StopRules, states: Sequence[AssessmentState], failed_calls: int) -> bool:
    """Return whether a person should be asked to declare somebody lost to follow-up.

    Parameters
    ----------
    rules : StopRules
    states : sequence of AssessmentState
        Of the scheduled assessments, earliest first; those not closed yet do not count.
    failed_calls : int
        Calls since the last answer in which nobody was reached.
    """
    missed = 0
    for state in states:
        if state in _SILENT:
            missed += 1
        elif state in _HEARD:
            missed = 0
    return missed >= rules.lost_after_missed and failed_calls >= rules.lost_after_failed_calls


_SILENT = (AssessmentState.MISSED, AssessmentState.MISSED_EXPLAINED)
_HEARD = (
    AssessmentState.STARTED,
    AssessmentState.PARTIAL,
    AssessmentState.SUBMITTED,
    AssessmentState.SUBMITTED_LATE,
)
_REASON_OF_HOLD = {"hospice": "too_ill", "language": "language_or_reading", "travel": "not_reached"}

_NOT_EXPECTED = {
    Expectation.DEAD: AssessmentState.NOT_EXPECTED_DEAD,
    Expectation.WITHDRAWN: AssessmentState.NOT_EXPECTED_WITHDRAWN,
    Expectation.LOST: AssessmentState.NOT_EXPECTED_LOST,
    Expectation.ENDED: AssessmentState.NOT_EXPECTED_ENDED,
}


def _left_before(facts: AssessmentFacts, history: History, today: date) -> Expectation | None:
    """Return why somebody without valid answers had left the denominator, if so."""
    window = facts.window
    died_on = history.death_on
    if died_on is not None and died_on <= today:
        # Answers of no use are answers all the same: then only the target day decides.
        last = window.target if facts.submitted_at is not None else window.closes
        if died_on <= last:
            return Expectation.DEAD
    withdrew_on = history.withdrawn_from_qol_on
    if withdrew_on is not None and withdrew_on <= min(today, window.target):
        return Expectation.WITHDRAWN
    for lost_on, found_on in history.lost_spells:
        back_in_time = found_on is not None and found_on <= min(today, window.closes)
        if lost_on <= min(today, window.target) and not back_in_time:
            return Expectation.LOST
    ended_on = history.ended_on
    if ended_on is not None and ended_on <= min(today, window.target):
        return Expectation.ENDED
    return None


def _closed_state(facts: AssessmentFacts) -> AssessmentState:
    if facts.started_at is not None:
        return AssessmentState.PARTIAL
    return AssessmentState.MISSED_EXPLAINED if facts.reason else AssessmentState.MISSED


def _open_state(facts: AssessmentFacts, contact: Contact) -> AssessmentState:
    if contact is Contact.STOPPED:
        return AssessmentState.PENDING
    if facts.started_at is not None:
        return AssessmentState.STARTED
    return AssessmentState.HELD if contact is Contact.HELD else AssessmentState.OPEN


def _after_allocation(facts: AssessmentFacts, history: History) -> bool:
    randomised = history.first("randomisation")
    if randomised is None or facts.answered_on is None:
        return False
    if facts.answered_on != randomised.on:
        return facts.answered_on > randomised.on
    recorded, begun = randomised.recorded_at, facts.started_at or facts.submitted_at
    if recorded is None or begun is None:
        return False
    return local_day(recorded, facts.zone) == randomised.on and begun >= recorded
