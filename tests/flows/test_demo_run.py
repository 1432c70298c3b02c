"""What ``make run`` does after installing: settings, schema, demo study, pages and worker."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from qol_app.cli.demo import _be_known_as, _end
from qol_app.runtime import open_runtime
from qol_app.services.demo import ways_in_file
from qol_app.settings import ROOT
from tests.made_once import pages_of
from tests.participants import enrolled
from tests.staff_factories import make_staff, new_browser, sign_in
from tests.web.test_staff_participants import ENROLMENT

FLASK = [sys.executable, "-m", "flask"]


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def fetch(url: str, seconds: float = 180) -> str:
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


@contextmanager
def demo(environment: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Run the demo; yield its address and, once it has ended, the lines it printed."""
    port, said = free_port(), []
    running = subprocess.Popen(
        [*FLASK, "demo", "run", "--port", str(port)],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield f"http://127.0.0.1:{port}", said
    finally:
        running.send_signal(signal.SIGINT)
        said.append(running.communicate(timeout=60)[0])
    assert running.returncode == 0


@pytest.mark.slow
def test_a_fresh_folder_becomes_a_served_study_and_a_second_run_keeps_it(tmp_path: Path):
    environment = {
        **{k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "BASE_URL")},
        "QOL_SETTINGS": str(tmp_path / "settings.env"),
    }
    init = [*FLASK, "settings", "init", "--demo"]
    subprocess.run(init, cwd=ROOT, env=environment, check=True)
    assert (tmp_path / "settings.env").stat().st_mode & 0o077 == 0
    known = []
    for _ in range(2):
        with demo(environment) as (base, said):
            start = fetch(f"{base}/demo")
            ways_in = json.loads((tmp_path / "demo.json").read_text())["participants"][0]
            assert ways_in["pin"] in start
            assert "PIN" in fetch(f"{base}/a/{ways_in['token']}?lang=en")
            assert "<h1>" in fetch(f"{base}/")
        assert ways_in["pin"] in said[0] and f"/a/{ways_in['token']}" in said[0]
        assert "Traceback" not in said[0]
        known.append(ways_in)
    assert known[0] == known[1]


@pytest.mark.parametrize(
    ("command", "remedy"),
    [(("demo", "run"), "make run PORT=8080"), (("serve",), "flask serve --port 8080")],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_port_that_is_taken_is_one_line_with_what_to_type(runtime, command, remedy):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = pages_of(runtime).test_cli_runner().invoke(args=[*command, "--port", str(port)])
    assert said.exit_code == 1
    assert said.output.splitlines()[-1] == (
        f"Error: port: found {port}, which cannot be had (Address already in use); "
        f"wanted a free one: {remedy}"
    )


def run_in_vain(runtime):
    """Run a demo that cannot begin; return the line it ends with."""
    run = ["demo", "run", "--port", str(free_port())]
    said = pages_of(runtime).test_cli_runner().invoke(args=run)
    assert said.exit_code == 1
    return said.output.splitlines()[-1]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("found", "shown", "reason"),
    [
        (
            "postgresql+psycopg://me:secret@127.0.0.1:1/study",
            "postgresql+psycopg://me:***@127.0.0.1:1/study",
            "Connection refused",
        ),
        ("sqlite:////nowhere/qol.db", "sqlite:////nowhere/qol.db", "unable to open database file"),
    ],
)
def test_a_database_that_cannot_be_opened_is_one_line_without_its_password(
    runtime, found, shown, reason
):
    elsewhere = open_runtime(replace(runtime.settings, database_url=found))
    line = run_in_vain(elsewhere)
    assert line.startswith(f"Error: DATABASE_URL: found {shown}, which cannot be opened (")
    assert f"{reason}); wanted a database that runs" in line


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kept", [None, "{}"])
def test_a_database_filled_from_another_folder_is_told_apart_in_one_line(runtime, kept):
    enrolled(runtime)
    if kept is not None:  # by a program that kept other things
        ways_in_file(runtime.settings).write_text(kept)
    line = run_in_vain(open_runtime(replace(runtime.settings, demo=True)))
    assert line.startswith("Error: demo: found participants in the database, but no ")
    assert "wanted an empty database" in line


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_database_keeps_its_own_ways_in(runtime):
    urls = ("sqlite:///a.db", "postgresql+psycopg://me@here/a", "postgresql+psycopg://me@here/b")
    files = {ways_in_file(replace(runtime.settings, database_url=url)) for url in urls}
    assert len(files) == 3
    assert not any("me" in path.name.removeprefix("demo") for path in files)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_links_that_are_handed_over_lead_to_the_port_of_the_demo(runtime):
    app = pages_of(runtime)
    with app.app_context():
        _be_known_as("http://localhost:8377")
        assert app.extensions["qol_app"].settings.base_url == "http://localhost:8377"
    app.config["WTF_CSRF_ENABLED"] = False
    client = new_browser(app)
    sign_in(client, make_staff(runtime))
    page = client.post("/staff/enrol", data=ENROLMENT)
    assert "http://localhost:8377/a/" in page.text


def test_a_worker_that_does_not_end_is_stopped_and_said_so(capsys):
    deaf = "import signal; signal.signal(15, signal.SIG_IGN); print(1, flush=True); signal.pause()"
    with subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE) as worker:
        worker.stdout.readline()
        _end(worker, patience_s=0.1)
    assert worker.returncode == -signal.SIGKILL
    assert "was stopped" in capsys.readouterr().out


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_folder_that_cannot_be_made_is_one_line_that_names_the_setting(runtime, tmp_path):
    (tmp_path / "file").touch()
    nowhere = replace(runtime.settings, instance=tmp_path / "file" / "instance")
    pages = pages_of(replace(runtime, settings=nowhere))
    said = pages.test_cli_runner().invoke(args=["migrate"])
    assert said.exit_code == 1
    assert said.output.splitlines() == [
        f"Error: setting QOL_INSTANCE: found {nowhere.instance}, which cannot be made "
        "(Not a directory); wanted a folder that this program may write in"
    ]
