"""Worker processes under the test's hand, and a mail server that counts what it took."""

import asyncio
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from qol_app.settings import ROOT
from tests.delivery.mail_fake import ACCEPT

# Lease seconds on the workers' clock, and how much faster than ours that clock runs.
LIFE_S, SPEED = 6.0, 40.0
THREADS = 2
# For answers of processes that a busy machine may leave standing; nothing waits for it in vain.
PATIENCE_S = 120
# Where deaths follow one another closely the clock leaps by so much at each of them, so that a
# dead worker's lease is free at once, and a slow one's lasts. Ten thousand fit into a day.
RELAY_LIFE_S = 2.0


class Counting:
    """Takes everything and counts it by Message-ID."""

    def __init__(self, delay_s: float = 0.0) -> None:
        self.counts: Counter[str] = Counter()
        self.delay_s = delay_s

    async def handle_DATA(self, server, session, envelope):
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        for line in envelope.content.split(b"\r\n"):
            if line.lower().startswith(b"message-id:"):
                self.counts[line.partition(b"<")[2].partition(b"@")[0].decode()] += 1
                break
        return ACCEPT


class Zygote:
    """The process that forks workers; one for all tests of a run."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment,
        )
        self.heard: dict[str, queue.Queue[tuple[int, ...]]] = {
            word: queue.Queue() for word in ("started", "ended", "stopped", "resumed")
        }
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def order(self, **what: object) -> None:
        """Give an order."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what).encode() + b"\n")
        self.process.stdin.flush()

    def stop(self) -> None:
        """End every worker, and forget those that ended before."""
        self.order(stop=True)
        self.heard["stopped"].get(timeout=PATIENCE_S)
        for word in ("started", "ended", "resumed"):
            self.heard[word].queue.clear()

    def close(self) -> None:
        """End the process and all that it forked."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=PATIENCE_S)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            word, *numbers = line.split()
            self.heard[word.decode()].put(tuple(map(int, numbers)))


class Pack:
    """Starts workers on one database, and hears of their end."""

    def __init__(self, zygote: Zygote, order: dict) -> None:
        self.zygote, self.order = zygote, order
        self.ended = zygote.heard["ended"]

    def start(self, point: str = "", passes: int = 0, signal_: int = signal.SIGKILL) -> int:
        """Start a worker that meets its fate at a point; return its process id."""
        self.zygote.order(**self.order, point=point, passes=passes, signal=int(signal_))
        return self.zygote.heard["started"].get(timeout=PATIENCE_S)[0]

    def wake(self, pid: int) -> None:
        """Let a stopped worker go on, until it has gone through all its jobs again."""
        os.kill(pid, signal.SIGCONT)
        assert self.zygote.heard["resumed"].get(timeout=PATIENCE_S) == (pid,)


@contextmanager
def pack(
    zygote: Zygote,
    database_url: str,
    instance: Path,
    smtp: str,
    now: datetime,
    life_s: float = LIFE_S,
    at_once: int = 3,
) -> Iterator[Pack]:
    """Yield a pack whose workers' clock starts now and runs fast."""
    order = {
        "database_url": database_url,
        "instance": str(instance),
        "smtp_url": f"smtp://{smtp}",
        "clock": [time.time(), now.isoformat(), SPEED],
        "life_s": life_s,
        "leap_s": 0.0,
        "threads": THREADS,
        "at_once": at_once,
    }
    try:
        yield Pack(zygote, order)
    finally:
        zygote.stop()


@contextmanager
def relay(zygote: Zygote, database_url: str, instance: Path, now: datetime) -> Iterator[Pack]:
    """Yield a pack for many quick deaths: its provider is a file, its lease short."""
    order = {
        "database_url": database_url,
        "instance": str(instance),
        "counter": str(instance / "taken"),
        "clock": [time.time(), now.isoformat(), 1.0],
        "life_s": RELAY_LIFE_S,
        "leap_s": RELAY_LIFE_S,
        "threads": 1,
        "at_once": 2,
    }
    try:
        yield Pack(zygote, order)
    finally:
        zygote.stop()
