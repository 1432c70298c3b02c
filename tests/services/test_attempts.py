"""Several attempts at one reminder: reports in any order, late and doubled, end the same."""

import itertools
import random
from contextlib import contextmanager

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from qol_app.db.tables import Assessment, Delivery, Reminder, Task
from qol_app.delivery.errors import TryAgainLater, Uncertain, Undeliverable
from qol_app.delivery.message import HandedOver, Message
from qol_app.services import callbacks, outgoing
from qol_app.services.callbacks import KNOWS, Report
from qol_app.services.context import Context
from qol_app.services.identity import Identity
from qol_app.services.outgoing import Outgoing
from tests.conftest import NOW, Clock, make_runtime, make_settings
from tests.messaging import PHONE, TESTS, enrol

WORDS = ("accepted", "bounced", "delivered", "opened")
REPORTS = st.tuples(st.sampled_from([1, 2]), st.sampled_from(WORDS))
# How an attempt that was begun may be left before anybody reports: concluded or interrupted.
FIRST = ("refused", "uncertain", "accepted")
SECOND = ("started", "refused", "uncertain", "accepted")
ENDINGS = {
    "accepted": HandedOver("s2"),
    "refused": TryAgainLater("429"),
    "never": Undeliverable("550"),
    "uncertain": Uncertain("time-out"),
}
MESSAGE = Message(reference="t.2", thread="t", to=PHONE, subject="", text="")


@pytest.fixture(scope="module")
def study(templates, tmp_path_factory):
    """One participant who is expected to answer, and nothing sent yet."""
    folder = tmp_path_factory.mktemp("attempts")
    runtime = make_runtime(make_settings(templates.copy("sqlite", folder), folder), Clock())
    enrol(runtime, person=Identity(phone=PHONE))
    with runtime.database.write() as session:
        yield Context(session, TESTS, NOW, runtime.vault, runtime.hasher, runtime.library)
        session.rollback()
    runtime.database.close()


class Story:
    """A reminder with two attempts, and what is heard of them."""

    def __init__(self, ctx, first, second):
        self.ctx = ctx
        row = ctx.session.scalars(select(Assessment)).first()
        self.reminder = Reminder(
            participant_id=row.participant_id,
            assessment_id=row.id,
            step="opening",
            channel="sms",
            due_at=NOW,
            claimed_at=NOW,
            attempts=2,
            status={"started": "sending", "accepted": "handed_over", "refused": "claimed"}.get(
                second, second
            ),
        )
        ctx.session.add(self.reminder)
        ctx.session.flush()
        self.attempts = [
            Delivery(
                reminder_id=self.reminder.id,
                reference=f"t.{number}",
                channel="sms",
                started_at=NOW,
                status=status,
            )
            for number, status in enumerate((first, second), start=1)
        ]
        ctx.session.add_all(self.attempts)
        ctx.session.flush()

    def hear(self, number, word):
        callbacks.apply(self.ctx, "sms", Report(f"t.{number}", word))

    def conclude(self, ending):
        second = Outgoing(self.reminder.id, self.attempts[1].id, "sms", MESSAGE, NOW)
        outgoing.conclude(self.ctx, second, ENDINGS[ending], random.Random(1))

    @property
    def outcome(self):
        """What anybody can see of it: the reminder, its attempts, the open tasks."""
        tasks = select(Task.kind).where(Task.done_at.is_(None)).order_by(Task.kind)
        return (
            (self.reminder.status, self.reminder.why),
            [one.status for one in self.attempts],
            list(self.ctx.session.scalars(tasks)),
        )


@contextmanager
def told(ctx, first, second):
    """Yield a story that is forgotten afterwards."""
    aside = ctx.session.begin_nested()
    try:
        yield Story(ctx, first, second)
    finally:
        aside.rollback()


def end(ctx, first, second, reports):
    """Return how it ends; on the way nothing may go backwards."""
    with told(ctx, first, second) as story:
        for number, word in reports:
            before = story.outcome
            story.hear(number, word)
            assert_forward(before, story.outcome)
        return story.outcome


def assert_forward(before, after):
    for old, new in zip(before[1], after[1], strict=True):
        assert KNOWS[new] >= KNOWS[old], f"an attempt went from {old} back to {new}"
    if before[0][0] == "delivered":
        assert after[0] == before[0], f"the reminder went from delivered back to {after[0]}"


@pytest.mark.requirement("D9")
@pytest.mark.parametrize("second", SECOND)
@pytest.mark.parametrize("first", FIRST)
def test_reports_of_two_attempts_end_the_same_in_every_order(study, first, second):
    reports = [(1, "accepted"), (1, "delivered"), (2, "accepted"), (2, "bounced")]
    ends = [end(study, first, second, order) for order in itertools.permutations(reports)]
    assert all(one == ends[0] for one in ends)
    assert ends[0][0] == ("delivered", "")
    assert ends[0][2] == []


@pytest.mark.requirement("D9")
@settings(max_examples=60, deadline=None)
@given(
    first=st.sampled_from(FIRST),
    second=st.sampled_from(SECOND),
    reports=st.lists(REPORTS, max_size=6),
    data=st.data(),
)
@example(
    first="uncertain", second="accepted", reports=[(1, "bounced"), (2, "delivered")], data=None
)
def test_whatever_is_reported_late_or_doubled_nothing_goes_backwards(
    study, first, second, reports, data
):
    once = end(study, first, second, reports)
    shuffled = data.draw(st.permutations([*reports, *reports])) if data else reports[::-1]
    assert end(study, first, second, shuffled) == once
    words = {word for _, word in reports}
    assert (once[0][0] == "delivered") == bool(words & {"delivered", "opened"})


@pytest.mark.requirement("D9")
@pytest.mark.parametrize("ending", ENDINGS)
def test_an_attempt_that_ends_after_another_arrived_changes_that_no_more(study, ending):
    with told(study, "refused", "started") as story:
        story.hear(1, "delivered")
        story.conclude(ending)
        assert story.outcome[0] == ("delivered", "")
        assert story.outcome[2] == []


@pytest.mark.parametrize(
    ("ending", "reminder"),
    [
        ("accepted", ("handed_over", "")),
        ("refused", ("claimed", "")),
        ("never", ("failed", "bad_address")),
        ("uncertain", ("uncertain", "interrupted")),
    ],
)
def test_an_attempt_of_which_nothing_else_is_known_decides(study, ending, reminder):
    with told(study, "refused", "started") as story:
        story.conclude(ending)
        assert story.outcome[0] == reminder


def test_an_attempt_that_came_back_says_nothing_while_another_may_have_arrived(study):
    with told(study, "uncertain", "accepted") as story:
        story.hear(1, "bounced")
        assert story.outcome[0] == ("handed_over", "")
        assert story.outcome[2] == []
        story.hear(2, "bounced")
        assert story.outcome[0] == ("failed", "bad_address")
        assert story.outcome[2] == ["bad_sms"]
        story.hear(1, "delivered")
        assert story.outcome == (("delivered", ""), ["delivered", "bounced"], [])
