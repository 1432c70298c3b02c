"""``flask worker`` as a process: starts, ticks, sends, and ends well when told to."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from qol_app.errors import SettingsError
from qol_app.settings import ROOT, fresh_settings
from qol_app.worker import loop
from qol_app.worker.jobs import JOBS
from tests.messaging import Provider, make_worker

WITHIN_S = 90


@pytest.fixture
def instance(tmp_path, templates):
    """A demo's instance folder with a database that has the study but nobody in it."""
    templates.copy("sqlite", tmp_path)
    (tmp_path / "settings.env").write_text(fresh_settings(DEMO="yes", MAIL_FROM="qol@example.org"))
    return tmp_path


WORKER = (sys.executable, "-m", "flask", "--app", "wsgi", "worker")

# The scheduler holds its pool's lock while it hands a job over; a finished job needs that lock.
TOLD_WHILE_HANDING_OVER = """
import os, signal, sys, time
from apscheduler.executors.pool import ThreadPoolExecutor
from flask.cli import main

hand_over = ThreadPoolExecutor._do_submit_job

def told_meanwhile(pool, job, run_times):
    hand_over(pool, job, run_times)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.05)

ThreadPoolExecutor._do_submit_job = told_meanwhile
sys.argv[1:] = ["--app", "wsgi", "worker"]
main()
"""

# Of two signals at once the system may give one to a thread that is not the main one.
TOLD_IN_ANOTHER_THREAD = """
import signal, sys, threading, time
from qol_app.worker import loop

def tell():
    time.sleep(0.5)  # the main thread waits by now
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

with loop._endings() as wait_for_ending:
    threading.Thread(target=tell).start()
    wait_for_ending()
"""


def start(instance, command=WORKER, **more):
    environment = {
        **os.environ,
        "QOL_SETTINGS": str(instance / "settings.env"),
        "PYTHONUNBUFFERED": "1",
        **more,
    }
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ticks(instance):
    connection = sqlite3.connect(instance / "qol.db")
    try:
        return dict(connection.execute("SELECT job, ticked_at FROM worker_tick").fetchall())
    finally:
        connection.close()


def beat(instance, process):
    """Return when the heart of a worker beat last, waiting for the first time."""
    deadline = time.monotonic() + WITHIN_S
    while "heartbeat" not in (found := ticks(instance)):
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert process.poll() is None, process.stdout.read()
    return found["heartbeat"]


@pytest.mark.slow
def test_the_worker_ticks_and_gives_its_lease_back_when_told_to_end(instance):
    process = start(instance)
    try:
        # The first beat is before the scheduler starts; with the second all jobs are on their way.
        first = beat(instance, process)
        while beat(instance, process) == first:
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=WITHIN_S)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "worker running" in said
    assert {"heartbeat", "reminders", "deliveries", "seal", "housekeeping"} <= set(ticks(instance))
    connection = sqlite3.connect(instance / "qol.db")
    (expires,) = connection.execute("SELECT expires_at FROM worker_lease").fetchone()
    connection.close()
    assert expires.startswith("1970")


@pytest.mark.slow
@pytest.mark.parametrize(
    "told",
    [TOLD_WHILE_HANDING_OVER, TOLD_IN_ANOTHER_THREAD],
    ids=["while it hands out jobs", "in whichever thread"],
)
def test_a_worker_told_to_end_ends(instance, told):
    process = start(instance, (sys.executable, "-c", told))
    try:
        said, _ = process.communicate(timeout=WITHIN_S)
    finally:
        process.kill()
    assert process.returncode == 0, said


@pytest.mark.slow
def test_a_live_study_that_can_reach_nobody_is_told_which_settings_are_missing(instance):
    """Notices go only to who has come and asked for them."""
    process = start(instance, DEMO="no")
    said, _ = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 1
    assert "found push; wanted at least one of SMTP_URL, SMS_URL" in said
    assert "Traceback" not in said


def test_jobs_are_few_fixed_and_never_thrown_away_for_being_late(runtime):
    scheduler = BackgroundScheduler()
    scheduler.start(paused=True)
    try:
        loop.add_jobs(scheduler, make_worker(runtime, email=Provider()))
        jobs = scheduler.get_jobs()
    finally:
        scheduler.shutdown(wait=False)
    assert {job.id for job in jobs} == {job.name for job in JOBS}
    assert all(job.coalesce and job.max_instances == 1 for job in jobs)
    assert all(job.misfire_grace_time is None for job in jobs)
    assert max(job.trigger.interval for job in jobs if job.id == "reminders") == timedelta(
        minutes=1
    )


def test_a_worker_without_channels_is_refused(runtime):
    with pytest.raises(SettingsError, match="SMTP_URL"):
        loop.make_worker(runtime, runtime.settings)
