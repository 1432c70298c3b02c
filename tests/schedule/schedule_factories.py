"""Participants and protocol variants for the schedule's tests; day 0 is randomisation."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from qol_app.definition.protocol import load_protocol
from qol_app.schedule.history import Event, History
from qol_app.schedule.plan import plan
from qol_app.schedule.replan import ExistingAssessment

BRECLIM = load_protocol(
    Path(__file__).parents[2] / "questionnaires" / "protocols" / "breclim-2.yaml"
)
RANDOMISED = date(2026, 1, 19)
FULL = ("qlq-c30", "qlq-lmc21", "qlq-br23", "eq-5d-5l")
CORE = ("qlq-c30", "qlq-lmc21", "eq-5d-5l")


def day(number):
    """Return the calendar day so many days after randomisation."""
    return RANDOMISED + timedelta(days=number)


def noon(number):
    """Return noon UTC of that day, early afternoon in Stockholm."""
    on = day(number)
    return datetime(on.year, on.month, on.day, 12, tzinfo=UTC)


def make_history(*events, arm="A", consent=-7):
    """Return consent, randomisation and further events given as (kind, day)."""
    usual = [Event("consent", day(consent)), Event("randomisation", RANDOMISED, {"arm": arm})]
    return History([*usual, *(Event(kind, day(on)) for kind, on in events)])


def planned(history, protocol=BRECLIM, language=None):
    """Return the plan by key."""
    return {one.key: one for one in plan(protocol, history, language)}


def changed(code, protocol=BRECLIM, **fields):
    """Return the protocol with one timepoint changed."""
    points = tuple(
        one.model_copy(update=fields) if one.code == code else one for one in protocol.timepoints
    )
    return protocol.model_copy(update={"timepoints": points})


def row(one, begun=False, begun_on=None):
    """Return the stored row of a planned assessment."""
    return ExistingAssessment(
        key=one.key,
        window=one.window,
        package=one.package,
        begun=begun,
        instruments=one.instruments,
        counts_for=one.counts_for,
        merged_into=one.merged_into,
        begun_on=begun_on,
        provisional=one.provisional,
    )


def keys(part):
    """Return the keys of one part of a re-plan."""
    return [getattr(one, "key", None) or one.existing.key for one in part]
