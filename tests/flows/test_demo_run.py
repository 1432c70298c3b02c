"""What ``make run`` does after installing: settings, schema, demo study, pages and worker."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from qol_app.settings import ROOT

FLASK = [sys.executable, "-m", "flask"]
STEPS = (["settings", "init", "--demo"], ["migrate"], ["definitions", "load"], ["demo", "fill"])


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def fetch(url: str, seconds: float = 60) -> str:
    """Return a page as soon as it is served."""
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as reply:
                return reply.read().decode()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


@pytest.mark.slow
def test_a_fresh_folder_becomes_a_served_study_and_a_second_run_keeps_it(tmp_path: Path):
    environment = {
        **{k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "BASE_URL")},
        "QOL_SETTINGS": str(tmp_path / "settings.env"),
    }
    for _ in range(2):
        for step in STEPS:
            subprocess.run([*FLASK, *step], cwd=ROOT, env=environment, check=True)
    ways_in = json.loads((tmp_path / "demo.json").read_text())
    assert (tmp_path / "settings.env").stat().st_mode & 0o077 == 0

    port = free_port()
    running = subprocess.Popen(
        [*FLASK, "demo", "run", "--port", str(port)],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        base = f"http://127.0.0.1:{port}"
        assert ways_in["pin"] in fetch(f"{base}/demo")
        assert "PIN" in fetch(f"{base}/a/{ways_in['token']}?lang=en")
        assert "<h1>" in fetch(f"{base}/")
    finally:
        running.send_signal(signal.SIGINT)
        said, wrong = running.communicate(timeout=60)
    assert ways_in["pin"] in said and f"/a/{ways_in['token']}" in said
    assert "Traceback" not in said + wrong
    assert running.returncode == 0
