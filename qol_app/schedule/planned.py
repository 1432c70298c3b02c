"""One expected assessment, as the schedule sees it."""

from dataclasses import dataclass
from datetime import date

from qol_app.schedule.windows import VisitWindow

# Which assessment it is, for good: timepoint code and occurrence, counted from 1.
Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class PlannedAssessment:
    """One assessment a participant is expected to answer.

    Every assessment has its own row, also one that is asked together with another: then
    ``merged_into`` names the one that is asked, whose ``counts_for`` names it in return and
    whose instruments include all of its own. Its window stays its own: answers to the other
    count for it where they fall inside. ``own_package`` and ``own_instruments`` of the one
    that is asked are what it would ask for alone.

    ``provisional`` marks a window that waits for its real anchor. ``dropped_reason`` says why
    it will not be asked given what is known ("death", "withdrawal", "end_of_study").
    """

    timepoint: str
    occurrence: int
    anchor_on: date
    window: VisitWindow
    package: str
    instruments: tuple[str, ...]
    counts_for: tuple[Key, ...] = ()
    merged_into: Key | None = None
    provisional: bool = False
    dropped_reason: str | None = None
    own_package: str | None = None
    own_instruments: tuple[str, ...] | None = None

    @property
    def key(self) -> Key:
        """Its identity, stable across corrections and amendments."""
        return (self.timepoint, self.occurrence)
