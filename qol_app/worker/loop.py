"""The process: APScheduler runs the fixed jobs until it is told to stop."""

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.schedulers.blocking import BlockingScheduler

from qol_app.delivery.channels import open_channels
from qol_app.delivery.sink import Sink
from qol_app.errors import SettingsError
from qol_app.runtime import Runtime
from qol_app.services.composing import House
from qol_app.settings import Settings
from qol_app.worker.jobs import JOBS, Worker
from qol_app.worker.sending import Sender

log = logging.getLogger(__name__)


def make_worker(runtime: Runtime, settings: Settings) -> Worker:
    """Return a worker with every channel that the settings allow.

    Raises
    ------
    SettingsError
        If there is no channel at all, or a setting is wrong.
    """
    channels = open_channels(settings)
    if not channels:
        raise SettingsError(
            "channels: found none; wanted at least one of SMTP_URL, SMS_URL, VAPID_PRIVATE_KEY"
        )
    return Worker(Sender(runtime, House.of(settings), channels))


@contextmanager
def mailbox(settings: Settings) -> Iterator[Settings]:
    """Yield the settings to send by; a demo without a mail server gets one of its own."""
    if not settings.demo or settings.smtp_url:
        yield settings
        return
    sink = Sink(settings.instance)
    url = sink.start()
    try:
        yield replace(settings, smtp_url=url)
    finally:
        sink.stop()


def add_jobs(scheduler: BaseScheduler, worker: Worker) -> None:
    """Give a scheduler every fixed job; each begins at once, the heartbeat before all."""
    scheduler.add_listener(_log_error, EVENT_JOB_ERROR)
    worker.heartbeat()
    for job in JOBS:
        scheduler.add_job(
            job.run,
            "interval",
            args=[worker],
            id=job.name,
            seconds=job.every.total_seconds(),
            next_run_time=datetime.now(UTC),
            coalesce=True,
            max_instances=1,
            # A tick that comes late is run late: the default would leave it out.
            misfire_grace_time=None,
        )


def run(runtime: Runtime) -> None:
    """Work until interrupted; then finish what is on its way and give the lease back."""
    runtime.check()
    with mailbox(runtime.settings) as settings:
        worker = make_worker(runtime, settings)
        scheduler = BlockingScheduler(
            timezone=UTC, executors={"default": ThreadPoolExecutor(len(JOBS))}
        )
        add_jobs(scheduler, worker)
        signal.signal(signal.SIGTERM, lambda *_: _end(scheduler))
        signal.signal(signal.SIGINT, lambda *_: _end(scheduler))
        log.info("worker %s: %s", worker.holder, ", ".join(worker.sender.channels))
        scheduler.start()
        worker.stop()


def _end(scheduler: Any) -> None:
    if scheduler.running:
        scheduler.shutdown(wait=True)


def _log_error(event: JobExecutionEvent) -> None:
    # The kind and place only: an exception's text may hold what a person wrote.
    error = event.exception
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    log.error("job %s: %s at %s", event.job_id, type(error).__name__, place)
