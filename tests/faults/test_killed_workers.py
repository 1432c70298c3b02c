"""Workers killed anywhere on the way out: nothing twice, nothing lost in silence."""

import os
import random
import signal
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from qol_app.db.tables import Delivery, Reminder
from tests.conftest import Clock, make_runtime, make_settings
from tests.crowd import crowd
from tests.delivery.mail_fake import mail_server
from tests.faults.pack import LIFE_S, THREADS, Counting, pack, relay
from tests.faults.zygote import POINTS
from tests.messaging import TESTS

pytestmark = [pytest.mark.faults, pytest.mark.slow]
TEN = datetime(2026, 11, 23, 10, 0, tzinfo=ZoneInfo("Europe/Stockholm"))
WORKERS = 8


def count(runtime, column):
    with runtime.reading(TESTS) as ctx:
        return dict(ctx.session.execute(select(column, func.count()).group_by(column)).all())


def judge(runtime, taken, people):
    """Hold the database against what the provider took; return how many are uncertain."""
    twice = {thread: n for thread, n in taken.items() if n > 1}
    assert not twice, f"sent more than once: {twice}"
    found = count(runtime, Reminder.status)
    assert sum(found.values()) == people, f"silently lost: {people - sum(found.values())}"
    assert set(found) <= {"handed_over", "uncertain"}, found
    with runtime.reading(TESTS) as ctx:
        query = select(Delivery.reference, Delivery.status)
        final = {}
        for reference, status in ctx.session.execute(query):
            final.setdefault(reference.partition(".")[0], []).append(status)
    for thread, statuses in final.items():
        if "accepted" in statuses:
            assert taken[thread] == 1, f"{thread}: said handed over, never arrived"
        if taken[thread]:
            assert {"accepted", "uncertain"} & set(statuses), f"{thread}: arrived, not shown"
    return found.get("uncertain", 0)


@pytest.mark.requirement("D9", "O7")
def test_kills_at_every_point_send_nothing_twice_and_lose_nothing(
    database_url, tmp_path, zygote, fault_cycles
):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    runtime = make_runtime(make_settings(database_url, tmp_path), Clock(TEN))
    # PostgreSQL forks a process for each connection, so only a tenth of the cycles is there.
    share = 0.9 if runtime.database.is_sqlite else 0.1
    cycles = max(round(fault_cycles * share), 8)
    people, deaths = cycles * 3 // 2 + 40, Counter()
    crowd(runtime, people)
    with relay(zygote, database_url, tmp_path, TEN) as workers:
        while deaths.total() < cycles:
            # Eight start at once and stand in line for the lease; each dies in its own way.
            points = [rng.choice(POINTS) for _ in range(WORKERS)]
            fates = {workers.start(point, rng.randrange(2)): point for point in points}
            before = deaths.total()
            for _ in points:
                pid, by = workers.ended.get(timeout=60)
                if by:
                    assert by == signal.SIGKILL
                    deaths[fates[pid]] += 1
            assert deaths.total() > before, "nothing is left to die over; add participants"
        workers.start()
        assert workers.ended.get(timeout=180)[1] == 0
    taken = Counter((tmp_path / "taken").read_text().split())
    uncertain = judge(runtime, taken, people)
    print(f"{deaths.total()} deaths {dict(deaths)}, {people} due, {uncertain} uncertain")
    assert set(deaths) == set(POINTS) or cycles < 200
    assert uncertain <= deaths.total()
    runtime.database.close()


@pytest.mark.requirement("D9", "O7")
def test_workers_killed_amid_real_mail_send_nothing_twice_and_lose_nothing(
    database_url, tmp_path, zygote, fault_cycles
):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    kills = max(fault_cycles // 60, 8)
    people = kills * 6
    runtime = make_runtime(make_settings(database_url, tmp_path), Clock(TEN))
    crowd(runtime, people)
    provider, deaths = Counting(), Counter()
    with mail_server(provider) as smtp, pack(zygote, database_url, tmp_path, smtp, TEN) as workers:
        fates = {}

        def start_one():
            point = rng.choice(POINTS)
            fates[workers.start(point, passes=rng.randrange(2))] = point

        for _ in range(WORKERS):
            start_one()
        while deaths.total() < kills:
            pid, by = workers.ended.get(timeout=60)
            assert by == signal.SIGKILL
            deaths[fates.pop(pid)] += 1
            start_one()
        for pid in fates:
            os.kill(pid, signal.SIGKILL)
        workers.start()
        _wait_until(lambda: _finished(runtime) == people)
    uncertain = judge(runtime, provider.counts, people)
    print(f"{deaths.total()} deaths {dict(deaths)}, {people} due, {uncertain} uncertain")
    assert uncertain <= deaths.total() * THREADS
    runtime.database.close()


# PostgreSQL alone: a process stopped while it holds SQLite's one lock stops everybody, and what
# is to be shown is that a second worker takes over.
@pytest.mark.requirement("D9", "O7")
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("point", ["after_claim", "after_begin", "during_call"])
def test_a_worker_stopped_past_its_lease_and_woken_sends_nothing_twice(
    database_url, tmp_path, zygote, point
):
    people = 20
    runtime = make_runtime(make_settings(database_url, tmp_path), Clock(TEN))
    crowd(runtime, people)
    provider = Counting()
    with (
        mail_server(provider) as smtp,
        # So long that a busy machine does not take the lease from a worker that is well.
        pack(zygote, database_url, tmp_path, smtp, TEN, life_s=10 * LIFE_S) as workers,
    ):
        stopped = workers.start(point, passes=1, signal_=signal.SIGSTOP)
        _wait_until(lambda: _state(stopped) == "T")
        others = [workers.start() for _ in range(3)]
        _wait_until(lambda: _finished(runtime) == people)
        before = provider.counts.total()
        os.kill(stopped, signal.SIGCONT)
        time.sleep(2)
        assert _state(stopped) != "T"
        for pid in others:
            os.kill(pid, signal.SIGKILL)
    judge(runtime, provider.counts, people)
    # What it had begun it may finish; what it had only claimed is the others' by now.
    begun = 0 if point == "after_claim" else THREADS
    assert provider.counts.total() - before <= begun
    runtime.database.close()


def _state(pid):
    """Return the state of a process as the kernel shows it: T is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _wait_until(true, within_s=180):
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)


def _finished(runtime):
    found = count(runtime, Reminder.status)
    return found.get("handed_over", 0) + found.get("uncertain", 0)
