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


class Pack:
    """Starts workers, and hears of their end."""

    def __init__(self, order: dict) -> None:
        self.order = order
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment,
        )
        self.ended: queue.Queue[tuple[int, int]] = queue.Queue()
        self._started: queue.Queue[int] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def start(self, point: str = "", passes: int = 0, signal_: int = signal.SIGKILL) -> int:
        """Start a worker that meets its fate at a point; return its process id."""
        assert self.process.stdin is not None
        order = {**self.order, "point": point, "passes": passes, "signal": int(signal_)}
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        self.process.stdin.flush()
        return self._started.get(timeout=30)

    def close(self) -> None:
        """End every worker."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            word, *numbers = line.split()
            if word == b"started":
                self._started.put(int(numbers[0]))
            else:
                self.ended.put((int(numbers[0]), int(numbers[1])))


@contextmanager
def pack(
    database_url: str, instance: Path, smtp: str, now: datetime, life_s: float = LIFE_S
) -> Iterator[Pack]:
    """Yield a pack whose workers' clock starts now and runs fast."""
    running = Pack(
        {
            "database_url": database_url,
            "instance": str(instance),
            "smtp_url": f"smtp://{smtp}",
            "clock": [time.time(), now.isoformat(), SPEED],
            "life_s": life_s,
            "threads": THREADS,
        }
    )
    try:
        yield running
    finally:
        running.close()
