"""What the program itself knows about events in a participant's life.

A protocol may name any event and anchor timepoints at it. The events below mean more: they
allow contact, end it, pause it, or carry the allocation. Their meaning is the same in every
trial, so it stands here once and a protocol cannot redefine it.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Effect(StrEnum):
    """What an event does to a participant's schedule beyond being an anchor."""

    NONE = "none"
    CONSENT = "consent"
    ALLOCATION = "allocation"
    HOLD = "hold"
    HOLD_END = "hold_end"
    WITHDRAWAL = "withdrawal"
    LOST = "lost"
    FOUND = "found"
    DEATH = "death"
    END_OF_STUDY = "end_of_study"


STANDARD_EFFECTS: Mapping[str, Effect] = MappingProxyType(
    {
        "consent": Effect.CONSENT,
        "randomisation": Effect.ALLOCATION,
        "hold": Effect.HOLD,
        "hold_ended": Effect.HOLD_END,
        "withdrawal_qol": Effect.WITHDRAWAL,
        "withdrawal_all": Effect.WITHDRAWAL,
        "lost_to_follow_up": Effect.LOST,
        "found_again": Effect.FOUND,
        "death": Effect.DEATH,
        "end_of_study": Effect.END_OF_STUDY,
    }
)

# From these on nobody is asked, so that nothing can be counted from them.
STOPS = (Effect.WITHDRAWAL, Effect.LOST, Effect.DEATH, Effect.END_OF_STUDY)

# Known to the analysis, and no more likely to tell the arm than a death is.
OUTCOMES = frozenset({"progression", "last_known_alive"})

# Without these no protocol can be run decently: nobody could agree, leave or die.
INDISPENSABLE_EVENTS = ("consent", "withdrawal_qol", "withdrawal_all", "death")


def effect_of(kind: str) -> Effect:
    """Return what an event of this kind does; NONE for events only a protocol knows."""
    return STANDARD_EFFECTS.get(kind, Effect.NONE)


def tells_no_arm(kind: str) -> bool:
    """Return whether who may not see arms may see that an event of this kind happened.

    Any other event that only a protocol knows, a procedure above all, may give the arm away
    without naming it.
    """
    return effect_of(kind) is not Effect.NONE or kind in OUTCOMES
