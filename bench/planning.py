"""How many participants' five years are planned in a second of one core's own time."""

import time
from collections.abc import Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from qol_app.definition.protocol import EndOfFollowUp, Protocol, Timepoint, load_protocol
from qol_app.schedule.history import Event, History
from qol_app.schedule.plan import plan
from qol_app.schedule.reminders import Preferences
from qol_app.schedule.timeline import timeline
from qol_app.settings import ROOT

PARTICIPANTS = 2000
FIRST = date(2026, 1, 1)
# After month 36 every half year until month 60; targets in days as in the protocol file.
LATER = (("M42", 1278), ("M48", 1461), ("M54", 1644), ("M60", 1826))


def run() -> Iterator[tuple[str, float, str]]:
    """Yield participants per second: their assessments, and these with every reminder."""
    protocol = five_years()
    histories = [_history(index) for index in range(PARTICIPANTS)]
    rows = [plan(protocol, history) for history in histories[:50]]
    assert all(len(found) == 18 for found in rows), "ten timepoints, four later, four by event"
    yield "participants planned per second, five years", _planned(protocol, histories), ">= 2000"
    yield "with every reminder, per second", _with_reminders(protocol, histories), "none"


def five_years() -> Protocol:
    """Return the shipped protocol with four more half-yearly timepoints."""
    protocol = load_protocol(ROOT / "questionnaires" / "protocols" / "breclim-2.yaml")
    points = tuple(
        Timepoint(
            code=code,
            title=protocol.timepoint("M36").title,
            anchor="randomisation",
            day=day,
            opens=day - 42,
            closes=day + 42,
            package="core",
        )
        for code, day in LATER
    )
    end = EndOfFollowUp(anchor="randomisation", day=1886)
    return protocol.model_copy(
        update={"timepoints": (*protocol.timepoints, *points), "end_of_follow_up": end}
    )


def _history(index: int) -> History:
    start = FIRST + timedelta(days=index % 1461)
    events = [
        Event("consent", start - timedelta(days=7)),
        Event("randomisation", start, {"arm": "AB"[index % 2]}),
    ]
    for kind, day in (("progression", 260), ("new_treatment_line", 275), ("progression", 900)):
        events.append(Event(kind, start + timedelta(days=day + index % 97)))
    events.append(Event("treatment_stopped", start + timedelta(days=1000)))
    return History(events)


def _planned(protocol: Protocol, histories: list[History]) -> float:
    # A new History each time: reading a participant's events is part of the work.
    begun = time.process_time()
    for history in histories:
        plan(protocol, History(history.events))
    return len(histories) / (time.process_time() - begun)


def _with_reminders(protocol: Protocol, histories: list[History]) -> float:
    zone, preferences = ZoneInfo(protocol.timezone), Preferences(("email", "sms"))
    some = histories[::10]
    begun = time.process_time()
    for history in some:
        timeline(protocol, History(history.events), zone, preferences)
    return len(some) / (time.process_time() - begun)
