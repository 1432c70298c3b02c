"""What every service is handed: who acts, when, on which transaction, with which keys."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from qol_app.crypto import Hasher, Vault
from qol_app.services.library import Library


@dataclass(frozen=True)
class Actor:
    """Who does something: ``staff:<id>``, ``participant:<id>``, or ``system:<part>``.

    ``site_ids`` are the sites whose rows this actor may see; None means every site.
    """

    name: str
    role: str
    site_ids: frozenset[int] | None = frozenset()
    staff_id: int | None = None

    @classmethod
    def system(cls, part: str) -> "Actor":
        """Return the program itself, acting by one of its parts (``worker``, ``cli`` ...)."""
        return cls(f"system:{part}", "system", None)


@dataclass(frozen=True)
class Context:
    """One unit of work: the edge opens its transaction, services only take part in it."""

    session: Session
    actor: Actor
    now: datetime
    vault: Vault
    hasher: Hasher
    library: Library

    def today(self, timezone: str) -> date:
        """Return the calendar day it is now in a zone."""
        return today(self.now, timezone)

    def acting_as(self, actor: Actor) -> "Context":
        """Return the same unit of work in somebody else's name."""
        return replace(self, actor=actor)


def today(now: datetime, timezone: str) -> date:
    """Return the calendar day an instant falls on in a zone."""
    return now.astimezone(ZoneInfo(timezone)).date()


Details = Mapping[str, str]
