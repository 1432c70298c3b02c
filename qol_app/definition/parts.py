"""What every part of an instrument definition has in common: frozen, strict, and flagged."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints


class Part(BaseModel):
    """A frozen part of a definition; a field it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Flag(StrEnum):
    """How far a rule or number has been followed to its source; printed wherever it is used."""

    VERIFIED = "verified"
    RECALLED = "recalled"
    ONE_SOURCE = "one source"
    OWN_CHOICE = "own choice"


InstrumentCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,39}$")]
ItemCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_]{0,39}$")]
ScaleCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_]{0,39}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]

# One text per language: {"en": "Fatigue", "sv": "Trötthet"}.
LocalText = dict[Language, Words]


def in_language(text: Mapping[str, str], language: str) -> str:
    """Return the text in this language, else in English, else in whatever there is."""
    return text.get(language) or text.get("en") or next(iter(text.values()))
