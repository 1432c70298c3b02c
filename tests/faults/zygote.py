"""A process that forks workers: importing everything once makes a thousand deaths cheap.

It reads one JSON order per line and answers ``started PID``; it says ``ended PID SIGNAL``
when a worker has gone. A worker that was stopped and woken says ``resumed PID`` once it has gone
through all its jobs again. The order ``{"stop": true}`` ends every worker. They die with it.
"""

import ctypes
import gc
import json
import mmap
import os
import select
import signal
import struct
import sys
import threading
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.exc import OperationalError

from qol_app.delivery.message import HandedOver
from qol_app.delivery.smtp import Email, MailServer
from qol_app.runtime import Runtime
from qol_app.services import outgoing, reminders
from qol_app.services.composing import House
from qol_app.worker.jobs import Worker
from qol_app.worker.sending import ACTOR, Sender
from tests.conftest import make_runtime, make_settings

SWEEP, PREPARE = reminders.sweep, outgoing.prepare
CONCLUDE, RECOVER = outgoing.conclude, outgoing.recover
POINTS = (
    "before_claim",
    "after_claim",
    "before_begin",
    "after_begin",
    "during_call",
    "after_call",
    "before_conclude",
    "after_conclude",
    "before_recover",
    "after_recover",
)


@dataclass
class Fate:
    """Where a worker meets its end, after passing there so many times."""

    point: str
    passes: int
    signal: int
    # Held by whoever writes and while stopping, so that no other thread is inside a transaction
    # at that moment: that would stop others too, which has a test of its own.
    quiet: AbstractContextManager = field(default_factory=threading.RLock)
    woken: bool = False

    def reach(self, point: str) -> None:
        if point != self.point:
            return
        self.passes -= 1
        if self.passes < 0:
            self.point = ""
            with self.quiet:
                # To this very thread, so that it goes no further: any other may take its time.
                signal.pthread_kill(threading.get_ident(), self.signal)
                self.woken = True


