"""The process: APScheduler runs the fixed jobs until it is told to stop."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from apscheduler.events import EVENT_JOB_ERROR, EVENT_SCHEDULER_STARTED, JobExecutionEvent
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
        _end_when_told(scheduler)
        add_jobs(scheduler, worker)
        log.info("worker %s: %s", worker.holder, ", ".join(worker.sender.channels))
        scheduler.start()
        worker.stop()


def _end_when_told(scheduler: BaseScheduler) -> None:
    """End the scheduler on SIGTERM and SIGINT, also on one that comes before it runs."""
    told = threading.Event()

    def end(*_: object) -> None:
        told.set()
        if scheduler.running:
            scheduler.shutdown(wait=True)

    def end_at_once(_: object) -> None:
        if told.is_set():
            scheduler.shutdown(wait=False)

    scheduler.add_listener(end_at_once, EVENT_SCHEDULER_STARTED)
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)


def _log_error(event: JobExecutionEvent) -> None:
    # The kind and place only: an exception's text may hold what a person wrote.
    error = event.exception
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    log.error("job %s: %s at %s", event.job_id, type(error).__name__, place)
