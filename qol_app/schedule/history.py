"""What has happened to one participant, and whether the person may be contacted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from qol_app.definition.event_kinds import Effect, effect_of
from qol_app.errors import QolError
from qol_app.schedule.windows import DAY

NO_DETAILS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Event:
    """Something dated that happened.

    ``number`` tells several events of one kind apart for good: the caller numbers them from
    1 in the order first recorded and keeps the number when a date is corrected, so that the
    assessments that hang on an event keep their identity. Without it they are counted by date.
    """

    kind: str
    on: date
    details: Mapping[str, str] = field(default_factory=lambda: NO_DETAILS)
    recorded_at: datetime | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A pause in contact from ``start`` to ``until``, both included; open-ended if None."""

    start: date
    until: date | None
    reason: str | None = None

    def covers(self, day: date) -> bool:
        """Whether the pause holds on this day."""
        return self.start <= day and (self.until is None or day <= self.until)


class Contact(StrEnum):
    """Whether a participant may be contacted."""

    ACTIVE = "active"
    HELD = "held"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ContactState:
    """The answer to "may we contact this person", with the event or hold reason behind it."""

    state: Contact
    reason: str | None = None
    until: date | None = None

    @property
    def may_contact(self) -> bool:
        """Whether a message or call is allowed."""
        return self.state is Contact.ACTIVE


ACTIVE = ContactState(Contact.ACTIVE)
NO_CONSENT = ContactState(Contact.STOPPED, "no_consent")


class History:
    """The events of one participant, in any order; never changed, only replaced.

    Raises
    ------
    QolError
        If a hold carries an ``until`` that is no date.
    """

    __slots__ = ("_by_kind", "_holds", "_lost", "_stops", "events")

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.events: tuple[Event, ...] = tuple(sorted(events, key=_order))
        self._by_kind: dict[str, list[Event]] = {}
        for event in self.events:
            self._by_kind.setdefault(event.kind, []).append(event)
        self._holds: tuple[Hold, ...] | None = None
        self._lost: tuple[tuple[date, date | None], ...] | None = None
        self._stops: tuple[Event, ...] | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, History) and self.events == other.events

    def __repr__(self) -> str:
        return f"History({', '.join(f'{event.kind}={event.on}' for event in self.events)})"

    __hash__ = None  # type: ignore[assignment]

    def all(self, kind: str) -> tuple[Event, ...]:
        """Return every event of a kind, earliest first."""
        return tuple(self._by_kind.get(kind, ()))

    def first(self, kind: str) -> Event | None:
        """Return the earliest event of a kind."""
        events = self._by_kind.get(kind)
        return events[0] if events else None

    def date_of(self, kind: str) -> date | None:
        """Return the date of the earliest event of a kind; None if it has not happened."""
        event = self.first(kind)
        return event.on if event else None

    def with_event(self, event: Event) -> "History":
        """Return the history as it would be with one more event."""
        return History((*self.events, event))

    def until(self, day: date) -> "History":
        """Return what had happened by the end of a day."""
        return History(event for event in self.events if event.on <= day)

    @property
    def arm(self) -> str | None:
        """The arm allocated, or None before randomisation."""
        event = self.first("randomisation")
        return event.details.get("arm") if event else None

    @property
    def death_on(self) -> date | None:
        """The date of death."""
        return self.date_of("death")

    @property
    def withdrawn_from_qol_on(self) -> date | None:
        """The day the participant gave up questionnaires, alone or with the whole study."""
        dates = [self.date_of("withdrawal_qol"), self.date_of("withdrawal_all")]
        return min((day for day in dates if day is not None), default=None)

    @property
    def ended_on(self) -> date | None:
        """The day the study ended for this participant."""
        return self.date_of("end_of_study")

    @property
    def holds(self) -> tuple[Hold, ...]:
        """Every pause, with its last day; one ended early ends the day before that event."""
        if self._holds is None:
            self._holds = tuple(self._hold(event) for event in self._by_kind.get("hold", ()))
        return self._holds

    @property
    def lost_spells(self) -> tuple[tuple[date, date | None], ...]:
        """Spells lost to follow-up: first day, and the day found again (None: still lost)."""
        if self._lost is None:
            self._lost = tuple(self._spells())
        return self._lost

    def contact_state(self, on: date) -> ContactState:
        """Return whether this person may be contacted on a day, and if not, why.

        The one place that decides it: pages, worker and commands all ask here. An event
        counts from its own date on, that day included.
        """
        consent = self.date_of("consent")
        if consent is None or consent > on:
            return NO_CONSENT
        for event in self._stopping():
            if event.on <= on:
                return ContactState(Contact.STOPPED, event.kind)
        for start, found in self.lost_spells:
            if start <= on and (found is None or on < found):
                return ContactState(Contact.STOPPED, "lost_to_follow_up")
        for hold in self.holds:
            if hold.covers(on):
                return ContactState(Contact.HELD, hold.reason, hold.until)
        return ACTIVE

    def stopped_for_good(self, on: date) -> bool:
        """Whether only a change of what is recorded could allow contact again from this day on."""
        return any(event.on <= on for event in self._stopping())

    def held_on(self, day: date) -> Hold | None:
        """Return the pause that covers a day, if any."""
        return next((hold for hold in self.holds if hold.covers(day)), None)

    def _stopping(self) -> tuple[Event, ...]:
        if self._stops is None:
            stops = [event for event in self.events if effect_of(event.kind) in _FINAL]
            self._stops = tuple(sorted(stops, key=lambda event: _FINAL[effect_of(event.kind)]))
        return self._stops

    def _hold(self, event: Event) -> Hold:
        until = _hold_until(event)
        ends = [end.on - DAY for end in self._by_kind.get("hold_ended", ()) if end.on >= event.on]
        if ends and (until is None or min(ends) < until):
            until = min(ends)
        return Hold(event.on, until, event.details.get("reason"))

    def _spells(self) -> Iterable[tuple[date, date | None]]:
        found = [event.on for event in self._by_kind.get("found_again", ())]
        for event in self._by_kind.get("lost_to_follow_up", ()):
            yield event.on, min((day for day in found if day > event.on), default=None)


# What a page should name first when several apply.
_FINAL = {Effect.DEATH: 0, Effect.WITHDRAWAL: 1, Effect.END_OF_STUDY: 2}


def _order(event: Event) -> tuple[date, str, int]:
    return (event.on, event.kind, event.number or 0)


def _hold_until(event: Event) -> date | None:
    text = event.details.get("until") or None
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise QolError(
            f"hold of {event.on}: until: found {text!r}; wanted a date such as {event.on}"
        ) from error