class Leaps:
    """Seconds by which the clock of all workers has been put forward; shared over forks."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 8)

    @property
    def seconds(self) -> float:
        return struct.unpack("d", self._shared[:8])[0]

    @seconds.setter
    def seconds(self, value: float) -> None:
        self._shared[:8] = struct.pack("d", value)

    def wait(self, seen: float, at_most_s: float) -> None:
        """Wait until the clock is put forward."""
        until = time.monotonic() + at_most_s
        while self.seconds == seen and time.monotonic() < until:
            time.sleep(0.002)


LEAPS = Leaps()


class Clock:
    """Time that runs faster than ours, from an instant all workers agree on, and leaps."""

    def __init__(self, start: float, shown: str, speed: float) -> None:
        self.start, self.shown, self.speed = start, datetime.fromisoformat(shown), speed

    def __call__(self) -> datetime:
        passed = (time.time() - self.start) * self.speed
        return self.shown + timedelta(seconds=passed + LEAPS.seconds)


class FatefulMail(Email):
    """E-mail that may die with the content handed over and no answer read, or right after."""

    def __init__(self, server: MailServer, fate: Fate) -> None:
        super().__init__(server, "qol@example.org")
        self.fate = fate

    def send(self, message):
        handed = super().send(message)
        self.fate.reach("after_call")
        return handed

    def _content(self, smtp, content, message_id):
        answer = smtp.getreply

        def getreply():
            self.fate.reach("during_call")
            return answer()

        smtp.getreply = getreply
        return super()._content(smtp, content, message_id)


class CountingFile:
    """A provider that takes a message by one line in a file, and counts by that."""

    def __init__(self, path: str, fate: Fate) -> None:
        self.fate = fate
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def send(self, message):
        os.write(self.file, f"{message.thread}\n".encode())
        self.fate.reach("during_call")  # taken, but not answered yet
        self.fate.reach("after_call")
        return HandedOver(message.reference)


def with_fate(runtime: Runtime, fate: Fate, at_once: int) -> Runtime:
    """Return a runtime whose transactions of the send path may be the last thing done.

    It claims only so many at once, so that a pack of workers has many claims to die at.
    """
    label = threading.local()

    def labelled(name, original, really=bool):
        def call(*args, **kwargs):
            result = original(*args, **kwargs)
            if really(result):
                label.value = name
            return result

        return call

    def small_sweep(ctx, lease, channels):
        return replace(SWEEP(ctx, lease, channels, most=at_once), more=False)

    reminders.sweep = labelled("claim", small_sweep, lambda swept: swept.claimed)
    outgoing.prepare = labelled("begin", PREPARE)
    outgoing.conclude = labelled("conclude", CONCLUDE, lambda _: True)
    outgoing.recover = labelled("recover", RECOVER, lambda _: True)

    class Fateful(Runtime):
        @contextmanager
        def writing(self, actor):
            label.value = None
            quiet = fate.quiet if fate.signal == signal.SIGSTOP else nullcontext()
            with quiet, super().writing(actor) as ctx:
                yield ctx
                if label.value:
                    fate.reach(f"before_{label.value}")
            if label.value:
                fate.reach(f"after_{label.value}")

    return Fateful(**{name: getattr(runtime, name) for name in Runtime.__dataclass_fields__})


def make(order: dict, house: House, fate: Fate, runtime: Runtime) -> Worker:
    if "counter" in order:
        channel = CountingFile(order["counter"], fate)
    else:
        channel = FatefulMail(MailServer.from_url(order["smtp_url"], timeout_s=10), fate)
    fated = with_fate(runtime, fate, order["at_once"])
    sender = Sender(fated, house, {"email": channel}, threads=order["threads"])
    return Worker(sender, life=timedelta(seconds=order["life_s"]))


def warm_up(order: dict, house: House) -> Runtime:
    """Return a runtime whose statements are compiled and whose connections are closed."""
    before = threads()
    settings = make_settings(order["database_url"], Path(order["instance"]))
    runtime = make_runtime(settings, Clock(*order["clock"]))
    worker = make(order, house, Fate("", 0, 0), runtime)
    for job in (worker.heartbeat, worker.remind, worker.deliver, worker.stop):
        job()
    runtime.database.close()  # a child must not share a connection
    # One that has been joined may still be giving back what it had of OpenSSL, under a lock
    # which a child forked meanwhile would find taken for ever.
    while threads() > before:
        time.sleep(0.001)
    return runtime


def threads() -> int:
    """Return how many threads this process has for the kernel, which keeps them longer."""
    return len(os.listdir("/proc/self/task"))


def work(order: dict, house: House, runtime: Runtime) -> None:
    """Be a worker until killed."""
    fate = Fate(order["point"], order["passes"], order["signal"])
    worker = make(order, house, fate, runtime)
    beat = max(order["life_s"] / order["clock"][2] / 4, 0.02)  # in our own seconds
    threading.Thread(target=_beat, args=[worker, beat], daemon=True).start()
    since_woken = 0
    while True:
        for job in (worker.remind, worker.deliver):
            try:
                job()
            except Exception as error:
                print(f"{os.getpid()} {job.__name__}: {error!r}"[:300], file=sys.stderr)
        if since_woken == 2:
            os.write(1, f"resumed {os.getpid()}\n".encode())
        since_woken += fate.woken
        time.sleep(beat / 2)


def _beat(worker: Worker, every_s: float) -> None:
    while True:
        try:
            worker.heartbeat()
        except Exception as error:
            print(f"{os.getpid()} heartbeat: {error!r}"[:300], file=sys.stderr)
        time.sleep(every_s)


def run_and_die(order: dict, house: House, runtime: Runtime) -> None:
    """Be one of several that wait for the lease, use it, and die; end if no work is left."""
    worker = make(order, house, Fate(order["point"], order["passes"], order["signal"]), runtime)
    while True:
        seen = LEAPS.seconds
        try:
            worker.heartbeat()
            if worker.lease is None:
                LEAPS.wait(seen, at_most_s=order["life_s"])
                continue
            worker.deliver()
            worker.remind()
            if _nothing_left(worker):
                os._exit(0)
        except OperationalError as error:
            print(f"{os.getpid()}: {error!r}"[:300], file=sys.stderr)


def _nothing_left(worker: Worker) -> bool:
    if worker.lease is None or worker._anything_due():
        return False
    with worker.sender.runtime.reading(ACTOR) as ctx:
        return not outgoing.ready(ctx, worker.lease, 1)


def die_with_parent() -> None:
    ctypes.CDLL("libc.so.6").prctl(1, signal.SIGKILL)


def main() -> None:
    die_with_parent()
    house = House.of(make_settings("", Path()))
    children: dict[int, float] = {}
    runtimes: dict[str, Runtime] = {}
    buffer = b""
    while True:
        readable, _, _ = select.select([0], [], [], 0.004)
        if readable:
            more = os.read(0, 65536)
            if not more:
                break
            *lines, buffer = (buffer + more).split(b"\n")
            for line in lines:
                order = json.loads(line)
                if "stop" in order:
                    end(children)
                    runtimes.clear()
                    LEAPS.seconds = 0.0
                    print("stopped 0", flush=True)
                    continue
                if order["database_url"] not in runtimes:
                    runtimes[order["database_url"]] = warm_up(order, house)
                    gc.freeze()
                pid = fork(order, house, runtimes[order["database_url"]])
                children[pid] = order["leap_s"]
        for pid in list(children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                # The lease of the dead has run out: nobody has to wait for that in earnest.
                LEAPS.seconds += children.pop(pid)
                print(f"ended {pid} {os.WTERMSIG(status)}", flush=True)
    end(children)


def fork(order: dict, house: House, runtime: Runtime) -> int:
    """Return the process id of a new worker."""
    pid = os.fork()
    if pid == 0:
        die_with_parent()
        os.close(0)
        gc.disable()  # looking for rubbish would copy every page of what is shared
        (run_and_die if "counter" in order else work)(order, house, runtime)
    print(f"started {pid}", flush=True)
    return pid


def end(children: dict[int, float]) -> None:
    """Kill every worker and wait until it has gone."""
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    for pid in children:
        os.waitpid(pid, 0)
    children.clear()


if __name__ == "__main__":
    main()
