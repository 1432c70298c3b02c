"""Workers stopped past their lease and woken again, with and without SQLite's one lock in hand."""

import logging
import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from qol_app.app import web_app
from qol_app.db.tables import Delivery
from qol_app.web import health as health_pages
from qol_app.worker import loop
from qol_app.worker.sending import HELD_UP_AFTER
from tests.conftest import Clock, make_runtime, make_settings
from tests.crowd import crowd
from tests.delivery.mail_fake import mail_server
from tests.faults.judging import TEN, count, finished, judge, wait_until
from tests.faults.pack import LIFE_S, SPEED, THREADS, Counting, pack
from tests.messaging import Provider, enrol, make_worker, statuses, tick

pytestmark = [pytest.mark.faults, pytest.mark.slow]
PEOPLE = 12
HELD_UP = "not handed over: this worker was held up after it had begun"
# So long that a busy machine does not take the lease from a worker that is well.
LONG_LIFE_S = 6 * LIFE_S


def is_stopped(pid):
    """Whether the kernel shows a process as stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.mark.requirement("D9", "O7")
@pytest.mark.parametrize("point", ["after_claim", "after_begin", "during_call"])
def test_a_worker_stopped_past_its_lease_and_woken_sends_nothing_twice(
    database_url, tmp_path, zygote, point
):
    """The lock is not held at these points, also on SQLite, so that others take over at once."""
    runtime = make_runtime(make_settings(database_url, tmp_path), Clock(TEN))
    crowd(runtime, PEOPLE)
    provider = Counting()
    with (
        mail_server(provider) as smtp,
        pack(zygote, database_url, tmp_path, smtp, TEN, LONG_LIFE_S, at_once=6) as workers,
    ):
        stopped = workers.start(point, signal_=signal.SIGSTOP)
        wait_until(lambda: is_stopped(stopped))
        others = [workers.start() for _ in range(3)]
        wait_until(lambda: finished(runtime) == PEOPLE)
        before = provider.counts.total()
        workers.wake(stopped)
        # What it found itself too late for goes to whoever is active now.
        wait_until(lambda: finished(runtime) == PEOPLE)
        for pid in others:
            os.kill(pid, signal.SIGKILL)
    judge(runtime, provider.counts, PEOPLE)
    # What it had begun it may finish; what it had only claimed is the others' by now.
    begun = 0 if point == "after_claim" else THREADS
    assert provider.counts.total() - before <= begun
    runtime.database.close()


@pytest.mark.requirement("D9", "O7")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("point", ["before_claim", "before_begin", "before_conclude"])
def test_a_worker_stopped_with_the_lock_in_hand_stops_all_and_doubles_nothing(
    database_url, tmp_path, zygote, point, monkeypatch
):
    """On SQLite nobody can write while it stands; when it goes on, so does everything."""
    database_url += "?timeout=0.2"
    monkeypatch.setattr(health_pages, "WRITABLE_WITHIN_S", 0.2)
    runtime = make_runtime(make_settings(database_url, tmp_path), Clock(TEN))
    crowd(runtime, PEOPLE)
    client = web_app(runtime).test_client()
    provider = Counting()
    with (
        mail_server(provider) as smtp,
        pack(zygote, database_url, tmp_path, smtp, TEN, LONG_LIFE_S, at_once=6) as workers,
    ):
        stopped = workers.start(point, signal_=signal.SIGSTOP)
        wait_until(lambda: is_stopped(stopped))
        workers.start()
        ended = finished(runtime)
        health = client.get("/health/deep")
        checks = health.json["checks"]
        assert health.status_code == 503
        assert "another process holds the write lock" in checks["write"]["found"]
        assert checks["reminders"]["well"]  # what can be read is still told
        assert finished(runtime) == ended
        workers.wake(stopped)
        wait_until(lambda: finished(runtime) == PEOPLE)
    judge(runtime, provider.counts, PEOPLE)
    runtime.database.close()


@pytest.mark.requirement("D9")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_worker_that_wakes_up_too_late_asks_anew_instead_of_handing_over(
    database_url, tmp_path, zygote
):
    """It may be night by now, or somebody has died: what it had begun is certainly not sent."""
    runtime = make_runtime(make_settings(database_url, tmp_path), Clock(TEN))
    crowd(runtime, 2)
    provider = Counting()
    with (
        mail_server(provider) as smtp,
        pack(zygote, database_url, tmp_path, smtp, TEN, LONG_LIFE_S, at_once=1) as workers,
    ):
        stopped = workers.start("after_begin", signal_=signal.SIGSTOP)
        wait_until(lambda: is_stopped(stopped))
        time.sleep(1.2 * HELD_UP_AFTER.total_seconds() / SPEED)
        workers.wake(stopped)
        wait_until(lambda: finished(runtime) == 2)
    judge(runtime, provider.counts, 2)
    found = count(runtime, Delivery.status)
    held_up = count(runtime, Delivery.detail)[HELD_UP]
    # On a machine that is slow enough the other one is held up as well.
    assert found == {"refused": held_up, "accepted": 2}
    runtime.database.close()


@pytest.mark.requirement("O7")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_jobs_that_find_the_lock_held_say_so_in_one_line_and_go_on_later(
    database_url, tmp_path, caplog, capfd
):
    runtime = make_runtime(make_settings(database_url + "?timeout=0.1", tmp_path), Clock())
    enrol(runtime)
    provider = Provider()
    worker = make_worker(runtime, email=provider)
    scheduler = BackgroundScheduler()
    with caplog.at_level(logging.INFO), closing(sqlite3.connect(tmp_path / "qol.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        scheduler.start()
        loop.add_jobs(scheduler, worker)
        wait_until(lambda: "job heartbeat: not done" in caplog.text)
        scheduler.shutdown(wait=True)
        other.rollback()
    assert "another process holds the write lock" in caplog.text
    assert "Traceback" not in caplog.text + "".join(capfd.readouterr())
    assert provider.calls == 0
    tick(worker)
    assert statuses(runtime) == {"opening": "handed_over"}
    worker.stop()
    runtime.database.close()
