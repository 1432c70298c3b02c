"""Visit windows: the local calendar days on which an assessment counts."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class VisitWindow:
    """Four days of one assessment, in the participant's calendar; both ends belong.

    Answers from ``opens`` to ``closes`` count. Later ones are still taken, and flagged, up
    to and including ``late_until``.
    """

    opens: date
    target: date
    closes: date
    late_until: date

    def contains(self, day: date) -> bool:
        """Whether an answer on this day counts."""
        return self.opens <= day <= self.closes

    def accepts(self, day: date) -> bool:
        """Whether an answer on this day is taken at all, if only as a late one."""
        return self.opens <= day <= self.late_until

    def overlaps(self, other: "VisitWindow") -> bool:
        """Whether some day counts for both."""
        return self.opens <= other.closes and other.opens <= self.closes


def from_day(window: VisitWindow, day: date | None) -> VisitWindow:
    """Return the window as it is for somebody who can only be asked from a day on."""
    if day is None or not window.opens < day <= window.closes:
        return window
    return replace(window, opens=day, target=max(window.target, day))


def window_around(
    anchor: date, opens: int, target: int, closes: int, late_days: int
) -> VisitWindow:
    """Return the window whose days lie so many days from the anchor; the anchor is day 0."""
    last = anchor + timedelta(days=closes)
    return VisitWindow(
        opens=anchor + timedelta(days=opens),
        target=anchor + timedelta(days=target),
        closes=last,
        late_until=last + timedelta(days=late_days),
    )


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """Return the calendar day of an aware instant in a zone.

    Raises
    ------
    ValueError
        If the instant carries no zone: then nobody knows which day it is.
    """
    if instant.tzinfo is None:
        raise ValueError(f"found {instant.isoformat()} without a zone; wanted an aware instant")
    return instant.astimezone(zone).date()


def local_instant(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """Return the UTC instant of a whole local hour; an hour a clock change skips moves forward."""
    # Convert last: hours added to a UTC instant shift over a clock change.
    return datetime(day.year, day.month, day.day, hour, tzinfo=zone).astimezone(UTC)
