"""The parts of a protocol file as frozen values; ``docs/protocol.md`` describes the language.

Here stands only their shape. Contradictions between parts are found by ``protocol_checks``;
dates for one participant are worked out by ``qol_app.schedule.plan``.
"""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, TypeVar

from pydantic import Field, StringConstraints

from qol_app.definition.event_kinds import Effect, effect_of
from qol_app.definition.loader import canonical_sha256
from qol_app.definition.parts import Part
from qol_app.errors import DefinitionError

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,39}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
# One text per language code, e.g. {"en": "Questionnaire, month 3", "sv": "Formulär, månad 3"}.
LocalText = dict[str, Words]


class Coded(Part):
    """A part that others refer to by its code."""

    code: Code


CodedPart = TypeVar("CodedPart", bound=Coded)


class SiteDef(Coded):
    """A hospital that enrols, with the telephone number participants may call."""

    name: Words
    phone: Words
    email: Words
    timezone: str | None = None


class Arm(Coded):
    """What a participant may be allocated to; its title, one or one per language, is for staff."""

    title: Words | LocalText

    @property
    def titles(self) -> LocalText:
        """The title by language; one without a language stands in English."""
        return {"en": self.title} if isinstance(self.title, str) else self.title


class Choice(Coded):
    """A code with its title per language, for a list a person chooses from."""

    title: LocalText


class FieldKind(StrEnum):
    """What a field of an event takes: a line of text, one of its choices, a whole number."""

    TEXT = "text"
    CHOICE = "choice"
    WHOLE = "whole"


class EventField(Coded):
    """Something to give with an event, in the study's own words.

    ``choices`` belong to the kind ``choice``, ``least`` and ``most`` (both belong to the
    range) to ``whole``. One that is not ``required`` may be left out.
    """

    title: LocalText
    kind: FieldKind
    required: bool = False
    choices: tuple[Choice, ...] = ()
    least: int | None = Field(default=None, ge=-1_000_000, le=1_000_000)
    most: int | None = Field(default=None, ge=-1_000_000, le=1_000_000)


class EventKind(Coded):
    """Something that can happen to a participant and be recorded with a date.

    ``details`` names what the program itself understands and asks for with it (``arm``,
    ``until``, ``reason``), ``fields`` what the study wants to know besides; ``repeatable``
    says whether it may be recorded more than once.
    """

    title: LocalText
    details: tuple[Code, ...] = ()
    fields: tuple[EventField, ...] = ()
    repeatable: bool = False

    @property
    def detail_names(self) -> tuple[str, ...]:
        """Names of everything that may be given with it beside the day."""
        return (*self.details, *(one.code for one in self.fields))

    @property
    def effect(self) -> Effect:
        """What this event does to the schedule; the same in every protocol."""
        return effect_of(self.code)


class Package(Coded):
    """Instruments asked in one sitting, in this order, with the usual minutes it takes."""

    instruments: tuple[Code, ...] = Field(min_length=1)
    minutes: int = Field(ge=1, le=240)


class PackageChoice(Part):
    """Another package for one arm, one language, or one arm in one language."""

    package: Code
    arm: Code | None = None
    language: str | None = None


class Repeat(Part):
    """Ask again every so many days: ``times`` in all, or until follow-up ends."""

    every_days: int = Field(ge=1, le=3660)
    times: int | None = Field(default=None, ge=2, le=999)


class Provisional(Part):
    """Where a window lies until its own anchor is known, e.g. before randomisation."""

    anchor: Code
    day: int
    opens: int
    closes: int


class Timepoint(Coded):
    """A planned moment: ``day`` is its target, ``opens`` and ``closes`` bound its window.

    All three count days from the anchor, whose own date is day 0; both ends belong. The
    anchor is an event, or another timepoint, whose target day is then day 0.
    """

    title: LocalText
    anchor: Code
    day: int = Field(ge=-3660, le=7320)
    opens: int = Field(ge=-3660, le=7320)
    closes: int = Field(ge=-3660, le=7320)
    package: Code
    choices: tuple[PackageChoice, ...] = ()
    arms: tuple[Code, ...] = ()
    each: bool = False
    repeat: Repeat | None = None
    merges: bool = False
    before_allocation: bool = False
    provisional: tuple[Provisional, ...] = ()
    enabled: bool = True


class When(Part):
    """A day relative to a window; of several entries the earliest day wins."""

    opens: int | None = None
    target: int | None = None
    closes: int | None = None


