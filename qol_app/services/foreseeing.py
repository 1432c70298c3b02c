"""What a participant will be asked and sent: the same timeline as ``flask plan`` prints.

Of what was begun the rows decide, of all else the plan; the wishes and addresses of the
participant say by which channel and at what hour.
"""

from collections.abc import Collection

from qol_app.db.tables import Participant
from qol_app.schedule.history import History
from qol_app.schedule.timeline import TimelineEntry, timeline_of
from qol_app.services.contacting import Person, people
from qol_app.services.context import Context
from qol_app.services.planning import Prospect, prospect


def person(ctx: Context, participant: Participant, channels: Collection[str]) -> Person:
    """Return what decides about contact with a participant, by the channels there are."""
    return people(ctx, [participant.id], channels)[participant.id]


def timeline(ctx: Context, person: Person) -> tuple[TimelineEntry, ...]:
    """Return every assessment that is expected of somebody, with its reminders."""
    now = prospect(ctx, person.participant, person.history)
    return timeline_after(person, now, person.history)


def timeline_after(
    person: Person, change: Prospect, afterwards: History
) -> tuple[TimelineEntry, ...]:
    """Return the timeline as it would be after a change, if this were all that had happened."""
    return timeline_of(
        change.expected, person.protocol, afterwards, person.zone, person.preferences
    )
