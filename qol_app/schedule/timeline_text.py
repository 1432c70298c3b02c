"""A timeline as text to read, as CSV and as JSON."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from qol_app.definition.protocol import Protocol
from qol_app.schedule.planned import Key, PlannedAssessment
from qol_app.schedule.reminders import PlannedReminder
from qol_app.schedule.timeline import TimelineEntry

COLUMNS = (
    "record", "timepoint", "occurrence", "opens", "target", "closes", "late_until", "package",
    "instruments", "asked_with", "provisional", "step", "channel", "local", "utc",
)  # fmt: skip


def as_csv(entries: Sequence[TimelineEntry]) -> str:
    """Return one row per assessment and one per reminder; ``record`` tells them apart.

    ``record`` is ``assessment``, ``message`` or ``task``; ``local`` and ``utc`` are ISO 8601.
    """
    text = io.StringIO()
    rows = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    rows.writeheader()
    for entry in entries:
        rows.writerow({"record": "assessment", **_assessment(entry.assessment, " ")})
        for reminder in entry.reminders:
            one = entry.assessment
            rows.writerow(
                {
                    "record": reminder.kind.value,
                    "timepoint": one.timepoint,
                    "occurrence": one.occurrence,
                    **_reminder(reminder),
                }
            )
    return text.getvalue()


def as_json(protocol: Protocol, entries: Sequence[TimelineEntry]) -> str:
    """Return the protocol's identity and every assessment with its reminders, as JSON."""
    content = {
        "protocol": protocol.code,
        "version": protocol.version,
        "sha256": protocol.sha256,
        "assessments": [
            {
                **_assessment(entry.assessment, None),
                "reminders": [
                    {"kind": one.kind.value, **_reminder(one)} for one in entry.reminders
                ],
            }
            for entry in entries
        ],
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def as_text(protocol: Protocol, entries: Sequence[TimelineEntry], zone: ZoneInfo) -> str:
    """Return the schedule as lines for a person to read."""
    lines = [f"{protocol.title} {protocol.version}, clock of {zone.key}", ""]
    for entry in entries:
        lines += _lines(entry)
    if not entries:
        lines.append("Nothing is expected after these events.")
    return "\n".join(lines) + "\n"


def _lines(entry: TimelineEntry) -> Iterator[str]:
    one = entry.assessment
    window = f"{one.window.opens} .. {one.window.closes}, target {one.window.target}"
    until = f", late until {one.window.late_until}"
    notes = "".join(_notes(one))
    yield f"{_shown(one.key):<6} {window}{until}  {one.package}{notes}"
    for reminder in entry.reminders:
        who = reminder.channel or "staff"
        local = reminder.local.strftime("%a %Y-%m-%d %H:%M %z")
        yield f"       {reminder.step:<10} {who:<8} {local}  {reminder.at:%Y-%m-%d %H:%M} UTC"


def _notes(one: PlannedAssessment) -> Iterator[str]:
    if one.provisional:
        yield "  (until its own anchor is known)"
    if one.merged_into:
        yield f"  (asked with {_shown(one.merged_into)})"
    if one.counts_for:
        yield f"  (counts for {', '.join(_shown(key) for key in one.counts_for)} too)"


def _shown(key: Key) -> str:
    return key[0] if key[1] == 1 else f"{key[0]}#{key[1]}"


def _assessment(one: PlannedAssessment, separator: str | None) -> dict[str, Any]:
    instruments: Any = list(one.instruments)
    return {
        "timepoint": one.timepoint,
        "occurrence": one.occurrence,
        "opens": one.window.opens.isoformat(),
        "target": one.window.target.isoformat(),
        "closes": one.window.closes.isoformat(),
        "late_until": one.window.late_until.isoformat(),
        "package": one.package,
        "instruments": instruments if separator is None else separator.join(instruments),
        "asked_with": _shown(one.merged_into) if one.merged_into else "",
        "provisional": one.provisional,
    }


def _reminder(one: PlannedReminder) -> dict[str, str]:
    return {
        "step": one.step,
        "channel": one.channel,
        "local": one.local.isoformat(timespec="minutes"),
        "utc": one.at.isoformat(timespec="minutes"),
    }
