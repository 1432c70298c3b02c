"""Facts of a few participants as an export holds them, with sensible defaults."""

from datetime import date, timedelta
from typing import Any

import pandas as pd

START = date(2026, 1, 12)
WINDOWS = {"T0": (0, -28, 0), "W6": (42, 35, 56), "M3": (91, 77, 112), "M6": (183, 155, 211)}


def on(day: float | None) -> date | None:
    """Return the date of a day from randomisation."""
    return None if day is None else START + timedelta(days=day)


def make_participant(name: str = "P1", arm: str | None = "A", **days: Any) -> dict[str, Any]:
    """Return one participant; ``death``, ``withdrawn``, ``alive`` are days, randomised 0."""
    return {
        "participant": name,
        "site": days.get("site", "UME"),
        "arm": arm,
        "randomised_on": on(days.get("randomised", 0)),
        "death_on": on(days.get("death")),
        "withdrawn_on": on(days.get("withdrawn")),
        "last_alive_on": on(days.get("alive")),
    }


def make_visit(name: str = "P1", timepoint: str = "M3", **other: Any) -> dict[str, Any]:
    """Return one visit that is complete unless said otherwise; ``day`` is that of the answer."""
    target, opens, closes = WINDOWS.get(timepoint, (0, 0, 21))
    shift = other.pop("anchor", 0)
    row = {
        "participant": name,
        "assessment": f"{name}-{timepoint}",
        "timepoint": timepoint,
        "occurrence": 1,
        "opens_on": on(opens + shift),
        "target_on": on(target + shift),
        "closes_on": on(closes + shift),
        "expectation": "expected",
        "complete": True,
        "late": False,
        "reason": None,
        "answered_on": on(other.pop("day", target + shift)),
        "counted_by": None,
    }
    return {**row, **other}


def make_score(
    name: str = "P1", timepoint: str = "M3", value: float | None = 80.0, **other: Any
) -> dict[str, Any]:
    """Return one score of physical functioning."""
    target = WINDOWS.get(timepoint, (0, 0, 21))[0]
    row = {
        "participant": name,
        "assessment": f"{name}-{timepoint}",
        "timepoint": timepoint,
        "occurrence": 1,
        "instrument": "qlq-c30",
        "scale": "PF",
        "value": value,
        "answered_on": on(other.pop("day", target)),
        "late": False,
        "after_allocation": False,
    }
    return {**row, **other}


def make_event(name: str, kind: str, day: float, **details: Any) -> dict[str, Any]:
    """Return one event on a day from randomisation."""
    return {"participant": name, "kind": kind, "happened_on": on(day), "details": details}


def table(*rows: dict[str, Any]) -> pd.DataFrame:
    """Return rows as a table."""
    return pd.DataFrame(list(rows))


NO_EVENTS = pd.DataFrame(columns=["participant", "kind", "happened_on", "details"])
