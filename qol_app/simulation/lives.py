"""What will happen to each made-up participant, drawn beforehand from a seed."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from qol_app.definition.protocol import Protocol

# A trial that always begins on the same day, so that a seed alone decides it.
FIRST_DAY = date(2021, 3, 1)
YEAR = 365.25
# Days to death and to progression have these medians; months of about 30 days.
MEDIAN_SURVIVAL, MEDIAN_PROGRESSION = 1050.0, 420.0


@dataclass(frozen=True, slots=True)
class Happening:
    """One event: when it happened, when it is told, and by how much it is first mis-dated."""

    kind: str
    on: date
    told_on: date
    details: Mapping[str, str] = field(default_factory=dict)
    wrong_by: int = 0
    retracted: bool = False


@dataclass(frozen=True, slots=True)
class Life:
    """One made-up participant: habits, and the course of the coming years."""

    number: int
    site: str
    language: str
    arm: str
    consent_on: date
    happenings: tuple[Happening, ...]
    # How likely a message leads to an answer, and how long that takes, in hours.
    diligence: float
    slowness_h: float
    two_phones: bool
    by_sms: bool
    own_hour: int | None
    stops_messages_on: date | None
    leaves_on: date | None

    @property
    def study_number(self) -> str:
        """The number on the screening list."""
        return f"{self.site}-{self.number:04d}"


def draw(protocol: Protocol, seed: int, number: int, years: float) -> Life:
    """Return the life of one participant; the same for the same seed and number."""
    chance = random.Random(f"life-{seed}-{number}")
    recruiting = int(min(years * 0.6, 2.5) * YEAR)
    consent = FIRST_DAY + timedelta(days=chance.randrange(max(1, recruiting)))
    arms = [one.code for one in protocol.arms]
    arm = arms[number % len(arms)] if arms else ""
    happenings = sorted(_course(chance, consent, arm), key=lambda one: (one.told_on, one.on))
    left = [
        one.on for one in happenings if one.kind in ("death", "withdrawal_qol", "withdrawal_all")
    ]
    stops = consent + timedelta(days=chance.randrange(30, 900)) if chance.random() < 0.03 else None
    return Life(
        number=number,
        site=chance.choice(protocol.sites).code,
        language=chance.choices(
            protocol.languages, [1 + 8 * (x == "sv") for x in protocol.languages]
        )[0],
        arm=arm,
        consent_on=consent,
        happenings=tuple(happenings),
        diligence=chance.choice((0.25, 0.6, 0.75, 0.85, 0.95)),
        slowness_h=chance.choice((2.0, 8.0, 30.0, 90.0)),
        two_phones=chance.random() < 0.2,
        by_sms=chance.random() < 0.25,
        own_hour=chance.choice((None, None, None, 9, 17, 19, 23)),
        stops_messages_on=stops,
        leaves_on=min(left, default=None),
    )


def _course(chance: random.Random, consent: date, arm: str) -> Iterator[Happening]:
    """Yield what happens from randomisation to death, nothing of it after death."""
    randomised = consent + timedelta(days=chance.randrange(1, 20))
    died = randomised + timedelta(days=int(chance.expovariate(0.693 / MEDIAN_SURVIVAL)) + 20)
    yield _told(chance, "randomisation", randomised, {"arm": arm}, at_once=True)
    for kind, on, details in (*_illness(chance, randomised), *_leaving(chance, randomised)):
        if on < died:
            yield _told(chance, kind, on, details)
    # A death becomes known between the same day and a month later.
    told = died + timedelta(days=chance.choice((0, 0, 1, 3, 9, 30)))
    yield Happening("death", died, told, {}, chance.choice((0, 0, 0, 0, 2)))


def _illness(
    chance: random.Random, randomised: date
) -> Iterator[tuple[str, date, Mapping[str, str]]]:
    if chance.random() < 0.5:
        yield "liver_procedure", randomised + timedelta(days=chance.randrange(10, 45)), {}
    day = 0.0
    for _ in range(chance.choice((0, 1, 1, 2))):
        day += chance.expovariate(0.693 / MEDIAN_PROGRESSION) + 30
        on = randomised + timedelta(days=int(day))
        yield "progression", on, {}
        if chance.random() < 0.7:
            yield "new_treatment_line", on + timedelta(days=chance.randrange(5, 40)), {}
    for _ in range(chance.choice((0, 0, 1, 2))):
        on = randomised + timedelta(days=chance.randrange(20, 1100))
        until = on + timedelta(days=chance.randrange(5, 60))
        reason = chance.choice(("too_ill", "in_hospital", "travel"))
        yield "hold", on, {"until": until.isoformat(), "reason": reason}
    if chance.random() < 0.3:
        on = randomised + timedelta(days=chance.randrange(30, 900))
        yield "adverse_event", on, {"term": "Nausea", "grade": "2"}


def _leaving(
    chance: random.Random, randomised: date
) -> Iterator[tuple[str, date, Mapping[str, str]]]:
    if chance.random() < 0.15:
        yield "treatment_stopped", randomised + timedelta(days=chance.randrange(100, 900)), {}
    way = chance.choices(("", "withdrawal_qol", "withdrawal_all"), (90, 7, 3))[0]
    if way:
        yield way, randomised + timedelta(days=chance.randrange(40, 1000)), {}


def _told(
    chance: random.Random, kind: str, on: date, details: Mapping[str, str], at_once: bool = False
) -> Happening:
    """Return a happening with when it is told; some are mis-dated, some never were."""
    later = 0 if at_once else chance.choice((0, 0, 0, 1, 2, 7, 21))
    plain = kind in ("progression", "new_treatment_line", "liver_procedure")
    return Happening(
        kind=kind,
        on=on,
        told_on=on + timedelta(days=later),
        details=details,
        wrong_by=chance.choice((0, 0, 0, 0, 0, 0, 0, 1, 7)) if plain or at_once else 0,
        retracted=plain and chance.random() < 0.04,
    )
