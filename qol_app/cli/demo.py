"""``flask demo``: fill a study with made-up participants, and run all of it on this machine."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import asdict, replace
from typing import Any

import click
from flask import current_app
from waitress.server import BaseWSGIServer

from qol_app.cli.current import runtime, writing
from qol_app.cli.database import migrate_command
from qol_app.cli.listening import listen
from qol_app.errors import NotAllowed
from qol_app.services import definitions, demo
from qol_app.services.context import Actor
from qol_app.settings import Settings


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
    path = demo.ways_in_file(settings)
    path.touch(mode=0o600)
    path.write_text(json.dumps(asdict(last), indent=1))


@demo_group.command("run")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--host", default="127.0.0.1", show_default=True)
@click.pass_context
def run(command: click.Context, port: int, host: str) -> None:
    """Fill the study where it is empty; serve pages, worker and outbox until interrupted."""
    with closing(listen(host, port, "make run PORT=8080", threads=8)) as server:
        command.invoke(migrate_command)
        _load()
        command.invoke(fill)
        runtime().check()
        base_url = os.environ.get("BASE_URL") or f"http://localhost:{port}"
        _be_known_as(base_url)
        _serve(server, base_url, _ways_in(runtime().settings))
    click.echo("stopped")


def _be_known_as(base_url: str) -> None:
    """Have the pages hand out links to the port they are served at."""
    settings = replace(runtime().settings, base_url=base_url)
    current_app.extensions["qol_app"] = replace(runtime(), settings=settings)


def _serve(server: BaseWSGIServer, base_url: str, ways_in: dict[str, Any]) -> None:
    _when_told_to_end(_interrupt)
    worker = _start_worker(base_url)
    try:
        _say_ways_in(base_url, ways_in)
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        _when_told_to_end(signal.SIG_IGN)
        _end(worker)


def _load() -> None:
    """Load what is new, and say how much; ``flask definitions load`` says what."""
    settings = runtime().settings
    with writing() as ctx:
        lines = list(definitions.load(ctx, settings.questionnaires, settings.protocol))
    for note in (line for line in lines if line.startswith("note:")):
        click.echo(note)
    kinds = Counter(line.split()[0] for line in lines)
    if kinds["instrument"] + kinds["wording"] + kinds["protocol"]:
        click.echo(
            f"loaded: {kinds['instrument']} instruments, {kinds['wording']} wordings, "
            f"{kinds['protocol']} protocol"
        )


def _when_told_to_end(handler: Any) -> None:
    # Both by name: a shell starts what it puts in the background with Ctrl-C ignored.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, handler)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _end(worker: subprocess.Popen[bytes], patience_s: float = 60) -> None:
    """Let the worker finish what is on its way, but not for ever."""
    worker.terminate()
    try:
        worker.wait(patience_s)
    except subprocess.TimeoutExpired:
        worker.kill()
        click.echo(f"the worker had not ended after {patience_s:.0f} s and was stopped")


def _start_worker(base_url: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "BASE_URL": base_url}
    return subprocess.Popen([sys.executable, "-m", "flask", "worker"], env=environment)


def _ways_in(settings: Settings) -> dict[str, Any]:
    """Return the ways into a study that is filled.

    Raises
    ------
    NotAllowed
        If another folder than this one filled it: its link and passwords are known there only.
    """
    path = demo.ways_in_file(settings)
    known = json.loads(path.read_text()) if path.exists() else {}
    if "participants" not in known:
        raise NotAllowed(
            f"demo: found participants in the database, but no {path} with the ways in; wanted "
            "an empty database, or the instance folder that filled this one"
        )
    return known


def _say_ways_in(base_url: str, known: dict[str, Any]) -> None:
    coordinator = next(one for one in known["staff"] if one["role"] == "coordinator")
    participant = known["participants"][0]
    click.echo(
        f"\nStart page      {base_url}/demo\n"
        f"Participant     {base_url}/a/{participant['token']}\n"
        f"                PIN {participant['pin']}\n"
        f"Coordinator     {base_url}/staff\n"
        f"                {coordinator['email']}, password {coordinator['password']},\n"
        f"                one-time code on the start page\n"
        f"Messages sent   {base_url}/demo/outbox\n"
        "\nCtrl-C stops everything and keeps the data.\n"
    )
