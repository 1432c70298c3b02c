"""The list of the morning: what closes, what closed empty, which tasks are open."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from qol_app.db.tables import ContactAttempt, Task
from qol_app.services import events, follow_up
from qol_app.services.standing import people
from qol_app.services.worklist import worklist
from tests.services.test_compliance import CLOSES, days_ago, enrolled, state_of
from tests.staff_factories import TODAY, answer, assessment_of, noon


@pytest.mark.parametrize(("left", "listed"), [(8, False), (7, True), (0, True), (-1, False)])
def test_the_list_holds_what_closes_within_seven_days(ctx, left, listed):
    enrolled(ctx, "UME-001", TODAY - CLOSES + timedelta(days=left))
    closing = worklist(ctx, people(ctx)).closing
    assert [(one.standing.timepoint, one.days_left) for one in closing] == (
        [("M3", left)] if listed else []
    )


def test_the_list_leaves_out_who_answered_died_or_withdrew(ctx):
    day = TODAY - CLOSES + timedelta(days=2)
    rows = [enrolled(ctx, f"UME-00{n}", day) for n in range(4)]
    answer(ctx, assessment_of(ctx, rows[0], "M3"), noon(TODAY))
    events.record(ctx, rows[1], "death", TODAY)
    events.record(ctx, rows[2], "withdrawal_qol", TODAY)
    closing = worklist(ctx, people(ctx)).closing
    assert [one.person.study_number for one in closing] == ["UME-003"]


def test_an_empty_one_stays_on_the_list_until_its_reason_is_given(ctx):
    row = enrolled(ctx, "UME-001", days_ago(120))
    for timepoint in ("T0", "W6"):
        answer(ctx, assessment_of(ctx, row, timepoint), noon(days_ago(120)))
    found = worklist(ctx, people(ctx)).unexplained
    assert [one.standing.timepoint for one in found] == ["M3"]
    follow_up.give_reason(ctx, row, assessment_of(ctx, row, "M3"), "not_reached")
    assert worklist(ctx, people(ctx)).unexplained == ()
    follow_up.give_reason(ctx, row, assessment_of(ctx, row, "M3"), "too_ill")
    assert state_of(ctx, row, "M3").facts.reason == "too_ill"


def test_a_pause_over_the_closing_day_proposes_its_reason(ctx):
    row = enrolled(ctx, "UME-001", days_ago(120))
    hold = {"reason": "in_hospital", "until": str(TODAY)}
    events.record(ctx, row, "hold", days_ago(20), hold, confirmed=True)
    found = worklist(ctx, people(ctx)).unexplained
    m3 = next(one for one in found if one.standing.timepoint == "M3")
    assert m3.standing.proposed_reason == "in_hospital"


def test_the_list_shows_the_last_attempt_and_open_tasks(ctx):
    row = enrolled(ctx, "UME-001", TODAY - CLOSES + timedelta(days=2))
    m3 = assessment_of(ctx, row, "M3")
    for outcome in ("no_answer", "left_message"):
        follow_up.log_attempt(ctx, row, "phone", outcome, m3)
    for done in (None, ctx.now):
        task = Task(
            participant_id=row.id, assessment_id=m3.id, kind=f"call{done}", opened_at=ctx.now
        )
        task.done_at = done
        ctx.session.add(task)
    found = worklist(ctx, people(ctx))
    assert [one.last_outcome for one in found.closing] == ["left_message"]
    assert [(one.kind, one.standing.timepoint) for one in found.tasks] == [("callNone", "M3")]
    assert ctx.session.query(ContactAttempt).count() == 2


def statements(ctx, work):
    seen = []
    connection = ctx.session.connection()
    listen = lambda *args: seen.append(args[2])  # noqa: E731
    event.listen(connection, "before_cursor_execute", listen)
    try:
        work()
    finally:
        event.remove(connection, "before_cursor_execute", listen)
    return len(seen)


def test_the_number_of_queries_does_not_grow_with_participants(ctx):
    def work():
        ctx.session.expire_all()
        worklist(ctx, people(ctx))

    row = enrolled(ctx, "UME-900", days_ago(120))
    answer(ctx, assessment_of(ctx, row, "M3"), noon(days_ago(29)))
    work()  # definitions are read once per process
    few = statements(ctx, work)
    for n in range(5):
        row = enrolled(ctx, f"UME-{n:03d}", days_ago(120))
        answer(ctx, assessment_of(ctx, row, "M3"), noon(days_ago(29)))
    assert statements(ctx, work) == few
    assert few <= 12
