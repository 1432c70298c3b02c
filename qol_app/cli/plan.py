"""``flask plan``: a protocol's schedule for given events, or the proof that it holds.

Needs no database and no settings: a protocol file and dates are enough.
"""

import sys
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import click

from qol_app.definition.protocol import Protocol, load_protocol, load_protocols
from qol_app.errors import QolError
from qol_app.files import appearing_file
from qol_app.schedule.calendar_file import calendar_file
from qol_app.schedule.history import Event, History
from qol_app.schedule.plausibility import Severity, check_event
from qol_app.schedule.proof import Proof, prove
from qol_app.schedule.reminders import Preferences
from qol_app.schedule.timeline import TimelineEntry, timeline
from qol_app.schedule.timeline_text import as_csv, as_json, as_text
from qol_app.settings import ROOT

# Names the calendar entries of this command; any fixed UUID would do.
NAMESPACE = uuid.UUID("5a3d6c1e-6a35-4b0e-9d0b-8e3a0f3c7b52")
FATAL = {"unknown_event", "unknown_arm", "hold_until"}
# Far enough for anybody, and so near that every day counted from there is one of the calendar.
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)


@dataclass(frozen=True, slots=True)
class Shown:
    """What is printed: a protocol's timeline for one participant, in a zone."""

    protocol: Protocol
    entries: tuple[TimelineEntry, ...]
    zone: ZoneInfo
    participant: str


@click.command("plan")
@click.argument("protocol_name", metavar="PROTOCOL")
@click.option(
    "--event",
    "events",
    multiple=True,
    metavar="KIND=DATE",
    help="What happened when; details follow after commas: hold=2026-07-01,until=2026-07-20.",
)
@click.option("--arm", help="The arm allocated at randomisation.")
@click.option("--zone", help="The participant's time zone; by default the trial's.")
@click.option("--language", help="The participant's language; by default the trial's first.")
@click.option("--channel", "channels", multiple=True, help="In order of preference; repeat it.")
@click.option("--hour", type=click.IntRange(0, 23), help="The participant's own hour.")
@click.option("--participant", default="preview", help="Names the entries of a calendar file.")
@click.option("--format", "form", type=click.Choice(["text", "csv", "json", "ics"]), default="text")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--proof", is_flag=True, help="Walk years of starting days and say what holds.")
@click.option("--years", type=click.IntRange(1, 50), default=10, show_default=True)
@click.option("--first", type=click.DateTime(["%Y-%m-%d"]), help="The proof's first day.")
@click.option(
    "--questionnaires",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="QUESTIONNAIRES",
    default=ROOT / "questionnaires",
    show_default="the program's own",
)
def plan_command(
    protocol_name: str,
    events: tuple[str, ...],
    arm: str | None,
    zone: str | None,
    language: str | None,
    channels: tuple[str, ...],
    hour: int | None,
    participant: str,
    form: str,
    output: Path | None,
    proof: bool,
    years: int,
    first: datetime | None,
    questionnaires: Path,
) -> None:
    """Print every assessment and reminder PROTOCOL (a code or a file) expects.

    Times are given on the participant's clock and in UTC. With --proof it is walked through
    ten years of starting days, in several time zones, and what was checked is printed.
    """
    protocol = _protocol(protocol_name, questionnaires)
    if proof:
        _print_proof(protocol, first.date() if first else _today(protocol), years)
        return
    if not events:
        raise QolError("--event: found none; wanted at least --event consent=DATE")
    history = _history(protocol, events, _arm(protocol, arm))
    preferences = Preferences(
        _channels(protocol, channels), hour, None, _language(protocol, language)
    )
    where = _zone(zone or protocol.timezone)
    shown = Shown(protocol, timeline(protocol, history, where, preferences), where, participant)
    content = _FORMS[form](shown, preferences)
    if output:
        with appearing_file(output) as partial:
            partial.write_bytes(content)
    else:
        click.echo(content, nl=False)


def _protocol(name: str, questionnaires: Path) -> Protocol:
    if name.endswith((".yaml", ".yml")):
        return load_protocol(Path(name))
    protocols = load_protocols(questionnaires / "protocols", demo_may_lack=True)
    if name not in protocols:
        known = ", ".join(sorted(protocols)) or f"none in {questionnaires / 'protocols'}"
        raise QolError(f"protocol: found {name!r}; wanted a YAML file or one of {known}")
    return protocols[name]


