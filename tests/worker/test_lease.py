"""One worker is the active one; a worker that was stopped past its lease finds out in time."""

import threading
from datetime import timedelta

import pytest

from qol_app.services import lease
from qol_app.worker.jobs import JOBS, Worker
from qol_app.worker.sending import Sender
from tests.conftest import make_runtime, make_settings
from tests.messaging import (
    TESTS,
    Provider,
    claim,
    deliveries,
    enrol,
    make_worker,
    open_tasks,
    reminders,
    statuses,
    tick,
)


def acquire(runtime, holder):
    with runtime.writing(TESTS) as ctx:
        return lease.acquire(ctx, holder)


class Interrupted(Sender):
    """A sender that never gets to write an outcome down; it is kept in ``outcomes``."""

    def _conclude(self, prepared, outcome):
        self.channels["email"].outcomes.append((prepared, outcome))


def interrupted_worker(runtime):
    provider = Provider()
    provider.outcomes = []
    whole = make_worker(runtime, email=provider)
    return Worker(Interrupted(runtime, whole.sender.house, whole.sender.channels)), whole


@pytest.mark.requirement("O7")
def test_one_holder_at_a_time_and_a_new_number_each_time_it_changes_hands(runtime, clock):
    first = acquire(runtime, "one")
    assert first.fence == 1
    assert acquire(runtime, "two") is None
    assert acquire(runtime, "one") == first
    clock.move(seconds=61)
    second = acquire(runtime, "two")
    assert second.fence == 2
    assert acquire(runtime, "one") is None
    with runtime.reading(TESTS) as ctx:
        assert not lease.still_held(ctx, first)
        assert lease.still_held(ctx, second)


def test_a_lease_that_ran_out_is_not_prolonged_under_its_old_number(runtime, clock):
    first = acquire(runtime, "one")
    clock.move(seconds=61)
    with runtime.reading(TESTS) as ctx:
        assert not lease.still_held(ctx, first)
    assert acquire(runtime, "one").fence == 2


def test_prolonging_keeps_the_number_and_fails_once_the_lease_has_run_out(runtime, clock):
    first = acquire(runtime, "one")
    clock.move(seconds=50)
    with runtime.writing(TESTS) as ctx:
        assert lease.prolong(ctx, first)
    clock.move(seconds=50)
    with runtime.reading(TESTS) as ctx:
        assert lease.still_held(ctx, first)
    clock.move(seconds=11)
    with runtime.writing(TESTS) as ctx:
        assert not lease.prolong(ctx, first)
    second = acquire(runtime, "two")
    with runtime.writing(TESTS) as ctx:
        assert not lease.prolong(ctx, first)
        assert lease.prolong(ctx, second)


def test_a_lease_given_back_can_be_had_at_once(runtime):
    first = acquire(runtime, "one")
    with runtime.writing(TESTS) as ctx:
        lease.release(ctx, first)
    assert acquire(runtime, "two").fence == 2


def test_of_many_asking_at_once_one_gets_it(runtime):
    got = []
    threads = [
        threading.Thread(target=lambda n=n: got.append(acquire(runtime, f"w{n}"))) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in got if one]) == 1


@pytest.mark.requirement("O7")
def test_only_the_active_worker_does_anything(runtime):
    enrol(runtime)
    first, second = Provider(), Provider()
    active, standby = make_worker(runtime, email=first), make_worker(runtime, email=second)
    active.heartbeat()
    tick(standby)
    tick(active)
    assert (first.calls, second.calls) == (1, 0)


def test_the_next_worker_takes_over_what_a_dead_one_had_claimed(runtime, clock):
    enrol(runtime)
    claim(make_worker(runtime, email=Provider()))
    clock.move(seconds=61)
    provider = Provider()
    tick(make_worker(runtime, email=provider))
    assert len(provider.taken) == 1
    assert statuses(runtime) == {"opening": "handed_over"}


@pytest.mark.requirement("D9", "O7")
def test_a_worker_stopped_past_its_lease_sends_nothing_when_it_wakes(runtime, clock):
    enrol(runtime)
    stopped_provider, provider = Provider(), Provider()
    stopped = make_worker(runtime, email=stopped_provider)
    claimed = claim(stopped)
    clock.move(seconds=61)
    tick(make_worker(runtime, email=provider))
    stopped.sender.send(stopped.lease, claimed)
    stopped.remind()
    assert (stopped_provider.calls, provider.calls) == (0, 1)


@pytest.mark.requirement("D9")
def test_a_worker_that_dies_during_the_call_leaves_it_uncertain_for_the_next(runtime, clock):
    enrol(runtime)
    dead, _ = interrupted_worker(runtime)
    claimed = claim(dead)
    dead.sender.send(dead.lease, claimed)
    assert deliveries(runtime)[0].status == "started"
    clock.move(seconds=61)
    provider = Provider()
    tick(make_worker(runtime, email=provider))
    assert provider.calls == 0
    assert statuses(runtime) == {"opening": "uncertain"}
    assert open_tasks(runtime) == ["message_uncertain"]


def test_a_worker_that_wakes_with_the_answer_clears_up_the_uncertainty(runtime, clock):
    enrol(runtime)
    slow, whole = interrupted_worker(runtime)
    claimed = claim(slow)
    slow.sender.send(slow.lease, claimed)
    clock.move(seconds=61)
    make_worker(runtime, email=Provider()).heartbeat()
    assert statuses(runtime) == {"opening": "uncertain"}
    (outcome,) = slow.sender.channels["email"].outcomes
    whole.sender._conclude(*outcome)
    assert statuses(runtime) == {"opening": "handed_over"}
    assert open_tasks(runtime) == []


@pytest.mark.requirement("D9")
def test_workers_that_all_believe_in_their_lease_send_once(database_url, tmp_path, clock):
    """Even where the lease itself fails, the claim and the attempt cannot both be won."""
    runtimes = [make_runtime(make_settings(database_url, tmp_path), clock) for _ in range(4)]
    for number in range(1, 13):
        enrol(runtimes[0], f"UME-{number:03}")
    provider = Provider(delay_s=0.01)
    workers = [make_worker(runtime, email=provider) for runtime in runtimes]
    workers[0].heartbeat()
    barrier = threading.Barrier(len(workers))

    def work(worker):
        worker.lease = workers[0].lease  # all of them think they are the one
        barrier.wait()
        for _ in range(3):
            worker.remind()
            worker.deliver()

    threads = [threading.Thread(target=work, args=[worker]) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    workers[0].deliver()
    assert len(provider.taken) == 12
    assert max(provider.threads.values()) == 1
    assert {reminder.status for reminder in reminders(runtimes[0])} == {"handed_over"}
    for runtime in runtimes:
        runtime.database.close()


def test_a_lease_lasts_longer_than_several_heartbeats():
    every = {job.name: job.every for job in JOBS}["heartbeat"]
    assert 3 * every <= lease.LIFE
    assert every <= timedelta(seconds=20)


def test_a_process_stopped_inside_a_transaction_cannot_hold_others_for_ever(runtime):
    if runtime.database.is_sqlite:
        pytest.skip("SQLite has no such setting; a writer waits 30 seconds and gives up")
    with runtime.database.engine.connect() as connection:
        for name, wanted in {
            "idle_in_transaction_session_timeout": "1min",
            "lock_timeout": "30s",
        }.items():
            assert connection.exec_driver_sql(f"SHOW {name}").scalar() == wanted
