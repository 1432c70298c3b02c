"""A made-up trial whose truth is known, in the shape in which a real one leaves the program.

It serves to find out whether the analyses give back what was put in. Arms differ on two scales
and in survival (hazard ratio 0.6). Who does worse on the last answers gives up the
questionnaires sooner, so the mean of those who still answer is too good; a model of all answers
given is not misled, for what drives people away has been seen. Scores are plain normal numbers,
unbounded, so that the truth is exact.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pandas as pd

from qol_app.schedule.history import Event, History
from qol_app.schedule.status import AssessmentFacts, is_complete, is_expected
from qol_app.schedule.windows import VisitWindow

TODAY = date(2030, 6, 3)
# Target, first and last day of each window from randomisation.
WINDOWS: Mapping[str, tuple[int, int, int]] = {
    "T0": (0, -28, 0),
    "W6": (42, 35, 56),
    "M3": (91, 77, 112),
    "M6": (183, 155, 211),
    "M12": (365, 330, 407),
}
LATER = tuple(WINDOWS)[1:]
ARMS = ("A", "B")
# Change from baseline in arm B, and what arm A adds to it, at each later visit.
CONTROL = {"PF": (-9.0, -6.0, -5.0, -5.0), "FA": (8.0, 6.0, 5.0, 6.0)}
EFFECT = {"PF": (-3.0, 4.0, 8.0, 6.0), "FA": (2.0, -4.0, -9.0, -6.0)}
START = {"PF": (75.0, 15.0), "FA": (35.0, 18.0)}
SLOPE = -0.3
HAZARD_RATIO = 0.6
# Half of arm B is alive after three years; metastases in bone raise the hazard.
HAZARD, BONE_RATIO = np.log(2) / 1096, 1.8
SPREAD = np.array([[11.0, 0, 0, 0], [7.0, 9.0, 0, 0], [6.0, 5.0, 9.0, 0], [5.0, 4.0, 6.0, 9.0]])
SKIPPED, LATE, NO_BASELINE = 0.06, 0.03, 0.03


@dataclass(frozen=True, eq=False)
class SyntheticTrial:
    """Facts as `qol_app.analysis.dataset` reads them, and what is true.

    Attributes
    ----------
    participants, visits, scores, events : DataFrame
        Facts; participants also have a ``stratum``.
    expected, completed : Counter
        How many visits of each (timepoint, arm) the generator made expected, and answered in
        time: counted while people were made, not from the tables.
    """

    participants: pd.DataFrame
    visits: pd.DataFrame
    scores: pd.DataFrame
    events: pd.DataFrame
    expected: Counter[tuple[str, str]]
    completed: Counter[tuple[str, str]]


def effect(scale: str, timepoint: str | None = None) -> float:
    """Return the true difference A less B in change from baseline; the mean over visits if none."""
    values = EFFECT[scale]
    return float(np.mean(values)) if timepoint is None else values[LATER.index(timepoint)]


def synthetic_trial(seed: int, n_participants: int = 200) -> SyntheticTrial:
    """Return one trial; the same seed gives the same one."""
    random = np.random.default_rng(seed)
    people = [_Person(number, random) for number in range(n_participants)]
    return SyntheticTrial(
        participants=pd.DataFrame([one.row() for one in people]),
        visits=pd.DataFrame([row for one in people for row in one.visits]),
        scores=pd.DataFrame([row for one in people for row in one.scores]),
        events=pd.DataFrame(
            [row for one in people for row in one.events()],
            columns=["participant", "kind", "happened_on", "details"],
        ),
        expected=sum((one.expected for one in people), Counter()),
        completed=sum((one.completed for one in people), Counter()),
    )


class _Person:
    """One participant, lived through visit by visit."""

    def __init__(self, number: int, random: np.random.Generator) -> None:
        self.random = random
        self.name = f"P{number + 1:04}"
        self.arm = ARMS[int(random.integers(2))]
        self.stratum = "bone" if random.uniform() < 0.4 else "no bone"
        self.start = TODAY - timedelta(days=int(random.integers(60, 1800)))
        self.death = self._death_day()
        self.withdrawn: int | None = None
        self.visits: list[dict[str, Any]] = []
        self.scores: list[dict[str, Any]] = []
        self.expected: Counter[tuple[str, str]] = Counter()
        self.completed: Counter[tuple[str, str]] = Counter()
        self._live(self._values())
        self._judge()

    def _death_day(self) -> int:
        hazard = HAZARD * (HAZARD_RATIO if self.arm == "A" else 1.0)
        hazard *= BONE_RATIO if self.stratum == "bone" else 1.0
        return 1 + int(self.random.exponential(1 / hazard))

    def _values(self) -> dict[str, np.ndarray]:
        """Return what would be answered at each timepoint, scale by scale."""
        values = {}
        for scale, (mean, sd) in START.items():
            baseline = self.random.normal(mean, sd)
            change = np.array(CONTROL[scale]) + SLOPE * (baseline - mean)
            change += np.array(EFFECT[scale]) * (self.arm == "A")
            change += SPREAD @ self.random.normal(size=len(LATER))
            values[scale] = np.concatenate([[baseline], baseline + change])
        return values

    def _live(self, values: Mapping[str, np.ndarray]) -> None:
        seen = self._answer("T0", values, skipped=NO_BASELINE)
        for timepoint in LATER:
            if self._gives_up(seen, timepoint):
                break
            answered = self._answer(timepoint, values, skipped=SKIPPED)
            seen = answered if answered is not None else seen
        for timepoint in WINDOWS:
            if timepoint not in {row["timepoint"] for row in self.visits}:
                self._visit(timepoint, None)

    def _gives_up(self, seen: float | None, coming: str) -> bool:
        """Decide, from the last answers seen, whether the next are never given."""
        burden = 0.0 if seen is None else seen
        if self.random.uniform() > 1 / (1 + np.exp(3.0 + 0.07 * burden)):
            return False
        _, opens, closes = WINDOWS[coming]
        # Mostly before the next is due, sometimes in its window after the target day.
        self.withdrawn = int(self.random.integers(opens - 6, closes))
        return True

    def _answer(
        self, timepoint: str, values: Mapping[str, np.ndarray], skipped: float
    ) -> float | None:
        """Answer, late or not at all; return how much better than at the start things are."""
        _, opens, closes = WINDOWS[timepoint]
        late = timepoint != "T0" and self.random.uniform() < LATE
        day = closes + 5 if late else int(self.random.integers(opens, closes + 1))
        silent = self.random.uniform() < skipped
        too_late = self.death <= day or self.start + timedelta(days=day) > TODAY
        if silent or too_late:
            self._visit(timepoint, None)
            return None
        self._visit(timepoint, day)
        place = tuple(WINDOWS).index(timepoint)
        for scale, course in values.items():
            self.scores.append(self._score(timepoint, scale, float(course[place]), day, late))
        if late:
            return None
        better = {"PF": 1.0, "FA": -1.0}
        return sum(sign * (values[s][place] - values[s][0]) for s, sign in better.items())

    def _score(
        self, timepoint: str, scale: str, value: float, day: int, late: bool
    ) -> dict[str, Any]:
        return {
            "participant": self.name,
            "assessment": f"{self.name}-{timepoint}",
            "timepoint": timepoint,
            "occurrence": 1,
            "instrument": "synthetic",
            "scale": scale,
            "value": value,
            "answered_on": self.start + timedelta(days=day),
            "late": late,
            "after_allocation": False,
        }

    def _visit(self, timepoint: str, day: int | None) -> None:
        target, opens, closes = (self.start + timedelta(days=d) for d in WINDOWS[timepoint])
        self.visits.append(
            {
                "participant": self.name,
                "assessment": f"{self.name}-{timepoint}",
                "timepoint": timepoint,
                "occurrence": 1,
                "opens_on": opens,
                "target_on": target,
                "closes_on": closes,
                "answered_on": None if day is None else self.start + timedelta(days=day),
                "reason": None,
                "counted_by": None,
            }
        )

    def _judge(self) -> None:
        """Let the schedule say what each visit was, and note beside it what it was made to be."""
        history = History(
            Event(row["kind"], row["happened_on"], row["details"]) for row in self.events()
        )
        for row in self.visits:
            self._count(row["timepoint"], row["answered_on"])
            facts = _facts(row)
            row["expectation"] = is_expected(facts, history, TODAY).value
            row["complete"] = is_complete(facts, history, TODAY)
            row["late"] = row["answered_on"] is not None and row["answered_on"] > row["closes_on"]

    def _count(self, timepoint: str, answered_on: date | None) -> None:
        target, _, closes = WINDOWS[timepoint]
        day = None if answered_on is None else (answered_on - self.start).days
        in_time = day is not None and day <= closes
        over = self.start + timedelta(days=closes) < TODAY
        gone = self._dead_by(closes) or (self.withdrawn is not None and self.withdrawn <= target)
        if in_time or day is not None or (over and not gone):
            self.expected[timepoint, self.arm] += 1
        if in_time:
            self.completed[timepoint, self.arm] += 1

    def _dead_by(self, day: int) -> bool:
        return self.death <= day and self.start + timedelta(days=self.death) <= TODAY

    def events(self) -> list[dict[str, Any]]:
        """Return what has happened by today."""
        days = {"consent": -30, "randomisation": 0}
        if self._dead_by((TODAY - self.start).days):
            days["death"] = self.death
        else:
            days["last_known_alive"] = (TODAY - self.start).days
        if self.withdrawn is not None and self.withdrawn < self.death:
            days["withdrawal_qol"] = self.withdrawn
        found = []
        for kind, day in days.items():
            on = self.start + timedelta(days=day)
            details = {"arm": self.arm} if kind == "randomisation" else {}
            row = {"participant": self.name, "kind": kind, "happened_on": on, "details": details}
            if on <= TODAY:
                found.append(row)
        return found

    def row(self) -> dict[str, Any]:
        """Return the participant's row."""
        on = {row["kind"]: row["happened_on"] for row in self.events()}
        return {
            "participant": self.name,
            "site": "S1",
            "arm": self.arm,
            "stratum": self.stratum,
            "randomised_on": self.start,
            "death_on": on.get("death"),
            "withdrawn_on": on.get("withdrawal_qol"),
            "last_alive_on": on.get("last_known_alive"),
        }


def _facts(row: Mapping[str, Any]) -> AssessmentFacts:
    answered = row["answered_on"]
    at = None if answered is None else datetime.combine(answered, time(12), UTC)
    return AssessmentFacts(
        window=VisitWindow(
            row["opens_on"], row["target_on"], row["closes_on"], row["closes_on"] + timedelta(14)
        ),
        started_at=at,
        submitted_at=at,
        valid=True if answered is not None else None,
        timepoint=row["timepoint"],
    )
