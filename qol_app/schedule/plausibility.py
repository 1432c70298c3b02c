"""Whether an event about to be recorded can be true, in words staff can act on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from qol_app.definition.event_fields import wrong_details
from qol_app.definition.event_kinds import Effect
from qol_app.definition.protocol import EventKind, Protocol
from qol_app.schedule.history import Event, History


class Severity(StrEnum):
    """Whether an event is impossible, or only odd enough to be asked about."""

    REFUSE = "refuse"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class Finding:
    """One doubt about an event; ``code`` names the rule for tests and translations."""

    severity: Severity
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class _Case:
    protocol: Protocol
    history: History
    event: Event
    kind: EventKind
    today: date

    @property
    def effect(self) -> Effect:
        return self.kind.effect

    def refuse(self, code: str, text: str) -> Finding:
        return Finding(Severity.REFUSE, code, f"{self.kind.code} on {self.event.on}: {text}")

    def confirm(self, code: str, text: str) -> Finding:
        return Finding(Severity.CONFIRM, code, f"{self.kind.code} on {self.event.on}: {text}")


# A pause may be agreed beforehand; everything else is recorded when it has happened.
_MAY_LIE_AHEAD = (Effect.HOLD, Effect.HOLD_END)


def check_event(protocol: Protocol, history: History, event: Event, today: date) -> list[Finding]:
    """Return every doubt about an event; empty if it may be recorded as it is.

    Parameters
    ----------
    protocol : Protocol
    history : History
        What is recorded already, without this event; when correcting one, without the old.
    event : Event
    today : date
        The participant's local day.

    Returns
    -------
    list of Finding
        With any ``REFUSE`` it must not be stored; with ``CONFIRM`` a person has to say yes.
    """
    kind = next((one for one in protocol.events if one.code == event.kind), None)
    if kind is None:
        known = ", ".join(one.code for one in protocol.events)
        text = f"{event.kind} on {event.on}: unknown event; known: {known}"
        return [Finding(Severity.REFUSE, "unknown_event", text)]
    case = _Case(protocol, history, event, kind, today)
    return [finding for check in _CHECKS for finding in check(case)]


def _ahead(case: _Case) -> Iterator[Finding]:
    if case.event.on <= case.today:
        return
    if case.effect in _MAY_LIE_AHEAD:
        yield case.confirm("future", f"lies ahead of today, {case.today}; planned like that?")
    else:
        yield case.refuse("future", f"lies in the future; today is {case.today}")


def _before_the_study(case: _Case) -> Iterator[Finding]:
    started = case.protocol.study_started_on
    if case.event.on < started:
        yield case.refuse("before_study", f"is before the study started on {started}")


def _after_death(case: _Case) -> Iterator[Finding]:
    died = case.history.death_on
    if died is not None and case.effect is not Effect.DEATH and case.event.on > died:
        yield case.refuse(
            "after_death",
            f"is after the recorded death on {died}; if that date is wrong, correct it first",
        )


def _death_before(case: _Case) -> Iterator[Finding]:
    if case.effect is not Effect.DEATH:
        return
    alive = max((one.on for one in case.history.all("last_known_alive")), default=None)
    if alive is not None and alive > case.event.on:
        yield case.refuse(
            "death_before_alive", f"is before {alive}, when the person was known to be alive"
        )
    others = [
        e for e in case.history.events if e.on > case.event.on and e.kind != "last_known_alive"
    ]
    if others:
        last = others[-1]
        yield case.confirm(
            "death_before_events", f"is before {last.kind} on {last.on}, which is recorded too"
        )


def _again(case: _Case) -> Iterator[Finding]:
    earlier = case.history.all(case.kind.code)
    if not earlier:
        return
    if not case.kind.repeatable:
        yield case.refuse(
            "again", f"is recorded already, on {earlier[0].on}; correct that date instead"
        )
    elif any(one.on == case.event.on for one in earlier):
        yield case.confirm("same_day", "is recorded already on this very day; a second one?")


def _order(case: _Case) -> Iterator[Finding]:
    consent = case.history.date_of("consent")
    if case.effect is Effect.ALLOCATION:
        if consent is None:
            yield case.refuse("no_consent", "no consent is recorded; record that first")
        elif case.event.on < consent:
            yield case.refuse("before_consent", f"is before consent on {consent}")
        elif case.event.on - consent > timedelta(days=28):
            yield case.confirm(
                "long_after_consent",
                f"is {(case.event.on - consent).days} days after consent on {consent}; answers"
                " given before are likely too old for a baseline",
            )
    elif case.effect is not Effect.CONSENT and consent is not None and case.event.on < consent:
        yield case.confirm("before_consent", f"is before consent on {consent}")
    if case.effect is Effect.CONSENT:
        yield from _consent_after(case)


def _consent_after(case: _Case) -> Iterator[Finding]:
    randomised = case.history.date_of("randomisation")
    if randomised is not None and case.event.on > randomised:
        yield case.refuse("before_consent", f"is after randomisation on {randomised}")


def _arm(case: _Case) -> Iterator[Finding]:
    if case.effect is not Effect.ALLOCATION or not case.protocol.arms:
        return
    arm, known = case.event.details.get("arm"), [one.code for one in case.protocol.arms]
    if not arm:
        yield case.refuse("no_arm", f"names no arm; wanted one of {', '.join(known)}")
    elif arm not in known:
        yield case.refuse("unknown_arm", f"unknown arm {arm!r}; known: {', '.join(known)}")


def _hold(case: _Case) -> Iterator[Finding]:
    if case.effect is not Effect.HOLD:
        return
    rules, details = case.protocol.holds, case.event.details
    reasons = [one.code for one in rules.reasons]
    if details.get("reason") not in reasons:
        found = details.get("reason") or "no reason"
        yield case.refuse("hold_reason", f"found {found}; wanted one of {', '.join(reasons)}")
    if not details.get("until"):
        yield case.confirm("hold_open", "has no last day; until somebody ends it?")
        return
    until = _as_date(details["until"])
    if until is None or until < case.event.on:
        yield case.refuse(
            "hold_until",
            f"last day {details['until']}; wanted a date on or after {case.event.on}",
        )
    elif (until - case.event.on).days > rules.max_days:
        yield case.confirm("hold_long", f"lasts until {until}, longer than {rules.max_days} days")


def _fields(case: _Case) -> Iterator[Finding]:
    for wrong in wrong_details(case.kind, case.event.details):
        yield case.refuse("detail", str(wrong))


def _needs_a_start(case: _Case) -> Iterator[Finding]:
    wanted = {Effect.HOLD_END: "hold", Effect.FOUND: "lost_to_follow_up"}.get(case.effect)
    if wanted is not None:
        starts = [one for one in case.history.all(wanted) if one.on <= case.event.on]
        if not starts:
            yield case.refuse("nothing_to_end", f"no {wanted} is recorded on or before this day")


def _as_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


_CHECKS: tuple[Callable[[_Case], Iterator[Finding]], ...] = (
    _ahead,
    _before_the_study,
    _after_death,
    _death_before,
    _again,
    _order,
    _arm,
    _hold,
    _fields,
    _needs_a_start,
)