class ReminderStep(Coded):
    """One contact about one assessment, or with ``task`` a telephone call for staff.

    ``channel`` is the participant's ``preferred`` one, the ``other`` one, or a named one.
    ``message`` names the text in ``questionnaires/messages``; ``timepoints`` limits the step.
    """

    when: When
    channel: Code = "preferred"
    message: Code = "reminder"
    task: bool = False
    timepoints: tuple[Code, ...] = ()


class ChannelRules(Part):
    """On which days off a channel may be used."""

    weekends: bool = True
    holidays: bool = True


class ContactRules(Part):
    """When a participant may be contacted; hours are whole and local.

    Nothing leaves from ``quiet_from`` in the evening until ``quiet_until`` in the morning.
    A step whose channel rests on its day waits for the next day on which it may be used.
    ``days_between`` of 1 means one contact per person and day.
    """

    quiet_from: int = Field(default=20, ge=12, le=24)
    quiet_until: int = Field(default=8, ge=4, le=12)
    send_hour: int = Field(default=10, ge=4, le=23)
    days_between: int = Field(default=1, ge=1, le=30)
    holiday_country: str | None = None
    channels: dict[Code, ChannelRules]


class HoldRules(Part):
    """Reasons for a pause, and its longest length in days before it must be renewed."""

    reasons: tuple[Choice, ...]
    max_days: int = Field(default=180, ge=1, le=3660)


class StopRules(Part):
    """When the app proposes that a participant is lost to follow-up; a person decides."""

    lost_after_missed: int = Field(default=2, ge=1, le=50)
    lost_after_failed_calls: int = Field(default=1, ge=0, le=50)


class EndOfFollowUp(Part):
    """The last day, counted from an anchor event, on which anything is asked."""

    anchor: Code
    day: int = Field(ge=0, le=7320)


class Amends(Part):
    """Which version this one replaces, and which timepoints only changed their code."""

    version: Words
    renamed: dict[Code, Code] = Field(default_factory=dict)


class Protocol(Part):
    """A whole trial's schedule: who, when, what, and how to remind."""

    code: Code
    title: Words
    version: Words
    effective_on: date
    study_started_on: date
    timezone: str
    languages: tuple[str, ...] = Field(min_length=1)
    stand_in_wording_allowed: bool = False
    same_for_all_arms: bool = True
    sites: tuple[SiteDef, ...] = Field(min_length=1)
    arms: tuple[Arm, ...] = ()
    events: tuple[EventKind, ...]
    packages: tuple[Package, ...] = Field(min_length=1)
    timepoints: tuple[Timepoint, ...] = Field(min_length=1)
    reminders: tuple[ReminderStep, ...] = ()
    contact: ContactRules
    merge_within_days: int = Field(default=0, ge=0, le=365)
    late_grace_days: int = Field(default=0, ge=0, le=365)
    stops: StopRules = StopRules()
    holds: HoldRules
    missing_reasons: tuple[Choice, ...] = Field(min_length=1)
    end_of_follow_up: EndOfFollowUp | None = None
    amends: Amends | None = None

    def __hash__(self) -> int:
        return hash((self.code, self.version, self.effective_on))

    @cached_property
    def sha256(self) -> str:
        """Hash of the content, the same for the same protocol however its file is laid out."""
        return canonical_sha256(self)

    def site(self, code: str) -> SiteDef:
        """Return the site with this code; DefinitionError if the protocol has none."""
        return self._one("site", self.sites, code)

    def event(self, code: str) -> EventKind:
        """Return the event kind with this code; DefinitionError if the protocol has none."""
        return self._one("event", self.events, code)

    def package(self, code: str) -> Package:
        """Return the package with this code; DefinitionError if the protocol has none."""
        return self._one("package", self.packages, code)

    def timepoint(self, code: str) -> Timepoint:
        """Return the timepoint with this code; DefinitionError if the protocol has none."""
        return self._one("timepoint", self.timepoints, code)

    def step(self, code: str) -> ReminderStep:
        """Return the reminder step with this code; DefinitionError if there is none."""
        return self._one("reminder", self.reminders, code)

    def zone_name(self, site: str | None = None) -> str:
        """Return the time zone of a site, or the trial's own where the site names none."""
        return (self.site(site).timezone if site else None) or self.timezone

    def _one(self, what: str, parts: Sequence[CodedPart], code: str) -> CodedPart:
        for part in parts:
            if part.code == code:
                return part
        known = ", ".join(part.code for part in parts)
        raise DefinitionError(
            f"protocol {self.code} {self.version}: unknown {what} {code!r}; known: {known}"
        )
