"""``flask demo``: fill a study with made-up participants, and run all of it on this machine."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import click
from flask import current_app
from waitress import create_server
from waitress.server import BaseWSGIServer

from qol_app.cli.current import runtime, writing
from qol_app.cli.database import load, migrate_command
from qol_app.errors import NotAllowed, SettingsError
from qol_app.services import demo
from qol_app.services.context import Actor


@click.group("demo")
def demo_group() -> None:
    """A study of made-up participants, to look at and to try out."""


@demo_group.command("fill")
def fill() -> None:
    """Enrol 24 made-up participants; leaves a study that has any as it is."""
    settings = runtime().settings
    if not settings.demo:
        raise NotAllowed("demo: found a live installation; wanted DEMO=yes in its settings")
    with runtime().reading(Actor.system("demo")) as ctx:
        if demo.is_filled(ctx):
            return
    with (
        writing() as ctx,
        click.progressbar(
            demo.fill(ctx, settings.protocol),
            length=len(demo.people()),
            label="filling the demo study",
        ) as steps,
    ):
        for _, ways_in in steps:
            last = ways_in
    path = settings.instance / "demo.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(asdict(last), indent=1))


@demo_group.command("run")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--host", default="127.0.0.1", show_default=True)
@click.pass_context
def run(command: click.Context, port: int, host: str) -> None:
    """Fill the study where it is empty; serve pages, worker and outbox until interrupted."""
    server = _listen(host, port)
    for step in (migrate_command, load, fill):
        command.invoke(step)
    settings = runtime().settings
    runtime().check()
    base_url = os.environ.get("BASE_URL") or f"http://localhost:{port}"
    # Both by name: a shell starts what it puts in the background with Ctrl-C ignored.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, _interrupt)
    worker = _start_worker(base_url)
    try:
        _say_ways_in(base_url, settings.instance / "demo.json")
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        worker.terminate()
        worker.wait(timeout=30)
    click.echo("stopped")


def _listen(host: str, port: int) -> BaseWSGIServer:
    try:
        listening = socket.create_server((host, port))
    except OSError as error:
        raise SettingsError(
            f"port: found {port}, which cannot be had ({os.strerror(error.errno or 0)}); "
            "wanted a free one: make run PORT=8080"
        ) from error
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    return create_server(app, sockets=[listening], threads=8, ident=None)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _start_worker(base_url: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "BASE_URL": base_url}
    return subprocess.Popen([sys.executable, "-m", "flask", "worker"], env=environment)


def _say_ways_in(base_url: str, path: Path) -> None:
    known = json.loads(path.read_text())
    coordinator = next(one for one in known["staff"] if one["role"] == "coordinator")
    click.echo(
        f"\nStart page      {base_url}/demo\n"
        f"Participant     {base_url}/a/{known['token']}\n"
        f"                PIN {known['pin']}\n"
        f"Coordinator     {base_url}/staff\n"
        f"                {coordinator['email']}, password {coordinator['password']},\n"
        f"                one-time code on the start page\n"
        f"Messages sent   {base_url}/demo/outbox\n"
        "\nCtrl-C stops everything and keeps the data.\n"
    )
