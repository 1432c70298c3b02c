"""The demo study has something true to show on every screen."""

from collections import Counter

import pytest
from sqlalchemy import func, select

from qol_app.crypto import token_hash
from qol_app.db.tables import Assessment, MissingReason, Participant, Site, Staff, Submission
from qol_app.errors import NotAllowed
from qol_app.schedule.status import AssessmentState
from qol_app.services import access, demo
from qol_app.services.standing import people
from tests.postgres import NotInstalled

# What a newcomer meets in the grid of the demo.
SHOWN = (
    "SUBMITTED",
    "SUBMITTED_LATE",
    "OPEN",
    "NOT_YET",
    "MISSED",
    "MISSED_EXPLAINED",
    "NOT_EXPECTED_DEAD",
    "NOT_EXPECTED_WITHDRAWN",
)


@pytest.fixture
def database_url(templates, tmp_path):
    """PostgreSQL alone: ``make run`` fills the demo on SQLite in tests/flows."""
    try:
        return templates.copy("postgresql", tmp_path)
    except NotInstalled as error:
        pytest.skip(f"not run: {error}")


@pytest.mark.slow
@pytest.mark.requirement("A12")
def test_every_screen_of_the_demo_has_something_true_to_show(ctx):
    ways_in = [ways_in for _, ways_in in demo.fill(ctx, "breclim-2")][-1]

    _check_people(ctx)
    _check_ways_in(ctx, ways_in)
    with pytest.raises(NotAllowed, match="found participants already"):
        next(demo.fill(ctx, "breclim-2"))


def _check_people(ctx):
    sites = Counter(ctx.session.scalars(select(Site.code).join(Participant)))
    everybody = people(ctx)
    states = Counter(one.state for person in everybody for one in person.standings)
    kinds = {event.kind for person in everybody for event in person.history.events}
    assert sum(sites.values()) == 24
    assert len(sites) == 6
    assert {"death", "withdrawal_qol", "hold", "progression", "liver_procedure"} <= kinds
    assert {
        name: states[AssessmentState[name]] for name in SHOWN if not states[AssessmentState[name]]
    } == {}
    assert ctx.session.scalar(select(func.count()).select_from(Submission)) > 80
    assert ctx.session.scalar(select(func.count()).select_from(MissingReason)) > 0


def _check_ways_in(ctx, ways_in):
    one, other = ways_in.participants
    assert (one["language"], other["language"]) == ("en", "sv")
    link = access.link_of(ctx, token_hash(one["token"]))
    participant = ctx.session.get_one(Participant, link.participant_id)
    today = ctx.today(participant.timezone)
    due = ctx.session.scalars(
        select(Assessment.timepoint).where(
            Assessment.participant_id == participant.id,
            Assessment.opens_on <= today,
            Assessment.closes_on >= today,
            Assessment.started_at.is_(None),
        )
    ).all()
    assert participant.study_number == one["study_number"]
    assert due == ["M3"]
    # No default accounts: every password is drawn anew.
    passwords = {one["password"] for one in ways_in.staff}
    assert (
        len(passwords)
        == len(demo.STAFF)
        == ctx.session.scalar(select(func.count()).select_from(Staff))
    )
    assert min(map(len, passwords)) >= 12
