"""Each site is told its numbers of the morning once, without a word about whom."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select

from qol_app.db.tables import Digest
from qol_app.delivery.errors import TryAgainLater, Uncertain
from qol_app.services.planning import assessments_of
from qol_app.services.tasks import UNCERTAIN_TASK, finish_by_itself, open_task
from tests.messaging import EMAIL, TESTS, Provider, enrol, happen, make_worker

STOCKHOLM = ZoneInfo("Europe/Stockholm")
EIGHT = datetime(2026, 12, 16, 8, 0, tzinfo=STOCKHOLM)  # T0 closes on the 21st


def tell(worker, times=1):
    worker.heartbeat()
    for _ in range(times):
        worker.tell_sites()


def rows(runtime):
    with runtime.reading(TESTS) as ctx:
        return {
            (one.site_id, str(one.day)): one.status for one in ctx.session.scalars(select(Digest))
        }


def test_a_site_with_something_open_is_told_once_a_day(runtime, clock):
    provider = Provider()
    worker = make_worker(runtime, email=provider)
    enrol(runtime)
    clock.now = EIGHT
    tell(worker, times=3)
    (message,) = provider.taken
    assert message.to == "ume@example.org"
    assert message.subject == "Dagens lista"
    assert "Stänger inom en vecka, obesvarade: 1" in message.text
    assert "UME-001" not in message.text
    assert EMAIL not in message.text
    clock.move(days=1)
    tell(worker)
    assert len(provider.taken) == 2
    assert set(rows(runtime).values()) == {"accepted", "nothing"}


def test_nobody_is_told_at_night_in_the_afternoon_or_at_the_weekend(runtime, clock):
    provider = Provider()
    worker = make_worker(runtime, email=provider)
    enrol(runtime)
    for at in (EIGHT.replace(hour=6), EIGHT.replace(hour=13), EIGHT.replace(day=19)):
        clock.now = at
        tell(worker)
    assert provider.calls == 0


def test_a_busy_server_is_tried_again_and_an_uncertain_mail_is_not(runtime, clock):
    provider = Provider(lambda n: [TryAgainLater("busy"), Uncertain("drop"), None][n])
    worker = make_worker(runtime, email=provider)
    enrol(runtime)
    clock.now = EIGHT
    tell(worker, times=4)
    assert provider.calls == 2
    assert "uncertain" in rows(runtime).values()


def test_what_somebody_who_died_left_unanswered_is_not_on_the_list(runtime, clock):
    provider = Provider()
    worker = make_worker(runtime, email=provider)
    participant = enrol(runtime)
    clock.now = EIGHT
    happen(runtime, participant, "death", EIGHT.date())
    tell(worker)
    assert provider.taken == []
    assert set(rows(runtime).values()) == {"nothing"}


def test_an_uncertain_message_is_told_until_somebody_has_asked(runtime, clock):
    provider = Provider()
    worker = make_worker(runtime, email=provider)
    participant = enrol(runtime)
    clock.now = EIGHT
    with runtime.writing(TESTS) as ctx:
        (row, *_) = assessments_of(ctx, participant)
        open_task(ctx, participant, row.id, UNCERTAIN_TASK)
    tell(worker)
    assert "Meddelanden som kanske inte har kommit fram: 1" in provider.taken[-1].text
    with runtime.writing(TESTS) as ctx:
        finish_by_itself(ctx, row.id, UNCERTAIN_TASK, "asked")
    clock.move(days=1)
    tell(worker)
    assert "Meddelanden som kanske inte har kommit fram: 0" in provider.taken[-1].text


def test_two_workers_tell_a_site_once(runtime, clock):
    provider = Provider()
    enrol(runtime)
    clock.now = EIGHT
    first, second = (make_worker(runtime, email=provider) for _ in range(2))
    first.heartbeat()
    second.lease = first.lease
    first.tell_sites()
    second.tell_sites()
    assert len(provider.taken) == 1
