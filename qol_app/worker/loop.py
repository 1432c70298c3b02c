"""The process: APScheduler runs the fixed jobs until it is told to stop."""

import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler
from sqlalchemy.exc import OperationalError

from qol_app.db.waiting import in_words
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
        If there is no channel by which somebody can be reached who has not asked for notices on
        a telephone, or a setting is wrong.
    """
    channels = open_channels(settings)
    if not channels.keys() - {"push"}:
        found = ", ".join(channels) or "none"
        raise SettingsError(f"channels: found {found}; wanted at least one of SMTP_URL, SMS_URL")
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
    # Its own record of a failure is a traceback with all the values of the statement.
    logging.getLogger("apscheduler.executors").setLevel(logging.CRITICAL)
    _try(worker.heartbeat, "heartbeat")
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
    with _endings() as wait_for_ending, mailbox(runtime.settings) as settings:
        worker = make_worker(runtime, settings)
        scheduler = BackgroundScheduler(
            timezone=UTC, executors={"default": ThreadPoolExecutor(len(JOBS))}
        )
        add_jobs(scheduler, worker)
        log.info("worker %s: %s", worker.holder, ", ".join(worker.sender.channels))
        scheduler.start()
        wait_for_ending()
        scheduler.shutdown(wait=True)
        _try(worker.stop, "stop")


@contextmanager
def _endings() -> Iterator[Callable[[], bytes]]:
    """Yield a wait for SIGTERM or SIGINT, also for one that has come before the wait.

    The interpreter itself writes a byte, in whichever thread the signal comes to: of two signals
    at once the system gives one to another thread than the main one, and a handler of ours would
    not run before the main thread wakes. A handler that ended the scheduler would run in the
    middle of whatever the main thread does, and wait for jobs which need a lock that it holds.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    woken_before = signal.set_wakeup_fd(writer)
    before = {
        number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield lambda: os.read(reader, 1)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(woken_before)
        os.close(reader)
        os.close(writer)


def _try(job: Callable[[], None], name: str) -> None:
    """Run a job outside the scheduler; a database that is held by another is no reason to end."""
    try:
        job()
    except OperationalError as error:
        _log(name, error)


def _log_error(event: JobExecutionEvent) -> None:
    _log(event.job_id, event.exception)


def _log(job: str, error: BaseException) -> None:
    # The kind and place only: an exception's text may hold what a person wrote.
    if isinstance(error, OperationalError):
        log.error("job %s: not done, tried again at its next time: %s", job, in_words(error))
        return
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
    log.error("job %s: %s at %s", job, type(error).__name__, place)
