"""Workers killed anywhere on the way out: nothing twice, nothing lost in silence."""

import os
import queue
import random
import signal
from collections import Counter
from contextlib import suppress

import pytest

from tests.conftest import Clock, make_runtime, make_settings
from tests.crowd import crowd
from tests.delivery.mail_fake import mail_server
from tests.faults.judging import TEN, finished, judge, wait_until
from tests.faults.pack import PATIENCE_S, THREADS, Counting, pack, relay
from tests.faults.zygote import POINTS

pytestmark = [pytest.mark.faults, pytest.mark.slow]
WORKERS = 8


def fate(rng):
    """Return where a worker dies, and after how many times that it passes there."""
    point = rng.choice(POINTS)
    # Nobody comes by there twice where all is well: a worker recovers when it takes the lease.
    return point, 0 if point.endswith("recover") else rng.randrange(2)


def last_end(workers, runtime):
    """Return how the last worker ended; wait for it for as long as anything gets done."""
    done = -1
    while done < (done := finished(runtime)):
        with suppress(queue.Empty):
            return workers.ended.get(timeout=PATIENCE_S)
    raise AssertionError(f"nothing was done for {PATIENCE_S} s; {done} had an end")


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
            ends = [fate(rng) for _ in range(WORKERS)]
            fates = {workers.start(point, passes): point for point, passes in ends}
            before = deaths.total()
            for _ in ends:
                pid, by = workers.ended.get(timeout=PATIENCE_S)
                if by:
                    assert by == signal.SIGKILL
                    deaths[fates[pid]] += 1
            assert deaths.total() > before, "nothing is left to die over; add participants"
        workers.start()
        assert last_end(workers, runtime)[1] == 0
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
            point, passes = fate(rng)
            fates[workers.start(point, passes)] = point

        for _ in range(WORKERS):
            start_one()
        while deaths.total() < kills:
            pid, by = workers.ended.get(timeout=PATIENCE_S)
            assert by == signal.SIGKILL
            deaths[fates.pop(pid)] += 1
            start_one()
        for pid in fates:
            os.kill(pid, signal.SIGKILL)
        workers.start()
        wait_until(lambda: finished(runtime) == people)
    uncertain = judge(runtime, provider.counts, people)
    print(f"{deaths.total()} deaths {dict(deaths)}, {people} due, {uncertain} uncertain")
    assert uncertain <= deaths.total() * THREADS
    runtime.database.close()