def _arm(protocol: Protocol, code: str | None) -> str | None:
    known = [one.code for one in protocol.arms]
    if code and code not in known:
        raise QolError(f"--arm: found {code!r}; wanted one of {', '.join(known) or 'none'}")
    return code


def _today(protocol: Protocol) -> date:
    return datetime.now(ZoneInfo(protocol.timezone)).date()


def _history(protocol: Protocol, texts: Iterable[str], arm: str | None) -> History:
    history = History()
    for event in sorted((_event(text, arm) for text in texts), key=lambda one: one.on):
        for finding in check_event(protocol, history, event, event.on):
            if finding.code in FATAL and finding.severity is Severity.REFUSE:
                raise QolError(f"--event: {finding.text}")
            click.echo(f"note: {finding.text}", err=True)
        history = history.with_event(event)
    return history


def _event(text: str, arm: str | None) -> Event:
    first, *details = text.split(",")
    pairs = [part.partition("=") for part in (first, *details)]
    if not all(name and equals and value for name, equals, value in pairs):
        raise QolError(f"--event: found {text!r}; wanted KIND=DATE such as consent=2026-01-05")
    kind, _, day = pairs[0]
    try:
        on = date.fromisoformat(day)
    except ValueError as error:
        raise QolError(f"--event {kind}: found {day!r}; wanted a date, YYYY-MM-DD") from error
    if not FIRST_DAY <= on <= LAST_DAY:
        raise QolError(f"--event {kind}: found {day}; wanted a day from {FIRST_DAY} to {LAST_DAY}")
    given = {name: value for name, _, value in pairs[1:]}
    if kind == "randomisation" and arm:
        given.setdefault("arm", arm)
    return Event(kind, on, given)


def _zone(name: str) -> ZoneInfo:
    if name not in available_timezones():
        raise QolError(f"--zone: found {name!r}; wanted an IANA name such as Europe/Stockholm")
    return ZoneInfo(name)


def _channels(protocol: Protocol, channels: tuple[str, ...]) -> tuple[str, ...]:
    known = tuple(protocol.contact.channels)
    for channel in channels:
        if channel not in known:
            raise QolError(f"--channel: found {channel!r}; wanted one of {', '.join(known)}")
    return channels or known[:2]


def _language(protocol: Protocol, language: str | None) -> str:
    if language is not None and language not in protocol.languages:
        known = ", ".join(protocol.languages)
        raise QolError(f"--language: found {language!r}; wanted one of {known}")
    return language or protocol.languages[0]


def _calendar(shown: Shown, preferences: Preferences) -> bytes:
    made_at = datetime.now(UTC)
    # Whoever takes a corrected plan into the same calendar needs a number that has grown.
    minutes = int(made_at.timestamp()) // 60
    protocol = shown.protocol
    return calendar_file(
        protocol,
        shown.entries,
        uid=lambda key: str(uuid.uuid5(NAMESPACE, f"{protocol.code}/{shown.participant}/{key}")),
        made_at=made_at,
        language=preferences.language or protocol.languages[0],
        sequence=lambda _: minutes,
    )


_FORMS: dict[str, Callable[[Shown, Preferences], bytes]] = {
    "text": lambda shown, _: as_text(shown.protocol, shown.entries, shown.zone).encode(),
    "csv": lambda shown, _: as_csv(shown.entries).encode(),
    "json": lambda shown, _: as_json(shown.protocol, shown.entries).encode(),
    "ics": _calendar,
}


def _print_proof(protocol: Protocol, first: date, years: int) -> None:
    with click.progressbar(length=100, label="starting days", file=sys.stderr) as bar:
        found = prove(
            protocol, first, years, progress=lambda n, of: bar.update(100 * n // of - bar.pos)
        )
    click.echo(_proof_text(found))
    if not found.holds:
        failed = sum(not claim.holds for claim in found.claims)
        raise QolError(f"protocol {protocol.code}: {failed} of {len(found.claims)} claims fail")


def _proof_text(proof: Proof) -> str:
    lines = [
        f"Protocol {proof.protocol}, sha256 {proof.sha256[:16]}",
        f"Every starting day from {proof.first} to {proof.last}; zones {', '.join(proof.zones)}",
        "",
    ]
    for claim in proof.claims:
        word = "FAILS" if claim.against else "holds" if claim.checked else "nothing to check"
        lines.append(f"{word:>16}  {claim.checked:>9,} checks  {claim.text}")
        lines += [f"{'':>16}  against: {example}" for example in claim.against]
    return "\n".join(lines)
